// Products of four signed bytes each, added to 32-bit integers: what an int8 matrix product is made
// of. One structure per instruction set, with the same members:
//
//   A    a row's four bytes, in every lane       B    four bytes each of kColumns columns
//   Acc  running sums of kColumns columns, modulo 2^32 (in what order of lanes is its own affair)
//
//   kRows x kVecs   the tile whose accumulators, vectors of B and broadcasts fit the registers
//   (NEON's
//                   compilers load the broadcasts of all rows first, so these tiles are lower)
//   kQuadBytes      what a row's four bytes take where A is packed; packQuads writes 4 of them
//   start           the sums that a chain begins with, from the sums of B's columns
//   storeRow        the sums of kVecs vectors, in the columns' order
//
// All are exact: nothing saturates, so all levels give the same integers.
#pragma once
#include "bytes.h"

TG_TARGET_BEGIN

#if defined(TG_DOT_AVX512_VNNI)

// vpdpbusd multiplies unsigned by signed bytes. A's are made unsigned by adding 128 (flipping the
// sign bit) where they are packed, and 128 times the sum of B's column is taken off at the start.
struct Dot {
  static constexpr int kRows = 14, kVecs = 2, kColumns = 16, kQuadBytes = 4;
  static constexpr bool kNarrow = true;  // a tile of one vector too, for the last few columns
  using A = __m512i;
  using B = __m512i;
  using Acc = __m512i;

  TG_INLINE void packQuads(uint8_t* to, Bytes a) {
    storeBytes(to, {_mm_xor_si128(a.v, _mm_set1_epi8(-128))});
  }
  TG_INLINE Acc start(const int32_t* sums) {
    return _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_slli_epi32(_mm512_loadu_si512(sums), 7));
  }
  TG_INLINE A splat(const uint8_t* quad) {
    int32_t bits;
    memcpy(&bits, quad, sizeof bits);
    return _mm512_set1_epi32(bits);
  }
  TG_INLINE B load(const int8_t* b) { return _mm512_loadu_si512(b); }
  TG_INLINE Acc add(Acc acc, A a, B b) { return _mm512_dpbusd_epi32(acc, a, b); }
  template <int V>
  TG_INLINE void storeRow(int32_t* c, const Acc (&acc)[V]) {
    TG_UNROLL for (int v = 0; v < V; ++v) _mm512_storeu_si512(c + v * kColumns, acc[v]);
  }
};

#elif defined(TG_TARGET_AVX512)

// Bytes widened to 16 bits, so that pairs of products are exact (vpmaddwd): a column has two lanes,
// one for each pair of its four bytes.
struct Dot {
  static constexpr int kRows = 12, kVecs = 2, kColumns = 8, kQuadBytes = 8;
  static constexpr bool kNarrow = false;
  using A = __m512i;
  using B = __m512i;
  using Acc = __m512i;

  TG_INLINE void packQuads(uint8_t* to, Bytes a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_cvtepi8_epi16(a.v));
  }
  TG_INLINE Acc start(const int32_t*) { return _mm512_setzero_si512(); }
  TG_INLINE A splat(const uint8_t* quad) {
    int64_t bits;
    memcpy(&bits, quad, sizeof bits);
    return _mm512_set1_epi64(bits);
  }
  TG_INLINE B load(const int8_t* b) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(b)));
  }
  TG_INLINE Acc add(Acc acc, A a, B b) {
    acc = _mm512_add_epi32(acc, _mm512_madd_epi16(a, b));
    // GCC would move additions, plain operators to it, behind the products of a whole tile, which
    // would push the accumulators out of the registers.
    TG_PIN(acc);
    return acc;
  }
  template <int V>
  TG_INLINE void storeRow(int32_t* c, const Acc (&acc)[V]) {
    static_assert(V == 2, "two vectors make one of whole columns");
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    _mm512_storeu_si512(c, _mm512_add_epi32(_mm512_permutex2var_epi32(acc[0], even, acc[1]),
                                            _mm512_permutex2var_epi32(acc[0], odd, acc[1])));
  }
};

#elif defined(TG_TARGET_AVX2)

// As for AVX-512 without VNNI. (vpmaddubsw would need no widening, but its sums of two products
// saturate at 16 bits.)
struct Dot {
  static constexpr int kRows = 6, kVecs = 2, kColumns = 4, kQuadBytes = 8;
  static constexpr bool kNarrow = false;
  using A = __m256i;
  using B = __m256i;
  using Acc = __m256i;

