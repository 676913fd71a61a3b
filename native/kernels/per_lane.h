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

// The lanes of its vector that a step reads and writes: the first n, or all when n is not less.
struct Lanes {
  int64_t n;
};

// One body serves whole vectors and the last one: where masks are registers they are always used,
// elsewhere a branch that is foreseen spares them.
template <class T>
TG_INLINE bool whole(Lanes lanes) {
#if defined(TG_TARGET_AVX512)
  (void)lanes;
  return false;
#else
  return kLanes<T> == 1 || lanes.n >= kLanes<T>;
#endif
}

template <class T>
TG_INLINE Vec<T> get(Lanes lanes, const T* p) {
  return whole<T>(lanes) ? vload<T>(p) : vloadFirst<T>(p, lanes.n);
}

template <class T>
TG_INLINE void put(Lanes lanes, T* p, Vec<T> a) {
  if (whole<T>(lanes)) {
    store(p, a);
  } else {
    storeFirst(p, a, lanes.n);
  }
}

// Calls step(i, lanes) for each vector of n values.
template <class T, class F>
TG_INLINE void overVectors(int64_t n, const F& step) {
  for (int64_t i = 0; i < n; i += kLanes<T>) step(i, Lanes{n - i});
}

TG_TARGET_END
