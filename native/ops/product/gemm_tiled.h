// One thread's matrix product in tiles: blocks and packing, as planned by gemm_plan.cpp. For
// gemm.cpp.
#pragma once
#include <string.h>

#include <atomic>

#include "../../base/scratch.h"
#include "../../base/types.h"
#include "gemm.h"
#include "gemm_blocks.h"
#include "gemm_in_place.h"
#include "gemm_tile.h"

namespace tilegrad {

// Of A, what is copied for good beside blocks of B: half of a second-level cache.
constexpr int64_t kKeptBytesOfA = 512 << 10;

// One thread's product in tiles.
template <class T>
class TiledProduct {
 public:
  TiledProduct(const Product<T>& product, const GemmPlan& gemmPlan)
      : g(product), plan(gemmPlan), kernels(floatKernels<T>().gemm), width(plan.tileCols) {}

  Status run() {
    if (plan.ahead) return runAhead();
    if (plan.path == GemmPath::direct && !plan.copyA &&
        (g.m <= kernels.maxRows || plan.shortDepth)) {
      multiplyInPlace(g, plan);
      return Status::ok;
    }
    return plan.strips ? runStrips() : runBlocks();
  }

  // A block of B: `depth` steps from p on, of `cols` columns from j on.
  struct Block {
    int64_t j, p, cols, depth;
  };

  Block blockAt(int64_t j, int64_t p) const {
    return {j, p, min64(g.n - j, plan.blockCols), min64(g.k - p, plan.blockDepth)};
  }

  // Where the panels of a block of B lie, beside one another. With states, several threads may want
  // the same one: then the first packs it for all. Without, the first rows of A pack them.
  struct Panels {
    T* at;
    std::atomic<uint8_t>* states;
    T* own;  // for a panel that another thread is at
  };
  // Of a panel: nobody has begun to pack it, somebody has, anybody may read it.
  enum PanelState : uint8_t { kRaw, kBegun, kReady };

  // Rows [i, i + rows) by panels [first, first + count) of a block of B: each meets every tile of
  // A, whose rows are in `copy` (null: read where they are), or are to be copied there first.
  void runPiece(const Block& b, int64_t i, int64_t rows, int64_t first, int64_t count,
                const Panels& panels, T* copy, bool copies) const {
    const bool begins = b.p == 0;
    GemmTile<T> tile = tileFor(g, plan, b.depth, begins, b.p + b.depth == g.k);
    const T* const from = g.b + b.p * g.bRow + b.j * g.bCol;
    for (int64_t index = first; index < first + count; ++index) {
      const int64_t j = index * width, nextJ = j + width;
      placeTile(g, i, b.j + j, min64(b.cols - j, width), begins, &tile);
      tile.a = g.a + i * g.aRow + b.p * g.aCol;
      Next next{};
      next.cols = max64(min64(b.cols - nextJ, width), 0);
      std::atomic<uint8_t>* packed = nullptr;
      if (plan.packB) {
        const Panel panel = panelFor(b, index, panels, i == 0);
        const bool inTile = packsInTile(tile.cols);
        tile.streams = panel.packs && inTile;
        tile.panel = tile.streams ? panel.at : nullptr;
        tile.b = tile.streams ? from + j : panel.at;
        tile.bRow = tile.streams ? g.bRow : width;
        packed = panel.state;
        if (panel.packs && !inTile && (panels.states || j == 0)) {
          packSlice(from + j * g.bCol, 0, b.depth, tile.cols, panel.at);
        }
        if (next.cols > 0) fillNext(b, index + 1, panels, i == 0, from + nextJ * g.bCol, &next);
      } else if (g.prepacked) {
        tile.b = g.b + (b.j + j) * g.k + b.p * width;
        next.packed = tile.b + g.k * width;
      } else {
        tile.b = from + j;
      }
      if (i == 0 && begins && g.columnSums) sumColumns(g, g.b + b.j + j, b.j + j, tile.cols);
      runPanel(tile, rows, copy, copies && index == first, next);
      if (packed) packed->store(kReady, std::memory_order_release);
      if (next.state) next.state->store(kReady, std::memory_order_release);
    }
  }

