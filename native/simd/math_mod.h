// Remainders of divisions, of registers: see math.h. All are exact or, where something is added to
// an exact remainder, rounded once.
#pragma once
#include <string.h>

#include "reg.h"

TG_TARGET_BEGIN

// a modulo b for finite a, b > 0, as integers: a = m 2^k with k larger than b's exponent has its
// bits shifted in, as many at a time as fit. A template, so that targets that don't use it have no
// copy.
template <class T>
TG_NOINLINE T moduloOf(T a, T b) {
  using Bits = typename Format<T>::Bits;
  constexpr int fractionBits = Format<T>::mantissaBits;
  constexpr int spare = static_cast<int>(sizeof(T)) * 8 - fractionBits - 1;
  constexpr Bits one = Bits(1) << fractionBits;
  Bits aBits, bBits;
  memcpy(&aBits, &a, sizeof a);
  memcpy(&bBits, &b, sizeof b);
  if (aBits < bBits) return a;
  // Exponents from 1 up: denormals have that of the smallest normal numbers.
  int aExponent = static_cast<int>(aBits >> fractionBits);
  int bExponent = static_cast<int>(bBits >> fractionBits);
  Bits rest = aExponent == 0 ? aBits : (aBits & (one - 1)) | one;
  const Bits divisor = bExponent == 0 ? bBits : (bBits & (one - 1)) | one;
  if (aExponent == 0) aExponent = 1;
  if (bExponent == 0) bExponent = 1;
  rest %= divisor;
  for (int left = aExponent - bExponent; left > 0 && rest != 0;) {
    const int shift = left < spare ? left : spare;
    rest = (rest << shift) % divisor;
    left -= shift;
  }
  if (rest == 0) return 0;
  while ((rest & one) == 0 && bExponent > 1) {
    rest <<= 1;
    --bExponent;
  }
  if ((rest & one) != 0) rest = (rest & (one - 1)) | Bits(bExponent) << fractionBits;
  T result;
  memcpy(&result, &rest, sizeof rest);
  return result;
}

// fmod where a quotient is large or not a number.
template <class T>
TG_NOINLINE Reg<T> fmodOfAny(Reg<T> a, Reg<T> b) {
  T dividend[Reg<T>::lanes], divisor[Reg<T>::lanes];
  store(dividend, a);
  store(divisor, b);
  for (int i = 0; i < Reg<T>::lanes; ++i) {
    const T x = dividend[i], y = divisor[i];
    const bool finite = x - x == 0;
    dividend[i] = finite && y > 0 ? moduloOf(x, y) : (x - x) / (y - y);
  }
  return load(dividend);
}

// x - n y, exactly, where n is x / y rounded towards zero; the sign is that of x. NaN for infinite
// x and zero y.
template <class T>
TG_NOINLINE Reg<T> fmod(Reg<T> x, Reg<T> y) {
  const Reg<T> zero = splat<T>(0);
  const Reg<T> a = abs(x), b = abs(y);
  const Reg<T> quotient = div(a, b);
  // Below this a rounded quotient is at most one too large when it is cut.
  const Reg<T> limit = splat<T>(T(typename Format<T>::Bits(1) << Format<T>::mantissaBits));
  if (anyTrue(maskNot(lt(quotient, limit)))) return copySign(fmodOfAny(a, b), x);
  const Reg<T> n = floor(quotient);
  const Reg<T> rest = fnma(n, b, a);
  const Reg<T> positive = select(lt(rest, zero), add(rest, b), rest);
  // Also for infinite y.
  return copySign(select(eq(n, zero), a, positive), x);
}

// Where a remainder (with the sign of the dividend) is not 0 and has another sign than the divisor.
template <class T>
TG_INLINE Mask<T> signsDiffer(Reg<T> rest, Reg<T> divisor) {
  const Reg<T> zero = splat<T>(0);
  return maskOr(maskAnd(lt(rest, zero), gt(divisor, zero)),
                maskAnd(gt(rest, zero), lt(divisor, zero)));
}

// The remainder with the divisor's sign, as in Python and PyTorch.
template <class T>
TG_NOINLINE Reg<T> remainder(Reg<T> x, Reg<T> y) {
  const Reg<T> rest = fmod(x, y);
  return select(signsDiffer(rest, y), add(rest, y), rest);
}

// floor(x / y) of the exact quotient, as in Python and PyTorch: x less the remainder is divided,
// and what that division may miss is rounded away. x / y where y is 0.
template <class T>
TG_NOINLINE Reg<T> floorDivide(Reg<T> x, Reg<T> y) {
  const Reg<T> zero = splat<T>(0), one = splat<T>(1);
  const Reg<T> rest = fmod(x, y);
  const Reg<T> quotient = div(sub(x, rest), y);
  const Reg<T> lower = select(signsDiffer(rest, y), sub(quotient, one), quotient);
  const Reg<T> whole = floor(lower);
  const Mask<T> missed = gt(sub(lower, whole), splat<T>(T(0.5)));
  const Reg<T> rounded = select(missed, add(whole, one), whole);
  const Reg<T> plain = div(x, y);
  const Reg<T> signedZero = copySign(zero, plain);
  return select(eq(y, zero), plain, select(eq(lower, zero), signedZero, rounded));
}

TG_TARGET_END
