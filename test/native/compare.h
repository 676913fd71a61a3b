// What the native tests share: counting failures, deterministic values, comparisons.
#pragma once
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <array>
#include <limits>
#include <string>
#include <vector>

#include "../../native/ops/dispatch.h"

namespace tilegrad {
namespace test {

inline int& failures() {
  static int count = 0;
  return count;
}

// Reports a failure; only the first few in full.
inline void fail(const std::string& what) {
  constexpr int kShown = 40;
  if (++failures() <= kShown) printf("FAIL %s\n", what.c_str());
}

inline void expect(bool ok, const std::string& what) {
  if (!ok) fail(what);
}

// A small generator with a fixed seed (Steele, Lea & Flood 2014, SplitMix64).
class Values {
 public:
  explicit Values(uint64_t seed) : state_(seed) {}
  uint64_t bits() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  double unit() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  double between(double low, double high) { return low + (high - low) * unit(); }
  int64_t below(int64_t n) { return static_cast<int64_t>(bits() % static_cast<uint64_t>(n)); }

 private:
  uint64_t state_;
};

template <class T>
std::vector<T> randomValues(int64_t n, uint64_t seed, double low = -3, double high = 3) {
  Values values(seed);
  std::vector<T> v(static_cast<size_t>(n));
  for (T& x : v) x = static_cast<T>(values.between(low, high));
  return v;
}

template <class T>
std::array<unsigned char, sizeof(T)> bytesOf(T x) {
  std::array<unsigned char, sizeof(T)> bytes;
  memcpy(bytes.data(), &x, sizeof(T));
  return bytes;
}

// Equal bits, or both NaN.
template <class T>
bool sameBits(T a, T b) {
  return bytesOf(a) == bytesOf(b) || (a != a && b != b);
}

template <class T>
bool sameBits(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!sameBits(a[i], b[i])) return false;
  }
  return true;
}

// |got - want| <= tolerance epsilons of max(|want|, scale); NaN and infinities must agree.
template <class T>
bool isClose(T got, long double want, double tolerance, double scale = 0) {
  const T rounded = static_cast<T>(want);
  if (sameBits(got, rounded) || got == rounded) return true;
  if (!isfinite(got) || !isfinite(rounded)) return false;
  const long double magnitude = fmaxl(fabsl(want), scale);
  // Where results or factors are subnormal, a few units of those.
  const long double floor = 4 * static_cast<long double>(std::numeric_limits<T>::denorm_min());
  return fabsl(got - want) <= tolerance * std::numeric_limits<T>::epsilon() * magnitude + floor;
}

inline std::vector<Level> availableLevels() {
  std::vector<Level> levels;
  for (int i = 0; i < kLevelCount; ++i) {
    if (levelAvailable(static_cast<Level>(i))) levels.push_back(static_cast<Level>(i));
  }
  return levels;
}

template <class T>
const char* typeName() {
  return sizeof(T) == 8 ? "float64" : "float32";
}

// Prints the verdict; the exit code of main.
inline int finish(const char* name) {
  if (failures() == 0) {
    printf("%s: ok\n", name);
    return 0;
  }
  printf("%s: %d failures\n", name, failures());
  return 1;
}

}  // namespace test
}  // namespace tilegrad
