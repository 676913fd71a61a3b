// Elements that move and nothing else, told apart by their size only: transposed, reversed, in
// turns and repeated.
#pragma once
#include <string.h>

#include "../simd/bytes.h"
#include "../simd/independent.h"
#include "../simd/transpose.h"
#include "table.h"

TG_TARGET_BEGIN

#if defined(TG_TARGET_SCALAR)

// One element.
template <class Bits>
struct Square {
  static constexpr int size = 1;
  static constexpr bool hasParts = false;

  TG_INLINE void transpose(const Bits* x, int64_t, Bits* y, int64_t) { *y = *x; }
  TG_INLINE void reverse(const Bits* x, Bits* y) { *y = *x; }
};

#else

// As many rows as a register has elements, here of 1 or 2 bytes in 128 bits.
template <class Bits>
struct Square {
  static constexpr int size = kBytes / sizeof(Bits);
  static constexpr bool hasParts = false;

  // Each round puts lanes of registers half the square apart beside each other, which doubles how
  // many of a column are neighbours.
  TG_INLINE void transpose(const Bits* x, int64_t xCol, Bits* y, int64_t yRow) {
    constexpr int kWidth = sizeof(Bits);
    Bytes a[size], b[size];
    TG_UNROLL for (int i = 0; i < size; ++i) a[i] = loadBytes(x + i * xCol);
    TG_UNROLL for (int apart = 1; apart < size; apart *= 2) {
      TG_UNROLL for (int i = 0; i < size / 2; ++i) {
        b[2 * i] = zipLow<kWidth>(a[i], a[i + size / 2]);
        b[2 * i + 1] = zipHigh<kWidth>(a[i], a[i + size / 2]);
      }
      TG_UNROLL for (int i = 0; i < size; ++i) a[i] = b[i];
    }
    TG_UNROLL for (int i = 0; i < size; ++i) storeBytes(y + i * yRow, a[i]);
  }

  // As words of 64 bits, whose parts change places: compilers know that as one instruction.
  TG_INLINE void reverse(const Bits* x, Bits* y) {
    uint64_t words[2];
    memcpy(words, x, sizeof words);
    for (uint64_t& word : words) {
      word = word << 32 | word >> 32;
      word = (word & 0x0000ffff0000ffff) << 16 | (word >> 16 & 0x0000ffff0000ffff);
      if (sizeof(Bits) == 1) {
        word = (word & 0x00ff00ff00ff00ff) << 8 | (word >> 8 & 0x00ff00ff00ff00ff);
      }
    }
    const uint64_t reversed[2] = {words[1], words[0]};
    memcpy(y, reversed, sizeof reversed);
  }
};

#if defined(TG_TARGET_AVX512)

// A part of a square, by masks. Where x has no more columns the last one stands for them.
template <class T>
void transposePart(int64_t rows, int64_t cols, const T* x, int64_t xCol, T* y, int64_t yRow) {
  constexpr int kSize = Reg<T>::lanes;
  Reg<T> a[kSize];
  TG_UNROLL for (int j = 0; j < kSize; ++j) {
    a[j] = loadFirst(x, rows);
    x += j + 1 < cols ? xCol : 0;
  }
  transpose(a);
  TG_UNROLL for (int i = 0; i < kSize; ++i) {
    if (i < rows) storeFirst(y + i * yRow, a[i], cols);
  }
}

// Up to 8 columns of 16 rows of floats take less than half of a square's exchanges: 8 channels of
// images from planes to pixels. The upper halves are taken as doubles: of an extraction of floats
// and a masked store of floats GCC 12 makes one instruction, vextractf32x8, which faults for
// elements that the mask leaves out (exceptions of type E6NF), and those of the last row may lie
// beyond the end of memory.
inline void transposeNarrow(int64_t cols, const float* x, int64_t xCol, float* y, int64_t yRow) {
  RegF a[8];
  TG_UNROLL for (int j = 0; j < 8; ++j) {
    a[j] = load(x);
    x += j + 1 < cols ? xCol : 0;
  }
  transposeEight(a);
  const auto part = static_cast<__mmask8>((1u << cols) - 1);
  TG_UNROLL for (int i = 0; i < 8; ++i, y += yRow) {
    _mm256_mask_storeu_ps(y, part, _mm512_castps512_ps256(a[i].v));
    const __m256d high = _mm512_extractf64x4_pd(_mm512_castps_pd(a[i].v), 1);
    _mm256_mask_storeu_ps(y + 8 * yRow, part, _mm256_castpd_ps(high));
  }
}

// And 8 rows of 16 columns, the way back.
inline void transposeLow(const float* x, int64_t xCol, float* y, int64_t yRow) {
  RegF a[8];
  loadEightColumns(x, rowSteps<float>(xCol), a);
  TG_UNROLL for (int i = 0; i < 8; ++i) store(y + i * yRow, a[i]);
}

#endif

// Of 4 or 8 bytes in the level's registers, as floats of that size.
template <class Bits, class T>
struct SquareAs {
  static constexpr int size = Reg<T>::lanes;
#if defined(TG_TARGET_AVX512)
  static constexpr bool hasParts = true;

