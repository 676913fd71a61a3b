// The matrix product kernels of scalar.cpp.
#define TG_TARGET_SCALAR
#include "../kernels/gemm.h"

namespace tilegrad {

constexpr GemmTables kScalarGemm = {scalar::gemmKernels<float>(), scalar::gemmKernels<double>()};

}  // namespace tilegrad
