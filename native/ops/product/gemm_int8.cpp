// int8 products: blocks, packing, threads, and the rows of quantised layers. The arithmetic is in
// kernels/gemm_int8.h; sums are integers, so nothing here can change a result.

#include "../../base/scratch.h"
#include "../parallel.h"
#include "../rows.h"
#include "gemm.h"
#include "gemm_blocks.h"
#include "gemm_threads.h"

namespace tilegrad {
namespace {

// Bytes of packed A that pass over every panel before the next rows come: half of a second-level
// cache of 1 MB, as for float32 (ops/product/gemm.cpp). The inner dimension is not cut: four steps
// take the bytes and the time of one of float32, so a panel of 2048 steps is as large as one there
// (64 KB), and a longer one streams from the next cache at 9 bytes a cycle, which costs nothing
// measurable.
constexpr int64_t kBlockBytes = 512 * 1024;

// Bytes of B packed at a time when it isn't packed ahead: well inside a third-level cache.
constexpr int64_t kPackBytes = 2 * 1024 * 1024;

// Multiply-adds that a thread must get for another one to pay (ops/product/gemm_threads.cpp), at
// about thrice the rate of float32.
constexpr double kMinWorkPerThread = 600000;
constexpr double kMultiplyAddsPerNanosecond = 360;

int64_t panelBytes(int64_t k) { return roundUp(k, 4) * kInt8Panel; }

// Where the sums go: to C as they are, or scaled to y.
struct Int8Product {
  int64_t m, n, k;
  const int8_t* a;
  int64_t aRow, aCol;
  int32_t* c;  // null for a scaled result
  int64_t cRow;
  Int8Scale scaled;          // rowScale, columnScale, bias, y and yRow of the whole product
  GemmFinish<float> finish;  // of a scaled result
};

struct PackedB {
  const int8_t* panels;
  const int32_t* sums;
};

Int8Product rowsOf(const Int8Product& g, int64_t begin, int64_t end) {
  Int8Product part = g;
  part.m = end - begin;
  part.a += begin * g.aRow;
  if (part.c) part.c += begin * g.cRow;
  if (part.scaled.rowScale) part.scaled.rowScale += begin;
  if (part.scaled.y) part.scaled.y += begin * g.scaled.yRow;
  return part;
}

Int8Product columnsOf(const Int8Product& g, int64_t begin, int64_t end) {
  Int8Product part = g;
  part.n = end - begin;
  if (part.c) part.c += begin;
  if (part.scaled.columnScale) part.scaled.columnScale += begin;
  if (part.scaled.bias) part.scaled.bias += begin;
  if (part.scaled.y) part.scaled.y += begin;
  return part;
}

// All packed rows of a block against one panel.
void runPanel(const Int8Kernels& kernels, const Int8Product& g, Int8Tile tile) {
  const int64_t cols = tile.cols;
  int32_t sums[kMaxTileRows * kInt8Panel];
  Int8Scale scaled = g.scaled;
  if (!g.c) {
    tile.c = sums;
    tile.cRow = kInt8Panel;
    // Whole vectors of sums, since whole ones are read below; beyond n the panel is zeros.
    constexpr int64_t kWhole = kInt8Panel / 2;
    tile.cols = roundUp(cols, kWhole);
    scaled.sums = sums;
    scaled.cols = cols;
  }
  eachTile(g.m, kernels.maxRows, [&](int64_t rows) {
    kernels.tile[rows - 1](tile);
    tile.a += rows * tile.aRow;
    if (g.c) {
      tile.c += rows * tile.cRow;
      return;
    }
    scaled.rows = rows;
    kernels.scale(scaled);
    if (g.finish.activation != Activation::none) {
      floatKernels<float>().gemm.finish(rows, cols, scaled.y, scaled.yRow, g.finish, nullptr, 0);
    }
    scaled.y += rows * scaled.yRow;
    if (scaled.rowScale) scaled.rowScale += rows;
  });
}

// One thread's product with a packed B.
Status multiplyPacked(const Int8Product& g, const PackedB& b) {
  const Int8Kernels& kernels = int8Kernels();
  // An odd number of cache lines between rows: a tile's rows then lie in different sets.
  constexpr int64_t kLine = 64;
  const int64_t stride = (ceilDiv(ceilDiv(g.k, 16) * 4 * kernels.quadBytes, kLine) | 1) * kLine;
  const int64_t fitting = kBlockBytes / stride;
  const int64_t blockRows = min64(g.m, fitting < kernels.maxRows ? kernels.maxRows : fitting);
  auto* const block =
      static_cast<uint8_t*>(scratch(ScratchSlot::block, static_cast<size_t>(blockRows * stride)));
  if (!block) return Status::outOfMemory;
  for (int64_t i0 = 0; i0 < g.m; i0 += blockRows) {
    const Int8Product rows = rowsOf(g, i0, min64(i0 + blockRows, g.m));
    kernels.packA(rows.m, g.k, rows.a, g.aRow, g.aCol, block, stride);
    for (int64_t j = 0; j < g.n; j += kInt8Panel) {
      const Int8Product part = columnsOf(rows, j, min64(j + kInt8Panel, g.n));
      Int8Tile tile;
      tile.cols = part.n;
      tile.quads = ceilDiv(g.k, 4);
      tile.a = block;
      tile.aRow = stride;
      tile.b = b.panels + j / kInt8Panel * panelBytes(g.k);
      tile.sums = b.sums + j;
      tile.c = part.c;
      tile.cRow = part.cRow;
      runPanel(kernels, part, tile);
    }
  }
  return Status::ok;
}

void packColumns(int64_t k, int64_t n, const int8_t* b, int64_t bRow, int64_t bCol, int8_t* panels,
                 int32_t* sums) {
  const Int8Kernels& kernels = int8Kernels();
  for (int64_t j = 0; j < n; j += kInt8Panel) {
    kernels.packB(k, min64(n - j, kInt8Panel), b + j * bCol, bRow, bCol,
                  panels + j / kInt8Panel * panelBytes(k), sums + j);
  }
}

// One thread's product with a B that it packs in blocks of columns.
Status multiply(const Int8Product& g, const int8_t* b, int64_t bRow, int64_t bCol) {
  const int64_t fitting = kPackBytes / (panelBytes(g.k) + 1);
  const int64_t blockCols = min64(ceilDiv(g.n, kInt8Panel), fitting < 1 ? 1 : fitting) * kInt8Panel;
  const int64_t bytes = blockCols / kInt8Panel * panelBytes(g.k);
  auto* const panels = static_cast<int8_t*>(
      scratch(ScratchSlot::panel,
              static_cast<size_t>(bytes) + static_cast<size_t>(blockCols) * sizeof(int32_t)));
  if (!panels) return Status::outOfMemory;
  auto* const sums = reinterpret_cast<int32_t*>(panels + bytes);
  for (int64_t j = 0; j < g.n; j += blockCols) {
    const Int8Product part = columnsOf(g, j, min64(j + blockCols, g.n));
    packColumns(g.k, part.n, b + j * bCol, bRow, bCol, panels, sums);
    if (multiplyPacked(part, {panels, sums}) != Status::ok) return Status::outOfMemory;
  }
  return Status::ok;
}

bool enoughForThreads(const Int8Product& g, int64_t batch) {
  const double work = static_cast<double>(g.m) * static_cast<double>(g.n) *
                      static_cast<double>(g.k) * static_cast<double>(batch);
  return work >= 2 * kMinWorkPerThread &&
         worthRegion(numThreads(), work / kMultiplyAddsPerNanosecond);
}

// f(part, first column) over threads, along the longer side of C.
template <class F>
Status overThreads(const Int8Product& g, const F& f) {
  if (!enoughForThreads(g, 1)) return f(g, 0);
  return overLongerSide(
      g.m, g.n, int8Kernels().maxRows, kInt8Panel, [&](int64_t begin, int64_t end, bool byColumns) {
        return byColumns ? f(columnsOf(g, begin, end), begin) : f(rowsOf(g, begin, end), 0);
      });
}

// The row's numbers, in the order of its signature.
enum GemmNumber {
  kBatch,
  kM,
  kN,
  kK,
  kABatch,
  kARow,
  kACol,
  kBBatch,
  kBRow,
  kBCol,
  kCBatch,
  kCRow
};

Status gemmInt8(const Command& c) {
  const auto number = [&](int i) { return c.number[i].i; };
  Int8Product g = {};
  g.m = number(kM);
  g.n = number(kN);
  g.k = number(kK);
  if (g.m == 0 || g.n == 0) return Status::ok;
  // Without k there is nothing of A and B to step over, and their strides, which no bound holds
  // then, must not be added to pointers.
  const auto stepOf = [&](int i) { return g.k == 0 ? 0 : number(i); };
  g.aRow = stepOf(kARow);
  g.aCol = stepOf(kACol);
  g.cRow = number(kCRow);
  const int64_t bRow = stepOf(kBRow), bCol = stepOf(kBCol), batch = number(kBatch);
  const auto item = [&](int64_t i) {
    Int8Product one = g;
    one.a = static_cast<const int8_t*>(c.data[0]) + i * stepOf(kABatch);
    one.c = static_cast<int32_t*>(c.data[2]) + i * number(kCBatch);
    return one;
  };
  const auto right = [&](int64_t i) {
    return static_cast<const int8_t*>(c.data[1]) + i * stepOf(kBBatch);
  };
  return overBatch(
      batch, enoughForThreads(g, batch),
      [&](int64_t i) { return multiply(item(i), right(i), bRow, bCol); },
      [&](int64_t i) {
        return overThreads(item(i), [&](const Int8Product& part, int64_t column) {
          return multiply(part, right(i) + column * bCol, bRow, bCol);
        });
      });
}

Status packInt8(const Command& c) {
  const int64_t n = c.number[2].i, k = c.number[3].i;
  // As above: strides of an empty B are not to be used.
  const int64_t bRow = k == 0 ? 0 : c.number[4].i, bCol = k == 0 ? 0 : c.number[5].i;
  const auto* b = static_cast<const int8_t*>(c.data[0]);
  auto* panels = static_cast<int8_t*>(c.data[1]);
  auto* sums = static_cast<int32_t*>(c.data[2]);
  const int64_t itemBytes = 2 * panelBytes(k);
  parallelShares(ceilDiv(n, kInt8Panel), 1, itemBytes, kLightShare,
                 [&](int64_t begin, int64_t end) {
                   const int64_t first = begin * kInt8Panel;
                   packColumns(k, min64(end * kInt8Panel, n) - first, b + first * bCol, bRow, bCol,
                               panels + begin * panelBytes(k), sums + first);
                 });
  return Status::ok;
}

bool packedSizesFit(int64_t panels, int64_t quads, int64_t n, int64_t k) {
  return panels == ceilDiv(n, kInt8Panel) && quads == ceilDiv(k, 4);
}

constexpr const char* kPackedSizes = "packed B has ceil(n / 32) panels of ceil(k / 4) quads";

const char* checkPack(const Command& c) {
  return packedSizesFit(c.number[0].i, c.number[1].i, c.number[2].i, c.number[3].i) ? nullptr
                                                                                    : kPackedSizes;
}

enum LinearNumber {
  kRows,
  kCols,
  kDepth,
  kPanels,
  kQuads,
  kXRow,
  kXCol,
  kYRow,
  kActivation,
  kSlope
};

Status linearInt8(const Command& c) {
  const auto number = [&](int i) { return c.number[i].i; };
  Int8Product g = {};
  g.m = number(kRows);
  g.n = number(kCols);
  g.k = number(kDepth);
  if (g.m == 0 || g.n == 0) return Status::ok;
  g.a = static_cast<const int8_t*>(c.data[0]);
  g.aRow = g.k == 0 ? 0 : number(kXRow);
  g.aCol = g.k == 0 ? 0 : number(kXCol);
  g.scaled.rowScale = static_cast<const float*>(c.data[1]);
  const PackedB b = {static_cast<const int8_t*>(c.data[2]), static_cast<const int32_t*>(c.data[3])};
  g.scaled.columnScale = static_cast<const float*>(c.data[4]);
  g.scaled.bias = static_cast<const float*>(c.data[5]);
  g.scaled.y = static_cast<float*>(c.data[6]);
  g.scaled.yRow = number(kYRow);
  g.finish.activation = static_cast<Activation>(number(kActivation));
  g.finish.slope = static_cast<float>(c.number[kSlope].f);
  return overThreads(g, [&](const Int8Product& part, int64_t column) {
    return multiplyPacked(part,
                          {b.panels + column / kInt8Panel * panelBytes(g.k), b.sums + column});
  });
}

const char* checkLinear(const Command& c) {
  constexpr int64_t kNoSide = static_cast<int64_t>(Side::none);
  if (const char* problem = checkFinish(c.number[kActivation].i, kNoSide, false)) return problem;
  return packedSizesFit(c.number[kPanels].i, c.number[kQuads].i, c.number[kCols].i,
                        c.number[kDepth].i)
             ? nullptr
             : kPackedSizes;
}

Status quantizeInt8(const Command& c) {
  const int64_t rows = c.number[0].i, cols = c.number[1].i;
  // As above: rows without elements are not stepped over.
  const int64_t xRow = cols == 0 ? 0 : c.number[2].i, yRow = cols == 0 ? 0 : c.number[3].i;
  const auto* x = static_cast<const float*>(c.data[0]);
  auto* y = static_cast<int8_t*>(c.data[1]);
  auto* scale = static_cast<float*>(c.data[2]);
  const Int8Kernels& kernels = int8Kernels();
  const int64_t itemBytes = cols * static_cast<int64_t>(sizeof(float) + 1);
  // Scales are cut at cache lines.
  constexpr int64_t kGrain = kCacheLine / static_cast<int64_t>(sizeof(float));
  parallelShares(rows, kGrain, itemBytes, kLightShare, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      scale[i] = kernels.quantizeRow(cols, x + i * xRow, y + i * yRow);
    }
  });
  return Status::ok;
}

