// int8 matrix product tiles, C = A B with 32-bit sums, and the packing of both operands. The unit
// of the inner dimension is a quad: four steps, whose products an instruction adds up in one lane.
//
//   packed B   panels of kInt8Panel columns: [quad][column][4], zeros beyond n and k. The same on
//              every level, so that weights packed once stay packed; with them each column's sum.
//   packed A   rows of quads as the level's instruction takes them (simd/dot.h), rows apart by a
//              stride of the caller's. What stands beyond k meets zeros of B.
//
// A tile holds kRows x kVecs accumulators; per quad it reads kVecs vectors of B and broadcasts one
// quad of A for each row. Sums are integers modulo 2^32: exact while 128 * 128 * k < 2^31, that is
// for k <= 131071, and the same in any order.
#pragma once
#include "../simd/dot.h"
#include "table.h"

TG_TARGET_BEGIN

template <int R, int V>
TG_INLINE void int8Tile(const Int8Tile& t, int64_t column) {
  constexpr int64_t kWidth = V * Dot::kColumns;
  Dot::Acc acc[R][V];
  TG_UNROLL for (int v = 0; v < V; ++v) {
    const Dot::Acc start = Dot::start(t.sums + column + v * Dot::kColumns);
    TG_UNROLL for (int r = 0; r < R; ++r) acc[r][v] = start;
  }
  // Three rows to a base pointer, as in gemm.h.
  constexpr int kBases = (R + 2) / 3;
  const uint8_t* base[kBases];
  TG_UNROLL for (int i = 0; i < kBases; ++i) base[i] = t.a + 3 * i * t.aRow;
  const int8_t* b = t.b + 4 * column;
  const int64_t aRow = t.aRow;
  for (int64_t q = t.quads; q > 0; --q) {
    Dot::B bv[V];
    TG_UNROLL for (int v = 0; v < V; ++v) bv[v] = Dot::load(b + 4 * v * Dot::kColumns);
    TG_UNROLL for (int r = 0; r < R; ++r) {
      const Dot::A a = Dot::splat(base[r / 3] + (r % 3) * aRow);
      TG_UNROLL for (int v = 0; v < V; ++v) acc[r][v] = Dot::add(acc[r][v], a, bv[v]);
    }
    TG_UNROLL for (int i = 0; i < kBases; ++i) base[i] += Dot::kQuadBytes;
    b += 4 * kInt8Panel;
  }
  const int64_t left = t.cols - column;
  int32_t* c = t.c + column;
  if (left >= kWidth) {
    TG_UNROLL for (int r = 0; r < R; ++r) Dot::storeRow<V>(c + r * t.cRow, acc[r]);
    return;
  }
  int32_t part[R][kWidth];
  TG_UNROLL for (int r = 0; r < R; ++r) Dot::storeRow<V>(part[r], acc[r]);
  for (int r = 0; r < R; ++r, c += t.cRow) {
    memcpy(c, part[r], static_cast<size_t>(left) * sizeof(int32_t));
  }
}

template <int R>
void int8Rows(const Int8Tile& t) {
  if constexpr (Dot::kNarrow) {
    if (t.cols <= Dot::kColumns) return int8Tile<R, 1>(t, 0);
  }
  for (int64_t j = 0; j < t.cols; j += Dot::kVecs * Dot::kColumns) int8Tile<R, Dot::kVecs>(t, j);
}

// Four rows of 16 columns each become 16 quads.
TG_INLINE void interleaveRows(const int8_t* b, int64_t bRow, int8_t* to) {
  const Bytes r0 = loadBytes(b), r1 = loadBytes(b + bRow);
  const Bytes r2 = loadBytes(b + 2 * bRow), r3 = loadBytes(b + 3 * bRow);
  const Bytes low01 = zipLow<1>(r0, r1), high01 = zipHigh<1>(r0, r1);
  const Bytes low23 = zipLow<1>(r2, r3), high23 = zipHigh<1>(r2, r3);
  storeBytes(to, zipLow<2>(low01, low23));
  storeBytes(to + kBytes, zipHigh<2>(low01, low23));
  storeBytes(to + 2 * kBytes, zipLow<2>(high01, high23));
  storeBytes(to + 3 * kBytes, zipHigh<2>(high01, high23));
}

// Four columns of four quads each become four rows of four quads, rows a panel apart.
TG_INLINE void transposeQuads(const int8_t* b, int64_t bCol, int8_t* to) {
  const Bytes c0 = loadBytes(b), c1 = loadBytes(b + bCol);
  const Bytes c2 = loadBytes(b + 2 * bCol), c3 = loadBytes(b + 3 * bCol);
  const Bytes low01 = zipLow<4>(c0, c1), high01 = zipHigh<4>(c0, c1);
  const Bytes low23 = zipLow<4>(c2, c3), high23 = zipHigh<4>(c2, c3);
  constexpr int kRow = 4 * kInt8Panel;
  storeBytes(to, zipLow<8>(low01, low23));
  storeBytes(to + kRow, zipHigh<8>(low01, low23));
  storeBytes(to + 2 * kRow, zipLow<8>(high01, high23));
  storeBytes(to + 3 * kRow, zipHigh<8>(high01, high23));
}

