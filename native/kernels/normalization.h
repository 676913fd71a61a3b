// Normalisation: what runs lane by lane. The sums that it needs are in norm_sums.h, where they are
// put together in ops/normalization/norm.cpp.
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

// Rows that go through the columns together: weights are loaded, and their gradients stored, once
// for all of them. What each row has of its own takes 4 of 32 registers.
constexpr int kNormRows = 4;

template <class T, int rows>
TG_INLINE void normalizeSomeRows(const RowNormalization<T>& job, LaneSource<T> weight,
                                 LaneSource<T> bias, int64_t row) {
  const T* const x = job.x + row * job.xRow;
  T* const y = job.y + row * job.n;
  const int64_t xRow = job.xRow, n = job.n;
  Vec<T> mean[rows], rstd[rows];
  TG_UNROLL for (int r = 0; r < rows; ++r) {
    mean[r] = vsplat<T>(job.mean ? job.mean[row + r] : 0);
    rstd[r] = vsplat<T>(job.rstd[row + r]);
  }
  const bool far = job.far, past = job.past;
  overWholeVectors<T>(n, [=](int64_t i, auto lanes) TG_INLINE_LAMBDA {
    const Vec<T> w = get(lanes, weight.at(i)), b = get(lanes, bias.at(i));
    TG_UNROLL for (int r = 0; r < rows; ++r) {
      // In the order of memory: as one stream.
      if (far) prefetch(y + rows * n + i * rows + r * kLanes<T>);
      const Vec<T> d = sub(get(lanes, x + r * xRow + i), mean[r]);
      putResult(lanes, past, y + r * n + i, fma(d, mul(rstd[r], w), b));
    }
  });
}

template <class T>
void normalizeRowsKernel(const RowNormalization<T>& job) {
  Copies<T> copies[2];
  const LaneSource<T> weight = sourceOf(job.weight, copies[0]),
                      bias = sourceOf(job.bias, copies[1]);
  int64_t i = 0;
  for (; i + kNormRows <= job.rows; i += kNormRows) {
    normalizeSomeRows<T, kNormRows>(job, weight, bias, i);
  }
  for (; i < job.rows; ++i) normalizeSomeRows<T, 1>(job, weight, bias, i);
  if (job.past) drainStores();
}

template <class T, int rows>
TG_INLINE void normalizeSomeRowsBackward(const RowNormalizationBackward<T>& job, const T* slopes,
                                         const T* offsets, LaneSource<T> weight, int64_t row) {
  const T* const x = job.x + row * job.xRow;
  const T* const g = job.g + row * job.n;
  T* const dx = job.dx + row * job.n;
  T* const dweight = job.dweight;
  T* const dbias = job.dbias;
  const int64_t xRow = job.xRow, n = job.n;
  const bool far = job.far, past = job.past;
  Vec<T> mean[rows], rstd[rows], slope[rows], offset[rows];
  TG_UNROLL for (int r = 0; r < rows; ++r) {
    mean[r] = vsplat<T>(job.mean ? job.mean[row + r] : 0);
    rstd[r] = vsplat<T>(job.rstd[row + r]);
    slope[r] = vsplat<T>(slopes[row + r]);
    offset[r] = vsplat<T>(offsets[row + r]);
  }
  overWholeVectors<T>(n, [=](int64_t i, auto lanes) TG_INLINE_LAMBDA {
    const Vec<T> w = get(lanes, weight.at(i));
    Vec<T> gradient[rows], d[rows];
    TG_UNROLL for (int r = 0; r < rows; ++r) {
      if (far) prefetch(dx + rows * n + i * rows + r * kLanes<T>);
      gradient[r] = get(lanes, g + r * n + i);
      d[r] = sub(get(lanes, x + r * xRow + i), mean[r]);
    }
    if (dweight) {
      Vec<T> sum = get(lanes, dweight + i);
      TG_UNROLL for (int r = 0; r < rows; ++r) sum = fma(gradient[r], mul(d[r], rstd[r]), sum);
      put(lanes, dweight + i, sum);
    }
    if (dbias) {
      Vec<T> sum = get(lanes, dbias + i);
      TG_UNROLL for (int r = 0; r < rows; ++r) sum = add(gradient[r], sum);
      put(lanes, dbias + i, sum);
    }
    TG_UNROLL for (int r = 0; r < rows; ++r) {
      const Vec<T> back = fma(d[r], slope[r], offset[r]);
      putResult(lanes, past, dx + r * n + i, fma(gradient[r], mul(rstd[r], w), back));
    }
  });
}

template <class T>
void normalizeRowsBackwardKernel(const RowNormalizationBackward<T>& job, const T* slope,
                                 const T* offset) {
  Copies<T> copies;
  const LaneSource<T> weight = sourceOf(job.weight, copies);
  int64_t i = 0;
  for (; i + kNormRows <= job.rows; i += kNormRows) {
    normalizeSomeRowsBackward<T, kNormRows>(job, slope, offset, weight, i);
  }
  for (; i < job.rows; ++i) normalizeSomeRowsBackward<T, 1>(job, slope, offset, weight, i);
  if (job.past) drainStores();
}

template <class T>
constexpr NormalizationKernels<T> normalizationKernels() {
  NormalizationKernels<T> kernels{normalizeKernel<T>, normalizeBackwardKernel<T>,
                                  addSquaresKernel<T>, nullptr, nullptr};
#if defined(TG_TARGET_AVX512)  // where the sums come in rows, too
  if constexpr (sizeof(T) == 4) {
    kernels.normalizeRows = normalizeRowsKernel<T>;
    kernels.backwardRows = normalizeRowsBackwardKernel<T>;
  }
#endif
  return kernels;
}

TG_TARGET_END
