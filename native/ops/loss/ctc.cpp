// Connectionist temporal classification (Graves et al. 2006): the logarithm of the probability of
// all paths through a target's states, by the forward recursion over its frames, and the gradient
// by the backward one. Sums of probabilities are taken relative to their largest, in float64; a
// sequence belongs to one thread.
#include <math.h>
#include <string.h>

#include "../dispatch.h"
#include "../parallel.h"
#include "../rows.h"
#include "../indexing/indexed.h"

namespace tilegrad {
namespace {

// Stands for the logarithm of 0: finite, so that differences of two of them are numbers, and so
// large that no sum of log-probabilities comes near. What is below half of it contains one.
constexpr double kNothing = -1e30;
constexpr double kImpossible = kNothing / 2;

// The labels of one sequence with a blank before, between and behind them. A path goes from a state
// to itself, the next or, past a blank between different labels, the one after that.
struct Target {
  const int32_t* labels;
  int64_t length, classes, blank;

  int64_t states() const { return 2 * length + 1; }

  // Labels are compared again as they are read: another thread of JavaScript may write to them.
  int64_t classOf(int64_t state) const {
    const int32_t label = state % 2 == 1 ? labels[state / 2] : -1;
    return isInside(label, classes) ? label : blank;
  }

  // Whether a path comes to the state from two before it.
  bool isSkippedTo(int64_t state) const {
    if (state % 2 == 0 || state >= states()) return false;
    return state == 1 || labels[state / 2] != labels[state / 2 - 1];
  }
};

struct Sequences {
  int64_t time, batch, classes, most, states, room, blank;
  const void* x;
  bool isDouble;
  const int32_t *labels, *frames, *lengths;
  double* work;

  Sequences(const Command& c, int workOperand)
      : time(c.number[0].i),
        batch(c.number[1].i),
        classes(c.number[2].i),
        most(c.number[3].i),
        states(c.number[4].i),
        room(c.number[5].i),
        blank(c.number[6].i),
        x(c.data[0]),
        isDouble(c.type[0] == DType::float64),
        labels(static_cast<const int32_t*>(c.data[1])),
        frames(static_cast<const int32_t*>(c.data[2])),
        lengths(static_cast<const int32_t*>(c.data[3])),
        work(static_cast<double*>(c.data[workOperand])) {}

  bool isSound() const {
    for (int64_t n = 0; n < batch; ++n) {
      const int32_t length = lengths[n];
      if (!isInside(frames[n], time + 1) || !isInside(length, most + 1)) return false;
      for (int64_t i = 0; i < length; ++i) {
        if (!isInside(labels[n * most + i], classes)) return false;
      }
    }
    return true;
  }

  // Lengths are compared again as well.
  Target target(int64_t n) const {
    const int32_t length = lengths[n];
    return {labels + n * most, isInside(length, most + 1) ? length : 0, classes, blank};
  }
  int64_t framesOf(int64_t n) const {
    const int32_t count = frames[n];
    return isInside(count, time + 1) ? count : 0;
  }

  // The first element of a frame, and the logarithm of a class's probability there.
  int64_t frame(int64_t t, int64_t n) const { return (t * batch + n) * classes; }
  double given(int64_t at) const {
    return isDouble ? static_cast<const double*>(x)[at]
                    : static_cast<double>(static_cast<const float*>(x)[at]);
  }
  double logOf(int64_t at) const {
    const double value = given(at);
    return value < kNothing ? kNothing : value;
  }

  template <class F>
  void each(const F& f) const {
    const int64_t bytes = time * states * 8 * static_cast<int64_t>(sizeof(double));
    parallelShares(batch, 1, bytes, kHeavyShare, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) f(n);
    });
  }
};

// What a sequence works with: a row of states with two places more, the terms of a step, a row of
// states, and sums by class.
int64_t roomOf(int64_t states, int64_t classes) { return 5 * states + 2 + classes; }

void apply(Unary op, int64_t n, double* x) {
  floatKernels<double>().elementwise.unary[static_cast<int>(op)](n, x, x);
}

// y[s] = log(e^far[s] + e^near[s] + e^self[s]) for n states, without the first where the state
// `first` + s is not skipped to. terms: 3 n values.
TG_NOINLINE void step(const Target& target, int64_t first, int64_t n, const double* self,
                      const double* near, const double* far, double* terms, double* y) {
  for (int64_t s = 0; s < n; ++s) {
    const double away = target.isSkippedTo(first + s) ? far[s] : kNothing;
    const double large = near[s] > self[s] ? near[s] : self[s];
    const double largest = away > large ? away : large;
    // An infinite one isn't subtracted, and NaN is in the terms.
    y[s] = fabs(largest) < HUGE_VAL ? largest : 0;
    terms[s] = away - y[s];
    terms[n + s] = near[s] - y[s];
    terms[2 * n + s] = self[s] - y[s];
  }
  apply(Unary::exp, 3 * n, terms);
  for (int64_t s = 0; s < n; ++s) terms[s] = terms[s] + terms[n + s] + terms[2 * n + s];
  apply(Unary::log, n, terms);
  for (int64_t s = 0; s < n; ++s) y[s] += terms[s];
}

