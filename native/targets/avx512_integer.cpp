// The integer kernels of avx512.cpp.
#define TG_TARGET_AVX512
#include "../kernels/integer.h"

namespace tilegrad {

constexpr IntegerTables kAvx512Integer = avx512::integerTables();

}  // namespace tilegrad
