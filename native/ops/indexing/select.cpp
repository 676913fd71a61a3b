// Choosing elements by a condition: nonzero, and masks. A result that has as many elements as the
// condition has hits is made in two commands: one counts, one fills what was allocated for that
// count. Memory may have changed in between, so the second one stops at its count, and what it then
// has no hit for becomes 0.
//
// Hits are numbered in row-major order: chunks of a fixed size count theirs at the same time, their
// sums say where each chunk's results begin, and then the chunks fill at the same time.
#include <string.h>

#include <atomic>

#include "../../base/scratch.h"
#include "../dispatch.h"
#include "../elements.h"
#include "../loops.h"
#include "../parallel.h"
#include "../rows.h"

namespace tilegrad {
namespace {

// Elements of a chunk: 3 to 6 us of work.
constexpr int64_t kChunk = 8192;

// What an element takes: to be looked at by a vector, a byte of it, and to be looked at, counted
// and moved if it is chosen (65,536 of a mask that chooses half: 25 us, and 41 for their places;
// Zen 5).
constexpr double kCountNanoseconds = 0.05;
constexpr double kFillNanoseconds = 0.35;

// Calls f(offsets, steps, n, linear) for the runs of the innermost dimension that make up the
// row-major range [begin, end); linear is the first element's position.
template <int operands, class F>
void overRuns(const Loops& loops, int64_t begin, int64_t end, const F& f) {
  Loops outer = loops;
  int64_t length = 1, step[operands] = {};
  if (outer.rank > 0) {
    --outer.rank;
    length = outer.shape[outer.rank];
    for (int k = 0; k < operands; ++k) step[k] = outer.stride[k][outer.rank];
  }
  int64_t first = begin % length;
  Odometer at(outer, operands, begin / length);
  for (int64_t i = begin; i < end; at.next()) {
    const int64_t n = length - first < end - i ? length - first : end - i;
    int64_t offset[operands];
    for (int k = 0; k < operands; ++k) offset[k] = at.offset(k) + first * step[k];
    f(offset, step, n, i);
    i += n;
    first = 0;
  }
}

int64_t chunksOf(int64_t n) { return (n + kChunk - 1) / kChunk; }

// Calls f(chunk, begin, end) for all chunks of [0, n), shared between threads. An element takes so
// many nanoseconds.
template <class F>
void overChunks(int64_t n, double nanoseconds, const F& f) {
  const auto run = [&](int64_t first, int64_t last) {
    for (int64_t chunk = first; chunk < last; ++chunk) {
      const int64_t stop = (chunk + 1) * kChunk;
      f(chunk, chunk * kChunk, stop < n ? stop : n);
    }
  };
  parallelTimed(chunksOf(n), 1, kChunk * nanoseconds, run);
}

// The bits that are not all 0 in an element that isn't 0: all but the sign of a floating-point
// number, of which there is a zero of either sign. NaN is not 0.
template <class T>
T hitBits(DType type) {
  const bool floating = type == DType::float32 || type == DType::float64 || isHalf(type);
  const T all = static_cast<T>(~T{0});
  return floating ? static_cast<T>(all >> 1) : all;
}

// Hits of a condition (operand k of the loops, at p) in [begin, end).
template <int operands, class T>
int64_t countHits(const Loops& loops, int k, const T* p, T bits, int64_t begin, int64_t end) {
  int64_t hits = 0;
  overRuns<operands>(loops, begin, end,
                     [&](const int64_t* offset, const int64_t* step, int64_t n, int64_t) {
                       constexpr int kTogether = 64;  // compilers make vectors of such a loop
                       const T* const x = p + offset[k];
                       int64_t i = 0;
                       for (; step[k] == 1 && i + kTogether <= n; i += kTogether) {
                         T sum = 0;
                         for (int j = 0; j < kTogether; ++j) {
                           sum = static_cast<T>(sum + ((x[i + j] & bits) != 0 ? 1 : 0));
                         }
                         hits += static_cast<int64_t>(sum);
                       }
                       for (; i < n; ++i) hits += (x[i * step[k]] & bits) != 0 ? 1 : 0;
                     });
  return hits;
}

// Where each chunk's hits begin in the numbering of all, and behind the last their number; null
// when memory ran out.
template <int operands, class T>
int64_t* numberHits(const Loops& loops, int k, const T* p, T bits) {
  const int64_t n = elementCount(loops), chunks = chunksOf(n);
  int64_t* const start = static_cast<int64_t*>(
      scratch(ScratchSlot::partial, static_cast<size_t>(chunks + 1) * sizeof(int64_t)));
  if (!start) return nullptr;
  overChunks(n, kCountNanoseconds * sizeof(T), [&](int64_t chunk, int64_t begin, int64_t end) {
    start[chunk] = countHits<operands>(loops, k, p, bits, begin, end);
  });
  int64_t sum = 0;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    const int64_t hits = start[chunk];
    start[chunk] = sum;
    sum += hits;
  }
  start[chunks] = sum;
  return start;
}

// Of a mask any bit counts.
constexpr uint8_t kMaskBits = 0xff;

// Where a chunk may write at most: up to the next one's hits, and not beyond what there is.
struct Room {
  int64_t next, end;

