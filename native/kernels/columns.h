// Kernels over rows whose columns are independent of each other: where a column's extremum is, and
// scans (each row of the result is the row before it combined with a row of x). A column's result
// depends on its values only, from the first row to the last.
#pragma once
#include <string.h>

#include "../simd/independent.h"
#include "../simd/math.h"
#include "reduce_rows.h"

TG_TARGET_BEGIN

// Registers of columns that one pass down the rows holds, each with values and row numbers.
constexpr int kArgRegs = Reg<float>::lanes > 1 ? 4 : 1;

struct Greater {
  template <class V>
  TG_INLINE auto better(V a, V b) {
    return gt(a, b);
  }
  template <class V>
  TG_INLINE auto reaching(V a, V b) {
    return ge(a, b);
  }
  template <class T>
  TG_INLINE bool reaches(T a, T b) {
    return a >= b;
  }
};

struct Less {
  template <class V>
  TG_INLINE auto better(V a, V b) {
    return lt(a, b);
  }
  template <class V>
  TG_INLINE auto reaching(V a, V b) {
    return ge(b, a);
  }
  template <class T>
  TG_INLINE bool reaches(T a, T b) {
    return a <= b;
  }
};

// `count` columns, all of the registers' unless Full is false. Row numbers are kept as the bits of
// values, so that they are selected as values are.
template <class Order, class T, int Vecs, bool Full>
TG_INLINE void argColumns(int64_t rows, const T* x, int64_t xRow, int64_t count, T* best,
                          int32_t* index) {
  using Bits = typename Format<T>::Bits;
  constexpr int64_t kWidth = kLanes<T>;
  const auto loadAt = [&](const T* p) { return Full ? vload<T>(p) : vloadFirst<T>(p, count); };
  Vec<T> value[Vecs], row[Vecs];
  for (int v = 0; v < Vecs; ++v) {
    value[v] = loadAt(x + v * kWidth);
    row[v] = fromBits(visplat<T>(0));
  }
  for (int64_t i = 1; i < rows; ++i) {
    const Vec<T> number = fromBits(visplat<T>(static_cast<Bits>(i)));
    for (int v = 0; v < Vecs; ++v) {
      const Vec<T> next = loadAt(x + i * xRow + v * kWidth);
      // The first NaN stays: nothing is better than it, and no later one replaces it.
      const VMask<T> firstNan = maskAnd(isNan(next), maskNot(isNan(value[v])));
      const VMask<T> takes = maskOr(Order::better(next, value[v]), firstNan);
      value[v] = select(takes, next, value[v]);
      row[v] = select(takes, number, row[v]);
    }
  }
  for (int v = 0; v < Vecs; ++v) {
    T numbers[kLanes<T>];
    store(numbers, row[v]);
    storeFirst(best + v * kWidth, value[v], count - v * kWidth);
    for (int64_t j = 0; j < kWidth && v * kWidth + j < count; ++j) {
      Bits bits;
      memcpy(&bits, numbers + j, sizeof bits);
      index[v * kWidth + j] = static_cast<int32_t>(bits);
    }
  }
}

template <class Order, class T>
void argColumnsKernel(int64_t rows, int64_t cols, const T* x, int64_t xRow, T* best,
                      int32_t* index) {
  constexpr int64_t kWidth = kLanes<T>;
  constexpr int64_t kWide = kArgRegs * kWidth;
  int64_t j = 0;
  if constexpr (kArgRegs > 1) {
    for (; j + kWide <= cols; j += kWide) {
      argColumns<Order, T, kArgRegs, true>(rows, x + j, xRow, kWide, best + j, index + j);
    }
  }
  for (; j < cols; j += kWidth) {
    const int64_t count = cols - j < kWidth ? cols - j : kWidth;
    argColumns<Order, T, 1, false>(rows, x + j, xRow, count, best + j, index + j);
  }
}

// Plain loops, which compilers turn into vectors: widening and rounding are theirs to arrange. What
// is carried overlaps nothing else.
template <class T>
void cumSumKernel(int64_t rows, int64_t cols, const T* x, int64_t xRow,
                  typename ScanCarry<T>::Type* __restrict carry, T* y, int64_t yRow) {
  using Carry = typename ScanCarry<T>::Type;
  for (int64_t i = 0; i < rows; ++i, x += xRow, y += yRow) {
    for (int64_t j = 0; j < cols; ++j) {
      carry[j] += static_cast<Carry>(x[j]);
      y[j] = static_cast<T>(carry[j]);
    }
  }
}

template <class T>
void cumProdKernel(int64_t rows, int64_t cols, const T* x, int64_t xRow,
                   typename ScanCarry<T>::Type* __restrict carry, T* y, int64_t yRow) {
  using Carry = typename ScanCarry<T>::Type;
  for (int64_t i = 0; i < rows; ++i, x += xRow, y += yRow) {
    for (int64_t j = 0; j < cols; ++j) {
      carry[j] *= static_cast<Carry>(x[j]);
      y[j] = static_cast<T>(carry[j]);
    }
  }
}

