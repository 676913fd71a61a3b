// Registers of NEON on arm64: 4 floats or 2 doubles; a mask is a register of all-ones or all-zero
// lanes.
#pragma once
#include <arm_neon.h>

#include "target.h"

TG_TARGET_BEGIN

template <>
struct Mask<float> {
  uint32x4_t m;
  TG_INLINE Mask first(int64_t n) {
    const uint32_t lane[4] = {0, 1, 2, 3};
    return {vcgtq_u32(vdupq_n_u32(static_cast<uint32_t>(clampLanes(n, 4))), vld1q_u32(lane))};
  }
};

template <>
struct Mask<double> {
  uint64x2_t m;
  TG_INLINE Mask first(int64_t n) {
    const uint64_t lane[2] = {0, 1};
    return {vcgtq_u64(vdupq_n_u64(static_cast<uint64_t>(clampLanes(n, 2))), vld1q_u64(lane))};
  }
};

template <>
struct IReg<float> {
  uint32x4_t v;
  TG_INLINE IReg splat(uint32_t x) { return {vdupq_n_u32(x)}; }
  TG_INLINE IReg load(const uint32_t* p) { return {vld1q_u32(p)}; }
};

template <>
struct IReg<double> {
  uint64x2_t v;
  TG_INLINE IReg splat(uint64_t x) { return {vdupq_n_u64(x)}; }
  TG_INLINE IReg load(const uint32_t* p) { return {vreinterpretq_u64_u32(vld1q_u32(p))}; }
};

template <>
struct Reg<float> {
  static constexpr int lanes = 4;
  float32x4_t v;
  TG_INLINE Reg splat(float x) { return {vdupq_n_f32(x)}; }
  TG_INLINE Reg load(const float* p) { return {vld1q_f32(p)}; }
  TG_INLINE Reg loadFirst(const float* p, int64_t n) {
    if (n >= 4) return load(p);
    float32x4_t v = vdupq_n_f32(0);
    if (n > 0) v = vld1q_lane_f32(p, v, 0);
    if (n > 1) v = vld1q_lane_f32(p + 1, v, 1);
    if (n > 2) v = vld1q_lane_f32(p + 2, v, 2);
    return {v};
  }
};

template <>
struct Reg<double> {
  static constexpr int lanes = 2;
  float64x2_t v;
  TG_INLINE Reg splat(double x) { return {vdupq_n_f64(x)}; }
  TG_INLINE Reg load(const double* p) { return {vld1q_f64(p)}; }
  TG_INLINE Reg loadFirst(const double* p, int64_t n) {
    if (n >= 2) return load(p);
    const float64x2_t zero = vdupq_n_f64(0);
    return {n > 0 ? vld1q_lane_f64(p, zero, 0) : zero};
  }
};

using RegF = Reg<float>;
using RegD = Reg<double>;

// As many floats as a double register has lanes, widened.
TG_INLINE RegD loadDouble(const float* p) { return {vcvt_f64_f32(vld1_f32(p))}; }
using MaskF = Mask<float>;
using MaskD = Mask<double>;
using IRegF = IReg<float>;
using IRegD = IReg<double>;

struct Lookup {
  uint8x16_t bytes;  // the places of each lane's bytes in the table
};

TG_INLINE void store(float* p, RegF a) { vst1q_f32(p, a.v); }
TG_INLINE void store(double* p, RegD a) { vst1q_f64(p, a.v); }
// As many floats as a double register has lanes, rounded.
TG_INLINE void storeFloats(float* p, RegD a) { vst1_f32(p, vcvt_f32_f64(a.v)); }
TG_INLINE void store(uint32_t* p, IRegF a) { vst1q_u32(p, a.v); }
TG_INLINE void storeFirst(float* p, RegF a, int64_t n) {
  if (n >= 4) return vst1q_f32(p, a.v);
  if (n > 0) vst1q_lane_f32(p, a.v, 0);
  if (n > 1) vst1q_lane_f32(p + 1, a.v, 1);
  if (n > 2) vst1q_lane_f32(p + 2, a.v, 2);
}
TG_INLINE void storeFirst(double* p, RegD a, int64_t n) {
  if (n >= 2) return vst1q_f64(p, a.v);
  if (n > 0) vst1q_lane_f64(p, a.v, 0);
}
TG_INLINE void storeFirst(uint32_t* p, IRegF a, int64_t n) {
  if (n >= 4) return vst1q_u32(p, a.v);
  if (n > 0) vst1q_lane_u32(p, a.v, 0);
  if (n > 1) vst1q_lane_u32(p + 1, a.v, 1);
  if (n > 2) vst1q_lane_u32(p + 2, a.v, 2);
}

