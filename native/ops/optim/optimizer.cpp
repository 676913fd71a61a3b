// Optimizer steps: a command steps all the parameters of its table of segments.
#include "optimizer.h"

#include "../../base/scratch.h"
#include "../dispatch.h"
#include "../rows.h"
#include "segments.h"

namespace tilegrad {
namespace {

// base^exponent by repeated squaring: IEEE multiplications only, so every machine gets the same
// bits (a C library's pow need not).
double power(double base, int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent /= 2, base *= base) {
    if (exponent % 2 != 0) result *= base;
  }
  return result;
}

// An elementary function as our kernels compute it, for the same reason.
double apply(Unary op, double x) {
  double y;
  floatKernels<double>().elementwise.unary[static_cast<int>(op)](1, &x, &y);
  return y;
}

// Counts a parameter's step and returns its number, 1 for the first.
int64_t countStep(double* scalars) {
  double step = scalars[kScalarStep] + 1;
  if (!(step >= 1)) step = 1;  // also NaN
  // Beyond 2^53 doubles stop counting, and no run gets there.
  if (step > kMostElements) step = kMostElements;
  scalars[kScalarStep] = step;
  return static_cast<int64_t>(step);
}

// The momentum at a step is beta1 (1 - 0.96^(step * decay) / 2): Dozat (2016), with PyTorch's
// numbers. The product of all so far is the parameter's.
void prepareNAdam(const double* hyper, double* scalars, OptimizerStep* step) {
  constexpr double kLogBase = -0.040821994520255166;  // log(0.96)
  const auto momentum = [&](double at) {
    return step->beta1 * (1 - 0.5 * apply(Unary::exp, at * hyper[kHyperMomentumDecay] * kLogBase));
  };
  const double count = scalars[kScalarStep];
  const double now = momentum(count), next = momentum(count + 1);
  const double product = scalars[kScalarFirst] * now;
  scalars[kScalarFirst] = product;
  step->ofGradient = step->lr * (1 - now) / (1 - product);
  step->ofMean = step->lr * next / (1 - product * next);
}

// The length rho of the approximated simple moving average decides; above 5 the variance of the
// adaptive rate is tractable, and `rect` corrects for it.
void prepareRAdam(double count, OptimizerStep* step) {
  const double correction = step->correction2, most = 2 / (1 - step->beta2) - 1;
  const double rho = most - 2 * count * (1 - correction) / correction;
  step->rectified = rho > 5;
  step->ofMean = step->lr / step->correction1;
  if (step->rectified) {
    const double rect = (rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho);
    step->ofMean *= apply(Unary::sqrt, rect) * apply(Unary::sqrt, correction);
  }
}

// A step uses the eta and mu that the one before it left.
void prepareAsgd(const double* hyper, double* scalars, OptimizerStep* step) {
  step->eta = scalars[kScalarFirst];
  step->mu = scalars[kScalarSecond];
  const double count = scalars[kScalarStep], lr = hyper[kHyperLr];
  const double base = 1 + hyper[kHyperLambd] * lr * count;
  scalars[kScalarFirst] = lr / apply(Unary::exp, hyper[kHyperAlpha] * apply(Unary::log, base));
  const double averaged = count - hyper[kHyperT0];
  scalars[kScalarSecond] = averaged > 1 ? 1 / averaged : 1;
}

// A rule's next step from the hyperparameters and the parameter's scalars, which it advances.
OptimizerStep nextStep(StepRule rule, const double* hyper, double* scalars) {
  OptimizerStep step{};
  const int64_t count = countStep(scalars);
  step.lr = hyper[kHyperLr];
  step.weightDecay = hyper[kHyperWeightDecay];
  step.maximize = hyper[kHyperMaximize] != 0;
  step.decoupled = hyper[kHyperDecoupled] != 0;
  // A running mean starts from 0, the other form from the first gradient.
  const bool averages = hyper[kHyperAverage] != 0;
  step.momentum = hyper[kHyperMomentum];
  step.dampening = hyper[averages ? kHyperMomentum : kHyperDampening];
  step.nesterov = hyper[kHyperNesterov] != 0;
  step.firstStep = count == 1 && !averages;
  step.beta1 = hyper[kHyperBeta1];
  step.beta2 = hyper[rule == StepRule::rmsprop    ? kHyperAlpha
                     : rule == StepRule::adadelta ? kHyperRho
                                                  : kHyperBeta2];
  step.eps = hyper[kHyperEps];
  step.correction1 = 1 - power(step.beta1, count);
  step.correction2 = 1 - power(step.beta2, count);
  step.etaMinus = hyper[kHyperEtaMinus];
  step.etaPlus = hyper[kHyperEtaPlus];
  step.stepMin = hyper[kHyperStepMin];
  step.stepMax = hyper[kHyperStepMax];
  step.lambd = hyper[kHyperLambd];
  if (rule == StepRule::nadam) prepareNAdam(hyper, scalars, &step);
  if (rule == StepRule::radam) prepareRAdam(static_cast<double>(count), &step);
  if (rule == StepRule::asgd) prepareAsgd(hyper, scalars, &step);
  if (rule == StepRule::adagrad) {
    step.lr /= 1 + static_cast<double>(count - 1) * hyper[kHyperLrDecay];
  }
  return step;
}

// The command's operands and numbers: see kSignature.
struct StepCall {
  int64_t wLength, gLength, stateLength, slots, count, kept;
  const double* hyper;
  double* scalars;
  const double* segments;
  int64_t arrays;  // of state, per parameter

