// Matrix products: which blocks, what is packed, how threads share the work. The arithmetic is in
// kernels/gemm.h; nothing here changes a bit of the result, since every output is one FMA chain.
#include <string.h>

#include <atomic>

#include "../base/scratch.h"
#include "../base/thread_pool.h"
#include "dispatch.h"
#include "rows.h"

namespace tilegrad {
namespace {

// Steps of k in one packed panel: every tile reads and writes its part of C once a panel, so deeper
// panels save memory traffic until they crowd the second-level cache (32 float32 columns are 64
// KB). GFLOP/s of a peak of 118 at 512 and 1024 cubed (Zen 4, one core): 256 steps 112 and 102, 384
// steps 111 and 104, 512 steps 114 and 109, 1024 steps 112 and 108.
constexpr int64_t kBlockK = 512;

// Rows of A that pass over every panel before the next rows come: 256 x kBlockK float32 values are
// 512 KB, half of the second-level cache of the CPU above. 128 and 168 rows lost 2 to 4 %.
constexpr int64_t kBlockRows = 256;

// Columns packed at a time: kBlockK x 2048 float32 values are 2 MB, well inside a third-level
// cache.
constexpr int64_t kBlockCols = 2048;

// A block of A is copied when at least this many panels of B pass over it: the copy then costs less
// than 1 % of the products. What it buys: rows that lie a multiple of 4 KB apart fall into one set
// of the first-level cache, and a tile's 14 rows don't fit its 8 (or 12) ways. At 1024 cubed (Zen
// 4, one core) products on A itself reach 43 GFLOP/s of 118, on the copy 109.
constexpr int64_t kMinPanelsForCopy = 4;

// Elements between the ends of the copy's rows: one cache line more than a power of two.
constexpr int64_t kCopyPadding = 16;

// Multiply-adds that a thread must get for another thread to pay: waking a spinning worker and
// joining it costs 1 to 2 us, the time of about 10^5 multiply-adds at 100 GFLOP/s.
constexpr int64_t kMinWorkPerThread = 200000;

template <class T>
struct Product {
  int64_t m, n, k;
  const T* a;
  int64_t aRow, aCol;
  const T* b;
  int64_t bRow, bCol;
  const T* bias;
  T* c;
  int64_t cRow;
  bool accumulate;
  Activation activation;
};

int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

template <class T>
GemmInit initOf(const Product<T>& g, bool firstBlock) {
  if (!firstBlock || g.accumulate) return GemmInit::accumulate;
  return g.bias ? GemmInit::bias : GemmInit::zero;
}

// Runs rows [row, row + rows) against one panel of columns, in tiles of nearly equal height: 15
// rows are 8 + 7 and not 14 + 1, so that no tile is nearly empty.
template <class T>
void runPanel(const GemmKernels<T>& kernels, GemmTile<T> tile, int64_t rows) {
  const int64_t tiles = ceilDiv(rows, kernels.maxRows);
  const int64_t height = rows / tiles, taller = rows % tiles;
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t r = height + (i < taller ? 1 : 0);
    kernels.tile[r - 1](tile);
    tile.a += r * tile.aRow;
    tile.c += r * tile.cRow;
  }
}

// Copies rows x depth elements of A to scratch memory, row by row or column by column as they lie,
// and points the tile at the copy.
template <class T>
void copyBlock(const Product<T>& g, const T* a, int64_t rows, int64_t depth, T* to,
               GemmTile<T>* tile) {
  const bool columns = g.aRow == 1 && g.aCol != 1;
  const int64_t lines = columns ? depth : rows, length = columns ? rows : depth;
  const int64_t lineStep = columns ? g.aCol : g.aRow, elementStep = columns ? g.aRow : g.aCol;
  const int64_t stride = length + kCopyPadding;
  for (int64_t i = 0; i < lines; ++i) {
    const T* from = a + i * lineStep;
    T* line = to + i * stride;
    if (elementStep == 1) {
      memcpy(line, from, static_cast<size_t>(length) * sizeof(T));
    } else {
      for (int64_t e = 0; e < length; ++e) line[e] = from[e * elementStep];
    }
  }
  tile->a = to;
  tile->aRow = columns ? 1 : stride;
  tile->aCol = columns ? stride : 1;
}

// One thread's product.
template <class T>
Status multiply(const Product<T>& g) {
  const GemmKernels<T>& kernels = floatKernels<T>().gemm;
  const int64_t width = kernels.maxCols;
  // With one row of tiles each value of B is used once: packing would only copy it.
  const bool pack = g.bCol != 1 || g.m > kernels.maxRows;
  const int64_t blockCols = min64(g.n, kBlockCols);
  // Without packing nothing is kept in cache between row tiles, so k needs no blocks.
  const int64_t blockK = pack ? kBlockK : (g.k > 0 ? g.k : 1);
  T* panels = nullptr;
  if (pack) {
    const int64_t depth = min64(g.k, kBlockK);
    const size_t bytes = static_cast<size_t>(ceilDiv(blockCols, width) * width * depth) * sizeof(T);
    panels = static_cast<T*>(scratch(ScratchSlot::panel, bytes));
    if (!panels && bytes > 0) return Status::outOfMemory;
  }
  T* block = nullptr;
  if (pack && g.n >= kMinPanelsForCopy * width && g.k > 0) {
    const int64_t rows = min64(g.m, kBlockRows), depth = min64(g.k, kBlockK);
    const int64_t larger = rows > depth ? rows : depth, smaller = rows > depth ? depth : rows;
    // The longer side in lines is the case that needs more padding.
    const size_t bytes = static_cast<size_t>(larger * (smaller + kCopyPadding)) * sizeof(T);
    block = static_cast<T*>(scratch(ScratchSlot::block, bytes));
    if (!block) return Status::outOfMemory;
  }
  const int64_t kBlocks = g.k > 0 ? ceilDiv(g.k, blockK) : 1;  // k = 0 still writes act(init)

  for (int64_t j0 = 0; j0 < g.n; j0 += blockCols) {
    const int64_t nCols = min64(g.n - j0, blockCols);
    for (int64_t kb = 0; kb < kBlocks; ++kb) {
      const int64_t p0 = kb * blockK, depth = min64(g.k - p0, blockK);
      for (int64_t i0 = 0; i0 < g.m; i0 += kBlockRows) {
        const int64_t rows = min64(g.m - i0, kBlockRows);
        GemmTile<T> tile;
        tile.k = depth;
        tile.a = g.a + i0 * g.aRow + p0 * g.aCol;
        tile.aRow = g.aRow;
        tile.aCol = g.aCol;
        if (block) copyBlock(g, tile.a, rows, depth, block, &tile);
        for (int64_t j = 0; j < nCols; j += width) {
          tile.cols = min64(nCols - j, width);
          const T* b = g.b + p0 * g.bRow + (j0 + j) * g.bCol;
          if (pack) {
            T* panel = panels + j * depth;
            // Packed just before its first use, while it is warm.
            if (i0 == 0) kernels.packPanel(depth, tile.cols, b, g.bRow, g.bCol, panel);
            tile.b = panel;
            tile.bRow = width;
          } else {
            tile.b = b;
            tile.bRow = g.bRow;
          }
          tile.c = g.c + i0 * g.cRow + j0 + j;
          tile.cRow = g.cRow;
          tile.bias = g.bias ? g.bias + j0 + j : nullptr;
          tile.init = initOf(g, kb == 0);
          tile.activation = kb == kBlocks - 1 ? g.activation : Activation::none;
          runPanel(kernels, tile, rows);
        }
      }
    }
  }
  return Status::ok;
}

// Whether `batch` products of this size have enough work for a second thread.
template <class T>
bool worthThreads(const Product<T>& g, int64_t batch) {
  const double work = static_cast<double>(g.m) * static_cast<double>(g.n) *
                      static_cast<double>(g.k) * static_cast<double>(batch);
  return numThreads() > 1 && work >= 2.0 * kMinWorkPerThread;
}

// The same over threads, along the longer side of C. Either cut leaves every output to one thread.
template <class T>
Status multiplyThreaded(const Product<T>& g) {
  const GemmKernels<T>& kernels = floatKernels<T>().gemm;
  if (!worthThreads(g, 1)) return multiply(g);
  std::atomic<bool> failed{false};
  if (g.n >= g.m) {
    parallelFor(g.n, kernels.maxCols, [&](int64_t begin, int64_t end) {
      Product<T> part = g;
      part.n = end - begin;
      part.b += begin * g.bCol;
      part.c += begin;
      if (part.bias) part.bias += begin;
      if (multiply(part) != Status::ok) failed = true;
    });
  } else {
    parallelFor(g.m, kernels.maxRows, [&](int64_t begin, int64_t end) {
      Product<T> part = g;
      part.m = end - begin;
      part.a += begin * g.aRow;
      part.c += begin * g.cRow;
      if (multiply(part) != Status::ok) failed = true;
    });
  }
  return failed ? Status::outOfMemory : Status::ok;
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
  kCRow,
  kActivation,
  kAccumulate
};

template <class T>
Status runGemm(const Command& c) {
  const auto number = [&](int i) { return c.number[i].i; };
  Product<T> g;
  g.m = number(kM);
  g.n = number(kN);
  g.k = number(kK);
  g.a = static_cast<const T*>(c.data[0]);
  g.aRow = number(kARow);
  g.aCol = number(kACol);
  g.b = static_cast<const T*>(c.data[1]);
  g.bRow = number(kBRow);
  g.bCol = number(kBCol);
  g.bias = static_cast<const T*>(c.data[2]);
  g.c = static_cast<T*>(c.data[3]);
  g.cRow = number(kCRow);
  g.accumulate = number(kAccumulate) != 0;
  g.activation = static_cast<Activation>(number(kActivation));
  if (g.m == 0 || g.n == 0) return Status::ok;

  const int64_t batch = number(kBatch);
  const auto item = [&](int64_t i) {
    Product<T> one = g;
    one.a += i * number(kABatch);
    one.b += i * number(kBBatch);
    one.c += i * number(kCBatch);
    return one;
  };
  // Products of a batch are spread over the threads whole when there are enough of them to share
  // evenly; a few large ones are each cut instead.
  if (batch >= 4 * numThreads() && worthThreads(g, batch)) {
    std::atomic<bool> failed{false};
    parallelFor(batch, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        if (multiply(item(i)) != Status::ok) failed = true;
      }
    });
    return failed ? Status::outOfMemory : Status::ok;
  }
  for (int64_t i = 0; i < batch; ++i) {
    if (multiplyThreaded(item(i)) != Status::ok) return Status::outOfMemory;
  }
  return Status::ok;
}

