// Least squares by a QR factorisation with column pivoting, and where that shows a rank below the
// number of columns by a complete orthogonal one (Golub and Van Loan, "Matrix Computations", 4th
// edition, 5.4 and 5.5; LAPACK's xGELSY).
#include <math.h>
#include <stdint.h>

#include "../../base/scratch.h"
#include "../parallel.h"
#include "../rows.h"
#include "../product/gemm_blocks.h"
#include "linalg.h"

namespace tilegrad {
namespace {

// The squared length of what is left of each column, and what it was when it was last summed up.
struct ColumnSizes {
  double* now;
  double* summed;
};

// What a square that is updated may shrink to before it is summed up again: the root of float64's
// eps, as in LAPACK's xLAQP2. Then half of its digits are left.
constexpr double kLeftOver = 0x1p-26;

template <class T>
double squareOfColumn(const Matrix<T>& a, int64_t j) {
  double sum = 0;
  for (int64_t i = 0; i < a.rows; ++i) {
    sum += static_cast<double>(a(i, j)) * static_cast<double>(a(i, j));
  }
  return sum;
}

template <class T>
void exchangeColumns(const Matrix<T>& a, int64_t i, int64_t j) {
  for (int64_t row = 0; row < a.rows; ++row) {
    const T kept = a(row, i);
    a(row, i) = a(row, j);
    a(row, j) = kept;
  }
}

// A P = Q R for the first `steps` columns, those that are largest when their turn comes, and B =
// Q^T B. order[i] is the column of A that came i-th. Returns the rank: how many of R's diagonal
// elements, which fall, are above rcond times the first.
template <class T>
int64_t factorise(const Matrix<T>& a, const Matrix<T>& b, double rcond, int32_t* order,
                  const ColumnSizes& sizes, T* work) {
  const int64_t n = a.cols, steps = min64(a.rows, n);
  for (int64_t j = 0; j < n; ++j) {
    order[j] = static_cast<int32_t>(j);
    sizes.now[j] = sizes.summed[j] = 0;
  }
  for (int64_t i = 0; i < a.rows; ++i) {
    const T* const row = a.rowAt(i);
    for (int64_t j = 0; j < n; ++j) {
      sizes.now[j] += static_cast<double>(row[j]) * static_cast<double>(row[j]);
    }
  }
  for (int64_t j = 0; j < n; ++j) sizes.summed[j] = sizes.now[j];
  double least = 0;
  for (int64_t p = 0; p < steps; ++p) {
    int64_t best = p;
    for (int64_t j = p + 1; j < n; ++j) {
      if (sizes.now[j] > sizes.now[best]) best = j;
    }
    if (best != p) {
      exchangeColumns(a, p, best);
      const int32_t column = order[p];
      order[p] = order[best];
      order[best] = column;
      sizes.now[best] = sizes.now[p];
      sizes.summed[best] = sizes.summed[p];
    }
    T* const v = &a(p, p);
    const T tau = reflector(a.rows - p, v, a.row);
    const double size = fabs(static_cast<double>(v[0]));
    if (p == 0) least = rcond * size;
    if (!(size > least)) return p;
    reflectRows(a.block(p, p + 1, a.rows - p, n - p - 1), v, a.row, tau, work);
    reflectRows(b.block(p, 0, b.rows - p, b.cols), v, a.row, tau, work);
    const T* const row = a.rowAt(p);
    for (int64_t j = p + 1; j < n; ++j) {
      const double share = static_cast<double>(row[j]);
      sizes.now[j] -= share * share;
      if (sizes.now[j] > kLeftOver * sizes.summed[j]) continue;
      const Matrix<T> rest = a.block(p + 1, j, a.rows - p - 1, 1);
      sizes.now[j] = sizes.summed[j] = squareOfColumn(rest, 0);
    }
  }
  return steps;
}

// The y of least length with [R S] y = c, where R is the upper triangle in the first rank rows of a
// and S what stands right of it; c are the first rows of b. With [R S]^T = Z T, where T is upper
// triangular, y is Z inv(T^T) c. y has a.cols rows, `block` rank times as many places.
template <class T>
Status leastSolution(const Matrix<T>& a, const Matrix<T>& b, int64_t rank, const Matrix<T>& y,
                     T* block, T* tau, T* work) {
  for (int64_t i = 0; i < y.rows; ++i) {
    for (int64_t j = 0; j < y.cols; ++j) y(i, j) = i < rank ? b(i, j) : 0;
  }
  if (rank == 0) return Status::ok;
  if (rank == a.cols) {
    return solveTriangle(a.block(0, 0, rank, rank), true, false, y, 1);
  }
  const Matrix<T> z = {block, a.cols, rank, rank, 1};
  for (int64_t j = 0; j < rank; ++j) {
    for (int64_t i = 0; i < a.cols; ++i) z(i, j) = i < j ? 0 : a(j, i);
  }
  for (int64_t p = 0; p < rank; ++p) {
    T* const v = &z(p, p);
    tau[p] = reflector(z.rows - p, v, z.row);
    reflectRows(z.block(p, p + 1, z.rows - p, rank - p - 1), v, z.row, tau[p], work);
  }
  const Matrix<T> triangle = z.block(0, 0, rank, rank);
  const Status status =
      solveTriangle(triangle.transposed(), false, false, y.block(0, 0, rank, y.cols), 1);
  for (int64_t p = rank - 1; p >= 0; --p) {
    reflectRows(y.block(p, 0, y.rows - p, y.cols), &z(p, p), z.row, tau[p], work);
  }
  return status;
}

// What a solution needs besides its operands. Products, which the triangles' solutions are made of,
// leave all of it but the sizes alone.
template <class T>
struct Room {
  double* sizes;   // 2 n
  int32_t* order;  // n
  T* numbers;      // of these: y, a block of the transposed, tau, and work
};

template <class T>
Status solveOne(const Matrix<T>& a, const Matrix<T>& b, double rcond, const Matrix<T>& x,
                int32_t* rank, const Room<T>& room) {
  const int64_t n = a.cols, k = b.cols;
  int exponent;
  *rank = 0;
  if (!scaleOf(a.rows * n, a.at, &exponent)) {
    fillNaN(n * k, x.at);
    return Status::ok;
  }
  scaleByPower(a.rows * n, a.at, exponent);
  const Matrix<T> y = {room.numbers, n, k, k, 1};
  T* const tau = room.numbers + n * k;
  T* const work = tau + n;
  T* const block = work + (n > k ? n : k);
  const ColumnSizes sizes = {room.sizes, room.sizes + n};
  const int64_t found = factorise(a, b, rcond, room.order, sizes, work);
  const Status status = leastSolution(a, b, found, y, block, tau, work);
  scaleByPower(n * k, y.at, exponent);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < k; ++j) x(room.order[i], j) = y(i, j);
  }
  *rank = static_cast<int32_t>(found);
  return status;
}

