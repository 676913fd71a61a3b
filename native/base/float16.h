// float16: IEEE 754 binary16 (sign, 5 exponent bits, 10 fraction bits). Conversions by bits, the
// same on every CPU, and as the instructions of x86 (F16C) do it.
#pragma once
#include <string.h>

#include "types.h"

namespace tilegrad {

struct Float16 {
  uint16_t bits;
};

// Exact. A NaN keeps its sign and payload and is quiet.
TG_INLINE float widen(Float16 x) {
  constexpr uint32_t kInfinity = 0x7c00u;
  constexpr uint32_t kSmallestNormal = 0x400u;
  constexpr uint32_t kQuiet = 0x00400000u;  // the first bit of a float32's fraction
  constexpr uint32_t kOtherBias = uint32_t{127 - 15} << 23;  // of the exponent
  constexpr float kSmallest = 0x1p-24f;
  const uint32_t sign = static_cast<uint32_t>(x.bits & 0x8000u) << 16;
  const uint32_t magnitude = x.bits & 0x7fffu;
  const float denormal = static_cast<float>(magnitude) * kSmallest;
  uint32_t denormalBits;
  memcpy(&denormalBits, &denormal, sizeof denormalBits);
  uint32_t bits = (magnitude << 13) + kOtherBias;
  bits = magnitude < kSmallestNormal ? denormalBits : bits;
  bits = magnitude >= kInfinity ? (magnitude << 13) | 0x7f800000u : bits;
  bits = (magnitude > kInfinity ? bits | kQuiet : bits) | sign;
  float result;
  memcpy(&result, &bits, sizeof result);
  return result;
}

// To nearest, ties to even; from 65520 on to infinity. A NaN keeps its sign and the upper bits of
// its payload and is quiet.
TG_INLINE Float16 toFloat16(float x) {
  constexpr uint32_t kInfinity = 0x7f800000u;
  constexpr uint32_t kOverflow = 0x477ff000u;        // 65520: halfway between 65504 and 65536
  constexpr uint32_t kSmallestNormal = 0x38800000u;  // 2^-14
  constexpr uint32_t kHalf = 0x3f000000u;            // 0.5
  constexpr uint32_t kOtherBias = uint32_t{127 - 15} << 23;
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  // The last place of 0.5 is float16's smallest number: the addition rounds to a multiple of it.
  float shifted;
  memcpy(&shifted, &magnitude, sizeof shifted);
  shifted += 0.5f;
  uint32_t denormal;
  memcpy(&denormal, &shifted, sizeof denormal);
  // Adds just under half a unit of the last place that stays, and the rest when that place is odd.
  uint32_t half = (magnitude - kOtherBias + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
  half = magnitude < kSmallestNormal ? denormal - kHalf : half;
  half = magnitude >= kOverflow ? 0x7c00u : half;
  half = magnitude > kInfinity ? 0x7e00u | ((magnitude >> 13) & 0x3ffu) : half;
  return {static_cast<uint16_t>(half | sign)};
}

}  // namespace tilegrad
