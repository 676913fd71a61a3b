// The gradients of one row of a recurrent cell, from those of its results: what runs lane by lane
// around the products of ops/sequence/recurrent.cpp. The cells themselves are elementwise kernels.
#pragma once
#include "activation.h"
#include "per_lane.h"

TG_TARGET_BEGIN

// The gradient of a cell's output: what the later steps gave and, unless it is null, what the
// output's users gave.
template <class T>
TG_INLINE Vec<T> arrived(Lanes lanes, const T* later, const T* dy, int64_t i) {
  const Vec<T> g = get(lanes, later + i);
  return dy ? add(g, get(lanes, dy + i)) : g;
}

template <class T>
void lstmBackwardKernel(const CellBackward<T>& job) {
  const CellBackward<T> j = job;
  const int64_t n = j.n;
  overVectors<T>(n, [=](int64_t i, Lanes lanes) TG_INLINE_LAMBDA {
    const Vec<T> input = get(lanes, j.gates + i), forget = get(lanes, j.gates + n + i);
    const Vec<T> cell = get(lanes, j.gates + 2 * n + i);
    const Vec<T> output = get(lanes, j.gates + 3 * n + i);
    const Vec<T> top = get(lanes, j.other + i);  // tanh of the new cell state
    const Vec<T> dh = arrived(lanes, j.dh, j.dy, i);
    const Vec<T> dc = add(get(lanes, j.dc + i), tanhBackwardOf(mul(dh, output), top));
    put(lanes, j.dGates + i, sigmoidBackwardOf(mul(dc, cell), input));
    put(lanes, j.dGates + n + i, sigmoidBackwardOf(mul(dc, get(lanes, j.before + i)), forget));
    put(lanes, j.dGates + 2 * n + i, tanhBackwardOf(mul(dc, input), cell));
    put(lanes, j.dGates + 3 * n + i, sigmoidBackwardOf(mul(dh, top), output));
    put(lanes, j.dc + i, mul(dc, forget));
  });
}

template <class T>
void gruBackwardKernel(const CellBackward<T>& job) {
  const CellBackward<T> j = job;
  const int64_t n = j.n;
  overVectors<T>(n, [=](int64_t i, Lanes lanes) TG_INLINE_LAMBDA {
    const Vec<T> reset = get(lanes, j.gates + i), update = get(lanes, j.gates + n + i);
    const Vec<T> fresh = get(lanes, j.gates + 2 * n + i);
    const Vec<T> dh = arrived(lanes, j.dh, j.dy, i);
    const Vec<T> dFresh = tanhBackwardOf(mul(dh, sub(vsplat<T>(1), update)), fresh);
    const Vec<T> dReset = sigmoidBackwardOf(mul(dFresh, get(lanes, j.other + i)), reset);
    const Vec<T> change = sub(get(lanes, j.before + i), fresh);
    const Vec<T> dUpdate = sigmoidBackwardOf(mul(dh, change), update);
    put(lanes, j.dGates + i, dReset);
    put(lanes, j.dGates + n + i, dUpdate);
    put(lanes, j.dGates + 2 * n + i, dFresh);
    put(lanes, j.dHidden + i, dReset);
    put(lanes, j.dHidden + n + i, dUpdate);
    put(lanes, j.dHidden + 2 * n + i, mul(dFresh, reset));
    put(lanes, j.dh + i, mul(dh, update));
  });
}

template <class T>
constexpr RecurrentKernels<T> recurrentKernels() {
  return {lstmBackwardKernel<T>, gruBackwardKernel<T>};
}

TG_TARGET_END
