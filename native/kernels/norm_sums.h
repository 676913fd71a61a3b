// The sums of normalisation over contiguous values, in the order of reduce.h.
#pragma once
#include "per_lane.h"
#include "reduce.h"

TG_TARGET_BEGIN

// g * weight * (x - shift).
template <class T>
struct WeightedGradient {
  LaneSource<T> g, weight, x;
  Vec<T> shift;
  TG_INLINE Vec<T> load(const WeightedGradient& s, int64_t i) {
    const Vec<T> d = sub(vload<T>(s.x.at(i)), s.shift);
    return mul(mul(vload<T>(s.g.at(i)), vload<T>(s.weight.at(i))), d);
  }
  TG_INLINE Vec<T> loadFirst(const WeightedGradient& s, int64_t i, int64_t n) {
    const Vec<T> d = sub(vloadFirst<T>(s.x.at(i), n), s.shift);
    return mul(mul(vloadFirst<T>(s.g.at(i), n), vloadFirst<T>(s.weight.at(i), n)), d);
  }
};

template <class T>
void gradientsKernel(int64_t n, const T* x, PerLane<T> g, PerLane<T> weight, T shift, T* sum,
                     T* dot) {
  Copies<T> copies[3];
  const LaneSource<T> gs = sourceOf(g, copies[0]), weights = sourceOf(weight, copies[1]);
  const LaneSource<T> one = sourceOf({nullptr, 1}, copies[2]);
  const auto reduce = [n](const WeightedGradient<T>& source) {
    return reduceRange<SumReduction, T>(source, 0, n);
  };
  // 1 - 0 in the place of x - shift changes nothing.
  *sum = reduce({gs, weights, one, vsplat<T>(0)});
  *dot = reduce({gs, weights, {x, -1}, vsplat<T>(shift)});
}

template <class T>
constexpr NormSumKernels<T> normSumKernels() {
  return {gradientsKernel<T>};
}

TG_TARGET_END
