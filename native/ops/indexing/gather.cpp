// Gathering: y = the elements of a table that an index names. What is contiguous behind one index
// (a row of an embedding) is copied as a whole.
#include <string.h>

#include "../elements.h"
#include "../parallel.h"
#include "../rows.h"
#include "indexed.h"

namespace tilegrad {
namespace {

// Elements of a task: enough to forget what a task costs, few enough to share one long row.
constexpr int64_t kTaskValues = 8192;

// One index for a whole run.
template <class T>
void copyRun(int64_t n, const T* x, int64_t xStep, T* y, int64_t yStep) {
  if (xStep == 1 && yStep == 1) {
    // Not memcpy: a hostile call may pass overlapping arrays.
    memmove(y, x, static_cast<size_t>(n) * sizeof(T));
    return;
  }
  for (int64_t i = 0; i < n; ++i) y[i * yStep] = x[i * xStep];
}

// An index for each element. False when one was outside.
template <class T>
bool gatherRun(const IndexedLoops& indexed, int64_t n, const T* x, int64_t xStep,
               const int32_t* index, int64_t indexStep, T* y, int64_t yStep) {
  // A copy, which stores to y can't change.
  const int64_t step = indexed.step;
  for (int64_t i = 0; i < n; i += kIndexBlock) {
    const int64_t count = n - i < kIndexBlock ? n - i : kIndexBlock;
    int32_t at[kIndexBlock];
    if (!copyPlaces(indexed, index + i * indexStep, count, indexStep, 0, indexed.size, -1, at))
      return false;
    const T* const from = x + i * xStep;
    T* const to = y + i * yStep;
    if (xStep == 0 && step == 1 && yStep == 1) {
      for (int64_t j = 0; j < count; ++j) to[j] = from[at[j]];
    } else {
      for (int64_t j = 0; j < count; ++j) to[j * yStep] = from[j * xStep + at[j] * step];
    }
  }
  return true;
}

template <class T>
bool gatherTile(const IndexedLoops& indexed, const Tiles& tiles, int64_t rows, int64_t cols,
                const T* x, const int32_t* index, T* y) {
  const int64_t* const rowStep = tiles.rowStride;
  const int64_t* const colStep = tiles.colStride;
  for (int64_t i = 0; i < rows; ++i) {
    const T* const from = x + i * rowStep[kTable];
    const int32_t* const at = index + i * rowStep[kIndex];
    T* const to = y + i * rowStep[kValues];
    if (colStep[kIndex] != 0) {
      if (!gatherRun(indexed, cols, from, colStep[kTable], at, colStep[kIndex], to,
                     colStep[kValues])) {
        return false;
      }
    } else {
      const int32_t place = indexed.place(*at);
      if (!isInside(place, indexed.size)) return false;
      copyRun(cols, from + place * indexed.step, colStep[kTable], to, colStep[kValues]);
    }
  }
  return true;
}

// What an element takes that has an index (65,536 of columns: 58 us on Zen 5, of a table in the
// first-level cache half of that), and a byte of runs (256 rows of 1 KB from 1 MB: 9 us).
constexpr double kEachNanoseconds = 0.5;
constexpr double kRunNanoseconds = 0.02;

template <class T>
Status gatherOf(const Command& c, const IndexedLoops& indexed) {
  const T* const x = static_cast<const T*>(c.data[kTable]);
  const int32_t* const index = static_cast<const int32_t*>(c.data[kIndex]);
  T* const y = static_cast<T*>(c.data[kValues]);
  const int rank = indexed.loops.rank;
  const int64_t length = rank == 0 ? 1 : indexed.loops.shape[rank - 1];
  const int64_t rows = length < kTaskValues ? kTaskValues / length : 1;
  const Tiles tiles = makeTiles(indexed.loops, kIndexedOperands, rows, kTaskValues);
  const int64_t tileRows = tiles.rows < tiles.tileRows ? tiles.rows : tiles.tileRows;
  const int64_t tileCols = tiles.cols < tiles.tileCols ? tiles.cols : tiles.tileCols;
  // Runs move at the speed of memory; an index for each element takes time of its own.
  const bool each = tiles.colStride[kIndex] != 0;
  const double value = each ? kEachNanoseconds : kRunNanoseconds * sizeof(T);
  const double tileTime = value * static_cast<double>(tileRows) * static_cast<double>(tileCols);
  return parallelTimedStatus(
      elementCount(tiles.tasks), 1, tileTime, [&](int64_t begin, int64_t end) {
        Odometer at(tiles.tasks, kIndexedOperands, begin);
        for (int64_t task = begin; task < end; ++task, at.next()) {
          if (!gatherTile(indexed, tiles, tiles.rowsOf(at), tiles.colsOf(at), x + at.offset(kTable),
                          index + at.offset(kIndex), y + at.offset(kValues))) {
            return Status::badIndex;
          }
        }
        return Status::ok;
      });
}

Status gather(const Command& c) {
  IndexedLoops indexed;
  if (!takeIndexed(c.geometry, c.number[0].i != 0, &indexed)) return Status::ok;
  sortByStride(&indexed.loops, kIndexedOperands, kValues);
  mergeDimensions(&indexed.loops, kIndexedOperands);
  return withBytes(c.type[kTable],
                   [&](auto element) { return gatherOf<decltype(element)>(c, indexed); });
}

Status locate(const Command& c) {
  const int64_t size = c.number[0].i;
  const uint32_t times = static_cast<uint32_t>(c.number[1].i);
  const bool first = c.number[2].i != 0;
  const int32_t* const index = static_cast<const int32_t*>(c.data[0]);
  int32_t* const places = static_cast<int32_t*>(c.data[1]);
  Loops outer;
  if (!takeDimensions(c.geometry, 0, c.geometry.rank, 2, &outer)) return Status::ok;
  mergeDimensions(&outer, 2);
  int64_t n = 1, step[2] = {};
  if (outer.rank > 0) {
    --outer.rank;
    n = outer.shape[outer.rank];
    for (int k = 0; k < 2; ++k) step[k] = outer.stride[k][outer.rank];
  }
  const int64_t rows = elementCount(outer);
  Odometer at(outer, 2, 0);
  for (int64_t row = 0; row < rows; ++row, at.next()) {
    const int32_t* const from = index + at.offset(0);
    int32_t* const to = places + at.offset(1);
    for (int64_t i = 0; i < n; i += kIndexBlock) {
      const int64_t count = n - i < kIndexBlock ? n - i : kIndexBlock;
      int32_t found[kIndexBlock];
      if (!wrapIndices(from + i * step[0], count, step[0], size, found)) return Status::badIndex;
      for (int64_t j = 0; j < count; ++j) {
        int32_t* const place = to + (i + j) * step[1];
        // Sums wrap around.
        const uint32_t before = first ? 0 : static_cast<uint32_t>(*place);
        *place = static_cast<int32_t>(before + static_cast<uint32_t>(found[j]) * times);
      }
    }
  }
  return Status::ok;
}

const char* checkLocate(const Command& c) {
  if (c.number[0].i < 0 || c.number[1].i < 0) return "size and factor are negative";
  const double reach = static_cast<double>(c.number[0].i) * static_cast<double>(c.number[1].i);
  const bool wide = c.number[0].i > INT32_MAX || reach > static_cast<double>(INT32_MAX);
  return wide ? "places are beyond 32-bit indices" : nullptr;
}

const Row kRows[] = {
    // places = factor * index, added to what is there unless it is the first one of several;
    // negative indices count from the end. An index outside the size is an error, and then places
    // are written in part.
    {"locate", "in index i32[@] inout places i32[@]; limit factor first int", locate, checkLocate},
    // y = x at place `index` of the geometry's last dimension; where it `wraps`, negative ones
    // count
    // from the end. An index outside is an error, and then y is written in part.
    {"gather", "in x A[@] in index i32[@] out y A[@]; wraps int", gather, checkIndexed},
};

}  // namespace

RowList gatherRows() { return rowList(kRows); }

}  // namespace tilegrad