Status gemm(const Command& c) {
  return c.type[0] == DType::float64 ? runGemm<double>(c) : runGemm<float>(c);
}

const char* checkGemm(const Command& c) {
  const int64_t activation = c.number[kActivation].i, accumulate = c.number[kAccumulate].i;
  if (activation < 0 || activation >= static_cast<int64_t>(Activation::count)) {
    return "activation is not one of the known ones";
  }
  if (accumulate != 0 && accumulate != 1) return "accumulate must be 0 or 1";
  if (accumulate == 1 && c.data[2]) return "bias and accumulate exclude each other";
  return nullptr;
}

template <class T>
Status runPeak(const Command& c) {
  const GemmKernels<T>& kernels = floatKernels<T>().gemm;
  T* result = static_cast<T*>(c.data[0]);
  result[0] = kernels.peak(c.number[0].i);
  result[1] = static_cast<T>(kernels.peakFlops);
  return Status::ok;
}

Status fmaPeak(const Command& c) {
  return c.type[0] == DType::float64 ? runPeak<double>(c) : runPeak<float>(c);
}

const char* checkPeak(const Command& c) {
  // A second or so at most: the call can't be interrupted.
  constexpr int64_t kMaxIterations = 100000000;
  const int64_t n = c.number[0].i;
  return n < 0 || n > kMaxIterations ? "iterations must be 0 to 100000000" : nullptr;
}

const Row kRows[] = {
    // C = act(bias + A B), or C = act(C + A B) with accumulate; every operand but C's columns and
    // the bias may have any strides.
    {"gemm",
     "in a T[batch*aBatch m*aRow k*aCol] in b T[batch*bBatch k*bRow n*bCol] opt bias T[n] "
     "inout c T[batch*cBatch m*cRow n]; batch m n k size "
     "aBatch aRow aCol bBatch bRow bCol cBatch cRow stride activation accumulate int",
     gemm, checkGemm},
    // result = [a value to keep the loop alive, floating-point operations per iteration].
    {"fmaPeak", "out result T[2]; iterations int", fmaPeak, checkPeak},
};

}  // namespace

RowList gemmRows() { return {kRows, static_cast<int>(sizeof(kRows) / sizeof(kRows[0]))}; }

}  // namespace tilegrad
