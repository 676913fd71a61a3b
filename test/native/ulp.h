// What the tests of accuracy share: a wide type for references of double, and the error of a
// result.
#pragma once
#include <float.h>
#include <math.h>

// The references of double: 113 bits from libquadmath with GCC on x86; otherwise long double, which
// has 113 bits (Linux on arm64), 64 (Clang on x86) or only 53, too few to measure an error.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#include <quadmath.h>
__extension__ typedef __float128 Wide;
constexpr bool kWideEnough = true;
#define WIDE(name) name##q
#else
using Wide = long double;
constexpr bool kWideEnough = LDBL_MANT_DIG >= 64;
#define WIDE(name) name##l
#endif

// Distance of a result from the exact value in units in the last place of a T of the exact value's
// magnitude. Infinite results count as the power of two that comes after the largest T.
template <class T, class Exact>
inline double ulpError(T got, Exact exact, bool absolute) {
  constexpr bool is32 = sizeof(T) == 4;
  constexpr int digits = is32 ? 24 : 53;
  constexpr int maxExponent = is32 ? 128 : 1024;
  constexpr int minExponent = is32 ? -125 : -1021;
  if (exact != exact || got != got) return (exact != exact) == (got != got) ? 0 : INFINITY;
  const Exact limit = static_cast<Exact>(ldexp(1.0, maxExponent - 1)) * 2;
  Exact value = isinf(got) ? (got > 0 ? limit : -limit) : static_cast<Exact>(got);
  if (exact > limit) exact = limit;
  if (exact < -limit) exact = -limit;
  int exponent = 0;
  frexp(static_cast<double>(exact), &exponent);
  if (exact == limit || exact == -limit) exponent = maxExponent;
  if (absolute) exponent = 0;
  if (exponent < minExponent) exponent = minExponent;
  const Exact difference = value > exact ? value - exact : exact - value;
  return static_cast<double>(difference / static_cast<Exact>(ldexp(1.0, exponent - digits)));
}
