// LU and Cholesky factorisations and triangular solves, by recursion on halves of the columns
// (Toledo, "Locality of reference in LU decomposition with partial pivoting", 1997; Gustavson,
// "Recursion leads to automatic variable blocking", 1997): nearly all of the work is products.
#include <math.h>

#include "../../base/scratch.h"
#include "../parallel.h"
#include "../rows.h"
#include "../product/gemm_blocks.h"
#include "../product/gemm_threads.h"
#include "linalg.h"

namespace tilegrad {
namespace {

// Columns that are factorised one by one. Their updates read the panel once for each column.
constexpr int64_t kPanel = 16;

// Runs one(i, threads) for every matrix of a batch, on several threads when there are many of them.
template <class F>
Status overMatrices(int64_t batch, double workOfOne, const F& one) {
  const int threads = numThreads();
  return overBatch(
      batch, worthThreads(workOfOne * static_cast<double>(batch), threads),
      [&](int64_t i) { return one(i, 1); }, [&](int64_t i) { return one(i, threads); });
}

double cube(int64_t n) {
  const double x = static_cast<double>(n);
  return x * x * x;
}

// A panel of at most kPanel columns, with rows >= columns, column by column in a transposed copy:
// each column takes what the ones before it have to say (a product with their multipliers), and
// then gives its pivot. Pivots count from 0; *singular becomes the first column without one, or
// stays.
template <class T>
Status factorPanel(const Matrix<T>& a, int32_t* pivots, int32_t first, int32_t* singular) {
  const int64_t m = a.rows, n = a.cols;
  T* const t =
      static_cast<T*>(scratch(ScratchSlot::partial, static_cast<size_t>(m * n) * sizeof(T)));
  if (!t) return Status::outOfMemory;
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) t[j * m + i] = a(i, j);
  }
  for (int64_t j = 0; j < n; ++j) {
    T* const column = t + j * m;
    T x[kPanel];
    for (int64_t i = 0; i < j; ++i) {
      T value = column[i];
      for (int64_t p = 0; p < i; ++p) value += t[p * m + i] * x[p];
      column[i] = value;
      x[i] = -value;
    }
    floatKernels<T>().gemm.streamRows(j, m - j, x, 1, t + j, m, column + j);
    int64_t pivot = j;
    T most = 0;
    for (int64_t i = j; i < m; ++i) {
      const T size = column[i] < 0 ? -column[i] : column[i];
      if (size > most) {
        most = size;
        pivot = i;
      }
    }
    pivots[j] = static_cast<int32_t>(pivot);
    if (pivot != j) {
      for (int64_t c = 0; c < n; ++c) {
        const T kept = t[c * m + j];
        t[c * m + j] = t[c * m + pivot];
        t[c * m + pivot] = kept;
      }
    }
    const T divisor = column[j];
    if (divisor == 0) {  // everything below is 0 as well, or NaN
      if (*singular == 0) *singular = first + static_cast<int32_t>(j) + 1;
    } else {
      for (int64_t i = j + 1; i < m; ++i) column[i] /= divisor;
    }
  }
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) a(i, j) = t[j * m + i];
  }
  return Status::ok;
}

// P^T A = L U in place; `first` is the number of A's first column in the whole matrix.
template <class T>
Status factorLu(const Matrix<T>& a, int32_t* pivots, int32_t first, int32_t* singular,
                int threads) {
  const int64_t m = a.rows, n = a.cols;
  if (m >= n && n <= kPanel) return factorPanel(a, pivots, first, singular);
  const int64_t half = m < n ? m : roundUp(n / 2, kPanel);
  const Matrix<T> left = a.block(0, 0, m, half), right = a.block(0, half, m, n - half);
  Status status = factorLu(left, pivots, first, singular, threads);
  if (status != Status::ok) return status;
  swapRows(right, pivots, half);
  const Matrix<T> top = right.block(0, 0, half, n - half);
  status = solveTriangle(left.block(0, 0, half, half), false, true, top, threads);
  if (status != Status::ok || m == half) return status;
  const Matrix<T> bottom = right.block(half, 0, m - half, n - half);
  status = subtractProduct(bottom, left.block(half, 0, m - half, half), top, threads);
  if (status != Status::ok) return status;
  int32_t* const rest = pivots + half;
  status = factorLu(bottom, rest, first + static_cast<int32_t>(half), singular, threads);
  swapRows(left.block(half, 0, m - half, half), rest, n - half);
  for (int64_t i = 0; i < n - half; ++i) rest[i] += static_cast<int32_t>(half);
  return status;
}

