// The kernel table of the target that the including file has chosen. All of it is constant data: a
// target file runs nothing when the library loads, so it may be compiled with flags that this CPU
// does not have. Its large parts are files of their own.
#pragma once
#include "../kernels/convert.h"
#include "../kernels/gemm_int8.h"
#include "../kernels/half.h"
#include "../kernels/move.h"
#include "../kernels/norm.h"
#include "../kernels/norm_sums.h"
#include "../kernels/quantize.h"
#include "../kernels/random.h"
#include "../kernels/reduce.h"
#include "../kernels/softmax.h"

TG_TARGET_BEGIN

template <class T>
constexpr FloatKernels<T> tableOf(const ElementwiseTable<T>& lanes, const GemmKernels<T>& gemm) {
  return {lanes.elementwise,    gemm,
          lanes.columns,        lanes.normalization,
          lanes.softmaxColumns, lanes.optimizer,
          lanes.recurrent,      lanes.pool,
          lanes.depthwise,      lanes.linalg,
          reduceKernels<T>(),   softmaxKernels<T>(),
          normSumKernels<T>(),  randomKernels<T>(),
          normKernels<T>(),     convertKernels<T>()};
}

constexpr KernelTable kernelTable(Level level, const ElementwiseTables& elementwise,
                                  const IntegerTables& integer, const GemmTables& gemm) {
  return {level,
          tableOf<float>(elementwise.f32, gemm.f32),
          tableOf<double>(elementwise.f64, gemm.f64),
          int8Kernels(),
          streamKernels(),
          halfKernels(),
          integer,
          elementwise.integerReduce,
          moveTables()};
}

TG_TARGET_END
