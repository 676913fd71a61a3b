// Matrix products of bfloat16 operands with float32 accumulators: blocks, packing, threads. Each
// output is one chain over k in ascending order, whatever the blocks and threads; the bits depend
// on the engine alone (ops/product/bf16_engines.h).
#include "gemm_bf16.h"

#include <atomic>

#include "../../base/scratch.h"
#include "../parallel.h"
#include "../rows.h"
#include "bf16_engines.h"
#include "gemm.h"
#include "gemm_threads.h"

namespace tilegrad {
namespace {

// Rows of A that pass over every panel before the next rows come: as the float32 product, 256 rows
// of a panel's depth are 512 KB, half of a second-level cache. At 1024 cubed 128 and 504 rows lost
// 6 %.
constexpr int64_t kBlockRows = 256;

// B is packed this much at a time, in all of its depth (so that a block of C is finished before the
// next begins, and its float32 sums never need more memory than a block): well inside a third-level
// cache. At least kMinCols columns, over which the copy of a block of A pays.
constexpr int64_t kPackedBytes = 4 * 1024 * 1024;
constexpr int64_t kMinCols = 256;
constexpr int64_t kMaxCols = 2048;

// A block of A is copied, though it could be read in place, when at least this many panels pass
// over it: rows that lie a multiple of 4 KB apart share a set of the first-level cache.
constexpr int64_t kMinPanelsForCopy = 4;

// Floats between rows of the sums of a block of C: one cache line, for the same reason.
constexpr int64_t kSumPadding = 16;

struct Bf16Product {
  int64_t m, n, k;
  Bf16Matrix a, b;
  const float* bias;
  void* c;
  DType cType;
  int64_t cRow;
  GemmFinish<float> finish;
  const float* side;  // null when finish doesn't use it
  int64_t sideRow;

  bool finishes() const {
    return finish.activation != Activation::none || finish.use != Side::none;
  }
  void* output(int64_t i, int64_t j) const {
    return static_cast<char*>(c) + (i * cRow + j) * sizeOf(cType);
  }
  Bf16Product columns(int64_t begin, int64_t end) const {
    Bf16Product part = *this;
    part.n = end - begin;
    part.b = b.from(0, begin);
    part.c = output(0, begin);
    if (bias) part.bias = bias + begin;
    if (side) part.side = side + begin;
    return part;
  }
  Bf16Product rows(int64_t begin, int64_t end) const {
    Bf16Product part = *this;
    part.m = end - begin;
    part.a = a.from(begin, 0);
    part.c = output(begin, 0);
    if (side) part.side = side + begin * sideRow;
    return part;
  }
};

// The memory of one thread's product. A null pointer where nothing is needed.
struct Space {
  char* panels;     // packed columns of B
  void* work;       // the engine's, for packing
  void* block;      // a block of A
  float* sums;      // float32 sums of a block of C that becomes bfloat16
  int64_t sumsRow;  // from row to row
};

template <class Engine>
class Multiplication {
 public:
  Multiplication(const Engine& engine, const Bf16Product& g)
      : engine_(engine),
        g_(g),
        width_(engine.maxCols()),
        depth_(min64(g.k, Engine::kDepth)),
        kBlocks_(g.k > 0 ? ceilDiv(g.k, Engine::kDepth) : 1),  // k = 0 still writes act(init)
        fullPanelBytes_(engine.panelBytes(Engine::kDepth)),
        oneRowBlock_(g.m <= kBlockRows) {
    const int64_t fitting = kPackedBytes / max64(engine.panelBytes(g.k), 1) * width_;
    blockCols_ = min64(g.n, min64(kMaxCols, max64(kMinCols, fitting)));
  }

  Status run() {
    if (!allocate()) return Status::outOfMemory;
    for (int64_t j0 = 0; j0 < g_.n; j0 += blockCols_) {
      for (int64_t i0 = 0; i0 < g_.m; i0 += kBlockRows) {
        const int64_t rows = min64(g_.m - i0, kBlockRows), cols = min64(g_.n - j0, blockCols_);
        for (int64_t kb = 0; kb < kBlocks_; ++kb) multiplyBlock(i0, rows, j0, cols, kb);
      }
    }
    return Status::ok;
  }

