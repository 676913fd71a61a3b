// Gathering: y = the elements of a table that an index names. What is contiguous behind one index
// (a row of an embedding) is copied as a whole.
#include <string.h>

#include "elements.h"
#include "indexed.h"
#include "parallel.h"
#include "rows.h"

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

// An index for each element.
template <class T>
void gatherRun(const IndexedLoops& indexed, int64_t n, const T* x, int64_t xStep,
               const int32_t* index, int64_t indexStep, T* y, int64_t yStep) {
  // Copies, which stores to y can't change.
  const int64_t size = indexed.size, step = indexed.step;
  for (int64_t i = 0; i < n; ++i) {
    const int32_t at = index[i * indexStep];
    if (isInside(at, size)) y[i * yStep] = x[i * xStep + at * step];
  }
}

template <class T>
void gatherTile(const IndexedLoops& indexed, const Tiles& tiles, int64_t rows, int64_t cols,
                const T* x, const int32_t* index, T* y) {
  const int64_t* const rowStep = tiles.rowStride;
  const int64_t* const colStep = tiles.colStride;
  for (int64_t i = 0; i < rows; ++i) {
    const T* const from = x + i * rowStep[kTable];
    const int32_t* const at = index + i * rowStep[kIndex];
    T* const to = y + i * rowStep[kValues];
    if (colStep[kIndex] != 0) {
      gatherRun(indexed, cols, from, colStep[kTable], at, colStep[kIndex], to, colStep[kValues]);
    } else if (const int32_t place = *at; isInside(place, indexed.size)) {
      copyRun(cols, from + place * indexed.step, colStep[kTable], to, colStep[kValues]);
    }
  }
}

template <class T>
void gatherOf(const Command& c, const IndexedLoops& indexed) {
  const T* const x = static_cast<const T*>(c.data[kTable]);
  const int32_t* const index = static_cast<const int32_t*>(c.data[kIndex]);
  T* const y = static_cast<T*>(c.data[kValues]);
  const int rank = indexed.loops.rank;
  const int64_t length = rank == 0 ? 1 : indexed.loops.shape[rank - 1];
  const int64_t rows = length < kTaskValues ? kTaskValues / length : 1;
  const Tiles tiles = makeTiles(indexed.loops, kIndexedOperands, rows, kTaskValues);
  const int64_t tileRows = tiles.rows < tiles.tileRows ? tiles.rows : tiles.tileRows;
  const int64_t tileCols = tiles.cols < tiles.tileCols ? tiles.cols : tiles.tileCols;
  const int64_t tileBytes = 2 * tileRows * tileCols * static_cast<int64_t>(sizeof(T));
  parallelShares(
      elementCount(tiles.tasks), 1, tileBytes, kLightShare, [&](int64_t begin, int64_t end) {
        Odometer at(tiles.tasks, kIndexedOperands, begin);
        for (int64_t task = begin; task < end; ++task, at.next()) {
          gatherTile(indexed, tiles, tiles.rowsOf(at), tiles.colsOf(at), x + at.offset(kTable),
                     index + at.offset(kIndex), y + at.offset(kValues));
        }
      });
}

Status gather(const Command& c) {
  IndexedLoops indexed;
  if (!takeIndexed(c.geometry, &indexed)) return Status::ok;
  sortByStride(&indexed.loops, kIndexedOperands, kValues);
  mergeDimensions(&indexed.loops, kIndexedOperands);
  if (!allInside(indexed, static_cast<const int32_t*>(c.data[kIndex]))) return Status::badIndex;
  return withBytes(c.type[kTable], [&](auto element) {
    gatherOf<decltype(element)>(c, indexed);
    return Status::ok;
  });
}

// An index that may count from the end of its dimension, or -1 when it is outside.
int64_t wrapped(int32_t index, int64_t size) {
  const int64_t at = index < 0 ? index + size : index;
  return at >= 0 && at < size ? at : -1;
}

// Calls f(offset of the index, offset of the place) for all elements until it says no.
template <class F>
bool eachPlace(const Loops& loops, const F& f) {
  Loops outer = loops;
  int64_t n = 1, step[2] = {};
  if (outer.rank > 0) {
    --outer.rank;
    n = outer.shape[outer.rank];
    for (int k = 0; k < 2; ++k) step[k] = outer.stride[k][outer.rank];
  }
  const int64_t rows = elementCount(outer);
  Odometer at(outer, 2, 0);
  for (int64_t row = 0; row < rows; ++row, at.next()) {
    for (int64_t i = 0; i < n; ++i) {
      if (!f(at.offset(0) + i * step[0], at.offset(1) + i * step[1])) return false;
    }
  }
  return true;
}

Status locate(const Command& c) {
  const int64_t size = c.number[0].i, factor = c.number[1].i;
  const bool first = c.number[2].i != 0;
  const int32_t* const index = static_cast<const int32_t*>(c.data[0]);
  int32_t* const places = static_cast<int32_t*>(c.data[1]);
  Loops loops;
  if (!takeDimensions(c.geometry, 0, c.geometry.rank, 2, &loops)) return Status::ok;
  mergeDimensions(&loops, 2);
  const bool inside =
      eachPlace(loops, [&](int64_t from, int64_t) { return wrapped(index[from], size) >= 0; });
  if (!inside) return Status::badIndex;
  eachPlace(loops, [&](int64_t from, int64_t to) {
    // 0 for an index that was changed meanwhile; sums wrap around.
    const int64_t place = wrapped(index[from], size);
    const uint32_t part = static_cast<uint32_t>((place < 0 ? 0 : place) * factor);
    const uint32_t before = first ? 0 : static_cast<uint32_t>(places[to]);
    places[to] = static_cast<int32_t>(before + part);
    return true;
  });
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
    // negative
    // indices count from the end. An index outside the size is an error before anything is written.
    {"locate", "in index i32[@] inout places i32[@]; limit factor first int", locate, checkLocate},
    // y = x at place `index` of the geometry's last dimension. An index outside it is an error
    // before anything is written.
    {"gather", "in x A[@] in index i32[@] out y A[@]", gather, checkIndexed},
};

}  // namespace

RowList gatherRows() { return rowList(kRows); }

}  // namespace tilegrad
