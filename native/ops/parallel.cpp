#include "parallel.h"

namespace tilegrad {
namespace {

// Over ranges of `least` items, a share, or a little more.
void runShares(int64_t count, int64_t least, RangeFunction f, const void* context) {
  const int64_t shares = count / least;
  const bool several = shares >= 2 && numThreads() > 1;
  if (several && worthRegion(numThreads(), kShareNanoseconds * static_cast<double>(shares))) {
    parallelRanges(count, least, INT64_MAX, f, context);
    return;
  }
  if (count > 0) f(context, 0, count);
  // 25 ns of 5 us or more. Estimates are of a CPU and of one kind of numbers: lgamma of 65,536,
  // which takes 190 us, counted for 20 and was over long before it ended, so that calls of nothing
  // else never woke anybody.
  if (several) endedAlone();
}

// At least `least` items, in whole grains.
int64_t wholeGrains(int64_t least, int64_t grain) {
  return least < grain ? grain : (least + grain - 1) / grain * grain;
}

}  // namespace

void parallelShares(int64_t count, int64_t grain, int64_t itemBytes, int64_t share, RangeFunction f,
                    const void* context) {
  const int64_t least = share / (itemBytes > 0 ? itemBytes : 1);
  runShares(count, wholeGrains(least, grain), f, context);
}

void parallelTimed(int64_t count, int64_t grain, double itemNanoseconds, RangeFunction f,
                   const void* context) {
  const double least = kShareNanoseconds / itemNanoseconds;
  const bool isPart = least < static_cast<double>(count);
  runShares(count, wholeGrains(isPart ? static_cast<int64_t>(least) : count, grain), f, context);
}

void JointStatus::addFailure(Status part) {
  Status now = get();
  while ((now == Status::ok || part < now) &&
         !status_.compare_exchange_weak(now, part, std::memory_order_relaxed)) {
  }
}

}  // namespace tilegrad
