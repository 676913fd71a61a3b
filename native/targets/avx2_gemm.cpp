// The matrix product kernels of avx2.cpp.
#define TG_TARGET_AVX2
#include "../kernels/gemm.h"

namespace tilegrad {

constexpr GemmTables kAvx2Gemm = {avx2::gemmKernels<float>(), avx2::gemmKernels<double>()};

}  // namespace tilegrad
