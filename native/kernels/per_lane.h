// Operands of kernels that are an array or one value for all lanes (PerLane in table.h).
#pragma once
#include "../simd/vec.h"
#include "table.h"

TG_TARGET_BEGIN

// One value in every lane.
template <class T>
struct Copies {
  alignas(64) T v[kLanes<T>];
};

// Reads as an array does: of one value there are copies, which every step reads again. One loop
// then serves all combinations, at the price of a load from the first-level cache.
template <class T>
struct LaneSource {
  const T* p;
  int64_t mask;  // all bits, or none
  const T* at(int64_t i) const { return p + (i & mask); }
};

template <class T>
TG_INLINE LaneSource<T> sourceOf(const PerLane<T>& operand, Copies<T>& copies) {
  if (operand.values) return {operand.values, -1};
  store(copies.v, vsplat<T>(operand.value));
  return {copies.v, 0};
}

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

// The same with a second body for whole vectors, which pays for steps of a few instructions.
struct AllLanes {};

template <class T>
TG_INLINE Vec<T> get(AllLanes, const T* p) {
  return vload<T>(p);
}

template <class T>
TG_INLINE void put(AllLanes, T* p, Vec<T> a) {
  store(p, a);
}

// put, or past the caches, where all results are whole vectors.
template <class T, class Which>
TG_INLINE void putResult(Which lanes, bool past, T* p, Vec<T> a) {
  if (past) {
    storePast(p, a);
  } else {
    put(lanes, p, a);
  }
}

template <class T, class F>
TG_INLINE void overWholeVectors(int64_t n, const F& step) {
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) step(i, AllLanes{});
  if (i < n) step(i, Lanes{n - i});
}

TG_TARGET_END
