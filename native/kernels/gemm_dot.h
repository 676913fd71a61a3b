// Few rows of A times a B that is contiguous along k, the inner dimension (NT): square blocks of B
// are transposed in registers, so that every lane is an output's chain, and all rows of A meet a
// block while it is there. Nothing is packed.
#pragma once
#include "../simd/transpose.h"
#include "../simd/vec.h"
#include "table.h"

TG_TARGET_BEGIN

// Rows of A that share a transposed block: with the block, a chain for each has to fit in
// registers.
#if defined(TG_TARGET_AVX512)
constexpr int kDotRows = 12;  // 16 + 12 of 32
#elif defined(TG_TARGET_AVX2)
constexpr int kDotRows = 6;  // 8 + 6 of 16, and one for the values of A
#elif defined(TG_TARGET_NEON)
constexpr int kDotRows = 12;  // 4 + 12 of 32
#else
constexpr int kDotRows = 2;
#endif
static_assert(kDotRows <= kMaxDotRows, "the table has no room for this many rows");

// How far ahead of its use a column's memory is asked for: two cache lines.
template <class T>
constexpr int64_t kDotAhead = 128 / sizeof(T);

// R chains of one register of columns: L steps, or fewer at the end of k.
template <class T, int R, bool Full>
TG_INLINE void dotSteps(const Reg<T> (&block)[Reg<T>::lanes], int64_t steps, const GemmDot<T>& d,
                        const T* a, Reg<T>* chains) {
  Reg<T> acc[R];
  TG_UNROLL for (int r = 0; r < R; ++r) acc[r] = chains[r];
  TG_UNROLL for (int i = 0; i < Reg<T>::lanes; ++i, a += d.aCol) {
    if (!Full && i >= steps) break;
    const T* from = a;
    TG_UNROLL for (int r = 0; r < R; ++r, from += d.aRow) {
      acc[r] = fma(splat<T>(*from), block[i], acc[r]);
    }
  }
  TG_UNROLL for (int r = 0; r < R; ++r) chains[r] = acc[r];
}

// A function of its own, because GCC otherwise hoists the addresses of all columns out of the
// caller's loop and then reads them from the stack.
template <class T, int R>
TG_NOINLINE void dotBlock(const GemmDot<T>& d, const T* a, const T* b, Reg<T>* chains) {
  constexpr int L = Reg<T>::lanes;
  Reg<T> block[L];
  TG_UNROLL for (int i = 0; i < L; ++i, b += d.bCol) {
    block[i] = load(b);
    prefetch(b + kDotAhead<T>);
  }
  transpose(block);
  dotSteps<T, R, true>(block, L, d, a, chains);
}

// The same at the edges: `steps` steps of `cols` columns. Columns that don't exist repeat the last
// one; their lanes are not stored.
template <class T, int R>
TG_NOINLINE void dotEdge(const GemmDot<T>& d, int64_t steps, int64_t cols, const T* a, const T* b,
                         Reg<T>* chains) {
  constexpr int L = Reg<T>::lanes;
  Reg<T> block[L];
  TG_UNROLL for (int i = 0; i < L; ++i) {
    block[i] = loadFirst(b + (i < cols ? i : cols - 1) * d.bCol, steps);
  }
  transpose(block);
  dotSteps<T, R, false>(block, steps, d, a, chains);
}

template <class T, int R>
void gemmDot(const GemmDot<T>& d) {
  constexpr int L = Reg<T>::lanes;
  // A chain is L dependent FMAs a block; it takes 8 or more independent ones to keep two pipelines
  // of latency 4 busy, so few rows do two blocks in turns.
  constexpr int kBlocks = R <= 8 ? 2 : 1;
  for (int64_t j = 0; j < d.n; j += kBlocks * L) {
    const int64_t count = d.n - j < kBlocks * L ? d.n - j : kBlocks * L;
    Reg<T> chains[kBlocks][R];
    for (int c = 0; c < kBlocks; ++c) {
      for (int r = 0; r < R; ++r) {
        chains[c][r] = loadFirst(d.c + r * d.cRow + j + c * L, count - c * L);
      }
    }
    for (int64_t p = 0; p < d.k; p += L) {
      const int64_t steps = d.k - p < L ? d.k - p : L;
      for (int c = 0; c * L < count; ++c) {
        const T* const b = d.b + p + (j + c * L) * d.bCol;
        const int64_t cols = count - c * L;
        if (steps == L && cols >= L) {
          dotBlock<T, R>(d, d.a + p * d.aCol, b, chains[c]);
        } else {
          dotEdge<T, R>(d, steps, cols < L ? cols : L, d.a + p * d.aCol, b, chains[c]);
        }
      }
    }
    for (int c = 0; c < kBlocks; ++c) {
      for (int r = 0; r < R; ++r) {
        storeFirst(d.c + r * d.cRow + j + c * L, chains[c][r], count - c * L);
      }
    }
  }
}

template <class T, int R = 1>
constexpr void fillGemmDots(GemmKernels<T>& kernels) {
  kernels.dot[R - 1] = gemmDot<T, R>;
  if constexpr (R < kDotRows) fillGemmDots<T, R + 1>(kernels);
}

TG_TARGET_END
