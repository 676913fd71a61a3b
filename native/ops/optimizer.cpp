// Optimizer steps: one command for each parameter.
#include "optimizer.h"

#include "dispatch.h"
#include "parallel.h"
#include "rows.h"

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

// Counts a parameter's step and returns its number, 1 for the first.
int64_t countStep(double* taken) {
  // Beyond 2^53 doubles stop counting, and no run gets there.
  constexpr double kMostSteps = 9007199254740992.0;
  double step = *taken + 1;
  if (!(step >= 1)) step = 1;  // also NaN
  if (step > kMostSteps) step = kMostSteps;
  *taken = step;
  return static_cast<int64_t>(step);
}

// Calls f(begin, end) over ranges of a parameter's elements; `arrays` of them are touched.
template <class T, class F>
Status overElements(const Command& c, int arrays, const F& f) {
  constexpr int64_t kGrain = kCacheLine / static_cast<int64_t>(sizeof(T));
  parallelShares(c.number[0].i, kGrain, arrays * static_cast<int64_t>(sizeof(T)), kLightShare, f);
  return Status::ok;
}

template <class T>
Status sgdOf(const Command& c, T* m, const double* hyper, double* taken) {
  SgdStep step;
  step.lr = hyper[kHyperLr];
  step.momentum = m ? hyper[kHyperMomentum] : 0;
  step.dampening = hyper[kHyperDampening];
  step.weightDecay = hyper[kHyperWeightDecay];
  step.nesterov = hyper[kHyperNesterov] != 0;
  step.maximize = hyper[kHyperMaximize] != 0;
  step.firstStep = countStep(taken) == 1;
  T* const w = static_cast<T*>(c.data[0]);
  const T* const g = static_cast<const T*>(c.data[1]);
  const auto kernel = floatKernels<T>().optimizer.sgd;
  return overElements<T>(c, m ? 3 : 2, [&](int64_t begin, int64_t end) {
    kernel(end - begin, step, w + begin, g + begin, m ? m + begin : nullptr);
  });
}

template <class T>
Status plainSgd(const Command& c) {
  return sgdOf<T>(c, nullptr, static_cast<const double*>(c.data[2]),
                  static_cast<double*>(c.data[3]));
}

template <class T>
Status momentumSgd(const Command& c) {
  return sgdOf<T>(c, static_cast<T*>(c.data[2]), static_cast<const double*>(c.data[3]),
                  static_cast<double*>(c.data[4]));
}

Status sgd(const Command& c) {
  return c.type[0] == DType::float64 ? plainSgd<double>(c) : plainSgd<float>(c);
}

Status sgdMomentum(const Command& c) {
  return c.type[0] == DType::float64 ? momentumSgd<double>(c) : momentumSgd<float>(c);
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
  const int64_t count = countStep(static_cast<double*>(c.data[5]));
  step.biasCorrection1 = 1 - power(step.beta1, count);
  step.biasCorrection2 = 1 - power(step.beta2, count);
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
    // w: parameter, g: its gradient, m: momentum buffer, or first moment of Adam, v: second moment,
    // taken: steps so far, which the row counts up. Update rules: kernels/table.h. On a parameter's
    // first step m of sgdMomentum is only written.
    {"sgd", "inout w T[n] in g T[n] in hyper f64[10] inout taken f64[1]; n size", sgd, nullptr},
    {"sgdMomentum",
     "inout w T[n] in g T[n] inout m T[n] in hyper f64[10] inout taken f64[1]; n size", sgdMomentum,
     nullptr},
    {"adam",
     "inout w T[n] in g T[n] inout m T[n] inout v T[n] in hyper f64[10] inout taken f64[1]; n size",
     adam, nullptr},
};
static_assert(kHyperCount == 10, "the signatures above name the block's length");

}  // namespace

RowList optimizerRows() { return rowList(kRows); }

}  // namespace tilegrad
