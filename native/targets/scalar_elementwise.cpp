// The elementwise kernels and optimizer steps of scalar.cpp.
#define TG_TARGET_SCALAR
#define TG_ONE_REGISTER
#include "../kernels/elementwise.h"
#include "../kernels/optimizer.h"

namespace tilegrad {

constexpr ElementwiseTables kScalarElementwise = {
    {scalar::elementwiseKernels<float>(), scalar::optimizerKernels<float>()},
    {scalar::elementwiseKernels<double>(), scalar::optimizerKernels<double>()}};

}  // namespace tilegrad
