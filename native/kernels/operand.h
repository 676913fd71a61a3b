// An operand of a kernel that is contiguous or one value for all.
#pragma once
#include "../simd/vec.h"

TG_TARGET_BEGIN

// A scalar is written out as one vector that every load reads, so that one loop serves all steps
// (elementwise.h has loops of their own for each instead, which only the cheapest kernels are
// worth).
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

TG_TARGET_END
