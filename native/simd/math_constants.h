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
  // From here on 1 + 2 a and 1 + a are both a times a power of 2, rounded.
  static constexpr float inverseHyperbolicFar = 0x1p26f;

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

// Functions of |x| in 16 pieces around multiples of a step: see `pieces` in math_pieces.h. Where a
// function has come to its limit, at end, the last piece is so little above it that it rounds to
// it.
struct Pieces {
  float step, inverseStep, end;
};

// erf: end is where it is nearer to 1 than to the number below 1. Error 2^-24.59.
constexpr Pieces kErf = {0.25f, 4, 0x1.effffep1f};
alignas(64) constexpr float kErfPieces[6][16] = {
    {0, 0x1.1af54ep-2f, 0x1.0a7ef6p-1f, 0x1.6c1c98p-1f, 0x1.af767ap-1f, 0x1.d8865ep-1f,
     0x1.eea556p-1f, 0x1.f92d08p-1f, 0x1.fd9ae2p-1f, 0x1.ff4048p-1f, 0x1.ffcaa8p-1f, 0x1.fff2dp-1f,
     0x1.fffd1ap-1f, 0x1.ffff7p-1f, 0x1.ffffe8p-1f, 0x1.fffffcp-1f},
    {0x1.06eba8p-3f, 0x1.0f5d16p0f, 0x1.c1efccp-1f, 0x1.492e44p-1f, 0x1.a911fp-2f, 0x1.e4653p-3f,
     0x1.e72372p-4f, 0x1.b0553p-5f, 0x1.529bap-6f, 0x1.d4143cp-8f, 0x1.1d8316p-9f, 0x1.3360cep-11f,
     0x1.2408eap-13f, 0x1.e9b5eap-16f, 0x1.6a5972p-18f, 0x1.2ca548p-20f},
    {0x1.dfc46cp-23f, -0x1.0f5bb4p-2f, -0x1.c1ef04p-2f, -0x1.edc70cp-2f, -0x1.a91048p-2f,
     -0x1.2ec176p-2f, -0x1.6d6032p-3f, -0x1.7a53acp-4f, -0x1.52b36ep-5f, -0x1.0771d6p-6f,
     -0x1.63e96ap-8f, -0x1.a7d63ep-10f, -0x1.a9b422p-12f, -0x1.a5e724p-14f, -0x1.160742p-15f,
     -0x1.0a21cap-21f},
    {-0x1.812ab8p-2f, -0x1.3c991ap-2f, -0x1.2bfd0cp-3f, 0x1.b6b6dap-6f, 0x1.1b6214p-3f,
     0x1.571bf4p-3f, 0x1.1c29b6p-3f, 0x1.71490cp-4f, 0x1.8b0b4p-5f, 0x1.63ef72p-6f, 0x1.119d5ap-7f,
     0x1.69cc7ap-9f, 0x1.9db128p-11f, 0x1.9a9958p-13f, 0x1.62bd8p-15f, 0x1.0a95fap-17f},
    {0x1.0e3ec4p-12f, 0x1.021edep-3f, 0x1.74fbacp-3f, 0x1.3492a8p-3f, 0x1.1a0324p-4f,
     -0x1.5a6b26p-8f, -0x1.6547a8p-5f, -0x1.845726p-5f, -0x1.14294p-5f, -0x1.2fca9cp-6f,
     -0x1.3b43cp-7f, -0x1.8850c4p-9f, -0x1.da5368p-10f, 0x1.3cff92p-14f, 0x1.b9b224p-11f,
     -0x1.96b826p-13f},
    {0x1.c7049ep-4f, 0x1.48885ep-4f, 0x1.0edb6ap-7f, -0x1.aba04ap-5f, -0x1.1acde6p-4f,
     -0x1.80fd6p-5f, -0x1.e85862p-7f, 0x1.aad084p-8f, 0x1.aad05ap-7f, 0x1.5cda4ep-7f,
     0x1.9197f6p-8f, 0x1.6b3b1p-9f, 0x1.0cd966p-10f, 0x1.4d3b72p-12f, 0x1.5e2d92p-14f,
     0x1.448742p-16f}};

