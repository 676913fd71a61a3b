// Operations on a table along one dimension, at places that an index names. Their geometry has the
// dimensions of the index first and the table's dimension last: the table doesn't move along the
// place of that dimension among the first ones, index and values don't move along the last. So the
// trampoline knows all that an index inside its dimension can reach.
#pragma once
#include "../loops.h"

namespace tilegrad {

// Operands of an indexed row, in the order of its signature.
enum Indexed : int { kTable, kIndex, kValues, kIndexedOperands };

struct IndexedLoops {
  Loops loops;   // over the index
  int64_t size;  // of the table's dimension
  int64_t step;  // from one of its places to the next
  bool wraps;    // negative indices count from the end

  // The place that an index names, inside or not.
  int32_t place(int32_t index) const {
    const bool fromEnd = wraps && index < 0;
    const uint32_t length = fromEnd ? static_cast<uint32_t>(size) : 0;
    return static_cast<int32_t>(static_cast<uint32_t>(index) + length);
  }
};

// What a row with such a geometry checks before it runs.
const char* checkIndexed(const Command& c);

// The loops of such a geometry. False when there is nothing to do.
bool takeIndexed(const Geometry& g, bool wraps, IndexedLoops* indexed);

// Indices that are looked at together: 1 KB on the stack.
constexpr int kIndexBlock = 256;

// Copies up to kIndexBlock indices, filled up to a multiple of 64 with the first of them, and says
// whether all of the copies are in [low, high) and none is `skip`. What another JavaScript thread
// writes to the index after that doesn't matter. 0 <= low <= high <= 2^31.
bool copyIndices(const int32_t* index, int64_t n, int64_t step, int64_t low, int64_t high,
                 int64_t skip, int32_t* copies);

// The same for the places that indices name.
bool copyPlaces(const IndexedLoops& indexed, const int32_t* index, int64_t n, int64_t step,
                int64_t low, int64_t high, int64_t skip, int32_t* copies);

// The same for indices that may count from the end of their dimension: the copies count from its
// beginning. size <= 2^31.
bool wrapIndices(const int32_t* index, int64_t n, int64_t step, int64_t size, int32_t* copies);

// Whether every index is inside the dimension. Each element of the index is looked at once, however
// often the loops come by.
bool allInside(const IndexedLoops& indexed, const int32_t* index);

// An index as read for use. It was inside when it was checked, but memory that another JavaScript
// thread shares may have changed since; then its value is not used.
// No size is beyond 2^31 (checkIndexed), so one unsigned comparison tells.
inline bool isInside(int32_t index, int64_t size) {
  return static_cast<uint32_t>(index) < static_cast<uint64_t>(size);
}

}  // namespace tilegrad
