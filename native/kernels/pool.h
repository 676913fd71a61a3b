// Pooling: windows side by side in the lanes of a register, each walked row by row. A window's
// result depends on its values only, so a level takes as many at a time as its registers hold.
#pragma once
#include <string.h>

#include "../simd/zip.h"
#include "table.h"

TG_TARGET_BEGIN

// x[j * stride] in lane j, for j < n; reads nothing behind x[(n - 1) * stride].
template <int stride, class T>
TG_INLINE Reg<T> loadTaps(const T* x, int64_t n) {
  constexpr int64_t kWidth = Reg<T>::lanes;
  if constexpr (stride == 1 || kWidth == 1) {
    return loadFirst(x, n);
  } else {
    const int64_t places = 2 * n - 1;
    return everySecond(loadFirst(x, places), loadFirst(x + kWidth, places - kWidth));
  }
}

// first + place + lane * stride for the first n lanes, of places kept as the bits of values.
TG_INLINE void storePlaces(int32_t* index, Reg<float> places, int32_t first, int32_t stride,
                           int64_t n) {
  alignas(64) uint32_t lanes[Reg<float>::lanes];
  for (int i = 0; i < Reg<float>::lanes; ++i) {
    lanes[i] = static_cast<uint32_t>(first) + static_cast<uint32_t>(i * stride);
  }
  storeFirst(reinterpret_cast<uint32_t*>(index), iadd(toBits(places), IReg<float>::load(lanes)), n);
}
TG_INLINE void storePlaces(int32_t* index, Reg<double> places, int32_t first, int32_t stride,
                           int64_t n) {
  double bits[Reg<double>::lanes];
  store(bits, places);
  for (int i = 0; i < Reg<double>::lanes && i < n; ++i) {
    int64_t place;
    memcpy(&place, bits + i, sizeof place);
    index[i] = static_cast<int32_t>(place) + first + i * stride;
  }
}

template <int stride, class T>
TG_INLINE void maxWindows(const PoolWindows<T>& p) {
  using Bits = typename Format<T>::Bits;
  for (int64_t i = 0; i < p.rows; ++i) {
    for (int64_t j = 0; j < p.cols; j += Reg<T>::lanes) {
      const int64_t n = p.cols - j;
      const int64_t begin = i * p.xRow + j * stride;
      const T* const x = p.x + begin;
      Reg<T> best = loadTaps<stride>(x, n);
      Reg<T> place = fromBits(isplat<T>(0));
      for (int64_t a = 0; a < p.tapRows; ++a) {
        for (int64_t b = 0; b < p.tapCols; ++b) {
          const int64_t tap = a * p.tapRow + b * p.tapCol;
          const Reg<T> next = loadTaps<stride>(x + tap, n);
          // NaN is better than anything, an earlier NaN too, as in PyTorch.
          const Mask<T> takes = maskOr(gt(next, best), isNan(next));
          best = select(takes, next, best);
          place = select(takes, fromBits(isplat<T>(static_cast<Bits>(tap))), place);
        }
      }
      storeFirst(p.y + i * p.yRow + j, best, n);
      if (p.index) {
        storePlaces(p.index + i * p.yRow + j, place, static_cast<int32_t>(p.place + begin), stride,
                    n);
      }
    }
  }
}

template <int stride, class T>
TG_INLINE void meanWindows(const PoolWindows<T>& p) {
  for (int64_t i = 0; i < p.rows; ++i) {
    for (int64_t j = 0; j < p.cols; j += Reg<T>::lanes) {
      const int64_t n = p.cols - j;
      const T* const x = p.x + i * p.xRow + j * stride;
      Reg<T> sum = splat<T>(0);
      for (int64_t a = 0; a < p.tapRows; ++a) {
        for (int64_t b = 0; b < p.tapCols; ++b) {
          sum = add(sum, loadTaps<stride>(x + a * p.tapRow + b * p.tapCol, n));
        }
      }
      storeFirst(p.y + i * p.yRow + j, div(sum, splat(p.divisor)), n);
    }
  }
}

template <class T>
void maxPoolKernel(const PoolWindows<T>& p) {
  if (p.stride == 1) {
    maxWindows<1>(p);
  } else {
    maxWindows<2>(p);
  }
}

template <class T>
void meanPoolKernel(const PoolWindows<T>& p) {
  if (p.stride == 1) {
    meanWindows<1>(p);
  } else {
    meanWindows<2>(p);
  }
}

template <class T>
constexpr PoolKernels<T> poolKernels() {
  return {maxPoolKernel<T>, meanPoolKernel<T>};
}

TG_TARGET_END
