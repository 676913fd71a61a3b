// Softmax, cross-entropy, random numbers and optimizer steps through their rows: against naive
// loops in long double, at every level, with one and two threads.
#include "../../native/ops/optim/optimizer.h"
#include "rows.h"

namespace tilegrad {
namespace test {
namespace {

using Real = long double;

struct RowSoftmax {
  Real maximum = -std::numeric_limits<Real>::infinity(), sum = 0;
  template <class T>
  RowSoftmax(const T* x, int64_t n) {
    for (int64_t j = 0; j < n; ++j) maximum = x[j] > maximum ? x[j] : maximum;
    for (int64_t j = 0; j < n; ++j) sum += expl(x[j] - maximum);
  }
  Real log(Real x) const { return x - maximum - logl(sum); }
};

template <class T>
void testSoftmax(int64_t rows, int64_t cols) {
  const int64_t xRow = cols + 2, yRow = cols;
  const std::vector<T> x = randomValues<T>(rows * xRow, 5, -9, 9);
  const std::vector<T> g = randomValues<T>(rows * yRow, 6);
  const size_t count = g.size();
  const std::string where = " " + std::to_string(rows) + "x" + std::to_string(cols);
  const auto forward = [&](const char* name) {
    return everywhere(name + where, [&] {
      std::vector<T> y(count + 1, T(-5));
      Call(name)
          .array(x.data())
          .array(y.data())
          .number(rows)
          .number(cols)
          .number(1)
          .number(xRow)
          .number(1)
          .run();
      return y;
    });
  };
  const auto backward = [&](const char* name, const std::vector<T>& y) {
    return everywhere(name + where, [&] {
      std::vector<T> dx = g;  // in place of g
      Call(name)
          .array(y.data())
          .array(dx.data())
          .array(dx.data())
          .number(rows)
          .number(cols)
          .number(1)
          .run();
      return dx;
    });
  };
  const std::vector<T> y = forward("softmax"), logs = forward("logSoftmax");
  const std::vector<T> dy = backward("softmaxBackward", y);
  const std::vector<T> dlogs = backward("logSoftmaxBackward", logs);
  for (int64_t i = 0; i < rows; ++i) {
    const RowSoftmax row(&x[static_cast<size_t>(i * xRow)], cols);
    Real dot = 0, sum = 0, gMagnitude = 0;
    for (int64_t j = 0; j < cols; ++j) {
      const size_t at = static_cast<size_t>(i * yRow + j);
      dot += static_cast<Real>(g[at]) * y[at];
      sum += g[at];
      gMagnitude += fabsl(g[at]);
    }
    for (int64_t j = 0; j < cols; ++j) {
      const Real log = row.log(x[static_cast<size_t>(i * xRow + j)]);
      const size_t at = static_cast<size_t>(i * yRow + j);
      // x - max is rounded, at up to 18, before exp.
      expect(isClose(y[at], expl(log), 14), "softmax" + where);
      expect(isClose(logs[at], log, 4, 18), "logSoftmax" + where);
      expect(isClose(dy[at], y[at] * (g[at] - dot), 4, static_cast<double>(8 * y[at])),
             "softmaxBackward" + where);
      expect(isClose(dlogs[at], g[at] - expl(logs[at]) * sum, 6,
                     static_cast<double>(fabsl(g[at]) + expl(logs[at]) * gMagnitude)),
             "logSoftmaxBackward" + where);
    }
  }
  expect(y[count] == T(-5), "softmax wrote behind its rows");
}

// The mean cross entropy of rows of scores: the loss, what it was divided by, and what the backward
// row needs of each row.
template <class T>
struct Loss {
  std::vector<T> loss, stats;
};

template <class T>
bool sameBits(const Loss<T>& a, const Loss<T>& b) {
  return test::sameBits(a.loss, b.loss) && test::sameBits(a.stats, b.stats);
}

// The numbers that both rows take: classes in rows, reduced to a mean, without smoothing.
inline Call& meanOfRows(Call& call, int64_t rows, int64_t cols, int64_t xRow) {
  return call.number(rows)
      .number(cols)
      .number(1)
      .number(1)
      .number(xRow)
      .number(1)
      .number(1)
      .number(1)
      .number(-100)
      .real(0);
}

template <class T>
Loss<T> crossEntropyOf(const T* x, const std::vector<int32_t>& target, int64_t rows, int64_t cols,
                       int64_t xRow) {
  Loss<T> result{std::vector<T>(2), std::vector<T>(static_cast<size_t>(3 * rows))};
  Call call("crossEntropy");
  call.array(x).array(target.data()).none().none();
  call.array(result.loss.data()).array(result.stats.data()).array(result.loss.data() + 1);
  meanOfRows(call, rows, cols, xRow).run();
  return result;
}

template <class T>
void testCrossEntropy(int64_t rows, int64_t cols) {
  const int64_t xRow = cols + 1;
  const std::vector<T> x = randomValues<T>(rows * xRow, 8, -9, 9);
  std::vector<int32_t> target(static_cast<size_t>(rows));
  for (size_t i = 0; i < target.size(); ++i) {
    target[i] = static_cast<int32_t>((i * 7) % static_cast<size_t>(cols));
  }
  const std::string where = " " + std::to_string(rows) + "x" + std::to_string(cols);
  const auto forward = [&] { return crossEntropyOf(x.data(), target, rows, cols, xRow); };
  const Loss<T> result = everywhere("crossEntropy" + where, forward);
  const T g = T(1.5);
  const std::vector<T> dx = everywhere("crossEntropyBackward" + where, [&] {
    std::vector<T> out(static_cast<size_t>(rows * cols));
    Call call("crossEntropyBackward");
    call.array(x.data()).array(target.data()).none().none();
    call.array(result.stats.data()).array(result.loss.data() + 1).array(&g).array(out.data());
    meanOfRows(call, rows, cols, xRow).run();
    return out;
  });
  Real loss = 0;
  for (int64_t i = 0; i < rows; ++i) {
    const T* const from = &x[static_cast<size_t>(i * xRow)];
    const RowSoftmax row(from, cols);
    const int32_t t = target[static_cast<size_t>(i)];
    loss -= row.log(from[t]);
    for (int64_t j = 0; j < cols; ++j) {
      const Real want =
          1.5L / static_cast<Real>(rows) * (expl(row.log(from[j])) - (j == t ? 1 : 0));
      expect(
          isClose(dx[static_cast<size_t>(i * cols + j)], want, 20, 1.5 / static_cast<double>(rows)),
          "crossEntropyBackward" + where);
    }
  }
  expect(isClose(result.loss[0], loss / static_cast<Real>(rows), 16, 1), "crossEntropy" + where);
  target[0] = static_cast<int32_t>(cols);
  expect(isnan(forward().loss[0]), "crossEntropy of a class that does not exist");
}

template <class T>
void testSoftmaxEdges() {
  const T inf = std::numeric_limits<T>::infinity();
  const std::vector<T> hidden = {-inf, -inf}, partly = {-inf, 0}, far = {T(1e4), T(-1e4)};
  std::vector<T> y(2);
  const auto softmax = [&](const std::vector<T>& x) {
    Call("softmax")
        .array(x.data())
        .array(y.data())
        .number(1)
        .number(2)
        .number(1)
        .number(2)
        .number(1)
        .run();
  };
  softmax(hidden);
  expect(isnan(y[0]) && isnan(y[1]), "softmax of a row of -inf");
  softmax(partly);
  expect(y[0] == 0 && y[1] == 1, "softmax with -inf");
  softmax(far);
  expect(y[0] == 1 && y[1] == 0, "softmax far apart");
  // A small loss is right to the precision of 1, not of the scores.
  const std::vector<T> sure = {T(1000), T(1000 - 5)};
  const std::vector<int32_t> target = {0};
  const T loss = crossEntropyOf(sure.data(), target, 1, 2, 2).loss[0];
  expect(isClose(loss, log1pl(expl(-5.0L)), 2, 1), "crossEntropy of a sure class");
}

// Philox4x32-10 one position at a time, from the paper's definition.
struct Philox {
  uint32_t word[4];
  Philox(uint64_t key, uint64_t position) {
    uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
    uint32_t c[4] = {static_cast<uint32_t>(position), static_cast<uint32_t>(position >> 32), 0, 0};
    for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
      const uint64_t a = uint64_t{0xD2511F53u} * c[0], b = uint64_t{0xCD9E8D57u} * c[2];
      c[0] = static_cast<uint32_t>(b >> 32) ^ c[1] ^ k0;
      c[1] = static_cast<uint32_t>(b);
      c[2] = static_cast<uint32_t>(a >> 32) ^ c[3] ^ k1;
      c[3] = static_cast<uint32_t>(a);
    }
    memcpy(word, c, sizeof c);
  }
};

template <class T>
T uniformAt(uint64_t key, uint64_t first, int64_t i) {
  if (sizeof(T) == 4) {
    const Philox p(key, first + static_cast<uint64_t>(i / 4));
    return static_cast<T>((p.word[i % 4] >> 8) * 0x1p-24);
  }
  const Philox p(key, first + static_cast<uint64_t>(i / 2));
  const uint64_t high = p.word[2 * (i % 2)] >> 5, low = p.word[2 * (i % 2) + 1] >> 6;
  return static_cast<T>(static_cast<double>(high << 26 | low) * 0x1p-53);
}

template <class T>
struct Drawn {
  std::vector<T> y;
  std::vector<uint32_t> state;
};

template <class T>
bool sameBits(const Drawn<T>& a, const Drawn<T>& b) {
  return test::sameBits(a.y, b.y) && a.state == b.state;
}

constexpr double kDropping = 0.3;

// What a row draws: `before` fills the arguments before the state, `after` those after it.
template <class T, class Before, class After>
Drawn<T> drawn(const char* name, int64_t n, uint64_t key, uint64_t first, const Before& before,
               const After& after) {
  return everywhere(name + (" " + std::to_string(n)), [&] {
    Drawn<T> result{std::vector<T>(static_cast<size_t>(n) + 3, T(-7)),
                    {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32),
                     static_cast<uint32_t>(first), static_cast<uint32_t>(first >> 32)}};
    Call call(name);
    before(call, &result);
    call.array(result.state.data());
    after(call, &result);
    call.run();
    return result;
  });
}

// Of a row that takes the state, the result, its size and some reals.
template <class T>
Drawn<T> drawn(const char* name, int64_t n, uint64_t key, uint64_t first,
               const std::vector<double>& reals) {
  return drawn<T>(
      name, n, key, first, [](Call&, Drawn<T>*) {},
      [&](Call& call, Drawn<T>* result) {
        call.array(result->y.data()).number(n);
        for (double r : reals) call.real(r);
      });
}

template <class T>
void testRandom(int64_t n, uint64_t key, uint64_t first) {
  const Drawn<T> uniform = drawn<T>("uniform", n, key, first, {1, -0.0});
  const Drawn<T> moved = drawn<T>("uniform", n, key, first, {3, -1.25});
  const Drawn<T> normal = drawn<T>("normal", n, key, first, {1, -0.0});
  const Drawn<T> exponential = drawn<T>("exponential", n, key, first, {0.5});
  const std::vector<T> x = randomValues<T>(n + 1, 17);
  int32_t used[4];
  const auto input = [&](Call& call, Drawn<T>* result) {
    call.dimensions({n}).strides({1}).array(x.data() + 1).strides({1}).array(result->y.data());
  };
  const Drawn<T> dropped = drawn<T>("dropout", n, key, first, input, [&](Call& call, Drawn<T>*) {
    call.array(used).real(kDropping).real(2).real(0.25).real(-0.5);
  });
  const int64_t values = sizeof(T) == 4 ? 4 : 2;
  const uint64_t next = first + static_cast<uint64_t>((n + values - 1) / values);
  for (const Drawn<T>& one : {uniform, moved, normal, exponential, dropped}) {
    expect(one.state[2] == static_cast<uint32_t>(next) &&
               one.state[3] == static_cast<uint32_t>(next >> 32),
           "the random state did not advance rightly");
    expect(one.y[static_cast<size_t>(n)] == T(-7), "a row wrote past the end");
  }
  for (int64_t i = 0; i < n; ++i) {
    const size_t at = static_cast<size_t>(i);
    const T u = uniformAt<T>(key, first, i);
    expect(uniform.y[at] == u, "uniform " + std::to_string(i));
    expect(moved.y[at] == u * 3 + T(-1.25), "uniform between bounds");
    const T in = x[at + 1];
    expect(dropped.y[at] == (u < T(kDropping) ? in * 0 - T(0.5) : in * 2 + T(0.25)), "dropout");
    const Real wait =
        u > 0 ? -log1pl(-static_cast<Real>(u)) : (sizeof(T) == 4 ? 0x1p-25L : 0x1p-54L);
    expect(isClose(exponential.y[at], wait / 2, 2, static_cast<double>(wait)), "exponential");
    const Real u1 = uniformAt<T>(key, first, i & ~int64_t{1});
    const Real angle = 2 * 3.14159265358979323846264338327950288L * uniformAt<T>(key, first, i | 1);
    const Real radius = sqrtl(-2 * log1pl(-u1));
    const Real z = radius * (i % 2 == 0 ? cosl(angle) : sinl(angle));
    expect(isClose(normal.y[at], z, 4, static_cast<double>(radius)), "normal");
  }
}

void testRandint(int64_t n, int64_t low, int64_t high) {
  const Drawn<int32_t> y = drawn<int32_t>(
      "randint", n, 9, 77, [](Call&, Drawn<int32_t>*) {},
      [&](Call& call, Drawn<int32_t>* result) {
        call.array(result->y.data()).number(n).number(low).number(high);
      });
  for (int64_t i = 0; i < n; ++i) {
    // 16 values from 32 words: the upper halves, then the lower ones.
    const int64_t word = i / 16 * 32 + i % 16;
    const Philox upper(9, 77 + static_cast<uint64_t>(word / 4));
    const Philox lower(9, 77 + static_cast<uint64_t>((word + 16) / 4));
    const uint64_t range = static_cast<uint64_t>(high - low);
    const uint64_t rest = uint64_t{lower.word[(word + 16) % 4]} * range >> 32;
    const uint64_t above = (uint64_t{upper.word[word % 4]} * range + rest) >> 32;
    const int64_t expected = low + static_cast<int64_t>(above);
    expect(y.y[static_cast<size_t>(i)] == expected, "randint");
  }
}

void testRandomKnown() {
  // The reference implementation's known answer for a zero key and counter.
  const Philox known(0, 0);
  expect(known.word[0] == 0x6627E8D5u && known.word[1] == 0xE169C58Du &&
             known.word[2] == 0xBC57AC4Cu && known.word[3] == 0x9B00DBD8u,
         "Philox4x32-10");
  for (int64_t n : {0, 1, 3, 4, 5, 63, 64, 65, 130, 1001}) {
    testRandom<float>(n, 0x0123456789ABCDEFu, 42);
    testRandom<double>(n, 0xFEDCBA9876543210u, 7);
  }
  // Both halves of the position carry.
  testRandom<float>(300, 3, 0xFFFFFFF3u);
  testRandom<double>(300, 3, 0xFFFFFFFFFFFFFFFAu);
  testRandom<float>(200003, 5, 0);
  testRandom<double>(90001, 5, 0);
  for (int64_t n : {0, 1, 15, 16, 17, 100, 1000, 60000}) {
    testRandint(n, 0, 10);
    testRandint(n, -1, 2147483648);
    // Of all numbers the range is 2^32: the upper half itself.
    testRandint(n, -2147483648, 2147483648);
  }
  std::vector<uint32_t> state(4, 0);
  std::vector<int32_t> used(4);
  std::vector<float> y(100, -1.0f);
  const auto call = [&](double p, int64_t step) {
    Call dropout("dropout");
    dropout.dimensions({50}).strides({1}).array(y.data()).strides({step}).array(y.data());
    dropout.array(state.data()).array(used.data()).real(p).real(1).real(0).real(0);
    return dropout;
  };
  for (double p : {-0.1, 1.1, static_cast<double>(NAN)}) {
    expect(call(p, 1).problem(), "dropout took a wrong probability");
  }
  expect(call(0.5, 2).problem(), "dropout took a strided result");
}

template <class T>
struct Trained {
  std::vector<T> w, state;
  std::vector<double> scalars;
};

template <class T>
bool sameBits(const Trained<T>& a, const Trained<T>& b) {
  return test::sameBits(a.w, b.w) && test::sameBits(a.state, b.state) &&
         test::sameBits(a.scalars, b.scalars);
}

constexpr int kSteps = 5;
constexpr int64_t kGap = 3;  // elements between segments, which must not change

// Calls an optimizer's row for segments of n elements each, kGap elements apart.
template <class T>
void callStep(const std::string& row, int64_t kept, const std::vector<double>& hyper,
              const std::vector<T>& g, int64_t segments, int64_t n, Trained<T>* t) {
  std::vector<double> table;
  for (int64_t i = 0; i < segments; ++i) {
    const double at = static_cast<double>(i * (n + kGap));
    for (double field :
         {at, at, 3 * at, static_cast<double>(n), static_cast<double>(n), static_cast<double>(i)}) {
      table.push_back(field);
    }
  }
  Call(row)
      .array(t->w.data())
      .array(g.data())
      .array(t->state.data())
      .array(hyper.data())
      .array(t->scalars.data())
      .array(table.data())
      .number(static_cast<int64_t>(t->w.size()))
      .number(static_cast<int64_t>(g.size()))
      .number(static_cast<int64_t>(t->state.size()))
      .number(segments)
      .number(segments)
      .number(kept)
      .run();
}

// Five steps at every level, compared with the update rules in long double. (The other rules are
// compared with PyTorch in test/optim.)
template <class T>
void testOptimizer(const std::string& row, int64_t kept, int64_t segments, int64_t n,
                   const std::vector<double>& hyper) {
  const int64_t size = segments * (n + kGap);
  const std::vector<T> w0 = randomValues<T>(size, 21);
  std::vector<T> gradients[kSteps];
  for (int step = 0; step < kSteps; ++step) {
    gradients[step] = randomValues<T>(size, 30 + static_cast<uint64_t>(step));
  }
  const bool adam = row == "adam", momentum = row == "sgd" && kept != 0;
  const Trained<T> got = everywhere(row + " " + std::to_string(n), [&] {
    Trained<T> t{w0, std::vector<T>(static_cast<size_t>(3 * size)),
                 std::vector<double>(static_cast<size_t>(3 * segments))};
    for (const std::vector<T>& g : gradients) callStep(row, kept, hyper, g, segments, n, &t);
    return t;
  });
  const Real lr = hyper[kHyperLr], decay = hyper[kHyperWeightDecay];
  const Real beta1 = hyper[kHyperBeta1], beta2 = hyper[kHyperBeta2];
  for (int64_t i = 0; i < size; ++i) {
    const size_t at = static_cast<size_t>(i);
    const int64_t segment = i / (n + kGap), element = i % (n + kGap);
    if (element >= n) {
      expect(got.w[at] == w0[at], row + " wrote between segments");
      continue;
    }
    Real w = w0[at], m = 0, v = 0;
    for (int step = 0; step < kSteps; ++step) {
      Real g = gradients[step][at];
      if (hyper[kHyperMaximize] != 0) g = -g;
      if (adam) {
        if (hyper[kHyperDecoupled] != 0) {
          w *= 1 - lr * decay;
        } else {
          g += decay * w;
        }
        m = beta1 * m + (1 - beta1) * g;
        v = beta2 * v + (1 - beta2) * g * g;
        const Real mHat = m / (1 - powl(beta1, step + 1)), vHat = v / (1 - powl(beta2, step + 1));
        w -= lr * mHat / (sqrtl(vHat) + hyper[kHyperEps]);
      } else {
        g += decay * w;
        const Real mu = momentum ? hyper[kHyperMomentum] : 0;
        m = step == 0 ? g : mu * m + (1 - hyper[kHyperDampening]) * g;
        w -= lr * (momentum ? (hyper[kHyperNesterov] != 0 ? g + mu * m : m) : g);
      }
    }
    const size_t first = static_cast<size_t>(3 * segment * (n + kGap) + element);
    expect(isClose(got.w[at], w, 16, 3), row + " w");
    if (adam || momentum) expect(isClose(got.state[first], m, 16, 3), row + " m");
    if (adam) expect(isClose(got.state[first + static_cast<size_t>(n)], v, 16, 3), row + " v");
  }
  for (int64_t i = 0; i < segments; ++i) {
    expect(got.scalars[static_cast<size_t>(3 * i)] == kSteps, row + " counts its steps");
  }
}

void testOptimizers() {
  std::vector<double> plain(kHyperCount, 0.0);
  plain[kHyperLr] = 0.1;
  plain[kHyperMomentum] = 0.9;
  plain[kHyperBeta1] = 0.9;
  plain[kHyperBeta2] = 0.999;
  plain[kHyperEps] = 1e-8;
  std::vector<double> all = plain;
  all[kHyperWeightDecay] = 0.01;
  all[kHyperMaximize] = 1;
  all[kHyperNesterov] = 1;
  all[kHyperDecoupled] = 1;
  std::vector<double> other = plain;
  other[kHyperWeightDecay] = 0.01;
  other[kHyperDampening] = 0.4;
  other[kHyperBeta1] = 0.3;
  const struct {
    const char* row;
    int64_t kept;
  } kRules[] = {{"sgd", 0}, {"sgd", 1}, {"adam", 3}};
  for (const auto& rule : kRules) {
    for (const std::vector<double>& hyper : {plain, all, other}) {
      for (int64_t n : {1, 7, 16, 33, 100}) {
        testOptimizer<float>(rule.row, rule.kept, 3, n, hyper);
        testOptimizer<double>(rule.row, rule.kept, 3, n, hyper);
      }
    }
    testOptimizer<float>(rule.row, rule.kept, 1, 150001, plain);
    testOptimizer<float>(rule.row, rule.kept, 700, 300, plain);  // shared between threads
  }
  // A nonsensical count must not hang or trap.
  for (double taken : {-5.0, 1e300, static_cast<double>(NAN), static_cast<double>(INFINITY)}) {
    Trained<float> t{std::vector<float>(1, 1.0f), std::vector<float>(3),
                     std::vector<double>{taken, 1, 1}};
    callStep("adam", 3, plain, std::vector<float>(1, 1.0f), 1, 1, &t);
    expect(t.scalars[0] >= 1, "adam after a nonsensical number of steps");
  }
}

}  // namespace
}  // namespace test
}  // namespace tilegrad

int main() {
  using namespace tilegrad::test;
  for (int64_t rows : {1, 3}) {
    for (int64_t cols : {1, 2, 7, 8, 10, 15, 16, 17, 63, 64, 65, 100, 1000, 5000}) {
      testSoftmax<float>(rows, cols);
      testSoftmax<double>(rows, cols);
      testCrossEntropy<float>(rows, cols);
      testCrossEntropy<double>(rows, cols);
    }
  }
  testSoftmax<float>(700, 130);
  testSoftmax<double>(301, 70);
  testCrossEntropy<float>(9000, 10);
  testCrossEntropy<double>(601, 70);
  testSoftmaxEdges<float>();
  testSoftmaxEdges<double>();
  testRandomKnown();
  testOptimizers();
  return finish("learning");
}