 private:
  bool allocate() {
    const int64_t panels = ceilDiv(blockCols_, width_);
    // With one block of rows a panel is used once, as soon as it is packed.
    const int64_t panelBytes = oneRowBlock_   ? engine_.panelBytes(depth_)
                               : kBlocks_ > 1 ? panels * kBlocks_ * fullPanelBytes_
                                              : panels * engine_.panelBytes(depth_);
    const int64_t workBytes = engine_.workBytes(depth_);
    if (!take(ScratchSlot::panel, panelBytes + workBytes, &space_.panels)) return false;
    if (workBytes > 0 && space_.panels) space_.work = space_.panels + panelBytes;
    const int64_t rows = min64(g_.m, kBlockRows);
    if (engine_.mustCopy(g_.a, g_.k) || g_.n >= kMinPanelsForCopy * width_) {
      if (!take(ScratchSlot::block, engine_.blockBytes(rows, depth_), &space_.block)) return false;
    }
    if (g_.cType == DType::bfloat16) {
      // A panel's sums are finished at once unless k has several blocks.
      space_.sumsRow = kBlocks_ > 1 ? roundUp(blockCols_, width_) + kSumPadding : width_;
      const int64_t bytes = rows * space_.sumsRow * static_cast<int64_t>(sizeof(float));
      if (!take(ScratchSlot::partial, bytes, &space_.sums)) return false;
    }
    return true;
  }

  template <class T>
  static bool take(ScratchSlot slot, int64_t bytes, T** to) {
    *to = nullptr;
    if (bytes == 0) return true;
    *to = static_cast<T*>(scratch(slot, static_cast<size_t>(bytes)));
    return *to != nullptr;
  }

  char* panelAt(int64_t kb, int64_t j) const {
    if (oneRowBlock_) return space_.panels;
    if (kBlocks_ == 1) return space_.panels + j / width_ * engine_.panelBytes(depth_);
    return space_.panels + (kb * ceilDiv(blockCols_, width_) + j / width_) * fullPanelBytes_;
  }

  // Rows [i0, i0 + rows) by columns [j0, j0 + cols), one block of k.
  void multiplyBlock(int64_t i0, int64_t rows, int64_t j0, int64_t cols, int64_t kb) {
    const int64_t p0 = kb * Engine::kDepth, depth = min64(g_.k - p0, Engine::kDepth);
    if (depth > 0) engine_.takeA(g_.a.from(i0, p0), rows, depth, space_.block);
    const bool last = kb == kBlocks_ - 1;
    for (int64_t j = 0; j < cols; j += width_) {
      Bf16Output out{};
      out.cols = min64(cols - j, width_);
      char* const panel = panelAt(kb, j);
      // Packed just before its first use, while it is warm.
      if (i0 == 0 && depth > 0) {
        engine_.packPanel(g_.b.from(p0, j0 + j), depth, out.cols, panel, space_.work);
      }
      if (space_.sums) {
        out.c = space_.sums + (kBlocks_ > 1 ? j : 0);
        out.cRow = space_.sumsRow;
      } else {
        out.c = static_cast<float*>(g_.output(i0, j0 + j));
        out.cRow = g_.cRow;
      }
      out.bias = g_.bias ? g_.bias + j0 + j : nullptr;
      out.accumulate = kb > 0;
      engine_.run(rows, panel, out);
      if (last) finishPanel(i0, rows, j0 + j, out);
    }
  }

  // Finishes a panel's sums, which are in the first-level cache or the second, and rounds them when
  // C is bfloat16.
  void finishPanel(int64_t i0, int64_t rows, int64_t j, const Bf16Output& out) const {
    if (g_.finishes()) {
      const float* const side = g_.side ? g_.side + i0 * g_.sideRow + j : nullptr;
      floatKernels<float>().gemm.finish(rows, out.cols, out.c, out.cRow, g_.finish, side,
                                        g_.sideRow);
    }
    if (!space_.sums) return;
    for (int64_t i = 0; i < rows; ++i) {
      engine_.narrowRow(out.cols, out.c + i * out.cRow,
                        static_cast<BFloat16*>(g_.output(i0 + i, j)));
    }
  }

