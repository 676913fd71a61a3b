// The constants of math.h: thresholds, and polynomial coefficients (constant term first) from
// tools/fit-math.py. "Error" is the largest relative error that a fit alone puts into the finished
// function, rounding of its coefficients included (one unit in the last place is between 2^-24 and
// 2^-23 of a float, between 2^-53 and 2^-52 of a double).
#pragma once
#include "target.h"

TG_TARGET_BEGIN

template <class T>
struct MathConstants;

template <>
struct MathConstants<float> {
  // Beyond these exp overflows to infinity and underflows to 0: log(2^128) = 88.7 and
  // log(2^-150) = -103.97.
  static constexpr float expMax = 89;
  static constexpr float expMin = -104;
  // Below this expm1 rounds to -1, since exp is less than 2^-25.
  static constexpr float expm1Min = -20;

  static constexpr float log2e = 0x1.715476p0f;
  // log(2) in two parts. The upper one has 16 bits, so that its product with any exponent
  // (at most 8 bits) is exact.
  static constexpr float ln2High = 0x1.62e4p-1f;
  static constexpr float ln2Low = 0x1.7f7d1cp-20f;
  // log(2), log2(e) and log10(e) to twice the precision, as sums.
  static constexpr float ln2[2] = {0x1.62e43p-1f, -0x1.05c61p-29f};
  static constexpr float log2eParts[2] = {0x1.715476p0f, 0x1.4ae0cp-26f};
  static constexpr float log10e[2] = {0x1.bcb7b2p-2f, -0x1.5b235ep-27f};
  // log10(2) in two parts, like log(2).
  static constexpr float log10Of2High = 0x1.3442p-2f;
  static constexpr float log10Of2Low = -0x1.95ec1p-19f;

  // Beyond these exp2 overflows and underflows: 2^128 and 2^-150, with a whole number's distance.
  static constexpr float exp2Max = 129;
  static constexpr float exp2Min = -151;
  // Beyond this sinh and cosh overflow: log(2^129) = 89.416. Four times the result still has an
  // exponent of pow2.
  static constexpr float sinhMax = 89.5f;

  // exp(r) = 1 + r + r^2 P(r), |r| <= log(2)/2. Error 2^-28.72 of expm1.
  static constexpr float exp[6] = {0x1p-1f,        0x1.555554p-3f,  0x1.5554bp-5f,
                                   0x1.11118ap-7f, 0x1.6d7296p-10f, 0x1.a032dcp-13f};

  // The bits of sqrt(1/2) rounded down.
  static constexpr uint32_t sqrtHalf = 0x3f3504f3u;
  // 2 atanh(s) = 2s + s z P(z), z = s^2 <= ((sqrt(2) - 1) / (sqrt(2) + 1))^2. Error 2^-30.02.
  static constexpr float log[3] = {0x1.55557ap-1f, 0x1.995e9cp-2f, 0x1.31e678p-2f};

  // 2 atanh(s) = 2s + s z (2/3 + z P(z)), for logarithms of twice the precision; 2/3 is a sum.
  // Error 2^-38.48.
  static constexpr float twoThirds[2] = {0x1.555556p-1f, -0x1.555556p-26f};
  static constexpr float logRest[4] = {0x1.999998p-2f, 0x1.249374p-2f, 0x1.c658f8p-3f,
                                       0x1.8eba8cp-3f};

  // sinh(x) = x + x z P(z), z = x^2 <= 1. Error 2^-27.51.
  static constexpr float sinh[4] = {0x1.555556p-3f, 0x1.111134p-7f, 0x1.9ffe92p-13f,
                                    0x1.7a15b4p-19f};

  // About where the errors of tanh's two formulas balance.
  static constexpr float tanhSplit = 0.875f;
  // tanh(x) = x + x z P(z) / Q(z), z = x^2 <= tanhSplit^2. Error 2^-26.69.
  static constexpr float tanhP[2] = {-0x1.555556p-2f, -0x1.e23946p-7f};
  static constexpr float tanhQ[3] = {0x1p0f, 0x1.c6cef2p-2f, 0x1.0221dcp-6f};