 private:
  Status runBlocks() {
    const int64_t depth = min64(g.k, plan.blockDepth), blockCols = min64(g.n, plan.blockCols);
    T* panels = nullptr;
    if (plan.packB) {
      const int64_t size = ceilDiv(blockCols, width) * width * depth;
      panels = static_cast<T*>(scratch(ScratchSlot::panel, static_cast<size_t>(size) * sizeof(T)));
      if (!panels && size > 0) return Status::outOfMemory;
    }
    T* block = nullptr;
    if (plan.copyA && g.k > 0) {
      const int64_t size = min64(g.m, plan.blockRows) * (depth + kCopyPadding) + kPackSlack;
      block = static_cast<T*>(scratch(ScratchSlot::block, static_cast<size_t>(size) * sizeof(T)));
      if (!block) return Status::outOfMemory;
    }
    const int64_t kBlocks = g.k > 0 ? ceilDiv(g.k, plan.blockDepth) : 1;  // k = 0 still writes C
    for (int64_t j0 = 0; j0 < g.n; j0 += blockCols) {
      for (int64_t kb = 0; kb < kBlocks; ++kb) {
        for (int64_t i0 = 0; i0 < g.m; i0 += plan.blockRows) {
          const Block b = blockAt(j0, kb * plan.blockDepth);
          runPiece(b, i0, min64(g.m - i0, plan.blockRows), 0, ceilDiv(b.cols, width),
                   {panels, nullptr, nullptr}, block, true);
        }
      }
    }
    return Status::ok;
  }

  // Blocks of a few rows of B by as many columns as make a run that memory delivers fast. While one
  // is in use its tiles ask for the next in the order of its addresses, each for a few rows, so
  // that it is in the second-level cache by then. C's block is added to from block to block. A is
  // copied once if the copy fits in a second-level cache, and otherwise block by block.
  Status runAhead() {
    const int64_t aBlock = g.m * (plan.blockDepth + kCopyPadding);
    const int64_t aBlocks = ceilDiv(g.k, plan.blockDepth);
    const bool keeps = aBlock * aBlocks <= kKeptBytesOfA / static_cast<int64_t>(sizeof(T));
    const int64_t aSize = aBlock * (keeps ? aBlocks : 1) + kPackSlack;
    const int64_t bSize = plan.packB ? width * plan.blockDepth : 0;
    T* const a =
        static_cast<T*>(scratch(ScratchSlot::block, static_cast<size_t>(aSize) * sizeof(T)));
    T* const panel =
        static_cast<T*>(scratch(ScratchSlot::panel, static_cast<size_t>(bSize) * sizeof(T)));
    if (!a || (plan.packB && !panel)) return Status::outOfMemory;
    for (int64_t j = 0; j < g.n; j += plan.blockCols) {
      T* copy = a;
      for (int64_t p = 0; p < g.k; p += plan.blockDepth) {
        const bool last = p + plan.blockDepth >= g.k;
        const Block next = last ? blockAt(j + plan.blockCols, 0) : blockAt(j, p + plan.blockDepth);
        runAheadOf(next, blockAt(j, p), j == 0 || !keeps, copy, plan.packB ? panel : nullptr);
        if (keeps) copy += aBlock;
      }
    }
    if (g.columnSums) sumColumns(g, g.b, 0, g.n);
    return Status::ok;
  }