template <class T>
Status leastSquaresOf(const Command& c) {
  const int64_t m = c.number[1].i, n = c.number[2].i, k = c.number[3].i;
  int32_t* const ranks = static_cast<int32_t*>(c.data[3]);
  if (n == 0 || m == 0) {
    T* const x = static_cast<T*>(c.data[2]);
    for (int64_t i = 0; i < c.number[0].i; ++i) ranks[i] = 0;
    for (int64_t i = 0; i < c.number[0].i * n * k; ++i) x[i] = 0;
    return Status::ok;
  }
  return parallelStatus(c.number[0].i, 1, [&](int64_t begin, int64_t end) {
    const int64_t most = min64(m, n), count = n * k + n + (n > k ? n : k) + n * most;
    const Room<T> room = {
        static_cast<double*>(
            scratch(ScratchSlot::panel, static_cast<size_t>(2 * n) * sizeof(double))),
        static_cast<int32_t*>(scratch(ScratchSlot::step, static_cast<size_t>(n) * sizeof(int32_t))),
        static_cast<T*>(scratch(ScratchSlot::weight, static_cast<size_t>(count) * sizeof(T)))};
    if (!room.sizes || !room.order || !room.numbers) return Status::outOfMemory;
    for (int64_t i = begin; i < end; ++i) {
      const Status status =
          solveOne(plainMatrix<T>(c.data[0], i, m, n), plainMatrix<T>(c.data[1], i, m, k),
                   c.number[4].f, plainMatrix<T>(c.data[2], i, n, k), ranks + i, room);
      if (status != Status::ok) return status;
    }
    return Status::ok;
  });
}

Status leastSquares(const Command& c) {
  return c.type[0] == DType::float64 ? leastSquaresOf<double>(c) : leastSquaresOf<float>(c);
}

const char* checkLeastSquares(const Command& c) {
  return c.number[2].i <= INT32_MAX ? nullptr : "columns are counted in 32 bits";
}

const Row kRows[] = {
    // The x of least |a x - b|, and among these of least |x|, and the ranks: columns whose part
    // that
    // is at right angles to those before is not above rcond times the largest count as 0. a and b
    // are used up. A matrix that isn't finite gives NaN, and rank 0.
    {"linalgLeastSquares",
     "inout a T[batch m n] inout b T[batch m k] out x T[batch n k] out rank i32[batch]; "
     "batch m n k size rcond real",
     leastSquares, checkLeastSquares},
};

}  // namespace

RowList leastSquaresRows() { return rowList(kRows); }

}  // namespace tilegrad
