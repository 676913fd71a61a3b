// Normalisation: what runs lane by lane. The sums that it needs are in norm_sums.h, where they are
// put together in ops/norm.cpp.
#pragma once
#include "per_lane.h"

TG_TARGET_BEGIN

// The operands are copied to locals: a store to y might change them where they stand.
template <class T>
void normalizeKernel(const Normalization<T>& job) {
  Copies<T> copies[4];
  const LaneSource<T> mean = sourceOf(job.mean, copies[0]), rstd = sourceOf(job.rstd, copies[1]);
  const LaneSource<T> weight = sourceOf(job.weight, copies[2]);
  const LaneSource<T> bias = sourceOf(job.bias, copies[3]);
  const T* const x = job.x;
  T* const y = job.y;
  overWholeVectors<T>(job.n, [=](int64_t i, auto lanes) TG_INLINE_LAMBDA {
    const Vec<T> d = sub(get(lanes, x + i), get(lanes, mean.at(i)));
    const Vec<T> scale = mul(get(lanes, rstd.at(i)), get(lanes, weight.at(i)));
    put(lanes, y + i, fma(d, scale, get(lanes, bias.at(i))));
  });
}

template <class T>
void normalizeBackwardKernel(const NormalizationBackward<T>& job) {
  Copies<T> copies[5];
  const LaneSource<T> mean = sourceOf(job.mean, copies[0]), rstd = sourceOf(job.rstd, copies[1]);
  const LaneSource<T> weight = sourceOf(job.weight, copies[2]);
  const LaneSource<T> slope = sourceOf(job.slope, copies[3]);
  const LaneSource<T> offset = sourceOf(job.offset, copies[4]);
  const T* const x = job.x;
  const T* const g = job.g;
  T* const dx = job.dx;
  T* const dweight = job.dweight;
  T* const dbias = job.dbias;
  overWholeVectors<T>(job.n, [=](int64_t i, auto lanes) TG_INLINE_LAMBDA {
    const Vec<T> gradient = get(lanes, g + i);
    const Vec<T> d = sub(get(lanes, x + i), get(lanes, mean.at(i)));
    const Vec<T> r = get(lanes, rstd.at(i));
    if (dweight) {
      put(lanes, dweight + i, fma(gradient, mul(d, r), get(lanes, dweight + i)));
    }
    if (dbias) put(lanes, dbias + i, add(gradient, get(lanes, dbias + i)));
    if (dx) {
      const Vec<T> back = fma(d, get(lanes, slope.at(i)), get(lanes, offset.at(i)));
      put(lanes, dx + i, fma(gradient, mul(r, get(lanes, weight.at(i))), back));
    }
  });
}

template <class T>
void addSquaresKernel(int64_t n, const T* x, const T* mean, T* squares) {
  overWholeVectors<T>(n, [=](int64_t i, auto lanes) TG_INLINE_LAMBDA {
    const Vec<T> d = sub(get(lanes, x + i), get(lanes, mean + i));
    put(lanes, squares + i, fma(d, d, get(lanes, squares + i)));
  });
}

template <class T>
constexpr NormalizationKernels<T> normalizationKernels() {
  return {normalizeKernel<T>, normalizeBackwardKernel<T>, addSquaresKernel<T>};
}

TG_TARGET_END
