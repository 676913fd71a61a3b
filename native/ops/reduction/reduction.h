// Reductions over some dimensions: passes over the values of results. How a result is computed
// depends on the shapes and strides only:
//
//   inner    the reduced dimensions are contiguous: a kernel over each of them
//   rows     results that lie side by side: many columns at a time. Rows of several reduced
//   dimensions
//            are those of the last one in groups, one group after the other
//   gathered anything else: blocks are copied together first, then as inner
//
// A long reduction with few results is cut into pieces of 2^k blocks for the threads, and the
// pieces combine pairwise as kernels/reduce.h says, so the bits are those of one call.
//
// A pass may map values before it combines them, by kernels that work on one block or one row at a
// time, in the first-level cache. What a result needs of several passes (a variance its mean) is
// computed result by result, while its values are in cache.
#pragma once
#include "../../base/scratch.h"
#include "../../kernels/table.h"
#include "../columns.h"
#include "../loops.h"
#include "../parallel.h"
#include "../softmax_layout.h"
#include "value_reader.h"

namespace tilegrad {

// Blocks of a piece, a power of two: 65536 values, 256 KB of float32.
constexpr int64_t kPieceBlocks = 16;

// Sums of more values than this are computed row by row: reading several rows at a time from the
// second-level cache, or from beyond, is slower than reading one (4096 x 4096: half as fast).
constexpr int64_t kShortSum = 256;

// One pass: how values are mapped and combined.
template <class T>
struct Pass {
  T identity;
  T (*range)(int64_t n, const T* x);
  // Null where rows are combined one by one.
  void (*rows)(int64_t rows, int64_t cols, const T* x, int64_t xRow, T* y);
  BinaryKernel<T> combine;
  // y[i] = f(x[i], c[i * cStep]) with a parameter for each result; y may be x. Null: the values.
  void (*map)(const Pass& pass, int64_t n, const T* x, const T* c, int64_t cStep, T* y);
  // The same as mapping and then `range`, in one kernel; null where there is none.
  T (*mappedRange)(int64_t n, const T* x, T c);
  T power;  // a parameter of the map's
  // Sums of rows, of squared differences where the map is that. Null where there are none.
  void (*each)(int64_t rows, int64_t n, const T* x, int64_t xRow, const T* c, bool squared,
               T* y) = nullptr;
  bool squared = false;
  // Short rows as columns for `rows`, where the order of values doesn't matter.
  void (*toColumns)(int64_t rows, int64_t n, const T* x, int64_t xRow, T* to) = nullptr;
};

// Computes a pass over the values of some results. False when memory ran out.
template <class T>
class Runner {
 public:
  virtual bool run(const Pass<T>& pass, const T* c, T* results) const = 0;

 protected:
  ~Runner() = default;
};

template <class T>
struct Reduction {
  // The results of `cols` columns from passes over their values. False when memory ran out.
  bool (*solve)(const Reduction& r, const Runner<T>& runner, int64_t cols, T* results);
  Pass<T> pass;    // of reductions that need one
  double number;   // a parameter of solve's
  int64_t share;   // bytes that a thread should have at least (parallel.h)
  bool unordered;  // whether the order of the values doesn't matter: then memory's is taken

  // n values, `step` elements apart, as T. Null when they are of type T.
  void (*load)(int64_t n, const void* x, int64_t step, T* to);
  // Results to where they belong, `step` elements apart. Null when they are of type T.
  void (*store)(int64_t n, const T* results, void* y, int64_t step);

  const char* x;
  char* y;
  int64_t xSize, ySize;  // bytes of an element
  Loops kept;            // results: operand 0 is x, operand 1 is y
  Loops reduced;         // values of one result: operand 0 is x
  Loops groups;          // the reduced dimensions but the last
  int64_t n;             // values of one result

