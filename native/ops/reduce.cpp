// Reductions over some dimensions. How a result is computed depends on the shapes and strides only:
//
//   inner    the reduced dimensions are contiguous: a kernel over each of them
//   rows     one reduced dimension, and results that lie side by side: many columns at a time
//   gathered anything else: blocks are copied together first, then as inner
//
// A long reduction with few results is cut into pieces of 2^k blocks for the threads, and the
// pieces combine pairwise as kernels/reduce.h says, so the bits are those of one call.
#include "../base/scratch.h"
#include "dispatch.h"
#include "loops.h"
#include "parallel.h"
#include "rows.h"

namespace tilegrad {
namespace {

enum class Kind { sum, mean, max, min };

// Columns that one task of the rows path reduces: whole strips of the kernels' widest (64 values),
// and at most 2 KB of float64 results on the stack.
constexpr int64_t kTaskCols = 256;

// Blocks of a piece, a power of two: 65536 values, 256 KB of float32.
constexpr int64_t kPieceBlocks = 16;

template <class T>
struct Reduction {
  T (*range)(int64_t n, const T* x);
  void (*rows)(int64_t rows, int64_t cols, const T* x, int64_t xRow, T* y);
  BinaryKernel<T> combine;  // of two partial results
  bool divides;             // mean: by the number of values, at the end

  Loops kept;     // results: operand 0 is x, operand 1 is y
  Loops reduced;  // values of one result: operand 0 is x
  int64_t n;      // values of one result
  const T* x;
  T* y;

  T combined(T a, T b) const {
    T result;
    combine(1, &a, 1, &b, 1, &result);
    return result;
  }
  T finish(T value) const { return divides ? value / static_cast<T>(n) : value; }
};

template <class T>
Reduction<T> reductionOf(Kind kind) {
  const FloatKernels<T>& k = floatKernels<T>();
  Reduction<T> r{};
  const bool adds = kind == Kind::sum || kind == Kind::mean;
  r.range = adds ? k.reduce.sum : kind == Kind::max ? k.reduce.max : k.reduce.min;
  r.rows = adds ? k.reduce.sumRows : kind == Kind::max ? k.reduce.maxRows : k.reduce.minRows;
  const Binary combine = adds ? Binary::add : kind == Kind::max ? Binary::maximum : Binary::minimum;
  r.combine = k.elementwise.binary[static_cast<int>(combine)];
  r.divides = kind == Kind::mean;
  return r;
}

// Combines count partial results of `cols` values each, p[i * cols + j], into the first: the same
// tree as over the blocks that they stand for.
template <class T>
void combinePieces(BinaryKernel<T> combine, T* p, int64_t count, int64_t cols) {
  if (count <= 1) return;
  int64_t left = 1;
  while (2 * left < count) left *= 2;
  combinePieces(combine, p, left, cols);
  combinePieces(combine, p + left * cols, count - left, cols);
  combine(cols, p, 1, p + left * cols, 1, p);
}

// Copies the next n values at the odometer to `to`, runs of the innermost dimension at a time.
template <class T>
void gather(Odometer* at, const T* x, int64_t n, T* to) {
  for (int64_t i = 0; i < n; ++i, at->next()) to[i] = x[at->offset(0)];
}

// Values [begin, begin + n) of one result whose values start at x; begin is a multiple of the
// block.
template <class T>
T reduceSpan(const Reduction<T>& r, const T* x, int64_t begin, int64_t n) {
  const int rank = r.reduced.rank;
  if (rank == 0 || (rank == 1 && r.reduced.stride[0][0] == 1)) return r.range(n, x + begin);
  T block[kReduceBlock];
  // Partial results of the whole blocks so far, one for each bit of their number: a binary counter
  // walks the tree of splits without knowing n beforehand.
  T partial[64];
  int depth = 0;
  Odometer at(r.reduced, 1, begin);
  for (int64_t i = 0, blocks = 0; i < n; i += kReduceBlock, ++blocks) {
    const int64_t count = n - i < kReduceBlock ? n - i : kReduceBlock;
    gather(&at, x, count, block);
    T value = r.range(count, block);
    for (int64_t bit = blocks; bit & 1; bit >>= 1) value = r.combined(partial[--depth], value);
    partial[depth++] = value;
  }
  // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): n >= 1, so the last block is there
  T value = partial[--depth];
  while (depth > 0) value = r.combined(partial[--depth], value);
  return value;
}

// The inner and gathered paths for results [begin, end).
template <class T>
void reduceSpans(const Reduction<T>& r, int64_t begin, int64_t end) {
  Odometer at(r.kept, 2, begin);
  for (int64_t i = begin; i < end; ++i, at.next()) {
    r.y[at.offset(1)] = r.finish(reduceSpan(r, r.x + at.offset(0), 0, r.n));
  }
}

// One result whose pieces the threads share. False when memory ran out.
template <class T>
bool reducePieces(const Reduction<T>& r, const T* x, T* y) {
  constexpr int64_t kPiece = kPieceBlocks * kReduceBlock;
  const int64_t pieces = (r.n + kPiece - 1) / kPiece;
  T* const partial =
      static_cast<T*>(scratch(ScratchSlot::partial, static_cast<size_t>(pieces) * sizeof(T)));
  if (!partial) return false;
  parallelFor(pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const int64_t left = r.n - p * kPiece;
      partial[p] = reduceSpan(r, x, p * kPiece, left < kPiece ? left : kPiece);
    }
  });
  combinePieces(r.combine, partial, pieces, 1);
  *y = r.finish(partial[0]);
  return true;
}