  // erf(x) = x + x P(z), z = x^2 <= 1. Error 2^-28.63.
  static constexpr float erf[7] = {0x1.06eba8p-3f, -0x1.81273ep-2f, 0x1.ce2cf8p-4f, -0x1.b7f90ep-6f,
                                   0x1.5405b2p-8f, -0x1.a3f7p-11f,  0x1.496a3p-14f};
  // log(erfc(x)) = P(x - 1), 1 <= x <= erfEnd. Absolute error 2^-26.91 of erfc.
  static constexpr float erfc[9] = {-0x1.d97fcp0f,   -0x1.51c9bp1f,   -0x1.afabb4p-1f,
                                    -0x1.547facp-5f, 0x1.4951d4p-7f,  -0x1.0865bap-9f,
                                    0x1.33e296p-12f, -0x1.86fbfp-16f, 0x1.0de92cp-22f};
  // erfc(erfEnd) is less than half of the spacing of float below 1, so erf rounds to 1 from there.
  static constexpr float erfEnd = 3.95f;

  // (1 + 2x) exp(x^2) erfc(x) = P(q), q = (x - k) / (x + k), erfcStart <= x <= erfcEnd. Error
  // 2^-26.95.
  static constexpr float erfcCenter = 2;
  static constexpr float erfcScaled[11] = {0x1.46e80ep0f,   -0x1.7bf5ecp-4f, -0x1.5407bcp-3f,
                                           0x1.4ffa22p-3f,  -0x1.bc2d78p-5f, -0x1.07425p-7f,
                                           0x1.1e2f42p-7f,  0x1.4b93b4p-10f, -0x1.8c9c94p-10f,
                                           -0x1.9ee38p-12f, 0x1.428ab4p-12f};
  static constexpr float erfcStart = 0.75f;
  // From 10.06 on erfc is less than half of the smallest denormal number.
  static constexpr float erfcEnd = 10.1f;

  // sin(2 pi r) = r P(z), z = r^2 <= 1/64. Error 2^-24.81.
  static constexpr float sin[4] = {0x1.921fb6p2f, -0x1.4abbbap5f, 0x1.465e92p6f, -0x1.2d9308p6f};
  // cos(2 pi r) = 1 + z P(z), z = r^2 <= 1/64. Absolute error 2^-27.15.
  static constexpr float cos[4] = {-0x1.3bd3ccp4f, 0x1.03c1dep6f, -0x1.55c664p6f, 0x1.d9f7bcp5f};
};

template <>
struct MathConstants<double> {
  // Beyond these exp overflows to infinity and underflows to 0: log(2^1024) = 709.8 and
  // log(2^-1075) = -745.13.
  static constexpr double expMax = 710;
  static constexpr double expMin = -746;
  // Below this expm1 rounds to -1, since exp is less than 2^-54.
  static constexpr double expm1Min = -40;

  static constexpr double log2e = 0x1.71547652b82fep0;
  // log(2) in two parts. The upper one has 42 bits, so that its product with any exponent
  // (at most 11 bits) is exact.
  static constexpr double ln2High = 0x1.62e42fefa38p-1;
  static constexpr double ln2Low = 0x1.ef35793c7673p-45;
  // log(2), log2(e) and log10(e) to twice the precision, as sums.
  static constexpr double ln2[2] = {0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};
  static constexpr double log2eParts[2] = {0x1.71547652b82fep0, 0x1.777d0ffda0d24p-56};
  static constexpr double log10e[2] = {0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57};
  // log10(2) in two parts, like log(2).
  static constexpr double log10Of2High = 0x1.34413509f78p-2;
  static constexpr double log10Of2Low = 0x1.fef311f12b358p-46;

