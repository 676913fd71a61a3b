// Normalisation: what runs lane by lane. The sums that it needs are in norm_sums.h, where they are
// put together in ops/norm.cpp.
#pragma once
#include "per_lane.h"

TG_TARGET_BEGIN

template <class T>
void normalizeKernel(const Normalization<T>& job) {
  const LaneSource<T> mean(job.mean), rstd(job.rstd), weight(job.weight), bias(job.bias);
  overVectors<T>(job.n, [&](int64_t i, Lanes lanes) TG_INLINE_LAMBDA {
    const Vec<T> d = sub(get(lanes, job.x + i), get(lanes, mean.at(i)));
    const Vec<T> scale = mul(get(lanes, rstd.at(i)), get(lanes, weight.at(i)));
    put(lanes, job.y + i, fma(d, scale, get(lanes, bias.at(i))));
  });
}

template <class T>
void normalizeBackwardKernel(const NormalizationBackward<T>& job) {
  const LaneSource<T> mean(job.mean), rstd(job.rstd), weight(job.weight);
  const LaneSource<T> slope(job.slope), offset(job.offset);
  overVectors<T>(job.n, [&](int64_t i, Lanes lanes) TG_INLINE_LAMBDA {
    const Vec<T> g = get(lanes, job.g + i);
    const Vec<T> d = sub(get(lanes, job.x + i), get(lanes, mean.at(i)));
    const Vec<T> r = get(lanes, rstd.at(i));
    if (job.dweight) {
      T* const dw = job.dweight + i;
      put(lanes, dw, fma(g, mul(d, r), get(lanes, dw)));
    }
    if (job.dbias) put(lanes, job.dbias + i, add(g, get(lanes, job.dbias + i)));
    if (job.dx) {
      const Vec<T> back = fma(d, get(lanes, slope.at(i)), get(lanes, offset.at(i)));
      put(lanes, job.dx + i, fma(g, mul(r, get(lanes, weight.at(i))), back));
    }
  });
}

template <class T>
void addSquaresKernel(int64_t n, const T* x, const T* mean, T* squares) {
  overVectors<T>(n, [&](int64_t i, Lanes lanes) TG_INLINE_LAMBDA {
    const Vec<T> d = sub(get(lanes, x + i), get(lanes, mean + i));
    put(lanes, squares + i, fma(d, d, get(lanes, squares + i)));
  });
}

template <class T>
constexpr NormKernels<T> normKernels() {
  return {normalizeKernel<T>, normalizeBackwardKernel<T>, addSquaresKernel<T>};
}

TG_TARGET_END
