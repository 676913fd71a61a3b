#include "thread_pool.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <new>

#include "cpu_budget.h"
#include "pin_library.h"
#include "placement.h"
#include "wait_word.h"

#if defined(_WIN32)
#include <process.h>
#else
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#endif
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#elif defined(_M_ARM64)
#include <intrin.h>
#endif

namespace tilegrad {
namespace {

// Two cache lines: x86 prefetches lines in pairs, and Apple's are 128 bytes long.
constexpr size_t kApart = 128;

// How long a thread spins before it sleeps: about what a wake costs, so that waiting never takes
// more than twice the time of the best choice made in hindsight (Karlin et al., "Competitive snoopy
// caching", 1988). Measured on two virtual CPUs of an AMD server (Linux 6.18) from a call that has
// nothing to do to its return: 0.2 us when the worker spins, 20 to 50 us when it sleeps, 400 us
// when it has to be started.
constexpr std::chrono::microseconds kSpinTime(50);

// Work of one thread that is worth waking others for, if nothing comes after it. On two virtual
// CPUs the caller spends 11 us on waking a worker that sleeps (Linux 6.18: 7 the wake itself, 4 its
// placement), which begins 13 to 30 us later. Of work in pieces that nothing else holds up, after a
// pause of 1 ms, 40 us took 48 to 63 that way, 80 us 67 to 79 and 160 us 107 to 125.
constexpr double kWakeNanoseconds = 80000;

// Looks at the word between two looks at the clock: under a microsecond at the 40 to 140 cycles
// that x86's `pause` takes (26 ns and 29 for the clock where the times above come from).
constexpr int kLooksPerClock = 16;

// Looks at the clock between two offers of the CPU to whoever is waiting for it: an offer takes
// 0.43 us, in which the thread sees nothing, and with one at each look at the clock it was half of
// the time away when a job came.
constexpr int kClocksPerYield = 8;

// Regions of more threads leave the placing of workers to the system: the calls cost the caller a
// microsecond or two for each, and in a cache domain that large Linux does find the idle CPUs.
constexpr int kMaxPlacedThreads = 8;

// Of how many other threads a thread with nothing left to do looks at what they have left. A look
// is a cache line from another core, 0.1 us, and the caller waits for the last one of them.
constexpr int kMaxVisits = 7;

// So that a region's ranges can be counted in 32 bits.
constexpr int64_t kMaxRangesEach = 1 << 16;

// The life of a worker's word. The caller posts; the worker begins, and goes back to idle; what a
// worker hasn't begun the caller takes back.
enum State : uint32_t {
  kIdle,     // no job; the worker spins
  kAsleep,   // no job; the worker sleeps on the word
  kPosted,   // the worker has a job
  kBegun,    // the worker is at it, and the job stays as it is
  kAwaited,  // the same, and the caller sleeps on the word
};

struct Job {
  RangeFunction fn;
  const void* context;
  int64_t count, grain;
  int threads;    // the caller included
  uint32_t each;  // ranges that each of them has; of one, posting it is all there is to say of it
  bool spin;      // whether waiting threads may spin
};

// What a thread has left of its ranges: from the next one (low half) to the end (high half). It
// takes them from the front itself, others from the back.
class alignas(kApart) Share {
 public:
  void set(uint32_t begin, uint32_t end) {
    left_.store(both(begin, end), std::memory_order_relaxed);
  }
  bool takeFirst(uint32_t* range) { return take(range, true); }
  bool takeLast(uint32_t* range) { return take(range, false); }

 private:
  static uint64_t both(uint32_t begin, uint32_t end) { return uint64_t{end} << 32 | begin; }

  // Relaxed: a range's number says all, and the word of the worker orders what ranges write.
  bool take(uint32_t* range, bool first) {
    uint64_t left = left_.load(std::memory_order_relaxed);
    for (;;) {
      const uint32_t begin = static_cast<uint32_t>(left), end = static_cast<uint32_t>(left >> 32);
      if (begin >= end) return false;
      const uint64_t rest = first ? both(begin + 1, end) : both(begin, end - 1);
      if (left_.compare_exchange_weak(left, rest, std::memory_order_relaxed)) {
        *range = first ? begin : end - 1;
        return true;
      }
    }
  }

