// Reductions of integers, modulo 2^bits. Plain loops, which compilers turn into vectors: the order
// doesn't matter to integers. Smaller ones are widened before.
#pragma once
#include "columns.h"
#include "table.h"

TG_TARGET_BEGIN

// Sums and products modulo 2^64, of which T keeps the low bits.
template <IntegerReduction kind, class T>
TG_INLINE T combineIntegers(T a, T b) {
  if constexpr (kind == IntegerReduction::sum) {
    return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  } else if constexpr (kind == IntegerReduction::prod) {
    return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  } else if constexpr (kind == IntegerReduction::max) {
    return a > b ? a : b;
  } else {
    return a < b ? a : b;
  }
}

// n >= 1 for max and min: the first value stands for what changes nothing.
template <IntegerReduction kind, class T>
T integerRange(int64_t n, const T* x) {
  T result = kind == IntegerReduction::sum ? 0 : kind == IntegerReduction::prod ? 1 : *x;
  for (int64_t i = 0; i < n; ++i) result = combineIntegers<kind>(result, x[i]);
  return result;
}

template <IntegerReduction kind, class T>
void accumulateIntegers(int64_t n, const T* x, T* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = combineIntegers<kind>(y[i], x[i]);
}

constexpr IntegerReduceTables integerReduceKernels() {
  return {
      {{integerRange<IntegerReduction::sum, int32_t>, integerRange<IntegerReduction::max, int32_t>,
        integerRange<IntegerReduction::min, int32_t>},
       {accumulateIntegers<IntegerReduction::sum, int32_t>,
        accumulateIntegers<IntegerReduction::max, int32_t>,
        accumulateIntegers<IntegerReduction::min, int32_t>}},
      {{integerRange<IntegerReduction::sum, int64_t>, integerRange<IntegerReduction::max, int64_t>,
        integerRange<IntegerReduction::min, int64_t>,
        integerRange<IntegerReduction::prod, int64_t>},
       {accumulateIntegers<IntegerReduction::sum, int64_t>,
        accumulateIntegers<IntegerReduction::max, int64_t>,
        accumulateIntegers<IntegerReduction::min, int64_t>,
        accumulateIntegers<IntegerReduction::prod, int64_t>}},
      scanKernels<int64_t>()};
}

TG_TARGET_END
