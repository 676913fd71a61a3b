// Copies that change the element type, and constants. Plain loops: conversions are bound by memory,
// and exact or IEEE-rounded on every CPU.
#include <string.h>

#include <type_traits>

#include "dispatch.h"
#include "elements.h"
#include "loops.h"
#include "map.h"
#include "parallel.h"
#include "rows.h"

namespace tilegrad {
namespace {

// Floating point to integer truncates towards zero; what lies outside the type's range becomes its
// nearest end, NaN becomes 0. (C leaves these cases undefined, and CPUs differ.)
template <class To>
To truncateTo(double x, double low, double high) {
  if (!(x > low)) return x <= low ? static_cast<To>(low) : To{0};
  return static_cast<To>(x < high ? x : high);
}

template <class To, class From>
struct Convert {
  static To apply(From x) { return static_cast<To>(x); }
};

template <class From>
int32_t toInt32(From x) {
  return truncateTo<int32_t>(static_cast<double>(x), -2147483648.0, 2147483647.0);
}
// The largest int64 is no double; the smallest is, and the next one above all.
template <class From>
int64_t toInt64(From x) {
  constexpr double kEnd = 9223372036854775808.0;
  const double value = static_cast<double>(x);
  if (value >= kEnd) return INT64_MAX;
  return truncateTo<int64_t>(value, -kEnd, kEnd);
}
template <class From>
uint8_t toUint8(From x) {
  return truncateTo<uint8_t>(static_cast<double>(x), 0.0, 255.0);
}

template <class From>
int8_t toInt8(From x) {
  return truncateTo<int8_t>(static_cast<double>(x), -128.0, 127.0);
}

template <>
struct Convert<int32_t, float> {
  static int32_t apply(float x) { return toInt32(x); }
};
template <>
struct Convert<int32_t, double> {
  static int32_t apply(double x) { return toInt32(x); }
};
template <>
struct Convert<int64_t, float> {
  static int64_t apply(float x) { return toInt64(x); }
};
template <>
struct Convert<int64_t, double> {
  static int64_t apply(double x) { return toInt64(x); }
};
template <>
struct Convert<uint8_t, float> {
  static uint8_t apply(float x) { return toUint8(x); }
};
template <>
struct Convert<uint8_t, double> {
  static uint8_t apply(double x) { return toUint8(x); }
};

template <>
struct Convert<int8_t, float> {
  static int8_t apply(float x) { return toInt8(x); }
};
template <>
struct Convert<int8_t, double> {
  static int8_t apply(double x) { return toInt8(x); }
};

// From and to bfloat16 by way of float32, as PyTorch does: a float64 is rounded twice.
template <class To>
struct Convert<To, BFloat16> {
  static To apply(BFloat16 x) { return Convert<To, float>::apply(widen(x)); }
};
template <class From>
struct Convert<BFloat16, From> {
  static BFloat16 apply(From x) { return narrow(static_cast<float>(x)); }
};
template <>
struct Convert<BFloat16, BFloat16> {
  static BFloat16 apply(BFloat16 x) { return x; }
};

// float16 goes by way of float32 too, in blocks (see convertHalf): this is for single numbers.
template <class From>
struct Convert<Float16, From> {
  static Float16 apply(From x) { return toFloat16(static_cast<float>(x)); }
};

// 1 where x is not 0 (NaN is not 0).
template <class To, class From>
struct NotZero {
  static To apply(From x) { return x != From{0} ? To{1} : To{0}; }
};
template <class To>
struct NotZero<To, BFloat16> {
  static To apply(BFloat16 x) { return (x.bits & 0x7fffu) != 0 ? To{1} : To{0}; }
};

template <class To>
struct NotZero<To, Float16> {
  static To apply(Float16 x) { return (x.bits & 0x7fffu) != 0 ? To{1} : To{0}; }
};

template <class Function, class From, class To>
Status convert(const Command& c) {
  return runMap(c, {1, {sizeof(From), sizeof(To)}, 0, false},
                [](int64_t n, const void* const* in, const int64_t*, void* y) {
                  const From* const from = static_cast<const From*>(in[0]);
                  To* const to = static_cast<To*>(y);
                  for (int64_t i = 0; i < n; ++i) to[i] = Function::apply(from[i]);
                });
}

// Numbers between float16 and another type, on their way as float32: a few cache lines.
constexpr int64_t kHalfBlock = 256;

// Conversions from and to float16, by the level's kernels.
template <class From, class To>
Status convertHalf(const Command& c) {
  return runMap(c, {1, {sizeof(From), sizeof(To)}, 0, false},
                [](int64_t n, const void* const* in, const int64_t*, void* y) {
                  const From* const from = static_cast<const From*>(in[0]);
                  To* const to = static_cast<To*>(y);
                  const HalfKernels& half = kernels().half;
                  if constexpr (std::is_same<From, float>::value) {
                    half.narrow(n, from, to);
                  } else if constexpr (std::is_same<To, float>::value) {
                    half.widen(n, from, to);
                  } else {
                    float block[kHalfBlock];
                    for (int64_t i = 0; i < n; i += kHalfBlock) {
                      const int64_t count = n - i < kHalfBlock ? n - i : kHalfBlock;
                      if constexpr (std::is_same<From, Float16>::value) {
                        half.widen(count, from + i, block);
                        for (int64_t j = 0; j < count; ++j) {
                          to[i + j] = Convert<To, float>::apply(block[j]);
                        }
                      } else {
                        for (int64_t j = 0; j < count; ++j) {
                          block[j] = Convert<float, From>::apply(from[i + j]);
                        }
                        half.narrow(count, block, to + i);
                      }
                    }
                  }
                });
}

// Tiles of a transposed source: rows for a cache line of it, so that as many lines are read whole
// as there are columns, and few rows are written to at a time.
constexpr int64_t kTileCols = 256;
// Other tiles are parts of rows that are long enough for streams of memory: 16 KB.
constexpr int64_t kPieceBytes = 16 * 1024;

// Copies elements of one size: straight to where they belong, which runMap, whose kernels take
// contiguous rows, doesn't do.
Status copy(const Command& c) {
  Loops loops;
  if (!takeDimensions(c.geometry, 0, c.geometry.rank, 2, &loops)) return Status::ok;
  sortByStride(&loops, 2, 1);
  mergeDimensions(&loops, 2);
  const char* const x = static_cast<const char*>(c.data[0]);
  char* const y = static_cast<char*>(c.data[1]);
  const int64_t bytes = sizeOf(c.type[1]);
  const int inner = loops.rank - 1;
  const int64_t step = inner < 0 ? 1 : loops.stride[0][inner];
  const bool inOrder = step == 1 || step == -1;
  if (!inOrder) pairWithUnitStride(&loops, 2, 0);
  const int64_t length = inner < 0 ? 1 : loops.shape[inner], piece = kPieceBytes / bytes;
  const Tiles tiles = inOrder ? makeTiles(loops, 2, length < piece ? piece / length : 1, piece)
                              : makeTiles(loops, 2, kCacheLine / bytes, kTileCols);
  const int64_t rows = tiles.rows < tiles.tileRows ? tiles.rows : tiles.tileRows;
  const int64_t cols = tiles.cols < tiles.tileCols ? tiles.cols : tiles.tileCols;
  const int64_t tileBytes = rows * cols * 2 * bytes;
  parallelShares(elementCount(tiles.tasks), 1, tileBytes, kLightShare,
                 [&](int64_t begin, int64_t end) {
                   Odometer at(tiles.tasks, 2, begin);
                   for (int64_t task = begin; task < end; ++task, at.next()) {
                     moveTile(bytes, tiles.rowsOf(at), tiles.colsOf(at), x + at.offset(0) * bytes,
                              tiles.rowStride[0], tiles.colStride[0], y + at.offset(1) * bytes,
                              tiles.rowStride[1], tiles.colStride[1]);
                   }
                 });
  return Status::ok;
}

// The unsigned integer of a size, to carry any element of that size.
template <int size>
struct Carrier;
template <>
struct Carrier<1> {
  using Type = uint8_t;
};
template <>
struct Carrier<2> {
  using Type = uint16_t;
};
template <>
struct Carrier<4> {
  using Type = uint32_t;
};
template <>
struct Carrier<8> {
  using Type = uint64_t;
};
template <class T>
using BitsOf = typename Carrier<sizeof(T)>::Type;

Status cast(const Command& c) {
  return withType(c.type[0], [&](auto from) {
    return withType(c.type[1], [&](auto to) {
      using From = decltype(from);
      using To = decltype(to);
      if constexpr (std::is_same<From, To>::value) {
        return copy(c);
      } else if constexpr (std::is_same<From, Float16>::value || std::is_same<To, Float16>::value) {
        return convertHalf<From, To>(c);
      } else {
        return convert<Convert<To, From>, From, To>(c);
      }
    });
  });
}

Status castBool(const Command& c) {
  return withType(c.type[0], [&](auto from) {
    using From = decltype(from);
    return convert<NotZero<uint8_t, From>, From, uint8_t>(c);
  });
}

template <class Bits>
Status fillWith(const Command& c, Bits value) {
  return runMap(c, {0, {sizeof(Bits)}, 0, false},
                [=](int64_t n, const void* const*, const int64_t*, void* y) {
                  fillElements(static_cast<Bits*>(y), n, value);
                });
}

Status fill(const Command& c) {
  return withType(c.type[0], [&](auto to) {
    using To = decltype(to);
    const To value = Convert<To, double>::apply(c.number[0].f);
    BitsOf<To> bits;
    memcpy(&bits, &value, sizeof bits);
    return fillWith(c, bits);
  });
}

const Row kRows[] = {
    // y = x in y's type. To integers: towards zero and to the nearest end of the range from
    // floating point; modulo 2^bits from a wider integer, and between uint8 and int8.
    {"cast", "in x A[@] out y A[@]", cast, nullptr},
    {"castBool", "in x A[@] out y u8[@]", castBool, nullptr},
    // y = value, converted as by cast.
    {"fill", "out y A[@]; value real", fill, nullptr},
};

}  // namespace

RowList copyRows() { return rowList(kRows); }

}  // namespace tilegrad
