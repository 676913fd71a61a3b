// What the ways through a product in tiles have in common: a tile's fields. For gemm_tiled.h and
// gemm_in_place.h.
#pragma once
#include "../dispatch.h"
#include "gemm.h"

namespace tilegrad {

// The fields of a tile that don't change within a block of k, and nothing in the others. Field by
// field, here and in what small products pass through: GCC clears a structure of this size by
// `rep stos`, which takes 5 ns.
template <class T>
inline GemmTile<T> tileFor(const Product<T>& g, const GemmPlan& plan, int64_t depth, bool first,
                           bool last) {
  GemmTile<T> tile;
  tile.cols = 0;
  tile.k = depth;
  tile.a = tile.b = tile.bias = tile.side = tile.nextC = nullptr;
  tile.c = tile.panel = nullptr;
  tile.ahead = nullptr;
  tile.aheadTurns = tile.aheadTurn = tile.aheadStep = tile.aheadCount = 0;
  tile.aRow = g.aRow;
  tile.aCol = g.aCol;
  tile.bRow = plan.path == GemmPath::packed ? plan.tileCols : g.bRow;
  tile.cRow = g.cRow;
  tile.sideRow = g.sideRow;
  tile.beta = first ? g.beta : T{1};
  tile.finish = last && g.finishes() ? &g.finish : nullptr;
  tile.streams = plan.streamB;
  return tile;
}

// Moves the tile to columns [j, j + cols) of row i.
template <class T>
inline void placeTile(const Product<T>& g, int64_t i, int64_t j, int64_t cols, bool first,
                      GemmTile<T>* tile) {
  tile->cols = cols;
  tile->c = g.c + i * g.cRow + j;
  tile->bias = first && g.bias ? g.bias + j : nullptr;
  tile->side = g.side ? g.side + i * g.sideRow + j : nullptr;
}

// The sums of columns [j, j + cols) of B, which begin at b.
template <class T>
inline void sumColumns(const Product<T>& g, const T* b, int64_t j, int64_t cols) {
  floatKernels<T>().columns.sumRows(g.k, cols, b, g.bRow, g.columnSums + j);
}

}  // namespace tilegrad
