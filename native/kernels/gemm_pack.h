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

// Columns of B that are contiguous along k are transposed in registers, a square block at a time.
template <class T, int V>
TG_INLINE void packColumns(int64_t k, int64_t cols, const T* b, int64_t bCol, T* to) {
  constexpr int L = Reg<T>::lanes, kWidth = kLanes<T> * V;
  int64_t p = 0;
  if (cols == kWidth) {
    RowSteps rows = rowSteps<T>(bCol);
    for (; p + L <= k; p += L, to += L * kWidth) {
      TG_UNROLL for (int j = 0; j < kWidth; j += L) {
        rows = hidden(rows);
        Reg<T> x[L];
        loadTransposed(b + p + j * bCol, rows, x);
        TG_UNROLL for (int i = 0; i < L; ++i) store(to + i * kWidth + j, x[i]);
      }
    }
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
