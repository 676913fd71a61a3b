// Cross entropy of scores or of log-probabilities, with classes or probabilities as targets.
#include <string.h>

#include "../../base/scratch.h"
#include "../rows.h"
#include "../softmax_layout.h"

namespace tilegrad {
namespace {

enum Reduction : int64_t { kNone, kMean, kSum };

// What the forward and the backward row have in common: their first operands and numbers.
template <class T>
struct Problem {
  explicit Problem(const Command& c)
      : s{c.number[0].i, c.number[1].i, c.number[2].i, c.number[4].i, c.number[5].i},
        logits(c.number[6].i != 0),
        reduction(c.number[7].i),
        ignored(c.number[8].i),
        smoothing(static_cast<T>(c.number[9].f)),
        x(static_cast<const T*>(c.data[0])),
        target(static_cast<const int32_t*>(c.data[1])),
        q(static_cast<const T*>(c.data[2])),
        weight(static_cast<const T*>(c.data[3])) {}

  ClassLayout s;
  bool logits;  // or log-probabilities
  int64_t reduction, ignored;
  T smoothing;
  const T* x;
  const int32_t* target;
  const T* q;
  const T* weight;

  // The share of every class in each target.
  T offset() const { return smoothing / static_cast<T>(s.cols); }
  // Whether targets have more than one class.
  bool spread() const { return logits && (q || smoothing != 0); }
  bool ignores(int64_t position) const { return target && target[position] == ignored; }
  bool isClass(int64_t position) const {
    return target[position] >= 0 && target[position] < s.cols;
  }
  T weightOf(int64_t position) const {
    return weight && isClass(position) ? weight[target[position]] : 1;
  }
  // The step between a position's classes in contiguous arrays.
  int64_t step() const { return s.rows() ? 1 : s.inner; }
};

// log(sum(exp(x - maximum))) in two parts, and the sums of v and v * (x - maximum) where v is what
// the target has of each class, for the positions of a strip.
template <class T>
struct Sums {
  T maximum[kColumnStrip], logSum[kColumnStrip], mass[kColumnStrip], dot[kColumnStrip];
};

template <class T>
void sumsOfColumns(const Problem<T>& p, int64_t count, const T* x, int64_t xRow, const T* q,
                   int64_t qRow, Sums<T>* to) {
  const SoftmaxColumnKernels<T>& k = floatKernels<T>().softmaxColumns;
  k.logSumExp(p.s.cols, count, x, xRow, to->maximum, to->logSum);
  if (p.spread()) {
    k.weightedSums(p.s.cols, count, x, xRow, q, qRow, p.weight, 1 - p.smoothing, p.offset(),
                   to->maximum, to->mass, to->dot);
  }
}

template <class T>
void sumsOfRow(const Problem<T>& p, const T* x, const T* q, Sums<T>* to) {
  const FloatKernels<T>& k = floatKernels<T>();
  to->logSum[0] = k.softmax.logSumExp(p.s.cols, x, to->maximum);
  if (!p.spread()) return;
  const PerLane<T> weight{p.weight, 1};
  T mass = 0, dot = 0;
  if (p.offset() != 0) {
    k.normSums.gradients(p.s.cols, x, {nullptr, p.offset()}, weight, to->maximum[0], &mass, &dot);
  }
  to->mass[0] = mass;
  to->dot[0] = dot;
  if (!q) return;
  k.normSums.gradients(p.s.cols, x, {q, 0}, weight, to->maximum[0], &mass, &dot);
  to->mass[0] += (1 - p.smoothing) * mass;
  to->dot[0] += (1 - p.smoothing) * dot;
}

template <class T>
TG_NOINLINE void sumsOfStrip(const Problem<T>& p, const Strip& strip, Sums<T>* to) {
  const T* const x = p.x + strip.x;
  const T* const q = p.q ? p.q + strip.y : nullptr;
  if (!p.logits) {
    // log(sum(exp(x))) is 0 already.
    for (int64_t j = 0; j < strip.count; ++j) to->maximum[j] = to->logSum[j] = 0;
  } else if (p.s.shortRows()) {
    const SoftmaxColumnKernels<T>& k = floatKernels<T>().softmaxColumns;
    ShortRows<T> turnedX, turnedQ;
    k.toColumns(strip.count, p.s.cols, x, p.s.xOuter, turnedX.values);
    if (q) k.toColumns(strip.count, p.s.cols, q, p.s.cols, turnedQ.values);
    sumsOfColumns(p, strip.count, turnedX.values, kColumnStrip, q ? turnedQ.values : nullptr,
                  kColumnStrip, to);
  } else if (p.s.rows()) {
    sumsOfRow(p, x, q, to);
  } else {
    sumsOfColumns(p, strip.count, x, p.s.xCol, q, p.s.inner, to);
  }
}

// What the forward pass leaves for each position: kernels need maximum and logSum again, and the
// mass is the sum of its target.
template <class T>
struct Stats {
  T* maximum;
  T* logSum;
  T* mass;
};

template <class T>
Stats<T> statsOf(void* data, int64_t positions) {
  T* const stats = static_cast<T*>(data);
  return {stats, stats + positions, stats + 2 * positions};
}

// Loss, mass and weight of the mean of one position. x is its first class.
template <class T>
TG_NOINLINE void lossOf(const Problem<T>& p, int64_t position, const T* x, int64_t xStep,
                        const Sums<T>& sums, int64_t j, T* loss, T* mass, T* share) {
  *loss = *mass = *share = 0;
  if (p.ignores(position)) return;
  if (p.spread()) {
    *mass = sums.mass[j];
    *loss = sums.logSum[j] * sums.mass[j] - sums.dot[j];
  }
  *share = 1;
  if (!p.target) return;
  const T weight = p.weightOf(position), part = (1 - p.smoothing) * weight;
  // 0 / 0 gives NaN at run time, like a logarithm of a probability that does not exist.
  const T zero = 0;
  const T score = p.isClass(position) ? x[p.target[position] * xStep] : zero / zero;
  *loss += part * (sums.logSum[j] - (score - sums.maximum[j]));
  *mass += part;
  *share = weight;
}

template <class T>
Status forwardOf(const Command& c) {
  const Problem<T> p(c);
  T* const loss = static_cast<T*>(c.data[4]);
  T* const total = static_cast<T*>(c.data[6]);
  const int64_t positions = p.s.outer == 0 ? 0 : p.s.outer * p.s.inner;
  const Stats<T> stats = statsOf<T>(c.data[5], positions);
  T* losses = loss;
  T* shares = nullptr;
  if (p.reduction != kNone && positions > 0) {
    losses = static_cast<T*>(
        scratch(ScratchSlot::partial, 2 * static_cast<size_t>(positions) * sizeof(T)));
    if (!losses) return Status::outOfMemory;
    shares = losses + positions;
  }
  if (positions > 0) {
    overStrips<T>(p.s, p.q ? 3 : 2, 1, kColumnStrip, [&](const Strip& strip) {
      Sums<T> sums;
      sumsOfStrip(p, strip, &sums);
      for (int64_t j = 0; j < strip.count; ++j) {
        const int64_t at = strip.position + j;
        const T* const x = p.x + strip.x + (p.s.rows() ? j * p.s.xOuter : j);
        T share;
        lossOf(p, at, x, p.s.xCol, sums, j, losses + at, stats.mass + at, &share);
        stats.maximum[at] = sums.maximum[j];
        stats.logSum[at] = sums.logSum[j];
        if (shares) shares[at] = share;
      }
    });
  }
  *total = 1;
  if (p.reduction == kNone) return Status::ok;
  const auto sum = floatKernels<T>().reduce.sum;
  *loss = sum(positions, losses);
  if (p.reduction == kMean) {
    *total = sum(positions, shares);
    *loss /= *total;
  }
  return Status::ok;
}

Status forward(const Command& c) {
  return c.type[0] == DType::float64 ? forwardOf<double>(c) : forwardOf<float>(c);
}

// The gradient of one position (count 1, classes `step` apart) or of the strip's columns.
template <class T>
TG_NOINLINE void backwardOfStrip(const Problem<T>& p, const Strip& strip, const Stats<T>& stats,
                                 const T* scale, const T* share, T* dx) {
  const auto kernel = floatKernels<T>().softmaxColumns.crossEntropyGradient;
  CrossEntropyGradient<T> job{};
  job.factor = 1 - p.smoothing;
  job.offset = p.offset();
  job.spread = p.spread();
  if (p.s.rows()) {
    job.n = p.s.cols;
    job.xAhead = p.s.xOuter;
    job.dxAhead = p.s.cols;
    job.weight = {p.weight, 1};
    for (int64_t j = 0; j < strip.count; ++j) {
      const int64_t at = strip.position + j, to = strip.y + j * p.s.cols;
      job.x = p.x + strip.x + j * p.s.xOuter;
      job.maximum = {nullptr, stats.maximum[at]};
      job.logSum = {nullptr, stats.logSum[at]};
      job.share = {nullptr, share[j]};
      job.scale = {nullptr, scale[j]};
      job.q = {p.q ? p.q + to : nullptr, 0};
      job.dx = dx + to;
      kernel(job);
    }
    return;
  }
  constexpr int64_t kRowsAhead = 4;  // as in softmax_columns.h
  job.n = strip.count;
  job.xAhead = kRowsAhead * p.s.xCol;
  job.dxAhead = kRowsAhead * p.s.inner;
  job.maximum = {stats.maximum + strip.position, 0};
  job.logSum = {stats.logSum + strip.position, 0};
  job.share = {share, 0};
  job.scale = {scale, 0};
  for (int64_t i = 0; i < p.s.cols; ++i) {
    const int64_t to = strip.y + i * p.s.inner;
    job.x = p.x + strip.x + i * p.s.xCol;
    job.weight = {nullptr, p.weight ? p.weight[i] : 1};
    job.q = {p.q ? p.q + to : nullptr, 0};
    job.dx = dx + to;
    kernel(job);
  }
}

// Zeros for the strip: its rows lie one after the other, its columns side by side.
template <class T>
void clearStrip(const Problem<T>& p, const Strip& strip, T* dx) {
  const int64_t run = p.s.rows() ? strip.count * p.s.cols : strip.count;
  const int64_t runs = p.s.rows() ? 1 : p.s.cols;
  for (int64_t i = 0; i < runs; ++i) {
    memset(dx + strip.y + i * p.s.inner, 0, static_cast<size_t>(run) * sizeof(T));
  }
}

template <class T>
Status backwardOf(const Command& c) {
  const Problem<T> p(c);
  if (p.s.empty()) return Status::ok;
  const int64_t positions = p.s.outer * p.s.inner, step = p.step();
  const Stats<T> stats = statsOf<T>(c.data[4], positions);
  const T total = *static_cast<const T*>(c.data[5]);
  const T* const g = static_cast<const T*>(c.data[6]);
  T* const dx = static_cast<T*>(c.data[7]);
  overStrips<T>(p.s, p.q ? 3 : 2, 1, kColumnStrip, [&](const Strip& strip) {
    T scale[kColumnStrip], share[kColumnStrip];
    for (int64_t j = 0; j < strip.count; ++j) {
      const int64_t at = strip.position + j;
      scale[j] = (p.reduction == kNone ? g[at] : *g) / total;
      share[j] = scale[j] * stats.mass[at];
    }
    if (p.logits) {
      backwardOfStrip(p, strip, stats, scale, share, dx);
    } else {
      clearStrip(p, strip, dx);
    }
    for (int64_t j = 0; j < strip.count; ++j) {
      const int64_t at = strip.position + j;
      T* const to = dx + strip.y + (p.s.rows() ? j * p.s.cols : j);
      if (p.logits && p.ignores(at)) {
        for (int64_t i = 0; i < p.s.cols; ++i) to[i * step] = 0;
      }
      if (p.target && !p.ignores(at) && p.isClass(at)) {
        to[p.target[at] * step] -= (1 - p.smoothing) * p.weightOf(at) * scale[j];
      }
    }
  });
  return Status::ok;
}

Status backward(const Command& c) {
  return c.type[0] == DType::float64 ? backwardOf<double>(c) : backwardOf<float>(c);
}

const char* check(const Command& c) {
  const int64_t outer = c.number[0].i, inner = c.number[2].i, reduction = c.number[7].i;
  if (c.number[1].i < 1) return "cols must be at least 1";
  if (!c.data[1] == !c.data[2]) return "there is one of target and q";
  if (c.number[6].i == 0 && !c.data[1]) return "log-probabilities need a target";
  if (reduction < kNone || reduction > kSum) return "reduction is 0, 1 or 2";
  // Neither is 0 then, and the target or q was found to hold so many.
  const bool some = outer > 0 && inner > 0;
  if (c.number[3].i != (reduction == kNone ? (some ? outer * inner : 0) : 1)) {
    return "losses is not the number of losses";
  }
  return nullptr;
}

const Row kRows[] = {
    // The classes are the middle dimension of x. Targets are classes or probabilities q; with a
    // smoothing e each becomes (1 - e) times itself plus e / cols of every class (Szegedy et al.
    // 2016). A position's loss is -sum(weight * target * log softmax(x)); x is log softmax itself
    // when logits is 0, and then there is no smoothing. Positions whose target is ignoreIndex have
    // no
    // loss; a target that is no class gives NaN. Reductions: 0 none, 1 mean (divided by the sum of
    // the
    // targets' weights, or for q by the number of positions), 2 sum. `stats` and `total` are for
    // the backward row.
    {"crossEntropy",
     "in x T[outer*xOuter cols*xCol inner] opt target i32[outer inner] opt q T[outer cols inner] "
     "opt weight T[cols] out loss T[losses] out stats T[3 outer inner] out total T[]; "
     "outer cols inner losses size xOuter xCol stride logits reduction ignoreIndex int "
     "smoothing real",
     forward, check},
    // g is the gradient of the loss. dx may be x when it lies as x does.
    {"crossEntropyBackward",
     "in x T[outer*xOuter cols*xCol inner] opt target i32[outer inner] opt q T[outer cols inner] "
     "opt weight T[cols] in stats T[3 outer inner] in total T[] in g T[losses] "
     "out dx T[outer cols inner]; "
     "outer cols inner losses size xOuter xCol stride logits reduction ignoreIndex int "
     "smoothing real",
     backward, check},
};

}  // namespace

RowList crossEntropyRows() { return rowList(kRows); }

}  // namespace tilegrad
