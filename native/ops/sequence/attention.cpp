// Scaled dot-product attention of one (batch, head) pair and a block of its queries at a time,
// after FlashAttention (Dao et al. 2022): the scores of a block live in scratch memory of the
// thread, and the backward pass computes them again. A block has all of its keys, so that its
// softmax is the ordinary one and neither maxima nor sums of rows have to be kept; memory grows
// with the number of keys, not with its square.
//
// Every sum is one chain of FMAs in ascending order of keys or queries that goes on from block to
// block, so that neither the size of a block nor a cut between threads changes a bit.
#include <string.h>

#include <initializer_list>
#include <limits>

#include "../../base/scratch.h"
#include "../parallel.h"
#include "../rows.h"
#include "../product/gemm.h"
#include "../product/gemm_blocks.h"
#include "../product/gemm_threads.h"
#include "../random/random.h"

namespace tilegrad {
namespace {

// Queries of a block. Causal blocks stop at their last query, so that small ones compute less;
// large ones read the keys less often.
constexpr int64_t kQueries = 32;

// Where the rows of a (batch, head) pair begin; the values of a row lie together.
struct Heads {
  int64_t batch, head, row;
};

struct Shape {
  int64_t batch, heads, queries, keys, depth, valueDepth;
  Heads q, k, v, out, mask;
  bool causal;
  double scale, p;
  int64_t pairs() const { return batch * heads; }
  int64_t blocks() const { return ceilDiv(queries, kQueries); }
  int64_t offset(const Heads& of, int64_t pair) const {
    return pair / heads * of.batch + pair % heads * of.head;
  }
};

Shape shapeOf(const Command& c) {
  const Number* const n = c.number;
  const auto heads = [&](int at) { return Heads{n[at].i, n[at + 1].i, n[at + 2].i}; };
  return {n[0].i,   n[1].i,    n[2].i,    n[3].i,    n[4].i,       n[5].i,  heads(6),
          heads(9), heads(12), heads(15), heads(18), n[21].i != 0, n[22].f, n[23].f};
}

// The rows of a pair.
template <class T>
struct Rows {
  T* data;
  int64_t row;
};

template <class T>
int64_t panelSize(int64_t keys, int64_t depth) {
  const int64_t width = floatKernels<T>().gemm.maxCols;
  return ceilDiv(keys, width) * width * depth;
}

// A pair's rows [keys, depth], transposed, as panels for products with many blocks of queries.
template <class T>
void packTransposed(const Rows<const T>& from, int64_t keys, int64_t depth, T* panels) {
  const GemmKernels<T>& gemm = floatKernels<T>().gemm;
  for (int64_t j = 0; j < keys; j += gemm.maxCols) {
    gemm.packPanel(depth, min64(keys - j, gemm.maxCols), from.data + j * from.row, 1, from.row,
                   panels + j * depth);
  }
}

// C [m, n] = A B, or C += A B.
template <class T>
struct Factors {
  int64_t m, n, k;
  const T* a;
  int64_t aRow, aCol;
  const T* b;
  int64_t bRow;
  bool panels;
};

template <class T>
Status product(const Factors<T>& f, bool adds, const Rows<T>& c, int threads) {
  Product<T> g{};
  g.m = f.m;
  g.n = f.n;
  g.k = f.k;
  g.a = f.a;
  g.aRow = f.aRow;
  g.aCol = f.aCol;
  g.b = f.b;
  g.bRow = f.bRow;
  g.bCol = 1;
  g.prepacked = f.panels;
  g.c = c.data;
  g.cRow = c.row;
  g.alpha = 1;
  g.beta = adds ? T{1} : T{0};
  g.finish = {Activation::none, Side::none, 0};
  return multiply(g, threads);
}

// What all blocks of a call share, and how many threads work on one of them.
template <class T>
struct Call {
  const Command& command;
  const Shape& shape;
  Stream stream;
  int threads;

