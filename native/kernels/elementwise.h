// Elementwise kernels: y[i] = f(x[i]) and y[i] = f(a[i], b[i]), with parameters or without, one
// functor for each line of elementwise.inc, and the table of them. What a functor calls is in
// simd/math.h, arithmetic.h, activation.h, piecewise.h and special.h, and the loops around it are
// in elementwise_loops.h.
#pragma once
#include "activation.h"
#include "arithmetic.h"
#include "compare.h"
#include "elementwise_loops.h"
#include "gamma.h"
#include "piecewise.h"
#include "special.h"
#include "table.h"
#include "ternary.h"

TG_TARGET_BEGIN

template <Unary op>
struct UnaryOp;

template <Binary op>
struct BinaryOp;

template <UnaryWith op>
struct UnaryWithOp;

template <Derivative op>
struct DerivativeOp;

#define TG_DEFINE_UNARY(name, vectors, expression) \
  template <>                                      \
  struct UnaryOp<Unary::name> {                    \
    static constexpr int unroll = vectors;         \
    template <class T>                             \
    TG_INLINE Vec<T> apply(Vec<T> x) {             \
      return expression;                           \
    }                                              \
  };

#define TG_DEFINE_BINARY(name, vectors, expression) \
  template <>                                       \
  struct BinaryOp<Binary::name> {                   \
    static constexpr int unroll = vectors;          \
    template <class T>                              \
    TG_INLINE Vec<T> apply(Vec<T> a, Vec<T> b) {    \
      return expression;                            \
    }                                               \
  };

// In expressions with parameters, p(0) is the first of them in every lane.
#define TG_DEFINE_UNARY_WITH(name, vectors, expression) \
  template <>                                           \
  struct UnaryWithOp<UnaryWith::name> {                 \
    static constexpr int unroll = vectors;              \
    template <class T, class Parameters>                \
    TG_INLINE Vec<T> apply(Vec<T> x, Parameters p) {    \
      return expression;                                \
    }                                                   \
  };

#define TG_DEFINE_DERIVATIVE(name, vectors, expression)        \
  template <>                                                  \
  struct DerivativeOp<Derivative::name> {                      \
    static constexpr int unroll = vectors;                     \
    template <class T, class Parameters>                       \
    TG_INLINE Vec<T> apply(Vec<T> g, Vec<T> x, Parameters p) { \
      static_cast<void>(p);                                    \
      return expression;                                       \
    }                                                          \
  };

