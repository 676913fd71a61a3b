// A row times a matrix whose rows are contiguous. Nothing is packed, since every element of the
// matrix is used once; the work is to read it at the speed of the memory.
#pragma once
#include "../simd/vec.h"
#include "table.h"

TG_TARGET_BEGIN

// y[j..] for one vector of columns: P steps of the chains.
template <class T, int P, bool Full>
TG_INLINE void streamVector(const Vec<T> (&x)[P], const T* b, int64_t bStep, T* y, int64_t count) {
  Vec<T> acc = Full ? vload<T>(y) : vloadFirst<T>(y, count);
  TG_UNROLL for (int p = 0; p < P; ++p) {
    const T* from = b + p * bStep;
    acc = fma(x[p], Full ? vload<T>(from) : vloadFirst<T>(from, count), acc);
  }
  if (Full) return store(y, acc);
  storeFirst(y, acc, count);
}

template <class T, int P>
TG_INLINE void streamSteps(int64_t n, const T* x, int64_t xStep, const T* b, int64_t bStep, T* y) {
  constexpr int L = kLanes<T>;
  Vec<T> xs[P];
  TG_UNROLL for (int p = 0; p < P; ++p) xs[p] = vsplat<T>(x[p * xStep]);
  int64_t j = 0;
  for (; j + L <= n; j += L) streamVector<T, P, true>(xs, b + j, bStep, y + j, L);
  if (j < n) streamVector<T, P, false>(xs, b + j, bStep, y + j, n - j);
}

// Rows of B are read from end to end, kStreams of them side by side: that is what hardware
// prefetchers follow, and y is read and written once for all of them.
template <class T>
void gemvStreamRows(int64_t k, int64_t n, const T* x, int64_t xStep, const T* b, int64_t bStep,
                    T* y) {
  // Broadcasts of x take a vector each: 8 where a vector is one of 32 registers, 4 otherwise.
  constexpr int kStreams = kLanes<T> == Reg<T>::lanes ? 8 : 4;
  int64_t p = 0;
  for (; p + kStreams <= k; p += kStreams) {
    streamSteps<T, kStreams>(n, x + p * xStep, xStep, b + p * bStep, bStep, y);
  }
  for (; p + 2 <= k; p += 2) streamSteps<T, 2>(n, x + p * xStep, xStep, b + p * bStep, bStep, y);
  for (; p < k; ++p) streamSteps<T, 1>(n, x + p * xStep, xStep, b + p * bStep, bStep, y);
}

TG_TARGET_END
