// The elementwise kernels of scalar.cpp.
#define TG_TARGET_SCALAR
#define TG_ONE_REGISTER
#include "../kernels/columns.h"
#include "../kernels/elementwise.h"
#include "../kernels/integer.h"

namespace tilegrad {

constexpr ElementwiseTables kScalarElementwise = {
    scalar::elementwiseKernels<float>(), scalar::elementwiseKernels<double>(),
    scalar::columnKernels<float>(), scalar::columnKernels<double>(), scalar::integerKernels()};

}  // namespace tilegrad