  std::atomic<uint64_t> left_{0};
};

struct Pool;

// The job lies beside the word, so that both come to the worker's core at once: a line takes 50 ns
// from one core to the next, or 250 where the host has put them far apart.
struct alignas(kApart) Worker {
  WaitWord state;
  // Which CPU it should not be on; negative when any place will do. It looks before it begins.
  std::atomic<int> callerCpu{-1};
  Job job;  // written by the pool's owner, read by the worker when it has begun
  Pool* pool;
  int index;   // which share it has; the caller has share 0
  int thread;  // for wakeElsewhere(); set before the first sleep
};

// Lives on the heap and is never freed: workers may outlast everything else in the process.
struct Pool {
  std::atomic<bool> busy{false};  // a caller owns the pool; guards all below
  std::atomic<int> started{0};    // workers[0..started) have a thread
  bool refused = false;           // the system would not start another thread
  Share shares[kMaxThreads];
  Worker workers[kMaxThreads - 1];
};

// Null until the first parallel region, and again in a forked child, which has none of the threads.
std::atomic<Pool*> currentPool{nullptr};

// When work that wasn't worth waking anybody has or will have ended, by the steady clock in
// nanoseconds, and how much it was, with such work right before it. Guesses, which several threads
// may write.
std::atomic<int64_t> aloneUntil{INT64_MIN / 2};
std::atomic<double> aloneTime{0};

int64_t clockNow() {
  using Nanoseconds = std::chrono::duration<int64_t, std::nano>;
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<Nanoseconds>(now).count();
}

// 0 until it is first asked for.
std::atomic<int> threadCount{0};

// Leaves the core to its other hardware thread for a moment.
void relax() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(_M_ARM64)
  __yield();
#elif defined(__aarch64__)
  __asm__ volatile("isb");  // `yield` is a no-op on most cores; this waits tens of cycles
#endif
}

void yield() {
#if defined(_WIN32)
  SwitchToThread();
#else
  sched_yield();
#endif
}

// Spins until done() or until kSpinTime is over; returns done().
template <class Done>
bool spinUntil(const Done& done) {
  const auto start = std::chrono::steady_clock::now();
  int clocks = 0;
  do {
    for (int i = 0; i < kLooksPerClock; ++i) {
      if (done()) return true;
      relax();
    }
    if (++clocks % kClocksPerYield == 0)
      yield();  // the awaited thread may be queued behind this one
  } while (std::chrono::steady_clock::now() - start < kSpinTime);
  return done();
}

// Range `index` of the job: whole grains, shared out as evenly as they go; the last range also
// takes what is left over.
void runRange(const Job& job, int64_t index) {
  const int64_t ranges = int64_t{job.each} * job.threads, grains = job.count / job.grain;
  const int64_t size = grains / ranges, extra = grains % ranges;
  const int64_t begin = (index * size + (index < extra ? index : extra)) * job.grain;
  const int64_t end =
      index == ranges - 1 ? job.count : begin + (size + (index < extra ? 1 : 0)) * job.grain;
  job.fn(job.context, begin, end);
}

// Takes back what was posted; false when it has begun, or never was.
bool takeBack(WaitWord& state) {
  uint32_t posted = kPosted;
  return state.value.load(std::memory_order_relaxed) == kPosted &&
         state.value.compare_exchange_strong(posted, kIdle, std::memory_order_acq_rel);
}

// The ranges of thread `index`, and then those that others have not come to yet, be it that they
// have not woken up or that somebody else has their CPU. A worker's only range is taken with its
// word, and the caller's only one by the caller.
void runShare(Pool* pool, const Job& job, int index) {
  const bool single = job.each == 1;
  uint32_t range;
  if (single) {
    runRange(job, index);
  } else {
    while (pool->shares[index].takeFirst(&range)) runRange(job, range);
  }
  const int others = job.threads - 1;
  // The caller visits all: nobody else may be there.
  const int visits = index == 0 || others < kMaxVisits ? others : kMaxVisits;
  for (int i = 1; i <= visits; ++i) {
    const int other = (index + i) % job.threads;
    if (!single) {
      while (pool->shares[other].takeLast(&range)) runRange(job, range);
    } else if (other > 0 && takeBack(pool->workers[other - 1].state)) {
      runRange(job, other);
    }
  }
}

void awaitJob(WaitWord& state, bool spin) {
  const auto posted = [&] { return state.value.load(std::memory_order_acquire) != kIdle; };
  if (spin ? spinUntil(posted) : posted()) return;
  uint32_t idle = kIdle;
  if (state.value.compare_exchange_strong(idle, kAsleep, std::memory_order_acq_rel)) {
    state.sleepWhile(kAsleep);
  }
}

void work(Worker& self) {
  self.thread = currentThread();
  bool spin = false;  // the first job is posted as soon as the thread exists
  for (;;) {
    awaitJob(self.state, spin);
    const int callerCpu = self.callerCpu.load(std::memory_order_relaxed);
    if (callerCpu >= 0) leaveCpu(callerCpu);
    uint32_t posted = kPosted;
    if (!self.state.value.compare_exchange_strong(posted, kBegun, std::memory_order_acq_rel)) {
      continue;  // another was quicker
    }
    runShare(self.pool, self.job, self.index);
    spin = self.job.spin;  // read now: after the exchange the job belongs to the caller again
    if (self.state.value.exchange(kIdle, std::memory_order_acq_rel) == kAwaited) self.state.wake();
  }
}

void post(Worker& worker, const Job& job, int callerCpu) {
  worker.job = job;
  worker.callerCpu.store(callerCpu, std::memory_order_relaxed);
  if (worker.state.value.exchange(kPosted, std::memory_order_acq_rel) != kAsleep) return;
  if (callerCpu >= 0) {
    wakeElsewhere(worker.state, worker.thread);
  } else {
    worker.state.wake();
  }
}

// Returns when the worker is done, or has not begun: then it won't, and by now others have done all
// that was its own.
void awaitWorker(WaitWord& state, bool spin) {
  if (takeBack(state)) return;
  // Asleep counts: the worker may have finished and stopped spinning since it was last looked at.
  const auto finished = [&] {
    const uint32_t value = state.value.load(std::memory_order_acquire);
    return value == kIdle || value == kAsleep;
  };
  if (spin ? spinUntil(finished) : finished()) return;
  uint32_t begun = kBegun;
  if (state.value.compare_exchange_strong(begun, kAwaited, std::memory_order_acq_rel)) {
    state.sleepWhile(kAwaited);
  }
}

#if defined(_WIN32)

unsigned __stdcall workerMain(void* worker) {
  work(*static_cast<Worker*>(worker));
  return 0;
}

bool startThread(Worker* worker) {
  const uintptr_t thread = _beginthreadex(nullptr, 0, workerMain, worker, 0, nullptr);
  if (thread == 0) return false;
  CloseHandle(reinterpret_cast<HANDLE>(thread));
  return true;
}

void watchForks() {}

#else

void* workerMain(void* worker) {
  work(*static_cast<Worker*>(worker));
  return nullptr;
}

// musl gives a new thread 128 KB, macOS 512 KB; kernels keep their tiles on the stack.
constexpr size_t kStackBytes = size_t{1} << 20;

bool startThread(Worker* worker) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  // A new thread inherits the mask: signals stay with the threads that Node.js handles them on.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  const bool started = pthread_create(&thread, &attributes, workerMain, worker) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return started;
}