TG_DEFINE_UNARY(copy, kCheap, x)
TG_DEFINE_UNARY(neg, kCheap, neg(x))
TG_DEFINE_UNARY(abs, kCheap, abs(x))
TG_DEFINE_UNARY(sign, kCheap, signOf(x))
TG_DEFINE_UNARY(square, kCheap, square(x))
TG_DEFINE_UNARY(sqrt, kCheap, sqrt(x))
TG_DEFINE_UNARY(reciprocal, kCheap, div(vsplat<T>(1), x))
TG_DEFINE_UNARY(nanToZero, kCheap, select(isNan(x), vsplat<T>(0), x))
TG_DEFINE_UNARY(notNan, kCheap, select(isNan(x), vsplat<T>(0), vsplat<T>(1)))
TG_DEFINE_UNARY(exp, interleaved(2), exp(x))
TG_DEFINE_UNARY(log, interleaved(3), log(x))
TG_DEFINE_UNARY(log1p, kLong, log1p(x))
TG_DEFINE_UNARY(rsqrt, kCheap, div(vsplat<T>(1), sqrt(x)))
TG_DEFINE_UNARY(exp2, interleaved(2), exp2(x))
TG_DEFINE_UNARY(expm1, kLong, expm1(x))
TG_DEFINE_UNARY(log2, interleaved(2), log2(x))
TG_DEFINE_UNARY(log10, interleaved(2), log10(x))
TG_DEFINE_UNARY(sin, kLong, sin(x))
TG_DEFINE_UNARY(cos, kLong, cos(x))
TG_DEFINE_UNARY(tan, kLong, tan(x))
TG_DEFINE_UNARY(asin, kLong, asin(x))
TG_DEFINE_UNARY(acos, kLong, acos(x))
TG_DEFINE_UNARY(atan, kLong, atan(x))
TG_DEFINE_UNARY(sinh, kLong, sinh(x))
TG_DEFINE_UNARY(cosh, kLong, cosh(x))
TG_DEFINE_UNARY(erfc, kLong, erfc(x))
TG_DEFINE_UNARY(floor, kCheap, floor(x))
TG_DEFINE_UNARY(ceil, kCheap, ceil(x))
TG_DEFINE_UNARY(round, kCheap, roundEven(x))
TG_DEFINE_UNARY(trunc, kCheap, trunc(x))
TG_DEFINE_UNARY(tanh, interleaved(3), tanh(x))
TG_DEFINE_UNARY(sigmoid, interleaved(4), sigmoid(x))
// erf takes 20 instructions a vector, 17 of them on three of Zen 5's four pipes: at least 5 to 6
// cycles, and 6.9 are measured however many vectors are in flight. PyTorch 2.14's takes 16 with its
// calls, so 5 times its speed is out of reach for a polynomial of this accuracy.
TG_DEFINE_UNARY(erf, kLong, erf(x))
TG_DEFINE_UNARY(erfinv, kLong, erfinv(x))
TG_DEFINE_UNARY(asinh, kLong, asinh(x))
TG_DEFINE_UNARY(acosh, kLong, acosh(x))
TG_DEFINE_UNARY(atanh, kLong, atanh(x))
TG_DEFINE_UNARY(frac, kCheap, sub(x, trunc(x)))
TG_DEFINE_UNARY(relu, kCheap, reluOf(x))
TG_DEFINE_UNARY(gelu, interleaved(3), geluOf(x))
TG_DEFINE_UNARY(geluTanh, kLong, geluTanhOf(x))
TG_DEFINE_UNARY(silu, interleaved(4), siluOf(x))
TG_DEFINE_UNARY(mish, kLong, mishOf(x))
TG_DEFINE_UNARY(softsign, kCheap, softsignOf(x))
TG_DEFINE_UNARY(tanhshrink, kLong, tanhshrinkOf(x))
TG_DEFINE_UNARY(hardsigmoid, kCheap, hardsigmoidOf(x))
TG_DEFINE_UNARY(hardswish, kCheap, mul(x, hardsigmoidOf(x)))

TG_DEFINE_BINARY(add, kCheap, add(a, b))
TG_DEFINE_BINARY(sub, kCheap, sub(a, b))
TG_DEFINE_BINARY(mul, kCheap, mul(a, b))
TG_DEFINE_BINARY(div, kCheap, div(a, b))
TG_DEFINE_BINARY(maximum, kCheap, maxNan(a, b))
TG_DEFINE_BINARY(minimum, kCheap, minNan(a, b))
TG_DEFINE_BINARY(pow, kLong, pow(a, b))
TG_DEFINE_BINARY(fmod, kLong, fmod(a, b))
TG_DEFINE_BINARY(remainder, kLong, remainder(a, b))
TG_DEFINE_BINARY(floorDivide, kLong, floorDivide(a, b))
TG_DEFINE_BINARY(atan2, kLong, atan2(a, b))
TG_DEFINE_BINARY(hypot, kLong, hypot(a, b))
TG_DEFINE_BINARY(copysign, kCheap, copySign(a, b))
TG_DEFINE_BINARY(nextafter, kLong, nextafter(a, b))
TG_DEFINE_BINARY(powBaseSlope, kLong, powBaseSlopeOf(a, b))
TG_DEFINE_BINARY(powExponentSlope, kLong, powExponentSlopeOf(a, b))
TG_DEFINE_BINARY(atan2Slope, kLong, atan2SlopeOf(a, b))
TG_DEFINE_BINARY(squaredDifference, kCheap, square(sub(a, b)))
TG_DEFINE_BINARY(greaterShare, kCheap, greaterShareOf(a, b))
TG_DEFINE_BINARY(prelu, kCheap, leakyReluOf(a, b))
TG_DEFINE_BINARY(preluSlope, kCheap, leakySlopeOf(a, b))
TG_DEFINE_BINARY(preluWeight, kCheap, preluWeightOf(a, b))
TG_DEFINE_BINARY(glu, kLong, mul(a, sigmoid(b)))

