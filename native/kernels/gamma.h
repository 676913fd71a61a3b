// The logarithm of the gamma function and its first two derivatives, in float64. Below 0 they come
// by reflection from 1 - x (DLMF 5.5.3, 5.5.4, 5.15.6), which is skipped where no lane of a
// register needs it.
#pragma once
#include <string.h>

#include "../simd/math.h"
#include "table.h"

TG_TARGET_BEGIN

// sin(pi x) up to its sign, and cos(pi x) with that sign: the distance to the nearest whole number
// is exact. Called for arguments below 0 only, so it need not be in each function.
TG_NOINLINE inline void sinCosPi(RegD x, RegD& sine, RegD& cosine) {
  const RegD rest = sub(x, roundEven(x));
  sinCos2Pi(mul(abs(rest), splat<double>(0.5)), sine, cosine);
  sine = copySign(sine, rest);
}

// What the functions have in common: z is x, or 1 - x where x is below 0.
struct Reflected {
  Mask<double> below;
  RegD z;
};

TG_INLINE Reflected reflected(RegD x) {
  const Mask<double> below = lt(x, splat<double>(0));
  return {below, select(below, sub(splat<double>(1), x), x)};
}

// Whether x is a whole number below 0, or -infinity.
TG_INLINE Mask<double> isPole(RegD x, Mask<double> below) {
  return maskAnd(below, eq(roundEven(x), x));
}

// Lanczos' approximation (1964) in the form of Godfrey (2001), with the coefficients of
// Boost.Math's lanczos13m53: gamma(z) = (t / e)^(z - 1/2) N(z) / D(z), t = z + g - 1/2 and D(z) =
// z (z + 1) ... (z + 11). For z > 0 it is off by less than 2^-53. At 1 and 2, where the logarithm
// is 0, the terms are below 1/2.
constexpr double kLanczosG = 6.024680040776729583740234375;
constexpr double kLanczosSum[13] = {
    56906521.91347156388090791033559122686859,   103794043.1163445451906271053616070238554,
    86363131.28813859145546927288977868422342,   43338889.32467613834773723740590533316085,
    14605578.08768506808414169982791359218571,   3481712.15498064590882071018964774556468,
    601859.6171681098786670226533699352302507,   75999.29304014542649875303443598909137092,
    6955.999602515376140356310115515198987526,   449.9445569063168119446858607650988409623,
    19.51992788247617482847860966235652136208,   0.5098416655656676188125178644804694509993,
    0.006061842346248906525783753964555936883222};
// (z + i) (z + 11 - i) = z (z + 11) + i (11 - i), for i = 1 ... 5.
constexpr double kLanczosProduct[5] = {10, 18, 24, 28, 30};
// From here on N / D has come to its limit, and D(z) is below 2^1024.
constexpr double kLanczosEnd = 0x1p80;

constexpr double kPi = 3.14159265358979323846;

TG_INLINE RegD lgamma(RegD x) {
  const RegD half = splat<double>(0.5), one = splat<double>(1);
  const Reflected r = reflected(x);
  const RegD end = min(splat<double>(kLanczosEnd), r.z);
  const RegD square = mul(end, add(end, splat<double>(11)));
  RegD up = square;
  for (const double more : kLanczosProduct) up = mul(up, add(square, splat<double>(more)));
  RegD down = polynomial(end, kLanczosSum);
  // t is a normal number; where it is infinite or NaN, so is the other factor.
  const RegD t = add(r.z, splat<double>(kLanczosG - 0.5));
  RegD power = mul(sub(r.z, half), sub(logNormal(t), one));
  if (anyTrue(r.below)) {
    // log |gamma(x)| = log(pi / |sin(pi x)|) - log(gamma(z)).
    RegD sine, cosine;
    sinCosPi(x, sine, cosine);
    const RegD reflectedUp = mul(abs(sine), down);
    down = select(r.below, mul(up, splat<double>(kPi)), down);
    up = select(r.below, reflectedUp, up);
    power = select(r.below, neg(power), power);
  }
  // Near 0 it is -log |x|, whose argument keeps its digits where the quotient is a denormal number.
  const RegD a = abs(x);
  const Mask<double> tiny = lt(a, splat<double>(0x1p-1000));
  const RegD factor = select(tiny, a, div(up, down));
  const RegD y = sub(select(tiny, splat<double>(0), power), log(factor));
  return select(isPole(x, r.below), fromBits(isplat<double>(Format<double>::infinity)), y);
}

// Arguments below it are moved up by it, to where the asymptotic series below have all digits of
// float64: what they leave out is under 2^-54.
constexpr double kGammaShift = 10;