  // Beyond these exp2 overflows and underflows: 2^1024 and 2^-1075.
  static constexpr double exp2Max = 1025;
  static constexpr double exp2Min = -1076;
  // Beyond this sinh and cosh overflow: log(2^1025) = 710.476.
  static constexpr double sinhMax = 710.5;

  // exp(r) = 1 + r + r^2 P(r), |r| <= log(2)/2. Error 2^-59.74 of expm1.
  static constexpr double exp[11] = {0x1p-1,
                                     0x1.5555555555559p-3,
                                     0x1.555555555553ep-5,
                                     0x1.111111110f6a9p-7,
                                     0x1.6c16c16c1f157p-10,
                                     0x1.a01a01afe9c07p-13,
                                     0x1.a01a017b9a263p-16,
                                     0x1.71ddf841c076dp-19,
                                     0x1.27e536568746ap-22,
                                     0x1.af5ee8bcfca93p-26,
                                     0x1.1ee896aea5fb7p-29};

  // The bits of sqrt(1/2) rounded down.
  static constexpr uint64_t sqrtHalf = 0x3fe6a09e667f3bccu;
  // 2 atanh(s) = 2s + s z P(z), z = s^2 <= ((sqrt(2) - 1) / (sqrt(2) + 1))^2. Error 2^-59.13.
  static constexpr double log[7] = {
      0x1.5555555555593p-1, 0x1.999999997fb33p-2, 0x1.2492494217908p-2, 0x1.c71c51e8033b7p-3,
      0x1.7466462a7c789p-3, 0x1.39a0f52f2280ap-3, 0x1.2f0d8d1f416f2p-3};

  // 2 atanh(s) = 2s + s z (2/3 + z P(z)), for logarithms of twice the precision; 2/3 is a sum.
  // Error 2^-66.23.
  static constexpr double twoThirds[2] = {0x1.5555555555555p-1, 0x1.5555555555555p-55};
  static constexpr double logRest[8] = {
      0x1.9999999999996p-2, 0x1.2492492493049p-2, 0x1.c71c71c57e008p-3, 0x1.745d18337a1e6p-3,
      0x1.3b13626747be6p-3, 0x1.1120c1799516fp-3, 0x1.de318f7e64761p-4, 0x1.eb20cbfb9377dp-4};

  // sinh(x) = x + x z P(z), z = x^2 <= 1. Error 2^-56.77.
  static constexpr double sinh[8] = {
      0x1.5555555555555p-3,  0x1.1111111111111p-7,  0x1.a01a01a019fc1p-13, 0x1.71de3a5573f79p-19,
      0x1.ae6456741b96ep-26, 0x1.61246afa29388p-33, 0x1.ae756e9bcd587p-41, 0x1.9a79404c94fcap-49};

  // About where the errors of tanh's two formulas balance.
  static constexpr double tanhSplit = 0.875;
  // tanh(x) = x + x z P(z) / Q(z), z = x^2 <= tanhSplit^2. Error 2^-57.8.
  static constexpr double tanhP[4] = {-0x1.5555555555555p-2, -0x1.5ecd27490036fp-6,
                                      -0x1.fe5cdff830316p-13, -0x1.290be640ea81ep-26};
  static constexpr double tanhQ[4] = {0x1p0, 0x1.db6010f749a2fp-2, 0x1.91b735de9ce96p-6,
                                      0x1.0abf50ec4de7ap-12};

