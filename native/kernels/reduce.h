// Reductions. The order of accumulation is fixed and the same on every level and thread count:
//
// * A block of kReduceBlock contiguous values runs through 4 virtual vectors: value e of the block
// goes to
//   lane e % (4 * lanes) of the 4, in ascending order of e. The 4 combine as (0 + 2) + (1 + 3), the
//   lanes of the result by halves (lane i with lane i + lanes / 2, and so on).
// * A range longer than a block splits in two, the first part being the largest power-of-two number
//   of blocks that is less than the whole; the parts are reduced and then combined. So the error of
//   a sum grows like log n, and a caller that reduces aligned power-of-two groups of blocks by
//   itself and combines them by the same rule gets the same bits.
// * Over rows (columns reduced independently, reduce_rows.h), a block is kReduceRowBlock rows in 2
// chains, even and odd
//   rows counted from its first, combined as even + odd; more rows split as above.
#pragma once
#include "../simd/vec.h"
#include "per_lane.h"
#include "table.h"

TG_TARGET_BEGIN

// A reduction: the value that changes nothing, the combination of two partial results (vectors or
// registers), the earlier one first, and of a vector's lanes.
struct SumReduction {
  static constexpr bool asksForNan = false;
  template <class T>
  TG_INLINE Vec<T> identity() {
    return vsplat<T>(0);
  }
  template <class V>
  TG_INLINE V combine(V a, V b) {
    return add(a, b);
  }
  template <class T>
  TG_INLINE T fold(Vec<T> a) {
    return reduceAdd(a);
  }
};

struct ProdReduction {
  static constexpr bool asksForNan = false;
  template <class T>
  TG_INLINE Vec<T> identity() {
    return vsplat<T>(1);
  }
  template <class V>
  TG_INLINE V combine(V a, V b) {
    return mul(a, b);
  }
  template <class T>
  TG_INLINE T fold(Vec<T> a) {
    return reduceMul(a);
  }
};

struct MaxReduction {
  static constexpr bool asksForNan = true;  // `combineNumbers` is `combine` where there is no NaN
  template <class T>
  TG_INLINE Vec<T> identity() {
    return fromBits(visplat<T>(Format<T>::infinity | Format<T>::signMask));
  }
  template <class V>
  TG_INLINE V combine(V a, V b) {
    return maxNan(a, b);
  }
  template <class V>
  TG_INLINE V combineNumbers(V a, V b) {
    return max(a, b);
  }
  template <class T>
  TG_INLINE T fold(Vec<T> a) {
    return reduceMax(a);
  }
  template <class T>
  TG_INLINE bool better(T a, T b) {
    return a > b;
  }
};

struct MinReduction {
  static constexpr bool asksForNan = true;
  template <class T>
  TG_INLINE Vec<T> identity() {
    return vinfinity<T>();
  }
  template <class V>
  TG_INLINE V combine(V a, V b) {
    return minNan(a, b);
  }
  template <class V>
  TG_INLINE V combineNumbers(V a, V b) {
    return min(a, b);
  }
  template <class T>
  TG_INLINE T fold(Vec<T> a) {
    return reduceMin(a);
  }
  template <class T>
  TG_INLINE bool better(T a, T b) {
    return a < b;
  }
};

// How far ahead of their use values are asked for, in bytes: a loop that does little else than read
// is faster than the hardware's prefetchers. On Zen 5 one that adds rows of 4 KB reads 121 GB/s
// from the third-level cache instead of 110, and as much with 1 or 4 KB; asking for the
// second-level cache only makes it 110 again.
constexpr int64_t kReadAhead = 2048;

template <class T>
TG_INLINE Vec<T> loadInOrder(const T* p) {
  prefetchNear(p + kReadAhead / static_cast<int64_t>(sizeof(T)));
  return vload<T>(p);
}

// The values of a contiguous range as they are. Other sources compute values on the way
// (softmax.h).
template <class T>
struct Values {
  const T* x;
  TG_INLINE Vec<T> load(const Values& values, int64_t i) { return loadInOrder<T>(values.x + i); }
  TG_INLINE Vec<T> loadFirst(const Values& values, int64_t i, int64_t n) {
    return vloadFirst<T>(values.x + i, n);
  }
};

