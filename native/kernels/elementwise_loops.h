// The loops of elementwise kernels: a function of vectors along arrays, several vectors at a time
// where that is faster. A partial vector at the end goes through the same function as a whole one,
// with zeros in the lanes that are not stored, so a value's bits do not depend on where it stands.
#pragma once
#include "operand.h"

TG_TARGET_BEGIN

// Vectors in flight: kCheap hides load latency and loop overhead of functions of a few
// instructions. Iterations of long ones are independent, and mostly overlap by themselves. On the
// scalar level there are no vectors.
constexpr int kCheap = Reg<float>::lanes > 1 ? 4 : 1;
constexpr int kLong = 1;

// More in flight where long chains of operations fill the CPU's scheduler: on Zen 5 that makes the
// functions that use it 15 to 30 % faster (the numbers are the best of 1 to 4). Only where
// registers suffice, 32 of 16 lanes, and for what models call most: each vector is another copy of
// the code.
constexpr int interleaved(int vectors) { return Reg<float>::lanes > 8 ? vectors : 1; }

// y[i] = f(x[i]) for i < n, `unroll` vectors at a time. y may be x. The last, partial vector goes
// through the same copy of a long function as whole ones, which keeps the library small.
template <int unroll, class T, class F>
TG_INLINE void unaryLoop(int64_t n, const T* x, T* y, const F& f) {
  constexpr int64_t kWidth = kLanes<T>;
  int64_t i = 0;
  if constexpr (unroll > 1) {
    for (; i + unroll * kWidth <= n; i += unroll * kWidth) {
      Vec<T> v[unroll];
      for (int u = 0; u < unroll; ++u) v[u] = vload<T>(x + i + u * kWidth);
      for (int u = 0; u < unroll; ++u) store(y + i + u * kWidth, f(v[u]));
    }
  }
  for (; i < n; i += kWidth) {
    const int64_t rest = n - i;
    const Vec<T> v = f(rest >= kWidth ? vload<T>(x + i) : vloadFirst<T>(x + i, rest));
    if (rest >= kWidth) {
      store(y + i, v);
    } else {
      storeFirst(y + i, v, rest);
    }
  }
}

// y[i] = f(x[i]) for i < n, `unroll` vectors at a time where all numbers of them are ordinary, by a
// shorter way to the same bits, and one vector of any numbers otherwise. y may be x. On Zen 5 that
// takes 3.0 instead of 3.4 ns for the logarithms of 16 floats (log2 4.5 and 5.0, log10 4.4
// and 5.2).
template <class Op, class T, class Ordinary, class F>
TG_INLINE void ordinaryLoop(int64_t n, const T* x, T* y, const Ordinary& isOrdinary,
                            const F& ofOrdinary) {
  constexpr int unroll = Op::unroll;
  constexpr int64_t kWidth = kLanes<T>;
  int64_t i = 0;
  while (i < n) {
    const int64_t rest = n - i;
    if (rest >= unroll * kWidth) {
      Vec<T> v[unroll];
      for (int u = 0; u < unroll; ++u) v[u] = vload<T>(x + i + u * kWidth);
      VMask<T> ordinary = isOrdinary(v[0]);
      for (int u = 1; u < unroll; ++u) ordinary = maskAnd(ordinary, isOrdinary(v[u]));
      if (!anyLane(maskNot(ordinary))) {
        for (int u = 0; u < unroll; ++u) store(y + i + u * kWidth, ofOrdinary(v[u]));
        i += unroll * kWidth;
        continue;
      }
    }
    storeFirst(y + i, Op::apply(vloadFirst<T>(x + i, rest)), rest);
    i += kWidth;
  }
}

// y[i] = f(a[i], b[i]) for i < n, as unaryLoop.
template <int unroll, bool AScalar, bool BScalar, class T, class F>
TG_INLINE void pairLoop(int64_t n, const T* a, const T* b, T* y, const F& f) {
  constexpr int64_t kWidth = kLanes<T>;
  using A = Operand<T, AScalar>;
  using B = Operand<T, BScalar>;
  const A av = A::make(a);
  const B bv = B::make(b);
  int64_t i = 0;
  if constexpr (unroll > 1) {
    for (; i + unroll * kWidth <= n; i += unroll * kWidth) {
      Vec<T> v[unroll];
      for (int u = 0; u < unroll; ++u) {
        v[u] = f(A::load(av, i + u * kWidth), B::load(bv, i + u * kWidth));
      }
      for (int u = 0; u < unroll; ++u) store(y + i + u * kWidth, v[u]);
    }
  }
  for (; i < n; i += kWidth) {
    const int64_t rest = n - i;
    const bool whole = rest >= kWidth;
    const Vec<T> v = f(whole ? A::load(av, i) : A::loadFirst(av, i, rest),
                       whole ? B::load(bv, i) : B::loadFirst(bv, i, rest));
    if (whole) {
      store(y + i, v);
    } else {
      storeFirst(y + i, v, rest);
    }
  }
}

// y[i] = value for i < n.
template <class T>
TG_NOINLINE void fillWith(int64_t n, T value, T* y) {
  const Vec<T> all = vsplat<T>(value);
  for (int64_t i = 0; i < n; i += kLanes<T>) storeFirst(y + i, all, n - i);
}

TG_TARGET_END
