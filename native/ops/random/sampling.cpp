// Random whole numbers, orders and choices, and the truncated normal distribution.
#include <algorithm>
#include <limits>

#include "../../base/scratch.h"
#include "../dispatch.h"
#include "../parallel.h"
#include "../rows.h"
#include "random.h"

namespace tilegrad {
namespace {

uint32_t* stateOf(const Command& c) { return static_cast<uint32_t*>(c.data[0]); }

// Values of a buffer on the stack: 4 KB of float64, whole blocks of the kernels.
constexpr int64_t kBuffer = 512;

Status randint(const Command& c) {
  const int64_t n = c.number[0].i;
  int32_t* const y = static_cast<int32_t*>(c.data[1]);
  const int32_t low = static_cast<int32_t>(c.number[1].i);
  const uint32_t range = static_cast<uint32_t>(c.number[2].i - c.number[1].i);  // 0 for 2^32
  const int64_t groups = (n + kRandintValues - 1) / kRandintValues;
  const Stream stream = takePositions(stateOf(c), groups * kRandintPositions);
  const auto kernel = kernels().stream.randint;
  static_assert(kCacheLine == kRandintValues * sizeof(int32_t), "ranges must start at a group");
  parallelShares(n, kRandintValues, sizeof(int32_t), kHeavyShare, [&](int64_t begin, int64_t end) {
    const uint64_t skipped = static_cast<uint64_t>(begin / kRandintValues * kRandintPositions);
    kernel(end - begin, stream.key, stream.first + skipped, low, range, y + begin);
  });
  return Status::ok;
}

const char* checkRandint(const Command& c) {
  constexpr int64_t kLeast = std::numeric_limits<int32_t>::min();
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  const int64_t low = c.number[1].i, high = c.number[2].i;
  return low >= kLeast && low < high && high <= kMost + 1 ? nullptr : "no int32 range";
}

template <class T>
Status drawTruncated(const Command& c) {
  const int64_t n = c.number[0].i;
  T* const y = static_cast<T*>(c.data[1]);
  const Truncation truncation = {c.number[1].f, c.number[2].f, c.number[3].f,
                                 c.number[4].f, c.number[5].f, c.number[6].f};
  constexpr int64_t kValues = kPhiloxValues<double>;  // computed in float64 for both types
  const Stream stream = takePositions(stateOf(c), (n + kValues - 1) / kValues);
  const auto kernel = kernels().stream.truncatedNormal;
  constexpr int64_t kGrain = kCacheLine / static_cast<int64_t>(sizeof(T));
  parallelShares(n, kGrain, sizeof(double), kHeavyShare, [&](int64_t begin, int64_t end) {
    double buffer[kBuffer];
    for (int64_t i = begin; i < end; i += kBuffer) {
      const int64_t count = end - i < kBuffer ? end - i : kBuffer;
      kernel(count, stream.key, stream.first + static_cast<uint64_t>(i / kValues), truncation,
             buffer);
      for (int64_t j = 0; j < count; ++j) y[i + j] = static_cast<T>(buffer[j]);
    }
  });
  return Status::ok;
}

Status truncatedNormal(const Command& c) {
  return c.type[1] == DType::float64 ? drawTruncated<double>(c) : drawTruncated<float>(c);
}

const char* checkTruncated(const Command& c) {
  const double pLow = c.number[1].f, pHigh = c.number[2].f;
  return pLow >= 0 && pLow <= pHigh && pHigh <= 1 ? nullptr : "no range of probabilities";
}

// Fisher and Yates' shuffle, while the numbers are put down (Knuth, "The Art of Computer
// Programming" 2, 3.4.2): one pass on one thread, whose addresses are known ahead, so that the CPU
// has several accesses in flight. Number i of 64 random bits chooses among i + 1 places.
Status randperm(const Command& c) {
  const int64_t n = c.number[0].i;
  int32_t* const y = static_cast<int32_t*>(c.data[1]);
  constexpr int64_t kPairs = kBlockWords / 2;  // 64-bit numbers of a block
  constexpr int64_t kBlocks = kBuffer / kPairs;
  const int64_t blocks = (n + kPairs - 1) / kPairs;
  const Stream stream = takePositions(stateOf(c), blocks * kBlockPositions);
  const auto kernel = kernels().stream.words;
  uint32_t words[kBlocks * kBlockWords];
  for (int64_t i = 0; i < n; i += kBuffer) {
    const uint64_t block = static_cast<uint64_t>(i / kPairs);
    const int64_t left = blocks - i / kPairs;
    kernel(left < kBlocks ? left : kBlocks, stream.key, stream.first + block * kBlockPositions,
           words);
    const int64_t count = n - i < kBuffer ? n - i : kBuffer;
    for (int64_t k = 0; k < count; ++k) {
      const uint64_t choices = static_cast<uint64_t>(i + k + 1);
      const uint64_t high = words[2 * k], low = words[2 * k + 1];
      const uint64_t j = (high * choices + (low * choices >> 32)) >> 32;
      y[i + k] = y[j];
      y[j] = static_cast<int32_t>(i + k);
    }
  }
  return Status::ok;
}

const char* checkRandperm(const Command& c) {
  return c.number[0].i <= std::numeric_limits<int32_t>::max() ? nullptr : "n is beyond int32";
}

// What multinomial draws for one row of weights. A weight that is not above 0 (a NaN too) is 0.
template <class T>
struct Choice {
  const T* weights;
  int64_t classes;
  int32_t* y;
  int64_t count;
  Stream stream;

