// Which SIMD level this translation unit is compiled for. A target file defines exactly one of
// TG_TARGET_SCALAR, TG_TARGET_AVX2, TG_TARGET_AVX512, TG_TARGET_NEON before its first include.
//
// Everything of a level lives between TG_TARGET_BEGIN and TG_TARGET_END: a namespace of that level
// with internal linkage. The linker can then never let one level's machine code stand in for
// another's, which would crash a CPU that lacks the instructions.
#pragma once
#include "../base/types.h"

#if defined(TG_TARGET_SCALAR) + defined(TG_TARGET_AVX2) + defined(TG_TARGET_AVX512) + \
        defined(TG_TARGET_NEON) !=                                                    \
    1
#error "define exactly one of TG_TARGET_SCALAR, TG_TARGET_AVX2, TG_TARGET_AVX512, TG_TARGET_NEON"
#endif

#if defined(TG_TARGET_SCALAR)
#define TG_TARGET scalar
#elif defined(TG_TARGET_AVX2)
#define TG_TARGET avx2
#elif defined(TG_TARGET_AVX512)
#define TG_TARGET avx512
#else
#define TG_TARGET neon
#endif

#define TG_TARGET_BEGIN \
  namespace tilegrad {  \
  namespace TG_TARGET { \
  namespace {
#define TG_TARGET_END \
  }                   \
  }                   \
  }

// Says to GCC that a vector changes here, so that it stays in a register and its computation where
// it stands.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#define TG_PIN(x) __asm__("" : "+v"(x))
#else
#define TG_PIN(x) static_cast<void>(x)
#endif