// The sum of 1 / (z + i) over i < 10 is P'(z) / P(z), P(z) = z (z + 1) ... (z + 9). With w =
// z (z + 9), P(z) = Q(w) = w (w + 8) (w + 14) (w + 18) (w + 20).
constexpr double kShiftProduct[5] = {40320, 12176, 1308, 60, 1};  // Q(w) / w
constexpr double kShiftSlope[5] = {40320, 24352, 3924, 240, 5};   // Q'
// The sum of 1 / (z + i)^2 is R(w) / Q(w)^2, R = (4 w + 81) (Q'^2 - Q Q'') - 2 Q Q'.
constexpr double kShiftSquares[10] = {131681894400, 82783088640, 24999178752, 4547382016, 534089520,
                                      41415072,     2107120,     67680,       1245,       10};

// B_2k / 2k, k = 1 ... 7 (DLMF 5.11.2), and B_2k (DLMF 5.15.8).
constexpr double kDigammaSeries[7] = {1.0 / 12,  -1.0 / 120,     1.0 / 252, -1.0 / 240,
                                      1.0 / 132, -691.0 / 32760, 1.0 / 12};
constexpr double kTrigammaSeries[7] = {1.0 / 6,  -1.0 / 30,     1.0 / 42, -1.0 / 30,
                                       5.0 / 66, -691.0 / 2730, 7.0 / 6};

// NaN at whole numbers below 0, infinite at 0 with the other sign: as in PyTorch.
TG_INLINE RegD digamma(RegD x) {
  const RegD shift = splat<double>(kGammaShift);
  const Reflected r = reflected(x);
  const Mask<double> near = lt(r.z, shift);
  const RegD far = select(near, add(r.z, shift), r.z);
  const RegD inverse = div(splat<double>(1), far);
  const RegD square = mul(inverse, inverse);
  const RegD tail =
      fma(square, polynomial(square, kDigammaSeries), mul(inverse, splat<double>(0.5)));
  const RegD w = mul(r.z, add(r.z, splat<double>(9)));
  const RegD slope = mul(add(add(r.z, r.z), splat<double>(9)), polynomial(w, kShiftSlope));
  const RegD sum = div(slope, mul(w, polynomial(w, kShiftProduct)));
  RegD y = sub(sub(log(far), tail), select(near, sum, splat<double>(0)));
  if (anyTrue(r.below)) {
    RegD sine, cosine;
    sinCosPi(x, sine, cosine);
    const RegD cotangent = div(mul(cosine, splat<double>(kPi)), sine);
    y = select(r.below, sub(y, cotangent), y);
  }
  return select(isPole(x, r.below), fromBits(isplat<double>(Format<double>::quietNan)), y);
}

// Infinite at 0 and at whole numbers below, NaN at -infinity.
TG_INLINE RegD trigamma(RegD x) {
  const RegD shift = splat<double>(kGammaShift);
  const Reflected r = reflected(x);
  const Mask<double> near = lt(r.z, shift);
  const RegD inverse = div(splat<double>(1), select(near, add(r.z, shift), r.z));
  const RegD square = mul(inverse, inverse);
  const RegD half = mul(inverse, splat<double>(0.5));
  const RegD series = fma(square, polynomial(square, kTrigammaSeries), half);
  const RegD far = fma(inverse, series, inverse);
  const RegD w = mul(r.z, add(r.z, splat<double>(9)));
  const RegD product = mul(w, polynomial(w, kShiftProduct));
  const RegD sum = div(polynomial(w, kShiftSquares), mul(product, product));
  RegD y = add(far, select(near, sum, splat<double>(0)));
  if (anyTrue(r.below)) {
    RegD sine, cosine;
    sinCosPi(x, sine, cosine);
    const RegD quotient = div(splat<double>(kPi), sine);
    y = select(r.below, fma(quotient, quotient, neg(y)), y);
  }
  const RegD infinity = fromBits(isplat<double>(Format<double>::infinity));
  return select(maskAnd(isPole(x, r.below), lt(neg(infinity), x)), infinity, y);
}

// y[i] = function(x[i]) for i < n, a register at a time: the functions are too long for more.
template <RegD (*function)(RegD)>
void gammaKernel(int64_t n, const double* x, double* y) {
  for (int64_t i = 0; i < n; i += RegD::lanes) {
    storeFirst(y + i, function(loadFirst(x + i, n - i)), n - i);
  }
}

// Of float32: widened, and the results rounded once.
TG_NOINLINE inline void narrowed(UnaryKernel<double> kernel, int64_t n, const float* x, float* y) {
  constexpr int64_t kBlock = 256;
  float block[kBlock];
  double values[kBlock];
  for (; n > 0; n -= kBlock, x += kBlock, y += kBlock) {
    const int64_t count = n < kBlock ? n : kBlock;
    memcpy(block, x, static_cast<size_t>(count) * sizeof(float));
    for (int64_t i = 0; i < count; i += RegD::lanes) store(values + i, loadDouble(block + i));
    kernel(count, values, values);
    for (int64_t i = 0; i < count; i += RegD::lanes) storeFloats(block + i, load(values + i));
    memcpy(y, block, static_cast<size_t>(count) * sizeof(float));
  }
}

template <RegD (*function)(RegD)>
void gammaKernel(int64_t n, const float* x, float* y) {
  narrowed(gammaKernel<function>, n, x, y);
}

TG_TARGET_END
