// The elementwise kernels of avx512.cpp.
#define TG_TARGET_AVX512
#include "../kernels/independent.h"

namespace tilegrad {

constexpr ElementwiseTables kAvx512Elementwise = {avx512::independentKernels<float>(),
                                                  avx512::independentKernels<double>()};

}  // namespace tilegrad
