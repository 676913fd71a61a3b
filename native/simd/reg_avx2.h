// Registers of AVX2 with FMA: 8 floats or 4 doubles; a mask is a register of all-ones or all-zero
// lanes.
#pragma once
#include <immintrin.h>

#include "target.h"

TG_TARGET_BEGIN

template <>
struct Mask<float> {
  __m256 m;
  TG_INLINE Mask first(int64_t n) { return {_mm256_castsi256_ps(firstBits(n))}; }
  // The same as integer lanes, as masked loads and stores take it.
  TG_INLINE __m256i firstBits(int64_t n) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(clampLanes(n, 8)), lane);
  }
};

template <>
struct Mask<double> {
  __m256d m;
  TG_INLINE Mask first(int64_t n) { return {_mm256_castsi256_pd(firstBits(n))}; }
  TG_INLINE __m256i firstBits(int64_t n) {
    const __m256i lane = _mm256_setr_epi64x(0, 1, 2, 3);
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(clampLanes(n, 4)), lane);
  }
};

template <>
struct IReg<float> {
  __m256i v;
  TG_INLINE IReg splat(uint32_t x) { return {_mm256_set1_epi32(static_cast<int>(x))}; }
  TG_INLINE IReg load(const uint32_t* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
  }
};

template <>
struct IReg<double> {
  __m256i v;
  TG_INLINE IReg splat(uint64_t x) { return {_mm256_set1_epi64x(static_cast<int64_t>(x))}; }
  TG_INLINE IReg load(const uint32_t* p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
  }
};

template <>
struct Reg<float> {
  static constexpr int lanes = 8;
  __m256 v;
  TG_INLINE Reg splat(float x) { return {_mm256_set1_ps(x)}; }
  TG_INLINE Reg load(const float* p) { return {_mm256_loadu_ps(p)}; }
  TG_INLINE Reg loadFirst(const float* p, int64_t n) {
    return {_mm256_maskload_ps(p, Mask<float>::firstBits(n))};
  }
};

template <>
struct Reg<double> {
  static constexpr int lanes = 4;
  __m256d v;
  TG_INLINE Reg splat(double x) { return {_mm256_set1_pd(x)}; }
  TG_INLINE Reg load(const double* p) { return {_mm256_loadu_pd(p)}; }
  TG_INLINE Reg loadFirst(const double* p, int64_t n) {
    return {_mm256_maskload_pd(p, Mask<double>::firstBits(n))};
  }
};

using RegF = Reg<float>;
using RegD = Reg<double>;

// As many floats as a double register has lanes, widened.
TG_INLINE RegD loadDouble(const float* p) { return {_mm256_cvtps_pd(_mm_loadu_ps(p))}; }
using MaskF = Mask<float>;
using MaskD = Mask<double>;
using IRegF = IReg<float>;
using IRegD = IReg<double>;

struct Lookup {
  __m256i v;
  __m256 inHigh;  // the sign bits: bit 3 of the index
};

TG_INLINE void store(float* p, RegF a) { _mm256_storeu_ps(p, a.v); }
TG_INLINE void store(double* p, RegD a) { _mm256_storeu_pd(p, a.v); }
// As many floats as a double register has lanes, rounded.
TG_INLINE void storeFloats(float* p, RegD a) { _mm_storeu_ps(p, _mm256_cvtpd_ps(a.v)); }
TG_INLINE void store(uint32_t* p, IRegF a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.v);
}
// The masked stores are microcode on AMD's CPUs, so they are kept for the partial register.
TG_INLINE void storeFirst(float* p, RegF a, int64_t n) {
  if (n >= 8) return _mm256_storeu_ps(p, a.v);
  if (n > 0) _mm256_maskstore_ps(p, MaskF::firstBits(n), a.v);
}
TG_INLINE void storeFirst(double* p, RegD a, int64_t n) {
  if (n >= 4) return _mm256_storeu_pd(p, a.v);
  if (n > 0) _mm256_maskstore_pd(p, MaskD::firstBits(n), a.v);
}

TG_INLINE void storeFirst(uint32_t* p, IRegF a, int64_t n) {
  if (n >= 8) return store(p, a);
  if (n > 0) _mm256_maskstore_epi32(reinterpret_cast<int*>(p), MaskF::firstBits(n), a.v);
}

