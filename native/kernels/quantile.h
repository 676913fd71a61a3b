// The inverse of the normal distribution function: Wichura, "Algorithm AS 241: The percentage
// points of the normal distribution", Applied Statistics 37 (1988), PPND16 (about 16 digits).
#pragma once
#include "../simd/math.h"

TG_TARGET_BEGIN

// Numerators and denominators, lowest power first, named as in the paper: A and B near the median,
// C and D in the tails, E and F far out.
constexpr double kQuantileA[] = {3.3871328727963666080e0,  1.3314166789178437745e+2,
                                 1.9715909503065514427e+3, 1.3731693765509461125e+4,
                                 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                 3.3430575583588128105e+4, 2.5090809287301226727e+3};
constexpr double kQuantileB[] = {1.0,
                                 4.2313330701600911252e+1,
                                 6.8718700749205790830e+2,
                                 5.3941960214247511077e+3,
                                 2.1213794301586595867e+4,
                                 3.9307895800092710610e+4,
                                 2.8729085735721942674e+4,
                                 5.2264952788528545610e+3};
constexpr double kQuantileC[] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                 5.76949722146069140550e0,  3.64784832476320460504e0,
                                 1.27045825245236838258e0,  2.41780725177450611770e-1,
                                 2.27238449892691845833e-2, 7.74545014278341407640e-4};
constexpr double kQuantileD[] = {1.0,
                                 2.05319162663775882187e0,
                                 1.67638483018380384940e0,
                                 6.89767334985100004550e-1,
                                 1.48103976427480074590e-1,
                                 1.51986665636164571966e-2,
                                 5.47593808499534494600e-4,
                                 1.05075007164441684324e-9};
constexpr double kQuantileE[] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                 1.78482653991729133580e0,  2.96560571828504891230e-1,
                                 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                 2.71155556874348757815e-5, 2.01033439929228813265e-7};
constexpr double kQuantileF[] = {1.0,
                                 5.99832206555887937690e-1,
                                 1.36929880922735805310e-1,
                                 1.48753612908506148525e-2,
                                 7.86869131145613259100e-4,
                                 1.84631831751005468180e-5,
                                 1.42151175831644588870e-7,
                                 2.04426310338993978564e-15};

// z with P(normal < z) = p, for 0 <= p < 1; of p below 2^-1022 as of that, about -37.5.
TG_INLINE Reg<double> normalQuantile(Reg<double> p) {
  // The paper's bounds of the three ranges and the middles of their variables.
  const Reg<double> central = splat(0.425), centralSquare = splat(0.180625);
  const Reg<double> tailMiddle = splat(1.6), far = splat(5.0);
  const Reg<double> half = splat(0.5), one = splat(1.0);
  const Reg<double> q = sub(p, half);
  const Reg<double> r = fnma(q, q, centralSquare);
  const Reg<double> near = mul(q, div(polynomial(r, kQuantileA), polynomial(r, kQuantileB)));
  const Reg<double> tail = max(min(p, sub(one, p)), splat(Format<double>::minNormal));
  const Reg<double> s = sqrt(neg(logNormal(tail)));
  const Mask<double> isFar = gt(s, far);
  const Reg<double> t = sub(s, select(isFar, far, tailMiddle));
  const Reg<double> above = select(isFar, polynomial(t, kQuantileE), polynomial(t, kQuantileC));
  const Reg<double> below = select(isFar, polynomial(t, kQuantileF), polynomial(t, kQuantileD));
  return select(le(abs(q), central), near, copySign(div(above, below), q));
}

TG_INLINE Vec<double> normalQuantile(Vec<double> p) {
  for (Reg<double>& r : p.r) r = normalQuantile(r);
  return p;
}

TG_TARGET_END
