// The weight's gradient of a depthwise convolution, with a channel in each lane: a sum over pixels
// for each tap, and as many lanes in use as there are channels, where a matrix product of one
// channel's taps and its only output would use one.
#pragma once
#include "../simd/vec.h"
#include "table.h"

TG_TARGET_BEGIN

#if defined(TG_TARGET_AVX512)
constexpr int kTapVecs = 2;
#else
constexpr int kTapVecs = 1;  // of several registers
#endif

// Sums that are in registers together: 5 taps of two vectors are 10 chains, and an FMA's latency
// needs 8. 3 x 3 taps are then 5 + 4, 5 x 5 are 5 times 5.
constexpr int64_t kTapsTogether = 5;

// Taps [t, t + taps) of lanes [lane, lane + kTapVecs vectors).
template <class T, int taps>
void sumTaps(const TapSums<T>& job, int64_t t, int64_t lane) {
  constexpr int L = kLanes<T>, V = kTapVecs;
  T* const sums = job.sums + t * job.width + lane;
  const T* x[taps];
  Vec<T> acc[taps][V];
  TG_UNROLL for (int i = 0; i < taps; ++i) {
    x[i] = job.x + job.offsets[t + i] + lane;
    TG_UNROLL for (int v = 0; v < V; ++v) acc[i][v] = vload<T>(sums + i * job.width + v * L);
  }
  const T* g = job.g + lane;
  for (int64_t row = 0; row < job.rows; ++row) {
    for (int64_t p = 0; p < job.count; ++p, g += job.width) {
      const int64_t at = row * job.xRow + p * job.width;
      TG_UNROLL for (int v = 0; v < V; ++v) {
        const Vec<T> gradient = vload<T>(g + v * L);
        TG_UNROLL for (int i = 0; i < taps; ++i) {
          acc[i][v] = fma(vload<T>(x[i] + at + v * L), gradient, acc[i][v]);
        }
      }
    }
  }
  TG_UNROLL for (int i = 0; i < taps; ++i) {
    TG_UNROLL for (int v = 0; v < V; ++v) store(sums + i * job.width + v * L, acc[i][v]);
  }
}

template <class T>
void sumTapsKernel(const TapSums<T>& job) {
  for (int64_t lane = 0; lane < job.width; lane += kTapVecs * kLanes<T>) {
    for (int64_t t = 0; t < job.taps;) {
      const int64_t left = job.taps - t;
      const int64_t turns = (left + kTapsTogether - 1) / kTapsTogether;
      const int64_t now = (left + turns - 1) / turns;
      switch (now) {
        case 1:
          sumTaps<T, 1>(job, t, lane);
          break;
        case 2:
          sumTaps<T, 2>(job, t, lane);
          break;
        case 3:
          sumTaps<T, 3>(job, t, lane);
          break;
        case 4:
          sumTaps<T, 4>(job, t, lane);
          break;
        default:
          sumTaps<T, 5>(job, t, lane);
      }
      t += now;
    }
  }
}

template <class T>
constexpr DepthwiseKernels<T> depthwiseKernels() {
  return {sumTapsKernel<T>};
}

TG_TARGET_END
