#include "indexed.h"

#include <atomic>

#include "parallel.h"

namespace tilegrad {
namespace {

// Indices that are compared before the next look at whether one was outside.
constexpr int64_t kBlock = 16384;

bool insideRun(const int32_t* index, int64_t n, int64_t step, int64_t size) {
  const uint32_t limit = static_cast<uint32_t>(size);  // at most 2^31
  bool outside = false;
  if (step == 1) {
    // Of this one compilers make vectors.
    for (int64_t i = 0; i < n; ++i) outside |= static_cast<uint32_t>(index[i]) >= limit;
  } else {
    for (int64_t i = 0; i < n; ++i) outside |= static_cast<uint32_t>(index[i * step]) >= limit;
  }
  return !outside;
}

}  // namespace

const char* checkIndexed(const Command& c) {
  const Geometry& g = c.geometry;
  const int last = g.rank - 1;
  if (last < 0) return "the geometry lacks the table's dimension";
  if (g.shape[last] > (int64_t{1} << 31)) return "the table's dimension is beyond 32-bit indices";
  if (g.shape[last] > 1 && (g.stride[kIndex][last] != 0 || g.stride[kValues][last] != 0)) {
    return "index or values have a stride in the table's dimension";
  }
  if (c.type[kTable] != c.type[kValues]) return "table and values differ in type";
  return nullptr;
}

bool takeIndexed(const Geometry& g, IndexedLoops* indexed) {
  // No extent of an empty geometry was checked.
  if (isEmpty(g)) return false;
  const int last = g.rank - 1;
  indexed->size = g.shape[last];
  indexed->step = g.stride[kTable][last];
  takeDimensions(g, 0, last, kIndexedOperands, &indexed->loops);
  return true;
}

bool allInside(const IndexedLoops& indexed, const int32_t* index) {
  const Loops& all = indexed.loops;
  Loops own;
  own.rank = 0;
  for (int d = 0; d < all.rank; ++d) {
    if (all.stride[kIndex][d] == 0) continue;
    own.shape[own.rank] = all.shape[d];
    own.stride[0][own.rank++] = all.stride[kIndex][d];
  }
  mergeDimensions(&own, 1);
  // One row of at most kBlock indices is a tile.
  const Tiles tiles = makeTiles(own, 1, 1, kBlock);
  std::atomic<bool> inside{true};
  const int64_t cols = tiles.cols < kBlock ? tiles.cols : kBlock;
  parallelShares(elementCount(tiles.tasks), 1, cols * static_cast<int64_t>(sizeof(int32_t)),
                 kLightShare, [&](int64_t begin, int64_t end) {
                   Odometer at(tiles.tasks, 1, begin);
                   for (int64_t task = begin; task < end && inside; ++task, at.next()) {
                     if (!insideRun(index + at.offset(0), tiles.colsOf(at), tiles.colStride[0],
                                    indexed.size)) {
                       inside = false;
                     }
                   }
                 });
  return inside;
}

}  // namespace tilegrad
