// A matrix product with everything that can be done to it on the way:
//   C = finish(beta * C + bias + (alpha * A) B), the bias only where beta is 0
#pragma once
#include "../command.h"
#include "../dispatch.h"
#include "gemm_plan.h"

namespace tilegrad {

template <class T>
struct Product {
  int64_t m, n, k;
  const T* a;  // A[i, p] at a[i * aRow + p * aCol]
  int64_t aRow, aCol;
  const T* b;  // B[p, j] at b[p * bRow + j * bCol], or panels (see packPanels)
  int64_t bRow, bCol;
  bool prepacked;
  const T* bias;  // n values, or null
  const T* side;  // see GemmFinish; null when it isn't used
  int64_t sideRow;
  T* c;  // C[i, j] at c[i * cRow + j]
  int64_t cRow;
  // C[i, j] at c[i + j * cRow] instead, and the bias by row: only where the plan is `dot`, beta is
  // 0 and nothing is to be finished.
  bool turned;
  T* columnSums;  // receives the sum of each column of B (bCol == 1), or null
  T alpha, beta;
  GemmFinish<T> finish;

  bool finishes() const {
    return finish.activation != Activation::none || finish.use != Side::none;
  }
};

// Computes it with at most `threads` threads.
template <class T>
Status multiply(const Product<T>& product, int threads);

// Says what is wrong with the numbers of a GemmFinish and whether there is a side, or null: for the
// rows of all products.
const char* checkFinish(int64_t activation, int64_t use, bool side);

// What multiply would do.
template <class T>
GemmPlan planProduct(const Product<T>& product, int threads);

}  // namespace tilegrad
