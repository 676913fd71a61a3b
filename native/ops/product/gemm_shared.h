// A large product on several threads. Each has an even share of C, which it goes through piece by
// piece; one that is done takes pieces from the end of what others have left, who are late because
// their cores are slow or because somebody else has them for a while. For gemm.cpp.
#pragma once
#include <atomic>
#include <new>

#include "../parallel.h"
#include "gemm_tiled.h"

namespace tilegrad {

// Columns [begin, end) of C.
template <class T>
TG_NOINLINE Product<T> columnsOf(const Product<T>& g, int64_t begin, int64_t end) {
  Product<T> part = g;
  part.n = end - begin;
  part.b += g.prepacked ? begin * g.k : begin * g.bCol;
  part.c += g.turned ? begin * g.cRow : begin;
  if (part.bias && !g.turned) part.bias += begin;
  if (part.side) part.side += begin;
  if (part.columnSums) part.columnSums += begin;
  return part;
}

// Rows or columns [begin, end) of C, for one of several threads.
template <class T>
TG_NOINLINE Product<T> shareOf(const Product<T>& g, const GemmPlan& plan, int64_t begin,
                               int64_t end) {
  if (!plan.splitRows) return columnsOf(g, begin, end);
  Product<T> part = g;
  part.m = end - begin;
  part.a += begin * g.aRow;
  part.c += begin * g.cRow;
  if (part.side) part.side += begin * g.sideRow;
  if (begin > 0) part.columnSums = nullptr;
  return part;
}

// Which block of A the calling thread's copy is of: a number that no other block ever has.
inline std::atomic<uint64_t> blocksOfA{1};
inline thread_local uint64_t copiedBlockOfA = 0;

// A piece is a block of rows by some panels of a share. Panels are packed by whoever comes to them
// first, which is the share's own thread for all that it does in order; a block of A is copied by
// each thread that has a piece of it.
template <class T>
class SharedProduct {
 public:
  SharedProduct(const Product<T>& product, const GemmPlan& gemmPlan)
      : g(product),
        plan(gemmPlan),
        width(plan.tileCols),
        depth(min64(g.k, plan.blockDepth)),
        // The first share is the largest.
        rows(plan.splitRows ? shareEnd(0) : g.m),
        cols(plan.splitRows ? g.n : shareEnd(0)),
        panels(ceilDiv(min64(cols, plan.blockCols), width)),
        rowBlocks(ceilDiv(rows, plan.blockRows)),
        pieces(rowBlocks * ceilDiv(panels, plan.piecePanels)) {}

  Status run() {
    if (plan.packB) {
      const size_t stateBytes = static_cast<size_t>(roundUp(plan.threads * panels, kCacheLine));
      const size_t values = static_cast<size_t>(plan.threads * panels * width * depth);
      char* const memory =
          static_cast<char*>(scratch(ScratchSlot::shared, stateBytes + values * sizeof(T)));
      if (!memory) return Status::outOfMemory;
      states_ = new (memory) std::atomic<uint8_t>[stateBytes];
      memory_ = reinterpret_cast<T*>(memory + stateBytes);
    }
    for (int64_t j = 0; j < cols; j += plan.blockCols) {
      for (int64_t p = 0; p < g.k; p += depth) {
        const Status status = runBlocks(j, p);
        if (status != Status::ok) return status;
      }
    }
    return Status::ok;
  }

 private:
  // Where share t ends: whole grains, as evenly as they go. The last one may be cut short.
  int64_t shareEnd(int64_t t) const {
    const int64_t count = plan.splitRows ? g.m : g.n, grains = ceilDiv(count, plan.shareGrain);
    const int64_t size = grains / plan.threads, larger = grains % plan.threads;
    return min64(count, ((t + 1) * size + min64(t + 1, larger)) * plan.shareGrain);
  }

  // Of all shares the same block of B, if they have it.
  Status runBlocks(int64_t j, int64_t p) {
    for (int64_t i = 0; states_ && i < plan.threads * panels; ++i) {
      states_[i].store(TiledProduct<T>::kRaw, std::memory_order_relaxed);
    }
    const uint64_t block = blocksOfA.fetch_add(static_cast<uint64_t>(plan.threads * rowBlocks));
    return parallelPiecesStatus(plan.threads * pieces, [&](int64_t i) {
      return runPiece(j, p, i / pieces, i % pieces, block);
    });
  }

  Status runPiece(int64_t j, int64_t p, int64_t t, int64_t piece, uint64_t block) const {
    const Product<T> share = shareOf(g, plan, t == 0 ? 0 : shareEnd(t - 1), shareEnd(t));
    const int64_t each = pieces / rowBlocks, i = piece / each * plan.blockRows;
    const int64_t first = piece % each * plan.piecePanels;
    if (i >= share.m || j + first * width >= share.n) return Status::ok;
    const TiledProduct<T> tiled(share, plan);
    const auto b = tiled.blockAt(j, p);
    typename TiledProduct<T>::Panels at{};
    if (plan.packB) {
      at.at = memory_ + t * panels * width * depth;
      at.states = states_ + t * panels;
      const size_t bytes = static_cast<size_t>(width * depth) * sizeof(T);
      at.own = static_cast<T*>(scratch(ScratchSlot::panel, bytes));
      if (!at.own) return Status::outOfMemory;
    }
    T* copy = nullptr;
    bool copies = false;
    if (plan.copyA) {
      const int64_t size = min64(rows, plan.blockRows) * (depth + kCopyPadding) + kPackSlack;
      copy = static_cast<T*>(scratch(ScratchSlot::block, static_cast<size_t>(size) * sizeof(T)));
      if (!copy) return Status::outOfMemory;
      // Shares of columns have their rows in common.
      block += static_cast<uint64_t>((plan.splitRows ? t * rowBlocks : 0) + piece / each);
      copies = copiedBlockOfA != block;
      copiedBlockOfA = block;
    }
    tiled.runPiece(b, i, min64(share.m - i, plan.blockRows), first,
                   min64(ceilDiv(b.cols, width) - first, plan.piecePanels), at, copy, copies);
    return Status::ok;
  }

  const Product<T>& g;
  const GemmPlan& plan;
  const int64_t width, depth, rows, cols;
  const int64_t panels;             // of a block of a share's B
  const int64_t rowBlocks, pieces;  // of a share
  std::atomic<uint8_t>* states_ = nullptr;
  T* memory_ = nullptr;
};

}  // namespace tilegrad
