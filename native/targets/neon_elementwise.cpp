// The elementwise kernels of neon.cpp.
#define TG_TARGET_NEON
#include "../kernels/elementwise.h"

namespace tilegrad {

constexpr ElementwiseTables kNeonElementwise = {neon::elementwiseKernels<float>(),
                                                neon::elementwiseKernels<double>()};

}  // namespace tilegrad
