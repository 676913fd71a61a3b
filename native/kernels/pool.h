// Pooling: windows side by side in the lanes of a register, each walked row by row. A window's
// result depends on its values only, so a level takes as many at a time as its registers hold.
#pragma once
#include <string.h>

#include "../simd/zip.h"
#include "table.h"

TG_TARGET_BEGIN

// How lanes find their places: side by side; two apart, of which a window takes both; two apart;
// any number apart.
enum class Step { one, pair, two, any };

// x[2 j] in lane j of a and x[2 j + 1] in that of b, for j < n; reads nothing but these and, unless
// `both`, not the last of b.
template <bool both, class T>
TG_INLINE void loadPairs(const T* x, int64_t n, Reg<T>& a, Reg<T>& b) {
  const int64_t places = both ? 2 * n : 2 * n - 1;
  a = loadFirst(x, places);
  b = loadFirst(x + Reg<T>::lanes, places - Reg<T>::lanes);
  splitInOrder(a, b);
}

// x[j * stride] in lane j, for j < n.
template <class T>
TG_INLINE Reg<T> loadTaps(Step step, const T* x, int64_t stride, int64_t n) {
  if (Reg<T>::lanes == 1 || step == Step::one) return loadFirst(x, n);
  if (step == Step::two) {
    Reg<T> a, b;
    loadPairs<false>(x, n, a, b);
    return a;
  }
  T taps[Reg<T>::lanes] = {};
  const int count = clampLanes(n, Reg<T>::lanes);
  for (int j = 0; j < count; ++j) taps[j] = x[j * stride];
  return load(taps);
}

TG_INLINE Step stepOf(int64_t stride, int64_t tapCols, int64_t tapCol) {
  if (stride == 1) return Step::one;
  if (stride > 2) return Step::any;
  return tapCols == 2 && tapCol == 1 ? Step::pair : Step::two;
}

// first + place + lane * stride for the first n lanes, of places kept as the bits of values.
TG_INLINE void storePlaces(int32_t* index, Reg<float> places, uint32_t first, uint32_t stride,
                           int64_t n) {
  alignas(64) uint32_t lanes[Reg<float>::lanes];
  for (uint32_t i = 0; i < Reg<float>::lanes; ++i) lanes[i] = first + i * stride;
  storeFirst(reinterpret_cast<uint32_t*>(index), iadd(toBits(places), IReg<float>::load(lanes)), n);
}
TG_INLINE void storePlaces(int32_t* index, Reg<double> places, uint32_t first, uint32_t stride,
                           int64_t n) {
  double bits[Reg<double>::lanes];
  store(bits, places);
  for (uint32_t i = 0; i < Reg<double>::lanes && i < n; ++i) {
    uint64_t place;
    memcpy(&place, bits + i, sizeof place);
    index[i] = static_cast<int32_t>(static_cast<uint32_t>(place) + first + i * stride);
  }
}

template <class T>
struct Largest {
  Reg<T> best, place;

  // -infinity at the first place, which stays where there is nothing else.
  TG_INLINE Largest start() {
    const auto infinity = isplat<T>(Format<T>::infinity | Format<T>::signMask);
    return {fromBits(infinity), fromBits(isplat<T>(0))};
  }

  TG_INLINE void take(Largest& r, Reg<T> next, int64_t tap) {
    using Bits = typename Format<T>::Bits;
    // NaN is better than anything, an earlier NaN too, as in PyTorch.
    const Mask<T> takes = maskOr(gt(next, r.best), isNan(next));
    r.best = select(takes, next, r.best);
    r.place = select(takes, fromBits(isplat<T>(static_cast<Bits>(tap))), r.place);
  }

  TG_INLINE void finish(const Largest& r, const PoolWindows<T>& p, int64_t begin, int64_t to,
                        int64_t n) {
    storeFirst(p.y + to, r.best, n);
    if (p.index) {
      storePlaces(p.index + to, r.place, static_cast<uint32_t>(p.place + begin),
                  static_cast<uint32_t>(p.stride), n);
    }
  }
};

template <class T>
struct Mean {
  Reg<T> sum;

  TG_INLINE Mean start() { return {splat<T>(0)}; }

  TG_INLINE void take(Mean& r, Reg<T> next, int64_t) { r.sum = add(r.sum, next); }

  TG_INLINE void finish(const Mean& r, const PoolWindows<T>& p, int64_t, int64_t to, int64_t n) {
    storeFirst(p.y + to, div(r.sum, splat(p.divisor)), n);
  }
};

