// One level's functions behind plain pointers. Compiled with that level's flags and TG_TARGET_*.
#include "simd_levels.h"

#include "native/kernels/activation.h"
#include "native/simd/interleave.h"
#include "native/simd/math.h"
#include "native/simd/u32.h"

TG_TARGET_BEGIN

// Functions with parameters, as lib/ops/elementwise/activation.ts calls them without options.
template <class T>
TG_INLINE Vec<T> softplusBy(Vec<T> x, T beta) {
  const Vec<T> b = vsplat<T>(beta), none = fromBits(visplat<T>(Format<T>::infinity));
  return softplusOf(x, softplusDecayOf(x, b), b, b, none);
}

template <class T>
TG_INLINE Vec<T> softplusOfX(Vec<T> x) {
  return softplusBy<T>(x, 1);
}

template <class T>
TG_INLINE Vec<T> logsigmoidOf(Vec<T> x) {
  return softplusBy<T>(x, -1);
}

template <class T>
TG_INLINE Vec<T> seluOf(Vec<T> x) {
  constexpr double kScale = 1.0507009873554805, kAlpha = 1.6732632423543772;
  return eluOf(x, vsplat<T>(static_cast<T>(kScale)), vsplat<T>(static_cast<T>(kScale * kAlpha)),
               vsplat<T>(1));
}

#define MATH(Name, f)                                        \
  template <class T>                                         \
  void math##Name(int64_t n, const T* x, T* y) {             \
    for (int64_t i = 0; i < n; i += kLanes<T>) {             \
      storeFirst(y + i, f(vloadFirst(x + i, n - i)), n - i); \
    }                                                        \
  }
MATH(Exp, exp)
MATH(Expm1, expm1)
MATH(Log, log)
MATH(Log1p, log1p)
MATH(Tanh, tanh)
MATH(Sigmoid, sigmoid)
MATH(Erf, erf)
MATH(Silu, siluOf)
MATH(GeluTanh, geluTanhOf)
MATH(Exp2, exp2)
MATH(Log2, log2)
MATH(Log10, log10)
MATH(Sinh, sinh)
MATH(Cosh, cosh)
MATH(Erfc, erfc)
MATH(Sin, sin)
MATH(Cos, cos)
MATH(Tan, tan)
MATH(Asin, asin)
MATH(Acos, acos)
MATH(Atan, atan)
MATH(Asinh, asinh)
MATH(Acosh, acosh)
MATH(Atanh, atanh)
MATH(Mish, mishOf)
MATH(Softplus, softplusOfX)
MATH(LogSigmoid, logsigmoidOf)
MATH(Selu, seluOf)
MATH(Softsign, softsignOf)
MATH(Tanhshrink, tanhshrinkOf)
#undef MATH

#define MATH2(Name, f)                                                                 \
  template <class T>                                                                   \
  void math##Name(int64_t n, const T* a, const T* b, T* y) {                           \
    for (int64_t i = 0; i < n; i += kLanes<T>) {                                       \
      storeFirst(y + i, f(vloadFirst(a + i, n - i), vloadFirst(b + i, n - i)), n - i); \
    }                                                                                  \
  }
MATH2(Pow, pow)
MATH2(Fmod, fmod)
MATH2(Remainder, remainder)
MATH2(FloorDivide, floorDivide)
MATH2(Atan2, atan2)
MATH2(Hypot, hypot)
#undef MATH2

template <class T, bool wantSine>
void mathSinCos2Pi(int64_t n, const T* x, T* y) {
  for (int64_t i = 0; i < n; i += kLanes<T>) {
    Vec<T> sine, cosine;
    sinCos2Pi(vloadFirst(x + i, n - i), sine, cosine);
    storeFirst(y + i, wantSine ? sine : cosine, n - i);
  }
}

#define VECTOR(Name, expression)                                   \
  template <class T>                                               \
  void vector##Name(const T* pa, const T* pb, const T* pc, T* y) { \
    const Vec<T> a = vload(pa), b = vload(pb), c = vload(pc);      \
    (void)a, (void)b, (void)c;                                     \
    store(y, expression);                                          \
  }
