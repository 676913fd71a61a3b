// The matrix product's rows of the operation table.
#include "../parallel.h"
#include "../rows.h"
#include "gemm.h"
#include "gemm_threads.h"

namespace tilegrad {
namespace {

// Reads operands and numbers in the order in which a signature names them.
template <class T>
class Arguments {
 public:
  explicit Arguments(const Command& c) : command(c) {}
  T* operand() { return static_cast<T*>(command.data[nextOperand++]); }
  int64_t whole() { return command.number[nextNumber++].i; }
  T real() { return static_cast<T>(command.number[nextNumber++].f); }
  void sizes(Product<T>* g) {
    g->m = whole();
    g->n = whole();
    g->k = whole();
  }
  GemmFinish<T> finish() {
    GemmFinish<T> finish;
    finish.activation = static_cast<Activation>(whole());
    finish.use = static_cast<Side>(whole());
    finish.slope = real();
    return finish;
  }

 private:
  const Command& command;
  int nextOperand = 0, nextNumber = 0;
};

// Field by field: see tileFor() of gemm_tile.h.
template <class T>
Product<T> plainProduct() {
  Product<T> g;
  g.m = g.n = g.k = 0;
  g.aRow = g.aCol = g.bRow = g.bCol = g.sideRow = g.cRow = 0;
  g.a = g.b = g.bias = g.side = nullptr;
  g.c = g.columnSums = nullptr;
  g.prepacked = g.turned = false;
  g.beta = 0;
  g.alpha = 1;
  g.finish = {Activation::none, Side::none, 0};
  return g;
}

// Batches of products.
template <class T>
Status runGemm(const Command& c) {
  Arguments<T> from(c);
  Product<T> g = plainProduct<T>();
  g.a = from.operand();
  g.b = from.operand();
  g.c = from.operand();
  const int64_t batch = from.whole();
  from.sizes(&g);
  const int64_t aBatch = from.whole();
  g.aRow = from.whole();
  g.aCol = from.whole();
  const int64_t bBatch = from.whole();
  g.bRow = from.whole();
  g.bCol = from.whole();
  const int64_t cBatch = from.whole();
  g.cRow = from.whole();
  g.alpha = from.real();
  g.beta = from.real();
  // Without elements of C there is nothing to do; without k there is nothing of A and B to step
  // over, and their strides, which no bound holds then, must not be added to pointers.
  if (g.m == 0 || g.n == 0) return Status::ok;
  const int64_t aStep = g.k == 0 ? 0 : aBatch, bStep = g.k == 0 ? 0 : bBatch;
  if (batch == 1) return multiply(g, numThreads());
  const auto item = [&](int64_t i) {
    Product<T> one = g;
    one.a += i * aStep;
    one.b += i * bStep;
    one.c += i * cBatch;
    return one;
  };
  const double work = static_cast<double>(g.m) * static_cast<double>(g.n) *
                      static_cast<double>(g.k) * static_cast<double>(batch);
  return overBatch(
      batch, worthThreads(work, numThreads()), [&](int64_t i) { return multiply(item(i), 1); },
      [&](int64_t i) { return multiply(item(i), numThreads()); });
}

Status gemm(const Command& c) {
  return c.type[0] == DType::float64 ? runGemm<double>(c) : runGemm<float>(c);
}

// The operands that products with something around them begin with.
template <class T>
Product<T> productOf(Arguments<T>* from) {
  Product<T> g = plainProduct<T>();
  g.a = from->operand();
  g.b = from->operand();
  g.bias = from->operand();
  g.side = from->operand();
  g.c = from->operand();
  return g;
}

// One product with everything around it.
template <class T>
Status runFused(const Command& c) {
  Arguments<T> from(c);
  Product<T> g = productOf(&from);
  g.columnSums = from.operand();
  from.sizes(&g);
  g.aRow = from.whole();
  g.aCol = from.whole();
  g.bRow = from.whole();
  g.bCol = from.whole();
  g.sideRow = from.whole();
  g.cRow = from.whole();
  g.finish = from.finish();
  return multiply(g, numThreads());
}

Status gemmFused(const Command& c) {
  return c.type[0] == DType::float64 ? runFused<double>(c) : runFused<float>(c);
}

const char* checkFused(const Command& c) {
  if (c.data[5] && c.number[6].i != 1) return "columnSums need a B with unit column stride";
  return checkFinish(c.number[9].i, c.number[10].i, c.data[3] != nullptr);
}

// Panels for gemmPacked: those of the tiles when `width` is theirs.
template <class T>
Status runPack(const Command& c) {
  Arguments<T> from(c);
  const T* const b = from.operand();
  T* const panels = from.operand();
  const int64_t k = from.whole(), n = from.whole(), count = from.whole(), width = from.whole();
  const int64_t bRow = from.whole(), bCol = from.whole();
  const auto& kernels = floatKernels<T>().gemm;
  for (int64_t j = 0; j < count; ++j) {
    T* const panel = panels + j * k * width;
    const int64_t left = n - j * width, cols = left < 0 ? 0 : left < width ? left : width;
    if (width == kernels.maxCols && cols == width) {
      kernels.packPanel(k, cols, b + j * width * bCol, bRow, bCol, panel);
      continue;
    }
    for (int64_t p = 0; p < k; ++p) {
      for (int64_t i = 0; i < width; ++i) {
        panel[p * width + i] = i < cols ? b[p * bRow + (j * width + i) * bCol] : T{0};
      }
    }
  }
  return Status::ok;
}

Status packPanels(const Command& c) {
  return c.type[0] == DType::float64 ? runPack<double>(c) : runPack<float>(c);
}

const char* checkPack(const Command& c) {
  const int64_t n = c.number[1].i, panels = c.number[2].i, width = c.number[3].i;
  return width < 1 || n > panels * width ? "the panels don't fit the matrix" : nullptr;
}

template <class T>
Status runPacked(const Command& c) {
  Arguments<T> from(c);
  Product<T> g = productOf(&from);
  from.sizes(&g);
  from.whole();  // panels
  const int64_t width = from.whole();
  g.bRow = width;
  g.bCol = 1;
  g.aRow = from.whole();
  g.aCol = from.whole();
  g.sideRow = from.whole();
  g.cRow = from.whole();
  g.finish = from.finish();
  if (width == floatKernels<T>().gemm.maxCols) {
    g.prepacked = true;
    return multiply(g, numThreads());
  }
  // Panels that were made at another level are matrices of their own.
  for (int64_t j = 0; j < g.n; j += width) {
    Product<T> part = g;
    part.n = g.n - j < width ? g.n - j : width;
    part.b += j * g.k;
    part.c += j;
    if (part.bias) part.bias += j;
    if (part.side) part.side += j;
    if (multiply(part, numThreads()) != Status::ok) return Status::outOfMemory;
  }
  return Status::ok;
}

Status gemmPacked(const Command& c) {
  return c.type[0] == DType::float64 ? runPacked<double>(c) : runPacked<float>(c);
}

const char* checkPacked(const Command& c) {
  const int64_t n = c.number[1].i, panels = c.number[3].i, width = c.number[4].i;
  if (width < 1 || n > panels * width) return "the panels don't fit the matrix";
  return checkFinish(c.number[9].i, c.number[10].i, c.data[3] != nullptr);
}

template <class T>
Status runPlan(const Command& c) {
  Arguments<T> from(c);
  T* result = from.operand();
  Product<T> g = plainProduct<T>();
  from.sizes(&g);
  g.aRow = from.whole();
  g.aCol = from.whole();
  g.bRow = from.whole();
  g.bCol = from.whole();
  g.cRow = g.n;
  g.prepacked = from.whole() != 0;
  // An address like B's.
  alignas(64) static constexpr char line[64] = {};
  g.b = reinterpret_cast<const T*>(line + (from.whole() & 63));
  const GemmPlan plan = planProduct(g, numThreads());
  const int64_t values[] = {static_cast<int64_t>(plan.path),
                            plan.tileRows,
                            plan.tileCols,
                            plan.packB,
                            plan.copyA,
                            plan.blockRows,
                            plan.blockCols,
                            plan.blockDepth,
                            plan.threads,
                            plan.splitRows,
                            plan.edgeCols,
                            plan.piecePanels};
  for (const int64_t value : values) *result++ = static_cast<T>(value);
  return Status::ok;
}

Status gemmPlan(const Command& c) {
  return c.type[0] == DType::float64 ? runPlan<double>(c) : runPlan<float>(c);
}

const char* checkPlan(const Command& c) {
  for (int i = 0; i < 3; ++i) {
    if (c.number[i].i < 0) return "sizes can't be negative";
  }
  return nullptr;
}

template <class T>
Status runPeak(const Command& c) {
  const GemmKernels<T>& kernels = floatKernels<T>().gemm;
  T* result = static_cast<T*>(c.data[0]);
  result[0] = kernels.peak(c.number[0].i);
  result[1] = static_cast<T>(kernels.peakFlops);
  return Status::ok;
}

Status fmaPeak(const Command& c) {
  return c.type[0] == DType::float64 ? runPeak<double>(c) : runPeak<float>(c);
}

const char* checkPeak(const Command& c) {
  // A second or so at most: the call can't be interrupted.
  constexpr int64_t kMaxIterations = 100000000;
  const int64_t n = c.number[0].i;
  return n < 0 || n > kMaxIterations ? "iterations must be 0 to 100000000" : nullptr;
}

const Row kRows[] = {
    // C = beta * C + (alpha * A) B for a batch; C is not read when beta is 0.
    {"gemm",
     "in a T[batch*aBatch m*aRow k*aCol] in b T[batch*bBatch k*bRow n*bCol] "
     "inout c T[batch*cBatch m*cRow n]; batch m n k size aBatch aRow aCol bBatch bRow bCol cBatch "
     "cRow stride alpha beta real",
     gemm, nullptr},
    // C = finish(bias + A B) as kernels/table.h has it; columnSums receives the sums of B's
    // columns.
    {"gemmFused",
     "in a T[m*aRow k*aCol] in b T[k*bRow n*bCol] opt bias T[n] opt side T[m*sideRow n] "
     "out c T[m*cRow n] optout columnSums T[n]; m n k size aRow aCol bRow bCol sideRow cRow stride "
     "activation sideUse int slope real",
     gemmFused, checkFused},
    // B as panels: columns [j * width, (j + 1) * width) one step of k after the other, zeros beyond
    // n.
    {"packPanels",
     "in b T[k*bRow n*bCol] out packed T[panels k width]; k n panels width size bRow bCol stride",
     packPanels, checkPack},
    // gemmFused on such panels.
    {"gemmPacked",
     "in a T[m*aRow k*aCol] in b T[panels k width] opt bias T[n] opt side T[m*sideRow n] "
     "out c T[m*cRow n]; m n k panels width size aRow aCol sideRow cRow stride "
     "activation sideUse int slope real",
     gemmPacked, checkPacked},
    // What would be done for a product of this shape: the fields of GemmPlan in their order.
    {"gemmPlan", "out plan T[12]; m n k aRow aCol bRow bCol prepacked bShift int", gemmPlan,
     checkPlan},
    // result = [a value to keep the loop alive, floating-point operations per iteration].
    {"fmaPeak", "out result T[2]; iterations int", fmaPeak, checkPeak},
};

}  // namespace

const char* checkFinish(int64_t activation, int64_t use, bool side) {
  if (activation < 0 || activation >= static_cast<int64_t>(Activation::count)) {
    return "activation is not one of the known ones";
  }
  if (use < 0 || use >= static_cast<int64_t>(Side::count)) return "sideUse is not a known use";
  if ((use != static_cast<int64_t>(Side::none)) != side) return "side and sideUse need each other";
  if (use == static_cast<int64_t>(Side::derivative) && activation == 0) {
    return "a derivative needs an activation";
  }
  return nullptr;
}

RowList gemmRows() { return rowList(kRows); }

}  // namespace tilegrad
