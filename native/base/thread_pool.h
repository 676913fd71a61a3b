// The pool that spreads one operation over the cores. The caller is worker 0; the others spin for
// tens of microseconds after a job and then sleep, so an idle pool costs nothing. Only native/ops
// starts parallel regions. A nested call, or a call while another JavaScript thread owns the pool,
// runs on the caller alone: same result, since no result depends on how the ranges were cut.
#pragma once
#include <stdint.h>

namespace tilegrad {

// How many threads (caller included) the next parallel region may use. Starts as
// TILEGRAD_NUM_THREADS when that is a whole number >= 1, otherwise as the number of CPUs this
// process may use (affinity mask, cgroup quota).
int numThreads();

// Sets it; values are clamped to 1..kMaxThreads. Threads are started when first needed.
void setNumThreads(int count);

constexpr int kMaxThreads = 256;

// Whether a region is worth starting for what takes one thread so many nanoseconds: when the others
// are awake, or when that, together with what was not worth it and ended less than their spinning
// time ago, pays for waking them. So a run of short calls wakes them, and a lone one doesn't.
bool worthRegion(int threads, double nanoseconds);

// Says that work ends now for which worthRegion(), of more than one thread, said no: the time that
// it took counts for the work after it, in the place of the estimate.
void endedAlone();

using RangeFunction = void (*)(const void* context, int64_t begin, int64_t end);

// Calls fn over disjoint ranges that cover [0, count). Every boundary but the last is a multiple of
// `grain` (>= 1), and no range is smaller than `grain` unless count is. Each thread has up to
// `most` (>= 1) of them, one beside the other; one that is done takes what others have not come to,
// so that nobody waits for a thread that has not woken up. Returns when all are done.
void parallelRanges(int64_t count, int64_t grain, int64_t most, RangeFunction fn,
                    const void* context);

// The same for a callable: parallelFor(n, 16, [&](int64_t begin, int64_t end) { ... }). One range
// for each thread, where a range costs something by itself.
template <class F>
void parallelFor(int64_t count, int64_t grain, const F& f, int64_t most = 1) {
  parallelRanges(
      count, grain, most,
      [](const void* context, int64_t begin, int64_t end) {
        (*static_cast<const F*>(context))(begin, end);
      },
      &f);
}

// Ranges of a grain or little more: for what costs nothing to interrupt.
template <class F>
void parallelPieces(int64_t count, int64_t grain, const F& f) {
  parallelFor(count, grain, f, INT64_MAX);
}

}  // namespace tilegrad