  // The first rows and columns of a square.
  TG_NOINLINE static void part(int64_t rows, int64_t cols, const Bits* x, int64_t xCol, Bits* y,
                               int64_t yRow) {
    const T* const from = reinterpret_cast<const T*>(x);
    T* const to = reinterpret_cast<T*>(y);
    if constexpr (sizeof(T) == 4) {
      if (rows == size && cols <= 8) return transposeNarrow(cols, from, xCol, to, yRow);
      if (rows == 8 && cols == size) return transposeLow(from, xCol, to, yRow);
    }
    transposePart(rows, cols, from, xCol, to, yRow);
  }
#else
  // Only AVX-512 has masked stores that are faster than elements one by one.
  static constexpr bool hasParts = false;
#endif

  TG_INLINE void transpose(const Bits* x, int64_t xCol, Bits* y, int64_t yRow) {
    Reg<T> a[size];
    loadTransposed(reinterpret_cast<const T*>(x), rowSteps<T>(xCol), a);
    TG_UNROLL for (int i = 0; i < size; ++i) store(reinterpret_cast<T*>(y + i * yRow), a[i]);
  }

  TG_INLINE void reverse(const Bits* x, Bits* y) {
    store(reinterpret_cast<T*>(y), reversed(load(reinterpret_cast<const T*>(x))));
  }
};

template <>
struct Square<uint32_t> : SquareAs<uint32_t, float> {};
template <>
struct Square<uint64_t> : SquareAs<uint64_t, double> {};

#endif

// y[i * yRow + j] = x[i + j * xCol] for i < rows, j < cols. Squares that share cache lines come one
// after the other: first those along a line of y, which is written at once, then along those of x.
template <class Bits>
void transposeTile(int64_t rows, int64_t cols, const Bits* x, int64_t xCol, Bits* y, int64_t yRow) {
  constexpr int64_t kSize = Square<Bits>::size, kLine = 64 / sizeof(Bits);
  const int64_t wholeRows = rows / kSize * kSize, wholeCols = cols / kSize * kSize;
  for (int64_t line = 0; line < wholeCols; line += kLine) {
    const int64_t end = line + kLine < wholeCols ? line + kLine : wholeCols;
    for (int64_t i = 0; i < wholeRows; i += kSize) {
      for (int64_t j = line; j < end; j += kSize) {
        Square<Bits>::transpose(x + i + j * xCol, xCol, y + i * yRow + j, yRow);
      }
    }
  }
  if constexpr (Square<Bits>::hasParts) {
    for (int64_t i = 0; i < rows && wholeCols < cols; i += kSize) {
      Square<Bits>::part(rows - i < kSize ? rows - i : kSize, cols - wholeCols,
                         x + i + wholeCols * xCol, xCol, y + i * yRow + wholeCols, yRow);
    }
    for (int64_t j = 0; j < wholeCols && wholeRows < rows; j += kSize) {
      Square<Bits>::part(rows - wholeRows, kSize, x + wholeRows + j * xCol, xCol,
                         y + wholeRows * yRow + j, yRow);
    }
  } else {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = i < wholeRows ? wholeCols : 0; j < cols; ++j) {
        y[i * yRow + j] = x[i + j * xCol];
      }
    }
  }
}

// y[i] = x[-i] for i < n.
template <class Bits>
void reverseElements(int64_t n, const Bits* x, Bits* y) {
  constexpr int64_t kSize = Square<Bits>::size;
  int64_t i = 0;
  for (; i + kSize <= n; i += kSize) Square<Bits>::reverse(x - i - (kSize - 1), y + i);
  for (; i < n; ++i) y[i] = x[-i];
}

// y[i] = x[2 i] for i < n.
template <class Bits>
void everySecond(int64_t n, const Bits* x, Bits* y) {
  TG_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = x[2 * i];
}

// Both halves of pairs, so that a vector of pairs is read whole: every second element by itself
// ends one by one, which of rows of 16 is all of them.
template <class Bits>
void splitPairs(int64_t rows, int64_t n, const Bits* x, int64_t xRow, Bits* y, Bits* z,
                int64_t yRow) {
  for (int64_t i = 0; i < rows; ++i, x += xRow, y += yRow, z += yRow) {
    TG_INDEPENDENT
    for (int64_t j = 0; j < n; ++j) {
      y[j] = x[2 * j];
      z[j] = x[2 * j + 1];
    }
  }
}

// y[2 i] = a[i * aStep], y[2 i + 1] = b[i * bStep] for i < n. What has a step of 0 is read from a
// block that is full of it. 128 bits at a time: the results are stored at the rate at which the
// second-level cache takes them.
template <class Bits>
void interleave(int64_t n, const Bits* a, int64_t aStep, const Bits* b, int64_t bStep, Bits* y) {
  constexpr int64_t kCount = kBytes / sizeof(Bits);
  constexpr int kWidth = sizeof(Bits);
  if (n <= 0) return;  // a step of 0 is read before the loop
  Bits blocks[2][kCount];
  TG_INDEPENDENT
  for (int64_t i = 0; i < kCount; ++i) blocks[0][i] = *a;
  TG_INDEPENDENT
  for (int64_t i = 0; i < kCount; ++i) blocks[1][i] = *b;
  if (aStep == 0) a = blocks[0];
  if (bStep == 0) b = blocks[1];
  for (; n >= kCount; n -= kCount, y += 2 * kCount) {
    const Bytes left = loadBytes(a), right = loadBytes(b);
    storeBytes(y, zipLow<kWidth>(left, right));
    storeBytes(y + kCount, zipHigh<kWidth>(left, right));
    a += aStep * kCount;
    b += bStep * kCount;
  }
  TG_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) {
    y[2 * i] = a[i * aStep];
    y[2 * i + 1] = b[i * bStep];
  }
}

