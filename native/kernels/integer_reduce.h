// Reductions of 32-bit integers, modulo 2^32. Plain loops, which compilers turn into vectors: the
// order doesn't matter to integers.
#pragma once
#include "columns.h"
#include "table.h"

TG_TARGET_BEGIN

template <IntegerReduction kind>
TG_INLINE int32_t combineIntegers(int32_t a, int32_t b) {
  if constexpr (kind == IntegerReduction::sum) {
    return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
  } else if constexpr (kind == IntegerReduction::prod) {
    return static_cast<int32_t>(static_cast<uint32_t>(a) * static_cast<uint32_t>(b));
  } else if constexpr (kind == IntegerReduction::max) {
    return a > b ? a : b;
  } else {
    return a < b ? a : b;
  }
}

template <IntegerReduction kind>
int32_t integerRange(int64_t n, const int32_t* x) {
  int32_t result = kind == IntegerReduction::sum    ? 0
                   : kind == IntegerReduction::prod ? 1
                   : kind == IntegerReduction::max  ? INT32_MIN
                                                    : INT32_MAX;
  for (int64_t i = 0; i < n; ++i) result = combineIntegers<kind>(result, x[i]);
  return result;
}

template <IntegerReduction kind>
void accumulateIntegers(int64_t n, const int32_t* x, int32_t* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = combineIntegers<kind>(y[i], x[i]);
}

constexpr IntegerReduceKernels integerReduceKernels() {
  return {{integerRange<IntegerReduction::sum>, integerRange<IntegerReduction::prod>,
           integerRange<IntegerReduction::max>, integerRange<IntegerReduction::min>},
          {accumulateIntegers<IntegerReduction::sum>, accumulateIntegers<IntegerReduction::prod>,
           accumulateIntegers<IntegerReduction::max>, accumulateIntegers<IntegerReduction::min>},
          scanKernels<int32_t>()};
}

TG_TARGET_END