TG_INLINE RegF add(RegF a, RegF b) { return {vaddq_f32(a.v, b.v)}; }
TG_INLINE RegD add(RegD a, RegD b) { return {vaddq_f64(a.v, b.v)}; }
TG_INLINE RegF sub(RegF a, RegF b) { return {vsubq_f32(a.v, b.v)}; }
TG_INLINE RegD sub(RegD a, RegD b) { return {vsubq_f64(a.v, b.v)}; }
TG_INLINE RegF mul(RegF a, RegF b) { return {vmulq_f32(a.v, b.v)}; }
TG_INLINE RegD mul(RegD a, RegD b) { return {vmulq_f64(a.v, b.v)}; }
TG_INLINE RegF div(RegF a, RegF b) { return {vdivq_f32(a.v, b.v)}; }
TG_INLINE RegD div(RegD a, RegD b) { return {vdivq_f64(a.v, b.v)}; }
TG_INLINE RegF fma(RegF a, RegF b, RegF c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
TG_INLINE RegD fma(RegD a, RegD b, RegD c) { return {vfmaq_f64(c.v, a.v, b.v)}; }
TG_INLINE RegF fnma(RegF a, RegF b, RegF c) { return {vfmsq_f32(c.v, a.v, b.v)}; }
TG_INLINE RegD fnma(RegD a, RegD b, RegD c) { return {vfmsq_f64(c.v, a.v, b.v)}; }
TG_INLINE RegF sqrt(RegF a) { return {vsqrtq_f32(a.v)}; }
TG_INLINE RegD sqrt(RegD a) { return {vsqrtq_f64(a.v)}; }

// Not vmaxq, which gives NaN where one operand is NaN and orders the zeros (see reg.h for max).
TG_INLINE RegF max(RegF a, RegF b) { return {vbslq_f32(vcgtq_f32(a.v, b.v), a.v, b.v)}; }
TG_INLINE RegD max(RegD a, RegD b) { return {vbslq_f64(vcgtq_f64(a.v, b.v), a.v, b.v)}; }
TG_INLINE RegF min(RegF a, RegF b) { return {vbslq_f32(vcltq_f32(a.v, b.v), a.v, b.v)}; }
TG_INLINE RegD min(RegD a, RegD b) { return {vbslq_f64(vcltq_f64(a.v, b.v), a.v, b.v)}; }

// Rounding to integers.
TG_INLINE RegF roundEven(RegF a) { return {vrndnq_f32(a.v)}; }
TG_INLINE RegD roundEven(RegD a) { return {vrndnq_f64(a.v)}; }
TG_INLINE RegF floor(RegF a) { return {vrndmq_f32(a.v)}; }
TG_INLINE RegD floor(RegD a) { return {vrndmq_f64(a.v)}; }
TG_INLINE RegF ceil(RegF a) { return {vrndpq_f32(a.v)}; }
TG_INLINE RegD ceil(RegD a) { return {vrndpq_f64(a.v)}; }

TG_INLINE MaskF maskNot(MaskF a) { return {vmvnq_u32(a.m)}; }
TG_INLINE MaskD maskNot(MaskD a) {
  return {vreinterpretq_u64_u32(vmvnq_u32(vreinterpretq_u32_u64(a.m)))};
}
TG_INLINE MaskF maskAnd(MaskF a, MaskF b) { return {vandq_u32(a.m, b.m)}; }
TG_INLINE MaskD maskAnd(MaskD a, MaskD b) { return {vandq_u64(a.m, b.m)}; }
TG_INLINE MaskF maskOr(MaskF a, MaskF b) { return {vorrq_u32(a.m, b.m)}; }
TG_INLINE MaskD maskOr(MaskD a, MaskD b) { return {vorrq_u64(a.m, b.m)}; }

TG_INLINE MaskF lt(RegF a, RegF b) { return {vcltq_f32(a.v, b.v)}; }
TG_INLINE MaskD lt(RegD a, RegD b) { return {vcltq_f64(a.v, b.v)}; }
TG_INLINE MaskF le(RegF a, RegF b) { return {vcleq_f32(a.v, b.v)}; }
TG_INLINE MaskD le(RegD a, RegD b) { return {vcleq_f64(a.v, b.v)}; }
TG_INLINE MaskF eq(RegF a, RegF b) { return {vceqq_f32(a.v, b.v)}; }
TG_INLINE MaskD eq(RegD a, RegD b) { return {vceqq_f64(a.v, b.v)}; }
TG_INLINE MaskF ne(RegF a, RegF b) { return maskNot(eq(a, b)); }
TG_INLINE MaskD ne(RegD a, RegD b) { return maskNot(eq(a, b)); }

// Whether any lane is true.
TG_INLINE bool anyTrue(MaskF m) { return vmaxvq_u32(m.m) != 0; }
TG_INLINE bool anyTrue(MaskD m) { return vmaxvq_u32(vreinterpretq_u32_u64(m.m)) != 0; }

// a where the mask is true, b elsewhere.
TG_INLINE RegF select(MaskF m, RegF a, RegF b) { return {vbslq_f32(m.m, a.v, b.v)}; }
TG_INLINE RegD select(MaskD m, RegD a, RegD b) { return {vbslq_f64(m.m, a.v, b.v)}; }

TG_INLINE IRegF toBits(RegF a) { return {vreinterpretq_u32_f32(a.v)}; }
TG_INLINE IRegD toBits(RegD a) { return {vreinterpretq_u64_f64(a.v)}; }
TG_INLINE RegF fromBits(IRegF a) { return {vreinterpretq_f32_u32(a.v)}; }
TG_INLINE RegD fromBits(IRegD a) { return {vreinterpretq_f64_u64(a.v)}; }

TG_INLINE Lookup lookupOf(IRegF index) {
  const uint32x4_t first = vmulq_n_u32(vandq_u32(index.v, vdupq_n_u32(15)), 0x04040404u);
  return {vreinterpretq_u8_u32(vaddq_u32(first, vdupq_n_u32(0x03020100u)))};
}
TG_INLINE RegF lookup(const float* table, Lookup index) {
  const uint8x16x4_t bytes = {
      {vreinterpretq_u8_f32(vld1q_f32(table)), vreinterpretq_u8_f32(vld1q_f32(table + 4)),
       vreinterpretq_u8_f32(vld1q_f32(table + 8)), vreinterpretq_u8_f32(vld1q_f32(table + 12))}};
  return {vreinterpretq_f32_u8(vqtbl4q_u8(bytes, index.bytes))};
}

TG_INLINE IRegF iadd(IRegF a, IRegF b) { return {vaddq_u32(a.v, b.v)}; }
TG_INLINE IRegD iadd(IRegD a, IRegD b) { return {vaddq_u64(a.v, b.v)}; }
TG_INLINE IRegF isub(IRegF a, IRegF b) { return {vsubq_u32(a.v, b.v)}; }
TG_INLINE IRegD isub(IRegD a, IRegD b) { return {vsubq_u64(a.v, b.v)}; }
TG_INLINE IRegF iand(IRegF a, IRegF b) { return {vandq_u32(a.v, b.v)}; }
TG_INLINE IRegD iand(IRegD a, IRegD b) { return {vandq_u64(a.v, b.v)}; }
TG_INLINE IRegF ior(IRegF a, IRegF b) { return {vorrq_u32(a.v, b.v)}; }
TG_INLINE IRegD ior(IRegD a, IRegD b) { return {vorrq_u64(a.v, b.v)}; }
TG_INLINE IRegF ixor(IRegF a, IRegF b) { return {veorq_u32(a.v, b.v)}; }
TG_INLINE IRegD ixor(IRegD a, IRegD b) { return {veorq_u64(a.v, b.v)}; }
template <int k>
TG_INLINE IRegF ishl(IRegF a) {
  return {vshlq_n_u32(a.v, k)};
}
template <int k>
TG_INLINE IRegD ishl(IRegD a) {
  return {vshlq_n_u64(a.v, k)};
}
template <int k>
TG_INLINE IRegF ishr(IRegF a) {
  return {vshrq_n_u32(a.v, k)};
}
template <int k>
TG_INLINE IRegD ishr(IRegD a) {
  return {vshrq_n_u64(a.v, k)};
}

// Upper and lower 32 bits of the 64-bit products.
TG_INLINE IRegF mulHi(IRegF a, IRegF b) {
  const uint64x2_t low = vmull_u32(vget_low_u32(a.v), vget_low_u32(b.v));
  const uint64x2_t high = vmull_high_u32(a.v, b.v);
  return {vuzp2q_u32(vreinterpretq_u32_u64(low), vreinterpretq_u32_u64(high))};
}
TG_INLINE IRegF mulLo(IRegF a, IRegF b) { return {vmulq_u32(a.v, b.v)}; }

// Integers below 2^24 as floats.
TG_INLINE RegF toFloat(IRegF a) { return {vcvtq_f32_u32(a.v)}; }

// Lane i + k in lane i, for i < k; the other lanes are unspecified.
template <int k>
TG_INLINE RegF lanesFrom(RegF a) {
  return {vextq_f32(a.v, a.v, k)};
}
template <int k>
TG_INLINE RegD lanesFrom(RegD a) {
  return {vextq_f64(a.v, a.v, k)};
}
TG_INLINE float firstLane(RegF a) { return vgetq_lane_f32(a.v, 0); }
TG_INLINE double firstLane(RegD a) { return vgetq_lane_f64(a.v, 0); }

TG_TARGET_END
