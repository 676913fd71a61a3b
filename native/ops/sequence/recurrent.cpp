// Recurrent layers: all steps of one direction of a layer, forwards and back through time. A step
// is a product of the hidden state with a weight and a cell around it. Rows of the batch don't
// depend on each other, so each thread takes some of them through all steps: one parallel region
// for a whole sequence, and a step's gates stay in the cache of the core that computes with them.
#include <string.h>

#include "../../base/scratch.h"
#include "../dispatch.h"
#include "../parallel.h"
#include "../rows.h"
#include "../product/gemm.h"
#include "../product/gemm_blocks.h"
#include "../product/gemm_threads.h"

namespace tilegrad {
namespace {

// What a cell computes from its gates; in lib/ops/sequence/recurrent_cell.ts in the same order.
enum class Cell : int { tanh, relu, lstm, gru, count };

constexpr int64_t gatesOf(Cell cell) { return cell == Cell::lstm ? 4 : cell == Cell::gru ? 3 : 1; }

// Matrices that a sequence's state consists of, and those that its backward pass needs of each
// step.
constexpr int64_t statesOf(Cell cell) { return cell == Cell::lstm ? 2 : 1; }
constexpr int64_t keptOf(Cell cell) { return cell == Cell::lstm || cell == Cell::gru ? 2 : 1; }

template <class T>
void copyRow(int64_t n, const T* from, T* to) {
  memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
}

// The steps of a packed sequence: step i has sizes[i] rows, one after the other in memory, which
// are the first rows of the batch.
struct Steps {
  const int32_t* sizes;
  int64_t count, batch, total;

  // Calls f(first row in memory, number of rows) for the part of each step that lies in rows
  // [begin, end) of the batch, from the last step on if it goes backwards. Sizes are compared with
  // the memory as they are read, since they lie in memory that others may write to.
  template <class F>
  Status each(bool backwards, int64_t begin, int64_t end, const F& f) const {
    int64_t first = backwards ? total : 0;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t size = sizes[backwards ? count - 1 - i : i];
      if (size < 0 || size > batch) return Status::badIndex;
      if (backwards) first -= size;
      if (first < 0 || first + size > total) return Status::badIndex;
      const int64_t rows = min64(size, end) - begin;
      if (rows > 0) {
        const Status status = f(first + begin, rows);
        if (status != Status::ok) return status;
      }
      if (!backwards) first += size;
    }
    return first == (backwards ? 0 : total) ? Status::ok : Status::badIndex;
  }

  Status check() const {
    return each(false, batch, batch, [](int64_t, int64_t) { return Status::ok; });
  }
};

// The product of each step: its shape but for the rows.
template <class T>
Product<T> stepProduct(int64_t n, int64_t k, const T* b, int64_t bRow, int64_t bCol) {
  Product<T> g{};
  g.n = n;
  g.k = k;
  g.aRow = k;
  g.aCol = 1;
  g.b = b;
  g.bRow = bRow;
  g.bCol = bCol;
  g.cRow = n;
  g.alpha = 1;
  g.finish = {Activation::none, Side::none, 0};
  return g;
}

// The weight as panels, which all steps and threads read.
template <class T>
Status packWeight(Product<T>* g) {
  const GemmKernels<T>& gemm = floatKernels<T>().gemm;
  const int64_t width = gemm.maxCols, panels = ceilDiv(g->n, width);
  const size_t bytes = static_cast<size_t>(panels * width * g->k) * sizeof(T);
  T* const packed = static_cast<T*>(scratch(ScratchSlot::weight, bytes));
  if (!packed) return Status::outOfMemory;
  for (int64_t j = 0; j < g->n; j += width) {
    gemm.packPanel(g->k, min64(width, g->n - j), g->b + j * g->bCol, g->bRow, g->bCol,
                   packed + j * g->k);
  }
  g->b = packed;
  g->bRow = width;
  g->bCol = 1;
  g->prepacked = true;
  return Status::ok;
}

// Runs f(begin, end, threads) for all rows of the batch: shares of it for each thread where there
// are enough, otherwise all on this thread, which may use so many for a product.
template <class T, class F>
Status overRows(const Steps& steps, Product<T>* product, const F& f) {
  const double work = static_cast<double>(steps.total) * static_cast<double>(product->n) *
                      static_cast<double>(product->k);
  const int threads = numThreads();
  const bool shares = steps.batch >= threads && worthThreads(work, threads);
  // A weight that is read once needn't be packed, and a single row streams it as it is.
  const int64_t rows = shares ? steps.batch / threads : steps.batch;
  if (steps.count > 1 && rows > 1) {
    const Status status = packWeight(product);
    if (status != Status::ok) return status;
  }
  if (!shares) return f(0, steps.batch, threads);
  return parallelStatus(steps.batch, 1,
                        [&](int64_t begin, int64_t end) { return f(begin, end, 1); });
}

template <class T>
struct Forward {
  Cell cell;
  int64_t hidden, total, batch;
  Product<T> product;
  T* gates;
  const T* bias;
  T* state;
  T* kept;  // null when there will be no backward pass
  T* y;
  int64_t yRow;

