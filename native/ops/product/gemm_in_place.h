// One thread's small products, for gemm_tiled.h: B is read where it is, without blocks, by one tile
// of rows, or by several with so few steps that they take about as long as what blocks have around
// them.
#pragma once
#include "gemm.h"
#include "gemm_blocks.h"
#include "gemm_tile.h"

namespace tilegrad {

template <class T>
class InPlaceProduct {
 public:
  InPlaceProduct(const Product<T>& product, const GemmPlan& gemmPlan)
      : g(product), plan(gemmPlan), kernels(floatKernels<T>().gemm), width(plan.tileCols) {}

  void run() const {
    GemmTile<T> tile = tileFor(g, plan, g.k, true, true);
    if (isOuter()) return runOuter(tile);
    const int64_t wide = plan.shortCols > 0 ? kernels.wideCols[kernels.shortRows - 1] : 0;
    const int64_t end = wide > 0 ? g.n / wide * wide : 0;
    for (int64_t j = 0; j < end; j += plan.shortCols) {
      runRows(&tile, j, min64(end, j + plan.shortCols), kernels.shortRows);
    }
    if (end < g.n) runRows(&tile, end, g.n, kernels.maxRows);
    if (g.columnSums) sumColumns(g, g.b, 0, g.n);
  }

 private:
  // Columns [begin, end) of all rows, in tiles of at most `most` rows. A copy of the tile would be
  // read in other pieces than those that were just written, which a CPU doesn't forward: 15 ns.
  void runRows(GemmTile<T>* tile, int64_t begin, int64_t end, int64_t most) const {
    tile->a = g.a;
    tile->streams = plan.streamB;
    int64_t i = 0;
    eachTile(g.m, most, [&](int64_t rows) {
      const int64_t wide = kernels.wideCols[rows - 1];
      const int64_t j = wide > width ? begin + (end - begin) / wide * wide : begin;
      if (j > begin) {
        placeTile(g, i, begin, j - begin, true, tile);
        tile->b = g.b + begin;
        kernels.wide[rows - 1](*tile);
      }
      if (j < end) {
        placeTile(g, i, j, end - j, true, tile);
        tile->b = g.b + j;
        kernels.tile[rows - 1](*tile);
      }
      tile->streams = false;  // the next rows find B in cache
      tile->a += rows * g.aRow;
      i += rows;
    });
  }

  // Whether it is a plain product of so few steps that there is a kernel for them, and C small
  // enough to stay in a cache: memory is written faster in 14 places than in two (64 x 1 x 200000:
  // 1.3 ms in tiles, 1.9 by the kernel).
  bool isOuter() const {
    constexpr int64_t kBytes = static_cast<int64_t>(sizeof(T)), kMostBytes = 16 << 20;
    return g.k >= 1 && g.k <= kMaxOuterSteps && kernels.outer[g.k - 1] &&
           g.m >= kernels.outerRows[g.k - 1] && g.n * kBytes >= 64 &&
           g.n <= kMostBytes / kBytes / g.m && g.beta == 0 && !g.bias && !g.finishes();
  }

  // All rows by strips of columns whose part of B stays in the first-level cache beside the rows of
  // C that pass through: 200 x 4 x 10000 took 1.3 times as long in strips of 2048 columns as of
  // 512, and 2000 x 4 x 2000 1.5 times.
  void runOuter(GemmTile<T> tile) const {
    tile.a = g.a;
    constexpr int64_t kStripBytes = 8 << 10;
    const int64_t strip = kStripBytes / static_cast<int64_t>(sizeof(T)) / g.k;
    for (int64_t j = 0; j < g.n; j += tile.cols) {
      // The last strip is no narrower than others.
      placeTile(g, 0, j, g.n - j < 2 * strip ? g.n - j : strip, true, &tile);
      tile.b = g.b + j;
      kernels.outer[g.k - 1](g.m, tile);
    }
    if (g.columnSums) sumColumns(g, g.b, 0, g.n);
  }

  const Product<T>& g;
  const GemmPlan& plan;
  const GemmKernels<T>& kernels;
  const int64_t width;
};

// One copy for all who ask.
template <class T>
TG_NOINLINE void multiplyInPlace(const Product<T>& g, const GemmPlan& plan) {
  InPlaceProduct<T>(g, plan).run();
}

}  // namespace tilegrad
