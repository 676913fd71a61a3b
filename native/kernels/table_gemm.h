// The part of table.h that the kernels of matrix products fill, of floats and of bytes.
#pragma once
#include "../base/types.h"

namespace tilegrad {

// Matrix products: C = finish(init + A B), every output one FMA chain over p = 0, 1, ... k-1 that
// starts from init. See kernels/gemm.h for the tiles and ops/product/gemm_tiled.h for the blocks.
enum class Activation : int { none, relu, leakyRelu, sigmoid, tanh, gelu, geluTanh, silu, count };

// What the matrix `side`, of C's shape, does to a finished product x.
enum class Side : int {
  none,
  add,         // x = activation(x + side)
  derivative,  // x *= the derivative of the activation, whose output (relu, leakyRelu, sigmoid,
               // tanh) or input (gelu, geluTanh, silu) `side` is
  count
};

template <class T>
struct GemmFinish {
  Activation activation;
  Side use;
  T slope;  // of leakyRelu below 0
};

// One tile computes `rows` (1..maxRows) by `cols` outputs.
template <class T>
struct GemmTile {
  int64_t cols, k;
  const T* a;  // A[i, p] at a[i * aRow + p * aCol]
  int64_t aRow, aCol;
  const T* b;  // B[p, j] at b[p * bRow + j]: unit column stride
  int64_t bRow;
  T* c;  // C[i, j] at c[i * cRow + j]; read only when beta is not 0
  int64_t cRow;
  // init = beta * C, or the bias when beta is 0; there is no bias with another beta.
  T beta;
  const T* bias;                // cols values, or null for zeros
  const GemmFinish<T>* finish;  // null: C = init + A B
  const T* side;                // side[i, j] at side[i * sideRow + j]; only when finish uses it
  int64_t sideRow;

  // Whether B comes from beyond the second-level cache, in rows too far apart for the CPU to
  // foresee: then each step asks for a later row.
  bool streams;
  T* panel;  // where the tile leaves the rows of B that it reads, in order; or null
  // Otherwise, memory that will be needed next, fetched while this tile runs; nothing when nextC is
  // null. The lines of the tile's rows of C at nextC (rows cRow apart), and, in this order and in
  // equal parts for all steps, aheadTurns rows, aheadTurn bytes apart from ahead on, of aheadCount
  // pairs of lines, aheadStep bytes apart.
  const T* nextC;
  const char* ahead;
  int64_t aheadTurns, aheadTurn, aheadStep, aheadCount;
};

// C += A B for a few rows, as chains that start from C, or from 0.
template <class T>
struct GemmDot {
  int64_t m, n, k;
  const T* a;  // A[i, p] at a[i * aRow + p * aCol]
  int64_t aRow, aCol;
  const T* b;  // B[p, j] at b[p + j * bCol]
  int64_t bCol;
  T* c;  // C[i, j] at c[i * cRow + j], or turned at c[i + j * cRow]
  int64_t cRow;
  bool fresh = false;       // whether chains start from 0 instead of C
  bool turned = false;      // also fresh
  const T* bias = nullptr;  // where the chains of a turned C start: a value for each i; or null
};

// Columns of C that stay in the first-level cache while rows of B stream past: 16 KB of all rows, a
// third of it. The cache line between rows keeps them from sharing sets.
template <class T>
constexpr int64_t streamCols(int64_t rows) {
  constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(T));
  return (16 << 10) / static_cast<int64_t>(sizeof(T)) / rows / kLine * kLine;
}
template <class T>
constexpr int64_t streamPitch(int64_t rows) {
  return streamCols<T>(rows) + 64 / static_cast<int64_t>(sizeof(T));
}

// C += A B for a few rows, up to streamCols(rows) columns, whole vectors, and whole groups of
// steps.
template <class T>
struct GemmStream {
  int64_t n, k;
  const T* a;  // A[i, p] at a[i * aRow + p * aCol]
  int64_t aRow, aCol;
  const T* b;  // B[p, j] at b[p * bRow + j]
  int64_t bRow;
  T* c;  // C[i, j] at c[i * streamPitch(rows) + j]
};

