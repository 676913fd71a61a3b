// What the tests of native/simd and of the activations' accuracy see of a level: simd_level.cpp,
// compiled once for each level, fills one of these tables.
#pragma once
#include <stdint.h>

enum MathFunction {
  kExp,
  kExpm1,
  kLog,
  kLog1p,
  kTanh,
  kSigmoid,
  kErf,
  kSilu,
  kGeluTanh,
  kMish,
  kSoftplus,
  kLogSigmoid,
  kSelu,
  kSoftsign,
  kTanhshrink,
  kSin2Pi,
  kCos2Pi,
  kExp2,
  kLog2,
  kLog10,
  kSinh,
  kCosh,
  kErfc,
  kSin,
  kCos,
  kTan,
  kAsin,
  kAcos,
  kAtan,
  kAsinh,
  kAcosh,
  kAtanh,
  kMathFunctionCount
};

enum MathFunction2 { kPow, kFmod, kRemainder, kFloorDivide, kAtan2, kHypot, kMathFunction2Count };

// Operations of vec.h and u32.h on one virtual vector; simd_level.cpp says what each computes.
enum VectorOperation {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kFma,
  kFnma,
  kSqrt,
  kNeg,
  kAbs,
  kCopySign,
  kMax,
  kMin,
  kMaxNan,
  kMinNan,
  kRoundEven,
  kFloor,
  kCeil,
  kTrunc,
  kCompare,
  kMaskLogic,
  kInteger,
  kReduce,
  kVectorOperationCount
};

template <class T>
struct SimdTests {
  // y[i] = f(x[i]) for i < n.
  void (*math[kMathFunctionCount])(int64_t n, const T* x, T* y);
  // y[i] = f(a[i], b[i]) for i < n.
  void (*math2[kMathFunction2Count])(int64_t n, const T* a, const T* b, T* y);
  // y = operation on the vectors at a, b, c (64 bytes each).
  void (*vector[kVectorOperationCount])(const T* a, const T* b, const T* c, T* y);
  // Copies the first n lanes with loadFirst and storeFirst; *sum is the sum of all loaded lanes.
  void (*copyFirst)(int64_t n, const T* x, T* y, T* sum);
  // y[i] = i < n ? 1 : 0 from vfirstLanes.
  void (*firstLanes)(int64_t n, T* y);
};

struct SimdLevel {
  const char* name;
  SimdTests<float> f32;
  SimdTests<double> f64;
  // On 16 lanes: the upper and lower halves of a * b, and two conversions to [0, 1).
  void (*multiply)(const uint32_t* a, const uint32_t* b, uint32_t* high, uint32_t* low);
  void (*unitFloat)(const uint32_t* a, float* y);
  void (*unitDouble)(const uint32_t* pairs, double* y);
  // The products with one number, and pairs x0 y0 x1 y1 ... of 32 floats with each y doubled.
  void (*multiplyWide)(const uint32_t* a, uint32_t b, uint32_t* high, uint32_t* low);
  void (*doubleSeconds)(const float* pairs, float* y);
};

extern const SimdLevel kScalarTests;
#if defined(__x86_64__) || defined(_M_X64)
extern const SimdLevel kAvx2Tests;
extern const SimdLevel kAvx512Tests;
#else
extern const SimdLevel kNeonTests;
#endif
