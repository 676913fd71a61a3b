// int8 products for CPUs of the avx512 level that have VNNI too (-mavx512vnni).
#define TG_TARGET_AVX512
#define TG_DOT_AVX512_VNNI
#include "../kernels/quantize.h"

namespace tilegrad {

constexpr Int8Kernels kAvx512VnniKernels = avx512::int8Kernels();

}  // namespace tilegrad
