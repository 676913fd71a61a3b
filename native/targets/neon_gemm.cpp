// The matrix product kernels of neon.cpp.
#define TG_TARGET_NEON
#include "../kernels/gemm.h"

namespace tilegrad {

constexpr GemmTables kNeonGemm = {neon::gemmKernels<float>(), neon::gemmKernels<double>()};

}  // namespace tilegrad
