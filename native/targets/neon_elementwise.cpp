// The elementwise kernels and optimizer steps of neon.cpp.
#define TG_TARGET_NEON
#include "../kernels/columns.h"
#include "../kernels/elementwise.h"
#include "../kernels/integer_reduce.h"
#include "../kernels/optimizer.h"

namespace tilegrad {

constexpr ElementwiseTables kNeonElementwise = {
    {neon::elementwiseKernels<float>(), neon::optimizerKernels<float>(),
     neon::columnKernels<float>()},
    {neon::elementwiseKernels<double>(), neon::optimizerKernels<double>(),
     neon::columnKernels<double>()},
    neon::integerReduceKernels()};

}  // namespace tilegrad
