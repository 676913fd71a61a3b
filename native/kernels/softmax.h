// Softmax and its relatives over one contiguous row, in passes: maximum, exp and sum, scale. A row
// of class scores stays in the first-level cache, so passes cost less than keeping a running
// maximum would. Sums go through reduce.h, in its order.
#pragma once
#include "../simd/math.h"
#include "elementwise_loops.h"
#include "reduce.h"

TG_TARGET_BEGIN

template <class T>
TG_INLINE T scalarLog(T x) {
  return firstLane(log(vsplat<T>(x)).r[0]);
}

// exp(x - shift), `stored` in y on the way or y null; no x is larger than the shift. What comes
// `xAhead` and `yAhead` values later is asked for: there is time for that.
template <class T, bool stored>
struct ShiftedExp {
  const T* x;
  Vec<T> shift;
  int64_t xAhead;
  T* y;
  int64_t yAhead;
  TG_INLINE Vec<T> load(const ShiftedExp& s, int64_t i) {
    const Vec<T> e = exp(sub(vload<T>(s.x + i), s.shift));
    if (stored) store(s.y + i, e);
    return e;
  }
  TG_INLINE Vec<T> loadFirst(const ShiftedExp& s, int64_t i, int64_t n) {
    const Vec<T> e = exp(sub(vloadFirst<T>(s.x + i, n), s.shift));
    if (stored) storeFirst(s.y + i, e, n);
    return e;
  }
};

#if defined(TG_TARGET_AVX512)
// exp is a chain of 20 instructions that takes 55 cycles, and Zen 5's scheduler holds 114 that
// wait: 10 cycles a vector, where its pipes need 5. So each vector's chain is begun while the one
// four vectors before it is finished: 7 cycles. Other levels lack the registers for that.
template <class Reduction, class T, bool stored>
TG_INLINE int64_t takeFours(const ShiftedExp<T, stored>& s, int64_t begin, int64_t n,
                            Vec<T> (&acc)[4]) {
  constexpr int64_t kWidth = kLanes<T>, kGroup = 4 * kWidth;
  if (n < kGroup) return 0;
  const T* const x = s.x + begin;
  T* const y = stored ? s.y + begin : nullptr;
  const auto started = [&](int64_t i) TG_INLINE_LAMBDA {
    prefetch(x + i + s.xAhead);
    const Reg<T> shifted = sub(load(x + i), s.shift.r[0]);
    return expArgument(max(splat<T>(MathConstants<T>::expMin), shifted));
  };
  const auto taken = [&](int64_t i, Reg<T> e, Vec<T>& sum) TG_INLINE_LAMBDA {
    if (stored) {
      prefetch(y + i + s.yAhead);
      store(y + i, e);
    }
    sum = Reduction::combine(sum, Vec<T>{{e}});
  };
  ExpArgument<T> next[4];
  TG_UNROLL for (int u = 0; u < 4; ++u) next[u] = started(u * kWidth);
  int64_t i = 0;
  for (; i + 2 * kGroup <= n; i += kGroup) {
    TG_UNROLL for (int u = 0; u < 4; ++u) {
      const Reg<T> e = expOf(next[u]);
      next[u] = started(i + kGroup + u * kWidth);
      taken(i + u * kWidth, e, acc[u]);
    }
  }
  TG_UNROLL for (int u = 0; u < 4; ++u) taken(i + u * kWidth, expOf(next[u]), acc[u]);
  return i + kGroup;
}
#endif

