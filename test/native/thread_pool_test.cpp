// The thread pool under everything that Node.js does to it: many sizes, nesting, several JavaScript
// threads at once, threads that come and go, forks, and a system that refuses to start threads.
// Meant to be run under the thread, address and undefined-behaviour sanitizers as well.
#include "../../native/base/thread_pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "../../native/base/scratch.h"
#include "check.h"

#if !defined(_WIN32)
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#endif

#if defined(__SANITIZE_THREAD__)
// The child of a fork starts threads here, which the sanitizer refuses unless told otherwise. Its
// runtime is a shared library, so the function must be visible whatever the build's default is.
extern "C" __attribute__((visibility("default"))) const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() { return "die_after_fork=0"; }
#endif

using namespace tilegrad;

namespace {

// Fills [0, count) in a parallel region of up to `most` ranges a thread and checks the contract of
// the ranges. Returns how many there were.
int checkRegion(int64_t count, int64_t grain, int64_t most = 1) {
  std::vector<unsigned char> hits(static_cast<size_t>(count), 0);
  std::atomic<int> ranges{0};
  parallelFor(
      count, grain,
      [&](int64_t begin, int64_t end) {
        ++ranges;
        CHECK(0 <= begin && begin < end && end <= count);
        CHECK(begin % grain == 0);
        CHECK(end == count || end % grain == 0);
        CHECK(end - begin >= (count < grain ? count : grain));
        for (int64_t i = begin; i < end; ++i) ++hits[static_cast<size_t>(i)];
      },
      most);
  for (int64_t i = 0; i < count; ++i) CHECK(hits[static_cast<size_t>(i)] == 1);
  return ranges.load();
}

void testRanges() {
  for (int threads : {1, 2, 3, 4, 7, 16}) {
    setNumThreads(threads);
    CHECK(numThreads() == threads);
    for (int64_t grain : {1, 2, 3, 16, 64, 1000}) {
      for (int64_t count : {1, 2, 3, 5, 15, 16, 17, 31, 64, 100, 999, 1000, 1001, 4096, 10007}) {
        const int ranges = checkRegion(count, grain);
        const int64_t grains = count / grain;
        const int64_t used = grains < 1 ? 1 : grains < threads ? grains : threads;
        CHECK(ranges == used);
        for (int64_t most : {int64_t{2}, int64_t{5}, INT64_MAX}) {
          const int64_t each = grains / used < most ? grains / used : most;
          const int64_t expected = used == 1 ? 1 : each * used;
          CHECK(checkRegion(count, grain, most) == expected);
        }
      }
    }
    int calls = 0;
    parallelFor(0, 1, [&](int64_t, int64_t) { ++calls; });
    parallelFor(-3, 1, [&](int64_t, int64_t) { ++calls; });
    CHECK(calls == 0);
  }
}

void testClamping() {
  setNumThreads(0);
  CHECK(numThreads() == 1);
  setNumThreads(-5);
  CHECK(numThreads() == 1);
  setNumThreads(1000000);
  CHECK(numThreads() == kMaxThreads);
  setNumThreads(2);
}

// A region inside a region runs on the thread that asks for it.
void testNested() {
  setNumThreads(4);
  std::atomic<int64_t> total{0};
  parallelFor(64, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const std::thread::id self = std::this_thread::get_id();
      int ranges = 0;
      parallelFor(100, 1, [&](int64_t from, int64_t to) {
        CHECK(std::this_thread::get_id() == self);
        ++ranges;
        total += to - from;
      });
      CHECK(ranges == 1);
    }
  });
  CHECK(total == 6400);
}

// Results of one region are visible to the caller and to the next region, without atomics.
void testVisibility() {
  setNumThreads(4);
  std::vector<int64_t> values(1000, 0);
  for (int round = 0; round < 3000; ++round) {
    parallelFor(1000, 1, [&](int64_t begin, int64_t end) {
      // Every element was written by some other thread's range in the round before.
      for (int64_t i = begin; i < end; ++i) ++values[static_cast<size_t>(999 - i)];
    });
  }
  for (int64_t value : values) CHECK(value == 3000);
}

// Jobs that find the workers spinning, about to sleep, and asleep.
void testPauses() {
  setNumThreads(2);
  for (int i = 0; i < 400; ++i) {
    std::this_thread::sleep_for(std::chrono::microseconds(i % 4 == 0 ? 500 : i % 120));
    checkRegion(50, 1, 1 + i % 3);
  }
}

