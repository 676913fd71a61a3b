// Copies that change the element type, and constants. Conversions between integers and to wider
// floats are plain loops: bound by memory, and exact or IEEE-rounded on every CPU.
#include <string.h>

#include <type_traits>

#include "../../base/truncate.h"
#include "../dispatch.h"
#include "../elements.h"
#include "../loops.h"
#include "../parallel.h"
#include "../rows.h"
#include "integer.h"
#include "map.h"

namespace tilegrad {
namespace {

// One number in another type: from floating point to an integer by base/truncate.h, otherwise as C
// does, and to 16 bits by way of float32, as PyTorch does (a float64 is rounded twice).
template <class To, class From>
To converted(From x) {
  if constexpr (std::is_same<From, BFloat16>::value) {
    return converted<To>(widen(x));
  } else if constexpr (std::is_same<To, BFloat16>::value) {
    return narrow(static_cast<float>(x));
  } else if constexpr (std::is_same<To, Float16>::value) {
    return toFloat16(static_cast<float>(x));
  } else if constexpr (std::is_floating_point<From>::value && std::is_integral<To>::value) {
    return truncateTo<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

template <class T>
constexpr bool kIsHalf = std::is_same<T, BFloat16>::value || std::is_same<T, Float16>::value;

// Between a type of 16 bits and another one than float32.
template <class To, class From>
constexpr bool kByFloat = (kIsHalf<From> && !std::is_same<To, float>::value) ||
                          (kIsHalf<To> && !std::is_same<From, float>::value);

// Numbers on their way as float32: a few cache lines.
constexpr int64_t kFloatBlock = 256;

// From integers to larger or smaller words and to float32.
template <class To, class From>
constexpr bool kByCast = std::is_integral<From>::value && !std::is_same<To, double>::value &&
                         !kIsHalf<To> && sizeof(To) > 1 && (sizeof(From) > 1 || sizeof(To) == 4);

// Between float32 and float64.
template <class To, class From>
constexpr bool kBetweenFloats =
    std::is_floating_point<From>::value && std::is_floating_point<To>::value;

// y[i] = x[i] for i < n, by the level's kernels where there are some.
template <class To, class From>
void convertAll(int64_t n, const From* x, To* y) {
  const HalfKernels& half = kernels().half;
  if constexpr (kByFloat<To, From>) {
    float block[kFloatBlock];
    for (int64_t i = 0; i < n; i += kFloatBlock) {
      const int64_t count = n - i < kFloatBlock ? n - i : kFloatBlock;
      convertAll<float, From>(count, x + i, block);
      convertAll<To, float>(count, block, y + i);
    }
  } else if constexpr (std::is_same<From, Float16>::value) {
    half.widen(n, x, y);
  } else if constexpr (std::is_same<To, Float16>::value) {
    half.narrow(n, x, y);
  } else if constexpr (std::is_same<To, BFloat16>::value) {
    half.toBFloat16(n, x, y);
  } else if constexpr (std::is_floating_point<From>::value && std::is_integral<To>::value) {
    const ConvertKernels<From>& convert = floatKernels<From>().convert;
    if constexpr (sizeof(To) == 8) {
      convert.toInt64(n, x, y);
    } else if constexpr (sizeof(To) == 4) {
      convert.toInt32(n, x, y);
    } else {
      using Range = IntegerRange<To>;
      convert.toByte(n, x, Range::low, Range::high, reinterpret_cast<uint8_t*>(y));
    }
  } else if constexpr (kBetweenFloats<To, From>) {
    floatKernels<From>().convert.toOtherFloat(n, x, y);
  } else if constexpr (kByCast<To, From>) {
    const CastKernels<From>& casts = integerKernels<From>().casts;
    if constexpr (std::is_same<To, float>::value) {
      casts.toFloat(n, x, y);
    } else if constexpr (sizeof(To) == 8) {
      casts.toInt64(n, x, y);
    } else {
      casts.toInt32(n, x, y);
    }
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = converted<To>(x[i]);
  }
}

// 1 where x is not 0 (NaN is not 0).
template <class From>
void notZero(int64_t n, const From* x, uint8_t* y) {
  if constexpr (std::is_floating_point<From>::value) {
    const From zero = 0;
    floatKernels<From>().elementwise.compare[static_cast<int>(Compare::ne)](n, x, 1, &zero, 0, y);
  } else if constexpr (kIsHalf<From>) {
    for (int64_t i = 0; i < n; ++i) y[i] = (x[i].bits & 0x7fffu) != 0 ? 1 : 0;
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = x[i] != 0 ? 1 : 0;
  }
}

template <class From, class To>
Status convert(const Command& c, void (*function)(int64_t n, const From* x, To* y)) {
  return runMap(c, {1, {sizeof(From), sizeof(To)}, 0, kLightShare},
                [=](int64_t n, const void* const* in, const int64_t*, void* y) {
                  function(n, static_cast<const From*>(in[0]), static_cast<To*>(y));
                });
}

// Tiles of a transposed source: rows for a cache line of it, so that as many lines are read whole
// as there are columns, and few rows are written to at a time.
constexpr int64_t kTileCols = 256;
// Fewer columns leave room for more rows in a tile: so many elements.
constexpr int64_t kTileElements = 4096;
// Other tiles are parts of rows that are long enough for streams of memory: 16 KB.
constexpr int64_t kPieceBytes = 16 * 1024;

// Rows of a tile with so many columns: whole cache lines of the source.
int64_t turnedRows(int64_t cols, int64_t bytes) {
  const int64_t line = kCacheLine / bytes;
  const int64_t lines = kTileElements / (line * (cols < kTileCols ? cols : kTileCols));
  return line * (lines > 1 ? lines : 1);
}

// Whether the two inner dimensions of x are pairs that become two rows of y, as where pixels become
// channels.
bool arePairs(const Loops& loops) {
  const int row = loops.rank - 2, inner = loops.rank - 1;
  return row >= 0 && loops.shape[row] == 2 && loops.stride[0][row] == 1 &&
         loops.stride[0][inner] == 2 && loops.stride[1][inner] == 1;
}

// The copy of pairs of 4 or 8 bytes each, with the dimension before them in one call: tiles of two
// rows would be a call for each of them (8 x 8 images of 32 x 32, each pixel's four to channels:
// 56 us on Zen 5 instead of 7).
void copyPairs(const Loops& loops, int64_t bytes, const char* x, char* y) {
  const int row = loops.rank - 2, inner = row + 1, outer = row - 1;
  const int64_t n = loops.shape[inner], rows = outer < 0 ? 1 : loops.shape[outer];
  const int64_t xRow = outer < 0 ? 0 : loops.stride[0][outer];
  const int64_t yRow = outer < 0 ? 0 : loops.stride[1][outer];
  const int64_t other = loops.stride[1][row];
  const MoveTables& moves = kernels().moves;
  Loops tasks = loops;
  tasks.rank = outer < 0 ? 0 : outer;
  parallelShares(elementCount(tasks) * rows, 1, 4 * n * bytes, kLightShare,
                 [&](int64_t begin, int64_t end) {
                   Odometer at(tasks, 2, begin / rows);
                   for (int64_t i = begin; i < end; at.next()) {
                     const int64_t first = i % rows, left = end - i;
                     const int64_t count = left < rows - first ? left : rows - first;
                     const char* const from = x + (at.offset(0) + first * xRow) * bytes;
                     char* const to = y + (at.offset(1) + first * yRow) * bytes;
                     char* const second = to + other * bytes;
                     if (bytes == 4) {
                       moves.split4(count, n, reinterpret_cast<const uint32_t*>(from), xRow,
                                    reinterpret_cast<uint32_t*>(to),
                                    reinterpret_cast<uint32_t*>(second), yRow);
                     } else {
                       moves.split8(count, n, reinterpret_cast<const uint64_t*>(from), xRow,
                                    reinterpret_cast<uint64_t*>(to),
                                    reinterpret_cast<uint64_t*>(second), yRow);
                     }
                     i += count;
                   }
                 });
}

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
  if (arePairs(loops) && bytes >= 4) {
    copyPairs(loops, bytes, x, y);
    return Status::ok;
  }
  const int64_t length = inner < 0 ? 1 : loops.shape[inner], piece = kPieceBytes / bytes;
  const Tiles tiles = inOrder ? makeTiles(loops, 2, length < piece ? piece / length : 1, piece)
                              : makeTiles(loops, 2, turnedRows(length, bytes), kTileCols);
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

// y = a, z = b. Where both are every second element of one array, from one place and the next on,
// they are written together: a pair is one element of twice the size then.
Status copyInTurns(const Command& c) {
  constexpr int kY = 2, kZ = 3;
  const int64_t bytes = sizeOf(c.type[0]);
  Command pairs = c;
  Geometry& g = pairs.geometry;
  if (isEmpty(g)) return Status::ok;
  bool inTurns = static_cast<char*>(c.data[kZ]) == static_cast<char*>(c.data[kY]) + bytes;
  for (int d = 0; d < g.rank; ++d) {
    const int64_t step = g.stride[kY][d];
    inTurns = inTurns && (g.shape[d] == 1 || (step == g.stride[kZ][d] && step % 2 == 0));
    g.stride[kY][d] = step / 2;
  }
  if (inTurns && flatStep(g, kY) == 1) {
    return withBytes(c.type[0], [&](auto size) {
      using Bits = decltype(size);
      const auto interleave = movesOf(size).interleave;
      return runMap(pairs, {2, {sizeof(Bits), sizeof(Bits), 2 * sizeof(Bits)}, 2, kLightShare},
                    [=](int64_t n, const void* const* in, const int64_t* step, void* y) {
                      interleave(n, static_cast<const Bits*>(in[0]), step[0],
                                 static_cast<const Bits*>(in[1]), step[1], static_cast<Bits*>(y));
                    });
    });
  }
  for (int k = 0; k < 2; ++k) {
    Command one = c;
    one.data[0] = c.data[k];
    one.data[1] = c.data[kY + k];
    one.type[1] = c.type[kY + k];
    for (int d = 0; d < g.rank; ++d) {
      one.geometry.stride[0][d] = c.geometry.stride[k][d];
      one.geometry.stride[1][d] = c.geometry.stride[kY + k][d];
    }
    copy(one);
  }
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
      } else {
        return convert(c, convertAll<To, From>);
      }
    });
  });
}