  // Whether kernels can read the values of a result in place.
  bool isDirect() const {
    return !load && (reduced.rank == 0 || (reduced.rank == 1 && reduced.stride[0][0] == 1));
  }
};

// Splits the geometry into the dimensions of the results and those of one result's values, which
// keep their row-major order. False when there is nothing to do.
inline bool splitGeometry(const Command& c, int operands, bool unordered, Loops* kept,
                          Loops* reduced) {
  const Geometry& g = c.geometry;
  const int keptRank = static_cast<int>(c.number[0].i);
  // An empty range has nothing to write to either: no extent of an empty geometry was checked.
  if (isEmpty(g)) return false;
  takeDimensions(g, 0, keptRank, operands, kept);
  takeDimensions(g, keptRank, g.rank, 1, reduced);
  sortByStride(kept, operands, 0);
  mergeDimensions(kept, operands);
  if (unordered) sortByStride(reduced, 1, 0);
  mergeDimensions(reduced, 1);
  return true;
}

// For rows with one input, whose results have strides of 0 in the dimensions after the first
// `kept`.
inline const char* checkReduced(const Command& c, int operands) {
  const Geometry& g = c.geometry;
  const int64_t kept = c.number[0].i;
  if (kept < 0 || kept > g.rank) return "kept is not a number of dimensions of the geometry";
  for (int k = 1; k < operands; ++k) {
    for (int d = static_cast<int>(kept); d < g.rank; ++d) {
      if (g.stride[k][d] != 0) return "the result has a stride in a reduced dimension";
    }
  }
  return nullptr;
}

template <class T>
T combined(const Pass<T>& pass, T a, T b) {
  T result;
  pass.combine(1, &a, 1, &b, 1, &result);
  return result;
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

// Values [begin, begin + n) of one result whose values start at x; begin is a multiple of the
// block.
template <class T>
T reduceSpan(const Reduction<T>& r, const Pass<T>& pass, const T* c, const char* x, int64_t begin,
             int64_t n) {
  const T* const values = r.isDirect() ? reinterpret_cast<const T*>(x) + begin : nullptr;
  if (values && !pass.map) return pass.range(n, values);
  if (values && pass.mappedRange) return pass.mappedRange(n, values, c ? *c : 0);
  T block[kReduceBlock];
  // Partial results of the whole blocks so far, one for each bit of their number: a binary counter
  // walks the tree of splits without knowing n beforehand.
  T partial[64];
  int depth = 0;
  ValueReader<T> reader(r.reduced, r.load, x, r.xSize, begin);
  for (int64_t i = 0, blocks = 0; i < n; i += kReduceBlock, ++blocks) {
    const int64_t count = n - i < kReduceBlock ? n - i : kReduceBlock;
    if (!values) reader.take(count, block);
    if (pass.map) pass.map(pass, count, values ? values + i : block, c, 0, block);
    T value = pass.range(count, block);
    for (int64_t bit = blocks; bit & 1; bit >>= 1) value = combined(pass, partial[--depth], value);
    partial[depth++] = value;
  }
  // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): n >= 1, so the last block is there
  T value = partial[--depth];
  while (depth > 0) value = combined(pass, partial[--depth], value);
  return value;
}

// Rows that are mapped before they are combined, at most 16 KB.
constexpr int64_t kMappedRows = 8;

// Rows [0, rows) of `cols` columns, in the order of the kernels' (kernels/reduce.h).
template <class T>
void reduceRows(const Reduction<T>& r, const Pass<T>& pass, const T* c, int64_t rows, int64_t cols,
                const char* x, T* results) {
  const int64_t xRow = r.reduced.rank > 0 ? r.reduced.stride[0][r.reduced.rank - 1] : 0;
  if (!r.load && !pass.map && pass.rows) {
    return pass.rows(rows, cols, reinterpret_cast<const T*>(x), xRow, results);
  }
  if (rows > kReduceRowBlock) {
    int64_t top = kReduceRowBlock;
    while (2 * top < rows) top *= 2;
    T rest[kTaskCols];
    reduceRows(r, pass, c, top, cols, x, results);
    reduceRows(r, pass, c, rows - top, cols, x + top * xRow * r.xSize, rest);
    return pass.combine(cols, results, 1, rest, 1, results);
  }
  // The chain of even rows and behind it that of odd ones: two rows that lie so take one call.
  T chains[2 * kTaskCols], block[kMappedRows * kTaskCols];
  for (int64_t j = 0; j < 2 * cols; ++j) chains[j] = pass.identity;
  const bool together = !r.load && xRow == cols && !c;
  for (int64_t i = 0; i < rows; i += kMappedRows) {
    const int64_t count = rows - i < kMappedRows ? rows - i : kMappedRows;
    const char* const from = x + i * xRow * r.xSize;
    const T* values = reinterpret_cast<const T*>(from);
    int64_t step = xRow;
    if (r.load || pass.map) {
      for (int64_t k = 0; k < count && !together; ++k) {
        const T* row = values + k * xRow;
        T* const to = block + k * cols;
        if (r.load) {
          r.load(cols, from + k * xRow * r.xSize, 1, to);
          row = to;
        }
        if (pass.map) pass.map(pass, cols, row, c, 1, to);
      }
      if (together) pass.map(pass, count * cols, values, nullptr, 0, block);
      values = block;
      step = cols;
    }
    for (int64_t k = 0; k < count; k += 2) {
      const T* const pair = values + k * step;
      const int64_t both = k + 1 < count && step == cols ? 2 * cols : cols;
      pass.combine(both, chains, 1, pair, 1, chains);
      if (k + 1 < count && both == cols) {
        pass.combine(cols, chains + cols, 1, pair + step, 1, chains + cols);
      }
    }
  }
  pass.combine(cols, chains, 1, chains + cols, 1, results);
}

// Groups of rows [begin, begin + groups) of `cols` columns: combined in the order in which rows
// are.
template <class T>
void reduceGroups(const Reduction<T>& r, const Pass<T>& pass, const T* c, int64_t begin,
                  int64_t groups, int64_t cols, const char* x, T* results) {
  T odd[kTaskCols], group[kTaskCols];
  if (groups > kReduceRowBlock) {
    int64_t top = kReduceRowBlock;
    while (2 * top < groups) top *= 2;
    reduceGroups(r, pass, c, begin, top, cols, x, results);
    reduceGroups(r, pass, c, begin + top, groups - top, cols, x, odd);
    return pass.combine(cols, results, 1, odd, 1, results);
  }
  const int64_t rows = r.reduced.shape[r.groups.rank];
  Odometer at(r.groups, 1, begin);
  for (int64_t i = 0; i < groups; ++i, at.next()) {
    T* const chain = i % 2 == 0 ? results : odd;
    T* const to = i < 2 ? chain : group;
    reduceRows(r, pass, c, rows, cols, x + at.offset(0) * r.xSize, to);
    if (i >= 2) pass.combine(cols, chain, 1, group, 1, chain);
  }
  if (groups > 1) pass.combine(cols, results, 1, odd, 1, results);
}

// What columns are cut between: groups of rows, or rows where there is one reduced dimension.
template <class T>
int64_t columnSteps(const Reduction<T>& r) {
  return r.reduced.rank > 1 ? elementCount(r.groups) : r.n;
}

// Steps [begin, begin + count) of columns.
template <class T>
void reduceColumns(const Reduction<T>& r, const Pass<T>& pass, const T* c, int64_t begin,
                   int64_t count, int64_t cols, const char* x, T* results) {
  if (r.reduced.rank > 1) return reduceGroups(r, pass, c, begin, count, cols, x, results);
  const int64_t xRow = r.reduced.rank > 0 ? r.reduced.stride[0][0] : 0;
  reduceRows(r, pass, c, count, cols, x + begin * xRow * r.xSize, results);
}

// Some results, on this thread, whose values start xRow apart.
template <class T>
class RowsRunner final : public Runner<T> {
 public:
  RowsRunner(const Reduction<T>& r, int64_t rows, const char* x, int64_t xRow)
      : r_(r), rows_(rows), x_(x), xRow_(xRow) {}
  bool run(const Pass<T>& pass, const T* c, T* results) const override {
    const T* const values = r_.isDirect() ? reinterpret_cast<const T*>(x_) : nullptr;
    if (values && pass.toColumns && !pass.map && r_.n <= kShortRow) {
      ShortRows<T> turned;
      pass.toColumns(rows_, r_.n, values, xRow_, turned.values);
      pass.rows(r_.n, rows_, turned.values, kColumnStrip, results);
    } else if (values && pass.each && r_.n <= mostOfEach(pass) &&
               pass.squared == (pass.map != nullptr)) {
      pass.each(rows_, r_.n, values, xRow_, c, pass.squared, results);
    } else if (!c && r_.n <= kShortSum && followEachOther()) {
      runPrepared(pass, results);
    } else if (values && !pass.map) {
      for (int64_t i = 0; i < rows_; ++i) results[i] = pass.range(r_.n, values + i * xRow_);
    } else {
      for (int64_t i = 0; i < rows_; ++i) {
        const char* const x = x_ + i * xRow_ * r_.xSize;
        results[i] = reduceSpan(r_, pass, c ? c + i : nullptr, x, 0, r_.n);
      }
    }
    return true;
  }

 private:
  static int64_t mostOfEach(const Pass<T>& pass) { return pass.squared ? kReduceBlock : kShortSum; }

  bool followEachOther() const {
    return r_.reduced.rank == 1 && r_.reduced.stride[0][0] == 1 && xRow_ == r_.n;
  }

  // Loads and maps many short rows by one call, which costs more than a row of ten values.
  TG_NOINLINE void runPrepared(const Pass<T>& pass, T* results) const {
    T block[kReduceBlock];
    const int64_t most = kReduceBlock / r_.n;
    for (int64_t i = 0; i < rows_; i += most) {
      const int64_t rows = rows_ - i < most ? rows_ - i : most;
      const char* const x = x_ + i * xRow_ * r_.xSize;
      const T* values = reinterpret_cast<const T*>(x);
      if (r_.load) {
        r_.load(rows * r_.n, x, 1, block);
        values = block;
      }
      if (pass.map) {
        pass.map(pass, rows * r_.n, values, nullptr, 0, block);
        values = block;
      }
      if (pass.each) {
        pass.each(rows, r_.n, values, r_.n, nullptr, false, results + i);
      } else {
        for (int64_t k = 0; k < rows; ++k) results[i + k] = pass.range(r_.n, values + k * r_.n);
      }
    }
  }

  const Reduction<T>& r_;
  int64_t rows_;
  const char* x_;
  int64_t xRow_;
};

// Columns, on this thread.
template <class T>
class ColumnRunner final : public Runner<T> {
 public:
  ColumnRunner(const Reduction<T>& r, int64_t cols, const char* x) : r_(r), cols_(cols), x_(x) {}
  bool run(const Pass<T>& pass, const T* c, T* results) const override {
    reduceColumns(r_, pass, c, 0, columnSteps(r_), cols_, x_, results);
    return true;
  }

 private:
  const Reduction<T>& r_;
  int64_t cols_;
  const char* x_;
};

// One result, or columns side by side, whose values the threads share.
template <class T>
class PieceRunner final : public Runner<T> {
 public:
  PieceRunner(const Reduction<T>& r, bool columns, int64_t cols, const char* x)
      : r_(r), columns_(columns), cols_(cols), x_(x) {}

  bool run(const Pass<T>& pass, const T* c, T* results) const override {
    // 2^k blocks; of columns, so many that a piece reads as much as one of a contiguous reduction.
    const int64_t steps = columns_ ? columnSteps(r_) : r_.n, values = r_.n / steps * cols_;
    int64_t piece = columns_ ? kReduceRowBlock : kPieceBlocks * kReduceBlock;
    while (columns_ && piece * values < kPieceBlocks * kReduceBlock) piece *= 2;
    const int64_t pieces = (steps + piece - 1) / piece;
    T* const partial = static_cast<T*>(
        scratch(ScratchSlot::partial, static_cast<size_t>(pieces * cols_) * sizeof(T)));
    if (!partial) return false;
    parallelFor(pieces, 1, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        const int64_t left = steps - p * piece, count = left < piece ? left : piece;
        if (columns_) {
          reduceColumns(r_, pass, c, p * piece, count, cols_, x_, partial + p * cols_);
        } else {
          partial[p] = reduceSpan(r_, pass, c, x_, p * piece, count);
        }
      }
    });
    combinePieces(pass.combine, partial, pieces, cols_);
    for (int64_t j = 0; j < cols_; ++j) results[j] = partial[j];
    return true;
  }

