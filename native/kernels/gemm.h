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
#include "activation.h"
#include "conv.h"
#include "gemm_dot.h"
#include "gemm_outer.h"
#include "gemm_pack.h"
#include "gemm_stream.h"
#include "gemv.h"
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

// The product's last touch, for rows of C that are still in the first-level cache. What takes more
// than a few instructions happens here and not on the accumulators: unrolled over a whole tile it
// would be thousands of instructions in each of its shapes. A tile's values pass through the cache
// once more for it, 56 loads and stores on 14 k cycles of products.
template <class T, class F>
TG_INLINE void eachVector(int64_t rows, int64_t cols, T* c, int64_t cRow, const F& f) {
  constexpr int64_t L = kLanes<T>;
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; j += L) {
      T* const y = c + i * cRow + j;
      const int64_t count = cols - j;
      storeFirst(y, f(vloadFirst<T>(y, count), i, j), count);
    }
  }
}

template <class T>
TG_NOINLINE void gemmFinish(int64_t rows, int64_t cols, T* c, int64_t cRow,
                            const GemmFinish<T>& finish, const T* side, int64_t sideRow) {
  const Vec<T> slope = vsplat<T>(finish.slope);
  const auto sideAt = [&](int64_t i, int64_t j) {
    return vloadFirst<T>(side + i * sideRow + j, cols - j);
  };
  const auto apply = [&](auto activation) {
    eachVector(rows, cols, c, cRow, [&](Vec<T> x, int64_t, int64_t) { return activation(x); });
  };
  const auto derive = [&](auto derivative) {
    eachVector(rows, cols, c, cRow,
               [&](Vec<T> x, int64_t i, int64_t j) { return derivative(x, sideAt(i, j)); });
  };
  if (finish.use == Side::derivative) {
    switch (finish.activation) {
      case Activation::relu:
        return derive([](Vec<T> g, Vec<T> y) { return reluBackwardOf(g, y); });
      case Activation::leakyRelu:
        return derive([&](Vec<T> g, Vec<T> y) { return mul(g, leakySlopeOf(y, slope)); });
      case Activation::sigmoid:
        return derive([](Vec<T> g, Vec<T> y) { return sigmoidBackwardOf(g, y); });
      case Activation::tanh:
        return derive([](Vec<T> g, Vec<T> y) { return tanhBackwardOf(g, y); });
      case Activation::gelu:
        return derive([](Vec<T> g, Vec<T> x) { return geluBackwardOf(g, x); });
      case Activation::geluTanh:
        return derive([](Vec<T> g, Vec<T> x) { return geluTanhBackwardOf(g, x); });
      case Activation::silu:
        return derive([](Vec<T> g, Vec<T> x) { return siluBackwardOf(g, x); });
      case Activation::none:
      case Activation::count:
        return;
    }
  }
  // Added before instead of in each activation, which would be there twice.
  if (finish.use == Side::add) {
    eachVector(rows, cols, c, cRow,
               [&](Vec<T> x, int64_t i, int64_t j) { return add(x, sideAt(i, j)); });
  }
  switch (finish.activation) {
    case Activation::relu:
      return apply([](Vec<T> x) { return reluOf(x); });
    case Activation::leakyRelu:
      return apply([&](Vec<T> x) { return leakyReluOf(x, slope); });
    case Activation::sigmoid:
      return apply([](Vec<T> x) { return sigmoid(x); });
    case Activation::tanh:
      return apply([](Vec<T> x) { return tanh(x); });
    case Activation::gelu:
      return apply([](Vec<T> x) { return geluOf(x); });
    case Activation::geluTanh:
      return apply([](Vec<T> x) { return geluTanhOf(x); });
    case Activation::silu:
      return apply([](Vec<T> x) { return siluOf(x); });
    case Activation::none:
    case Activation::count:
      return;
  }
}

// Rows of B that a streaming tile asks for ahead of their use: at 8 to 14 cycles a row some 300
// cycles, what the third-level cache takes under load. From 16 to 128 rows the speeds of 2 to 14
// rows by 1024 x 1024 were the same but for noise; 32 was the best for 8 rows.
constexpr int64_t kStreamAhead = 32;

