// The elementwise kernels and optimizer steps of avx512.cpp.
#define TG_TARGET_AVX512
#include "../kernels/elementwise.h"
#include "../kernels/optimizer.h"

namespace tilegrad {

constexpr ElementwiseTables kAvx512Elementwise = {
    {avx512::elementwiseKernels<float>(), avx512::optimizerKernels<float>()},
    {avx512::elementwiseKernels<double>(), avx512::optimizerKernels<double>()}};

}  // namespace tilegrad
