// Scattering: the opposite of gathering. Several values may meet at one place of the table; they
// arrive there in the row-major order of the index, whatever threads there are. Threads share
//
//   lines    a dimension along which the table moves with the loops: values with different
//            coordinates there never meet
//   places   otherwise, when whole runs belong to an index, the table's own dimension: each thread
//            goes over the whole index and takes the places of its range, which are cut so that
//            each range gets as many values. (Going over an index for each value takes as long as
//            adding the values, so then one thread does it.)
#include <string.h>

#include <type_traits>

#include "../dispatch.h"
#include "../elements.h"
#include "../parallel.h"
#include "../rows.h"
#include "indexed.h"

namespace tilegrad {
namespace {

// The values of the row's option.
enum class Reduce : int64_t { sum, prod, amax, amin, count };

// Ranges of places that a thread's share is made of: enough to even out an index that prefers some,
// few enough to count on the stack (8 KB).
constexpr int64_t kBuckets = 1024;

// The places of a range but for one that is left out, or -1.
struct Taken {
  int64_t low, high, skip;

  bool has(int32_t place) const { return place >= low && place < high && place != skip; }
};

// Loops of which one dimension is cut, and the places that are taken.
struct Part {
  IndexedLoops indexed;
  int64_t offset[kIndexedOperands];
  Taken taken;
};

template <class T>
struct Replace {
  static constexpr bool inFours = true;

  static void apply(T* y, T value) { *y = value; }
  static void applyRun(int64_t n, T* y, const T* values) {
    // Not memcpy: a hostile call may pass overlapping arrays.
    memmove(y, values, static_cast<size_t>(n) * sizeof(T));
  }
  // y[i] = *value for i < n.
  static void fill(int64_t n, char* y, const char* value) {
    char pattern[kCacheLine];
    for (size_t at = 0; at < sizeof pattern; at += sizeof(T)) {
      memcpy(pattern + at, value, sizeof(T));
    }
    float words[sizeof pattern / sizeof(float)];
    memcpy(words, pattern, sizeof words);
    kernels().moves.repeat(n * static_cast<int64_t>(sizeof(T)), words, y);
  }
};

// Integers wrap around: sums and products are computed in a type that does so by definition.
template <class T>
struct Wide {
  using type = uint32_t;
};
template <>
struct Wide<int64_t> {
  using type = uint64_t;
};
template <>
struct Wide<float> {
  using type = float;
};
template <>
struct Wide<double> {
  using type = double;
};

// NaN wins a maximum or minimum; of equal values (zeros of both signs) the first stays.
template <class T>
bool isNan(T x) {
  return x != x;
}

template <class T, Reduce kind>
struct Combine {
  using W = typename Wide<T>::type;
  static constexpr bool inFours =
      (kind == Reduce::sum || kind == Reduce::prod) && std::is_floating_point_v<T>;

