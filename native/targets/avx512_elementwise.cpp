// The elementwise kernels and optimizer steps of avx512.cpp.
// GCC schedules instructions before it allocates registers only when told to; without that, vectors
// that elementwise.h wants in flight together come one after the other. Order alone: no bit
// changes.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("schedule-insns")
#endif
#define TG_TARGET_AVX512
#include "../kernels/columns.h"
#include "../kernels/depthwise.h"
#include "../kernels/elementwise.h"
#include "../kernels/integer_reduce.h"
#include "../kernels/linalg.h"
#include "../kernels/normalization.h"
#include "../kernels/optimizer.h"
#include "../kernels/pool.h"
#include "../kernels/recurrent.h"
#include "../kernels/softmax_columns.h"

namespace tilegrad {

constexpr ElementwiseTables kAvx512Elementwise = {
    {avx512::elementwiseKernels<float>(), avx512::optimizerKernels<float>(),
     avx512::columnKernels<float>(), avx512::normalizationKernels<float>(),
     avx512::softmaxColumnKernels<float>(), avx512::recurrentKernels<float>(),
     avx512::poolKernels<float>(), avx512::depthwiseKernels<float>(),
     avx512::linalgKernels<float>()},
    {avx512::elementwiseKernels<double>(), avx512::optimizerKernels<double>(),
     avx512::columnKernels<double>(), avx512::normalizationKernels<double>(),
     avx512::softmaxColumnKernels<double>(), avx512::recurrentKernels<double>(),
     avx512::poolKernels<double>(), avx512::depthwiseKernels<double>(),
     avx512::linalgKernels<double>()},
    avx512::integerReduceKernels()};

}  // namespace tilegrad
