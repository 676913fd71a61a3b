// Elementwise kernels: y[i] = f(x[i]) and y[i] = f(a[i], b[i]), with parameters or without, one
// functor for each line of elementwise.inc. A partial vector at the end goes through the same
// functor as a whole one, with zeros in the lanes that are not stored, so a value's bits do not
// depend on where it stands.
#pragma once
#include "../simd/math.h"
#include "activation.h"
#include "piecewise.h"
#include "table.h"

TG_TARGET_BEGIN

// Vectors in flight: kCheap hides load latency and loop overhead of functions of a few
// instructions; long ones fill the pipeline by themselves (iterations are independent), and more
// would only spill. On the scalar level a vector is 16 statements already.
constexpr int kCheap = Reg<float>::lanes > 1 ? 4 : 1;
constexpr int kLong = 1;

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

// The sign of x as -1, 0 or 1: zeros of either sign and NaN give +0, as in PyTorch.
template <class T>
TG_INLINE Vec<T> signOf(Vec<T> x) {
  const Vec<T> zero = vsplat<T>(0);
  return select(gt(x, zero), vsplat<T>(1), select(lt(x, zero), vsplat<T>(-1), zero));
}

// d max(a, b) / da: 0 where a < b, 1/2 at a tie, otherwise 1 (with a NaN too, as PyTorch has it).
template <class T>
TG_INLINE Vec<T> greaterShareOf(Vec<T> a, Vec<T> b) {
  const Vec<T> rest = select(eq(a, b), vsplat<T>(static_cast<T>(0.5)), vsplat<T>(1));
  return select(lt(a, b), vsplat<T>(0), rest);
}

TG_DEFINE_UNARY(copy, kCheap, x)
TG_DEFINE_UNARY(neg, kCheap, neg(x))
TG_DEFINE_UNARY(abs, kCheap, abs(x))
TG_DEFINE_UNARY(sign, kCheap, signOf(x))
TG_DEFINE_UNARY(square, kCheap, mul(x, x))
TG_DEFINE_UNARY(sqrt, kCheap, sqrt(x))
TG_DEFINE_UNARY(reciprocal, kCheap, div(vsplat<T>(1), x))
TG_DEFINE_UNARY(exp, kLong, exp(x))
TG_DEFINE_UNARY(log, kLong, log(x))
TG_DEFINE_UNARY(log1p, kLong, log1p(x))
TG_DEFINE_UNARY(tanh, kLong, tanh(x))
TG_DEFINE_UNARY(sigmoid, kLong, sigmoid(x))
TG_DEFINE_UNARY(erf, kLong, erf(x))
TG_DEFINE_UNARY(relu, kCheap, reluOf(x))
TG_DEFINE_UNARY(gelu, kLong, geluOf(x))
TG_DEFINE_UNARY(geluTanh, kLong, geluTanhOf(x))
TG_DEFINE_UNARY(silu, kLong, siluOf(x))
TG_DEFINE_UNARY(mish, kLong, mishOf(x))
TG_DEFINE_UNARY(logSigmoid, kLong, logSigmoidOf(x))
TG_DEFINE_UNARY(softsign, kCheap, softsignOf(x))
TG_DEFINE_UNARY(tanhshrink, kLong, tanhshrinkOf(x))
TG_DEFINE_UNARY(hardSigmoid, kCheap, hardSigmoidOf(x))
TG_DEFINE_UNARY(hardSwish, kCheap, mul(x, hardSigmoidOf(x)))

TG_DEFINE_BINARY(add, kCheap, add(a, b))
TG_DEFINE_BINARY(sub, kCheap, sub(a, b))
TG_DEFINE_BINARY(mul, kCheap, mul(a, b))
TG_DEFINE_BINARY(div, kCheap, div(a, b))
TG_DEFINE_BINARY(maximum, kCheap, maxNan(a, b))
TG_DEFINE_BINARY(minimum, kCheap, minNan(a, b))
TG_DEFINE_BINARY(greaterShare, kCheap, greaterShareOf(a, b))
TG_DEFINE_BINARY(prelu, kCheap, leakyReluOf(a, b))
TG_DEFINE_BINARY(preluSlope, kCheap, leakySlopeOf(a, b))
TG_DEFINE_BINARY(preluWeight, kCheap, preluWeightOf(a, b))
TG_DEFINE_BINARY(glu, kLong, mul(a, sigmoid(b)))

