// The integer kernels of scalar.cpp.
#define TG_TARGET_SCALAR
#include "../kernels/integer.h"

namespace tilegrad {

constexpr IntegerTables kScalarInteger = scalar::integerTables();

}  // namespace tilegrad