TG_INLINE RegF add(RegF a, RegF b) { return {_mm256_add_ps(a.v, b.v)}; }
TG_INLINE RegD add(RegD a, RegD b) { return {_mm256_add_pd(a.v, b.v)}; }
TG_INLINE RegF sub(RegF a, RegF b) { return {_mm256_sub_ps(a.v, b.v)}; }
TG_INLINE RegD sub(RegD a, RegD b) { return {_mm256_sub_pd(a.v, b.v)}; }
TG_INLINE RegF mul(RegF a, RegF b) { return {_mm256_mul_ps(a.v, b.v)}; }
TG_INLINE RegD mul(RegD a, RegD b) { return {_mm256_mul_pd(a.v, b.v)}; }
TG_INLINE RegF div(RegF a, RegF b) { return {_mm256_div_ps(a.v, b.v)}; }
TG_INLINE RegD div(RegD a, RegD b) { return {_mm256_div_pd(a.v, b.v)}; }
TG_INLINE RegF fma(RegF a, RegF b, RegF c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
TG_INLINE RegD fma(RegD a, RegD b, RegD c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }
TG_INLINE RegF fnma(RegF a, RegF b, RegF c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
TG_INLINE RegD fnma(RegD a, RegD b, RegD c) { return {_mm256_fnmadd_pd(a.v, b.v, c.v)}; }
TG_INLINE RegF sqrt(RegF a) { return {_mm256_sqrt_ps(a.v)}; }
TG_INLINE RegD sqrt(RegD a) { return {_mm256_sqrt_pd(a.v)}; }

// The instructions return the second operand on NaN and on zeros, as documented for max in reg.h.
TG_INLINE RegF max(RegF a, RegF b) { return {_mm256_max_ps(a.v, b.v)}; }
TG_INLINE RegD max(RegD a, RegD b) { return {_mm256_max_pd(a.v, b.v)}; }
TG_INLINE RegF min(RegF a, RegF b) { return {_mm256_min_ps(a.v, b.v)}; }
TG_INLINE RegD min(RegD a, RegD b) { return {_mm256_min_pd(a.v, b.v)}; }

// Rounding to integers, no exceptions raised.
constexpr int kToEven = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
constexpr int kDown = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
constexpr int kUp = _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC;
TG_INLINE RegF roundEven(RegF a) { return {_mm256_round_ps(a.v, kToEven)}; }
TG_INLINE RegD roundEven(RegD a) { return {_mm256_round_pd(a.v, kToEven)}; }
TG_INLINE RegF floor(RegF a) { return {_mm256_round_ps(a.v, kDown)}; }
TG_INLINE RegD floor(RegD a) { return {_mm256_round_pd(a.v, kDown)}; }
TG_INLINE RegF ceil(RegF a) { return {_mm256_round_ps(a.v, kUp)}; }
TG_INLINE RegD ceil(RegD a) { return {_mm256_round_pd(a.v, kUp)}; }

TG_INLINE MaskF lt(RegF a, RegF b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
TG_INLINE MaskD lt(RegD a, RegD b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ)}; }
TG_INLINE MaskF le(RegF a, RegF b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)}; }
TG_INLINE MaskD le(RegD a, RegD b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LE_OQ)}; }
TG_INLINE MaskF eq(RegF a, RegF b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
TG_INLINE MaskD eq(RegD a, RegD b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_EQ_OQ)}; }
TG_INLINE MaskF ne(RegF a, RegF b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_NEQ_UQ)}; }
TG_INLINE MaskD ne(RegD a, RegD b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_NEQ_UQ)}; }

TG_INLINE MaskF eitherNan(RegF a, RegF b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_UNORD_Q)}; }
TG_INLINE MaskD eitherNan(RegD a, RegD b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_UNORD_Q)}; }

TG_INLINE MaskF maskAnd(MaskF a, MaskF b) { return {_mm256_and_ps(a.m, b.m)}; }
TG_INLINE MaskD maskAnd(MaskD a, MaskD b) { return {_mm256_and_pd(a.m, b.m)}; }
TG_INLINE MaskF maskOr(MaskF a, MaskF b) { return {_mm256_or_ps(a.m, b.m)}; }
TG_INLINE MaskD maskOr(MaskD a, MaskD b) { return {_mm256_or_pd(a.m, b.m)}; }
TG_INLINE MaskF maskNot(MaskF a) {
  return {_mm256_xor_ps(a.m, _mm256_castsi256_ps(_mm256_set1_epi32(-1)))};
}
TG_INLINE MaskD maskNot(MaskD a) {
  return {_mm256_xor_pd(a.m, _mm256_castsi256_pd(_mm256_set1_epi32(-1)))};
}

// Whether any lane is true.
TG_INLINE bool anyTrue(MaskF m) { return _mm256_movemask_ps(m.m) != 0; }
TG_INLINE bool anyTrue(MaskD m) { return _mm256_movemask_pd(m.m) != 0; }

// a where the mask is true, b elsewhere.
TG_INLINE RegF select(MaskF m, RegF a, RegF b) { return {_mm256_blendv_ps(b.v, a.v, m.m)}; }
TG_INLINE RegD select(MaskD m, RegD a, RegD b) { return {_mm256_blendv_pd(b.v, a.v, m.m)}; }