const Row kRowTable[] = {
    // C = A B modulo 2^32, any strides but C's columns.
    {"gemmInt8",
     "in a i8[batch*aBatch m*aRow k*aCol] in b i8[batch*bBatch k*bRow n*bCol] "
     "out c i32[batch*cBatch m*cRow n]; batch m n k size "
     "aBatch aRow aCol bBatch bRow bCol cBatch cRow stride",
     gemmInt8, nullptr},
    // B in panels of 32 columns and quads of 4 steps, with the sums of its columns: for linearInt8,
    // at any level.
    {"packInt8",
     "in b i8[k*bRow n*bCol] out packed i8[panels quads 128] out sums i32[panels 32]; "
     "panels quads n k size bRow bCol stride",
     packInt8, checkPack},
    // y = act(float(A B) * rowScale * columnScale + bias) with a packed B; slope is leakyRelu's.
    {"linearInt8",
     "in a i8[m*aRow k*aCol] opt rowScale f32[m] in packed i8[panels quads 128] "
     "in sums i32[panels 32] in columnScale f32[n] opt bias f32[n] out y f32[m*yRow n]; "
     "m n k panels quads size aRow aCol yRow stride activation int slope real",
     linearInt8, checkLinear},
    // Each row to int8 with a scale of its own (Int8Kernels::quantizeRow).
    {"quantizeInt8",
     "in x f32[rows*xRow cols] out values i8[rows*yRow cols] out scale f32[rows]; "
     "rows cols size xRow yRow stride",
     quantizeInt8, nullptr},
};

}  // namespace

RowList int8Rows() { return rowList(kRowTable); }

}  // namespace tilegrad
