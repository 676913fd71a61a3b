// Distributions: what becomes of the words of the stream (philox.h), a batch of blocks at a time.
#pragma once
#include <string.h>

#include "../simd/math.h"
#include "philox.h"
#include "quantile.h"
#include "table.h"

TG_TARGET_BEGIN

// Blocks of a batch: 4 KB of words, which stay in the first-level cache with what becomes of them.
constexpr int64_t kBatchBlocks = 16;
constexpr int64_t kBatchWords = kBatchBlocks * kBlockWords;

// Words of a value.
template <class T>
constexpr int64_t kWords = sizeof(T) / sizeof(uint32_t);

// The next kLanes<T> numbers of [0, 1).
template <class T>
TG_INLINE Vec<T> unitAt(const uint32_t* words) {
  if constexpr (sizeof(T) == 4) {
    return toUnitFloat(uload(words));
  } else {
    return toUnitDouble(uloadPairs(words));
  }
}

// Calls f(i, count, words) for the values [i, i + count) in batches.
template <class T, class F>
TG_INLINE void inBatches(int64_t n, uint64_t key, uint64_t first, const F& f) {
  constexpr int64_t kValues = kBatchWords / kWords<T>;
  uint32_t words[kBatchWords];
  for (int64_t i = 0; i < n; i += kValues, first += kBatchBlocks * kBlockPositions) {
    const int64_t count = n - i < kValues ? n - i : kValues;
    philoxWords((count * kWords<T> + kBlockWords - 1) / kBlockWords, key, first, words);
    f(i, count, words);
  }
}

// y[i] = F::apply(f, u, x[i]) from one uniform number each; without an x, of u alone.
template <class T, class F>
TG_INLINE void drawEach(int64_t n, uint64_t key, uint64_t first, const F& f, const T* x, T* y) {
  constexpr int64_t kWidth = kLanes<T>;
  inBatches<T>(n, key, first,
               [&](int64_t begin, int64_t count, const uint32_t* words) TG_INLINE_LAMBDA {
                 const T* const from = x ? x + begin : nullptr;
                 T* const to = y + begin;
                 int64_t i = 0;
                 for (; i + kWidth <= count; i += kWidth) {
                   const Vec<T> u = unitAt<T>(words + i * kWords<T>);
                   store(to + i, F::apply(f, u, F::takesInput ? vload<T>(from + i) : u));
                 }
                 if (i < count) {  // the words of the whole block are there
                   const Vec<T> u = unitAt<T>(words + i * kWords<T>);
                   const Vec<T> in = F::takesInput ? vloadFirst<T>(from + i, count - i) : u;
                   storeFirst(to + i, F::apply(f, u, in), count - i);
                 }
               });
}

template <class T>
struct Affine {
  static constexpr bool takesInput = false;
  Vec<T> scale, shift;
  TG_INLINE Affine make(double scale, double shift) {
    return {vsplat<T>(static_cast<T>(scale)), vsplat<T>(static_cast<T>(shift))};
  }
  TG_INLINE Vec<T> apply(const Affine& f, Vec<T> u, Vec<T>) {
    return add(mul(u, f.scale), f.shift);
  }
};

// 1 - u is exact; -log(1 - u) is 0 for u = 0 only, which stands for [0, step): its mean instead.
template <class T>
struct Exponential {
  static constexpr bool takesInput = false;
  Vec<T> scale;
  TG_INLINE Vec<T> apply(const Exponential& f, Vec<T> u, Vec<T>) {
    constexpr T halfStep = sizeof(T) == 4 ? T(0x1p-25) : T(0x1p-54);
    const Vec<T> value = neg(logNormal(sub(vsplat<T>(1), u)));
    return mul(max(value, vsplat<T>(halfStep)), f.scale);
  }
};

template <class T>
struct Bernoulli {
  static constexpr bool takesInput = true;
  TG_INLINE Vec<T> apply(const Bernoulli&, Vec<T> u, Vec<T> p) {
    return select(lt(u, p), vsplat<T>(1), vsplat<T>(0));
  }
};

template <class T>
struct BernoulliOf {
  static constexpr bool takesInput = false;
  Vec<T> p;
  TG_INLINE Vec<T> apply(const BernoulliOf& f, Vec<T> u, Vec<T>) {
    return select(lt(u, f.p), vsplat<T>(1), vsplat<T>(0));
  }
};

template <class T>
struct Dropout {
  static constexpr bool takesInput = true;
  Vec<T> p, scale, kept, dropped;
  TG_INLINE Vec<T> apply(const Dropout& f, Vec<T> u, Vec<T> x) {
    const VMask<T> drops = lt(u, f.p);
    return add(mul(x, select(drops, vsplat<T>(0), f.scale)), select(drops, f.dropped, f.kept));
  }
};

template <class T>
void uniformKernel(int64_t n, uint64_t key, uint64_t first, double scale, double shift, T* y) {
  drawEach<T>(n, key, first, Affine<T>::make(scale, shift), nullptr, y);
}

template <class T>
void exponentialKernel(int64_t n, uint64_t key, uint64_t first, double scale, T* y) {
  drawEach<T>(n, key, first, Exponential<T>{vsplat<T>(static_cast<T>(scale))}, nullptr, y);
}

template <class T>
void bernoulliKernel(int64_t n, uint64_t key, uint64_t first, const T* p, int64_t pStep, T* y) {
  if (n <= 0) return;  // a scalar is read before the loop
  if (pStep == 0) return drawEach<T>(n, key, first, BernoulliOf<T>{vsplat<T>(*p)}, nullptr, y);
  drawEach<T>(n, key, first, Bernoulli<T>(), p, y);
}

