// A pragma for loops that compilers make vectors of.
#pragma once

// Before a loop whose turns don't depend on each other although the compiler can't know: an output
// may be an input. GCC would write out the rest of the vectors turn by turn, which makes the code a
// third larger and gains nothing. (clang compares the pointers, and would warn where it doesn't
// optimise at all.)
#if defined(__GNUC__) && !defined(__clang__)
#define TG_INDEPENDENT _Pragma("GCC ivdep") _Pragma("GCC unroll 1")
#elif defined(_MSC_VER)
#define TG_INDEPENDENT __pragma(loop(ivdep))
#else
#define TG_INDEPENDENT
#endif
