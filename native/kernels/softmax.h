// Softmax and its relatives over one contiguous row, in passes: maximum, exp and sum, scale. A row
// of class scores stays in the first-level cache, so passes cost less than keeping a running
// maximum would. Sums go through reduce.h, in its order.
#pragma once
#include "elementwise.h"
#include "reduce.h"

TG_TARGET_BEGIN

template <class T>
TG_INLINE T scalarLog(T x) {
  return firstLane(log(vsplat<T>(x)).r[0]);
}

// exp(x - shift).
template <class T>
struct ShiftedExp {
  const T* x;
  Vec<T> shift;
  TG_INLINE Vec<T> load(const ShiftedExp& s, int64_t i) {
    return exp(sub(vload<T>(s.x + i), s.shift));
  }
  TG_INLINE Vec<T> loadFirst(const ShiftedExp& s, int64_t i, int64_t n) {
    return exp(sub(vloadFirst<T>(s.x + i, n), s.shift));
  }
};

// The same, kept in y on the way.
template <class T>
struct StoredShiftedExp {
  const T* x;
  Vec<T> shift;
  T* y;
  TG_INLINE Vec<T> load(const StoredShiftedExp& s, int64_t i) {
    const Vec<T> e = exp(sub(vload<T>(s.x + i), s.shift));
    store(s.y + i, e);
    return e;
  }
  TG_INLINE Vec<T> loadFirst(const StoredShiftedExp& s, int64_t i, int64_t n) {
    const Vec<T> e = exp(sub(vloadFirst<T>(s.x + i, n), s.shift));
    storeFirst(s.y + i, e, n);
    return e;
  }
};

// a * b.
template <class T>
struct Product {
  const T* a;
  const T* b;
  TG_INLINE Vec<T> load(const Product& s, int64_t i) {
    return mul(vload<T>(s.a + i), vload<T>(s.b + i));
  }
  TG_INLINE Vec<T> loadFirst(const Product& s, int64_t i, int64_t n) {
    return mul(vloadFirst<T>(s.a + i, n), vloadFirst<T>(s.b + i, n));
  }
};

// y[i] = f(x[i]) for i < n, f a function of a vector. y may be x.
template <class T, class F>
TG_INLINE void mapTo(int64_t n, const T* x, T* y, const F& f) {
  constexpr int64_t kWidth = kLanes<T>;
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(y + i, f(vload<T>(x + i)));
  if (i < n) storeFirst(y + i, f(vloadFirst<T>(x + i, n - i)), n - i);
}

// z[i] = f(x[i], y[i]). z may be x or y.
template <class T, class F>
TG_INLINE void mapTo(int64_t n, const T* x, const T* y, T* z, const F& f) {
  constexpr int64_t kWidth = kLanes<T>;
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(z + i, f(vload<T>(x + i), vload<T>(y + i)));
  if (i < n) {
    const int64_t rest = n - i;
    storeFirst(z + i, f(vloadFirst<T>(x + i, rest), vloadFirst<T>(y + i, rest)), rest);
  }
}

// y = exp(x - max) / sum(exp(x - max)). y may be x.
template <class T>
void softmaxKernel(int64_t n, const T* x, T* y) {
  const Vec<T> shift = vsplat<T>(reduceKernel<MaxReduction, T>(n, x));
  const T sum = reduceRange<SumReduction, T>(StoredShiftedExp<T>{x, shift, y}, 0, n);
  // The sum is at least 1 (or NaN): its reciprocal is safe, and costs half an ulp more than a
  // division per value.
  const T scale = 1 / sum;
  binaryLoop<Binary::mul, T, false, true>(n, y, &scale, y);
}

// Returns log(sum(exp(x - max))), and max in *maximum.
template <class T>
T logSumExpKernel(int64_t n, const T* x, T* maximum) {
  *maximum = reduceKernel<MaxReduction, T>(n, x);
  const ShiftedExp<T> source{x, vsplat<T>(*maximum)};
  return scalarLog(reduceRange<SumReduction, T>(source, 0, n));
}

// y = (x - max) - log(sum(exp(x - max))). y may be x.
template <class T>
void logSoftmaxKernel(int64_t n, const T* x, T* y) {
  T maximum;
  const Vec<T> logSum = vsplat<T>(logSumExpKernel(n, x, &maximum));
  const Vec<T> shift = vsplat<T>(maximum);
  mapTo(n, x, y, [&](Vec<T> v) { return sub(sub(v, shift), logSum); });
}

// dx = y * (g - sum(g * y)). dx may be g or y.
template <class T>
void softmaxBackwardKernel(int64_t n, const T* y, const T* g, T* dx) {
  const Vec<T> dot = vsplat<T>(reduceRange<SumReduction, T>(Product<T>{g, y}, 0, n));
  mapTo(n, y, g, dx, [&](Vec<T> yv, Vec<T> gv) { return mul(yv, sub(gv, dot)); });
}

// dx = g - exp(y) * sum(g). dx may be g or y.
template <class T>
void logSoftmaxBackwardKernel(int64_t n, const T* y, const T* g, T* dx) {
  const Vec<T> sum = vsplat<T>(reduceKernel<SumReduction, T>(n, g));
  mapTo(n, y, g, dx, [&](Vec<T> yv, Vec<T> gv) { return fnma(exp(yv), sum, gv); });
}

template <class T>
constexpr SoftmaxKernels<T> softmaxKernels() {
  return {softmaxKernel<T>, logSoftmaxKernel<T>, softmaxBackwardKernel<T>,
          logSoftmaxBackwardKernel<T>, logSumExpKernel<T>};
}

TG_TARGET_END