// Elements [from, from + count) of one array, for places [to, to + count) of another.
struct CopyRun {
  int64_t from, to, count;
};

// The same for a whole vector.
struct CopyMove {
  int64_t from, to;
};

constexpr int64_t kPackSlack = 16;
constexpr int kMaxTileRows = 14;  // the tallest tile of any level (avx512: 14 x 2 registers)
constexpr int kMaxDotRows = 12;
constexpr int kMaxOuterSteps = 5;
constexpr int kMaxStreamed = 8;
constexpr int kMaxRowVecs = 8;

template <class T>
struct GemmKernels {
  int maxRows;  // <= kMaxTileRows
  int maxCols;  // a packed panel's width
  // tile[r - 1] computes r rows by any number of columns >= 1, where B is read in place; of a
  // panel, up to maxCols.
  void (*tile[kMaxTileRows])(const GemmTile<T>&);
  // wide[r - 1] computes r rows by a multiple of wideCols[r - 1] (>= maxCols) columns: for few
  // rows, as many at a time as the registers hold.
  void (*wide[kMaxTileRows])(const GemmTile<T>&);
  int wideCols[kMaxTileRows];
  int shortRows;  // the height of wide tiles that are the fastest where k is short; 0: none are
  // Panel of B for the tiles: to[p * maxCols + j] = B[p, j] for j < cols (tiles read no more),
  // where B[p, j] is at b[p * bRow + j * bCol]. Any strides.
  void (*packPanel)(int64_t k, int64_t cols, const T* b, int64_t bRow, int64_t bCol, T* to);
  // The rows of one tile of A, whose columns are contiguous, as the tile reads them:
  // to[p * rows + i] = alpha * a[p * aCol + i] for i < rows <= maxRows. May write up to
  // kPackSlack elements beyond the last one.
  void (*packTileOfA)(int64_t k, int64_t rows, T alpha, const T* a, int64_t aCol, T* to);
  // to[i * toRow + j] = from[j * fromRow + i] for i < rows, j < cols.
  void (*turn)(int64_t rows, int64_t cols, const T* from, int64_t fromRow, T* to, int64_t toRow);
  // y[j] += sum over p of x[p * xStep] * b[p * bRow + j] for j < n, as chains that start from y[j].
  void (*streamRows)(int64_t k, int64_t n, const T* x, int64_t xStep, const T* b, int64_t bRow,
                     T* y);
  int rowVecs;  // <= kMaxRowVecs
  // row[v - 1] is the same for n columns that take v vectors of 64 bytes, of which the last may be
  // partial.
  void (*row[kMaxRowVecs])(int64_t k, int64_t n, const T* x, int64_t xStep, const T* b,
                           int64_t bRow, T* y);
  int maxStreamed;  // <= kMaxStreamed; 1: there is nothing in `stream`
  // stream[r - 1]: the product of r >= 2 rows, not 5 to 7, a multiple of streamSteps[r - 1] steps.
  void (*stream[kMaxStreamed])(const GemmStream<T>&);
  int streamSteps[kMaxStreamed];
  int dotRows;     // <= kMaxDotRows
  int narrowCols;  // as many rows are turned on their way to C at little cost
  // dot[r - 1]: the product of r rows with a B that is contiguous along k.
  void (*dot[kMaxDotRows])(const GemmDot<T>&);
  // outer[k - 1]: C = A B of k steps, for outerRows[k - 1] rows or more by at least 64 bytes of
  // columns; nothing but a, b, c and their strides counts of the tile. Null where tiles are to do
  // it.
  void (*outer[kMaxOuterSteps])(int64_t rows, const GemmTile<T>&);
  int outerRows[kMaxOuterSteps];
  // Finishes rows x cols outputs in place.
  void (*finish)(int64_t rows, int64_t cols, T* c, int64_t cRow, const GemmFinish<T>& finish,
                 const T* side, int64_t sideRow);
  // Patches of images, for convolutions: each run for each step i, to[i * toStep + run.to + j] =
  // x[offset + run.from + j] for j < run.count, where the offset is offsets[i], or i * fromStep
  // without offsets.
  void (*copyRuns)(int64_t steps, const T* x, const int64_t* offsets, int64_t fromStep,
                   const CopyRun* runs, int64_t count, T* to, int64_t toStep);
  // The same for vectors of 64 bytes, step by step with the moves in order:
  // to[i * toStep + move.to + j] = x[offsets[i] + move.from + j] for all lanes j.
  void (*copyVectors)(int64_t steps, const T* x, const int64_t* offsets, const CopyMove* moves,
                      int64_t count, T* to, int64_t toStep);
  // y[j] = start + sum over p of w[p] * x[offsets[p] + j] for j < n, as chains from start.
  void (*sumTaps)(int64_t taps, const T* w, T start, const T* x, const int64_t* offsets, int64_t n,
                  T* y);
  // `iterations` times peakFlops floating-point operations in registers only: the machine's limit.
  T (*peak)(int64_t iterations);
  int64_t peakFlops;
};

