// Activations and the products of a gradient with their derivatives, on vectors. The elementwise
// kernels and whatever fuses an activation call these same functions, so that fused and separate
// results have the same bits. tanh and sigmoid themselves are in simd/math.h.
//
// Backward functions take the gradient g of the activation's output, and its output y or input x.
#pragma once
#include "../simd/math.h"

TG_TARGET_BEGIN

// max(x, 0), as 0 > x ? 0 : x, so that NaN stays.
template <class T>
TG_INLINE Vec<T> reluOf(Vec<T> x) {
  return max(vsplat<T>(0), x);
}

// g, or 0 where y <= 0; a NaN in y lets g through, as PyTorch's threshold_backward does.
template <class T>
TG_INLINE Vec<T> reluBackwardOf(Vec<T> g, Vec<T> y) {
  return select(le(y, vsplat<T>(0)), vsplat<T>(0), g);
}

// g (1 - y^2).
template <class T>
TG_INLINE Vec<T> tanhBackwardOf(Vec<T> g, Vec<T> y) {
  return mul(g, fnma(y, y, vsplat<T>(1)));
}

// g y (1 - y).
template <class T>
TG_INLINE Vec<T> sigmoidBackwardOf(Vec<T> g, Vec<T> y) {
  return mul(mul(g, y), sub(vsplat<T>(1), y));
}

// log(1 + exp(x)), without overflow: log1p(exp(-|x|)) + max(x, 0).
template <class T>
TG_INLINE Vec<T> softplusOf(Vec<T> x) {
  return add(log1p(exp(neg(abs(x)))), max(vsplat<T>(0), x));
}

constexpr double kSqrtHalf = 0.70710678118654752440;      // 1 / sqrt(2)
constexpr double kInvSqrtTwoPi = 0.39894228040143267794;  // 1 / sqrt(2 pi)

// The standard normal distribution function, (1 + erf(x / sqrt 2)) / 2.
template <class T>
TG_INLINE Vec<T> normalCdf(Vec<T> x) {
  const Vec<T> half = vsplat<T>(static_cast<T>(0.5));
  return fma(half, erf(mul(x, vsplat<T>(static_cast<T>(kSqrtHalf)))), half);
}

// x * cdf(x), the exact form of GELU (Hendrycks & Gimpel 2016).
template <class T>
TG_INLINE Vec<T> geluOf(Vec<T> x) {
  return mul(x, normalCdf(x));
}

// g * (cdf(x) + x * pdf(x)).
template <class T>
TG_INLINE Vec<T> geluBackwardOf(Vec<T> g, Vec<T> x) {
  const Vec<T> exponent = mul(mul(x, x), vsplat<T>(static_cast<T>(-0.5)));
  const Vec<T> pdf = mul(exp(exponent), vsplat<T>(static_cast<T>(kInvSqrtTwoPi)));
  return mul(g, fma(x, pdf, normalCdf(x)));
}

TG_TARGET_END