  // Rows from `row` of the batch, which are those from `first` on of all steps.
  Status step(int64_t first, int64_t rows, int64_t row, int threads) const {
    T* const h = state + row * hidden;
    T* const x = gates + first * product.n;
    Product<T> g = product;
    g.m = rows;
    g.a = h;
    g.c = x;
    g.beta = 1;
    if (cell == Cell::gru) {
      // The reset gate multiplies a part of the product, so that it stands apart at first.
      const size_t bytes = static_cast<size_t>(rows * g.n) * sizeof(T);
      g.c = static_cast<T*>(scratch(ScratchSlot::step, bytes));
      if (!g.c) return Status::outOfMemory;
      g.beta = 0;
      g.bias = bias;
    } else if (cell != Cell::lstm) {
      g.finish.activation = cell == Cell::relu ? Activation::relu : Activation::tanh;
    }
    if (kept) copyRow(rows * hidden, h, kept + first * hidden);
    const Status status = multiply(g, threads);
    if (status != Status::ok) return status;
    T* const c = h + batch * hidden;
    T* const second = kept ? kept + (total + first) * hidden : nullptr;
    if (cell == Cell::lstm && second) copyRow(rows * hidden, c, second);
    for (int64_t i = 0; i < rows; ++i) {
      T* const to = h + i * hidden;
      T* const from = x + i * g.n;
      if (cell == Cell::lstm) {
        lstm(from, c + i * hidden, to);
      } else if (cell == Cell::gru) {
        gru(from, g.c + i * g.n, to);
        if (second) copyRow(hidden, g.c + i * g.n + 2 * hidden, second + i * hidden);
      } else {
        copyRow(hidden, from, to);
      }
      copyRow(hidden, to, y + (first + i) * yRow);
    }
    return Status::ok;
  }

  // i, f, o = sigmoid, g = tanh of the gates; c = f c + i g; h = o tanh(c).
  void lstm(T* x, T* c, T* h) const {
    const ElementwiseKernels<T>& e = floatKernels<T>().elementwise;
    const int64_t steps[] = {1, 1, 1}, n = hidden;
    const auto sigmoid = e.unary[static_cast<int>(Unary::sigmoid)];
    const auto tanh = e.unary[static_cast<int>(Unary::tanh)];
    const auto mul = e.binary[static_cast<int>(Binary::mul)];
    sigmoid(2 * n, x, x);
    tanh(n, x + 2 * n, x + 2 * n);
    sigmoid(n, x + 3 * n, x + 3 * n);
    mul(n, c, 1, x + n, 1, c);
    e.ternary[static_cast<int>(Ternary::addcmul)](n, c, x, x + 2 * n, steps, 1, c);
    tanh(n, c, h);
    mul(n, h, 1, x + 3 * n, 1, h);
  }

