// Elementwise and reduction kernels at every level of this machine: right against naive loops, and
// the same bits at all levels, for lengths around the vectors' and unaligned pointers.
#include "kernel_levels.h"

namespace tilegrad {
namespace test {
namespace {

using Real = long double;

Real silu(Real x) { return x < 0 ? x * (expl(x) / (1 + expl(x))) : x / (1 + expl(-x)); }

// Twice the argument of the tanh in the tanh form of GELU.
const Real kGeluScale = sqrtl(8 / 3.14159265358979323846264338327950288L);
Real geluArgument(Real x) { return kGeluScale * (x + 0.044715L * x * x * x); }

// With e = exp(-|x|) nothing cancels or overflows.
Real mish(Real x) {
  const Real e = expl(-fabsl(x));
  return x < 0 ? x * (e * (2 + e) / (2 + e * (2 + e)))
               : x * ((1 + 2 * e) / (1 + 2 * e + 2 * e * e));
}

// x - tanh(x); near 0 as (x cosh(x) - sinh(x)) / cosh(x), whose series cancels nothing.
Real tanhshrink(Real x) {
  if (fabsl(x) >= 1) return x - tanhl(x);
  Real term = x, sum = 0;  // x^(2 k + 1) / (2 k + 1)!
  for (int k = 1; k < 15; ++k) {
    term *= x * x / (2 * k * (2 * k + 1));
    sum += 2 * k * term;
  }
  return sum / coshl(x);
}

Real hardsigmoid(Real x) { return x != x ? x : x <= -3 ? 0 : x >= 3 ? 1 : (x + 3) / 6; }

// Newton's method on erf, and on erfc where erf loses what is near 1. Both only grow on the way.
Real erfinv(Real x) {
  const Real a = fabsl(x), slope = 2 / sqrtl(acosl(-1.0L));
  if (!(a < 1)) return a > 1 ? NAN : x * INFINITY;
  Real y = a / slope;
  for (int i = 0; i < 200; ++i) {
    const Real missing = a < 0.5L ? a - erfl(y) : erfcl(y) - (1 - a);
    const Real step = missing / slope * expl(y * y);
    y += step;
    if (fabsl(step) <= 1e-19L * y) break;
  }
  return copysignl(y, x);
}

// The derivatives of lgammal by the series that start at 40, where it is short: DLMF 5.11.2 and
// 5.15.8, moved down by 5.5.2 and 5.15.5, and by reflection below 0.
const Real kPi = acosl(-1.0L);

Real digamma(Real x) {
  if (x == 0) return -1 / x;
  if (x < 0) return floorl(x) == x ? NAN : digamma(1 - x) - kPi / tanl(kPi * (x - roundl(x)));
  Real y = 0;
  while (x < 40) {
    y -= 1 / x;
    ++x;
  }
  const Real z = 1 / (x * x);
  return y + logl(x) - 1 / (2 * x) -
         z * (1 / 12.0L - z * (1 / 120.0L - z * (1 / 252.0L - z / 240)));
}

Real trigamma(Real x) {
  if (x == -HUGE_VALL) return NAN;  // as in PyTorch: between poles it comes back to pi^2 for ever
  if (x <= 0 && floorl(x) == x) return INFINITY;
  if (x < 0) {
    const Real cosecant = kPi / sinl(kPi * (x - roundl(x)));
    return cosecant * cosecant - trigamma(1 - x);
  }
  Real y = 0;
  while (x < 40) {
    y += 1 / (x * x);
    ++x;
  }
  const Real z = 1 / (x * x);
  const Real series = 1 / 6.0L - z * (1 / 30.0L - z * (1 / 42.0L - z / 30));
  return y + (1 + (0.5L + series / x) / x) / x;
}

Real reference(Unary op, Real x) {
  switch (op) {
    case Unary::copy:
      return x;
    case Unary::neg:
      return -x;
    case Unary::abs:
      return fabsl(x);
    case Unary::sign:
      return x > 0 ? 1 : x < 0 ? -1 : 0;
    case Unary::square:
      return x * x;
    case Unary::sqrt:
      return sqrtl(x);
    case Unary::reciprocal:
      return 1 / x;
    case Unary::nanToZero:
      return x != x ? 0 : x;
    case Unary::notNan:
      return x == x;
    case Unary::exp:
      return expl(x);
    case Unary::log:
      return logl(x);
    case Unary::log1p:
      return log1pl(x);
    case Unary::rsqrt:
      return 1 / sqrtl(x);
    case Unary::exp2:
      return exp2l(x);
    case Unary::expm1:
      return expm1l(x);
    case Unary::log2:
      return log2l(x);
    case Unary::log10:
      return log10l(x);
    case Unary::sin:
      return sinl(x);
    case Unary::cos:
      return cosl(x);
    case Unary::tan:
      return tanl(x);
    case Unary::asin:
      return asinl(x);
    case Unary::acos:
      return acosl(x);
    case Unary::atan:
      return atanl(x);
    case Unary::sinh:
      return sinhl(x);
    case Unary::cosh:
      return coshl(x);
    case Unary::erfc:
      return erfcl(x);
    case Unary::floor:
      return floorl(x);
    case Unary::ceil:
      return ceill(x);
    case Unary::round:
      return nearbyintl(x);
    case Unary::trunc:
      return truncl(x);
    case Unary::tanh:
      return tanhl(x);
    case Unary::sigmoid:
      return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
    case Unary::erf:
      return erfl(x);
    case Unary::erfinv:
      return erfinv(x);
    case Unary::asinh:
      return asinhl(x);
    case Unary::acosh:
      return acoshl(x);
    case Unary::atanh:
      return atanhl(x);
    case Unary::lgamma:
      return lgammal(x);
    case Unary::digamma:
      return digamma(x);
    case Unary::trigamma:
      return trigamma(x);
    case Unary::frac:
      return x - truncl(x);
    case Unary::relu:
      return x < 0 ? 0 : x;
    case Unary::gelu:
      return x * (1 + erfl(x / sqrtl(2))) / 2;
    case Unary::geluTanh:
      return x / (1 + expl(-geluArgument(x)));
    case Unary::silu:
      return silu(x);
    case Unary::mish:
      return mish(x);
    case Unary::softsign:
      return x / (1 + fabsl(x));
    case Unary::tanhshrink:
      return tanhshrink(x);
    case Unary::hardsigmoid:
      return hardsigmoid(x);
    case Unary::hardswish:
      return x * hardsigmoid(x);
    case Unary::count:
      break;
  }
  return 0;
}

Real reference(Binary op, Real a, Real b) {
  const bool nan = a != a || b != b;
  switch (op) {
    case Binary::add:
      return a + b;
    case Binary::sub:
      return a - b;
    case Binary::mul:
      return a * b;
    case Binary::div:
      return a / b;
    case Binary::maximum:
      return nan ? NAN : a > b ? a : b;
    case Binary::minimum:
      return nan ? NAN : a < b ? a : b;
    case Binary::pow:
      return powl(a, b);
    case Binary::fmod:
      return fmodl(a, b);
    case Binary::remainder:
      return fmodl(a, b) != 0 && (fmodl(a, b) < 0) != (b < 0) ? fmodl(a, b) + b : fmodl(a, b);
    case Binary::floorDivide:
      return floorl(a / b);
    case Binary::atan2:
      return atan2l(a, b);
    case Binary::hypot:
      return hypotl(a, b);
    case Binary::copysign:
      return copysignl(a, b);
    case Binary::nextafter:  // a rounding away; test/ops/elementwise/special.test.ts has the exact
                             // one
      return a;
    case Binary::powBaseSlope:
      return b == 0 ? 0 : b * powl(a, b - 1);
    case Binary::powExponentSlope:
      return powl(a, b) * logl(a);
    case Binary::atan2Slope:
      return b / (a * a + b * b);
    case Binary::squaredDifference:
      return (a - b) * (a - b);
    case Binary::greaterShare:
      return a < b ? 0 : a == b ? 0.5L : 1;
    case Binary::prelu:
      return a > 0 ? a : a * b;
    case Binary::preluSlope:
      return a > 0 ? 1 : b;
    case Binary::preluWeight:
      return b > 0 ? 0 : a * b;
    case Binary::glu:
      return b < 0 ? a * (expl(b) / (1 + expl(b))) : a / (1 + expl(-b));
    case Binary::count:
      break;
  }
  return 0;
}

const char* kUnaryNames[] = {
#define TG_UNARY(name) #name,
#include "../../native/kernels/elementwise.inc"
};
const char* kBinaryNames[] = {
#define TG_BINARY(name) #name,
#include "../../native/kernels/elementwise.inc"
};

// Epsilons: one rounding for the exact ones, the documented 2 ulp for math functions (an ulp is up
// to 1 epsilon), a few more for compositions.
double toleranceOf(Unary op) {
  switch (op) {
    case Unary::exp:
    case Unary::log:
    case Unary::log1p:
    case Unary::exp2:
    case Unary::expm1:
    case Unary::log2:
    case Unary::log10:
    case Unary::sin:
    case Unary::cos:
    case Unary::tan:
    case Unary::asin:
    case Unary::acos:
    case Unary::atan:
    case Unary::sinh:
    case Unary::cosh:
    case Unary::tanh:
    case Unary::sigmoid:
    case Unary::erf:
    case Unary::erfc:
    case Unary::asinh:
    case Unary::acosh:
      return 2;
    case Unary::atanh:
      return 1.5;
    case Unary::erfinv:
      return 6;
    case Unary::lgamma:
    case Unary::digamma:
    case Unary::trigamma:
      return 8;
    case Unary::gelu:
    case Unary::geluTanh:
    case Unary::silu:
    case Unary::mish:
    case Unary::tanhshrink:
      return 4;
    case Unary::rsqrt:
    case Unary::softsign:
    case Unary::hardsigmoid:
    case Unary::hardswish:
      return 1.5;
    default:
      return 0.5;
  }
}

template <class T>
void testUnary() {
  for (int op = 0; op < static_cast<int>(Unary::count); ++op) {
    const std::string name = kUnaryNames[op];
    for (int64_t n : lengths()) {
      std::vector<T> x = randomValues<T>(n + 1, 7 + static_cast<uint64_t>(n));
      const std::vector<T> special = specials<T>();
      for (size_t i = 3; i < x.size(); i += 5) x[i] = special[(i / 5) % special.size()];
      const T* from = x.data() + 1;  // not aligned to a vector
      const std::vector<T> y = atAllLevels<T>(
          name, n, [&](const FloatKernels<T>& k, T* to) { k.elementwise.unary[op](n, from, to); });
      const std::vector<T> inPlace =
          atAllLevels<T>(name + " in place", n, [&](const FloatKernels<T>& k, T* to) {
            memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
            k.elementwise.unary[op](n, to, to);
          });
      expect(sameBits(y, inPlace), name + " in place differs");
      for (size_t i = 0; i < y.size(); ++i) {
        const Real want = reference(static_cast<Unary>(op), from[i]);
        // The lower tail of gelu cancels: absolute accuracy relative to x there.
        const bool cancels = static_cast<Unary>(op) == Unary::gelu;
        if (cancels && !isfinite(from[i])) continue;
        // The rounding of its argument z goes through geluTanh's exponential as |z| roundings.
        const bool exponential = static_cast<Unary>(op) == Unary::geluTanh && from[i] < 0;
        const Real amplified = exponential ? fminl(-geluArgument(from[i]), 1000) : 0;
        // Their zeros are differences of numbers of this size (and their float32 is nearer, which
        // test/ops/elementwise/gamma.test.ts measures).
        const bool isLogGamma =
            static_cast<Unary>(op) == Unary::lgamma || static_cast<Unary>(op) == Unary::digamma;
        const double absolute = cancels      ? fabs(static_cast<double>(from[i]))
                                : isLogGamma ? 2 + fabs(from[i])
                                             : 0;
        const double tolerance =
            toleranceOf(static_cast<Unary>(op)) * static_cast<double>(1 + amplified);
        if (!isClose(y[i], want, tolerance, absolute)) {
          fail(name + "(" + std::to_string(from[i]) + ") = " + std::to_string(y[i]));
        }
      }
    }
  }
}

// The functions whose special values and far arguments binary_math_test.cpp has.
bool isMathematics(Binary op) { return op >= Binary::pow && op <= Binary::atan2Slope; }
bool isNear(Real x) { return fabsl(x) > 1e-3L && fabsl(x) < 1e3L; }

double roundingsOf(Binary op, Real a, Real b) {
  switch (op) {
    case Binary::glu:  // the product of a and a sigmoid
      return 3;
    case Binary::squaredDifference:  // the square doubles the difference's rounding
      return 1.5;
    case Binary::pow:
    case Binary::atan2:
    case Binary::hypot:
      return 2;
    case Binary::nextafter:
      return 1;
    case Binary::powBaseSlope:  // the rounding of b - 1 goes through the power
    case Binary::powExponentSlope:
      return static_cast<double>(4 + fabsl(b * logl(fabsl(a))));
    case Binary::atan2Slope:
      return 4;
    default:
      return 0.5;
  }
}

template <class T>
void testBinary() {
  for (int op = 0; op < static_cast<int>(Binary::count); ++op) {
    const std::string name = kBinaryNames[op];
    for (int64_t n : lengths()) {
      std::vector<T> a = randomValues<T>(n + 1, 1), b = randomValues<T>(n + 2, 2);
      const std::vector<T> special = specials<T>();
      for (size_t i = 5; i < a.size(); i += 7) a[i] = special[(i / 7) % special.size()];
      for (size_t i = 6; i + 1 < b.size(); i += 7) b[i] = special[(i / 7) % special.size()];
      for (size_t i = 4; i + 1 < a.size(); i += 11) b[i + 1] = a[i];
      const T* pa = a.data() + 1;
      const T* pb = b.data() + 2;
      for (int steps = 0; steps < 4; ++steps) {
        const int64_t aStep = steps & 1, bStep = steps >> 1;
        if (n == 0 && steps != 3) continue;  // a scalar operand needs its value
        const std::vector<T> y = atAllLevels<T>(name, n, [&](const FloatKernels<T>& k, T* to) {
          k.elementwise.binary[op](n, pa, aStep, pb, bStep, to);
        });
        for (size_t i = 0; i < y.size(); ++i) {
          const T av = pa[static_cast<int64_t>(i) * aStep],
                  bv = pb[static_cast<int64_t>(i) * bStep];
          const Binary which = static_cast<Binary>(op);
          if (isMathematics(which) && !(isNear(av) && isNear(bv))) continue;
          if (!isClose(y[i], reference(which, av, bv), roundingsOf(which, av, bv), 0)) {
            fail(name + "(" + std::to_string(av) + ", " + std::to_string(bv) +
                 ") = " + std::to_string(y[i]));
          }
        }
      }
    }
  }
}

// The order of accumulation that kernels/reduce.h promises, value by value.
template <class T, class Combine>
T ordered(const T* x, int64_t n, const Combine& combine) {
  constexpr int64_t kLaneCount = 64 / static_cast<int64_t>(sizeof(T));
  if (n > kReduceBlock) {
    int64_t left = kReduceBlock;
    while (2 * left < n) left *= 2;
    return combine(ordered(x, left, combine), ordered(x + left, n - left, combine));
  }
  T acc[4 * kLaneCount];
  for (T& a : acc) a = combine.identity;
  for (int64_t i = 0; i < n; ++i) {
    T& lane = acc[i % (4 * kLaneCount)];
    lane = combine(lane, x[i]);
  }
  for (int64_t width = 2 * kLaneCount; width > 0; width /= 2) {
    for (int64_t i = 0; i < width; ++i) acc[i] = combine(acc[i], acc[i + width]);
  }
  return acc[0];
}

template <class T>
struct Plus {
  T identity = 0;
  T operator()(T a, T b) const { return a + b; }
};
template <class T>
struct Times {
  T identity = 1;
  T operator()(T a, T b) const { return a * b; }
};

template <class T>
T orderedColumnSum(const T* x, int64_t rows, int64_t xRow) {
  if (rows > kReduceRowBlock) {
    int64_t top = kReduceRowBlock;
    while (2 * top < rows) top *= 2;
    return orderedColumnSum(x, top, xRow) + orderedColumnSum(x + top * xRow, rows - top, xRow);
  }
  T chain[2] = {0, 0};
  for (int64_t i = 0; i < rows; ++i) chain[i % 2] += x[i * xRow];
  return chain[0] + chain[1];
}

template <class T>
void testReduce() {
  const T infinity = std::numeric_limits<T>::infinity();
  std::vector<int64_t> sizes = lengths();
  for (int64_t n : {8192, 12287, 20000, 70000}) sizes.push_back(n);
  for (int64_t n : sizes) {
    for (int nanAt : {-1, 0, 1}) {
      std::vector<T> x = randomValues<T>(n + 1, 11);
      T* from = x.data() + 1;
      if (nanAt >= 0 && n > 0) from[nanAt == 0 ? n / 2 : n - 1] = NAN;
      const T sum = ordered(from, n, Plus<T>()), product = ordered(from, n, Times<T>());
      std::vector<T> squares(from, from + n);
      for (T& v : squares) v = (v - T(0.25)) * (v - T(0.25));
      const T squared = ordered(squares.data(), n, Plus<T>());
      T most = -infinity, least = infinity;
      int64_t index = 0, leastIndex = 0;
      for (int64_t i = 0; i < n; ++i) {
        most = from[i] != from[i] || most != most ? T(NAN) : from[i] > most ? from[i] : most;
        least = from[i] != from[i] || least != least ? T(NAN) : from[i] < least ? from[i] : least;
        const auto takes = [&](int64_t best, bool better) {
          return from[best] == from[best] && (better || from[i] != from[i]);
        };
        if (takes(index, from[i] > from[index])) index = i;
        if (takes(leastIndex, from[i] < from[leastIndex])) leastIndex = i;
      }
      for (Level level : availableLevels()) {
        const std::string where = std::string(" n ") + std::to_string(n) + " " + levelName(level);
        const ReduceKernels<T>& k = at<T>(level).reduce;
        expect(sameBits(k.sum(n, from), sum), "sum" + where);
        expect(sameBits(k.max(n, from), most), "max" + where);
        expect(sameBits(k.min(n, from), least), "min" + where);
        expect(sameBits(k.prod(n, from), product), "prod" + where);
        expect(sameBits(k.squares(n, from, T(0.25)), squared), "squares" + where);
        if (n == 0) continue;
        expect(k.argmax(n, from) == index, "argmax" + where);
        expect(k.argmin(n, from) == leastIndex, "argmin" + where);
      }
    }
  }
  for (int64_t rows : {1, 2, 3, 7, 255, 256, 257, 700}) {
    for (int64_t cols : {1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 48, 63, 64, 65, 130}) {
      const int64_t xRow = cols + 3;
      std::vector<T> x = randomValues<T>(rows * xRow + 1, 13);
      if (rows > 2 && cols > 7) x[static_cast<size_t>(2 * xRow + 5)] = NAN;
      const T* from = x.data() + 1;
      const std::string where = " " + std::to_string(rows) + "x" + std::to_string(cols);
      const std::vector<T> sum = atAllLevels<T>(
          "sumRows" + where, cols,
          [&](const FloatKernels<T>& k, T* y) { k.columns.sumRows(rows, cols, from, xRow, y); });
      const std::vector<T> most = atAllLevels<T>(
          "maxRows" + where, cols,
          [&](const FloatKernels<T>& k, T* y) { k.columns.maxRows(rows, cols, from, xRow, y); });
      const std::vector<T> least = atAllLevels<T>(
          "minRows" + where, cols,
          [&](const FloatKernels<T>& k, T* y) { k.columns.minRows(rows, cols, from, xRow, y); });
      atAllLevels<T>("prodRows" + where, cols, [&](const FloatKernels<T>& k, T* y) {
        k.columns.prodRows(rows, cols, from, xRow, y);
      });
      for (int64_t j = 0; j < cols; ++j) {
        const size_t at = static_cast<size_t>(j);
        expect(sameBits(sum[at], orderedColumnSum(from + j, rows, xRow)), "sumRows" + where);
        T high = -infinity, low = infinity;
        for (int64_t i = 0; i < rows; ++i) {
          const T v = from[i * xRow + j];
          high = v != v || high != high ? T(NAN) : v > high ? v : high;
          low = v != v || low != low ? T(NAN) : v < low ? v : low;
        }
        expect(sameBits(most[at], high), "maxRows" + where);
        expect(sameBits(least[at], low), "minRows" + where);
      }
    }
  }
}

}  // namespace

}  // namespace test
}  // namespace tilegrad

int main() {
  using namespace tilegrad::test;
  testUnary<float>();
  testUnary<double>();
  testBinary<float>();
  testBinary<double>();
  testReduce<float>();
  testReduce<double>();
  return finish("kernels");
}