template <class T>
Status luOf(const Command& c) {
  const int64_t batch = c.number[0].i, m = c.number[1].i, n = c.number[2].i, k = c.number[3].i;
  if (m == 0 || n == 0) return Status::ok;
  int32_t* const pivots = static_cast<int32_t*>(c.data[1]);
  int32_t* const info = static_cast<int32_t*>(c.data[2]);
  return overMatrices(batch, cube(k), [&](int64_t i, int threads) {
    info[i] = 0;
    int32_t* const own = pivots + i * k;
    const Status status = factorLu(plainMatrix<T>(c.data[0], i, m, n), own, 0, info + i, threads);
    for (int64_t p = 0; p < k; ++p) ++own[p];
    return status;
  });
}

Status lu(const Command& c) {
  return c.type[0] == DType::float64 ? luOf<double>(c) : luOf<float>(c);
}

const char* checkLu(const Command& c) {
  const int64_t m = c.number[1].i, n = c.number[2].i;
  if (m > INT32_MAX || n > INT32_MAX) return "pivots are 32-bit numbers";
  return c.number[3].i == min64(m, n) ? nullptr : "k is not the smaller of m and n";
}

// C -= U^T U, on and right of the diagonal: in blocks, some of whose elements left of it are
// computed too.
template <class T>
Status subtractSquare(const Matrix<T>& c, const Matrix<T>& u, int threads) {
  constexpr int64_t kSquare = 64;
  const int64_t n = c.rows;
  for (int64_t i = 0; i < n; i += kSquare) {
    const int64_t rows = min64(kSquare, n - i);
    const Status status =
        subtractProduct(c.block(i, i, rows, n - i), u.block(0, i, u.rows, rows).transposed(),
                        u.block(0, i, u.rows, n - i), threads);
    if (status != Status::ok) return status;
  }
  return Status::ok;
}

// A = U^T U on and right of the diagonal. *failed is the first row whose pivot isn't positive,
// counted from 1, where it stops.
template <class T>
Status factorCholesky(const Matrix<T>& a, int32_t first, int32_t* failed, int threads) {
  const int64_t n = a.rows;
  if (n > kPanel) {
    const int64_t half = roundUp(n / 2, kPanel), rest = n - half;
    const Matrix<T> top = a.block(0, 0, half, half), right = a.block(0, half, half, rest);
    const Matrix<T> bottom = a.block(half, half, rest, rest);
    Status status = factorCholesky(top, first, failed, threads);
    if (status != Status::ok || *failed != 0) return status;
    status = solveTriangle(top.transposed(), false, false, right, threads);
    if (status == Status::ok) status = subtractSquare(bottom, right, threads);
    if (status != Status::ok) return status;
    return factorCholesky(bottom, first + static_cast<int32_t>(half), failed, threads);
  }
  T x[kPanel];
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t p = 0; p < i; ++p) x[p] = -a(p, i);
    T* const row = &a(i, i);
    floatKernels<T>().gemm.streamRows(i, n - i, x, 1, a.at + i, a.row, row);
    const T pivot = row[0];
    if (!(pivot > 0)) {
      *failed = first + static_cast<int32_t>(i) + 1;
      return Status::ok;
    }
    const T root = static_cast<T>(sqrt(static_cast<double>(pivot)));
    row[0] = root;
    for (int64_t j = 1; j < n - i; ++j) row[j] /= root;
  }
  return Status::ok;
}

template <class T>
Status choleskyOf(const Command& c) {
  const int64_t n = c.number[1].i;
  if (n == 0) return Status::ok;
  int32_t* const info = static_cast<int32_t*>(c.data[1]);
  return overMatrices(c.number[0].i, cube(n), [&](int64_t i, int threads) {
    info[i] = 0;
    const Matrix<T> a = plainMatrix<T>(c.data[0], i, n, n);
    const Status status = factorCholesky(a, 0, info + i, threads);
    for (int64_t row = 1; row < n; ++row) {
      for (int64_t j = 0; j < row; ++j) a(row, j) = 0;
    }
    return status;
  });
}

Status cholesky(const Command& c) {
  return c.type[0] == DType::float64 ? choleskyOf<double>(c) : choleskyOf<float>(c);
}

