// When a second thread pays, and what comes of a region whose parts may fail. Waking a spinning
// worker and joining it costs 1 to 2 us.
#pragma once
#include <stdint.h>

#include <atomic>

#include "../base/thread_pool.h"
#include "command.h"

namespace tilegrad {

// Bytes that one thread touches in about 5 us: light operations (a few instructions a value) run at
// the speed of the second-level cache or memory, heavy ones (exp, log, division chains, random
// numbers) at 10 to 20 GB/s, slow ones (lgamma, digamma, erfinv, pow) at 3 to 8, of which a share
// is 2 to 6 us. Work of less than two shares stays on the caller.
constexpr int64_t kLightShare = 256 * 1024;
constexpr int64_t kHeavyShare = 64 * 1024;
constexpr int64_t kSlowShare = 16 * 1024;
// What a share takes at least: light ones in the second-level cache, heavy ones of softmax (a lone
// call of 128 x 1000, 16 shares, took 30 us on one thread and 54 with another that had to be
// woken).
constexpr double kShareNanoseconds = 2500;

// Results are cut at cache lines, so that no two threads write to one.
constexpr int64_t kCacheLine = 64;

// parallelFor over [0, count) where every item touches `itemBytes` bytes: no range gets less than
// `share` bytes, and ranges are whole multiples of `grain` items.
void parallelShares(int64_t count, int64_t grain, int64_t itemBytes, int64_t share, RangeFunction f,
                    const void* context);

// The same where every item takes one thread so many nanoseconds.
void parallelTimed(int64_t count, int64_t grain, double itemNanoseconds, RangeFunction f,
                   const void* context);

// A callable as a function and its context.
template <class F>
void callRange(const void* context, int64_t begin, int64_t end) {
  (*static_cast<const F*>(context))(begin, end);
}

template <class F>
void parallelShares(int64_t count, int64_t grain, int64_t itemBytes, int64_t share, const F& f) {
  parallelShares(count, grain, itemBytes, share, callRange<F>, &f);
}

template <class F>
void parallelTimed(int64_t count, int64_t grain, double itemNanoseconds, const F& f) {
  parallelTimed(count, grain, itemNanoseconds, callRange<F>, &f);
}

// What the parts of some work, on whatever threads, come to: ok when all are, otherwise the status
// of one that failed. Of several it is the first in the order of `Status`, so it doesn't depend on
// which thread was faster.
class JointStatus {
 public:
  void add(Status part) {
    if (part != Status::ok) addFailure(part);
  }
  // For after the region.
  Status get() const { return status_.load(std::memory_order_relaxed); }

 private:
  void addFailure(Status part);

  std::atomic<Status> status_{Status::ok};
};

// f(i) for each i from begin on, up to the first that fails: its status, or ok.
template <class F>
Status eachUntilFailure(int64_t begin, int64_t end, const F& f) {
  for (int64_t i = begin; i < end; ++i) {
    const Status status = f(i);
    if (status != Status::ok) return status;
  }
  return Status::ok;
}

// parallelFor, parallelShares and parallelTimed over ranges that may fail: f(begin, end) gives its
// range's status. A range that fails stops no other; the JointStatus of all is returned when all
// have ended.
template <class F>
Status parallelStatus(int64_t count, int64_t grain, const F& f, int64_t most = 1) {
  JointStatus status;
  parallelFor(count, grain, [&](int64_t begin, int64_t end) { status.add(f(begin, end)); }, most);
  return status.get();
}

template <class F>
Status parallelSharesStatus(int64_t count, int64_t grain, int64_t itemBytes, int64_t share,
                            const F& f) {
  JointStatus status;
  parallelShares(count, grain, itemBytes, share,
                 [&](int64_t begin, int64_t end) { status.add(f(begin, end)); });
  return status.get();
}

template <class F>
Status parallelTimedStatus(int64_t count, int64_t grain, double itemNanoseconds, const F& f) {
  JointStatus status;
  parallelTimed(count, grain, itemNanoseconds,
                [&](int64_t begin, int64_t end) { status.add(f(begin, end)); });
  return status.get();
}

// The same of parallelPieces, over items: f(i) gives one's status, and what fails leaves out only
// what is left of its piece.
template <class F>
Status parallelPiecesStatus(int64_t count, const F& f) {
  JointStatus status;
  parallelPieces(count, 1,
                 [&](int64_t begin, int64_t end) { status.add(eachUntilFailure(begin, end, f)); });
  return status.get();
}

// A batch of products, which together may be worth several threads: whole products to each thread
// when there are enough of them to share evenly, otherwise each is cut.
template <class Whole, class Cut>
Status overBatch(int64_t batch, bool worthThreads, const Whole& whole, const Cut& cut) {
  if (!worthThreads) return eachUntilFailure(0, batch, whole);
  if (batch < 4 * numThreads()) return eachUntilFailure(0, batch, cut);
  return parallelStatus(
      batch, 1, [&](int64_t begin, int64_t end) { return eachUntilFailure(begin, end, whole); });
}

}  // namespace tilegrad
