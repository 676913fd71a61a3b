// Factorisations by Householder reflectors: QR, and the reductions to tridiagonal and bidiagonal
// form that eigenvalues and singular values begin with (Golub and Van Loan, "Matrix Computations",
// 4th edition, 5.2, 8.3 and 8.6). All are backward stable.
#include "../../base/scratch.h"
#include "../parallel.h"
#include "../rows.h"
#include "../product/gemm_blocks.h"
#include "linalg.h"

namespace tilegrad {
namespace {

// `count` places of scratch memory.
template <class T>
T* places(ScratchSlot slot, int64_t count) {
  return static_cast<T*>(scratch(slot, static_cast<size_t>(count + 1) * sizeof(T)));
}

// one(i) for every matrix of a batch.
template <class F>
Status eachMatrix(int64_t batch, const F& one) {
  return parallelStatus(batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Status status = one(i);
      if (status != Status::ok) return status;
    }
    return Status::ok;
  });
}

template <class T>
Status qrOf(const Command& c) {
  const int64_t m = c.number[1].i, n = c.number[2].i, k = c.number[3].i;
  if (m == 0 || n == 0) return Status::ok;
  return eachMatrix(c.number[0].i, [&](int64_t i) {
    const Matrix<T> a = plainMatrix<T>(c.data[0], i, m, n);
    T* const tau = static_cast<T*>(c.data[1]) + i * k;
    T* const work = places<T>(ScratchSlot::partial, n);
    if (!work) return Status::outOfMemory;
    for (int64_t j = 0; j < k; ++j) {
      T* const v = &a(j, j);
      tau[j] = reflector(m - j, v, n);
      reflectRows(a.block(j, j + 1, m - j, n - j - 1), v, n, tau[j], work);
    }
    return Status::ok;
  });
}

Status qr(const Command& c) {
  return c.type[0] == DType::float64 ? qrOf<double>(c) : qrOf<float>(c);
}

const char* checkQr(const Command& c) {
  return c.number[3].i == min64(c.number[1].i, c.number[2].i) ? nullptr
                                                              : "k is not the smaller of m and n";
}

// The first columns of H_0 H_1 ... H_(k-1), from the last reflector back: H_p has its vector in
// column p of `vectors`, from row p + below on, and changes nothing left of that column.
template <class T>
Status accumulate(const Matrix<T>& vectors, const T* tau, int64_t k, int64_t below,
                  const Matrix<T>& q) {
  T* const work = places<T>(ScratchSlot::partial, q.cols);
  if (!work) return Status::outOfMemory;
  for (int64_t i = 0; i < q.rows; ++i) {
    for (int64_t j = 0; j < q.cols; ++j) q(i, j) = i == j ? 1 : 0;
  }
  for (int64_t p = k - 1; p >= 0; --p) {
    const int64_t at = p + below;
    if (at >= q.cols) continue;
    reflectRows(q.block(at, at, q.rows - at, q.cols - at), &vectors(at, p), vectors.row, tau[p],
                work);
  }
  return Status::ok;
}

template <class T>
Status productOf(const Command& c) {
  const int64_t m = c.number[1].i, cols = c.number[2].i, n = c.number[3].i, k = c.number[4].i;
  if (m == 0 || n == 0) return Status::ok;
  return eachMatrix(c.number[0].i, [&](int64_t i) {
    const T* const tau = static_cast<const T*>(c.data[1]) + i * k;
    return accumulate(plainMatrix<T>(c.data[0], i, m, cols), tau, k, 0,
                      plainMatrix<T>(c.data[2], i, m, n));
  });
}

Status product(const Command& c) {
  return c.type[0] == DType::float64 ? productOf<double>(c) : productOf<float>(c);
}

const char* checkProduct(const Command& c) {
  return c.number[4].i <= min64(c.number[1].i, c.number[2].i)
             ? nullptr
             : "there are more reflectors than vectors";
}

// to = the transposed of from, whose columns are contiguous.
template <class T>
void transposeInto(const Matrix<T>& from, T* to) {
  floatKernels<T>().gemm.turn(from.cols, from.rows, from.at, from.row, to, from.rows);
}