  Room(const int64_t* start, int64_t chunk, int64_t count)
      : next(start[chunk]), end(start[chunk + 1] < count ? start[chunk + 1] : count) {}

  // Of so many hits those that may be written, from what was `next` on.
  int64_t take(int64_t hits) {
    const int64_t taken = hits < end - next ? hits : end - next;
    next += taken > 0 ? taken : 0;
    return taken;
  }
};

template <class T>
void clear(T* y, int64_t n) {
  memset(y, 0, static_cast<size_t>(n) * sizeof(T));
}

Status countSelected(const Command& c) {
  double* const count = static_cast<double*>(c.data[1]);
  Loops loops;
  if (!takeDimensions(c.geometry, 0, c.geometry.rank, 1, &loops)) {
    *count = 0;
    return Status::ok;
  }
  // The order doesn't matter here.
  sortByStride(&loops, 1, 0);
  mergeDimensions(&loops, 1);
  return withBytes(c.type[0], [&](auto element) {
    using T = decltype(element);
    const T bits = hitBits<T>(c.type[0]);
    std::atomic<int64_t> total{0};
    overChunks(elementCount(loops), kCountNanoseconds * sizeof(T),
               [&](int64_t, int64_t begin, int64_t end) {
                 total +=
                     countHits<1>(loops, 0, static_cast<const T*>(c.data[0]), bits, begin, end);
               });
    *count = static_cast<double>(total.load());
    return Status::ok;
  });
}

// Elements whose hits are collected at a time.
constexpr int64_t kBlock = 256;

// The places of hits among n <= kBlock elements; returns how many there are.
template <class T>
TG_NOINLINE int64_t hitsIn(const T* x, int64_t step, int64_t n, T bits, int32_t* places) {
  uint8_t hits[kBlock];
  if (step == 1 && n == kBlock) {
    for (int i = 0; i < kBlock; ++i) hits[i] = (x[i] & bits) != 0 ? 1 : 0;
  } else {
    for (int64_t i = 0; i < n; ++i) hits[i] = (x[i * step] & bits) != 0 ? 1 : 0;
  }
  return kernels().integer.hitPlaces(n, hits, places);
}

// Calls f(first, places, hits) for a block of n elements at a time: the places of hits count from
// the block's first element.
template <class T, class F>
void overHits(const T* x, int64_t step, int64_t n, T bits, const F& f) {
  int32_t places[kBlock];
  for (int64_t from = 0; from < n; from += kBlock) {
    const int64_t count = n - from < kBlock ? n - from : kBlock;
    f(from, places, hitsIn(x + from * step, step, count, bits, places));
  }
}

template <class T>
Status nonzeroOf(const Command& c, const Loops& loops) {
  const Geometry& g = c.geometry;
  const T* const p = static_cast<const T*>(c.data[0]);
  int32_t* const y = static_cast<int32_t*>(c.data[1]);
  const int64_t count = c.number[0].i, rank = g.rank;
  const T bits = hitBits<T>(c.type[0]);
  Loops merged = loops;
  mergeDimensions(&merged, 1);
  const int64_t* const start = numberHits<1>(merged, 0, p, bits);
  if (!start) return Status::outOfMemory;
  const int64_t n = elementCount(loops);
  // The last dimension of more than one place is the one that runs go along.
  int last = static_cast<int>(rank) - 1;
  while (last > 0 && g.shape[last] == 1) --last;
  overChunks(n, kFillNanoseconds, [&](int64_t chunk, int64_t begin, int64_t end) {
    Room room(start, chunk, count);
    overRuns<1>(loops, begin, end,
                [&](const int64_t* offset, const int64_t* step, int64_t length, int64_t linear) {
                  int32_t at[kMaxRank] = {};  // of the run's first element
                  for (int d = static_cast<int>(rank) - 1; d >= 0; --d) {
                    at[d] = static_cast<int32_t>(linear % g.shape[d]);
                    linear /= g.shape[d];
                  }
                  const int32_t first = rank > 0 ? at[last] : 0;
                  const auto store = [&](int64_t from, const int32_t* places, int64_t hits) {
                    const int32_t column = first + static_cast<int32_t>(from);
                    int32_t* to = y + room.next * rank;
                    const int64_t taken = room.take(hits);
                    for (int64_t k = 0; k < taken; ++k, to += rank) {
                      for (int d = 0; d < last; ++d) to[d] = at[d];
                      if (rank > 0) to[last] = column + places[k];
                      for (int64_t d = last + 1; d < rank; ++d) to[d] = 0;
                    }
                  };
                  overHits(p + offset[0], step[0], length, bits, store);
                });
    if (room.next < room.end) clear(y + room.next * rank, (room.end - room.next) * rank);
  });
  const int64_t hits = start[chunksOf(n)];
  if (hits < count) clear(y + hits * rank, (count - hits) * rank);
  return Status::ok;
}

Status nonzero(const Command& c) {
  Loops loops;
  if (!takeDimensions(c.geometry, 0, c.geometry.rank, 1, &loops)) return Status::ok;
  return withBytes(c.type[0], [&](auto element) { return nonzeroOf<decltype(element)>(c, loops); });
}

const char* checkNonzero(const Command& c) {
  const Geometry& g = c.geometry;
  if (c.number[1].i != g.rank) return "the result doesn't have a column for each dimension";
  // An empty geometry's result must be empty too: nothing would be written.
  for (int d = 0; d < g.rank; ++d) {
    if (g.shape[d] > (int64_t{1} << 31)) return "a dimension is beyond 32-bit indices";
    if (g.shape[d] == 0 && c.number[0].i > 0) return "there are no elements to choose from";
  }
  return nullptr;
}

// The loops of x and mask (and y) in row-major order. False when there is nothing to do.
template <int operands>
bool takeMasked(const Command& c, Loops* loops) {
  if (!takeDimensions(c.geometry, 0, c.geometry.rank, operands, loops)) return false;
  mergeDimensions(loops, operands);
  return true;
}

template <class T>
Status selectOf(const Command& c, const Loops& loops) {
  const T* const x = static_cast<const T*>(c.data[0]);
  const uint8_t* const mask = static_cast<const uint8_t*>(c.data[1]);
  T* const y = static_cast<T*>(c.data[2]);
  const int64_t count = c.number[0].i, n = elementCount(loops);
  const int64_t* const start = numberHits<2>(loops, 1, mask, kMaskBits);
  if (!start) return Status::outOfMemory;
  overChunks(n, kFillNanoseconds, [&](int64_t chunk, int64_t begin, int64_t end) {
    Room room(start, chunk, count);
    overRuns<2>(loops, begin, end,
                [&](const int64_t* offset, const int64_t* step, int64_t length, int64_t) {
                  const auto store = [&](int64_t first, const int32_t* places, int64_t hits) {
                    const T* const from = x + offset[0] + first * step[0];
                    T* const to = y + room.next;
                    const int64_t taken = room.take(hits);
                    for (int64_t k = 0; k < taken; ++k) to[k] = from[places[k] * step[0]];
                  };
                  overHits(mask + offset[1], step[1], length, kMaskBits, store);
                });
    if (room.next < room.end) clear(y + room.next, room.end - room.next);
  });
  const int64_t hits = start[chunksOf(n)];
  if (hits < count) clear(y + hits, count - hits);
  return Status::ok;
}

Status maskedSelect(const Command& c) {
  Loops loops;
  if (!takeMasked<2>(c, &loops)) return Status::ok;
  return withBytes(c.type[0], [&](auto element) { return selectOf<decltype(element)>(c, loops); });
}

const char* checkSelect(const Command& c) {
  if (c.type[0] != c.type[2]) return "x and y differ in type";
  if (isEmpty(c.geometry) && c.number[0].i > 0) return "there are no elements to choose from";
  return nullptr;
}

template <class T>
void copyStrided(int64_t n, const T* x, int64_t xStep, T* y, int64_t yStep) {
  if (xStep == 1 && yStep == 1) {
    // Not memcpy: a hostile call may pass overlapping arrays.
    memmove(y, x, static_cast<size_t>(n) * sizeof(T));
  } else {
    for (int64_t i = 0; i < n; ++i) y[i * yStep] = x[i * xStep];
  }
}

template <class T>
Status maskedScatterOf(const Command& c, const Loops& loops) {
  const T* const x = static_cast<const T*>(c.data[0]);
  const uint8_t* const mask = static_cast<const uint8_t*>(c.data[1]);
  T* const y = static_cast<T*>(c.data[2]);
  const T* const source = static_cast<const T*>(c.data[3]);
  const int64_t* const start = numberHits<3>(loops, 1, mask, kMaskBits);
  if (!start) return Status::outOfMemory;
  overChunks(elementCount(loops), kFillNanoseconds, [&](int64_t chunk, int64_t begin, int64_t end) {
    Room room(start, chunk, c.number[0].i);
    overRuns<3>(loops, begin, end,
                [&](const int64_t* offset, const int64_t* step, int64_t n, int64_t) {
                  copyStrided(n, x + offset[0], step[0], y + offset[2], step[2]);
                  const auto store = [&](int64_t first, const int32_t* places, int64_t hits) {
                    T* const to = y + offset[2] + first * step[2];
                    const T* const from = source + room.next;
                    const int64_t taken = room.take(hits);
                    for (int64_t k = 0; k < taken; ++k) {
                      // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult)
                      to[places[k] * step[2]] = from[k];  // taken <= hits
                    }
                  };
                  overHits(mask + offset[1], step[1], n, kMaskBits, store);
                });
  });
  return Status::ok;
}

Status maskedScatter(const Command& c) {
  Loops loops;
  if (!takeMasked<3>(c, &loops)) return Status::ok;
  return withBytes(c.type[0],
                   [&](auto element) { return maskedScatterOf<decltype(element)>(c, loops); });
}

const char* checkMaskedScatter(const Command& c) {
  return c.type[0] != c.type[2] || c.type[0] != c.type[3] ? "x, y and source differ in type"
                                                          : nullptr;
}

// Each block goes through memory of its own, which no operand overlaps, and without a branch: then
// compilers vectorise it.
template <class T>
void fillRun(int64_t n, const T* x, int64_t xStep, const uint8_t* mask, int64_t maskStep, T value,
             T* y, int64_t yStep) {
  T values[kBlock];
  uint8_t chosen[kBlock];
  for (int64_t from = 0; from < n; from += kBlock) {
    const int64_t count = n - from < kBlock ? n - from : kBlock;
    copyStrided(count, x + from * xStep, xStep, values, 1);
    copyStrided(count, mask + from * maskStep, maskStep, chosen, 1);
    for (int64_t i = 0; i < count; ++i) {
      const T keep = static_cast<T>(T{0} - static_cast<T>(chosen[i] == 0 ? 1 : 0));
      values[i] = static_cast<T>((values[i] & keep) | (value & static_cast<T>(~keep)));
    }
    copyStrided(count, values, 1, y + from * yStep, yStep);
  }
}

// The bits of a value in some type, which the value was checked to fit.
template <class T>
T bitsOf(DType type, double value) {
  const auto copied = [](auto converted) {
    T bits{};
    memcpy(&bits, &converted, sizeof(bits) < sizeof(converted) ? sizeof(bits) : sizeof(converted));
    return bits;
  };
  switch (type) {
    case DType::float64:
      return copied(value);
    case DType::int32:
    case DType::int64:
    case DType::uint8:
    case DType::int8:
      return copied(static_cast<int64_t>(value));
    case DType::bfloat16:
      return copied(narrow(static_cast<float>(value)));
    case DType::float16:
      return copied(toFloat16(static_cast<float>(value)));
    default:
      return copied(static_cast<float>(value));
  }
}

Status maskedFill(const Command& c) {
  Loops loops;
  if (!takeDimensions(c.geometry, 0, c.geometry.rank, 3, &loops)) return Status::ok;
  sortByStride(&loops, 3, 2);
  mergeDimensions(&loops, 3);
  return withBytes(c.type[0], [&](auto element) {
    using T = decltype(element);
    const T* const x = static_cast<const T*>(c.data[0]);
    const uint8_t* const mask = static_cast<const uint8_t*>(c.data[1]);
    T* const y = static_cast<T*>(c.data[2]);
    const T value = bitsOf<T>(c.type[0], c.number[0].f);
    overChunks(elementCount(loops), kFillNanoseconds, [&](int64_t, int64_t begin, int64_t end) {
      overRuns<3>(loops, begin, end,
                  [&](const int64_t* offset, const int64_t* step, int64_t n, int64_t) {
                    fillRun(n, x + offset[0], step[0], mask + offset[1], step[1], value,
                            y + offset[2], step[2]);
                  });
    });
    return Status::ok;
  });
}

const char* checkFill(const Command& c) {
  if (c.type[0] != c.type[2]) return "x and y differ in type";
  const bool whole = c.type[0] == DType::int32 || sizeOf(c.type[0]) == 1;
  const double value = c.number[0].f;
  constexpr double kEnd = 9223372036854775808.0;  // of int64: 2^63
  if (c.type[0] == DType::int64 && !(value >= -kEnd && value < kEnd)) {
    return "an integer can't hold the value";
  }
  if (whole && !(value >= -2147483648.0 && value <= 2147483647.0)) {
    return "an integer can't hold the value";
  }
  return nullptr;
}

const Row kRows[] = {
    // count = how many elements are not 0 (NaN isn't).
    {"countSelected", "in x A[@] out count f64[]", countSelected, nullptr},
    // y[i] = the coordinates of the i-th element that is not 0, in row-major order.
    {"nonzero", "in x A[@] out y i32[count columns]; count columns size", nonzero, checkNonzero},
    // y[i] = the i-th element of x where the mask is not 0.
    {"maskedSelect", "in x A[@] in mask u8[@] out y A[count]; count size", maskedSelect,
     checkSelect},
    // y = the next element of the source where the mask is not 0 and there is one, elsewhere x.
    {"maskedScatter", "in x A[@] in mask u8[@] out y A[@] in source A[count]; count size",
     maskedScatter, checkMaskedScatter},
    // y = value where the mask is not 0, elsewhere x. y may be x.
    {"maskedFill", "in x A[@] in mask u8[@] out y A[@]; value real", maskedFill, checkFill},
};

}  // namespace

RowList selectRows() { return rowList(kRows); }

}  // namespace tilegrad
