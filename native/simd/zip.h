// Lanes of two registers in turns, within each 128 bits.
#pragma once
#include "vec.h"

TG_TARGET_BEGIN

#if !defined(TG_TARGET_SCALAR)

// Of floats: a0 b0 a1 b1, a2 b2 a3 b3, and the same for pairs of them. Of doubles: a0 b0, a1 b1.
// evenLanes and oddLanes undo it: of zipLow(a, b) and zipHigh(a, b) they give a and b.
#if defined(TG_TARGET_AVX512)
TG_INLINE RegF evenLanes(RegF a, RegF b) { return {_mm512_shuffle_ps(a.v, b.v, 0x88)}; }
TG_INLINE RegF oddLanes(RegF a, RegF b) { return {_mm512_shuffle_ps(a.v, b.v, 0xdd)}; }
TG_INLINE RegF zipLow(RegF a, RegF b) { return {_mm512_unpacklo_ps(a.v, b.v)}; }
TG_INLINE RegF zipHigh(RegF a, RegF b) { return {_mm512_unpackhi_ps(a.v, b.v)}; }
TG_INLINE RegF zipLowPairs(RegF a, RegF b) {
  return {_mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a.v), _mm512_castps_pd(b.v)))};
}
TG_INLINE RegF zipHighPairs(RegF a, RegF b) {
  return {_mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a.v), _mm512_castps_pd(b.v)))};
}
TG_INLINE RegD zipLow(RegD a, RegD b) { return {_mm512_unpacklo_pd(a.v, b.v)}; }
TG_INLINE RegD zipHigh(RegD a, RegD b) { return {_mm512_unpackhi_pd(a.v, b.v)}; }
#elif defined(TG_TARGET_AVX2)
TG_INLINE RegF evenLanes(RegF a, RegF b) { return {_mm256_shuffle_ps(a.v, b.v, 0x88)}; }
TG_INLINE RegF oddLanes(RegF a, RegF b) { return {_mm256_shuffle_ps(a.v, b.v, 0xdd)}; }
TG_INLINE RegF zipLow(RegF a, RegF b) { return {_mm256_unpacklo_ps(a.v, b.v)}; }
TG_INLINE RegF zipHigh(RegF a, RegF b) { return {_mm256_unpackhi_ps(a.v, b.v)}; }
TG_INLINE RegF zipLowPairs(RegF a, RegF b) {
  return {_mm256_castpd_ps(_mm256_unpacklo_pd(_mm256_castps_pd(a.v), _mm256_castps_pd(b.v)))};
}
TG_INLINE RegF zipHighPairs(RegF a, RegF b) {
  return {_mm256_castpd_ps(_mm256_unpackhi_pd(_mm256_castps_pd(a.v), _mm256_castps_pd(b.v)))};
}
TG_INLINE RegD zipLow(RegD a, RegD b) { return {_mm256_unpacklo_pd(a.v, b.v)}; }
TG_INLINE RegD zipHigh(RegD a, RegD b) { return {_mm256_unpackhi_pd(a.v, b.v)}; }
#else
TG_INLINE RegF evenLanes(RegF a, RegF b) { return {vuzp1q_f32(a.v, b.v)}; }
TG_INLINE RegF oddLanes(RegF a, RegF b) { return {vuzp2q_f32(a.v, b.v)}; }
TG_INLINE RegF zipLow(RegF a, RegF b) { return {vzip1q_f32(a.v, b.v)}; }
TG_INLINE RegF zipHigh(RegF a, RegF b) { return {vzip2q_f32(a.v, b.v)}; }
TG_INLINE RegF zipLowPairs(RegF a, RegF b) {
  return {
      vreinterpretq_f32_f64(vzip1q_f64(vreinterpretq_f64_f32(a.v), vreinterpretq_f64_f32(b.v)))};
}
TG_INLINE RegF zipHighPairs(RegF a, RegF b) {
  return {
      vreinterpretq_f32_f64(vzip2q_f64(vreinterpretq_f64_f32(a.v), vreinterpretq_f64_f32(b.v)))};
}
TG_INLINE RegD zipLow(RegD a, RegD b) { return {vzip1q_f64(a.v, b.v)}; }
TG_INLINE RegD zipHigh(RegD a, RegD b) { return {vzip2q_f64(a.v, b.v)}; }
#endif
TG_INLINE RegD evenLanes(RegD a, RegD b) { return zipLow(a, b); }
TG_INLINE RegD oddLanes(RegD a, RegD b) { return zipHigh(a, b); }

#endif

// Pairs that two registers hold in memory order become all first ones in a and all second ones in
// b, in memory order too.
#if defined(TG_TARGET_AVX512)
TG_INLINE void splitInOrder(RegF& a, RegF& b) {
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  const RegF x = {_mm512_permutex2var_ps(a.v, even, b.v)};
  b = {_mm512_permutex2var_ps(a.v, odd, b.v)};
  a = x;
}
// The reverse.
TG_INLINE void joinInOrder(RegF& a, RegF& b) {
  const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i high =
      _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  const RegF x = {_mm512_permutex2var_ps(a.v, low, b.v)};
  b = {_mm512_permutex2var_ps(a.v, high, b.v)};
  a = x;
}
TG_INLINE void splitInOrder(RegD& a, RegD& b) {
  const __m512i even = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
  const __m512i odd = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
  const RegD x = {_mm512_permutex2var_pd(a.v, even, b.v)};
  b = {_mm512_permutex2var_pd(a.v, odd, b.v)};
  a = x;
}
#elif defined(TG_TARGET_AVX2)
TG_INLINE RegD inOrder(RegD a) { return {_mm256_permute4x64_pd(a.v, _MM_SHUFFLE(3, 1, 2, 0))}; }
TG_INLINE RegF inOrder(RegF a) {
  return {_mm256_castpd_ps(inOrder(RegD{_mm256_castps_pd(a.v)}).v)};
}
template <class T>
TG_INLINE void splitInOrder(Reg<T>& a, Reg<T>& b) {
  const Reg<T> x = inOrder(evenLanes(a, b));
  b = inOrder(oddLanes(a, b));
  a = x;
}
#elif defined(TG_TARGET_SCALAR)
template <class T>
TG_INLINE void splitInOrder(Reg<T>&, Reg<T>&) {}
#else
template <class T>
TG_INLINE void splitInOrder(Reg<T>& a, Reg<T>& b) {
  const Reg<T> x = evenLanes(a, b);
  b = oddLanes(a, b);
  a = x;
}
#endif

TG_TARGET_END
