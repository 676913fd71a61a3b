// The matrix product kernels of avx512.cpp.
#define TG_TARGET_AVX512
#include "../kernels/gemm.h"

namespace tilegrad {

constexpr GemmTables kAvx512Gemm = {avx512::gemmKernels<float>(), avx512::gemmKernels<double>()};

}  // namespace tilegrad
