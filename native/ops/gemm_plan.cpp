#include "gemm_plan.h"

namespace tilegrad {
namespace {

#ifndef TUNE_KC
#define TUNE_KC 1024
#endif
#ifndef TUNE_MC
#define TUNE_MC 140
#endif
#ifndef TUNE_NC
#define TUNE_NC 2048
#endif
#ifndef TUNE_NARROW
#define TUNE_NARROW 8
#endif
#ifndef TUNE_DM
#define TUNE_DM 256
#endif
#ifndef TUNE_DB
#define TUNE_DB 4.5e6
#endif
constexpr int64_t kBlockBytesDeep = TUNE_KC * 4;
constexpr int64_t kBlockRows = TUNE_MC;
constexpr int64_t kBlockCols = TUNE_NC;
constexpr int64_t kMinPanelsForCopy = 4;
constexpr double kMinWorkPerThread = 200000;
constexpr int64_t kNarrowCols = TUNE_NARROW;
constexpr int64_t kNarrowRows = 32;
constexpr int64_t kDirectRows = TUNE_DM;
constexpr double kDirectBytes = TUNE_DB;
constexpr int64_t kSetBytes = 4096;
constexpr int64_t kCollidingRows = 9;
constexpr double kLevel2Bytes = 1 << 20;

// Whether tiles of several rows read B where it is.
bool readsInPlace(const GemmShape& s, const GemmTiles& tiles) {
  if (s.bCol != 1) return false;
  if (s.m <= tiles.rows) return true;
  const double bytes = static_cast<double>(s.elementBytes);
  if (s.m > kDirectRows ||
      static_cast<double>(s.k) * static_cast<double>(s.n) * bytes > kDirectBytes)
    return false;
  // Rows of B that are a multiple of a power of two apart share cache sets.
  const int64_t pitch = s.bRow * s.elementBytes;
  const double together = static_cast<double>(pitch & -pitch) * static_cast<double>(s.k);
  return together <= (s.m <= 128 ? 4 : 1) * kLevel2Bytes;
}

}  // namespace

bool worthThreads(double multiplyAdds, int threads) {
  return threads > 1 && multiplyAdds >= 2 * kMinWorkPerThread;
}

GemmPlan planGemm(const GemmShape& s, const GemmTiles& tiles, int threads) {
  GemmPlan plan{};
  plan.tileRows = tiles.rows;
  plan.tileCols = tiles.cols;
  plan.threads = 1;
  if (s.m == 0 || s.n == 0) {
    plan.path = GemmPath::empty;
    return plan;
  }
  const double work =
      static_cast<double>(s.m) * static_cast<double>(s.n) * static_cast<double>(s.k);
  if (worthThreads(work, threads)) plan.threads = threads;
  plan.splitRows = s.m > s.n;
  const bool row = s.m == 1 && (s.bCol == 1 || s.bRow == 1);
  const bool column = s.n == 1 && s.plainColumn && (s.aRow == 1 || s.aCol == 1);
  if ((row || column) && !s.prepacked && !s.scaled) {
    plan.path = GemmPath::vector;
    return plan;
  }
  if (s.n <= kNarrowCols && s.m >= kNarrowRows && !s.prepacked && !s.scaled) {
    plan.path = GemmPath::narrow;
    return plan;
  }
  plan.packB = !s.prepacked && !readsInPlace(s, tiles);
  plan.streamB =
      !plan.packB && !s.prepacked &&
      static_cast<double>(s.k) * static_cast<double>(s.n) * static_cast<double>(s.elementBytes) >
          kLevel2Bytes / 2;
  const bool collides = s.m >= kCollidingRows && s.aRow * s.elementBytes % kSetBytes == 0;
  plan.copyA =
      s.scaled || ((s.m > tiles.rows || collides) && s.n >= kMinPanelsForCopy * tiles.cols);
  plan.path = plan.packB || s.prepacked ? GemmPath::packed : GemmPath::direct;
  plan.blockDepth = kBlockBytesDeep / s.elementBytes;
  plan.blockRows = kBlockRows;
  plan.blockCols = kBlockCols;
  return plan;
}

}  // namespace tilegrad
