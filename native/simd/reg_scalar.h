// One lane at a time, for CPUs without the other levels and as their reference.
#pragma once
#include <string.h>
#if defined(_MSC_VER)
#include <math.h>
#endif

#include "target.h"

TG_TARGET_BEGIN

template <class T>
struct Mask {
  bool m;
  TG_INLINE Mask first(int64_t n) { return {n > 0}; }
};

template <class T>
struct IReg {
  using Bits = typename Format<T>::Bits;
  Bits v;
  TG_INLINE IReg splat(Bits x) { return {x}; }
  TG_INLINE IReg load(const uint32_t* p) {
    if constexpr (sizeof(Bits) == 4) return {*p};
    return {static_cast<Bits>(p[0] | static_cast<uint64_t>(p[1]) << 32)};
  }
};

template <class T>
struct Reg {
  static constexpr int lanes = 1;
  T v;
  TG_INLINE Reg splat(T x) { return {x}; }
  TG_INLINE Reg load(const T* p) { return {*p}; }
  TG_INLINE Reg loadFirst(const T* p, int64_t n) { return {n > 0 ? *p : T(0)}; }
};

using RegF = Reg<float>;
using RegD = Reg<double>;

// As many floats as a double register has lanes, widened.
TG_INLINE Reg<double> loadDouble(const float* p) { return {static_cast<double>(*p)}; }

template <class T>
TG_INLINE void store(T* p, Reg<T> a) {
  *p = a.v;
}
// As many floats as a double register has lanes, rounded.
TG_INLINE void storeFloats(float* p, Reg<double> a) { *p = static_cast<float>(a.v); }
TG_INLINE void store(uint32_t* p, IReg<float> a) { *p = a.v; }
template <class T>
TG_INLINE void storeFirst(T* p, Reg<T> a, int64_t n) {
  if (n > 0) *p = a.v;
}
TG_INLINE void storeFirst(uint32_t* p, IReg<float> a, int64_t n) {
  if (n > 0) *p = a.v;
}

