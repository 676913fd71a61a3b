// Elements that a condition holds for, moved together.
#pragma once
#include "independent.h"
#include "target.h"
#if defined(TG_TARGET_AVX512)
#include "vec.h"
#endif

TG_TARGET_BEGIN

constexpr int kCompared = 16;

#if defined(TG_TARGET_AVX512)

TG_INLINE int64_t countBits(uint32_t mask) { return _mm_popcnt_u32(mask); }

// Keys of 32 and of 64 bits have instructions with names of their own.
TG_INLINE __m512i splatKey(uint32_t x) { return _mm512_set1_epi32(static_cast<int>(x)); }
TG_INLINE __m512i splatKey(uint64_t x) { return _mm512_set1_epi64(static_cast<int64_t>(x)); }
TG_INLINE uint32_t isInRange(__m512i v, uint32_t low, uint32_t width) {
  return _mm512_cmple_epu32_mask(_mm512_sub_epi32(v, splatKey(low)), splatKey(width));
}
TG_INLINE uint32_t isInRange(__m512i v, uint64_t low, uint64_t width) {
  return _mm512_cmple_epu64_mask(_mm512_sub_epi64(v, splatKey(low)), splatKey(width));
}
TG_INLINE void storeChosen(uint32_t* p, uint32_t mask, __m512i v) {
  _mm512_storeu_si512(p, _mm512_maskz_compress_epi32(static_cast<__mmask16>(mask), v));
}
TG_INLINE void storeChosen(uint64_t* p, uint32_t mask, __m512i v) {
  _mm512_storeu_si512(p, _mm512_maskz_compress_epi64(static_cast<__mmask8>(mask), v));
}

// How many of kCompared numbers are less than another.
TG_INLINE uint32_t countLess(const uint32_t* x, uint32_t than) {
  return static_cast<uint32_t>(
      countBits(_mm512_cmplt_epu32_mask(_mm512_loadu_si512(x), splatKey(than))));
}
TG_INLINE uint64_t countLess(const uint64_t* x, uint64_t than) {
  const __m512i limit = splatKey(than);
  return static_cast<uint64_t>(
      countBits(_mm512_cmplt_epu64_mask(_mm512_loadu_si512(x), limit)) +
      countBits(_mm512_cmplt_epu64_mask(_mm512_loadu_si512(x + 8), limit)));
}

#else

template <class Key>
TG_INLINE Key countLess(const Key* x, Key than) {
  Key less = 0;
  TG_INDEPENDENT
  for (int i = 0; i < kCompared; ++i) less += x[i] < than ? Key{1} : Key{0};
  return less;
}

#endif

// y = the numbers of x in [low, low + width], in order; returns how many. y has room for n and may
// be x. Whole registers are stored: what they have too much lies where nothing is read any more.
template <class Key>
TG_INLINE int64_t keepInRange(int64_t n, const Key* x, Key low, Key width, Key* y) {
  int64_t left = 0, i = 0;
#if defined(TG_TARGET_AVX512)
  constexpr int64_t kLanes = 64 / static_cast<int64_t>(sizeof(Key));
  for (; i + kLanes <= n; i += kLanes) {
    const __m512i v = _mm512_loadu_si512(x + i);
    const uint32_t keep = isInRange(v, low, width);
    storeChosen(y + left, keep, v);
    left += countBits(keep);
  }
#endif
  for (; i < n; ++i) {
    const Key value = x[i];
    y[left] = value;
    left += value - low <= width ? 1 : 0;
  }
  return left;
}

// HitPlacesKernel.
inline int64_t hitPlaces(int64_t n, const uint8_t* hits, int32_t* places) {
  int64_t count = 0, i = 0;
#if defined(TG_TARGET_AVX512)
  __m512i at = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (; i + 16 <= n; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(hits + i));
    const __mmask16 hit = _mm_test_epi8_mask(bytes, bytes);
    _mm512_storeu_si512(places + count, _mm512_maskz_compress_epi32(hit, at));
    count += countBits(hit);
    at = _mm512_add_epi32(at, _mm512_set1_epi32(16));
  }
#endif
  // Without a branch for each element: whether one is a hit can't be predicted.
  for (; i < n; ++i) {
    places[count] = static_cast<int32_t>(i);
    count += hits[i] != 0 ? 1 : 0;
  }
  return count;
}

TG_TARGET_END
