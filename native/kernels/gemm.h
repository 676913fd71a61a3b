// Matrix product tiles: C = act(init + A B) for a few rows by one or two virtual vectors of
// columns.
//
//            B, k x cols, unit column stride (a packed panel or the matrix itself)
//            +--------+--------+
//          p |  b[0]  |  b[1]  |      V vectors
//            +--------+--------+
//     p
//   +---+    +--------+--------+
//   | a | -> | acc[0] |        |      R rows: every accumulator is one FMA chain over p,
//   | a | -> | acc[1] |        |      so the bits depend on neither the tile's shape nor the
//   +---+    +--------+--------+      blocking nor the level.
//   A, any strides: one broadcast a row and step
//
// R x V accumulators, V vectors of B and one broadcast have to fit the registers:
//   avx512  14 x 2 zmm = 28 of 32      avx2  6 x 2 ymm (one Vec) = 12 of 16
//   neon     6 x 4 q (one Vec) = 24 of 32, and 28 independent chains hide an FMA latency of 4 on
// two pipes (8 needed). The scalar level takes the smallest tile; it only has to be right.
#pragma once
#include "../simd/math.h"
#include "table.h"

TG_TARGET_BEGIN

#if defined(TG_TARGET_AVX512)
constexpr int kTileRows = 14, kTileVecs = 2;
#elif defined(TG_TARGET_AVX2) || defined(TG_TARGET_NEON)
constexpr int kTileRows = 6, kTileVecs = 1;
#else
constexpr int kTileRows = 2, kTileVecs = 1;
#endif
static_assert(kTileRows <= kMaxTileRows, "the table has no room for this tile");

// Activations that cost more than a few instructions are applied to the finished tile, which is
// still in the first-level cache: unrolled over a tile they would be thousands of instructions.
template <class T>
TG_INLINE void activateTile(const GemmTile<T>& t, int rows) {
  constexpr int64_t L = kLanes<T>;
  for (int r = 0; r < rows; ++r) {
    T* c = t.c + r * t.cRow;
    for (int64_t j = 0; j < t.cols; j += L) {
      const int count = static_cast<int>(t.cols - j < L ? t.cols - j : L);
      const Vec<T> x = vloadFirst<T>(c + j, count);
      storeFirst(c + j, t.activation == Activation::tanh ? tanh(x) : sigmoid(x), count);
    }
  }
}

// The last vector of a row of tiles may be partial; `Full` says it isn't.
template <class T, bool Full>
TG_INLINE Vec<T> loadPart(const T* p, int count) {
  if constexpr (Full) return vload<T>(p);
  return vloadFirst<T>(p, count);
}

template <class T, int R, int V, bool Full>
TG_INLINE void gemmTile(const GemmTile<T>& t) {
  constexpr int L = kLanes<T>;
  const int last = static_cast<int>(t.cols) - (V - 1) * L;  // columns of the last vector, 1..L
  Vec<T> acc[R][V];
  if (t.init == GemmInit::accumulate) {
    TG_UNROLL for (int r = 0; r < R; ++r) {
      TG_UNROLL for (int v = 0; v < V; ++v) {
        const T* c = t.c + r * t.cRow + v * L;
        acc[r][v] = v == V - 1 ? loadPart<T, Full>(c, last) : vload<T>(c);
      }
    }
  } else {
    Vec<T> row[V] = {};  // only because GCC 12 warns: it doesn't see that the loop fills all of it
    TG_UNROLL for (int v = 0; v < V; ++v) {
      row[v] = vsplat<T>(0);
      if (t.init == GemmInit::bias) {
        const T* bias = t.bias + v * L;
        row[v] = v == V - 1 ? loadPart<T, Full>(bias, last) : vload<T>(bias);
      }
    }
    TG_UNROLL for (int r = 0; r < R; ++r) {
      TG_UNROLL for (int v = 0; v < V; ++v) acc[r][v] = row[v];
    }
  }

  // Rows are addressed from one base pointer in three: base, base + stride, base + 2 * stride fit
  // x86 addressing modes, so 14 rows need 5 pointers instead of 14.
  constexpr int kBases = (R + 2) / 3;
  const T* base[kBases];
  TG_UNROLL for (int i = 0; i < kBases; ++i) base[i] = t.a + 3 * i * t.aRow;
  const T* b = t.b;
  const int64_t aRow = t.aRow, aCol = t.aCol, bRow = t.bRow;
  for (int64_t p = t.k; p > 0; --p) {
    Vec<T> bv[V];
    TG_UNROLL for (int v = 0; v < V; ++v) {
      bv[v] = v == V - 1 ? loadPart<T, Full>(b + v * L, last) : vload<T>(b + v * L);
    }
    TG_UNROLL for (int r = 0; r < R; ++r) {
      const Vec<T> a = vsplat<T>(base[r / 3][(r % 3) * aRow]);
      TG_UNROLL for (int v = 0; v < V; ++v) acc[r][v] = fma(a, bv[v], acc[r][v]);
    }
    TG_UNROLL for (int i = 0; i < kBases; ++i) base[i] += aCol;
    b += bRow;
  }

  if (t.activation == Activation::relu) {
    const Vec<T> zero = vsplat<T>(0);
    TG_UNROLL for (int r = 0; r < R; ++r) {
      TG_UNROLL for (int v = 0; v < V; ++v) acc[r][v] = max(zero, acc[r][v]);  // NaN stays
    }
  }
  TG_UNROLL for (int r = 0; r < R; ++r) {
    TG_UNROLL for (int v = 0; v < V; ++v) {
      T* c = t.c + r * t.cRow + v * L;
      if (!Full && v == V - 1) {
        storeFirst(c, acc[r][v], last);
      } else {
        store(c, acc[r][v]);
      }
    }
  }
  if (t.activation == Activation::sigmoid || t.activation == Activation::tanh) activateTile(t, R);
}

