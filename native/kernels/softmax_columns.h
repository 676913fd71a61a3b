// Softmax down columns, and rows that are turned into columns: each column in its lane.
#pragma once
#include "../simd/math.h"
#include "../simd/transpose.h"
#include "per_lane.h"

TG_TARGET_BEGIN

// A value for each column.
template <class T>
struct Columns {
  alignas(64) T v[kWideStrip];
};

template <class T>
TG_INLINE void fillColumns(int64_t cols, Vec<T> value, Columns<T>& to) {
  for (int64_t j = 0; j < cols; j += kLanes<T>) store(to.v + j, value);
}

// Calls step(i, j, lanes) for every vector of every row.
template <class T, class F>
TG_INLINE void overStrip(int64_t n, int64_t cols, const F& step) {
  for (int64_t i = 0; i < n; ++i) {
    overVectors<T>(cols, [&](int64_t j, Lanes lanes) TG_INLINE_LAMBDA { step(i, j, lanes); });
  }
}

// The vector at p of rows that are `row` apart. These are parts of longer ones, so that nothing but
// a prefetch brings the next ones in time: down 4096 x 768 softmax takes 1.1 to 1.4 ms with it, 4
// to 6 ms without.
template <class T>
TG_INLINE Vec<T> getOfRow(Lanes lanes, const T* p, int64_t row) {
  constexpr int64_t kAhead = 4;
  prefetch(p + kAhead * row);
  return get(lanes, p);
}

// sum[j] = the sum over rows of value(i, j, lanes), by blocks of rows.
template <class T, class F>
TG_INLINE void sumColumns(int64_t n, int64_t cols, T* sum, const F& value) {
  Columns<T> total, part;
  fillColumns(cols, vsplat<T>(0), total);
  for (int64_t begin = 0; begin < n; begin += kReduceRowBlock) {
    fillColumns(cols, vsplat<T>(0), part);
    const int64_t count = n - begin < kReduceRowBlock ? n - begin : kReduceRowBlock;
    overStrip<T>(count, cols, [&](int64_t i, int64_t j, Lanes lanes) TG_INLINE_LAMBDA {
      T* const to = part.v + j;
      put(lanes, to, add(get(lanes, to), value(begin + i, j, lanes)));
    });
    overVectors<T>(cols, [&](int64_t j, Lanes lanes) TG_INLINE_LAMBDA {
      put(lanes, total.v + j, add(get(lanes, total.v + j), get(lanes, part.v + j)));
    });
  }
  overVectors<T>(cols, [&](int64_t j, Lanes lanes)
                           TG_INLINE_LAMBDA { put(lanes, sum + j, get(lanes, total.v + j)); });
}

template <class T>
TG_INLINE Columns<T> maximumOfColumns(int64_t n, int64_t cols, const T* x, int64_t xRow) {
  Columns<T> maximum;
  fillColumns(cols, fromBits(visplat<T>(Format<T>::infinity | Format<T>::signMask)), maximum);
  overStrip<T>(n, cols, [&](int64_t i, int64_t j, Lanes lanes) TG_INLINE_LAMBDA {
    T* const to = maximum.v + j;
    put(lanes, to, maxNan(getOfRow(lanes, x + i * xRow + j, xRow), get(lanes, to)));
  });
  return maximum;
}

template <class T>
void softmaxColumnsKernel(int64_t n, int64_t cols, const T* x, int64_t xRow, T* y, int64_t yRow) {
  const Columns<T> maximum = maximumOfColumns(n, cols, x, xRow);
  Columns<T> scale;
  sumColumns<T>(n, cols, scale.v, [&](int64_t i, int64_t j, Lanes lanes) TG_INLINE_LAMBDA {
    const Vec<T> e = exp(sub(getOfRow(lanes, x + i * xRow + j, xRow), get(lanes, maximum.v + j)));
    put(lanes, y + i * yRow + j, e);
    return e;
  });
  overVectors<T>(cols, [&](int64_t j, Lanes lanes) TG_INLINE_LAMBDA {
    put(lanes, scale.v + j, div(vsplat<T>(1), get(lanes, scale.v + j)));
  });
  overStrip<T>(n, cols, [&](int64_t i, int64_t j, Lanes lanes) TG_INLINE_LAMBDA {
    T* const to = y + i * yRow + j;
    put(lanes, to, mul(getOfRow(lanes, to, yRow), get(lanes, scale.v + j)));
  });
}

