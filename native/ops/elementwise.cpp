// Elementwise operations: y = f(x) and y = f(a, b) over a common shape, every operand with strides
// of its own (0 broadcasts). What is contiguous goes straight to a kernel; the rest goes through
// tiles.
#include "elementwise.h"

#include "dispatch.h"
#include "loops.h"
#include "parallel.h"
#include "rows.h"

namespace tilegrad {
namespace {

// A tile of strided operands: 16 float32 rows are one cache line of a transposed operand, and three
// operands of 16 x 64 float64 values take 24 KB of a first-level cache and of the stack.
constexpr int64_t kTileRows = 16;
constexpr int64_t kTileCols = 64;

// Values of a tile when kernels can read and write all operands in place: enough to forget what a
// tile costs, few enough to share one long row between threads.
constexpr int64_t kDirectValues = 8192;

bool isHeavy(Unary op) {
  switch (op) {
    case Unary::exp:
    case Unary::log:
    case Unary::log1p:
    case Unary::tanh:
    case Unary::sigmoid:
    case Unary::softplus:
    case Unary::erf:
    case Unary::gelu:
    case Unary::geluTanh:
    case Unary::silu:
      return true;
    default:
      return false;
  }
}

bool isHeavy(Binary op) {
  return op == Binary::geluBackward || op == Binary::geluTanhBackward || op == Binary::siluBackward;
}

// A kernel with its operands' pointers: what the loops below need to know of unary and binary.
template <class T>
struct UnaryCall {
  static constexpr int kInputs = 1;
  UnaryKernel<T> kernel;
  bool heavy;

  static bool takesStep(int64_t step) { return step == 1; }
  void operator()(int64_t n, const T* const* in, const int64_t*, T* y) const {
    kernel(n, in[0], y);
  }
};

template <class T>
struct BinaryCall {
  static constexpr int kInputs = 2;
  BinaryKernel<T> kernel;
  bool heavy;

  static bool takesStep(int64_t step) { return step == 1 || step == 0; }
  void operator()(int64_t n, const T* const* in, const int64_t* step, T* y) const {
    kernel(n, in[0], step[0], in[1], step[1], y);
  }
};

// Copies a rows x cols tile between strided memory and a dense buffer, along the smaller stride.
template <class T>
void copyTile(int64_t rows, int64_t cols, const T* x, int64_t xRow, int64_t xCol, T* y,
              int64_t yRow, int64_t yCol, bool alongRows) {
  if (alongRows) {
    for (int64_t j = 0; j < cols; ++j) {
      for (int64_t i = 0; i < rows; ++i) y[i * yRow + j * yCol] = x[i * xRow + j * xCol];
    }
  } else {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < cols; ++j) y[i * yRow + j * yCol] = x[i * xRow + j * xCol];
    }
  }
}

bool isSmaller(int64_t a, int64_t b) { return (a < 0 ? -a : a) < (b < 0 ? -b : b); }

// One thread's tiles. Operands that the kernel can't take in place pass through buffers.
template <class T, class Call>
void runTiles(const Call& call, const Tiles& tiles, const T* const* in, T* y, int64_t begin,
              int64_t end) {
  constexpr int kInputs = Call::kInputs;
  T buffer[kInputs + 1][kTileRows * kTileCols];
  bool direct[kInputs];
  for (int k = 0; k < kInputs; ++k) direct[k] = Call::takesStep(tiles.colStride[k]);
  const int64_t yRow = tiles.rowStride[kInputs], yCol = tiles.colStride[kInputs];
  const bool yDirect = yCol == 1;
  Odometer at(tiles.tasks, kInputs + 1, begin);
  for (int64_t task = begin; task < end; ++task, at.next()) {
    const int64_t rows = tiles.rowsOf(at), cols = tiles.colsOf(at);
    const T* from[kInputs];
    int64_t rowStep[kInputs], step[kInputs];
    for (int k = 0; k < kInputs; ++k) {
      from[k] = in[k] + at.offset(k);
      rowStep[k] = tiles.rowStride[k];
      step[k] = tiles.colStride[k];
      if (direct[k]) continue;
      copyTile(rows, cols, from[k], rowStep[k], step[k], buffer[k], tiles.tileCols, int64_t{1},
               isSmaller(rowStep[k], step[k]));
      from[k] = buffer[k];
      rowStep[k] = tiles.tileCols;
      step[k] = 1;
    }
    T* const to = y + at.offset(kInputs);
    T* const results = yDirect ? to : buffer[kInputs];
    const int64_t resultRow = yDirect ? yRow : tiles.tileCols;
    for (int64_t i = 0; i < rows; ++i) {
      const T* row[kInputs];
      for (int k = 0; k < kInputs; ++k) row[k] = from[k] + i * rowStep[k];
      call(cols, row, step, results + i * resultRow);
    }
    if (!yDirect) {
      copyTile(rows, cols, results, resultRow, int64_t{1}, to, yRow, yCol, isSmaller(yRow, yCol));
    }
  }
}