// In a forked child the old pool's threads do not exist and its locks may be held for ever.
void forgetPool() { currentPool.store(nullptr, std::memory_order_relaxed); }

void watchForks() {
  static const int registered = pthread_atfork(nullptr, nullptr, forgetPool);
  static_cast<void>(registered);
}

#endif

// The pool, made on first use and now owned by the caller. Null when it has an owner already
// (another thread, or the region that this call is nested in) or when memory is exhausted.
Pool* acquirePool() {
  Pool* pool = currentPool.load(std::memory_order_acquire);
  if (pool == nullptr) {
    pinLibrary();
    watchForks();
    Pool* made = new (std::nothrow) Pool;
    if (made == nullptr) return nullptr;
    if (currentPool.compare_exchange_strong(pool, made, std::memory_order_acq_rel)) {
      pool = made;
    } else {
      delete made;  // another thread was quicker, and `pool` is now its pool
    }
  }
  // The look first keeps nested calls of many workers from passing the line around.
  if (pool->busy.load(std::memory_order_relaxed)) return nullptr;
  return pool->busy.exchange(true, std::memory_order_acquire) ? nullptr : pool;
}

// Starts what is missing of `threads` - 1 workers; returns how many threads there are, caller
// included. Once the system has refused a thread it is not asked again.
int startWorkers(Pool* pool, int threads) {
  int started = pool->started.load(std::memory_order_relaxed);
  while (started < threads - 1 && !pool->refused) {
    Worker* worker = &pool->workers[started];
    worker->pool = pool;
    worker->index = started + 1;
    if (startThread(worker)) {
      pool->started.store(++started, std::memory_order_release);
    } else {
      pool->refused = true;
    }
  }
  return started + 1 < threads ? started + 1 : threads;
}