template <class T>
void logSumExpColumnsKernel(int64_t n, int64_t cols, const T* x, int64_t xRow, T* maximum,
                            T* logSum) {
  const Columns<T> found = maximumOfColumns(n, cols, x, xRow);
  sumColumns<T>(n, cols, logSum, [&](int64_t i, int64_t j, Lanes lanes) TG_INLINE_LAMBDA {
    return exp(sub(getOfRow(lanes, x + i * xRow + j, xRow), get(lanes, found.v + j)));
  });
  overVectors<T>(cols, [&](int64_t j, Lanes lanes) TG_INLINE_LAMBDA {
    put(lanes, maximum + j, get(lanes, found.v + j));
    put(lanes, logSum + j, log(get(lanes, logSum + j)));
  });
}

template <class T>
void logSoftmaxColumnsKernel(int64_t n, int64_t cols, const T* x, int64_t xRow, T* y,
                             int64_t yRow) {
  Columns<T> maximum, logSum;
  logSumExpColumnsKernel(n, cols, x, xRow, maximum.v, logSum.v);
  overStrip<T>(n, cols, [&](int64_t i, int64_t j, Lanes lanes) TG_INLINE_LAMBDA {
    const Vec<T> d = sub(getOfRow(lanes, x + i * xRow + j, xRow), get(lanes, maximum.v + j));
    put(lanes, y + i * yRow + j, sub(d, get(lanes, logSum.v + j)));
  });
}

// dx = y * (g - sum(g * y))
template <class T>
void softmaxColumnsBackwardKernel(int64_t n, int64_t cols, const T* y, const T* g, T* dx,
                                  int64_t row) {
  Columns<T> dot;
  sumColumns<T>(n, cols, dot.v, [&](int64_t i, int64_t j, Lanes lanes) TG_INLINE_LAMBDA {
    return mul(getOfRow(lanes, g + i * row + j, row), getOfRow(lanes, y + i * row + j, row));
  });
  overStrip<T>(n, cols, [&](int64_t i, int64_t j, Lanes lanes) TG_INLINE_LAMBDA {
    const int64_t at = i * row + j;
    put(lanes, dx + at,
        mul(getOfRow(lanes, y + at, row),
            sub(getOfRow(lanes, g + at, row), get(lanes, dot.v + j))));
  });
}

// dx = g - exp(y) * sum(g)
template <class T>
void logSoftmaxColumnsBackwardKernel(int64_t n, int64_t cols, const T* y, const T* g, T* dx,
                                     int64_t row) {
  Columns<T> sum;
  sumColumns<T>(n, cols, sum.v, [&](int64_t i, int64_t j, Lanes lanes) TG_INLINE_LAMBDA {
    return getOfRow(lanes, g + i * row + j, row);
  });
  overStrip<T>(n, cols, [&](int64_t i, int64_t j, Lanes lanes) TG_INLINE_LAMBDA {
    const int64_t at = i * row + j;
    put(lanes, dx + at,
        fnma(exp(getOfRow(lanes, y + at, row)), get(lanes, sum.v + j),
             getOfRow(lanes, g + at, row)));
  });
}

template <class T>
void weightedSumsKernel(int64_t n, int64_t cols, const T* x, int64_t xRow, const T* q, int64_t qRow,
                        const T* weight, T factor, T offset, const T* maximum, T* mass, T* dot) {
  const auto share = [&](int64_t i, int64_t j, Lanes lanes) TG_INLINE_LAMBDA {
    Vec<T> v = vsplat<T>(offset);
    if (q) v = fma(get(lanes, q + i * qRow + j), vsplat<T>(factor), v);
    return mul(vsplat<T>(weight ? weight[i] : 1), v);
  };
  sumColumns<T>(n, cols, mass, share);
  sumColumns<T>(n, cols, dot, [&](int64_t i, int64_t j, Lanes lanes) TG_INLINE_LAMBDA {
    return mul(share(i, j, lanes),
               sub(getOfRow(lanes, x + i * xRow + j, xRow), get(lanes, maximum + j)));
  });
}

