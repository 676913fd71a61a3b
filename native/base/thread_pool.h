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

// Whether a region of so many threads would start at once, because the others still spin after the
// last one. A guess: they may fall asleep before the region starts.
bool threadsAwake(int threads);

using RangeFunction = void (*)(const void* context, int64_t begin, int64_t end);

// Calls fn over disjoint ranges that cover [0, count). Every boundary but the last is a multiple of
// `grain` (>= 1), and no range is smaller than `grain` unless count is. Returns when all are done.
void parallelRanges(int64_t count, int64_t grain, RangeFunction fn, const void* context);

// The same for a callable: parallelFor(n, 16, [&](int64_t begin, int64_t end) { ... }).
template <class F>
void parallelFor(int64_t count, int64_t grain, const F& f) {
  parallelRanges(
      count, grain,
      [](const void* context, int64_t begin, int64_t end) {
        (*static_cast<const F*>(context))(begin, end);
      },
      &f);
}

}  // namespace tilegrad
