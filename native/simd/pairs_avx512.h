// Registers of 16 pairs of bfloat16 (AVX-512 with BW and BF16): one pair per lane of a float
// register, the lower half first. Loads of a part read nothing beyond it.
#pragma once
#include <string.h>

#include "../base/bfloat16.h"
#include "vec.h"

TG_TARGET_BEGIN

struct Pairs {
  __m512i v;
};

// The intrinsics have a type of their own for the same register, and compilers differ in how it
// casts.
TG_INLINE __m512bh asBf16(Pairs x) {
  __m512bh result;
  memcpy(&result, &x.v, sizeof(result));
  return result;
}
TG_INLINE Pairs asPairs(__m512bh x) {
  Pairs result;
  memcpy(&result.v, &x, sizeof(result.v));
  return result;
}

TG_INLINE Pairs loadPairs(const BFloat16* p) { return {_mm512_loadu_si512(p)}; }
TG_INLINE void storePairs(BFloat16* p, Pairs x) { _mm512_storeu_si512(p, x.v); }
TG_INLINE Pairs zeroPairs() { return {_mm512_setzero_si512()}; }

// The pair at p in all lanes.
TG_INLINE Pairs splatPair(const BFloat16* p) {
  int32_t pair;
  memcpy(&pair, p, sizeof(pair));
  return {_mm512_set1_epi32(pair)};
}

// acc + a.high * b.high + a.low * b.low in each lane (kernels/gemm_bf16.h tells how it rounds).
TG_INLINE Vec<float> dotPairs(Vec<float> acc, Pairs a, Pairs b) {
  return {{{_mm512_dpbf16_ps(acc.r[0].v, asBf16(a), asBf16(b))}}};
}

// 16 numbers each of two lines as pairs. Denormals become zeros.
TG_INLINE Pairs roundPairs(__m512 low, __m512 high) {
  return asPairs(_mm512_cvtne2ps_pbh(high, low));  // 16 of `low`, then 16 of `high`
}

// n (any number) consecutive elements along k as pairs; zeros after them.
TG_INLINE Pairs loadAlong(const BFloat16* p, int64_t n) {
  const __mmask32 mask = n >= 32 ? ~__mmask32{0} : n <= 0 ? 0 : (__mmask32{1} << n) - 1;
  return {_mm512_maskz_loadu_epi16(mask, p)};
}
TG_INLINE Pairs loadAlong(const float* p, int64_t n) {
  const Reg<float> low = Reg<float>::loadFirst(p, n);
  const Reg<float> high = n > 16 ? Reg<float>::loadFirst(p + 16, n - 16) : Reg<float>::splat(0);
  return roundPairs(low.v, high.v);
}

// n (any number) elements each of two lines, paired up: low[i], high[i].
TG_INLINE __m512i loadWide(const BFloat16* p, int64_t n) {
  const __mmask16 mask = Mask<float>::first(n).m;
  return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, p));
}
TG_INLINE Pairs loadAcross(const BFloat16* low, const BFloat16* high, int64_t n) {
  return {_mm512_or_si512(loadWide(low, n), _mm512_slli_epi32(loadWide(high, n), 16))};
}
TG_INLINE Pairs loadAcross(const float* low, const float* high, int64_t n) {
  const __m512i halves =
      roundPairs(Reg<float>::loadFirst(low, n).v, Reg<float>::loadFirst(high, n).v).v;
  // Word 2 i from word i of the lower half, word 2 i + 1 from word i of the upper half.
  const __m512i even = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(16));
  const __m512i order = _mm512_or_si512(even, _mm512_slli_epi32(odd, 16));
  return {_mm512_permutexvar_epi16(order, halves)};
}

// Lane j of r[i] becomes lane i of r[j]. Blocks of 4 x 4 lanes first, within 128 bits each, then
// the blocks.
TG_INLINE void transposePairs(Pairs (&r)[16]) {
  TG_UNROLL for (int i = 0; i < 16; i += 4) {
    const __m512i low01 = _mm512_unpacklo_epi32(r[i].v, r[i + 1].v);
    const __m512i high01 = _mm512_unpackhi_epi32(r[i].v, r[i + 1].v);
    const __m512i low23 = _mm512_unpacklo_epi32(r[i + 2].v, r[i + 3].v);
    const __m512i high23 = _mm512_unpackhi_epi32(r[i + 2].v, r[i + 3].v);
    r[i].v = _mm512_unpacklo_epi64(low01, low23);
    r[i + 1].v = _mm512_unpackhi_epi64(low01, low23);
    r[i + 2].v = _mm512_unpacklo_epi64(high01, high23);
    r[i + 3].v = _mm512_unpackhi_epi64(high01, high23);
  }
  // r[4 i + c] now has column 4 l + c of rows 4 i .. 4 i + 3 in its 128-bit part l.
  constexpr int kEven = 0x88, kOdd = 0xdd;  // parts 0 and 2, parts 1 and 3 of each operand
  TG_UNROLL for (int c = 0; c < 4; ++c) {
    const __m512i even01 = _mm512_shuffle_i32x4(r[c].v, r[4 + c].v, kEven);
    const __m512i odd01 = _mm512_shuffle_i32x4(r[c].v, r[4 + c].v, kOdd);
    const __m512i even23 = _mm512_shuffle_i32x4(r[8 + c].v, r[12 + c].v, kEven);
    const __m512i odd23 = _mm512_shuffle_i32x4(r[8 + c].v, r[12 + c].v, kOdd);
    r[c].v = _mm512_shuffle_i32x4(even01, even23, kEven);
    r[8 + c].v = _mm512_shuffle_i32x4(even01, even23, kOdd);
    r[4 + c].v = _mm512_shuffle_i32x4(odd01, odd23, kEven);
    r[12 + c].v = _mm512_shuffle_i32x4(odd01, odd23, kOdd);
  }
}

// Rounds n (1..16) numbers as base/bfloat16.h's `narrow` does.
TG_INLINE void narrowFirst(const float* x, BFloat16* y, int64_t n) {
  const __m512 value = Reg<float>::loadFirst(x, n).v;
  const __m512i bits = _mm512_castps_si512(value);
  const __m512i upper = _mm512_srli_epi32(bits, 16);
  const __m512i odd = _mm512_and_si512(upper, _mm512_set1_epi32(1));
  const __m512i sum = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __mmask16 nan = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
  const __m512i rounded = _mm512_srli_epi32(sum, 16);
  const __m512i result = _mm512_mask_or_epi32(rounded, nan, upper, _mm512_set1_epi32(0x40));
  _mm256_mask_storeu_epi16(y, Mask<float>::first(n).m, _mm512_cvtepi32_epi16(result));
}

TG_TARGET_END
