// The elementwise kernels and optimizer steps of avx2.cpp.
#define TG_TARGET_AVX2
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

constexpr ElementwiseTables kAvx2Elementwise = {
    {avx2::elementwiseKernels<float>(), avx2::optimizerKernels<float>(),
     avx2::columnKernels<float>(), avx2::normalizationKernels<float>(),
     avx2::softmaxColumnKernels<float>(), avx2::recurrentKernels<float>(),
     avx2::poolKernels<float>(), avx2::depthwiseKernels<float>(), avx2::linalgKernels<float>()},
    {avx2::elementwiseKernels<double>(), avx2::optimizerKernels<double>(),
     avx2::columnKernels<double>(), avx2::normalizationKernels<double>(),
     avx2::softmaxColumnKernels<double>(), avx2::recurrentKernels<double>(),
     avx2::poolKernels<double>(), avx2::depthwiseKernels<double>(), avx2::linalgKernels<double>()},
    avx2::integerReduceKernels()};

}  // namespace tilegrad
