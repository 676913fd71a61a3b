// N-dimensional loops: how rows with a geometry walk over their operands.
#pragma once
#include "command.h"

namespace tilegrad {

constexpr int kMaxLoopOperands = 4;

// Dimensions (outermost first) with each operand's strides, in elements. Rank 0 is one element.
struct Loops {
  int rank;
  int64_t shape[kMaxRank];
  int64_t stride[kMaxLoopOperands][kMaxRank];
};

// Dimensions [from, to) of a geometry for its first `operands` operands, without those of size 1.
// False when one of them is empty: there is nothing to do.
bool takeDimensions(const Geometry& g, int from, int to, int operands, Loops* loops);

// Sorts the dimensions so that the operand's strides descend in magnitude: its memory order.
void sortByStride(Loops* loops, int operands, int operand);

// Merges neighbours that every operand walks as one dimension.
void mergeDimensions(Loops* loops, int operands);

// Where an operand's elements are neighbours along another dimension than the last, makes that the
// last but one: a tile of the two is then as little memory of the operand as there can be. False
// when there is no such dimension.
bool pairWithUnitStride(Loops* loops, int operands, int operand);

// The number of elements, at most 2^62 (overlapping views of tiny arrays can name any shape).
int64_t elementCount(const Loops& loops);

// The step of an operand that the whole geometry walks as one dimension: 1 when it is contiguous, 0
// when it is one element for all, -1 otherwise. No dimension may be empty.
int flatStep(const Geometry& g, int operand);

// Number of elements of a geometry with a contiguous operand (so that it can't overflow).
int64_t flatCount(const Geometry& g);

bool isEmpty(const Geometry& g);

// A position in Loops with each operand's offset there.
class Odometer {
 public:
  // Starts at element `linear`, row-major.
  Odometer(const Loops& loops, int operands, int64_t linear);
  void next();
  int64_t offset(int operand) const { return offset_[operand]; }
  int64_t index(int dimension) const { return index_[dimension]; }

 private:
  const Loops& loops_;
  int operands_;
  int64_t index_[kMaxRank];
  int64_t offset_[kMaxLoopOperands];
};

// The two innermost dimensions cut into tiles, so that operands with different memory orders (a
// transposed one and a contiguous one) both stay in cache. Tasks may run in any order.
struct Tiles {
  Loops tasks;  // one element is one tile; the last two dimensions count tiles of rows and columns
  int64_t rows, cols;          // of the two dimensions
  int64_t tileRows, tileCols;  // of a whole tile
  int64_t rowStride[kMaxLoopOperands], colStride[kMaxLoopOperands];

  int64_t rowsOf(const Odometer& at) const {
    return rest(rows, tileRows, at.index(tasks.rank - 2));
  }
  int64_t colsOf(const Odometer& at) const {
    return rest(cols, tileCols, at.index(tasks.rank - 1));
  }

 private:
  static int64_t rest(int64_t size, int64_t tile, int64_t index) {
    const int64_t left = size - index * tile;
    return left < tile ? left : tile;
  }
};

// The tiles of loops: `tileRows` x `tileCols`, or 1 x (tileRows * tileCols) if there is one row
// only.
Tiles makeTiles(const Loops& loops, int operands, int64_t tileRows, int64_t tileCols);

}  // namespace tilegrad
