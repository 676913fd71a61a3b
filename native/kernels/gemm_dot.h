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

// Registers of columns whose chains run side by side. A chain is L dependent FMAs a block, so a few
// chains keep the two pipelines of latency 4 idle most of the time; with more, two blocks don't fit
// in the registers.
template <int R>
constexpr int kDotBlocks = R <= 3 ? 2 : 1;

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

// `steps` steps, a multiple of L, of B registers of columns.
template <class T, int R, int B>
TG_INLINE void dotWhole(const GemmDot<T>& d, const T* b, int64_t steps, Reg<T> (*chains)[R]) {
  constexpr int L = Reg<T>::lanes;
  RowSteps rows = rowSteps<T>(d.bCol);
  Reg<T> acc[B][R];
  TG_UNROLL for (int c = 0; c < B; ++c) {
    TG_UNROLL for (int r = 0; r < R; ++r) acc[c][r] = chains[c][r];
  }
  const T* a = d.a;
  for (int64_t p = 0; p < steps; p += L, a += L * d.aCol) {
    TG_UNROLL for (int c = 0; c < B; ++c) {
      rows = hidden(rows);
      Reg<T> block[L];
      loadTransposed(b + p + c * L * d.bCol, rows, block);
      // Kept for the next block, the values of A would push chains out to memory: 512 x 240 times
      // one to three columns took 38, 44 and 54 cycles a block, 36, 43 and 46 so.
      dotSteps<T, R, true>(block, L, d, hidden(a), acc[c]);
    }
  }
  TG_UNROLL for (int c = 0; c < B; ++c) {
    TG_UNROLL for (int r = 0; r < R; ++r) chains[c][r] = acc[c][r];
  }
}

// At the edges: `steps` steps of `cols` columns. Columns that don't exist repeat the last
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

// Where the chains of row r start, in columns [j, j + count).
template <class T>
TG_INLINE Reg<T> dotStart(const GemmDot<T>& d, int r, int64_t j, int64_t count) {
  if (!d.fresh) return loadFirst(d.c + r * d.cRow + j, count);
  return splat<T>(d.bias ? d.bias[r] : T{0});
}

// The chains of a register of columns of a turned C, whose `rows` rows are contiguous there: square
// blocks are transposed back. One value after the other took longer than all products of 1092 x 2
// x 2.
template <class T>
TG_NOINLINE void dotStoreTurned(const Reg<T>* chains, int64_t rows, T* c, int64_t cRow,
                                int64_t count) {
  constexpr int L = Reg<T>::lanes;
  for (int64_t r = 0; r < rows; r += L) {
    Reg<T> block[L];
    // Rows that don't exist repeat the last one.
    TG_UNROLL for (int i = 0; i < L; ++i) block[i] = chains[r + i < rows ? r + i : rows - 1];
    transpose(block);
    T* to = c + r;
    TG_UNROLL for (int i = 0; i < L; ++i, to += cRow) {
      if (i < count) storeFirst(to, block[i], rows - r);
    }
  }
}

// Columns [j, j + count) of C, where count is all that B registers hold, or for B = 1 less.
template <class T, int R, int B>
TG_NOINLINE void dotColumns(const GemmDot<T>& d, int64_t j, int64_t count) {
  constexpr int L = Reg<T>::lanes;
  Reg<T> chains[B][R];
  for (int c = 0; c < B; ++c) {
    for (int r = 0; r < R; ++r) {
      chains[c][r] = dotStart(d, r, j + c * L, count - c * L);
    }
  }
  const T* const b = d.b + j * d.bCol;
  int64_t p = 0;
  if (count == B * L) {
    p = d.k / L * L;
    dotWhole<T, R, B>(d, b, p, chains);
  }
  for (; p < d.k; p += L) {
    const int64_t steps = d.k - p < L ? d.k - p : L;
    for (int c = 0; c < B; ++c) {
      dotEdge<T, R>(d, steps, count < L ? count : L, d.a + p * d.aCol, b + p + c * L * d.bCol,
                    chains[c]);
    }
  }
  for (int c = 0; c < B; ++c) {
    if (d.turned) {
      dotStoreTurned(chains[c], R, d.c + (j + c * L) * d.cRow, d.cRow, count - c * L);
      continue;
    }
    for (int r = 0; r < R; ++r) {
      storeFirst(d.c + r * d.cRow + j + c * L, chains[c][r], count - c * L);
    }
  }
}

template <class T, int R>
void gemmDot(const GemmDot<T>& d) {
  constexpr int L = Reg<T>::lanes;
  int64_t j = 0;
  if constexpr (kDotBlocks<R> > 1) {
    for (; j + kDotBlocks<R> * L <= d.n; j += kDotBlocks<R> * L) {
      dotColumns<T, R, kDotBlocks<R>>(d, j, kDotBlocks<R> * L);
    }
  }
  for (; j < d.n; j += L) dotColumns<T, R, 1>(d, j, d.n - j < L ? d.n - j : L);
}

template <class T, int R = 1>
constexpr void fillGemmDots(GemmKernels<T>& kernels) {
  kernels.dot[R - 1] = gemmDot<T, R>;
  if constexpr (R < kDotRows) fillGemmDots<T, R + 1>(kernels);
}

TG_TARGET_END
