// Where the extrema are, and the gradient of what was taken from there.
#include "../dispatch.h"
#include "../rows.h"
#include "../softmax_layout.h"
#include "reduction.h"

namespace tilegrad {
namespace {

template <class T>
struct Search {
  int64_t (*range)(int64_t n, const T* x);
  void (*columns)(int64_t rows, int64_t cols, const T* x, int64_t xRow, T* best, int32_t* index);
  bool most;  // whether maxima are searched

  Loops kept;     // results: operand 0 is x, operand 1 index, operand 2 y
  Loops reduced;  // values of one result: operand 0 is x
  int64_t n;
  const T* x;
  int32_t* index;
  T* y;  // or null

  void put(const Odometer& at, int64_t column, const Tiles* tiles, int64_t where, T value) const {
    const int64_t step = tiles ? tiles->colStride[1] : 0, yStep = tiles ? tiles->colStride[2] : 0;
    index[at.offset(1) + column * step] = static_cast<int32_t>(where);
    if (y) y[at.offset(2) + column * yStep] = value;
  }
};

// A candidate: a value and its place. The first NaN wins, then the first extremum.
template <class T>
struct Found {
  int64_t index = -1;
  T value = 0;

  void offer(int64_t candidate, T other, bool most) {
    if (index >= 0 && value != value) return;
    if (index < 0 || other != other || (most ? other > value : other < value)) {
      index = candidate;
      value = other;
    }
  }
};

// Among values [begin, end) of the result that starts at x.
template <class T>
Found<T> searchSpan(const Search<T>& s, const T* x, int64_t begin, int64_t end) {
  Found<T> found;
  if (s.reduced.rank == 0 || (s.reduced.rank == 1 && s.reduced.stride[0][0] == 1)) {
    const int64_t index = begin + s.range(end - begin, x + begin);
    found.offer(index, x[index], s.most);
    return found;
  }
  T block[kReduceBlock];
  ValueReader<T> reader(s.reduced, nullptr, reinterpret_cast<const char*>(x), sizeof(T), begin);
  for (int64_t i = begin; i < end; i += kReduceBlock) {
    const int64_t count = end - i < kReduceBlock ? end - i : kReduceBlock;
    reader.take(count, block);
    const int64_t index = s.range(count, block);
    found.offer(i + index, block[index], s.most);
  }
  return found;
}

// Results one by one, whose values the threads share. False when memory ran out.
template <class T>
bool searchPieces(const Search<T>& s) {
  constexpr int64_t kPiece = kPieceBlocks * kReduceBlock;
  const int64_t pieces = (s.n + kPiece - 1) / kPiece;
  auto* const found = static_cast<Found<T>*>(
      scratch(ScratchSlot::partial, static_cast<size_t>(pieces) * sizeof(Found<T>)));
  if (!found) return false;
  Odometer at(s.kept, 3, 0);
  for (int64_t i = elementCount(s.kept); i > 0; --i, at.next()) {
    const T* const x = s.x + at.offset(0);
    parallelFor(pieces, 1, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        const int64_t last = (p + 1) * kPiece;
        found[p] = searchSpan(s, x, p * kPiece, last < s.n ? last : s.n);
      }
    });
    Found<T> best;
    for (int64_t p = 0; p < pieces; ++p) best.offer(found[p].index, found[p].value, s.most);
    s.put(at, 0, nullptr, best.index, best.value);
  }
  return true;
}

template <class T>
void searchColumns(const Search<T>& s) {
  const Tiles tiles = columnTiles(s.kept, 3);
  const int64_t xRow = s.reduced.rank > 0 ? s.reduced.stride[0][0] : 0;
  const int64_t widest = tiles.cols < tiles.tileCols ? tiles.cols : tiles.tileCols;
  parallelShares(elementCount(tiles.tasks), 1, s.n * widest * static_cast<int64_t>(sizeof(T)),
                 kLightShare, [&](int64_t begin, int64_t end) {
                   T best[kTaskCols];
                   int32_t index[kTaskCols];
                   Odometer at(tiles.tasks, 3, begin);
                   for (int64_t task = begin; task < end; ++task, at.next()) {
                     const int64_t cols = tiles.colsOf(at);
                     s.columns(s.n, cols, s.x + at.offset(0), xRow, best, index);
                     for (int64_t j = 0; j < cols; ++j) s.put(at, j, &tiles, index[j], best[j]);
                   }
                 });
}

// Short rows as columns: so short that searching them one by one would be calls and nothing else.
template <class T>
void searchShortRows(const Search<T>& s) {
  const Tiles tiles = makeTiles(s.kept, 3, 1, kColumnStrip);
  const int64_t widest = tiles.cols < tiles.tileCols ? tiles.cols : tiles.tileCols;
  const auto toColumns = floatKernels<T>().softmaxColumns.toColumns;
  parallelShares(elementCount(tiles.tasks), 1, s.n * widest * static_cast<int64_t>(sizeof(T)),
                 kHeavyShare, [&](int64_t begin, int64_t end) {
                   ShortRows<T> turned;
                   T best[kColumnStrip];
                   int32_t index[kColumnStrip];
                   Odometer at(tiles.tasks, 3, begin);
                   for (int64_t task = begin; task < end; ++task, at.next()) {
                     const int64_t rows = tiles.colsOf(at);
                     toColumns(rows, s.n, s.x + at.offset(0), tiles.colStride[0], turned.values);
                     s.columns(s.n, rows, turned.values, kColumnStrip, best, index);
                     for (int64_t j = 0; j < rows; ++j) s.put(at, j, &tiles, index[j], best[j]);
                   }
                 });
}

