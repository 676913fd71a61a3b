// Tasks of operations that work down independent columns, which lie side by side, or along lines.
#pragma once
#include "loops.h"
#include "parallel.h"

namespace tilegrad {

// Columns of one task: whole strips of the kernels' widest (64 values), and at most 2 KB of float64
// results on the stack.
constexpr int64_t kTaskCols = 256;

// Tiles of one row of columns, narrower ones when there are fewer tasks than threads: down to a
// cache line of the widest vectors' loads.
Tiles columnTiles(const Loops& loops, int operands);

// The lines of a command with their first elements.
struct Lines {
  Loops loops;
  int operands;
  int64_t n;                       // elements of a line
  int64_t step[kMaxLoopOperands];  // along it, by operand
  bool sideBySide;                 // in all operands
};

// False when there is nothing to do.
bool takeLines(const Command& c, int operands, Lines* lines);

using ColumnsTask = void (*)(const void* context, int64_t cols, const Odometer& at);
void runColumns(const Lines& lines, int64_t elementBytes, ColumnsTask f, const void* context);

// f(columns, at) for tiles of lines that lie side by side.
template <class F>
void overColumns(const Lines& lines, int64_t elementBytes, const F& f) {
  runColumns(
      lines, elementBytes,
      [](const void* context, int64_t cols, const Odometer& at) {
        (*static_cast<const F*>(context))(cols, at);
      },
      &f);
}

// Offsets of the lines of one group, by operand.
constexpr int kMostTogether = 16;
using Offsets = int64_t[kMaxLoopOperands][kMostTogether];

using LinesTask = void (*)(const void* context, int count, const Offsets& offset);

void runLines(const Lines& lines, int together, int64_t elementBytes, LinesTask f,
              const void* context);

// f(count, offsets) for groups of up to `together` lines.
template <class F>
void overLines(const Lines& lines, int together, int64_t elementBytes, const F& f) {
  runLines(
      lines, together, elementBytes,
      [](const void* context, int count, const Offsets& offset) {
        (*static_cast<const F*>(context))(count, offset);
      },
      &f);
}

}  // namespace tilegrad
