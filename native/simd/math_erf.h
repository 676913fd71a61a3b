// The error function of registers: see math.h.
#pragma once
#include "math_exp.h"

TG_TARGET_BEGIN

// Error function 2 / sqrt(pi) * integral of exp(-t^2) from 0 to x: an odd polynomial for |x| < 1,
// otherwise 1 - exp(polynomial of |x|).
template <class T>
TG_INLINE Reg<T> erf(Reg<T> x) {
  using C = MathConstants<T>;
  const Reg<T> one = splat<T>(1);
  const Reg<T> a = min(splat<T>(C::erfEnd), abs(x));
  const Reg<T> nearZero = fma(a, polynomial(mul(a, a), C::erf), a);
  const Reg<T> logErfc = polynomial(sub(a, one), C::erfc);
  const Reg<T> beyond = sub(one, expInRange(logErfc));
  return copySign(select(lt(a, one), nearZero, beyond), x);
}

TG_TARGET_END
