// The elementwise kernels of avx512.cpp.
#define TG_TARGET_AVX512
#include "../kernels/columns.h"
#include "../kernels/elementwise.h"
#include "../kernels/integer.h"

namespace tilegrad {

constexpr ElementwiseTables kAvx512Elementwise = {
    avx512::elementwiseKernels<float>(), avx512::elementwiseKernels<double>(),
    avx512::columnKernels<float>(), avx512::columnKernels<double>(), avx512::integerKernels()};

}  // namespace tilegrad