template <class T>
Status triangularOf(const Command& c) {
  const int64_t n = c.number[1].i, r = c.number[2].i, step = c.number[3].i;
  const int64_t row = c.number[4].i, col = c.number[5].i;
  const bool upper = c.number[6].i != 0, unit = c.number[7].i != 0;
  if (n == 0 || r == 0) return Status::ok;
  const double work = static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(r);
  return overMatrices(c.number[0].i, work, [&](int64_t i, int threads) {
    const Matrix<T> a = {static_cast<T*>(c.data[0]) + i * step, n, n, row, col};
    return solveTriangle(a, upper, unit, plainMatrix<T>(c.data[1], i, n, r), threads);
  });
}

Status triangular(const Command& c) {
  return c.type[0] == DType::float64 ? triangularOf<double>(c) : triangularOf<float>(c);
}

template <class T>
Status permuteOf(const Command& c) {
  const int64_t batch = c.number[0].i, n = c.number[1].i, r = c.number[2].i, k = c.number[3].i;
  const bool back = c.number[4].i != 0;
  const int32_t* const pivots = static_cast<const int32_t*>(c.data[1]);
  for (int64_t i = 0; i < batch; ++i) {
    for (int64_t p = 0; p < k; ++p) {
      const int64_t other = pivots[i * k + p];
      if (p >= n || other < 1 || other > n) return Status::badIndex;
    }
  }
  for (int64_t i = 0; i < batch; ++i) {
    const Matrix<T> a = plainMatrix<T>(c.data[0], i, n, r);
    for (int64_t p = 0; p < k; ++p) {
      const int64_t at = back ? k - 1 - p : p, other = pivots[i * k + at] - int64_t{1};
      // Read a second time: another thread of JavaScript may have changed it.
      if (other >= 0 && other < n) exchange(r, a.rowAt(at), a.rowAt(other));
    }
  }
  return Status::ok;
}

Status permute(const Command& c) {
  return c.type[0] == DType::float64 ? permuteOf<double>(c) : permuteOf<float>(c);
}

// Of a permutation: -1 for an odd number of exchanges.
template <class T>
Status parityOf(const Command& c) {
  const int64_t batch = c.number[0].i, n = c.number[1].i;
  const int32_t* pivots = static_cast<const int32_t*>(c.data[0]);
  T* const sign = static_cast<T*>(c.data[1]);
  for (int64_t i = 0; i < batch; ++i, pivots += n) {
    int64_t exchanges = 0;
    for (int64_t p = 0; p < n; ++p) exchanges += pivots[p] != p + 1 ? 1 : 0;
    sign[i] = exchanges % 2 == 0 ? T{1} : T{-1};
  }
  return Status::ok;
}

Status parity(const Command& c) {
  return c.type[1] == DType::float64 ? parityOf<double>(c) : parityOf<float>(c);
}

const Row kRows[] = {
    // L (below the diagonal; ones on it) and U in the place of A, and row exchanges as LAPACK
    // counts
    // them: row i was exchanged with row pivots[i] - 1. info: the first column without a pivot that
    // isn't 0, counted from 1, or 0.
    {"linalgLu",
     "inout a T[batch m n] out pivots i32[batch k] out info i32[batch]; batch m n k size", lu,
     checkLu},
    // The upper factor U of A = U^T U in the place of A, of which nothing left of the diagonal is
    // read. info: the first row whose pivot isn't positive, counted from 1, or 0.
    {"linalgCholesky", "inout a T[batch n n] out info i32[batch]; batch n size", cholesky, nullptr},
    // B = inv(A) B for a triangular A.
    {"linalgTriangular",
     "in a T[batch*aStep n*aRow n*aCol] inout b T[batch n r]; batch n r size aStep aRow aCol "
     "stride upper unit int",
     triangular, nullptr},
    // Exchanges rows as linalgLu did, or in the opposite order.
    {"linalgPermute", "inout b T[batch n r] in pivots i32[batch k]; batch n r k size back int",
     permute, nullptr},
    // The determinant of what linalgPermute does: 1 or -1.
    {"linalgParity", "in pivots i32[batch n] out sign T[batch]; batch n size", parity, nullptr},
};

}  // namespace

RowList linalgSolveRows() { return rowList(kRows); }

}  // namespace tilegrad