  // One block by all rows of A, which are first copied to `copy`. A panel's first tile leaves it
  // for the others, which read it from the first-level cache.
  void runAheadOf(const Block& next, const Block& now, bool copies, T* copy, T* panel) const {
    const bool columns = g.aRow == 1 && g.aCol != 1, first = now.p == 0;
    const int64_t turns = ceilDiv(now.cols, width) * ceilDiv(g.m, kernels.maxRows);
    int64_t turn = 0;
    for (int64_t j = now.j; j < now.j + now.cols; j += width) {
      GemmTile<T> tile = tileFor(g, plan, now.depth, first, now.p + now.depth == g.k);
      tile.streams = false;
      const int64_t cols = min64(now.j + now.cols - j, width);
      tile.b = g.b + now.p * g.bRow + j;
      tile.bRow = g.bRow;
      tile.panel = cols == width ? panel : nullptr;
      int64_t i = 0;
      eachTile(g.m, kernels.maxRows, [&](int64_t rows) {
        T* const a = copy + i * (plan.blockDepth + kCopyPadding);
        if (copies && j == now.j) {
          copyTile(g.a + i * g.aRow + now.p * g.aCol, rows, now.depth, columns, a);
        }
        placeTile(g, i, j, cols, first, &tile);
        tile.a = a;
        tile.aRow = columns ? 1 : now.depth + kCopyPadding;
        tile.aCol = columns ? rows : 1;
        tile.nextC = tile.c + width;
        fetchPart(next, turn++, turns, &tile);
        kernels.tile[rows - 1](tile);
        if (tile.panel) {
          tile.b = tile.panel;
          tile.bRow = width;
          tile.panel = nullptr;
        }
        i += rows;
      });
    }
  }

  // Asks the tile to fetch its part of a block, one of `parts` of nearly the same number of rows.
  void fetchPart(const Block& block, int64_t part, int64_t parts, GemmTile<T>* tile) const {
    constexpr int64_t kBytes = static_cast<int64_t>(sizeof(T));
    const int64_t begin = part * block.depth / parts, end = (part + 1) * block.depth / parts;
    tile->aheadTurns = 0;
    if (block.cols <= 0 || begin == end) return;
    tile->ahead = bytesAt(g.b + (block.p + begin) * g.bRow + block.j);
    tile->aheadStep = 128;
    tile->aheadCount = ceilDiv(block.cols * kBytes, tile->aheadStep);
    tile->aheadTurn = g.bRow * kBytes;
    tile->aheadTurns = end - begin;
  }

  // Panel by panel of columns, and of each piece by piece: a piece is packed, meets all rows of A,
  // and its place is taken by the next one before it has left the first-level cache.
  Status runStrips() {
    T* const piece = static_cast<T*>(
        scratch(ScratchSlot::panel, static_cast<size_t>(width * plan.blockDepth) * sizeof(T)));
    if (!piece) return Status::outOfMemory;
    const bool copies = plan.copyA && g.aCol == 1;
    const int64_t copyRow = g.k + kCopyPadding;
    T* copy = nullptr;
    if (copies) {
      copy = static_cast<T*>(
          scratch(ScratchSlot::block, static_cast<size_t>(g.m * copyRow) * sizeof(T)));
      if (!copy) return Status::outOfMemory;
      copyTile(g.a, g.m, g.k, false, copy);
    }
    for (int64_t j = 0; j < g.n; j += width) {
      for (int64_t p = 0; p < g.k; p += plan.blockDepth) {
        const bool last = p + plan.blockDepth >= g.k;
        GemmTile<T> tile = tileFor(g, plan, min64(g.k - p, plan.blockDepth), p == 0, last);
        const T* const from = g.b + p + j * g.bCol;
        tile.b = piece;
        tile.a = copies ? copy + p : g.a + p * g.aCol;
        if (copies) tile.aRow = copyRow;
        placeTile(g, 0, j, min64(g.n - j, width), p == 0, &tile);
        kernels.packPanel(tile.k, tile.cols, from, g.bRow, g.bCol, piece);
        const int64_t nextCols = last ? min64(g.n - j - width, width) : tile.cols;
        runStrip(tile, last ? g.b + (j + width) * g.bCol : from + plan.blockDepth,
                 nextCols > 0 ? nextCols : 0,
                 min64(last ? g.k : g.k - p - plan.blockDepth, plan.blockDepth));
      }
    }
    return Status::ok;
  }

