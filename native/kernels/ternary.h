// Functions of three operands and a number, y[i] = f(a[i], b[i], c[i], value).
#pragma once
#include "operand.h"
#include "table.h"

TG_TARGET_BEGIN

template <Ternary op>
struct TernaryOp;

#define TG_DEFINE_TERNARY(name, expression)                                               \
  template <>                                                                             \
  struct TernaryOp<Ternary::name> {                                                       \
    template <class T>                                                                    \
    TG_INLINE Vec<T> apply(Vec<T> a, Vec<T> b, Vec<T> c, [[maybe_unused]] Vec<T> value) { \
      return expression;                                                                  \
    }                                                                                     \
  };

// From a to b by the share w, from the nearer end, so that w = 0 gives a and w = 1 gives b exactly:
// a + w (b - a), or b + (w - 1) (b - a) where |w| is not below 1/2; the sum rounded once.
template <class T>
TG_INLINE Vec<T> lerpOf(Vec<T> a, Vec<T> b, Vec<T> w) {
  const VMask<T> nearA = lt(abs(w), vsplat<T>(static_cast<T>(0.5)));
  const Vec<T> share = select(nearA, w, sub(w, vsplat<T>(1)));
  return fma(share, sub(b, a), select(nearA, a, b));
}

// g strictly between two bounds, elsewhere 0. A bound of NaN is none.
template <class T>
TG_INLINE Vec<T> clampBackwardOf(Vec<T> g, Vec<T> x, Vec<T> low, Vec<T> high) {
  const VMask<T> above = maskOr(isNan(low), lt(low, x));
  const VMask<T> below = maskOr(isNan(high), lt(x, high));
  return select(maskAnd(above, below), g, vsplat<T>(0));
}

// d brought into [-end, end]; NaN, the second operand of min and max, stays.
template <class T>
TG_INLINE Vec<T> cutOf(Vec<T> d, Vec<T> end) {
  return min(end, max(neg(end), d));
}

// d^2 / 2 up to `end` and end (|d| - end / 2) beyond, times scale.
template <class T>
TG_INLINE Vec<T> huberOf(Vec<T> a, Vec<T> b, Vec<T> scale, Vec<T> end) {
  const Vec<T> d = sub(a, b), c = cutOf(d, end);
  const Vec<T> half = mul(vsplat<T>(static_cast<T>(-0.5)), c);
  return mul(add(mul(c, d), mul(half, c)), scale);
}

TG_DEFINE_TERNARY(lerp, lerpOf(a, b, c))
TG_DEFINE_TERNARY(addcmul, add(a, mul(mul(value, b), c)))
TG_DEFINE_TERNARY(addcdiv, add(a, div(mul(value, b), c)))
// min(max(a, low), high): where the bounds cross it is the higher one. NaN if any of them is. The
// operand that max and min return of zeros of either sign is their second.
TG_DEFINE_TERNARY(clamp, minNan(c, maxNan(b, a)))
TG_DEFINE_TERNARY(clampBackward, clampBackwardOf(a, b, c, value))
TG_DEFINE_TERNARY(huber, huberOf(a, b, c, value))
TG_DEFINE_TERNARY(huberBackward, mul(a, cutOf(sub(b, c), value)))

#undef TG_DEFINE_TERNARY

// y[i] = f(a[i * step[0]], b[i * step[1]], c[i * step[2]], value) for i < n, steps 1 or 0.
template <Ternary op, class T>
void ternaryKernel(int64_t n, const T* a, const T* b, const T* c, const int64_t* step, T value,
                   T* y) {
  if (n <= 0) return;  // a scalar is read before the loop
  const SteppedOperand<T> av(a, step[0]), bv(b, step[1]), cv(c, step[2]);
  const Vec<T> all = vsplat<T>(value);
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) {
    store(y + i, TernaryOp<op>::apply(av.load(i), bv.load(i), cv.load(i), all));
  }
  const int64_t rest = n - i;
  if (rest > 0) {
    const Vec<T> last = TernaryOp<op>::apply(av.loadFirst(i, rest), bv.loadFirst(i, rest),
                                             cv.loadFirst(i, rest), all);
    storeFirst(y + i, last, rest);
  }
}

// y[i * yRow + j] = x[i * xRow + j] + (value * a[i * aStep]) * b[j] for i < rows and j < n; y may
// be x. Four vectors in a turn: with fewer instructions between them the CPU sees more lines ahead.
template <class T>
void addOuterKernel(int64_t rows, int64_t n, const T* x, int64_t xRow, const T* a, int64_t aStep,
                    const T* b, T value, T* y, int64_t yRow) {
  constexpr int64_t kWidth = kLanes<T>, kTurn = 4 * kWidth;
  for (int64_t i = 0; i < rows; ++i, x += xRow, y += yRow) {
    const Vec<T> factor = mul(vsplat<T>(value), vsplat<T>(a[i * aStep]));
    const auto sum = [&](Vec<T> xv, Vec<T> bv) { return add(xv, mul(factor, bv)); };
    int64_t j = 0;
    for (; j + kTurn <= n; j += kTurn) {
      TG_UNROLL for (int64_t k = j; k < j + kTurn; k += kWidth) {
        store(y + k, sum(vload<T>(x + k), vload<T>(b + k)));
      }
    }
    for (; j < n; j += kWidth) {
      storeFirst(y + j, sum(vloadFirst<T>(x + j, n - j), vloadFirst<T>(b + j, n - j)), n - j);
    }
  }
}

TG_TARGET_END
