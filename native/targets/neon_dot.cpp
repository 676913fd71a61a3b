// int8 products for CPUs of the neon level that have the dot product of Armv8.2 (+dotprod).
#define TG_TARGET_NEON
#define TG_DOT_NEON
#include "../kernels/quantize.h"

namespace tilegrad {

constexpr Int8Kernels kNeonDotKernels = neon::int8Kernels();

}  // namespace tilegrad
