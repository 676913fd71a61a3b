// The two ways to multiply blocks of bfloat16, with one interface for the loops in gemm_bf16.cpp:
// PairEngine by the CPU's instruction (kernels/table_bf16.h), WideEngine by widening to float32 and
// the float32 tiles. An engine holds one block of A (takeA) and multiplies it by packed panels.
//
// Both give the same bits. The instruction adds the odd step of a pair before the even one, each as
// a fused multiply-add, and takes denormals as zeros; WideEngine swaps the steps of each pair while
// it packs and clears denormals, so its chain of float32 FMAs is the same. What remains: a partial
// sum below 2^-126 is zero in PairEngine and kept in WideEngine, and the zero that fills up an odd
// k turns a sum of -0 (which only a bias of -0 can begin) to +0.
#pragma once
#include <string.h>

#include "../../base/bfloat16.h"
#include "../../kernels/table_bf16.h"
#include "../dispatch.h"
#include "gemm_blocks.h"

namespace tilegrad {

// A matrix of float32 or bfloat16 with any strides, in elements.
struct Bf16Matrix {
  const void* data;
  DType type;
  int64_t row, col;

  Bf16Matrix from(int64_t i, int64_t j) const {
    Bf16Matrix part = *this;
    part.data = static_cast<const char*>(data) + (i * row + j * col) * sizeOf(type);
    return part;
  }
  template <class S>
  const S* as() const {
    return static_cast<const S*>(data);
  }
};

// Where a product of a block and a panel goes.
struct Bf16Output {
  float* c;
  int64_t cRow, cols;
  const float* bias;  // where the sums begin, or null: at zeros
  bool accumulate;    // or at C, without the bias
};

// Runs tiles over `rows` rows. `aRow` is the step of the tile's A from row to row.
template <class Tile>
void runRows(void (*const* tiles)(const Tile&), int64_t maxRows, int64_t rows, int64_t aRow,
             Tile* tile) {
  eachTile(rows, maxRows, [&](int64_t r) {
    tiles[r - 1](*tile);
    tile->a += r * aRow;
    tile->c += r * tile->cRow;
  });
}

class PairEngine {
 public:
  explicit PairEngine(const Bf16Kernels& kernels) : kernels_(kernels) {}

  // Steps of k in one panel: twice those of the float32 product, so that a panel has as many bytes
  // (64 KB of 32 columns). At 1024 cubed C is then written once: 1.75 times the FMA peak (Zen 5,
  // one core), with 512 or 2048 steps 1.5.
  static constexpr int64_t kDepth = 1024;

  int64_t maxRows() const { return kBf16TileRows; }
  int64_t maxCols() const { return kBf16TileCols; }
  int64_t panelBytes(int64_t depth) const { return roundUp(depth, 2) * kBf16TileCols * kElement; }
  int64_t workBytes(int64_t) const { return 0; }
  // By rows or by columns, whichever it turns out to be.
  int64_t blockBytes(int64_t rows, int64_t depth) const {
    const int64_t byRows = rows * (roundUp(depth, 2 * kBf16Step) + kPadding);
    const int64_t byColumns = roundUp(depth, 2) * (roundUp(rows, kBf16Step) + kPadding);
    return (byRows > byColumns ? byRows : byColumns) * kElement;
  }
  // Pairs of A can be read in place if they are pairs in memory and none is half: blocks begin at
  // even steps.
  bool mustCopy(const Bf16Matrix& a, int64_t k) const {
    return a.type != DType::bfloat16 || a.col != 1 || k % 2 != 0;
  }

  void takeA(const Bf16Matrix& a, int64_t rows, int64_t depth, void* space) {
    pairs_ = (depth + 1) / 2;
    if (!space) {
      a_ = a.as<BFloat16>();
      aRow_ = a.row;
      aPair_ = 2;
    } else if (a.type == DType::bfloat16) {
      copyA(kernels_.fromBf16, a, rows, depth, static_cast<BFloat16*>(space));
    } else {
      copyA(kernels_.fromFloat, a, rows, depth, static_cast<BFloat16*>(space));
    }
  }