template <class T, class Call>
void runStrided(const Command& c, const Call& call, const T* const* in, T* y) {
  constexpr int kInputs = Call::kInputs;
  Loops loops;
  takeDimensions(c.geometry, 0, c.geometry.rank, kInputs + 1, &loops);
  sortByStride(&loops, kInputs + 1, kInputs);
  mergeDimensions(&loops, kInputs + 1);
  const int inner = loops.rank - 1;
  bool direct = inner < 0 || loops.stride[kInputs][inner] == 1;
  for (int k = 0; k < kInputs && inner >= 0; ++k) {
    direct = direct && Call::takesStep(loops.stride[k][inner]);
  }
  const int64_t length = inner < 0 ? 1 : loops.shape[inner];
  const int64_t directRows = length < kDirectValues ? kDirectValues / length : 1;
  const Tiles tiles = direct ? makeTiles(loops, kInputs + 1, directRows, kDirectValues)
                             : makeTiles(loops, kInputs + 1, kTileRows, kTileCols);
  const int64_t tileRows = tiles.rows < tiles.tileRows ? tiles.rows : tiles.tileRows;
  const int64_t tileCols = tiles.cols < tiles.tileCols ? tiles.cols : tiles.tileCols;
  const int64_t tileBytes = tileRows * tileCols * (kInputs + 1) * static_cast<int64_t>(sizeof(T));
  parallelShares(
      elementCount(tiles.tasks), 1, tileBytes, call.heavy ? kHeavyShare : kLightShare,
      [&](int64_t begin, int64_t end) { runTiles<T, Call>(call, tiles, in, y, begin, end); });
}

template <class T, class Call>
Status run(const Command& c, const Call& call) {
  constexpr int kInputs = Call::kInputs;
  const Geometry& g = c.geometry;
  if (isEmpty(g)) return Status::ok;
  const T* in[kInputs];
  int64_t step[kInputs];
  T* const y = static_cast<T*>(c.data[kInputs]);
  bool flat = flatStep(g, kInputs) == 1;
  for (int k = 0; k < kInputs; ++k) {
    in[k] = static_cast<const T*>(c.data[k]);
    step[k] = flat ? flatStep(g, k) : -1;
    flat = flat && Call::takesStep(step[k]);
  }
  if (!flat) {
    runStrided<T>(c, call, in, y);
    return Status::ok;
  }
  const int64_t n = flatCount(g);
  const int64_t itemBytes = (kInputs + 1) * static_cast<int64_t>(sizeof(T));
  parallelShares(n, kCacheLine / static_cast<int64_t>(sizeof(T)), itemBytes,
                 call.heavy ? kHeavyShare : kLightShare, [&](int64_t begin, int64_t end) {
                   const T* part[kInputs];
                   for (int k = 0; k < kInputs; ++k) part[k] = in[k] + begin * step[k];
                   call(end - begin, part, step, y + begin);
                 });
  return Status::ok;
}

template <Unary op>
Status runUnary(const Command& c) {
  constexpr int i = static_cast<int>(op);
  if (c.type[0] == DType::float64) {
    return run<double>(c,
                       UnaryCall<double>{floatKernels<double>().elementwise.unary[i], isHeavy(op)});
  }
  return run<float>(c, UnaryCall<float>{floatKernels<float>().elementwise.unary[i], isHeavy(op)});
}

template <Binary op>
Status runBinary(const Command& c) {
  constexpr int i = static_cast<int>(op);
  if (c.type[0] == DType::float64) {
    return run<double>(
        c, BinaryCall<double>{floatKernels<double>().elementwise.binary[i], isHeavy(op)});
  }
  return run<float>(c, BinaryCall<float>{floatKernels<float>().elementwise.binary[i], isHeavy(op)});
}

// One row for each kernel, named like it.
const Row kRows[] = {
#define TG_UNARY(name) {#name, "in x T[@] out y T[@]", runUnary<Unary::name>, nullptr},
#define TG_BINARY(name) {#name, "in a T[@] in b T[@] out y T[@]", runBinary<Binary::name>, nullptr},
#include "../kernels/elementwise.inc"
};

}  // namespace

Status copyElements(const Command& c) { return runUnary<Unary::copy>(c); }

RowList elementwiseRows() { return rowList(kRows); }

}  // namespace tilegrad
