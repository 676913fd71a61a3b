// Regions whose parts may fail: which status comes of them, and that what didn't fail was done. And
// rows that share lines between threads, for lines that no memory is large enough to work on.
#include "../../native/ops/parallel.h"

#include <atomic>
#include <initializer_list>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "rows.h"

#if defined(__SANITIZE_ADDRESS__)
// Null for what is too large, as from malloc without the sanitizer, which would end the program.
// Its library looks for this function.
extern "C" __attribute__((visibility("default"))) const char* __asan_default_options() {
  return "allocator_may_return_null=1";
}
#endif

namespace tilegrad {
namespace test {
namespace {

constexpr int64_t kItems = 1000;

void testJointStatus() {
  const Status inOrder[] = {Status::outOfMemory, Status::zeroDivisor, Status::badIndex};
  JointStatus none;
  none.add(Status::ok);
  CHECK(none.get() == Status::ok);
  for (const Status a : inOrder) {
    for (const Status b : inOrder) {
      JointStatus joint;
      joint.add(a);
      joint.add(Status::ok);
      CHECK(joint.get() == a);
      joint.add(b);
      CHECK(joint.get() == (a < b ? a : b));
    }
  }
  for (int round = 0; round < 100; ++round) {
    JointStatus joint;
    std::vector<std::thread> threads;
    for (const Status status : inOrder) threads.emplace_back([&, status] { joint.add(status); });
    for (std::thread& thread : threads) thread.join();
    CHECK(joint.get() == Status::outOfMemory);
  }
}

// What item i of a region reports.
using Reports = Status (*)(int64_t i);

Status allFine(int64_t) { return Status::ok; }
Status firstFails(int64_t i) { return i == 0 ? Status::outOfMemory : Status::ok; }
Status lastFails(int64_t i) { return i == kItems - 1 ? Status::outOfMemory : Status::ok; }
Status wrongIndex(int64_t i) { return i == kItems / 2 ? Status::badIndex : Status::ok; }
Status wrongAndFull(int64_t i) {
  return i == 0 ? Status::badIndex : i == kItems - 1 ? Status::outOfMemory : Status::ok;
}
Status fullAndWrong(int64_t i) {
  return i == 0 ? Status::outOfMemory : i == kItems - 1 ? Status::badIndex : Status::ok;
}

// region(f) calls f for ranges or items of [0, kItems) and says what comes of them. All have to be
// visited, but for those of its own range after one that failed.
template <class Region>
void testRegion(const Region& region) {
  const struct {
    Reports reports;
    Status expected;
  } cases[] = {{allFine, Status::ok},
               {firstFails, Status::outOfMemory},
               {lastFails, Status::outOfMemory},
               {wrongIndex, Status::badIndex},
               {wrongAndFull, Status::outOfMemory},
               {fullAndWrong, Status::outOfMemory}};
  for (int threads = 1; threads <= 3; ++threads) {
    setNumThreads(threads);
    for (const auto& item : cases) region(item.reports, item.expected);
  }
}

// f(begin, end) that notes each item and reports for all of them.
struct Ranges {
  std::vector<std::atomic<int>> visits;
  Reports reports;