Status castBool(const Command& c) {
  return withType(c.type[0], [&](auto from) {
    using From = decltype(from);
    return convert(c, notZero<From>);
  });
}

template <class Bits>
Status fillWith(const Command& c, Bits value) {
  return runMap(c, {0, {sizeof(Bits)}, 0, kLightShare},
                [=](int64_t n, const void* const*, const int64_t*, void* y) {
                  fillElements(static_cast<Bits*>(y), n, value);
                });
}

Status fill(const Command& c) {
  return withType(c.type[0], [&](auto to) {
    using To = decltype(to);
    const To value = converted<To>(c.number[0].f);
    BitsOf<To> bits;
    memcpy(&bits, &value, sizeof bits);
    return fillWith(c, bits);
  });
}

// Numbers in equal steps, the first ones counted from `start` and the others back from `end`.
template <class T>
Status stepsOf(const Command& c) {
  const int64_t n = c.number[0].i, rising = c.number[1].i;
  const double start = c.number[2].f, end = c.number[3].f, step = c.number[4].f;
  T* const y = static_cast<T*>(c.data[0]);
  const auto kernel = floatKernels<T>().convert.steps;
  constexpr int64_t kBytes = sizeof(T);
  parallelShares(n, kCacheLine / kBytes, kBytes, kLightShare, [=](int64_t begin, int64_t stop) {
    const int64_t middle = rising < begin ? begin : rising < stop ? rising : stop;
    kernel(middle - begin, start, step, begin, y + begin);
    kernel(stop - middle, end, step, middle - (n - 1), y + middle);
  });
  return Status::ok;
}

