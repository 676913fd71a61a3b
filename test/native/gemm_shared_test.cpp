// Large products on two and more threads than there are cores, under the thread sanitizer, too: the
// bits are those of one thread. And a panel of B that another thread seems to be packing for ever,
// which no thread may wait for.
#include <algorithm>

#include "../../native/base/thread_pool.h"
#include "../../native/ops/parallel.h"
#include "../../native/ops/product/gemm.h"
#include "../../native/ops/product/gemm_tiled.h"
#include "check.h"
#include "rows.h"

namespace tilegrad {
namespace test {
namespace {

struct Operands {
  std::vector<float> a, b, c;
};

// Random values, of which the first lies at the beginning of a cache line in `memory`.
const float* alignedValues(int64_t count, std::vector<float>* memory) {
  const std::vector<float> values = randomValues<float>(count, 2);
  memory->resize(values.size() + static_cast<size_t>(kCacheLine));
  const auto past = static_cast<int64_t>(reinterpret_cast<uintptr_t>(memory->data())) % kCacheLine;
  float* const to = memory->data() + (kCacheLine - past) / static_cast<int64_t>(sizeof(float));
  std::copy(values.begin(), values.end(), to);
  return to;
}

// Rows of B 4 KB apart, or columns one after the other. It begins at a cache line, as otherwise the
// plan may be another.
Product<float> productOf(int64_t m, int64_t n, int64_t k, bool transposed, Operands* of) {
  of->a = randomValues<float>(m * k, 1);
  constexpr int64_t kPitch = 1024;
  of->c = randomValues<float>(m * n, 3);
  Product<float> g{};
  g.m = m;
  g.n = n;
  g.k = k;
  g.a = of->a.data();
  g.aRow = k;
  g.aCol = 1;
  g.b = alignedValues(transposed ? k * n : k * kPitch, &of->b);
  g.bRow = transposed ? 1 : kPitch;
  g.bCol = transposed ? k : 1;
  g.c = of->c.data();
  g.cRow = n;
  g.alpha = 1;
  g.beta = 1;
  g.finish = {Activation::none, Side::none, 0};
  return g;
}

std::vector<float> multiplied(int64_t m, int64_t n, int64_t k, bool transposed, int threads) {
  setNumThreads(threads);
  Operands of;
  const Product<float> g = productOf(m, n, k, transposed, &of);
  CHECK(multiply(g, threads) == Status::ok);
  return of.c;
}

void testThreads(int64_t m, int64_t n, int64_t k) {
  for (const bool transposed : {false, true}) {
    const std::vector<float> alone = multiplied(m, n, k, transposed, 1);
    for (int round = 0; round < 3; ++round) {
      for (int threads = 2; threads <= 5; ++threads) {
        CHECK(multiplied(m, n, k, transposed, threads) == alone);
      }
    }
  }
}

// All of C as one piece, with panels in the given state.
void testPanels(int64_t m, int64_t n, int64_t k, bool transposed, bool begun) {
  Operands of;
  const Product<float> g = productOf(m, n, k, transposed, &of);
  const GemmPlan plan = planProduct(g, 1);
  CHECK(plan.packB && g.m <= plan.blockRows && g.n <= plan.blockCols && g.k <= plan.blockDepth);
  using Tiled = TiledProduct<float>;
  const int64_t width = plan.tileCols, panels = ceilDiv(n, width);
  constexpr float kUntouched = 77;
  std::vector<float> shared(static_cast<size_t>(panels * width * k), kUntouched);
  std::vector<float> own(static_cast<size_t>(width * k));
  std::vector<float> copy(static_cast<size_t>(m * (k + kCopyPadding) + kPackSlack));
  std::vector<std::atomic<uint8_t>> states(static_cast<size_t>(panels));
  for (auto& state : states) state = begun ? Tiled::kBegun : Tiled::kRaw;
  const Tiled tiled(g, plan);
  tiled.runPiece(tiled.blockAt(0, 0), 0, m, 0, panels, {shared.data(), states.data(), own.data()},
                 plan.copyA ? copy.data() : nullptr, true);
  CHECK(of.c == multiplied(m, n, k, transposed, 1));
  for (const auto& state : states) CHECK(state == (begun ? Tiled::kBegun : Tiled::kReady));
  for (const float x : shared) CHECK(!begun || x == kUntouched);
}

void testLevel() {
  testThreads(300, 320, 150);   // columns, in three blocks of rows
  testThreads(700, 70, 300);    // rows
  testThreads(150, 200, 1100);  // two blocks of steps
  for (const bool transposed : {false, true}) {
    for (const bool begun : {false, true}) {
      testPanels(135, 512, 1024, transposed, begun);
      testPanels(140, 517, 1000, transposed, begun);
    }
  }
}

}  // namespace
}  // namespace test
}  // namespace tilegrad

int main() {
  tilegrad::test::testLevel();
  return tilegrad_test::finish("gemm_shared_test");
}