  void packPanel(const Bf16Matrix& b, int64_t depth, int64_t cols, void* panel, void*) const {
    BFloat16* const to = static_cast<BFloat16*>(panel);
    if (b.type == DType::bfloat16) {
      kernels_.fromBf16.panel(depth, cols, b.as<BFloat16>(), b.row, b.col, to);
    } else {
      kernels_.fromFloat.panel(depth, cols, b.as<float>(), b.row, b.col, to);
    }
  }

  void run(int64_t rows, const void* panel, const Bf16Output& out) const {
    Bf16Tile tile{};
    tile.cols = out.cols;
    tile.pairs = pairs_;
    tile.a = a_;
    tile.aRow = aRow_;
    tile.aPair = aPair_;
    tile.b = static_cast<const BFloat16*>(panel);
    tile.c = out.c;
    tile.cRow = out.cRow;
    tile.bias = out.bias;
    tile.accumulate = out.accumulate;
    runRows(kernels_.tile, maxRows(), rows, aRow_, &tile);
  }

  void narrowRow(int64_t n, const float* from, BFloat16* to) const { kernels_.narrow(n, from, to); }

 private:
  static constexpr int64_t kElement = sizeof(BFloat16);
  // Elements between lines of the copy of A: one cache line more than a power of two, so that a
  // tile's rows don't fall into one set of the first-level cache.
  static constexpr int64_t kPadding = 32;

  template <class S>
  void copyA(const Bf16Packers<S>& packers, const Bf16Matrix& a, int64_t rows, int64_t depth,
             BFloat16* to) {
    a_ = to;
    if (a.row == 1 && a.col != 1) {
      aRow_ = 2;
      aPair_ = 2 * roundUp(rows, kBf16Step) + kPadding;
      packers.columns(rows, depth, a.as<S>(), a.col, to, aPair_);
    } else {
      aRow_ = roundUp(depth, 2 * kBf16Step) + kPadding;
      aPair_ = 2;
      packers.rows(rows, depth, a.as<S>(), a.row, a.col, to, aRow_);
    }
  }

  const Bf16Kernels& kernels_;
  const BFloat16* a_ = nullptr;
  int64_t aRow_ = 0, aPair_ = 0, pairs_ = 0;
};

// The value of a bfloat16, or of a float32 rounded to one; zero for denormals.
inline float clearDenormal(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  if ((bits & 0x7f800000u) == 0) bits &= 0x80000000u;
  memcpy(&x, &bits, sizeof(x));
  return x;
}
inline float bf16Value(BFloat16 x) { return clearDenormal(widen(x)); }
inline float bf16Value(float x) { return widen(narrow(clearDenormal(x))); }

class WideEngine {
 public:
  explicit WideEngine(const GemmKernels<float>& kernels) : kernels_(kernels) {}

  static constexpr int64_t kDepth = 512;  // as the float32 product

  int64_t maxRows() const { return kernels_.maxRows; }
  int64_t maxCols() const { return kernels_.maxCols; }
  int64_t panelBytes(int64_t depth) const { return depth * maxCols() * kElement; }
  // Widened columns of B that are yet to be packed.
  int64_t workBytes(int64_t depth) const { return maxCols() * (depth + kPadding) * kElement; }
  int64_t blockBytes(int64_t rows, int64_t depth) const {
    const int64_t larger = rows > depth ? rows : depth, smaller = rows > depth ? depth : rows;
    return larger * (smaller + kPadding) * kElement;
  }
  bool mustCopy(const Bf16Matrix&, int64_t) const { return true; }

