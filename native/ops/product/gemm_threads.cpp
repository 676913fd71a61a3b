// Reasons are measurements on two cores of a Zen 5 server with AVX-512, in GFLOP/s of float32 where
// nothing else is said.
#include "gemm_threads.h"

#include "../../base/thread_pool.h"

namespace tilegrad {
namespace {

// With so few steps the time goes into writing C, and B is read twice for next to nothing. Cut at
// columns, threads would write to one cache line in every row whose length is no multiple of it.
constexpr int64_t kFewStepsToShare = 8;
constexpr int64_t kRowsToShare = 8;

// Small products are cut along the rows where that leaves each thread some: a line of C that two
// threads write to goes back and forth between their cores, and cut at columns there is one in
// every row that begins within a line. On two threads (us, rows and columns): 19 x 76 x 129 1.34
// and 1.55, 64 cubed 1.42 and 1.52, 17 x 160 x 160 2.30 and 2.56, 24 x 50 x 100 0.85 and 0.91, 96
// cubed 4.92 and 5.27, 28 x 64 x 512 4.35 and 4.58. Long rows and larger products gain nothing (20
// x 20 x 700 2.07 and 1.87; 64 x 64 x 784 15.1, 15.1).
constexpr double kSmallToShare = 1e6;
constexpr int64_t kSmallRowsToShare = 6;
constexpr int64_t kSmallColsPerRow = 16;

// How much larger than an even share the largest may be.
constexpr double kUnevenShare = 1.02;

// Multiply-adds that a thread has to have. A region costs 0.2 us when the other threads still spin
// after the last one: then 0.4 us of work for each are enough (64 cubed: 235 on one thread, 393 on
// two; 1 x 784 x 128: 69 and 116).
constexpr double kMinWorkPerThread = 50000;
// How fast one thread is at best: what is worth waking others for takes no less time than that.
constexpr double kMultiplyAddsPerNanosecond = 120;
constexpr double kBytesPerNanosecond = 80;

// Multiply-adds of a piece, 8 us: what a thread may have to wait for. With 16 times as many 128 x
// 1324 x 1853 took 1.08 times as long beside a process on one of two cores; elsewhere, and without
// one, there was no difference. A share of fewer than four pieces ends too soon to be late.
constexpr double kPieceWork = 1e6;
constexpr int64_t kLeastPieces = 4;

// Whether threads share the rows of C. Its longer side is cut, but columns, which come in
// registers, only where that leaves no thread with much more than its share: 150 x 1942 x 280 cut
// at 144 columns keeps the second thread idle for 6 % of the time, at 75 rows not at all. Rows that
// are few are not cut: every thread would read all of B for them.
bool splitsRows(const GemmShape& s, const GemmTiles& tiles, int threads) {
  if (s.m > s.n) return true;
  if (s.k <= kFewStepsToShare && s.m >= kRowsToShare * threads) return true;
  if (s.bCol == 1 && s.m >= kSmallRowsToShare * threads && s.n <= kSmallColsPerRow * s.m &&
      s.multiplyAdds() <= kSmallToShare) {
    return true;
  }
  if (s.bCol != 1 || s.m < 2 * threads * tiles.rows) return false;
  const int64_t grain = 64 / s.elementBytes, shares = (s.n + grain - 1) / grain;
  const int64_t largest = (shares + threads - 1) / threads * grain;
  return static_cast<double>(largest * threads) > kUnevenShare * static_cast<double>(s.n);
}

}  // namespace

bool worthThreads(double multiplyAdds, int threads, double bytes) {
  if (threads == 1 || multiplyAdds < 2 * kMinWorkPerThread) return false;
  const double arithmetic = multiplyAdds / kMultiplyAddsPerNanosecond;
  const double reading = bytes / kBytesPerNanosecond;
  return worthRegion(threads, arithmetic > reading ? arithmetic : reading);
}

GemmCut cutOf(const GemmShape& s, const GemmTiles& tiles, int threads) {
  const bool rows = splitsRows(s, tiles, threads);
  return {rows, rows ? 1 : s.prepacked ? tiles.cols : 64 / s.elementBytes};
}

GemmShape largestShare(const GemmShape& s, const GemmCut& cut, int threads) {
  GemmShape share = s;
  int64_t& size = cut.rows ? share.m : share.n;
  size = min64(size, roundUp(ceilDiv(size, threads), cut.grain));
  return share;
}

int64_t piecePanels(const GemmShape& share, const GemmPlan& plan) {
  const bool inBlocks = (plan.path == GemmPath::direct || plan.path == GemmPath::packed) &&
                        !plan.ahead && !plan.strips && !plan.shortDepth &&
                        (plan.packB || plan.copyA || share.m > plan.tileRows);
  if (!inBlocks) return 0;
  const int64_t rows = min64(share.m, plan.blockRows), depth = min64(share.k, plan.blockDepth);
  const int64_t panel = rows * depth * plan.tileCols;
  const int64_t count = static_cast<int64_t>(kPieceWork) / panel + 1;
  const int64_t panels = ceilDiv(share.m, plan.blockRows) * ceilDiv(share.n, plan.tileCols);
  return panels >= kLeastPieces * count ? count : 0;
}

}  // namespace tilegrad
