// Activations and the products of a gradient with their derivatives, on vectors. The elementwise
// kernels and whatever fuses an activation call these same functions, so that fused and separate
// results have the same bits. tanh and sigmoid themselves are in simd/math.h.
//
// Backward functions take the gradient g of the activation's output, and its output y or input x.
#pragma once
#include "../simd/math.h"

TG_TARGET_BEGIN

template <class T>
struct ActivationConstants;

template <>
struct ActivationConstants<float> {
  // |x| exp(x), which silu and mish are there, is below 2^-150 from here down and rounds to 0:
  // 109 exp(-109) = 2^-150.5.
  static constexpr float siluEnd = -109;
  // exp(x), and so sigmoid(x), is a normal number from here up: exp(-86) = 1.9 * 2^-125.
  static constexpr float normalSigmoid = -86;
  // From here on 1 - tanh(u) of the tanh form of GELU rounds to 0: 2 u = 104.5, more than -expMin.
  static constexpr float geluTanhEnd = 10.7f;
};

template <>
struct ActivationConstants<double> {
  // As above: 753 exp(-753) = 2^-1076.8, less than 2^-1075.
  static constexpr double siluEnd = -753;
  // As above: exp(-707) = 2^-1020.
  static constexpr double normalSigmoid = -707;
  // As above: 2 u = 753.6, more than -expMin.
  static constexpr double geluTanhEnd = 21.6;
};

// max(x, 0), as 0 > x ? 0 : x, so that NaN stays.
template <class T>
TG_INLINE Vec<T> reluOf(Vec<T> x) {
  return max(vsplat<T>(0), x);
}

// g, or 0 where y <= 0; a NaN in y lets g through, as PyTorch's threshold_backward does.
template <class T>
TG_INLINE Vec<T> reluBackwardOf(Vec<T> g, Vec<T> y) {
  return select(le(y, vsplat<T>(0)), vsplat<T>(0), g);
}

// 1 where x > 0, the slope elsewhere and for NaN: d leakyRelu(x) / dx. The activation's output in
// the place of x gives the same, unless the slope is negative.
template <class T>
TG_INLINE Vec<T> leakySlopeOf(Vec<T> x, Vec<T> slope) {
  return select(gt(x, vsplat<T>(0)), vsplat<T>(1), slope);
}

// x where x > 0, slope * x elsewhere (Maas, Hannun & Ng 2013).
template <class T>
TG_INLINE Vec<T> leakyReluOf(Vec<T> x, Vec<T> slope) {
  return mul(x, leakySlopeOf(x, slope));
}

// g (1 - y^2).
template <class T>
TG_INLINE Vec<T> tanhBackwardOf(Vec<T> g, Vec<T> y) {
  return mul(g, fnma(y, y, vsplat<T>(1)));
}

// g y (1 - y).
template <class T>
TG_INLINE Vec<T> sigmoidBackwardOf(Vec<T> g, Vec<T> y) {
  return mul(mul(g, y), sub(vsplat<T>(1), y));
}

// log(1 + exp(beta x)) / beta, without overflow: log1p(e) + max(z, 0) for z = beta x and
// e = exp(-|z|), and x itself where z > threshold; inverse is 1 / beta. A beta of 1 changes no bit
// of the rest, and one of -1 makes it log(sigmoid(x)).
template <class T>
TG_INLINE Vec<T> softplusDecayOf(Vec<T> x, Vec<T> beta) {
  return exp(neg(abs(mul(x, beta))));
}

template <class T>
TG_INLINE Vec<T> softplusOf(Vec<T> x, Vec<T> e, Vec<T> beta, Vec<T> inverse, Vec<T> threshold) {
  const Vec<T> z = mul(x, beta);
  const Vec<T> y = add(log1p(e), max(vsplat<T>(0), z));
  return select(gt(z, threshold), x, mul(y, inverse));
}

