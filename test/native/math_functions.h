// The functions that math_test.cpp measures: their references, bounds, hard arguments and digests.
#pragma once
#include <math.h>

#include <vector>

#include "simd_levels.h"
#include "ulp.h"

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
double mishOf(double x) {
  const double e = exp(-fabs(x));
  return x < 0 ? x * (e * (2 + e) / (2 + e * (2 + e)))
               : x * ((1 + 2 * e) / (1 + 2 * e + 2 * e * e));
}
double softplusOf(double x) { return log1p(exp(-fabs(x))) + (x < 0 ? 0 : x); }
double logsigmoidOf(double x) { return -softplusOf(-x); }
constexpr double kSeluScale = 1.0507009873554805, kSeluAlpha = 1.6732632423543772;
double seluOf(double x) { return kSeluScale * (x > 0 ? x : kSeluAlpha * expm1(x)); }
double softsignOf(double x) { return x / (1 + fabs(x)); }
// x - tanh(x); near 0 as (x cosh(x) - sinh(x)) / cosh(x), whose series cancels nothing.
template <class T>
T tanhshrinkSeries(T x, T cosh) {
  T term = x, sum = 0;  // x^(2 k + 1) / (2 k + 1)!
  for (int k = 1; k < 20; ++k) {
    term *= x * x / (2 * k * (2 * k + 1));
    sum += 2 * k * term;
  }
  return sum / cosh;
}
double tanhshrinkOf(double x) { return fabs(x) < 1 ? tanhshrinkSeries(x, cosh(x)) : x - tanh(x); }
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
Wide wideMish(Wide x) {
  const Wide e = WIDE(exp)(x < 0 ? x : -x);
  return x < 0 ? x * (e * (2 + e) / (2 + e * (2 + e)))
               : x * ((1 + 2 * e) / (1 + 2 * e + 2 * e * e));
}
Wide wideLogSigmoid(Wide x) { return (x < 0 ? x : 0) - WIDE(log1p)(WIDE(exp)(x < 0 ? x : -x)); }
Wide wideSoftplus(Wide x) { return -wideLogSigmoid(-x); }
Wide wideSelu(Wide x) { return kSeluScale * (x > 0 ? x : kSeluAlpha * WIDE(expm1)(x)); }
Wide wideSoftsign(Wide x) { return x / (1 + (x < 0 ? -x : x)); }
Wide wideTanhshrink(Wide x) {
  return x < 1 && x > -1 ? tanhshrinkSeries(x, WIDE(cosh)(x)) : x - WIDE(tanh)(x);
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
     {0, 0.29296875, 0.875, 0.5493, 9.01, 9.08, 19.06},
     0xe545109047241686,
     0x8cf76f9be7b5e99b},
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
     1.5,
     1,
     false,
     -6,
     6,
     {0, 0.125, 1, -1, 0.47, 3.875, 5.9, 5.95},
     0x4f828189db914447,
     0x76d2b4d4b4f0c670},
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
    {"mish",
     mishOf,
     wideMish,
     3.25,  // the largest error of all 2^32 is 3.03
     3,
     false,
     -755,
     40,
     {0, 1, -1, -1.1924312145154996, -87.33654475055310, -103.97207708399179, -109,
      -708.39641853226408, -745.13321910194122, -753},
     0x09e221af0821e316,
     0x0c80f0306b068757},
    {"softplus",
     softplusOf,
     wideSoftplus,
     3,
     3,
     false,
     -750,
     40,
     {0, 1, -1, -87.33654475055310, -103.97207708399179, -708.39641853226408, -745.13321910194122},
     0x181b9668d95cfc5c,
     0x64fa94485656621e},
    {"logsigmoid",
     logsigmoidOf,
     wideLogSigmoid,
     3,
     3,
     false,
     -40,
     750,
     {0, 1, -1, -87.33654475055310, -103.97207708399179, -708.39641853226408, -745.13321910194122},
     0x7cb110a4558f1fe2,
     0xd78cb919f8878ede},
    {"selu",
     seluOf,
     wideSelu,
     3,
     3,
     false,
     -45,
     45,
     {0, 0.34657359027997264, 1.0397207708399179, 17.4, 20, 37.4, 40},
     0x1574af5dfcb68b13,
     0x560404051e842a59},
    {"softsign",
     softsignOf,
     wideSoftsign,
     1.5,
     1.5,
     false,
     -45,
     45,
     {0, 1, 16777216, 9007199254740992.0},
     0xeab8b53727b39d79,
     0x08147e2badea22ff},
    {"tanhshrink",
     tanhshrinkOf,
     wideTanhshrink,
     5,
     5,
     false,
     -22,
     22,
     {0, 0.29296875, 0.875, 0.5493, 9.01, 9.08, 19.06},
     0x0ffc2ee094b8bd46,
     0x93f1e843680201f6},
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
     0x07268ce4d9ad6d76,
     0x2dcb6e4b9c217bc8},
    {"log2",
     log2,
     WIDE(log2),
     1,
     1,
     false,
     0,
     10,
     {1, 0.70710678118654752, 1.4142135623730951, 2, 0.5, 1.17549435e-38, 2.2250738585072014e-308},
     0xe4c73d088122267b,
     0x2672df00a22dae97},
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
     0xbec4dce74c008b09,
     0xdd9e4caac45df858},
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
     0xb8693b9722b9c1c8,
     0x3421675c8fdacdd6},
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
     0x7c01ac542e94122e,
     0x75632d381257d796},
    {"erfc",
     erfc,
     WIDE(erfc),
     2,
     2,
     false,
     -7,
     28,
     {0, 0.75, 0.47, 1, 2, 4, 9.19, 10.05, 26.54, 27.22},
     0xd1c0e8a8b95efc0b,
     0xb36a7667af2b3ff9},
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
     0x79ba99603b387677,
     0x2c2c0ba35eac5a35},
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
     0xff258900c97f1e49,
     0xb9aa26ee2319b04f},
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
     0x4442945ca2546067,
     0xca5f46136f2e87ea},
    {"asin",
     asin,
     WIDE(asin),
     1.5,
     1.5,
     false,
     -1,
     1,
     {0, 0.5, 0.70710678118654752, 0.86602540378443865, 1},
     0x9d7672d12d39cb46,
     0x92df6d12ccf4655a},
    {"acos",
     acos,
     WIDE(acos),
     1.5,
     1.5,
     false,
     -1,
     1,
     {0, 0.5, 0.70710678118654752, 0.86602540378443865, 1},
     0x601d2ea3e91d467b,
     0x02491458287aa131},
    {"atan",
     atan,
     WIDE(atan),
     1.5,
     1.5,
     false,
     -10,
     10,
     {0, 0.5, 1, 2, 0.41421356237309505, 2.4142135623730951, 16777216},
     0xfc989a39c7b0ad90,
     0x2a2d86bdb020b424},
    {"asinh",
     asinh,
     WIDE(asinh),
     2,
     2,
     false,
     -10,
     10,
     {0, 0.35355339059327379, 0.70710678118654752, 1, 1.875, 67108864, 36028797018963968.0},
     0x7360f2c17fd3838c,
     0x49c1c5a0081a1cfe},
    {"acosh",
     acosh,
     WIDE(acosh),
     2.25,
     2.25,
     false,
     1,
     10,
     {1, 1.0606601717798212, 1.25, 2, 67108864, 36028797018963968.0},
     0xbc46befa7ddd4f07,
     0x7bcba86f4386ec0e},
    {"atanh",
     atanh,
     WIDE(atanh),
     1.25,
     1.25,
     false,
     -1,
     1,
     {0, 1, 0.17157287525380990, 0.47759225007251715, 0.69925046934379, 0.83776117716, 0.5},
     0xe99baf3dc7767d27,
     0x20bec8bfaa2d019f},
};

}  // namespace
