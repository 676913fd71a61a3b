// The sums of normalisation over contiguous values, in the order of reduce.h.
#pragma once
#include "per_lane.h"
#include "reduce.h"

TG_TARGET_BEGIN

// (x - shift)^2.
template <class T>
struct SquaredDifference {
  const T* x;
  Vec<T> shift;
  TG_INLINE Vec<T> load(const SquaredDifference& s, int64_t i) { return of(s, i, AllLanes{}); }
  TG_INLINE Vec<T> loadFirst(const SquaredDifference& s, int64_t i, int64_t n) {
    return of(s, i, FirstLanes{n});
  }
  template <class Lanes>
  TG_INLINE Vec<T> of(const SquaredDifference& s, int64_t i, Lanes lanes) {
    const Vec<T> d = sub(get(lanes, s.x + i), s.shift);
    return mul(d, d);
  }
};

// g * weight, or with an x that times (x - shift).
template <class T, bool HasX>
struct WeightedGradient {
  const T* g;
  const LaneSource<T>& weight;
  const T* x;
  Vec<T> shift;
  TG_INLINE Vec<T> load(const WeightedGradient& s, int64_t i) { return of(s, i, AllLanes{}); }
  TG_INLINE Vec<T> loadFirst(const WeightedGradient& s, int64_t i, int64_t n) {
    return of(s, i, FirstLanes{n});
  }
  template <class Lanes>
  TG_INLINE Vec<T> of(const WeightedGradient& s, int64_t i, Lanes lanes) {
    const Vec<T> g = mul(get(lanes, s.g + i), get(lanes, s.weight.at(i)));
    if constexpr (!HasX) return g;
    return mul(g, sub(get(lanes, s.x + i), s.shift));
  }
};

template <class T>
T squaresKernel(int64_t n, const T* x, T shift) {
  return reduceRange<SumReduction, T>(SquaredDifference<T>{x, vsplat<T>(shift)}, 0, n);
}

template <class T>
void gradientsKernel(int64_t n, const T* x, const T* g, const T* weight, T shift, T* sum, T* dot) {
  const LaneSource<T> weights(PerLane<T>{weight, 1});
  const Vec<T> shifts = vsplat<T>(shift);
  *sum = reduceRange<SumReduction, T>(WeightedGradient<T, false>{g, weights, x, shifts}, 0, n);
  *dot = reduceRange<SumReduction, T>(WeightedGradient<T, true>{g, weights, x, shifts}, 0, n);
}

template <class T>
constexpr NormSumKernels<T> normSumKernels() {
  return {squaresKernel<T>, gradientsKernel<T>};
}

TG_TARGET_END
