// Kernels that don't depend on neighbours, at every level of this machine: one result for all, for
// lengths around the vectors' and unaligned pointers.
#pragma once
#include "compare.h"

namespace tilegrad {
namespace test {

inline std::vector<int64_t> lengths() {
  std::vector<int64_t> n;
  for (int64_t i = 0; i <= 100; ++i) n.push_back(i);
  for (int64_t i : {127, 128, 129, 255, 256, 257, 1000, 4095, 4096, 4097}) n.push_back(i);
  return n;
}

template <class T>
const FloatKernels<T>& at(Level level) {
  setLevel(level);
  return floatKernels<T>();
}

// A result computed at every level, each into fresh memory at a misaligned address with guards
// behind it; reports differences and returns the first level's.
template <class T, class F>
std::vector<T> atAllLevels(const std::string& name, int64_t n, const F& compute) {
  std::vector<T> first;
  const T guard = static_cast<T>(-12345);
  for (Level level : availableLevels()) {
    const size_t shift = static_cast<size_t>(n % 3);
    std::vector<T> memory(shift + static_cast<size_t>(n) + 64, guard);
    compute(at<T>(level), memory.data() + shift);
    const auto begin = memory.begin() + static_cast<ptrdiff_t>(shift);
    std::vector<T> y(begin, begin + n);
    for (size_t i = shift + y.size(); i < memory.size(); ++i) {
      if (memory[i] != guard) fail(name + " wrote past the end, level " + levelName(level));
    }
    if (level == availableLevels()[0]) {
      first = y;
    } else if (!sameBits(first, y)) {
      fail(name + " differs between levels, n " + std::to_string(n) + ", level " +
           levelName(level) + ", " + typeName<T>());
    }
  }
  return first;
}

template <class T>
std::vector<T> specials() {
  using Limits = std::numeric_limits<T>;
  return {T(0),   -T(0),  T(1),          -T(1),         Limits::infinity(),  -Limits::infinity(),
          T(0.5), T(-20), T(30),         T(-0.3),       Limits::quiet_NaN(), Limits::denorm_min(),
          T(2),   T(100), Limits::min(), Limits::max(), -Limits::max()};
}

}  // namespace test
}  // namespace tilegrad
