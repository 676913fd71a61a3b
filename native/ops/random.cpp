// Random numbers from a counter in memory, so that a recorded command continues the stream each
// time it runs. The stream depends on the key and position only.
#include "dispatch.h"
#include "parallel.h"
#include "rows.h"

namespace tilegrad {
namespace {

// The state's words.
enum StateWord { kKeyLow, kKeyHigh, kPositionLow, kPositionHigh };

uint64_t join(uint32_t low, uint32_t high) { return low | static_cast<uint64_t>(high) << 32; }

// Fills y with n values, fill(count, key, position, y) computing a part, and advances the state
// past every position that was used.
template <class T, class F>
Status draw(const Command& c, const F& fill) {
  constexpr int64_t kValues = kPhiloxValues<T>;
  uint32_t* const state = static_cast<uint32_t*>(c.data[0]);
  T* const y = static_cast<T*>(c.data[1]);
  const int64_t n = c.number[0].i;
  const uint64_t key = join(state[kKeyLow], state[kKeyHigh]);
  const uint64_t first = join(state[kPositionLow], state[kPositionHigh]);
  const uint64_t next = first + static_cast<uint64_t>((n + kValues - 1) / kValues);
  state[kPositionLow] = static_cast<uint32_t>(next);
  state[kPositionHigh] = static_cast<uint32_t>(next >> 32);
  // A cache line holds whole positions, so ranges start at one.
  constexpr int64_t kGrain = kCacheLine / static_cast<int64_t>(sizeof(T));
  static_assert(kGrain % kValues == 0, "ranges must start at a position");
  parallelShares(n, kGrain, sizeof(T), kHeavyShare, [&](int64_t begin, int64_t end) {
    fill(end - begin, key, first + static_cast<uint64_t>(begin / kValues), y + begin);
  });
  return Status::ok;
}

Status uniform(const Command& c) {
  return c.type[1] == DType::float64 ? draw<double>(c, kernels().f64.random.uniform)
                                     : draw<float>(c, kernels().f32.random.uniform);
}

Status normal(const Command& c) {
  return c.type[1] == DType::float64 ? draw<double>(c, kernels().f64.random.normal)
                                     : draw<float>(c, kernels().f32.random.normal);
}

template <class T>
Status drawMask(const Command& c) {
  const double p = c.number[1].f;
  const auto kernel = floatKernels<T>().random.dropoutMask;
  return draw<T>(
      c, [&](int64_t n, uint64_t key, uint64_t first, T* y) { kernel(n, key, first, p, y); });
}

Status dropoutMask(const Command& c) {
  return c.type[1] == DType::float64 ? drawMask<double>(c) : drawMask<float>(c);
}

const char* checkProbability(const Command& c) {
  const double p = c.number[1].f;
  return p >= 0 && p <= 1 ? nullptr : "p is not a probability";
}

const Row kRows[] = {
    // state = key low, key high, position low, position high. Values are those of the kernels
    // (kernels/table.h): uniform on [0, 1), standard normal, 0 or 1 / (1 - p).
    {"uniform", "inout state u32[4] out y T[n]; n size", uniform, nullptr},
    {"normal", "inout state u32[4] out y T[n]; n size", normal, nullptr},
    {"dropoutMask", "inout state u32[4] out y T[n]; n size p real", dropoutMask, checkProbability},
};

}  // namespace

RowList randomRows() { return rowList(kRows); }

}  // namespace tilegrad
