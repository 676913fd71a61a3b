// Random numbers value by value: each comes from words of its own, so that threads can share them.
#include "random.h"

#include <string.h>

#include "../dispatch.h"
#include "../loops.h"
#include "../parallel.h"
#include "../rows.h"
#include "../elementwise/elementwise.h"

namespace tilegrad {
namespace {

// Calls f(count, position, begin) over the positions of n values, cut between threads.
template <class T, class F>
void overPositions(int64_t n, Stream stream, const F& f) {
  constexpr int64_t kValues = kPhiloxValues<T>;
  // A cache line holds whole positions, so ranges start at one.
  constexpr int64_t kGrain = kCacheLine / static_cast<int64_t>(sizeof(T));
  static_assert(kGrain % kValues == 0, "ranges must start at a position");
  parallelShares(n, kGrain, sizeof(T), kHeavyShare, [&](int64_t begin, int64_t end) {
    f(end - begin, stream.first + static_cast<uint64_t>(begin / kValues), begin);
  });
}

// The positions that n values take.
template <class T>
int64_t positionsOf(int64_t n) {
  return (n + kPhiloxValues<T> - 1) / kPhiloxValues<T>;
}

// Fills y, fill(count, key, position, y) computing a part.
template <class T, class F>
Status draw(const Command& c, const F& fill) {
  const int64_t n = c.number[0].i;
  T* const y = static_cast<T*>(c.data[1]);
  const Stream stream = takePositions(static_cast<uint32_t*>(c.data[0]), positionsOf<T>(n));
  overPositions<T>(n, stream, [&](int64_t count, uint64_t position, int64_t begin) {
    fill(count, stream.key, position, y + begin);
  });
  return Status::ok;
}

template <class T>
Status drawAffine(const Command& c,
                  void (*kernel)(int64_t, uint64_t, uint64_t, double, double, T*)) {
  const double scale = c.number[1].f, shift = c.number[2].f;
  return draw<T>(c, [&](int64_t n, uint64_t key, uint64_t first, T* y) {
    kernel(n, key, first, scale, shift, y);
  });
}

Status uniform(const Command& c) {
  return c.type[1] == DType::float64 ? drawAffine<double>(c, kernels().f64.random.uniform)
                                     : drawAffine<float>(c, kernels().f32.random.uniform);
}

Status normal(const Command& c) {
  return c.type[1] == DType::float64 ? drawAffine<double>(c, kernels().f64.random.normal)
                                     : drawAffine<float>(c, kernels().f32.random.normal);
}

template <class T>
Status drawExponential(const Command& c) {
  const double scale = c.number[1].f;
  const auto kernel = floatKernels<T>().random.exponential;
  return draw<T>(
      c, [&](int64_t n, uint64_t key, uint64_t first, T* y) { kernel(n, key, first, scale, y); });
}

Status exponential(const Command& c) {
  return c.type[1] == DType::float64 ? drawExponential<double>(c) : drawExponential<float>(c);
}

// Operand 0 as the kernels read it: where it lies when it is contiguous, otherwise copied to the
// result first, tile by tile, for a kernel that then works in place.
template <class T>
const T* contiguousInput(const Command& c) {
  if (flatStep(c.geometry, 0) == 1) return static_cast<const T*>(c.data[0]);
  copyElements(c);
  return static_cast<const T*>(c.data[1]);
}

template <class T>
Status drawBernoulli(const Command& c) {
  if (isEmpty(c.geometry)) return Status::ok;
  const int64_t n = flatCount(c.geometry);
  const auto kernel = floatKernels<T>().random.bernoulli;
  const bool one = flatStep(c.geometry, 0) == 0;
  const T* const p = one ? static_cast<const T*>(c.data[0]) : contiguousInput<T>(c);
  const int64_t step = one ? 0 : 1;
  T* const y = static_cast<T*>(c.data[1]);
  const Stream stream = takePositions(static_cast<uint32_t*>(c.data[2]), positionsOf<T>(n));
  overPositions<T>(n, stream, [&](int64_t count, uint64_t position, int64_t begin) {
    kernel(count, stream.key, position, p + begin * step, step, y + begin);
  });
  return Status::ok;
}

Status bernoulli(const Command& c) {
  return c.type[1] == DType::float64 ? drawBernoulli<double>(c) : drawBernoulli<float>(c);
}

template <class T>
void drop(const Command& c, Stream stream, const Dropping& dropping) {
  const auto kernel = floatKernels<T>().random.dropout;
  const T* const x = contiguousInput<T>(c);
  T* const y = static_cast<T*>(c.data[1]);
  const int64_t n = flatCount(c.geometry);
  overPositions<T>(n, stream, [&](int64_t count, uint64_t position, int64_t begin) {
    kernel(count, stream.key, position, dropping, x + begin, y + begin);
  });
}

Status dropout(const Command& c) {
  if (isEmpty(c.geometry)) return Status::ok;
  uint32_t* const state = static_cast<uint32_t*>(c.data[2]);
  memcpy(c.data[3], state, kStateWords * sizeof(uint32_t));
  const Dropping dropping = {c.number[0].f, c.number[1].f, c.number[2].f, c.number[3].f};
  const int64_t n = flatCount(c.geometry);
  if (c.type[1] == DType::float64) {
    drop<double>(c, takePositions(state, positionsOf<double>(n)), dropping);
  } else {
    drop<float>(c, takePositions(state, positionsOf<float>(n)), dropping);
  }
  return Status::ok;
}

Status dropoutBackward(const Command& c) {
  if (isEmpty(c.geometry)) return Status::ok;
  uint32_t used[kStateWords];
  memcpy(used, c.data[2], sizeof used);
  // -0 is what changes no number when it is added, a zero of either sign included.
  const Dropping dropping = {c.number[0].f, c.number[1].f, -0.0, -0.0};
  if (c.type[1] == DType::float64) {
    drop<double>(c, streamAt(used), dropping);
  } else {
    drop<float>(c, streamAt(used), dropping);
  }
  return Status::ok;
}

const char* checkContiguous(const Command& c) {
  if (isEmpty(c.geometry) || flatStep(c.geometry, 1) == 1) return nullptr;
  return "the result is not contiguous";
}

const char* checkDropout(const Command& c) {
  const double p = c.number[0].f;
  return p >= 0 && p <= 1 ? checkContiguous(c) : "p is not a probability";
}

const Row kRows[] = {
    // state = key low, key high, position low, position high. Values are those of the kernels
    // (kernels/table.h). Results are contiguous; inputs are read in row-major order of the
    // geometry, so that an element's random number doesn't depend on where it lies.
    {"uniform", "inout state u32[4] out y T[n]; n size scale shift real", uniform, nullptr},
    {"normal", "inout state u32[4] out y T[n]; n size scale shift real", normal, nullptr},
    {"exponential", "inout state u32[4] out y T[n]; n size scale real", exponential, nullptr},
    {"bernoulli", "in p T[@] out y T[@] inout state u32[4]", bernoulli, checkContiguous},
    // `used` receives the state before: what dropoutBackward draws the same mask from. In memory,
    // so that a replayed pair of commands stays one.
    {"dropout",
     "in x T[@] out y T[@] inout state u32[4] out used i32[4]; p scale kept dropped real", dropout,
     checkDropout},
    {"dropoutBackward", "in g T[@] out dx T[@] in used i32[4]; p scale real", dropoutBackward,
     checkDropout},
};

}  // namespace

RowList randomRows() { return rowList(kRows); }

}  // namespace tilegrad
