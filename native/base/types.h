// The element types a command can carry, and the macros that every native file shares.
#pragma once
#include <stddef.h>
#include <stdint.h>

#if defined(_MSC_VER)
#define TG_INLINE static __forceinline
#define TG_RESTRICT __restrict
#else
#define TG_INLINE static inline __attribute__((always_inline))
#define TG_RESTRICT __restrict__
#endif

// Before a loop with a constant number of at most 32 turns: unrolls all of it, so that arrays
// indexed by the loop variable can live in registers.
#if defined(__clang__)
#define TG_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define TG_UNROLL _Pragma("GCC unroll 32")
#else
#define TG_UNROLL
#endif

namespace tilegrad {

// The values are part of the JavaScript interface (lib/native/commands.ts reads them by name from
// the binding), so new types are appended.
enum class DType : uint8_t { float32 = 0, float64 = 1, int32 = 2, uint8 = 3, uint32 = 4, int8 = 5 };

// static: target files are built with their own flags and must not share inline functions.
static constexpr int64_t sizeOf(DType type) {
  return type == DType::float64 ? 8 : type == DType::uint8 || type == DType::int8 ? 1 : 4;
}

}  // namespace tilegrad