  void takeA(const Bf16Matrix& a, int64_t rows, int64_t depth, void* space) {
    float* const to = static_cast<float*>(space);
    const bool columns = a.row == 1 && a.col != 1;
    const int64_t stride = (columns ? rows : depth) + kPadding;
    if (columns) {
      widenSteps(a, depth, a.col, rows, a.row, to, stride);
    } else {
      widenLines(a, rows, a.row, depth, a.col, to, stride);
    }
    a_ = to;
    aRow_ = columns ? 1 : stride;
    aCol_ = columns ? stride : 1;
    depth_ = depth;
  }

  void packPanel(const Bf16Matrix& b, int64_t depth, int64_t cols, void* panel, void* work) const {
    float* const to = static_cast<float*>(panel);
    if (b.col == 1) {
      widenSteps(b, depth, b.row, cols, 1, to, maxCols());
      return;
    }
    float* const lines = static_cast<float*>(work);
    const int64_t stride = depth + kPadding;
    widenLines(b, cols, b.col, depth, b.row, lines, stride);
    kernels_.packPanel(depth, cols, lines, 1, stride, to);
  }

  void run(int64_t rows, const void* panel, const Bf16Output& out) const {
    GemmTile<float> tile{};
    tile.cols = out.cols;
    tile.k = depth_;
    tile.a = a_;
    tile.aRow = aRow_;
    tile.aCol = aCol_;
    tile.b = static_cast<const float*>(panel);
    tile.bRow = maxCols();
    tile.c = out.c;
    tile.cRow = out.cRow;
    tile.bias = out.accumulate ? nullptr : out.bias;
    tile.beta = out.accumulate ? 1.0f : 0.0f;
    runRows(kernels_.tile, maxRows(), rows, aRow_, &tile);
  }

  void narrowRow(int64_t n, const float* from, BFloat16* to) const {
    for (int64_t i = 0; i < n; ++i) to[i] = narrow(from[i]);
  }

 private:
  static constexpr int64_t kElement = sizeof(float);
  static constexpr int64_t kPadding = 16;  // one cache line, as PairEngine's

  // One line across the steps of k.
  template <class S>
  static void widenAcross(const S* from, int64_t n, int64_t step, float* to) {
    if (step == 1) {
      for (int64_t i = 0; i < n; ++i) to[i] = bf16Value(from[i]);
    } else {
      for (int64_t i = 0; i < n; ++i) to[i] = bf16Value(from[i * step]);
    }
  }

  // One line along k, the steps of each pair swapped.
  template <class S>
  static void widenAlong(const S* from, int64_t n, int64_t step, float* to) {
    const int64_t even = n / 2 * 2;
    for (int64_t i = 0; i < even; i += 2) {
      to[i] = bf16Value(from[(i + 1) * step]);
      to[i + 1] = bf16Value(from[i * step]);
    }
    if (even < n) to[even] = bf16Value(from[even * step]);
  }

  // Lines along k.
  static void widenLines(const Bf16Matrix& x, int64_t lines, int64_t lineStep, int64_t n,
                         int64_t step, float* to, int64_t toLine) {
    for (int64_t i = 0; i < lines; ++i, to += toLine) {
      if (x.type == DType::bfloat16) {
        widenAlong(x.as<BFloat16>() + i * lineStep, n, step, to);
      } else {
        widenAlong(x.as<float>() + i * lineStep, n, step, to);
      }
    }
  }

  // Lines of one step of k each; neighbours swap their places.
  static void widenSteps(const Bf16Matrix& x, int64_t lines, int64_t lineStep, int64_t n,
                         int64_t step, float* to, int64_t toLine) {
    for (int64_t i = 0; i < lines; ++i) {
      float* const line = to + ((i ^ 1) < lines ? i ^ 1 : i) * toLine;
      if (x.type == DType::bfloat16) {
        widenAcross(x.as<BFloat16>() + i * lineStep, n, step, line);
      } else {
        widenAcross(x.as<float>() + i * lineStep, n, step, line);
      }
    }
  }

  const GemmKernels<float>& kernels_;
  const float* a_ = nullptr;
  int64_t aRow_ = 0, aCol_ = 0, depth_ = 0;
};

}  // namespace tilegrad
