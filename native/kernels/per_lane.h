// Operands of kernels that are an array or one value for all lanes (PerLane in table.h).
#pragma once
#include "../simd/vec.h"
#include "table.h"

TG_TARGET_BEGIN

// Reads as an array does: of one value there are copies, which every step reads again. One loop
// then serves all combinations, at the price of a load from the first-level cache.
template <class T>
class LaneSource {
 public:
  explicit LaneSource(const PerLane<T>& source)
      : p_(source.values ? source.values : copies_), step_(source.values ? 1 : 0) {
    if (!source.values) store(copies_, vsplat<T>(source.value));
  }
  LaneSource(const LaneSource&) = delete;
  LaneSource& operator=(const LaneSource&) = delete;

  const T* at(int64_t i) const { return p_ + i * step_; }

 private:
  T copies_[kLanes<T>];
  const T* const p_;
  const int64_t step_;
};

// Which lanes of its vector a step reads and writes: all, or the first n.
struct AllLanes {};
struct FirstLanes {
  int64_t n;
};

template <class T>
TG_INLINE Vec<T> get(AllLanes, const T* p) {
  return vload<T>(p);
}

template <class T>
TG_INLINE Vec<T> get(FirstLanes lanes, const T* p) {
  return vloadFirst<T>(p, lanes.n);
}

template <class T>
TG_INLINE void put(AllLanes, T* p, Vec<T> a) {
  store(p, a);
}

template <class T>
TG_INLINE void put(FirstLanes lanes, T* p, Vec<T> a) {
  storeFirst(p, a, lanes.n);
}

// Calls step(i, lanes) for each vector of n values.
template <class T, class F>
TG_INLINE void overVectors(int64_t n, const F& step) {
  constexpr int64_t kWidth = kLanes<T>;
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) step(i, AllLanes{});
  if (i < n) step(i, FirstLanes{n - i});
}

TG_TARGET_END
