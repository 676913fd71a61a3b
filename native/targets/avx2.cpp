// x86-64 with AVX2, FMA and F16C (-mavx2 -mfma -mf16c).
#define TG_TARGET_AVX2
#include "table.inc.h"

namespace tilegrad {

constexpr KernelTable kAvx2Kernels =
    avx2::kernelTable(Level::avx2, kAvx2Elementwise, kAvx2Integer, kAvx2Gemm);

}  // namespace tilegrad
