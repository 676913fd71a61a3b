#include "map.h"

#include <string.h>

#include "../dispatch.h"

namespace tilegrad {
namespace {

// A tile of strided operands: 16 float32 rows are one cache line of a transposed operand, and three
// operands of 16 x 64 float64 values take 24 KB of a first-level cache and of the stack.
constexpr int64_t kTileRows = 16;
constexpr int64_t kTileCols = 64;
constexpr int64_t kTileValues = kTileRows * kTileCols;
constexpr int64_t kLargestElement = 8;

// Values of a tile when kernels can read and write all operands in place: enough to forget what a
// tile costs, few enough to share one long row between threads.
constexpr int64_t kDirectValues = 8192;

bool takesStep(const Map& map, int k, int64_t step) {
  return step == 1 || (step == 0 && k < map.scalars);
}

bool isSmaller(int64_t a, int64_t b) { return (a < 0 ? -a : a) < (b < 0 ? -b : b); }

// Rows up to here are copied by the level's own loop, longer ones by the C library: rows of 1, 1.5
// and 2 KB side by side in the second-level cache and beyond took it 1.02 to 1.45 times as long.
constexpr int64_t kShortBytes = 2048;

template <class Bits>
void move(const MoveKernels<Bits>& kernels, int64_t rows, int64_t cols, const void* from,
          int64_t xRow, int64_t xCol, void* to, int64_t yRow, int64_t yCol) {
  const Bits* const x = static_cast<const Bits*>(from);
  Bits* const y = static_cast<Bits*>(to);
  constexpr int64_t kBytes = sizeof(Bits);
  if (yCol == 1 && xCol == 1) {
    moveRows(rows, cols * kBytes, x, xRow * kBytes, y, yRow * kBytes);
  } else if (yCol == 1 && xRow == 1) {
    kernels.transpose(rows, cols, x, xCol, y, yRow);
  } else if (yCol == 1 && xCol == 0) {
    for (int64_t i = 0; i < rows; ++i) fillElements(y + i * yRow, cols, x[i * xRow]);
  } else if (yCol == 1 && xCol == -1) {
    for (int64_t i = 0; i < rows; ++i) kernels.reverse(cols, x + i * xRow, y + i * yRow);
  } else if (yCol == 1 && xCol == 2) {
    for (int64_t i = 0; i < rows; ++i) kernels.everySecond(cols, x + i * xRow, y + i * yRow);
  } else if (isSmaller(xRow, xCol)) {
    for (int64_t j = 0; j < cols; ++j) {
      for (int64_t i = 0; i < rows; ++i) y[i * yRow + j * yCol] = x[i * xRow + j * xCol];
    }
  } else {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < cols; ++j) y[i * yRow + j * yCol] = x[i * xRow + j * xCol];
    }
  }
}

// A map with its kernel and its operands.
struct Call {
  const Map& map;
  MapKernel call;
  const void* kernel;
  const char* in[kMaxLoopOperands];
  char* y;

  void operator()(const MapRows& rows) const { call(kernel, rows); }
};

// Rows up to here are walked as one list with their neighbours, after operands that are the same
// along or down them were written out: one value for each row costs as many stores as it saves
// calls from 128 floats on (times by calls over times so for rows of 3, 10, 64 and 128: 5.2, 3.1,
// 1.3, 0.85), one row for all is written once (rows of 10, 64, 128 and 256: 4.7, 1.5, 1.2, 1.0).
// Bytes of the operand or of the result, whichever are more: a mask beside rows of 200 floats costs
// a tenth more than it saves.
constexpr int64_t kSpreadBytes = 256;
constexpr int64_t kRepeatedBytes = 512;

// Whether whole rows of these tiles follow each other in the result, and in each operand that isn't
// the same for all rows or all columns.
bool joinsRows(const Map& map, const Tiles& tiles) {
  const int64_t cols = tiles.cols;
  const auto isList = [&](int k) { return tiles.colStride[k] == 1 && tiles.rowStride[k] == cols; };
  if (!isList(map.inputs) || cols > tiles.tileCols || cols > kTileValues) return false;
  for (int k = 0; k < map.inputs; ++k) {
    if (isList(k)) continue;
    if (tiles.colStride[k] != 0 && tiles.rowStride[k] != 0) return false;
    const int64_t most = tiles.colStride[k] == 0 ? kSpreadBytes : kRepeatedBytes;
    const int64_t bytes =
        map.bytes[map.inputs] > map.bytes[k] ? map.bytes[map.inputs] : map.bytes[k];
    if (cols * bytes > most) return false;
  }
  return true;
}

