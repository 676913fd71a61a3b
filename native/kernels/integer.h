// Integer kernels: plain loops that the compiler makes vectors of, since integers are exact in any
// order. Arithmetic is modulo 2^bits in two's complement; it is done in unsigned numbers, whose
// overflow is defined.
#pragma once
#include <string.h>

#include "../simd/independent.h"
#include "../simd/target.h"
#include "kth.h"
#include "table.h"

TG_TARGET_BEGIN

template <class T>
constexpr uint32_t kBits = 8 * sizeof(T);

template <class T>
constexpr bool kSigned = static_cast<T>(-1) < 0;

// What an integer is computed in: C++ widens smaller ones to 32 bits in any case.
template <class T>
struct WordOf {
  using Type = uint32_t;
  using Signed = int32_t;
};
template <>
struct WordOf<int64_t> {
  using Type = uint64_t;
  using Signed = int64_t;
};
template <class T>
using Word = typename WordOf<T>::Type;
template <class T>
using SignedWord = typename WordOf<T>::Signed;

template <class T>
constexpr uint32_t kWordBits = 8 * sizeof(Word<T>);

template <class T>
TG_INLINE Word<T> bitsOf(T x) {
  return static_cast<Word<T>>(x);
}

// The low bits of x as a T.
template <class T, class W>
TG_INLINE T lowBits(W x) {
  return static_cast<T>(x);
}

// The quotient of two words towards 0. A floating type that holds every T serves where a quotient
// of two of them, rounded, is never on the other side of an integer: a / b is at least 1 / |b| away
// from any that it doesn't equal, and rounding moves it by less than |a / b| * 2^-24 for bytes in
// float, 2^-53 for int32 in double.
template <class T>
TG_INLINE Word<T> quotientOf(Word<T> x, Word<T> y) {
  const SignedWord<T> a = static_cast<SignedWord<T>>(x), b = static_cast<SignedWord<T>>(y);
  if constexpr (sizeof(T) == 8) {
    return static_cast<Word<T>>(a / b);
  } else if constexpr (sizeof(T) == 4) {
    return static_cast<Word<T>>(
        static_cast<int32_t>(static_cast<double>(a) / static_cast<double>(b)));
  } else {
    return static_cast<Word<T>>(
        static_cast<int32_t>(static_cast<float>(a) / static_cast<float>(b)));
  }
}

// All bits set where the condition is true, none elsewhere: choices by bits keep a compiler from
// making branches of them, around a division that it then can't make vectors of.
template <class W>
TG_INLINE W bitsIf(bool condition) {
  return W{0} - static_cast<W>(condition);
}
template <class W>
TG_INLINE W choose(W mask, W a, W b) {
  return (a & mask) | (b & ~mask);
}

// The quotient towards minus infinity and what remains, which has the divisor's sign. A division by
// 0 is one by 1 (the rows refuse it). One by -1 is, too, since its quotient may be too large; then
// its sign is changed, modulo 2^bits.
template <class T>
struct Division {
  Word<T> quotient, rest;
};

template <class T>
TG_INLINE Division<T> divide(T a, T b) {
  using W = Word<T>;
  const W x = bitsOf(a), y = bitsOf(b);
  const W negative = bitsIf<W>(y == ~W{0});
  const W divisor = choose<W>(bitsIf<W>(y == 0) | negative, 1, y);
  const W cut = quotientOf<T>(x, divisor);
  const W rest = x - cut * divisor;
  const W down = bitsIf<W>(rest != 0) & bitsIf<W>(((rest ^ divisor) >> (kWordBits<T> - 1)) != 0);
  return {((cut + down) ^ negative) - negative, rest + (divisor & down)};
}