// One worker much slower than the caller: the caller sleeps until it is done.
void testSlowWorker() {
  setNumThreads(2);
  for (int i = 0; i < 10; ++i) {
    std::atomic<int> done{0};
    parallelFor(2, 1, [&](int64_t begin, int64_t) {
      if (begin == 1) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      ++done;
    });
    CHECK(done == 2);
  }
}

// What a worker that is being woken has not begun, the caller does.
void testLateWorker() {
  setNumThreads(2);
  int byCaller = 0;
  for (int i = 0; i < 100; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const std::thread::id self = std::this_thread::get_id();
    std::atomic<int> own{0}, done{0};
    parallelFor(2, 1, [&](int64_t, int64_t) {
      ++done;
      if (std::this_thread::get_id() == self) ++own;
    });
    CHECK(done == 2);
    if (own == 2) ++byCaller;
    checkRegion(50, 1);  // while the worker is on its way to the job that is gone
  }
  CHECK(byCaller > 0);
}

// What a worker has not come to yet, others do.
void testTakenRanges() {
  for (int threads : {2, 3, 16}) {
    setNumThreads(threads);
    const int count = 32 * threads;
    const std::thread::id self = std::this_thread::get_id();
    std::vector<std::atomic<int>> hits(static_cast<size_t>(count));
    std::atomic<int> byOthers{0};
    parallelPieces(count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++hits[static_cast<size_t>(i)];
      if (std::this_thread::get_id() == self) return;
      ++byOthers;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    });
    for (const std::atomic<int>& hit : hits) CHECK(hit == 1);
    CHECK(byOthers < count / 2);  // else each would have had its own, for 0.6 s
  }
}

// Work that doesn't pay for waking anybody is worth a region when the others are awake, or when
// there is enough of it without a pause.
void testWorthRegion() {
  setNumThreads(2);
  CHECK(!worthRegion(1, 1e9));
  CHECK(worthRegion(2, 1e9));
  int alone = 0, together = 0, awake = 0;
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    bool worth = worthRegion(2, 100);
    if (!worth) ++alone;
    for (int j = 0; j < 10000 && !worth; ++j) worth = worthRegion(2, 100);
    if (worth) ++together;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    checkRegion(50, 1);
    if (worthRegion(2, 100)) ++awake;
  }
  CHECK(alone > 0);
  CHECK(together > 0);
  CHECK(awake > 0);
}

// Work that took longer than it was estimated at counts for what it took, and not as if it were
// long over.
void testEndedAlone() {
  setNumThreads(2);
  int counted = 0, forgotten = 0;
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    if (!worthRegion(2, 100)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      endedAlone();
      if (worthRegion(2, 100)) ++counted;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    if (!worthRegion(2, 100)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (!worthRegion(2, 100)) ++forgotten;
    }
  }
  CHECK(counted > 0);
  CHECK(forgotten > 0);
}

void testConcurrentCallers() {
  setNumThreads(3);
  std::vector<std::thread> callers(4);
  for (std::thread& caller : callers) {
    caller = std::thread([] {
      for (int i = 0; i < 500; ++i) checkRegion(200 + i % 7, 1 + i % 5, 1 + i % 9);
    });
  }
  callers.emplace_back([] {
    for (int i = 0; i < 300; ++i) {
      setNumThreads(1 + i % 5);
      std::this_thread::yield();
    }
  });
  for (std::thread& caller : callers) caller.join();
}

void testSetNumThreadsWhileIdle() {
  for (int round = 0; round < 50; ++round) {
    for (int threads : {4, 1, 8, 2}) {
      setNumThreads(threads);
      CHECK(checkRegion(1000, 1) == threads);
    }
  }
}

// What Worker starts and terminations look like from here: a thread that computes and ends.
void testThreadsThatEnd() {
  setNumThreads(3);
  for (int i = 0; i < 200; ++i) {
    std::thread([] {
      checkRegion(300, 1);
      unsigned char* panel = static_cast<unsigned char*>(scratch(ScratchSlot::panel, 100000));
      CHECK(panel != nullptr);
      if (panel) panel[99999] = 1;
    }).join();
  }
}