// a * b + c, rounded once. Where the architecture's baseline has the instruction, that is what the
// builtins become. On x86-64 they would be calls of the C library, whose float function is slow on
// the CPUs that need this level, since it works with the rounding mode. In double, the product is
// exact, and where the sum is rounded to odd, rounding it again to float is as if it were rounded
// once (Boldo & Melquiond, "Emulation of FMA and correctly rounded sums", 2008). Not inlined: that
// gains no speed and makes the kernels a third larger.
#if defined(__FP_FAST_FMAF)
TG_INLINE float fmaOf(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#else
#if defined(_MSC_VER)
__declspec(noinline)
#else
__attribute__((noinline))
#endif
static float fmaOf(float a, float b, float c) {
  const double product = static_cast<double>(a) * b;
  const double sum = product + c;
  // What the sum lost, exactly (Knuth's TwoSum); NaN where something is not finite.
  const double back = sum - product;
  const double lost = (product - (sum - back)) + (c - back);
  uint64_t bits;
  memcpy(&bits, &sum, sizeof bits);
  if ((lost > 0 || lost < 0) && (bits & 1) == 0) bits += (lost > 0) == (sum > 0) ? 1 : -1;
  double odd;
  memcpy(&odd, &bits, sizeof odd);
  return static_cast<float>(odd);
}
#endif

#if defined(_MSC_VER)
TG_INLINE double fmaOf(double a, double b, double c) { return ::fma(a, b, c); }
TG_INLINE float sqrtOf(float a) { return ::sqrtf(a); }
TG_INLINE double sqrtOf(double a) { return ::sqrt(a); }
#else
TG_INLINE double fmaOf(double a, double b, double c) { return __builtin_fma(a, b, c); }
TG_INLINE float sqrtOf(float a) { return __builtin_sqrtf(a); }
TG_INLINE double sqrtOf(double a) { return __builtin_sqrt(a); }
#endif

template <class T>
TG_INLINE Reg<T> add(Reg<T> a, Reg<T> b) {
  return {a.v + b.v};
}
template <class T>
TG_INLINE Reg<T> sub(Reg<T> a, Reg<T> b) {
  return {a.v - b.v};
}
template <class T>
TG_INLINE Reg<T> mul(Reg<T> a, Reg<T> b) {
  return {a.v * b.v};
}
template <class T>
TG_INLINE Reg<T> div(Reg<T> a, Reg<T> b) {
  return {a.v / b.v};
}
template <class T>
TG_INLINE Reg<T> fma(Reg<T> a, Reg<T> b, Reg<T> c) {
  return {fmaOf(a.v, b.v, c.v)};
}
template <class T>
TG_INLINE Reg<T> fnma(Reg<T> a, Reg<T> b, Reg<T> c) {
  return {fmaOf(-a.v, b.v, c.v)};
}
template <class T>
TG_INLINE Reg<T> sqrt(Reg<T> a) {
  return {sqrtOf(a.v)};
}
template <class T>
TG_INLINE Reg<T> max(Reg<T> a, Reg<T> b) {
  return {a.v > b.v ? a.v : b.v};
}
template <class T>
TG_INLINE Reg<T> min(Reg<T> a, Reg<T> b) {
  return {a.v < b.v ? a.v : b.v};
}

template <class T>
TG_INLINE Mask<T> lt(Reg<T> a, Reg<T> b) {
  return {a.v < b.v};
}
template <class T>
TG_INLINE Mask<T> le(Reg<T> a, Reg<T> b) {
  return {a.v <= b.v};
}
template <class T>
TG_INLINE Mask<T> eq(Reg<T> a, Reg<T> b) {
  return {a.v == b.v};
}
template <class T>
TG_INLINE Mask<T> ne(Reg<T> a, Reg<T> b) {
  return {a.v != b.v};
}
template <class T>
TG_INLINE Mask<T> maskAnd(Mask<T> a, Mask<T> b) {
  return {a.m && b.m};
}
template <class T>
TG_INLINE Mask<T> maskOr(Mask<T> a, Mask<T> b) {
  return {a.m || b.m};
}
template <class T>
TG_INLINE Mask<T> maskNot(Mask<T> a) {
  return {!a.m};
}

// Whether any lane is true.
template <class T>
TG_INLINE bool anyTrue(Mask<T> m) {
  return m.m;
}

// a where the mask is true, b elsewhere.
template <class T>
TG_INLINE Reg<T> select(Mask<T> m, Reg<T> a, Reg<T> b) {
  return {m.m ? a.v : b.v};
}

template <class T>
TG_INLINE IReg<T> toBits(Reg<T> a) {
  IReg<T> bits;
  memcpy(&bits.v, &a.v, sizeof(T));
  return bits;
}
template <class T>
TG_INLINE Reg<T> fromBits(IReg<T> bits) {
  Reg<T> a;
  memcpy(&a.v, &bits.v, sizeof(T));
  return a;
}

struct Lookup {
  uint32_t v;
};
TG_INLINE Lookup lookupOf(IReg<float> index) { return {index.v & 15}; }
TG_INLINE Reg<float> lookup(const float* table, Lookup index) { return {table[index.v]}; }

template <class T>
TG_INLINE IReg<T> iadd(IReg<T> a, IReg<T> b) {
  return {a.v + b.v};
}
template <class T>
TG_INLINE IReg<T> isub(IReg<T> a, IReg<T> b) {
  return {a.v - b.v};
}
template <class T>
TG_INLINE IReg<T> iand(IReg<T> a, IReg<T> b) {
  return {a.v & b.v};
}
template <class T>
TG_INLINE IReg<T> ior(IReg<T> a, IReg<T> b) {
  return {a.v | b.v};
}
template <class T>
TG_INLINE IReg<T> ixor(IReg<T> a, IReg<T> b) {
  return {a.v ^ b.v};
}
template <int k, class T>
TG_INLINE IReg<T> ishl(IReg<T> a) {
  return {a.v << k};
}
template <int k, class T>
TG_INLINE IReg<T> ishr(IReg<T> a) {
  return {a.v >> k};
}

// Rounding to integers. The baseline of x86-64 has no instruction for it: adding a power of two at
// which the spacing of T is 1 rounds to even (magnitudes beyond it are integers already), and the
// sign is kept, of zero results too.
template <class T>
TG_INLINE Reg<T> roundEven(Reg<T> a) {
  const T limit = T(uint64_t(1) << Format<T>::mantissaBits);
  const T magnitude = a.v < 0 ? -a.v : a.v;
  const Reg<T> rounded = {(magnitude + limit) - limit};
  const IReg<T> sign = iand(toBits(a), IReg<T>::splat(Format<T>::signMask));
  return magnitude < limit ? fromBits(ior(toBits(rounded), sign)) : a;
}
template <class T>
TG_INLINE Reg<T> floor(Reg<T> a) {
  const Reg<T> r = roundEven(a);
  return r.v > a.v ? Reg<T>{r.v - 1} : r;
}
// ceil(a) = -floor(-a), which also gives the -0 of -1 < a < 0.
template <class T>
TG_INLINE Reg<T> ceil(Reg<T> a) {
  return {-floor(Reg<T>{-a.v}).v};
}

// Upper and lower 32 bits of the 64-bit products.
TG_INLINE IReg<float> mulHi(IReg<float> a, IReg<float> b) {
  return {static_cast<uint32_t>((static_cast<uint64_t>(a.v) * b.v) >> 32)};
}
TG_INLINE IReg<float> mulLo(IReg<float> a, IReg<float> b) { return {a.v * b.v}; }

// Integers below 2^24 as floats.
TG_INLINE Reg<float> toFloat(IReg<float> a) {
  return {static_cast<float>(static_cast<int32_t>(a.v))};
}

// With one lane there are no halves to fold, so this is declared for foldLanes and never called.
template <int k, class T>
Reg<T> lanesFrom(Reg<T> a);

template <class T>
TG_INLINE T firstLane(Reg<T> a) {
  return a.v;
}

TG_TARGET_END