// a * b. Asks for the lines of y, which the next pass writes.
template <class T>
struct Product {
  const T* a;
  const T* b;
  const T* y;
  TG_INLINE Vec<T> load(const Product& s, int64_t i) {
    prefetch(s.y + i);
    return mul(loadInOrder<T>(s.a + i), loadInOrder<T>(s.b + i));
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

// The largest of x[0..n) that is a number, -inf if none is: NaNs get into the sum of exponentials
// anyway, and so need no care here. The order doesn't matter.
template <class T>
TG_INLINE T rowMaximum(int64_t n, const T* x) {
  constexpr int64_t kWidth = kLanes<T>;
  const Vec<T> lowest = MaxReduction::identity<T>();
  Vec<T> a = lowest, b = lowest;
  int64_t i = 0;
  // max returns its second operand where one is NaN.
  for (; i + 2 * kWidth <= n; i += 2 * kWidth) {
    a = max(vload<T>(x + i), a);
    b = max(vload<T>(x + i + kWidth), b);
  }
  if (i + kWidth <= n) {
    a = max(vload<T>(x + i), a);
    i += kWidth;
  }
  if (i < n) b = max(select(vfirstLanes<T>(n - i), vloadFirst<T>(x + i, n - i), lowest), b);
  return reduceMax(max(a, b));
}

// y = exp(x - shift), and the sum of that.
template <class T>
TG_INLINE T storeShiftedExp(int64_t n, const T* x, T shift, int64_t xAhead, T* y, int64_t yAhead) {
  const ShiftedExp<T, true> source{x, vsplat<T>(shift), xAhead, y, yAhead};
  return reduceRange<SumReduction, T>(source, 0, n);
}

// y *= factor.
template <class T>
TG_NOINLINE void scaleRow(int64_t n, T factor, T* y) {
  pairLoop<kCheap, false, true>(n, y, &factor, y, [](Vec<T> a, Vec<T> b) { return mul(a, b); });
}

// The most blocks of kReduceBlock values that a row goes through with a shift for each: then x is
// read once, where a pass for the maximum alone would read it once more from the second-level cache
// or from beyond (Milakov & Gimelshein, "Online normalizer calculation for softmax", 2018).
constexpr int64_t kMostShifts = 64;

// Each block's exponentials are relative to the largest value up to there, and what that lacks to
// the largest of all is made up with the scaling.
template <class T>
void softmaxLongRow(int64_t n, const T* x, T* y) {
  T shifts[kMostShifts], sums[kMostShifts];
  const T lowest = firstLane(MaxReduction::identity<T>().r[0]);
  T shift = lowest;
  int64_t blocks = 0;
  for (int64_t i = 0; i < n; i += kReduceBlock, ++blocks) {
    const int64_t count = n - i < kReduceBlock ? n - i : kReduceBlock;
    const T largest = rowMaximum(count, x + i);
    if (largest > shift) shift = largest;
    shifts[blocks] = shift;
    // As long as there is nothing but -inf the exponentials are 0, not NaN.
    sums[blocks] = storeShiftedExp(count, x + i, shift == lowest ? T(0) : shift, kReduceBlock,
                                   y + i, kReduceBlock);
  }
  double sum = 0;
  for (int64_t b = 0; b < blocks; ++b) {
    shifts[b] = shifts[b] == shift ? 1 : firstLane(exp(splat<T>(shifts[b] - shift)));
    sum += static_cast<double>(shifts[b]) * static_cast<double>(sums[b]);
  }
  for (int64_t b = 0; b < blocks; ++b) {
    const int64_t i = b * kReduceBlock, count = n - i < kReduceBlock ? n - i : kReduceBlock;
    scaleRow(count, static_cast<T>(static_cast<double>(shifts[b]) / sum), y + i);
  }
}

// y = exp(x - max) / sum(exp(x - max)). y may be x, if their rows are as far apart.
template <class T>
void softmaxKernel(int64_t rows, int64_t n, const T* x, int64_t xRow, T* y) {
  if (n > kReduceBlock && n <= kMostShifts * kReduceBlock) {
    for (int64_t i = 0; i < rows; ++i) softmaxLongRow(n, x + i * xRow, y + i * n);
    return;
  }
  T shift[kSoftmaxRows], sum[kSoftmaxRows];
  for (int64_t i = 0; i < rows; ++i) shift[i] = rowMaximum(n, x + i * xRow);
  for (int64_t i = 0; i < rows; ++i) {
    sum[i] = storeShiftedExp(n, x + i * xRow, shift[i], rows * xRow, y + i * n, rows * n);
  }
  // A sum is at least 1 (or NaN): its reciprocal is safe, and costs half an ulp more than a
  // division per value.
  for (int64_t i = 0; i < rows; ++i) scaleRow(n, 1 / sum[i], y + i * n);
}

// Returns log(sum(exp(x - max))), and max in *maximum.
template <class T>
T logSumExpKernel(int64_t n, const T* x, T* maximum) {
  *maximum = rowMaximum(n, x);
  const ShiftedExp<T, false> source{x, vsplat<T>(*maximum), n, nullptr, 0};
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
  const Vec<T> dot = vsplat<T>(reduceRange<SumReduction, T>(Product<T>{g, y, dx}, 0, n));
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