void testScratch() {
  for (ScratchSlot slot : {ScratchSlot::panel, ScratchSlot::partial}) {
    void* last = nullptr;
    for (size_t bytes : {size_t{0}, size_t{1}, size_t{1000}, size_t{100000}, size_t{3000000},
                         size_t{5000001}, size_t{64}}) {
      unsigned char* data = static_cast<unsigned char*>(scratch(slot, bytes));
      CHECK(data != nullptr);
      CHECK(reinterpret_cast<uintptr_t>(data) % kScratchAlignment == 0);
      if (data) memset(data, 7, bytes);
      last = data;
    }
    CHECK(scratch(slot, 5000001) == last);  // it does not shrink
  }
  CHECK(scratch(ScratchSlot::panel, 8) != scratch(ScratchSlot::partial, 8));
  // More than any machine has; afterwards the slot works again.
  volatile size_t tooMuch = SIZE_MAX - 5;
  CHECK(scratch(ScratchSlot::partial, tooMuch) == nullptr);
  CHECK(scratch(ScratchSlot::partial, 100) != nullptr);
}

#if !defined(_WIN32)

// CPU time of the whole process in seconds.
double cpuSeconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void testIdleCostsNothing() {
  setNumThreads(8);
  checkRegion(1000, 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const double before = cpuSeconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  // 7 spinning workers would take at least 0.3 s; the margin is for a sanitizer's own threads.
  CHECK(cpuSeconds() - before < 0.03);
}

// Runs `body` in a forked child; true when the child ends by itself with no failed check.
template <class Body>
bool inChild(const Body& body) {
  fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    tilegrad_test::failures = 0;
    alarm(60);  // a child that hangs fails
    body();
    _exit(tilegrad_test::failures == 0 ? 0 : 1);
  }
  int status = 1;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
         WEXITSTATUS(status) == 0;
}

void testFork() {
  setNumThreads(4);
  checkRegion(1000, 1);
  for (int i = 0; i < 5; ++i) {
    CHECK(inChild([] {
      CHECK(checkRegion(1000, 1) == 4);
      CHECK(checkRegion(1000, 1) == 4);
      CHECK(inChild([] { CHECK(checkRegion(1000, 1) == 4); }));
    }));
    CHECK(checkRegion(1000, 1) == 4);
  }
}

// A child forked while another thread owns the pool.
void testForkWhileBusy() {
  setNumThreads(3);
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop) parallelFor(100, 1, [](int64_t, int64_t) {});
  });
  for (int i = 0; i < 10; ++i) CHECK(inChild([] { CHECK(checkRegion(1000, 1) == 3); }));
  stop = true;
  other.join();
}

// Without permission for new threads everything runs on the threads there are.
void testRefusedThreads() {
  CHECK(inChild([] {
    const rlimit none = {0, 0};
    CHECK(setrlimit(RLIMIT_NPROC, &none) == 0);
    // The limit does not hold for root; any other user will do.
    if (geteuid() == 0) CHECK(setuid(54321) == 0);
    setNumThreads(4);
    CHECK(checkRegion(1000, 1) == 1);
    CHECK(checkRegion(1000, 1) == 1);
  }));
}

void testEnvironment() {
  const struct {
    const char* text;
    int threads;  // 0: what it is without the variable
  } cases[] = {{"3", 3},
               {"1", 1},
               {"99999", kMaxThreads},
               {"0", 0},
               {"-2", 0},
               {"", 0},
               {"2x", 0},
               {" 2", 0},
               {"2.5", 0},
               {"99999999999999999999", kMaxThreads}};
  for (const auto& item : cases) {
    // A copy of this program, which has not yet asked for the number, prints it.
    CHECK(inChild([&] {
      setenv("TILEGRAD_NUM_THREADS", item.text, 1);
      char expected[16];
      snprintf(expected, sizeof(expected), "%d", item.threads);
      execl("/proc/self/exe", "thread_pool_test", "--expect-threads", expected,
            static_cast<char*>(nullptr));
      CHECK(!"exec");
    }));
  }
}

#endif

// The answer of a fresh process to numThreads(); 0 stands for the number without the variable.
int expectThreads(int expected) {
  const int threads = numThreads();
  if (expected != 0) return threads == expected ? 0 : 1;
  return threads >= 1 && threads <= static_cast<int>(std::thread::hardware_concurrency()) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && strcmp(argv[1], "--expect-threads") == 0) return expectThreads(atoi(argv[2]));
  testClamping();
  testScratch();
  testRanges();
  testNested();
  testVisibility();
  testPauses();
  testSlowWorker();
  testLateWorker();
  testTakenRanges();
  testWorthRegion();
  testEndedAlone();
  testSetNumThreadsWhileIdle();
  testConcurrentCallers();
  testThreadsThatEnd();
#if !defined(_WIN32)
  testIdleCostsNothing();
  testFork();
  testForkWhileBusy();
  testRefusedThreads();
#if defined(__linux__)
  testEnvironment();
#endif
#endif
  return tilegrad_test::finish("thread_pool_test");
}
