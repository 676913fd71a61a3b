// How a matrix product is computed: decided here, from its shape (and, for the number of threads,
// whether they are awake), and asked by the row `gemmPlan`. No choice changes a bit of the result.
#pragma once
#include <stdint.h>

namespace tilegrad {

enum class GemmPath : int {
  empty,   // nothing to compute
  vector,  // one row or one column: the matrix is streamed past the vector
  stream,  // a few rows: those of a large B are read to their end, several at a time
  dot,     // few rows, or one column: the other operand is contiguous along k
  narrow,  // few columns: C^T = B^T A^T is computed instead, with vectors along the rows of C
  direct,  // tiles read B where it is
  packed,  // tiles read panels of B, and blocks of A that are copied when that pays
  turned,  // C^T = B^T A^T, by tiles that read a B that is contiguous along k where it is
};

struct GemmShape {
  int64_t m, n, k;
  int64_t aRow, aCol, bRow, bCol;  // strides in elements
  int64_t elementBytes;
  bool aligned;      // B's rows, or panels, begin where cache lines do
  bool prepacked;    // B comes in panels
  bool scaled;       // alpha is not 1: A is copied, scaled
  bool plainColumn;  // one column: C and what it is finished with are contiguous along it

  double multiplyAdds() const {
    return static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  }
  double bytesOfB() const {
    return static_cast<double>(k) * static_cast<double>(n) * static_cast<double>(elementBytes);
  }
};

// The widths of the level's tiles, from the kernel table.
struct GemmTiles {
  int rows, cols;
  int dotRows;     // the most rows of the dot path
  int streamRows;  // the most rows of the stream path
  int narrowCols;  // up to so many columns along k are turned, however short they are
  int shortRows;   // the height of the tiles for few steps, which are wider; 0: there are none
  int shortCols;   // and their width
};

struct GemmPlan {
  GemmPath path;
  int tileRows, tileCols;
  bool column;        // dot: it is B that is a column
  bool shortDepth;    // direct: few steps; packed: B is transposed or copied in strips
  int64_t shortCols;  // with few steps wide tiles take so many columns at a time; 0: no wide tiles
  bool packB, copyA;
  bool strips;   // packed: a panel's every piece is used up before the next one is packed
  bool streamB;  // B is read in place from beyond the second-level cache
  bool ahead;    // B is used in blocks of a few rows, each requested in order beforehand
  int64_t blockRows, blockCols, blockDepth;  // of the packed and the turned path
  int edgeCols;  // so many last columns are better a narrow product of their own
  int threads;
  bool splitRows;      // threads share the rows of C instead of its columns
  int64_t shareGrain;  // shares are cut at multiples of so many rows or columns
  // A thread goes through its share by pieces of so many panels of B by a block of rows, which
  // others may take over, and paths and blocks above are a share's. 0: each thread ends with its
  // own share.
  int64_t piecePanels;
};

GemmPlan planGemm(const GemmShape& shape, const GemmTiles& tiles, int threads);

}  // namespace tilegrad
