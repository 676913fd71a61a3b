// The element types a command can carry, and the macros that every native file shares.
#pragma once
#include <stddef.h>
#include <stdint.h>

#if defined(_MSC_VER)
#define TG_INLINE static __forceinline
#define TG_INLINE_LAMBDA
#define TG_NOINLINE __declspec(noinline)
#define TG_NOINLINE_LAMBDA
#define TG_RESTRICT __restrict
#else
#define TG_INLINE static inline __attribute__((always_inline))
#define TG_INLINE_LAMBDA __attribute__((always_inline))  // after a lambda's parameters
// One copy of a function: GCC would also make others, for arguments that are constants.
#if defined(__clang__)
#define TG_NOINLINE __attribute__((noinline))
#else
#define TG_NOINLINE __attribute__((noinline, noclone))
#endif
#define TG_NOINLINE_LAMBDA __attribute__((noinline))  // one copy of a body that is called twice
#define TG_RESTRICT __restrict__
#endif

// Before a loop with a constant number of at most 32 turns: unrolls all of it, so that arrays
// indexed by the loop variable can live in registers. The scalar level's never can: there a vector
// alone is more than the registers hold.
#if defined(TG_TARGET_SCALAR)
#define TG_UNROLL
#elif defined(__clang__)
#define TG_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define TG_UNROLL _Pragma("GCC unroll 32")
#else
#define TG_UNROLL
#endif

namespace tilegrad {

// The values are part of the JavaScript interface (lib/native/commands.ts reads them by name from
// the binding), so new types are appended.
enum class DType : uint8_t {
  float32 = 0,
  float64 = 1,
  int32 = 2,
  uint8 = 3,
  uint32 = 4,
  bfloat16 = 5,
  int8 = 6,
  int64 = 7,
  float16 = 8
};

// static: target files are built with their own flags and must not share inline functions.
static constexpr int64_t sizeOf(DType type) {
  switch (type) {
    case DType::float64:
    case DType::int64:
      return 8;
    case DType::bfloat16:
    case DType::float16:
      return 2;
    case DType::uint8:
    case DType::int8:
      return 1;
    default:
      return 4;
  }
}

}  // namespace tilegrad
