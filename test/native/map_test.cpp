// How elementwise rows are cut between threads: by the bytes of all operands, each of its own size.
// Kernels of the test's own note which pieces they are given.
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "../../native/base/thread_pool.h"
#include "../../native/ops/elementwise/map.h"
#include "../../native/ops/parallel.h"
#include "compare.h"

namespace tilegrad {
namespace test {
namespace {

struct Piece {
  int64_t begin, count;
};

// Two operands of 8 and 2 bytes and a result of 1 byte.
constexpr int64_t kItemBytes = 8 + 2 + 1;

Map mapOf(int64_t share) { return {2, {8, 2, 1}, 0, share}; }

// The low byte of both.
uint8_t resultOf(const void* wide, const void* narrow) {
  uint64_t a = 0;
  uint16_t b = 0;
  memcpy(&a, wide, sizeof a);
  memcpy(&b, narrow, sizeof b);
  return static_cast<uint8_t>(a + b);
}

struct Operands {
  std::vector<uint64_t> wide;
  std::vector<uint16_t> narrow;
  std::vector<uint8_t> y;

  explicit Operands(int64_t n)
      : wide(static_cast<size_t>(n)), narrow(static_cast<size_t>(n)), y(static_cast<size_t>(n)) {
    Values values(static_cast<uint64_t>(n));
    for (uint64_t& v : wide) v = values.bits();
    for (uint16_t& v : narrow) v = static_cast<uint16_t>(values.bits());
  }
};

Command commandOf(Operands& operands) {
  Command c;
  memset(&c, 0, sizeof c);
  c.data[0] = operands.wide.data();
  c.data[1] = operands.narrow.data();
  c.data[2] = operands.y.data();
  return c;
}

// The pieces of n neighbours, in order; results are checked.
std::vector<Piece> piecesOf(int64_t n, int64_t share) {
  Operands operands(n);
  Command c = commandOf(operands);
  c.geometry.rank = 1;
  c.geometry.shape[0] = n;
  for (int k = 0; k < 3; ++k) c.geometry.stride[k][0] = 1;
  std::vector<Piece> pieces;
  std::mutex mutex;
  const auto kernel = [&](int64_t count, const void* const* in, const int64_t*, void* to) {
    const auto* const a = static_cast<const uint64_t*>(in[0]);
    const auto* const b = static_cast<const uint16_t*>(in[1]);
    auto* const y = static_cast<uint8_t*>(to);
    for (int64_t i = 0; i < count; ++i) y[i] = resultOf(a + i, b + i);
    const std::lock_guard<std::mutex> lock(mutex);
    pieces.push_back({y - operands.y.data(), count});
  };
  expect(runMap(c, mapOf(share), kernel) == Status::ok, "no status");
  bool good = true;
  for (size_t i = 0; i < operands.y.size(); ++i) {
    good = good && operands.y[i] == resultOf(&operands.wide[i], &operands.narrow[i]);
  }
  expect(good, "operands of several sizes, " + std::to_string(n) + " values");
  return pieces;
}

void testNeighbours(int64_t share, const std::string& name) {
  const int64_t line = kCacheLine;  // of results, which have a byte each
  const int64_t least = (share / kItemBytes + line - 1) / line * line;
  for (const int64_t n : {int64_t{1}, least, 2 * least - 1}) {
    expect(piecesOf(n, share).size() == 1, name + ": less than two shares were cut");
  }
  // So many that waking a thread always pays.
  constexpr int64_t kShares = 64;
  const std::vector<Piece> pieces = piecesOf(kShares * least + 5, share);
  expect(static_cast<int64_t>(pieces.size()) >= 2, name + ": 64 shares were not cut");
  for (const Piece& piece : pieces) {
    expect(piece.begin % line == 0, name + ": a piece begins within a cache line");
    expect(piece.count >= least, name + ": a piece is less than a share");
    expect(piece.count < 3 * least, name + ": a piece is more than a few shares");
  }
}

// How many threads compute y[i][j] of a[j][i] and b[i][j], which goes through tiles. The first to
// come waits so long for another.
int threadsOfTiles(int64_t rows, int64_t cols, std::chrono::milliseconds wait) {
  Operands operands(rows * cols);
  Command c = commandOf(operands);
  c.geometry.rank = 2;
  c.geometry.shape[0] = rows;
  c.geometry.shape[1] = cols;
  for (int k = 0; k < 3; ++k) {
    c.geometry.stride[k][0] = k == 0 ? 1 : cols;
    c.geometry.stride[k][1] = k == 0 ? rows : 1;
  }
  const std::thread::id caller = std::this_thread::get_id();
  std::atomic<bool> other{false};
  bool waited = false;  // the caller's
  const auto kernel = [&](int64_t count, const void* const* in, const int64_t*, void* to) {
    const auto* const a = static_cast<const uint64_t*>(in[0]);
    const auto* const b = static_cast<const uint16_t*>(in[1]);
    auto* const y = static_cast<uint8_t*>(to);
    for (int64_t i = 0; i < count; ++i) y[i] = resultOf(a + i, b + i);
    if (std::this_thread::get_id() != caller) {
      other = true;
    } else if (!waited) {
      waited = true;
      const auto end = std::chrono::steady_clock::now() + wait;
      while (!other && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    }
  };
  expect(runMap(c, mapOf(kLightShare), kernel) == Status::ok, "no status");
  bool good = true;
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) {
      const auto at = static_cast<size_t>(i * cols + j);
      const auto turned = static_cast<size_t>(j * rows + i);
      good = good && operands.y[at] == resultOf(&operands.wide[turned], &operands.narrow[at]);
    }
  }
  expect(good, "tiles of " + std::to_string(rows) + " x " + std::to_string(cols));
  return other ? 2 : 1;
}

void testTiles() {
  using std::chrono::milliseconds;
  // 8.7 MB, 33 light shares: 82 us, for which sleeping threads are woken.
  expect(threadsOfTiles(1024, 770, milliseconds(20000)) == 2, "8.7 MB of tiles were not cut");
  // 0.45 MB in 40 tiles: less than two shares.
  expect(threadsOfTiles(160, 256, milliseconds(50)) == 1, "less than two shares of tiles were cut");
}

}  // namespace
}  // namespace test
}  // namespace tilegrad

int main() {
  using namespace tilegrad::test;
  for (const tilegrad::Level level : availableLevels()) {
    tilegrad::setLevel(level);
    for (int threads = 2; threads <= 3; ++threads) {
      tilegrad::setNumThreads(threads);
      testNeighbours(tilegrad::kLightShare, "light");
      testNeighbours(tilegrad::kHeavyShare, "heavy");
      testNeighbours(tilegrad::kSlowShare, "slow");
    }
    tilegrad::setNumThreads(2);
    testTiles();
  }
  return finish("map");
}
