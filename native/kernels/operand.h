// An operand of an elementwise kernel, which is contiguous or one value for all.
#pragma once
#include "../simd/vec.h"

TG_TARGET_BEGIN

// Which of both is known at run time. A scalar is written out as one vector that every load reads,
// so that one loop serves all steps.
template <class T>
struct SteppedOperand {
  alignas(64) T values[kLanes<T>];  // read in each turn: not across two cache lines
  const T* from;
  int64_t step;

  SteppedOperand(const T* p, int64_t pStep) : from(p), step(pStep) {
    if (step != 0) return;
    store(values, vsplat<T>(*p));
    from = values;
  }
  Vec<T> load(int64_t i) const { return vload<T>(from + i * step); }
  Vec<T> loadFirst(int64_t i, int64_t n) const { return vloadFirst<T>(from + i * step, n); }
};

// Which of both is known at compile time, for a loop of its own, which only the cheapest kernels
// are worth.
template <class T, bool Scalar>
struct Operand {
  const T* p;

  TG_INLINE Operand make(const T* p) { return {p}; }
  TG_INLINE Vec<T> load(const Operand& operand, int64_t i) { return vload<T>(operand.p + i); }
  TG_INLINE Vec<T> loadFirst(const Operand& operand, int64_t i, int64_t n) {
    return vloadFirst<T>(operand.p + i, n);
  }
};

template <class T>
struct Operand<T, true> {
  Vec<T> value;

  TG_INLINE Operand make(const T* p) { return {vsplat<T>(*p)}; }
  TG_INLINE Vec<T> load(const Operand& operand, int64_t) { return operand.value; }
  TG_INLINE Vec<T> loadFirst(const Operand& operand, int64_t, int64_t) { return operand.value; }
};

TG_TARGET_END
