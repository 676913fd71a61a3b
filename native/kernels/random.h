// Random numbers from Philox4x32-10 (Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy
// as 1, 2, 3", SC11): a position in the stream gives four words by ten rounds of multiplication and
// exclusive or, so any part of the stream can be computed alone, on any thread.
//
// Sixteen positions are computed side by side, one to a lane. Lane l holds position
//   first + 4 * (l % 4) + l / 4,
// because the 4 x 4 transposes of interleave4 then leave the words in stream order.
#pragma once
#include <string.h>

#include "../simd/interleave.h"
#include "../simd/math.h"
#include "../simd/u32.h"
#include "table.h"

TG_TARGET_BEGIN

constexpr int kPositions = 16;  // positions of a block: lanes of a U32Vec
static_assert(kPositions == kU32Lanes, "one position to a lane");

constexpr uint32_t kPositionOfLane[kPositions] = {0, 4, 8,  12, 1, 5, 9,  13,
                                                  2, 6, 10, 14, 3, 7, 11, 15};

// The generator's constants, from the paper (table 2 of it: multipliers; section 4.3: Weyl steps).
constexpr uint32_t kPhiloxMultiplier0 = 0xD2511F53u;
constexpr uint32_t kPhiloxMultiplier1 = 0xCD9E8D57u;
constexpr uint32_t kPhiloxWeyl0 = 0x9E3779B9u;  // golden ratio
constexpr uint32_t kPhiloxWeyl1 = 0xBB67AE85u;  // sqrt(3) - 1
constexpr int kPhiloxRounds = 10;

