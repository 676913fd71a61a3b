// Trigonometric functions of registers: see math.h.
#pragma once
#include <string.h>

#include "math_exp.h"
#include "math_trig_constants.h"

TG_TARGET_BEGIN

// Turns s and c, sine and cosine of an angle, by k quarters of a turn (the low bits of k): odd
// quarters exchange the two; quarters 2, 3 negate the sine and 1, 2 the cosine.
template <class T>
TG_INLINE void turn(IReg<T> k, Reg<T>& s, Reg<T>& c) {
  const IReg<T> odd = isub(isplat<T>(0), iand(k, isplat<T>(1)));
  const IReg<T> difference = iand(ixor(toBits(s), toBits(c)), odd);
  const IReg<T> signMask = isplat<T>(Format<T>::signMask);
  constexpr int toSign = sizeof(T) * 8 - 2;  // moves bit 1 to the sign
  const IReg<T> sineSign = iand(ishl<toSign>(k), signMask);
  const IReg<T> cosineSign = iand(ishl<toSign>(iadd(k, isplat<T>(1))), signMask);
  s = fromBits(ixor(ixor(toBits(s), difference), sineSign));
  c = fromBits(ixor(ixor(toBits(c), difference), cosineSign));
}

// Sine and cosine of 2 pi u, for 0 <= u < 1: one turn in quarters, u = k/4 + r with |r| <= 1/8.
template <class T>
TG_INLINE void sinCos2Pi(Reg<T> u, Reg<T>& sine, Reg<T>& cosine) {
  using C = MathConstants<T>;
  using F = Format<T>;
  const Reg<T> magic = splat<T>(F::roundingMagic);
  const Reg<T> rounded = fma(u, splat<T>(4), magic);
  const IReg<T> k = toBits(rounded);  // in the low bits
  const Reg<T> r = fnma(sub(rounded, magic), splat<T>(0.25), u);
  const Reg<T> z = mul(r, r);
  sine = mul(r, polynomial(z, C::sin));
  cosine = fma(z, polynomial(z, C::cos), splat<T>(1));
  turn(k, sine, cosine);
}

// |x| = (k + 4 i) pi / 2 + high + low, for some integer i: high is the rest to the nearest multiple
// of pi / 2, low what high lost. k stands in the low bits.
template <class T>
struct Angle {
  IReg<T> k;
  Reg<T> high;
  Reg<T> low;
};

// x 2 / pi = 4 i + quarter + high + low with |high + low| <= 1/2, for 2^-55 < x 2^-53 < 2^971, and
// high and low with all bits of T each. Only the bits of 2 / pi matter whose product with x is
// neither a multiple of 4 nor below 2^-137 (Payne & Hanek, "Radian reduction for trigonometric
// functions", 1983): no double is nearer than 2^-61 to a multiple of pi / 2.
template <class T>
TG_NOINLINE void quarterTurns(double x, T* quarter, T* high, T* low) {
  constexpr int precision = Format<T>::mantissaBits + 1;
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  // x = mantissa * 2^exponent
  const int exponent = static_cast<int>(bits >> 52) - 1075;
  const uint64_t mantissa = (bits & 0xfffffffffffffu) | 0x10000000000000u;
  // The first bit of 2 / pi that matters is the one that stands for 2^(1 - exponent).
  const int first = exponent - 2 + 64;
  const uint32_t* const words = kTwoOverPiBits + first / 32;
  // product = mantissa * (192 bits of 2 / pi), modulo 2^192; the lowest word comes first.
  uint32_t limb[6], product[6];
  for (int j = 0; j < 6; ++j) {
    const uint64_t pair = static_cast<uint64_t>(words[5 - j]) << 32 | words[6 - j];
    limb[j] = static_cast<uint32_t>(pair >> (32 - first % 32));
  }
  uint64_t carry = 0;
  for (int j = 0; j < 6; ++j) {
    carry += (mantissa & 0xffffffffu) * limb[j];
    product[j] = static_cast<uint32_t>(carry);
    carry >>= 32;
  }
  carry = 0;
  for (int j = 0; j < 5; ++j) {
    carry += (mantissa >> 32) * limb[j] + product[j + 1];
    product[j + 1] = static_cast<uint32_t>(carry);
    carry >>= 32;
  }
  // Two bits of quarters; the rest is a fraction, of which the upper 128 bits are enough.
  uint64_t upper = static_cast<uint64_t>(product[5]) << 32 | product[4];
  uint64_t lower = static_cast<uint64_t>(product[3]) << 32 | product[2];
  uint32_t count = product[5] >> 30;
  upper = upper << 2 | lower >> 62;
  lower = lower << 2 | product[1] >> 30;
  T unit = 1;
  if (upper >> 63 != 0) {  // above 1/2: one quarter more, less 1 minus the fraction
    ++count;
    unit = -1;
    upper = ~upper;
    lower = ~lower;
  }
  for (int shift = 0; shift < 64 && upper >> 63 == 0; ++shift) {
    upper = upper << 1 | lower >> 63;
    lower <<= 1;
    unit *= T(0.5);
  }
  constexpr T lastBit = T(1) / T(uint64_t(1) << precision);
  const uint64_t rest = upper << precision | lower >> (64 - precision);
  *quarter = static_cast<T>(count & 3);
  *high = static_cast<T>(upper >> (64 - precision)) * lastBit * unit;
  *low = static_cast<T>(rest >> (64 - precision)) * lastBit * lastBit * unit;
}

