// The elementwise kernels and optimizer steps of neon.cpp.
#define TG_TARGET_NEON
#include "../kernels/elementwise.h"
#include "../kernels/optimizer.h"

namespace tilegrad {

constexpr ElementwiseTables kNeonElementwise = {
    {neon::elementwiseKernels<float>(), neon::optimizerKernels<float>()},
    {neon::elementwiseKernels<double>(), neon::optimizerKernels<double>()}};

}  // namespace tilegrad
