// Shared by the tests of native/simd.
#pragma once
#include <stdint.h>
#include <string.h>

#include <vector>

#include "simd_levels.h"

template <class T>
struct BitsOf;
template <>
struct BitsOf<float> {
  using Type = uint32_t;
};
template <>
struct BitsOf<double> {
  using Type = uint64_t;
};
template <class T>
using Bits = typename BitsOf<T>::Type;

template <class T>
Bits<T> toBits(T x) {
  Bits<T> bits;
  memcpy(&bits, &x, sizeof x);
  return bits;
}

template <class T>
T fromBits(Bits<T> bits) {
  T x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// Equal bits, where every NaN counts as the same one.
template <class T>
bool same(T a, T b) {
  return toBits(a) == toBits(b) || (a != a && b != b);
}

template <class T>
const SimdTests<T>& testsOf(const SimdLevel& level);
template <>
inline const SimdTests<float>& testsOf<float>(const SimdLevel& level) {
  return level.f32;
}
template <>
inline const SimdTests<double>& testsOf<double>(const SimdLevel& level) {
  return level.f64;
}

// The levels that this CPU runs, lowest first.
inline std::vector<const SimdLevel*> availableLevels() {
#if defined(__x86_64__)
  std::vector<const SimdLevel*> levels = {&kScalarTests};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    levels.push_back(&kAvx2Tests);
  }
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    levels.push_back(&kAvx512Tests);
  }
  return levels;
#else
  return {&kScalarTests, &kNeonTests};
#endif
}
