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

// Two rows have as many sums together as the accumulators of four rows hold. As many rows further
// on are asked for, in the order of memory.
template <class T>
void gradientsEachKernel(int64_t rows, int64_t n, const T* x, int64_t xRow, const T* g,
                         PerLane<T> weight, const T* shift, T* sum, T* dot) {
  constexpr int kRows = kRowsTogether / 2;
  Copies<T> copies;
  const LaneSource<T> weights = sourceOf(weight, copies);
  int64_t i = 0;
  for (; i + kRows <= rows; i += kRows) {
    const T* const xs = x + i * xRow;
    const T* const gs = g + i * n;
    Vec<T> shifts[kRows];
    TG_UNROLL for (int r = 0; r < kRows; ++r) shifts[r] = vsplat<T>(shift ? shift[i + r] : 0);
    const auto load = [=](int64_t at, Lanes lanes, Vec<T>(&v)[2 * kRows]) TG_INLINE_LAMBDA {
      const Vec<T> w = get(lanes, weights.at(at));
      TG_UNROLL for (int r = 0; r < kRows; ++r) {
        prefetch(xs + rows * xRow + at * kRows + r * kLanes<T>);
        prefetch(gs + rows * n + at * kRows + r * kLanes<T>);
        v[r] = mul(get(lanes, gs + r * n + at), w);
        v[kRows + r] = mul(v[r], sub(get(lanes, xs + r * xRow + at), shifts[r]));
      }
    };
    T sums[2 * kRows];
    reduceTogether<SumReduction, T, 2 * kRows>(n, load, sums);
    TG_UNROLL for (int r = 0; r < kRows; ++r) {
      sum[i + r] = sums[r];
      dot[i + r] = sums[kRows + r];
    }
  }
  for (; i < rows; ++i) {
    gradientsKernel<T>(n, x + i * xRow, {g + i * n, 0}, weight, shift ? shift[i] : 0, sum + i,
                       dot + i);
  }
}

template <class T>
constexpr decltype(NormSumKernels<T>::gradientsEach) gradientsEach() {
  if constexpr (kTakesRows<T>) return gradientsEachKernel<T>;
  return nullptr;
}

template <class T>
constexpr NormSumKernels<T> normSumKernels() {
  return {gradientsKernel<T>, gradientsEach<T>()};
}

TG_TARGET_END
