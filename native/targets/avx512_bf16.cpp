// The bfloat16 product on x86-64 with AVX-512 and AVX512_BF16 (the flags of avx512.cpp and
// -mavx512bf16). A file of its own, since not every CPU of the level avx512 has the instructions.
#define TG_TARGET_AVX512
#include "../kernels/gemm_bf16.h"

namespace tilegrad {

constexpr Bf16Kernels kAvx512Bf16Kernels = avx512::bf16Kernels();

}  // namespace tilegrad