// Steps of a tile between requests for memory that is needed later.
constexpr int64_t kStepsPerTurn = 16;

// The last vector of a row of tiles may be partial; `Full` says it isn't.
template <class T, bool Full>
TG_INLINE Vec<T> loadPart(const T* p, int count) {
  if constexpr (Full) return vload<T>(p);
  return vloadFirst<T>(p, count);
}

// C = beta * C in the columns [j, j + cols) of a tile's rows.
template <class T>
TG_NOINLINE void gemmStart(const GemmTile<T>& t, int64_t rows, int64_t j, int64_t cols) {
  const Vec<T> beta = vsplat<T>(t.beta);
  eachVector(rows, cols, t.c + j, t.cRow, [&](Vec<T> x, int64_t, int64_t) { return mul(x, beta); });
}

template <class T>
TG_INLINE const T* afterBytes(const T* p, int64_t bytes) {
  return reinterpret_cast<const T*>(reinterpret_cast<const char*>(p) + bytes);
}

// The tile at column j of t's columns, `cols` wide.
template <class T, int R, int V, bool Full>
TG_INLINE void gemmTile(const GemmTile<T>& t, int64_t j = 0, int64_t cols = V * kLanes<T>) {
  constexpr int L = kLanes<T>;
  const int last = static_cast<int>(cols) - (V - 1) * L;  // columns of the last vector, 1..L
  T* const tileC = t.c + j;
  const T* const tileBias = t.bias ? t.bias + j : nullptr;
  // {} only because GCC 12 warns: it doesn't see that loops fill these.
  Vec<T> acc[R][V] = {}, bias[V] = {};
  TG_UNROLL for (int v = 0; v < V; ++v) {
    bias[v] = vsplat<T>(0);
    if (tileBias) {
      bias[v] = v == V - 1 ? loadPart<T, Full>(tileBias + v * L, last) : vload<T>(tileBias + v * L);
    }
  }
  if (t.beta == 0) {
    TG_UNROLL for (int r = 0; r < R; ++r) {
      TG_UNROLL for (int v = 0; v < V; ++v) acc[r][v] = bias[v];
    }
  } else {
    // Chains mostly go on from what an earlier block of k left. Anything else is computed in C, as
    // it would be as much code in each shape of a tile as the products.
    if (t.beta != 1) gemmStart(t, R, j, cols);
    TG_UNROLL for (int r = 0; r < R; ++r) {
      TG_UNROLL for (int v = 0; v < V; ++v) {
        const T* c = tileC + r * t.cRow + v * L;
        acc[r][v] = v == V - 1 ? loadPart<T, Full>(c, last) : vload<T>(c);
      }
    }
  }

  // Rows are addressed from one base pointer in three: base, base + stride, base + 2 * stride fit
  // x86 addressing modes, so 14 rows need 5 pointers instead of 14.
  constexpr int kBases = (R + 2) / 3;
  const T* base[kBases];
  TG_UNROLL for (int i = 0; i < kBases; ++i) base[i] = t.a + 3 * i * t.aRow;
  const T* b = t.b + j;
  const int64_t aRow = t.aRow, bRow = t.bRow;
  // Hidden: GCC would make a copy of each loop for a stride of 1, a fourth of all code of tiles.
  const int64_t aStep = hidden(t.aCol * static_cast<int64_t>(sizeof(T)));
  // `step` sees each row of B.
  const auto multiply = [&](int64_t steps, const auto& step) TG_INLINE_LAMBDA {
    for (int64_t p = steps; p > 0; --p) {
      Vec<T> bv[V];
      TG_UNROLL for (int v = 0; v < V; ++v) {
        bv[v] = v == V - 1 ? loadPart<T, Full>(b + v * L, last) : vload<T>(b + v * L);
      }
      step(bv);
      TG_UNROLL for (int r = 0; r < R; ++r) {
        const Vec<T> a = vsplat<T>(base[r / 3][(r % 3) * aRow]);
        TG_UNROLL for (int v = 0; v < V; ++v) acc[r][v] = fma(a, bv[v], acc[r][v]);
      }
      TG_UNROLL for (int i = 0; i < kBases; ++i) base[i] = afterBytes(base[i], aStep);
      b += bRow;
    }
  };
  const auto nothing = [](const Vec<T>(&)[V]) {};
  T* panel = t.panel;
  const auto keep = [&](const Vec<T>(&row)[V]) TG_INLINE_LAMBDA {
    if (panel) {
      TG_UNROLL for (int v = 0; v < V; ++v) store(panel + v * L, row[v]);
      panel += V * L;
    }
  };
  if (!Full || (V > kTileVecs && !t.streams)) {  // wide tiles have nothing to fetch or to leave
    multiply(t.k, nothing);
  } else if (t.streams) {
    const T* later = b + kStreamAhead * bRow;
    multiply(t.k, [&](const Vec<T>(&row)[V]) TG_INLINE_LAMBDA {
      TG_UNROLL for (int v = 0; v < V; ++v) prefetch(later + v * L);
      later += bRow;
      keep(row);
    });
  } else if (V <= kTileVecs) {
    // Requests are spread over the steps: the CPU can have only so many misses under way, and a
    // burst of them holds up the loads of the steps around it.
    const int64_t turn = t.nextC ? kStepsPerTurn : t.k;
    const int64_t turns = (t.k + kStepsPerTurn - 1) / kStepsPerTurn;
    int64_t linesOfC = R;
    if (turns >= R) linesOfC = 1;
    int64_t rowsOfC = t.nextC ? R : 0;
    const T* nextC = t.nextC;
    const char* ahead = t.ahead;
    const int64_t rowGap = t.aheadTurn - t.aheadCount * t.aheadStep;
    int64_t pairs = t.nextC ? t.aheadCount * t.aheadTurns : 0, inRow = t.aheadCount;
    const int64_t pairsPerTurn = pairs > 0 ? (pairs + turns - 1) / turns : 0;
    for (int64_t left = t.k; left > 0; left -= turn) {
      for (int64_t i = rowsOfC > 0 ? linesOfC : 0; i > 0; --i) {
        TG_UNROLL for (int v = 0; v < V; ++v) prefetch(nextC + v * L);
        prefetch(nextC + V * L - 1);  // a row that begins within a line ends in one more
        nextC += t.cRow;
      }
      rowsOfC -= linesOfC;
      int64_t now = pairs < pairsPerTurn ? pairs : pairsPerTurn;
      pairs -= now;
      for (; now > 0; --now) {
        prefetch(ahead);
        prefetch(ahead + 64);
        ahead += t.aheadStep;
        if (--inRow == 0) {
          inRow = t.aheadCount;
          ahead += rowGap;
        }
      }
      multiply(left < turn ? left : turn, keep);
    }
  }

  const GemmFinish<T>* const finish = t.finish;
  const bool light =
      finish && finish->use != Side::derivative &&
      (finish->activation == Activation::none || finish->activation == Activation::relu);
  if (light) {
    if (finish->use == Side::add) {
      TG_UNROLL for (int r = 0; r < R; ++r) {
        TG_UNROLL for (int v = 0; v < V; ++v) {
          const T* side = t.side + j + r * t.sideRow + v * L;
          acc[r][v] = add(acc[r][v], v == V - 1 ? loadPart<T, Full>(side, last) : vload<T>(side));
        }
      }
    }
    if (finish->activation == Activation::relu) {
      TG_UNROLL for (int r = 0; r < R; ++r) {
        TG_UNROLL for (int v = 0; v < V; ++v) acc[r][v] = reluOf(acc[r][v]);
      }
    }
  }
  TG_UNROLL for (int r = 0; r < R; ++r) {
    TG_UNROLL for (int v = 0; v < V; ++v) {
      T* c = tileC + r * t.cRow + v * L;
      if (!Full && v == V - 1) {
        storeFirst(c, acc[r][v], last);
      } else {
        store(c, acc[r][v]);
      }
    }
  }
  if (finish && !light) gemmFinish(R, cols, tileC, t.cRow, *finish, t.side + j, t.sideRow);
}

