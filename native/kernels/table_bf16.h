// The contract of the bfloat16 product's kernels, for CPUs that have an instruction for it. Other
// CPUs have no such table: native/ops/product/gemm_bf16.cpp widens to float32 there.
//
// The unit is a pair: two neighbours along the inner dimension k in one 32-bit word, the even step
// in the lower half. An odd k ends with a pair whose upper half is zero in A and in B.
#pragma once
#include "../base/bfloat16.h"
#include "table.h"

namespace tilegrad {

// One tile computes `rows` (1..maxRows) by `cols` (1..maxCols) outputs:
//   C[i, j] = init(i, j) + sum over p < pairs of A[i, p].low B[p, j].low + the same of .high
// Every output is one chain over p, whatever the tile's shape; kernels/gemm_bf16.h tells how it
// rounds. Strides count bfloat16 elements.
struct Bf16Tile {
  int64_t cols, pairs;
  const BFloat16* a;  // pair A[i, p] at a[i * aRow + p * aPair]
  int64_t aRow, aPair;
  const BFloat16* b;  // a packed panel: pair B[p, j] at b[2 * (p * maxCols + j)], maxCols whole
  float* c;           // C[i, j] at c[i * cRow + j]; never read unless `accumulate`
  int64_t cRow;
  const float* bias;  // init: cols values, or null for zeros
  bool accumulate;    // init is C instead
};

constexpr int kBf16TileRows = 14;
constexpr int kBf16TileCols = 32;

// Copies turn their columns in steps of this many, and write whole steps.
constexpr int64_t kBf16Step = 16;

// Copies of an operand of type S (BFloat16, or float which is rounded on the way) as pairs. What
// lies beyond the operand is zero in the copy. Denormals may be copied as zeros: the products take
// them as such.
template <class S>
struct Bf16Packers {
  // A panel of B for the tiles, all kBf16TileCols columns of it: B[p, j] is at b[p * row + j *
  // col]. `to` has ceil(k / 2) pairs in each column.
  void (*panel)(int64_t k, int64_t cols, const S* b, int64_t row, int64_t col, BFloat16* to);
  // Rows of A, the pairs of a row side by side: row i starts at to[i * toRow], and everything up to
  // the next multiple of 2 * kBf16Step elements is written. A[i, p] is at a[i * row + p * col].
  void (*rows)(int64_t rows, int64_t k, const S* a, int64_t row, int64_t col, BFloat16* to,
               int64_t toRow);
  // Rows of A that are side by side in memory, A[i, p] at a[i + p * col]: pair p of row i goes to
  // to[p * toPair + 2 * i]. Rows are written up to the next multiple of kBf16Step.
  void (*columns)(int64_t rows, int64_t k, const S* a, int64_t col, BFloat16* to, int64_t toPair);
};

struct Bf16Kernels {
  // tile[r - 1] computes r rows.
  void (*tile[kBf16TileRows])(const Bf16Tile&);
  Bf16Packers<BFloat16> fromBf16;
  Bf16Packers<float> fromFloat;
  // y[i] = x[i] rounded as by `narrow`, for i < n.
  void (*narrow)(int64_t n, const float* x, BFloat16* y);
};

extern const Bf16Kernels kAvx512Bf16Kernels;

}  // namespace tilegrad