  // erf(x) = x + x P(z), z = x^2 <= 1. Error 2^-56.3.
  static constexpr double erf[13] = {
      0x1.06eba8214db69p-3, -0x1.812746b0379e6p-2,  0x1.ce2f21a042b2p-4,   -0x1.b82ce3128499dp-6,
      0x1.565bcd0db02f1p-8, -0x1.c02db3d8ed41ap-11, 0x1.f9a321a120574p-14, -0x1.f4d1df396e32cp-17,
      0x1.b9def19f1b6ap-20, -0x1.5f1d36c7c6efdp-23, 0x1.f7a41241b8e8ap-27, -0x1.386ac0970a28p-30,
      0x1.0579a942e6616p-34};
  // log(erfc(x)) = P(x - 1), 1 <= x <= erfEnd. Absolute error 2^-58.76 of erfc.
  static constexpr double erfc[20] = {
      -0x1.d97fbf27aa2a1p0,   -0x1.51c9b0006c23cp1,   -0x1.afabc11a29042p-1,
      -0x1.5477f09c8e7f8p-5,  0x1.48c9d4067506ep-7,   -0x1.033f68e359551p-9,
      0x1.f1b48278bddf4p-13,  0x1.b8c4a6c3231ecp-16,  -0x1.c769c1e67ee8dp-16,
      0x1.41950954fec74p-17,  -0x1.101cf8b5b302cp-19, 0x1.de4506bc74887p-24,
      0x1.0345537fb2546p-23,  -0x1.16bd4fe429e7ep-24, 0x1.5bcd5527ba57cp-26,
      -0x1.3465fc14b2ec9p-28, 0x1.8bb090e05f49fp-31,  -0x1.5f8978658bc31p-34,
      0x1.838aeac636233p-38,  -0x1.8eed18469643ap-43};
  // erfc(erfEnd) is less than half of the spacing of double below 1, so erf rounds to 1 from there.
  static constexpr double erfEnd = 5.95;

  // (1 + 2x) exp(x^2) erfc(x) = P(q), q = (x - k) / (x + k), erfcStart <= x <= erfcEnd. Error
  // 2^-54.39.
  static constexpr double erfcCenter = 4;
  static constexpr double erfcScaled[22] = {
      0x1.3ba5916e9fd7fp0,   -0x1.1df1ad154a28dp-3,  0x1.f7f5df66fd75bp-7,
      0x1.16ecefcfa5241p-4,  -0x1.9ddb23c3e8d15p-4,  0x1.7fee004e1636ap-4,
      -0x1.0fb06dfe50a57p-4, 0x1.3079edf5dbe9dp-5,   -0x1.09623883324a1p-6,
      0x1.49c672c3dd2e5p-8,  -0x1.8d4a9c27a107dp-11, -0x1.a1df5c9fd3fc9p-13,
      0x1.3be0739f6bd2dp-13, -0x1.99517422c89a1p-16, -0x1.7891f6848f174p-17,
      0x1.7ecdcb3377654p-18, 0x1.3dc70a23ae953p-22,  -0x1.b5d70a076ca24p-21,
      0x1.2ed4773c97a3ap-24, 0x1.aaeab9c06d3adp-24,  -0x1.d53af836b278ep-27,
      -0x1.14ab820f86a58p-27};
  static constexpr double erfcStart = 0.75;
  // From 27.23 on erfc is less than half of the smallest denormal number.
  static constexpr double erfcEnd = 27.3;

  // sin(2 pi r) = r P(z), z = r^2 <= 1/64. Error 2^-54.16.
  static constexpr double sin[7] = {
      0x1.921fb54442d18p2, -0x1.4abbce625be41p5, 0x1.466bc677587p6,  -0x1.32d2cce2d5375p6,
      0x1.50782fca39ca3p5, -0x1.e30063a0ff0d2p3, 0x1.e3eed60d6a4ebp1};
  // cos(2 pi r) = 1 + z P(z), z = r^2 <= 1/64. Absolute error 2^-55.76.
  static constexpr double cos[7] = {
      -0x1.3bd3cc9be45dep4, 0x1.03c1f081b5abp6,  -0x1.55d3c7e3c95bcp6, 0x1.e1f50683b42bfp5,
      -0x1.a6d1ecb73fc02p4, 0x1.f9cc6acfa09eap2, -0x1.b26fe85692301p0};
};

TG_TARGET_END
