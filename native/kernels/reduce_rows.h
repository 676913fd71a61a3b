// Reductions over rows, each column in its lane, in the order that reduce.h states.
#pragma once
#include "reduce.h"

TG_TARGET_BEGIN

// Vectors side by side in a strip of columns: with 2 chains each, 8 accumulators where a virtual
// vector is one register, 8 (avx2) or 16 (neon) registers otherwise.
template <class T>
constexpr int kStripVecs = kLanes<T> == Reg<T>::lanes ? 4 : 2;

template <class T>
struct Strip {
  Vec<T> v[kStripVecs<T>];
};

// Rows [0, rows) of one vector of columns into two chains; `count` columns unless Full.
template <class Reduction, class T, bool Full>
TG_INLINE void reduceColumns(int64_t rows, const T* x, int64_t xRow, int64_t count, Vec<T>& even,
                             Vec<T>& odd) {
  Vec<T> e = even, o = odd;
  int64_t i = 0;
  for (; i + 2 <= rows; i += 2, x += 2 * xRow) {
    e = Reduction::combine(e, Full ? vload<T>(x) : vloadFirst<T>(x, count));
    o = Reduction::combine(o, Full ? vload<T>(x + xRow) : vloadFirst<T>(x + xRow, count));
  }
  if (i < rows) e = Reduction::combine(e, Full ? vload<T>(x) : vloadFirst<T>(x, count));
  even = e;
  odd = o;
}

// Rows [0, rows) of `vecs` vectors of columns; the last vector has `last` columns (1..lanes).
template <class Reduction, class T>
Strip<T> reduceStrip(int64_t rows, const T* x, int64_t xRow, int vecs, int64_t last) {
  constexpr int64_t kWidth = kLanes<T>;
  constexpr int kVecs = kStripVecs<T>;
  if (rows > kReduceRowBlock) {
    const int64_t top = splitPoint(rows, kReduceRowBlock);
    Strip<T> a = reduceStrip<Reduction, T>(top, x, xRow, vecs, last);
    const Strip<T> b = reduceStrip<Reduction, T>(rows - top, x + top * xRow, xRow, vecs, last);
    for (int v = 0; v < kVecs; ++v) a.v[v] = Reduction::combine(a.v[v], b.v[v]);
    return a;
  }
  Strip<T> even, odd;
  for (int v = 0; v < kVecs; ++v) even.v[v] = odd.v[v] = Reduction::template identity<T>();
  if (vecs == kVecs && last == kWidth) {
    int64_t i = 0;
    for (; i + 2 <= rows; i += 2, x += 2 * xRow) {
      for (int v = 0; v < kVecs; ++v) {
        even.v[v] = Reduction::combine(even.v[v], vload<T>(x + v * kWidth));
        odd.v[v] = Reduction::combine(odd.v[v], vload<T>(x + xRow + v * kWidth));
      }
    }
    if (i < rows) {
      for (int v = 0; v < kVecs; ++v) {
        even.v[v] = Reduction::combine(even.v[v], vload<T>(x + v * kWidth));
      }
    }
  } else {
    for (int v = 0; v < vecs; ++v) {
      const T* p = x + v * kWidth;
      if (v < vecs - 1 || last == kWidth) {
        reduceColumns<Reduction, T, true>(rows, p, xRow, kWidth, even.v[v], odd.v[v]);
      } else {
        reduceColumns<Reduction, T, false>(rows, p, xRow, last, even.v[v], odd.v[v]);
      }
    }
  }
  for (int v = 0; v < kVecs; ++v) even.v[v] = Reduction::combine(even.v[v], odd.v[v]);
  return even;
}

// y[j] = reduction over i < rows of x[i * xRow + j] for j < cols. y must not overlap x.
template <class Reduction, class T>
void reduceRowsKernel(int64_t rows, int64_t cols, const T* x, int64_t xRow, T* y) {
  constexpr int64_t kWidth = kLanes<T>;
  constexpr int64_t kStrip = kStripVecs<T> * kWidth;
  for (int64_t j = 0; j < cols; j += kStrip) {
    const int64_t count = cols - j < kStrip ? cols - j : kStrip;
    const int vecs = static_cast<int>((count + kWidth - 1) / kWidth);
    const int64_t last = count - (vecs - 1) * kWidth;
    const Strip<T> strip = reduceStrip<Reduction, T>(rows, x + j, xRow, vecs, last);
    for (int v = 0; v < vecs; ++v) {
      storeFirst(y + j + v * kWidth, strip.v[v], v == vecs - 1 ? last : kWidth);
    }
  }
}

TG_TARGET_END