// A = Q T Q^T for a symmetric A, given whole. The vector of reflector p is left in column p below
// the diagonal, its 1 written out; d and e receive T.
template <class T>
void tridiagonalise(const Matrix<T>& a, T* tau, double* d, double* e, T* work) {
  const auto& kernels = floatKernels<T>().gemm;
  const int64_t n = a.rows;
  for (int64_t p = 0; p + 1 < n; ++p) {
    const int64_t size = n - p - 1;
    T* const v = &a(p + 1, p);  // a column, and what is left of the row of the same numbers
    tau[p] = reflector(size, v, a.row);
    d[p] = static_cast<double>(a(p, p));
    e[p] = static_cast<double>(v[0]);
    v[0] = 1;
    if (tau[p] == 0) continue;
    // A -= v w^T + w v^T, where w = y - tau / 2 (y^T v) v and y = tau A v.
    const Matrix<T> rest = a.block(p + 1, p + 1, size, size);
    T* const w = work;
    T* const x = work + size;  // v again, beside w
    for (int64_t i = 0; i < size; ++i) {
      w[i] = 0;
      x[i] = v[i * a.row];
    }
    kernels.streamRows(size, size, x, 1, rest.at, rest.row, w);
    double dot = 0;
    for (int64_t i = 0; i < size; ++i) {
      w[i] *= tau[p];
      dot += static_cast<double>(w[i]) * static_cast<double>(x[i]);
    }
    const T share = static_cast<T>(-0.5 * static_cast<double>(tau[p]) * dot);
    T* const factors = x + size;  // of w, then of v
    for (int64_t i = 0; i < size; ++i) {
      w[i] += share * x[i];
      factors[i] = -x[i];
      factors[size + i] = -w[i];
    }
    addProduct(rest, 2, factors, 1, size, w);
  }
  d[n - 1] = static_cast<double>(a(n - 1, n - 1));
  e[n - 1] = 0;
}

template <class T>
Status eighOf(const Command& c) {
  const int64_t n = c.number[1].i;
  const bool vectors = c.number[2].i != 0;
  if (n == 0) return Status::ok;
  int32_t* const info = static_cast<int32_t*>(c.data[2]);
  return eachMatrix(c.number[0].i, [&](int64_t i) {
    const Matrix<T> a = plainMatrix<T>(c.data[0], i, n, n);
    T* const w = static_cast<T*>(c.data[1]) + i * n;
    T* const tau = places<T>(ScratchSlot::result, 5 * n);
    double* const d = places<double>(ScratchSlot::panel, 2 * n);
    T* const q = places<T>(ScratchSlot::block, vectors ? n * n : 0);
    if (!tau || !d || !q) return Status::outOfMemory;
    for (int64_t row = 0; row < n; ++row) {
      for (int64_t j = row + 1; j < n; ++j) a(row, j) = a(j, row);
    }
    info[i] = 0;
    int exponent;
    if (!scaleOf(n * n, a.at, &exponent)) {
      fillNaN(n * n, a.at);
      fillNaN(n, w);
      return Status::ok;
    }
    scaleByPower(n * n, a.at, exponent);
    double* const e = d + n;
    tridiagonalise(a, tau, d, e, tau + n);
    if (vectors) {
      const Matrix<T> whole = {q, n, n, n, 1};
      if (accumulate(a, tau, n - 1, 1, whole) != Status::ok) return Status::outOfMemory;
      transposeInto(whole, a.at);
    }
    if (!tridiagonalQl(n, d, e, vectorsOf<T>(vectors ? a.at : nullptr, n))) info[i] = 1;
    for (int64_t j = 0; j < n; ++j) w[j] = static_cast<T>(d[j]);
    scaleByPower(n, w, -exponent);
    return Status::ok;
  });
}

Status eigh(const Command& c) {
  return c.type[0] == DType::float64 ? eighOf<double>(c) : eighOf<float>(c);
}

// A = A H for the reflector with the vector v, v[0] = 1 written out: first the products of the rows
// with v, then their shares of it.
template <class T>
void reflectColumns(const Matrix<T>& a, const T* v, T tau, T* work) {
  if (tau == 0 || a.rows == 0) return;
  const auto& kernels = floatKernels<T>().gemm;
  for (int64_t i = 0; i < a.rows; ++i) work[i] = 0;
  kernels.dot[0]({1, a.rows, a.cols, v, 0, 1, a.at, a.row, work, a.rows});
  for (int64_t i = 0; i < a.rows; ++i) work[i] *= -tau;
  addProduct(a, 1, work, 1, 0, v);
}

// A = U B V^T for m >= n. Left vectors are left in columns, right ones in rows right of the
// superdiagonal, their 1 written out; tau has 2 n places, d and e receive B.
template <class T>
void bidiagonalise(const Matrix<T>& a, T* tau, double* d, double* e, T* work) {
  const int64_t m = a.rows, n = a.cols;
  for (int64_t p = 0; p < n; ++p) {
    T* const v = &a(p, p);
    tau[p] = reflector(m - p, v, a.row);
    d[p] = static_cast<double>(v[0]);
    reflectRows(a.block(p, p + 1, m - p, n - p - 1), v, a.row, tau[p], work);
    e[p] = 0;
    if (p + 1 == n) break;
    T* const u = v + 1;
    tau[n + p] = reflector(n - p - 1, u, 1);
    e[p] = static_cast<double>(u[0]);
    u[0] = 1;
    reflectColumns(a.block(p + 1, p + 1, m - p - 1, n - p - 1), u, tau[n + p], work);
  }
}

