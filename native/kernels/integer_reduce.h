// Reductions of 64-bit integers, modulo 2^64. Plain loops, which compilers turn into vectors: the
// order doesn't matter to integers. Others are widened before.
#pragma once
#include "columns.h"
#include "table.h"

TG_TARGET_BEGIN

template <IntegerReduction kind>
TG_INLINE int64_t combineIntegers(int64_t a, int64_t b) {
  if constexpr (kind == IntegerReduction::sum) {
    return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  } else if constexpr (kind == IntegerReduction::prod) {
    return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  } else if constexpr (kind == IntegerReduction::max) {
    return a > b ? a : b;
  } else {
    return a < b ? a : b;
  }
}

template <IntegerReduction kind>
int64_t integerRange(int64_t n, const int64_t* x) {
  int64_t result = kind == IntegerReduction::sum    ? 0
                   : kind == IntegerReduction::prod ? 1
                   : kind == IntegerReduction::max  ? INT64_MIN
                                                    : INT64_MAX;
  for (int64_t i = 0; i < n; ++i) result = combineIntegers<kind>(result, x[i]);
  return result;
}

template <IntegerReduction kind>
void accumulateIntegers(int64_t n, const int64_t* x, int64_t* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = combineIntegers<kind>(y[i], x[i]);
}

constexpr IntegerReduceKernels integerReduceKernels() {
  return {{integerRange<IntegerReduction::sum>, integerRange<IntegerReduction::prod>,
           integerRange<IntegerReduction::max>, integerRange<IntegerReduction::min>},
          {accumulateIntegers<IntegerReduction::sum>, accumulateIntegers<IntegerReduction::prod>,
           accumulateIntegers<IntegerReduction::max>, accumulateIntegers<IntegerReduction::min>},
          scanKernels<int64_t>()};
}

TG_TARGET_END
