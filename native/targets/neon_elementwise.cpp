// The elementwise kernels and optimizer steps of neon.cpp.
#define TG_TARGET_NEON
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

constexpr ElementwiseTables kNeonElementwise = {
    {neon::elementwiseKernels<float>(), neon::optimizerKernels<float>(),
     neon::columnKernels<float>(), neon::normalizationKernels<float>(),
     neon::softmaxColumnKernels<float>(), neon::recurrentKernels<float>(),
     neon::poolKernels<float>(), neon::depthwiseKernels<float>(), neon::linalgKernels<float>()},
    {neon::elementwiseKernels<double>(), neon::optimizerKernels<double>(),
     neon::columnKernels<double>(), neon::normalizationKernels<double>(),
     neon::softmaxColumnKernels<double>(), neon::recurrentKernels<double>(),
     neon::poolKernels<double>(), neon::depthwiseKernels<double>(), neon::linalgKernels<double>()},
    neon::integerReduceKernels()};

}  // namespace tilegrad
