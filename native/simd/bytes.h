// 16 bytes in one 128-bit register, for rearranging int8 matrices; and the few conversions between
// bytes and 32-bit lanes that quantisation needs. The same operations on every level.
#pragma once
#include <string.h>

#include "vec.h"

TG_TARGET_BEGIN

constexpr int kBytes = 16;

#if defined(TG_TARGET_SCALAR)

struct Bytes {
  uint8_t v[kBytes];
};

TG_INLINE Bytes loadBytes(const void* p) {
  Bytes a;
  memcpy(a.v, p, kBytes);
  return a;
}
TG_INLINE void storeBytes(void* p, Bytes a) { memcpy(p, a.v, kBytes); }

// The lower (zipHigh: the upper) halves of a and b as units of `width` bytes, in turns: a0 b0 a1...
template <int width>
TG_INLINE Bytes zipHalf(Bytes a, Bytes b, int first) {
  Bytes result;
  for (int i = 0; i < kBytes / 2; i += width) {
    memcpy(result.v + 2 * i, a.v + first + i, width);
    memcpy(result.v + 2 * i + width, b.v + first + i, width);
  }
  return result;
}
template <int width>
TG_INLINE Bytes zipLow(Bytes a, Bytes b) {
  return zipHalf<width>(a, b, 0);
}
template <int width>
TG_INLINE Bytes zipHigh(Bytes a, Bytes b) {
  return zipHalf<width>(a, b, kBytes / 2);
}

// Sums of four signed bytes each, modulo 2^32.
struct QuadSums {
  uint32_t v[4];
};
TG_INLINE QuadSums zeroSums() { return {{0, 0, 0, 0}}; }
TG_INLINE QuadSums addQuads(QuadSums sums, Bytes a) {
  for (int i = 0; i < kBytes; ++i) {
    sums.v[i / 4] += static_cast<uint32_t>(static_cast<int8_t>(a.v[i]));
  }
  return sums;
}
TG_INLINE void storeSums(int32_t* p, QuadSums sums) { memcpy(p, sums.v, sizeof sums.v); }

#elif defined(TG_TARGET_NEON)

struct Bytes {
  int8x16_t v;
};

TG_INLINE Bytes loadBytes(const void* p) { return {vld1q_s8(static_cast<const int8_t*>(p))}; }
TG_INLINE void storeBytes(void* p, Bytes a) { vst1q_s8(static_cast<int8_t*>(p), a.v); }

template <int width>
TG_INLINE Bytes zipLow(Bytes a, Bytes b) {
  if constexpr (width == 1) {
    return {vzip1q_s8(a.v, b.v)};
  } else if constexpr (width == 2) {
    return {vreinterpretq_s8_s16(vzip1q_s16(vreinterpretq_s16_s8(a.v), vreinterpretq_s16_s8(b.v)))};
  } else if constexpr (width == 4) {
    return {vreinterpretq_s8_s32(vzip1q_s32(vreinterpretq_s32_s8(a.v), vreinterpretq_s32_s8(b.v)))};
  } else {
    return {vreinterpretq_s8_s64(vzip1q_s64(vreinterpretq_s64_s8(a.v), vreinterpretq_s64_s8(b.v)))};
  }
}
template <int width>
TG_INLINE Bytes zipHigh(Bytes a, Bytes b) {
  if constexpr (width == 1) {
    return {vzip2q_s8(a.v, b.v)};
  } else if constexpr (width == 2) {
    return {vreinterpretq_s8_s16(vzip2q_s16(vreinterpretq_s16_s8(a.v), vreinterpretq_s16_s8(b.v)))};
  } else if constexpr (width == 4) {
    return {vreinterpretq_s8_s32(vzip2q_s32(vreinterpretq_s32_s8(a.v), vreinterpretq_s32_s8(b.v)))};
  } else {
    return {vreinterpretq_s8_s64(vzip2q_s64(vreinterpretq_s64_s8(a.v), vreinterpretq_s64_s8(b.v)))};
  }
}

struct QuadSums {
  int32x4_t v;
};
TG_INLINE QuadSums zeroSums() { return {vdupq_n_s32(0)}; }
TG_INLINE QuadSums addQuads(QuadSums sums, Bytes a) {
  return {vpadalq_s16(sums.v, vpaddlq_s8(a.v))};
}
TG_INLINE void storeSums(int32_t* p, QuadSums sums) { vst1q_s32(p, sums.v); }

#else

struct Bytes {
  __m128i v;
};