// The standard normal distribution function less 1/2. Error 2^-26.13 of 1.
constexpr Pieces kNormal = {0x1.7p-2f, 0x1.642c86p1f, 5.57f};
alignas(64) constexpr float kNormalPieces[6][16] = {
    {0, 0x1.1f6cp-3f, 0x1.0e2f5ap-2f, 0x1.7023a8p-2f, 0x1.b2e7b4p-2f, 0x1.daf43ap-2f,
     0x1.f0185cp-2f, 0x1.f9ea96p-2f, 0x1.fdee6ep-2f, 0x1.ff6036p-2f, 0x1.ffd546p-2f, 0x1.fff5e4p-2f,
     0x1.fffde2p-2f, 0x1.ffff9cp-2f, 0x1.fffffp-2f, 0x1.fffffep-2f},
    {0x1.988454p-2f, 0x1.7ef876p-2f, 0x1.3b85f6p-2f, 0x1.c8eafap-3f, 0x1.22c102p-3f, 0x1.4533dp-4f,
     0x1.3fa9c4p-5f, 0x1.1425ecp-6f, 0x1.a34ea6p-8f, 0x1.17c578p-9f, 0x1.481b46p-11f,
     0x1.522bf2p-13f, 0x1.3250fep-15f, 0x1.e7b0aap-18f, 0x1.55310ep-20f, 0x1.2a21e2p-22f},
    {0x1.01bea2p-22f, -0x1.13413ap-4f, -0x1.c58d1p-4f, -0x1.ec9de8p-4f, -0x1.a1f2bap-4f,
     -0x1.242f74p-4f, -0x1.58a38ap-5f, -0x1.5b66cap-6f, -0x1.2d4596p-7f, -0x1.c46b16p-9f,
     -0x1.25f154p-10f, -0x1.4f49dep-12f, -0x1.4476f6p-14f, -0x1.25d21cp-16f, -0x1.2d5b0cp-18f,
     -0x1.eea3a2p-20f},
    {-0x1.105e32p-4f, -0x1.bcacc4p-5f, -0x1.96bb14p-6f, 0x1.8b9a88p-8f, 0x1.9d68fep-6f,
     0x1.e332a4p-6f, 0x1.84dd48p-6f, 0x1.ea7a3p-7f, 0x1.fbc26p-8f, 0x1.b929cap-9f, 0x1.45c7a6p-10f,
     0x1.9c318ep-12f, 0x1.c12bf2p-14f, 0x1.a72602p-16f, 0x1.599474p-18f, 0x1.051636p-20f},
    {0x1.d72b72p-15f, 0x1.05731p-6f, 0x1.741fdp-6f, 0x1.2d3086p-6f, 0x1.01ea4p-7f, -0x1.428afap-10f,
     -0x1.780e58p-8f, -0x1.7907eep-8f, -0x1.0f09c6p-8f, -0x1.1ad04ap-9f, -0x1.0efa9cp-10f,
     -0x1.4155bap-12f, -0x1.32be7cp-13f, -0x1.5d5146p-17f, 0x1.1cfb0ap-15f, 0x1.4ca5ecp-15f},
    {0x1.3fd9c8p-7f, 0x1.c74f46p-8f, 0x1.ce732cp-12f, -0x1.3cc98ep-8f, -0x1.8b9316p-8f,
     -0x1.018832p-8f, -0x1.1aff06p-10f, 0x1.6f766p-11f, 0x1.2e0372p-10f, 0x1.ceadccp-11f,
     0x1.fa2562p-12f, 0x1.b32dccp-13f, 0x1.31e42cp-14f, 0x1.66f70ap-16f, 0x1.6400b8p-18f,
     0x1.033522p-21f}};