  static T of(T a, T b) {
    if constexpr (kind == Reduce::sum) return static_cast<T>(static_cast<W>(a) + static_cast<W>(b));
    if constexpr (kind == Reduce::prod)
      return static_cast<T>(static_cast<W>(a) * static_cast<W>(b));
    if (isNan(b)) return b;
    // In this order the instructions for a maximum and minimum do the same, a being NaN included.
    if constexpr (kind == Reduce::amax) return b > a ? b : a;
    return b < a ? b : a;
  }
  static void apply(T* y, T value) { *y = of(*y, value); }
  static void applyRun(int64_t n, T* y, const T* values) {
    if constexpr (std::is_floating_point_v<T> && (kind == Reduce::sum || kind == Reduce::prod)) {
      constexpr Binary op = kind == Reduce::sum ? Binary::add : Binary::mul;
      floatKernels<T>().elementwise.binary[static_cast<int>(op)](n, y, 1, values, 1, y);
    } else {
      for (int64_t i = 0; i < n; ++i) apply(y + i, values[i]);
    }
  }
};

// What becomes of values, by the type of the elements: the loops around it know their size only.
// Replacing, and adding floats, goes by four elements in a turn of the loop, which is 1.4 times and
// 1.15 times as fast as one by one (256 x 256 of float32 along rows, with the call 32 and 40 us).
struct Operation {
  int64_t size;  // of an element, in bytes
  // Element by element, at places that were checked; steps are in elements.
  void (*each)(int64_t n, char* y, int64_t yStep, const int32_t* places, int64_t step,
               const char* values, int64_t valueStep);
  // A run of neighbours.
  void (*run)(int64_t n, char* y, const char* values);
  // A run of neighbours that all get one value; null where that is no matter of its own.
  void (*fill)(int64_t n, char* y, const char* value);
};

template <class T, class Op>
Operation operationOf() {
  const auto each = [](int64_t n, char* yBytes, int64_t yStep, const int32_t* places, int64_t step,
                       const char* valueBytes, int64_t valueStep) {
    T* const y = reinterpret_cast<T*>(yBytes);
    const T* values = reinterpret_cast<const T*>(valueBytes);
    if (yStep == 0 && step == 1) {
      int64_t i = 0;
      if constexpr (Op::inFours) {
        for (; i + 4 <= n; i += 4, values += 4 * valueStep) {
          Op::apply(y + places[i], values[0]);
          Op::apply(y + places[i + 1], values[valueStep]);
          Op::apply(y + places[i + 2], values[2 * valueStep]);
          Op::apply(y + places[i + 3], values[3 * valueStep]);
        }
      }
      for (; i < n; ++i, values += valueStep) Op::apply(y + places[i], *values);
    } else {
      for (int64_t i = 0; i < n; ++i) {
        Op::apply(y + i * yStep + places[i] * step, values[i * valueStep]);
      }
    }
  };
  const auto run = [](int64_t n, char* y, const char* values) {
    Op::applyRun(n, reinterpret_cast<T*>(y), reinterpret_cast<const T*>(values));
  };
  if constexpr (std::is_same_v<Op, Replace<T>>) {
    return {static_cast<int64_t>(sizeof(T)), each, run, Op::fill};
  } else {
    return {static_cast<int64_t>(sizeof(T)), each, run, nullptr};
  }
}

// The innermost dimension of a part, with an index for each element.
void scatterEach(const Part& part, const Operation& operation, int64_t n, char* y, int64_t yStep,
                 const int32_t* index, int64_t indexStep, const char* values, int64_t valueStep) {
  const Taken& taken = part.taken;
  for (int64_t i = 0; i < n; i += kIndexBlock) {
    const int64_t count = n - i < kIndexBlock ? n - i : kIndexBlock;
    int32_t at[kIndexBlock];
    const bool all = copyPlaces(part.indexed, index + i * indexStep, count, indexStep, taken.low,
                                taken.high, taken.skip, at);
    // One by one where some are left out.
    const int64_t together = all ? count : 1;
    for (int64_t j = 0; j < count; j += together) {
      if (!all && !taken.has(at[j])) continue;
      operation.each(together, y + (i + j) * yStep * operation.size, yStep, at + j,
                     part.indexed.step, values + (i + j) * valueStep * operation.size, valueStep);
    }
  }
}

// The same with one index for all.
void scatterRun(const Part& part, const Operation& operation, int64_t n, char* y, int64_t yStep,
                int32_t place, const char* values, int64_t valueStep) {
  if (!part.taken.has(place)) return;
  char* const to = y + place * part.indexed.step * operation.size;
  if (yStep == 1 && valueStep == 1) {
    operation.run(n, to, values);
    return;
  }
  if (yStep == 1 && valueStep == 0 && n >= kIndexBlock && operation.fill) {
    operation.fill(n, to, values);
    return;
  }
  static constexpr int32_t kHere[kIndexBlock] = {};
  for (int64_t i = 0; i < n; i += kIndexBlock) {
    const int64_t count = n - i < kIndexBlock ? n - i : kIndexBlock;
    operation.each(count, to + i * yStep * operation.size, yStep, kHere, 0,
                   values + i * valueStep * operation.size, valueStep);
  }
}

void scatterPart(const Part& part, const Command& c, const Operation& operation) {
  Loops outer = part.indexed.loops;
  int64_t n = 1, step[kIndexedOperands] = {0, 0, 0};
  if (outer.rank > 0) {
    --outer.rank;
    n = outer.shape[outer.rank];
    for (int k = 0; k < kIndexedOperands; ++k) step[k] = outer.stride[k][outer.rank];
  }
  char* const y = static_cast<char*>(c.data[kTable]) + part.offset[kTable] * operation.size;
  const int32_t* const index = static_cast<const int32_t*>(c.data[kIndex]) + part.offset[kIndex];
  const char* const values =
      static_cast<const char*>(c.data[kValues]) + part.offset[kValues] * operation.size;
  const int64_t count = elementCount(outer);
  Odometer at(outer, kIndexedOperands, 0);
  for (int64_t i = 0; i < count; ++i, at.next()) {
    char* const to = y + at.offset(kTable) * operation.size;
    const int32_t* const places = index + at.offset(kIndex);
    const char* const from = values + at.offset(kValues) * operation.size;
    if (step[kIndex] != 0) {
      scatterEach(part, operation, n, to, step[kTable], places, step[kIndex], from, step[kValues]);
    } else {
      const int32_t place = part.indexed.place(*places);
      scatterRun(part, operation, n, to, step[kTable], place, from, step[kValues]);
    }
  }
}

// The dimension whose lines threads can share evenly, or -1.
int lineDimension(const Loops& loops, int64_t elementBytes) {
  const int last = loops.rank - 1;
  int best = -1;
  for (int d = 0; d < loops.rank; ++d) {
    if (loops.stride[kTable][d] == 0) continue;
    // Of the innermost dimension a thread takes whole cache lines, and a run of a few to be worth
    // it.
    const int64_t lines =
        d == last ? loops.shape[d] * elementBytes / (4 * kCacheLine) : loops.shape[d];
    if (lines < numThreads()) continue;
    if (best < 0 || d != last) best = d;
    if (d != last) break;
  }
  return best;
}

// Where to cut [0, size) so that `parts` ranges get about as many indices each: cuts[0..parts].
void cutPlaces(const Part& whole, const int32_t* index, int parts, int64_t* cuts) {
  int shift = 0;
  while ((whole.indexed.size - 1) >> shift >= kBuckets) ++shift;
  int64_t count[kBuckets] = {};
  int64_t total = 0;
  const Loops& loops = whole.indexed.loops;
  Loops own;
  own.rank = 0;
  for (int d = 0; d < loops.rank; ++d) {
    if (loops.stride[kIndex][d] == 0) continue;
    own.shape[own.rank] = loops.shape[d];
    own.stride[0][own.rank++] = loops.stride[kIndex][d];
  }
  const int64_t n = elementCount(own);
  Odometer at(own, 1, 0);
  for (int64_t i = 0; i < n; ++i, at.next()) {
    const int32_t place = whole.indexed.place(index[at.offset(0)]);
    if (!isInside(place, whole.indexed.size) || place == whole.taken.skip) continue;
    ++count[place >> shift];
    ++total;
  }
  int64_t bucket = 0, passed = 0;
  for (int p = 0; p < parts; ++p) {
    cuts[p] = p == 0 ? 0 : bucket << shift;
    for (; bucket < kBuckets && passed * parts < total * (p + 1); ++bucket) passed += count[bucket];
  }
  cuts[parts] = whole.indexed.size;
  for (int p = 1; p < parts; ++p) {
    if (cuts[p] > whole.indexed.size) cuts[p] = whole.indexed.size;
  }
}

// What a value takes that has an index (256 x 256 maxima of float32 on Zen 5: 46 us), and a byte of
// runs.
constexpr double kEachNanoseconds = 0.6;
constexpr double kRunNanoseconds = 0.02;

// Runs a part, or several of them at the same time.
Status scatterParts(const Command& c, const IndexedLoops& indexed, int64_t skip,
                    const Operation& operation) {
  const int64_t elementBytes = operation.size;
  const Part whole = {indexed, {0, 0, 0}, {0, indexed.size, skip}};
  const Loops& loops = indexed.loops;
  const int64_t count = elementCount(loops), bytes = count * 2 * elementBytes;
  const bool each = loops.rank > 0 && loops.stride[kIndex][loops.rank - 1] != 0;
  const double value =
      each ? kEachNanoseconds : kRunNanoseconds * static_cast<double>(elementBytes);
  const double time = value * static_cast<double>(count);
  const int d = time < 2 * kShareNanoseconds ? -1 : lineDimension(loops, elementBytes);
  if (d >= 0) {
    const int64_t n = loops.shape[d];
    const int64_t grain = d == loops.rank - 1 ? kCacheLine / elementBytes : 1;
    parallelTimed(n, grain, time / static_cast<double>(n), [&](int64_t begin, int64_t end) {
      Part part = whole;
      part.indexed.loops.shape[d] = end - begin;
      for (int k = 0; k < kIndexedOperands; ++k) part.offset[k] = begin * loops.stride[k][d];
      scatterPart(part, c, operation);
    });
    return Status::ok;
  }
  const int parts = numThreads();
  if (bytes < 2 * kLightShare || parts == 1 || each) {
    scatterPart(whole, c, operation);
    return Status::ok;
  }
  int64_t cuts[kMaxThreads + 1];
  cutPlaces(whole, static_cast<const int32_t*>(c.data[kIndex]), parts, cuts);
  parallelFor(parts, 1, [&](int64_t begin, int64_t end) {
    Part part = whole;
    part.taken.low = cuts[begin];
    part.taken.high = cuts[end];
    scatterPart(part, c, operation);
  });
  return Status::ok;
}

// The loops of a scattering row. They stay in row-major order: it is the order of arrival.
Status takeScatter(const Command& c, bool wraps, IndexedLoops* indexed, bool* empty) {
  *empty = !takeIndexed(c.geometry, wraps, indexed);
  if (*empty) return Status::ok;
  mergeDimensions(&indexed->loops, kIndexedOperands);
  const int32_t* const index = static_cast<const int32_t*>(c.data[kIndex]);
  return allInside(*indexed, index) ? Status::ok : Status::badIndex;
}

Status scatter(const Command& c) {
  IndexedLoops indexed;
  bool empty;
  const Status status = takeScatter(c, c.number[0].i != 0, &indexed, &empty);
  if (empty || status != Status::ok) return status;
  return withBytes(c.type[kTable], [&](auto element) {
    using T = decltype(element);
    return scatterParts(c, indexed, -1, operationOf<T, Replace<T>>());
  });
}

template <class T>
Operation reductionOf(Reduce kind) {
  switch (kind) {
    case Reduce::prod:
      return operationOf<T, Combine<T, Reduce::prod>>();
    case Reduce::amax:
      return operationOf<T, Combine<T, Reduce::amax>>();
    case Reduce::amin:
      return operationOf<T, Combine<T, Reduce::amin>>();
    default:
      return operationOf<T, Combine<T, Reduce::sum>>();
  }
}

Status scatterReduce(const Command& c) {
  IndexedLoops indexed;
  bool empty;
  const Status status = takeScatter(c, c.number[2].i != 0, &indexed, &empty);
  if (empty || status != Status::ok) return status;
  return withNumber(c.type[kTable], [&](auto element) {
    const auto kind = static_cast<Reduce>(c.number[0].i);
    return scatterParts(c, indexed, c.number[1].i, reductionOf<decltype(element)>(kind));
  });
}

const char* checkReduce(const Command& c) {
  if (isHalf(c.type[kTable])) return "floats of 16 bits do not add up";
  if (c.number[0].i < 0 || c.number[0].i >= static_cast<int64_t>(Reduce::count)) {
    return "there is no reduction of that number";
  }
  return checkIndexed(c);
}

// Quotients that are computed at a time, by the level's division.
constexpr int64_t kDivideBlock = 256;

template <class T>
void divideFloats(int64_t n, T* y, const int32_t* count) {
  const BinaryKernel<T> div = floatKernels<T>().elementwise.binary[static_cast<int>(Binary::div)];
  int32_t divisor[kDivideBlock] = {};
  T block[kDivideBlock];
  for (int64_t i = 0; i < n; i += kDivideBlock) {
    const int64_t part = n - i < kDivideBlock ? n - i : kDivideBlock;
    memcpy(divisor, count + i, static_cast<size_t>(part) * sizeof(int32_t));
    // Divided by 1 a value stays as it is. Loops of a fixed length become vectors.
    for (int64_t j = 0; j < kDivideBlock; ++j) divisor[j] = divisor[j] > 0 ? divisor[j] : 1;
    for (int64_t j = 0; j < kDivideBlock; ++j) block[j] = static_cast<T>(divisor[j]);
    div(part, y + i, 1, block, 1, y + i);
  }
}

// Towards minus infinity, as PyTorch's means of integers.
template <class T>
void divideIntegers(int64_t n, T* y, const int32_t* count) {
  for (int64_t i = 0; i < n; ++i) {
    if (count[i] <= 0) continue;
    const int64_t value = y[i], cut = value / count[i];
    y[i] = static_cast<T>(value % count[i] < 0 ? cut - 1 : cut);
  }
}

template <class T>
Status divideOf(const Command& c) {
  T* const y = static_cast<T*>(c.data[0]);
  const int32_t* const count = static_cast<const int32_t*>(c.data[1]);
  const int64_t bytes = static_cast<int64_t>(sizeof(T) + sizeof(int32_t));
  parallelShares(c.number[0].i, kCacheLine, bytes, kLightShare, [&](int64_t begin, int64_t end) {
    if constexpr (std::is_floating_point_v<T>) {
      divideFloats(end - begin, y + begin, count + begin);
    } else {
      divideIntegers(end - begin, y + begin, count + begin);
    }
  });
  return Status::ok;
}

Status divideByCount(const Command& c) {
  return withNumber(c.type[0], [&](auto element) { return divideOf<decltype(element)>(c); });
}

const char* checkDivide(const Command& c) {
  return isHalf(c.type[0]) ? "floats of 16 bits do not divide" : nullptr;
}

const Row kRows[] = {
    // y at place `index` of the geometry's last dimension = values; the last one stays where
    // several meet. y's strides may not let two of its elements coincide. Where it `wraps`,
    // negative indices count from the end. One outside the dimension is an error before anything is
    // written.
    {"scatter", "inout y A[@] in index i32[@] in values A[@]; wraps int", scatter, checkIndexed},
    // The same with y = y + values (kind 0), y * values (1), and their maximum (2) or minimum (3),
    // in which NaN wins. Values whose index is `skip` are left out.
    {"scatterReduce", "inout y A[@] in index i32[@] in values A[@]; kind skip wraps int",
     scatterReduce, checkReduce},
    // y = y / count where count is above 0; integers are rounded down.
    {"divideByCount", "inout y A[n] in count i32[n]; n size", divideByCount, checkDivide},
};

}  // namespace

RowList scatterRows() { return rowList(kRows); }

}  // namespace tilegrad