TG_INLINE IRegF toBits(RegF a) { return {_mm256_castps_si256(a.v)}; }
TG_INLINE IRegD toBits(RegD a) { return {_mm256_castpd_si256(a.v)}; }
TG_INLINE RegF fromBits(IRegF a) { return {_mm256_castsi256_ps(a.v)}; }
TG_INLINE RegD fromBits(IRegD a) { return {_mm256_castsi256_pd(a.v)}; }

TG_INLINE Lookup lookupOf(IRegF index) {
  return {index.v, _mm256_castsi256_ps(_mm256_slli_epi32(index.v, 28))};
}
TG_INLINE RegF lookup(const float* table, Lookup index) {
  const __m256 low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), index.v);
  const __m256 high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table + 8), index.v);
  return {_mm256_blendv_ps(low, high, index.inHigh)};
}

TG_INLINE IRegF iadd(IRegF a, IRegF b) { return {_mm256_add_epi32(a.v, b.v)}; }
TG_INLINE IRegD iadd(IRegD a, IRegD b) { return {_mm256_add_epi64(a.v, b.v)}; }
TG_INLINE IRegF isub(IRegF a, IRegF b) { return {_mm256_sub_epi32(a.v, b.v)}; }
TG_INLINE IRegD isub(IRegD a, IRegD b) { return {_mm256_sub_epi64(a.v, b.v)}; }
template <class T>
TG_INLINE IReg<T> iand(IReg<T> a, IReg<T> b) {
  return {_mm256_and_si256(a.v, b.v)};
}
template <class T>
TG_INLINE IReg<T> ior(IReg<T> a, IReg<T> b) {
  return {_mm256_or_si256(a.v, b.v)};
}
template <class T>
TG_INLINE IReg<T> ixor(IReg<T> a, IReg<T> b) {
  return {_mm256_xor_si256(a.v, b.v)};
}
template <int k>
TG_INLINE IRegF ishl(IRegF a) {
  return {_mm256_slli_epi32(a.v, k)};
}
template <int k>
TG_INLINE IRegD ishl(IRegD a) {
  return {_mm256_slli_epi64(a.v, k)};
}
template <int k>
TG_INLINE IRegF ishr(IRegF a) {
  return {_mm256_srli_epi32(a.v, k)};
}
template <int k>
TG_INLINE IRegD ishr(IRegD a) {
  return {_mm256_srli_epi64(a.v, k)};
}

// Upper and lower 32 bits of the 64-bit products. The instruction multiplies even lanes only; the
// two products are the same expressions in both functions, so a caller of both pays for them once.
TG_INLINE IRegF mulHi(IRegF a, IRegF b) {
  const __m256i even = _mm256_mul_epu32(a.v, b.v);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a.v, 32), _mm256_srli_epi64(b.v, 32));
  return {_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA)};
}
TG_INLINE IRegF mulLo(IRegF a, IRegF b) {
  const __m256i even = _mm256_mul_epu32(a.v, b.v);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a.v, 32), _mm256_srli_epi64(b.v, 32));
  return {_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA)};
}

// What those are made of: the 64-bit products of the even lanes, the odd lanes in the places of the
// even ones, and both back in their places.
TG_INLINE IRegF mulEven(IRegF a, IRegF b) { return {_mm256_mul_epu32(a.v, b.v)}; }
TG_INLINE IRegF oddToEven(IRegF a) { return {_mm256_srli_epi64(a.v, 32)}; }
TG_INLINE IRegF evenAndOdd(IRegF even, IRegF odd) {
  return {_mm256_blend_epi32(even.v, _mm256_slli_epi64(odd.v, 32), 0xAA)};
}

// Integers below 2^24 as floats.
TG_INLINE RegF toFloat(IRegF a) { return {_mm256_cvtepi32_ps(a.v)}; }

// Lane i + k in lane i, for i < k; the other lanes are unspecified.
template <int k>
TG_INLINE RegF lanesFrom(RegF a) {
  if constexpr (k == 4) {
    return {_mm256_permute2f128_ps(a.v, a.v, 1)};
  } else if constexpr (k == 2) {
    return {_mm256_permute_ps(a.v, _MM_SHUFFLE(1, 0, 3, 2))};
  } else {
    return {_mm256_permute_ps(a.v, _MM_SHUFFLE(2, 3, 0, 1))};
  }
}
template <int k>
TG_INLINE RegD lanesFrom(RegD a) {
  if constexpr (k == 2) {
    return {_mm256_permute2f128_pd(a.v, a.v, 1)};
  } else {
    return {_mm256_permute_pd(a.v, 0x5)};
  }
}
TG_INLINE float firstLane(RegF a) { return _mm256_cvtss_f32(a.v); }
TG_INLINE double firstLane(RegD a) { return _mm256_cvtsd_f64(a.v); }

TG_TARGET_END
