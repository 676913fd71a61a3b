// Optimizer steps: one pass over a parameter, its gradient and its state. The order of operations
// is that of torch.optim's single-tensor path (alpha-scaled additions are fused multiply-adds there
// too).
#pragma once
#include "../simd/vec.h"
#include "table.h"

TG_TARGET_BEGIN

template <class T>
struct SgdConstants {
  Vec<T> lr, momentum, undamped, weightDecay;  // undamped = 1 - dampening
  bool decays, nesterov, maximize, firstStep;
};

// g' = +-g + weightDecay w; m = momentum m + (1 - dampening) g', or g' on the first step;
// w -= lr (nesterov ? g' + momentum m : m), where without momentum g' stands for m.
template <class T, bool Momentum>
TG_INLINE void sgdUpdate(const SgdConstants<T>& c, Vec<T>& w, Vec<T> g, Vec<T>& m) {
  if (c.maximize) g = neg(g);
  if (c.decays) g = fma(w, c.weightDecay, g);
  if constexpr (Momentum) {
    m = c.firstStep ? g : fma(g, c.undamped, mul(m, c.momentum));
    g = c.nesterov ? fma(m, c.momentum, g) : m;
  }
  w = fnma(g, c.lr, w);
}

template <class T, bool Momentum>
void sgdLoop(int64_t n, const SgdStep& step, T* w, const T* g, T* m) {
  constexpr int64_t kWidth = kLanes<T>;
  SgdConstants<T> c;
  c.lr = vsplat<T>(static_cast<T>(step.lr));
  c.momentum = vsplat<T>(static_cast<T>(step.momentum));
  c.undamped = vsplat<T>(static_cast<T>(1 - step.dampening));
  c.weightDecay = vsplat<T>(static_cast<T>(step.weightDecay));
  c.decays = step.weightDecay != 0;
  c.nesterov = step.nesterov;
  c.maximize = step.maximize;
  c.firstStep = step.firstStep;
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    Vec<T> wv = vload<T>(w + i), mv{};
    if constexpr (Momentum) mv = vload<T>(m + i);
    sgdUpdate<T, Momentum>(c, wv, vload<T>(g + i), mv);
    store(w + i, wv);
    if constexpr (Momentum) store(m + i, mv);
  }
  if (i < n) {
    const int64_t rest = n - i;
    Vec<T> wv = vloadFirst<T>(w + i, rest), mv{};
    if constexpr (Momentum) mv = vloadFirst<T>(m + i, rest);
    sgdUpdate<T, Momentum>(c, wv, vloadFirst<T>(g + i, rest), mv);
    storeFirst(w + i, wv, rest);
    if constexpr (Momentum) storeFirst(m + i, mv, rest);
  }
}

// w, m: updated in place; m is null when momentum is 0. The arrays must not overlap.
template <class T>
void sgdKernel(int64_t n, const SgdStep& step, T* w, const T* g, T* m) {
  if (m) {
    sgdLoop<T, true>(n, step, w, g, m);
  } else {
    sgdLoop<T, false>(n, step, w, g, m);
  }
}

template <class T>
struct AdamConstants {
  Vec<T> fresh1, kept1, beta2, fresh2, stepSize, denominatorScale, eps, weightDecay, shrink;
  bool mostlyFresh, decays, decoupled, maximize;
};

// m moves towards g by 1 - beta1 (as torch.lerp does, from the nearer end), v = beta2 v +
// (1 - beta2) g^2, w -= stepSize m / (sqrt(v) / sqrt(biasCorrection2) + eps).
template <class T>
TG_INLINE void adamUpdate(const AdamConstants<T>& c, Vec<T>& w, Vec<T> g, Vec<T>& m, Vec<T>& v) {
  if (c.maximize) g = neg(g);
  if (c.decays) {
    if (c.decoupled) {
      w = mul(w, c.shrink);
    } else {
      g = fma(w, c.weightDecay, g);
    }
  }
  const Vec<T> difference = sub(g, m);
  m = c.mostlyFresh ? fnma(difference, c.kept1, g) : fma(difference, c.fresh1, m);
  v = fma(mul(c.fresh2, g), g, mul(v, c.beta2));
  const Vec<T> denominator = fma(sqrt(v), c.denominatorScale, c.eps);
  w = sub(w, div(mul(c.stepSize, m), denominator));
}

// w, m, v: updated in place. The arrays must not overlap.
template <class T>
void adamKernel(int64_t n, const AdamStep& step, T* w, const T* g, T* m, T* v) {
  constexpr int64_t kWidth = kLanes<T>;
  const double fresh1 = 1 - step.beta1;
  const double root2 = firstLane(sqrt(splat<double>(step.biasCorrection2)));
  AdamConstants<T> c;
  c.fresh1 = vsplat<T>(static_cast<T>(fresh1));
  c.kept1 = vsplat<T>(static_cast<T>(1 - fresh1));
  c.beta2 = vsplat<T>(static_cast<T>(step.beta2));
  c.fresh2 = vsplat<T>(static_cast<T>(1 - step.beta2));
  c.stepSize = vsplat<T>(static_cast<T>(step.lr / step.biasCorrection1));
  c.denominatorScale = vsplat<T>(static_cast<T>(1 / root2));
  c.eps = vsplat<T>(static_cast<T>(step.eps));
  c.weightDecay = vsplat<T>(static_cast<T>(step.weightDecay));
  c.shrink = vsplat<T>(static_cast<T>(1 - step.lr * step.weightDecay));
  c.mostlyFresh = fresh1 >= 0.5;
  c.decays = step.weightDecay != 0;
  c.decoupled = step.decoupled;
  c.maximize = step.maximize;
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    Vec<T> wv = vload<T>(w + i), mv = vload<T>(m + i), vv = vload<T>(v + i);
    adamUpdate(c, wv, vload<T>(g + i), mv, vv);
    store(w + i, wv);
    store(m + i, mv);
    store(v + i, vv);
  }
  if (i < n) {
    const int64_t rest = n - i;
    Vec<T> wv = vloadFirst<T>(w + i, rest), mv = vloadFirst<T>(m + i, rest);
    Vec<T> vv = vloadFirst<T>(v + i, rest);
    adamUpdate(c, wv, vloadFirst<T>(g + i, rest), mv, vv);
    storeFirst(w + i, wv, rest);
    storeFirst(m + i, mv, rest);
    storeFirst(v + i, vv, rest);
  }
}

template <class T>
constexpr OptimizerKernels<T> optimizerKernels() {
  return {sgdKernel<T>, adamKernel<T>};
}

TG_TARGET_END
