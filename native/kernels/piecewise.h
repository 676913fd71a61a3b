// Activations of straight pieces and the products of a gradient with their derivatives, on vectors.
// At the ends of pieces and for NaN the derivatives are PyTorch's.
#pragma once
#include "../simd/vec.h"

TG_TARGET_BEGIN

// g x where x is not above 0, 0 elsewhere: the gradient of leakyRelu(x, slope) for its slope.
template <class T>
TG_INLINE Vec<T> preluWeightOf(Vec<T> g, Vec<T> x) {
  return select(gt(x, vsplat<T>(0)), vsplat<T>(0), mul(g, x));
}

// min(max(x + 3, 0), 6) / 6; NaN, the second operand of min and max, stays.
template <class T>
TG_INLINE Vec<T> hardsigmoidOf(Vec<T> x) {
  const Vec<T> six = vsplat<T>(6);
  return div(min(six, max(vsplat<T>(0), add(x, vsplat<T>(3)))), six);
}

// g / 6 for -3 < x < 3, else 0.
template <class T>
TG_INLINE Vec<T> hardsigmoidBackwardOf(Vec<T> g, Vec<T> x) {
  const Vec<T> slope = mul(g, vsplat<T>(static_cast<T>(1.0 / 6)));
  return select(lt(abs(x), vsplat<T>(3)), slope, vsplat<T>(0));
}

// The derivative of x hardsigmoid(x) (Howard et al., "Searching for MobileNetV3", 2019): 0 up to
// -3, x / 3 + 1/2 up to 3, then 1.
template <class T>
TG_INLINE Vec<T> hardswishBackwardOf(Vec<T> g, Vec<T> x) {
  const Vec<T> three = vsplat<T>(3);
  const Vec<T> slope = add(div(x, three), vsplat<T>(static_cast<T>(0.5)));
  const Vec<T> above = select(ge(x, three), g, mul(g, slope));
  return select(le(x, neg(three)), vsplat<T>(0), above);
}

// g for low < x < high, else 0.
template <class T>
TG_INLINE Vec<T> hardtanhBackwardOf(Vec<T> g, Vec<T> x, Vec<T> low, Vec<T> high) {
  return select(maskAnd(gt(x, low), lt(x, high)), g, vsplat<T>(0));
}

// x moved towards 0 by lambda >= 0, 0 where that would pass it; NaN stays.
template <class T>
TG_INLINE Vec<T> softshrinkOf(Vec<T> x, Vec<T> lambda) {
  return select(le(abs(x), lambda), vsplat<T>(0), sub(x, copySign(lambda, x)));
}

// 0 where -lambda <= x <= lambda, else x; NaN stays.
template <class T>
TG_INLINE Vec<T> hardshrinkOf(Vec<T> x, Vec<T> lambda) {
  return select(maskAnd(ge(x, neg(lambda)), le(x, lambda)), vsplat<T>(0), x);
}

// g where x > lambda or x < -lambda, else 0: of both.
template <class T>
TG_INLINE Vec<T> shrinkBackwardOf(Vec<T> g, Vec<T> x, Vec<T> lambda) {
  return select(maskOr(gt(x, lambda), lt(x, neg(lambda))), g, vsplat<T>(0));
}

TG_TARGET_END
