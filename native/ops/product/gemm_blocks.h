// What the products of all types share: cutting blocks and tiles out of matrices.
#pragma once
#include <stdint.h>

namespace tilegrad {

constexpr int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t roundUp(int64_t n, int64_t step) { return ceilDiv(n, step) * step; }
constexpr int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

// Elements between the ends of the rows of a copied block: one cache line more than a power of two.
constexpr int64_t kCopyPadding = 16;

// How many pieces a share of so many rows or columns comes in, which another thread may take over,
// where each copies or packs the other operand again: of at least kPieceSide, up to four. In one
// and two pieces two threads were, undisturbed, 2.00 and 1.97 times as fast as one (bfloat16, 2048
// cubed), 1.95 and 2.02 (int8), 1.86 and 1.88 (bfloat16, 1024 x 1024 x 2048), 1.88 and 1.82
// (float32, 2000 x 256 x 2000 in strips); beside a process that has half of one core 1.38 and 1.43,
// 1.30 and 1.34, 1.22 and 1.33, 1.19 and 1.32. Pieces of 256 cost up to 10 % (2048 cubed).
constexpr int64_t kPieceSide = 480;
constexpr int64_t kMostPiecesOfShare = 4;
inline int64_t piecesOfShare(int64_t side) {
  return max64(1, min64(side / kPieceSide, kMostPiecesOfShare));
}

template <class T>
const char* bytesAt(const T* p) {
  return reinterpret_cast<const char*>(p);
}

// f(height) for tiles of at most maxRows rows that make up `rows`, of nearly equal heights: 15 rows
// are 8 + 7 and not 14 + 1, so that no tile is nearly empty.
template <class F>
void eachTile(int64_t rows, int64_t maxRows, const F& f) {
  if (rows <= maxRows) {  // without the time that divisions take
    if (rows > 0) f(rows);
    return;
  }
  const int64_t count = ceilDiv(rows, maxRows);
  const int64_t height = rows / count, taller = rows % count;
  for (int64_t i = 0; i < count; ++i) f(height + (i < taller ? 1 : 0));
}

}  // namespace tilegrad