  Rows<const T> rows(int operand, const Heads& of, int64_t pair) const {
    return {static_cast<const T*>(command.data[operand]) + shape.offset(of, pair), of.row};
  }
  Rows<T> results(int operand, const Heads& of, int64_t pair) const {
    T* const data = static_cast<T*>(command.data[operand]);
    return {data ? data + shape.offset(of, pair) : nullptr, of.row};
  }
};

// f(begin, end) over the rows of a block.
template <class T, class F>
void overRows(const Call<T>& call, int64_t count, int64_t n, const F& f) {
  if (call.threads == 1) {
    f(int64_t{0}, count);
    return;
  }
  parallelShares(count, kSoftmaxRows, n * static_cast<int64_t>(sizeof(T)), kHeavyShare, f);
}

// y = x * factor over rows of n values; y may be x.
template <class T>
void scaleRows(int64_t count, int64_t n, const Rows<const T>& x, T factor, const Rows<T>& y) {
  const auto mul = floatKernels<T>().elementwise.binary[static_cast<int>(Binary::mul)];
  for (int64_t i = 0; i < count; ++i) mul(n, x.data + i * x.row, 1, &factor, 0, y.data + i * y.row);
}

// A block of queries: [first, first + count), which may attend to keys [0, keys).
struct Block {
  int64_t pair, first, count, keys;
};

Block blockAt(const Shape& s, int64_t pair, int64_t index) {
  const int64_t first = index * kQueries, count = min64(kQueries, s.queries - first);
  return {pair, first, count, s.causal ? min64(s.keys, first + count) : s.keys};
}

inline void selectScores(int64_t n, const uint8_t* mask, const float* none, float* x) {
  kernels().integer.select32(n, mask, 1, reinterpret_cast<const uint32_t*>(x), 1,
                             reinterpret_cast<const uint32_t*>(none), 0,
                             reinterpret_cast<uint32_t*>(x));
}
inline void selectScores(int64_t n, const uint8_t* mask, const double* none, double* x) {
  kernels().integer.select64(n, mask, 1, reinterpret_cast<const uint64_t*>(x), 1,
                             reinterpret_cast<const uint64_t*>(none), 0,
                             reinterpret_cast<uint64_t*>(x));
}

// Applies the mask to row `query` of a block's scores.
template <class T>
void maskRow(const Call<T>& call, const Block& block, int64_t query, T* row) {
  constexpr int kMask = 3;
  const Shape& s = call.shape;
  const T lowest = -std::numeric_limits<T>::infinity();
  if (call.command.data[kMask]) {
    const int64_t at = s.offset(s.mask, block.pair) + query * s.mask.row;
    if (call.command.type[kMask] == DType::uint8) {
      selectScores(block.keys, static_cast<const uint8_t*>(call.command.data[kMask]) + at, &lowest,
                   row);
    } else {
      floatKernels<T>().elementwise.binary[static_cast<int>(Binary::add)](
          block.keys, row, 1, static_cast<const T*>(call.command.data[kMask]) + at, 1, row);
    }
  }
  if (!s.causal) return;
  for (int64_t j = query + 1; j < block.keys; ++j) row[j] = lowest;
}

// The weights of a block: softmax(scale q k^T + mask), from scaled queries and packed keys. Rows
// that may attend to nothing get zeros, as in PyTorch.
template <class T>
Status weights(const Call<T>& call, const Block& block, const T* queries, const T* keyPanels,
               T* to) {
  const FloatKernels<T>& k = floatKernels<T>();
  const int64_t n = block.keys, depth = call.shape.depth;
  const Status status = product<T>({block.count, n, depth, queries, depth, 1, keyPanels, 0, true},
                                   false, {to, n}, call.threads);
  if (status != Status::ok) return status;
  overRows(call, block.count, n, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += kSoftmaxRows) {
      const int64_t count = min64(kSoftmaxRows, end - i);
      bool empty[kSoftmaxRows] = {};
      for (int64_t r = 0; r < count; ++r) {
        T* const row = to + (i + r) * n;
        maskRow(call, block, block.first + i + r, row);
        if (call.command.data[3])
          empty[r] = k.reduce.max(n, row) == -std::numeric_limits<T>::infinity();
      }
      k.softmax.softmax(count, n, to + i * n, n, to + i * n);
      for (int64_t r = 0; r < count; ++r) {
        if (empty[r]) memset(to + (i + r) * n, 0, static_cast<size_t>(n) * sizeof(T));
      }
    }
  });
  return Status::ok;
}

