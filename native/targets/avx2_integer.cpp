// The integer kernels of avx2.cpp.
#define TG_TARGET_AVX2
#include "../kernels/integer.h"

namespace tilegrad {

constexpr IntegerTables kAvx2Integer = avx2::integerTables();

}  // namespace tilegrad
