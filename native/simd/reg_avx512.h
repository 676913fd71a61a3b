// Registers of AVX-512 (F, BW, DQ, VL): 16 floats or 8 doubles, masks in mask registers.
#pragma once

// GCC 12's own header warns where its functions are inlined (GCC bug 105593: deliberately undefined
// operands under a full mask). The pragma holds for code at these locations only.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include "target.h"

TG_TARGET_BEGIN

template <>
struct Mask<float> {
  __mmask16 m;
  TG_INLINE Mask first(int64_t n) {
    return {static_cast<__mmask16>((1u << clampLanes(n, 16)) - 1)};
  }
};

template <>
struct Mask<double> {
  __mmask8 m;
  TG_INLINE Mask first(int64_t n) { return {static_cast<__mmask8>((1u << clampLanes(n, 8)) - 1)}; }
};

template <>
struct IReg<float> {
  __m512i v;
  TG_INLINE IReg splat(uint32_t x) { return {_mm512_set1_epi32(static_cast<int>(x))}; }
  TG_INLINE IReg load(const uint32_t* p) { return {_mm512_loadu_si512(p)}; }
};

template <>
struct IReg<double> {
  __m512i v;
  TG_INLINE IReg splat(uint64_t x) { return {_mm512_set1_epi64(static_cast<int64_t>(x))}; }
  TG_INLINE IReg load(const uint32_t* p) { return {_mm512_loadu_si512(p)}; }
};

template <>
struct Reg<float> {
  static constexpr int lanes = 16;
  __m512 v;
  TG_INLINE Reg splat(float x) { return {_mm512_set1_ps(x)}; }
  TG_INLINE Reg load(const float* p) { return {_mm512_loadu_ps(p)}; }
  TG_INLINE Reg loadFirst(const float* p, int64_t n) {
    return {_mm512_maskz_loadu_ps(Mask<float>::first(n).m, p)};
  }
};

template <>
struct Reg<double> {
  static constexpr int lanes = 8;
  __m512d v;
  TG_INLINE Reg splat(double x) { return {_mm512_set1_pd(x)}; }
  TG_INLINE Reg load(const double* p) { return {_mm512_loadu_pd(p)}; }
  TG_INLINE Reg loadFirst(const double* p, int64_t n) {
    return {_mm512_maskz_loadu_pd(Mask<double>::first(n).m, p)};
  }
};

using RegF = Reg<float>;
using RegD = Reg<double>;

// As many floats as a double register has lanes, widened.
TG_INLINE RegD loadDouble(const float* p) { return {_mm512_cvtps_pd(_mm256_loadu_ps(p))}; }
using MaskF = Mask<float>;
using MaskD = Mask<double>;
using IRegF = IReg<float>;
using IRegD = IReg<double>;

struct Lookup {
  __m512i v;
};

TG_INLINE void store(float* p, RegF a) { _mm512_storeu_ps(p, a.v); }
TG_INLINE void store(double* p, RegD a) { _mm512_storeu_pd(p, a.v); }

// See reg.h.
TG_INLINE void storePast(float* p, RegF a) { _mm512_stream_ps(p, a.v); }
TG_INLINE void drainStores() { _mm_sfence(); }
// As many floats as a double register has lanes, rounded.
TG_INLINE void storeFloats(float* p, RegD a) { _mm256_storeu_ps(p, _mm512_cvtpd_ps(a.v)); }
TG_INLINE void store(uint32_t* p, IRegF a) { _mm512_storeu_si512(p, a.v); }
TG_INLINE void storeFirst(float* p, RegF a, int64_t n) {
  _mm512_mask_storeu_ps(p, MaskF::first(n).m, a.v);
}
TG_INLINE void storeFirst(double* p, RegD a, int64_t n) {
  _mm512_mask_storeu_pd(p, MaskD::first(n).m, a.v);
}

TG_INLINE void storeFirst(uint32_t* p, IRegF a, int64_t n) {
  _mm512_mask_storeu_epi32(p, MaskF::first(n).m, a.v);
}

