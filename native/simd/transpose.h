// A square block of values transposed in registers: lane j of x[i] becomes lane i of x[j].
//
// Rounds of exchanges between registers whose numbers differ in one bit, doubling the distance; the
// first two stay within 128 bits (zip and zipPairs), the others move 128-bit parts.
#pragma once
#include "zip.h"

TG_TARGET_BEGIN

#if defined(TG_TARGET_SCALAR)

template <class T>
TG_INLINE void transpose(Reg<T> (&)[1]) {}  // one value

#else

// Rows 4i .. 4i + 3 of x: lane 4q + w of x[4i + c] becomes column 4q + c of row 4i + w.
template <int rows>
TG_INLINE void transposeWithin128(RegF (&x)[rows]) {
  TG_UNROLL for (int i = 0; i < rows; i += 4) {
    const RegF low01 = zipLow(x[i], x[i + 1]);
    const RegF high01 = zipHigh(x[i], x[i + 1]);
    const RegF low23 = zipLow(x[i + 2], x[i + 3]);
    const RegF high23 = zipHigh(x[i + 2], x[i + 3]);
    x[i] = zipLowPairs(low01, low23);
    x[i + 1] = zipHighPairs(low01, low23);
    x[i + 2] = zipLowPairs(high01, high23);
    x[i + 3] = zipHighPairs(high01, high23);
  }
}

// The same for pairs of rows of doubles.
template <int rows>
TG_INLINE void transposeWithin128(RegD (&x)[rows]) {
  TG_UNROLL for (int i = 0; i < rows; i += 2) {
    const RegD low = zipLow(x[i], x[i + 1]);
    x[i + 1] = zipHigh(x[i], x[i + 1]);
    x[i] = low;
  }
}

#if defined(TG_TARGET_AVX512)

// Lanes in reverse order.
TG_INLINE RegF reversed(RegF a) {
  const __m512i order = _mm512_setr_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  return {_mm512_permutexvar_ps(order, a.v)};
}
TG_INLINE RegD reversed(RegD a) {
  return {_mm512_permutexvar_pd(_mm512_setr_epi64(7, 6, 5, 4, 3, 2, 1, 0), a.v)};
}

// Parts 0 and 2 (even) or 1 and 3 (odd) of a, then the same of b.
TG_INLINE RegF evenParts(RegF a, RegF b) { return {_mm512_shuffle_f32x4(a.v, b.v, 0x88)}; }
TG_INLINE RegF oddParts(RegF a, RegF b) { return {_mm512_shuffle_f32x4(a.v, b.v, 0xdd)}; }
TG_INLINE RegD evenParts(RegD a, RegD b) { return {_mm512_shuffle_f64x2(a.v, b.v, 0x88)}; }
TG_INLINE RegD oddParts(RegD a, RegD b) { return {_mm512_shuffle_f64x2(a.v, b.v, 0xdd)}; }

// Parts 1, 2, 3, 0.
TG_INLINE RegF rotatedParts(RegF a) { return {_mm512_shuffle_f32x4(a.v, a.v, 0x39)}; }
TG_INLINE RegD rotatedParts(RegD a) { return {_mm512_shuffle_f64x2(a.v, a.v, 0x39)}; }

// Eight rows of sixteen values: lanes 0 to 7 of x[i] become column i, lanes 8 to 15 column 8 + i.
TG_INLINE void transposeEight(RegF (&x)[8]) {
  // Parts 0 and 2 (even) or 1 and 3 (odd) of both operands, in turns.
  const __m512i even = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
  const __m512i odd = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
  transposeWithin128(x);
  TG_UNROLL for (int c = 0; c < 4; ++c) {
    const __m512d a = _mm512_castps_pd(x[c].v), b = _mm512_castps_pd(x[4 + c].v);
    x[c] = {_mm512_castpd_ps(_mm512_permutex2var_pd(a, even, b))};
    x[4 + c] = {_mm512_castpd_ps(_mm512_permutex2var_pd(a, odd, b))};
  }
}
TG_INLINE void storeLowHalf(float* p, RegF a) { _mm256_storeu_ps(p, _mm512_castps512_ps256(a.v)); }
TG_INLINE void storeHighHalf(float* p, RegF a) {
  _mm256_storeu_ps(p, _mm512_extractf32x8_ps(a.v, 1));
}

