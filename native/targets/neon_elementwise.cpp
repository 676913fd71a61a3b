// The elementwise kernels of neon.cpp.
#define TG_TARGET_NEON
#include "../kernels/independent.h"

namespace tilegrad {

constexpr ElementwiseTables kNeonElementwise = {neon::independentKernels<float>(),
                                                neon::independentKernels<double>()};

}  // namespace tilegrad
