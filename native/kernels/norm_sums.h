// The sums of normalisation over contiguous values, in the order of reduce.h.
#pragma once
#include "per_lane.h"
#include "reduce.h"

TG_TARGET_BEGIN

// g * weight * (x - shift).
template <class T>
struct WeightedGradient {
  LaneSource<T> g, weight, x;
  Vec<T> shift;
  TG_INLINE Vec<T> load(const WeightedGradient& s, int64_t i) {
    const Vec<T> d = sub(vload<T>(s.x.at(i)), s.shift);
    return mul(mul(vload<T>(s.g.at(i)), vload<T>(s.weight.at(i))), d);
  }
  TG_INLINE Vec<T> loadFirst(const WeightedGradient& s, int64_t i, int64_t n) {
    const Vec<T> d = sub(vloadFirst<T>(s.x.at(i), n), s.shift);
    return mul(mul(vloadFirst<T>(s.g.at(i), n), vloadFirst<T>(s.weight.at(i), n)), d);
  }
};

template <class T>
void gradientsKernel(int64_t n, const T* x, PerLane<T> g, PerLane<T> weight, T shift, T* sum,
                     T* dot) {
  Copies<T> copies[3];
  const LaneSource<T> gs = sourceOf(g, copies[0]), weights = sourceOf(weight, copies[1]);
  const LaneSource<T> one = sourceOf({nullptr, 1}, copies[2]);
  const auto reduce = [n](const WeightedGradient<T>& source) {
    return reduceRange<SumReduction, T>(source, 0, n);
  };
  // 1 - 0 in the place of x - shift changes nothing.
  *sum = reduce({gs, weights, one, vsplat<T>(0)});
  *dot = reduce({gs, weights, {x, -1}, vsplat<T>(shift)});
}

// Two rows have as many sums together as the accumulators of four rows hold. As many rows further
// on are asked for, in the order of memory.
template <class T>
void gradientsEachKernel(int64_t rows, int64_t n, const T* x, int64_t xRow, const T* g,
                         PerLane<T> weight, const T* shift, T* sum, T* dot) {
  constexpr int kRows = kRowsTogether / 2;
  Copies<T> copies;
  const LaneSource<T> weights = sourceOf(weight, copies);
  int64_t i = 0;
  for (; i + kRows <= rows; i += kRows) {
    const T* const xs = x + i * xRow;
    const T* const gs = g + i * n;
    Vec<T> shifts[kRows];
    TG_UNROLL for (int r = 0; r < kRows; ++r) shifts[r] = vsplat<T>(shift ? shift[i + r] : 0);
    const auto load = [=](int64_t at, Lanes lanes, Vec<T>(&v)[2 * kRows]) TG_INLINE_LAMBDA {
      const Vec<T> w = get(lanes, weights.at(at));
      TG_UNROLL for (int r = 0; r < kRows; ++r) {
        prefetch(xs + rows * xRow + at * kRows + r * kLanes<T>);
        prefetch(gs + rows * n + at * kRows + r * kLanes<T>);
        v[r] = mul(get(lanes, gs + r * n + at), w);
        v[kRows + r] = mul(v[r], sub(get(lanes, xs + r * xRow + at), shifts[r]));
      }
    };
    T sums[2 * kRows];
    reduceTogether<SumReduction, T, 2 * kRows>(n, load, sums);
    TG_UNROLL for (int r = 0; r < kRows; ++r) {
      sum[i + r] = sums[r];
      dot[i + r] = sums[kRows + r];
    }
  }
  for (; i < rows; ++i) {
    gradientsKernel<T>(n, x + i * xRow, {g + i * n, 0}, weight, shift ? shift[i] : 0, sum + i,
                       dot + i);
  }
}

template <class T>
TG_INLINE Vec<T> taken(AllLanes, Vec<T> sum, Vec<T>) {
  return sum;
}

template <class T>
TG_INLINE Vec<T> taken(Lanes lanes, Vec<T> sum, Vec<T> before) {
  return select(vfirstLanes<T>(lanes.n), sum, before);
}

// What the results of a row need besides its values.
template <class T>
struct RowFactors {
  T slope, offset;
};

// How far ahead values are asked for, in bytes: of 1 to 8 KB the best for 4096 rows of 768 values,
// and as good as any for 64.
constexpr int64_t kNormAhead = 3072;

