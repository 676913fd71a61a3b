// How the chains of gemm_dot.h begin from C and are stored to it: which column a lane stands for,
// and what turns registers of chains where C is turned.
#pragma once
#include "../simd/transpose.h"
#include "../simd/vec.h"
#include "table.h"

TG_TARGET_BEGIN

// Rows whose chains are turned by exchanges within a few registers, and stored without masks.
template <class T>
constexpr int kDotTurnedRows = 4;
#if defined(TG_TARGET_AVX512)
template <>
constexpr int kDotTurnedRows<float> = 8;
#endif

// The column whose chain lane i of a register is, when the register has `count` columns. The upper
// half of the lanes are the last columns, and some columns have two lanes then; fewer columns than
// half a register repeat the last one.
template <class T>
TG_INLINE int64_t dotColumnOf(int64_t i, int64_t count) {
  constexpr int L = Reg<T>::lanes;
  if (count < L / 2) return i < count ? i : count - 1;
  return i < L / 2 ? i : i - L + count;
}

// Where chains start, in `count` columns from j on.
template <class T>
TG_NOINLINE void dotStart(const GemmDot<T>& d, int64_t j, int64_t count, Reg<T>* chains) {
  constexpr int L = Reg<T>::lanes;
  for (int64_t r = 0; r < d.m; ++r) {
    if (d.fresh) {
      chains[r] = splat<T>(d.bias ? d.bias[r] : T{0});
      continue;
    }
    T lanes[L];
    for (int i = 0; i < L; ++i) lanes[i] = d.c[r * d.cRow + j + dotColumnOf<T>(i, count)];
    chains[r] = load(lanes);
  }
}

template <class T>
TG_NOINLINE void dotStore(const GemmDot<T>& d, int64_t j, int64_t count, const Reg<T>* chains) {
  constexpr int L = Reg<T>::lanes;
  T* c = d.c + j;
  for (int64_t r = 0; r < d.m; ++r, c += d.cRow) {
    if (count == L) {
      store(c, chains[r]);
      continue;
    }
    T lanes[L];
    store(lanes, chains[r]);
    for (int i = 0; i < L; ++i) c[dotColumnOf<T>(i, count)] = lanes[i];
  }
}

// The chains of a register of columns of a turned C, whose values are contiguous there: square
// blocks are transposed back. One value after the other took longer than all products of 1092 x 2
// x 2.
template <class T>
TG_NOINLINE void dotStoreTurned(const GemmDot<T>& d, int64_t j, int64_t count,
                                const Reg<T>* chains) {
  constexpr int L = Reg<T>::lanes;
  for (int64_t r = 0; r < d.m; r += L) {
    Reg<T> block[L];
    // Rows that don't exist repeat the last one.
    TG_UNROLL for (int i = 0; i < L; ++i) block[i] = chains[r + i < d.m ? r + i : d.m - 1];
    transpose(block);
    T* to = d.c + j * d.cRow + r;
    TG_UNROLL for (int i = 0; i < L; ++i, to += d.cRow) {
      if (i >= count && count < L / 2) break;
      if (i == L / 2) to += (count - L) * d.cRow;  // as dotColumnOf has it
      storeFirst(to, block[i], d.m - r);
    }
  }
}

#if defined(TG_TARGET_AVX512) || defined(TG_TARGET_AVX2)
// No more chains than fit in 128 bits: as much of a block as they are.
template <class T, int R>
TG_NOINLINE void dotStoreFew(const GemmDot<T>& d, int64_t j, int64_t count, const Reg<T>* chains) {
  constexpr int kPart = 16 / static_cast<int>(sizeof(T));
  Reg<T> block[kPart];
  TG_UNROLL for (int i = 0; i < kPart; ++i) block[i] = chains[i < R ? i : R - 1];
#if defined(TG_TARGET_AVX512)
  // Columns that lie end to end are stored by whole registers.
  if constexpr (sizeof(T) == 4 && (R == 2 || R == 4)) {
    constexpr int L = Reg<T>::lanes;
    if (d.cRow == R && count == L) {
      if constexpr (R == 2) {
        joinInOrder(block[0], block[1]);
      } else {
        transposeWithin128(block);
        transposeParts(block[0], block[1], block[2], block[3]);
      }
      TG_UNROLL for (int i = 0; i < R; ++i) store(d.c + j * R + i * L, block[i]);
      return;
    }
  }
#endif
  transposeWithin128(block);
  // Column q + i is part q / kPart of block[i].
  T* const c = d.c + j * d.cRow;
  TG_UNROLL for (int q = 0; q < Reg<T>::lanes; q += kPart) {
    TG_UNROLL for (int i = 0; i < kPart; ++i) {
      storeFirst(c + dotColumnOf<T>(q + i, count) * d.cRow, block[i], R);
      block[i] = rotatedParts(block[i]);
    }
  }
}
#endif

#if defined(TG_TARGET_AVX512)
// No more chains than fit in 256 bits, of a full register of columns whose values lie end to end:
// what a store writes beyond its column, the next one replaces. 1999 x 7 times six columns took 4.3
// us by masks, 2.8 so.
template <int R>
TG_NOINLINE void dotStoreEight(const GemmDot<float>& d, int64_t j, const RegF* chains) {
  RegF block[8];
  TG_UNROLL for (int i = 0; i < 8; ++i) block[i] = chains[i < R ? i : R - 1];
  transposeEight(block);
  float* const c = d.c + j * R;
  TG_UNROLL for (int i = 0; i < 8; ++i) storeLowHalf(c + i * R, block[i]);
  TG_UNROLL for (int i = 0; i < 7; ++i) storeHighHalf(c + (8 + i) * R, block[i]);
  const RegF last = {_mm512_shuffle_f32x4(block[7].v, block[7].v, 0xee)};
  storeFirst(c + 15 * R, last, R);
}
#endif

TG_TARGET_END
