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

// Words two by two as 64-bit lanes: words[2 i] is the lower half of lane i.
template <int... i>
TG_INLINE IVec<double> uloadPairsEach(RegList<i...>, const uint32_t* words) {
  return {{IReg<double>::load(words + i * 2 * Reg<double>::lanes)...}};
}
TG_INLINE IVec<double> uloadPairs(const uint32_t* words) {
  return uloadPairsEach(RegsOf<double>(), words);
}

// Integers below 2^52 as doubles: they are the low bits of 2^52 + x.
TG_INLINE Vec<double> toDouble(IVec<double> x) {
  constexpr uint64_t kBitsOf2To52 = uint64_t{1023 + 52} << 52;
  return sub(fromBits(ior(x, visplat<double>(kBitsOf2To52))), vsplat<double>(0x1p52));
}

// 53 bits of two words each as numbers in [0, 1): ((word 0 >> 5) * 2^26 + (word 1 >> 6)) * 2^-53,
// exactly.
TG_INLINE Vec<double> toUnitDouble(IVec<double> pairs) {
  const Vec<double> high = toDouble(ishr<37>(ishl<32>(pairs)));
  const Vec<double> low = toDouble(ishr<38>(pairs));
  return fma(high, vsplat<double>(0x1p-27), mul(low, vsplat<double>(0x1p-53)));
}

// Words as the multiplier takes them, for chains of 64-bit products. On x86 it takes even lanes, so
// even and odd lanes are kept apart, each as the lower halves of 64-bit lanes; the upper halves are
// anything, which saves putting the halves of every product in their places.
#if defined(TG_TARGET_AVX512) || defined(TG_TARGET_AVX2)

struct Words {
  IReg<float> even[kRegs<float>], odd[kRegs<float>];
};
using WordProduct = Words;  // a product takes the whole 64-bit lane

TG_INLINE Words toWords(U32Vec a) {
  Words w;
  for (int i = 0; i < kRegs<float>; ++i) w.even[i] = a.r[i], w.odd[i] = oddToEven(a.r[i]);
  return w;
}
TG_INLINE U32Vec fromWords(const Words& w) {
  U32Vec a;
  for (int i = 0; i < kRegs<float>; ++i) a.r[i] = evenAndOdd(w.even[i], w.odd[i]);
  return a;
}
TG_INLINE WordProduct mulWide(const Words& a, uint32_t b) {
  WordProduct p;
  const IReg<float> factor = isplat<float>(b);
  for (int i = 0; i < kRegs<float>; ++i) {
    p.even[i] = mulEven(a.even[i], factor);
    p.odd[i] = mulEven(a.odd[i], factor);
  }
  return p;
}
TG_INLINE Words lowWords(const WordProduct& p) { return p; }
TG_INLINE Words highWords(const WordProduct& p) {
  Words w;
  for (int i = 0; i < kRegs<float>; ++i) {
    w.even[i] = oddToEven(p.even[i]), w.odd[i] = oddToEven(p.odd[i]);
  }
  return w;
}
TG_INLINE Words ixor(const Words& a, const Words& b, uint32_t c) {
  Words w;
  const IReg<float> third = isplat<float>(c);
  for (int i = 0; i < kRegs<float>; ++i) {
    w.even[i] = ixor(ixor(a.even[i], b.even[i]), third);
    w.odd[i] = ixor(ixor(a.odd[i], b.odd[i]), third);
  }
  return w;
}

#else

struct Words {
  U32Vec all;
};
struct WordProduct {
  U32Vec low, high;
};

TG_INLINE Words toWords(U32Vec a) { return {a}; }
TG_INLINE U32Vec fromWords(const Words& w) { return w.all; }
TG_INLINE WordProduct mulWide(const Words& a, uint32_t b) {
  return {mulLo(a.all, usplat(b)), mulHi(a.all, usplat(b))};
}
TG_INLINE Words lowWords(const WordProduct& p) { return {p.low}; }
TG_INLINE Words highWords(const WordProduct& p) { return {p.high}; }
TG_INLINE Words ixor(const Words& a, const Words& b, uint32_t c) {
  return {ixor(ixor(a.all, b.all), usplat(c))};
}

#endif

TG_TARGET_END
