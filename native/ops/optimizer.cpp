// Optimizer steps. A step is one optimizerTick and then one command for each parameter.
#include "optimizer.h"

#include "dispatch.h"
#include "parallel.h"
#include "rows.h"

namespace tilegrad {
namespace {

// base^exponent by repeated squaring: IEEE multiplications only, so every machine gets the same bits
// (a C library's pow need not).
double power(double base, int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent /= 2, base *= base) {
    if (exponent % 2 != 0) result *= base;
  }
  return result;
}

Status optimizerTick(const Command& c) {
  // Beyond 2^53 doubles stop counting, and no run gets there.
  constexpr double kMostSteps = 9007199254740992.0;
  double* const hyper = static_cast<double*>(c.data[0]);
  double step = hyper[kHyperStep] + 1;
  if (!(step >= 1)) step = 1;  // also NaN
  if (step > kMostSteps) step = kMostSteps;
  hyper[kHyperStep] = step;
  const int64_t count = static_cast<int64_t>(step);
  hyper[kHyperCorrection1] = 1 - power(hyper[kHyperBeta1], count);
  hyper[kHyperCorrection2] = 1 - power(hyper[kHyperBeta2], count);
  return Status::ok;
}

// Calls f(begin, end) over ranges of a parameter's elements; `arrays` of them are touched.
template <class T, class F>
Status overElements(const Command& c, int arrays, const F& f) {
  constexpr int64_t kGrain = kCacheLine / static_cast<int64_t>(sizeof(T));
  parallelShares(c.number[0].i, kGrain, arrays * static_cast<int64_t>(sizeof(T)), kLightShare, f);
  return Status::ok;
}

template <class T>
Status sgdOf(const Command& c, T* m, const double* hyper) {
  SgdStep step;
  step.lr = hyper[kHyperLr];
  step.momentum = m ? hyper[kHyperMomentum] : 0;
  step.dampening = hyper[kHyperDampening];
  step.weightDecay = hyper[kHyperWeightDecay];
  step.nesterov = hyper[kHyperNesterov] != 0;
  step.maximize = hyper[kHyperMaximize] != 0;
  step.firstStep = hyper[kHyperStep] <= 1;
  T* const w = static_cast<T*>(c.data[0]);
  const T* const g = static_cast<const T*>(c.data[1]);
  const auto kernel = floatKernels<T>().optimizer.sgd;
  return overElements<T>(c, m ? 3 : 2, [&](int64_t begin, int64_t end) {
    kernel(end - begin, step, w + begin, g + begin, m ? m + begin : nullptr);
  });
}

Status sgd(const Command& c) {
  const double* const hyper = static_cast<const double*>(c.data[2]);
  return c.type[0] == DType::float64 ? sgdOf<double>(c, nullptr, hyper)
                                     : sgdOf<float>(c, nullptr, hyper);
}

Status sgdMomentum(const Command& c) {
  const double* const hyper = static_cast<const double*>(c.data[3]);
  return c.type[0] == DType::float64
             ? sgdOf<double>(c, static_cast<double*>(c.data[2]), hyper)
             : sgdOf<float>(c, static_cast<float*>(c.data[2]), hyper);
}

template <class T>
Status adamOf(const Command& c) {
  const double* const hyper = static_cast<const double*>(c.data[4]);
  AdamStep step;
  step.lr = hyper[kHyperLr];
  step.beta1 = hyper[kHyperBeta1];
  step.beta2 = hyper[kHyperBeta2];
  step.eps = hyper[kHyperEps];
  step.weightDecay = hyper[kHyperWeightDecay];
  step.decoupled = hyper[kHyperDecoupled] != 0;
  step.maximize = hyper[kHyperMaximize] != 0;
  step.biasCorrection1 = hyper[kHyperCorrection1];
  step.biasCorrection2 = hyper[kHyperCorrection2];
  T* const w = static_cast<T*>(c.data[0]);
  const T* const g = static_cast<const T*>(c.data[1]);
  T* const m = static_cast<T*>(c.data[2]);
  T* const v = static_cast<T*>(c.data[3]);
  const auto kernel = floatKernels<T>().optimizer.adam;
  return overElements<T>(c, 4, [&](int64_t begin, int64_t end) {
    kernel(end - begin, step, w + begin, g + begin, m + begin, v + begin);
  });
}

Status adam(const Command& c) {
  return c.type[0] == DType::float64 ? adamOf<double>(c) : adamOf<float>(c);
}

const Row kRows[] = {
    // Once a step, before the parameters: counts it and computes the bias corrections.
    {"optimizerTick", "inout hyper f64[13]", optimizerTick, nullptr},
    // w: parameter, g: its gradient, m: momentum buffer, or first moment of Adam, v: second moment.
    // Update rules: kernels/table.h. On the first step m of sgdMomentum is only written.
    {"sgd", "inout w T[n] in g T[n] in hyper f64[13]; n size", sgd, nullptr},
    {"sgdMomentum", "inout w T[n] in g T[n] inout m T[n] in hyper f64[13]; n size", sgdMomentum,
     nullptr},
    {"adam", "inout w T[n] in g T[n] inout m T[n] inout v T[n] in hyper f64[13]; n size", adam,
     nullptr},
};
static_assert(kHyperCount == 13, "the signatures above name the block's length");

}  // namespace

RowList optimizerRows() { return rowList(kRows); }

}  // namespace tilegrad