// (x - c)^2.
template <class T>
struct SquaredDifferences {
  const T* x;
  Vec<T> c;
  TG_INLINE Vec<T> square(Vec<T> difference) { return mul(difference, difference); }
  TG_INLINE Vec<T> load(const SquaredDifferences& s, int64_t i) {
    return square(sub(vload<T>(s.x + i), s.c));
  }
  TG_INLINE Vec<T> loadFirst(const SquaredDifferences& s, int64_t i, int64_t n) {
    return square(sub(vloadFirst<T>(s.x + i, n), s.c));
  }
};

// x, or 0 for NaN.
template <class T>
struct Numbers {
  const T* x;
  TG_INLINE Vec<T> number(Vec<T> v) { return select(isNan(v), vsplat<T>(0), v); }
  TG_INLINE Vec<T> load(const Numbers& s, int64_t i) { return number(vload<T>(s.x + i)); }
  TG_INLINE Vec<T> loadFirst(const Numbers& s, int64_t i, int64_t n) {
    return number(vloadFirst<T>(s.x + i, n));
  }
};

// x y.
template <class T>
struct Products {
  const T* x;
  const T* y;
  TG_INLINE Vec<T> load(const Products& s, int64_t i) {
    return mul(loadInOrder<T>(s.x + i), loadInOrder<T>(s.y + i));
  }
  TG_INLINE Vec<T> loadFirst(const Products& s, int64_t i, int64_t n) {
    return mul(vloadFirst<T>(s.x + i, n), vloadFirst<T>(s.y + i, n));
  }
};

// Combines the whole groups of four vectors among the values [begin, begin + n) of a source with
// acc, and returns how many values those are. Sources whose values take long to compute have a
// function of their own for that (softmax.h).
template <class Reduction, class T, class Source>
TG_INLINE int64_t takeFours(const Source& source, int64_t begin, int64_t n, Vec<T> (&acc)[4]) {
  constexpr int64_t kWidth = kLanes<T>;
  int64_t i = 0;
  if constexpr (Reduction::asksForNan) {
    // An accumulator that is asked for NaN waits for the answer in every turn. So pairs of values
    // are asked, and where there is one, all begins anew: 2.3 us instead of 4.4 for 131,072 floats
    // in Zen 5's second-level cache.
    Vec<T> numbers[4] = {acc[0], acc[1], acc[2], acc[3]};
    VMask<T> nan = vfirstLanes<T>(0);
    for (; i + 4 * kWidth <= n; i += 4 * kWidth) {
      Vec<T> v[4];
      for (int u = 0; u < 4; ++u) {
        v[u] = Source::load(source, begin + i + u * kWidth);
        for (auto& r : v[u].r) TG_PIN(r.v);  // or each of its two users would load it
      }
      for (int u = 0; u < 4; ++u) numbers[u] = Reduction::combineNumbers(numbers[u], v[u]);
      nan = maskOr(nan, maskOr(eitherNan(v[0], v[1]), eitherNan(v[2], v[3])));
    }
    if (!anyLane(nan)) {
      for (int u = 0; u < 4; ++u) acc[u] = numbers[u];
      return i;
    }
    i = 0;
  }
  for (; i + 4 * kWidth <= n; i += 4 * kWidth) {
    for (int u = 0; u < 4; ++u) {
      acc[u] = Reduction::combine(acc[u], Source::load(source, begin + i + u * kWidth));
    }
  }
  return i;
}