// The rows path. Its tasks are tiles of one kept row (results that lie side by side in x).
template <class T>
void finishCols(const Reduction<T>& r, int64_t cols, T* results, T* y, int64_t yCol) {
  const T count = static_cast<T>(r.n);
  const BinaryKernel<T> div = floatKernels<T>().elementwise.binary[static_cast<int>(Binary::div)];
  if (r.divides) div(cols, results, 1, &count, 0, results);
  if (results == y) return;
  for (int64_t j = 0; j < cols; ++j) y[j * yCol] = results[j];
}

template <class T>
void reduceCols(const Reduction<T>& r, const Tiles& tiles, int64_t begin, int64_t end) {
  const int64_t xRow = r.reduced.rank > 0 ? r.reduced.stride[0][0] : 0;
  const int64_t yCol = tiles.colStride[1];
  T buffer[kTaskCols];
  Odometer at(tiles.tasks, 2, begin);
  for (int64_t task = begin; task < end; ++task, at.next()) {
    const int64_t cols = tiles.colsOf(at);
    T* const y = r.y + at.offset(1);
    T* const results = yCol == 1 ? y : buffer;
    r.rows(r.n, cols, r.x + at.offset(0), xRow, results);
    finishCols(r, cols, results, y, yCol);
  }
}

// One task of the rows path whose rows the threads share. False when memory ran out.
template <class T>
bool reduceRowPieces(const Reduction<T>& r, const Tiles& tiles, const Odometer& at) {
  const int64_t xRow = r.reduced.stride[0][0], yCol = tiles.colStride[1];
  const int64_t cols = tiles.colsOf(at);
  const T* const x = r.x + at.offset(0);
  // 2^k blocks of rows, so that a piece reads as much as one of a contiguous reduction.
  int64_t rows = kReduceRowBlock;
  while (rows * cols < kPieceBlocks * kReduceBlock) rows *= 2;
  const int64_t pieces = (r.n + rows - 1) / rows;
  T* const partial = static_cast<T*>(
      scratch(ScratchSlot::partial, static_cast<size_t>(pieces * cols) * sizeof(T)));
  if (!partial) return false;
  parallelFor(pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const int64_t left = r.n - p * rows;
      r.rows(left < rows ? left : rows, cols, x + p * rows * xRow, xRow, partial + p * cols);
    }
  });
  combinePieces(r.combine, partial, pieces, cols);
  finishCols(r, cols, partial, r.y + at.offset(1), yCol);
  return true;
}

// Whether so few results are wanted, of so many values each, that threads share their values.
bool sharesValues(int64_t tasks, int64_t taskBytes) {
  return tasks < 2 * numThreads() && taskBytes >= 2 * kLightShare;
}

template <class T>
Status runRows(const Reduction<T>& r) {
  const Tiles tiles = makeTiles(r.kept, 2, 1, kTaskCols);
  const int64_t tasks = elementCount(tiles.tasks);
  const int64_t cols = tiles.cols < tiles.tileCols ? tiles.cols : tiles.tileCols;
  const int64_t taskBytes = r.n * cols * static_cast<int64_t>(sizeof(T));
  if (sharesValues(tasks, taskBytes)) {
    Odometer at(tiles.tasks, 2, 0);
    for (int64_t task = 0; task < tasks; ++task, at.next()) {
      if (!reduceRowPieces(r, tiles, at)) return Status::outOfMemory;
    }
    return Status::ok;
  }
  parallelShares(tasks, 1, taskBytes, kLightShare,
                 [&](int64_t begin, int64_t end) { reduceCols(r, tiles, begin, end); });
  return Status::ok;
}

template <class T>
Status runSpans(const Reduction<T>& r) {
  const int64_t results = elementCount(r.kept);
  const int64_t resultBytes = r.n * static_cast<int64_t>(sizeof(T));
  if (sharesValues(results, resultBytes)) {
    Odometer at(r.kept, 2, 0);
    for (int64_t i = 0; i < results; ++i, at.next()) {
      if (!reducePieces(r, r.x + at.offset(0), r.y + at.offset(1))) return Status::outOfMemory;
    }
    return Status::ok;
  }
  parallelShares(results, 1, resultBytes, kLightShare,
                 [&](int64_t begin, int64_t end) { reduceSpans(r, begin, end); });
  return Status::ok;
}

