// The elementwise kernels and optimizer steps of scalar.cpp.
#define TG_TARGET_SCALAR
#define TG_ONE_REGISTER
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

constexpr ElementwiseTables kScalarElementwise = {
    {scalar::elementwiseKernels<float>(), scalar::optimizerKernels<float>(),
     scalar::columnKernels<float>(), scalar::normalizationKernels<float>(),
     scalar::softmaxColumnKernels<float>(), scalar::recurrentKernels<float>(),
     scalar::poolKernels<float>(), scalar::depthwiseKernels<float>(),
     scalar::linalgKernels<float>()},
    {scalar::elementwiseKernels<double>(), scalar::optimizerKernels<double>(),
     scalar::columnKernels<double>(), scalar::normalizationKernels<double>(),
     scalar::softmaxColumnKernels<double>(), scalar::recurrentKernels<double>(),
     scalar::poolKernels<double>(), scalar::depthwiseKernels<double>(),
     scalar::linalgKernels<double>()},
    scalar::integerReduceKernels()};

}  // namespace tilegrad
