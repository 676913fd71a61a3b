// Four vectors of one field each into memory order: x0 y0 z0 w0 x1 y1 ... The lanes of a vector are
// four groups of four; within each group the four vectors form a 4 x 4 matrix that is transposed,
// so no value has to leave its 128-bit part of a register.
#pragma once
#include "vec.h"

TG_TARGET_BEGIN

#if defined(TG_TARGET_SCALAR)

// Lane 4 * group + w of v[k] becomes lane 4 * group + k of v[w].
TG_INLINE void interleave4(Vec<float> (&v)[4]) {
  for (int group = 0; group < 4; ++group) {
    for (int k = 0; k < 4; ++k) {
      for (int w = 0; w < k; ++w) {
        const Reg<float> t = v[k].r[4 * group + w];
        v[k].r[4 * group + w] = v[w].r[4 * group + k];
        v[w].r[4 * group + k] = t;
      }
    }
  }
}

#else

// In each 128 bits of a and b: a0 b0 a1 b1, a2 b2 a3 b3, and the same for 64-bit pairs.
#if defined(TG_TARGET_AVX512)
TG_INLINE RegF zipLow(RegF a, RegF b) { return {_mm512_unpacklo_ps(a.v, b.v)}; }
TG_INLINE RegF zipHigh(RegF a, RegF b) { return {_mm512_unpackhi_ps(a.v, b.v)}; }
TG_INLINE RegF zipLowPairs(RegF a, RegF b) {
  return {_mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a.v), _mm512_castps_pd(b.v)))};
}
TG_INLINE RegF zipHighPairs(RegF a, RegF b) {
  return {_mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a.v), _mm512_castps_pd(b.v)))};
}
#elif defined(TG_TARGET_AVX2)
TG_INLINE RegF zipLow(RegF a, RegF b) { return {_mm256_unpacklo_ps(a.v, b.v)}; }
TG_INLINE RegF zipHigh(RegF a, RegF b) { return {_mm256_unpackhi_ps(a.v, b.v)}; }
TG_INLINE RegF zipLowPairs(RegF a, RegF b) {
  return {_mm256_castpd_ps(_mm256_unpacklo_pd(_mm256_castps_pd(a.v), _mm256_castps_pd(b.v)))};
}
TG_INLINE RegF zipHighPairs(RegF a, RegF b) {
  return {_mm256_castpd_ps(_mm256_unpackhi_pd(_mm256_castps_pd(a.v), _mm256_castps_pd(b.v)))};
}
#else
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
#endif

// Lane 4 * group + w of v[k] becomes lane 4 * group + k of v[w].
TG_INLINE void interleave4(Vec<float> (&v)[4]) {
  for (int i = 0; i < kRegs<float>; ++i) {
    const RegF low01 = zipLow(v[0].r[i], v[1].r[i]);
    const RegF high01 = zipHigh(v[0].r[i], v[1].r[i]);
    const RegF low23 = zipLow(v[2].r[i], v[3].r[i]);
    const RegF high23 = zipHigh(v[2].r[i], v[3].r[i]);
    v[0].r[i] = zipLowPairs(low01, low23);
    v[1].r[i] = zipHighPairs(low01, low23);
    v[2].r[i] = zipLowPairs(high01, high23);
    v[3].r[i] = zipHighPairs(high01, high23);
  }
}

#endif

TG_TARGET_END
