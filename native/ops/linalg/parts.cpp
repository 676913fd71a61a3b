#include <float.h>
#include <math.h>

#include <limits>

#include "../product/gemm_blocks.h"
#include "linalg.h"

namespace tilegrad {
namespace {

// Rows that are solved by substitution, one at a time with the rows before them in the block; all
// else is products. With 8, 16 and 32 of them 512 x 512 (float64, 512 right sides, Zen 5) took 2.0,
// 1.9 and 2.4 ms, with one right side 0.14, 0.11 and 0.15.
constexpr int64_t kSolveBlock = 16;

}  // namespace

template <class T>
Status subtractProduct(const Matrix<T>& c, const Matrix<T>& a, const Matrix<T>& b, int threads) {
  if (c.rows == 0 || c.cols == 0 || a.cols == 0) return Status::ok;
  Product<T> g{};
  g.m = c.rows;
  g.n = c.cols;
  g.k = a.cols;
  g.a = a.at;
  g.aRow = a.row;
  g.aCol = a.col;
  g.b = b.at;
  g.bRow = b.row;
  g.bCol = b.col;
  g.c = c.at;
  g.cRow = c.row;
  g.alpha = -1;
  g.beta = 1;
  g.finish = {Activation::none, Side::none, 0};
  return multiply(g, threads);
}

template <class T>
Status solveTriangle(const Matrix<T>& a, bool upper, bool unit, const Matrix<T>& b, int threads) {
  const int64_t n = a.rows;
  if (n > kSolveBlock) {
    const int64_t half = roundUp(n / 2, kSolveBlock), rest = n - half;
    const Matrix<T> top = b.block(0, 0, half, b.cols), bottom = b.block(half, 0, rest, b.cols);
    const Matrix<T> first = a.block(0, 0, half, half), second = a.block(half, half, rest, rest);
    Status status = upper ? solveTriangle(second, upper, unit, bottom, threads)
                          : solveTriangle(first, upper, unit, top, threads);
    if (status != Status::ok) return status;
    status = upper ? subtractProduct(top, a.block(0, half, half, rest), bottom, threads)
                   : subtractProduct(bottom, a.block(half, 0, rest, half), top, threads);
    if (status != Status::ok) return status;
    return upper ? solveTriangle(first, upper, unit, top, threads)
                 : solveTriangle(second, upper, unit, bottom, threads);
  }
  T x[kSolveBlock];
  for (int64_t done = 0; done < n; ++done) {
    const int64_t i = upper ? n - 1 - done : done, first = upper ? i + 1 : 0;
    for (int64_t p = 0; p < done; ++p) x[p] = -a(i, first + p);
    T* const y = b.rowAt(i);
    floatKernels<T>().gemm.streamRows(done, b.cols, x, 1, b.rowAt(first), b.row, y);
    if (unit) continue;
    const T diagonal = a(i, i);
    for (int64_t j = 0; j < b.cols; ++j) y[j] /= diagonal;
  }
  return Status::ok;
}

template <class T>
void exchange(int64_t n, T* x, T* y) {
  if (x == y) return;
  for (int64_t j = 0; j < n; ++j) {
    const T kept = x[j];
    x[j] = y[j];
    y[j] = kept;
  }
}

template <class T>
void swapRows(const Matrix<T>& a, const int32_t* pivots, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const int64_t other = pivots[i];
    if (other > i && other < a.rows) exchange(a.cols, a.rowAt(i), a.rowAt(other));
  }
}

template <class T>
T reflector(int64_t n, T* x, int64_t step) {
  // In float64, over the largest, so that squares neither overflow nor vanish.
  double most = 0;
  for (int64_t i = 1; i < n; ++i) {
    const double size = fabs(static_cast<double>(x[i * step]));
    if (!(size <= most)) most = size > most ? size : HUGE_VAL;  // of NaN: makes everything NaN
  }
  if (most == 0) return 0;
  const double first = static_cast<double>(x[0]);
  const double scale = fabs(first) > most ? fabs(first) : most;
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double part = static_cast<double>(x[i * step]) / scale;
    squares += part * part;
  }
  const double norm = scale * sqrt(squares);
  const T beta = static_cast<T>(first >= 0 ? -norm : norm);
  const T pivot = x[0] - beta;
  const T tau = -pivot / beta;
  for (int64_t i = 1; i < n; ++i) x[i * step] /= pivot;
  x[0] = beta;
  return tau;
}

