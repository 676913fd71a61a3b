// Panels of B for the matrix product's tiles: as many columns as a tile has, one step of k after
// the other, so that a tile reads one stream of memory.
#pragma once
#include "../simd/transpose.h"
#include "table.h"

TG_TARGET_BEGIN

// Columns of B that lie side by side: rows of the panel are copies.
template <class T, int V>
TG_INLINE void packRows(int64_t k, int64_t cols, const T* b, int64_t bRow, T* to) {
  constexpr int L = kLanes<T>, kWidth = L * V;
  if (cols == kWidth) {
    for (int64_t p = 0; p < k; ++p, b += bRow, to += kWidth) {
      TG_UNROLL for (int v = 0; v < V; ++v) store(to + v * L, vload<T>(b + v * L));
    }
    return;
  }
  for (int64_t p = 0; p < k; ++p, b += bRow, to += kWidth) {
    for (int v = 0; v < V; ++v) store(to + v * L, vloadFirst<T>(b + v * L, cols - v * L));
  }
}

// Columns that are read side by side. Of 16 at a time, in two blocks that take turns, the CPU's
// prefetchers lose track, and columns a multiple of 4 KB apart fall out of the first-level cache
// before their lines are read: 784 columns of 128 steps took 32 cycles for 256 values and take 24,
// 1000 of 1000 44 and 40, 32 of 128 that are 4 KB apart 84 and 34.
template <class T>
constexpr int kPackedTogether = Reg<T>::lanes < 8 ? Reg<T>::lanes : 8;

// A register of steps of as many columns, transposed in registers.
template <class T>
TG_INLINE void packBlock(const T* from, const RowSteps& rows, T* to, int64_t toRow) {
  Reg<T> x[Reg<T>::lanes];
  loadTransposed(from, rows, x);
  TG_UNROLL for (int i = 0; i < Reg<T>::lanes; ++i) store(to + i * toRow, x[i]);
}
#if defined(TG_TARGET_AVX512)
TG_INLINE void packBlock(const float* from, const RowSteps& rows, float* to, int64_t toRow) {
  RegF x[8];
  loadRows<8>(from, rows, x);
  transposeEight(x);
  TG_UNROLL for (int i = 0; i < 8; ++i) {
    storeLowHalf(to + i * toRow, x[i]);
    storeHighHalf(to + (8 + i) * toRow, x[i]);
  }
}
#endif

// Columns of B that are contiguous along k.
template <class T, int V>
TG_INLINE void packColumns(int64_t k, int64_t cols, const T* b, int64_t bCol, T* to) {
  constexpr int L = Reg<T>::lanes, kWidth = kLanes<T> * V;
  int64_t p = 0;
  if (cols == kWidth) {
    RowSteps rows = rowSteps<T>(bCol);
    for (int j = 0; j < kWidth; j += kPackedTogether<T>) {
      for (p = 0; p + L <= k; p += L) {
        rows = hidden(rows);
        packBlock(b + p + j * bCol, rows, to + p * kWidth + j, kWidth);
      }
    }
    to += p * kWidth;
  }
  for (; p < k; p += L, to += L * kWidth) {
    const int64_t steps = k - p < L ? k - p : L;
    for (int64_t j = 0; j < cols; j += L) {
      const int64_t count = cols - j < L ? cols - j : L;
      const T* from = b + p + j * bCol;
      Reg<T> x[L];
      // Columns that don't exist repeat the last one: the tiles don't read them.
      TG_UNROLL for (int i = 0; i < L; ++i) {
        x[i] = loadFirst(from + (i < count ? i : count - 1) * bCol, steps);
      }
      transpose(x);
      TG_UNROLL for (int i = 0; i < L; ++i) {
        if (i < steps) store(to + i * kWidth + j, x[i]);
      }
    }
  }
}

template <class T, int V>
void gemmPackPanel(int64_t k, int64_t cols, const T* b, int64_t bRow, int64_t bCol, T* to) {
  if (bCol == 1) return packRows<T, V>(k, cols, b, bRow, to);
  if (bRow == 1) return packColumns<T, V>(k, cols, b, bCol, to);
  for (int64_t p = 0; p < k; ++p) {
    for (int64_t j = 0; j < cols; ++j) to[p * kLanes<T> * V + j] = b[p * bRow + j * bCol];
  }
}

// Squares of a register's lanes, transposed in registers.
template <class T>
void gemmTurn(int64_t rows, int64_t cols, const T* from, int64_t fromRow, T* to, int64_t toRow) {
  constexpr int L = Reg<T>::lanes;
  const RowSteps steps = rowSteps<T>(fromRow);
  for (int64_t j = 0; j < cols; j += L) {
    for (int64_t i = 0; i < rows; i += L) {
      const T* const x = from + j * fromRow + i;
      T* y = to + i * toRow + j;
      const int64_t height = rows - i, width = cols - j;
      Reg<T> square[L];
      if (height >= L && width >= L) {
        loadTransposed(x, steps, square);
        TG_UNROLL for (int r = 0; r < L; ++r) store(y + r * toRow, square[r]);
        continue;
      }
      // Rows that don't exist repeat the last one.
      TG_UNROLL for (int r = 0; r < L; ++r) {
        square[r] = loadFirst(x + (r < width ? r : width - 1) * fromRow, height);
      }
      transpose(square);
      TG_UNROLL for (int r = 0; r < L; ++r, y += toRow) {
        if (r < height) storeFirst(y, square[r], width);
      }
    }
  }
}

template <class T>
void gemmPackTileOfA(int64_t k, int64_t rows, T alpha, const T* a, int64_t aCol, T* to) {
  constexpr int L = kLanes<T>;
  const Vec<T> factor = vsplat<T>(alpha);
  for (int64_t p = 0; p < k; ++p, a += aCol, to += rows) {
    // Whole vectors are stored; what is too much is overwritten by the next step.
    for (int64_t i = 0; i < rows; i += L) {
      const Vec<T> x = vloadFirst<T>(a + i, rows - i);
      store(to + i, alpha == 1 ? x : mul(x, factor));
    }
  }
}

TG_TARGET_END
