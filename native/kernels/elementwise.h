// Elementwise kernels: y[i] = f(x[i]) and y[i] = f(a[i], b[i]), one functor for each line of
// elementwise.inc. A partial vector at the end goes through the same functor as a whole one, with
// zeros in the lanes that are not stored, so a value's bits do not depend on where it stands.
#pragma once
#include "../simd/math.h"
#include "activation.h"
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

// The sign of x as -1, 0 or 1: zeros of either sign and NaN give +0, as in PyTorch.
template <class T>
TG_INLINE Vec<T> signOf(Vec<T> x) {
  const Vec<T> zero = vsplat<T>(0);
  return select(gt(x, zero), vsplat<T>(1), select(lt(x, zero), vsplat<T>(-1), zero));
}

template <class T>
TG_INLINE Vec<T> square(Vec<T> x) {
  return mul(x, x);
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
TG_DEFINE_UNARY(square, kCheap, square(x))
TG_DEFINE_UNARY(sqrt, kCheap, sqrt(x))
TG_DEFINE_UNARY(reciprocal, kCheap, div(vsplat<T>(1), x))
TG_DEFINE_UNARY(nanToZero, kCheap, select(isNan(x), vsplat<T>(0), x))
TG_DEFINE_UNARY(notNan, kCheap, select(isNan(x), vsplat<T>(0), vsplat<T>(1)))
TG_DEFINE_UNARY(exp, kLong, exp(x))
TG_DEFINE_UNARY(log, kLong, log(x))
TG_DEFINE_UNARY(log1p, kLong, log1p(x))
TG_DEFINE_UNARY(tanh, kLong, tanh(x))
TG_DEFINE_UNARY(sigmoid, kLong, sigmoid(x))
TG_DEFINE_UNARY(softplus, kLong, softplusOf(x))
TG_DEFINE_UNARY(erf, kLong, erf(x))
TG_DEFINE_UNARY(relu, kCheap, reluOf(x))
TG_DEFINE_UNARY(gelu, kLong, geluOf(x))
TG_DEFINE_UNARY(geluTanh, kLong, geluTanhOf(x))
TG_DEFINE_UNARY(silu, kLong, siluOf(x))

TG_DEFINE_BINARY(add, kCheap, add(a, b))
TG_DEFINE_BINARY(sub, kCheap, sub(a, b))
TG_DEFINE_BINARY(mul, kCheap, mul(a, b))
TG_DEFINE_BINARY(div, kCheap, div(a, b))
TG_DEFINE_BINARY(maximum, kCheap, maxNan(a, b))
TG_DEFINE_BINARY(minimum, kCheap, minNan(a, b))
TG_DEFINE_BINARY(squaredDifference, kCheap, square(sub(a, b)))
TG_DEFINE_BINARY(greaterShare, kCheap, greaterShareOf(a, b))
TG_DEFINE_BINARY(leakyRelu, kCheap, leakyReluOf(a, b))
TG_DEFINE_BINARY(leakySlope, kCheap, leakySlopeOf(a, b))
TG_DEFINE_BINARY(reluBackward, kCheap, reluBackwardOf(a, b))
TG_DEFINE_BINARY(tanhBackward, kCheap, tanhBackwardOf(a, b))
TG_DEFINE_BINARY(sigmoidBackward, kCheap, sigmoidBackwardOf(a, b))
TG_DEFINE_BINARY(geluBackward, kLong, geluBackwardOf(a, b))
TG_DEFINE_BINARY(geluTanhBackward, kLong, geluTanhBackwardOf(a, b))
TG_DEFINE_BINARY(siluBackward, kLong, siluBackwardOf(a, b))

#undef TG_DEFINE_UNARY
#undef TG_DEFINE_BINARY

// y[i] = f(x[i]) for i < n. y may be x.
template <Unary op, class T>
void unaryKernel(int64_t n, const T* x, T* y) {
  constexpr int64_t kWidth = kLanes<T>;
  constexpr int kUnroll = UnaryOp<op>::unroll;
  int64_t i = 0;
  if constexpr (kUnroll > 1) {
    for (; i + kUnroll * kWidth <= n; i += kUnroll * kWidth) {
      Vec<T> v[kUnroll];
      for (int u = 0; u < kUnroll; ++u) v[u] = vload<T>(x + i + u * kWidth);
      for (int u = 0; u < kUnroll; ++u) store(y + i + u * kWidth, UnaryOp<op>::apply(v[u]));
    }
  }
  for (; i + kWidth <= n; i += kWidth) store(y + i, UnaryOp<op>::apply(vload<T>(x + i)));
  if (i < n) storeFirst(y + i, UnaryOp<op>::apply(vloadFirst<T>(x + i, n - i)), n - i);
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

template <Binary op, class T, bool AScalar, bool BScalar>
void binaryLoop(int64_t n, const T* a, const T* b, T* y) {
  constexpr int64_t kWidth = kLanes<T>;
  constexpr int kUnroll = BinaryOp<op>::unroll;
  using A = Operand<T, AScalar>;
  using B = Operand<T, BScalar>;
  const A av = A::make(a);
  const B bv = B::make(b);
  int64_t i = 0;
  if constexpr (kUnroll > 1) {
    for (; i + kUnroll * kWidth <= n; i += kUnroll * kWidth) {
      Vec<T> v[kUnroll];
      for (int u = 0; u < kUnroll; ++u) {
        v[u] = BinaryOp<op>::apply(A::load(av, i + u * kWidth), B::load(bv, i + u * kWidth));
      }
      for (int u = 0; u < kUnroll; ++u) store(y + i + u * kWidth, v[u]);
    }
  }
  for (; i + kWidth <= n; i += kWidth) {
    store(y + i, BinaryOp<op>::apply(A::load(av, i), B::load(bv, i)));
  }
  if (i < n) {
    const int64_t rest = n - i;
    storeFirst(y + i, BinaryOp<op>::apply(A::loadFirst(av, i, rest), B::loadFirst(bv, i, rest)),
               rest);
  }
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

template <class T>
constexpr ElementwiseKernels<T> elementwiseKernels() {
  ElementwiseKernels<T> kernels{};
#define TG_UNARY(name) kernels.unary[static_cast<int>(Unary::name)] = unaryKernel<Unary::name, T>;
#define TG_BINARY(name) \
  kernels.binary[static_cast<int>(Binary::name)] = binaryKernel<Binary::name, T>;
#include "elementwise.inc"
  return kernels;
}

TG_TARGET_END
