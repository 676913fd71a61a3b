// The elementwise kernels of avx512.cpp.
#define TG_TARGET_AVX512
#include "../kernels/elementwise.h"

namespace tilegrad {

constexpr ElementwiseTables kAvx512Elementwise = {avx512::elementwiseKernels<float>(),
                                                  avx512::elementwiseKernels<double>()};

}  // namespace tilegrad
