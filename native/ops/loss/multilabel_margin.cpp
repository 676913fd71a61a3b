// The hinge loss of several labels: the sum of max(0, 1 - x[label] + x[other]) over the labels of a
// row and the classes that are none, by the number of classes.
#include <string.h>

#include "../../base/scratch.h"
#include "../parallel.h"
#include "../rows.h"

namespace tilegrad {
namespace {

// Others that are compared with a label together: loops of a fixed length, of which compilers make
// vectors. Every level runs the same code, so the sums have one order.
constexpr int64_t kTogether = 8;

// A row's labels and the classes that are none, with their scores plus 1, in scratch memory.
template <class T>
struct Parts {
  T* scores;
  T* pairs;  // with how many labels another counts
  int32_t* labels;
  int32_t* others;
  uint8_t* isLabel;
  int64_t labelCount, otherCount;
};

template <class T>
bool allocateParts(int64_t classes, Parts<T>* parts) {
  const size_t count = static_cast<size_t>(classes);
  void* const memory =
      scratch(ScratchSlot::block, count * (2 * sizeof(T) + 2 * sizeof(int32_t) + 1));
  if (!memory) return false;
  parts->scores = static_cast<T*>(memory);
  parts->pairs = parts->scores + count;
  parts->labels = reinterpret_cast<int32_t*>(parts->pairs + count);
  parts->others = parts->labels + count;
  parts->isLabel = reinterpret_cast<uint8_t*>(parts->others + count);
  return true;
}

// False for a label that is no class. Each is read once: another thread may write to the targets.
template <class T>
bool split(int64_t classes, const T* x, const int32_t* target, Parts<T>* parts) {
  memset(parts->isLabel, 0, static_cast<size_t>(classes));
  int64_t labels = 0, others = 0;
  for (; labels < classes; ++labels) {
    const int32_t label = target[labels];
    if (label < 0) break;
    if (label >= classes) return false;
    parts->labels[labels] = label;
    parts->isLabel[label] = 1;
  }
  for (int64_t i = 0; i < classes; ++i) {
    parts->others[others] = static_cast<int32_t>(i);
    parts->scores[others] = x[i] + 1;
    others += 1 - parts->isLabel[i];
  }
  parts->labelCount = labels;
  parts->otherCount = others;
  return true;
}

// Of a NaN too, which is not below 0.
template <class T>
bool counts(T margin) {
  return !(margin <= 0);
}

// Adds the margins of a label to sums, and counts those above 0.
template <class T>
T addMargins(const Parts<T>& parts, T own, T* sums) {
  const T* const scores = parts.scores;
  T counted[kTogether] = {};
  int64_t i = 0;
  for (; i + kTogether <= parts.otherCount; i += kTogether) {
    for (int64_t k = 0; k < kTogether; ++k) {
      const T margin = scores[i + k] - own, one = counts(margin) ? T{1} : T{0};
      sums[k] += counts(margin) ? margin : T{0};
      counted[k] += one;
      parts.pairs[i + k] += one;
    }
  }
  for (int64_t k = 0; i + k < parts.otherCount; ++k) {
    const T margin = scores[i + k] - own, one = counts(margin) ? T{1} : T{0};
    sums[k] += counts(margin) ? margin : T{0};
    counted[k] += one;
    parts.pairs[i + k] += one;
  }
  T total = 0;  // whole numbers
  for (const T some : counted) total += some;
  return total;
}

// The loss of a row and, unless slopes is null, its derivatives.
template <class T>
T lossOf(int64_t classes, const T* x, const Parts<T>& parts, T* slopes) {
  const T count = static_cast<T>(classes);
  for (int64_t i = 0; i < parts.otherCount; ++i) parts.pairs[i] = 0;
  for (int64_t i = 0; slopes && i < classes; ++i) slopes[i] = 0;
  T sums[kTogether] = {};
  for (int64_t j = 0; j < parts.labelCount; ++j) {
    const int32_t label = parts.labels[j];
    const T pairs = addMargins(parts, x[label], sums);
    // A class may be named more than once.
    if (slopes) slopes[label] -= pairs / count;
  }
  for (int64_t i = 0; slopes && i < parts.otherCount; ++i) {
    slopes[parts.others[i]] = parts.pairs[i] / count;
  }
  for (int64_t half = kTogether / 2; half > 0; half /= 2) {
    for (int64_t k = 0; k < half; ++k) sums[k] += sums[k + half];
  }
  return sums[0] / count;
}

template <class T>
Status margins(const Command& c) {
  const int64_t rows = c.number[0].i, classes = c.number[1].i;
  const T* const x = static_cast<const T*>(c.data[0]);
  const int32_t* const target = static_cast<const int32_t*>(c.data[1]);
  T* const losses = static_cast<T*>(c.data[2]);
  T* const slopes = static_cast<T*>(c.data[3]);
  // Up to half of the classes squared are compared.
  const int64_t grain = kLightShare / (classes * (classes / 4 + 1)) + 1;
  return parallelStatus(rows, grain, [&](int64_t begin, int64_t end) {
    Parts<T> parts;
    if (!allocateParts(classes, &parts)) return Status::outOfMemory;
    for (int64_t row = begin; row < end; ++row) {
      const int64_t at = row * classes;
      if (!split(classes, x + at, target + at, &parts)) return Status::badIndex;
      losses[row] = lossOf(classes, x + at, parts, slopes ? slopes + at : nullptr);
    }
    return Status::ok;
  });
}

Status multilabelMargin(const Command& c) {
  if (c.number[0].i == 0) return Status::ok;
  return c.type[0] == DType::float64 ? margins<double>(c) : margins<float>(c);
}

const char* checkMargin(const Command& c) {
  return c.number[1].i < 1 || c.number[1].i > INT32_MAX ? "no number of classes" : nullptr;
}

const Row kRows[] = {
    // Of each row, and d loss / d x. Labels are the targets before the first that is negative.
    {"multilabelMargin",
     "in x T[rows classes] in target i32[rows classes] out losses T[rows] "
     "optout slopes T[rows classes]; rows classes size",
     multilabelMargin, checkMargin},
};

}  // namespace

RowList multilabelMarginRows() { return rowList(kRows); }

}  // namespace tilegrad
