// Elementary functions over registers and virtual vectors, float and double, written once. Each is
// a fixed sequence of the operations of reg.h, so all levels give the same bits. docs/accuracy.md
// has the measured errors. NaN gives NaN; denormal arguments and results are within those errors.
#pragma once
#include "math_arc.h"
#include "math_erf.h"
#include "math_exp.h"
#include "math_log.h"
#include "math_mod.h"
#include "math_pow.h"
#include "math_trig.h"
#include "vec.h"

TG_TARGET_BEGIN

// The same function of a virtual vector, which those of kernels/ that are written over registers
// have, too.
#define TG_LIFT_MATH(name)             \
  template <class T>                   \
  TG_INLINE Vec<T> name(Vec<T> x) {    \
    for (Reg<T>& r : x.r) r = name(r); \
    return x;                          \
  }
#define TG_LIFT_MATH_2(name)                                          \
  template <class T>                                                  \
  TG_INLINE Vec<T> name(Vec<T> x, Vec<T> y) {                         \
    for (int i = 0; i < kRegs<T>; ++i) x.r[i] = name(x.r[i], y.r[i]); \
    return x;                                                         \
  }
TG_LIFT_MATH(exp)
TG_LIFT_MATH(exp2)
TG_LIFT_MATH(expm1)
TG_LIFT_MATH(log)
TG_LIFT_MATH(logNormal)
TG_LIFT_MATH(log1p)
TG_LIFT_MATH(log2)
TG_LIFT_MATH(log10)
TG_LIFT_MATH(log2Normal)
TG_LIFT_MATH(log10Normal)
TG_LIFT_MATH(tanh)
TG_LIFT_MATH(sinh)
TG_LIFT_MATH(cosh)
TG_LIFT_MATH(sigmoid)
TG_LIFT_MATH(erf)
TG_LIFT_MATH(erfc)
TG_LIFT_MATH(normalCdf)
TG_LIFT_MATH(sin)
TG_LIFT_MATH(cos)
TG_LIFT_MATH(tan)
TG_LIFT_MATH(asin)
TG_LIFT_MATH(acos)
TG_LIFT_MATH(atan)
TG_LIFT_MATH(asinh)
TG_LIFT_MATH(acosh)
TG_LIFT_MATH(atanh)
TG_LIFT_MATH_2(atan2)
TG_LIFT_MATH_2(hypot)
TG_LIFT_MATH_2(pow)
TG_LIFT_MATH_2(fmod)
TG_LIFT_MATH_2(remainder)
TG_LIFT_MATH_2(floorDivide)

template <class T>
TG_INLINE void sinCos2Pi(Vec<T> u, Vec<T>& sine, Vec<T>& cosine) {
  for (int i = 0; i < kRegs<T>; ++i) sinCos2Pi(u.r[i], sine.r[i], cosine.r[i]);
}

TG_TARGET_END
