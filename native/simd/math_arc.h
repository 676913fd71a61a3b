// Inverse trigonometric functions and polar coordinates of registers: see math.h.
#pragma once
#include "math_exp.h"
#include "math_trig_constants.h"

TG_TARGET_BEGIN

// pi / 2 in two parts times 0, 1 or 2, plus v + v factor, where v is not larger than that base
// unless the base is 0: the end of every arc function.
template <class T>
TG_INLINE Reg<T> arcSum(Reg<T> quarters, Reg<T> v, Reg<T> factor) {
  using C = TrigConstants<T>;
  const Reg<T> base = mul(quarters, splat<T>(C::halfPi[0]));
  const Reg<T> sum = add(base, v);
  const Reg<T> lost = sub(v, sub(sum, base));
  return add(sum, fma(v, factor, fma(quarters, splat<T>(C::halfPi[1]), lost)));
}

// For |x| > 1/2 both functions take asin(x) = pi / 2 - 2 asin(sqrt((1 - x) / 2)).
template <class T>
struct AsinParts {
  Mask<T> small;  // |x| <= 1/2
  Reg<T> s;       // |x|, or sqrt((1 - |x|) / 2)
  Reg<T> factor;  // asin(s) = s + s factor
};

template <class T>
TG_INLINE AsinParts<T> asinParts(Reg<T> x) {
  const Reg<T> half = splat<T>(T(0.5));
  const Reg<T> a = abs(x);
  const Mask<T> small = le(a, half);
  const Reg<T> z = select(small, mul(a, a), fnma(half, a, half));
  return {small, select(small, a, sqrt(z)), mul(z, polynomial(z, TrigConstants<T>::asin))};
}

// Arc sine: NaN outside [-1, 1].
template <class T>
TG_INLINE Reg<T> asin(Reg<T> x) {
  const AsinParts<T> p = asinParts(x);
  const Reg<T> v = mul(p.s, select(p.small, splat<T>(1), splat<T>(-2)));
  const Reg<T> quarters = select(p.small, splat<T>(0), splat<T>(1));
  return copySign(arcSum(quarters, v, p.factor), x);
}

// Arc cosine: NaN outside [-1, 1].
template <class T>
TG_INLINE Reg<T> acos(Reg<T> x) {
  const AsinParts<T> p = asinParts(x);
  const Reg<T> zero = splat<T>(0), one = splat<T>(1), two = splat<T>(2);
  const Mask<T> negative = lt(x, zero);
  const Reg<T> v =
      mul(p.s, select(p.small, neg(copySign(one, x)), select(negative, neg(two), two)));
  return arcSum(select(p.small, one, select(negative, two, zero)), v, p.factor);
}

// Arc tangent of a quotient v in [-1, 1], added to quarters of a turn.
template <class T>
TG_INLINE Reg<T> atanSum(Reg<T> quarters, Reg<T> v) {
  const Reg<T> z = mul(v, v);
  return arcSum(quarters, v, mul(z, polynomial(z, TrigConstants<T>::atan)));
}

// Arc tangent: above 1 it is pi / 2 - atan(1 / |x|).
template <class T>
TG_INLINE Reg<T> atan(Reg<T> x) {
  const Reg<T> a = abs(x), one = splat<T>(1);
  const Mask<T> large = lt(one, a);
  const Reg<T> v = div(select(large, neg(one), a), select(large, a, one));
  return copySign(atanSum(select(large, one, splat<T>(0)), v), x);
}

// The angle of the point (x, y), in [-pi, pi]. Zeros of both signs and infinities as in IEEE 754.
template <class T>
TG_NOINLINE Reg<T> atan2(Reg<T> y, Reg<T> x) {
  const Reg<T> zero = splat<T>(0), one = splat<T>(1);
  const Reg<T> infinity = fromBits(isplat<T>(Format<T>::infinity));
  const Reg<T> a = abs(x), b = abs(y);
  const Mask<T> steep = lt(a, b);
  const Reg<T> smaller = select(steep, a, b), larger = select(steep, b, a);
  const Reg<T> ratio = div(smaller, larger);
  const Reg<T> t = select(eq(larger, zero), zero, select(eq(smaller, infinity), one, ratio));
  // The sign bit of x counts, also that of -0.
  const Mask<T> left = lt(copySign(one, x), zero);
  const Reg<T> quarters = select(steep, one, select(left, splat<T>(2), zero));
  const Reg<T> turned = select(left, t, neg(t)), flat = select(left, neg(t), t);
  const Reg<T> angle = copySign(atanSum(quarters, select(steep, turned, flat)), y);
  return select(maskOr(isNan(x), isNan(y)), add(x, y), angle);
}

// sqrt(x^2 + y^2) without overflow or underflow on the way; infinity where either is infinite.
template <class T>
TG_INLINE Reg<T> hypot(Reg<T> x, Reg<T> y) {
  using C = TrigConstants<T>;
  const Reg<T> one = splat<T>(1);
  const Reg<T> infinity = fromBits(isplat<T>(Format<T>::infinity));
  const Reg<T> a = abs(x), b = abs(y);
  const Reg<T> larger = max(a, b), smaller = min(a, b);
  const Mask<T> large = lt(splat<T>(C::hypotLarge), larger);
  const Mask<T> small = lt(larger, splat<T>(T(1) / C::hypotLarge));
  const Reg<T> down = splat<T>(T(1) / C::hypotScale), up = splat<T>(C::hypotScale);
  const Reg<T> scale = select(large, down, select(small, up, one));
  const Reg<T> back = select(large, up, select(small, down, one));
  const Reg<T> p = mul(larger, scale), q = mul(smaller, scale);
  const Reg<T> length = mul(sqrt(fma(p, p, mul(q, q))), back);
  const Reg<T> finite = select(maskOr(isNan(a), isNan(b)), add(a, b), length);
  return select(maskOr(eq(a, infinity), eq(b, infinity)), infinity, finite);
}

TG_TARGET_END
