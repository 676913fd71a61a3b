// The kernel table of the target that the including file has chosen. All of it is constant data: a
// target file runs nothing when the library loads, so it may be compiled with flags that this CPU
// does not have.
#pragma once
#include "../kernels/elementwise.h"
#include "../kernels/gemm.h"
#include "../kernels/gemm_int8.h"
#include "../kernels/optimizer.h"
#include "../kernels/quantize.h"
#include "../kernels/random.h"
#include "../kernels/reduce.h"
#include "../kernels/softmax.h"

TG_TARGET_BEGIN

template <class T>
constexpr FloatKernels<T> tableOf() {
  FloatKernels<T> kernels{};
  fillElementwise(kernels);
  kernels.gemm = gemmKernels<T>();
  kernels.reduce = reduceKernels<T>();
  kernels.softmax = softmaxKernels<T>();
  kernels.random = randomKernels<T>();
  kernels.optimizer = optimizerKernels<T>();
  return kernels;
}

constexpr KernelTable kernelTable(Level level) {
  return {level, tableOf<float>(), tableOf<double>(), int8Kernels()};
}

TG_TARGET_END
