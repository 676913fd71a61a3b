// Sums and maxima for norms, in float64. Value e goes to lane e % 32 of four virtual vectors of
// doubles, in ascending order of e; the four combine as (0 + 2) + (1 + 3), then the lanes by
// halves. What is missing to 32 counts as zeros, which change no result.
#pragma once
#include "../simd/vec.h"
#include "table.h"

TG_TARGET_BEGIN

struct SquareNorm {
  TG_INLINE Vec<double> taken(Vec<double> sum, Vec<double> x) { return fma(x, x, sum); }
  TG_INLINE Vec<double> combined(Vec<double> a, Vec<double> b) { return add(a, b); }
  TG_INLINE double folded(Vec<double> a) { return reduceAdd(a); }
};

struct MagnitudeNorm {
  TG_INLINE Vec<double> taken(Vec<double> sum, Vec<double> x) { return add(sum, abs(x)); }
  TG_INLINE Vec<double> combined(Vec<double> a, Vec<double> b) { return add(a, b); }
  TG_INLINE double folded(Vec<double> a) { return reduceAdd(a); }
};

struct LargestNorm {
  TG_INLINE Vec<double> taken(Vec<double> most, Vec<double> x) { return maxNan(abs(x), most); }
  TG_INLINE Vec<double> combined(Vec<double> a, Vec<double> b) { return maxNan(a, b); }
  TG_INLINE double folded(Vec<double> a) { return reduceMax(a); }
};

template <class T, class Norm>
double normKernel(int64_t n, const T* x) {
  constexpr int64_t kWidth = kLanes<double>, kTurn = 4 * kWidth;
  Vec<double> a[4] = {vsplat<double>(0), vsplat<double>(0), vsplat<double>(0), vsplat<double>(0)};
  T rest[kTurn] = {};
  for (int64_t i = 0; i < n; i += kTurn) {
    const T* from = x + i;
    if (n - i < kTurn) {
      for (int64_t j = 0; j < n - i; ++j) rest[j] = from[j];
      from = rest;
    }
    for (int u = 0; u < 4; ++u) a[u] = Norm::taken(a[u], vloadDouble(from + u * kWidth));
  }
  return Norm::folded(Norm::combined(Norm::combined(a[0], a[2]), Norm::combined(a[1], a[3])));
}

template <class T>
constexpr NormKernels<T> normKernels() {
  return {normKernel<T, SquareNorm>, normKernel<T, MagnitudeNorm>, normKernel<T, LargestNorm>};
}

TG_TARGET_END