// Dropout of a block's values; every row of weights has positions of its own in the stream.
template <class T>
void drop(const Call<T>& call, const Block& block, const T* x, T* y) {
  const Shape& s = call.shape;
  const int64_t positions = ceilDiv(s.keys, kPhiloxValues<T>), n = block.keys;
  // -0 is what changes no number when it is added.
  const Dropping dropping = {s.p, 1 / (1 - s.p), -0.0, -0.0};
  overRows(call, block.count, n, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = block.pair * s.queries + block.first + i;
      floatKernels<T>().random.dropout(n, call.stream.key,
                                       call.stream.first + static_cast<uint64_t>(row * positions),
                                       dropping, x + i * n, y + i * n);
    }
  });
}

// Memory of the thread, cut into arrays that begin at cache lines.
template <class T>
class Arena {
 public:
  explicit Arena(std::initializer_list<int64_t> sizes) {
    int64_t total = 0;
    for (const int64_t size : sizes) total += rounded(size);
    next_ = static_cast<T*>(scratch(ScratchSlot::step, static_cast<size_t>(total) * sizeof(T)));
  }
  bool failed() const { return next_ == nullptr; }
  T* take(int64_t size) {
    T* const array = next_;
    next_ += rounded(size);
    return array;
  }

 private:
  static int64_t rounded(int64_t size) {
    return roundUp(size, kCacheLine / static_cast<int64_t>(sizeof(T)));
  }
  T* next_;
};

// Item i of a pair's blocks: in turn from the front and from the back, so that neighbours in a
// causal problem have as many keys together as others.
int64_t inTurn(int64_t i, int64_t blocks) { return i % 2 == 0 ? i / 2 : blocks - 1 - i / 2; }

// q, k, v, mask, out, used.
template <class T>
Status forward(const Command& c, const Shape& s, const Stream& stream) {
  const int64_t blocks = s.blocks(), items = s.pairs() * blocks;
  const double work = static_cast<double>(s.pairs()) * static_cast<double>(s.queries) *
                      static_cast<double>(s.keys) * static_cast<double>(s.depth + s.valueDepth);
  const auto run = [&](int64_t begin, int64_t end) {
    const Call<T> call = {c, s, stream, 1};
    const int64_t panelValues = panelSize<T>(s.keys, s.depth);
    Arena<T> arena({panelValues, kQueries * s.depth, kQueries * s.keys});
    if (arena.failed()) return Status::outOfMemory;
    T* const panels = arena.take(panelValues);
    T* const queries = arena.take(kQueries * s.depth);
    T* const p = arena.take(kQueries * s.keys);
    for (int64_t i = begin; i < end; ++i) {
      const Block block = blockAt(s, i / blocks, inTurn(i % blocks, blocks));
      if (i == begin || i % blocks == 0) {
        packTransposed(call.rows(1, s.k, block.pair), s.keys, s.depth, panels);
      }
      Rows<const T> q = call.rows(0, s.q, block.pair);
      q.data += block.first * q.row;
      scaleRows<T>(block.count, s.depth, q, static_cast<T>(s.scale), {queries, s.depth});
      Status status = weights(call, block, queries, panels, p);
      if (status != Status::ok) return status;
      if (s.p > 0) drop(call, block, p, p);
      const Rows<const T> v = call.rows(2, s.v, block.pair);
      Rows<T> out = call.results(4, s.out, block.pair);
      out.data += block.first * out.row;
      status = product<T>(
          {block.count, s.valueDepth, block.keys, p, block.keys, 1, v.data, v.row, false}, false,
          out, 1);
      if (status != Status::ok) return status;
    }
    return Status::ok;
  };
  if (!worthThreads(work, numThreads())) return run(0, items);
  return parallelStatus(items, 1, run);
}