  explicit StepCall(const Command& c)
      : wLength(c.number[0].i),
        gLength(c.number[1].i),
        stateLength(c.number[2].i),
        slots(c.number[3].i),
        count(c.number[4].i),
        kept(c.number[5].i),
        hyper(static_cast<const double*>(c.data[3])),
        scalars(static_cast<double*>(c.data[4])),
        segments(static_cast<const double*>(c.data[5])),
        arrays(0) {
    for (int k = 0; k < kMaxStepState; ++k) arrays += kept >> k & 1;
  }

  // Reads entry i. False when it reaches outside the operands.
  bool read(int64_t i, int64_t (&at)[kSegmentFields]) const {
    for (int k = 0; k < kSegmentFields; ++k) {
      if (!toIndex(segments[i * kSegmentFields + k], &at[k])) return false;
    }
    const int64_t n = at[kSegmentCount], stride = at[kSegmentStride];
    return isInside(at[kSegmentWeight], n, wLength) && isInside(at[kSegmentGradient], n, gLength) &&
           at[kSegmentSlot] < slots &&
           (arrays == 0 ||
            (stride >= n && isInside(at[kSegmentState], (arrays - 1) * stride + n, stateLength)));
  }
};

// One parameter of a command.
template <class T>
struct Part {
  OptimizerStep step;
  T* w;
  const T* g;
  T* state[kMaxStepState];
  int64_t n, endLine;
};

template <class T>
Status stepAll(const Command& c, StepRule rule) {
  const StepCall call(c);
  Part<T>* const parts = static_cast<Part<T>*>(
      scratch(ScratchSlot::block, static_cast<size_t>(call.count + 1) * sizeof(Part<T>)));
  if (!parts) return Status::outOfMemory;
  int64_t used = 0, lines = 0;
  for (int64_t i = 0; i < call.count; ++i) {
    int64_t at[kSegmentFields];
    // The table was checked when it was recorded, but may have changed since: what doesn't fit
    // any more is left out.
    if (!call.read(i, at)) continue;
    Part<T>& part = parts[used++];
    part.step = nextStep(rule, call.hyper, call.scalars + at[kSegmentSlot] * kScalarCount);
    part.w = static_cast<T*>(c.data[0]) + at[kSegmentWeight];
    part.g = static_cast<const T*>(c.data[1]) + at[kSegmentGradient];
    int64_t next = at[kSegmentState];
    for (int k = 0; k < kMaxStepState; ++k) {
      const bool isKept = (call.kept >> k & 1) != 0;
      part.state[k] = isKept ? static_cast<T*>(c.data[2]) + next : nullptr;
      if (isKept) next += at[kSegmentStride];
    }
    part.n = at[kSegmentCount];
    lines += linesOf<T>(part.n);
    part.endLine = lines;
  }
  const StepKernel<T> kernel = floatKernels<T>().optimizer.step[static_cast<int>(rule)];
  overParts<T>(parts, used, 2 + call.arrays, [&](const Part<T>& part, int64_t begin, int64_t end) {
    T* state[kMaxStepState];
    for (int k = 0; k < kMaxStepState; ++k) {
      state[k] = part.state[k] ? part.state[k] + begin : nullptr;
    }
    kernel(end - begin, part.step, part.w + begin, part.g + begin, state);
  });
  return Status::ok;
}

template <StepRule rule>
Status run(const Command& c) {
  return c.type[0] == DType::float64 ? stepAll<double>(c, rule) : stepAll<float>(c, rule);
}

const char* checkCall(const Command& c, int64_t needed, int64_t possible) {
  const StepCall call(c);
  if ((call.kept & ~possible) != 0 || (call.kept & needed) != needed) {
    return "kept is not a set of the rule's arrays of state";
  }
  for (int64_t i = 0; i < call.count; ++i) {
    int64_t at[kSegmentFields];
    if (!call.read(i, at)) return "a segment reaches outside the arrays";
  }
  return nullptr;
}

// Masks of the arrays of state that a rule needs, and that it may have.
template <int64_t needed, int64_t possible>
const char* check(const Command& c) {
  return checkCall(c, needed, possible);
}

// w: parameters, g: gradients, state: what the rule keeps, hyper and scalars: optimizer.h;
// segments: one entry for each parameter. Bit k of `kept` says that array k of the rule's state
// (kernels/optimizer.h) is there. No two segments may overlap.
constexpr char kSignature[] =
    "inout w T[wLength] in g T[gLength] inout state T[stateLength] in hyper f64[21] "
    "inout scalars f64[slots 3] in segments f64[count 6]; "
    "wLength gLength stateLength slots count size kept int";
static_assert(kHyperCount == 21 && kScalarCount == 3 && kSegmentFields == 6,
              "the signature names the blocks' lengths");

const Row kRows[] = {
    {"sgd", kSignature, run<StepRule::sgd>, check<0, 1>},
    {"adam", kSignature, run<StepRule::adam>, check<3, 7>},
    {"adamax", kSignature, run<StepRule::adamax>, check<3, 3>},
    {"nadam", kSignature, run<StepRule::nadam>, check<3, 3>},
    {"radam", kSignature, run<StepRule::radam>, check<3, 3>},
    {"rmsprop", kSignature, run<StepRule::rmsprop>, check<1, 7>},
    {"adagrad", kSignature, run<StepRule::adagrad>, check<1, 1>},
    {"adadelta", kSignature, run<StepRule::adadelta>, check<3, 3>},
    {"lion", kSignature, run<StepRule::lion>, check<1, 1>},
    {"rprop", kSignature, run<StepRule::rprop>, check<3, 3>},
    {"asgd", kSignature, run<StepRule::asgd>, check<1, 1>},
};

}  // namespace

RowList optimizerRows() { return rowList(kRows); }

}  // namespace tilegrad