// How lanes find their places is asked for every tap but those of pairs, the windows of most
// networks: copies of all this for the others would gain little and take much code.
template <class Result, bool pairs, class T>
TG_INLINE void poolWindows(const PoolWindows<T>& p, Step step) {
  for (int64_t i = 0; i < p.rows; ++i) {
    for (int64_t j = 0; j < p.cols; j += Reg<T>::lanes) {
      const int64_t n = p.cols - j;
      const int64_t begin = i * p.xRow + j * p.stride;
      const T* const x = p.x + begin;
      Result result = Result::start();
      for (int64_t r = 0; r < p.tapRows; ++r) {
        const int64_t tap = r * p.tapRow;
        if constexpr (pairs) {
          Reg<T> a, b;
          loadPairs<true>(x + tap, n, a, b);
          Result::take(result, a, tap);
          Result::take(result, b, tap + 1);
        } else {
          for (int64_t c = 0; c < p.tapCols; ++c) {
            const Reg<T> next = loadTaps(step, x + tap + c * p.tapCol, p.stride, n);
            Result::take(result, next, tap + c * p.tapCol);
          }
        }
      }
      Result::finish(result, p, begin, i * p.yRow + j, n);
    }
  }
}

template <class Result, class T>
TG_INLINE void pool(const PoolWindows<T>& p) {
  const Step step = stepOf(p.stride, p.tapCols, p.tapCol);
  if (Reg<T>::lanes > 1 && step == Step::pair) {
    poolWindows<Result, (Reg<T>::lanes > 1)>(p, step);
  } else {
    poolWindows<Result, false>(p, step);
  }
}

template <class T>
void maxPoolKernel(const PoolWindows<T>& p) {
  pool<Largest<T>>(p);
}

template <class T>
void meanPoolKernel(const PoolWindows<T>& p) {
  pool<Mean<T>>(p);
}

template <class T>
void addRowsKernel(int64_t rows, int64_t n, const T* x, int64_t xRow, T* y, int64_t yRow,
                   int64_t yCol) {
  constexpr int64_t kWidth = kLanes<T>;
  for (int64_t i = 0; i < rows; ++i, x += xRow, y += yRow) {
    if (yCol != 1) {
      for (int64_t j = 0; j < n; ++j) y[j * yCol] += x[j];
      continue;
    }
    int64_t j = 0;
    for (; j + kWidth <= n; j += kWidth) store(y + j, add(vload<T>(y + j), vload<T>(x + j)));
    if (j == n) continue;
    storeFirst(y + j, add(vloadFirst<T>(y + j, n - j), vloadFirst<T>(x + j, n - j)), n - j);
  }
}

// The 16 places are the table of a lookup.
template <int taps>
TG_INLINE void sumNearOf(const NearTaps& near, int64_t rows, const float* x, int64_t xRow, float* y,
                         int64_t yRow) {
  const auto product = [](RegF weight, const float* places, const int32_t* place) {
    const IReg<float> bits = toBits(load(reinterpret_cast<const float*>(place)));
    return mul(weight, lookup(places, lookupOf(bits)));
  };
  for (int64_t i = 0; i < rows; ++i, x += xRow, y += yRow) {
    const int32_t* place = near.place;
    const float* weight = near.weight;
    for (int64_t j = 0; j < near.results; j += kNearPlaces) {
      const float* const places = x + near.first[j / kNearPlaces];
      for (int64_t k = 0; k < kNearPlaces; k += RegF::lanes) {
        RegF sum = product(load(weight + k), places, place + k);
        if constexpr (taps == 2) {
          const int64_t other = k + kNearPlaces;
          sum = add(sum, product(load(weight + other), places, place + other));
        }
        if (j + k + RegF::lanes <= near.results) {
          store(y + j + k, sum);
        } else if (j + k < near.results) {
          storeFirst(y + j + k, sum, near.results - j - k);
        }
      }
      place += taps * kNearPlaces;
      weight += taps * kNearPlaces;
    }
  }
}

inline void sumNear(const NearTaps& near, int64_t rows, const float* x, int64_t xRow, float* y,
                    int64_t yRow) {
  if (near.taps == 1) return sumNearOf<1>(near, rows, x, xRow, y, yRow);
  return sumNearOf<2>(near, rows, x, xRow, y, yRow);
}

template <class T>
constexpr PoolKernels<T> poolKernels() {
  PoolKernels<T> kernels{maxPoolKernel<T>, meanPoolKernel<T>, addRowsKernel<T>, nullptr};
  if constexpr (sizeof(T) == sizeof(float) && Reg<T>::lanes > 1) kernels.sumNear = sumNear;
  return kernels;
}

TG_TARGET_END
