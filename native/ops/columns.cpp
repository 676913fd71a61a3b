#include "columns.h"

namespace tilegrad {

Tiles columnTiles(const Loops& loops, int operands) {
  constexpr int64_t kNarrow = 64;
  const Tiles tiles = makeTiles(loops, operands, 1, kTaskCols);
  if (elementCount(tiles.tasks) >= numThreads()) return tiles;
  return makeTiles(loops, operands, 1, kNarrow);
}

bool takeLines(const Command& c, int operands, Lines* lines) {
  const Geometry& g = c.geometry;
  if (isEmpty(g)) return false;
  const int last = g.rank - 1;
  takeDimensions(g, 0, last, operands, &lines->loops);
  sortByStride(&lines->loops, operands, 0);
  mergeDimensions(&lines->loops, operands);
  lines->operands = operands;
  lines->n = g.shape[last];
  lines->sideBySide = lines->loops.rank > 0;
  for (int k = 0; k < operands; ++k) {
    lines->step[k] = g.stride[k][last];
    const int inner = lines->loops.rank - 1;
    if (inner >= 0 && lines->loops.stride[k][inner] != 1) lines->sideBySide = false;
  }
  return true;
}

void runColumns(const Lines& lines, int64_t elementBytes, ColumnsTask f, const void* context) {
  const Tiles tiles = columnTiles(lines.loops, lines.operands);
  const int64_t widest = tiles.cols < tiles.tileCols ? tiles.cols : tiles.tileCols;
  parallelShares(elementCount(tiles.tasks), 1, lines.n * widest * elementBytes, kLightShare,
                 [&](int64_t begin, int64_t end) {
                   Odometer at(tiles.tasks, lines.operands, begin);
                   for (int64_t task = begin; task < end; ++task, at.next()) {
                     f(context, tiles.colsOf(at), at);
                   }
                 });
}

void runLines(const Lines& lines, int together, int64_t elementBytes, LinesTask f,
              const void* context) {
  parallelShares(elementCount(lines.loops), together, lines.n * elementBytes, kHeavyShare,
                 [&](int64_t begin, int64_t end) {
                   Odometer at(lines.loops, lines.operands, begin);
                   Offsets offset;
                   for (int64_t i = begin; i < end;) {
                     int group = 0;
                     for (; group < together && i < end; ++group, ++i, at.next()) {
                       for (int k = 0; k < lines.operands; ++k) {
                         offset[k][group] = at.offset(k);
                       }
                     }
                     f(context, group, offset);
                   }
                 });
}

}  // namespace tilegrad
