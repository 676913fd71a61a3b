// Truth values of a vector's lanes as bytes, 0 or 1, in memory.
#pragma once
#include <string.h>

#include "vec.h"

TG_TARGET_BEGIN

#if defined(TG_TARGET_SCALAR)

template <class T>
TG_INLINE void storeBytes(uint8_t* p, VMask<T> mask) {
  for (int i = 0; i < kLanes<T>; ++i) p[i] = mask.r[i].m ? 1 : 0;
}

#elif defined(TG_TARGET_AVX512)

TG_INLINE void storeBytes(uint8_t* p, VMask<float> mask) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_maskz_set1_epi8(mask.r[0].m, 1));
}
TG_INLINE void storeBytes(uint8_t* p, VMask<double> mask) {
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_maskz_set1_epi8(mask.r[0].m, 1));
}

#elif defined(TG_TARGET_AVX2)

// 8 lanes of all ones or all zeros, as 16 bits each.
TG_INLINE __m128i narrowed(Mask<float> mask) {
  const __m256i lanes = _mm256_castps_si256(mask.m);
  return _mm_packs_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
}
// 4 lanes, as 32 bits each: of each 64 bits, which are equal, the lower half.
TG_INLINE __m128i narrowed(Mask<double> mask) {
  const __m256 lanes = _mm256_castpd_ps(mask.m);
  return _mm_castps_si128(_mm_shuffle_ps(_mm256_castps256_ps128(lanes),
                                         _mm256_extractf128_ps(lanes, 1), _MM_SHUFFLE(2, 0, 2, 0)));
}
TG_INLINE void storeBytes(uint8_t* p, VMask<float> mask) {
  const __m128i bytes = _mm_packs_epi16(narrowed(mask.r[0]), narrowed(mask.r[1]));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_and_si128(bytes, _mm_set1_epi8(1)));
}
TG_INLINE void storeBytes(uint8_t* p, VMask<double> mask) {
  const __m128i words = _mm_packs_epi32(narrowed(mask.r[0]), narrowed(mask.r[1]));
  const __m128i bytes = _mm_packs_epi16(words, words);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_and_si128(bytes, _mm_set1_epi8(1)));
}

#else

// 8 lanes of all ones or all zeros, as bytes of 0 or 1.
TG_INLINE uint8x8_t truthBytes(uint32x4_t low, uint32x4_t high) {
  const uint16x8_t words = vcombine_u16(vmovn_u32(low), vmovn_u32(high));
  return vand_u8(vmovn_u16(words), vdup_n_u8(1));
}
TG_INLINE uint32x4_t narrowed(Mask<double> low, Mask<double> high) {
  return vcombine_u32(vmovn_u64(low.m), vmovn_u64(high.m));
}
TG_INLINE void storeBytes(uint8_t* p, VMask<float> mask) {
  vst1_u8(p, truthBytes(mask.r[0].m, mask.r[1].m));
  vst1_u8(p + 8, truthBytes(mask.r[2].m, mask.r[3].m));
}
TG_INLINE void storeBytes(uint8_t* p, VMask<double> mask) {
  vst1_u8(p, truthBytes(narrowed(mask.r[0], mask.r[1]), narrowed(mask.r[2], mask.r[3])));
}

#endif

// Those of the first n lanes, 0 <= n <= kLanes<T>; touches nothing else.
template <class T>
TG_INLINE void storeFirstBytes(uint8_t* p, VMask<T> mask, int64_t n) {
  uint8_t bytes[kLanes<T>];
  storeBytes(bytes, mask);
  for (int64_t i = 0; i < n; ++i) p[i] = bytes[i];
}

TG_TARGET_END