// Shift counts outside 0 .. bits - 1 move everything out: zeros come in from the right, copies of
// the sign from the left. As in PyTorch.
template <class T>
TG_INLINE T leftShiftOf(T a, T b) {
  const Word<T> count = bitsOf(b);
  const Word<T> moved = bitsOf(a) << (count & (kWordBits<T> - 1));
  return lowBits<T>(count < kBits<T> ? moved : Word<T>{0});
}

template <class T>
TG_INLINE T rightShiftOf(T a, T b) {
  constexpr Word<T> kMost = kBits<T> - (kSigned<T> ? 1 : 0);
  const Word<T> count = bitsOf(b) < kMost ? bitsOf(b) : kMost;
  return static_cast<T>(static_cast<SignedWord<T>>(a) >> count);
}

template <class T>
TG_INLINE T signOf(T x) {
  return static_cast<T>((x > 0) - (x < 0));
}

template <class T>
TG_INLINE T negOf(T x) {
  return lowBits<T>(Word<T>{0} - bitsOf(x));
}

// Whether the bits of the result are the same for signed and for unsigned numbers of the same bits:
// then int8 goes through the loop of uint8.
constexpr bool kAnySign = true;
constexpr bool kOwnSign = false;

template <class T, bool anySign>
struct Carrier {
  using Type = T;
};
template <>
struct Carrier<int8_t, kAnySign> {
  using Type = uint8_t;
};

template <IntegerUnary op>
struct IntegerUnaryOp;

template <IntegerBinary op>
struct IntegerBinaryOp;

template <Compare op>
struct IntegerCompareOp;

#define TG_DEFINE_UNARY(name, signs, expression) \
  template <>                                    \
  struct IntegerUnaryOp<IntegerUnary::name> {    \
    static constexpr bool anySign = signs;       \
    template <class T>                           \
    TG_INLINE T apply(T x) {                     \
      return expression;                         \
    }                                            \
  };
#define TG_DEFINE_BINARY(name, signs, expression) \
  template <>                                     \
  struct IntegerBinaryOp<IntegerBinary::name> {   \
    static constexpr bool anySign = signs;        \
    static constexpr bool together = false;       \
    template <class T>                            \
    TG_INLINE T apply(T a, T b) {                 \
      return expression;                          \
    }                                             \
  };
#define TG_DEFINE_COMPARE(name, signs, expression) \
  template <>                                      \
  struct IntegerCompareOp<Compare::name> {         \
    static constexpr bool anySign = signs;         \
    static constexpr bool together = false;        \
    template <class T>                             \
    TG_INLINE uint8_t apply(T a, T b) {            \
      return expression;                           \
    }                                              \
  };

TG_DEFINE_UNARY(neg, kAnySign, negOf(x))
TG_DEFINE_UNARY(abs, kOwnSign, x < 0 ? negOf(x) : x)
TG_DEFINE_UNARY(sign, kOwnSign, signOf(x))
TG_DEFINE_UNARY(square, kAnySign, lowBits<T>(bitsOf(x) * bitsOf(x)))
TG_DEFINE_UNARY(bitwiseNot, kAnySign, lowBits<T>(~bitsOf(x)))

TG_DEFINE_BINARY(add, kAnySign, lowBits<T>(bitsOf(a) + bitsOf(b)))
TG_DEFINE_BINARY(sub, kAnySign, lowBits<T>(bitsOf(a) - bitsOf(b)))
TG_DEFINE_BINARY(mul, kAnySign, lowBits<T>(bitsOf(a) * bitsOf(b)))
TG_DEFINE_BINARY(maximum, kOwnSign, a > b ? a : b)
TG_DEFINE_BINARY(minimum, kOwnSign, a < b ? a : b)
TG_DEFINE_BINARY(floorDivide, kOwnSign, lowBits<T>(divide(a, b).quotient))
TG_DEFINE_BINARY(remainder, kOwnSign, lowBits<T>(divide(a, b).rest))
TG_DEFINE_BINARY(bitwiseAnd, kAnySign, lowBits<T>(bitsOf(a) & bitsOf(b)))
TG_DEFINE_BINARY(bitwiseOr, kAnySign, lowBits<T>(bitsOf(a) | bitsOf(b)))
TG_DEFINE_BINARY(bitwiseXor, kAnySign, lowBits<T>(bitsOf(a) ^ bitsOf(b)))
TG_DEFINE_BINARY(bitwiseLeftShift, kAnySign, leftShiftOf(a, b))
TG_DEFINE_BINARY(bitwiseRightShift, kOwnSign, rightShiftOf(a, b))