TG_DEFINE_UNARY_WITH(elu, kLong, eluOf(x, p(0), p(1), p(2)))
TG_DEFINE_UNARY_WITH(leakyRelu, kCheap, leakyReluOf(x, p(0)))
TG_DEFINE_UNARY_WITH(hardtanh, kCheap, min(p(1), max(p(0), x)))  // NaN, their second operand, stays
TG_DEFINE_UNARY_WITH(softshrink, kCheap, softshrinkOf(x, p(0)))
TG_DEFINE_UNARY_WITH(hardshrink, kCheap, hardshrinkOf(x, p(0)))
TG_DEFINE_UNARY_WITH(threshold, kCheap, select(le(x, p(0)), p(1), x))
TG_DEFINE_UNARY_WITH(nanToNum, kCheap, nanToNumOf(x, p(0), p(1), p(2)))

TG_DEFINE_DERIVATIVE(reluBackward, kCheap, reluBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(tanhBackward, kCheap, tanhBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(sigmoidBackward, kCheap, sigmoidBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(geluBackward, interleaved(2), geluBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(geluTanhBackward, kLong, geluTanhBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(siluBackward, kLong, siluBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(mishBackward, kLong, mishBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(softsignBackward, kCheap, softsignBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(tanhshrinkBackward, kLong, tanhshrinkBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(hardsigmoidBackward, kCheap, hardsigmoidBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(hardswishBackward, kCheap, hardswishBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(softplusBackward, kLong, softplusBackwardOf(g, x, p(0), p(1)))
TG_DEFINE_DERIVATIVE(eluBackward, kLong, eluBackwardOf(g, x, p(0), p(1), p(2)))
TG_DEFINE_DERIVATIVE(leakyReluBackward, kCheap, mul(g, leakySlopeOf(x, p(0))))
TG_DEFINE_DERIVATIVE(hardtanhBackward, kCheap, hardtanhBackwardOf(g, x, p(0), p(1)))
TG_DEFINE_DERIVATIVE(shrinkBackward, kCheap, shrinkBackwardOf(g, x, p(0)))
TG_DEFINE_DERIVATIVE(thresholdBackward, kCheap, select(le(x, p(0)), vsplat<T>(0), g))
TG_DEFINE_DERIVATIVE(logitBackward, kLong, logitBackwardOf(g, x, p(0), p(1), p(2)))

#undef TG_DEFINE_UNARY
#undef TG_DEFINE_BINARY
#undef TG_DEFINE_UNARY_WITH
#undef TG_DEFINE_DERIVATIVE

template <class T>
TG_INLINE VMask<T> isPositiveNormal(Vec<T> x) {
  return maskAnd(ge(x, vsplat<T>(Format<T>::minNormal)), lt(x, vinfinity<T>()));
}

template <Unary op, class T>
void unaryKernel(int64_t n, const T* x, T* y) {
  using Op = UnaryOp<op>;
  if constexpr (op == Unary::lgamma) {
    gammaKernel<lgamma>(n, x, y);
  } else if constexpr (op == Unary::digamma) {
    gammaKernel<digamma>(n, x, y);
  } else if constexpr (op == Unary::trigamma) {
    gammaKernel<trigamma>(n, x, y);
  } else if constexpr (op == Unary::log && Op::unroll > 1) {
    ordinaryLoop<Op>(n, x, y, isPositiveNormal<T>, [](Vec<T> v) { return logNormal(v); });
  } else if constexpr (op == Unary::log2 && Op::unroll > 1) {
    ordinaryLoop<Op>(n, x, y, isPositiveNormal<T>, [](Vec<T> v) { return log2Normal(v); });
  } else if constexpr (op == Unary::log10 && Op::unroll > 1) {
    ordinaryLoop<Op>(n, x, y, isPositiveNormal<T>, [](Vec<T> v) { return log10Normal(v); });
  } else if constexpr (op == Unary::silu && Op::unroll > 1) {
    ordinaryLoop<Op>(n, x, y, hasNormalSigmoid<T>, siluOfNormal<T>);
  } else {
    unaryLoop<Op::unroll>(n, x, y, [](Vec<T> v) { return Op::apply(v); });
  }
}

// softplus in two passes over blocks that stay in the first-level cache. In one, a vector is a
// chain of some 85 operations that wait for each other, and the CPU looks too short ahead to
// overlap the chains of several vectors: on Zen 5 that takes twice as long.
template <class T>
TG_INLINE void softplusLoop(int64_t n, const T* x, const T* p, T* y) {
  constexpr int64_t kBlock = 512;
  const T values[kMaxParameters] = {p[0], p[1], p[2]};
  T decay[kBlock];
  for (; n > 0; n -= kBlock, x += kBlock, y += kBlock) {
    const int64_t count = n < kBlock ? n : kBlock;
    unaryLoop<kLong>(count, x, decay,
                     [&](Vec<T> v) { return softplusDecayOf(v, vsplat<T>(values[0])); });
    pairLoop<kLong, false, false>(count, x, decay, y, [&](Vec<T> v, Vec<T> e) {
      return softplusOf(v, e, vsplat<T>(values[0]), vsplat<T>(values[1]), vsplat<T>(values[2]));
    });
  }
}

template <UnaryWith op, class T>
void unaryWithKernel(int64_t n, const T* x, const T* p, T* y) {
  if constexpr (op == UnaryWith::softplus) {
    softplusLoop(n, x, p, y);
  } else {
    // Read once: y might overlap the parameters, for all the compiler knows.
    const T values[kMaxParameters] = {p[0], p[1], p[2]};
    unaryLoop<UnaryWithOp<op>::unroll>(n, x, y, [&](Vec<T> v) {
      return UnaryWithOp<op>::apply(v, [&](int k) { return vsplat<T>(values[k]); });
    });
  }
}

template <Binary op, class T, bool AScalar, bool BScalar>
void binaryLoop(int64_t n, const T* a, const T* b, T* y) {
  pairLoop<BinaryOp<op>::unroll, AScalar, BScalar>(
      n, a, b, y, [](Vec<T> av, Vec<T> bv) { return BinaryOp<op>::apply(av, bv); });
}

// y[i] = f(a[i * aStep], b[i * bStep]) for i < n, steps 1 or 0. y may be a or b. Cheap functions
// have a loop for each form of the operands, as loading a scalar in each turn would be a fourth of
// their instructions; of two scalars there is one result, which all places get. Long functions have
// one loop for all forms. Four loops for each function made the library 61 KB larger, and the long
// ones took the same time.
template <Binary op, class T>
void binaryKernel(int64_t n, const T* a, int64_t aStep, const T* b, int64_t bStep, T* y) {
  if (n <= 0) return;  // a scalar is read before the loop
  if constexpr (BinaryOp<op>::unroll == kLong) {
    const SteppedOperand<T> av(a, aStep), bv(b, bStep);
    for (int64_t i = 0; i < n; i += kLanes<T>) {
      const int64_t rest = n - i;
      const bool whole = rest >= kLanes<T>;
      const Vec<T> v = BinaryOp<op>::apply(whole ? av.load(i) : av.loadFirst(i, rest),
                                           whole ? bv.load(i) : bv.loadFirst(i, rest));
      if (whole) {
        store(y + i, v);
      } else {
        storeFirst(y + i, v, rest);
      }
    }
  } else if (aStep != 0) {
    return bStep != 0 ? binaryLoop<op, T, false, false>(n, a, b, y)
                      : binaryLoop<op, T, false, true>(n, a, b, y);
  } else if (bStep != 0) {
    return binaryLoop<op, T, true, false>(n, a, b, y);
  } else {
    binaryLoop<op, T, false, false>(1, a, b, y);
    if (n > 1) fillWith(n - 1, *y, y + 1);
  }
}

// dx[i] = f(g[i * gStep], x[i]) for i < n, gStep 1 or 0 (the gradient of a sum is one value for
// all, which is read from a vector of it: one loop for both). dx may be g or x.
template <Derivative op, class T>
void derivativeKernel(int64_t n, const T* g, int64_t gStep, const T* x, const T* p, T* dx) {
  if (n <= 0) return;
  constexpr int64_t kWidth = kLanes<T>;
  constexpr int kUnroll = DerivativeOp<op>::unroll;
  const T values[kMaxParameters] = {p[0], p[1], p[2]};
  const auto f = [&](Vec<T> gv, Vec<T> xv) {
    return DerivativeOp<op>::apply(gv, xv, [&](int k) { return vsplat<T>(values[k]); });
  };
  alignas(64) T same[kWidth];  // as SteppedOperand's
  if (gStep == 0) {
    store(same, vsplat<T>(*g));
    g = same;
  }
  int64_t i = 0;
  for (; kUnroll > 1 && i + kUnroll * kWidth <= n; i += kUnroll * kWidth) {
    Vec<T> v[kUnroll];
    for (int u = 0; u < kUnroll; ++u) {
      v[u] = f(vload<T>(g + (i + u * kWidth) * gStep), vload<T>(x + i + u * kWidth));
    }
    for (int u = 0; u < kUnroll; ++u) store(dx + i + u * kWidth, v[u]);
  }
  for (; i < n; i += kWidth) {
    const int64_t rest = n - i;
    const bool whole = rest >= kWidth;
    const T* const gi = g + i * gStep;
    const Vec<T> v = f(whole ? vload<T>(gi) : vloadFirst<T>(gi, rest),
                       whole ? vload<T>(x + i) : vloadFirst<T>(x + i, rest));
    if (whole) {
      store(dx + i, v);
    } else {
      storeFirst(dx + i, v, rest);
    }
  }
}

// da may be a or g, and db may be b.
template <class T>
void gluBackwardKernel(int64_t n, const T* a, const T* b, const T* g, T* da, T* db) {
  for (int64_t i = 0; i < n; i += kLanes<T>) {
    const int64_t rest = n - i;
    const Vec<T> s = sigmoid(vloadFirst<T>(b + i, rest));
    const Vec<T> gs = mul(vloadFirst<T>(g + i, rest), s);
    const Vec<T> ga = mul(gs, vloadFirst<T>(a + i, rest));
    storeFirst(da + i, gs, rest);
    storeFirst(db + i, mul(ga, sub(vsplat<T>(1), s)), rest);
  }
}

template <class T>
constexpr ElementwiseKernels<T> elementwiseKernels() {
  ElementwiseKernels<T> kernels{};
#define TG_UNARY(name) kernels.unary[static_cast<int>(Unary::name)] = unaryKernel<Unary::name, T>;
#define TG_BINARY(name) \
  kernels.binary[static_cast<int>(Binary::name)] = binaryKernel<Binary::name, T>;
#define TG_UNARY_WITH(name, parameters) \
  kernels.unaryWith[static_cast<int>(UnaryWith::name)] = unaryWithKernel<UnaryWith::name, T>;
#define TG_DERIVATIVE(name, parameters) \
  kernels.derivative[static_cast<int>(Derivative::name)] = derivativeKernel<Derivative::name, T>;
#define TG_COMPARE(name) \
  kernels.compare[static_cast<int>(Compare::name)] = compareKernel<Compare::name, T>;
#define TG_PREDICATE(name) \
  kernels.predicate[static_cast<int>(Predicate::name)] = predicateKernel<Predicate::name, T>;
#define TG_TERNARY(name) \
  kernels.ternary[static_cast<int>(Ternary::name)] = ternaryKernel<Ternary::name, T>;
#include "elementwise.inc"
  kernels.addOuter = addOuterKernel<T>;
  kernels.gluBackward = gluBackwardKernel<T>;
  return kernels;
}

TG_TARGET_END
