// Comparisons of floats and questions about one float: truth values as bytes.
#pragma once
#include "../simd/mask_bytes.h"
#include "operand.h"
#include "table.h"

TG_TARGET_BEGIN

template <Compare op>
struct CompareOp;

template <Predicate op>
struct PredicateOp;

#define TG_DEFINE_COMPARE(name, expression)        \
  template <>                                      \
  struct CompareOp<Compare::name> {                \
    template <class T>                             \
    TG_INLINE VMask<T> apply(Vec<T> a, Vec<T> b) { \
      return expression;                           \
    }                                              \
  };
#define TG_DEFINE_PREDICATE(name, expression) \
  template <>                                 \
  struct PredicateOp<Predicate::name> {       \
    template <class T>                        \
    TG_INLINE VMask<T> apply(Vec<T> x) {      \
      return expression;                      \
    }                                         \
  };

// IEEE 754: false where an operand is NaN, except ne, which is true there.
TG_DEFINE_COMPARE(eq, eq(a, b))
TG_DEFINE_COMPARE(ne, ne(a, b))
TG_DEFINE_COMPARE(lt, lt(a, b))
TG_DEFINE_COMPARE(le, le(a, b))

TG_DEFINE_PREDICATE(isnan, isNan(x))
TG_DEFINE_PREDICATE(isinf, eq(abs(x), vinfinity<T>()))
TG_DEFINE_PREDICATE(isfinite, lt(abs(x), vinfinity<T>()))
TG_DEFINE_PREDICATE(signbit, lt(copySign(vsplat<T>(1), x), vsplat<T>(0)))

#undef TG_DEFINE_COMPARE
#undef TG_DEFINE_PREDICATE

// y[i] = f(a[i * aStep], b[i * bStep]) for i < n, steps 1 or 0.
template <Compare op, class T>
void compareKernel(int64_t n, const T* a, int64_t aStep, const T* b, int64_t bStep, uint8_t* y) {
  if (n <= 0) return;  // a scalar is read before the loop
  const SteppedOperand<T> av(a, aStep), bv(b, bStep);
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) {
    storeBytes(y + i, CompareOp<op>::apply(av.load(i), bv.load(i)));
  }
  const int64_t rest = n - i;
  if (rest > 0) {
    storeFirstBytes(y + i, CompareOp<op>::apply(av.loadFirst(i, rest), bv.loadFirst(i, rest)),
                    rest);
  }
}

// y[i] = f(x[i]) for i < n.
template <Predicate op, class T>
void predicateKernel(int64_t n, const T* x, uint8_t* y) {
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) {
    storeBytes(y + i, PredicateOp<op>::apply(vload<T>(x + i)));
  }
  if (i < n) storeFirstBytes(y + i, PredicateOp<op>::apply(vloadFirst<T>(x + i, n - i)), n - i);
}

TG_TARGET_END