 private:
  const Reduction<T>& r_;
  bool columns_;
  int64_t cols_;
  const char* x_;
};

template <class T>
bool finishColumns(const Reduction<T>& r, const Runner<T>& runner, int64_t cols, int64_t yOffset,
                   int64_t yCol) {
  T results[kTaskCols];
  if (!r.solve(r, runner, cols, results)) return false;
  char* const y = r.y + yOffset * r.ySize;
  if (r.store) {
    r.store(cols, results, y, yCol);
  } else {
    for (int64_t j = 0; j < cols; ++j) reinterpret_cast<T*>(y)[j * yCol] = results[j];
  }
  return true;
}

// Whether so few results are wanted, of so many values each, that threads share their values.
inline bool sharesValues(int64_t tasks, int64_t taskBytes, int64_t share) {
  return tasks < 2 * numThreads() && taskBytes >= 2 * share;
}

// Results of `bytes` bytes each that one task computes: as many as are turned into columns, fewer
// when their values would not stay in the second-level cache between passes.
inline int64_t resultsOfTask(int64_t bytes) {
  constexpr int64_t kTaskBytes = 64 * 1024;
  int64_t results = kColumnStrip;
  while (results > 1 && results * bytes > kTaskBytes) results /= 2;
  return results;
}

// Tasks are some results that lie in a row, or with `columns` tiles of one kept row (results that
// lie side by side in x).
template <class T>
Status runTasks(const Reduction<T>& r, bool columns) {
  const int64_t bytes = r.n * r.xSize;
  // One result on one thread needs no tiles, which take as long as a few values.
  if (r.kept.rank == 0 && bytes < r.share) {
    const bool done = finishColumns(r, RowsRunner<T>(r, 1, r.x, 0), 1, 0, 0);
    return done ? Status::ok : Status::outOfMemory;
  }
  const bool alone = !columns && sharesValues(elementCount(r.kept), bytes, r.share);
  const Tiles tiles = makeTiles(r.kept, 2, 1,
                                columns ? kTaskCols
                                : alone ? 1
                                        : resultsOfTask(bytes));
  const int64_t count = elementCount(tiles.tasks);
  const int64_t most = tiles.cols < tiles.tileCols ? tiles.cols : tiles.tileCols;
  const int64_t taskBytes = bytes * most;
  const bool pieces = columns ? sharesValues(count, taskBytes, r.share) : alone;
  const auto run = [&](int64_t begin, int64_t end) {
    Odometer at(tiles.tasks, 2, begin);
    for (int64_t task = begin; task < end; ++task, at.next()) {
      const char* const x = r.x + at.offset(0) * r.xSize;
      const int64_t cols = tiles.colsOf(at), xCol = tiles.colStride[0], yCol = tiles.colStride[1];
      const bool done =
          pieces ? finishColumns(r, PieceRunner<T>(r, columns, cols, x), cols, at.offset(1), yCol)
          : columns ? finishColumns(r, ColumnRunner<T>(r, cols, x), cols, at.offset(1), yCol)
                    : finishColumns(r, RowsRunner<T>(r, cols, x, xCol), cols, at.offset(1), yCol);
      if (!done) return Status::outOfMemory;
    }
    return Status::ok;
  };
  if (pieces) return run(0, count);
  // Without pieces nothing is allocated.
  parallelShares(count, 1, taskBytes, r.share,
                 [&](int64_t begin, int64_t end) { run(begin, end); });
  return Status::ok;
}