// y = pattern, again and again. y may lie anywhere: bytes are copied, which compilers do by
// registers.
inline void repeatPattern(int64_t bytes, const float* pattern, void* y) {
  constexpr int64_t kPattern = 64, kUnroll = 4;
  const Vec<float> v = vload<float>(pattern);
  char* to = static_cast<char*>(y);
  for (; bytes >= kUnroll * kPattern; bytes -= kUnroll * kPattern) {
    for (int u = 0; u < kUnroll; ++u, to += kPattern) memcpy(to, &v, kPattern);
  }
  for (; bytes > 0; bytes -= kPattern, to += kPattern) {
    memcpy(to, pattern, static_cast<size_t>(bytes < kPattern ? bytes : kPattern));
  }
}

// Rows of at least `unit` bytes; the last copy of a row may overlap the one before it.
template <int unit>
void copyRowsBy(int64_t rows, int64_t bytes, const char* x, int64_t xRow, char* y, int64_t yRow) {
  const int64_t last = bytes - unit;
  for (int64_t i = 0; i < rows; ++i, x += xRow, y += yRow) {
    for (int64_t at = 0; at < last; at += unit) memcpy(y + at, x + at, unit);
    memcpy(y + last, x + last, unit);
  }
}

// Steps are in bytes. Short rows cost a call of the C library's function more than they take: its
// first steps find out how long they are, which here is done once for all of them.
inline void copyRows(int64_t rows, int64_t bytes, const void* from, int64_t xRow, void* to,
                     int64_t yRow) {
  const char* const x = static_cast<const char*>(from);
  char* const y = static_cast<char*>(to);
  if (bytes >= 64) return copyRowsBy<64>(rows, bytes, x, xRow, y, yRow);
  if (bytes >= 32) return copyRowsBy<32>(rows, bytes, x, xRow, y, yRow);
  if (bytes >= 16) return copyRowsBy<16>(rows, bytes, x, xRow, y, yRow);
  if (bytes >= 8) return copyRowsBy<8>(rows, bytes, x, xRow, y, yRow);
  if (bytes >= 4) return copyRowsBy<4>(rows, bytes, x, xRow, y, yRow);
  copyRowsBy<1>(rows, bytes, x, xRow, y, yRow);
}

// An element in all lanes. Those of one and two bytes become words in an integer register, which
// takes longer than reading an element into all lanes does (rows of 3 floats: 1.5 times as long).
TG_INLINE Vec<float> splatBits(const uint32_t* x) {
  float value;
  memcpy(&value, x, sizeof value);
  return vsplat<float>(value);
}
TG_INLINE Vec<double> splatBits(const uint64_t* x) {
  double value;
  memcpy(&value, x, sizeof value);
  return vsplat<double>(value);
}
template <class Bits>
TG_INLINE IVec<float> splatBits(const Bits* x) {
  constexpr uint32_t kEach = ~uint32_t{0} / static_cast<Bits>(~Bits{0});  // a one for each element
  return visplat<float>(*x * kEach);
}

// Whole vectors, of which the next row overwrites what is too much. y may lie anywhere: bytes are
// copied, which compilers do by registers.
template <class Bits>
void spreadRows(int64_t rows, int64_t n, const Bits* x, int64_t xRow, Bits* y) {
  constexpr int64_t kVector = 64;
  const int64_t bytes = n * static_cast<int64_t>(sizeof(Bits));
  char* to = reinterpret_cast<char*>(y);
  if (bytes <= kVector) {
    for (int64_t i = 0; i < rows; ++i, x += xRow, to += bytes) {
      const auto value = splatBits(x);
      memcpy(to, &value, kVector);
    }
    return;
  }
  for (int64_t i = 0; i < rows; ++i, x += xRow, to += bytes) {
    const auto value = splatBits(x);
    for (int64_t at = 0; at < bytes; at += kVector) memcpy(to + at, &value, kVector);
  }
}

template <class Bits>
constexpr MoveKernels<Bits> moveKernels() {
  return {transposeTile<Bits>, reverseElements<Bits>, everySecond<Bits>, interleave<Bits>,
          spreadRows<Bits>};
}

constexpr MoveTables moveTables() {
  return {moveKernels<uint8_t>(),  moveKernels<uint16_t>(),
          moveKernels<uint32_t>(), moveKernels<uint64_t>(),
          splitPairs<uint32_t>,    splitPairs<uint64_t>,
          repeatPattern,           copyRows};
}

TG_TARGET_END
