// A row times a matrix whose rows are contiguous. Nothing is packed, since every element of the
// matrix is used once; the work is to read it at the speed of the memory.
#pragma once
#include "../simd/transpose.h"
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

// Vectors of columns whose chains stay in registers. Streamed and so (us, Zen 5, AVX-512): 1 x 795
// x 33 1.3, 0.8; 48 1.1, 0.9; 64 1.6, 1.1; 71 2.0, 1.1; 100 2.6, 1.7; 128 3.2, 2.0; 1 x 2000 x 120
// 8.2, 6.0; 1 x 30 x 100 0.10, 0.07. One vector waits for its FMAs, four cycles a step. Twice 65
// to 100 columns are no better than streams (1 x 784 x 160 4.3, 4.3; 200 4.9, 5.4; 256 6.6, 6.5).
#if defined(TG_TARGET_AVX512)
constexpr int kRowVecs = 8;
#elif defined(TG_TARGET_AVX2) || defined(TG_TARGET_NEON)
constexpr int kRowVecs = 6;  // 12 registers of 16, or 24 of 32
#else
constexpr int kRowVecs = 1;
#endif
static_assert(kRowVecs <= kMaxRowVecs, "the table has no room for that many columns");

// V vectors of columns. The last one ends where the row ends and repeats some of the one before,
// which needs no masks; one alone may be partial.
template <class T, int V>
void gemvRow(int64_t k, int64_t n, const T* x, int64_t xStep, const T* b, int64_t bStep, T* y) {
  constexpr int64_t L = kLanes<T>;
  const auto place = [&](int v) { return v < V - 1 ? v * L : n - L; };
  const int64_t step = hidden(xStep);  // GCC would make a loop of its own for a stride of 1
  Vec<T> acc[V];
  TG_UNROLL for (int v = 0; v < V; ++v) {
    if constexpr (V == 1) acc[v] = vloadFirst<T>(y, n);
    if constexpr (V > 1) acc[v] = vload<T>(y + place(v));
  }
  for (int64_t p = 0; p < k; ++p, x += step, b += bStep) {
    const Vec<T> value = vsplat<T>(*x);
    TG_UNROLL for (int v = 0; v < V; ++v) {
      if constexpr (V == 1) acc[v] = fma(value, vloadFirst<T>(b, n), acc[v]);
      if constexpr (V > 1) acc[v] = fma(value, vload<T>(b + place(v)), acc[v]);
    }
  }
  TG_UNROLL for (int v = 0; v < V; ++v) {
    if constexpr (V == 1) storeFirst(y, acc[v], n);
    if constexpr (V > 1) store(y + place(v), acc[v]);
  }
}

template <class T, int V = 1>
constexpr void fillGemvRows(GemmKernels<T>& kernels) {
  if constexpr (V <= kRowVecs) {
    kernels.row[V - 1] = gemvRow<T, V>;
    fillGemvRows<T, V + 1>(kernels);
  }
}

TG_TARGET_END