template <class T>
void toColumnsKernel(int64_t rows, int64_t n, const T* x, int64_t xRow, T* to) {
  constexpr int kSide = Reg<T>::lanes;
  for (int64_t i = 0; i < rows; i += kSide) {
    for (int64_t j = 0; j < n; j += kSide) {
      Reg<T> block[kSide];
      // Of rows that are not there the first one is read again.
      TG_UNROLL for (int k = 0; k < kSide; ++k) {
        block[k] = loadFirst(x + (i + k < rows ? i + k : i) * xRow + j, n - j);
      }
      transpose<T>(block);
      TG_UNROLL for (int k = 0; k < kSide; ++k) {
        if (j + k < n) store(to + (j + k) * kColumnStrip + i, block[k]);
      }
    }
  }
}

template <class T>
void toRowsKernel(int64_t rows, int64_t n, const T* from, T* y, int64_t yRow) {
  constexpr int kSide = Reg<T>::lanes;
  for (int64_t i = 0; i < rows; i += kSide) {
    for (int64_t j = 0; j < n; j += kSide) {
      Reg<T> block[kSide];
      TG_UNROLL for (int k = 0; k < kSide; ++k) {
        block[k] = load(from + (j + k < n ? j + k : j) * kColumnStrip + i);
      }
      transpose<T>(block);
      TG_UNROLL for (int k = 0; k < kSide; ++k) {
        if (i + k < rows) storeFirst(y + (i + k) * yRow + j, block[k], n - j);
      }
    }
  }
}

template <class T>
void crossEntropyGradientKernel(const CrossEntropyGradient<T>& job) {
  Copies<T> copies[6];
  const LaneSource<T> maximum = sourceOf(job.maximum, copies[0]);
  const LaneSource<T> logSum = sourceOf(job.logSum, copies[1]);
  const LaneSource<T> share = sourceOf(job.share, copies[2]);
  const LaneSource<T> scale = sourceOf(job.scale, copies[3]);
  const LaneSource<T> q = sourceOf(job.q, copies[4]), weight = sourceOf(job.weight, copies[5]);
  const Vec<T> factor = vsplat<T>(job.factor), offset = vsplat<T>(job.offset);
  const T* const x = job.x;
  T* const dx = job.dx;
  const T* const xLater = x + job.xAhead;
  const T* const dxLater = dx + job.dxAhead;
  const bool spread = job.spread;
  overVectors<T>(job.n, [=](int64_t i, Lanes lanes) TG_INLINE_LAMBDA {
    prefetch(xLater + i);
    prefetch(dxLater + i);
    const Vec<T> d = sub(get(lanes, x + i), get(lanes, maximum.at(i)));
    Vec<T> result = mul(get(lanes, share.at(i)), exp(sub(d, get(lanes, logSum.at(i)))));
    if (spread) {
      const Vec<T> v = mul(get(lanes, weight.at(i)), fma(get(lanes, q.at(i)), factor, offset));
      result = sub(result, mul(get(lanes, scale.at(i)), v));
    }
    put(lanes, dx + i, result);
  });
}

template <class T>
constexpr SoftmaxColumnKernels<T> softmaxColumnKernels() {
  return {softmaxColumnsKernel<T>,
          logSoftmaxColumnsKernel<T>,
          softmaxColumnsBackwardKernel<T>,
          logSoftmaxColumnsBackwardKernel<T>,
          logSumExpColumnsKernel<T>,
          weightedSumsKernel<T>,
          toColumnsKernel<T>,
          toRowsKernel<T>,
          crossEntropyGradientKernel<T>};
}

TG_TARGET_END