template <class Bits>
void spread(int64_t rows, int64_t n, const char* x, int64_t xRow, char* y) {
  movesOf(Bits{}).spread(rows, n, reinterpret_cast<const Bits*>(x), xRow,
                         reinterpret_cast<Bits*>(y));
}

// n elements of each of `rows` rows, which are the same along the row or down the rows.
void writeOut(int64_t bytes, int64_t rows, int64_t n, const char* x, int64_t xRow, int64_t xCol,
              char* y) {
  if (xCol != 0) return kernels().moves.copyRows(rows, n * bytes, x, 0, y, n * bytes);
  switch (bytes) {
    case 1:
      return spread<uint8_t>(rows, n, x, xRow, y);
    case 2:
      return spread<uint16_t>(rows, n, x, xRow, y);
    case 4:
      return spread<uint32_t>(rows, n, x, xRow, y);
    default:
      return spread<uint64_t>(rows, n, x, xRow, y);
  }
}

// One thread's tiles, the rows of which are walked together.
void runJoined(const Call& call, const Tiles& tiles, int64_t begin, int64_t end) {
  const int inputs = call.map.inputs;
  const int64_t* const bytes = call.map.bytes;
  alignas(kCacheLine) char buffer[kMaxLoopOperands][kTileValues * kLargestElement + kCacheLine];
  const int64_t cols = tiles.cols, most = kTileValues / cols;
  const int64_t one[kMaxLoopOperands] = {1, 1, 1, 1};
  // What a buffer holds, which may be what the next rows need as well.
  const char* source[kMaxLoopOperands] = {};
  int64_t written[kMaxLoopOperands] = {};
  Odometer at(tiles.tasks, inputs + 1, begin);
  for (int64_t task = begin; task < end; ++task, at.next()) {
    const int64_t rows = tiles.rowsOf(at);
    for (int64_t i = 0; i < rows; i += most) {
      const int64_t count = rows - i < most ? rows - i : most;
      MapRows list{1, count * cols, {}, {}, one, nullptr, 0};
      for (int k = 0; k < inputs; ++k) {
        const int64_t row = tiles.rowStride[k], col = tiles.colStride[k];
        const char* const x = call.in[k] + (at.offset(k) + i * row) * bytes[k];
        const bool same = row == 0 || col == 0;
        list.in[k] = same ? buffer[k] : x;
        if (!same || (x == source[k] && count <= written[k])) continue;
        writeOut(bytes[k], count, cols, x, row, col, buffer[k]);
        source[k] = x;
        written[k] = count;
      }
      list.y = call.y + (at.offset(inputs) + i * cols) * bytes[inputs];
      call(list);
    }
  }
}

// One thread's tiles. Operands that the kernel can't take in place pass through buffers.
void runTiles(const Call& call, const Tiles& tiles, int64_t begin, int64_t end) {
  const int inputs = call.map.inputs;
  const int64_t* const bytes = call.map.bytes;
  alignas(kCacheLine) char buffer[kMaxLoopOperands][kTileValues * kLargestElement];
  bool direct[kMaxLoopOperands];
  for (int k = 0; k < inputs; ++k) direct[k] = takesStep(call.map, k, tiles.colStride[k]);
  const int64_t yRow = tiles.rowStride[inputs], yCol = tiles.colStride[inputs];
  const bool yDirect = yCol == 1;
  Odometer at(tiles.tasks, inputs + 1, begin);
  for (int64_t task = begin; task < end; ++task, at.next()) {
    const int64_t rows = tiles.rowsOf(at), cols = tiles.colsOf(at);
    int64_t step[kMaxLoopOperands];
    MapRows list{rows, cols, {}, {}, step, nullptr, 0};
    for (int k = 0; k < inputs; ++k) {
      const char* const x = call.in[k] + at.offset(k) * bytes[k];
      const int64_t row = tiles.rowStride[k], col = tiles.colStride[k];
      if (direct[k]) {
        list.in[k] = x;
        list.inBytes[k] = row * bytes[k];
        step[k] = col;
      } else {
        moveTile(bytes[k], rows, cols, x, row, col, buffer[k], tiles.tileCols, 1);
        list.in[k] = buffer[k];
        list.inBytes[k] = tiles.tileCols * bytes[k];
        step[k] = 1;
      }
    }
    const int64_t yBytes = bytes[inputs];
    char* const to = call.y + at.offset(inputs) * yBytes;
    char* const results = yDirect ? to : buffer[inputs];
    const int64_t resultRow = yDirect ? yRow : tiles.tileCols;
    list.y = results;
    list.yBytes = resultRow * yBytes;
    call(list);
    if (!yDirect) {
      moveTile(yBytes, rows, cols, results, resultRow, 1, to, yRow, yCol);
    }
  }
}