template <class T>
void addProduct(const Matrix<T>& c, int64_t k, const T* a, int64_t aRow, int64_t aCol, const T* b) {
  const auto& kernels = floatKernels<T>().gemm;
  // Rows of a few columns in tiles: row by row, QR of 500 x 20 (float32, Zen 5) took 232 us instead
  // of 117. Long rows are faster one after the other (100 x 100: 179 us, in tiles 206 us;
  // 200 x 1000: 2.1 ms, 2.5).
  if (c.cols > 2 * kernels.maxCols) {
    for (int64_t i = 0; i < c.rows; ++i) {
      kernels.streamRows(k, c.cols, a + i * aRow, aCol, b, c.cols, c.rowAt(i));
    }
    return;
  }
  GemmTile<T> tile{};
  tile.cols = c.cols;
  tile.k = k;
  tile.aRow = aRow;
  tile.aCol = aCol;
  tile.b = b;
  tile.bRow = c.cols;
  tile.cRow = c.row;
  tile.beta = 1;
  int64_t i = 0;
  eachTile(c.rows, kernels.maxRows, [&](int64_t rows) {
    tile.a = a + i * aRow;
    tile.c = c.rowAt(i);
    kernels.tile[rows - 1](tile);
    i += rows;
  });
}

template <class T>
void reflectRows(const Matrix<T>& a, const T* v, int64_t step, T tau, T* work) {
  if (tau == 0 || a.cols == 0) return;
  const auto& kernels = floatKernels<T>().gemm;
  for (int64_t j = 0; j < a.cols; ++j) work[j] = a.at[j];
  kernels.streamRows(a.rows - 1, a.cols, v + step, step, a.rowAt(1), a.row, work);
  for (int64_t j = 0; j < a.cols; ++j) {
    work[j] *= -tau;
    a.at[j] += work[j];
  }
  addProduct(a.block(1, 0, a.rows - 1, a.cols), 1, v + step, step, 0, work);
}

template <class T>
void scaleByPower(int64_t n, T* x, int exponent) {
  if (exponent == 0) return;
  // By factors that are finite: a product with a power of 2 rounds as ldexp does, which is a call
  // for each element.
  constexpr int kMost = 1000;
  for (int left = exponent; left != 0;) {
    const int step = left > kMost ? kMost : left;
    const double factor = ldexp(1.0, step);
    for (int64_t i = 0; i < n; ++i) x[i] = static_cast<T>(static_cast<double>(x[i]) * factor);
    left -= step;
  }
}

template <class T>
bool scaleOf(int64_t n, const T* x, int* exponent) {
  double most = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double size = fabs(static_cast<double>(x[i]));
    if (!(size <= DBL_MAX)) return false;
    if (size > most) most = size;
  }
  *exponent = 0;
  if (most > 0) {
    frexp(most, exponent);
    *exponent = -*exponent;
  }
  return true;
}

template <class T>
void fillNaN(int64_t n, T* x) {
  for (int64_t i = 0; i < n; ++i) x[i] = std::numeric_limits<T>::quiet_NaN();
}

template <class T>
T* vectorAt(const Vectors& v, int64_t i) {
  return static_cast<T*>(v.at) + i * v.length;
}

template <class T>
void rotateRows(const Vectors& v, int64_t i, int64_t j, double c, double s) {
  floatKernels<T>().linalg.rotate(v.length, vectorAt<T>(v, i), vectorAt<T>(v, j), static_cast<T>(c),
                                  static_cast<T>(s));
}

template <class T>
void exchangeRows(const Vectors& v, int64_t i, int64_t j) {
  exchange(v.length, vectorAt<T>(v, i), vectorAt<T>(v, j));
}

template <class T>
void negateRow(const Vectors& v, int64_t i) {
  T* const x = vectorAt<T>(v, i);
  for (int64_t k = 0; k < v.length; ++k) x[k] = -x[k];
}

template <class T>
Vectors vectorsOf(T* at, int64_t length) {
  return {at, length, rotateRows<T>, exchangeRows<T>, negateRow<T>};
}

#define TG_LINALG_PARTS(T)                                                                    \
  template Status subtractProduct(const Matrix<T>&, const Matrix<T>&, const Matrix<T>&, int); \
  template Status solveTriangle(const Matrix<T>&, bool, bool, const Matrix<T>&, int);         \
  template void swapRows(const Matrix<T>&, const int32_t*, int64_t);                          \
  template void addProduct(const Matrix<T>&, int64_t, const T*, int64_t, int64_t, const T*);  \
  template T reflector(int64_t, T*, int64_t);                                                 \
  template void reflectRows(const Matrix<T>&, const T*, int64_t, T, T*);                      \
  template void exchange(int64_t, T*, T*);                                                    \
  template void scaleByPower(int64_t, T*, int);                                               \
  template bool scaleOf(int64_t, const T*, int*);                                             \
  template void fillNaN(int64_t, T*);                                                         \
  template Vectors vectorsOf(T*, int64_t);
TG_LINALG_PARTS(float)
TG_LINALG_PARTS(double)

}  // namespace tilegrad