// g sigmoid(beta x), and g where beta x > threshold.
template <class T>
TG_INLINE Vec<T> softplusBackwardOf(Vec<T> g, Vec<T> x, Vec<T> beta, Vec<T> threshold) {
  const Vec<T> z = mul(x, beta);
  return select(gt(z, threshold), g, mul(g, sigmoid(z)));
}

constexpr double kInvSqrtTwoPi = 0.39894228040143267794;  // 1 / sqrt(2 pi)

// x * cdf(x), the exact form of GELU (Hendrycks & Gimpel 2016).
template <class T>
TG_INLINE Vec<T> geluOf(Vec<T> x) {
  return mul(x, normalCdf(x));
}

// g * (cdf(x) + x * pdf(x)).
template <class T>
TG_INLINE Vec<T> geluBackwardOf(Vec<T> g, Vec<T> x) {
  const Vec<T> exponent = mul(mul(x, x), vsplat<T>(static_cast<T>(-0.5)));
  const Vec<T> pdf = mul(exp(exponent), vsplat<T>(static_cast<T>(kInvSqrtTwoPi)));
  return mul(g, fma(x, pdf, normalCdf(x)));
}

// x * sigmoid(z), for x and z of the same sign. The power of two of a small sigmoid comes last, so
// that a result above the smallest normal number is accurate where the sigmoid is below it. Where
// even x * exp(z) rounds to 0 that is 0 * x: NaN for -infinity, as in PyTorch.
template <class T>
TG_INLINE Reg<T> timesSigmoid(Reg<T> x, Reg<T> z) {
  const Reg<T> zero = splat<T>(0), one = splat<T>(1);
  const Reg<T> end = splat<T>(ActivationConstants<T>::siluEnd);
  const Mask<T> negative = lt(z, zero);
  const ExpParts<T> parts = expParts(max(end, neg(abs(z))));
  const Reg<T> mantissa = add(one, add(parts.high, parts.low));
  // As in sigmoid: with e = exp(-|z|), 1 - e / (1 + e) or e times that.
  const Reg<T> e = mulPow2(mantissa, parts.n);
  const Reg<T> factor = select(negative, mantissa, one);
  const Reg<T> scaled = fnma(factor, div(e, add(one, e)), factor);
  const Reg<T> y = mulPow2(mul(x, scaled), select(negative, parts.n, zero));
  return select(lt(z, end), mul(x, zero), y);
}

TG_LIFT_MATH_2(timesSigmoid)

// g (s + w s (1 - s)), s = sigmoid(z), where z and w have the same sign: the gradient of
// x sigmoid(z) with w = x dz/dx. 1 - s is computed without cancellation.
template <class T>
TG_INLINE Reg<T> timesSigmoidBackward(Reg<T> g, Reg<T> z, Reg<T> w) {
  using C = MathConstants<T>;
  const Reg<T> zero = splat<T>(0), one = splat<T>(1);
  const Mask<T> negative = lt(z, zero);
  const Reg<T> e = expInRange(max(splat<T>(C::expMin), neg(abs(z))));
  const Reg<T> small = div(e, add(one, e));  // the smaller one of s and 1 - s
  const Reg<T> large = sub(one, small);
  const Reg<T> s = select(negative, small, large);
  const Reg<T> rest = select(negative, large, small);
  return mul(g, mul(s, fma(w, rest, one)));
}

template <class T>
TG_INLINE Vec<T> timesSigmoidBackward(Vec<T> g, Vec<T> z, Vec<T> w) {
  for (int i = 0; i < kRegs<T>; ++i) g.r[i] = timesSigmoidBackward(g.r[i], z.r[i], w.r[i]);
  return g;
}

// x * sigmoid(x) (Elfwing, Uchibe & Doya 2018; "swish" of Ramachandran, Zoph & Le 2017).
template <class T>
TG_INLINE Vec<T> siluOf(Vec<T> x) {
  return timesSigmoid(x, x);
}