template <class T>
Status svdOf(const Command& c) {
  const int64_t m = c.number[1].i, n = c.number[2].i, p = c.number[3].i;
  if (n == 0) return Status::ok;
  int32_t* const info = static_cast<int32_t*>(c.data[4]);
  return eachMatrix(c.number[0].i, [&](int64_t i) {
    const Matrix<T> a = plainMatrix<T>(c.data[0], i, m, n);
    T* const s = static_cast<T*>(c.data[1]) + i * n;
    T* const left = c.data[2] ? static_cast<T*>(c.data[2]) + i * p * m : nullptr;
    T* const right = c.data[3] ? static_cast<T*>(c.data[3]) + i * n * n : nullptr;
    T* const tau = places<T>(ScratchSlot::result, 2 * n + m);
    double* const d = places<double>(ScratchSlot::panel, 2 * n);
    if (!tau || !d) return Status::outOfMemory;
    info[i] = 0;
    int exponent;
    if (!scaleOf(m * n, a.at, &exponent)) {
      fillNaN(n, s);
      if (left) fillNaN(p * m, left);
      if (right) fillNaN(n * n, right);
      return Status::ok;
    }
    scaleByPower(m * n, a.at, exponent);
    double* const e = d + n;
    bidiagonalise(a, tau, d, e, tau + 2 * n);
    if (left || right) {
      T* const q = places<T>(ScratchSlot::block, m * (p > n ? p : n));
      if (!q) return Status::outOfMemory;
      if (left) {
        const Matrix<T> u = {q, m, p, p, 1};
        if (accumulate(a, tau, n, 0, u) != Status::ok) return Status::outOfMemory;
        transposeInto(u, left);
      }
      if (right) {
        const Matrix<T> v = {q, n, n, n, 1};
        // The vectors of the rows look like columns in the transposed matrix.
        if (accumulate(a.block(0, 0, n, n).transposed(), tau + n, n - 1, 1, v) != Status::ok) {
          return Status::outOfMemory;
        }
        transposeInto(v, right);
      }
    }
    if (!bidiagonalQr(n, d, e, vectorsOf(left, m), vectorsOf(right, n))) info[i] = 1;
    for (int64_t j = 0; j < n; ++j) s[j] = static_cast<T>(d[j]);
    scaleByPower(n, s, -exponent);
    return Status::ok;
  });
}

Status svd(const Command& c) {
  return c.type[0] == DType::float64 ? svdOf<double>(c) : svdOf<float>(c);
}

const char* checkSvd(const Command& c) {
  const int64_t m = c.number[1].i, n = c.number[2].i, p = c.number[3].i;
  if (m < n) return "there are more columns than rows";
  return !c.data[2] || p == n || p == m ? nullptr : "p is neither m nor n";
}

const Row kRows[] = {
    // R in the place of A, on and right of the diagonal; below it the vectors of the reflectors
    // without their 1.
    {"linalgQr", "inout a T[batch m n] out tau T[batch k]; batch m n k size", qr, checkQr},
    // The first n columns of the product of k reflectors, whose vectors are columns of a.
    {"linalgHouseholder",
     "in a T[batch m c] in tau T[batch k] out q T[batch m n]; batch m c n k size", product,
     checkProduct},
    // Eigenvalues w, ascending, of symmetric matrices, of which the diagonal and what is left of it
    // are read; with `vectors`, eigenvectors as rows in the place of A, which is used up otherwise.
    // info is 1 where the iteration did not converge. A matrix that isn't finite gives NaN.
    {"linalgEigh",
     "inout a T[batch n n] out w T[batch n] out info i32[batch]; batch n size vectors int", eigh,
     nullptr},
    // Singular values s, descending, of matrices with m >= n, and their vectors as rows: p left
    // ones
    // (n or m) and n right ones. A is used up. info as above.
    {"linalgSvd",
     "inout a T[batch m n] out s T[batch n] optout left T[batch p m] optout right T[batch n n] "
     "out info i32[batch]; batch m n p size",
     svd, checkSvd},
};

}  // namespace

RowList linalgOrthogonalRows() { return rowList(kRows); }

}  // namespace tilegrad