  // All rows of A against a piece of a panel. Meanwhile `steps` steps of the `cols` columns at
  // `next` are fetched, which will be packed afterwards.
  void runStrip(GemmTile<T> tile, const T* next, int64_t cols, int64_t steps) {
    const int64_t tiles = ceilDiv(g.m, kernels.maxRows);
    const int64_t slice = roundUp(ceilDiv(steps, tiles), kPair);
    int64_t p = 0;
    eachTile(g.m, kernels.maxRows, [&](int64_t rows) {
      tile.nextC = tile.c + rows * tile.cRow;
      tile.aheadTurns = 0;
      if (p < steps) {
        fetchSlice({next, next + p, true, cols, nullptr}, 0, min64(steps - p, slice), &tile);
      }
      kernels.tile[rows - 1](tile);
      p += slice;
      tile.a += rows * tile.aRow;
      tile.c += rows * tile.cRow;
      if (tile.side) tile.side += rows * tile.sideRow;
    });
  }

  // The panel after the one in use: `cols` columns (0: there is none), packed already, or to be
  // packed from `from`.
  struct Next {
    const T* packed;
    const T* from;
    bool packs;
    int64_t cols;
    std::atomic<uint8_t>* state;  // to be set when it is packed, or null
  };

  // A panel of B, and whether it is to be packed, and for all threads (then it has a state).
  struct Panel {
    T* at;
    bool packs;
    std::atomic<uint8_t>* state;
  };

  // A panel that the first tile of A packs, while it reads B.
  bool packsInTile(int64_t cols) const { return g.bCol == 1 && cols == width; }

  TG_NOINLINE Panel panelFor(const Block& b, int64_t index, const Panels& panels,
                             bool firstRows) const {
    T* const at = panels.at + index * width * b.depth;
    if (!panels.states) return {at, firstRows, nullptr};
    std::atomic<uint8_t>& state = panels.states[index];
    uint8_t seen = state.load(std::memory_order_acquire);
    if (seen == kReady) return {at, false, nullptr};
    if (seen == kRaw && state.compare_exchange_strong(seen, kBegun, std::memory_order_acquire)) {
      return {at, true, &state};
    }
    // Another is at it, and may have lost its core.
    return {panels.own, true, nullptr};
  }

  // The next panel is packed meanwhile, unless its own first tile does that or another thread.
  TG_NOINLINE void fillNext(const Block& b, int64_t index, const Panels& panels, bool firstRows,
                            const T* from, Next* next) const {
    T* const at = panels.at + index * width * b.depth;
    next->packed = at;
    if (!panels.states) {
      next->packs = firstRows && !packsInTile(next->cols);
      if (firstRows) next->from = from;
      return;
    }
    if (panels.states[index].load(std::memory_order_relaxed) == kReady) return;
    next->from = from;
    if (packsInTile(next->cols)) return;
    const Panel panel = panelFor(b, index, panels, firstRows);
    next->packs = panel.state != nullptr;
    next->state = panel.state;
  }

  // Steps [p, p + steps) of a panel.
  TG_NOINLINE void packSlice(const T* from, int64_t p, int64_t steps, int64_t cols,
                             T* panel) const {
    kernels.packPanel(steps, cols, from + p * g.bRow, g.bRow, g.bCol, panel + p * width);
  }

