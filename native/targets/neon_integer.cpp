// The integer kernels of neon.cpp.
#define TG_TARGET_NEON
#include "../kernels/integer.h"

namespace tilegrad {

constexpr IntegerTables kNeonInteger = neon::integerTables();

}  // namespace tilegrad
