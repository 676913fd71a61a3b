// The kernel table in use.
#pragma once
#include "../base/cpu.h"
#include "../kernels/table.h"

namespace tilegrad {

// The table of the current level.
const KernelTable& kernels();

// Its kernels for float or double.
template <class T>
const FloatKernels<T>& floatKernels();
template <>
inline const FloatKernels<float>& floatKernels<float>() {
  return kernels().f32;
}
template <>
inline const FloatKernels<double>& floatKernels<double>() {
  return kernels().f64;
}

// Those for an integer type.
template <class T>
const IntegerKernels<T>& integerKernels();
template <>
inline const IntegerKernels<int32_t>& integerKernels<int32_t>() {
  return kernels().integer.i32;
}
template <>
inline const IntegerKernels<int64_t>& integerKernels<int64_t>() {
  return kernels().integer.i64;
}
template <>
inline const IntegerKernels<int8_t>& integerKernels<int8_t>() {
  return kernels().integer.i8;
}
template <>
inline const IntegerKernels<uint8_t>& integerKernels<uint8_t>() {
  return kernels().integer.u8;
}

// Those for bytes: the level's, or the ones for its dot product instruction where that is used.
const Int8Kernels& int8Kernels();

// Whether the dot product instruction of the level in use is used: at first when the CPU has it.
bool dotProduct();

// Forbids it or allows it again (tests run both). False when it was asked for and isn't there.
bool setDotProduct(bool wanted);

// The level in use: at first the CPU's best, or the one TILEGRAD_SIMD names if the CPU has it.
Level currentLevel();

// Forces a level (tests run every one). False, and nothing changes, when this CPU or build lacks
// it. Process-wide; not meant to be called while another thread computes.
bool setLevel(Level level);

// Whether this build has the level's kernels and this CPU can run them.
bool levelAvailable(Level level);

}  // namespace tilegrad