// The angle for any finite x above the limit of the usual reduction; other lanes get 0.
template <class T>
TG_NOINLINE Angle<T> hugeAngle(Reg<T> x) {
  using C = TrigConstants<T>;
  T lanes[Reg<T>::lanes], quarter[Reg<T>::lanes], high[Reg<T>::lanes], low[Reg<T>::lanes];
  store(lanes, x);
  for (int i = 0; i < Reg<T>::lanes; ++i) {
    quarter[i] = high[i] = low[i] = 0;
    const double value = static_cast<double>(lanes[i]);
    if (lanes[i] > C::limit && lanes[i] - lanes[i] == 0) {
      quarterTurns(value, quarter + i, high + i, low + i);
    }
  }
  const Reg<T> turns = load(high);
  const Reg<T> product = mul(turns, splat<T>(C::halfPi[0]));
  const Reg<T> rest = fma(turns, splat<T>(C::halfPi[0]), neg(product));
  const Reg<T> more =
      fma(load(low), splat<T>(C::halfPi[0]), fma(turns, splat<T>(C::halfPi[1]), rest));
  const Reg<T> sum = add(product, more);
  const Reg<T> k = add(load(quarter), splat<T>(Format<T>::roundingMagic));
  return {toBits(k), sum, sub(more, sub(sum, product))};
}

// Of infinities and NaN: NaN.
template <class T>
TG_INLINE Angle<T> angleOf(Reg<T> x) {
  using C = TrigConstants<T>;
  const Reg<T> a = abs(x);
  const Reg<T> magic = splat<T>(Format<T>::roundingMagic);
  const Reg<T> rounded = fma(a, splat<T>(C::twoOverPi), magic);
  const Reg<T> n = sub(rounded, magic);
  // Exact: a multiple of the last bit of halfPi[0] or a, below 1 (Cody & Waite, with FMA as in
  // Boldo, Daumas & Li, "Formally verified argument reduction with a fused multiply-add", 2009).
  const Reg<T> first = fnma(n, splat<T>(C::halfPi[0]), a);
  const Reg<T> second = mul(n, splat<T>(C::halfPi[1]));
  const Reg<T> secondLow = fma(n, splat<T>(C::halfPi[1]), neg(second));
  const Reg<T> high = sub(first, second);
  const Reg<T> back = sub(high, first);  // Knuth's TwoSum
  const Reg<T> lost = sub(sub(first, sub(high, back)), add(second, back));
  const Reg<T> low = sub(lost, fma(n, splat<T>(C::halfPi[2]), secondLow));
  Angle<T> angle = {toBits(rounded), high, low};
  const Mask<T> huge =
      maskAnd(lt(splat<T>(C::limit), a), lt(a, fromBits(isplat<T>(Format<T>::infinity))));
  if (anyTrue(huge)) {
    const Angle<T> other = hugeAngle(a);
    angle.k = toBits(select(huge, fromBits(other.k), fromBits(angle.k)));
    angle.high = select(huge, other.high, angle.high);
    angle.low = select(huge, other.low, angle.low);
  }
  return angle;
}