template <class T>
TG_INLINE VMask<T> hasNormalSigmoid(Vec<T> x) {
  return ge(x, vsplat<T>(ActivationConstants<T>::normalSigmoid));
}

// silu where the sigmoid is a normal number, so that its power of two changes no rounding: the same
// bits by ten instructions less, 13.3 instead of 15.6 us for 65,536 floats on Zen 5.
template <class T>
TG_INLINE Vec<T> siluOfNormal(Vec<T> x) {
  return mul(x, sigmoid(x));
}

template <class T>
TG_INLINE Vec<T> siluBackwardOf(Vec<T> g, Vec<T> x) {
  return timesSigmoidBackward(g, x, x);
}

// GELU in its tanh form (Hendrycks & Gimpel 2016): x (1 + tanh(u)) / 2 with
// u = sqrt(2 / pi) (x + 0.044715 x^3). That is x * sigmoid(2 u), where nothing cancels.
constexpr double kGeluLinear = 1.59576912160573071176;  // 2 sqrt(2 / pi)
constexpr double kGeluCubic = 0.044715 * 1.59576912160573071176;

template <class T>
TG_INLINE Vec<T> geluTanhOf(Vec<T> x) {
  const Vec<T> linear = vsplat<T>(static_cast<T>(kGeluLinear));
  const Vec<T> cubic = vsplat<T>(static_cast<T>(kGeluCubic));
  return timesSigmoid(x, mul(x, fma(cubic, mul(x, x), linear)));
}

// The derivative is that of the nearest x where powers of x are finite, and NaN for infinite x, as
// in PyTorch.
template <class T>
TG_INLINE Vec<T> geluTanhBackwardOf(Vec<T> g, Vec<T> x) {
  const Vec<T> end = vsplat<T>(ActivationConstants<T>::geluTanhEnd);
  const Vec<T> linear = vsplat<T>(static_cast<T>(kGeluLinear));
  const Vec<T> cubic = vsplat<T>(static_cast<T>(kGeluCubic));
  const Vec<T> near = min(end, max(neg(end), x));
  const Vec<T> square = mul(near, near);
  const Vec<T> z = mul(near, fma(cubic, square, linear));
  const Vec<T> cubicSlope = vsplat<T>(static_cast<T>(3 * kGeluCubic));
  const Vec<T> w = mul(near, fma(cubicSlope, square, linear));
  return timesSigmoidBackward(fma(x, vsplat<T>(0), g), z, w);
}

// x tanh(log(1 + exp(x))) (Misra 2019). With e = exp(-|x|), so that nothing overflows or cancels,
// the hyperbolic tangent is 1 - 2 e^2 / d, d = 1 + 2 e + 2 e^2, where x >= 0, and e (1 - (e + e^2)
// / d), d = 2 + 2 e + e^2, where x < 0. This is d.
template <class T>
TG_INLINE Reg<T> mishDenominator(Mask<T> negative, Reg<T> e) {
  const Reg<T> one = splat<T>(1), two = splat<T>(2);
  return fma(e, add(two, select(negative, e, add(e, e))), select(negative, two, one));
}

// The power of two of a small e comes last, as in timesSigmoid.
template <class T>
TG_INLINE Reg<T> mishOf(Reg<T> x) {
  const Reg<T> zero = splat<T>(0), one = splat<T>(1);
  const Reg<T> end = splat<T>(ActivationConstants<T>::siluEnd);
  const Mask<T> negative = lt(x, zero);
  const ExpParts<T> parts = expParts(max(end, neg(abs(x))));
  const Reg<T> mantissa = add(one, add(parts.high, parts.low));
  const Reg<T> e = mulPow2(mantissa, parts.n);
  const Reg<T> rest = fma(e, e, select(negative, e, mul(e, e)));
  const Reg<T> factor = select(negative, mantissa, one);
  const Reg<T> scaled = fnma(factor, div(rest, mishDenominator(negative, e)), factor);
  const Reg<T> y = mulPow2(mul(x, scaled), select(negative, parts.n, zero));
  return select(lt(x, end), mul(x, zero), y);
}

