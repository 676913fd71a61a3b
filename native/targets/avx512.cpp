// x86-64 with AVX-512 F, BW, DQ and VL (-mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c).
#define TG_TARGET_AVX512
#include "table.inc.h"

namespace tilegrad {

constexpr KernelTable kAvx512Kernels =
    avx512::kernelTable(Level::avx512, kAvx512Elementwise, kAvx512Integer, kAvx512Gemm);

}  // namespace tilegrad