// Sine and cosine of high + low as sums of two numbers, the first of which is nearly all.
template <class T>
struct SineParts {
  Reg<T> sine, sineLow, cosine, cosineLow;
};

template <class T>
TG_INLINE SineParts<T> sineParts(Reg<T> high, Reg<T> low) {
  using C = TrigConstants<T>;
  const Reg<T> one = splat<T>(1);
  const Reg<T> z = mul(high, high);
  const Reg<T> halfZ = mul(z, splat<T>(T(0.5)));
  // sin(high + low) = sin(high) + low cos(high), cos(high + low) = cos(high) - low high, nearly.
  const Reg<T> sineLow = fma(mul(high, z), polynomial(z, C::sine), fnma(halfZ, low, low));
  const Reg<T> cosine = sub(one, halfZ);
  const Reg<T> lost = sub(sub(one, cosine), halfZ);
  const Reg<T> rest = fma(mul(z, z), polynomial(z, C::cosine), fnma(high, low, lost));
  return {high, sineLow, cosine, rest};
}

template <class T>
TG_INLINE Reg<T> sin(Reg<T> x) {
  const Angle<T> angle = angleOf(x);
  const SineParts<T> parts = sineParts(angle.high, angle.low);
  Reg<T> s = add(parts.sine, parts.sineLow), c = add(parts.cosine, parts.cosineLow);
  turn(angle.k, s, c);
  return fromBits(ixor(toBits(s), iand(toBits(x), isplat<T>(Format<T>::signMask))));
}

template <class T>
TG_INLINE Reg<T> cos(Reg<T> x) {
  const Angle<T> angle = angleOf(x);
  const SineParts<T> parts = sineParts(angle.high, angle.low);
  Reg<T> s = add(parts.sine, parts.sineLow), c = add(parts.cosine, parts.cosineLow);
  turn(angle.k, s, c);
  return c;
}

// sin / cos in even quarters, -cos / sin in odd ones, with both in two parts.
template <class T>
TG_INLINE Reg<T> tan(Reg<T> x) {
  const Angle<T> angle = angleOf(x);
  const SineParts<T> parts = sineParts(angle.high, angle.low);
  const Reg<T> s = add(parts.sine, parts.sineLow);
  const Reg<T> sLow = sub(parts.sineLow, sub(s, parts.sine));
  const Reg<T> c = add(parts.cosine, parts.cosineLow);
  const Reg<T> cLow = sub(parts.cosineLow, sub(c, parts.cosine));
  const Reg<T> one = splat<T>(1);
  const IReg<T> oddBit = iand(angle.k, isplat<T>(1));
  constexpr int toSign = sizeof(T) * 8 - 1;
  const IReg<T> sign = ishl<toSign>(oddBit);
  // 1 or -1, to compare with.
  const Mask<T> odd = lt(fromBits(ior(toBits(one), sign)), splat<T>(0));
  const Reg<T> divisor = select(odd, s, c);
  const Reg<T> divisorLow = select(odd, sLow, cLow);
  const Reg<T> dividend = select(odd, c, s);
  const Reg<T> inverse = div(one, divisor);
  const Reg<T> quotient = mul(dividend, inverse);
  const Reg<T> rest =
      fnma(quotient, divisorLow, add(fnma(quotient, divisor, dividend), select(odd, cLow, sLow)));
  const IReg<T> xSign = iand(toBits(x), isplat<T>(Format<T>::signMask));
  return fromBits(ixor(toBits(fma(rest, inverse, quotient)), ixor(sign, xSign)));
}

TG_TARGET_END