// Goes through the columns once, for the sums of `row` (takes) and for the results of the row
// before it (gives).
template <class T, bool takes, bool gives>
TG_NOINLINE RowFactors<T> backwardStep(const RowNormalizationBackward<T>& job, LaneSource<T> weight,
                                       int64_t row, RowFactors<T> factors) {
  constexpr int64_t kWidth = kLanes<T>, kAhead = kNormAhead / static_cast<int64_t>(sizeof(T));
  const int64_t n = job.n, before = gives ? row - 1 : row;
  const T* const x = job.x + row * job.xRow;
  const T* const g = job.g + row * n;
  const T* const xBefore = job.x + before * job.xRow;
  const T* const gBefore = job.g + before * n;
  T* const dx = job.dx + before * n;
  T* const dweight = job.dweight;
  T* const dbias = job.dbias;
  const bool far = job.far, past = job.past;
  const Vec<T> shift = vsplat<T>(takes && job.mean ? job.mean[row] : 0);
  const Vec<T> mean = vsplat<T>(job.mean ? job.mean[before] : 0);
  const Vec<T> rstd = vsplat<T>(job.rstd[before]);
  const Vec<T> slope = vsplat<T>(factors.slope), offset = vsplat<T>(factors.offset);
  Vec<T> sum[4], dot[4];
  for (int u = 0; u < 4; ++u) sum[u] = dot[u] = SumReduction::template identity<T>();
  const auto step = [&](int64_t i, int u, auto lanes) TG_INLINE_LAMBDA {
    const Vec<T> w = get(lanes, weight.at(i));
    if constexpr (takes) {
      prefetchNear(x + i + kAhead);
      prefetchNear(g + i + kAhead);
      const Vec<T> weighted = mul(get(lanes, g + i), w);
      const Vec<T> d = sub(get(lanes, x + i), shift);
      sum[u] = taken(lanes, SumReduction::combine(sum[u], weighted), sum[u]);
      dot[u] = taken(lanes, SumReduction::combine(dot[u], mul(weighted, d)), dot[u]);
    }
    if constexpr (gives) {
      if (far) prefetchNear(dx + i + kAhead);
      const Vec<T> gradient = get(lanes, gBefore + i);
      const Vec<T> d = sub(get(lanes, xBefore + i), mean);
      if (dweight) put(lanes, dweight + i, fma(gradient, mul(d, rstd), get(lanes, dweight + i)));
      if (dbias) put(lanes, dbias + i, add(gradient, get(lanes, dbias + i)));
      const Vec<T> back = fma(d, slope, offset);
      putResult(lanes, past, dx + i, fma(gradient, mul(rstd, w), back));
    }
  };
  int64_t i = 0;
  for (; i + 4 * kWidth <= n; i += 4 * kWidth) {
    TG_UNROLL for (int u = 0; u < 4; ++u) step(i + u * kWidth, u, AllLanes{});
  }
  TG_UNROLL for (int u = 0; u < 4; ++u) {
    const int64_t at = i + u * kWidth;
    if (at < n) step(at, u, Lanes{n - at});
  }
  if constexpr (!takes) return {};
  const auto folded = [](const Vec<T>(&acc)[4]) TG_INLINE_LAMBDA {
    const Vec<T> even = SumReduction::combine(acc[0], acc[2]);
    const Vec<T> odd = SumReduction::combine(acc[1], acc[3]);
    const T all = SumReduction::template fold<T>(SumReduction::combine(even, odd));
    return static_cast<double>(all);
  };
  const double r = static_cast<double>(job.rstd[row]), count = static_cast<double>(n);
  return {static_cast<T>(-r * r * r * folded(dot) / count),
          job.mean ? static_cast<T>(-r * folded(sum) / count) : 0};
}

// The sums of a row are taken while the results of the row before it are computed: the first wait
// for memory, the second for their arithmetic, and each array is one stream. Rows side by side, or
// one pass after the other, take 1.5 times as long where memory limits them.
template <class T>
void backwardInTurnsKernel(const RowNormalizationBackward<T>& job) {
  Copies<T> copies;
  const LaneSource<T> weight = sourceOf(job.weight, copies);
  RowFactors<T> factors = backwardStep<T, true, false>(job, weight, 0, {});
  for (int64_t row = 1; row < job.rows; ++row) {
    factors = backwardStep<T, true, true>(job, weight, row, factors);
  }
  backwardStep<T, false, true>(job, weight, job.rows, factors);
  if (job.past) drainStores();
}

template <class T>
constexpr NormSumKernels<T> normSumKernels() {
  NormSumKernels<T> kernels{gradientsKernel<T>, nullptr, nullptr};
  if constexpr (kTakesRows<T>) {
    kernels.gradientsEach = gradientsEachKernel<T>;
    kernels.backwardInTurns = backwardInTurnsKernel<T>;
  }
  return kernels;
}

TG_TARGET_END
