// Patches of images for convolutions: copied to where the matrix product's tiles read them, or,
// where an output takes a single channel, multiplied where they are.
#pragma once
#include "../simd/vec.h"
#include "table.h"

TG_TARGET_BEGIN

// Runs outside and steps inside, so that the mask of a run's last vector is made once.
template <class T>
void convCopyRuns(int64_t steps, const T* x, const int64_t* offsets, int64_t fromStep,
                  const CopyRun* runs, int64_t count, T* to, int64_t toStep) {
  constexpr int64_t L = kLanes<T>;
  for (const CopyRun* run = runs; run != runs + count; ++run) {
    const int64_t whole = run->count / L * L, rest = run->count - whole;
    for (int64_t i = 0; i < steps; ++i) {
      const T* from = x + run->from + (offsets ? offsets[i] : i * fromStep);
      T* y = to + run->to + i * toStep;
      for (int64_t j = 0; j < whole; j += L) store(y + j, vload<T>(from + j));
      if (rest > 0) storeFirst(y + whole, vloadFirst<T>(from + whole, rest), rest);
    }
  }
}

// The moves of one step after the other, because a vector may reach over what the next move writes,
// or the next step.
template <class T, int count>
TG_INLINE void copySteps(int64_t steps, const T* x, const int64_t* offsets, const CopyMove* moves,
                         T* to, int64_t toStep) {
  CopyMove each[count];
  TG_UNROLL for (int k = 0; k < count; ++k) each[k] = moves[k];
  for (int64_t i = 0; i < steps; ++i, to += toStep) {
    const T* from = x + offsets[i];
    TG_UNROLL for (int k = 0; k < count; ++k) store(to + each[k].to, vload<T>(from + each[k].from));
  }
}

template <class T>
void convCopyVectors(int64_t steps, const T* x, const int64_t* offsets, const CopyMove* moves,
                     int64_t count, T* to, int64_t toStep) {
  switch (count) {
    case 2:
      return copySteps<T, 2>(steps, x, offsets, moves, to, toStep);
    case 3:
      return copySteps<T, 3>(steps, x, offsets, moves, to, toStep);
    case 4:
      return copySteps<T, 4>(steps, x, offsets, moves, to, toStep);
    default:
      for (int64_t i = 0; i < steps; ++i, to += toStep) {
        const T* from = x + offsets[i];
        for (const CopyMove* move = moves; move != moves + count; ++move) {
          store(to + move->to, vload<T>(from + move->from));
        }
      }
  }
}

// Two vectors of columns side by side are enough chains for most CPUs, as those of different runs
// overlap.
template <class T>
void convSumTaps(int64_t taps, const T* w, T start, const T* x, const int64_t* offsets, int64_t n,
                 T* y) {
  constexpr int64_t L = kLanes<T>;
  int64_t j = 0;
  for (; j + 2 * L <= n; j += 2 * L) {
    Vec<T> first = vsplat<T>(start), second = first;
    for (int64_t p = 0; p < taps; ++p) {
      const T* from = x + offsets[p] + j;
      const Vec<T> factor = vsplat<T>(w[p]);
      first = fma(factor, vload<T>(from), first);
      second = fma(factor, vload<T>(from + L), second);
    }
    store(y + j, first);
    store(y + j + L, second);
  }
  for (; j < n; j += L) {
    Vec<T> sum = vsplat<T>(start);
    for (int64_t p = 0; p < taps; ++p) {
      sum = fma(vsplat<T>(w[p]), vloadFirst<T>(x + offsets[p] + j, n - j), sum);
    }
    storeFirst(y + j, sum, n - j);
  }
}

TG_TARGET_END
