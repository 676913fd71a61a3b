// Functions of arithmetic on vectors, and what the gradients of arithmetic are made of, beyond what
// simd/math.h has.
#pragma once
#include "../simd/math.h"

TG_TARGET_BEGIN

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

// y x^(y - 1), and 0 where y is 0, also for x = 0.
template <class T>
TG_INLINE Vec<T> powBaseSlopeOf(Vec<T> x, Vec<T> y) {
  const Vec<T> slope = mul(y, pow(x, sub(y, vsplat<T>(1))));
  return select(eq(y, vsplat<T>(0)), vsplat<T>(0), slope);
}

// x^y log(x), and its limit 0 where x is 0 and y is not negative.
template <class T>
TG_INLINE Vec<T> powExponentSlopeOf(Vec<T> x, Vec<T> y) {
  const Vec<T> zero = vsplat<T>(0);
  return select(maskAnd(eq(x, zero), ge(y, zero)), zero, mul(pow(x, y), log(x)));
}

// x / (x^2 + y^2) without overflow on the way, and 0 at the origin.
template <class T>
TG_INLINE Vec<T> atan2SlopeOf(Vec<T> y, Vec<T> x) {
  const Vec<T> radius = hypot(x, y);
  return select(eq(radius, vsplat<T>(0)), x, div(div(x, radius), radius));
}

// x, or what stands for NaN and for the infinities.
template <class T>
TG_INLINE Vec<T> nanToNumOf(Vec<T> x, Vec<T> nan, Vec<T> positive, Vec<T> negative) {
  const Vec<T> infinite = select(gt(x, vsplat<T>(0)), positive, negative);
  const Vec<T> number = select(lt(abs(x), vinfinity<T>()), x, infinite);
  return select(isNan(x), nan, number);
}

// g / (x (1 - x)), or what stands for it outside of [low, high]: d log(x / (1 - x)) / dx.
template <class T>
TG_INLINE Vec<T> logitBackwardOf(Vec<T> g, Vec<T> x, Vec<T> low, Vec<T> high, Vec<T> outside) {
  const Vec<T> slope = div(g, mul(x, sub(vsplat<T>(1), x)));
  return select(maskOr(lt(x, low), gt(x, high)), outside, slope);
}

TG_TARGET_END