// Part i of register c becomes part c of register i.
template <class T>
TG_INLINE void transposeParts(Reg<T>& a, Reg<T>& b, Reg<T>& c, Reg<T>& d) {
  const Reg<T> even01 = evenParts(a, b), odd01 = oddParts(a, b);
  const Reg<T> even23 = evenParts(c, d), odd23 = oddParts(c, d);
  a = evenParts(even01, even23);
  b = evenParts(odd01, odd23);
  c = oddParts(even01, even23);
  d = oddParts(odd01, odd23);
}

template <class T>
TG_INLINE void transpose(Reg<T> (&x)[Reg<T>::lanes]) {
  constexpr int kStep = Reg<T>::lanes / 4;  // values in 128 bits
  transposeWithin128(x);
  TG_UNROLL for (int c = 0; c < kStep; ++c) {
    transposeParts(x[c], x[kStep + c], x[2 * kStep + c], x[3 * kStep + c]);
  }
}

#elif defined(TG_TARGET_AVX2)

// Lanes in reverse order.
TG_INLINE RegF reversed(RegF a) {
  return {_mm256_permutevar8x32_ps(a.v, _mm256_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0))};
}
TG_INLINE RegD reversed(RegD a) { return {_mm256_permute4x64_pd(a.v, 0x1b)}; }

// The lower or upper 128 bits of a, then of b.
TG_INLINE RegF lowerParts(RegF a, RegF b) { return {_mm256_permute2f128_ps(a.v, b.v, 0x20)}; }
TG_INLINE RegF upperParts(RegF a, RegF b) { return {_mm256_permute2f128_ps(a.v, b.v, 0x31)}; }
TG_INLINE RegD lowerParts(RegD a, RegD b) { return {_mm256_permute2f128_pd(a.v, b.v, 0x20)}; }
TG_INLINE RegD upperParts(RegD a, RegD b) { return {_mm256_permute2f128_pd(a.v, b.v, 0x31)}; }

// The upper 128 bits, then the lower ones.
TG_INLINE RegF rotatedParts(RegF a) { return {_mm256_permute2f128_ps(a.v, a.v, 0x01)}; }
TG_INLINE RegD rotatedParts(RegD a) { return {_mm256_permute2f128_pd(a.v, a.v, 0x01)}; }

template <class T>
TG_INLINE void transpose(Reg<T> (&x)[Reg<T>::lanes]) {
  constexpr int kHalf = Reg<T>::lanes / 2;
  transposeWithin128(x);
  TG_UNROLL for (int c = 0; c < kHalf; ++c) {
    const Reg<T> lower = lowerParts(x[c], x[kHalf + c]);
    x[kHalf + c] = upperParts(x[c], x[kHalf + c]);
    x[c] = lower;
  }
}

#else

// Lanes in reverse order.
TG_INLINE RegF reversed(RegF a) {
  const float32x4_t pairs = vrev64q_f32(a.v);
  return {vextq_f32(pairs, pairs, 2)};
}
TG_INLINE RegD reversed(RegD a) { return {vextq_f64(a.v, a.v, 1)}; }

template <class T>
TG_INLINE void transpose(Reg<T> (&x)[Reg<T>::lanes]) {
  transposeWithin128(x);
}

#endif
#endif

// Multiples of the distance between rows of memory, in bytes, as a CPU's addressing modes take
// them: eight rows are reached from one address with four registers.
struct RowSteps {
  int64_t one, three, five, seven;
};

template <class T>
TG_INLINE RowSteps rowSteps(int64_t elements) {
  const int64_t bytes = elements * static_cast<int64_t>(sizeof(T));
  return {bytes, 3 * bytes, 5 * bytes, 7 * bytes};
}

// The same numbers, unknown to the compiler: it would otherwise keep the address of every row that
// a loop reads, more than there are registers.
TG_INLINE RowSteps hidden(RowSteps s) {
#if !defined(_MSC_VER) || defined(__clang__)
  asm volatile("" : "+r"(s.one), "+r"(s.three), "+r"(s.five), "+r"(s.seven));
#endif
  return s;
}

// The same number, unknown to the compiler.
TG_INLINE int64_t hidden(int64_t n) {
#if !defined(_MSC_VER) || defined(__clang__)
  asm volatile("" : "+r"(n));
#endif
  return n;
}

// The same address: what is read from it is then read again, and not kept in a register.
template <class T>
TG_INLINE const T* hidden(const T* p) {
#if !defined(_MSC_VER) || defined(__clang__)
  asm volatile("" : "+r"(p));
#endif
  return p;
}

