// Which path, tiles and blocks a product takes; how many threads share it is in gemm_threads.cpp.
// Reasons are measurements on a Zen 5 server core with AVX-512 (48 KB of first-level, 1 MB of
// second-level and a share of 32 MB of third-level cache; limit 245 GFLOP/s), in GFLOP/s of
// float32.
#include "gemm_plan.h"

#include "gemm_blocks.h"
#include "gemm_threads.h"

namespace tilegrad {
namespace {

// Blocks of the tiled paths. 1024 steps of a panel 32 wide are 128 KB, those of 140 rows of A 560
// KB: together two thirds of the second-level cache. Between 384 x 350 and 1024 x 140 (steps x
// rows), 1024 cubed varied by less than the noise of 2 %; fewer and longer steps are chosen because
// they visit C less often, which counts when its memory is slow (2048 cubed, beside a busy core:
// 217 with 512 x 280, 222 with these).
constexpr int64_t kBlockBytesDeep = 4096;  // of one column of B
constexpr int64_t kBlockRows = 140;        // 10 of the tallest tiles
// 4096 columns by 1024 steps of packed B are 16 MB, which stream from the third-level cache (or,
// where it is smaller, from memory) at 1 byte a cycle. A is copied once for each such block: 4096
// cubed 237 with 1024 columns, 229 with 2048, 241 with 4096 (medians that vary by 2 %); again later
// 227, 227, 231 and on two threads 452, 443, 451.
constexpr int64_t kBlockCols = 4096;

// A block of A is copied, to rows that don't share cache sets, when 4 panels or more pass over it.
// Rows a multiple of 4 KB apart do share them: from 9 rows on they and B exceed the 12 ways of the
// first-level cache, so that even one tile's rows are copied (14 x 1024 x 1024 with A 4 KB apart:
// 178, copied 241).
constexpr int64_t kMinPanelsForCopy = 4;
constexpr int64_t kSetBytes = 4096;
constexpr int64_t kCollidingRows = 9;

// Up to two tiles of rows, B is read where it is: a packed panel would be used once. 28 x 1024 x
// 1024: 203 packed, 227 in place; 20 x 2000 x 2000: 157 packed, 229 in place. With more rows it
// depends on whether rows of B collide: 40 x 1000 x 1000 216 packed, 239 in place, but 128 x 1024 x
// 1024 231 packed, 209 in place. From 256 rows on packing, which the first tile does as it goes,
// costs too little to matter. In place it is faster at all of them, with B at cache lines or not:
// time in panels over that in place 1.04 to 1.11 with 32 to 120 rows (11 products with B of 0.6 to
// 10 MB: 59 x 1690 x 860 795 and 728 us), 1.02 with 130 to 250 (15 products; 205 x 979 x 1220 2086
// and 1999, 130 x 900 x 2500 2613 and 2637), none below 0.98.
constexpr int kUnpackedTiles = 2;
constexpr int64_t kDirectRows = 256;
// Rows of B a multiple of 2^i bytes apart share 2^i-th of the cache sets: `k` of them need 2^i * k
// bytes of cache to stay. 42 x 784 x 512 (1.6 MB) is faster in place, 64 x 1024 x 1024 (4 MB)
// packed.
constexpr double kCollidingBytes = 2 << 20;

// So few steps are a tile of 1800 cycles or less: B is read in place, and nothing is copied or
// fetched ahead. 17 x 3 x 1249: 52, 85 so; 300 x 64 x 300: 221, 227; 300 x 128 x 300: 218, 228.
constexpr int64_t kShortDepth = 128;
// From 15 rows on such products take tiles of 6 x 64 (us before and after: 500 x 64 x
// 64 18.3, 17.9; 64 x 64 x 512 18.2, 17.8; 1000 x 10 x 128 19.4, 16.5; 8 to 14 rows by 64 x 256
// lose up to 8 %), and of twice as many steps where B stays in half of the second-level cache, too
// (467 x 132 x 320 180, 170; 256 x 256 x 256 154, 145; 300 x 200 x 500 273, 263).
constexpr int64_t kShortWideDepth = 256;
// A larger B goes in strips: 200 x 128 x 2000 449 in tall tiles, 452 in wide ones along all
// columns, 434 in strips of a tile's width; of 64, 128 and 256 KB they take, over those of a tile's
// width, 0.97, 0.96, 0.96 of the time (18 products of 20 to 250 rows and 8 to 128 steps; 100 x 10 x
// 20000 222, 198, 195, 197; 64 x 100 x 2000 107, 107, 106, 105), since rows of C are written in
// longer runs. That counts most where C is beyond the caches: 1000 x 30 x 8000 4317, 2096; 500 x 10
// x 20000 3217, 1785.
constexpr int64_t kWideStripBytes = 256 << 10;

// More rows than tiles read in place without a copy (kDirectRows) repay one of such a strip, whose
// rows then begin at cache lines and don't collide. Wide tiles do so for more steps: panels, and
// strips of 256 KB (us): 1945 x 163 x 1290 3647, 3520; 1500 x 270 x 1500 5330, 5132; 600 x 512 x
// 1024 2679, 2638; 1000 x 700 x 1300 8036, 7849; 1078 x 200 x 2017 3929, 3766; 270 x 600 x 600 815,
// 820; in place and so 1000 x 64 x 2100 1149, 1111; 300 x 64 x 4096 705, 657; 2000 x 100 x 2000
// 3227, 3281. Strips of 384, 512 and 640 KB were within 2 %. What tall tiles lack are stores of C
// that begin within a line, as they do in every row here (1945 x 163 x 1280: C moved by 16 bytes
// 0.89 of the speed, in wide tiles 0.97), and wide ones in place loads of B that do (0.93). With
// fewer steps nothing is gained by a copy (1000 x 30 x 8000 2096, 2104), nor with more by wide
// tiles (1000 cubed 8360, 8253; 1024 cubed 8921, 9021), nor where B is small (300 x 128 x
// 300 96.7, 99.5). Fewer rows lose: 200 x 512 x 1024 850, 873; 150 x 700 x 1100 945, 983; 100 x 100
// x 2000 168, 173.
// With no more steps than wide tiles read in place anyhow, it takes more rows: 300 x 64 x 1100 of
// float64 413, 477; 270 x 100 x 1500 336, 338; 1000 x 120 x 1280 1273, 1266.
constexpr int64_t kCopiedLeastDepth = 64;
constexpr int64_t kCopiedRowsOfFewSteps = 512;
constexpr int64_t kCopiedMostDepth = 768;
// A thread's share in strips can't be taken over by another that is done; with more steps than
// these strips save nothing that would make up for it. On two threads (us, strips and pieces): 1945
// x 163 x 1290 1874, 2015; 1078 x 200 x 2017 1968, 2081; 1500 x 270 x 1500 2778, 2806; 1000 x 700 x
// 1300 4117, 4147; 2000 x 512 x 2000 9537, 9189.
constexpr int64_t kCopiedMostDepthOfShare = 256;

// A B that is contiguous along k is transposed to be packed, and up to this many rows don't
// outweigh that: pieces of panels are packed into the first-level cache and used up from there. 128
// steps of 32 columns are 16 KB, a third of it. 32 x 784 x 128 (NT): 173 in whole panels, 187 in
// strips of 64 or 128 steps, 175 of 256; 64 x 1024 x 1024 181, 199; 128 x 1024 x 1024 202, 206; 256
// x 784 x 128 219, 211. All of A is read once for each panel, so that it has to stay in the
// second-level cache.
constexpr int64_t kStripRows = 128;
constexpr int64_t kStripBytesDeep = 512;  // of one column of B
constexpr int64_t kStripBytesOfA = 1 << 20;

// A B that is contiguous along k and of which each value is used more often than there are steps is
// transposed at once, in strips that stay in the second-level cache, and then read in place. 512 x
// 10 x 128 (NT): 132 in panels, 202 so (NN 206); 32 x 10 x 128 104, 144 (NN 178); 512 x 128 x 784
// 224, 231 (NN 239); 64 x 64 x 784 208, 211. With more steps, 32 x 48 x 784 186, 184. Strips of 64
// and 256 KB differ by less than 4 %, in both directions.
constexpr int64_t kTransposedBytes = 128 << 10;
// Up to the rows of the dot path that is no better (5 x 7 x 700 2.1 us, 1.9 by `dot`; 8 x 10 x 128
// 0.67 and 0.69), and `narrow` has `dot` store C in place.

// With more steps than rows, and up to this many rows, it is C that is turned: B's values are read
// one by one, to be broadcast, and A is transposed instead. In panels and so: 16 x 1000 x 1000 153,
// 193; 32 x 128 x 784 191, 220 (NN 237); 32 x 1024 x 1024 184, 237 (NN 197); 64 x 512 x 512 200,
// 226; 128 x 1024 x 1024 205, 227. Fewer steps don't repay turning C: 32 x 32 x 784 179, 186; 32 x
// 48 x 784 187, 194; 16 x 48 x 784 161, 161.
constexpr int64_t kTurnedMostRows = 128;
constexpr int64_t kTurnedStepBytes = 192;  // of one column of B
// Columns of C (rows of C^T) that a tile takes: 4 KB apart, those of the tallest tile would exceed
// the 12 ways of the first-level cache. 32 x 1024 x 1024 220 with 14, 193 with 14 that are copied
// together first, 232 with 10 or 8; 32 x 128 x 784 222, 159, 225, 222.
constexpr int64_t kTurnedRows = 10;
// Tiles whose part of C^T is turned back at a time: with 128 rows of C it has 40 KB.
constexpr int64_t kTurnedTiles = 8;
// As long as lanes of C^T's vectors are not wasted: 14 rows, but not 13; 28, but not 27. 24 x 128 x
// 784 166, 165; 40 x 128 x 784 182, 158; 56 x 128 x 784 193, 183.
constexpr int64_t kTurnedBytes = 64;  // of a row of C^T
constexpr double kTurnedFull = 0.875;

// Few columns leave most lanes of a vector along a row of C empty. C^T = B^T A^T has full ones, at
// the price of a transposition of C. With A contiguous along its rows (NN) 128 x 512 x 10 went from
// 130 to 154 and 64 x 64 x 2 from 24 to 53; with short rows and more than 4 columns it was a loss
// (1500 x 30 x 10: 116 to 62; see below). With A contiguous along its columns (TN: a weight's
// gradient) 128 x 512 x 10 went from 126 to 234, 1500 x 30 x 10 from 112 to 131; 15 columns fill a
// vector of 16.
constexpr int64_t kNarrowRows = 8;             // 28 x 926 x 4: 53, 94 so
constexpr int64_t kNarrowRowsOfFewSteps = 32;  // 20 x 30 x 4: 36, 30 so
constexpr int64_t kFewSteps = 64;
constexpr int64_t kNarrowCols = 14;
constexpr int64_t kNarrowDepth = 256;
// Where C is turned by registers (float32 on AVX-512), up to 8 columns always pay (us: 400 x 4 x 5
// 1.18, 0.76 so; 1999 x 7 x 6 4.4, 3.3; 400 x 32 x 6 3.0, 2.3; 400 x 128 x 8 9.2, 5.7; 400 x 2 x 8
// 0.76, 0.83), and more from this depth on (400 x 16 x 10 1.83, 1.92; 400 x 48 x 10 3.98, 3.44;
// 1000 x 180 x 12 31, 26).
constexpr int64_t kNarrowDepthInRegisters = 48;
constexpr int64_t kTurnedCols = 8;
// With A contiguous along its columns C is turned value by value unless it is done by registers,
// and the fewer the steps, the more that counts: direct and so (us, AVX-512) 128 x 8 x 10 0.37,
// 1.08; 128 x 32 x 10 0.86, 1.33; 128 x 64 x 10 1.41, 1.18; 1000 x 16 x 14 3.4, 6.1; 1000 x 64 x 14
// 11.3, 11.5; 128 x 8 x 4 0.38, 0.51; 128 x 32 x 4 0.77, 0.53; 128 x 4 x 3 0.23, 0.24; 128 x 8 x 3
// 0.30, 0.25.
constexpr int64_t kNarrowSteps = 4;  // for each column
constexpr int64_t kNarrowColsOfFewSteps = 3;
constexpr int64_t kNarrowStepsOfFewCols = 2;
// One step alone is not worth transposing anything: 1025 x 1 x 5 5.3, 8.3 so. With two there is no
// difference (1092 x 2 x 2: 6.0, 5.8 so).
constexpr int64_t kNarrowLeastDepth = 2;

// A few rows by a B from beyond the second-level cache: rows of B are read to their end. Tiles
// against that, on one thread, in two or three processes each, since the speed of tiles depends on
// how pages lie in memory (us): 8 x 1024 x 1024 142, 138, 137 against 96, 92, 97; 4 x 1024 x 1024
// 113, 100, 74 against 62, 57, 58; 8 x 4096 x 4096 4001, 3932 against 2818, 2223; 8 x 768 x 3072
// 331, 203 against 218, 208. Rows shorter than 1 KB don't give the CPU's prefetchers time to
// follow. Tiles of 5, 6 and 7 rows are wide for their number of FMAs and not slower (5 x 1024 x
// 1024 97, 62 against 81, 78; 7 77 against 89), and of 4 rows or fewer by a B from memory neither
// (4 x 4096 x 4096 2510, 2548 against 3592, 3318), which prefetch ahead.
constexpr int64_t kStreamRowBytes = 1024;
constexpr int kStreamAnyRows = 8;               // however large B is
constexpr int kStreamRowsFromCache = 4;         // up to these, and
constexpr double kStreamCacheBytes = 16 << 20;  // half of the third-level cache

// One to four columns beyond whole registers take a tile as long as sixteen. As a narrow product
// beside the others they take less than half of that (us, on AVX-512): 180 x 42 x 36 3.99, 3.40 so;
// 180 x 42 x 100 8.33, 7.73; 1000 x 300 x 36 131, 107; 300 x 1000 x 100 289, 259; 478 x 416 x 355
// 634, 616. With five to eight there is no difference (100 x 100 x 104 10.1 and 10.0), and short
// products lose (1000 x 16 x 20 5.3, 5.7 so).
constexpr int64_t kEdgeCols = 4;
constexpr int64_t kEdgeRows = 32;
constexpr int64_t kEdgeDepth = 16;

// Some rows by a B from beyond the second-level cache, in blocks that are requested in the order of
// B's rows while the block before is in use. Times over those without, on one thread, with B used
// before (and with 32 MB read in between):
// - B at lines of the cache: 32 x 4096 x 1024 0.94 (0.99), 32 x 512 x 4096 0.93 (0.82), 28 x 4096 x
//   1024 0.86 (0.70), 64 x 4096 x 1024 1.01 (1.03), 14 x 4096 x 1024 1.2 (1.0 to 1.5), and of 4 MB
//   32 x 1024 x 1024 1.04 (0.98), 64 x 1024 x 1024 1.03 (0.97);
// - B elsewhere, as in an array of the user's, whose loads each touch two lines: 32 x 4096 x 1024
//   0.63 (0.74), 14 x 4096 x 1024 0.54 (0.65), 64 x 4096 x 1024 0.70 (0.95), and of 4 MB with rows
//   that share cache sets 16 x 1024 x 1024 0.85 (0.61), 32 x 1024 x 1024 0.87 (0.78), 100 x 1024 x
//   1024 0.93 (0.92), with others 28 x 1000 x 1000 1.23 (0.72), 64 x 1000 x 1000 1.06 (0.9).
// 8 rows and fewer lose (8 x 1024 x 1024 1.2, 8 x 4096 x 4096 1.6).
constexpr int64_t kAheadLeastRows = 9;
constexpr int64_t kAheadMostRows = 64;
constexpr int64_t kAheadMostShiftedRows = 140;
constexpr double kAheadBytes = 8 << 20;
// 128 KB, or 256: with two of them a quarter or half of the second-level cache. Of 32 x 4096 x 1024
// (us) 128 steps by 256 columns take 1351, by 512 1289, 64 by 1024 1382, 256 by 256 1343; not in
// cache 1368, 1378, 1460, 1441, and 256 by 512 1641, as what comes first isn't asked for. With 64
// rows more steps are better, which go through C less often (64 x 1024 x 1024: 651, 624).
constexpr int64_t kAheadBytesWide = 1024;
constexpr int64_t kAheadDepth = 128;
constexpr int64_t kAheadFewRows = 40;
constexpr int64_t kAheadDepthOfMore = 256;

// Rows that tiles read as streams from beyond the second-level cache: half of it is left for A and
// C.
bool streams(const GemmShape& s) {
  constexpr double kLevel2Bytes = 1 << 20;
  return s.bytesOfB() > kLevel2Bytes / 2;
}

// Whether wide tiles do better than tall ones, as they do with few steps.
bool isWide(const GemmShape& s, const GemmTiles& tiles) {
  if (tiles.shortRows == 0 || s.m <= tiles.rows || s.n < tiles.shortCols || s.prepacked ||
      s.scaled || s.bCol != 1) {
    return false;
  }
  if (s.k <= kShortDepth) return true;
  return s.k <= kShortWideDepth && !streams(s) && s.bRow * s.elementBytes % kSetBytes != 0;
}

// Whether B is copied in strips that wide tiles read.
bool isCopied(const GemmShape& s, const GemmTiles& tiles, bool isShare) {
  const int64_t mostDepth = isShare ? kCopiedMostDepthOfShare : kCopiedMostDepth;
  return tiles.shortRows > 0 && s.bCol == 1 && s.k >= kCopiedLeastDepth && s.k <= mostDepth &&
         s.m > (s.k <= kShortDepth ? kCopiedRowsOfFewSteps : kDirectRows) && streams(s);
}

// Columns of a strip of B that stays in the second-level cache, in whole wide tiles.
int64_t stripCols(const GemmShape& s, const GemmTiles& tiles) {
  return kWideStripBytes / s.elementBytes / s.k / tiles.shortCols * tiles.shortCols;
}

// Whether tiles read B where it is.
bool readsInPlace(const GemmShape& s, const GemmTiles& tiles) {
  if (s.bCol != 1) return false;
  if (s.m <= kUnpackedTiles * tiles.rows || s.k <= kShortDepth || isWide(s, tiles)) return true;
  const int64_t pitch = s.bRow * s.elementBytes;
  const double together = static_cast<double>(pitch & -pitch) * static_cast<double>(s.k);
  return s.m <= kDirectRows && together <= kCollidingBytes;
}

// Steps from which few columns by an A that is contiguous along its columns are turned.
int64_t leastDepthAlongRows(int64_t n) {
  return n * (n <= kNarrowColsOfFewSteps ? kNarrowStepsOfFewCols : kNarrowSteps);
}

// Whether C^T is computed.
bool isNarrow(const GemmShape& s, const GemmTiles& tiles) {
  // Fewer columns than rows: otherwise C^T, which has a plan of its own, might be turned again.
  if (s.n >= s.m || s.k < kNarrowLeastDepth) return false;
  if (s.m < (s.k < kFewSteps ? kNarrowRowsOfFewSteps : kNarrowRows)) return false;
  if (s.aRow == 1) return s.n <= kNarrowCols && s.k >= leastDepthAlongRows(s.n);
  if (s.aCol != 1 || s.n > tiles.dotRows) return false;
  const bool inRegisters = tiles.narrowCols >= kTurnedCols;
  return s.n <= tiles.narrowCols || s.k >= (inRegisters ? kNarrowDepthInRegisters : kNarrowDepth);
}

// Whether panels are packed and used piece by piece.
bool inStrips(const GemmShape& s) {
  return s.bRow == 1 && s.bCol != 1 && !s.scaled && s.k > 0 && s.m <= kStripRows &&
         s.k <= kStripBytesOfA / s.elementBytes / s.m;
}

bool isAlongSteps(const GemmShape& s) { return s.bRow == 1 && s.bCol != 1 && !s.scaled; }

// Whether all of B is transposed at once.
bool isTransposed(const GemmShape& s, const GemmTiles& tiles) {
  return isAlongSteps(s) && s.m > tiles.dotRows && s.k >= 2 && s.n >= 2 &&
         s.k <= min64(s.m, kShortDepth);
}

// Whether C^T is computed by tiles that read B as it is.
bool isTurned(const GemmShape& s) {
  if (!isAlongSteps(s) || s.m > kTurnedMostRows || s.m > s.n) return false;
  if (s.k * s.elementBytes < kTurnedStepBytes) return false;
  const int64_t lanes = roundUp(s.m, kTurnedBytes / s.elementBytes);
  return static_cast<double>(s.m) >= kTurnedFull * static_cast<double>(lanes);
}

// Whether rows of B are read to their end.
bool readsRows(const GemmShape& s, const GemmTiles& tiles) {
  if (s.m > tiles.streamRows || s.bCol != 1) return false;
  if (s.n * s.elementBytes < kStreamRowBytes) return false;
  return streams(s) && (s.m == kStreamAnyRows ||
                        (s.m <= kStreamRowsFromCache && s.bytesOfB() <= kStreamCacheBytes));
}

// Whether B is used in blocks that are requested in order.
bool asksAhead(const GemmShape& s, const GemmTiles& tiles) {
  if (s.prepacked || s.bCol != 1 || s.m < kAheadLeastRows || s.m > kAheadMostShiftedRows) {
    return false;
  }
  if (s.k <= kShortDepth || s.n * s.elementBytes < kAheadBytesWide || !streams(s)) return false;
  const bool large = s.bytesOfB() >= kAheadBytes;
  if (s.aligned) return large && s.m > tiles.rows && s.m <= kAheadMostRows;
  return large || (s.m > tiles.rows && s.bRow * s.elementBytes % kSetBytes == 0);
}

// Columns that whole registers leave, when they are few enough to be a narrow product of their own.
int edgeCols(const GemmShape& s, const GemmTiles& tiles) {
  if (tiles.narrowCols < kTurnedCols || s.n <= tiles.cols || s.m < kEdgeRows || s.k < kEdgeDepth) {
    return 0;
  }
  const bool collides = s.bCol == 1 && s.bRow * s.elementBytes % kSetBytes == 0;
  if (s.prepacked || s.scaled || s.aCol != 1 || s.aRow == 1 || collides) return 0;
  const int64_t edge = s.n % (64 / s.elementBytes);
  return edge <= kEdgeCols ? static_cast<int>(edge) : 0;
}

void planTransposed(const GemmShape& s, const GemmTiles& tiles, GemmPlan* plan) {
  plan->path = GemmPath::packed;
  if (tiles.shortRows > 0 && s.m > tiles.rows) plan->shortCols = s.n;
  plan->packB = plan->shortDepth = true;
  plan->blockRows = s.m;
  plan->blockDepth = s.k;
  plan->blockCols = kTransposedBytes / s.elementBytes / s.k;
}

// Strips as wide as kWideStripBytes allows; see runInStrips() of gemm.cpp.
void planCopied(const GemmShape& s, const GemmTiles& tiles, GemmPlan* plan) {
  plan->path = GemmPath::packed;
  plan->packB = plan->shortDepth = true;
  plan->blockRows = s.m;
  plan->blockDepth = s.k;
  plan->blockCols = plan->shortCols = stripCols(s, tiles);
  plan->edgeCols = edgeCols(s, tiles);
}

void planTurned(const GemmShape& s, const GemmTiles& tiles, GemmPlan* plan) {
  plan->path = GemmPath::turned;
  plan->copyA = true;
  plan->tileRows = static_cast<int>(min64(tiles.rows, kTurnedRows));
  plan->blockRows = s.m;
  plan->blockDepth = kBlockBytesDeep / s.elementBytes;
  plan->blockCols = kTurnedTiles * plan->tileRows;
}

void planAhead(const GemmShape& s, const GemmTiles& tiles, GemmPlan* plan) {
  plan->ahead = plan->copyA = true;
  plan->packB = s.m > tiles.rows;
  plan->path = plan->packB ? GemmPath::packed : GemmPath::direct;
  plan->blockRows = s.m;
  plan->blockDepth = s.m <= kAheadFewRows ? kAheadDepth : kAheadDepthOfMore;
  plan->blockCols = kAheadBytesWide / s.elementBytes;
}

// All other products: B in place or in panels.
void planTiles(const GemmShape& s, const GemmTiles& tiles, GemmPlan* plan) {
  plan->packB = !s.prepacked && !readsInPlace(s, tiles);
  plan->path = plan->packB || s.prepacked ? GemmPath::packed : GemmPath::direct;
  const bool wide = isWide(s, tiles);
  plan->shortDepth = wide || (!plan->packB && !s.prepacked && s.k <= kShortDepth);
  if (wide) plan->shortCols = streams(s) ? stripCols(s, tiles) : s.n;
  plan->streamB = !plan->packB && !s.prepacked && streams(s);
  const bool collides = s.m >= kCollidingRows && s.aRow * s.elementBytes % kSetBytes == 0;
  plan->copyA = s.scaled || (!plan->shortDepth && (s.m > tiles.rows || collides) &&
                             s.n >= kMinPanelsForCopy * tiles.cols);
  plan->strips = plan->packB && inStrips(s);
  plan->blockRows = kBlockRows;
  plan->blockDepth = (plan->strips ? kStripBytesDeep : kBlockBytesDeep) / s.elementBytes;
  plan->blockCols = kBlockCols;
  plan->edgeCols = edgeCols(s, tiles);
}

// The plan of one thread, for a product of its own or for its share of one.
GemmPlan planAlone(const GemmShape& s, const GemmTiles& tiles, bool isShare) {
  GemmPlan plan;  // field by field: see tileFor() of gemm_tile.h
  plan.tileRows = tiles.rows;
  plan.tileCols = tiles.cols;
  plan.threads = 1;
  plan.column = plan.shortDepth = plan.packB = plan.copyA = plan.strips = plan.streamB = false;
  plan.ahead = plan.splitRows = false;
  plan.shortCols = plan.blockRows = plan.blockCols = plan.blockDepth = 0;
  plan.edgeCols = 0;
  plan.shareGrain = plan.piecePanels = 0;
  if (s.m == 0 || s.n == 0) {
    plan.path = GemmPath::empty;
    return plan;
  }
  const bool plain = !s.prepacked && !s.scaled;
  const bool column = s.n == 1 && s.m > 1 && s.plainColumn;
  if (plain && ((s.m == 1 && s.bCol == 1) || (column && s.aRow == 1))) {
    plan.path = GemmPath::vector;
    return plan;
  }
  if (plain && ((s.m <= tiles.dotRows && s.bRow == 1 && s.bCol != 1) || (column && s.aCol == 1))) {
    plan.path = GemmPath::dot;
    plan.column = column && s.aCol == 1;
    return plan;
  }
  if (plain && readsRows(s, tiles)) {
    plan.path = GemmPath::stream;
    return plan;
  }
  if (plain && isNarrow(s, tiles)) {
    plan.path = GemmPath::narrow;
    return plan;
  }

  if (plain && isTransposed(s, tiles)) {
    planTransposed(s, tiles, &plan);
  } else if (plain && isTurned(s)) {
    planTurned(s, tiles, &plan);
  } else if (plain && isCopied(s, tiles, isShare)) {
    planCopied(s, tiles, &plan);
  } else if (asksAhead(s, tiles)) {
    planAhead(s, tiles, &plan);
  } else {
    planTiles(s, tiles, &plan);
  }
  return plan;
}

}  // namespace

GemmPlan planGemm(const GemmShape& s, const GemmTiles& tiles, int threads) {
  GemmPlan plan = planAlone(s, tiles, false);
  if (!worthThreads(s.multiplyAdds(), threads, s.bytesOfB())) return plan;
  const GemmCut cut = cutOf(s, tiles, threads);
  const GemmShape share = largestShare(s, cut, threads);
  const GemmPlan sharePlan = planAlone(share, tiles, true);
  if (const int64_t panels = piecePanels(share, sharePlan)) {
    const int edge = plan.edgeCols;
    plan = sharePlan;
    plan.edgeCols = edge;
    plan.piecePanels = panels;
  }
  plan.threads = threads;
  plan.splitRows = cut.rows;
  plan.shareGrain = cut.grain;
  return plan;
}

}  // namespace tilegrad