TG_DEFINE_COMPARE(eq, kAnySign, a == b)
TG_DEFINE_COMPARE(ne, kAnySign, a != b)
TG_DEFINE_COMPARE(lt, kOwnSign, a < b)
TG_DEFINE_COMPARE(le, kOwnSign, a <= b)

#undef TG_DEFINE_UNARY
#undef TG_DEFINE_BINARY
#undef TG_DEFINE_COMPARE

// Numbers whose divisors are looked for together: four of the widest vectors. With half as many it
// takes 1.8 times as long, since each step waits for the one before.
template <class W>
constexpr int kDivided = 256 / sizeof(W);

// How many bits below the lowest that is set are 0; of 0 some number that a word can be shifted by.
// A power of two is exact as a floating-point number, whose exponent says it, and there are vector
// instructions for that everywhere. (The sign of the largest is above the bits that count.)
template <class W>
TG_INLINE W trailingZeros(W x) {
  const W lowest = x & (W{0} - x);
  if constexpr (sizeof(W) == 4) {
    const float number = static_cast<float>(static_cast<int32_t>(lowest));
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    return ((bits >> 23) - 127) & 31;
  } else {
    const double number = static_cast<double>(static_cast<int64_t>(lowest));
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return ((bits >> 52) - 1023) & 63;
  }
}

// u[i] = the greatest common divisor of u[i] and v[i], for as many as go together, by Stein's
// algorithm ("Computational problems associated with Racah algebra", 1967): the difference of two
// odd numbers is even, and its zeros divide out in one shift. A pair that is done stays equal.
template <class W>
TG_NOINLINE void commonDivisors(W* u, W* v) {
  constexpr int n = kDivided<W>;
  W zeros[n];
  TG_INDEPENDENT
  for (int i = 0; i < n; ++i) {
    const W a = u[i], b = v[i];
    zeros[i] = trailingZeros<W>(a | b);
    const W x = a | (b & bitsIf<W>(a == 0)), z = b | (a & bitsIf<W>(b == 0));  // a divisor of 0
    u[i] = x >> trailingZeros<W>(x);
    v[i] = z >> trailingZeros<W>(z);
  }
  for (W differ = 1; differ != 0;) {
    differ = 0;
    for (int i = 0; i < n; ++i) {
      const W x = u[i], z = v[i];
      const W least = x < z ? x : z, most = x < z ? z : x, distance = most - least;
      u[i] = least;
      v[i] = distance >> trailingZeros<W>(distance) | (least & bitsIf<W>(distance == 0));
      differ |= distance;
    }
  }
  TG_INDEPENDENT
  for (int i = 0; i < n; ++i) u[i] <<= zeros[i];
}

template <>
struct IntegerBinaryOp<IntegerBinary::gcd> {
  static constexpr bool anySign = kOwnSign;
  static constexpr bool together = true;

