// One native register of the target, the same operations on every level.
//
//   Reg<T>   floating lanes (T = float or double), Reg<T>::lanes of them
//   Mask<T>  what a comparison of Reg<T> gives: a truth value per lane
//   IReg<T>  unsigned integer lanes of T's width (uint32_t for float, uint64_t for double)
//
// Each operation is one IEEE 754 operation per lane, or a fixed sequence of them, in the default
// environment (round to nearest, denormals on); so all levels give the same bits. Only which NaN
// results (its sign and payload) is left to the CPU.
//
// The file of a target (reg_avx2.h ...) provides what needs its instructions; what follows from
// that is written once below.
#pragma once
#include "target.h"

TG_TARGET_BEGIN

template <class T>
struct Reg;
template <class T>
struct Mask;
template <class T>
struct IReg;

// A target's Lookup says for each lane of a RegF which of a table's 16 floats it takes, by the low
// four bits of an integer lane: lookup(table, lookupOf(index)). The table is aligned to 64 bytes.

// n as a number of lanes: 0..lanes.
TG_INLINE int clampLanes(int64_t n, int lanes) {
  return n <= 0 ? 0 : n < lanes ? static_cast<int>(n) : lanes;
}

// The parts of an IEEE 754 number of type T.
template <class T>
struct Format;

template <>
struct Format<float> {
  using Bits = uint32_t;
  static constexpr int mantissaBits = 23;
  static constexpr int bias = 127;  // of the exponent field
  static constexpr Bits signMask = 0x80000000u;
  static constexpr Bits infinity = 0x7f800000u;
  static constexpr Bits quietNan = 0x7fc00000u;
  static constexpr float minNormal = 0x1p-126f;
  // 1.5 * 2^mantissaBits: adding it to a number of magnitude below 2^(mantissaBits - 1) rounds that
  // to an integer (to even), which the low bits of the sum then hold in two's complement.
  static constexpr float roundingMagic = 0x1.8p23f;
};

template <>
struct Format<double> {
  using Bits = uint64_t;
  static constexpr int mantissaBits = 52;
  static constexpr int bias = 1023;
  static constexpr Bits signMask = 0x8000000000000000u;
  static constexpr Bits infinity = 0x7ff0000000000000u;
  static constexpr Bits quietNan = 0x7ff8000000000000u;
  static constexpr double minNormal = 0x1p-1022;
  static constexpr double roundingMagic = 0x1.8p52;
};

TG_TARGET_END

#if defined(TG_TARGET_SCALAR)
#include "reg_scalar.h"
#elif defined(TG_TARGET_AVX2)
#include "reg_avx2.h"
#elif defined(TG_TARGET_AVX512)
#include "reg_avx512.h"
#else
#include "reg_neon.h"
#endif

TG_TARGET_BEGIN

// Asks for the cache line of p, which need not be readable, to come into the second-level cache.
TG_INLINE void prefetch(const void* p) {
#if !defined(_MSC_VER)
  __builtin_prefetch(p, 0, 2);
#elif defined(_M_X64)
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T1);
#else
  __prefetch2(p, 2);  // PLDL2KEEP
#endif
}

// The same into the first-level cache.
TG_INLINE void prefetchNear(const void* p) {
#if !defined(_MSC_VER)
  __builtin_prefetch(p, 0, 3);
#elif defined(_M_X64)
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0);
#else
  __prefetch2(p, 0);  // PLDL1KEEP
#endif
}

// Stores past the caches: p, which is aligned to 64 bytes, is not read first, as an ordinary store
// does with a line that isn't in a cache. Whoever uses it calls drainStores() before another thread
// may read. Only AVX-512 has it; elsewhere it is an ordinary store.
#if !defined(TG_TARGET_AVX512)
template <class T>
TG_INLINE void storePast(T* p, Reg<T> a) {
  store(p, a);
}
TG_INLINE void drainStores() {}
#endif

// Loads all lanes from p (aligned to T only).
template <class T>
TG_INLINE Reg<T> load(const T* p) {
  return Reg<T>::load(p);
}

// Loads p[0..n) into the first lanes and 0 into the others; reads nothing else. n <= 0 reads
// nothing, n >= lanes reads all lanes.
template <class T>
TG_INLINE Reg<T> loadFirst(const T* p, int64_t n) {
  return Reg<T>::loadFirst(p, n);
}

// x in every lane. T must be named where x is a literal of another type: splat<T>(1).
template <class T>
TG_INLINE Reg<T> splat(T x) {
  return Reg<T>::splat(x);
}

