// How threads share a matrix product: whether several do, where it is cut between them, and into
// what pieces a share falls that one may take over from another. No choice changes a bit of the
// result.
#pragma once
#include "../parallel.h"
#include "gemm_blocks.h"
#include "gemm_plan.h"

namespace tilegrad {

// Whether products with that many multiply-adds, which read so much, are worth several threads, as
// things are now.
bool worthThreads(double multiplyAdds, int threads, double bytes = 0);

// Shares are of the rows of C, or else of its columns, and cut at multiples of so many of them.
struct GemmCut {
  bool rows;
  int64_t grain;
};

GemmCut cutOf(const GemmShape& shape, const GemmTiles& tiles, int threads);

// The largest share that a thread gets.
GemmShape largestShare(const GemmShape& shape, const GemmCut& cut, int threads);

// Of a share in blocks: how many panels of B make a piece that other threads may take over, or 0.
int64_t piecePanels(const GemmShape& share, const GemmPlan& plan);

// f(begin, end, byColumns) on all threads for pieces of the longer side of a C of m rows and n
// columns, which begin at multiples of so many rows or columns. Either cut leaves every element to
// one thread.
template <class F>
Status overLongerSide(int64_t m, int64_t n, int64_t rowGrain, int64_t columnGrain, const F& f) {
  const bool byColumns = n >= m;
  const int64_t side = byColumns ? n : m;
  return parallelStatus(
      side, byColumns ? columnGrain : rowGrain,
      [&](int64_t begin, int64_t end) { return f(begin, end, byColumns); },
      piecesOfShare(side / numThreads()));
}

}  // namespace tilegrad