TG_DEFINE_UNARY_WITH(softplus, kLong, softplusOf(x, p(0), p(1), p(2)))
TG_DEFINE_UNARY_WITH(elu, kLong, eluOf(x, p(0), p(1), p(2)))
TG_DEFINE_UNARY_WITH(leakyRelu, kCheap, leakyReluOf(x, p(0)))
TG_DEFINE_UNARY_WITH(hardTanh, kCheap, min(p(1), max(p(0), x)))  // NaN, their second operand, stays
TG_DEFINE_UNARY_WITH(softshrink, kCheap, softshrinkOf(x, p(0)))
TG_DEFINE_UNARY_WITH(hardshrink, kCheap, hardshrinkOf(x, p(0)))
TG_DEFINE_UNARY_WITH(threshold, kCheap, select(le(x, p(0)), p(1), x))

TG_DEFINE_DERIVATIVE(reluBackward, kCheap, reluBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(tanhBackward, kCheap, tanhBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(sigmoidBackward, kCheap, sigmoidBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(geluBackward, kLong, geluBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(geluTanhBackward, kLong, geluTanhBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(siluBackward, kLong, siluBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(mishBackward, kLong, mishBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(logSigmoidBackward, kLong, mul(g, sigmoid(neg(x))))
TG_DEFINE_DERIVATIVE(softsignBackward, kCheap, softsignBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(tanhshrinkBackward, kLong, tanhshrinkBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(hardSigmoidBackward, kCheap, hardSigmoidBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(hardSwishBackward, kCheap, hardSwishBackwardOf(g, x))
TG_DEFINE_DERIVATIVE(softplusBackward, kLong, softplusBackwardOf(g, x, p(0), p(1)))
TG_DEFINE_DERIVATIVE(eluBackward, kLong, eluBackwardOf(g, x, p(0), p(1), p(2)))
TG_DEFINE_DERIVATIVE(leakyReluBackward, kCheap, mul(g, leakySlopeOf(x, p(0))))
TG_DEFINE_DERIVATIVE(hardTanhBackward, kCheap, hardTanhBackwardOf(g, x, p(0), p(1)))
TG_DEFINE_DERIVATIVE(shrinkBackward, kCheap, shrinkBackwardOf(g, x, p(0)))
TG_DEFINE_DERIVATIVE(thresholdBackward, kCheap, select(le(x, p(0)), vsplat<T>(0), g))

#undef TG_DEFINE_UNARY
#undef TG_DEFINE_BINARY
#undef TG_DEFINE_UNARY_WITH
#undef TG_DEFINE_DERIVATIVE

// y[i] = f(x[i]) for i < n, `unroll` vectors at a time. y may be x.
template <int unroll, class T, class F>
TG_INLINE void unaryLoop(int64_t n, const T* x, T* y, const F& f) {
  constexpr int64_t kWidth = kLanes<T>;
  int64_t i = 0;
  if constexpr (unroll > 1) {
    for (; i + unroll * kWidth <= n; i += unroll * kWidth) {
      Vec<T> v[unroll];
      for (int u = 0; u < unroll; ++u) v[u] = vload<T>(x + i + u * kWidth);
      for (int u = 0; u < unroll; ++u) store(y + i + u * kWidth, f(v[u]));
    }
  }
  for (; i + kWidth <= n; i += kWidth) store(y + i, f(vload<T>(x + i)));
  if (i < n) storeFirst(y + i, f(vloadFirst<T>(x + i, n - i)), n - i);
}

template <Unary op, class T>
void unaryKernel(int64_t n, const T* x, T* y) {
  unaryLoop<UnaryOp<op>::unroll>(n, x, y, [](Vec<T> v) { return UnaryOp<op>::apply(v); });
}

template <UnaryWith op, class T>
void unaryWithKernel(int64_t n, const T* x, const T* p, T* y) {
  // Read once: y might overlap the parameters, for all the compiler knows.
  const T values[kMaxParameters] = {p[0], p[1], p[2]};
  const auto parameter = [&](int k) { return vsplat<T>(values[k]); };
  unaryLoop<UnaryWithOp<op>::unroll>(
      n, x, y, [&](Vec<T> v) { return UnaryWithOp<op>::apply(v, parameter); });
}

// An operand of a binary kernel: contiguous, or one value for all.
template <class T, bool Scalar>
struct Operand {
  const T* p;
  Vec<T> value;  // only for a scalar

  TG_INLINE Operand make(const T* p) {
    Operand operand;
    operand.p = p;
    if constexpr (Scalar) operand.value = vsplat<T>(*p);
    return operand;
  }
  TG_INLINE Vec<T> load(const Operand& operand, int64_t i) {
    if constexpr (Scalar) return operand.value;
    return vload<T>(operand.p + i);
  }
  TG_INLINE Vec<T> loadFirst(const Operand& operand, int64_t i, int64_t n) {
    if constexpr (Scalar) return operand.value;
    return vloadFirst<T>(operand.p + i, n);
  }
};

// y[i] = f(a[i], b[i]) for i < n, `unroll` vectors at a time.
template <int unroll, bool AScalar, bool BScalar, class T, class F>
TG_INLINE void pairLoop(int64_t n, const T* a, const T* b, T* y, const F& f) {
  constexpr int64_t kWidth = kLanes<T>;
  using A = Operand<T, AScalar>;
  using B = Operand<T, BScalar>;
  const A av = A::make(a);
  const B bv = B::make(b);
  int64_t i = 0;
  if constexpr (unroll > 1) {
    for (; i + unroll * kWidth <= n; i += unroll * kWidth) {
      Vec<T> v[unroll];
      for (int u = 0; u < unroll; ++u) {
        v[u] = f(A::load(av, i + u * kWidth), B::load(bv, i + u * kWidth));
      }
      for (int u = 0; u < unroll; ++u) store(y + i + u * kWidth, v[u]);
    }
  }
  for (; i + kWidth <= n; i += kWidth) store(y + i, f(A::load(av, i), B::load(bv, i)));
  if (i < n) {
    const int64_t rest = n - i;
    storeFirst(y + i, f(A::loadFirst(av, i, rest), B::loadFirst(bv, i, rest)), rest);
  }
}

template <Binary op, class T, bool AScalar, bool BScalar>
void binaryLoop(int64_t n, const T* a, const T* b, T* y) {
  pairLoop<BinaryOp<op>::unroll, AScalar, BScalar>(
      n, a, b, y, [](Vec<T> av, Vec<T> bv) { return BinaryOp<op>::apply(av, bv); });
}

// y[i] = f(a[i * aStep], b[i * bStep]) for i < n, steps 1 or 0. y may be a or b.
template <Binary op, class T>
void binaryKernel(int64_t n, const T* a, int64_t aStep, const T* b, int64_t bStep, T* y) {
  if (n <= 0) return;  // a scalar is read before the loop
  if (aStep != 0) {
    return bStep != 0 ? binaryLoop<op, T, false, false>(n, a, b, y)
                      : binaryLoop<op, T, false, true>(n, a, b, y);
  }
  return bStep != 0 ? binaryLoop<op, T, true, false>(n, a, b, y)
                    : binaryLoop<op, T, true, true>(n, a, b, y);
}

// dx[i] = f(g[i * gStep], x[i]) for i < n, gStep 1 or 0 (the gradient of a sum is one value for
// all). dx may be g or x.
template <Derivative op, class T>
void derivativeKernel(int64_t n, const T* g, int64_t gStep, const T* x, const T* p, T* dx) {
  if (n <= 0) return;
  constexpr int kUnroll = DerivativeOp<op>::unroll;
  const T values[kMaxParameters] = {p[0], p[1], p[2]};
  const auto parameter = [&](int k) { return vsplat<T>(values[k]); };
  const auto f = [&](Vec<T> gv, Vec<T> xv) { return DerivativeOp<op>::apply(gv, xv, parameter); };
  return gStep != 0 ? pairLoop<kUnroll, false, false>(n, g, x, dx, f)
                    : pairLoop<kUnroll, true, false>(n, g, x, dx, f);
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
#include "elementwise.inc"
  kernels.gluBackward = gluBackwardKernel<T>;
  return kernels;
}

TG_TARGET_END