  // `rows` rows of A against one panel of columns, in tiles of nearly equal height: 15 rows are
  // 8 + 7 and not 14 + 1, so that no tile is nearly empty. With a block, the first panel's tiles
  // copy their rows of A there and the others read them there. Between the tiles the next panel is
  // packed slice by slice; what a slice reads was fetched while the tile before it ran.
  void runPanel(GemmTile<T> tile, int64_t rows, T* block, bool fillBlock, const Next& next) const {
    const int64_t tiles = ceilDiv(rows, kernels.maxRows);
    const int64_t height = rows / tiles, taller = rows % tiles;
    const T* const firstC = tile.c;
    const T* source = tile.a;
    const int64_t depth = tile.k, slice = roundUp(ceilDiv(depth, tiles), kPair);
    const bool columns = g.aRow == 1 && g.aCol != 1;
    for (int64_t i = 0; i < tiles; ++i) {
      const int64_t r = height + (i < taller ? 1 : 0);
      const bool isLast = i == tiles - 1;
      const int64_t p = i * slice, steps = min64(depth - p, slice);
      tile.nextC = isLast ? firstC + width : tile.c + r * tile.cRow;
      tile.aheadTurns = 0;
      if (next.cols > 0 && steps > 0) fetchSlice(next, p, steps, &tile);
      if (block) {
        if (fillBlock) {
          copyTile(source, r, depth, columns, block);
          if (!isLast) fetchRows(source + r * g.aRow, r, depth, columns, &tile);
        }
        tile.a = block;
        tile.aRow = columns ? 1 : depth + kCopyPadding;
        tile.aCol = columns ? r : 1;
        block += r * (depth + kCopyPadding);
      } else {
        tile.a = source;
      }
      kernels.tile[r - 1](tile);
      tile.streams = false;  // the next tiles find the panel in cache
      if (tile.panel) {
        tile.b = tile.panel;
        tile.bRow = width;
        tile.panel = nullptr;
      }
      if (next.packs && next.cols > 0 && steps > 0) {
        packSlice(next.from, p, steps, next.cols, const_cast<T*>(next.packed));
      }
      source += r * g.aRow;
      tile.c += r * tile.cRow;
      if (tile.side) tile.side += r * tile.sideRow;
    }
  }

  static constexpr int64_t kPair = 128 / static_cast<int64_t>(sizeof(T));  // elements of two lines

  // Asks the tile to fetch steps [p, p + steps) of the next panel.
  void fetchSlice(const Next& next, int64_t p, int64_t steps, GemmTile<T>* tile) const {
    constexpr int64_t kBytes = static_cast<int64_t>(sizeof(T));
    if (!next.packed) return;
    if (next.from && g.bCol != 1) {  // lines along each column
      tile->ahead = bytesAt(next.from + p * g.bRow);
      tile->aheadCount = next.cols;
      tile->aheadStep = g.bCol * kBytes;
      tile->aheadTurn = 128;
      tile->aheadTurns = g.bRow == 1 ? ceilDiv(steps, kPair) : 0;
      return;
    }
    // Rows of B, or of a panel: one pair of lines a step for panels of 32 float32 columns.
    const int64_t pairs = next.from ? steps : ceilDiv(steps * width, kPair);
    tile->ahead = bytesAt(next.from ? next.from + p * g.bRow : next.packed + p * width);
    tile->aheadStep = next.from ? g.bRow * kBytes : 128;
    tile->aheadCount = pairs;
    tile->aheadTurn = 0;
    tile->aheadTurns = 1;
  }

  // Asks the tile to fetch the rows of A of the next one.
  void fetchRows(const T* a, int64_t rows, int64_t depth, bool columns, GemmTile<T>* tile) const {
    constexpr int64_t kBytes = static_cast<int64_t>(sizeof(T));
    if (columns || g.aCol != 1) return;
    tile->ahead = bytesAt(a);
    tile->aheadStep = 128;
    tile->aheadCount = depth / kPair;
    tile->aheadTurn = g.aRow * kBytes;
    tile->aheadTurns = rows;
  }

  // One tile's rows of alpha A to scratch memory.
  void copyTile(const T* a, int64_t rows, int64_t depth, bool columns, T* to) const {
    if (columns) return kernels.packTileOfA(depth, rows, g.alpha, a, g.aCol, to);
    for (int64_t i = 0; i < rows; ++i, a += g.aRow, to += depth + kCopyPadding) {
      if (g.aCol == 1 && g.alpha == 1) {
        memcpy(to, a, static_cast<size_t>(depth) * sizeof(T));
      } else {
        for (int64_t p = 0; p < depth; ++p)
          to[p] = g.alpha == 1 ? a[p * g.aCol] : g.alpha * a[p * g.aCol];
      }
    }
  }

  const Product<T>& g;
  const GemmPlan& plan;
  const GemmKernels<T>& kernels;
  const int64_t width;
};

}  // namespace tilegrad