TG_INLINE RegF add(RegF a, RegF b) { return {_mm512_add_ps(a.v, b.v)}; }
TG_INLINE RegD add(RegD a, RegD b) { return {_mm512_add_pd(a.v, b.v)}; }
TG_INLINE RegF sub(RegF a, RegF b) { return {_mm512_sub_ps(a.v, b.v)}; }
TG_INLINE RegD sub(RegD a, RegD b) { return {_mm512_sub_pd(a.v, b.v)}; }
TG_INLINE RegF mul(RegF a, RegF b) { return {_mm512_mul_ps(a.v, b.v)}; }
TG_INLINE RegD mul(RegD a, RegD b) { return {_mm512_mul_pd(a.v, b.v)}; }
TG_INLINE RegF div(RegF a, RegF b) { return {_mm512_div_ps(a.v, b.v)}; }
TG_INLINE RegD div(RegD a, RegD b) { return {_mm512_div_pd(a.v, b.v)}; }
TG_INLINE RegF fma(RegF a, RegF b, RegF c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
TG_INLINE RegD fma(RegD a, RegD b, RegD c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
TG_INLINE RegF fnma(RegF a, RegF b, RegF c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
TG_INLINE RegD fnma(RegD a, RegD b, RegD c) { return {_mm512_fnmadd_pd(a.v, b.v, c.v)}; }
TG_INLINE RegF sqrt(RegF a) { return {_mm512_sqrt_ps(a.v)}; }
TG_INLINE RegD sqrt(RegD a) { return {_mm512_sqrt_pd(a.v)}; }

// The instructions return the second operand on NaN and on zeros, as documented for max in reg.h.
TG_INLINE RegF max(RegF a, RegF b) { return {_mm512_max_ps(a.v, b.v)}; }
TG_INLINE RegD max(RegD a, RegD b) { return {_mm512_max_pd(a.v, b.v)}; }
TG_INLINE RegF min(RegF a, RegF b) { return {_mm512_min_ps(a.v, b.v)}; }
TG_INLINE RegD min(RegD a, RegD b) { return {_mm512_min_pd(a.v, b.v)}; }

// Rounding to integers: no exceptions raised, no fraction bits kept (the high half of the operand).
constexpr int kToEven = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
constexpr int kDown = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
constexpr int kUp = _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC;
TG_INLINE RegF roundEven(RegF a) { return {_mm512_roundscale_ps(a.v, kToEven)}; }
TG_INLINE RegD roundEven(RegD a) { return {_mm512_roundscale_pd(a.v, kToEven)}; }
TG_INLINE RegF floor(RegF a) { return {_mm512_roundscale_ps(a.v, kDown)}; }
TG_INLINE RegD floor(RegD a) { return {_mm512_roundscale_pd(a.v, kDown)}; }
TG_INLINE RegF ceil(RegF a) { return {_mm512_roundscale_ps(a.v, kUp)}; }
TG_INLINE RegD ceil(RegD a) { return {_mm512_roundscale_pd(a.v, kUp)}; }

// a * 2^n, rounded once (integer n). One instruction here, see reg.h for the other levels.
TG_INLINE RegF mulPow2(RegF a, RegF n) { return {_mm512_scalef_ps(a.v, n.v)}; }
TG_INLINE RegD mulPow2(RegD a, RegD n) { return {_mm512_scalef_pd(a.v, n.v)}; }

TG_INLINE MaskF lt(RegF a, RegF b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
TG_INLINE MaskD lt(RegD a, RegD b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ)}; }
TG_INLINE MaskF le(RegF a, RegF b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
TG_INLINE MaskD le(RegD a, RegD b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LE_OQ)}; }
TG_INLINE MaskF eq(RegF a, RegF b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
TG_INLINE MaskD eq(RegD a, RegD b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_EQ_OQ)}; }
TG_INLINE MaskF ne(RegF a, RegF b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_NEQ_UQ)}; }
TG_INLINE MaskD ne(RegD a, RegD b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_NEQ_UQ)}; }

TG_INLINE MaskF eitherNan(RegF a, RegF b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_UNORD_Q)}; }
TG_INLINE MaskD eitherNan(RegD a, RegD b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_UNORD_Q)}; }

// See reg.h. Where a is NaN nothing is written over it.
TG_INLINE RegF maxNan(RegF a, RegF b) { return {_mm512_mask_max_ps(a.v, eq(a, a).m, a.v, b.v)}; }
TG_INLINE RegD maxNan(RegD a, RegD b) { return {_mm512_mask_max_pd(a.v, eq(a, a).m, a.v, b.v)}; }
TG_INLINE RegF minNan(RegF a, RegF b) { return {_mm512_mask_min_ps(a.v, eq(a, a).m, a.v, b.v)}; }
TG_INLINE RegD minNan(RegD a, RegD b) { return {_mm512_mask_min_pd(a.v, eq(a, a).m, a.v, b.v)}; }

TG_INLINE MaskF maskAnd(MaskF a, MaskF b) { return {static_cast<__mmask16>(a.m & b.m)}; }
TG_INLINE MaskD maskAnd(MaskD a, MaskD b) { return {static_cast<__mmask8>(a.m & b.m)}; }
TG_INLINE MaskF maskOr(MaskF a, MaskF b) { return {static_cast<__mmask16>(a.m | b.m)}; }
TG_INLINE MaskD maskOr(MaskD a, MaskD b) { return {static_cast<__mmask8>(a.m | b.m)}; }
TG_INLINE MaskF maskNot(MaskF a) { return {static_cast<__mmask16>(~a.m)}; }
TG_INLINE MaskD maskNot(MaskD a) { return {static_cast<__mmask8>(~a.m)}; }

// Whether any lane is true.
TG_INLINE bool anyTrue(MaskF m) { return m.m != 0; }
TG_INLINE bool anyTrue(MaskD m) { return m.m != 0; }

// a where the mask is true, b elsewhere.
TG_INLINE RegF select(MaskF m, RegF a, RegF b) { return {_mm512_mask_blend_ps(m.m, b.v, a.v)}; }
TG_INLINE RegD select(MaskD m, RegD a, RegD b) { return {_mm512_mask_blend_pd(m.m, b.v, a.v)}; }

