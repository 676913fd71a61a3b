// One thread's matrix product as C^T = B^T A^T in tiles, for gemm.cpp: a B that is contiguous along
// k (NT) is then the operand whose values are broadcast, read where they are, and it is A that is
// transposed to be packed, which for few rows is much less.
#pragma once
#include "../../base/scratch.h"
#include "gemm.h"
#include "gemm_blocks.h"

namespace tilegrad {

template <class T>
class TurnedProduct {
 public:
  TurnedProduct(const Product<T>& product, const GemmPlan& gemmPlan)
      : g(product),
        plan(gemmPlan),
        kernels(floatKernels<T>().gemm),
        width(plan.tileCols),
        strip(plan.blockCols) {}

  Status run() {
    const int64_t panels = ceilDiv(g.m, width);
    panel = static_cast<T*>(
        scratch(ScratchSlot::panel, static_cast<size_t>(panels * width * g.k) * sizeof(T)));
    part = static_cast<T*>(
        scratch(ScratchSlot::block, static_cast<size_t>(panels * width * strip) * sizeof(T)));
    if (!panel || !part) return Status::outOfMemory;
    for (int64_t i = 0; i < g.m; i += width) {
      kernels.packPanel(g.k, min64(g.m - i, width), g.a + i * g.aRow, g.aCol, g.aRow,
                        panel + i * g.k);
    }
    for (int64_t j = 0; j < g.n; j += strip) runStrip(j, min64(g.n - j, strip));
    return Status::ok;
  }

 private:
  // Columns [j, j + cols) of C.
  void runStrip(int64_t j, int64_t cols) {
    if (g.beta != 0 || g.bias) start(j, cols);
    for (int64_t p = 0; p < g.k; p += plan.blockDepth) runSteps(j, cols, p);
    T* const c = g.c + j;
    for (int64_t i = 0; i < g.m; i += width) {
      kernels.turn(min64(g.m - i, width), cols, part + i * strip, width, c + i * g.cRow, g.cRow);
    }
    if (!g.finishes()) return;
    kernels.finish(g.m, cols, c, g.cRow, g.finish, g.side ? g.side + j : nullptr, g.sideRow);
  }

  // C^T before the products are added.
  void start(int64_t j, int64_t cols) {
    for (int64_t i = 0; i < g.m; i += width) {
      T* const to = part + i * strip;
      if (g.beta != 0) {
        kernels.turn(cols, min64(g.m - i, width), g.c + i * g.cRow + j, g.cRow, to, width);
        continue;
      }
      constexpr int64_t kTogether = 8;  // which divides all widths, and lets compilers use vectors
      for (int64_t r = 0; r < cols; ++r) {
        const T x = g.bias[j + r];
        for (int64_t q = 0; q < width; q += kTogether) {
          for (int64_t lane = 0; lane < kTogether; ++lane) to[r * width + q + lane] = x;
        }
      }
    }
  }

  // Steps of the block of k that begins at p: tiles of B's rows meet all panels.
  void runSteps(int64_t j, int64_t cols, int64_t p) {
    GemmTile<T> tile{};
    tile.k = min64(g.k - p, plan.blockDepth);
    tile.a = g.b + j * g.bCol + p * g.bRow;
    tile.aRow = g.bCol;
    tile.aCol = g.bRow;
    tile.bRow = width;
    tile.cRow = width;
    tile.beta = p > 0 || g.bias ? T{1} : g.beta;
    T* c = part;
    eachTile(cols, plan.tileRows, [&](int64_t rows) {
      for (int64_t i = 0; i < g.m; i += width) {
        tile.cols = min64(g.m - i, width);
        tile.b = panel + i * g.k + p * width;
        tile.c = c + i * strip;
        kernels.tile[rows - 1](tile);
      }
      tile.a += rows * g.bCol;
      c += rows * width;
    });
  }

  const Product<T>& g;
  const GemmPlan& plan;
  const GemmKernels<T>& kernels;
  const int64_t width, strip;
  T *panel = nullptr, *part = nullptr;  // A^T in panels; strips of C^T, one for each panel
};

}  // namespace tilegrad
