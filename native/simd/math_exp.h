// Exponential and hyperbolic functions of registers: see math.h.
#pragma once
#include "math_constants.h"
#include "math_pieces.h"
#include "reg.h"

TG_TARGET_BEGIN

// c[0] + c[1] x + ... by Horner's rule.
template <class T, int n>
TG_INLINE Reg<T> polynomial(Reg<T> x, const T (&c)[n]) {
  Reg<T> y = splat<T>(c[n - 1]);
  for (int k = n - 2; k >= 0; --k) y = fma(y, x, splat<T>(c[k]));
  return y;
}

// x = n log(2) + r with integer n and |r| <= log(2)/2 (Cody and Waite, "Software Manual for the
// Elementary Functions", 1980), where exp(r) - 1 = high + low: high is most of r, exactly.
template <class T>
struct ExpParts {
  Reg<T> n;
  Reg<T> high;
  Reg<T> low;
};

// The parts of exp(n log(2) + high + rest), where rest is small beside high.
template <class T>
TG_INLINE ExpParts<T> expPartsOf(Reg<T> n, Reg<T> high, Reg<T> rest) {
  const Reg<T> r = add(high, rest);
  return {n, high, fma(mul(r, r), polynomial(r, MathConstants<T>::exp), rest)};
}

// Of exp(x) what comes before the polynomial, x = n log(2) + high up to log(2)'s second part, for
// expMin <= x <= expMax (or NaN).
template <class T>
struct ExpArgument {
  Reg<T> n;
  Reg<T> high;
};

template <class T>
TG_INLINE ExpArgument<T> expArgument(Reg<T> x) {
  using C = MathConstants<T>;
  const Reg<T> magic = splat<T>(Format<T>::roundingMagic);
  const Reg<T> n = sub(fma(x, splat<T>(C::log2e), magic), magic);
  return {n, fnma(n, splat<T>(C::ln2High), x)};
}

template <class T>
TG_INLINE ExpParts<T> expPartsOf(const ExpArgument<T>& x) {
  return expPartsOf(x.n, x.high, mul(x.n, splat<T>(-MathConstants<T>::ln2Low)));
}

template <class T>
TG_INLINE ExpParts<T> expParts(Reg<T> x) {
  return expPartsOf(expArgument(x));
}

template <class T>
TG_INLINE Reg<T> expOf(const ExpArgument<T>& x) {
  const ExpParts<T> parts = expPartsOf(x);
  return mulPow2(add(splat<T>(1), add(parts.high, parts.low)), parts.n);
}

// exp for expMin <= x <= expMax (or NaN).
template <class T>
TG_INLINE Reg<T> expInRange(Reg<T> x) {
  return expOf(expArgument(x));
}

// exp(x): 0 for -infinity, infinity on overflow.
template <class T>
TG_INLINE Reg<T> exp(Reg<T> x) {
  using C = MathConstants<T>;
  // The constant comes first in max and min: they return their second operand for NaN.
  return expInRange(min(splat<T>(C::expMax), max(splat<T>(C::expMin), x)));
}

// 2^x: 0 for -infinity, infinity on overflow; exact for whole numbers.
template <class T>
TG_INLINE Reg<T> exp2(Reg<T> x) {
  using C = MathConstants<T>;
  const Reg<T> inRange = min(splat<T>(C::exp2Max), max(splat<T>(C::exp2Min), x));
  const Reg<T> n = roundEven(inRange);
  const Reg<T> r = sub(inRange, n);
  const Reg<T> ln2 = splat<T>(C::ln2[0]);
  const Reg<T> high = mul(r, ln2);
  const Reg<T> rest = fma(r, splat<T>(C::ln2[1]), fma(r, ln2, neg(high)));
  const ExpParts<T> parts = expPartsOf(n, high, rest);
  return mulPow2(add(splat<T>(1), add(parts.high, parts.low)), n);
}

// exp(x) - 1, with full relative accuracy near 0: -1 for -infinity, infinity on overflow.
template <class T>
TG_INLINE Reg<T> expm1(Reg<T> x) {
  using C = MathConstants<T>;
  const Reg<T> inRange = min(splat<T>(C::expMax), max(splat<T>(C::expm1Min), x));
  const ExpParts<T> parts = expParts(inRange);
  // exp(x) - 1 = (2^n - 1) + 2^n (high + low), all halved, since 2^n alone may overflow. The sum of
  // the first two terms is kept in two parts, since it can be much smaller than the terms.
  const Reg<T> scale = pow2(sub(parts.n, splat<T>(1)));
  const Reg<T> offset = sub(scale, splat<T>(0.5));
  const Reg<T> sum = fma(scale, parts.high, offset);
  const Reg<T> lost = fma(scale, parts.high, sub(offset, sum));
  const Reg<T> half = add(sum, fma(scale, parts.low, lost));
  const Reg<T> unscaled = add(parts.high, parts.low);
  const Reg<T> y = select(eq(parts.n, splat<T>(0)), unscaled, add(half, half));
  return copySign(y, x);  // of -0 too
}

