// Products of few steps: sums of a few outer products, whose time goes into storing C. A tile of 14
// rows by two vectors does little between its start and its end then, and stores to 14 places in
// turns. Here two or four rows are stored from end to end, and their values of A stay in registers
// all the way.
#pragma once
#include "../simd/reg.h"
#include "table.h"

TG_TARGET_BEGIN

// Steps up to which this pays, and the rows side by side: each value of B that is loaded serves all
// of them, but their values of A and a register of each row of B have to fit in registers.
// Microseconds on Zen 5 in tiles, then in 1, 2, 3 and 4 rows: 241 x 1 x 1024 26.3, 9.3, 10.1, 10.0,
// 9.8; 980 x 1 x 89 5.5, 3.5, 3.4, 4.0, 3.9; 31 x 2 x 1805 3.6, 2.6, 2.3, 2.4, 2.6; 1375 x 3 x 40
// 3.7, 4.1, 3.2, 2.6, 2.3; 181 x 4 x 593 6.8, 9.2, 5.9, 4.8, 4.4. With 7 or 8 steps FMAs and loads
// take as long as stores: 784 x 8 x 128 8.6, 9.2, 7.5, 7.1, 8.7, and 1000 x 8 x 20 2.7, 3.9 in two.
#if defined(TG_TARGET_AVX512)
constexpr int kOuterSteps = 5;
constexpr int outerRows(int steps) { return steps <= 2 ? 2 : 4; }
#elif defined(TG_TARGET_AVX2) || defined(TG_TARGET_NEON)
constexpr int kOuterSteps = 4;
constexpr int outerRows(int) { return 2; }
#else
constexpr int kOuterSteps = 0;
constexpr int outerRows(int) { return 0; }
#endif
static_assert(kOuterSteps <= kMaxOuterSteps, "the table has no room for this many steps");

// R rows. The last register of columns ends where the row ends and repeats some of the one before:
// half the code of masks, as fast (masks 0.9 to 1.08 of its time). So were stores that begin at the
// cache lines of each row, with masks at both ends.
template <class T, int R, int K>
TG_INLINE void outerRow(const GemmTile<T>& t, const T* a, T* c) {
  constexpr int64_t L = Reg<T>::lanes;
  Reg<T> values[R][K];
  TG_UNROLL for (int r = 0; r < R; ++r) {
    TG_UNROLL for (int p = 0; p < K; ++p) values[r][p] = splat<T>(a[r * t.aRow + p * t.aCol]);
  }
  // Stores might change what `t` holds, for all that the compiler knows.
  const T* const firstB = t.b;
  const int64_t bRow = t.bRow, cRow = t.cRow, cols = t.cols, lastColumn = cols - L;
  for (int64_t j = 0; j < cols; j += L) {
    const int64_t at = j < lastColumn ? j : lastColumn;
    const T* from = firstB + at;
    Reg<T> b[K];
    TG_UNROLL for (int p = 0; p < K; ++p, from += bRow) b[p] = load(from);
    T* to = c + at;
    TG_UNROLL for (int r = 0; r < R; ++r, to += cRow) {
      Reg<T> chain = splat<T>(0);
      TG_UNROLL for (int p = 0; p < K; ++p) chain = fma(values[r][p], b[p], chain);
      store(to, chain);
    }
  }
}

// The last rows repeat some of those before.
template <class T, int K>
void gemmOuter(int64_t rows, const GemmTile<T>& t) {
  constexpr int R = outerRows(K);
  for (int64_t i = 0; i < rows; i += R) {
    const int64_t at = i < rows - R ? i : rows - R;
    outerRow<T, R, K>(t, t.a + at * t.aRow, t.c + at * t.cRow);
  }
}

template <class T, int K = 1>
constexpr void fillGemmOuter(GemmKernels<T>& kernels) {
  if constexpr (K <= kOuterSteps) {
    kernels.outer[K - 1] = gemmOuter<T, K>;
    kernels.outerRows[K - 1] = outerRows(K);
    fillGemmOuter<T, K + 1>(kernels);
  }
}

TG_TARGET_END