  Engine engine_;
  const Bf16Product& g_;
  int64_t width_, depth_, kBlocks_, fullPanelBytes_, blockCols_;
  bool oneRowBlock_;
  Space space_{};
};

const Bf16Kernels* instructionKernels() {
#if defined(TG_HAVE_AVX512_BF16)
  return &kAvx512Bf16Kernels;
#else
  return nullptr;
#endif
}

std::atomic<bool> instructionAllowed{true};

// One thread's product.
Status multiply(const Bf16Product& g) {
  if (bf16Instruction()) {
    return Multiplication<PairEngine>(PairEngine(*instructionKernels()), g).run();
  }
  return Multiplication<WideEngine>(WideEngine(floatKernels<float>().gemm), g).run();
}

// Whether `batch` products of this size have enough work for a second thread.
bool enoughForThreads(const Bf16Product& g, int64_t batch) {
  return worthThreads(static_cast<double>(g.m) * static_cast<double>(g.n) *
                          static_cast<double>(g.k) * static_cast<double>(batch),
                      numThreads());
}

// The same over threads.
Status multiplyThreaded(const Bf16Product& g) {
  if (!enoughForThreads(g, 1)) return multiply(g);
  return overLongerSide(g.m, g.n, kBf16TileRows, kBf16TileCols,
                        [&](int64_t begin, int64_t end, bool byColumns) {
                          return multiply(byColumns ? g.columns(begin, end) : g.rows(begin, end));
                        });
}

// The row's numbers, in the order of its signature.
enum GemmBf16Number {
  kBatch,
  kM,
  kN,
  kK,
  kABatch,
  kARow,
  kACol,
  kBBatch,
  kBRow,
  kBCol,
  kCBatch,
  kCRow,
  kSideRow,
  kActivation,
  kSideUse,
  kSlope
};

Status gemmBf16(const Command& c) {
  const auto number = [&](int i) { return c.number[i].i; };
  Bf16Product g{};
  g.m = number(kM);
  g.n = number(kN);
  g.k = number(kK);
  // Without k there is nothing of A and B to step over, and their strides, which no bound holds
  // then, must not be added to pointers.
  const auto stepOf = [&](int i) { return g.k == 0 ? 0 : number(i); };
  g.a = {c.data[0], c.type[0], stepOf(kARow), stepOf(kACol)};
  g.b = {c.data[1], c.type[1], stepOf(kBRow), stepOf(kBCol)};
  g.bias = static_cast<const float*>(c.data[2]);
  g.side = static_cast<const float*>(c.data[3]);
  g.sideRow = number(kSideRow);
  g.c = c.data[4];
  g.cType = c.type[4];
  g.cRow = number(kCRow);
  g.finish.activation = static_cast<Activation>(number(kActivation));
  g.finish.use = static_cast<Side>(number(kSideUse));
  g.finish.slope = static_cast<float>(c.number[kSlope].f);
  if (g.m == 0 || g.n == 0) return Status::ok;

  const int64_t batch = number(kBatch);
  const auto item = [&](int64_t i) {
    Bf16Product one = g;
    const auto step = [i](const Bf16Matrix& x, int64_t by) {
      Bf16Matrix moved = x;
      moved.data = static_cast<const char*>(x.data) + i * by * sizeOf(x.type);
      return moved;
    };
    one.a = step(g.a, stepOf(kABatch));
    one.b = step(g.b, stepOf(kBBatch));
    one.c = static_cast<char*>(g.c) + i * number(kCBatch) * sizeOf(g.cType);
    return one;
  };
  return overBatch(
      batch, enoughForThreads(g, batch), [&](int64_t i) { return multiply(item(i)); },
      [&](int64_t i) { return multiplyThreaded(item(i)); });
}

const char* checkGemmBf16(const Command& c) {
  return checkFinish(c.number[kActivation].i, c.number[kSideUse].i, c.data[3] != nullptr);
}

const Row kRows[] = {
    // C = finish(bias + A B) for A and B rounded to bfloat16 (exact when that is what they are),
    // sums and everything around them in float32, C rounded once when it is bfloat16. Bias and side
    // are the same for every product of the batch. Operands may have any strides but for the
    // columns of bias, side and C.
    {"gemmBf16",
     "in a F[batch*aBatch m*aRow k*aCol] in b F[batch*bBatch k*bRow n*bCol] opt bias f32[n] "
     "opt side f32[m*sideRow n] out c F[batch*cBatch m*cRow n]; batch m n k size "
     "aBatch aRow aCol bBatch bRow bCol cBatch cRow sideRow stride activation sideUse int "
     "slope real",
     gemmBf16, checkGemmBf16},
};

}  // namespace

bool bf16Instruction() {
  return instructionKernels() && instructionAllowed.load(std::memory_order_relaxed) &&
         currentLevel() == Level::avx512 && hasAvx512Bf16();
}

void allowBf16Instruction(bool allow) { instructionAllowed = allow; }

RowList gemmBf16Rows() { return rowList(kRows); }

}  // namespace tilegrad
