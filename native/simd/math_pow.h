// Powers of registers: see math.h.
#pragma once
#include "math_log.h"

TG_TARGET_BEGIN

// A sum of two numbers, the first of which is nearly all.
template <class T>
struct TwoParts {
  Reg<T> high;
  Reg<T> low;
};

// The logarithm of what has these parts, with a relative error of about 2^-64 in double and 2^-35
// in float, so that it may be multiplied by a large exponent. log(1 + f) = 2 s + s z (2/3 + z P(z))
// with s = f / (2 + f), z = s^2, where everything but P has two parts; the products of two parts
// are Dekker's (1971), with FMA.
template <class T>
TG_INLINE TwoParts<T> preciseLog(const LogParts<T>& parts) {
  using C = MathConstants<T>;
  const Reg<T> one = splat<T>(1), two = splat<T>(2);
  const Reg<T> f = sub(parts.mantissa, one);
  const Reg<T> divisor = add(two, f);
  const Reg<T> divisorLow = sub(f, sub(divisor, two));
  const Reg<T> inverse = div(one, divisor);
  const Reg<T> s = mul(f, inverse);
  const Reg<T> sLow = mul(fnma(s, divisorLow, fnma(s, divisor, f)), inverse);

  const Reg<T> z = mul(s, s);
  const Reg<T> zLow = fma(mul(two, s), sLow, fma(s, s, neg(z)));
  const Reg<T> rest = mul(z, polynomial(z, C::logRest));
  const Reg<T> inner = add(splat<T>(C::twoThirds[0]), rest);
  const Reg<T> innerLow =
      add(sub(rest, sub(inner, splat<T>(C::twoThirds[0]))), splat<T>(C::twoThirds[1]));
  const Reg<T> t = mul(z, inner);
  const Reg<T> tLow = fma(z, innerLow, fma(zLow, inner, fma(z, inner, neg(t))));
  const Reg<T> v = mul(s, t);
  const Reg<T> vLow = fma(s, tLow, fma(sLow, t, fma(s, t, neg(v))));

  const Reg<T> twoS = add(s, s);
  const Reg<T> log1 = add(twoS, v);
  const Reg<T> log1Low = add(sub(v, sub(log1, twoS)), fma(two, sLow, vLow));
  // e ln2High is exact and, unless e is 0, larger than log(1 + f).
  const Reg<T> high = mul(parts.exponent, splat<T>(C::ln2High));
  const Reg<T> sum = add(high, log1);
  const Reg<T> lost = sub(log1, sub(sum, high));
  const Reg<T> low = add(lost, fma(parts.exponent, splat<T>(C::ln2Low), log1Low));
  const Reg<T> all = add(sum, low);
  return {all, sub(low, sub(all, sum))};
}

// x^y = exp(y log |x|), and the special values of IEEE 754 (9.2.1): x^0 = 1^y = 1 even for NaN;
// negative x have powers for whole y only, with their sign where y is odd. What is only for special
// values, denormal x and powers that overflow or vanish is in branches that a register of ordinary
// numbers doesn't take: without them it takes 21 ns instead of 31 on Zen 5 (float 16 instead of
// 25.5). A lane that doesn't need them gets the same bits there.
template <class T>
TG_NOINLINE Reg<T> pow(Reg<T> x, Reg<T> y) {
  using C = MathConstants<T>;
  const Reg<T> zero = splat<T>(0), one = splat<T>(1);
  const Reg<T> infinity = fromBits(isplat<T>(Format<T>::infinity));
  const Mask<T> normal = maskAnd(ge(x, splat<T>(Format<T>::minNormal)), lt(x, infinity));
  const bool plain = !anyTrue(maskNot(maskAnd(normal, lt(abs(y), infinity))));
  const Reg<T> a = abs(x);
  const TwoParts<T> logarithm = preciseLog(plain ? logParts(x) : logPartsOfAny(a));

  Reg<T> product = mul(y, logarithm.high);
  Reg<T> rest = fma(y, logarithm.low, fma(y, logarithm.high, neg(product)));
  // expMax is the nearer one of the two ends.
  const bool finite = plain && !anyTrue(gt(abs(product), splat<T>(C::expMax)));
  if (!finite) {
    const Reg<T> ends = select(eq(a, infinity), infinity, logarithm.high);
    const Reg<T> any = mul(y, select(eq(a, zero), neg(infinity), ends));
    product = min(splat<T>(C::expMax), max(splat<T>(C::expMin), any));
    // Beyond the range nothing more counts, and infinities have no low part.
    rest = select(eq(product, any), rest, zero);
  }
  const ExpParts<T> parts = expParts(product);
  const Reg<T> factor = add(one, add(parts.high, parts.low));
  const Reg<T> mantissa = add(one, add(parts.high, fma(rest, factor, parts.low)));
  Reg<T> magnitude = mulPow2(mantissa, parts.n);
  if (finite) return magnitude;

  // Also for y infinite. NaN in y is left to the end.
  magnitude = select(eq(a, one), one, magnitude);
  const Reg<T> half = mul(y, splat<T>(T(0.5)));
  const Mask<T> whole = eq(floor(y), y);
  const Mask<T> odd = maskAnd(whole, ne(floor(half), half));
  // The sign bit of x counts, also that of -0.
  const Mask<T> negative = lt(copySign(one, x), zero);
  Reg<T> power = select(maskAnd(negative, odd), neg(magnitude), magnitude);
  const Mask<T> finiteNegative = maskAnd(lt(x, zero), lt(a, infinity));
  const Reg<T> nan = fromBits(isplat<T>(Format<T>::quietNan));
  power = select(maskAnd(finiteNegative, maskNot(whole)), nan, power);
  power = select(maskOr(isNan(x), isNan(y)), nan, power);
  return select(maskOr(eq(y, zero), eq(x, one)), one, power);
}

TG_TARGET_END