// Runs a reduction whose passes, types and parameters are set, on a command with the signature "in
// x out y; kept ...".
template <class T>
Status runReduction(const Command& c, Reduction<T>* r) {
  if (!splitGeometry(c, 2, r->unordered, &r->kept, &r->reduced)) return Status::ok;
  r->n = elementCount(r->reduced);
  r->groups = r->reduced;
  if (r->groups.rank > 0) --r->groups.rank;
  r->x = static_cast<const char*>(c.data[0]);
  r->y = static_cast<char*>(c.data[1]);
  r->xSize = sizeOf(c.type[0]);
  r->ySize = sizeOf(c.type[1]);
  const bool inner = r->reduced.rank == 1 && r->reduced.stride[0][0] == 1;
  const bool sideBySide = r->kept.rank > 0 && r->kept.stride[0][r->kept.rank - 1] == 1;
  return runTasks(*r, !inner && sideBySide);
}

// Whether a sum of squares is finite and so large that squares that underflowed don't count: 2^46
// (float64: 2^104) times the smallest normal number, which is an eps^-2.
template <class T>
bool isSafeNorm(T sum) {
  constexpr T kSafe = sizeof(T) == 4 ? static_cast<T>(0x1p-80) : static_cast<T>(0x1p-918);
  return sum >= kSafe && sum - sum == 0;
}

}  // namespace tilegrad