VECTOR(Add, add(a, b))
VECTOR(Sub, sub(a, b))
VECTOR(Mul, mul(a, b))
VECTOR(Div, div(a, b))
VECTOR(Fma, fma(a, b, c))
VECTOR(Fnma, fnma(a, b, c))
VECTOR(Sqrt, sqrt(a))
VECTOR(Neg, neg(a))
VECTOR(Abs, abs(a))
VECTOR(CopySign, copySign(a, b))
VECTOR(Max, max(a, b))
VECTOR(Min, min(a, b))
VECTOR(MaxNan, maxNan(a, b))
VECTOR(MinNan, minNan(a, b))
VECTOR(RoundEven, roundEven(a))
VECTOR(Floor, floor(a))
VECTOR(Ceil, ceil(a))
VECTOR(Trunc, trunc(a))
#undef VECTOR

template <class T>
TG_INLINE Vec<T> weight(VMask<T> m, T value) {
  return select(m, vsplat<T>(value), vsplat<T>(0));
}

// One binary digit for each comparison: lt 1, le 2, gt 4, ge 8, eq 16, ne 32, isNan(a) 64.
template <class T>
void vectorCompare(const T* pa, const T* pb, const T*, T* y) {
  const Vec<T> a = vload(pa), b = vload(pb);
  Vec<T> sum = add(weight<T>(lt(a, b), 1), weight<T>(le(a, b), 2));
  sum = add(sum, add(weight<T>(gt(a, b), 4), weight<T>(ge(a, b), 8)));
  sum = add(sum, add(weight<T>(eq(a, b), 16), weight<T>(ne(a, b), 32)));
  store(y, add(sum, weight<T>(isNan(a), 64)));
}

// With p = a < b and q = b < c: p and q 1, p or q 2, not p 4.
template <class T>
void vectorMaskLogic(const T* pa, const T* pb, const T* pc, T* y) {
  const Vec<T> a = vload(pa), b = vload(pb), c = vload(pc);
  const VMask<T> p = lt(a, b), q = lt(b, c);
  const Vec<T> sum = add(weight<T>(maskAnd(p, q), 1), weight<T>(maskOr(p, q), 2));
  store(y, add(sum, weight<T>(maskNot(p), 4)));
}

// On the bits: (((a + b) << 3) ^ ((a - c) >> 5)) & (b | c | 5).
template <class T>
void vectorInteger(const T* pa, const T* pb, const T* pc, T* y) {
  const IVec<T> a = toBits(vload(pa)), b = toBits(vload(pb)), c = toBits(vload(pc));
  const IVec<T> mixed = ixor(ishl<3>(iadd(a, b)), ishr<5>(isub(a, c)));
  store(y, fromBits(iand(mixed, ior(ior(b, c), visplat<T>(5)))));
}

// y[0], y[1], y[2] = sum, max, min of the lanes of a; 0 elsewhere.
template <class T>
void vectorReduce(const T* pa, const T*, const T*, T* y) {
  const Vec<T> a = vload(pa);
  store(y, vsplat<T>(0));
  y[0] = reduceAdd(a);
  y[1] = reduceMax(a);
  y[2] = reduceMin(a);
}

template <class T>
void copyFirst(int64_t n, const T* x, T* y, T* sum) {
  const Vec<T> a = vloadFirst(x, n);
  *sum = reduceAdd(a);
  storeFirst(y, a, n);
}

template <class T>
void writeFirstLanes(int64_t n, T* y) {
  store(y, weight<T>(vfirstLanes<T>(n), 1));
}

void multiply(const uint32_t* a, const uint32_t* b, uint32_t* high, uint32_t* low) {
  store(high, mulHi(uload(a), uload(b)));
  store(low, mulLo(uload(a), uload(b)));
}

void unitFloat(const uint32_t* a, float* y) { store(y, toUnitFloat(uload(a))); }