// x in every integer lane.
template <class T>
TG_INLINE IReg<T> isplat(typename Format<T>::Bits x) {
  return IReg<T>::splat(x);
}

// True in the first n lanes (n <= 0: none, n >= lanes: all).
template <class T>
TG_INLINE Mask<T> firstLanes(int64_t n) {
  return Mask<T>::first(n);
}

// Comparisons are false where an operand is NaN, except ne, which is true there.
template <class T>
TG_INLINE Mask<T> gt(Reg<T> a, Reg<T> b) {
  return lt(b, a);
}

template <class T>
TG_INLINE Mask<T> ge(Reg<T> a, Reg<T> b) {
  return le(b, a);
}

template <class T>
TG_INLINE Mask<T> isNan(Reg<T> a) {
  return ne(a, a);
}

#if !defined(TG_TARGET_AVX512) && !defined(TG_TARGET_AVX2)  // have an instruction for it
template <class T>
TG_INLINE Mask<T> eitherNan(Reg<T> a, Reg<T> b) {
  return maskOr(isNan(a), isNan(b));
}
#endif

// -a: the sign bit flipped, of zeros and NaNs too.
template <class T>
TG_INLINE Reg<T> neg(Reg<T> a) {
  return fromBits(ixor(toBits(a), isplat<T>(Format<T>::signMask)));
}

template <class T>
TG_INLINE Reg<T> abs(Reg<T> a) {
  return fromBits(iand(toBits(a), isplat<T>(~Format<T>::signMask)));
}

// |magnitude| with the sign bit of `sign`.
template <class T>
TG_INLINE Reg<T> copySign(Reg<T> magnitude, Reg<T> sign) {
  const IReg<T> signMask = isplat<T>(Format<T>::signMask);
  return fromBits(ior(toBits(abs(magnitude)), iand(toBits(sign), signMask)));
}

// max(a, b) = a > b ? a : b and min(a, b) = a < b ? a : b, with b where either is NaN; these two
// give NaN there instead. Of zeros of either sign, all four give b. An accumulator goes second:
// only a is asked for NaN, which takes longer than the maximum.
#if !defined(TG_TARGET_AVX512)  // has an instruction less for it
template <class T>
TG_INLINE Reg<T> maxNan(Reg<T> a, Reg<T> b) {
  return select(isNan(a), a, max(a, b));
}

template <class T>
TG_INLINE Reg<T> minNan(Reg<T> a, Reg<T> b) {
  return select(isNan(a), a, min(a, b));
}
#endif

// 2^n for integer n with -bias < n <= bias.
template <class T>
TG_INLINE Reg<T> pow2(Reg<T> n) {
  const Reg<T> biased = add(n, splat<T>(Format<T>::roundingMagic + Format<T>::bias));
  return fromBits(ishl<Format<T>::mantissaBits>(toBits(biased)));
}

#if !defined(TG_TARGET_AVX512)
// a * 2^n, rounded once, for integer n with -2 * bias < n <= 2 * bias and 1/2 < |a| < 2: the first
// product is exact, since half of n moves a by no more than half of the exponents.
template <class T>
TG_INLINE Reg<T> mulPow2(Reg<T> a, Reg<T> n) {
  const Reg<T> magic = splat<T>(Format<T>::roundingMagic);
  const Reg<T> half = sub(fma(n, splat<T>(0.5), magic), magic);
  return mul(mul(a, pow2(half)), pow2(sub(n, half)));
}
#endif

// Rounded towards zero; the sign of a is kept, of zero results too.
template <class T>
TG_INLINE Reg<T> trunc(Reg<T> a) {
  return copySign(floor(abs(a)), a);
}

// Lane reductions fold halves: lane i with lane i + lanes / 2, then i + lanes / 4, ... The lower
// lane is the first operand.
struct AddFold {
  template <class V>
  TG_INLINE V apply(V a, V b) {
    return add(a, b);
  }
};

struct MulFold {
  template <class V>
  TG_INLINE V apply(V a, V b) {
    return mul(a, b);
  }
};

struct MaxFold {
  template <class V>
  TG_INLINE V apply(V a, V b) {
    return maxNan(a, b);
  }
};

struct MinFold {
  template <class V>
  TG_INLINE V apply(V a, V b) {
    return minNan(a, b);
  }
};

// Folds the first 2 * half lanes of a into lane 0.
template <class Fold, int half, class T>
TG_INLINE T foldLanes(Reg<T> a) {
  if constexpr (half == 0) {
    return firstLane(a);
  } else {
    return foldLanes<Fold, half / 2>(Fold::apply(a, lanesFrom<half>(a)));
  }
}

TG_TARGET_END