Status forward(const Command& c) {
  const Sequences all(c, 6);
  double* const alphas = static_cast<double*>(c.data[4]);
  double* const totals = static_cast<double*>(c.data[5]);
  if (!all.isSound()) return Status::badIndex;
  all.each([&](int64_t n) {
    const Target target = all.target(n);
    const int64_t states = target.states();
    double* const before = all.work + n * all.room;
    double* const terms = before + states + 2;
    // Before the first frame a path is one place before the first state.
    for (int64_t s = 0; s < states + 2; ++s) before[s] = kNothing;
    before[1] = 0;
    const int64_t frames = all.framesOf(n);
    for (int64_t t = 0; t < frames; ++t) {
      double* const alpha = alphas + (n * all.time + t) * all.states;
      step(target, 0, states, before + 2, before + 1, before, terms, alpha);
      const int64_t frame = all.frame(t, n);
      before[1] = kNothing;
      for (int64_t s = 0; s < states; ++s) {
        before[s + 2] = alpha[s] = alpha[s] + all.logOf(frame + target.classOf(s));
      }
    }
    // Behind the frames every path is in the last state, or goes there.
    const double* const last = before + states - 1;
    step(target, states - 1, 1, last + 2, last + 1, last, terms, totals + n);
  });
  return Status::ok;
}

Status backward(const Command& c) {
  const Sequences all(c, 8);
  const double* const alphas = static_cast<const double*>(c.data[4]);
  const double* const totals = static_cast<const double*>(c.data[5]);
  const double* const g = static_cast<const double*>(c.data[6]);
  const int64_t bytes = all.classes * sizeOf(c.type[0]);
  const double impossible = c.number[7].i != 0 ? 0 : static_cast<double>(NAN);
  if (!all.isSound()) return Status::badIndex;
  all.each([&](int64_t n) {
    const Target target = all.target(n);
    const int64_t states = target.states(), frames = all.framesOf(n);
    double* const after = all.work + n * all.room;
    double* const terms = after + states + 2;
    double* const beta = terms + 3 * states;
    double* const sums = beta + states;
    for (int64_t s = 0; s < states + 2; ++s) after[s] = kNothing;
    after[states - 1] = 0;
    for (int64_t t = all.time - 1; t >= 0; --t) {
      const int64_t frame = all.frame(t, n);
      memset(static_cast<char*>(c.data[7]) + (t * all.batch + n) * bytes, 0,
             static_cast<size_t>(bytes));
      if (t >= frames) continue;
      step(target, 2, states, after, after + 1, after + 2, terms, beta);
      const double* const alpha = alphas + (n * all.time + t) * all.states;
      for (int64_t s = 0; s < states; ++s) {
        const int64_t of = target.classOf(s);
        terms[s] = alpha[s] + beta[s] - totals[n];
        after[s] = beta[s] + all.logOf(frame + of);
        sums[of] = 0;
      }
      apply(Unary::exp, states, terms);
      for (int64_t s = 0; s < states; ++s) {
        const int64_t of = target.classOf(s);
        const double share = totals[n] < kImpossible ? impossible : terms[s];
        // Where the logarithm is that of 0 nothing changes.
        if (!(all.given(frame + of) < kNothing)) sums[of] += share * g[n];
        if (all.isDouble) {
          static_cast<double*>(c.data[7])[frame + of] = sums[of];
        } else {
          static_cast<float*>(c.data[7])[frame + of] = static_cast<float>(sums[of]);
        }
      }
    }
  });
  return Status::ok;
}

const char* checkSequences(const Command& c) {
  const int64_t classes = c.number[2].i, most = c.number[3].i, states = c.number[4].i;
  if (most > INT32_MAX || states != 2 * most + 1) return "states are not 2 most + 1";
  if (classes > INT32_MAX || c.number[5].i != roomOf(states, classes)) {
    return "room is not 5 states + 2 + classes";
  }
  if (c.number[6].i < 0 || c.number[6].i >= classes) return "the blank is not a class";
  return nullptr;
}

#define TG_SEQUENCES                                                                      \
  "in x T[time batch classes] in labels i32[batch most] in frames i32[batch] in lengths " \
  "i32[batch] "
#define TG_NUMBERS "; time batch classes most states room size blank int"

const Row kRows[] = {
    // alpha: the logarithm of the probability to be in each state after each frame; total: that of
    // all paths.
    {"ctcLoss",
     TG_SEQUENCES
     "out alpha f64[batch time states] out total f64[batch] out work f64[batch room]" TG_NUMBERS,
     forward, checkSequences},
    // g: the gradient of `total`. Where no path is possible that of x is NaN, or 0.
    {"ctcLossBackward",
     TG_SEQUENCES "in alpha f64[batch time states] in total f64[batch] in g f64[batch] "
                  "out dx T[time batch classes] out work f64[batch room]" TG_NUMBERS
                  " zeroInfinity int",
     backward, checkSequences},
};

#undef TG_SEQUENCES
#undef TG_NUMBERS

}  // namespace

RowList ctcRows() { return rowList(kRows); }

}  // namespace tilegrad
