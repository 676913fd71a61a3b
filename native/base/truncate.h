// From floating point to integers.
#pragma once
#include "types.h"

namespace tilegrad {

template <class To>
struct IntegerRange;
template <>
struct IntegerRange<int8_t> {
  static constexpr int8_t low = INT8_MIN, high = INT8_MAX;
};
template <>
struct IntegerRange<uint8_t> {
  static constexpr uint8_t low = 0, high = UINT8_MAX;
};
template <>
struct IntegerRange<int32_t> {
  static constexpr int32_t low = INT32_MIN, high = INT32_MAX;
};
template <>
struct IntegerRange<int64_t> {
  static constexpr int64_t low = INT64_MIN, high = INT64_MAX;
};

// The largest number of type From below 2^(8 bytes - 1).
template <class From>
TG_INLINE constexpr From largestBelow(int bytes) {
  constexpr From spacing = sizeof(From) == 4 ? From(0x1p-24) : From(0x1p-53);
  const From end = bytes == 4 ? From(0x1p31) : From(0x1p63);
  return end - end * spacing;
}

// Truncates towards zero; what lies outside the type's range becomes its nearest end, NaN becomes
// 0. (C leaves these cases undefined, and CPUs differ.) Without branches, so that loops of it are
// vectors.
template <class To, class From>
TG_INLINE To truncateTo(From x) {
  using Range = IntegerRange<To>;
  constexpr bool isExact = sizeof(To) == 1 || sizeof(To) < sizeof(From);  // high is a From
  constexpr From low = static_cast<From>(Range::low);
  constexpr From high =
      isExact ? static_cast<From>(Range::high) : largestBelow<From>(static_cast<int>(sizeof(To)));
  From inRange = x == x ? x : From(0);
  inRange = inRange > low ? inRange : low;
  inRange = inRange < high ? inRange : high;
  if constexpr (sizeof(To) == 1) return static_cast<To>(static_cast<int32_t>(inRange));
  const To y = static_cast<To>(inRange);
  return isExact || x <= high ? y : x == x ? Range::high : y;
}

}  // namespace tilegrad