// The gradients of one pair: with the weights P of a block, what arrives at them dP = g v^T and
// dS = P (dP - sum(dP P)),
//   dv += P^T g, dq = scale dS k, dk += scale dS^T q.
template <class T>
Status pairBackward(const Call<T>& call, int64_t pair) {
  const Shape& s = call.shape;
  const FloatKernels<T>& kernels = floatKernels<T>();
  const Rows<T> dq = call.results(6, s.q, pair), dk = call.results(7, s.k, pair);
  const Rows<T> dv = call.results(8, s.v, pair);
  const bool ofScores = dq.data || dk.data;
  const int64_t keyValues = panelSize<T>(s.keys, s.depth);
  const int64_t valueValues = ofScores ? panelSize<T>(s.keys, s.valueDepth) : 0;
  const int64_t queryValues = kQueries * s.depth, weightValues = kQueries * s.keys;
  Arena<T> arena({keyValues, valueValues, queryValues, weightValues, weightValues});
  if (arena.failed()) return Status::outOfMemory;
  T* const keyPanels = arena.take(keyValues);
  T* const valuePanels = arena.take(valueValues);
  T* const queries = arena.take(queryValues);
  T* const p = arena.take(weightValues);
  T* const other = arena.take(weightValues);

  const Rows<const T> k = call.rows(1, s.k, pair);
  packTransposed(k, s.keys, s.depth, keyPanels);
  if (ofScores) packTransposed(call.rows(2, s.v, pair), s.keys, s.valueDepth, valuePanels);
  // Sums over queries start from 0: a causal block doesn't reach all keys.
  for (int64_t j = 0; j < s.keys; ++j) {
    if (dk.data) memset(dk.data + j * dk.row, 0, static_cast<size_t>(s.depth) * sizeof(T));
    if (dv.data) memset(dv.data + j * dv.row, 0, static_cast<size_t>(s.valueDepth) * sizeof(T));
  }
  for (int64_t b = 0; b < s.blocks(); ++b) {
    const Block block = blockAt(s, pair, b);
    const int64_t n = block.keys, count = block.count;
    Rows<const T> q = call.rows(0, s.q, pair), g = call.rows(4, s.out, pair);
    q.data += block.first * q.row;
    g.data += block.first * g.row;
    scaleRows<T>(count, s.depth, q, static_cast<T>(s.scale), {queries, s.depth});
    Status status = weights(call, block, queries, keyPanels, p);
    if (status == Status::ok && dv.data) {
      if (s.p > 0) drop(call, block, p, other);
      const T* const dropped = s.p > 0 ? other : p;
      status = product<T>({n, s.valueDepth, count, dropped, 1, n, g.data, g.row, false}, true, dv,
                          call.threads);
    }
    if (status != Status::ok) return status;
    if (!ofScores) continue;
    status = product<T>({count, n, s.valueDepth, g.data, g.row, 1, valuePanels, 0, true}, false,
                        {other, n}, call.threads);
    if (status != Status::ok) return status;
    if (s.p > 0) drop(call, block, other, other);
    overRows(call, count, n, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        kernels.softmax.softmaxBackward(n, p + i * n, other + i * n, other + i * n);
      }
    });
    if (dq.data) {
      const Rows<T> to = {dq.data + block.first * dq.row, dq.row};
      status = product<T>({count, s.depth, n, other, n, 1, k.data, k.row, false}, false, to,
                          call.threads);
      scaleRows<T>(count, s.depth, {to.data, to.row}, static_cast<T>(s.scale), to);
    }
    if (status == Status::ok && dk.data) {
      status = product<T>({n, s.depth, count, other, 1, n, queries, s.depth, false}, true, dk,
                          call.threads);
    }
    if (status != Status::ok) return status;
  }
  return Status::ok;
}

