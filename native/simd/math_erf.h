// The error function of registers: see math.h.
#pragma once
#include "math_exp.h"
#include "math_pieces.h"

TG_TARGET_BEGIN

// Error function 2 / sqrt(pi) * integral of exp(-t^2) from 0 to x: an odd polynomial for |x| < 1,
// otherwise 1 - exp(polynomial of |x|).
TG_INLINE RegD erf(RegD x) {
  using C = MathConstants<double>;
  const RegD one = splat<double>(1);
  const RegD a = min(splat(C::erfEnd), abs(x));
  const RegD nearZero = fma(a, polynomial(mul(a, a), C::erf), a);
  const RegD logErfc = polynomial(sub(a, one), C::erfc);
  const RegD beyond = sub(one, expInRange(logErfc));
  return copySign(select(lt(a, one), nearZero, beyond), x);
}

// In pieces. In the first one, up to 1/8, it is r + r P(r), which rounds once.
TG_INLINE RegF erf(RegF x) {
  const RegF a = abs(x);
  const InPiece at = inPiece(kErf, a);
  const RegF start = select(le(a, splat(kErf.step / 2)), at.r, lookup(kErfPieces[0], at.index));
  return copySign(fma(slopeInPiece(kErfPieces, at), at.r, start), x);
}

// The standard normal distribution function, (1 + erf(x / sqrt 2)) / 2, to half a unit in the last
// place of 1.
TG_INLINE RegD normalCdf(RegD x) {
  const RegD half = splat(0.5);
  return fma(half, erf(mul(x, splat(0.70710678118654752440))), half);  // 1 / sqrt(2)
}

TG_INLINE RegF normalCdf(RegF x) {
  return add(splat(0.5f), copySign(byPieces(kNormal, kNormalPieces, abs(x)), x));
}

// 1 - erf(x), with full relative accuracy where it is small. From erfcStart on it is
// exp(-x^2) P((x - k) / (x + k)) / (1 + 2x) (Shepherd & Laframboise, "Chebyshev approximation of
// (1 + 2x) exp(x^2) erfc x", 1981), with the square, the exponential and the quotient in two parts.
template <class T>
TG_INLINE Reg<T> erfc(Reg<T> x) {
  using C = MathConstants<T>;
  const Reg<T> one = splat<T>(1), two = splat<T>(2);
  // 1 - x - x P(x^2), where the last term is the smallest.
  const Reg<T> difference = sub(one, x);
  const Reg<T> lost = sub(sub(one, difference), x);
  const Reg<T> nearZero = add(difference, fnma(x, polynomial(mul(x, x), C::erf), lost));

  const Reg<T> a = min(splat<T>(C::erfcEnd), abs(x));
  const Reg<T> center = splat<T>(C::erfcCenter);
  const Reg<T> scaled = polynomial(div(sub(a, center), add(a, center)), C::erfcScaled);
  const Reg<T> divisor = fma(two, a, one);
  const Reg<T> divisorLow = fma(two, a, sub(one, divisor));
  const Reg<T> inverse = div(one, divisor);
  const Reg<T> quotient = mul(scaled, inverse);
  const Reg<T> rest = fnma(quotient, divisorLow, fnma(quotient, divisor, scaled));
  const Reg<T> quotientLow = mul(rest, inverse);

  const Reg<T> square = mul(a, a);
  const Reg<T> squareLow = fma(a, a, neg(square));
  const ExpParts<T> parts = expParts(neg(square));
  const Reg<T> tail = add(parts.high, parts.low);  // of 1 + tail
  // exp(-square - squareLow): the small part counts by its first term.
  const Reg<T> low = fnma(squareLow, add(one, tail), parts.low);
  const Reg<T> start = add(one, parts.high);
  const Reg<T> mantissa = add(start, low);
  const Reg<T> mantissaLow = add(sub(parts.high, sub(start, one)), sub(low, sub(mantissa, start)));

  const Reg<T> product = mul(quotient, mantissa);
  const Reg<T> productLow = fma(quotient, mantissa, neg(product));
  const Reg<T> more = fma(quotientLow, mantissa, fma(quotient, mantissaLow, productLow));
  // The product is above 0.01, so half of the power leaves it normal, as mulPow2 wants.
  const Reg<T> far = mulPow2(add(product, more), parts.n);
  const Reg<T> beyond = select(lt(x, splat<T>(0)), sub(two, far), far);
  return select(lt(abs(x), splat<T>(C::erfcStart)), nearZero, beyond);
}

TG_TARGET_END