  double weight(int64_t i) const { return weights[i] > 0 ? static_cast<double>(weights[i]) : 0; }
};

// Calls f(i, value) for the first n float64 values that `fill` draws.
template <class Fill, class F>
void eachDrawn(int64_t n, Stream stream, const Fill& fill, const F& f) {
  double buffer[kBuffer];
  for (int64_t i = 0; i < n; i += kBuffer) {
    const int64_t count = n - i < kBuffer ? n - i : kBuffer;
    fill(count, stream.key, stream.first + static_cast<uint64_t>(i / kPhiloxValues<double>),
         buffer);
    for (int64_t j = 0; j < count; ++j) f(i + j, buffer[j]);
  }
}

// How many of n ascending numbers are not above u. Each step moves by arithmetic: which way it goes
// is random, and a branch would be wrong half of the time.
int64_t countUpTo(const double* sums, int64_t n, double u) {
  int64_t first = 0;
  while (n > 1) {
    const int64_t half = n / 2;
    first += half * static_cast<int64_t>(sums[first + half - 1] <= u);
    n -= half;
  }
  return first + static_cast<int64_t>(n == 1 && sums[first] <= u);
}

// With replacement: the inverse of the distribution function, by bisection.
template <class T>
Status chooseAgain(const Choice<T>& c) {
  double* const sums = static_cast<double*>(
      scratch(ScratchSlot::partial, static_cast<size_t>(c.classes) * sizeof(double)));
  if (!sums) return Status::outOfMemory;
  double total = 0;
  int64_t last = 0;  // class with a weight
  for (int64_t i = 0; i < c.classes; ++i) {
    total += c.weight(i);
    sums[i] = total;
    if (c.weight(i) > 0) last = i;
  }
  const auto uniform = kernels().f64.random.uniform;
  eachDrawn(
      c.count, c.stream,
      [&](int64_t n, uint64_t key, uint64_t first, double* y) {
        uniform(n, key, first, total, -0.0, y);
      },
      [&](int64_t i, double u) {
        const int64_t at = countUpTo(sums, c.classes, u);
        c.y[i] = static_cast<int32_t>(at < last ? at : last);
      });
  return Status::ok;
}

// Without replacement: each class waits for an exponential time with its weight as the rate, and
// the first ones are chosen, in their order (Efraimidis & Spirakis, "Weighted random sampling with
// a reservoir", 2006). Times that are equal come in the classes' order.
template <class T>
Status chooseOnce(const Choice<T>& c) {
  struct Waiting {
    double time;
    int32_t index;
  };
  Waiting* const waiting = static_cast<Waiting*>(
      scratch(ScratchSlot::partial, static_cast<size_t>(c.classes) * sizeof(Waiting)));
  if (!waiting) return Status::outOfMemory;
  const auto exponential = kernels().f64.random.exponential;
  eachDrawn(
      c.classes, c.stream,
      [&](int64_t n, uint64_t key, uint64_t first, double* y) { exponential(n, key, first, 1, y); },
      [&](int64_t i, double e) {
        // A class without weight waits for ever, longer than any other.
        const double weight = c.weight(i);
        const double time = e / weight;
        constexpr double kLongest = std::numeric_limits<double>::max();
        const double finite = time < kLongest ? time : kLongest;
        waiting[i] = {weight > 0 ? finite : std::numeric_limits<double>::infinity(),
                      static_cast<int32_t>(i)};
      });
  std::partial_sort(waiting, waiting + c.count, waiting + c.classes,
                    [](const Waiting& a, const Waiting& b) {
                      return a.time < b.time || (!(b.time < a.time) && a.index < b.index);
                    });
  for (int64_t i = 0; i < c.count; ++i) c.y[i] = waiting[i].index;
  return Status::ok;
}

template <class T>
Status choose(const Command& c) {
  const T* const weights = static_cast<const T*>(c.data[1]);
  int32_t* const y = static_cast<int32_t*>(c.data[2]);
  const int64_t rows = c.number[0].i, classes = c.number[1].i, count = c.number[2].i;
  const bool again = c.number[3].i != 0;
  if (rows == 0 || count == 0) return Status::ok;
  const int64_t draws = again ? count : classes;
  const int64_t positions = (draws + kPhiloxValues<double> - 1) / kPhiloxValues<double>;
  const Stream stream = takePositions(stateOf(c), rows * positions);
  const int64_t rowBytes = (classes + draws) * static_cast<int64_t>(sizeof(double));
  const int64_t grain = kHeavyShare / rowBytes + 1;
  return parallelStatus(rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const uint64_t skipped = static_cast<uint64_t>(r * positions);
      const Choice<T> choice = {weights + r * classes, classes, y + r * count, count,
                                Stream{stream.key, stream.first + skipped}};
      const Status status = again ? chooseAgain(choice) : chooseOnce(choice);
      if (status != Status::ok) return status;
    }
    return Status::ok;
  });
}