template <class T, int R>
void gemmRows(const GemmTile<T>& t) {
  constexpr int64_t L = kLanes<T>, kWidth = kTileVecs * L;
  int64_t j = 0;
  for (; t.cols - j >= kWidth; j += kWidth) gemmTile<T, R, kTileVecs, true>(t, j);
  const int64_t rest = t.cols - j;
  if (rest == 0) return;
  // Whole vectors too: a mask costs a tile nothing.
  if constexpr (kTileVecs == 2) {
    if (rest > L) return gemmTile<T, R, 2, false>(t, j, rest);
  }
  gemmTile<T, R, 1, false>(t, j, rest);
}

// Vectors of columns of a tile that has R rows to itself: as many as there are registers for, but
// no more than 8. The more columns, the fewer loads of A for each value of B, and the longer the
// runs in which B is read. A power of two, because CPUs fetch cache lines in aligned pairs: with 8
// rows and rows of B 4 KB apart, 3 vectors of 64 bytes reached 170 GFLOP/s and 2 reached 220 (Zen
// 5, one core, B in the third-level cache).
constexpr int kAccumulators = kTileRows * kTileVecs;
constexpr int wideVecs(int rows) {
  int vecs = kTileVecs;
  while (vecs < 8 && 2 * vecs * rows <= kAccumulators) vecs *= 2;
  return vecs;
}

