// Four vectors of one field each into memory order: x0 y0 z0 w0 x1 y1 ... The lanes of a vector are
// four groups of four; within each group the four vectors form a 4 x 4 matrix that is transposed,
// so no value has to leave its 128-bit part of a register.
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

#endif

TG_TARGET_END