  // r, z = sigmoid of the gates and the product p; n = tanh(x + r p); h = n + z (h - n).
  void gru(T* x, const T* p, T* h) const {
    const ElementwiseKernels<T>& e = floatKernels<T>().elementwise;
    const int64_t steps[] = {1, 1, 1}, n = hidden;
    T* const fresh = x + 2 * n;
    e.binary[static_cast<int>(Binary::add)](2 * n, x, 1, p, 1, x);
    e.unary[static_cast<int>(Unary::sigmoid)](2 * n, x, x);
    const auto ternary = [&](Ternary op) { return e.ternary[static_cast<int>(op)]; };
    ternary(Ternary::addcmul)(n, fresh, x, p + 2 * n, steps, 1, fresh);
    e.unary[static_cast<int>(Unary::tanh)](n, fresh, fresh);
    ternary(Ternary::lerp)(n, fresh, h, x + n, steps, 0, h);
  }
};

// Operands and numbers of both rows, in the signatures' order.
template <class T>
Status forwardOf(const Command& c) {
  const auto number = [&](int i) { return c.number[i].i; };
  Forward<T> job{};
  job.total = number(0);
  job.hidden = number(2);
  job.batch = number(3);
  job.cell = static_cast<Cell>(number(10));
  job.gates = static_cast<T*>(c.data[0]);
  job.bias = static_cast<const T*>(c.data[2]);
  job.state = static_cast<T*>(c.data[3]);
  job.kept = static_cast<T*>(c.data[4]);
  job.y = static_cast<T*>(c.data[5]);
  job.yRow = number(9);
  job.product =
      stepProduct(number(1), job.hidden, static_cast<const T*>(c.data[1]), number(7), number(8));
  const Steps steps = {static_cast<const int32_t*>(c.data[6]), number(6), job.batch, job.total};
  const Status status = steps.check();
  if (status != Status::ok || job.total == 0 || job.hidden == 0) return status;
  const bool backwards = number(11) != 0;
  return overRows(steps, &job.product, [&](int64_t begin, int64_t end, int threads) {
    return steps.each(backwards, begin, end, [&](int64_t first, int64_t rows) {
      return job.step(first, rows, begin, threads);
    });
  });
}

template <class T>
struct Backward {
  Cell cell;
  int64_t hidden, total, batch;
  Product<T> product;
  const T* gates;
  const T* kept;
  const T* dy;  // or null
  int64_t dyRow;
  T* dState;
  T* dGates;
  T* dHidden;

  Status step(int64_t first, int64_t rows, int64_t row, int threads) const {
    const int64_t width = product.k;
    T* const dh = dState + row * hidden;
    T* const top =
        static_cast<T*>(scratch(ScratchSlot::step, static_cast<size_t>(hidden) * sizeof(T)));
    if (!top) return Status::outOfMemory;
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t at = first + i;
      CellBackward<T> job{};
      job.n = hidden;
      job.gates = gates + at * width;
      job.before = kept + at * hidden;
      job.other = kept + (total + at) * hidden;
      job.dy = dy ? dy + at * dyRow : nullptr;
      job.dh = dh + i * hidden;
      job.dGates = dGates + at * width;
      if (cell == Cell::lstm) {
        job.before = job.other;
        job.other = top;
        job.dc = job.dh + batch * hidden;
        newCell(job.gates, job.before, top);
        floatKernels<T>().recurrent.lstmBackward(job);
      } else if (cell == Cell::gru) {
        job.dHidden = dHidden + at * width;
        floatKernels<T>().recurrent.gruBackward(job);
      } else {
        plain(job);
      }
    }
    Product<T> g = product;
    g.m = rows;
    g.a = (cell == Cell::gru ? dHidden : dGates) + first * width;
    g.c = dh;
    g.beta = cell == Cell::gru ? 1 : 0;
    return multiply(g, threads);
  }

  // tanh(f c + i g) with the bits of the forward pass: cheaper to compute again than to keep.
  void newCell(const T* x, const T* before, T* to) const {
    const ElementwiseKernels<T>& e = floatKernels<T>().elementwise;
    const int64_t steps[] = {1, 1, 1}, n = hidden;
    e.binary[static_cast<int>(Binary::mul)](n, before, 1, x + n, 1, to);
    e.ternary[static_cast<int>(Ternary::addcmul)](n, to, x, x + 2 * n, steps, 1, to);
    e.unary[static_cast<int>(Unary::tanh)](n, to, to);
  }

  // The activation's derivative, whose output the gates are.
  void plain(const CellBackward<T>& job) const {
    const ElementwiseKernels<T>& e = floatKernels<T>().elementwise;
    const T* g = job.dh;
    if (job.dy) {
      e.binary[static_cast<int>(Binary::add)](job.n, g, 1, job.dy, 1, job.dGates);
      g = job.dGates;
    }
    const T none[kMaxParameters] = {};
    const Derivative op = cell == Cell::relu ? Derivative::reluBackward : Derivative::tanhBackward;
    e.derivative[static_cast<int>(op)](job.n, g, 1, job.gates, none, job.dGates);
  }
};