Status multinomial(const Command& c) {
  return c.type[1] == DType::float64 ? choose<double>(c) : choose<float>(c);
}

const char* checkMultinomial(const Command& c) {
  const int64_t rows = c.number[0].i, classes = c.number[1].i, count = c.number[2].i;
  if (classes > std::numeric_limits<int32_t>::max()) return "classes are beyond int32";
  if (classes == 0 && rows > 0 && count > 0) return "there is no class to choose";
  return c.number[3].i == 0 && count > classes ? "more samples than classes" : nullptr;
}

const Row kRows[] = {
    // state as in random.cpp. Values are those of the kernels (kernels/table.h); of randint, the
    // whole numbers from low to high - 1.
    {"randint", "inout state u32[4] out y i32[n]; n size low high int", randint, checkRandint},
    {"truncatedNormal",
     "inout state u32[4] out y T[n]; n size pLow pHigh scale shift low high real", truncatedNormal,
     checkTruncated},
    {"randperm", "inout state u32[4] out y i32[n]; n size", randperm, checkRandperm},
    {"multinomial",
     "inout state u32[4] in weights T[rows classes] out y i32[rows count]; "
     "rows classes count size replacement int",
     multinomial, checkMultinomial},
};

}  // namespace

RowList samplingRows() { return rowList(kRows); }

}  // namespace tilegrad
