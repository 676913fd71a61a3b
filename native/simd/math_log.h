// Logarithms of registers: see math.h.
#pragma once
#include "math_exp.h"

TG_TARGET_BEGIN

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

// The same of any positive x, finite or not: denormals are scaled to normal numbers.
template <class T>
TG_INLINE LogParts<T> logPartsOfAny(Reg<T> x) {
  using F = Format<T>;
  constexpr int scaleBits = F::mantissaBits + 1;
  constexpr T scale = T(typename F::Bits(1) << scaleBits);
  const Mask<T> denormal = lt(x, splat<T>(F::minNormal));
  const LogParts<T> parts = logParts(select(denormal, mul(x, splat<T>(scale)), x));
  return {sub(parts.exponent, select(denormal, splat<T>(scaleBits), splat<T>(0))), parts.mantissa};
}

// log(1 + f) - f for sqrt(1/2) <= 1 + f < sqrt(2). With s = f / (2 + f), log(1 + f) = 2 atanh(s) =
// f - (f^2/2 - s (f^2/2 + s^2 P(s^2))), as in Sun's fdlibm (1993).
template <class T>
TG_INLINE Reg<T> logTail(Reg<T> f) {
  using C = MathConstants<T>;
  const Reg<T> s = div(f, add(splat<T>(2), f));
  const Reg<T> z = mul(s, s);
  const Reg<T> halfF = mul(f, splat<T>(0.5));
  const Reg<T> inner = fma(z, polynomial(z, C::log), mul(halfF, f));
  return fnma(halfF, f, mul(s, inner));
}

// log(2^e (1 + f)) + low, for sqrt(1/2) <= 1 + f < sqrt(2) and small low.
template <class T>
TG_INLINE Reg<T> logSum(Reg<T> e, Reg<T> f, Reg<T> low) {
  using C = MathConstants<T>;
  const Reg<T> tail = logTail(f);
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
  const LogParts<T> parts = logPartsOfAny(x);
  const Reg<T> f = sub(parts.mantissa, splat<T>(1));
  return logSpecial(x, logSum(parts.exponent, f, splat<T>(0)));
}

// The logarithm to another base: factor is that of e as a sum of two numbers, and that of 2 is
// twoHigh + twoLow, where the product of twoHigh with any exponent is exact.
template <class T>
struct Base {
  T factor[2];
  T twoHigh, twoLow;
};

template <class T>
constexpr Base<T> kBase2 = {
    {MathConstants<T>::log2eParts[0], MathConstants<T>::log2eParts[1]}, T(1), T(0)};
template <class T>
constexpr Base<T> kBase10 = {{MathConstants<T>::log10e[0], MathConstants<T>::log10e[1]},
                             MathConstants<T>::log10Of2High,
                             MathConstants<T>::log10Of2Low};

template <class T>
TG_INLINE Reg<T> logOfBase(const LogParts<T>& parts, const Base<T>& base) {
  const T(&factor)[2] = base.factor;
  const Reg<T> f = sub(parts.mantissa, splat<T>(1));
  const Reg<T> tail = logTail(f);
  const Reg<T> natural = add(f, tail);
  const Reg<T> naturalLow = sub(tail, sub(natural, f));
  const Reg<T> product = mul(natural, splat<T>(factor[0]));
  const Reg<T> productLow = fma(natural, splat<T>(factor[0]), neg(product));
  const Reg<T> low =
      fma(naturalLow, splat<T>(factor[0]), fma(natural, splat<T>(factor[1]), productLow));
  // As in logSum.
  const Reg<T> high = mul(parts.exponent, splat<T>(base.twoHigh));
  const Reg<T> sum = add(high, product);
  const Reg<T> lost = sub(product, sub(sum, high));
  return add(sum, add(lost, fma(parts.exponent, splat<T>(base.twoLow), low)));
}

// The logarithm to base 2, exact for powers of 2.
template <class T>
TG_INLINE Reg<T> log2(Reg<T> x) {
  return logSpecial(x, logOfBase(logPartsOfAny(x), kBase2<T>));
}

// The logarithm to base 10.
template <class T>
TG_INLINE Reg<T> log10(Reg<T> x) {
  return logSpecial(x, logOfBase(logPartsOfAny(x), kBase10<T>));
}

// Both of positive normal finite numbers, as logNormal.
template <class T>
TG_INLINE Reg<T> log2Normal(Reg<T> x) {
  return logOfBase(logParts(x), kBase2<T>);
}