void unitDouble(const uint32_t* pairs, double* y) { store(y, toUnitDouble(uloadPairs(pairs))); }

// Through the form that the multiplier takes and back.
void multiplyWide(const uint32_t* a, uint32_t b, uint32_t* high, uint32_t* low) {
  const WordProduct product = mulWide(toWords(uload(a)), b);
  store(high, fromWords(highWords(product)));
  store(low, fromWords(lowWords(product)));
}

// Pairs of floats apart, doubled on one side, and together again.
void doubleSeconds(const float* pairs, float* y) {
  Vec<float> a = vload(pairs), b = vload(pairs + kLanes<float>);
  splitPairs(a, b);
  b = add(b, b);
  joinPairs(a, b);
  store(y, a);
  store(y + kLanes<float>, b);
}

#define TESTS(T)                                                                                \
  {{mathExp<T>,                                                                                 \
    mathExpm1<T>,                                                                               \
    mathLog<T>,                                                                                 \
    mathLog1p<T>,                                                                               \
    mathTanh<T>,                                                                                \
    mathSigmoid<T>,                                                                             \
    mathErf<T>,                                                                                 \
    mathSilu<T>,                                                                                \
    mathGeluTanh<T>,                                                                            \
    mathMish<T>,                                                                                \
    mathSoftplus<T>,                                                                            \
    mathLogSigmoid<T>,                                                                          \
    mathSelu<T>,                                                                                \
    mathSoftsign<T>,                                                                            \
    mathTanhshrink<T>,                                                                          \
    mathSinCos2Pi<T, true>,                                                                     \
    mathSinCos2Pi<T, false>,                                                                    \
    mathExp2<T>,                                                                                \
    mathLog2<T>,                                                                                \
    mathLog10<T>,                                                                               \
    mathSinh<T>,                                                                                \
    mathCosh<T>,                                                                                \
    mathErfc<T>,                                                                                \
    mathSin<T>,                                                                                 \
    mathCos<T>,                                                                                 \
    mathTan<T>,                                                                                 \
    mathAsin<T>,                                                                                \
    mathAcos<T>,                                                                                \
    mathAtan<T>,                                                                                \
    mathAsinh<T>,                                                                               \
    mathAcosh<T>,                                                                               \
    mathAtanh<T>},                                                                              \
   {mathPow<T>, mathFmod<T>, mathRemainder<T>, mathFloorDivide<T>, mathAtan2<T>, mathHypot<T>}, \
   {vectorAdd<T>,     vectorSub<T>,   vectorMul<T>,    vectorDiv<T>,     vectorFma<T>,          \
    vectorFnma<T>,    vectorSqrt<T>,  vectorNeg<T>,    vectorAbs<T>,     vectorCopySign<T>,     \
    vectorMax<T>,     vectorMin<T>,   vectorMaxNan<T>, vectorMinNan<T>,  vectorRoundEven<T>,    \
    vectorFloor<T>,   vectorCeil<T>,  vectorTrunc<T>,  vectorCompare<T>, vectorMaskLogic<T>,    \
    vectorInteger<T>, vectorReduce<T>},                                                         \
   copyFirst<T>,                                                                                \
   writeFirstLanes<T>}

TG_TARGET_END

#if defined(TG_TARGET_SCALAR)
#define TESTS_NAME kScalarTests
#define LEVEL_NAME "scalar"
#elif defined(TG_TARGET_AVX2)
#define TESTS_NAME kAvx2Tests
#define LEVEL_NAME "avx2"
#elif defined(TG_TARGET_AVX512)
#define TESTS_NAME kAvx512Tests
#define LEVEL_NAME "avx512"
#else
#define TESTS_NAME kNeonTests
#define LEVEL_NAME "neon"
#endif

using namespace tilegrad::TG_TARGET;
const SimdLevel TESTS_NAME = {LEVEL_NAME, TESTS(float), TESTS(double), multiply,
                              unitFloat,  unitDouble,   multiplyWide,  doubleSeconds};
