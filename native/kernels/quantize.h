// Between float32 and int8: symmetric quantisation of a row, and the way back from a product's sums
// with scales and bias.
#pragma once
#include "../simd/bytes.h"
#include "../simd/math.h"
#include "gemm_int8.h"

TG_TARGET_BEGIN

// The largest magnitude; NaN when there is one.
TG_INLINE float largestMagnitude(int64_t n, const float* x) {
  constexpr int64_t L = kLanes<float>;
  Vec<float> a = vsplat<float>(0), b = a;
  int64_t i = 0;
  for (; i + 2 * L <= n; i += 2 * L) {
    a = maxNan(abs(vload<float>(x + i)), a);
    b = maxNan(abs(vload<float>(x + i + L)), b);
  }
  for (; i < n; i += L) a = maxNan(abs(vloadFirst<float>(x + i, n - i)), a);
  return reduceMax(maxNan(a, b));
}

inline float int8QuantizeRow(int64_t n, const float* x, int8_t* y) {
  constexpr int64_t L = kLanes<float>;
  const float largest = largestMagnitude(n, x);
  constexpr float kLargestFinite = 0x1.fffffep127f;
  if (!(largest <= kLargestFinite)) {
    if (n > 0) memset(y, 0, static_cast<size_t>(n));
    const uint32_t bits = Format<float>::quietNan;
    float nan;
    memcpy(&nan, &bits, sizeof nan);
    return nan;
  }
  if (largest == 0) {
    if (n > 0) memset(y, 0, static_cast<size_t>(n));
    return 1;
  }
  float scale = largest / 127;
  // Below the normal numbers a scale would lose its digits, and its inverse overflow.
  if (scale < Format<float>::minNormal) scale = Format<float>::minNormal;
  const Vec<float> inverse = vsplat<float>(1 / scale);
  // Adding it rounds to an integer, to even, which the sum's low bits hold in two's complement.
  // Three roundings away from 127 nothing reaches 127.5.
  const Vec<float> magic = vsplat<float>(Format<float>::roundingMagic);
  int64_t i = 0;
  for (; i + L <= n; i += L) {
    storeBytes(y + i, lowBytes(toBits(add(mul(vload<float>(x + i), inverse), magic))));
  }
  if (i < n) {
    int8_t last[kBytes];
    const Vec<float> v = vloadFirst<float>(x + i, n - i);
    storeBytes(last, lowBytes(toBits(add(mul(v, inverse), magic))));
    memcpy(y + i, last, static_cast<size_t>(n - i));
  }
  return scale;
}

inline void int8Scale(const Int8Scale& s) {
  constexpr int64_t L = kLanes<float>;
  static_assert(kInt8Panel % L == 0, "sums are read in whole vectors");
  for (int64_t j = 0; j < s.cols; j += L) {
    const int64_t left = s.cols - j;
    const Vec<float> columnScale = vloadFirst<float>(s.columnScale + j, left);
    const Vec<float> bias = s.bias ? vloadFirst<float>(s.bias + j, left) : vsplat<float>(0);
    float* y = s.y + j;
    for (int64_t i = 0; i < s.rows; ++i, y += s.yRow) {
      Vec<float> x = loadIntegers(s.sums + i * kInt8Panel + j);
      if (s.rowScale) x = mul(x, vsplat<float>(s.rowScale[i]));
      x = fma(x, columnScale, bias);
      if (left >= L) {
        store(y, x);
      } else {
        storeFirst(y, x, left);
      }
    }
  }
}

constexpr Int8Kernels int8Kernels() {
  Int8Kernels kernels{};
  kernels.maxRows = Dot::kRows;
  kernels.quadBytes = Dot::kQuadBytes;
  fillInt8Tiles(kernels);
  kernels.packA = int8PackA;
  kernels.packB = int8PackB;
  kernels.scale = int8Scale;
  kernels.quantizeRow = int8QuantizeRow;
  return kernels;
}

TG_TARGET_END