// Values [begin, begin + n) of a source, n <= kReduceBlock. Source::loadFirst may leave anything in
// the lanes that it does not load.
template <class Reduction, class T, class Source>
TG_INLINE T reduceBlock(const Source& source, int64_t begin, int64_t n) {
  constexpr int64_t kWidth = kLanes<T>;
  Vec<T> acc[4];
  for (int u = 0; u < 4; ++u) acc[u] = Reduction::template identity<T>();
  int64_t i = takeFours<Reduction, T>(source, begin, n, acc);
#if defined(TG_TARGET_AVX512)  // where masks are registers, they cost less than branches
  if (i < n) {
    TG_UNROLL for (int u = 0; u < 4; ++u) {
      const int64_t at = i + u * kWidth;
      const Vec<T> v = Source::loadFirst(source, begin + at, n - at);
      acc[u] = select(vfirstLanes<T>(n - at), Reduction::combine(acc[u], v), acc[u]);
    }
  }
#else
  for (int u = 0; u < 4 && i < n; ++u, i += kWidth) {
    if (i + kWidth <= n) {
      acc[u] = Reduction::combine(acc[u], Source::load(source, begin + i));
    } else {
      const Vec<T> v = Source::loadFirst(source, begin + i, n - i);
      acc[u] = select(vfirstLanes<T>(n - i), Reduction::combine(acc[u], v), acc[u]);
    }
  }
#endif
  acc[0] = Reduction::combine(acc[0], acc[2]);
  acc[1] = Reduction::combine(acc[1], acc[3]);
  return Reduction::template fold<T>(Reduction::combine(acc[0], acc[1]));
}

template <class Reduction, class T>
TG_INLINE T combineScalars(T a, T b) {
  return firstLane(Reduction::combine(splat<T>(a), splat<T>(b)));
}

// The largest power of two times `block` that is less than n (n > block).
TG_INLINE int64_t splitPoint(int64_t n, int64_t block) {
  int64_t left = block;
  while (2 * left < n) left *= 2;
  return left;
}

template <class Reduction, class T, class Source>
T reduceRange(const Source& source, int64_t begin, int64_t n) {
  if (n <= kReduceBlock) return reduceBlock<Reduction, T>(source, begin, n);
  const int64_t left = splitPoint(n, kReduceBlock);
  const T first = reduceRange<Reduction, T>(source, begin, left);
  return combineScalars<Reduction>(first,
                                   reduceRange<Reduction, T>(source, begin + left, n - left));
}

template <class Reduction, class T>
T reduceKernel(int64_t n, const T* x) {
  return reduceRange<Reduction, T>(Values<T>{x}, 0, n);
}

// Rows of up to kReduceBlock values that are reduced side by side, each in the order of its own:
// the accumulators of one row are too few to hide the additions' latency, and the folds of several
// overlap. Only for float32 where a virtual vector is one register of 32; elsewhere one row has
// accumulators enough, and there are no such kernels.
template <class T>
constexpr bool kTakesRows = sizeof(T) == 4 && kLanes<T> > 1 && kLanes<T> == Reg<T>::lanes;
constexpr int kRowsTogether = 4;

// load(i, lanes, v) gives the next vector of every row. All steps are masked: the masks cost less
// than a second copy of the body.
template <class Reduction, class T, int rows, class Load>
TG_INLINE void reduceTogether(int64_t n, const Load& load, T* y) {
  constexpr int64_t kWidth = kLanes<T>;
  Vec<T> acc[4][rows], v[rows];
  TG_UNROLL for (int u = 0; u < 4; ++u) {
    TG_UNROLL for (int r = 0; r < rows; ++r) acc[u][r] = Reduction::template identity<T>();
  }
  for (int64_t i = 0; i < n; i += 4 * kWidth) {
    TG_UNROLL for (int u = 0; u < 4; ++u) {
      const int64_t rest = n - i - u * kWidth;
      const VMask<T> taken = vfirstLanes<T>(rest);
      load(i + u * kWidth, Lanes{rest}, v);
      TG_UNROLL for (int r = 0; r < rows; ++r) {
        acc[u][r] = select(taken, Reduction::combine(acc[u][r], v[r]), acc[u][r]);
      }
    }
  }
  TG_UNROLL for (int r = 0; r < rows; ++r) {
    const Vec<T> even = Reduction::combine(acc[0][r], acc[2][r]);
    const Vec<T> odd = Reduction::combine(acc[1][r], acc[3][r]);
    y[r] = Reduction::template fold<T>(Reduction::combine(even, odd));
  }
}

