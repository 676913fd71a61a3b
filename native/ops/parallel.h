// When a second thread pays. Waking a spinning worker and joining it costs 1 to 2 us.
#pragma once
#include <stdint.h>

#include "../base/thread_pool.h"

namespace tilegrad {

// Bytes that one thread touches in about 5 us: light operations (a few instructions a value) run at
// the speed of the second-level cache or memory, heavy ones (exp, log, division chains, random
// numbers) at 10 to 20 GB/s. Work of less than two shares stays on the caller.
constexpr int64_t kLightShare = 256 * 1024;
constexpr int64_t kHeavyShare = 64 * 1024;

// Results are cut at cache lines, so that no two threads write to one.
constexpr int64_t kCacheLine = 64;

// parallelFor over [0, count) where every item touches `itemBytes` bytes: no range gets less than
// `share` bytes, and ranges are whole multiples of `grain` items.
template <class F>
void parallelShares(int64_t count, int64_t grain, int64_t itemBytes, int64_t share, const F& f) {
  int64_t least = share / (itemBytes > 0 ? itemBytes : 1);
  least = least < grain ? grain : (least + grain - 1) / grain * grain;
  if (count < 2 * least) {
    if (count > 0) f(int64_t{0}, count);
    return;
  }
  parallelFor(count, least, f);
}

}  // namespace tilegrad