template <class T>
Status backwardOf(const Command& c) {
  const auto number = [&](int i) { return c.number[i].i; };
  Backward<T> job{};
  job.total = number(0);
  job.hidden = number(2);
  job.batch = number(3);
  job.cell = static_cast<Cell>(number(10));
  job.gates = static_cast<const T*>(c.data[0]);
  job.kept = static_cast<const T*>(c.data[2]);
  job.dy = static_cast<const T*>(c.data[3]);
  job.dState = static_cast<T*>(c.data[4]);
  job.dGates = static_cast<T*>(c.data[5]);
  job.dHidden = static_cast<T*>(c.data[6]);
  job.dyRow = number(9);
  job.product =
      stepProduct(job.hidden, number(1), static_cast<const T*>(c.data[1]), number(7), number(8));
  const Steps steps = {static_cast<const int32_t*>(c.data[7]), number(6), job.batch, job.total};
  const Status status = steps.check();
  if (status != Status::ok || job.total == 0 || job.hidden == 0) return status;
  const bool backwards = number(11) == 0;  // against the order of the forward pass
  return overRows(steps, &job.product, [&](int64_t begin, int64_t end, int threads) {
    return steps.each(backwards, begin, end, [&](int64_t first, int64_t rows) {
      return job.step(first, rows, begin, threads);
    });
  });
}

Status forward(const Command& c) {
  return c.type[0] == DType::float64 ? forwardOf<double>(c) : forwardOf<float>(c);
}

Status backward(const Command& c) {
  return c.type[0] == DType::float64 ? backwardOf<double>(c) : backwardOf<float>(c);
}

const char* checkSizes(const Command& c, const void* kept) {
  const auto number = [&](int i) { return c.number[i].i; };
  if (number(10) < 0 || number(10) >= static_cast<int64_t>(Cell::count)) {
    return "cell is not a known one";
  }
  const Cell cell = static_cast<Cell>(number(10));
  if (number(1) % gatesOf(cell) != 0 || number(1) / gatesOf(cell) != number(2)) {
    return "width is not that of the cell's gates";
  }
  if (number(4) != statesOf(cell) || (kept && number(5) != keptOf(cell))) {
    return "the cell has another number of states";
  }
  return nullptr;
}

const char* checkForward(const Command& c) {
  if (c.data[2] && c.number[10].i != static_cast<int64_t>(Cell::gru)) {
    return "only a GRU takes a bias for the product";
  }
  return checkSizes(c, c.data[4]);
}

const char* checkBackward(const Command& c) {
  const bool isGru = c.number[10].i == static_cast<int64_t>(Cell::gru);
  // Without elements there may be no array.
  if (isGru && !c.data[6] && c.number[0].i != 0 && c.number[1].i != 0) return "a GRU needs dHidden";
  return checkSizes(c, c.data[2]);
}

const Row kRows[] = {
    // All steps of one direction. `gates` holds the input's part of them and receives their
    // activated values (of a plain RNN, h itself); the other part is h times `weight`, [hidden,
    // width], plus `bias` for a GRU. Step i has sizes[i] rows of the batch, the first ones; rows
    // are `total` together. `state` is h, and c of an LSTM: that before the first step, and then
    // that after the last step of each row. `kept` receives what the backward row needs: h before
    // each step, and c before it (LSTM) or the product's last third (GRU). Cells: 0 tanh, 1 relu,
    // 2 LSTM, 3 GRU.
    {"recurrent",
     "inout gates T[total width] in weight T[hidden*wRow width*wCol] opt bias T[width] "
     "inout state T[states batch hidden] optout kept T[keeps total hidden] "
     "out y T[total*yRow hidden] in sizes i32[steps]; "
     "total width hidden batch states keeps steps size wRow wCol yRow stride cell reverse int",
     forward, checkForward},
    // Back through the steps. `weight` is the other one's transpose; `dState` is the gradient of
    // the state after the steps, and then that of the state before them. dHidden is the gradient of
    // the product, which for cells other than a GRU's is dGates.
    {"recurrentBackward",
     "in gates T[total width] in weight T[width*wRow hidden*wCol] in kept T[keeps total hidden] "
     "opt dy T[total*dyRow hidden] inout dState T[states batch hidden] out dGates T[total width] "
     "optout dHidden T[total width] in sizes i32[steps]; "
     "total width hidden batch states keeps steps size wRow wCol dyRow stride cell reverse int",
     backward, checkBackward},
};

}  // namespace

RowList recurrentRows() { return rowList(kRows); }

}  // namespace tilegrad
