// The elementwise kernels of neon.cpp.
#define TG_TARGET_NEON
#include "../kernels/columns.h"
#include "../kernels/elementwise.h"
#include "../kernels/integer.h"

namespace tilegrad {

constexpr ElementwiseTables kNeonElementwise = {
    neon::elementwiseKernels<float>(), neon::elementwiseKernels<double>(),
    neon::columnKernels<float>(), neon::columnKernels<double>(), neon::integerKernels()};

}  // namespace tilegrad
