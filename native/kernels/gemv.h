// Matrix times vector: products with one row or one column. Nothing is packed, since every element
// of the matrix is used once; the work is to read it at the speed of the memory.
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

// How far ahead of its use a row's memory is asked for: two cache lines.
template <class T>
constexpr int64_t kDotAhead = 128 / sizeof(T);

// L steps of one register of outputs: their rows of B (contiguous along k) are transposed in
// registers, so that the lanes are chains of their own. A function of its own, because GCC
// otherwise hoists the addresses of all rows out of the caller's loop and then reads them from the
// stack.
template <class T>
TG_NOINLINE void dotBlock(const T* x, int64_t xStep, const T* b, int64_t bStep, Reg<T>* chain) {
  constexpr int L = Reg<T>::lanes;
  Reg<T> block[L];
  TG_UNROLL for (int i = 0; i < L; ++i, b += bStep) {
    block[i] = load(b);
    prefetch(b + kDotAhead<T>);
  }
  transpose(block);
  Reg<T> acc = *chain;
  TG_UNROLL for (int i = 0; i < L; ++i, x += xStep) acc = fma(splat<T>(*x), block[i], acc);
  *chain = acc;
}

// The same at the edges: `steps` steps of `rows` rows. Rows that don't exist repeat the last one;
// their lanes are not stored.
template <class T>
TG_NOINLINE void dotEdge(int64_t steps, int64_t rows, const T* x, int64_t xStep, const T* b,
                         int64_t bStep, Reg<T>* chain) {
  constexpr int L = Reg<T>::lanes;
  Reg<T> block[L];
  TG_UNROLL for (int i = 0; i < L; ++i) {
    block[i] = loadFirst(b + (i < rows ? i : rows - 1) * bStep, steps);
  }
  transpose(block);
  TG_UNROLL for (int i = 0; i < L; ++i) {
    if (i < steps) *chain = fma(splat<T>(x[i * xStep]), block[i], *chain);
  }
}

template <class T>
void gemvDotRows(int64_t k, int64_t n, const T* x, int64_t xStep, const T* b, int64_t bStep, T* y) {
  constexpr int L = Reg<T>::lanes;
  // A block is a chain of L dependent FMAs; two independent ones in turns keep the pipelines busy.
  constexpr int kBlocks = 2;
  for (int64_t j = 0; j < n; j += kBlocks * L) {
    const int64_t count = n - j < kBlocks * L ? n - j : kBlocks * L;
    Reg<T> acc[kBlocks];
    for (int c = 0; c < kBlocks; ++c) acc[c] = loadFirst(y + j + c * L, count - c * L);
    for (int64_t p = 0; p < k; p += L) {
      const int64_t steps = k - p < L ? k - p : L;
      for (int c = 0; c * L < count; ++c) {
        const T* const from = b + p + (j + c * L) * bStep;
        const int64_t rows = count - c * L;
        if (steps == L && rows >= L) {
          dotBlock(x + p * xStep, xStep, from, bStep, &acc[c]);
        } else {
          dotEdge(steps, rows < L ? rows : L, x + p * xStep, xStep, from, bStep, &acc[c]);
        }
      }
    }
    for (int c = 0; c < kBlocks; ++c) storeFirst(y + j + c * L, acc[c], count - c * L);
  }
}

TG_TARGET_END
