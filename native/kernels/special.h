// The inverse of the error function, and the neighbours of a number.
#pragma once
#include "../simd/math.h"
#include "quantile.h"

TG_TARGET_BEGIN

// A polynomial of quantile.h in the precision of x.
template <class T, int n>
TG_INLINE Reg<T> quantilePolynomial(Reg<T> x, const double (&c)[n]) {
  Reg<T> y = splat<T>(static_cast<T>(c[n - 1]));
  for (int k = n - 2; k >= 0; --k) y = fma(y, x, splat<T>(static_cast<T>(c[k])));
  return y;
}

// y with erf(y) = x, from the quantile of the normal distribution at (1 + x) / 2 (quantile.h): q is
// x / 2 there, and the smaller tail, (1 - |x|) / 2, is exact where it is taken. All coefficients
// and variables are positive, so nothing cancels. NaN, which the logarithm makes, outside [-1, 1].
template <class T>
TG_INLINE Reg<T> erfinv(Reg<T> x) {
  const Reg<T> half = splat<T>(static_cast<T>(0.5)), far = splat<T>(5), one = splat<T>(1);
  const Reg<T> a = abs(x);
  const Reg<T> q = mul(x, half);
  const Reg<T> r = fnma(q, q, splat<T>(static_cast<T>(0.180625)));
  const Reg<T> near =
      mul(q, div(quantilePolynomial(r, kQuantileA), quantilePolynomial(r, kQuantileB)));
  const Reg<T> s = sqrt(neg(log(mul(sub(one, a), half))));
  const Mask<T> isFar = gt(s, far);
  const Reg<T> t = sub(s, select(isFar, far, splat<T>(static_cast<T>(1.6))));
  const Reg<T> above =
      select(isFar, quantilePolynomial(t, kQuantileE), quantilePolynomial(t, kQuantileC));
  const Reg<T> below =
      select(isFar, quantilePolynomial(t, kQuantileF), quantilePolynomial(t, kQuantileD));
  // At 1 the variable is infinite, and so is the result.
  const Reg<T> tail = select(eq(a, one), s, div(above, below));
  const Reg<T> z = select(le(a, splat<T>(static_cast<T>(0.85))), near, copySign(tail, x));
  return mul(z, splat<T>(static_cast<T>(0.70710678118654752440)));
}

// The number next to a on the way to b: as integers, the bits of neighbours of one sign differ
// by 1.
template <class T>
TG_INLINE Reg<T> nextafter(Reg<T> a, Reg<T> b) {
  const Reg<T> zero = splat<T>(0);
  const IReg<T> bits = toBits(a), one = isplat<T>(1);
  const Mask<T> positive = gt(a, zero), up = gt(b, a);
  const Mask<T> grows = maskOr(maskAnd(positive, up), maskNot(maskOr(positive, up)));
  const Reg<T> moved = select(grows, fromBits(iadd(bits, one)), fromBits(isub(bits, one)));
  const Reg<T> away = select(eq(a, zero), copySign(fromBits(one), b), moved);
  const Reg<T> next = select(eq(a, b), b, away);
  return select(isNan(a), a, select(isNan(b), b, next));
}

TG_LIFT_MATH(erfinv)
TG_LIFT_MATH_2(nextafter)

TG_TARGET_END