template <class T>
void dropoutKernel(int64_t n, uint64_t key, uint64_t first, const Dropping& d, const T* x, T* y) {
  const Dropout<T> f = {vsplat<T>(static_cast<T>(d.p)), vsplat<T>(static_cast<T>(d.scale)),
                        vsplat<T>(static_cast<T>(d.kept)), vsplat<T>(static_cast<T>(d.dropped))};
  drawEach<T>(n, key, first, f, x, y);
}

// Box and Muller (1958). 1 - u is exact and never 0, so the logarithm is finite; the largest
// magnitude is sqrt(-2 log 2^-24) = 5.8 in float32, sqrt(-2 log 2^-53) = 8.6 in float64.
template <class T>
TG_INLINE void boxMuller(Vec<T>& a, Vec<T>& b) {
  const Vec<T> logarithm = logNormal(sub(vsplat<T>(1), a));
  const Vec<T> radius = sqrt(mul(vsplat<T>(-2), logarithm));
  Vec<T> sine, cosine;
  sinCos2Pi(b, sine, cosine);
  a = mul(radius, cosine);
  b = mul(radius, sine);
}

// A block of words at a time: its two pairs of vectors hide each other's latencies.
template <class T>
void normalKernel(int64_t n, uint64_t key, uint64_t first, double scale, double shift, T* y) {
  constexpr int64_t kWidth = kLanes<T>;
  constexpr int64_t kBlock = 4 * kWidth;
  static_assert(kBlock * kWords<T> == kBlockWords, "four vectors to a block");
  const Affine<T> affine = Affine<T>::make(scale, shift);
  inBatches<T>(n, key, first,
               [&](int64_t begin, int64_t count, const uint32_t* words) TG_INLINE_LAMBDA {
                 for (int64_t i = 0; i < count; i += kBlock) {
                   Vec<T> v[4];
                   for (int k = 0; k < 4; ++k) {
                     v[k] = unitAt<T>(words + (i + k * kWidth) * kWords<T>);
                   }
                   for (int k = 0; k < 4; k += 2) {
                     splitPairs(v[k], v[k + 1]);
                     boxMuller(v[k], v[k + 1]);
                     joinPairs(v[k], v[k + 1]);
                   }
                   T values[kBlock];
                   T* const to = i + kBlock <= count ? y + begin + i : values;
                   for (int k = 0; k < 4; ++k) {
                     store(to + k * kWidth, Affine<T>::apply(affine, v[k], v[k]));
                   }
                   if (to == values) {
                     memcpy(y + begin + i, values, static_cast<size_t>(count - i) * sizeof(T));
                   }
                 }
               });
}

template <class T>
constexpr RandomKernels<T> randomKernels() {
  return {uniformKernel<T>, normalKernel<T>, exponentialKernel<T>, bernoulliKernel<T>,
          dropoutKernel<T>};
}

// The product of a 32-bit range with 64 random bits has 96; its upper 32 are the number, from the
// upper halves' product and the carry out of the sum of the lower two.
TG_INLINE U32Vec scaledTo(U32Vec range, U32Vec high, U32Vec low) {
  const U32Vec a = mulLo(high, range), b = mulHi(low, range), sum = iadd(a, b);
  // The carry is the majority of a's, b's and the inverted sum's top bits.
  const U32Vec all = usplat(0xFFFFFFFFu);
  const U32Vec carry = ior(iand(a, b), iand(ior(a, b), ixor(sum, all)));
  return iadd(mulHi(high, range), ishr<31>(carry));
}

inline void randintKernel(int64_t n, uint64_t key, uint64_t first, int32_t low, uint32_t range,
                          int32_t* y) {
  static_assert(kRandintValues == kU32Lanes, "one value to a lane");
  constexpr int64_t kPairWords = 2 * kRandintValues;
  constexpr int64_t kValues = kBatchWords / 2;
  uint32_t words[kBatchWords];
  for (int64_t i = 0; i < n; i += kValues, first += kBatchBlocks * kBlockPositions) {
    const int64_t count = n - i < kValues ? n - i : kValues;
    philoxWords((2 * count + kBlockWords - 1) / kBlockWords, key, first, words);
    for (int64_t j = 0; j < count; j += kRandintValues) {
      const uint32_t* const pair = words + j / kRandintValues * kPairWords;
      const U32Vec high = uload(pair), lower = uload(pair + kRandintValues);
      const U32Vec number = range == 0 ? high : scaledTo(usplat(range), high, lower);
      uint32_t values[kRandintValues];
      store(values, iadd(number, usplat(static_cast<uint32_t>(low))));
      if (j + kRandintValues <= count) {
        memcpy(y + i + j, values, sizeof values);
      } else {
        memcpy(y + i + j, values, static_cast<size_t>(count - j) * sizeof(int32_t));
      }
    }
  }
}

struct Truncated {
  static constexpr bool takesInput = false;
  Vec<double> pLow, pRange, scale, shift, low, high;
  TG_INLINE Vec<double> apply(const Truncated& t, Vec<double> u, Vec<double>) {
    const Vec<double> z = normalQuantile(add(mul(u, t.pRange), t.pLow));
    return min(max(add(mul(z, t.scale), t.shift), t.low), t.high);
  }
};

inline void truncatedNormalKernel(int64_t n, uint64_t key, uint64_t first, const Truncation& t,
                                  double* y) {
  const Truncated f = {vsplat(t.pLow),  vsplat(t.pHigh - t.pLow),
                       vsplat(t.scale), vsplat(t.shift),
                       vsplat(t.low),   vsplat(t.high)};
  drawEach<double>(n, key, first, f, nullptr, y);
}

constexpr StreamKernels streamKernels() {
  return {philoxWords, randintKernel, truncatedNormalKernel};
}

TG_TARGET_END