int64_t itemBytes(const Map& map) {
  int64_t sum = 0;
  for (int k = 0; k <= map.inputs; ++k) sum += map.bytes[k];
  return sum;
}

void runStrided(const Geometry& g, const Call& call) {
  const int inputs = call.map.inputs;
  Loops loops;
  takeDimensions(g, 0, g.rank, inputs + 1, &loops);
  sortByStride(&loops, inputs + 1, inputs);
  mergeDimensions(&loops, inputs + 1);
  const int inner = loops.rank - 1;
  bool direct = inner < 0 || loops.stride[inputs][inner] == 1;
  for (int k = 0; k < inputs && inner >= 0; ++k) {
    if (takesStep(call.map, k, loops.stride[k][inner])) continue;
    if (direct) pairWithUnitStride(&loops, inputs + 1, k);  // the first one that is in the way
    direct = false;
  }
  const int64_t length = inner < 0 ? 1 : loops.shape[inner];
  const int64_t directRows = length < kDirectValues ? kDirectValues / length : 1;
  const Tiles tiles = direct ? makeTiles(loops, inputs + 1, directRows, kDirectValues)
                             : makeTiles(loops, inputs + 1, kTileRows, kTileCols);
  const int64_t tileRows = tiles.rows < tiles.tileRows ? tiles.rows : tiles.tileRows;
  const int64_t tileCols = tiles.cols < tiles.tileCols ? tiles.cols : tiles.tileCols;
  // Of an operand that is the same for all rows or all columns, a tile reads next to nothing.
  int64_t bytes = 0;
  for (int k = 0; k <= inputs; ++k) {
    const bool repeats =
        (tileRows > 1 && tiles.rowStride[k] == 0) || (tileCols > 1 && tiles.colStride[k] == 0);
    if (!repeats) bytes += call.map.bytes[k];
  }
  const auto run = direct && joinsRows(call.map, tiles) ? runJoined : runTiles;
  parallelShares(elementCount(tiles.tasks), 1, tileRows * tileCols * bytes, call.map.share,
                 [&](int64_t begin, int64_t end) { run(call, tiles, begin, end); });
}

}  // namespace

void moveRows(int64_t rows, int64_t bytes, const void* x, int64_t xRow, void* y, int64_t yRow) {
  if (bytes <= kShortBytes) return kernels().moves.copyRows(rows, bytes, x, xRow, y, yRow);
  for (int64_t i = 0; i < rows; ++i) {
    memcpy(static_cast<char*>(y) + i * yRow, static_cast<const char*>(x) + i * xRow,
           static_cast<size_t>(bytes));
  }
}

void moveTile(int64_t bytes, int64_t rows, int64_t cols, const void* x, int64_t xRow, int64_t xCol,
              void* y, int64_t yRow, int64_t yCol) {
  const MoveTables& table = kernels().moves;
  switch (bytes) {
    case 1:
      return move(table.size1, rows, cols, x, xRow, xCol, y, yRow, yCol);
    case 2:
      return move(table.size2, rows, cols, x, xRow, xCol, y, yRow, yCol);
    case 4:
      return move(table.size4, rows, cols, x, xRow, xCol, y, yRow, yCol);
    default:
      return move(table.size8, rows, cols, x, xRow, xCol, y, yRow, yCol);
  }
}

Status runMap(const Command& c, const Map& map, MapKernel kernelCall, const void* kernel) {
  const Geometry& g = c.geometry;
  if (isEmpty(g)) return Status::ok;
  const int inputs = map.inputs;
  Call call{map, kernelCall, kernel, {}, static_cast<char*>(c.data[inputs])};
  int64_t step[kMaxLoopOperands];
  bool flat = flatStep(g, inputs) == 1;
  for (int k = 0; k < inputs; ++k) {
    call.in[k] = static_cast<const char*>(c.data[k]);
    step[k] = flat ? flatStep(g, k) : -1;
    flat = flat && takesStep(map, k, step[k]);
  }
  if (!flat) {
    runStrided(g, call);
    return Status::ok;
  }
  parallelShares(flatCount(g), kCacheLine / map.bytes[inputs], itemBytes(map), map.share,
                 [&](int64_t begin, int64_t end) {
                   MapRows part{1, end - begin, {}, {}, step, nullptr, 0};
                   for (int k = 0; k < inputs; ++k) {
                     part.in[k] = call.in[k] + begin * step[k] * map.bytes[k];
                   }
                   part.y = call.y + begin * map.bytes[inputs];
                   call(part);
                 });
  return Status::ok;
}

}  // namespace tilegrad