template <class T>
TG_INLINE Reg<T> log10Normal(Reg<T> x) {
  return logOfBase(logParts(x), kBase10<T>);
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

// The inverse of the hyperbolic sine: log(1 + r), r = a + a^2 / (1 + sqrt(1 + a^2)) and a = |x|,
// with x's sign. From `far` on 1 + r is 2 a, and squares may overflow.
template <class T>
TG_INLINE Reg<T> asinh(Reg<T> x) {
  const Reg<T> one = splat<T>(1), a = abs(x);
  const Mask<T> far = gt(a, splat<T>(MathConstants<T>::inverseHyperbolicFar));
  const Reg<T> root = sqrt(fma(a, a, one));
  const Reg<T> rest = add(a, div(mul(a, a), add(one, root)));
  const Reg<T> y = log1p(select(far, a, rest));
  return copySign(add(y, select(far, splat<T>(MathConstants<T>::ln2[0]), splat<T>(0))), x);
}

// The inverse of the hyperbolic cosine: log(1 + r), r = t + sqrt(t^2 + 2 t) and t = x - 1; NaN
// below 1.
template <class T>
TG_INLINE Reg<T> acosh(Reg<T> x) {
  const Reg<T> one = splat<T>(1);
  const Mask<T> far = gt(x, splat<T>(MathConstants<T>::inverseHyperbolicFar));
  const Reg<T> t = sub(x, one);
  const Reg<T> rest = add(t, sqrt(fma(t, t, add(t, t))));
  const Reg<T> y = log1p(select(far, x, rest));
  const Reg<T> sum = add(y, select(far, splat<T>(MathConstants<T>::ln2[0]), splat<T>(0)));
  return select(lt(x, one), fromBits(isplat<T>(Format<T>::quietNan)), sum);
}

// The inverse of the hyperbolic tangent: half of log(p / q), p = 1 + |x| and q = 1 - |x|. With p =
// 2^e r q, where sqrt(1/2) <= r < sqrt(2), that is half of e log(2) + 2 atanh(s), s = (r q - q) /
// (r q + q). Infinite at 1 and -1, NaN beyond.
template <class T>
TG_INLINE Reg<T> atanh(Reg<T> x) {
  using C = MathConstants<T>;
  using F = Format<T>;
  using Bits = typename F::Bits;
  constexpr Bits one = Bits(F::bias) << F::mantissaBits;
  constexpr Bits exponents = F::infinity;
  constexpr Bits carrierBits = Bits(F::bias + F::mantissaBits) << F::mantissaBits;
  constexpr T carrier = T(Bits(1) << F::mantissaBits);
  const Reg<T> a = abs(x), unit = splat<T>(1);
  const Reg<T> p = add(unit, a), q = sub(unit, a);
  // What the two lost, exactly.
  const Reg<T> pLost = sub(a, sub(p, unit)), qLost = sub(sub(unit, q), a);
  // q / p = q / (2 - q), to 2 % where e is not 0, which is near enough to find e.
  const Reg<T> slope = fma(q, splat<T>(T(0.21)), splat<T>(T(0.25)));
  const Reg<T> estimate = mul(q, fma(q, slope, splat<T>(T(0.5))));
  const IReg<T> bits = iadd(toBits(estimate), isplat<T>(one - C::sqrtHalf));
  const Reg<T> scale = fromBits(iand(bits, isplat<T>(exponents)));  // 2^-e
  const IReg<T> field = ior(ishr<F::mantissaBits>(bits), isplat<T>(carrierBits));
  const Reg<T> e = sub(splat<T>(carrier + F::bias), fromBits(field));
  // Their difference and sum, and what they lose; the first subtraction is exact.
  const Reg<T> scaled = mul(p, scale), close = sub(scaled, q);
  const Reg<T> closeLost = fma(pLost, scale, neg(qLost));
  const Reg<T> difference = add(close, closeLost), sum = add(scaled, q);
  const Reg<T> differenceLost = sub(closeLost, sub(difference, close));
  const Reg<T> sumLost = add(sub(scaled, sub(sum, q)), fma(pLost, scale, qLost));
  const Reg<T> inverse = div(unit, sum);
  const Reg<T> s = mul(difference, inverse);
  const Reg<T> rest = fnma(s, sumLost, add(fnma(s, sum, difference), differenceLost));
  // As in logTail and logSum, halved.
  const Reg<T> z = mul(s, s);
  const Reg<T> cube = mul(mul(s, splat<T>(0.5)), z);
  const Reg<T> tail = fma(cube, polynomial(z, C::log), mul(rest, inverse));
  const Reg<T> high = mul(e, splat<T>(C::ln2High / 2));
  const Reg<T> y = add(high, s);
  const Reg<T> lost = sub(s, sub(y, high));
  const Reg<T> near = add(y, add(lost, fma(e, splat<T>(C::ln2Low / 2), tail)));
  const Reg<T> infinity = fromBits(isplat<T>(F::infinity));
  const Reg<T> nan = fromBits(isplat<T>(F::quietNan));
  return copySign(select(lt(a, unit), near, select(eq(a, unit), infinity, nan)), x);
}

TG_TARGET_END