// TILEGRAD_NUM_THREADS when it is a whole number >= 1, otherwise 0.
int threadsFromEnvironment() {
  const char* text = getenv("TILEGRAD_NUM_THREADS");
  if (text == nullptr || *text < '0' || *text > '9') return 0;
  char* end = nullptr;
  errno = 0;
  const unsigned long value = strtoul(text, &end, 10);
  if (*end != '\0') return 0;
  return errno == ERANGE || value > kMaxThreads ? kMaxThreads : static_cast<int>(value);
}

// Whether a region of so many threads would start at once, because the others still spin after the
// last one. A guess: they may fall asleep before the region starts.
bool threadsAwake(int threads) {
  Pool* pool = currentPool.load(std::memory_order_acquire);
  if (pool == nullptr || pool->started.load(std::memory_order_acquire) < threads - 1) return false;
  for (int i = 0; i < threads - 1; ++i) {
    if (pool->workers[i].state.value.load(std::memory_order_relaxed) != kIdle) return false;
  }
  return true;
}

int clampThreads(int count) { return count < 1 ? 1 : count > kMaxThreads ? kMaxThreads : count; }

// The CPUs of the process when it was first asked.
int cpus() {
  static const int count = availableCpus();
  return count;
}

}  // namespace

int numThreads() {
  int count = threadCount.load(std::memory_order_relaxed);
  if (count != 0) return count;
  const int wanted = threadsFromEnvironment();
  const int initial = clampThreads(wanted != 0 ? wanted : cpus());
  // Unless setNumThreads() came first: then `count` becomes its value.
  return threadCount.compare_exchange_strong(count, initial, std::memory_order_relaxed) ? initial
                                                                                        : count;
}

void setNumThreads(int count) { threadCount.store(clampThreads(count), std::memory_order_relaxed); }

bool worthRegion(int threads, double nanoseconds) {
  if (threads <= 1) return false;
  if (nanoseconds >= kWakeNanoseconds || threadsAwake(threads)) return true;
  const int64_t own = static_cast<int64_t>(nanoseconds);
  const int64_t now = clockNow();
  // Before the end of the last such work this is most likely a part of it.
  const int64_t before = aloneUntil.load(std::memory_order_relaxed);
  if (now < before) return false;
  const bool follows = now - before < std::chrono::nanoseconds(kSpinTime).count();
  if (follows) nanoseconds += aloneTime.load(std::memory_order_relaxed);
  aloneTime.store(nanoseconds, std::memory_order_relaxed);
  const bool worth = nanoseconds >= kWakeNanoseconds;
  // Who is told that it is worth it may ask again for a part of it.
  aloneUntil.store(worth ? now : now + own, std::memory_order_relaxed);
  return worth;
}

void endedAlone() {
  const int64_t now = clockNow();
  const int64_t later = now - aloneUntil.exchange(now, std::memory_order_relaxed);
  const double estimated = aloneTime.load(std::memory_order_relaxed);
  aloneTime.store(estimated + static_cast<double>(later), std::memory_order_relaxed);
}

void parallelRanges(int64_t count, int64_t grain, int64_t most, RangeFunction fn,
                    const void* context) {
  if (count <= 0) return;
  const int64_t grains = count / grain;
  int threads = numThreads();
  if (grains < threads) threads = static_cast<int>(grains);
  Pool* pool = threads > 1 ? acquirePool() : nullptr;
  if (pool == nullptr) {
    fn(context, 0, count);
    return;
  }
  threads = startWorkers(pool, threads);
  int64_t each = grains / threads;
  if (each > most) each = most;
  if (each > kMaxRangesEach) each = kMaxRangesEach;
  // With more threads than CPUs a spinning thread holds up the one it waits for.
  const bool spin = threads <= cpus();
  const int callerCpu = spin && threads <= kMaxPlacedThreads ? currentCpu() : -1;
  const Job job = {fn, context, count, grain, threads, static_cast<uint32_t>(each), spin};
  for (int i = 0; i < threads && each > 1; ++i) {
    const uint32_t first = static_cast<uint32_t>(i * each);
    pool->shares[i].set(first, first + static_cast<uint32_t>(each));
  }
  for (int i = 0; i < threads - 1; ++i) post(pool->workers[i], job, callerCpu);
  runShare(pool, job, 0);
  for (int i = 0; i < threads - 1; ++i) awaitWorker(pool->workers[i].state, spin);
  pool->busy.store(false, std::memory_order_release);
}

}  // namespace tilegrad
