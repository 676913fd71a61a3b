// Vectors of floats stored as integers: truncated towards zero, to the nearest end of the range
// where they lie outside of it, NaN as 0 (base/truncate.h); and the low halves of 32-bit lanes.
#pragma once
#include "../base/truncate.h"
#include "bytes.h"

TG_TARGET_BEGIN

template <class T>
TG_INLINE Reg<T> nanToZero(Reg<T> x) {
  return select(isNan(x), splat<T>(0), x);
}

#if defined(TG_TARGET_AVX512) || defined(TG_TARGET_AVX2)

// x86's conversions give the smallest integer for whatever they can't convert. Flipping all of its
// bits makes the largest one of it, where x is too large.
template <class T>
TG_INLINE IReg<T> flipFrom(Reg<T> x, T end) {
  const Reg<T> ones = fromBits(isplat<T>(~typename Format<T>::Bits(0)));
  return toBits(select(ge(x, splat<T>(end)), ones, splat<T>(0)));
}
constexpr double kLargestInt32 = 2147483647;

#if defined(TG_TARGET_AVX512)

TG_INLINE IRegF truncatedInRange(RegF x) { return {_mm512_cvttps_epi32(x.v)}; }
TG_INLINE void storeTruncated(int32_t* p, RegD x) {
  const RegD inRange = min(splat<double>(kLargestInt32), nanToZero(x));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvttpd_epi32(inRange.v));
}
TG_INLINE void storeTruncated(int64_t* p, RegD x) {
  const IRegD y = {_mm512_cvttpd_epi64(nanToZero(x).v)};
  _mm512_storeu_si512(p, ixor(y, flipFrom(x, 0x1p63)).v);
}
TG_INLINE void storeLowHalves(uint16_t* p, IRegF a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(a.v));
}

#else

TG_INLINE IRegF truncatedInRange(RegF x) { return {_mm256_cvttps_epi32(x.v)}; }
TG_INLINE void storeTruncated(int32_t* p, RegD x) {
  const RegD inRange = min(splat<double>(kLargestInt32), nanToZero(x));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvttpd_epi32(inRange.v));
}
// There is no instruction for vectors.
TG_NOINLINE inline void storeTruncated(int64_t* p, RegD x) {
  double lanes[4];
  store(lanes, x);
  for (int i = 0; i < 4; ++i) p[i] = truncateTo<int64_t>(lanes[i]);
}
TG_INLINE void storeLowHalves(uint16_t* p, IRegF a) {
  const __m256i low = _mm256_and_si256(a.v, _mm256_set1_epi32(0xffff));
  const __m256i packed = _mm256_packus_epi32(low, low);
  const __m256i inOrder = _mm256_permute4x64_epi64(packed, _MM_SHUFFLE(3, 1, 2, 0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(inOrder));
}

#endif

TG_INLINE IRegF truncated(RegF x) {
  return ixor(truncatedInRange(nanToZero(x)), flipFrom(x, 0x1p31f));
}

#elif defined(TG_TARGET_NEON)

// These conversions saturate, and NaN becomes 0.
TG_INLINE IRegF truncatedInRange(RegF x) { return {vreinterpretq_u32_s32(vcvtq_s32_f32(x.v))}; }
TG_INLINE IRegF truncated(RegF x) { return truncatedInRange(x); }
TG_INLINE void storeTruncated(int32_t* p, RegD x) { vst1_s32(p, vqmovn_s64(vcvtq_s64_f64(x.v))); }
TG_INLINE void storeTruncated(int64_t* p, RegD x) { vst1q_s64(p, vcvtq_s64_f64(x.v)); }
TG_INLINE void storeLowHalves(uint16_t* p, IRegF a) { vst1_u16(p, vmovn_u32(a.v)); }

#else

TG_INLINE IReg<float> truncatedInRange(RegF x) {
  return {static_cast<uint32_t>(static_cast<int32_t>(x.v))};
}
TG_INLINE IReg<float> truncated(RegF x) {
  return {static_cast<uint32_t>(truncateTo<int32_t>(x.v))};
}
TG_INLINE void storeTruncated(int32_t* p, RegD x) { *p = truncateTo<int32_t>(x.v); }
TG_INLINE void storeTruncated(int64_t* p, RegD x) { *p = truncateTo<int64_t>(x.v); }
TG_INLINE void storeLowHalves(uint16_t* p, IReg<float> a) { *p = static_cast<uint16_t>(a.v); }

#endif

TG_INLINE void storeTruncated(int32_t* p, RegF x) {
  store(reinterpret_cast<uint32_t*>(p), truncated(x));
}

TG_TARGET_END
