// Layer, RMS and group normalisation: statistics of values that lie together.
#include "norm.h"

#include <math.h>
#include <string.h>

#include "../../base/scratch.h"
#include "../parallel.h"
#include "../rows.h"

namespace tilegrad {
namespace {

// x is n rows of `groups` groups of `channels` channels of `span` values. A group has a mean and a
// variance, a channel a weight and a bias. Layer normalisation is one group whose channels are
// single values.
struct Shape {
  int64_t n, groups, channels, span;
  int64_t cols() const { return channels * span; }  // of a group
  int64_t weights() const { return groups * channels; }
  bool empty() const { return n == 0 || groups == 0 || channels == 0 || span == 0; }
};

Shape shapeOf(const Command& c) {
  return {c.number[0].i, c.number[1].i, c.number[2].i, c.number[3].i};
}

// Calls f(from, n, channel, each) for the pieces of a group that one kernel call can take: all of
// it when channels are single values (each lane has its own weight), otherwise channel by channel.
template <class F>
void overPieces(const Shape& s, const F& f) {
  if (s.span == 1) {
    f(int64_t{0}, s.channels, int64_t{0}, true);
    return;
  }
  for (int64_t c = 0; c < s.channels; ++c) f(c * s.span, s.span, c, false);
}

// Rows of single values with weights of their own, as in layer and RMS normalisation, go through
// the kernels in batches: so many that their values stay in the first-level cache (32 KB of 48 KB,
// or of 32 KB on older processors, where the rest comes from the second), whole groups of the
// kernels'.
constexpr int64_t kBatchRows = 16;

int64_t batchRows(int64_t n) {
  constexpr int64_t kBatchBytes = 16 * 1024, kGroup = 4;
  const int64_t rows = kBatchBytes / (n * static_cast<int64_t>(sizeof(float)));
  if (rows < kGroup) return kGroup;
  return rows < kBatchRows ? rows / kGroup * kGroup : kBatchRows;
}

// Calls f(row, rows) for batches of the rows [begin, end).
template <class F>
void overBatches(int64_t begin, int64_t end, int64_t n, const F& f) {
  const int64_t most = batchRows(n);
  for (int64_t row = begin; row < end; row += most) f(row, end - row < most ? end - row : most);
}

template <class T>
T reciprocalDeviation(double squares, int64_t n, double eps) {
  return static_cast<T>(1 / sqrt(squares / static_cast<double>(n) + eps));
}

// Whether rows of float32 go through the kernels in batches.
bool takesBatches(const Shape& s) {
  return s.groups == 1 && s.span == 1 && s.channels <= kReduceBlock &&
         floatKernels<float>().normalization.normalizeRows;
}

// Whether so many bytes exceed the second-level cache (1 MB): then results are asked for while
// those before are computed, as the sums ask for the rows to come. Memory has work all the time
// then: the forward kernels take 0.5 ms for 4096 x 768, where a copy takes 0.48, and 0.68 when x is
// asked for in the last pass only.
bool isFar(int64_t bytes) { return bytes > 1024 * 1024; }

// Whether results go past the caches: when `bytes` bytes read and written exceed the third level of
// most processors, so that little of them would still be there for whoever reads them, and each row
// begins on a cache line. 4096 x 768 backwards takes 0.68 ms instead of 0.95, and 0.98 instead of
// 1.14 with its result read afterwards; of 18 MB in all the reader loses what is won. Forward 8192
// x 768 (50 MB) takes 1.14 instead of 1.45 ms, and 1.79 instead of 1.98 with a reader, 4096 x 768
// (25 MB) 0.51 and 0.48, and 0.82 instead of 0.66.
bool isPast(int64_t bytes, const void* results, int64_t rowBytes) {
  return bytes > 32 * 1024 * 1024 && rowBytes % kCacheLine == 0 &&
         reinterpret_cast<uintptr_t>(results) % kCacheLine == 0;
}

// A batch of rows: their statistics, mean being null where none is wanted, and their results.
void forwardBatch(const RowNormalization<float>& job, double eps, float* mean, float* rstd) {
  const FloatKernels<float>& k = floatKernels<float>();
  const int64_t n = job.n;
  // What reads the rows first takes them one by one: see kShortSum in reduction.h.
  for (int64_t i = 0; i < job.rows; ++i) {
    const float* const x = job.x + i * job.xRow;
    if (mean) {
      mean[i] = k.reduce.sum(n, x) / static_cast<float>(n);
    } else {
      rstd[i] = k.reduce.squares(n, x, 0);
    }
  }
  if (mean) k.reduce.sumEach(job.rows, n, job.x, job.xRow, mean, true, rstd);
  for (int64_t i = 0; i < job.rows; ++i) {
    rstd[i] = reciprocalDeviation<float>(static_cast<double>(rstd[i]), n, eps);
  }
  k.normalization.normalizeRows(job);
}

template <class T>
Status forwardOf(const Command& c) {
  const FloatKernels<T>& k = floatKernels<T>();
  const Shape s = shapeOf(c);
  if (s.empty()) return Status::ok;
  const int64_t xRow = c.number[4].i, cols = s.cols();
  const double eps = c.number[5].f;
  const T* const x = static_cast<const T*>(c.data[0]);
  const T* const weight = static_cast<const T*>(c.data[1]);
  const T* const bias = static_cast<const T*>(c.data[2]);
  T* const y = static_cast<T*>(c.data[3]);
  T* const mean = static_cast<T*>(c.data[4]);
  T* const rstd = static_cast<T*>(c.data[5]);
  const int64_t bytes = 2 * cols * static_cast<int64_t>(sizeof(T));
  if constexpr (sizeof(T) == sizeof(float)) {
    if (takesBatches(s)) {
      const PerLane<T> weights = perLane<T>(weight, 0, true, 1);
      const PerLane<T> biases = perLane<T>(bias, 0, true, 0);
      const bool past = isPast(s.n * bytes, y, cols * static_cast<int64_t>(sizeof(T)));
      const bool far = isFar(s.n * bytes) && !past;
      parallelShares(s.n, 1, bytes, kLightShare,
                     [&](int64_t begin, int64_t end) TG_NOINLINE_LAMBDA {
                       overBatches(begin, end, cols, [&](int64_t i, int64_t rows) {
                         T* const means = mean ? mean + i : nullptr;
                         forwardBatch({rows, cols, x + i * xRow, xRow, means, rstd + i, weights,
                                       biases, y + i * cols, far, past},
                                      eps, means, rstd + i);
                       });
                     });
      return Status::ok;
    }
  }
  parallelShares(s.n * s.groups, 1, bytes, kLightShare,
                 [&](int64_t begin, int64_t end) TG_NOINLINE_LAMBDA {
                   for (int64_t i = begin; i < end; ++i) {
                     const int64_t group = i % s.groups;
                     const T* const from = x + i / s.groups * xRow + group * cols;
                     double squares;
                     if (mean) {
                       const Moments m = momentsOf(cols, from);
                       mean[i] = static_cast<T>(m.mean);
                       squares = m.squares;
                     } else {
                       squares = static_cast<double>(k.reduce.squares(cols, from, 0));
                     }
                     rstd[i] = reciprocalDeviation<T>(squares, cols, eps);
                     overPieces(s, [&](int64_t at, int64_t n, int64_t channel, bool each) {
                       const int64_t w = group * s.channels + channel;
                       k.normalization.normalize({n, from + at, perLane<T>(mean, i, false, 0),
                                                  forAll(rstd[i]), perLane<T>(weight, w, each, 1),
                                                  perLane<T>(bias, w, each, 0), y + i * cols + at});
                     });
                   }
                 });
  return Status::ok;
}

Status forward(const Command& c) {
  return c.type[0] == DType::float64 ? forwardOf<double>(c) : forwardOf<float>(c);
}

template <class T>
struct Backward {
  const FloatKernels<T>& k;
  Shape s;
  int64_t xRow;
  const T* x;
  const T* g;
  const T* weight;
  const T* mean;
  const T* rstd;
  T* dx;
  bool far, past;  // isFar, isPast
};

// One group, the gradients of its weights in dweight and dbias (or null). With
// x^ = (x - mean) * rstd and N values, dx = rstd * (w g - sum(w g) / N - x^ sum(w g x^) / N), the
// middle term only where a mean was subtracted.
template <class T>
TG_NOINLINE void backwardGroup(const Backward<T>& b, int64_t i, T* dweight, T* dbias) {
  const Shape& s = b.s;
  const int64_t group = i % s.groups, cols = s.cols();
  const T* const x = b.x + i / s.groups * b.xRow + group * cols;
  const T* const g = b.g + i * cols;
  const T* const weight = b.weight ? b.weight + group * s.channels : nullptr;
  const T mean = b.mean ? b.mean[i] : 0, rstd = b.rstd[i];
  double sum = 0, dot = 0;
  if (b.dx || s.span > 1) {
    overPieces(s, [&](int64_t at, int64_t n, int64_t channel, bool each) {
      T pieceSum, pieceDot;
      b.k.normSums.gradients(n, x + at, {g + at, 0}, {each ? weight : nullptr, 1}, mean, &pieceSum,
                             &pieceDot);
      if (!each) {
        if (dweight) dweight[channel] = pieceDot * rstd;
        if (dbias) dbias[channel] = pieceSum;
      }
      const double factor = each || !weight ? 1 : static_cast<double>(weight[channel]);
      sum += factor * static_cast<double>(pieceSum);
      dot += factor * static_cast<double>(pieceDot);
    });
  }
  if (!b.dx && s.span > 1) return;
  const double r = static_cast<double>(rstd), count = static_cast<double>(cols);
  const T slope = static_cast<T>(-r * r * r * dot / count);
  const T offset = b.mean ? static_cast<T>(-r * sum / count) : 0;
  overPieces(s, [&](int64_t at, int64_t n, int64_t channel, bool each) {
    b.k.normalization.backward({n, x + at, g + at, forAll(mean), forAll(rstd),
                                perLane<T>(weight, channel, each, 1), forAll(slope), forAll(offset),
                                b.dx ? b.dx + i * cols + at : nullptr, each ? dweight : nullptr,
                                each ? dbias : nullptr});
  });
}

// Rows of so many values take turns: the sums of one are taken while the results of the one before
// are computed. Shorter ones wait for their sums' last additions (64 values: 1.16 times as long as
// in batches), of longer ones two don't fit the first-level cache (4096: 1.09 times).
constexpr int64_t kLeastInTurns = 256, kMostInTurns = 1536;

// The same for the rows [begin, end), at least one, whose gradients by x are wanted.
TG_NOINLINE void backwardRows(const Backward<float>& b, int64_t begin, int64_t end, float* dweight,
                              float* dbias) {
  using T = float;
  const int64_t n = b.s.cols();
  const double count = static_cast<double>(n);
  const PerLane<T> weight = perLane<T>(b.weight, 0, true, 1);
  const auto jobOf = [&](int64_t i, int64_t rows) {
    return RowNormalizationBackward<T>{rows,
                                       n,
                                       b.x + i * b.xRow,
                                       b.xRow,
                                       b.g + i * n,
                                       weight,
                                       b.mean ? b.mean + i : nullptr,
                                       b.rstd + i,
                                       b.dx + i * n,
                                       dweight,
                                       dbias,
                                       b.far,
                                       b.past};
  };
  if (n >= kLeastInTurns && n <= kMostInTurns) {
    b.k.normSums.backwardInTurns(jobOf(begin, end - begin));
    return;
  }
  overBatches(begin, end, n, [&](int64_t i, int64_t rows) {
    const RowNormalizationBackward<T> job = jobOf(i, rows);
    T offset[kBatchRows], slope[kBatchRows];
    b.k.normSums.gradientsEach(rows, n, job.x, job.xRow, job.g, weight, job.mean, offset, slope);
    for (int64_t j = 0; j < rows; ++j) {
      const double r = static_cast<double>(job.rstd[j]);
      slope[j] = static_cast<T>(-r * r * r * static_cast<double>(slope[j]) / count);
      offset[j] = job.mean ? static_cast<T>(-r * static_cast<double>(offset[j]) / count) : 0;
    }
    b.k.normalization.backwardRows(job, slope, offset);
  });
}

// Rows whose weight gradients are added up in one place, when channels are single values: a
// function of the shape alone, so that the order of the additions is. At most kMostBlocks such
// places.
constexpr int64_t kLeastRows = 16, kMostBlocks = 64;

int64_t blockRows(const Shape& s) {
  if (s.span > 1) return 1;
  int64_t rows = kLeastRows;
  while ((s.n + rows - 1) / rows > kMostBlocks) rows *= 2;
  return rows;
}

template <class T>
Status backwardOf(const Command& c) {
  const Shape s = shapeOf(c);
  T* const dweight = static_cast<T*>(c.data[6]);
  T* const dbias = static_cast<T*>(c.data[7]);
  if (s.empty()) {
    if (s.groups == 0 || s.channels == 0) return Status::ok;
    const auto clear = [&](T* to) {
      if (to) memset(to, 0, static_cast<size_t>(s.weights()) * sizeof(T));
    };
    clear(dweight);
    clear(dbias);
    return Status::ok;
  }
  const int64_t touched = 3 * s.n * s.cols() * static_cast<int64_t>(sizeof(T));
  const Backward<T> b{floatKernels<T>(),
                      s,
                      c.number[4].i,
                      static_cast<const T*>(c.data[0]),
                      static_cast<const T*>(c.data[1]),
                      static_cast<const T*>(c.data[2]),
                      static_cast<const T*>(c.data[3]),
                      static_cast<const T*>(c.data[4]),
                      static_cast<T*>(c.data[5]),
                      isFar(touched),
                      isPast(touched, c.data[5], s.cols() * static_cast<int64_t>(sizeof(T)))};
  const int64_t rows = blockRows(s), blocks = (s.n + rows - 1) / rows, weights = s.weights();
  // Of each block the gradients of the weights, then those of the biases.
  T* partial = nullptr;
  if (dweight || dbias) {
    const size_t bytes = static_cast<size_t>(blocks * 2 * weights) * sizeof(T);
    partial = static_cast<T*>(scratch(ScratchSlot::partial, bytes));
    if (!partial) return Status::outOfMemory;
  }
  const auto place = [&](bool wanted, int64_t block, int64_t which, int64_t group) -> T* {
    if (!wanted) return nullptr;
    return partial + (2 * block + which) * weights + group * s.channels;
  };
  const auto run = [&](int64_t row, int64_t group) {
    const int64_t block = row / rows;
    backwardGroup(b, row * s.groups + group, place(dweight, block, 0, group),
                  place(dbias, block, 1, group));
  };
  const int64_t groupBytes = 3 * s.cols() * static_cast<int64_t>(sizeof(T));
  if (s.span > 1) {
    parallelShares(s.n * s.groups, 1, groupBytes, kLightShare,
                   [&](int64_t begin, int64_t end) TG_NOINLINE_LAMBDA {
                     for (int64_t i = begin; i < end; ++i) run(i / s.groups, i % s.groups);
                   });
  } else {
    const int64_t blockBytes = rows * s.groups * groupBytes;
    parallelShares(
        blocks, 1, blockBytes, kLightShare, [&](int64_t begin, int64_t end) TG_NOINLINE_LAMBDA {
          if (partial) {
            memset(partial + begin * 2 * weights, 0,
                   static_cast<size_t>((end - begin) * 2 * weights) * sizeof(T));
          }
          for (int64_t block = begin; block < end; ++block) {
            const int64_t row = block * rows;
            const int64_t last = s.n - row < rows ? s.n : row + rows;
            if constexpr (sizeof(T) == sizeof(float)) {
              if (b.dx && takesBatches(s)) {
                backwardRows(b, row, last, place(dweight, block, 0, 0), place(dbias, block, 1, 0));
                continue;
              }
            }
            for (int64_t i = row; i < last; ++i) {
              for (int64_t group = 0; group < s.groups; ++group) run(i, group);
            }
          }
        });
  }
  if (dweight) b.k.columns.sumRows(blocks, weights, partial, 2 * weights, dweight);
  if (dbias) b.k.columns.sumRows(blocks, weights, partial + weights, 2 * weights, dbias);
  return Status::ok;
}

Status backward(const Command& c) {
  return c.type[0] == DType::float64 ? backwardOf<double>(c) : backwardOf<float>(c);
}

const Row kRows[] = {
    // y = (x - mean) * rstd * weight + bias, where rstd = 1 / sqrt(variance + eps) over each group.
    // Without a place for the mean none is subtracted, and rstd = 1 / sqrt(mean of squares + eps).
    {"groupNorm",
     "in x T[n*xRow groups channels span] opt weight T[groups channels] "
     "opt bias T[groups channels] out y T[n groups channels span] optout mean T[n groups] "
     "out rstd T[n groups]; n groups channels span size xRow stride eps real",
     forward, nullptr},
    // g is the gradient of y; mean and rstd as they came out of the forward row.
    {"groupNormBackward",
     "in x T[n*xRow groups channels span] in g T[n groups channels span] "
     "opt weight T[groups channels] opt mean T[n groups] in rstd T[n groups] "
     "optout dx T[n groups channels span] optout dweight T[groups channels] "
     "optout dbias T[groups channels]; n groups channels span size xRow stride",
     backward, nullptr},
};

}  // namespace

RowList normRows() { return rowList(kRows); }

}  // namespace tilegrad
