#include "indexed.h"

#include <string.h>

#include "../dispatch.h"
#include "../parallel.h"

namespace tilegrad {
namespace {

// Indices that are compared before the next look at whether one was outside.
constexpr int64_t kBlock = 16384;

// Copies that loops of a fixed length go over, of which compilers make vectors.
constexpr int64_t kTogether = 64;
static_assert(kIndexBlock % kTogether == 0, "a block is made of whole loops");

// Up to kIndexBlock indices, filled up with the first one to whole loops; returns how many copies
// there are.
int64_t copyBlock(const int32_t* index, int64_t n, int64_t step, int32_t* copies) {
  if (step == 1) {
    memcpy(copies, index, sizeof(int32_t) * static_cast<size_t>(n));
  } else {
    for (int64_t i = 0; i < n; ++i) copies[i] = index[i * step];
  }
  const int64_t end = (n + kTogether - 1) / kTogether * kTogether;
  for (int64_t i = n; i < end; ++i) copies[i] = copies[0];
  return end;
}

// Counts negative ones among whole loops of copies from the end of a dimension.
void wrapCopies(int64_t end, int64_t size, int32_t* copies) {
  const uint32_t length = static_cast<uint32_t>(size);
  for (int64_t i = 0; i < end; i += kTogether) {
    for (int64_t j = 0; j < kTogether; ++j) {
      const uint32_t at = static_cast<uint32_t>(copies[i + j]);
      copies[i + j] = static_cast<int32_t>(at + (length & (0u - (at >> 31))));
    }
  }
}

// Whether whole loops of copies are all in [low, high) and none is `skip`.
bool areTaken(int64_t end, int64_t low, int64_t high, int64_t skip, const int32_t* copies) {
  if (!kernels().integer.indicesWithin(end, copies, low, high - low)) return false;
  if (skip < low || skip >= high) return true;
  const int32_t none = static_cast<int32_t>(skip);
  uint32_t found = 0;
  for (int64_t i = 0; i < end; i += kTogether) {
    for (int64_t j = 0; j < kTogether; ++j) found |= copies[i + j] == none ? 1u : 0u;
  }
  return found == 0;
}

bool insideRun(const IndexedLoops& indexed, const int32_t* index, int64_t n, int64_t step) {
  if (step == 1 && !indexed.wraps) {
    return kernels().integer.indicesWithin(n, index, 0, indexed.size);
  }
  int32_t copies[kIndexBlock];
  bool inside = true;
  for (int64_t i = 0; i < n; i += kIndexBlock) {
    const int64_t count = n - i < kIndexBlock ? n - i : kIndexBlock;
    inside &= copyPlaces(indexed, index + i * step, count, step, 0, indexed.size, -1, copies);
  }
  return inside;
}

}  // namespace

bool copyIndices(const int32_t* index, int64_t n, int64_t step, int64_t low, int64_t high,
                 int64_t skip, int32_t* copies) {
  return areTaken(copyBlock(index, n, step, copies), low, high, skip, copies);
}

bool copyPlaces(const IndexedLoops& indexed, const int32_t* index, int64_t n, int64_t step,
                int64_t low, int64_t high, int64_t skip, int32_t* copies) {
  const int64_t end = copyBlock(index, n, step, copies);
  if (indexed.wraps) wrapCopies(end, indexed.size, copies);
  return areTaken(end, low, high, skip, copies);
}

bool wrapIndices(const int32_t* index, int64_t n, int64_t step, int64_t size, int32_t* copies) {
  const int64_t end = copyBlock(index, n, step, copies);
  wrapCopies(end, size, copies);
  return kernels().integer.indicesWithin(end, copies, 0, size);
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

bool takeIndexed(const Geometry& g, bool wraps, IndexedLoops* indexed) {
  // No extent of an empty geometry was checked.
  if (isEmpty(g)) return false;
  const int last = g.rank - 1;
  indexed->size = g.shape[last];
  indexed->step = g.stride[kTable][last];
  indexed->wraps = wraps;
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
  const int64_t cols = tiles.cols < kBlock ? tiles.cols : kBlock;
  const Status status = parallelSharesStatus(
      elementCount(tiles.tasks), 1, cols * static_cast<int64_t>(sizeof(int32_t)), kLightShare,
      [&](int64_t begin, int64_t end) {
        Odometer at(tiles.tasks, 1, begin);
        for (int64_t task = begin; task < end; ++task, at.next()) {
          if (!insideRun(indexed, index + at.offset(0), tiles.colsOf(at), tiles.colStride[0])) {
            return Status::badIndex;
          }
        }
        return Status::ok;
      });
  return status == Status::ok;
}

}  // namespace tilegrad
