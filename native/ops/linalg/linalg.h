// What the factorisations are made of: matrices where they lie, products of them, triangular
// solves and Householder reflectors. All work on rows, whose elements are neighbours, by the
// level's kernels: chains of FMAs in a fixed order, so the results don't depend on level or
// threads.
#pragma once
#include "../dispatch.h"
#include "../product/gemm.h"

namespace tilegrad {

// M[i, j] at at[i * row + j * col].
template <class T>
struct Matrix {
  T* at;
  int64_t rows, cols, row, col;

  T& operator()(int64_t i, int64_t j) const { return at[i * row + j * col]; }
  T* rowAt(int64_t i) const { return at + i * row; }
  Matrix block(int64_t i, int64_t j, int64_t m, int64_t n) const {
    return {at + i * row + j * col, m, n, row, col};
  }
  Matrix transposed() const { return {at, cols, rows, col, row}; }
};

// Row-major without gaps.
template <class T>
Matrix<T> plainMatrix(void* at, int64_t index, int64_t rows, int64_t cols) {
  return {static_cast<T*>(at) + index * rows * cols, rows, cols, cols, 1};
}

// C -= A B. The columns of C are contiguous; A and B may be anything that C doesn't overlap.
template <class T>
Status subtractProduct(const Matrix<T>& c, const Matrix<T>& a, const Matrix<T>& b, int threads);

// B = inv(A) B for a triangular A, by substitution (Golub and Van Loan, "Matrix Computations", 4th
// edition, 3.1): the halves of A by recursion, what lies between them by products. The columns of B
// are contiguous; A may be any view. What lies on the other side of A's diagonal is not read, nor
// is the diagonal when `unit` says that it is 1.
template <class T>
Status solveTriangle(const Matrix<T>& a, bool upper, bool unit, const Matrix<T>& b, int threads);

// Exchanges row i with row pivots[i] >= i (counted from 0) for i = 0, 1, ...; a pivot that isn't a
// row is passed over.
template <class T>
void swapRows(const Matrix<T>& a, const int32_t* pivots, int64_t count);

// C += A B for a few steps k, on the caller's thread: A[i, p] at a[i * aRow + p * aCol]. The
// columns of C are contiguous, there is at least one, and the rows of B follow each other.
template <class T>
void addProduct(const Matrix<T>& c, int64_t k, const T* a, int64_t aRow, int64_t aCol, const T* b);

// H = I - tau v v^T with H x = (beta, 0, 0, ...) and v[0] = 1 (Golub and Van Loan, 5.1). The n
// values at x, `step` apart, become beta and the rest of v. Returns tau, 0 when there is nothing to
// do. NaN and infinities give NaN.
template <class T>
T reflector(int64_t n, T* x, int64_t step);

// A = H A for the reflector whose vector (v[0] = 1 not read) begins at v; `work` has a.cols places.
template <class T>
void reflectRows(const Matrix<T>& a, const T* v, int64_t step, T tau, T* work);

// Exchanges two rows of n values.
template <class T>
void exchange(int64_t n, T* x, T* y);

// Multiplies n values by 2^exponent, which is exact unless a result is denormal.
template <class T>
void scaleByPower(int64_t n, T* x, int exponent);

// The exponent by which scaling brings the largest of n values into [0.5, 1), in *exponent (0 when
// all are 0); false when one of them isn't finite. So neither squares of the values nor products
// overflow, and what underflows is nothing beside the largest.
template <class T>
bool scaleOf(int64_t n, const T* x, int* exponent);

template <class T>
void fillNaN(int64_t n, T* x);

// Rotates rows i and j of a matrix, exchanges them, or changes the sign of one: what an iteration
// on a tridiagonal or bidiagonal matrix asks of the vectors. `at` may be null: then nothing is
// done.
struct Vectors {
  void* at;
  int64_t length;
  void (*rotate)(const Vectors&, int64_t i, int64_t j, double c, double s);
  void (*exchange)(const Vectors&, int64_t i, int64_t j);
  void (*negate)(const Vectors&, int64_t i);
};

template <class T>
Vectors vectorsOf(T* at, int64_t length);

// Eigenvalues, ascending, of the symmetric tridiagonal matrix with the diagonal d and e[i] beside
// d[i] and d[i + 1], by the implicit QL method with Wilkinson's shift (Golub and Van Loan, 8.3;
// Dubrulle, Martin and Wilkinson, "The implicit QL algorithm", 1968). The vectors are rotated
// along. e has n places. False when it takes more than kMaxSteps steps for one of them.
bool tridiagonalQl(int64_t n, double* d, double* e, const Vectors& vectors);

// Singular values, descending, of the upper bidiagonal matrix with the diagonal d and e[i] right of
// d[i], by the implicit QR method of Golub and Kahan with Wilkinson's shift (Golub and Van Loan,
// 8.6, in the form of LINPACK's dsvdc). e has n places. False as above.
bool bidiagonalQr(int64_t n, double* d, double* e, const Vectors& left, const Vectors& right);

// EISPACK allows 30 steps, LAPACK 30 or 6 n in all; 3 are usual.
constexpr int kMaxSteps = 75;

}  // namespace tilegrad
