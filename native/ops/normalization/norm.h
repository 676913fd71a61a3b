// What the normalisations share: the mean and the squared differences of many values, block by
// block.
#pragma once
#include "../dispatch.h"

namespace tilegrad {

// Of `count` values: their mean, and the sum of squared differences from it.
struct Moments {
  double count, mean, squares;
};

// The moments of two sets of values together (Chan, Golub and LeVeque, "Updating formulae and a
// pairwise algorithm for computing sample variances", 1979).
inline Moments together(const Moments& a, const Moments& b) {
  if (a.count == 0) return b;
  const double count = a.count + b.count;
  const double delta = b.mean - a.mean, share = b.count / count;
  return {count, a.mean + delta * share, a.squares + b.squares + delta * delta * a.count * share};
}

// The moments of n contiguous values, in two passes over each block while it is in the first-level
// cache: memory is read once.
template <class T>
TG_NOINLINE Moments momentsOf(int64_t n, const T* x) {
  const FloatKernels<T>& k = floatKernels<T>();
  Moments all{0, 0, 0};
  for (int64_t begin = 0; begin < n; begin += kReduceBlock) {
    const int64_t count = n - begin < kReduceBlock ? n - begin : kReduceBlock;
    const T mean = k.reduce.sum(count, x + begin) / static_cast<T>(count);
    const T squares = k.reduce.squares(count, x + begin, mean);
    all = together(
        all, {static_cast<double>(count), static_cast<double>(mean), static_cast<double>(squares)});
  }
  return all;
}

// From `at` on in an array that has a value for each lane, or its one value there for all lanes; of
// no array `otherwise`.
template <class T>
PerLane<T> perLane(const T* values, int64_t at, bool each, T otherwise) {
  if (!values) return {nullptr, otherwise};
  return each ? PerLane<T>{values + at, 0} : PerLane<T>{nullptr, values[at]};
}

template <class T>
PerLane<T> forAll(T value) {
  return {nullptr, value};
}

}  // namespace tilegrad
