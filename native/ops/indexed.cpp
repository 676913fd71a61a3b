#include "indexed.h"

#include <string.h>

#include <atomic>

#include "parallel.h"

namespace tilegrad {
namespace {

// Indices that are compared before the next look at whether one was outside.
constexpr int64_t kBlock = 16384;

bool insideRun(const int32_t* index, int64_t n, int64_t step, int64_t size) {
  int32_t copies[kIndexBlock];
  bool inside = true;
  for (int64_t i = 0; i < n; i += kIndexBlock) {
    const int64_t count = n - i < kIndexBlock ? n - i : kIndexBlock;
    inside &= copyIndices(index + i * step, count, step, 0, size, -1, copies);
  }
  return inside;
}

}  // namespace

namespace {

// Up to kIndexBlock indices; a short block is filled up with its first one.
void copyBlock(const int32_t* index, int64_t n, int64_t step, int32_t* copies) {
  if (step == 1 && n == kIndexBlock) {
    memcpy(copies, index, sizeof(int32_t) * kIndexBlock);
    return;
  }
  for (int64_t i = 0; i < n; ++i) copies[i] = index[i * step];
  for (int64_t i = n; i < kIndexBlock; ++i) copies[i] = copies[0];
}

// Whether all of a block are in [low, low + count), count <= 2^31: neither what an index is beyond
// low nor what is left behind it may be negative. Of loops of a fixed length compilers make
// vectors.
bool isWithin(const int32_t* copies, int64_t low, int64_t count) {
  const uint32_t least = static_cast<uint32_t>(low), most = static_cast<uint32_t>(count - 1);
  uint32_t signs = 0;
  for (int i = 0; i < kIndexBlock; ++i) {
    const uint32_t beyond = static_cast<uint32_t>(copies[i]) - least;
    signs |= beyond | (most - beyond);
  }
  return signs >> 31 == 0;
}

}  // namespace

bool copyIndices(const int32_t* index, int64_t n, int64_t step, int64_t low, int64_t high,
                 int64_t skip, int32_t* copies) {
  copyBlock(index, n, step, copies);
  if (!isWithin(copies, low, high - low)) return false;
  if (skip < low || skip >= high) return true;
  const int32_t none = static_cast<int32_t>(skip);
  uint32_t found = 0;
  for (int i = 0; i < kIndexBlock; ++i) found |= copies[i] == none ? 1u : 0u;
  return found == 0;
}

bool wrapIndices(const int32_t* index, int64_t n, int64_t step, int64_t size, int32_t* copies) {
  copyBlock(index, n, step, copies);
  const uint32_t length = static_cast<uint32_t>(size);
  for (int i = 0; i < kIndexBlock; ++i) {
    const uint32_t at = static_cast<uint32_t>(copies[i]);
    copies[i] = static_cast<int32_t>(at + (length & (0u - (at >> 31))));
  }
  return isWithin(copies, 0, size);
}

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
