// 16 unsigned 32-bit lanes, for counter-based random numbers, and their conversion to fractions.
#pragma once
#include "vec.h"

TG_TARGET_BEGIN

// iadd, isub, iand, ior, ixor, ishl<k>, ishr<k> of vec.h apply: unsigned, modulo 2^32.
using U32Vec = IVec<float>;

constexpr int kU32Lanes = kLanes<float>;

template <int... i>
TG_INLINE U32Vec uloadEach(RegList<i...>, const uint32_t* p) {
  return {{IReg<float>::load(p + i * Reg<float>::lanes)...}};
}

// p[0..16) in the lanes.
TG_INLINE U32Vec uload(const uint32_t* p) { return uloadEach(RegsOf<float>(), p); }

template <int... i>
TG_INLINE void ustoreEach(RegList<i...>, uint32_t* p, U32Vec a) {
  (store(p + i * Reg<float>::lanes, a.r[i]), ...);
}

// The lanes to p[0..16).
TG_INLINE void store(uint32_t* p, U32Vec a) { ustoreEach(RegsOf<float>(), p, a); }

// x in every lane.
TG_INLINE U32Vec usplat(uint32_t x) { return visplat<float>(x); }

template <int... i>
TG_INLINE U32Vec mulHiEach(RegList<i...>, U32Vec a, U32Vec b) {
  return {{mulHi(a.r[i], b.r[i])...}};
}

template <int... i>
TG_INLINE U32Vec mulLoEach(RegList<i...>, U32Vec a, U32Vec b) {
  return {{mulLo(a.r[i], b.r[i])...}};
}

// Upper and lower 32 bits of the 64-bit products; a caller of both pays for one multiplication.
TG_INLINE U32Vec mulHi(U32Vec a, U32Vec b) { return mulHiEach(RegsOf<float>(), a, b); }
TG_INLINE U32Vec mulLo(U32Vec a, U32Vec b) { return mulLoEach(RegsOf<float>(), a, b); }

template <int... i>
TG_INLINE Vec<float> toUnitFloatEach(RegList<i...>, U32Vec a) {
  return {{mul(toFloat(ishr<8>(a.r[i])), splat<float>(0x1p-24f))...}};
}

// The upper 24 bits as a number in [0, 1): (a >> 8) * 2^-24, exactly.
TG_INLINE Vec<float> toUnitFloat(U32Vec a) { return toUnitFloatEach(RegsOf<float>(), a); }

// 53 bits of two words as numbers in [0, 1): ((high >> 5) * 2^26 + (low >> 6)) * 2^-53, exactly.
// Lanes 0..7 of the words make `first`, lanes 8..15 make `second`.
TG_INLINE void toUnitDouble(U32Vec high, U32Vec low, Vec<double>& first, Vec<double>& second) {
  // A float register's lanes fill two double registers (one at the scalar level).
  constexpr int parts = 2 * kRegs<double> / kRegs<float>;
  Reg<double> unit[2 * kRegs<double>];
  for (int i = 0; i < kRegs<float>; ++i) {
    const IReg<float> a = ishr<5>(high.r[i]);
    const IReg<float> b = ishr<6>(low.r[i]);
    const Reg<double> weight = splat<double>(0x1p-27);
    const Reg<double> scale = splat<double>(0x1p-53);
    unit[i * parts] = fma(toDouble<0>(a), weight, mul(toDouble<0>(b), scale));
    if constexpr (parts == 2) {
      unit[i * parts + 1] = fma(toDouble<1>(a), weight, mul(toDouble<1>(b), scale));
    }
  }
  for (int i = 0; i < kRegs<double>; ++i) {
    first.r[i] = unit[i];
    second.r[i] = unit[i + kRegs<double>];
  }
}

TG_TARGET_END