Status steps(const Command& c) {
  return c.type[0] == DType::float64 ? stepsOf<double>(c) : stepsOf<float>(c);
}

// Coordinates that are written together, in loops of a fixed length, of which compilers make
// vectors; what they write too much the next row writes again.
constexpr int kCoordinates = 16;

Status triangle(const Command& c) {
  const int64_t count = c.number[0].i, height = c.number[1].i, width = c.number[2].i;
  const int64_t diagonal = c.number[3].i;
  const bool upper = c.number[4].i != 0;
  int32_t* const row = static_cast<int32_t*>(c.data[0]);
  int32_t* const column = static_cast<int32_t*>(c.data[1]);
  int64_t at = 0;
  for (int64_t i = upper || diagonal >= 0 ? 0 : -diagonal; i < height && at < count; ++i) {
    const int64_t edge = i + diagonal;
    const int64_t begin = upper && edge > 0 ? edge : 0;
    const int64_t end = upper || edge >= width ? width : edge + 1;
    if (begin >= end) break;  // and so are all rows behind it
    for (int64_t j = begin; j < end && at < count;) {
      const int64_t some = end - j < kCoordinates ? end - j : kCoordinates;
      const int64_t n = count - at < kCoordinates ? 1 : some;
      for (int k = 0; n > 1 && k < kCoordinates; ++k) row[at + k] = static_cast<int32_t>(i);
      for (int k = 0; n > 1 && k < kCoordinates; ++k) column[at + k] = static_cast<int32_t>(j) + k;
      if (n == 1) {
        row[at] = static_cast<int32_t>(i);
        column[at] = static_cast<int32_t>(j);
      }
      at += n;
      j += n;
    }
  }
  for (; at < count; ++at) row[at] = column[at] = 0;
  return Status::ok;
}

