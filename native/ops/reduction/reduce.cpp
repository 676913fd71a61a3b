// Reductions of float32 and float64: which passes each needs (reduction.h runs them).
#include <math.h>

#include "../dispatch.h"
#include "../rows.h"
#include "reduction.h"

namespace tilegrad {
namespace {

template <class T>
UnaryKernel<T> unary(Unary op) {
  return floatKernels<T>().elementwise.unary[static_cast<int>(op)];
}

template <class T>
BinaryKernel<T> binary(Binary op) {
  return floatKernels<T>().elementwise.binary[static_cast<int>(op)];
}

template <class T>
using Map = void (*)(const Pass<T>& pass, int64_t n, const T* x, const T* c, int64_t cStep, T* y);

template <class T>
Pass<T> sums(Map<T> map = nullptr) {
  const ReduceKernels<T>& k = floatKernels<T>().reduce;
  Pass<T> pass{0,       k.sum, floatKernels<T>().columns.sumRows, binary<T>(Binary::add), map,
               nullptr, 0};
  pass.each = k.sumEach;
  return pass;
}

// Squares of differences from c, or of the values.
template <class T>
Pass<T> squares(Map<T> map) {
  Pass<T> pass = sums<T>(map);
  pass.mappedRange = floatKernels<T>().reduce.squares;
  pass.squared = true;
  return pass;
}

template <class T>
Pass<T> products() {
  const ReduceKernels<T>& k = floatKernels<T>().reduce;
  return {1,       k.prod, floatKernels<T>().columns.prodRows, binary<T>(Binary::mul), nullptr,
          nullptr, 0};
}

template <class T>
Pass<T> maxima(Map<T> map = nullptr) {
  const ReduceKernels<T>& k = floatKernels<T>().reduce;
  Pass<T> pass{static_cast<T>(-INFINITY),
               k.max,
               floatKernels<T>().columns.maxRows,
               binary<T>(Binary::maximum),
               map,
               nullptr,
               0};
  pass.toColumns = floatKernels<T>().softmaxColumns.toColumns;
  return pass;
}

template <class T>
Pass<T> minima(Map<T> map = nullptr) {
  const ReduceKernels<T>& k = floatKernels<T>().reduce;
  Pass<T> pass{static_cast<T>(INFINITY),
               k.min,
               floatKernels<T>().columns.minRows,
               binary<T>(Binary::minimum),
               map,
               nullptr,
               0};
  pass.toColumns = floatKernels<T>().softmaxColumns.toColumns;
  return pass;
}

template <class T, Unary op>
void mapUnary(const Pass<T>&, int64_t n, const T* x, const T*, int64_t, T* y) {
  unary<T>(op)(n, x, y);
}

template <class T>
void mapSquaredDifference(const Pass<T>&, int64_t n, const T* x, const T* c, int64_t cStep, T* y) {
  binary<T>(Binary::squaredDifference)(n, x, 1, c, cStep, y);
}

// exp(x - c)
template <class T>
void mapShiftedExp(const Pass<T>&, int64_t n, const T* x, const T* c, int64_t cStep, T* y) {
  binary<T>(Binary::sub)(n, x, 1, c, cStep, y);
  unary<T>(Unary::exp)(n, y, y);
}

// (x / c)^2
template <class T>
void mapSquaredQuotient(const Pass<T>&, int64_t n, const T* x, const T* c, int64_t cStep, T* y) {
  binary<T>(Binary::div)(n, x, 1, c, cStep, y);
  unary<T>(Unary::square)(n, y, y);
}

// |x / c|^power = exp(power * log(|x / c|))
template <class T>
void mapPower(const Pass<T>& pass, int64_t n, const T* x, const T* c, int64_t cStep, T* y) {
  binary<T>(Binary::div)(n, x, 1, c, cStep, y);
  unary<T>(Unary::abs)(n, y, y);
  unary<T>(Unary::log)(n, y, y);
  binary<T>(Binary::mul)(n, y, 1, &pass.power, 0, y);
  unary<T>(Unary::exp)(n, y, y);
}

template <class T>
bool solveOnePass(const Reduction<T>& r, const Runner<T>& runner, int64_t, T* results) {
  return runner.run(r.pass, nullptr, results);
}

template <class T>
bool solveMean(const Reduction<T>& r, const Runner<T>& runner, int64_t cols, T* results) {
  if (!runner.run(sums<T>(), nullptr, results)) return false;
  const T n = static_cast<T>(r.n);
  binary<T>(Binary::div)(cols, results, 1, &n, 0, results);
  return true;
}

// The squares of differences from the mean; `number` divides their sum.
template <class T>
bool solveVariance(const Reduction<T>& r, const Runner<T>& runner, int64_t cols, T* results) {
  T mean[kTaskCols];
  if (!solveMean(r, runner, cols, mean)) return false;
  if (!runner.run(squares<T>(mapSquaredDifference<T>), mean, results)) return false;
  const T divisor = static_cast<T>(r.number);
  binary<T>(Binary::div)(cols, results, 1, &divisor, 0, results);
  return true;
}

// log(sum(exp(x - max))) + max; an infinite maximum is not subtracted.
template <class T>
bool solveLogSumExp(const Reduction<T>&, const Runner<T>& runner, int64_t cols, T* results) {
  T shift[kTaskCols];
  if (!runner.run(maxima<T>(), nullptr, shift)) return false;
  for (int64_t j = 0; j < cols; ++j) {
    if (isinf(shift[j])) shift[j] = 0;
  }
  if (!runner.run(sums<T>(mapShiftedExp<T>), shift, results)) return false;
  unary<T>(Unary::log)(cols, results, results);
  binary<T>(Binary::add)(cols, results, 1, shift, 1, results);
  return true;
}

// Whether a norm is the extremum of |x| itself, whatever the other values are.
template <class T>
bool isFinal(T extremum) {
  return extremum == 0 || !isfinite(extremum);
}

// What values are divided by, so that none overflows: the extremum where there is a norm to
// compute.
template <class T>
void toScales(int64_t cols, const T* extrema, T* scales) {
  for (int64_t j = 0; j < cols; ++j) scales[j] = isFinal(extrema[j]) ? 1 : extrema[j];
}

// The 2-norm: the root of the sum of squares where that is safe. Otherwise values are divided by
// their maximum first.
template <class T>
bool solveNorm2(const Reduction<T>&, const Runner<T>& runner, int64_t cols, T* results) {
  if (!runner.run(squares<T>(mapUnary<T, Unary::square>), nullptr, results)) return false;
  bool safe = true;
  for (int64_t j = 0; j < cols; ++j) safe = safe && isSafeNorm(results[j]);
  if (safe) {
    unary<T>(Unary::sqrt)(cols, results, results);
    return true;
  }
  T extrema[kTaskCols], scales[kTaskCols];
  if (!runner.run(maxima<T>(mapUnary<T, Unary::abs>), nullptr, extrema)) return false;
  toScales(cols, extrema, scales);
  for (int64_t j = 0; j < cols; ++j) {
    if (isSafeNorm(results[j])) scales[j] = 1;
  }
  T scaled[kTaskCols];
  if (!runner.run(sums<T>(mapSquaredQuotient<T>), scales, scaled)) return false;
  unary<T>(Unary::sqrt)(cols, scaled, scaled);
  binary<T>(Binary::mul)(cols, scaled, 1, scales, 1, scaled);
  for (int64_t j = 0; j < cols; ++j) {
    results[j] = !isSafeNorm(results[j]) && isFinal(extrema[j]) ? extrema[j] : scaled[j];
  }
  return true;
}

// The p-norm for p = `number`, from powers of |x| / c, none of them above 1: c is the maximum, or
// for a negative p the minimum.
template <class T>
bool solvePowers(const Reduction<T>& r, const Runner<T>& runner, int64_t cols, T* results) {
  constexpr Map<T> kAbs = mapUnary<T, Unary::abs>;
  T extrema[kTaskCols], scales[kTaskCols];
  if (!runner.run(r.number > 0 ? maxima<T>(kAbs) : minima<T>(kAbs), nullptr, extrema)) return false;
  toScales(cols, extrema, scales);
  Pass<T> powers = sums<T>(mapPower<T>);
  powers.power = static_cast<T>(r.number);
  if (!runner.run(powers, scales, results)) return false;
  unary<T>(Unary::log)(cols, results, results);
  binary<T>(Binary::div)(cols, results, 1, &powers.power, 0, results);
  unary<T>(Unary::exp)(cols, results, results);
  binary<T>(Binary::mul)(cols, results, 1, scales, 1, results);
  for (int64_t j = 0; j < cols; ++j) {
    if (isFinal(extrema[j])) results[j] = extrema[j];
  }
  return true;
}

enum class Kind { sum, mean, prod, max, min, nansum, variance, logsumexp, norm };

template <class T>
void setNorm(Reduction<T>* r) {
  constexpr Map<T> kAbs = mapUnary<T, Unary::abs>;
  if (r->number == 1) {
    r->pass = sums<T>(kAbs);
  } else if (isinf(r->number)) {
    r->pass = r->number > 0 ? maxima<T>(kAbs) : minima<T>(kAbs);
  } else if (r->number == 2) {
    r->solve = solveNorm2<T>;
  } else {
    r->solve = solvePowers<T>;
    r->share = kHeavyShare;
  }
}

template <class T>
Status reduce(const Command& c, Kind kind) {
  Reduction<T> r{};
  r.solve = solveOnePass<T>;
  r.share = kLightShare;
  switch (kind) {
    case Kind::sum:
      r.pass = sums<T>();
      break;
    case Kind::mean:
      r.solve = solveMean<T>;
      break;
    case Kind::prod:
      r.pass = products<T>();
      break;
    case Kind::max:
      r.pass = maxima<T>();
      r.unordered = true;
      break;
    case Kind::min:
      r.pass = minima<T>();
      r.unordered = true;
      break;
    case Kind::nansum:
      r.pass = sums<T>(mapUnary<T, Unary::nanToZero>);
      r.pass.mappedRange = floatKernels<T>().reduce.numbers;
      break;
    case Kind::variance:
      r.solve = solveVariance<T>;
      r.number = c.number[1].f;
      break;
    case Kind::logsumexp:
      r.solve = solveLogSumExp<T>;
      r.share = kHeavyShare;
      break;
    case Kind::norm:
      r.number = c.number[1].f;
      setNorm(&r);
      break;
  }
  return runReduction(c, &r);
}

template <Kind kind>
Status runReduce(const Command& c) {
  return c.type[0] == DType::float64 ? reduce<double>(c, kind) : reduce<float>(c, kind);
}

// All distances |a[i] - b[j]|_p: the differences from one a, many columns j at a time, and their
// norms.
template <class T>
Status distancesOf(const Command& c) {
  const int64_t batch = c.number[0].i, m = c.number[1].i, k = c.number[2].i, n = c.number[3].i;
  const T* const a = static_cast<const T*>(c.data[0]);
  const T* const b = static_cast<const T*>(c.data[1]);
  if (batch == 0 || m == 0 || k == 0 || n == 0) return Status::ok;
  Reduction<T> r{};
  r.solve = solveOnePass<T>;
  r.share = kLightShare;
  r.number = c.number[4].f;
  setNorm(&r);
  r.y = static_cast<char*>(c.data[2]);
  r.xSize = r.ySize = sizeof(T);
  r.reduced.rank = 1;
  r.reduced.shape[0] = r.n = k;
  r.reduced.stride[0][0] = kTaskCols;
  const int64_t tiles = (n + kTaskCols - 1) / kTaskCols;
  const int64_t bytes = k * (n < kTaskCols ? n : kTaskCols) * static_cast<int64_t>(sizeof(T));
  return parallelStatus(batch * m * tiles, r.share / bytes + 1, [&](int64_t begin, int64_t end) {
    const size_t size = static_cast<size_t>(k * kTaskCols) * sizeof(T);
    T* const differences = static_cast<T*>(scratch(ScratchSlot::block, size));
    if (!differences) return Status::outOfMemory;
    for (int64_t task = begin; task < end; ++task) {
      const int64_t row = task / tiles, first = task % tiles * kTaskCols;
      const int64_t cols = n - first < kTaskCols ? n - first : kTaskCols;
      for (int64_t i = 0; i < k; ++i) {
        binary<T>(Binary::sub)(cols, a + row * k + i, 0, b + (row / m * k + i) * n + first, 1,
                               differences + i * kTaskCols);
      }
      const ColumnRunner<T> runner(r, cols, reinterpret_cast<const char*>(differences));
      finishColumns(r, runner, cols, row * n + first, 1);
    }
    return Status::ok;
  });
}

// The gradients of distances of order 1, whose derivative is a sign.
template <class T>
void distanceSigns(const Command& c) {
  const int64_t batch = c.number[0].i, m = c.number[1].i, k = c.number[2].i, n = c.number[3].i;
  if (m == 0 || n == 0) return;
  parallelShares(batch * k, 1, 4 * m * n * static_cast<int64_t>(sizeof(T)), kLightShare,
                 [&](int64_t begin, int64_t end) {
                   T share[kTaskCols];
                   for (int64_t row = begin; row < end; ++row) {
                     const T* const a = static_cast<const T*>(c.data[0]) + row * m;
                     const T* const b = static_cast<const T*>(c.data[1]) + row * n;
                     const T* const g = static_cast<const T*>(c.data[2]) + row / k * m * n;
                     T* const da = static_cast<T*>(c.data[3]) + row * m;
                     T* const db = static_cast<T*>(c.data[4]) + row * n;
                     for (int64_t i = 0; i < m; ++i) da[i] = 0;
                     for (int64_t j = 0; j < n; ++j) db[j] = 0;
                     for (int64_t first = 0; first < n; first += kTaskCols) {
                       const int64_t cols = n - first < kTaskCols ? n - first : kTaskCols;
                       for (int64_t i = 0; i < m; ++i) {
                         binary<T>(Binary::sub)(cols, a + i, 0, b + first, 1, share);
                         unary<T>(Unary::sign)(cols, share, share);
                         binary<T>(Binary::mul)(cols, share, 1, g + i * n + first, 1, share);
                         da[i] += floatKernels<T>().reduce.sum(cols, share);
                         binary<T>(Binary::sub)(cols, db + first, 1, share, 1, db + first);
                       }
                     }
                   }
                 });
}

Status runDistances(const Command& c) {
  return c.type[0] == DType::float64 ? distancesOf<double>(c) : distancesOf<float>(c);
}

Status runDistanceSigns(const Command& c) {
  if (c.type[0] == DType::float64) {
    distanceSigns<double>(c);
  } else {
    distanceSigns<float>(c);
  }
  return Status::ok;
}

const char* checkDistances(const Command& c) {
  return c.number[4].f > 0 ? nullptr : "p is not above 0";
}

const char* checkReduce(const Command& c) { return checkReduced(c, 2); }

template <class T>
void shorten(int64_t n, T* y, T most) {
  const T eps = static_cast<T>(1e-7);
  for (int64_t i = 0; i < n; ++i) y[i] = y[i] > most ? most / (y[i] + eps) : 1;
}

Status runShortening(const Command& c) {
  const double most = c.number[1].f;
  if (c.type[0] == DType::float64) {
    shorten(c.number[0].i, static_cast<double*>(c.data[0]), most);
  } else {
    shorten(c.number[0].i, static_cast<float*>(c.data[0]), static_cast<float>(most));
  }
  return Status::ok;
}

// The first `kept` dimensions of the geometry are those of the result; the others are reduced, and
// y's strides are 0 there. Nothing is written when a dimension is empty. NaN wins over any maximum
// or minimum.
constexpr char kSignature[] = "in x T[@] out y T[@]; kept int";

const Row kRows[] = {
    {"sum", kSignature, runReduce<Kind::sum>, checkReduce},
    {"mean", kSignature, runReduce<Kind::mean>, checkReduce},
    {"prod", kSignature, runReduce<Kind::prod>, checkReduce},
    {"max", kSignature, runReduce<Kind::max>, checkReduce},
    {"min", kSignature, runReduce<Kind::min>, checkReduce},
    {"nansum", kSignature, runReduce<Kind::nansum>, checkReduce},
    {"logsumexp", kSignature, runReduce<Kind::logsumexp>, checkReduce},
    // The sum of (x - mean)^2, divided by `divisor`.
    {"variance", "in x T[@] out y T[@]; kept int divisor real", runReduce<Kind::variance>,
     checkReduce},
    // (sum of |x|^p)^(1/p), the largest or smallest |x| for an infinite p.
    {"norm", "in x T[@] out y T[@]; kept int p real", runReduce<Kind::norm>, checkReduce},
    // Norms y become what shortens to `most` what is longer: most / (y + 1e-7), PyTorch's number,
    // or 1.
    {"shortening", "inout y T[n]; n size most real", runShortening, nullptr},
    // |a[i] - b[:, j]|_p for every i and j.
    {"distances", "in a T[batch m k] in b T[batch k n] out y T[batch m n]; batch m k n size p real",
     runDistances, checkDistances},
    // For p = 1: da[:, i] is the sum over j of g[i, j] sign(a[:, i] - b[:, j]), db the same over i,
    // negative.
    {"distanceSigns",
     "in a T[batch k m] in b T[batch k n] in g T[batch m n] out da T[batch k m] "
     "out db T[batch k n]; batch m k n size",
     runDistanceSigns, nullptr},
};

}  // namespace

RowList reduceRows() { return rowList(kRows); }

}  // namespace tilegrad
