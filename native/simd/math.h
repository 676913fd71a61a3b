// Elementary functions over registers and virtual vectors, float and double, written once. Each is
// a fixed sequence of the operations of reg.h, so all levels give the same bits. docs/accuracy.md
// has the measured errors. NaN gives NaN; denormal arguments and results are within those errors.
#pragma once
#include "math_constants.h"
#include "vec.h"

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

template <class T>
TG_INLINE ExpParts<T> expParts(Reg<T> x) {
  using C = MathConstants<T>;
  const Reg<T> magic = splat<T>(Format<T>::roundingMagic);
  const Reg<T> n = sub(fma(x, splat<T>(C::log2e), magic), magic);
  const Reg<T> high = fnma(n, splat<T>(C::ln2High), x);
  const Reg<T> rest = mul(n, splat<T>(-C::ln2Low));
  const Reg<T> r = add(high, rest);
  return {n, high, fma(mul(r, r), polynomial(r, C::exp), rest)};
}

// exp for expMin <= x <= expMax (or NaN).
template <class T>
TG_INLINE Reg<T> expInRange(Reg<T> x) {
  const ExpParts<T> parts = expParts(x);
  return mulPow2(add(splat<T>(1), add(parts.high, parts.low)), parts.n);
}

// exp(x): 0 for -infinity, infinity on overflow.
template <class T>
TG_INLINE Reg<T> exp(Reg<T> x) {
  using C = MathConstants<T>;
  // The constant comes first in max and min: they return their second operand for NaN.
  return expInRange(min(splat<T>(C::expMax), max(splat<T>(C::expMin), x)));
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

// A positive normal x = 2^exponent * mantissa with sqrt(1/2) <= mantissa < sqrt(2).
template <class T>
struct LogParts {
  Reg<T> exponent;
  Reg<T> mantissa;
};

template <class T>
TG_INLINE LogParts<T> logParts(Reg<T> x) {
  using F = Format<T>;
  using Bits = typename F::Bits;
  constexpr Bits one = Bits(F::bias) << F::mantissaBits;
  constexpr Bits sqrtHalf = MathConstants<T>::sqrtHalf;
  constexpr Bits fraction = (Bits(1) << F::mantissaBits) - 1;
  const IReg<T> bits = iadd(toBits(x), isplat<T>(one - sqrtHalf));
  // The exponent field becomes a number as the low bits of 2^mantissaBits.
  constexpr Bits carrierBits = Bits(F::bias + F::mantissaBits) << F::mantissaBits;
  constexpr T carrier = T(Bits(1) << F::mantissaBits);
  const Reg<T> field = fromBits(ior(ishr<F::mantissaBits>(bits), isplat<T>(carrierBits)));
  return {sub(field, splat<T>(carrier + F::bias)),
          fromBits(iadd(iand(bits, isplat<T>(fraction)), isplat<T>(sqrtHalf)))};
}

// log(2^e (1 + f)) + low, for sqrt(1/2) <= 1 + f < sqrt(2) and small low. With s = f / (2 + f),
// log(1 + f) = 2 atanh(s) = f - (f^2/2 - s (f^2/2 + s^2 P(s^2))), as in Sun's fdlibm (1993).
template <class T>
TG_INLINE Reg<T> logSum(Reg<T> e, Reg<T> f, Reg<T> low) {
  using C = MathConstants<T>;
  const Reg<T> s = div(f, add(splat<T>(2), f));
  const Reg<T> z = mul(s, s);
  const Reg<T> halfF = mul(f, splat<T>(0.5));
  const Reg<T> inner = fma(z, polynomial(z, C::log), mul(halfF, f));
  const Reg<T> tail = fnma(halfF, f, mul(s, inner));
  // e ln2High is exact and, unless e is 0, larger than f: what their sum loses is known exactly.
  const Reg<T> high = mul(e, splat<T>(C::ln2High));
  const Reg<T> sum = add(high, f);
  const Reg<T> lost = sub(f, sub(sum, high));
  return add(sum, add(lost, add(low, fma(e, splat<T>(C::ln2Low), tail))));
}

// y, the logarithm of x, where 0 < x < infinity; the special values elsewhere.
template <class T>
TG_INLINE Reg<T> logSpecial(Reg<T> x, Reg<T> y) {
  using F = Format<T>;
  const Reg<T> infinity = fromBits(isplat<T>(F::infinity));
  const Reg<T> nan = fromBits(isplat<T>(F::quietNan));
  const Reg<T> notPositive = select(eq(x, splat<T>(0)), neg(infinity), nan);
  return select(gt(x, splat<T>(0)), select(lt(x, infinity), y, x), notPositive);
}

// Natural logarithm of a positive normal finite number: the same bits as log gives.
template <class T>
TG_INLINE Reg<T> logNormal(Reg<T> x) {
  const LogParts<T> parts = logParts(x);
  return logSum(parts.exponent, sub(parts.mantissa, splat<T>(1)), splat<T>(0));
}

// Natural logarithm: -infinity for 0 and -0, NaN for x < 0.
template <class T>
TG_INLINE Reg<T> log(Reg<T> x) {
  using F = Format<T>;
  // Denormals are scaled to normal numbers by 2^scaleBits.
  constexpr int scaleBits = F::mantissaBits + 1;
  constexpr T scale = T(typename F::Bits(1) << scaleBits);
  const Mask<T> denormal = lt(x, splat<T>(F::minNormal));
  const LogParts<T> parts = logParts(select(denormal, mul(x, splat<T>(scale)), x));
  const Reg<T> e = sub(parts.exponent, select(denormal, splat<T>(scaleBits), splat<T>(0)));
  return logSpecial(x, logSum(e, sub(parts.mantissa, splat<T>(1)), splat<T>(0)));
}

// log(1 + x), with full relative accuracy near 0: -infinity for -1, NaN for x < -1.
template <class T>
TG_INLINE Reg<T> log1p(Reg<T> x) {
  const Reg<T> one = splat<T>(1);
  const Reg<T> zero = splat<T>(0);
  // 1 + x = u + lost exactly (Knuth's TwoSum).
  const Reg<T> u = add(one, x);
  const Reg<T> back = sub(u, one);
  const Reg<T> lost = add(sub(one, sub(u, back)), sub(x, back));
  const LogParts<T> parts = logParts(u);
  // Where the exponent is 0, f is x itself. Elsewhere log(u + lost) = log(u) + lost / u, nearly,
  // and 1 / u is 2^-exponent / (1 + f), where 1 - f will do for 1 / (1 + f): lost is half a unit of
  // u at most.
  const Mask<T> unscaled = eq(parts.exponent, zero);
  const Reg<T> f = select(unscaled, x, sub(parts.mantissa, one));
  const Reg<T> scale = pow2(max(neg(parts.exponent), splat<T>(-Format<T>::bias)));
  const Reg<T> scaledLost = mul(lost, scale);
  const Reg<T> low = select(unscaled, zero, fnma(scaledLost, f, scaledLost));
  return logSpecial(u, copySign(logSum(parts.exponent, f, low), x));
}

// Hyperbolic tangent: a rational function for small |x|, otherwise 1 - 2 / (exp(2 |x|) + 1); the
// two share one division.
template <class T>
TG_INLINE Reg<T> tanh(Reg<T> x) {
  using C = MathConstants<T>;
  const Reg<T> one = splat<T>(1);
  const Reg<T> a = abs(x);
  const Reg<T> z = mul(a, a);
  const Reg<T> e = expInRange(min(splat<T>(C::expMax), add(a, a)));
  const Mask<T> small = lt(a, splat<T>(C::tanhSplit));
  const Reg<T> numerator = select(small, mul(z, polynomial(z, C::tanhP)), splat<T>(-2));
  const Reg<T> denominator = select(small, polynomial(z, C::tanhQ), add(e, one));
  const Reg<T> factor = select(small, a, one);
  return copySign(fma(factor, div(numerator, denominator), factor), x);
}

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

// Error function 2 / sqrt(pi) * integral of exp(-t^2) from 0 to x: an odd polynomial for |x| < 1,
// otherwise 1 - exp(polynomial of |x|).
template <class T>
TG_INLINE Reg<T> erf(Reg<T> x) {
  using C = MathConstants<T>;
  const Reg<T> one = splat<T>(1);
  const Reg<T> a = min(splat<T>(C::erfEnd), abs(x));
  const Reg<T> nearZero = fma(a, polynomial(mul(a, a), C::erf), a);
  const Reg<T> logErfc = polynomial(sub(a, one), C::erfc);
  const Reg<T> beyond = sub(one, expInRange(logErfc));
  return copySign(select(lt(a, one), nearZero, beyond), x);
}

// sine and cosine of 2 pi u, for 0 <= u < 1: one turn in quarters, u = k/4 + r with |r| <= 1/8.
template <class T>
TG_INLINE void sinCos2Pi(Reg<T> u, Reg<T>& sine, Reg<T>& cosine) {
  using C = MathConstants<T>;
  using F = Format<T>;
  const Reg<T> magic = splat<T>(F::roundingMagic);
  const Reg<T> rounded = fma(u, splat<T>(4), magic);
  const IReg<T> k = toBits(rounded);  // in the low bits
  const Reg<T> r = fnma(sub(rounded, magic), splat<T>(0.25), u);
  const Reg<T> z = mul(r, r);
  const IReg<T> s = toBits(mul(r, polynomial(z, C::sin)));
  const IReg<T> c = toBits(fma(z, polynomial(z, C::cos), splat<T>(1)));
  // Odd quarters exchange the two; quarters 2, 3 negate the sine and 1, 2 the cosine.
  const IReg<T> odd = isub(isplat<T>(0), iand(k, isplat<T>(1)));
  const IReg<T> difference = iand(ixor(s, c), odd);
  const IReg<T> signMask = isplat<T>(F::signMask);
  constexpr int toSign = sizeof(T) * 8 - 2;  // moves bit 1 to the sign
  const IReg<T> sineSign = iand(ishl<toSign>(k), signMask);
  const IReg<T> cosineSign = iand(ishl<toSign>(iadd(k, isplat<T>(1))), signMask);
  sine = fromBits(ixor(ixor(s, difference), sineSign));
  cosine = fromBits(ixor(ixor(c, difference), cosineSign));
}

// The same functions of a virtual vector.
#define TG_LIFT_MATH(name)             \
  template <class T>                   \
  TG_INLINE Vec<T> name(Vec<T> x) {    \
    for (Reg<T>& r : x.r) r = name(r); \
    return x;                          \
  }
TG_LIFT_MATH(exp)
TG_LIFT_MATH(expm1)
TG_LIFT_MATH(log)
TG_LIFT_MATH(logNormal)
TG_LIFT_MATH(log1p)
TG_LIFT_MATH(tanh)
TG_LIFT_MATH(sigmoid)
TG_LIFT_MATH(erf)
#undef TG_LIFT_MATH

template <class T>
TG_INLINE void sinCos2Pi(Vec<T> u, Vec<T>& sine, Vec<T>& cosine) {
  for (int i = 0; i < kRegs<T>; ++i) sinCos2Pi(u.r[i], sine.r[i], cosine.r[i]);
}

TG_TARGET_END