const char* checkTriangle(const Command& c) {
  const int64_t height = c.number[1].i, width = c.number[2].i, diagonal = c.number[3].i;
  if (height < 0 || height > INT32_MAX || width < 0 || width > INT32_MAX) {
    return "a matrix is beyond 32-bit indices";
  }
  return diagonal < -INT32_MAX || diagonal > INT32_MAX ? "the diagonal is outside" : nullptr;
}

// n elements of 0, `step` elements apart.
void clearElements(int64_t n, int64_t bytes, char* y, int64_t step) {
  constexpr int64_t kZero = 0;
  if (step == 1) {
    memset(y, 0, static_cast<size_t>(n * bytes));
  } else {
    moveTile(bytes, 1, n, &kZero, 0, 0, y, 0, step);
  }
}

// A row at a time where rows lie in memory as such, otherwise all is copied before it is cut.
Status cutTriangle(const Command& c) {
  const Geometry& g = c.geometry;
  if (isEmpty(g)) return Status::ok;
  const int row = g.rank - 2, column = g.rank - 1;
  const int64_t height = g.shape[row], width = g.shape[column], bytes = sizeOf(c.type[0]);
  const int64_t behind = c.number[0].i;
  const bool upper = c.number[1].i != 0;
  const bool byRows = (g.stride[0][column] == 1 && g.stride[1][column] == 1) || width == 1;
  if (!byRows) copy(c);
  Loops outer;
  takeDimensions(g, 0, row, 2, &outer);
  const char* const x = static_cast<const char*>(c.data[0]);
  char* const y = static_cast<char*>(c.data[1]);
  const int64_t yStep = g.stride[1][column];
  parallelShares(elementCount(outer) * height, 1, 2 * width * bytes, kLightShare,
                 [&](int64_t begin, int64_t end) {
                   Odometer at(outer, 2, begin / height);
                   int64_t i = begin % height;
                   for (int64_t k = begin; k < end; ++k) {
                     // The lower part ends here, and the upper one begins.
                     const int64_t edge = i < -behind ? 0 : i + behind < width ? i + behind : width;
                     const int64_t from = upper ? edge : 0, kept = upper ? width - edge : edge;
                     const int64_t cut = upper ? 0 : edge;
                     char* const to = y + (at.offset(1) + i * g.stride[1][row]) * bytes;
                     const char* const source = x + (at.offset(0) + i * g.stride[0][row]) * bytes;
                     // Not memcpy: a hostile call may pass overlapping arrays.
                     if (byRows) {
                       memmove(to + from * bytes, source + from * bytes,
                               static_cast<size_t>(kept * bytes));
                     }
                     clearElements(width - kept, bytes, to + cut * yStep * bytes, yStep);
                     if (++i == height) {
                       i = 0;
                       at.next();
                     }
                   }
                 });
  return Status::ok;
}

const char* checkCut(const Command& c) {
  return c.geometry.rank < 2 ? "a matrix has two dimensions" : nullptr;
}

const Row kRows[] = {
    // y = x in y's type. To integers: towards zero and to the nearest end of the range from
    // floating point; modulo 2^bits from a wider integer, and between uint8 and int8.
    {"cast", "in x A[@] out y A[@]", cast, nullptr},
    {"castBool", "in x A[@] out y u8[@]", castBool, nullptr},
    // y = a and z = b; fastest where y and z take turns in one array.
    {"copyInTurns", "in a E[@] in b E[@] out y E[@] out z E[@]", copyInTurns, nullptr},
    // y = value, converted as by cast.
    {"fill", "out y A[@]; value real", fill, nullptr},
    // y[i] = start + i step for i < rising, else end - (n - 1 - i) step, in float64 and rounded.
    {"steps", "out y T[n]; n size rising int start end step real", steps, nullptr},
    // The coordinates of the lower (upper) triangle up to (from) a diagonal of a matrix, row by
    // row; 0 behind the last.
    {"triangle",
     "out row i32[count] out column i32[count]; count size height width diagonal upper int",
     triangle, checkTriangle},
    // y = x, matrices that are 0 from column `behind` on in the first row, from the next in the
    // next one and so on; or `upper`, 0 before that.
    {"cutTriangle", "in x E[@] out y E[@]; behind upper int", cutTriangle, checkCut},
};

}  // namespace

RowList copyRows() { return rowList(kRows); }

}  // namespace tilegrad
