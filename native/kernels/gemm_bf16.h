// Matrix product tiles of bfloat16 with float32 accumulators, by vdpbf16ps: 14 rows by 32 columns
// (28 accumulators, 2 registers of B and a broadcast of A are 31 of 32 registers). One instruction
// takes two steps of k, so a tile does twice the multiply-adds of the float32 tile in
// kernels/gemm.h with as many instructions.
//
// How vdpbf16ps rounds (Intel's and AMD's manuals, and measured: test/native/bf16_test.cpp computes
// the same bits): acc = fl(fl(acc + a.high * b.high) + a.low * b.low). Products of bfloat16 are
// exact in float32 and each sum is rounded to nearest even. Denormal operands count as zeros and
// denormal results become zeros, whatever the control register says.
#pragma once
#include "../simd/math.h"
#include "../simd/pairs_avx512.h"
#include "table_bf16.h"

TG_TARGET_BEGIN

// V registers of columns, the last of them perhaps in part.
template <int R, int V>
TG_INLINE void bf16Tile(const Bf16Tile& t) {
  constexpr int64_t L = kLanes<float>;
  const int64_t last = t.cols - (V - 1) * L;  // columns of the last register, 1..L
  const auto columns = [last](int v) { return v == V - 1 ? last : L; };
  Vec<float> acc[R][V];
  if (t.accumulate) {
    TG_UNROLL for (int r = 0; r < R; ++r) {
      TG_UNROLL for (int v = 0; v < V; ++v) {
        acc[r][v] = vloadFirst<float>(t.c + r * t.cRow + v * L, columns(v));
      }
    }
  } else {
    TG_UNROLL for (int v = 0; v < V; ++v) {
      const Vec<float> start =
          t.bias ? vloadFirst<float>(t.bias + v * L, columns(v)) : vsplat<float>(0);
      TG_UNROLL for (int r = 0; r < R; ++r) acc[r][v] = start;
    }
  }

  // One base pointer for three rows: base, base + stride and base + 2 * stride are x86 addressing
  // modes, so 14 rows need 5 pointers instead of 14.
  constexpr int kBases = (R + 2) / 3;
  const BFloat16* base[kBases];
  TG_UNROLL for (int i = 0; i < kBases; ++i) base[i] = t.a + 3 * i * t.aRow;
  const BFloat16* b = t.b;
  const int64_t aRow = t.aRow, aPair = t.aPair;
  for (int64_t p = t.pairs; p > 0; --p) {
    Pairs bv[V];
    TG_UNROLL for (int v = 0; v < V; ++v) bv[v] = loadPairs(b + v * 2 * L);
    TG_UNROLL for (int r = 0; r < R; ++r) {
      const Pairs a = splatPair(base[r / 3] + (r % 3) * aRow);
      TG_UNROLL for (int v = 0; v < V; ++v) acc[r][v] = dotPairs(acc[r][v], a, bv[v]);
    }
    TG_UNROLL for (int i = 0; i < kBases; ++i) base[i] += aPair;
    b += 2 * kBf16TileCols;
  }

  TG_UNROLL for (int r = 0; r < R; ++r) {
    TG_UNROLL for (int v = 0; v < V; ++v) {
      storeFirst(t.c + r * t.cRow + v * L, acc[r][v], columns(v));
    }
  }
}

template <int R>
void bf16Rows(const Bf16Tile& t) {
  if (t.cols > kLanes<float>) return bf16Tile<R, 2>(t);
  return bf16Tile<R, 1>(t);
}

// n (any number) columns `col` apart of steps p and p + 1, which are `row` apart.
template <class S>
TG_INLINE Pairs gatherAcross(const S* b, int64_t row, int64_t col, bool second, int64_t n) {
  S low[kBf16Step] = {}, high[kBf16Step] = {};
  for (int64_t j = 0; j < n && j < kBf16Step; ++j) {
    low[j] = b[j * col];
    if (second) high[j] = b[row + j * col];
  }
  return loadAcross(low, high, kBf16Step);
}

