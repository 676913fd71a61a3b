// Scans along the last dimension of the geometry: y[i] = y[i - 1] op x[i], in this order, whatever
// the layout. Sums and products of float32 are carried in float64 and rounded as they are stored;
// so an error is that of one rounding, plus i * 2^-53 of the largest partial result. A scan from
// the end has negative strides.
//
// Where lines lie side by side, kernels walk down many of them at a time; otherwise a thread walks
// along a few lines at once, to hide the latency of each.
#include <math.h>

#include <type_traits>

#include "../columns.h"
#include "../dispatch.h"
#include "../rows.h"

namespace tilegrad {
namespace {

template <class T>
struct Tables {
  static const ScanKernels<T>& scan() { return floatKernels<T>().columns.scan; }
};
template <>
struct Tables<int64_t> {
  static const ScanKernels<int64_t>& scan() { return kernels().integerReduce.scan; }
};

enum class Scan { sum, prod };

template <Scan scan, class Carry>
Carry step(Carry carry, Carry x) {
  return scan == Scan::sum ? carry + x : carry * x;
}

// Lines at once, so that four chains of additions hide each other's latency.
constexpr int kTogether = 4;

template <Scan scan, class T, int count>
void scanLines(const Lines& lines, const T* x, T* y, const Offsets& offset, int first) {
  using Carry = typename ScanKernels<T>::Carry;
  const int64_t xStep = lines.step[0], yStep = lines.step[1];
  Carry carry[count];
  const T* from[count];
  T* to[count];
  for (int l = 0; l < count; ++l) {
    carry[l] = scan == Scan::sum ? 0 : 1;
    from[l] = x + offset[0][first + l];
    to[l] = y + offset[1][first + l];
  }
  for (int64_t i = 0; i < lines.n; ++i) {
    TG_UNROLL for (int l = 0; l < count; ++l) {
      carry[l] = step<scan>(carry[l], static_cast<Carry>(from[l][i * xStep]));
      to[l][i * yStep] = static_cast<T>(carry[l]);
    }
  }
}

template <Scan scan, class T>
void cumulate(const Command& c) {
  using Carry = typename ScanKernels<T>::Carry;
  Lines lines;
  if (!takeLines(c, 2, &lines)) return;
  const T* const x = static_cast<const T*>(c.data[0]);
  T* const y = static_cast<T*>(c.data[1]);
  if (lines.sideBySide) {
    const auto kernel = scan == Scan::sum ? Tables<T>::scan().sum : Tables<T>::scan().prod;
    overColumns(lines, sizeof(T), [&](int64_t cols, const Odometer& at) {
      Carry carry[kTaskCols];
      for (int64_t j = 0; j < cols; ++j) carry[j] = scan == Scan::sum ? 0 : 1;
      kernel(lines.n, cols, x + at.offset(0), lines.step[0], carry, y + at.offset(1),
             lines.step[1]);
    });
    return;
  }
  overLines(lines, kTogether, sizeof(T), [&](int count, const Offsets& offset) {
    if (count == kTogether) return scanLines<scan, T, kTogether>(lines, x, y, offset, 0);
    for (int l = 0; l < count; ++l) scanLines<scan, T, 1>(lines, x, y, offset, l);
  });
}

template <Scan scan>
Status runCumulate(const Command& c) {
  if (c.type[0] == DType::float64) {
    cumulate<scan, double>(c);
  } else if (c.type[0] == DType::float32) {
    cumulate<scan, float>(c);
  } else {
    cumulate<scan, int64_t>(c);
  }
  return Status::ok;
}

// Lines that don't lie side by side are copied to a tile where they do: 64 steps of kScanTile
// lines, 8 KB of float64.
constexpr int kTileLines = static_cast<int>(kScanTile);
constexpr int64_t kTileSteps = 64;
static_assert(kTileLines <= kMostTogether, "a tile's lines are one group");

template <class T>
void transpose(int64_t rows, int64_t cols, const T* x, int64_t xCol, T* y, int64_t yRow) {
  using Bits = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  const Bits* const from = reinterpret_cast<const Bits*>(x);
  Bits* const to = reinterpret_cast<Bits*>(y);
  if constexpr (sizeof(T) == 8) {
    kernels().moves.size8.transpose(rows, cols, from, xCol, to, yRow);
  } else {
    kernels().moves.size4.transpose(rows, cols, from, xCol, to, yRow);
  }
}

// The lines of a group in one operand: where they begin, and the step along them.
struct Group {
  const int64_t* begin;
  int64_t step;
  int count;

