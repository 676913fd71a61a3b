// Copies that change the element type, and constants. Plain loops: conversions are bound by memory,
// and exact or IEEE-rounded on every CPU.
#include "elements.h"
#include "loops.h"
#include "parallel.h"
#include "rows.h"

namespace tilegrad {
namespace {

// Tiles as for elementwise operations: a cache line of 16 rows, rows of 64 columns.
constexpr int64_t kTileRows = 16;
constexpr int64_t kTileCols = 64;

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

// 1 where x is not 0 (NaN is not 0).
template <class To, class From>
struct NotZero {
  static To apply(From x) { return x != From{0} ? To{1} : To{0}; }
};
template <class To>
struct NotZero<To, BFloat16> {
  static To apply(BFloat16 x) { return (x.bits & 0x7fffu) != 0 ? To{1} : To{0}; }
};

int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }

template <class Function, class From, class To>
void convertTile(int64_t rows, int64_t cols, const From* x, int64_t xRow, int64_t xCol, To* y,
                 int64_t yRow, int64_t yCol) {
  if (xCol == 1 && yCol == 1) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < cols; ++j) y[i * yRow + j] = Function::apply(x[i * xRow + j]);
    }
  } else if (magnitude(xRow) < magnitude(xCol)) {
    for (int64_t j = 0; j < cols; ++j) {
      for (int64_t i = 0; i < rows; ++i) {
        y[i * yRow + j * yCol] = Function::apply(x[i * xRow + j * xCol]);
      }
    }
  } else {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < cols; ++j) {
        y[i * yRow + j * yCol] = Function::apply(x[i * xRow + j * xCol]);
      }
    }
  }
}

template <class Function, class From, class To>
Status convert(const Command& c) {
  Loops loops;
  if (!takeDimensions(c.geometry, 0, c.geometry.rank, 2, &loops)) return Status::ok;
  sortByStride(&loops, 2, 1);
  mergeDimensions(&loops, 2);
  const From* const x = static_cast<const From*>(c.data[0]);
  To* const y = static_cast<To*>(c.data[1]);
  const Tiles tiles = makeTiles(loops, 2, kTileRows, kTileCols);
  const int64_t tileBytes =
      tiles.tileRows * tiles.tileCols * static_cast<int64_t>(sizeof(From) + sizeof(To));
  parallelShares(elementCount(tiles.tasks), 1, tileBytes, kLightShare,
                 [&](int64_t begin, int64_t end) {
                   Odometer at(tiles.tasks, 2, begin);
                   for (int64_t task = begin; task < end; ++task, at.next()) {
                     convertTile<Function>(tiles.rowsOf(at), tiles.colsOf(at), x + at.offset(0),
                                           tiles.rowStride[0], tiles.colStride[0], y + at.offset(1),
                                           tiles.rowStride[1], tiles.colStride[1]);
                   }
                 });
  return Status::ok;
}

Status cast(const Command& c) {
  return withType(c.type[0], [&](auto from) {
    return withType(c.type[1], [&](auto to) {
      using From = decltype(from);
      using To = decltype(to);
      return convert<Convert<To, From>, From, To>(c);
    });
  });
}

Status castBool(const Command& c) {
  return withType(c.type[0], [&](auto from) {
    using From = decltype(from);
    return convert<NotZero<uint8_t, From>, From, uint8_t>(c);
  });
}

template <class To>
Status fillWith(const Command& c, To value) {
  Loops loops;
  if (!takeDimensions(c.geometry, 0, c.geometry.rank, 1, &loops)) return Status::ok;
  sortByStride(&loops, 1, 0);
  mergeDimensions(&loops, 1);
  To* const y = static_cast<To*>(c.data[0]);
  const Tiles tiles = makeTiles(loops, 1, kTileRows, kTileCols);
  const int64_t tileBytes = tiles.tileRows * tiles.tileCols * static_cast<int64_t>(sizeof(To));
  parallelShares(elementCount(tiles.tasks), 1, tileBytes, kLightShare,
                 [&](int64_t begin, int64_t end) {
                   Odometer at(tiles.tasks, 1, begin);
                   for (int64_t task = begin; task < end; ++task, at.next()) {
                     const int64_t rows = tiles.rowsOf(at), cols = tiles.colsOf(at);
                     for (int64_t i = 0; i < rows; ++i) {
                       To* const row = y + at.offset(0) + i * tiles.rowStride[0];
                       for (int64_t j = 0; j < cols; ++j) row[j * tiles.colStride[0]] = value;
                     }
                   }
                 });
  return Status::ok;
}

Status fill(const Command& c) {
  return withType(c.type[0], [&](auto to) {
    using To = decltype(to);
    return fillWith<To>(c, Convert<To, double>::apply(c.number[0].f));
  });
}

const Row kRows[] = {
    // y = x in y's type. To integers: towards zero and to the nearest end of the range from
    // floating point; modulo 256 from a wider integer to a byte, and between uint8 and int8.
    {"cast", "in x A[@] out y A[@]", cast, nullptr},
    {"castBool", "in x A[@] out y u8[@]", castBool, nullptr},
    // y = value, converted as by cast.
    {"fill", "out y A[@]; value real", fill, nullptr},
};

}  // namespace

RowList copyRows() { return rowList(kRows); }

}  // namespace tilegrad
