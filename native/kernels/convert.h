// Conversions of floats to integers and to bfloat16, 16 at a time, and to each other; numbers in
// equal steps.
#pragma once
#include "../base/bfloat16.h"
#include "../simd/independent.h"
#include "../simd/truncate.h"
#include "table.h"

TG_TARGET_BEGIN

constexpr int kConverted = kBytes;  // numbers of a step

// f(x, y) for every 16 numbers of x; the last ones go through a block of their own.
template <class From, class To, class F>
TG_INLINE void convertBlocks(int64_t n, const From* x, To* y, const F& f) {
  From from[kConverted] = {};
  To to[kConverted];
  for (; n > 0; n -= kConverted, x += kConverted, y += kConverted) {
    const bool whole = n >= kConverted;
    if (!whole) memcpy(from, x, static_cast<size_t>(n) * sizeof(From));
    f(whole ? x : from, whole ? y : to);
    if (!whole) memcpy(y, to, static_cast<size_t>(n) * sizeof(To));
  }
}

template <class T>
void toInt32(int64_t n, const T* x, int32_t* y) {
  convertBlocks(n, x, y, [](const T* from, int32_t* to) {
    for (int j = 0; j < kConverted; j += Reg<T>::lanes) storeTruncated(to + j, load(from + j));
  });
}

template <class T>
void toInt64(int64_t n, const T* x, int64_t* y) {
  convertBlocks(n, x, y, [](const T* from, int64_t* to) {
    for (int j = 0; j < kConverted; j += RegD::lanes) storeTruncated(to + j, loadDouble(from + j));
  });
}

// To int8 and uint8: x is brought into the range first.
template <class T>
void toByte(int64_t n, const T* x, double low, double high, uint8_t* y) {
  const Reg<T> least = splat<T>(static_cast<T>(low)), most = splat<T>(static_cast<T>(high));
  const auto inRange = [=](Reg<T> v) { return nanToZero(min(most, max(least, v))); };
  convertBlocks(n, x, y, [=](const T* from, uint8_t* to) {
    if constexpr (sizeof(T) == 4) {
      IVec<float> whole;
      for (int j = 0; j < kRegs<float>; ++j) {
        whole.r[j] = truncatedInRange(inRange(load(from + j * RegF::lanes)));
      }
      storeBytes(to, lowBytes(whole));
    } else {
      int32_t whole[kConverted];
      for (int j = 0; j < kConverted; j += RegD::lanes) {
        storeTruncated(whole + j, inRange(load(from + j)));
      }
      storeBytes(to, lowBytes(loadLanes(whole)));
    }
  });
}

template <class T>
void toOtherFloat(int64_t n, const T* x, typename OtherFloat<T>::Type* y) {
  TG_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<typename OtherFloat<T>::Type>(x[i]);
}

// base/bfloat16.h, with the same bits.
inline void toBFloat16(int64_t n, const float* x, BFloat16* y) {
  convertBlocks(n, x, reinterpret_cast<uint16_t*>(y), [](const float* from, uint16_t* to) {
    for (int j = 0; j < kConverted; j += RegF::lanes) {
      const RegF v = load(from + j);
      const IReg<float> bits = toBits(v), upper = ishr<16>(bits);
      const IReg<float> half = iadd(isplat<float>(0x7fff), iand(upper, isplat<float>(1)));
      const RegF quiet = fromBits(ior(upper, isplat<float>(0x40)));
      const RegF rounded = fromBits(ishr<16>(iadd(bits, half)));
      storeLowHalves(to + j, toBits(select(isNan(v), quiet, rounded)));
    }
  });
}

TG_INLINE void storeRounded(double* p, RegD a) { store(p, a); }
TG_INLINE void storeRounded(float* p, RegD a) { storeFloats(p, a); }

// Whole numbers are exact as doubles.
template <class T>
void equalSteps(int64_t n, double from, double step, int64_t first, T* y) {
  constexpr int64_t kWidth = RegD::lanes;
  double lane[kWidth];
  for (int64_t j = 0; j < kWidth; ++j) lane[j] = static_cast<double>(first + j);
  RegD at = load(lane);
  for (; n > 0; n -= kWidth, y += kWidth) {
    const RegD value = add(splat<double>(from), mul(at, splat<double>(step)));
    at = add(at, splat<double>(static_cast<double>(kWidth)));
    if (n >= kWidth) {
      storeRounded(y, value);
    } else {
      T last[kWidth];
      storeRounded(last, value);
      memcpy(y, last, static_cast<size_t>(n) * sizeof(T));
    }
  }
}

template <class T>
constexpr ConvertKernels<T> convertKernels() {
  return {toInt32<T>, toInt64<T>, toByte<T>, toOtherFloat<T>, equalSteps<T>};
}

TG_TARGET_END