  TG_INLINE void packQuads(uint8_t* to, Bytes a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_cvtepi8_epi16(a.v));
  }
  TG_INLINE Acc start(const int32_t*) { return _mm256_setzero_si256(); }
  TG_INLINE A splat(const uint8_t* quad) {
    int64_t bits;
    memcpy(&bits, quad, sizeof bits);
    return _mm256_set1_epi64x(bits);
  }
  TG_INLINE B load(const int8_t* b) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b)));
  }
  TG_INLINE Acc add(Acc acc, A a, B b) {
    acc = _mm256_add_epi32(acc, _mm256_madd_epi16(a, b));
    TG_PIN(acc);
    return acc;
  }
  template <int V>
  TG_INLINE void storeRow(int32_t* c, const Acc (&acc)[V]) {
    static_assert(V == 2, "two vectors make one of whole columns");
    // Within 128 bits: columns 0 1 4 5 and 2 3 6 7.
    const __m256i sums = _mm256_hadd_epi32(acc[0], acc[1]);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(c),
                        _mm256_permute4x64_epi64(sums, _MM_SHUFFLE(3, 1, 2, 0)));
  }
};

#elif defined(TG_DOT_NEON)

// sdot: four products of signed bytes to a lane, in one instruction (Armv8.2 dot product).
struct Dot {
  static constexpr int kRows = 5, kVecs = 4, kColumns = 4, kQuadBytes = 4;
  static constexpr bool kNarrow = false;
  using A = int8x16_t;
  using B = int8x16_t;
  using Acc = int32x4_t;

  TG_INLINE void packQuads(uint8_t* to, Bytes a) { storeBytes(to, a); }
  TG_INLINE Acc start(const int32_t*) { return vdupq_n_s32(0); }
  TG_INLINE A splat(const uint8_t* quad) {
    int32_t bits;
    memcpy(&bits, quad, sizeof bits);
    return vreinterpretq_s8_s32(vdupq_n_s32(bits));
  }
  TG_INLINE B load(const int8_t* b) { return vld1q_s8(b); }
  TG_INLINE Acc add(Acc acc, A a, B b) { return vdotq_s32(acc, a, b); }
  template <int V>
  TG_INLINE void storeRow(int32_t* c, const Acc (&acc)[V]) {
    TG_UNROLL for (int v = 0; v < V; ++v) vst1q_s32(c + v * kColumns, acc[v]);
  }
};

#elif defined(TG_TARGET_NEON)

// Products of bytes fit 16 bits (smull); pairs of them are added to 32-bit lanes (sadalp), so a
// column has two lanes.
struct Dot {
  static constexpr int kRows = 4, kVecs = 2, kColumns = 4, kQuadBytes = 4;
  static constexpr bool kNarrow = false;
  using A = int8x16_t;
  using B = int8x16_t;
  struct Acc {
    int32x4_t low, high;
  };

  TG_INLINE void packQuads(uint8_t* to, Bytes a) { storeBytes(to, a); }
  TG_INLINE Acc start(const int32_t*) { return {vdupq_n_s32(0), vdupq_n_s32(0)}; }
  TG_INLINE A splat(const uint8_t* quad) {
    int32_t bits;
    memcpy(&bits, quad, sizeof bits);
    return vreinterpretq_s8_s32(vdupq_n_s32(bits));
  }
  TG_INLINE B load(const int8_t* b) { return vld1q_s8(b); }
  TG_INLINE Acc add(Acc acc, A a, B b) {
    return {vpadalq_s16(acc.low, vmull_s8(vget_low_s8(a), vget_low_s8(b))),
            vpadalq_s16(acc.high, vmull_high_s8(a, b))};
  }
  template <int V>
  TG_INLINE void storeRow(int32_t* c, const Acc (&acc)[V]) {
    TG_UNROLL for (int v = 0; v < V; ++v) {
      vst1q_s32(c + v * kColumns, vpaddq_s32(acc[v].low, acc[v].high));
    }
  }
};

#else

// One product at a time.
struct Dot {
  static constexpr int kRows = 2, kVecs = 1, kColumns = 4, kQuadBytes = 4;
  static constexpr bool kNarrow = false;
  struct A {
    int8_t v[4];
  };
  using B = Bytes;
  struct Acc {
    uint32_t v[kColumns];  // unsigned: sums wrap around, as those of the other levels do
  };

  TG_INLINE void packQuads(uint8_t* to, Bytes a) { storeBytes(to, a); }
  TG_INLINE Acc start(const int32_t*) { return {{0, 0, 0, 0}}; }
  TG_INLINE A splat(const uint8_t* quad) {
    A a;
    memcpy(a.v, quad, sizeof a.v);
    return a;
  }
  TG_INLINE B load(const int8_t* b) { return loadBytes(b); }
  TG_INLINE Acc add(Acc acc, A a, B b) {
    for (int j = 0; j < kBytes; ++j) {
      acc.v[j / 4] += static_cast<uint32_t>(a.v[j % 4] * static_cast<int8_t>(b.v[j]));
    }
    return acc;
  }
  template <int V>
  TG_INLINE void storeRow(int32_t* c, const Acc (&acc)[V]) {
    memcpy(c, acc, sizeof acc);
  }
};

#endif

TG_TARGET_END
