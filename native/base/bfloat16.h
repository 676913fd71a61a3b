// bfloat16: the upper half of a float32 (sign, 8 exponent bits, 7 fraction bits). Conversions by
// bits, so that they are the same on every CPU, denormals included.
#pragma once
#include <string.h>

#include "types.h"

namespace tilegrad {

struct BFloat16 {
  uint16_t bits;
};

// Exact.
TG_INLINE float widen(BFloat16 x) {
  const uint32_t bits = static_cast<uint32_t>(x.bits) << 16;
  float result;
  memcpy(&result, &bits, sizeof(result));
  return result;
}

// To nearest, ties to even; above the largest number to infinity. A NaN keeps its sign and the
// upper bits of its payload and is quiet (bit 6), which also keeps it from becoming an infinity.
TG_INLINE BFloat16 narrow(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  // Adds just under half a unit of the last place that stays, and the rest when that place is odd.
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const uint32_t quiet = (bits >> 16) | 0x40u;
  const bool isNan = (bits & 0x7fffffffu) > 0x7f800000u;
  return {static_cast<uint16_t>(isNan ? quiet : rounded)};
}

}  // namespace tilegrad
