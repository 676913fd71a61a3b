// The elementwise kernels of avx2.cpp.
#define TG_TARGET_AVX2
#include "../kernels/elementwise.h"

namespace tilegrad {

constexpr ElementwiseTables kAvx2Elementwise = {avx2::elementwiseKernels<float>(),
                                                avx2::elementwiseKernels<double>()};

}  // namespace tilegrad
