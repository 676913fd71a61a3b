// Tasks of operations that work down independent columns, which lie side by side.
#pragma once
#include "loops.h"
#include "parallel.h"

namespace tilegrad {

// Columns of one task: whole strips of the kernels' widest (64 values), and at most 2 KB of float64
// results on the stack.
constexpr int64_t kTaskCols = 256;

// Tiles of one row of columns, narrower ones when there are fewer tasks than threads: down to a
// cache line of the widest vectors' loads.
inline Tiles columnTiles(const Loops& loops, int operands) {
  constexpr int64_t kNarrow = 64;
  const Tiles tiles = makeTiles(loops, operands, 1, kTaskCols);
  if (elementCount(tiles.tasks) >= numThreads()) return tiles;
  return makeTiles(loops, operands, 1, kNarrow);
}

}  // namespace tilegrad
