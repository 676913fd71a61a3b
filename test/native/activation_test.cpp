// Kernels of functions with parameters and of derivatives: right against long double, and the same
// bits at every level, in place and for a gradient that is one value.
#include "kernel_levels.h"

namespace tilegrad {
namespace test {
namespace {

using Real = long double;

// Parameters that every function makes sense of, in the order of its names.
template <class T>
std::vector<T> parametersOf(UnaryWith op) {
  switch (op) {
    case UnaryWith::softplus:
      return {T(0.75), T(1) / T(0.75), T(25)};
    case UnaryWith::elu:
      return {T(1.25), T(1.75), T(0.5)};
    case UnaryWith::leakyRelu:
      return {T(0.1), 0, 0};
    case UnaryWith::hardtanh:
      return {T(-0.75), T(1.5), 0};
    case UnaryWith::threshold:
      return {T(0.25), T(-2), 0};
    case UnaryWith::nanToNum:
      return {T(7), T(8), T(-9)};
    default:
      return {T(0.5), 0, 0};
  }
}

Real softplus(Real x) { return log1pl(expl(-fabsl(x))) + (x < 0 ? 0 : x); }
Real sigmoid(Real x) { return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x)); }

template <class T>
Real reference(UnaryWith op, Real x, const std::vector<T>& p) {
  if (op == UnaryWith::nanToNum)
    return x != x ? p[0] : x == HUGE_VALL ? p[1] : x == -HUGE_VALL ? p[2] : x;
  if (x != x) return x;
  switch (op) {
    case UnaryWith::softplus:
      return x * p[0] > p[2] ? x : softplus(x * p[0]) * p[1];
    case UnaryWith::elu:
      return x > 0 ? x * p[0] : p[1] * expm1l(x * p[2]);
    case UnaryWith::leakyRelu:
      return x > 0 ? x : x * p[0];
    case UnaryWith::hardtanh:
      return x < p[0] ? p[0] : x > p[1] ? p[1] : x;
    case UnaryWith::softshrink:
      return x > p[0] ? x - p[0] : x < -p[0] ? x + p[0] : 0;
    case UnaryWith::hardshrink:
      return fabsl(x) <= p[0] ? 0 : x;
    case UnaryWith::threshold:
      return x > p[0] ? x : static_cast<Real>(p[1]);
    case UnaryWith::nanToNum:
    case UnaryWith::count:
      break;
  }
  return 0;
}

template <class T>
std::vector<T> parametersOf(Derivative op) {
  switch (op) {
    case Derivative::softplusBackward:
      return {T(0.75), T(25), 0};
    case Derivative::eluBackward:
      return parametersOf<T>(UnaryWith::elu);
    case Derivative::hardtanhBackward:
      return parametersOf<T>(UnaryWith::hardtanh);
    case Derivative::logitBackward:
      return {T(0.125), T(0.75), 0};
    default:
      return {T(0.5), 0, 0};
  }
}

const Real kTwoPi = 2 * 3.14159265358979323846264338327950288L;
// Twice the argument of the tanh in the tanh form of GELU.
const Real kGeluScale = sqrtl(16 / kTwoPi);
Real geluArgument(Real x) { return kGeluScale * (x + 0.044715L * x * x * x); }

// d x sigmoid(z) / dx for z' = zSlope.
Real timesSigmoidSlope(Real x, Real z, Real zSlope) {
  const Real s = 1 / (1 + expl(-z));
  return s + x * zSlope * s / (1 + expl(z));
}

// The derivative at x, or for the first three at the output x.
template <class T>
Real slope(Derivative op, Real x, const std::vector<T>& p) {
  switch (op) {
    case Derivative::reluBackward:
      return x > 0 ? 1 : 0;
    case Derivative::tanhBackward:
      return 1 - x * x;
    case Derivative::sigmoidBackward:
      return x * (1 - x);
    case Derivative::geluBackward:
      return (1 + erfl(x / sqrtl(2))) / 2 + x * expl(-x * x / 2) / sqrtl(kTwoPi);
    case Derivative::geluTanhBackward:
      return timesSigmoidSlope(x, geluArgument(x), kGeluScale * (1 + 3 * 0.044715L * x * x));
    case Derivative::siluBackward:
      return timesSigmoidSlope(x, x, 1);
    case Derivative::mishBackward: {
      const Real t = tanhl(softplus(x));
      return t + x * sigmoid(x) * (1 - t * t);
    }
    case Derivative::softsignBackward:
      return 1 / ((1 + fabsl(x)) * (1 + fabsl(x)));
    case Derivative::tanhshrinkBackward:
      return tanhl(x) * tanhl(x);
    case Derivative::hardsigmoidBackward:
      return fabsl(x) < 3 ? 1 / 6.0L : 0;
    case Derivative::hardswishBackward:
      return x <= -3 ? 0 : x < 3 ? x / 3 + 0.5L : 1;
    case Derivative::softplusBackward:
      return x * p[0] > p[1] ? 1 : sigmoid(x * p[0]);
    case Derivative::eluBackward:
      return x > 0 ? static_cast<Real>(p[0]) : static_cast<Real>(p[1]) * p[2] * expl(x * p[2]);
    case Derivative::leakyReluBackward:
      return x > 0 ? 1 : static_cast<Real>(p[0]);
    case Derivative::hardtanhBackward:
      return x > p[0] && x < p[1] ? 1 : 0;
    case Derivative::shrinkBackward:
      return fabsl(x) > p[0] ? 1 : 0;
    case Derivative::thresholdBackward:
      return x > p[0] ? 1 : 0;
    case Derivative::logitBackward:
      return x < p[0] || x > p[1] ? 0 : 1 / (x * (1 - x));
    case Derivative::count:
      break;
  }
  return 0;
}

const char* kUnaryWithNames[] = {
#define TG_UNARY_WITH(name, parameters) #name,
#include "../../native/kernels/elementwise.inc"
};
const char* kDerivativeNames[] = {
#define TG_DERIVATIVE(name, parameters) #name,
#include "../../native/kernels/elementwise.inc"
};

// Values with special ones among them, one more than n: not aligned to a vector from the second on.
template <class T>
std::vector<T> hostile(int64_t n, uint64_t seed) {
  std::vector<T> x = randomValues<T>(n + 1, seed);
  const std::vector<T> special = specials<T>();
  for (size_t i = 3; i < x.size(); i += 5) x[i] = special[(i / 5) % special.size()];
  return x;
}

template <class T>
void testUnaryWith() {
  for (int op = 0; op < static_cast<int>(UnaryWith::count); ++op) {
    const std::string name = kUnaryWithNames[op];
    const UnaryWith which = static_cast<UnaryWith>(op);
    const std::vector<T> p = parametersOf<T>(which);
    for (int64_t n : lengths()) {
      const std::vector<T> x = hostile<T>(n, 3 + static_cast<uint64_t>(n));
      const T* from = x.data() + 1;
      const std::vector<T> y = atAllLevels<T>(name, n, [&](const FloatKernels<T>& k, T* to) {
        k.elementwise.unaryWith[op](n, from, p.data(), to);
      });
      const std::vector<T> inPlace =
          atAllLevels<T>(name + " in place", n, [&](const FloatKernels<T>& k, T* to) {
            memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
            k.elementwise.unaryWith[op](n, to, p.data(), to);
          });
      expect(sameBits(y, inPlace), name + " in place differs");
      // Roundings of the argument, of exp and log1p or expm1, and of the products.
      const bool heavy = which == UnaryWith::softplus || which == UnaryWith::elu;
      for (size_t i = 0; i < y.size(); ++i) {
        // The argument's rounding goes through softplus's exponential as |x| roundings.
        const double amplified =
            which == UnaryWith::softplus ? fmin(fabs(static_cast<double>(from[i])), 1000) : 0;
        const double tolerance = heavy ? 4 + amplified : 0.5;
        if (!isClose(y[i], reference(which, from[i], p), tolerance, 0)) {
          fail(name + "(" + std::to_string(from[i]) + ") = " + std::to_string(y[i]));
        }
      }
    }
  }
}

template <class T>
void testDerivatives() {
  for (int op = 0; op < static_cast<int>(Derivative::count); ++op) {
    const std::string name = kDerivativeNames[op];
    const Derivative which = static_cast<Derivative>(op);
    const std::vector<T> p = parametersOf<T>(which);
    for (int64_t n : lengths()) {
      const std::vector<T> g = hostile<T>(n + 3, 5),
                           x = hostile<T>(n, 6 + static_cast<uint64_t>(n));
      const T* pg = g.data() + 2;
      const T* px = x.data() + 1;
      for (int64_t gStep = 0; gStep <= 1; ++gStep) {
        const std::vector<T> dx = atAllLevels<T>(name, n, [&](const FloatKernels<T>& k, T* to) {
          k.elementwise.derivative[op](n, pg, gStep, px, p.data(), to);
        });
        const std::vector<T> inPlace =
            atAllLevels<T>(name + " in place", n, [&](const FloatKernels<T>& k, T* to) {
              memcpy(to, px, static_cast<size_t>(n) * sizeof(T));
              k.elementwise.derivative[op](n, pg, gStep, to, p.data(), to);
            });
        expect(sameBits(dx, inPlace), name + " in place differs");
        for (size_t i = 0; i < dx.size(); ++i) {
          const T gv = pg[static_cast<int64_t>(i) * gStep], xv = px[i];
          // Goldens have the special values. Absolute accuracy relative to g, and to g y^2 where
          // the activation's output y is far outside its range.
          if (!isfinite(gv) || !isfinite(xv) || fabs(gv) > 1e3 || fabs(xv) > 1e3) continue;
          const double scale = fabs(gv) * (1 + fabs(xv)) * (1 + fabs(xv));
          if (!isClose(dx[i], gv * slope(which, static_cast<Real>(xv), p), 4, scale)) {
            fail(name + "(" + std::to_string(gv) + ", " + std::to_string(xv) +
                 ") = " + std::to_string(dx[i]));
          }
        }
      }
    }
  }
}

template <class T>
void testGluBackward() {
  for (int64_t n : lengths()) {
    const std::vector<T> a = randomValues<T>(n + 1, 1), b = randomValues<T>(n + 1, 2);
    const std::vector<T> g = randomValues<T>(n + 1, 3);
    const std::vector<T> both = atAllLevels<T>("gluBackward", 2 * n, [&](const auto& k, T* to) {
      k.elementwise.gluBackward(n, a.data() + 1, b.data() + 1, g.data() + 1, to, to + n);
    });
    for (int64_t i = 0; i < n; ++i) {
      const size_t at = static_cast<size_t>(i) + 1;
      const Real s = sigmoid(b[at]);
      const double scale = fabs(g[at]) * (1 + fabs(a[at]));
      expect(isClose(both[static_cast<size_t>(i)], g[at] * s, 4, scale), "gluBackward, a");
      expect(isClose(both[static_cast<size_t>(n + i)], g[at] * a[at] * s * (1 - s), 4, scale),
             "gluBackward, b");
    }
  }
}

}  // namespace
}  // namespace test
}  // namespace tilegrad

int main() {
  using namespace tilegrad::test;
  testUnaryWith<float>();
  testUnaryWith<double>();
  testDerivatives<float>();
  testDerivatives<double>();
  testGluBackward<float>();
  testGluBackward<double>();
  return finish("activation");
}