template <class T>
T squaresKernel(int64_t n, const T* x, T c) {
  return reduceRange<SumReduction, T>(SquaredDifferences<T>{x, vsplat<T>(c)}, 0, n);
}

template <class T>
T numbersKernel(int64_t n, const T* x, T) {
  return reduceRange<SumReduction, T>(Numbers<T>{x}, 0, n);
}

template <class T>
T productsKernel(int64_t n, const T* x, const T* y) {
  return reduceBlock<SumReduction, T>(Products<T>{x, y}, 0, n);
}

// Without `squared` the differences from 0, times 1, which are the values. As many rows further on
// are asked for, in the order of memory: as one stream.
template <class T>
void sumEachKernel(int64_t rows, int64_t n, const T* x, int64_t xRow, const T* c, bool squared,
                   T* y) {
  const VMask<T> plain = vfirstLanes<T>(squared ? 0 : kLanes<T>);
  int64_t i = 0;
  for (; i + kRowsTogether <= rows; i += kRowsTogether) {
    const T* const from = x + i * xRow;
    Vec<T> shift[kRowsTogether];
    TG_UNROLL for (int r = 0; r < kRowsTogether; ++r) shift[r] = vsplat<T>(c ? c[i + r] : 0);
    const auto load = [=](int64_t at, Lanes lanes, Vec<T>(&v)[kRowsTogether]) TG_INLINE_LAMBDA {
      TG_UNROLL for (int r = 0; r < kRowsTogether; ++r) {
        prefetch(from + rows * xRow + at * kRowsTogether + r * kLanes<T>);
        const Vec<T> d = sub(get(lanes, from + r * xRow + at), shift[r]);
        v[r] = mul(d, select(plain, vsplat<T>(1), d));
      }
    };
    reduceTogether<SumReduction, T, kRowsTogether>(n, load, y + i);
  }
  for (; i < rows; ++i) {
    const T* const from = x + i * xRow;
    y[i] =
        squared ? squaresKernel<T>(n, from, c ? c[i] : 0) : reduceKernel<SumReduction, T>(n, from);
  }
}

template <class T>
constexpr decltype(ReduceKernels<T>::sumEach) sumEach() {
  if constexpr (kTakesRows<T>) return sumEachKernel<T>;
  return nullptr;
}

// Index of the first maximum (or minimum), or of the first NaN. Blocks are compared by their
// extrema; then the best block is searched: one pass over x. n >= 1.
template <class Reduction, class T>
int64_t argKernel(int64_t n, const T* x) {
  // Long enough that combining a block's lanes costs little, short enough for the first-level
  // cache.
  constexpr int64_t kSearchBlock = 2048;
  int64_t best = 0;
  T bestValue = x[0];
  for (int64_t i = 0; i < n; i += kSearchBlock) {
    const int64_t count = n - i < kSearchBlock ? n - i : kSearchBlock;
    const T value = reduceKernel<Reduction, T>(count, x + i);
    if (value != value || Reduction::better(value, bestValue)) {
      best = i;
      bestValue = value;
      if (value != value) break;
    }
  }
  // Here x[best + ...] has the best value (or the first NaN) within one block.
  const Vec<T> wanted = vsplat<T>(bestValue);
  for (; best + kLanes<T> <= n; best += kLanes<T>) {
    const Vec<T> v = vload<T>(x + best);
    if (anyLane(maskOr(eq(v, wanted), isNan(v)))) break;
  }
  while (x[best] == x[best] && x[best] != bestValue) ++best;
  return best;
}

template <class T>
constexpr ReduceKernels<T> reduceKernels() {
  return {reduceKernel<SumReduction, T>,
          reduceKernel<MaxReduction, T>,
          reduceKernel<MinReduction, T>,
          argKernel<MaxReduction, T>,
          squaresKernel<T>,
          reduceKernel<ProdReduction, T>,
          numbersKernel<T>,
          argKernel<MinReduction, T>,
          sumEach<T>(),
          productsKernel<T>};
}

TG_TARGET_END
