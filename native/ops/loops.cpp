#include "loops.h"

namespace tilegrad {
namespace {

int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }
int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

void swapDimensions(Loops* loops, int operands, int a, int b) {
  const int64_t size = loops->shape[a];
  loops->shape[a] = loops->shape[b];
  loops->shape[b] = size;
  for (int k = 0; k < operands; ++k) {
    const int64_t stride = loops->stride[k][a];
    loops->stride[k][a] = loops->stride[k][b];
    loops->stride[k][b] = stride;
  }
}

}  // namespace

bool takeDimensions(const Geometry& g, int from, int to, int operands, Loops* loops) {
  loops->rank = 0;
  bool any = true;
  for (int d = from; d < to; ++d) {
    if (g.shape[d] == 0) any = false;
    if (g.shape[d] == 1) continue;
    loops->shape[loops->rank] = g.shape[d];
    for (int k = 0; k < operands; ++k) loops->stride[k][loops->rank] = g.stride[k][d];
    ++loops->rank;
  }
  return any;
}

void sortByStride(Loops* loops, int operands, int operand) {
  // Insertion sort: stable, and mostly nothing moves.
  for (int i = 1; i < loops->rank; ++i) {
    for (int j = i; j > 0; --j) {
      const int64_t* stride = loops->stride[operand];
      if (magnitude(stride[j - 1]) >= magnitude(stride[j])) break;
      swapDimensions(loops, operands, j - 1, j);
    }
  }
}

void mergeDimensions(Loops* loops, int operands) {
  int last = 0;
  for (int d = 1; d < loops->rank; ++d) {
    bool joins = true;
    for (int k = 0; k < operands && joins; ++k) {
      // Extents were checked, so only a dimension that no operand moves along could overflow here,
      // and there is none; still, compare by division.
      const int64_t inner = loops->stride[k][d], outer = loops->stride[k][last];
      joins = inner == 0 ? outer == 0 : outer % inner == 0 && outer / inner == loops->shape[d];
    }
    if (joins) {
      loops->shape[last] *= loops->shape[d];
    } else {
      loops->shape[++last] = loops->shape[d];
    }
    for (int k = 0; k < operands; ++k) loops->stride[k][last] = loops->stride[k][d];
  }
  if (loops->rank > 0) loops->rank = last + 1;
}

bool pairWithUnitStride(Loops* loops, int operands, int operand) {
  for (int d = 0; d + 1 < loops->rank; ++d) {
    if (magnitude(loops->stride[operand][d]) != 1) continue;
    for (; d + 2 < loops->rank; ++d) swapDimensions(loops, operands, d, d + 1);
    return true;
  }
  return false;
}

int64_t elementCount(const Loops& loops) {
  constexpr int64_t kMost = int64_t{1} << 62;
  int64_t count = 1;
  for (int d = 0; d < loops.rank; ++d) {
    if (count > kMost / loops.shape[d]) return kMost;
    count *= loops.shape[d];
  }
  return count;
}

int flatStep(const Geometry& g, int operand) {
  int64_t expected = 1;
  bool contiguous = true, constant = true;
  for (int d = g.rank - 1; d >= 0; --d) {
    if (g.shape[d] == 1) continue;
    const int64_t stride = g.stride[operand][d];
    if (stride != 0) constant = false;
    if (stride != expected) contiguous = false;
    if (contiguous) {
      expected *= g.shape[d];
    } else if (!constant) {
      return -1;
    }
  }
  return contiguous ? 1 : 0;
}

int64_t flatCount(const Geometry& g) {
  int64_t count = 1;
  for (int d = 0; d < g.rank; ++d) count *= g.shape[d];
  return count;
}

bool isEmpty(const Geometry& g) {
  for (int d = 0; d < g.rank; ++d) {
    if (g.shape[d] == 0) return true;
  }
  return false;
}

Odometer::Odometer(const Loops& loops, int operands, int64_t linear)
    : loops_(loops), operands_(operands) {
  for (int k = 0; k < operands; ++k) offset_[k] = 0;
  for (int d = loops.rank - 1; d >= 0; --d) {
    index_[d] = linear % loops.shape[d];
    linear /= loops.shape[d];
    for (int k = 0; k < operands; ++k) offset_[k] += index_[d] * loops.stride[k][d];
  }
}

void Odometer::next() {
  for (int d = loops_.rank - 1; d >= 0; --d) {
    if (++index_[d] < loops_.shape[d]) {
      for (int k = 0; k < operands_; ++k) offset_[k] += loops_.stride[k][d];
      return;
    }
    for (int k = 0; k < operands_; ++k) {
      offset_[k] -= (loops_.shape[d] - 1) * loops_.stride[k][d];
    }
    index_[d] = 0;
  }
}

Tiles makeTiles(const Loops& loops, int operands, int64_t tileRows, int64_t tileCols) {
  Tiles tiles;
  tiles.tasks = loops;
  // Missing dimensions are of size 1, in front.
  for (; tiles.tasks.rank < 2; ++tiles.tasks.rank) {
    if (tiles.tasks.rank == 1) {
      tiles.tasks.shape[1] = tiles.tasks.shape[0];
      for (int k = 0; k < operands; ++k) tiles.tasks.stride[k][1] = tiles.tasks.stride[k][0];
    }
    tiles.tasks.shape[0] = 1;
    for (int k = 0; k < operands; ++k) tiles.tasks.stride[k][0] = 0;
  }
  const int r = tiles.tasks.rank - 2, c = r + 1;
  tiles.rows = tiles.tasks.shape[r];
  tiles.cols = tiles.tasks.shape[c];
  tiles.tileRows = tiles.rows == 1 ? 1 : tileRows;
  tiles.tileCols = tiles.rows == 1 ? tileRows * tileCols : tileCols;
  tiles.tasks.shape[r] = ceilDiv(tiles.rows, tiles.tileRows);
  tiles.tasks.shape[c] = ceilDiv(tiles.cols, tiles.tileCols);
  for (int k = 0; k < operands; ++k) {
    tiles.rowStride[k] = tiles.tasks.stride[k][r];
    tiles.colStride[k] = tiles.tasks.stride[k][c];
    tiles.tasks.stride[k][r] = tiles.rowStride[k] * tiles.tileRows;
    tiles.tasks.stride[k][c] = tiles.colStride[k] * tiles.tileCols;
  }
  return tiles;
}

}  // namespace tilegrad
