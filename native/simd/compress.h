// Elements that a condition holds for, moved together.
#pragma once
#include "independent.h"
#include "target.h"
#if defined(TG_TARGET_AVX512)
#include "vec.h"
#endif

TG_TARGET_BEGIN

constexpr int kCompared = 16;

// y = the numbers of x in [low, low + width], in order; returns how many. y has room for n and may
// be x.
#if defined(TG_TARGET_AVX512)

TG_INLINE int64_t countBits(uint32_t mask) { return _mm_popcnt_u32(mask); }

// A whole register is stored: what it has too much lies where nothing is read any more.
inline int64_t keepInRange(int64_t n, const uint32_t* x, uint32_t low, uint32_t width,
                           uint32_t* y) {
  const __m512i least = _mm512_set1_epi32(static_cast<int>(low));
  const __m512i most = _mm512_set1_epi32(static_cast<int>(width));
  int64_t left = 0, i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m512i v = _mm512_loadu_si512(x + i);
    const __mmask16 keep = _mm512_cmple_epu32_mask(_mm512_sub_epi32(v, least), most);
    _mm512_storeu_si512(y + left, _mm512_maskz_compress_epi32(keep, v));
    left += countBits(keep);
  }
  for (; i < n; ++i) {
    const uint32_t value = x[i];
    y[left] = value;
    left += value - low <= width ? 1 : 0;
  }
  return left;
}

inline int64_t keepInRange(int64_t n, const uint64_t* x, uint64_t low, uint64_t width,
                           uint64_t* y) {
  const __m512i least = _mm512_set1_epi64(static_cast<int64_t>(low));
  const __m512i most = _mm512_set1_epi64(static_cast<int64_t>(width));
  int64_t left = 0, i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m512i v = _mm512_loadu_si512(x + i);
    const __mmask8 keep = _mm512_cmple_epu64_mask(_mm512_sub_epi64(v, least), most);
    _mm512_storeu_si512(y + left, _mm512_maskz_compress_epi64(keep, v));
    left += countBits(keep);
  }
  for (; i < n; ++i) {
    const uint64_t value = x[i];
    y[left] = value;
    left += value - low <= width ? 1 : 0;
  }
  return left;
}

// How many of kCompared numbers are less than another.
TG_INLINE uint32_t countLess(const uint32_t* x, uint32_t than) {
  const __m512i limit = _mm512_set1_epi32(static_cast<int>(than));
  return static_cast<uint32_t>(countBits(_mm512_cmplt_epu32_mask(_mm512_loadu_si512(x), limit)));
}
TG_INLINE uint64_t countLess(const uint64_t* x, uint64_t than) {
  const __m512i limit = _mm512_set1_epi64(static_cast<int64_t>(than));
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

template <class Key>
TG_INLINE int64_t keepInRange(int64_t n, const Key* x, Key low, Key width, Key* y) {
  int64_t left = 0;
  for (int64_t i = 0; i < n; ++i) {
    const Key value = x[i];
    y[left] = value;
    left += value - low <= width ? 1 : 0;
  }
  return left;
}

#endif

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
