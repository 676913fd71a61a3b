// Elementwise operations: y = f(x) and y = f(a, b) over a common shape, every operand with strides
// of its own (0 broadcasts). What is contiguous goes straight to a kernel; the rest goes through
// tiles.
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
    case Unary::exp2:
    case Unary::expm1:
    case Unary::log2:
    case Unary::log10:
    case Unary::sin:
    case Unary::cos:
    case Unary::tan:
    case Unary::asin:
    case Unary::acos:
    case Unary::atan:
    case Unary::sinh:
    case Unary::cosh:
    case Unary::tanh:
    case Unary::sigmoid:
    case Unary::erf:
    case Unary::erfc:
    case Unary::gelu:
    case Unary::geluTanh:
    case Unary::silu:
    case Unary::mish:
    case Unary::tanhshrink:
      return true;
    default:
      return false;
  }
}

bool isHeavy(Binary op) {
  switch (op) {
    case Binary::pow:
    case Binary::fmod:
    case Binary::remainder:
    case Binary::floorDivide:
    case Binary::atan2:
    case Binary::powBaseSlope:
    case Binary::powExponentSlope:
    case Binary::glu:
      return true;
    default:
      return false;
  }
}

bool isHeavy(UnaryWith op) { return op == UnaryWith::softplus || op == UnaryWith::elu; }

bool isHeavy(Derivative op) {
  switch (op) {
    case Derivative::geluBackward:
    case Derivative::geluTanhBackward:
    case Derivative::siluBackward:
    case Derivative::mishBackward:
    case Derivative::tanhshrinkBackward:
    case Derivative::softplusBackward:
    case Derivative::eluBackward:
      return true;
    default:
      return false;
  }
}

// A kernel with its operands' pointers: what the loops below need to know of unary and binary.
template <class T>
struct UnaryCall {
  static constexpr int kInputs = 1;
  UnaryKernel<T> kernel;
  bool heavy;

  static bool takesStep(int, int64_t step) { return step == 1; }
  void operator()(int64_t n, const T* const* in, const int64_t*, T* y) const {
    kernel(n, in[0], y);
  }
};

template <class T>
struct BinaryCall {
  static constexpr int kInputs = 2;
  BinaryKernel<T> kernel;
  bool heavy;

  static bool takesStep(int, int64_t step) { return step == 1 || step == 0; }
  void operator()(int64_t n, const T* const* in, const int64_t* step, T* y) const {
    kernel(n, in[0], step[0], in[1], step[1], y);
  }
};

// The numbers of a row as parameters of its kernel; its signature says how many.
template <class T>
struct Parameters {
  T value[kMaxParameters] = {};

  Parameters(const Command& c, int count) {
    for (int i = 0; i < count; ++i) value[i] = static_cast<T>(c.number[i].f);
  }
};

template <class T>
struct UnaryWithCall {
  static constexpr int kInputs = 1;
  UnaryWithKernel<T> kernel;
  Parameters<T> parameters;
  bool heavy;

  static bool takesStep(int, int64_t step) { return step == 1; }
  void operator()(int64_t n, const T* const* in, const int64_t*, T* y) const {
    kernel(n, in[0], parameters.value, y);
  }
};

template <class T>
struct DerivativeCall {
  static constexpr int kInputs = 2;
  DerivativeKernel<T> kernel;
  Parameters<T> parameters;
  bool heavy;

