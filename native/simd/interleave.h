// Vectors of one field each into memory order and back. interleave4 gives x0 y0 z0 w0 x1 y1 ...:
// the lanes of a vector are four groups of four; within each group the four vectors form a 4 x 4
// matrix that is transposed, so no value has to leave its 128-bit part of a register.
#pragma once
#include "transpose.h"
#include "vec.h"

TG_TARGET_BEGIN

#if defined(TG_TARGET_SCALAR)

// Lane 4 * group + w of v[k] becomes lane 4 * group + k of v[w].
TG_INLINE void interleave4(Vec<float> (&v)[4]) {
  for (int group = 0; group < 4; ++group) {
    for (int k = 0; k < 4; ++k) {
      for (int w = 0; w < k; ++w) {
        const Reg<float> t = v[k].r[4 * group + w];
        v[k].r[4 * group + w] = v[w].r[4 * group + k];
        v[w].r[4 * group + k] = t;
      }
    }
  }
}

// Pairs that two vectors hold in memory order, x0 y0 x1 y1 ..., become all x in a and all y in b;
// joinPairs is the inverse.
template <class T>
TG_INLINE void splitPairs(Vec<T>& a, Vec<T>& b) {
  Vec<T> x, y;
  for (int i = 0; i < kLanes<T> / 2; ++i) {
    x.r[i] = a.r[2 * i], y.r[i] = a.r[2 * i + 1];
    x.r[kLanes<T> / 2 + i] = b.r[2 * i], y.r[kLanes<T> / 2 + i] = b.r[2 * i + 1];
  }
  a = x, b = y;
}
template <class T>
TG_INLINE void joinPairs(Vec<T>& a, Vec<T>& b) {
  Vec<T> x, y;
  for (int i = 0; i < kLanes<T> / 2; ++i) {
    x.r[2 * i] = a.r[i], x.r[2 * i + 1] = b.r[i];
    y.r[2 * i] = a.r[kLanes<T> / 2 + i], y.r[2 * i + 1] = b.r[kLanes<T> / 2 + i];
  }
  a = x, b = y;
}

#else

// Lane 4 * group + w of v[k] becomes lane 4 * group + k of v[w].
TG_INLINE void interleave4(Vec<float> (&v)[4]) {
  for (int i = 0; i < kRegs<float>; ++i) {
    RegF x[4];
    TG_UNROLL for (int k = 0; k < 4; ++k) x[k] = v[k].r[i];
    transposeWithin128(x);
    TG_UNROLL for (int k = 0; k < 4; ++k) v[k].r[i] = x[k];
  }
}

// Pairs that two vectors hold in memory order, x0 y0 x1 y1 ..., become all x in a and all y in b,
// in an order of the level's own; joinPairs is the inverse.
template <class T>
TG_INLINE void splitPairs(Vec<T>& a, Vec<T>& b) {
  for (int i = 0; i < kRegs<T>; ++i) {
    const Reg<T> x = evenLanes(a.r[i], b.r[i]);
    b.r[i] = oddLanes(a.r[i], b.r[i]);
    a.r[i] = x;
  }
}
template <class T>
TG_INLINE void joinPairs(Vec<T>& a, Vec<T>& b) {
  for (int i = 0; i < kRegs<T>; ++i) {
    const Reg<T> x = zipLow(a.r[i], b.r[i]);
    b.r[i] = zipHigh(a.r[i], b.r[i]);
    a.r[i] = x;
  }
}

#endif

TG_TARGET_END
