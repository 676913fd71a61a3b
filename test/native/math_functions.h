// The functions that math_test.cpp measures: their references, bounds, hard arguments and digests.
#pragma once
#include <float.h>
#include <math.h>

#include <vector>

#include "simd_levels.h"

// The references of double: 113 bits from libquadmath with GCC on x86; otherwise long double, which
// has 113 bits (Linux on arm64), 64 (Clang on x86) or only 53, too few to measure an error.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#include <quadmath.h>
__extension__ typedef __float128 Wide;
constexpr bool kWideEnough = true;
#define WIDE(name) name##q
#else
using Wide = long double;
constexpr bool kWideEnough = LDBL_MANT_DIG >= 64;
#define WIDE(name) name##l
#endif

namespace {

double sigmoidOf(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
double siluOf(double x) { return x * sigmoidOf(x); }
double geluTanhOf(double x) {
  const double z = 1.59576912160573071176 * (x + 0.044715 * x * x * x);
  return x / (1 + exp(-z));
}
// geluTanh(x) is nearly x e^z where its argument z is below 0: the rounding of z counts |z| times.
double geluTanhCondition(double x) {
  return x < 0 ? 1 + 1.59576912160573071176 * (0.044715 * x * x * -x - x) : 1;
}
double sin2Pi(double x) { return sin(6.283185307179586477 * x); }
double cos2Pi(double x) { return cos(6.283185307179586477 * x); }

Wide wideSigmoid(Wide x) {
  const Wide e = WIDE(exp)(x < 0 ? x : -x);
  return (x < 0 ? e : 1) / (1 + e);
}
Wide wideSilu(Wide x) { return x * wideSigmoid(x); }
Wide wideGeluTanh(Wide x) {
  const Wide scale = 2 / WIDE(sqrt)(2 * WIDE(atan)(1));  // 2 sqrt(2 / pi)
  const Wide cubic = static_cast<Wide>(44715) / 1000000;
  return x / (1 + WIDE(exp)(-scale * (x + cubic * x * x * x)));
}
const Wide kWideTwoPi = 8 * WIDE(atan)(1);
Wide wideSin2Pi(Wide x) { return WIDE(sin)(kWideTwoPi * x); }
Wide wideCos2Pi(Wide x) { return WIDE(cos)(kWideTwoPi * x); }

struct Function {
  const char* name;
  double (*reference)(double);
  Wide (*wide)(Wide);
  // Largest errors allowed, in units in the last place of the exact value (of 1, where absolute).
  double bound32, bound64;
  bool absolute;                // domain [0, 1), error measured in units of the last place below 1
  double low, high;             // random doubles: half of them uniform in here
  std::vector<double> hard;     // arguments whose neighbourhood is tested
  uint64_t digest32, digest64;  // of the results at default settings
  // Errors are divided by this, where it is given: a bound that depends on the argument.
  double (*condition)(double) = nullptr;
};

const Function kFunctions[kMathFunctionCount] = {
    {"exp",
     exp,
     WIDE(exp),
     1,
     1,
     false,
     -750,
     715,
     {0, 0.34657359027997264, -0.34657359027997264, 1, 88.72283905206835, -87.33654475055310,
      -103.97207708399179, 709.78271289338397, -708.39641853226408, -745.13321910194122},
     0xca4f68f49e58d8bb,
     0x55d1423f29891c71},
    {"expm1",
     expm1,
     WIDE(expm1),
     1.25,
     1.25,
     false,
     -45,
     715,
     {0, 0.34657359027997264, -0.34657359027997264, 1.0397207708399179, -1.0397207708399179, -17.4,
      -20, -37.4, -40, 88.72283905206835, 709.78271289338397},
     0x649e5a659be022ef,
     0x332b0424093bc2ff},
    {"log",
     log,
     WIDE(log),
     1,
     1,
     false,
     0,
     10,
     {1, 0.70710678118654752, 1.4142135623730951, 2, 0.5, 1.17549435e-38, 2.2250738585072014e-308},
     0xce04154a5c1edc6d,
     0x900f5f30df199d3b},
    {"log1p",
     log1p,
     WIDE(log1p),
     1,
     1,
     false,
     -1,
     10,
     {0, -1, -0.29289321881345248, 0.41421356237309505, 1, 1.8284271247461901, 16777216,
      9007199254740992.0},
     0x2e9963e18875d132,
     0x9afc123bb5be6c20},
    {"tanh",
     tanh,
     WIDE(tanh),
     1.25,
     1,
     false,
     -22,
     22,
     {0, 0.875, 0.5493, 9.01, 19.06},
     0xf06a360e9e48bd7d,
     0x5084cb24424429e5},
    {"sigmoid",
     sigmoidOf,
     wideSigmoid,
     2,
     2,
     false,
     -750,
     40,
     {0, 1, -1, -87.33654475055310, -103.97207708399179, -708.39641853226408, -745.13321910194122},
     0x20aca46a00d1c13b,
     0x3c1236f97337a651},
    {"erf",
     erf,
     WIDE(erf),
     1.25,
     1,
     false,
     -6,
     6,
     {0, 1, -1, 0.47, 3.9, 3.95, 5.9, 5.95},
     0xee9295b9db2a6404,
     0x264fbf9e4bdbbbe8},
    {"silu",
     siluOf,
     wideSilu,
     3,
     3,
     false,
     -755,
     40,
     {0, 1, -1, -1.2784645427610738, -87.33654475055310, -103.97207708399179, -109,
      -708.39641853226408, -745.13321910194122, -753},
     0x346d09a0f9a097c3,
     0xd923ec4414bab0b6},
    {"geluTanh",
     geluTanhOf,
     wideGeluTanh,
     3,
     3,
     false,
     -22,
     10,
     {0, 1, -1, -0.75, -9.8, -10.6, -20.9, -21.6},
     0xceabfbe57dab1b41,
     0xe01130de5c468418,
     geluTanhCondition},
    {"sin2Pi",
     sin2Pi,
     wideSin2Pi,
     2,
     2,
     true,
     0,
     1,
     {0.125, 0.25, 0.375, 0.5, 0.75, 0.875},
     0xd6a0e3445349d394,
     0x862bb5bcc78f489f},
    {"cos2Pi",
     cos2Pi,
     wideCos2Pi,
     2,
     2,
     true,
     0,
     1,
     {0.125, 0.25, 0.375, 0.5, 0.75, 0.875},
     0xdef819fe61eb3f9e,
     0x4082cd6a892f2962},
    {"exp2",
     exp2,
     WIDE(exp2),
     1,
     1,
     false,
     -1080,
     1030,
     {0, 0.5, -0.5, 1, 128, -126, -149, -150, 1024, -1022, -1074, -1075},
     0,
     0},
    {"log2",
     log2,
     WIDE(log2),
     1,
     1,
     false,
     0,
     10,
     {1, 0.70710678118654752, 1.4142135623730951, 2, 0.5, 1.17549435e-38, 2.2250738585072014e-308},
     0,
     0},
    {"log10",
     log10,
     WIDE(log10),
     1.25,
     1.25,
     false,
     0,
     10,
     {1, 0.70710678118654752, 1.4142135623730951, 10, 100, 0.1, 1.17549435e-38,
      2.2250738585072014e-308},
     0,
     0},
    {"sinh",
     sinh,
     WIDE(sinh),
     1.25,
     1.25,
     false,
     -711,
     711,
     {0, 1, 1.4436354751788103, 2.0947125472611012, 9.01, 19.06, 88.72283905206835,
      89.41598629223294, 709.78271289338397, 710.47586007394386},
     0,
     0},
    {"cosh",
     cosh,
     WIDE(cosh),
     1.25,
     1.25,
     false,
     -711,
     711,
     {0, 1, 0.34657359027997264, 9.01, 19.06, 88.72283905206835, 89.41598629223294,
      709.78271289338397, 710.47586007394386},
     0,
     0},
    {"erfc",
     erfc,
     WIDE(erfc),
     2,
     2,
     false,
     -7,
     28,
     {0, 0.4375, 0.47, 1, 2, 4, 9.19, 10.05, 26.54, 27.22},
     0,
     0},
    {"sin",
     sin,
     WIDE(sin),
     1,
     1,
     false,
     -10,
     10,
     {0, 0.78539816339744831, 1.5707963267948966, 2.3561944901923449, 3.1415926535897932,
      6.2831853071795865, 131072, 1073741824, 6381956970095103e23, 5.319372648326541e255},
     0,
     0},
    {"cos",
     cos,
     WIDE(cos),
     1,
     1,
     false,
     -10,
     10,
     {0, 0.78539816339744831, 1.5707963267948966, 2.3561944901923449, 3.1415926535897932,
      6.2831853071795865, 131072, 1073741824, 6381956970095103e23, 5.319372648326541e255},
     0,
     0},
    {"tan",
     tan,
     WIDE(tan),
     1.25,
     1.25,
     false,
     -10,
     10,
     {0, 0.78539816339744831, 1.5707963267948966, 2.3561944901923449, 3.1415926535897932,
      6.2831853071795865, 131072, 1073741824, 6381956970095103e23, 5.319372648326541e255},
     0,
     0},
    {"asin",
     asin,
     WIDE(asin),
     1.5,
     1.5,
     false,
     -1,
     1,
     {0, 0.5, 0.70710678118654752, 0.86602540378443865, 1},
     0,
     0},
    {"acos",
     acos,
     WIDE(acos),
     1.5,
     1.5,
     false,
     -1,
     1,
     {0, 0.5, 0.70710678118654752, 0.86602540378443865, 1},
     0,
     0},
    {"atan",
     atan,
     WIDE(atan),
     1.5,
     1.5,
     false,
     -10,
     10,
     {0, 0.5, 1, 2, 0.41421356237309505, 2.4142135623730951, 16777216},
     0,
     0},
};

}  // namespace
