// The elementwise kernels of scalar.cpp.
#define TG_TARGET_SCALAR
#define TG_ONE_REGISTER
#include "../kernels/elementwise.h"

namespace tilegrad {

constexpr ElementwiseTables kScalarElementwise = {scalar::elementwiseKernels<float>(),
                                                  scalar::elementwiseKernels<double>()};

}  // namespace tilegrad
