// From an operand's element type to C++ types: each function calls f with a value of one, and
// returns f's status.
#pragma once
#include "../base/bfloat16.h"
#include "../base/float16.h"
#include "command.h"

namespace tilegrad {

// The types that compute by themselves.
template <class F>
Status withNumber(DType type, const F& f) {
  switch (type) {
    case DType::float64:
      return f(double{});
    case DType::int32:
      return f(int32_t{});
    case DType::int64:
      return f(int64_t{});
    case DType::uint8:
      return f(uint8_t{});
    case DType::int8:
      return f(int8_t{});
    default:
      return f(float{});
  }
}

// Any type. uint32 only holds random states: no row takes it.
template <class F>
Status withType(DType type, const F& f) {
  if (type == DType::bfloat16) return f(BFloat16{});
  if (type == DType::float16) return f(Float16{});
  return withNumber(type, f);
}

// Types of 16 bits, which only store numbers.
inline bool isHalf(DType type) { return type == DType::bfloat16 || type == DType::float16; }

// An unsigned integer of as many bytes: what only moves data doesn't care for its type.
template <class F>
Status withBytes(DType type, const F& f) {
  switch (sizeOf(type)) {
    case 8:
      return f(uint64_t{});
    case 4:
      return f(uint32_t{});
    case 2:
      return f(uint16_t{});
    default:
      return f(uint8_t{});
  }
}

}  // namespace tilegrad