// kScanTile columns of floats. What is carried stays in registers: in memory each row waits for the
// stores of the one before. Row numbers are kept as the bits of values.
template <class Order, class T>
TG_INLINE void cumExtremumTile(int64_t rows, const T* x, int64_t xRow, int64_t first, T* best,
                               int32_t* at, T* y, int64_t yRow, int32_t* index, int64_t indexRow) {
  using Bits = typename Format<T>::Bits;
  constexpr int64_t kWidth = kLanes<T>, kVecs = kScanTile / kWidth;
  alignas(64) T values[kWidth];
  alignas(64) Bits numbers[kWidth];
  Vec<T> top[kVecs], where[kVecs];
  for (int64_t v = 0; v < kVecs; ++v) {
    for (int64_t k = 0; k < kWidth; ++k) numbers[k] = static_cast<Bits>(at[v * kWidth + k]);
    memcpy(values, numbers, sizeof values);
    top[v] = vload<T>(best + v * kWidth);
    where[v] = vload<T>(values);
  }
  const auto storePlaces = [&](Vec<T> places, int32_t* to) {
    store(values, places);
    memcpy(numbers, values, sizeof values);
    TG_INDEPENDENT
    for (int64_t k = 0; k < kWidth; ++k) to[k] = static_cast<int32_t>(numbers[k]);
  };
  for (int64_t i = 0; i < rows; ++i, x += xRow, y += yRow, index += indexRow) {
    const Vec<T> number = fromBits(visplat<T>(static_cast<Bits>(first + i)));
    for (int64_t v = 0; v < kVecs; ++v) {
      const Vec<T> next = vload<T>(x + v * kWidth);
      const VMask<T> takes = maskOr(Order::reaching(next, top[v]), isNan(next));
      top[v] = select(takes, next, top[v]);
      where[v] = select(takes, number, where[v]);
      store(y + v * kWidth, top[v]);
      storePlaces(where[v], index + v * kWidth);
    }
  }
  for (int64_t v = 0; v < kVecs; ++v) {
    store(best + v * kWidth, top[v]);
    storePlaces(where[v], at + v * kWidth);
  }
}

template <class Order, class T>
void cumExtremumKernel(int64_t rows, int64_t cols, const T* x, int64_t xRow, int64_t first,
                       T* __restrict best, int32_t* __restrict at, T* y, int64_t yRow,
                       int32_t* index, int64_t indexRow) {
  if constexpr (static_cast<T>(0.5) != 0) {
    if (cols == kScanTile) {
      return cumExtremumTile<Order>(rows, x, xRow, first, best, at, y, yRow, index, indexRow);
    }
  }
  for (int64_t i = 0; i < rows; ++i, x += xRow, y += yRow, index += indexRow) {
    const int32_t number = static_cast<int32_t>(first + i);
    TG_INDEPENDENT
    for (int64_t j = 0; j < cols; ++j) {
      const T value = x[j];
      // Of equal values and of NaNs the last one counts, as in PyTorch.
      const bool takes = Order::reaches(value, best[j]) | (value != value);
      best[j] = takes ? value : best[j];
      at[j] = takes ? number : at[j];
      y[j] = best[j];
      index[j] = at[j];
    }
  }
}

// The running sum is kept relative to the running maximum, so it is at least 1 once a value is
// above -inf, and nothing overflows (the online normalizer of Milakov and Gimelshein, 2018). An
// infinite maximum is not subtracted.
template <class T>
TG_INLINE Vec<T> logCumSumExpStep(Vec<T> x, Vec<T>* maximum, Vec<T>* sum) {
  const Vec<T> infinity = vinfinity<T>();
  const auto finite = [&](Vec<T> m, Vec<T> other) {
    return select(eq(abs(m), infinity), other, m);
  };
  const Vec<T> top = maxNan(*maximum, x);
  const Vec<T> shift = finite(top, vsplat<T>(0));
  *sum = fma(*sum, exp(sub(finite(*maximum, shift), shift)), exp(sub(x, shift)));
  *maximum = top;
  return add(log(*sum), shift);
}

template <class T>
void logCumSumExpKernel(int64_t rows, int64_t cols, const T* x, int64_t xRow, T* maximum, T* sum,
                        T* y, int64_t yRow) {
  constexpr int64_t kWidth = kLanes<T>;
  for (int64_t j = 0; j < cols; j += kWidth) {
    const int64_t count = cols - j < kWidth ? cols - j : kWidth;
    Vec<T> top = vloadFirst<T>(maximum + j, count), total = vloadFirst<T>(sum + j, count);
    for (int64_t i = 0; i < rows; ++i) {
      const Vec<T> value = vloadFirst<T>(x + i * xRow + j, count);
      storeFirst(y + i * yRow + j, logCumSumExpStep(value, &top, &total), count);
    }
    storeFirst(maximum + j, top, count);
    storeFirst(sum + j, total, count);
  }
}

template <class T>
constexpr ScanKernels<T> scanKernels() {
  return {cumSumKernel<T>, cumProdKernel<T>, cumExtremumKernel<Greater, T>,
          cumExtremumKernel<Less, T>};
}

template <class T>
constexpr ColumnKernels<T> columnKernels() {
  return {reduceRowsKernel<SumReduction, T>,
          reduceRowsKernel<MaxReduction, T>,
          reduceRowsKernel<MinReduction, T>,
          reduceRowsKernel<ProdReduction, T>,
          argColumnsKernel<Greater, T>,
          argColumnsKernel<Less, T>,
          scanKernels<T>(),
          logCumSumExpKernel<T>};
}

TG_TARGET_END