template <class T, int R>
void gemmRows(const GemmTile<T>& t) {
  constexpr int64_t L = kLanes<T>;
  if constexpr (kTileVecs == 2) {
    if (t.cols == 2 * L) return gemmTile<T, R, 2, true>(t);
    if (t.cols > L) return gemmTile<T, R, 2, false>(t);
  }
  if (t.cols == L) return gemmTile<T, R, 1, true>(t);
  return gemmTile<T, R, 1, false>(t);
}

template <class T>
void gemmPackPanel(int64_t k, int64_t cols, const T* b, int64_t bRow, int64_t bCol, T* to) {
  constexpr int L = kLanes<T>, kWidth = L * kTileVecs;
  if (bCol == 1) {
    for (int64_t p = 0; p < k; ++p, b += bRow, to += kWidth) {
      if (cols == kWidth) {
        for (int v = 0; v < kTileVecs; ++v) store(to + v * L, vload<T>(b + v * L));
        continue;
      }
      for (int v = 0; v < kTileVecs; ++v) {
        const int64_t left = cols - v * L;
        const int count = static_cast<int>(left < 0 ? 0 : left > L ? L : left);
        store(to + v * L, vloadFirst<T>(b + v * L, count));
      }
    }
    return;
  }
  // Transposing (bRow == 1) or fully strided. Blocks of 16 steps keep the lines of all the columns
  // that are being read in the first-level cache (32 columns x 64 bytes).
  constexpr int64_t kSteps = 16;
  for (int64_t p0 = 0; p0 < k; p0 += kSteps) {
    const int64_t steps = k - p0 < kSteps ? k - p0 : kSteps;
    for (int64_t j = 0; j < cols; ++j) {
      const T* from = b + p0 * bRow + j * bCol;
      for (int64_t p = 0; p < steps; ++p) to[(p0 + p) * kWidth + j] = from[p * bRow];
    }
  }
}

// A loop of nothing but FMAs in registers: the limit that products are measured against. 12 chains
// of Vecs cover the latency on every level.
constexpr int kPeakChains = kTileRows * kTileVecs < 12 ? 4 : 12;

template <class T>
T gemmPeak(int64_t iterations) {
  Vec<T> acc[kPeakChains];
  TG_UNROLL for (int c = 0; c < kPeakChains; ++c) acc[c] = vsplat<T>(static_cast<T>(c));
  // Values that the compiler can't see through and that neither overflow nor vanish.
  volatile T factor = static_cast<T>(0.999), term = static_cast<T>(0.001);
  const Vec<T> f = vsplat<T>(factor), a = vsplat<T>(term);
  for (int64_t i = 0; i < iterations; ++i) {
    TG_UNROLL for (int c = 0; c < kPeakChains; ++c) acc[c] = fma(acc[c], f, a);
  }
  Vec<T> sum = acc[0];
  TG_UNROLL for (int c = 1; c < kPeakChains; ++c) sum = add(sum, acc[c]);
  return reduceAdd(sum);
}

template <class T, int R = 1>
constexpr void fillGemmTiles(GemmKernels<T>& kernels) {
  kernels.tile[R - 1] = gemmRows<T, R>;
  if constexpr (R < kTileRows) fillGemmTiles<T, R + 1>(kernels);
}

template <class T>
constexpr GemmKernels<T> gemmKernels() {
  GemmKernels<T> kernels{};
  kernels.maxRows = kTileRows;
  kernels.maxCols = kTileVecs * kLanes<T>;
  fillGemmTiles<T>(kernels);
  kernels.packPanel = gemmPackPanel<T>;
  kernels.peak = gemmPeak<T>;
  kernels.peakFlops = 2 * kPeakChains * kLanes<T>;
  return kernels;
}

TG_TARGET_END
