// All kernels whose lanes are independent, as one table: what the elementwise target files compile.
#pragma once
#include "columns.h"
#include "elementwise.h"
#include "norm.h"

TG_TARGET_BEGIN

template <class T>
constexpr ElementwiseKernels<T> independentKernels() {
  ElementwiseKernels<T> kernels = elementwiseKernels<T>();
  kernels.norm = normKernels<T>();
  kernels.columns = columnKernels<T>();
  return kernels;
}

TG_TARGET_END
