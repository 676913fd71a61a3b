// Between float16 and float32: by the instructions of F16C, which AVX2 comes with, and elsewhere by
// base/float16.h, with the same bits.
#pragma once
#include "convert.h"
#include "table.h"

#if defined(TG_TARGET_AVX2) || defined(TG_TARGET_AVX512)
#include <immintrin.h>
#define TG_HAVE_F16C
#endif

TG_TARGET_BEGIN

inline void widenHalves(int64_t n, const Float16* x, float* y) {
  int64_t i = 0;
#if defined(TG_HAVE_F16C)
  for (; i + 8 <= n; i += 8) {
    const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x + i));
    _mm256_storeu_ps(y + i, _mm256_cvtph_ps(halves));
  }
#endif
  for (; i < n; ++i) y[i] = widen(x[i]);
}

inline void narrowToHalves(int64_t n, const float* x, Float16* y) {
  int64_t i = 0;
#if defined(TG_HAVE_F16C)
  for (; i + 8 <= n; i += 8) {
    const __m128i halves =
        _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(y + i), halves);
  }
#endif
  for (; i < n; ++i) y[i] = toFloat16(x[i]);
}

constexpr HalfKernels halfKernels() { return {widenHalves, narrowToHalves, toBFloat16}; }

TG_TARGET_END

#undef TG_HAVE_F16C
