// The integer side of rows: those that take floats too (elementwise.cpp, compare.cpp) come here for
// their integer types.
#pragma once
#include "../command.h"
#include "../dispatch.h"

namespace tilegrad {

// Calls f with a value of the C++ type of an integer dtype that has kernels.
template <class F>
Status withInteger(DType type, const F& f) {
  switch (type) {
    case DType::int8:
      return f(int8_t{});
    case DType::uint8:
      return f(uint8_t{});
    case DType::int64:
      return f(int64_t{});
    default:
      return f(int32_t{});
  }
}

Status runIntegerUnary(const Command& c, IntegerUnary op);
Status runIntegerBinary(const Command& c, IntegerBinary op);

}  // namespace tilegrad