// words[w] = word w of positions first + kPositionOfLane, modulo 2^64.
TG_INLINE void philoxBlock(uint64_t key, uint64_t first, U32Vec (&words)[4]) {
  U32Vec c0, c1;
  const uint32_t low = static_cast<uint32_t>(first);
  const uint32_t high = static_cast<uint32_t>(first >> 32);
  if (low <= 0xFFFFFFFFu - (kPositions - 1)) {
    c0 = iadd(usplat(low), uload(kPositionOfLane));
    c1 = usplat(high);
  } else {  // the low words wrap inside this block
    uint32_t lows[kPositions], highs[kPositions];
    for (int l = 0; l < kPositions; ++l) {
      const uint64_t position = first + kPositionOfLane[l];
      lows[l] = static_cast<uint32_t>(position);
      highs[l] = static_cast<uint32_t>(position >> 32);
    }
    c0 = uload(lows);
    c1 = uload(highs);
  }
  U32Vec c2 = usplat(0), c3 = usplat(0);
  uint32_t key0 = static_cast<uint32_t>(key), key1 = static_cast<uint32_t>(key >> 32);
  const U32Vec m0 = usplat(kPhiloxMultiplier0), m1 = usplat(kPhiloxMultiplier1);
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const U32Vec high0 = mulHi(m0, c0), low0 = mulLo(m0, c0);
    const U32Vec high1 = mulHi(m1, c2), low1 = mulLo(m1, c2);
    c0 = ixor(ixor(high1, c1), usplat(key0));
    c1 = low1;
    c2 = ixor(ixor(high0, c3), usplat(key1));
    c3 = low0;
    key0 += kPhiloxWeyl0;
    key1 += kPhiloxWeyl1;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

// A distribution turns two uniform numbers of [0, 1), neighbours in the stream, into two values.
template <class T>
struct UniformPair {
  TG_INLINE void apply(const UniformPair&, Vec<T>&, Vec<T>&) {}
};

// Box and Muller (1958). 1 - u is exact and never 0, so the logarithm is finite; the largest
// magnitude is sqrt(-2 log 2^-24) = 5.8 in float32, sqrt(-2 log 2^-53) = 8.6 in float64.
template <class T>
struct NormalPair {
  TG_INLINE void apply(const NormalPair&, Vec<T>& a, Vec<T>& b) {
    const Vec<T> logarithm = log(sub(vsplat<T>(1), a));
    const Vec<T> radius = sqrt(mul(vsplat<T>(-2), logarithm));
    Vec<T> sine, cosine;
    sinCos2Pi(b, sine, cosine);
    a = mul(radius, cosine);
    b = mul(radius, sine);
  }
};

// 0 where u < p, otherwise scale.
template <class T>
struct DropoutPair {
  Vec<T> p, scale;
  TG_INLINE Vec<T> mask(const DropoutPair& d, Vec<T> u) {
    return select(lt(u, d.p), vsplat<T>(0), d.scale);
  }
  TG_INLINE void apply(const DropoutPair& d, Vec<T>& a, Vec<T>& b) {
    a = mask(d, a);
    b = mask(d, b);
  }
};

// The values of sixteen positions in stream order: 4 float32 values a position, from a word each.
template <class Distribution>
TG_INLINE void randomBlock(const Distribution& distribution, const U32Vec (&words)[4], float* y) {
  Vec<float> v[4];
  for (int w = 0; w < 4; ++w) v[w] = toUnitFloat(words[w]);
  Distribution::apply(distribution, v[0], v[1]);
  Distribution::apply(distribution, v[2], v[3]);
  interleave4(v);
  for (int w = 0; w < 4; ++w) store(y + w * kLanes<float>, v[w]);
}

// 2 float64 values a position: words 0 and 1 are the high and low part of one, 2 and 3 of the
// other.
template <class Distribution>
TG_INLINE void randomBlock(const Distribution& distribution, const U32Vec (&words)[4], double* y) {
  constexpr int kWidth = kLanes<double>;
  Vec<double> a[2], b[2];
  toUnitDouble(words[0], words[1], a[0], a[1]);
  toUnitDouble(words[2], words[3], b[0], b[1]);
  double first[kPositions], second[kPositions];
  for (int half = 0; half < 2; ++half) {
    Distribution::apply(distribution, a[half], b[half]);
    store(first + half * kWidth, a[half]);
    store(second + half * kWidth, b[half]);
  }
  for (int l = 0; l < kPositions; ++l) {
    y[2 * kPositionOfLane[l]] = first[l];
    y[2 * kPositionOfLane[l] + 1] = second[l];
  }
}

template <class T, class Distribution>
TG_INLINE void randomFill(int64_t n, uint64_t key, uint64_t first, T* y,
                          const Distribution& distribution) {
  constexpr int64_t kValues = kPositions * kPhiloxValues<T>;
  U32Vec words[4];
  int64_t i = 0;
  for (; i + kValues <= n; i += kValues, first += kPositions) {
    philoxBlock(key, first, words);
    randomBlock(distribution, words, y + i);
  }
  if (i < n) {
    T rest[kValues];
    philoxBlock(key, first, words);
    randomBlock(distribution, words, rest);
    memcpy(y + i, rest, static_cast<size_t>(n - i) * sizeof(T));
  }
}

template <class T>
void uniformKernel(int64_t n, uint64_t key, uint64_t first, T* y) {
  randomFill(n, key, first, y, UniformPair<T>());
}

template <class T>
void normalKernel(int64_t n, uint64_t key, uint64_t first, T* y) {
  randomFill(n, key, first, y, NormalPair<T>());
}

template <class T>
void dropoutMaskKernel(int64_t n, uint64_t key, uint64_t first, double p, T* y) {
  DropoutPair<T> distribution;
  distribution.p = vsplat<T>(static_cast<T>(p));
  distribution.scale = vsplat<T>(static_cast<T>(1 / (1 - p)));
  randomFill(n, key, first, y, distribution);
}

template <class T>
constexpr RandomKernels<T> randomKernels() {
  return {uniformKernel<T>, normalKernel<T>, dropoutMaskKernel<T>};
}

TG_TARGET_END
