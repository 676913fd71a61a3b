// Matrix products: blocks, packing and threads, as planned by gemm_plan.cpp. The arithmetic is in
// kernels/gemm.h; nothing here changes a bit of the result, since every output is one FMA chain.
#include "gemm.h"

#include <string.h>

#include "../../base/scratch.h"
#include "../parallel.h"
#include "gemm_shared.h"
#include "gemm_tiled.h"
#include "gemm_turned.h"

namespace tilegrad {
namespace {

// C before the products are added. Rows of at most a few, or one column that is contiguous. Zeros
// and biases by themselves: with one loop over elements for every case, this took a third of the
// time of 12 x 128 x 784 with B contiguous along k, and 8 x 10 x 128 1.5 times as long.
template <class T>
void initialise(const Product<T>& g) {
  const bool column = g.n == 1 && g.cRow == 1;
  const int64_t rows = column ? 1 : g.m, cols = column ? g.m : g.n;
  for (int64_t i = 0; i < rows; ++i) {
    T* const c = g.c + i * g.cRow;
    if (g.beta == 0 && !(column && g.bias)) {
      const size_t bytes = static_cast<size_t>(cols) * sizeof(T);
      g.bias ? memcpy(c, g.bias, bytes) : memset(c, 0, bytes);
      continue;
    }
    for (int64_t j = 0; j < cols; ++j) {
      const T x = g.beta == 0 ? T{0} : g.beta * c[j];
      const T bias = g.bias ? g.bias[column ? 0 : j] : T{0};
      c[j] = !g.bias ? x : g.beta == 0 ? bias : x + bias;
    }
  }
}

// C = finish(C), and what else is due once the products are there.
template <class T>
void finalise(const Product<T>& g) {
  if (g.columnSums) floatKernels<T>().columns.sumRows(g.k, g.n, g.b, g.bRow, g.columnSums);
  if (!g.finishes()) return;
  // A column is finished as a row.
  const bool column = g.n == 1 && g.cRow == 1 && (!g.side || g.sideRow == 1);
  floatKernels<T>().gemm.finish(column ? 1 : g.m, column ? g.m : g.n, g.c, g.cRow, g.finish, g.side,
                                g.sideRow);
}

// The operands of C^T = B^T A^T, with nothing around the product.
template <class T>
Product<T> transposedOperands(const Product<T>& g) {
  Product<T> t{};
  t.m = g.n;
  t.n = g.m;
  t.k = g.k;
  t.a = g.b;
  t.aRow = g.bCol;
  t.aCol = g.bRow;
  t.b = g.a;
  t.bRow = g.aCol;
  t.bCol = g.aRow;
  t.alpha = 1;
  t.finish = {Activation::none, Side::none, 0};
  return t;
}

// One row, or one column of which C^T is a row. As many values as there are registers for stay in
// them: streamed, they go through memory every eight steps, and the CPU doesn't forward a masked
// store to a masked load.
template <class T>
void runVector(const Product<T>& g) {
  initialise(g);
  const GemmKernels<T>& kernels = floatKernels<T>().gemm;
  const Product<T> row = g.m == 1 ? g : transposedOperands(g);
  const int64_t vecs = ceilDiv(row.n, 64 / static_cast<int64_t>(sizeof(T)));
  if (vecs <= kernels.rowVecs) {
    kernels.row[vecs - 1](g.k, row.n, row.a, row.aCol, row.b, row.bRow, g.c);
    return finalise(g);
  }
  // y stays in the first-level cache while rows stream past: 4096 float32 values are 16 KB.
  constexpr int64_t kStreamCols = 4096;
  for (int64_t j = 0; j < row.n; j += kStreamCols) {
    kernels.streamRows(g.k, min64(row.n - j, kStreamCols), row.a, row.aCol, row.b + j, row.bRow,
                       g.c + j);
  }
  finalise(g);
}

// A tile of all rows of g and `cols` columns from j on, whose result goes to c.
template <class T>
void runTile(const Product<T>& g, int64_t j, int64_t cols, int64_t steps, T* c, int64_t cRow) {
  GemmTile<T> tile{};
  tile.cols = cols;
  tile.k = steps;
  tile.a = g.a;
  tile.aRow = g.aRow;
  tile.aCol = g.aCol;
  tile.b = g.b + j;
  tile.bRow = g.bRow;
  tile.c = c;
  tile.cRow = cRow;
  tile.beta = g.beta;
  tile.bias = g.bias ? g.bias + j : nullptr;
  floatKernels<T>().gemm.tile[g.m - 1](tile);
}

// A few rows by a B whose rows stream past. The chains begin in a tile, which has C's start and the
// steps that make up no group; columns that fill no vector are a tile to the end.
template <class T>
Status runStream(const Product<T>& g) {
  const GemmKernels<T>& kernels = floatKernels<T>().gemm;
  constexpr int64_t kVector = 64 / static_cast<int64_t>(sizeof(T));
  const int64_t block = streamCols<T>(g.m), pitch = streamPitch<T>(g.m);
  T* const c =
      static_cast<T*>(scratch(ScratchSlot::block, static_cast<size_t>(g.m * pitch) * sizeof(T)));
  if (!c) return Status::outOfMemory;
  const int64_t whole = g.n / kVector * kVector, odd = g.k % kernels.streamSteps[g.m - 1];
  for (int64_t j = 0; j < whole; j += block) {
    const int64_t cols = min64(whole - j, block);
    const size_t bytes = static_cast<size_t>(cols) * sizeof(T);
    if (g.beta != 0) {
      for (int64_t i = 0; i < g.m; ++i) memcpy(c + i * pitch, g.c + i * g.cRow + j, bytes);
    }
    runTile(g, j, cols, odd, c, pitch);
    kernels.stream[g.m - 1](
        {cols, g.k - odd, g.a + odd * g.aCol, g.aRow, g.aCol, g.b + odd * g.bRow + j, g.bRow, c});
    for (int64_t i = 0; i < g.m; ++i) memcpy(g.c + i * g.cRow + j, c + i * pitch, bytes);
  }
  if (whole < g.n) runTile(g, whole, g.n - whole, g.k, g.c + whole, g.cRow);
  finalise(g);
  return Status::ok;
}

// A few rows, or one column of which C^T is a row, with the other operand contiguous along k.
template <class T>
void runDot(const Product<T>& g, bool column) {
  const bool reads = g.beta != 0 || (g.bias && !g.turned);
  if (reads) initialise(g);
  const Product<T> rows = column ? transposedOperands(g) : g;
  const GemmDot<T> dot = {rows.m,
                          rows.n,
                          rows.k,
                          rows.a,
                          rows.aRow,
                          rows.aCol,
                          rows.b,
                          rows.bCol,
                          g.c,
                          g.cRow,
                          !reads,
                          g.turned,
                          g.turned ? g.bias : nullptr};
  floatKernels<T>().gemm.dot[rows.m - 1](dot);
  finalise(g);
}

template <class T>
GemmPlan planOf(const Product<T>& g, int threads) {
  const GemmKernels<T>& kernels = floatKernels<T>().gemm;
  GemmShape shape;
  shape.m = g.m;
  shape.n = g.n;
  shape.k = g.k;
  shape.aRow = g.aRow;
  shape.aCol = g.aCol;
  shape.bRow = g.bRow;
  shape.bCol = g.bCol;
  shape.elementBytes = sizeof(T);
  const int64_t pitch = g.prepacked ? 0 : g.bRow * shape.elementBytes;
  shape.aligned = (reinterpret_cast<uintptr_t>(g.b) | static_cast<uintptr_t>(pitch)) % 64 == 0;
  shape.prepacked = g.prepacked;
  shape.scaled = g.alpha != 1;
  shape.plainColumn = g.cRow == 1 && (!g.side || g.sideRow == 1);
  return planGemm(
      shape,
      {kernels.maxRows, kernels.maxCols, kernels.dotRows, kernels.maxStreamed, kernels.narrowCols,
       kernels.shortRows, kernels.shortRows > 0 ? kernels.wideCols[kernels.shortRows - 1] : 0},
      threads);
}

// B in strips that stay in the second-level cache: each is transposed, or copied to rows that begin
// at cache lines, and then read in place.
template <class T>
Status runInStrips(const Product<T>& g, const GemmPlan& plan) {
  const int64_t strip = min64(g.n, plan.blockCols), pitch = strip + kCopyPadding;
  T* const b =
      static_cast<T*>(scratch(ScratchSlot::panel, static_cast<size_t>(g.k * pitch) * sizeof(T)));
  if (!b) return Status::outOfMemory;
  GemmPlan inPlace = plan;
  inPlace.path = GemmPath::direct;
  inPlace.packB = false;
  Status status = Status::ok;
  for (int64_t j = 0; j < g.n && status == Status::ok; j += strip) {
    Product<T> part = columnsOf(g, j, min64(g.n, j + strip));
    if (g.bCol == 1) {
      const size_t bytes = static_cast<size_t>(part.n) * sizeof(T);
      for (int64_t p = 0; p < g.k; ++p) memcpy(b + p * pitch, part.b + p * g.bRow, bytes);
    } else {
      floatKernels<T>().gemm.turn(g.k, part.n, part.b, g.bCol, b, pitch);
    }
    part.b = b;
    part.bRow = pitch;
    part.bCol = 1;
    status = TiledProduct<T>(part, inPlace).run();
  }
  return status;
}

template <class T>
Status runOnOne(const Product<T>& g, const GemmPlan& plan) {
  switch (plan.path) {
    case GemmPath::empty:
      return Status::ok;
    case GemmPath::vector:
      runVector(g);
      return Status::ok;
    case GemmPath::stream:
      return runStream(g);
    case GemmPath::dot:
      runDot(g, plan.column);
      return Status::ok;
    case GemmPath::turned:
      return TurnedProduct<T>(g, plan).run();
    case GemmPath::narrow:  // taken apart before
    case GemmPath::packed:
      if (plan.shortDepth) return runInStrips(g, plan);
      return TiledProduct<T>(g, plan).run();
    case GemmPath::direct:
      return TiledProduct<T>(g, plan).run();
  }
  return Status::ok;
}

// C^T = B^T A^T, where the kernel can it stored as C and else in scratch memory, then back: with
// few columns the lanes of a vector would stay empty along a row of C, and they are full along a
// column.
template <class T>
Status multiplyNarrow(const Product<T>& g, int threads) {
  Product<T> t = transposedOperands(g);
  if (g.beta == 0 && planOf(t, 1).path == GemmPath::dot) {
    t.c = g.c;
    t.cRow = g.cRow;
    t.turned = true;
    t.bias = g.bias;
    const Status status = multiply(t, threads);
    finalise(g);
    return status;
  }
  T* const transposed =
      static_cast<T*>(scratch(ScratchSlot::result, static_cast<size_t>(g.m * g.n) * sizeof(T)));
  if (!transposed) return Status::outOfMemory;
  t.c = transposed;
  t.cRow = g.m;
  if (g.beta != 0 || g.bias) {
    t.beta = 1;
    initialise(g);
    for (int64_t i = 0; i < g.m; ++i) {
      for (int64_t j = 0; j < g.n; ++j) transposed[j * g.m + i] = g.c[i * g.cRow + j];
    }
  }
  const Status status = multiply(t, threads);
  for (int64_t i = 0; i < g.m; ++i) {
    for (int64_t j = 0; j < g.n; ++j) g.c[i * g.cRow + j] = transposed[j * g.m + i];
  }
  finalise(g);
  return status;
}

// Whole registers of columns, and the columns that are left as a narrow product of their own.
template <class T>
Status multiplyInTwo(const Product<T>& g, int64_t edge, int threads) {
  const int64_t whole = g.n - edge;
  const Status status = multiply(columnsOf(g, 0, whole), threads);
  if (status != Status::ok) return status;
  return multiply(columnsOf(g, whole, g.n), threads);
}

}  // namespace

template <class T>
Status multiply(const Product<T>& g, int threads) {
  const GemmPlan plan = planOf(g, threads);
  if (plan.path == GemmPath::narrow) return multiplyNarrow(g, threads);
  const bool alone = plan.threads == 1;
  if ((alone || plan.piecePanels > 0) && plan.edgeCols > 0 && g.beta == 0) {
    return multiplyInTwo(g, plan.edgeCols, threads);
  }
  if (alone) return runOnOne(g, plan);
  if (plan.piecePanels > 0) return SharedProduct<T>(g, plan).run();
  const int64_t side = plan.splitRows ? g.m : g.n;
  const bool strips = plan.path == GemmPath::packed && plan.shortDepth;
  return parallelStatus(
      side, plan.shareGrain,
      [&](int64_t begin, int64_t end) { return multiply(shareOf(g, plan, begin, end), 1); },
      strips ? piecesOfShare(side / plan.threads) : 1);
}

template Status multiply(const Product<float>& g, int threads);
template Status multiply(const Product<double>& g, int threads);

template <class T>
GemmPlan planProduct(const Product<T>& g, int threads) {
  return planOf(g, threads);
}

template GemmPlan planProduct(const Product<float>& g, int threads);
template GemmPlan planProduct(const Product<double>& g, int threads);

}  // namespace tilegrad