// Pairs of the lines b and b + row, `cols` columns side by side, in whole steps of columns.
template <class S>
TG_INLINE void interleaveLines(const S* b, int64_t row, bool second, int64_t cols, BFloat16* to,
                               int64_t toCols) {
  const S none[kBf16Step] = {};
  for (int64_t j = 0; j < toCols; j += kBf16Step) {
    const int64_t n = cols - j;
    const S* const low = n > 0 ? b + j : none;
    const S* const high = n > 0 && second ? b + row + j : none;
    storePairs(to + 2 * j, loadAcross(low, high, n));
  }
}

template <class S>
void bf16PackPanel(int64_t k, int64_t cols, const S* b, int64_t row, int64_t col, BFloat16* to) {
  constexpr int64_t kWidth = kBf16TileCols;
  if (col == 1) {
    for (int64_t p = 0; p < k; p += 2, b += 2 * row, to += 2 * kWidth) {
      interleaveLines(b, row, p + 1 < k, cols, to, kWidth);
    }
    return;
  }
  for (int64_t j0 = 0; j0 < kWidth; j0 += kBf16Step) {
    const int64_t n = cols - j0;
    const S* const from = n > 0 ? b + j0 * col : b;
    if (row != 1) {
      for (int64_t p = 0; p < k; p += 2) {
        storePairs(to + p * kWidth + 2 * j0, gatherAcross(from + p * row, row, col, p + 1 < k, n));
      }
      continue;
    }
    // Columns along k: 16 pairs of 16 columns are transposed in registers.
    for (int64_t p = 0; p < k; p += 2 * kBf16Step) {
      Pairs block[16];
      TG_UNROLL for (int i = 0; i < 16; ++i) {
        block[i] = i < n ? loadAlong(from + i * col + p, k - p) : zeroPairs();
      }
      transposePairs(block);
      const int64_t pairs = (k - p + 1) / 2;
      TG_UNROLL for (int i = 0; i < 16; ++i) {
        if (i < pairs) storePairs(to + (p + 2 * i) * kWidth + 2 * j0, block[i]);
      }
    }
  }
}

template <class S>
void bf16PackRows(int64_t rows, int64_t k, const S* a, int64_t row, int64_t col, BFloat16* to,
                  int64_t toRow) {
  constexpr int64_t kElements = 2 * kBf16Step;
  for (int64_t i = 0; i < rows; ++i, a += row, to += toRow) {
    for (int64_t p = 0; p < k; p += kElements) {
      if (col == 1) {
        storePairs(to + p, loadAlong(a + p, k - p));
        continue;
      }
      S part[kElements] = {};
      for (int64_t e = 0; e < kElements && p + e < k; ++e) part[e] = a[(p + e) * col];
      storePairs(to + p, loadAlong(part, kElements));
    }
  }
}

template <class S>
void bf16PackColumns(int64_t rows, int64_t k, const S* a, int64_t col, BFloat16* to,
                     int64_t toPair) {
  for (int64_t p = 0; p < k; p += 2, a += 2 * col, to += toPair) {
    interleaveLines(a, col, p + 1 < k, rows, to, rows);
  }
}

void bf16Narrow(int64_t n, const float* x, BFloat16* y) {
  constexpr int64_t L = kLanes<float>;
  for (int64_t i = 0; i < n; i += L) narrowFirst(x + i, y + i, n - i);
}

template <class S>
constexpr Bf16Packers<S> bf16Packers() {
  return {bf16PackPanel<S>, bf16PackRows<S>, bf16PackColumns<S>};
}

template <int R = 1>
constexpr void fillBf16Tiles(Bf16Kernels& kernels) {
  kernels.tile[R - 1] = bf16Rows<R>;
  if constexpr (R < kBf16TileRows) fillBf16Tiles<R + 1>(kernels);
}

constexpr Bf16Kernels bf16Kernels() {
  Bf16Kernels kernels{};
  fillBf16Tiles(kernels);
  kernels.fromBf16 = bf16Packers<BFloat16>();
  kernels.fromFloat = bf16Packers<float>();
  kernels.narrow = bf16Narrow;
  return kernels;
}

TG_TARGET_END