TG_INLINE Bytes loadBytes(const void* p) {
  return {_mm_loadu_si128(static_cast<const __m128i*>(p))};
}
TG_INLINE void storeBytes(void* p, Bytes a) { _mm_storeu_si128(static_cast<__m128i*>(p), a.v); }

template <int width>
TG_INLINE Bytes zipLow(Bytes a, Bytes b) {
  if constexpr (width == 1) {
    return {_mm_unpacklo_epi8(a.v, b.v)};
  } else if constexpr (width == 2) {
    return {_mm_unpacklo_epi16(a.v, b.v)};
  } else if constexpr (width == 4) {
    return {_mm_unpacklo_epi32(a.v, b.v)};
  } else {
    return {_mm_unpacklo_epi64(a.v, b.v)};
  }
}
template <int width>
TG_INLINE Bytes zipHigh(Bytes a, Bytes b) {
  if constexpr (width == 1) {
    return {_mm_unpackhi_epi8(a.v, b.v)};
  } else if constexpr (width == 2) {
    return {_mm_unpackhi_epi16(a.v, b.v)};
  } else if constexpr (width == 4) {
    return {_mm_unpackhi_epi32(a.v, b.v)};
  } else {
    return {_mm_unpackhi_epi64(a.v, b.v)};
  }
}

struct QuadSums {
  __m128i v;
};
TG_INLINE QuadSums zeroSums() { return {_mm_setzero_si128()}; }
TG_INLINE QuadSums addQuads(QuadSums sums, Bytes a) {
  // Pairs with 1 x 1 as the unsigned side: at most 2 * 128, far from saturation.
  const __m128i pairs = _mm_maddubs_epi16(_mm_set1_epi8(1), a.v);
  return {_mm_add_epi32(sums.v, _mm_madd_epi16(pairs, _mm_set1_epi16(1)))};
}
TG_INLINE void storeSums(int32_t* p, QuadSums sums) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), sums.v);
}

#endif

// Signed 32-bit integers as floats, rounded to nearest even.
TG_INLINE Reg<float> signedToFloat(IReg<float> a) {
#if defined(TG_TARGET_NEON)
  return {vcvtq_f32_s32(vreinterpretq_s32_u32(a.v))};
#else
  return toFloat(a);  // these levels' conversion takes signed integers of any size
#endif
}

template <int... i>
TG_INLINE Vec<float> loadIntegersEach(RegList<i...>, const uint32_t* p) {
  return {{signedToFloat(IReg<float>::load(p + i * Reg<float>::lanes))...}};
}

// 16 signed 32-bit integers as floats.
TG_INLINE Vec<float> loadIntegers(const int32_t* p) {
  return loadIntegersEach(RegsOf<float>(), reinterpret_cast<const uint32_t*>(p));
}

template <int... i>
TG_INLINE IVec<float> loadLanesEach(RegList<i...>, const uint32_t* p) {
  return {{IReg<float>::load(p + i * Reg<float>::lanes)...}};
}

// 16 integers of 32 bits as they are.
TG_INLINE IVec<float> loadLanes(const int32_t* p) {
  return loadLanesEach(RegsOf<float>(), reinterpret_cast<const uint32_t*>(p));
}

// The low byte of each 32-bit lane, in order.
TG_INLINE Bytes lowBytes(IVec<float> a) {
#if defined(TG_TARGET_SCALAR)
  Bytes result;
  for (int i = 0; i < kBytes; ++i) result.v[i] = static_cast<uint8_t>(a.r[i].v);
  return result;
#elif defined(TG_TARGET_NEON)
  const uint16x8_t low = vcombine_u16(vmovn_u32(a.r[0].v), vmovn_u32(a.r[1].v));
  const uint16x8_t high = vcombine_u16(vmovn_u32(a.r[2].v), vmovn_u32(a.r[3].v));
  return {vreinterpretq_s8_u8(vcombine_u8(vmovn_u16(low), vmovn_u16(high)))};
#elif defined(TG_TARGET_AVX512)
  return {_mm512_cvtepi32_epi8(a.r[0].v)};
#else
  const __m256i byte = _mm256_set1_epi32(0xff);
  const __m256i words =
      _mm256_packus_epi32(_mm256_and_si256(a.r[0].v, byte), _mm256_and_si256(a.r[1].v, byte));
  // Packs work within 128 bits: lanes 0-3 and 8-11 are in the lower half now, 4-7 and 12-15 in the
  // upper one.
  const __m256i bytes = _mm256_packus_epi16(words, words);
  return {_mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1))};
#endif
}

TG_TARGET_END