// One quad of a panel of which not everything is there, or whose elements lie anywhere.
TG_INLINE void packQuadSlowly(int64_t steps, int64_t cols, const int8_t* b, int64_t bRow,
                              int64_t bCol, int8_t* to) {
  memset(to, 0, 4 * kInt8Panel);
  for (int64_t j = 0; j < cols; ++j) {
    for (int64_t p = 0; p < steps; ++p) to[4 * j + p] = b[p * bRow + j * bCol];
  }
}

inline void int8PackB(int64_t k, int64_t cols, const int8_t* b, int64_t bRow, int64_t bCol,
                      int8_t* to, int32_t* sums) {
  const int64_t quads = (k + 3) / 4;
  int64_t q = 0;  // quads packed so far
  if (bCol == 1 && cols == kInt8Panel) {
    for (; q < k / 4; ++q) {
      for (int j = 0; j < kInt8Panel; j += kBytes) {
        interleaveRows(b + 4 * q * bRow + j, bRow, to + 4 * (q * kInt8Panel + j));
      }
    }
  } else if (bRow == 1 && cols == kInt8Panel) {
    for (; q + 4 <= k / 4; q += 4) {
      for (int j = 0; j < kInt8Panel; j += 4) {
        transposeQuads(b + 4 * q + j * bCol, bCol, to + 4 * (q * kInt8Panel + j));
      }
    }
  }
  for (; q < quads; ++q) {
    const int64_t steps = k - 4 * q < 4 ? k - 4 * q : 4;
    packQuadSlowly(steps, cols, b + 4 * q * bRow, bRow, bCol, to + 4 * q * kInt8Panel);
  }
  QuadSums sum[kInt8Panel / 4];
  TG_UNROLL for (QuadSums& s : sum) s = zeroSums();
  for (q = 0; q < quads; ++q) {
    const int8_t* quad = to + 4 * q * kInt8Panel;
    TG_UNROLL for (int g = 0; g < kInt8Panel / 4; ++g) {
      sum[g] = addQuads(sum[g], loadBytes(quad + g * kBytes));
    }
  }
  TG_UNROLL for (int g = 0; g < kInt8Panel / 4; ++g) storeSums(sums + 4 * g, sum[g]);
}

// 16 rows by 16 steps of a column-major matrix, to rows of 16 bytes. Each round of zips moves one
// bit of the row's number to the column's.
TG_INLINE void transposeBlock(const int8_t* a, int64_t aCol, int8_t* to) {
  Bytes x[kBytes];
  for (int p = 0; p < kBytes; ++p) x[p] = loadBytes(a + p * aCol);
  for (int round = 0; round < 4; ++round) {
    Bytes y[kBytes];
    for (int i = 0; i < kBytes / 2; ++i) {
      y[2 * i] = zipLow<1>(x[i], x[i + kBytes / 2]);
      y[2 * i + 1] = zipHigh<1>(x[i], x[i + kBytes / 2]);
    }
    for (int i = 0; i < kBytes; ++i) x[i] = y[i];
  }
  for (int i = 0; i < kBytes; ++i) storeBytes(to + i * kBytes, x[i]);
}

inline void int8PackA(int64_t rows, int64_t k, const int8_t* a, int64_t aRow, int64_t aCol,
                      uint8_t* to, int64_t toRow) {
  constexpr int64_t kStep = Dot::kQuadBytes * kBytes / 4;  // of 16 packed values
  for (int64_t i0 = 0; i0 < rows; i0 += kBytes) {
    const int64_t height = rows - i0 < kBytes ? rows - i0 : kBytes;
    for (int64_t p0 = 0; p0 < k; p0 += kBytes) {
      const int64_t steps = k - p0 < kBytes ? k - p0 : kBytes;
      const int8_t* from = a + i0 * aRow + p0 * aCol;
      uint8_t* block = to + i0 * toRow + p0 / kBytes * kStep;
      if (aCol == 1 && steps == kBytes) {
        for (int64_t i = 0; i < height; ++i) {
          Dot::packQuads(block + i * toRow, loadBytes(from + i * aRow));
        }
        continue;
      }
      int8_t rowMajor[kBytes][kBytes];
      if (aRow == 1 && height == kBytes && steps == kBytes) {
        transposeBlock(from, aCol, rowMajor[0]);
      } else {
        memset(rowMajor, 0, sizeof rowMajor);
        for (int64_t i = 0; i < height; ++i) {
          for (int64_t p = 0; p < steps; ++p) rowMajor[i][p] = from[i * aRow + p * aCol];
        }
      }
      for (int64_t i = 0; i < height; ++i) {
        Dot::packQuads(block + i * toRow, loadBytes(rowMajor[i]));
      }
    }
  }
}

template <int R = 1>
constexpr void fillInt8Tiles(Int8Kernels& kernels) {
  kernels.tile[R - 1] = int8Rows<R>;
  if constexpr (R < Dot::kRows) fillInt8Tiles<R + 1>(kernels);
}

TG_TARGET_END