// Registers of consecutive rows, the first at p.
template <int rows, class T>
TG_INLINE void loadRows(const T* p, const RowSteps& s, Reg<T>* x) {
  const char* row = reinterpret_cast<const char*>(p);
  const auto at = [](const char* from) { return load(reinterpret_cast<const T*>(from)); };
  TG_UNROLL for (int i = 0; i < rows; i += 8, row += 8 * s.one) {
    x[i] = at(row);
    if constexpr (rows >= 2) x[i + 1] = at(row + s.one);
    if constexpr (rows >= 4) {
      x[i + 2] = at(row + 2 * s.one);
      x[i + 3] = at(row + s.three);
    }
    if constexpr (rows >= 8) {
      x[i + 4] = at(row + 4 * s.one);
      x[i + 5] = at(row + s.five);
      x[i + 6] = at(row + 2 * s.three);
      x[i + 7] = at(row + s.seven);
    }
  }
}

// The square block that starts at p, transposed. A block that is loaded at its own place in the
// code, and not by a function that others call too, has load instructions that step through memory
// evenly, which is what the CPU foresees best: 1 x 784 x 128 with B contiguous along k went from 34
// to 46 GFLOP/s by that alone.
template <class T>
TG_INLINE void loadTransposed(const T* p, const RowSteps& s, Reg<T> (&x)[Reg<T>::lanes]) {
  loadRows<Reg<T>::lanes>(p, s, x);
  transpose(x);
}

// The same of a block whose lower half of rows starts elsewhere.
template <class T>
TG_INLINE void loadTransposed(const T* p, const T* lower, const RowSteps& s,
                              Reg<T> (&x)[Reg<T>::lanes]) {
  constexpr int kHalf = Reg<T>::lanes / 2;
  if constexpr (kHalf > 0) loadRows<kHalf>(p, s, x);
  loadRows<Reg<T>::lanes - kHalf>(lower, s, x + kHalf);
  transpose(x);
}

#if defined(TG_TARGET_AVX512)

// Eight columns of the block that starts at p. Lane i of x[c] becomes column c of row i.
TG_INLINE void loadEightColumns(const double* p, const RowSteps& s, RegD (&x)[8]) {
  loadTransposed(p, s, x);
}

// Of sixteen rows: row i shares a register with row i + 4, and their halves are parted again by the
// exchanges of 128-bit parts.
TG_INLINE void loadEightColumns(const float* p, const RowSteps& s, RegF (&x)[8]) {
  const char* row = reinterpret_cast<const char*>(p);
  const auto at = [](const char* from) {
    return _mm256_castps_pd(_mm256_loadu_ps(reinterpret_cast<const float*>(from)));
  };
  const auto pair = [&](const char* from) {
    const __m512d low = _mm512_castpd256_pd512(at(from));
    return RegF{_mm512_castpd_ps(_mm512_insertf64x4(low, at(from + 4 * s.one), 1))};
  };
  TG_UNROLL for (int i = 0; i < 8; i += 4, row += 8 * s.one) {
    x[i] = pair(row);
    x[i + 1] = pair(row + s.one);
    x[i + 2] = pair(row + 2 * s.one);
    x[i + 3] = pair(row + s.three);
  }
  transposeWithin128(x);
  TG_UNROLL for (int c = 0; c < 4; ++c) {
    const RegF even = evenParts(x[c], x[4 + c]);
    x[4 + c] = oddParts(x[c], x[4 + c]);
    x[c] = even;
  }
}

// Four columns of the sixteen rows that start at p. Parts of 128 bits are put together while they
// are loaded, by masks, which don't take the pipelines of shuffles.
TG_INLINE void loadFourColumns(const float* p, int64_t rowStep, RegF (&x)[4]) {
  TG_UNROLL for (int i = 0; i < 4; ++i) x[i] = {_mm512_setzero_ps()};
  TG_UNROLL for (int q = 0; q < 4; ++q) {
    TG_UNROLL for (int i = 0; i < 4; ++i, p += rowStep) {
      const auto part = static_cast<__mmask16>(0xf << 4 * q);
      x[i] = {_mm512_mask_broadcast_f32x4(x[i].v, part, _mm_loadu_ps(p))};
    }
  }
  transposeWithin128(x);
}

#endif

TG_TARGET_END