// Few steps from the first-level cache are done faster by 6 x 4 registers (10 loads for 24 FMAs)
// than by 14 x 2 (16 loads for 28), which reach 97 to 98 and 94 to 96 % of the peak at 64 cubed, 98
// and 88 to 95 at 500 x 64 x 64; 7 x 4 reach 96 to 97.
#if defined(TG_TARGET_AVX512)
constexpr int kShortRows = 6;
#else
constexpr int kShortRows = 0;  // no tile is wider than the tallest ones
#endif

// Half of that, where it is still wider than a tile: for what is left at the end.
constexpr int halfVecs(int rows) {
  return wideVecs(rows) / 2 > kTileVecs ? wideVecs(rows) / 2 : wideVecs(rows);
}

template <class T, int R>
void gemmWide(const GemmTile<T>& t) {
  constexpr int kWide = wideVecs(R), kHalf = halfVecs(R);
  int64_t j = 0;
  for (; t.cols - j >= kWide * kLanes<T>; j += kWide * kLanes<T>) gemmTile<T, R, kWide, true>(t, j);
  if constexpr (kHalf < kWide) {
    if (j < t.cols) gemmTile<T, R, kHalf, true>(t, j);
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
  kernels.wide[R - 1] = wideVecs(R) > kTileVecs ? gemmWide<T, R> : gemmRows<T, R>;
  kernels.wideCols[R - 1] = halfVecs(R) * kLanes<T>;
  if constexpr (R < kTileRows) fillGemmTiles<T, R + 1>(kernels);
}

template <class T>
constexpr GemmKernels<T> gemmKernels() {
  GemmKernels<T> kernels{};
  kernels.maxRows = kTileRows;
  kernels.maxCols = kTileVecs * kLanes<T>;
  fillGemmTiles<T>(kernels);
  kernels.shortRows = kShortRows;
  kernels.packPanel = gemmPackPanel<T, kTileVecs>;
  kernels.packTileOfA = gemmPackTileOfA<T>;
  kernels.turn = gemmTurn<T>;
  kernels.streamRows = gemvStreamRows<T>;
  kernels.rowVecs = kRowVecs;
  fillGemvRows<T>(kernels);
  kernels.maxStreamed = kStreamed;
  fillGemmStreams<T>(kernels);
  kernels.dotRows = kDotRows;
  kernels.narrowCols = kDotTurnedRows<T>;
  fillGemmDots<T>(kernels);
  fillGemmOuter<T>(kernels);
  kernels.finish = gemmFinish<T>;
  kernels.copyRuns = convCopyRuns<T>;
  kernels.copyVectors = convCopyVectors<T>;
  kernels.sumTaps = convSumTaps<T>;
  kernels.peak = gemmPeak<T>;
  kernels.peakFlops = 2 * kPeakChains * kLanes<T>;
  return kernels;
}

TG_TARGET_END