// The hyperbolic tangent of a = |x|: a rational function for small a, otherwise 1 - 2 / (exp(2 a) +
// 1); the two share one division. tanh(a) is a + a * quotient where small, elsewhere 1 + quotient.
template <class T>
struct TanhParts {
  Reg<T> a;
  Mask<T> small;
  Reg<T> quotient;
};

template <class T>
TG_INLINE TanhParts<T> tanhParts(Reg<T> x) {
  using C = MathConstants<T>;
  const Reg<T> a = abs(x);
  const Reg<T> z = mul(a, a);
  const Reg<T> e = expInRange(min(splat<T>(C::expMax), add(a, a)));
  const Mask<T> small = lt(a, splat<T>(C::tanhSplit));
  const Reg<T> numerator = select(small, mul(z, polynomial(z, C::tanhP)), splat<T>(-2));
  const Reg<T> denominator = select(small, polynomial(z, C::tanhQ), add(e, splat<T>(1)));
  return {a, small, div(numerator, denominator)};
}

TG_INLINE RegD tanh(RegD x) {
  const TanhParts<double> parts = tanhParts(x);
  const RegD factor = select(parts.small, parts.a, splat<double>(1));
  return copySign(fma(factor, parts.quotient, factor), x);
}

TG_INLINE RegF tanh(RegF x) { return copySign(byPieces(kTanh, kTanhPieces, abs(x)), x); }

// 1 / (1 + exp(-x)). With e = exp(-|x|) and q = e / (1 + e) that is 1 - q for x >= 0 and e - e q
// for x < 0, where small results have full relative accuracy.
template <class T>
TG_INLINE Reg<T> sigmoid(Reg<T> x) {
  using C = MathConstants<T>;
  const Reg<T> one = splat<T>(1);
  const Reg<T> e = expInRange(max(splat<T>(C::expMin), neg(abs(x))));
  const Reg<T> factor = select(lt(x, splat<T>(0)), e, one);
  return fnma(factor, div(e, add(one, e)), factor);
}

// (exp(a) + sign exp(-a)) / 2 for a >= 0, sign 1 or -1; infinity on overflow. Both terms are halved
// once more until the end, since exp(a) alone may overflow; the larger one is kept in two parts,
// since the difference may be smaller.
template <class T>
TG_INLINE Reg<T> halfExpSum(Reg<T> a, T sign) {
  using C = MathConstants<T>;
  const Reg<T> one = splat<T>(1);
  const ExpParts<T> parts = expParts(min(splat<T>(C::sinhMax), a));
  const Reg<T> start = add(one, parts.high);
  const Reg<T> mantissa = add(start, parts.low);
  const Reg<T> lost = add(sub(parts.high, sub(start, one)), sub(parts.low, sub(mantissa, start)));
  const Reg<T> scale = pow2(sub(parts.n, splat<T>(2)));
  const Reg<T> large = mul(scale, mantissa);  // exp(a) / 4
  const Reg<T> small = div(splat<T>(sign / 16), large);
  const Reg<T> sum = add(large, small);
  const Reg<T> sumLost = add(sub(large, sum), small);
  const Reg<T> half = add(sum, fma(scale, lost, sumLost));
  return add(half, half);
}

// Hyperbolic sine: an odd polynomial for |x| < 1.
template <class T>
TG_INLINE Reg<T> sinh(Reg<T> x) {
  const Reg<T> a = abs(x);
  const Reg<T> z = mul(a, a);
  const Reg<T> nearZero = fma(mul(a, z), polynomial(z, MathConstants<T>::sinh), a);
  const Mask<T> small = lt(a, splat<T>(1));
  return copySign(select(small, nearZero, halfExpSum(a, T(-1))), x);
}

// Hyperbolic cosine.
template <class T>
TG_INLINE Reg<T> cosh(Reg<T> x) {
  return halfExpSum(abs(x), T(1));
}

TG_TARGET_END
