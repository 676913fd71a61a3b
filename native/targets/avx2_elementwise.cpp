// The elementwise kernels and optimizer steps of avx2.cpp.
#define TG_TARGET_AVX2
#include "../kernels/elementwise.h"
#include "../kernels/optimizer.h"

namespace tilegrad {

constexpr ElementwiseTables kAvx2Elementwise = {
    {avx2::elementwiseKernels<float>(), avx2::optimizerKernels<float>()},
    {avx2::elementwiseKernels<double>(), avx2::optimizerKernels<double>()}};

}  // namespace tilegrad