// g (t + x sigmoid(x) (1 - t^2)), t = tanh(log(1 + exp(x))), over one denominator: in the terms
// above f g (n d + 4 h x (1 + e)) / d^2, with n = 1 + 2 e, f = 1 and h = e^2 where x >= 0, n = 2 +
// e, f = e and h = 1 where x < 0. NaN for both infinities, as in PyTorch.
template <class T>
TG_INLINE Reg<T> mishBackwardOf(Reg<T> g, Reg<T> x) {
  using C = MathConstants<T>;
  const Reg<T> one = splat<T>(1), two = splat<T>(2), four = splat<T>(4);
  const Mask<T> negative = lt(x, splat<T>(0));
  const Reg<T> e = expInRange(max(splat<T>(C::expMin), neg(abs(x))));
  const Reg<T> d = mishDenominator(negative, e);
  const Reg<T> n = select(negative, add(two, e), fma(two, e, one));
  const Reg<T> h = mul(four, select(negative, one, mul(e, e)));
  const Reg<T> sum = fma(mul(h, x), add(one, e), mul(n, d));
  const Reg<T> slope = div(mul(select(negative, e, one), sum), mul(d, d));
  return mul(g, slope);
}

TG_LIFT_MATH(mishOf)
TG_LIFT_MATH_2(mishBackwardOf)

// Exponential linear units: x scale above 0, negativeScale (exp(x inputScale) - 1) elsewhere. ELU
// (Clevert, Unterthiner & Hochreiter 2016), SELU (Klambauer et al. 2017) and CELU (Barron 2017) are
// this with different scales.
template <class T>
TG_INLINE Vec<T> eluOf(Vec<T> x, Vec<T> scale, Vec<T> negativeScale, Vec<T> inputScale) {
  const Vec<T> negative = mul(expm1(mul(x, inputScale)), negativeScale);
  return select(le(x, vsplat<T>(0)), negative, mul(x, scale));
}

template <class T>
TG_INLINE Vec<T> eluBackwardOf(Vec<T> g, Vec<T> x, Vec<T> scale, Vec<T> negativeScale,
                               Vec<T> inputScale) {
  const Vec<T> slope = mul(mul(negativeScale, inputScale), exp(mul(x, inputScale)));
  return mul(g, select(gt(x, vsplat<T>(0)), scale, slope));
}

// x / (1 + |x|) (Turian, Bergstra & Bengio 2009).
template <class T>
TG_INLINE Vec<T> softsignOf(Vec<T> x) {
  return div(x, add(vsplat<T>(1), abs(x)));
}

// g / (1 + |x|)^2, without the square, which overflows first.
template <class T>
TG_INLINE Vec<T> softsignBackwardOf(Vec<T> g, Vec<T> x) {
  const Vec<T> r = div(vsplat<T>(1), add(vsplat<T>(1), abs(x)));
  return mul(mul(g, r), r);
}

// x - tanh(x), near 0 without a subtraction. The zero that is added makes -0 a 0, as a difference
// of equal numbers is.
template <class T>
TG_INLINE Reg<T> tanhshrinkOf(Reg<T> x) {
  const TanhParts<T> parts = tanhParts(x);
  const Reg<T> far = sub(sub(parts.a, splat<T>(1)), parts.quotient);
  const Reg<T> y = select(parts.small, mul(neg(parts.a), parts.quotient), far);
  return add(copySign(y, x), splat<T>(0));
}

TG_LIFT_MATH(tanhshrinkOf)

// g tanh(x)^2.
template <class T>
TG_INLINE Vec<T> tanhshrinkBackwardOf(Vec<T> g, Vec<T> x) {
  const Vec<T> t = tanh(x);
  return mul(g, mul(t, t));
}

TG_TARGET_END