// Products of signed bytes with 32-bit sums (modulo 2^32). kernels/gemm_int8.h has the layouts of
// packed operands: of B the same on every level, of A the table's own.
constexpr int kInt8Panel = 32;  // columns of a packed panel, the widest tile's

// C[i, j] = sum over k of A[i, p] * B[p, j] for `rows` (1..maxRows) by `cols` (1..kInt8Panel).
struct Int8Tile {
  int64_t cols, quads;
  const uint8_t* a;  // packed rows, aRow bytes apart
  int64_t aRow;
  const int8_t* b;      // a packed panel
  const int32_t* sums;  // of its kInt8Panel columns
  int32_t* c;           // C[i, j] at c[i * cRow + j]
  int64_t cRow;
};

// y[i, j] = float(sums[i, j]) * rowScale[i] * columnScale[j] + bias[j]: rounded after the
// conversion, after the first product, and after the second together with the bias.
struct Int8Scale {
  int64_t rows, cols;     // cols <= kInt8Panel
  const int32_t* sums;    // rows kInt8Panel apart; all kInt8Panel columns may be read
  const float* rowScale;  // null for 1
  const float* columnScale;
  const float* bias;  // null for 0
  float* y;           // y[i, j] at y[i * yRow + j]
  int64_t yRow;
};

struct Int8Kernels {
  int maxRows;    // <= kMaxTileRows
  int quadBytes;  // of four values of A where it is packed
  // tile[r - 1] computes r rows.
  void (*tile[kMaxTileRows])(const Int8Tile&);
  // A[i, p] at a[i * aRow + p * aCol], to rows of ceil(k / 16) * 4 * quadBytes bytes.
  void (*packA)(int64_t rows, int64_t k, const int8_t* a, int64_t aRow, int64_t aCol, uint8_t* to,
                int64_t toRow);
  // One panel: B[p, j] at b[p * bRow + j * bCol] for j < cols, to ceil(k / 4) * 4 * kInt8Panel
  // bytes and kInt8Panel sums.
  void (*packB)(int64_t k, int64_t cols, const int8_t* b, int64_t bRow, int64_t bCol, int8_t* to,
                int32_t* sums);
  void (*scale)(const Int8Scale&);
  // y[i] = x[i] / scale, rounded to even; returns scale = max(max |x| / 127, 2^-126), or 1 when all
  // are 0. With a NaN or an infinity among them scale is NaN and y is 0.
  float (*quantizeRow)(int64_t n, const float* x, int8_t* y);
};

}  // namespace tilegrad
