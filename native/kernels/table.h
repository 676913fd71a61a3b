// The contract between native/ops and the kernels: one table of function pointers per SIMD level.
// Kernels see raw pointers and sizes; they start no threads, allocate nothing and know nothing of
// Node. Every table computes the same operations in the same order, so all give the same bits.
//
// Common rules, unless a kernel says otherwise: pointers are aligned to their element only; an
// output may be exactly an input, but must not overlap one partly; n >= 0; sizes and strides count
// elements; nothing is read or written beyond what the contract names.
#pragma once
#include "../base/bfloat16.h"
#include "../base/cpu.h"
#include "../base/float16.h"
#include "../base/types.h"
#include "table_elementwise.h"
#include "table_gemm.h"

namespace tilegrad {

// Reductions. The order of accumulation is part of the contract (kernels/reduce.h states it): it
// depends on n only, never on the level or the threads. Its units are blocks: of kReduceBlock
// contiguous values (64 to a lane of the 4 float32 accumulators; a block stays in the first-level
// cache), and of kReduceRowBlock rows. A reduction may be computed in pieces of 2^k blocks counted
// from the start, whose results then combine pairwise.
constexpr int64_t kReduceBlock = 4096;
constexpr int64_t kReduceRowBlock = 256;

template <class T>
struct ReduceKernels {
  // Over n contiguous values. max and min propagate NaN; of an empty range: sum 0, max -inf, min
  // inf.
  T (*sum)(int64_t n, const T* x);
  T (*max)(int64_t n, const T* x);
  T (*min)(int64_t n, const T* x);
  // Index of the first maximum (the first NaN, if there is one). n >= 1.
  int64_t (*argmax)(int64_t n, const T* x);
  // The sum of (x[i] - c)^2, the difference and its square rounded, in the order of the sum.
  T (*squares)(int64_t n, const T* x, T c);
  // The product, in the order of the sum; 1 of an empty range.
  T (*prod)(int64_t n, const T* x);
  // The sum of the values that aren't NaN, in the order of the sum; c is not used.
  T (*numbers)(int64_t n, const T* x, T c);
  // Index of the first minimum (the first NaN, if there is one). n >= 1.
  int64_t (*argmin)(int64_t n, const T* x);
  // The sums of rows of n <= kReduceBlock contiguous values, xRow apart, or with `squared` those of
  // (x - c[i])^2, where no c is 0. The rows after them are asked for. Null where rows are as well
  // summed one by one.
  void (*sumEach)(int64_t rows, int64_t n, const T* x, int64_t xRow, const T* c, bool squared,
                  T* y);
  // The sum of x[i] y[i], the product rounded, in the order of the sum; n <= kReduceBlock.
  T (*products)(int64_t n, const T* x, const T* y);
};

// What is carried along a scan of T: sums and products of float32 in float64, of integers modulo
// 2^64.
template <class T>
struct ScanCarry {
  using Type = double;
};
template <>
struct ScanCarry<int64_t> {
  using Type = uint64_t;
};

// Lines that are scanned side by side after they were turned into columns: they fill a vector of
// float32.
constexpr int64_t kScanTile = 16;

// Scans over rows: for i < rows in ascending order and j < cols, from what was carried so far. y
// may be x.
template <class T>
struct ScanKernels {
  using Carry = typename ScanCarry<T>::Type;
  // carry[j] += (or *=) x[i * xRow + j], and y[i * yRow + j] = carry[j], rounded to T.
  void (*sum)(int64_t rows, int64_t cols, const T* x, int64_t xRow, Carry* carry, T* y,
              int64_t yRow);
  void (*prod)(int64_t rows, int64_t cols, const T* x, int64_t xRow, Carry* carry, T* y,
               int64_t yRow);
  // best[j] = x where x >= best[j] (or <=) or x is NaN, and at[j] = first + i there; y and index
  // get both.
  void (*max)(int64_t rows, int64_t cols, const T* x, int64_t xRow, int64_t first, T* best,
              int32_t* at, T* y, int64_t yRow, int32_t* index, int64_t indexRow);
  void (*min)(int64_t rows, int64_t cols, const T* x, int64_t xRow, int64_t first, T* best,
              int32_t* at, T* y, int64_t yRow, int32_t* index, int64_t indexRow);
};

// Kernels over rows whose columns are independent of each other.
template <class T>
struct ColumnKernels {
  // y[j] = reduction over i < rows of x[i * xRow + j], for j < cols. rows >= 1.
  void (*sumRows)(int64_t rows, int64_t cols, const T* x, int64_t xRow, T* y);
  void (*maxRows)(int64_t rows, int64_t cols, const T* x, int64_t xRow, T* y);
  void (*minRows)(int64_t rows, int64_t cols, const T* x, int64_t xRow, T* y);
  void (*prodRows)(int64_t rows, int64_t cols, const T* x, int64_t xRow, T* y);
  // For j < cols: the row of the first maximum (minimum) of x[i * xRow + j] over i < rows, or of
  // the first NaN, and its value. rows >= 1.
  void (*argmax)(int64_t rows, int64_t cols, const T* x, int64_t xRow, T* best, int32_t* index);
  void (*argmin)(int64_t rows, int64_t cols, const T* x, int64_t xRow, T* best, int32_t* index);
  ScanKernels<T> scan;
  // The running log(sum(exp(x))), as the running maximum (-inf before the first row) and the sum of
  // exp(x - maximum) (0 before the first row).
  void (*logCumSumExp)(int64_t rows, int64_t cols, const T* x, int64_t xRow, T* maximum, T* sum,
                       T* y, int64_t yRow);
};

// Reductions of integers, modulo 2^bits, in any order: the results are the same. Products are of
// int64 only.
enum class IntegerReduction : int { sum, max, min, prod, count };

template <class T>
struct IntegerReduceKernels {
  static constexpr int kCount =
      static_cast<int>(IntegerReduction::count) - (sizeof(T) == 8 ? 0 : 1);
  T (*range[kCount])(int64_t n, const T* x);
  // y[j] = y[j] op x[j].
  void (*accumulate[kCount])(int64_t n, const T* x, T* y);
};

struct IntegerReduceTables {
  IntegerReduceKernels<int32_t> i32;
  IntegerReduceKernels<int64_t> i64;
  ScanKernels<int64_t> scan;
};

// Rows that softmax takes together: the maximum of one row and the sums of another don't wait for
// each other then. Rows of 1000 take 0.85 of the time that they take one by one.
constexpr int64_t kSoftmaxRows = 4;

// Rows of n >= 1 contiguous logits. A row that is all -inf gives NaN, as in PyTorch.
template <class T>
struct SoftmaxKernels {
  // Up to kSoftmaxRows rows of x, xRow apart; those of y follow each other.
  void (*softmax)(int64_t rows, int64_t n, const T* x, int64_t xRow, T* y);
  // One row.
  void (*logSoftmax)(int64_t n, const T* x, T* y);
  // dx = y * (g - sum(g * y)), and dx = g - exp(y) * sum(g). dx may be g.
  void (*softmaxBackward)(int64_t n, const T* y, const T* g, T* dx);
  void (*logSoftmaxBackward)(int64_t n, const T* y, const T* g, T* dx);
  // Returns log(sum(exp(x - max))) and the maximum: logsumexp(x) in two parts, whose sum would
  // lose the digits of a small loss.
  T (*logSumExp)(int64_t n, const T* x, T* maximum);
};

// values[i] for lane i; or, without values, one value for all.
template <class T>
struct PerLane {
  const T* values;
  T value;
};

// Columns that are reduced side by side at a time, and rows so short that as many of them are
// turned into columns first.
constexpr int64_t kColumnStrip = 64;
constexpr int64_t kShortRow = 32;

// The most columns that softmax goes down together: 64 x 32000 takes 0.8 ms, and 2 to 4 in strips
// of 64. Four arrays of 1024 float64 are 32 KB of stack.
constexpr int64_t kWideStrip = 1024;

// The gradient of cross entropy by n logits: dx = share * exp((x - maximum) - logSum), and when
// `spread` minus scale * (weight * (q * factor + offset)). dx may be x. What comes `xAhead` and
// `dxAhead` values later is asked for.
template <class T>
struct CrossEntropyGradient {
  int64_t n;
  const T* x;
  int64_t xAhead;
  PerLane<T> maximum, logSum, share, scale, q, weight;
  T factor, offset;
  bool spread;
  T* dx;
  int64_t dxAhead;
};

// Softmax down up to kWideStrip columns of n rows, column by column in its lane. Sums are those
// of blocks of kReduceRowBlock rows, in ascending order, added in ascending order. Outputs may be
// inputs with the same step between rows.
template <class T>
struct SoftmaxColumnKernels {
  void (*softmax)(int64_t n, int64_t cols, const T* x, int64_t xRow, T* y, int64_t yRow);
  void (*logSoftmax)(int64_t n, int64_t cols, const T* x, int64_t xRow, T* y, int64_t yRow);
  void (*softmaxBackward)(int64_t n, int64_t cols, const T* y, const T* g, T* dx, int64_t row);
  void (*logSoftmaxBackward)(int64_t n, int64_t cols, const T* y, const T* g, T* dx, int64_t row);
  void (*logSumExp)(int64_t n, int64_t cols, const T* x, int64_t xRow, T* maximum, T* logSum);
  // Sums of v and of v * (x - maximum), where v = weight[i] * (q * factor + offset) in row i; q is
  // null for 0 and weight for 1.
  void (*weightedSums)(int64_t n, int64_t cols, const T* x, int64_t xRow, const T* q, int64_t qRow,
                       const T* weight, T factor, T offset, const T* maximum, T* mass, T* dot);
  // Up to kColumnStrip rows of n values as columns of n rows that are kColumnStrip apart, and back.
  void (*toColumns)(int64_t rows, int64_t n, const T* x, int64_t xRow, T* to);
  void (*toRows)(int64_t rows, int64_t n, const T* from, T* y, int64_t yRow);
  void (*crossEntropyGradient)(const CrossEntropyGradient<T>&);
};

// y = (x - mean) * (rstd * weight) + bias, the multiplication by rstd * weight and the addition
// rounded once. y may be x.
template <class T>
struct Normalization {
  int64_t n;
  const T* x;
  PerLane<T> mean, rstd, weight, bias;
  T* y;
};

// With d = x - mean: dx = g * (rstd * weight) + (d * slope + offset); dweight += g * (d * rstd);
// dbias += g. Each of the three may be null. dx may be g or x.
template <class T>
struct NormalizationBackward {
  int64_t n;
  const T* x;
  const T* g;
  PerLane<T> mean, rstd, weight, slope, offset;
  T* dx;
  T* dweight;
  T* dbias;
};

// The same for rows of n values whose weights and biases are those of the columns; rows of x are
// xRow apart, those of y follow each other. mean may be null for 0. y may be x when its rows do
// too.
template <class T>
struct RowNormalization {
  int64_t rows, n;
  const T* x;
  int64_t xRow;
  const T* mean;
  const T* rstd;
  PerLane<T> weight, bias;
  T* y;
  bool far;   // the lines of the next rows' results are worth asking for
  bool past;  // results go past the caches; each row of y begins on a cache line
};

// Backwards, with x^ = (x - mean) * rstd and N = n: dx = rstd * (w g - sum(w g) / N - x^ sum(w g
// x^) / N), the middle term only where there is a mean. Rows are added to dweight (g x^) and dbias
// (g) in ascending order, and either may be null.
template <class T>
struct RowNormalizationBackward {
  int64_t rows, n;
  const T* x;
  int64_t xRow;
  const T* g;
  PerLane<T> weight;
  const T* mean;  // may be null for 0
  const T* rstd;
  T* dx;
  T* dweight;
  T* dbias;
  bool far;
  bool past;  // results go past the caches; each row of dx begins on a cache line
};

// Lanes are independent here: compiled with the elementwise kernels.
template <class T>
struct NormalizationKernels {
  void (*normalize)(const Normalization<T>&);
  void (*backward)(const NormalizationBackward<T>&);
  // squares[i] += (x[i] - mean[i])^2
  void (*addSquares)(int64_t n, const T* x, const T* mean, T* squares);
  // Null where rows are as well taken one by one.
  void (*normalizeRows)(const RowNormalization<T>&);
  // dx = rstd w g + slope (x - mean) + offset
  void (*backwardRows)(const RowNormalizationBackward<T>&, const T* slope, const T* offset);
};

// One row of a recurrent cell with n units, backwards. The activated gates lie n apart, in
// PyTorch's order: input, forget, cell, output of an LSTM; reset, update, new of a GRU. Gradients
// likewise.
template <class T>
struct CellBackward {
  int64_t n;
  const T* gates;
  const T* before;  // LSTM: the cell state before the step; GRU: the hidden state
  const T* other;   // LSTM: tanh of the cell state after it; GRU: what the reset gate multiplies
  const T* dy;      // the gradient of the output, or null; that of the hidden state is in dh
  T* dh;            // GRU: becomes the part of the gradient that doesn't go through the product
  T* dc;            // LSTM: from after the step to before it
  T* dGates;        // of what comes from the input
  T* dHidden;       // GRU: of what comes from the hidden state, which differs in the last gate
};

// Lanes are independent here, too.
template <class T>
struct RecurrentKernels {
  void (*lstmBackward)(const CellBackward<T>&);
  void (*gruBackward)(const CellBackward<T>&);
};

// Windows of one plane, all of whose places are inside it: result [i, j], for i < rows and j <
// cols, looks at x[i * xRow + j * stride + a * tapRow + b * tapCol] for a < tapRows and b <
// tapCols, row by row; rows of results are yRow apart.
template <class T>
struct PoolWindows {
  int64_t rows, cols, stride;
  int64_t tapRows, tapCols;  // >= 1
  int64_t xRow, tapRow, tapCol, yRow;
  const T* x;
  T* y;
  int32_t* index;  // where the largest values are, counted from x, plus `place`; null if not wanted
  int64_t place;
  T divisor;  // of means
};

// Results that each are a sum of `taps` products, 1 or 2: weight times a place of a row. Of 16
// results all places are among 16 that begin at first[i / 16]; they and the weights stand in turns
// of 16, those of the first products and then those of the second.
constexpr int64_t kNearPlaces = 16;
struct NearTaps {
  int64_t results;
  int taps;
  const int32_t* first;
  const int32_t* place;  // from the first one on; filled up to 16 behind the last result, too
  const float* weight;   // likewise
};

// Lanes are independent here.
template <class T>
struct PoolKernels {
  // The first of the largest values, the last NaN if there is one.
  void (*max)(const PoolWindows<T>&);
  // The sum, from 0 on in the order of the places, over the divisor.
  void (*mean)(const PoolWindows<T>&);
  // y[i * yRow + j * yCol] += x[i * xRow + j] for i < rows and j < n.
  void (*addRows)(int64_t rows, int64_t n, const T* x, int64_t xRow, T* y, int64_t yRow,
                  int64_t yCol);
  // Rows xRow and yRow apart. Null for float64, and where a lookup is not an instruction.
  void (*sumNear)(const NearTaps& taps, int64_t rows, const T* x, int64_t xRow, T* y, int64_t yRow);
};

// sums[t * width + i] += the sum of x[offsets[t] + r * xRow + p * width + i] g[(r * count + p) *
// width + i] over rows r and then places p < count, one chain of FMAs. Of the width, whole tiles of
// a product's columns wide, lanes are independent.
template <class T>
struct TapSums {
  int64_t taps, width, rows, count, xRow;
  const int64_t* offsets;
  const T* x;
  const T* g;
  T* sums;
};

template <class T>
struct DepthwiseKernels {
  void (*sumTaps)(const TapSums<T>&);
};

// Lanes are independent here.
template <class T>
struct LinalgKernels {
  // A plane rotation of two rows that don't overlap: x = c x + s y, y = c y - s x.
  void (*rotate)(int64_t n, T* x, T* y, T c, T s);
};

// Sums over n contiguous values, in the order of kernels/reduce.h.
template <class T>
struct NormSumKernels {
  // Sums of g * weight and of g * weight * (x - shift).
  void (*gradients)(int64_t n, const T* x, PerLane<T> g, PerLane<T> weight, T shift, T* sum,
                    T* dot);
  // Of rows of n <= kReduceBlock values, x xRow apart and g n apart, with a shift for each; no
  // shift is 0. The rows after them are asked for. There where there is `sumEach`.
  void (*gradientsEach)(int64_t rows, int64_t n, const T* x, int64_t xRow, const T* g,
                        PerLane<T> weight, const T* shift, T* sum, T* dot);
  // That and NormalizationKernels::backwardRows in one, for at least one row.
  void (*backwardInTurns)(const RowNormalizationBackward<T>&);
};

// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11), key = seed,
// counter = {position low, position high, 0, 0}. A position gives four words, and words are a
// stream in the order of positions: word w comes from position first + w / 4. What a kernel
// computes depends on the words only, not on the vector width or how a call is cut.
constexpr int kBlockPositions = 16;
constexpr int kBlockWords = 4 * kBlockPositions;

// float32 value i of a call comes from word i, float64 value i from words 2 i and 2 i + 1.
template <class T>
constexpr int kPhiloxValues = sizeof(T) == 8 ? 2 : 4;  // values of one position

// What becomes of x in dropout: with probability p x * 0 + dropped, otherwise x * scale + kept.
struct Dropping {
  double p, scale, kept, dropped;
};

template <class T>
struct RandomKernels {
  // u * scale + shift, each step rounded; u uniform on [0, 1): a multiple of 2^-24 (float32), 2^-53
  // (float64). (1, -0) leaves every u as it is, zeros of both signs too.
  void (*uniform)(int64_t n, uint64_t key, uint64_t first, double scale, double shift, T* y);
  // z * scale + shift, z standard normal by Box and Muller (1958): pairs from pairs of uniforms.
  void (*normal)(int64_t n, uint64_t key, uint64_t first, double scale, double shift, T* y);
  // -log(1 - u) * scale, where u = 0 counts as half a step, so that no value is 0.
  void (*exponential)(int64_t n, uint64_t key, uint64_t first, double scale, T* y);
  // 1 where u < p[i * pStep], otherwise 0; pStep is 1 or 0.
  void (*bernoulli)(int64_t n, uint64_t key, uint64_t first, const T* p, int64_t pStep, T* y);
  // Dropping where u < p. y may be x.
  void (*dropout)(int64_t n, uint64_t key, uint64_t first, const Dropping& dropping, const T* x,
                  T* y);
};

// A normal distribution between two bounds, by the inverse of its distribution function at
// probabilities pLow + u * (pHigh - pLow). The result z * scale + shift is clamped to [low, high].
struct Truncation {
  double pLow, pHigh;
  double scale, shift;
  double low, high;
};

// Value i of randint comes from two words: the upper half of 64 bits from word i + 16 * (i /
// 16) of the stream, the lower half from the word 16 later. So n values take 8 positions for every
// 16 of them.
constexpr int kRandintValues = 16;
constexpr int kRandintPositions = 8;

struct StreamKernels {
  // The words of whole blocks.
  void (*words)(int64_t blocks, uint64_t key, uint64_t first, uint32_t* words);
  // low + (word64 * range >> 64), modulo 2^32; a range of 0 stands for 2^32.
  void (*randint)(int64_t n, uint64_t key, uint64_t first, int32_t low, uint32_t range, int32_t* y);
  // From the words of float64 values.
  void (*truncatedNormal)(int64_t n, uint64_t key, uint64_t first, const Truncation& t, double* y);
};

// Optimizer steps: one fused pass over a stretch of a parameter, its gradient and its state. What
// depends on the count of steps arrives in float64, and is used in T where PyTorch does so.
// kernels/optimizer.h has the rules.
constexpr int kMaxStepState = 3;  // arrays that a rule keeps beside a parameter, at most

enum class StepRule : int {
  sgd,
  adam,
  adamax,
  nadam,
  radam,
  rmsprop,
  adagrad,
  adadelta,
  lion,
  rprop,
  asgd,
  count
};

// One step of one parameter. A rule reads the fields that it has.
struct OptimizerStep {
  double lr, weightDecay;  // decay: an L2 penalty, or what weights shrink by
  double beta1, beta2;     // decay of the means of g and of g^2; Lion's two
  double eps, momentum, dampening;
  double correction1, correction2;  // 1 - beta^step
  double ofGradient, ofMean;        // NAdam's two rates; the second one is RAdam's too
  double etaMinus, etaPlus, stepMin, stepMax;
  double lambd, eta, mu;
  bool maximize, decoupled, nesterov;
  bool firstStep;  // SGD: the momentum buffer is set to the gradient instead of blended
  bool rectified;  // RAdam: the variance is tractable
};

// w and the arrays of state (kMaxStepState of them; null for one that is not kept) are updated in
// place. No two arrays may overlap.
template <class T>
using StepKernel = void (*)(int64_t n, const OptimizerStep& step, T* w, const T* g,
                            T* const* state);

template <class T>
struct OptimizerKernels {
  StepKernel<T> step[static_cast<int>(StepRule::count)];
};

// What norms are made of, over n values: the order of accumulation depends on n only
// (kernels/norm.h). The results are doubles for either type, so that squares of float32 neither
// round nor leave the range.
template <class T>
struct NormKernels {
  double (*squares)(int64_t n, const T* x);     // sum of x^2
  double (*magnitudes)(int64_t n, const T* x);  // sum of |x|
  double (*largest)(int64_t n, const T* x);     // of |x|; NaN when there is one, 0 of nothing
};

// The large families are compiled in files of their own, and a level's table refers to them.
// Optimizer steps and columns go with the elementwise kernels: no lane depends on another in them.
template <class T>
struct ElementwiseTable {
  ElementwiseKernels<T> elementwise;
  OptimizerKernels<T> optimizer;
  ColumnKernels<T> columns;
  NormalizationKernels<T> normalization;
  SoftmaxColumnKernels<T> softmaxColumns;
  RecurrentKernels<T> recurrent;
  PoolKernels<T> pool;
  DepthwiseKernels<T> depthwise;
  LinalgKernels<T> linalg;
};

struct ElementwiseTables {
  ElementwiseTable<float> f32;
  ElementwiseTable<double> f64;
  IntegerReduceTables integerReduce;
};

template <class Key>
struct Kth {
  Key key;
  int64_t tie;  // how many of its equals come before it in the order of a stable sort
};

// Selection among unsigned integers that order as the elements that they stand for
// (ops/indexing/sort_keys.h), T being the floating-point type of their size.
template <class Key, class T>
struct KeyKernels {
  // The key at place k, counted from 0, of n sorted keys; 0 <= k < n. `spare` has room for n keys,
  // which may be the keys themselves if they aren't needed any more.
  Kth<Key> (*kth)(const Key* keys, int64_t n, int64_t k, Key* spare);
  // Where in the keys it is.
  int64_t (*place)(const Key* keys, int64_t n, Kth<Key> wanted);
  // What is at the place behind it, found without selecting again.
  Kth<Key> (*next)(const Key* keys, int64_t n, Kth<Key> found);
  // How many keys equal one.
  int64_t (*equals)(const Key* keys, int64_t n, Key key);
  // keys[i] = the key of x[i] for i < n.
  void (*load)(const T* x, int64_t n, Key* keys);
};

// Writes the places i < n where hits[i] isn't 0, ascending, and says how many there are. Of the n
// places that there is room for, more may be written than that.
using HitPlacesKernel = int64_t (*)(int64_t n, const uint8_t* hits, int32_t* places);

struct IntegerTables {
  IntegerKernels<int32_t> i32;
  IntegerKernels<int64_t> i64;
  IntegerKernels<int8_t> i8;
  IntegerKernels<uint8_t> u8;
  SelectKernel<uint8_t> select8;
  SelectKernel<uint16_t> select16;
  SelectKernel<uint32_t> select32;
  SelectKernel<uint64_t> select64;
  KeyKernels<uint32_t, float> keys32;
  KeyKernels<uint64_t, double> keys64;
  HitPlacesKernel hitPlaces;
  // Whether n indices are all in [low, low + count), count <= 2^31.
  bool (*indicesWithin)(int64_t n, const int32_t* index, int64_t low, int64_t count);
};

// Conversions of n values between float16 and float32, as base/float16.h, and to bfloat16, as
// base/bfloat16.h.
struct HalfKernels {
  void (*widen)(int64_t n, const Float16* x, float* y);
  void (*narrow)(int64_t n, const float* x, Float16* y);
  void (*toBFloat16)(int64_t n, const float* x, BFloat16* y);
};

// Conversions of n values to integers, as base/truncate.h; those to int8 and uint8 take the ends of
// the range, and to the other floating type. And what float64 makes of whole numbers.
template <class T>
struct OtherFloat {
  using Type = double;
};
template <>
struct OtherFloat<double> {
  using Type = float;
};
template <class T>
struct ConvertKernels {
  void (*toInt32)(int64_t n, const T* x, int32_t* y);
  void (*toInt64)(int64_t n, const T* x, int64_t* y);
  void (*toByte)(int64_t n, const T* x, double low, double high, uint8_t* y);
  void (*toOtherFloat)(int64_t n, const T* x, typename OtherFloat<T>::Type* y);
  // y[i] = from + (first + i) * step, each step of it rounded in float64, and then to T.
  void (*steps)(int64_t n, double from, double step, int64_t first, T* y);
};

// Elements of one size, whatever they are.
template <class Bits>
struct MoveKernels {
  // y[i * yRow + j] = x[i + j * xCol] for i < rows, j < cols.
  void (*transpose)(int64_t rows, int64_t cols, const Bits* x, int64_t xCol, Bits* y, int64_t yRow);
  // y[i] = x[-i] for i < n.
  void (*reverse)(int64_t n, const Bits* x, Bits* y);
  // y[i] = x[2 i] for i < n.
  void (*everySecond)(int64_t n, const Bits* x, Bits* y);
  // y[2 i] = a[i * aStep], y[2 i + 1] = b[i * bStep] for i < n; steps are 0 or 1.
  void (*interleave)(int64_t n, const Bits* a, int64_t aStep, const Bits* b, int64_t bStep,
                     Bits* y);
  // y[i * n + j] = x[i * xRow] for i < rows, j < n; 64 bytes behind the last of y may be written.
  void (*spread)(int64_t rows, int64_t n, const Bits* x, int64_t xRow, Bits* y);
};

// Rows of n pairs: y[i * yRow + j] = x[i * xRow + 2 j] and z[i * yRow + j] = x[i * xRow + 2 j + 1]
// for i < rows, j < n.
template <class Bits>
using SplitKernel = void (*)(int64_t rows, int64_t n, const Bits* x, int64_t xRow, Bits* y, Bits* z,
                             int64_t yRow);

struct MoveTables {
  MoveKernels<uint8_t> size1;
  MoveKernels<uint16_t> size2;
  MoveKernels<uint32_t> size4;
  MoveKernels<uint64_t> size8;
  SplitKernel<uint32_t> split4;
  SplitKernel<uint64_t> split8;
  // y = the 64 bytes of the pattern, again and again.
  void (*repeat)(int64_t bytes, const float* pattern, void* y);
  // Rows of `bytes` bytes (at least 1) from x to y, xRow and yRow bytes apart.
  void (*copyRows)(int64_t rows, int64_t bytes, const void* x, int64_t xRow, void* y, int64_t yRow);
};

struct GemmTables {
  GemmKernels<float> f32;
  GemmKernels<double> f64;
};

template <class T>
struct FloatKernels {
  const ElementwiseKernels<T>& elementwise;
  const GemmKernels<T>& gemm;
  const ColumnKernels<T>& columns;
  const NormalizationKernels<T>& normalization;
  const SoftmaxColumnKernels<T>& softmaxColumns;
  const OptimizerKernels<T>& optimizer;
  const RecurrentKernels<T>& recurrent;
  const PoolKernels<T>& pool;
  const DepthwiseKernels<T>& depthwise;
  const LinalgKernels<T>& linalg;
  ReduceKernels<T> reduce;
  SoftmaxKernels<T> softmax;
  NormSumKernels<T> normSums;
  RandomKernels<T> random;
  NormKernels<T> norm;
  ConvertKernels<T> convert;
};

struct KernelTable {
  Level level;
  FloatKernels<float> f32;
  FloatKernels<double> f64;
  Int8Kernels i8;
  StreamKernels stream;
  HalfKernels half;
  const IntegerTables& integer;
  const IntegerReduceTables& integerReduce;
  MoveTables moves;
};

// A build defines those of its architecture; ops/dispatch.cpp knows which (TG_HAVE_AVX2 ...).
extern const KernelTable kScalarKernels;
extern const KernelTable kAvx2Kernels;
extern const KernelTable kAvx512Kernels;
extern const KernelTable kNeonKernels;

extern const ElementwiseTables kScalarElementwise;
extern const ElementwiseTables kAvx2Elementwise;
extern const ElementwiseTables kAvx512Elementwise;
extern const ElementwiseTables kNeonElementwise;

extern const IntegerTables kScalarInteger;
extern const IntegerTables kAvx2Integer;
extern const IntegerTables kAvx512Integer;
extern const IntegerTables kNeonInteger;

extern const GemmTables kScalarGemm;
extern const GemmTables kAvx2Gemm;
extern const GemmTables kAvx512Gemm;
extern const GemmTables kNeonGemm;

// For CPUs of a level that also have its instruction for dot products of bytes (hasDotProduct).
extern const Int8Kernels kAvx512VnniKernels;
extern const Int8Kernels kNeonDotKernels;

}  // namespace tilegrad