TG_INLINE IRegF toBits(RegF a) { return {_mm512_castps_si512(a.v)}; }
TG_INLINE IRegD toBits(RegD a) { return {_mm512_castpd_si512(a.v)}; }
TG_INLINE RegF fromBits(IRegF a) { return {_mm512_castsi512_ps(a.v)}; }
TG_INLINE RegD fromBits(IRegD a) { return {_mm512_castsi512_pd(a.v)}; }

TG_INLINE Lookup lookupOf(IRegF index) { return {index.v}; }
TG_INLINE RegF lookup(const float* table, Lookup index) {
  return {_mm512_permutexvar_ps(index.v, _mm512_loadu_ps(table))};
}

TG_INLINE IRegF iadd(IRegF a, IRegF b) { return {_mm512_add_epi32(a.v, b.v)}; }
TG_INLINE IRegD iadd(IRegD a, IRegD b) { return {_mm512_add_epi64(a.v, b.v)}; }
TG_INLINE IRegF isub(IRegF a, IRegF b) { return {_mm512_sub_epi32(a.v, b.v)}; }
TG_INLINE IRegD isub(IRegD a, IRegD b) { return {_mm512_sub_epi64(a.v, b.v)}; }
template <class T>
TG_INLINE IReg<T> iand(IReg<T> a, IReg<T> b) {
  return {_mm512_and_si512(a.v, b.v)};
}
template <class T>
TG_INLINE IReg<T> ior(IReg<T> a, IReg<T> b) {
  return {_mm512_or_si512(a.v, b.v)};
}
template <class T>
TG_INLINE IReg<T> ixor(IReg<T> a, IReg<T> b) {
  return {_mm512_xor_si512(a.v, b.v)};
}
template <int k>
TG_INLINE IRegF ishl(IRegF a) {
  return {_mm512_slli_epi32(a.v, k)};
}
template <int k>
TG_INLINE IRegD ishl(IRegD a) {
  return {_mm512_slli_epi64(a.v, k)};
}
template <int k>
TG_INLINE IRegF ishr(IRegF a) {
  return {_mm512_srli_epi32(a.v, k)};
}
template <int k>
TG_INLINE IRegD ishr(IRegD a) {
  return {_mm512_srli_epi64(a.v, k)};
}

// Upper and lower 32 bits of the 64-bit products. The instruction multiplies even lanes only; the
// two products are the same expressions in both functions, so a caller of both pays for them once.
TG_INLINE IRegF mulHi(IRegF a, IRegF b) {
  const __m512i even = _mm512_mul_epu32(a.v, b.v);
  const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a.v, 32), _mm512_srli_epi64(b.v, 32));
  return {_mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 32), odd)};
}
TG_INLINE IRegF mulLo(IRegF a, IRegF b) {
  const __m512i even = _mm512_mul_epu32(a.v, b.v);
  const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a.v, 32), _mm512_srli_epi64(b.v, 32));
  return {_mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32))};
}

// What those are made of: the 64-bit products of the even lanes, the odd lanes in the places of the
// even ones, and both back in their places.
TG_INLINE IRegF mulEven(IRegF a, IRegF b) { return {_mm512_mul_epu32(a.v, b.v)}; }
TG_INLINE IRegF oddToEven(IRegF a) { return {_mm512_srli_epi64(a.v, 32)}; }
TG_INLINE IRegF evenAndOdd(IRegF even, IRegF odd) {
  return {_mm512_mask_blend_epi32(0xAAAA, even.v, _mm512_slli_epi64(odd.v, 32))};
}

// Integers below 2^24 as floats.
TG_INLINE RegF toFloat(IRegF a) { return {_mm512_cvtepi32_ps(a.v)}; }

// Lane i + k in lane i, for i < k; the other lanes are unspecified.
template <int k>
TG_INLINE RegF lanesFrom(RegF a) {
  if constexpr (k == 8) {
    return {_mm512_shuffle_f32x4(a.v, a.v, _MM_SHUFFLE(1, 0, 3, 2))};
  } else if constexpr (k == 4) {
    return {_mm512_shuffle_f32x4(a.v, a.v, _MM_SHUFFLE(2, 3, 0, 1))};
  } else if constexpr (k == 2) {
    return {_mm512_permute_ps(a.v, _MM_SHUFFLE(1, 0, 3, 2))};
  } else {
    return {_mm512_permute_ps(a.v, _MM_SHUFFLE(2, 3, 0, 1))};
  }
}
template <int k>
TG_INLINE RegD lanesFrom(RegD a) {
  if constexpr (k == 4) {
    return {_mm512_shuffle_f64x2(a.v, a.v, _MM_SHUFFLE(1, 0, 3, 2))};
  } else if constexpr (k == 2) {
    return {_mm512_shuffle_f64x2(a.v, a.v, _MM_SHUFFLE(2, 3, 0, 1))};
  } else {
    return {_mm512_permute_pd(a.v, 0x55)};
  }
}
TG_INLINE float firstLane(RegF a) { return _mm512_cvtss_f32(a.v); }
TG_INLINE double firstLane(RegD a) { return _mm512_cvtsd_f64(a.v); }

TG_TARGET_END