// Splits the geometry into the dimensions of the results and those of one result's values, which
// keep their row-major order. False when there is nothing to do.
bool splitGeometry(const Command& c, Loops* kept, Loops* reduced) {
  const Geometry& g = c.geometry;
  const int keptRank = static_cast<int>(c.number[0].i);
  // An empty range has nothing to write to either: no extent of an empty geometry was checked.
  if (isEmpty(g)) return false;
  takeDimensions(g, 0, keptRank, 2, kept);
  takeDimensions(g, keptRank, g.rank, 1, reduced);
  sortByStride(kept, 2, 0);
  mergeDimensions(kept, 2);
  mergeDimensions(reduced, 1);
  return true;
}

template <class T>
Status reduce(const Command& c, Kind kind) {
  Reduction<T> r = reductionOf<T>(kind);
  if (!splitGeometry(c, &r.kept, &r.reduced)) return Status::ok;
  r.n = elementCount(r.reduced);
  r.x = static_cast<const T*>(c.data[0]);
  r.y = static_cast<T*>(c.data[1]);
  const bool inner = r.reduced.rank == 1 && r.reduced.stride[0][0] == 1;
  const bool sideBySide = r.kept.rank > 0 && r.kept.stride[0][r.kept.rank - 1] == 1;
  return r.reduced.rank <= 1 && !inner && sideBySide ? runRows(r) : runSpans(r);
}

template <Kind kind>
Status runReduce(const Command& c) {
  return c.type[0] == DType::float64 ? reduce<double>(c, kind) : reduce<float>(c, kind);
}

// Index of the first maximum, or of the first NaN, of one result's values.
template <class T>
int64_t argmaxOf(const Loops& reduced, int64_t n, const T* x) {
  const auto argmax = floatKernels<T>().reduce.argmax;
  if (reduced.rank == 0 || (reduced.rank == 1 && reduced.stride[0][0] == 1)) return argmax(n, x);
  T block[kReduceBlock];
  int64_t best = -1;
  T bestValue = 0;
  Odometer at(reduced, 1, 0);
  for (int64_t i = 0; i < n; i += kReduceBlock) {
    const int64_t count = n - i < kReduceBlock ? n - i : kReduceBlock;
    gather(&at, x, count, block);
    const int64_t index = argmax(count, block);
    const T value = block[index];
    if (value != value) return i + index;
    if (best < 0 || value > bestValue) {
      best = i + index;
      bestValue = value;
    }
  }
  return best;
}

template <class T>
Status argmaxRows(const Command& c) {
  Loops kept, reduced;
  if (!splitGeometry(c, &kept, &reduced)) return Status::ok;
  const int64_t n = elementCount(reduced);
  const T* const x = static_cast<const T*>(c.data[0]);
  int32_t* const y = static_cast<int32_t*>(c.data[1]);
  parallelShares(elementCount(kept), 1, n * static_cast<int64_t>(sizeof(T)), kLightShare,
                 [&](int64_t begin, int64_t end) {
                   Odometer at(kept, 2, begin);
                   for (int64_t i = begin; i < end; ++i, at.next()) {
                     y[at.offset(1)] = static_cast<int32_t>(argmaxOf(reduced, n, x + at.offset(0)));
                   }
                 });
  return Status::ok;
}

Status argmax(const Command& c) {
  return c.type[0] == DType::float64 ? argmaxRows<double>(c) : argmaxRows<float>(c);
}

const char* checkReduce(const Command& c) {
  const Geometry& g = c.geometry;
  const int64_t kept = c.number[0].i;
  if (kept < 0 || kept > g.rank) return "kept is not a number of dimensions of the geometry";
  for (int d = static_cast<int>(kept); d < g.rank; ++d) {
    if (g.stride[1][d] != 0) return "the result has a stride in a reduced dimension";
  }
  return nullptr;
}

// The first `kept` dimensions of the geometry are those of the result; the others are reduced, and
// y's strides are 0 there. Nothing is written when a dimension is empty. NaN wins over any maximum
// or minimum.
constexpr char kSignature[] = "in x T[@] out y T[@]; kept int";

const Row kRows[] = {
    {"sum", kSignature, runReduce<Kind::sum>, checkReduce},
    {"mean", kSignature, runReduce<Kind::mean>, checkReduce},
    {"max", kSignature, runReduce<Kind::max>, checkReduce},
    {"min", kSignature, runReduce<Kind::min>, checkReduce},
    // y = row-major index, within the reduced dimensions, of the first maximum or the first NaN.
    {"argmax", "in x T[@] out y i32[@]; kept int", argmax, checkReduce},
};

}  // namespace

RowList reduceRows() { return rowList(kRows); }

}  // namespace tilegrad