// q, k, v, mask, g, used, dq, dk, dv.
template <class T>
Status backward(const Command& c, const Shape& s, const Stream& stream) {
  const double work = 2.5 * static_cast<double>(s.pairs()) * static_cast<double>(s.queries) *
                      static_cast<double>(s.keys) * static_cast<double>(s.depth + s.valueDepth);
  const bool worth = worthThreads(work, numThreads());
  const auto run = [&](int64_t begin, int64_t end, int threads) {
    const Call<T> call = {c, s, stream, threads};
    for (int64_t pair = begin; pair < end; ++pair) {
      const Status status = pairBackward(call, pair);
      if (status != Status::ok) return status;
    }
    return Status::ok;
  };
  const bool even = s.pairs() >= 4 * numThreads() || s.pairs() % numThreads() == 0;
  if (!worth || !even) return run(0, s.pairs(), worth ? numThreads() : 1);
  return parallelStatus(s.pairs(), 1,
                        [&](int64_t begin, int64_t end) { return run(begin, end, 1); });
}

Status runForward(const Command& c) {
  const Shape s = shapeOf(c);
  Stream stream{};
  if (s.p > 0) {
    constexpr int kState = 5, kUsed = 6;
    uint32_t* const state = static_cast<uint32_t*>(c.data[kState]);
    memcpy(c.data[kUsed], state, kStateWords * sizeof(uint32_t));
    const int64_t values =
        c.type[0] == DType::float64 ? kPhiloxValues<double> : kPhiloxValues<float>;
    stream = takePositions(state, s.pairs() * s.queries * ceilDiv(s.keys, values));
  }
  return c.type[0] == DType::float64 ? forward<double>(c, s, stream) : forward<float>(c, s, stream);
}

Status runBackward(const Command& c) {
  const Shape s = shapeOf(c);
  Stream stream{};
  if (s.p > 0) {
    uint32_t used[kStateWords];
    memcpy(used, c.data[5], sizeof used);
    stream = streamAt(used);
  }
  return c.type[0] == DType::float64 ? backward<double>(c, s, stream)
                                     : backward<float>(c, s, stream);
}

const char* checkAttention(const Command& c) {
  for (int i = 0; i < 6; ++i) {
    if (c.number[i].i == 0) return "a size is 0";
  }
  if (c.data[3] && c.type[3] != DType::uint8 && c.type[3] != c.type[0]) {
    return "the mask is neither uint8 nor of the operands' type";
  }
  const double p = c.number[23].f;
  if (!(p >= 0 && p < 1)) return "p is not a probability below 1";
  return p > 0 && !c.data[5] ? "dropout needs the state of a generator" : nullptr;
}

#define TG_ATTENTION_INPUTS                                \
  "in q T[batch*qBatch heads*qHead queries*qRow depth] "   \
  "in k T[batch*kBatch heads*kHead keys*kRow depth] "      \
  "in v T[batch*vBatch heads*vHead keys*vRow valueDepth] " \
  "opt mask A[batch*mBatch heads*mHead queries*mRow keys] "
#define TG_ATTENTION_NUMBERS                                            \
  "batch heads queries keys depth valueDepth size qBatch qHead qRow "   \
  "kBatch kHead kRow vBatch vHead vRow oBatch oHead oRow mBatch mHead " \
  "mRow stride causal int scale p real"

const Row kRows[] = {
    // out = dropout(softmax(scale q k^T + mask)) v for every pair of a batch and a head. A mask of
    // uint8 says which keys a query may attend to, one of floats is added to the scores; `causal`
    // leaves key j to queries i >= j. `used` receives the generator's state before.
    {"attention",
     TG_ATTENTION_INPUTS "out out T[batch*oBatch heads*oHead queries*oRow valueDepth] "
                         "inout state u32[4] out used i32[4]; " TG_ATTENTION_NUMBERS,
     runForward, checkAttention},
    // The gradients of q, k and v, which lie as these do.
    {"attentionBackward",
     TG_ATTENTION_INPUTS
     "in g T[batch*oBatch heads*oHead queries*oRow valueDepth] opt used i32[4] "
     "optout dq T[batch*qBatch heads*qHead queries*qRow depth] "
     "optout dk T[batch*kBatch heads*kHead keys*kRow depth] "
     "optout dv T[batch*vBatch heads*vHead keys*vRow valueDepth]; " TG_ATTENTION_NUMBERS,
     runBackward, checkAttention},
};

}  // namespace

RowList attentionRows() { return rowList(kRows); }

}  // namespace tilegrad
