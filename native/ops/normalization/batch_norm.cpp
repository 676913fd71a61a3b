// Batch normalisation (Ioffe and Szegedy 2015): statistics of a channel over all rows.
#include <limits.h>
#include <math.h>

#include "../../base/scratch.h"
#include "../parallel.h"
#include "../rows.h"
#include "norm.h"

namespace tilegrad {
namespace {

// x is n rows of `channels` channels of `span` values. A channel's values are reduced in parts,
// then the parts one after the other: a part is the span of one row, or kReduceRowBlock rows when
// spans are single values, which are reduced side by side.
struct Shape {
  int64_t n, channels, span;
  bool sideBySide() const { return span == 1; }
  int64_t parts() const { return sideBySide() ? (n + kReduceRowBlock - 1) / kReduceRowBlock : n; }
  int64_t rowsOf(int64_t part) const {
    if (!sideBySide()) return 1;
    const int64_t left = n - part * kReduceRowBlock;
    return left < kReduceRowBlock ? left : kReduceRowBlock;
  }
  double countOf(int64_t part) const { return static_cast<double>(rowsOf(part) * span); }
  double count() const { return static_cast<double>(n) * static_cast<double>(span); }
  bool empty() const { return n == 0 || channels == 0 || span == 0; }
};

Shape shapeOf(const Command& c) { return {c.number[0].i, c.number[1].i, c.number[2].i}; }

// Channels that are reduced side by side at a time: of kReduceRowBlock rows they fit the
// second-level cache.
constexpr int64_t kStrip = 64;

// Calls f(part, channel, count): a channel's span, or up to kStrip channels of a block of rows.
template <class F>
void overParts(const Shape& s, int64_t bytes, const F& f) {
  const int64_t width = s.sideBySide() ? kStrip : 1;
  const int64_t strips = (s.channels + width - 1) / width;
  const int64_t taskBytes = s.rowsOf(0) * width * s.span * bytes;
  parallelShares(s.parts() * strips, 1, taskBytes, kLightShare,
                 [&](int64_t begin, int64_t end) TG_NOINLINE_LAMBDA {
                   for (int64_t i = begin; i < end; ++i) {
                     const int64_t channel = i % strips * width, left = s.channels - channel;
                     f(i / strips, channel, left < width ? left : width);
                   }
                 });
}

// Calls f(from, n, channel, each) for the pieces that one kernel call can take: a row when spans
// are single values (each lane is a channel), otherwise a channel's span.
template <class F>
void overPieces(const Shape& s, int64_t bytes, const F& f) {
  const int64_t pieces = s.sideBySide() ? s.n : s.n * s.channels;
  const int64_t size = s.sideBySide() ? s.channels : s.span;
  parallelShares(pieces, 1, size * bytes, kLightShare,
                 [&](int64_t begin, int64_t end) TG_NOINLINE_LAMBDA {
                   for (int64_t i = begin; i < end; ++i) {
                     f(i * size, size, s.sideBySide() ? 0 : i % s.channels, s.sideBySide());
                   }
                 });
}

// Two numbers of every channel of every part.
struct Partial {
  double* first;
  double* second;
};

bool allocate(const Shape& s, Partial* partial) {
  const int64_t count = s.parts() * s.channels;
  partial->first = static_cast<double*>(
      scratch(ScratchSlot::partial, 2 * static_cast<size_t>(count) * sizeof(double)));
  if (!partial->first) return false;
  partial->second = partial->first + count;
  return true;
}

// The mean and the sum of squared differences of every part.
template <class T>
void momentsOfParts(const Shape& s, const T* x, const Partial& partial) {
  const FloatKernels<T>& k = floatKernels<T>();
  overParts(s, sizeof(T), [&](int64_t part, int64_t channel, int64_t count) {
    double* const means = partial.first + part * s.channels + channel;
    double* const allSquares = partial.second + part * s.channels + channel;
    if (!s.sideBySide()) {
      const Moments m = momentsOf(s.span, x + (part * s.channels + channel) * s.span);
      *means = m.mean;
      *allSquares = m.squares;
      return;
    }
    const int64_t rows = s.rowsOf(part);
    const T* const from = x + part * kReduceRowBlock * s.channels + channel;
    T mean[kStrip], squares[kStrip] = {};
    k.columns.sumRows(rows, count, from, s.channels, mean);
    for (int64_t j = 0; j < count; ++j) mean[j] /= static_cast<T>(rows);
    for (int64_t i = 0; i < rows; ++i) {
      k.normalization.addSquares(count, from + i * s.channels, mean, squares);
    }
    for (int64_t j = 0; j < count; ++j) {
      means[j] = static_cast<double>(mean[j]);
      allSquares[j] = static_cast<double>(squares[j]);
    }
  });
}

// Adds the parts' moments up in the first part's place, one part after the other.
void combineMoments(const Shape& s, const Partial& partial) {
  double before = s.countOf(0);
  for (int64_t part = 1; part < s.parts(); ++part) {
    const double count = s.countOf(part), share = count / (before + count);
    const double* const means = partial.first + part * s.channels;
    const double* const squares = partial.second + part * s.channels;
    for (int64_t channel = 0; channel < s.channels; ++channel) {
      const double delta = means[channel] - partial.first[channel];
      partial.first[channel] += delta * share;
      partial.second[channel] += squares[channel] + delta * delta * before * share;
    }
    before += count;
  }
}

// The share of this batch in the running statistics: the momentum, or (when that is negative) one
// over the number of batches, which makes them averages of all batches. Counts the batch.
double shareOfBatch(int32_t* batches, double momentum) {
  int32_t number = 1;
  if (batches) {
    number = *batches < 0 ? 1 : *batches < INT_MAX ? *batches + 1 : INT_MAX;
    *batches = number;
  }
  return momentum < 0 ? 1 / static_cast<double>(number) : momentum;
}

// running = (1 - share) * running + share * value
template <class T>
void blend(T* running, double share, double value) {
  *running = static_cast<T>((1 - share) * static_cast<double>(*running) + share * value);
}

template <class T>
Status forwardOf(const Command& c) {
  const Shape s = shapeOf(c);
  if (s.empty()) return Status::ok;
  const bool training = c.number[3].i != 0;
  const double momentum = c.number[4].f, eps = c.number[5].f;
  const T* const x = static_cast<const T*>(c.data[0]);
  const T* const weight = static_cast<const T*>(c.data[1]);
  const T* const bias = static_cast<const T*>(c.data[2]);
  T* const runningMean = static_cast<T*>(c.data[3]);
  T* const runningVar = static_cast<T*>(c.data[4]);
  int32_t* const batches = static_cast<int32_t*>(c.data[5]);
  T* const y = static_cast<T*>(c.data[6]);
  T* const mean = static_cast<T*>(c.data[7]);
  T* const rstd = mean + s.channels;
  Partial partial{};
  double share = 0;
  if (training) {
    if (!allocate(s, &partial)) return Status::outOfMemory;
    momentsOfParts(s, x, partial);
    combineMoments(s, partial);
    share = shareOfBatch(batches, momentum);
  }
  for (int64_t channel = 0; channel < s.channels; ++channel) {
    double variance;
    if (training) {
      const double squares = partial.second[channel];
      variance = squares / s.count();
      mean[channel] = static_cast<T>(partial.first[channel]);
      if (runningMean) blend(runningMean + channel, share, partial.first[channel]);
      // The running variance is the unbiased one.
      if (runningVar) blend(runningVar + channel, share, squares / (s.count() - 1));
    } else {
      mean[channel] = runningMean[channel];
      variance = static_cast<double>(runningVar[channel]);
    }
    rstd[channel] = static_cast<T>(1 / sqrt(variance + eps));
  }
  const auto normalize = floatKernels<T>().normalization.normalize;
  overPieces(s, 2 * sizeof(T), [&](int64_t at, int64_t n, int64_t channel, bool each) {
    normalize({n, x + at, perLane<T>(mean, channel, each, 0), perLane<T>(rstd, channel, each, 1),
               perLane<T>(weight, channel, each, 1), perLane<T>(bias, channel, each, 0), y + at});
  });
  return Status::ok;
}

Status forward(const Command& c) {
  return c.type[0] == DType::float64 ? forwardOf<double>(c) : forwardOf<float>(c);
}

// Of every channel the sums of g and of g * (x - mean), in the first part's place.
template <class T>
void gradientsOfChannels(const Shape& s, const T* x, const T* g, const T* mean,
                         const Partial& partial) {
  const FloatKernels<T>& k = floatKernels<T>();
  overParts(s, 2 * sizeof(T), [&](int64_t part, int64_t channel, int64_t count) {
    double* const sums = partial.first + part * s.channels + channel;
    double* const dots = partial.second + part * s.channels + channel;
    if (!s.sideBySide()) {
      const int64_t at = (part * s.channels + channel) * s.span;
      T sum, dot;
      k.normSums.gradients(s.span, x + at, {g + at, 0}, forAll<T>(1), mean[channel], &sum, &dot);
      *sums = static_cast<double>(sum);
      *dots = static_cast<double>(dot);
      return;
    }
    T sum[kStrip] = {}, dot[kStrip] = {};
    const int64_t rows = s.rowsOf(part), at = part * kReduceRowBlock * s.channels + channel;
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t from = at + i * s.channels;
      k.normalization.backward({count,
                                x + from,
                                g + from,
                                {mean + channel, 0},
                                forAll<T>(1),
                                forAll<T>(1),
                                forAll<T>(0),
                                forAll<T>(0),
                                nullptr,
                                dot,
                                sum});
    }
    for (int64_t j = 0; j < count; ++j) {
      sums[j] = static_cast<double>(sum[j]);
      dots[j] = static_cast<double>(dot[j]);
    }
  });
  for (int64_t part = 1; part < s.parts(); ++part) {
    for (int64_t channel = 0; channel < s.channels; ++channel) {
      partial.first[channel] += partial.first[part * s.channels + channel];
      partial.second[channel] += partial.second[part * s.channels + channel];
    }
  }
}

template <class T>
Status backwardOf(const Command& c) {
  const Shape s = shapeOf(c);
  T* const dx = static_cast<T*>(c.data[4]);
  T* const dweight = static_cast<T*>(c.data[5]);
  T* const dbias = static_cast<T*>(c.data[6]);
  if (s.empty()) {
    for (int64_t i = 0; i < s.channels; ++i) {
      if (dweight) dweight[i] = 0;
      if (dbias) dbias[i] = 0;
    }
    return Status::ok;
  }
  const bool training = c.number[3].i != 0;
  const T* const x = static_cast<const T*>(c.data[0]);
  const T* const g = static_cast<const T*>(c.data[1]);
  const T* const weight = static_cast<const T*>(c.data[2]);
  const T* const mean = static_cast<const T*>(c.data[3]);
  const T* const rstd = mean + s.channels;
  Partial partial;
  // slope and offset of kernels/table.h, and for evaluation the gradient's only factor.
  T* const slope =
      static_cast<T*>(scratch(ScratchSlot::block, 3 * static_cast<size_t>(s.channels) * sizeof(T)));
  if (!slope || !allocate(s, &partial)) return Status::outOfMemory;
  T* const offset = slope + s.channels;
  T* const scale = offset + s.channels;
  if (training || dweight || dbias) gradientsOfChannels(s, x, g, mean, partial);
  for (int64_t channel = 0; channel < s.channels; ++channel) {
    const double r = static_cast<double>(rstd[channel]);
    const double w = weight ? static_cast<double>(weight[channel]) : 1;
    scale[channel] = static_cast<T>(r * w);
    if (!training && !dweight && !dbias) continue;
    const double sum = partial.first[channel], dot = partial.second[channel];
    if (dweight) dweight[channel] = static_cast<T>(dot * r);
    if (dbias) dbias[channel] = static_cast<T>(sum);
    slope[channel] = static_cast<T>(-w * r * r * r * dot / s.count());
    offset[channel] = static_cast<T>(-w * r * sum / s.count());
  }
  if (!dx) return Status::ok;
  const FloatKernels<T>& kernels = floatKernels<T>();
  const auto multiply = kernels.elementwise.binary[static_cast<int>(Binary::mul)];
  overPieces(s, 3 * sizeof(T), [&](int64_t at, int64_t n, int64_t channel, bool each) {
    if (!training) {
      multiply(n, g + at, 1, scale + channel, each ? 1 : 0, dx + at);
      return;
    }
    kernels.normalization.backward(
        {n, x + at, g + at, perLane<T>(mean, channel, each, 0), perLane<T>(rstd, channel, each, 1),
         perLane<T>(weight, channel, each, 1), perLane<T>(slope, channel, each, 0),
         perLane<T>(offset, channel, each, 0), dx + at, nullptr, nullptr});
  });
  return Status::ok;
}

Status backward(const Command& c) {
  return c.type[0] == DType::float64 ? backwardOf<double>(c) : backwardOf<float>(c);
}

const char* checkForward(const Command& c) {
  if (c.number[3].i != 0) return nullptr;
  return c.data[3] && c.data[4] ? nullptr : "evaluation needs runningMean and runningVar";
}

const Row kRows[] = {
    // y = (x - mean) * rstd * weight + bias, where rstd = 1 / sqrt(variance + eps). In training
    // (not
    // 0) the statistics are the batch's; they are blended into the running ones with the momentum,
    // or when that is negative with 1 / batches after counting this one. Otherwise they are the
    // running ones. `saved` is the mean and rstd.
    {"batchNorm",
     "in x T[n channels span] opt weight T[channels] opt bias T[channels] "
     "optout runningMean T[channels] optout runningVar T[channels] optout batches i32[] "
     "out y T[n channels span] out saved T[2 channels]; "
     "n channels span size training int momentum eps real",
     forward, checkForward},
    // g is the gradient of y, saved and training as in the forward row.
    {"batchNormBackward",
     "in x T[n channels span] in g T[n channels span] opt weight T[channels] "
     "in saved T[2 channels] optout dx T[n channels span] optout dweight T[channels] "
     "optout dbias T[channels]; n channels span size training int",
     backward, nullptr},
};

}  // namespace

RowList batchNormRows() { return rowList(kRows); }

}  // namespace tilegrad