  // As many numbers as go together.
  template <class T>
  TG_INLINE void block(const T* a, const T* b, T* y) {
    using W = Word<T>;
    W u[kDivided<W>], v[kDivided<W>];
    TG_INDEPENDENT
    for (int i = 0; i < kDivided<W>; ++i) u[i] = a[i] < 0 ? W{0} - bitsOf(a[i]) : bitsOf(a[i]);
    TG_INDEPENDENT
    for (int i = 0; i < kDivided<W>; ++i) v[i] = b[i] < 0 ? W{0} - bitsOf(b[i]) : bitsOf(b[i]);
    commonDivisors(u, v);
    TG_INDEPENDENT
    for (int i = 0; i < kDivided<W>; ++i) y[i] = lowBits<T>(u[i]);
  }
  template <class T>
  TG_INLINE void run(int64_t n, const T* a, const T* b, T* y) {
    constexpr int64_t kTogether = kDivided<Word<T>>;
    T left[kTogether] = {}, right[kTogether] = {};
    for (; n > 0; n -= kTogether, a += kTogether, b += kTogether, y += kTogether) {
      const bool whole = n >= kTogether;
      if (!whole) memcpy(left, a, static_cast<size_t>(n) * sizeof(T));
      if (!whole) memcpy(right, b, static_cast<size_t>(n) * sizeof(T));
      block(whole ? a : left, whole ? b : right, whole ? y : left);
      if (!whole) memcpy(y, left, static_cast<size_t>(n) * sizeof(T));
    }
  }
};

template <class Op, class T>
TG_NOINLINE void integerUnaryLoop(int64_t n, const T* x, T* y) {
  TG_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = Op::template apply<T>(x[i]);
}

template <class Op, class T>
void integerUnary(int64_t n, const T* x, T* y) {
  using C = typename Carrier<T, Op::anySign>::Type;
  integerUnaryLoop<Op, C>(n, reinterpret_cast<const C*>(x), reinterpret_cast<C*>(y));
}

// Operands of step 0 are written out, this many at a time, so that one loop serves all steps: an
// eighth of a first-level cache for the largest elements.
constexpr int64_t kRepeated = 512;

template <class T>
TG_NOINLINE void repeatValue(int64_t n, T value, T* y) {
  TG_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = value;
}

// An operand as contiguous elements: where its next `count` <= kRepeated ones are.
template <class T>
struct Repeated {
  T values[kRepeated];
  const T* from;
  int64_t step;

  Repeated(int64_t n, const T* p, int64_t pStep) : from(p), step(pStep) {
    if (step != 0) return;
    repeatValue(n < kRepeated ? n : kRepeated, *p, values);
    from = values;
  }
  const T* at(int64_t i) const { return from + i * step; }
};

template <class Op, class T, class Y>
TG_NOINLINE void integerLoop(int64_t n, const T* a, const T* b, Y* y) {
  if constexpr (Op::together) {
    Op::run(n, a, b, y);
  } else {
    TG_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) y[i] = Op::template apply<T>(a[i], b[i]);
  }
}

// y[i] = f(a[i * aStep], b[i * bStep]) by a loop over contiguous operands.
template <class T, class Y>
TG_NOINLINE void overRepeated(void (*loop)(int64_t, const T*, const T*, Y*), int64_t n, const T* a,
                              int64_t aStep, const T* b, int64_t bStep, Y* y) {
  if (n <= 0) return;  // a scalar is read before the loop
  const Repeated<T> aValues(n, a, aStep), bValues(n, b, bStep);
  for (int64_t i = 0; i < n; i += kRepeated) {
    loop(n - i < kRepeated ? n - i : kRepeated, aValues.at(i), bValues.at(i), y + i);
  }
}

// Y is T, or uint8_t for truth values.
template <class Op, class T, class Y>
void integerBinary(int64_t n, const T* a, int64_t aStep, const T* b, int64_t bStep, Y* y) {
  using C = typename Carrier<T, Op::anySign>::Type;
  using Result = typename Carrier<Y, Op::anySign>::Type;
  const C* const left = reinterpret_cast<const C*>(a);
  const C* const right = reinterpret_cast<const C*>(b);
  Result* const result = reinterpret_cast<Result*>(y);
  if (aStep != 0 && bStep != 0) {
    integerLoop<Op, C, Result>(n, left, right, result);
  } else {
    overRepeated<C, Result>(integerLoop<Op, C, Result>, n, left, aStep, right, bStep, result);
  }
}