// What a row takes whose values lie side by side, and a byte of it: rows of 40, 256, 1024 and 4096
// float32 took 71, 131, 169 and 325 ns on Zen 5.
constexpr double kRowNanoseconds = 80;
constexpr double kByteNanoseconds = 0.016;

template <class T>
Status search(const Command& c, bool most) {
  const FloatKernels<T>& k = floatKernels<T>();
  Search<T> s{};
  s.most = most;
  s.range = most ? k.reduce.argmax : k.reduce.argmin;
  s.columns = most ? k.columns.argmax : k.columns.argmin;
  if (!splitGeometry(c, 3, false, &s.kept, &s.reduced)) return Status::ok;
  s.n = elementCount(s.reduced);
  s.x = static_cast<const T*>(c.data[0]);
  s.index = static_cast<int32_t*>(c.data[1]);
  s.y = static_cast<T*>(c.data[2]);
  const bool inner = s.reduced.rank == 1 && s.reduced.stride[0][0] == 1;
  const bool sideBySide = s.kept.rank > 0 && s.kept.stride[0][s.kept.rank - 1] == 1;
  if (s.reduced.rank <= 1 && !inner && sideBySide) {
    searchColumns(s);
    return Status::ok;
  }
  if (inner && s.n <= kShortRow) {
    searchShortRows(s);
    return Status::ok;
  }
  const int64_t results = elementCount(s.kept);
  const int64_t resultBytes = s.n * static_cast<int64_t>(sizeof(T));
  if (sharesValues(results, resultBytes, kLightShare)) {
    return searchPieces(s) ? Status::ok : Status::outOfMemory;
  }
  const double time = kRowNanoseconds + kByteNanoseconds * static_cast<double>(resultBytes);
  parallelTimed(results, 1, time, [&](int64_t begin, int64_t end) {
    Odometer at(s.kept, 3, begin);
    for (int64_t i = begin; i < end; ++i, at.next()) {
      const Found<T> found = searchSpan(s, s.x + at.offset(0), 0, s.n);
      s.put(at, 0, nullptr, found.index, found.value);
    }
  });
  return Status::ok;
}

template <bool most>
Status runSearch(const Command& c) {
  return c.type[0] == DType::float64 ? search<double>(c, most) : search<float>(c, most);
}

const char* checkSearch(const Command& c) {
  // A dimension that only an absent operand moves along could have any size.
  for (int d = 0; d < c.geometry.rank && !c.data[2]; ++d) {
    if (c.geometry.stride[2][d] != 0) return "y is absent but has strides";
  }
  return checkReduced(c, 3);
}

// dx[index] += g along the last dimension; an index outside of it adds nothing.
template <class T>
void addAtIndices(const Command& c) {
  const Geometry& g = c.geometry;
  if (isEmpty(g)) return;
  const int last = g.rank - 1;
  const int64_t n = g.shape[last];
  const int64_t gStep = g.stride[0][last], indexStep = g.stride[1][last], step = g.stride[2][last];
  // One gradient for the whole line, or one for each of its elements.
  const int64_t count = gStep == 0 && indexStep == 0 ? 1 : n;
  Loops lines;
  takeDimensions(g, 0, last, 3, &lines);
  Odometer at(lines, 3, 0);
  for (int64_t line = elementCount(lines); line > 0; --line, at.next()) {
    const T* const from = static_cast<const T*>(c.data[0]) + at.offset(0);
    const int32_t* const index = static_cast<const int32_t*>(c.data[1]) + at.offset(1);
    T* const dx = static_cast<T*>(c.data[2]) + at.offset(2);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t where = index[i * indexStep];
      if (where >= 0 && where < n) dx[where * step] += from[i * gStep];
    }
  }
}

Status runAddAtIndices(const Command& c) {
  if (c.type[0] == DType::float64) {
    addAtIndices<double>(c);
  } else {
    addAtIndices<float>(c);
  }
  return Status::ok;
}

const char* checkAddAtIndices(const Command& c) {
  return c.geometry.rank < 1 ? "the geometry has no dimension" : nullptr;
}

// index = row-major index, within the reduced dimensions, of the first extremum or the first NaN,
// and y its value. The geometry is that of "sum" (reduce.cpp).
constexpr char kSignature[] = "in x T[@] out index i32[@] optout y T[@]; kept int";

const Row kRows[] = {
    {"argmax", kSignature, runSearch<true>, checkSearch},
    {"argmin", kSignature, runSearch<false>, checkSearch},
    {"addAtIndices", "in g T[@] in index i32[@] inout dx T[@]", runAddAtIndices, checkAddAtIndices},
};

}  // namespace

RowList argRows() { return rowList(kRows); }

}  // namespace tilegrad