  static bool takesStep(int k, int64_t step) { return step == 1 || (k == 0 && step == 0); }
  void operator()(int64_t n, const T* const* in, const int64_t* step, T* y) const {
    kernel(n, in[0], step[0], in[1], parameters.value, y);
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
  for (int k = 0; k < kInputs; ++k) direct[k] = Call::takesStep(k, tiles.colStride[k]);
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
    direct = direct && Call::takesStep(k, loops.stride[k][inner]);
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
    flat = flat && Call::takesStep(k, step[k]);
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

// How many parameters "; a b real" names, or "".
constexpr int parameterCount(const char* text) {
  int spaces = 0;
  for (; *text; ++text) spaces += *text == ' ' ? 1 : 0;
  return spaces > 0 ? spaces - 1 : 0;
}

template <UnaryWith op, int count>
Status runUnaryWith(const Command& c) {
  static_assert(count <= kMaxParameters, "more parameters than kernels take");
  constexpr int i = static_cast<int>(op);
  if (c.type[0] == DType::float64) {
    return run<double>(c, UnaryWithCall<double>{floatKernels<double>().elementwise.unaryWith[i],
                                                Parameters<double>(c, count), isHeavy(op)});
  }
  return run<float>(c, UnaryWithCall<float>{floatKernels<float>().elementwise.unaryWith[i],
                                            Parameters<float>(c, count), isHeavy(op)});
}

template <Derivative op, int count>
Status runDerivative(const Command& c) {
  static_assert(count <= kMaxParameters, "more parameters than kernels take");
  constexpr int i = static_cast<int>(op);
  if (c.type[0] == DType::float64) {
    return run<double>(c, DerivativeCall<double>{floatKernels<double>().elementwise.derivative[i],
                                                 Parameters<double>(c, count), isHeavy(op)});
  }
  return run<float>(c, DerivativeCall<float>{floatKernels<float>().elementwise.derivative[i],
                                             Parameters<float>(c, count), isHeavy(op)});
}

template <class T>
Status gluBackwardOf(const Command& c) {
  const int64_t rows = c.number[0].i, n = c.number[1].i, xRow = c.number[2].i;
  const int64_t gRow = c.number[3].i, dxRow = c.number[4].i;
  if (rows == 0 || n == 0) return Status::ok;
  const T* const x = static_cast<const T*>(c.data[0]);
  const T* const g = static_cast<const T*>(c.data[1]);
  T* const dx = static_cast<T*>(c.data[2]);
  const auto kernel = floatKernels<T>().elementwise.gluBackward;
  // Each row's halves and its gradient are cut alike: of few long rows threads share each.
  const int64_t itemBytes = 5 * static_cast<int64_t>(sizeof(T));
  if (rows >= 4 * numThreads() || n * itemBytes < 2 * kHeavyShare) {
    parallelShares(rows, 1, n * itemBytes, kHeavyShare, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        kernel(n, x + i * xRow, x + i * xRow + n, g + i * gRow, dx + i * dxRow, dx + i * dxRow + n);
      }
    });
    return Status::ok;
  }
  for (int64_t i = 0; i < rows; ++i) {
    const T* const a = x + i * xRow;
    T* const da = dx + i * dxRow;
    parallelShares(n, kCacheLine / static_cast<int64_t>(sizeof(T)), itemBytes, kHeavyShare,
                   [&](int64_t begin, int64_t end) {
                     kernel(end - begin, a + begin, a + n + begin, g + i * gRow + begin, da + begin,
                            da + n + begin);
                   });
  }
  return Status::ok;
}

Status gluBackward(const Command& c) {
  return c.type[0] == DType::float64 ? gluBackwardOf<double>(c) : gluBackwardOf<float>(c);
}

// One row for each kernel, named like it.
const Row kRows[] = {
#define TG_UNARY(name) {#name, "in x T[@] out y T[@]", runUnary<Unary::name>, nullptr},
#define TG_BINARY(name) {#name, "in a T[@] in b T[@] out y T[@]", runBinary<Binary::name>, nullptr},
#define TG_UNARY_WITH(name, parameters)      \
  {#name, "in x T[@] out y T[@]" parameters, \
   runUnaryWith<UnaryWith::name, parameterCount(parameters)>, nullptr},
#define TG_DERIVATIVE(name, parameters)                 \
  {#name, "in g T[@] in x T[@] out dx T[@]" parameters, \
   runDerivative<Derivative::name, parameterCount(parameters)>, nullptr},
#include "../kernels/elementwise.inc"
    // x and dx are rows of two halves: with x = [a, b], dx = [g sigmoid(b), g a sigmoid'(b)].
    {"gluBackward",
     "in x T[rows*xRow 2 n] in g T[rows*gRow n] out dx T[rows*dxRow 2 n]; "
     "rows n size xRow gRow dxRow stride",
     gluBackward, nullptr},
};

}  // namespace

RowList elementwiseRows() { return rowList(kRows); }

}  // namespace tilegrad
