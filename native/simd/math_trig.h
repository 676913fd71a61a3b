// Trigonometric functions of registers: see math.h.
#pragma once
#include "math_exp.h"

TG_TARGET_BEGIN

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

TG_TARGET_END