template <class Bits>
TG_NOINLINE void selectLoop(int64_t n, const uint8_t* condition, const Bits* a, const Bits* b,
                            Bits* y) {
  TG_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) {
    const Bits whenTrue = a[i], whenFalse = b[i];
    y[i] = condition[i] ? whenTrue : whenFalse;
  }
}

template <class Bits>
void selectFrom(int64_t n, const uint8_t* condition, int64_t step, const Bits* a, int64_t aStep,
                const Bits* b, int64_t bStep, Bits* y) {
  if (n <= 0) return;
  if (step != 0 && aStep != 0 && bStep != 0) return selectLoop(n, condition, a, b, y);
  if (step == 0 && (*condition ? aStep : bStep) != 0) {
    // A row is one of the operands. Not memcpy: it may be the result.
    memmove(y, *condition ? a : b, static_cast<size_t>(n) * sizeof(Bits));
    return;
  }
  const Repeated<uint8_t> choices(n, condition, step);
  const Repeated<Bits> aValues(n, a, aStep), bValues(n, b, bStep);
  for (int64_t i = 0; i < n; i += kRepeated) {
    selectLoop(n - i < kRepeated ? n - i : kRepeated, choices.at(i), aValues.at(i), bValues.at(i),
               y + i);
  }
}

template <class From, class To>
TG_NOINLINE void castLoop(int64_t n, const From* x, To* y) {
  TG_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<To>(x[i]);
}

template <class T>
constexpr CastKernels<T> castKernels() {
  CastKernels<T> casts{};
  casts.toFloat = castLoop<T, float>;
  if constexpr (sizeof(T) != 4) casts.toInt32 = castLoop<T, int32_t>;
  if constexpr (sizeof(T) != 8) casts.toInt64 = castLoop<T, int64_t>;
  return casts;
}

template <class T>
constexpr IntegerKernels<T> integerKernels() {
  IntegerKernels<T> kernels{};
#define TG_INTEGER_UNARY(name)                          \
  kernels.unary[static_cast<int>(IntegerUnary::name)] = \
      integerUnary<IntegerUnaryOp<IntegerUnary::name>, T>;
#define TG_NUMBER_UNARY TG_INTEGER_UNARY
#define TG_INTEGER_BINARY(name)                           \
  kernels.binary[static_cast<int>(IntegerBinary::name)] = \
      integerBinary<IntegerBinaryOp<IntegerBinary::name>, T, T>;
#define TG_NUMBER_BINARY TG_INTEGER_BINARY
#include "integer.inc"
#define TG_COMPARE(name)                             \
  kernels.compare[static_cast<int>(Compare::name)] = \
      integerBinary<IntegerCompareOp<Compare::name>, T, uint8_t>;
#include "elementwise.inc"
  kernels.casts = castKernels<T>();
  return kernels;
}

// Neither what an index is beyond low nor what is left behind it may be negative.
inline bool indicesWithin(int64_t n, const int32_t* index, int64_t low, int64_t count) {
  const uint32_t least = static_cast<uint32_t>(low), most = static_cast<uint32_t>(count - 1);
  uint32_t signs = 0;
  TG_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t beyond = static_cast<uint32_t>(index[i]) - least;
    signs |= beyond | (most - beyond);
  }
  return signs >> 31 == 0;
}

constexpr IntegerTables integerTables() {
  return {integerKernels<int32_t>(),
          integerKernels<int64_t>(),
          integerKernels<int8_t>(),
          integerKernels<uint8_t>(),
          selectFrom<uint8_t>,
          selectFrom<uint16_t>,
          selectFrom<uint32_t>,
          selectFrom<uint64_t>,
          keyKernels<uint32_t, float>(),
          keyKernels<uint64_t, double>(),
          hitPlaces,
          indicesWithin};
}

TG_TARGET_END