// tanh. Error 2^-25.05.
constexpr Pieces kTanh = {0x1.2cp-1f, 0x1.b4e81cp0f, 9.08f};
alignas(64) constexpr float kTanhPieces[8][16] = {
    {0, 0x1.0dcebp-1f, 0x1.a655aap-1f, 0x1.e26faap-1f, 0x1.f6a7c4p-1f, 0x1.fd163ap-1f,
     0x1.ff1884p-1f, 0x1.ffb83ep-1f, 0x1.ffe9c4p-1f, 0x1.fff91cp-1f, 0x1.fffddep-1f, 0x1.ffff56p-1f,
     0x1.ffffccp-1f, 0x1.fffffp-1f, 0x1.fffffap-1f, 0x1.fffffep-1f},
    {0x1p0f, 0x1.71d1fep-1f, 0x1.474176p-2f, 0x1.cb5d48p-4f, 0x1.284cdp-5f, 0x1.73d3c2p-7f,
     0x1.ce8fcp-9f, 0x1.1ef07cp-10f, 0x1.63b17p-12f, 0x1.b8ce52p-14f, 0x1.111edcp-15f,
     0x1.52706p-17f, 0x1.a3602p-19f, 0x1.03d54ep-20f, 0x1.41f86cp-22f, 0x1.44f9cp-23f},
    {-0x1.5e4e9ap-23f, -0x1.85c43p-2f, -0x1.0df178p-2f, -0x1.b0d562p-4f, -0x1.22d95ep-5f,
     -0x1.71d884p-7f, -0x1.cde958p-9f, -0x1.1d643ep-10f, -0x1.60d586p-12f, -0x1.a5a9b4p-14f,
     -0x1.1dfb1cp-15f, -0x1.5de2fap-18f, -0x1.8291a2p-18f, -0x1.4ac46ap-19f, 0x1.8224f2p-18f,
     0x1.686164p-19f},
    {-0x1.555314p-2f, -0x1.493a8cp-5f, 0x1.c6572ep-4f, 0x1.fd73bep-5f, 0x1.75a2c6p-6f,
     0x1.e753f6p-8f, 0x1.32bdcap-9f, 0x1.7df5fcp-11f, 0x1.da04a6p-13f, 0x1.25d38ep-14f,
     0x1.6c2462p-16f, 0x1.c33fa2p-18f, 0x1.1794cep-19f, 0x1.5a716ap-21f, 0x1.ad4c36p-23f,
     -0x1.b2d57ap-22f},
    {-0x1.617d4cp-13f, 0x1.2f366cp-3f, -0x1.dd1e54p-9f, -0x1.7fcdb4p-6f, -0x1.5f245p-7f,
     -0x1.cb7d42p-9f, -0x1.2631bp-10f, -0x1.14ed18p-11f, -0x1.9aa75ap-13f, -0x1.724e1ap-13f,
     0x1.34782cp-15f, -0x1.445d6ap-13f, 0x1.52edeap-14f, 0x1.831c88p-15f, -0x1.8a7562p-13f,
     -0x1.6c92e4p-14f},
    {0x1.1439c8p-3f, -0x1.8d3df2p-5f, -0x1.b91636p-6f, 0x1.efc75ep-9f, 0x1.d21942p-9f,
     0x1.6ba402p-10f, 0x1.e085dcp-12f, 0x1.2f28a6p-13f, 0x1.7a2eaep-15f, 0x1.d54a0ap-17f,
     0x1.2359b4p-18f, 0x1.6889a2p-20f, 0x1.bf956cp-22f, 0x1.153d46p-23f, 0x1.56ec1p-25f,
     0x1.a76966p-18f},
    {-0x1.c46614p-8f, -0x1.08939ap-5f, 0x1.1d1892p-6f, 0x1.366a6cp-9f, 0x1.0dadap-11f,
     -0x1.70b8dcp-10f, -0x1.deb73p-12f, 0x1.42a126p-10f, 0x1.496c36p-11f, 0x1.1edce2p-10f,
     -0x1.85399ep-12f, 0x1.33d26ap-10f, -0x1.4d3ac2p-11f, -0x1.7a58fcp-12f, 0x1.7e993ep-10f,
     0x1.6441dap-11f},
    {-0x1.4f7d6cp-5f, 0x1.dc3b78p-6f, -0x1.9df0f2p-9f, -0x1.eb75b2p-10f, 0x1.2782a8p-15f,
     0x1.59f068p-14f, 0x1.474768p-15f, 0x1.f69baep-17f, 0x1.2fb99cp-18f, 0x1.885ecep-20f,
     0x1.b26b8cp-22f, 0x1.2fcbp-23f, 0x1.46834cp-25f, 0x1.9e077p-27f, 0x1.272286p-28f,
     -0x1.8f5988p-17f}};

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
  static constexpr double inverseHyperbolicFar = 0x1p55;

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
