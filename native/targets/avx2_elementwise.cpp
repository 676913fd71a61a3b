// The elementwise kernels of avx2.cpp.
#define TG_TARGET_AVX2
#include "../kernels/independent.h"

namespace tilegrad {

constexpr ElementwiseTables kAvx2Elementwise = {avx2::independentKernels<float>(),
                                                avx2::independentKernels<double>()};

}  // namespace tilegrad