  explicit Ranges(Reports of) : visits(static_cast<size_t>(kItems)), reports(of) {}
  Status operator()(int64_t begin, int64_t end) {
    JointStatus status;
    for (int64_t i = begin; i < end; ++i) {
      ++visits[static_cast<size_t>(i)];
      status.add(reports(i));
    }
    return status.get();
  }
  bool visitedOnce() const {
    for (const auto& count : visits) {
      if (count != 1) return false;
    }
    return true;
  }
};

void testRegions() {
  testRegion([](Reports reports, Status expected) {
    Ranges ranges(reports);
    const auto f = [&](int64_t begin, int64_t end) { return ranges(begin, end); };
    CHECK(parallelStatus(kItems, 1, f) == expected);
    CHECK(ranges.visitedOnce());
  });
  testRegion([](Reports reports, Status expected) {
    Ranges ranges(reports);
    const auto f = [&](int64_t begin, int64_t end) { return ranges(begin, end); };
    CHECK(parallelSharesStatus(kItems, 1, kLightShare, kLightShare, f) == expected);
    CHECK(ranges.visitedOnce());
  });
  testRegion([](Reports reports, Status expected) {
    Ranges ranges(reports);
    const auto f = [&](int64_t begin, int64_t end) { return ranges(begin, end); };
    CHECK(parallelTimedStatus(kItems, 1, 1e6, f) == expected);
    CHECK(ranges.visitedOnce());
  });
  testRegion([](Reports reports, Status expected) {
    std::atomic<int64_t> visits{0};
    const auto f = [&](int64_t i) {
      ++visits;
      return reports(i);
    };
    const Status status = parallelPiecesStatus(kItems, f);
    // Of two statuses the second may stand in what the first leaves out.
    CHECK(status == expected || (numThreads() == 1 && status == reports(0)));
    CHECK(expected == Status::ok ? visits == kItems : visits >= 1 && visits <= kItems);
  });
}

void testEachUntilFailure() {
  int64_t visits = 0;
  const auto f = [&](int64_t i) {
    ++visits;
    return i == 7 ? Status::zeroDivisor : Status::ok;
  };
  CHECK(eachUntilFailure(0, 5, f) == Status::ok);
  CHECK(visits == 5);
  CHECK(eachUntilFailure(5, 100, f) == Status::zeroDivisor);
  CHECK(visits == 8);
  CHECK(eachUntilFailure(3, 3, f) == Status::ok);
}

void testBatches() {
  for (int threads = 1; threads <= 3; ++threads) {
    setNumThreads(threads);
    for (const bool worth : {false, true}) {
      for (const int64_t batch : {int64_t{2}, int64_t{40}}) {
        const auto last = [&](int64_t i) {
          return i == batch - 1 ? Status::outOfMemory : Status::ok;
        };
        CHECK(overBatch(batch, worth, last, last) == Status::outOfMemory);
        CHECK(overBatch(batch, worth, allFine, allFine) == Status::ok);
      }
    }
  }
}

// Lines of so many elements, of which all are at the same place: their keys and items would take
// more than there are addresses for, and less than 2^63 bytes.
constexpr int64_t kTooMany = int64_t{1} << 58;

Status statusOfSort(int64_t lines, int64_t n, int64_t k) {
  const float x = 1;
  float value = 0;
  int32_t place = 0;
  return Call("sort")
      .array(&x)
      .array(&value)
      .array(&place)
      .number(lines)
      .number(1)
      .number(n)
      .number(0)
      .number(0)
      .number(0)
      .number(k)
      .number(0)
      .number(0)
      .number(0)
      .number(0)
      .status();
}

Status statusOfMedian(int64_t lines, int64_t n) {
  const float x = 1;
  std::vector<float> values(static_cast<size_t>(lines));
  std::vector<int32_t> places(static_cast<size_t>(lines));
  return Call("kth")
      .array(&x)
      .none()
      .array(values.data())
      .array(places.data())
      .number(lines)
      .number(1)
      .number(n)
      .number(1)
      .number(0)
      .number(0)
      .number(0)
      .number(0)
      .number(0)
      .number(1)
      .number(0)
      .status();
}

void testRows() {
  for (int threads = 1; threads <= 3; ++threads) {
    setNumThreads(threads);
    for (const int64_t lines : {1, 2, 3, 16}) {
      CHECK(statusOfSort(lines, kTooMany, kTooMany) == Status::outOfMemory);
      CHECK(statusOfSort(lines, kTooMany, kTooMany / 4) == Status::outOfMemory);
      CHECK(statusOfMedian(lines, kTooMany) == Status::outOfMemory);
      // The memory that a thread had is gone then, and it gets some again.
      CHECK(statusOfMedian(lines, 100) == Status::ok);
      CHECK(statusOfSort(1, 100, 1) == Status::ok);
    }
  }
}

}  // namespace
}  // namespace test
}  // namespace tilegrad

int main() {
  tilegrad::test::testJointStatus();
  tilegrad::test::testRegions();
  tilegrad::test::testEachUntilFailure();
  tilegrad::test::testBatches();
  tilegrad::test::testRows();
  return tilegrad_test::finish("parallel_test");
}
