// The part of table.h that elementwise kernels fill, of floats and of integers.
#pragma once
#include "../base/types.h"

namespace tilegrad {

enum class Unary : int {
#define TG_UNARY(name) name,
#include "elementwise.inc"
  count
};

enum class Binary : int {
#define TG_BINARY(name) name,
#include "elementwise.inc"
  count
};

enum class UnaryWith : int {
#define TG_UNARY_WITH(name, parameters) name,
#include "elementwise.inc"
  count
};

enum class Compare : int {
#define TG_COMPARE(name) name,
#include "elementwise.inc"
  count
};

enum class Derivative : int {
#define TG_DERIVATIVE(name, parameters) name,
#include "elementwise.inc"
  count
};

enum class Predicate : int {
#define TG_PREDICATE(name) name,
#include "elementwise.inc"
  count
};

enum class Ternary : int {
#define TG_TERNARY(name) name,
#include "elementwise.inc"
  count
};

enum class IntegerUnary : int {
#define TG_NUMBER_UNARY(name) name,
#define TG_INTEGER_UNARY(name) name,
#include "integer.inc"
  count
};

enum class IntegerBinary : int {
#define TG_NUMBER_BINARY(name) name,
#define TG_INTEGER_BINARY(name) name,
#include "integer.inc"
  count
};

// y[i] = f(x[i]) for i < n.
template <class T>
using UnaryKernel = void (*)(int64_t n, const T* x, T* y);

// y[i] = f(a[i * aStep], b[i * bStep]) for i < n; a step is 1, or 0 for a scalar.
template <class T>
using BinaryKernel = void (*)(int64_t n, const T* a, int64_t aStep, const T* b, int64_t bStep,
                              T* y);

// The most parameters that a function of elementwise.inc has.
constexpr int kMaxParameters = 3;

// y[i] = f(x[i]) for i < n with the parameters p, in the order of their names.
template <class T>
using UnaryWithKernel = void (*)(int64_t n, const T* x, const T* p, T* y);

// dx[i] = f(g[i * gStep], x[i]) for i < n; gStep is 1 or 0.
template <class T>
using DerivativeKernel = void (*)(int64_t n, const T* g, int64_t gStep, const T* x, const T* p,
                                  T* dx);

// The same with truth values, 0 or 1, as results.
template <class T>
using CompareKernel = void (*)(int64_t n, const T* a, int64_t aStep, const T* b, int64_t bStep,
                               uint8_t* y);
template <class T>
using PredicateKernel = void (*)(int64_t n, const T* x, uint8_t* y);

// y[i] = f(a[i * step[0]], b[i * step[1]], c[i * step[2]], value) for i < n, steps 1 or 0.
template <class T>
using TernaryKernel = void (*)(int64_t n, const T* a, const T* b, const T* c, const int64_t* step,
                               T value, T* y);

// y[i] = a[i * aStep] where condition[i * step] is not 0, elsewhere b[i * bStep]; of elements that
// are as large as a Bits.
template <class Bits>
using SelectKernel = void (*)(int64_t n, const uint8_t* condition, int64_t step, const Bits* a,
                              int64_t aStep, const Bits* b, int64_t bStep, Bits* y);

template <class T>
struct ElementwiseKernels {
  UnaryKernel<T> unary[static_cast<int>(Unary::count)];
  BinaryKernel<T> binary[static_cast<int>(Binary::count)];
  UnaryWithKernel<T> unaryWith[static_cast<int>(UnaryWith::count)];
  DerivativeKernel<T> derivative[static_cast<int>(Derivative::count)];
  // The gradients of glu(a, b) = a sigmoid(b): da = g sigmoid(b), db = g a sigmoid'(b).
  void (*gluBackward)(int64_t n, const T* a, const T* b, const T* g, T* da, T* db);
  CompareKernel<T> compare[static_cast<int>(Compare::count)];
  PredicateKernel<T> predicate[static_cast<int>(Predicate::count)];
  TernaryKernel<T> ternary[static_cast<int>(Ternary::count)];
  // addcmul of a matrix, a column and a row: y[i * yRow + j] = x[i * xRow + j] + (value * a[i *
  // aStep]) * b[j] for i < rows and j < n. y may be x.
  void (*addOuter)(int64_t rows, int64_t n, const T* x, int64_t xRow, const T* a, int64_t aStep,
                   const T* b, T value, T* y, int64_t yRow);
};

// Conversions of n integers, as C has them. (For others plain loops do.)
template <class T>
struct CastKernels {
  void (*toFloat)(int64_t n, const T* x, float* y);
  void (*toInt32)(int64_t n, const T* x, int32_t* y);  // null for int32
  void (*toInt64)(int64_t n, const T* x, int64_t* y);  // null for int64
};

template <class T>
struct IntegerKernels {
  UnaryKernel<T> unary[static_cast<int>(IntegerUnary::count)];
  BinaryKernel<T> binary[static_cast<int>(IntegerBinary::count)];
  CompareKernel<T> compare[static_cast<int>(Compare::count)];
  CastKernels<T> casts;
};

}  // namespace tilegrad
