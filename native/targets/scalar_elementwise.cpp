// The elementwise kernels of scalar.cpp.
#define TG_TARGET_SCALAR
#define TG_ONE_REGISTER
#include "../kernels/independent.h"

namespace tilegrad {

constexpr ElementwiseTables kScalarElementwise = {scalar::independentKernels<float>(),
                                                  scalar::independentKernels<double>()};

}  // namespace tilegrad
