// A few rows times a matrix that comes from beyond the second-level cache. Rows of B are read from
// end to end, P of them side by side, which is what hardware prefetchers follow: a tile reads a
// strip of B, whose rows lie on pages of their own, and waits for each.
//
//   registers   R x P values of A, broadcast
//   for each vector of columns: P loads of B, and for each of the R rows
//     c[r] = fma(A[r][p + P-1], b[P-1], ... fma(A[r][p], b[0], c[r]))      C in the first-level
//     cache
//
// For 8 rows by 3 steps these are 24 FMAs (12 cycles of two pipelines), 11 loads and 8 stores.
#pragma once
#include "../simd/vec.h"
#include "table.h"

TG_TARGET_BEGIN

// The values of A take 24 registers of 32; without that many, tiles are better.
#if defined(TG_TARGET_AVX512)
constexpr int kStreamed = 8;  // but not 5 to 7, whose tiles are wide: see gemm_plan.cpp
#else
constexpr int kStreamed = 1;
#endif
static_assert(kStreamed <= kMaxStreamed, "the table has no room for that many rows");

// More than 8 streams of memory at a time bring nothing.
constexpr int streamedSteps(int rows) { return rows < 3 ? 8 : 24 / rows; }

// From this many rows on a row of the block takes long enough that the CPU's prefetchers don't keep
// up with memory, and each step asks for the line two groups of rows later, in the second level: 8
// x 4096 x 4096 2.1 ms instead of 5.0 (in the third level 8 x 1024 x 1024 86 us instead of 82);
// with 4 rows 2.7 instead of 2.5.
constexpr int kStreamAheadRows = 5;

template <class T, int R>
void gemmStream(const GemmStream<T>& s) {
  constexpr int P = streamedSteps(R);
  constexpr int64_t L = kLanes<T>, kRow = streamPitch<T>(R);
  // Copies, because stores to C might change what the reference leads to.
  const int64_t n = s.n, steps = s.k, aRow = s.aRow, aCol = s.aCol, bRow = s.bRow;
  const T *a = s.a, *b = s.b;
  T* const c = s.c;
  for (int64_t p = 0; p < steps; p += P) {
    Vec<T> x[R][P] = {};
    TG_UNROLL for (int r = 0; r < R; ++r) {
      TG_UNROLL for (int i = 0; i < P; ++i) x[r][i] = vsplat<T>(a[r * aRow + i * aCol]);
    }
    const T* const later = b + 2 * P * bRow;
    for (int64_t j = 0; j < n; j += L) {
      Vec<T> row[P] = {};
      TG_UNROLL for (int i = 0; i < P; ++i) {
        row[i] = vload<T>(b + i * bRow + j);
        if (R >= kStreamAheadRows) prefetch(later + i * bRow + j);
      }
      TG_UNROLL for (int r = 0; r < R; ++r) {
        Vec<T> acc = vload<T>(c + r * kRow + j);
        TG_UNROLL for (int i = 0; i < P; ++i) acc = fma(x[r][i], row[i], acc);
        store(c + r * kRow + j, acc);
      }
    }
    a += P * aCol;
    b += P * bRow;
  }
}

template <class T, int R = 2>
constexpr void fillGemmStreams(GemmKernels<T>& kernels) {
  if constexpr (R <= kStreamed) {
    if constexpr (R <= 4 || R == 8) {
      kernels.stream[R - 1] = gemmStream<T, R>;
      kernels.streamSteps[R - 1] = streamedSteps(R);
    }
    fillGemmStreams<T, R + 1>(kernels);
  }
}

TG_TARGET_END