  // From one line to the next, where that is the same for all and each is contiguous, or 0.
  int64_t apart() const {
    const int64_t first = count > 1 ? begin[1] - begin[0] : 0;
    for (int l = 2; l < count; ++l) {
      if (begin[l] - begin[l - 1] != first) return 0;
    }
    return step == 1 ? first : 0;
  }
};

// Steps [i, i + steps) of a group's lines, as rows of a tile, and back.
template <class T>
void toTile(const Group& group, int64_t i, int64_t steps, const T* x, T* tile) {
  if (const int64_t apart = group.apart()) {
    return transpose(steps, group.count, x + group.begin[0] + i, apart, tile, kTileLines);
  }
  for (int l = 0; l < group.count; ++l) {
    const T* const from = x + group.begin[l] + i * group.step;
    for (int64_t s = 0; s < steps; ++s) tile[s * kTileLines + l] = from[s * group.step];
  }
}

template <class T>
void fromTile(const Group& group, int64_t i, int64_t steps, const T* tile, T* y) {
  if (const int64_t apart = group.apart()) {
    return transpose(group.count, steps, tile, kTileLines, y + group.begin[0] + i, apart);
  }
  for (int l = 0; l < group.count; ++l) {
    T* const to = y + group.begin[l] + i * group.step;
    for (int64_t s = 0; s < steps; ++s) to[s * group.step] = tile[s * kTileLines + l];
  }
}

// What comes before the first value: it gives way to any.
template <class T>
T beforeFirst(bool most) {
  if constexpr (static_cast<T>(0.5) == 0) return most ? INT64_MIN : INT64_MAX;
  return static_cast<T>(most ? -INFINITY : INFINITY);
}

template <class T>
void extremumLine(bool most, const Lines& lines, const T* x, T* y, int32_t* index, int l,
                  const Offsets& offset) {
  const T* const from = x + offset[0][l];
  T best = beforeFirst<T>(most);
  int32_t where = 0;
  for (int64_t i = 0; i < lines.n; ++i) {
    const T value = from[i * lines.step[0]];
    // Of equal values and of NaNs the last one counts, as in PyTorch.
    if ((most ? value >= best : value <= best) || value != value) {
      best = value;
      where = static_cast<int32_t>(i);
    }
    y[offset[1][l] + i * lines.step[1]] = best;
    index[offset[2][l] + i * lines.step[2]] = where;
  }
}

template <class T>
auto extremumKernel(bool most) {
  const ScanKernels<T>& scan = Tables<T>::scan();
  return most ? scan.max : scan.min;
}

// Fewer lines than this are walked along one by one. 12 lines of 1000 float32 take 0.75 of the time
// that they take so, 9 lines 1.6 times as long.
constexpr int kFewestTogether = 12;

// What a tile has beside the lines of a group is compared too, and goes nowhere.
template <class T>
void extremumTiles(bool most, const Lines& lines, const T* x, T* y, int32_t* index, int count,
                   const Offsets& offset) {
  alignas(kCacheLine) T tile[kTileSteps * kTileLines] = {};
  alignas(kCacheLine) int32_t places[kTileSteps * kTileLines];
  alignas(kCacheLine) T best[kTileLines];
  alignas(kCacheLine) int32_t where[kTileLines] = {};
  for (T& value : best) value = beforeFirst<T>(most);
  const Group from = {offset[0], lines.step[0], count}, to = {offset[1], lines.step[1], count};
  const Group at = {offset[2], lines.step[2], count};
  for (int64_t i = 0; i < lines.n; i += kTileSteps) {
    const int64_t steps = lines.n - i < kTileSteps ? lines.n - i : kTileSteps;
    toTile(from, i, steps, x, tile);
    extremumKernel<T>(most)(steps, kTileLines, tile, kTileLines, i, best, where, tile, kTileLines,
                            places, kTileLines);
    fromTile(to, i, steps, tile, y);
    fromTile(at, i, steps, places, index);
  }
}

template <class T>
void cumExtremum(const Command& c, bool most) {
  Lines lines;
  if (!takeLines(c, 3, &lines)) return;
  const T* const x = static_cast<const T*>(c.data[0]);
  T* const y = static_cast<T*>(c.data[1]);
  int32_t* const index = static_cast<int32_t*>(c.data[2]);
  constexpr int64_t kBytes = sizeof(T) + sizeof(int32_t);
  if (lines.sideBySide) {
    const auto kernel = extremumKernel<T>(most);
    overColumns(lines, kBytes, [&](int64_t cols, const Odometer& at) {
      T best[kTaskCols];
      int32_t where[kTaskCols];
      for (int64_t j = 0; j < cols; ++j) {
        best[j] = beforeFirst<T>(most);
        where[j] = 0;
      }
      kernel(lines.n, cols, x + at.offset(0), lines.step[0], 0, best, where, y + at.offset(1),
             lines.step[1], index + at.offset(2), lines.step[2]);
    });
    return;
  }
  overLines(lines, kTileLines, kBytes, [&](int count, const Offsets& offset) {
    if (count >= kFewestTogether) return extremumTiles(most, lines, x, y, index, count, offset);
    for (int l = 0; l < count; ++l) extremumLine(most, lines, x, y, index, l, offset);
  });
}

template <bool most>
Status runCumExtremum(const Command& c) {
  if (c.type[0] == DType::float64) {
    cumExtremum<double>(c, most);
  } else if (c.type[0] == DType::float32) {
    cumExtremum<float>(c, most);
  } else {
    cumExtremum<int64_t>(c, most);
  }
  return Status::ok;
}

template <class T>
void logCumSumExpLines(const Lines& lines, const T* x, T* y, int count, const Offsets& offset) {
  T tile[kTileSteps * kTileLines], maximum[kTileLines], sum[kTileLines];
  for (int l = 0; l < count; ++l) {
    maximum[l] = static_cast<T>(-INFINITY);
    sum[l] = 0;
  }
  const Group from = {offset[0], lines.step[0], count}, to = {offset[1], lines.step[1], count};
  for (int64_t i = 0; i < lines.n; i += kTileSteps) {
    const int64_t steps = lines.n - i < kTileSteps ? lines.n - i : kTileSteps;
    toTile(from, i, steps, x, tile);
    floatKernels<T>().columns.logCumSumExp(steps, count, tile, kTileLines, maximum, sum, tile,
                                           kTileLines);
    fromTile(to, i, steps, tile, y);
  }
}

template <class T>
void logCumSumExp(const Command& c) {
  Lines lines;
  if (!takeLines(c, 2, &lines)) return;
  const T* const x = static_cast<const T*>(c.data[0]);
  T* const y = static_cast<T*>(c.data[1]);
  if (!lines.sideBySide) {
    overLines(lines, kTileLines, sizeof(T), [&](int count, const Offsets& offset) {
      logCumSumExpLines(lines, x, y, count, offset);
    });
    return;
  }
  overColumns(lines, sizeof(T), [&](int64_t cols, const Odometer& at) {
    T maximum[kTaskCols], sum[kTaskCols];
    for (int64_t j = 0; j < cols; ++j) {
      maximum[j] = static_cast<T>(-INFINITY);
      sum[j] = 0;
    }
    floatKernels<T>().columns.logCumSumExp(lines.n, cols, x + at.offset(0), lines.step[0], maximum,
                                           sum, y + at.offset(1), lines.step[1]);
  });
}

Status runLogCumSumExp(const Command& c) {
  if (c.type[0] == DType::float64) {
    logCumSumExp<double>(c);
  } else {
    logCumSumExp<float>(c);
  }
  return Status::ok;
}

// dx[k] = (product of x before k) * r[k], where r[k] = g[k] + x[k + 1] r[k + 1] is the sum over i
// >= k of g[i] times the product of x after k up to i: no division, so zeros are values like any
// other.
template <class T>
void cumProdBackward(const Command& c) {
  Lines lines;
  if (!takeLines(c, 4, &lines)) return;
  const T* const x = static_cast<const T*>(c.data[0]);
  const T* const y = static_cast<const T*>(c.data[1]);
  const T* const g = static_cast<const T*>(c.data[2]);
  T* const dx = static_cast<T*>(c.data[3]);
  const int64_t* const step = lines.step;
  if (lines.sideBySide) {
    const auto* const binary = floatKernels<T>().elementwise.binary;
    const BinaryKernel<T> add = binary[static_cast<int>(Binary::add)];
    const BinaryKernel<T> mul = binary[static_cast<int>(Binary::mul)];
    overColumns(lines, 4 * sizeof(T), [&](int64_t cols, const Odometer& at) {
      T rest[kTaskCols];
      for (int64_t j = 0; j < cols; ++j) rest[j] = 0;
      for (int64_t i = lines.n - 1; i >= 0; --i) {
        if (i + 1 < lines.n) mul(cols, x + at.offset(0) + (i + 1) * step[0], 1, rest, 1, rest);
        add(cols, g + at.offset(2) + i * step[2], 1, rest, 1, rest);
        T* const to = dx + at.offset(3) + i * step[3];
        if (i > 0) {
          mul(cols, y + at.offset(1) + (i - 1) * step[1], 1, rest, 1, to);
        } else {
          for (int64_t j = 0; j < cols; ++j) to[j] = rest[j];
        }
      }
    });
    return;
  }
  overLines(lines, 1, 4 * sizeof(T), [&](int, const Offsets& offset) {
    T rest = 0;
    for (int64_t i = lines.n - 1; i >= 0; --i) {
      if (i + 1 < lines.n) rest *= x[offset[0][0] + (i + 1) * step[0]];
      rest += g[offset[2][0] + i * step[2]];
      const T before = i > 0 ? y[offset[1][0] + (i - 1) * step[1]] : 1;
      dx[offset[3][0] + i * step[3]] = before * rest;
    }
  });
}

Status runCumProdBackward(const Command& c) {
  if (c.type[0] == DType::float64) {
    cumProdBackward<double>(c);
  } else {
    cumProdBackward<float>(c);
  }
  return Status::ok;
}

const char* checkLines(const Command& c) {
  return c.geometry.rank < 1 ? "the geometry has no dimension to scan" : nullptr;
}

const char* checkTypes(const Command& c) {
  const DType type = c.type[0];
  if (type != DType::float32 && type != DType::float64 && type != DType::int64) {
    return "x is neither float32 nor float64 nor int64";
  }
  if (c.type[1] != type) return "x and y differ in type";
  return checkLines(c);
}

// The scanned dimension is the geometry's last. Integers are taken modulo 2^64.
constexpr char kSums[] = "in x A[@] out y A[@]";
constexpr char kExtrema[] = "in x A[@] out y A[@] out index i32[@]";

const Row kRows[] = {
    {"cumsum", kSums, runCumulate<Scan::sum>, checkTypes},
    {"cumprod", kSums, runCumulate<Scan::prod>, checkTypes},
    {"logcumsumexp", "in x T[@] out y T[@]", runLogCumSumExp, checkLines},
    {"cummax", kExtrema, runCumExtremum<true>, checkTypes},
    {"cummin", kExtrema, runCumExtremum<false>, checkTypes},
    // y is x's cumulative product and g its gradient.
    {"cumprodBackward", "in x T[@] in y T[@] in g T[@] out dx T[@]", runCumProdBackward,
     checkLines},
};

}  // namespace

RowList scanRows() { return rowList(kRows); }

}  // namespace tilegrad
