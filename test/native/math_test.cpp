// Accuracy of the functions of native/simd/math.h and of the activations made of them, and equality
// of all levels' bits.
//
//   math_test [--all] [--stride N] [--points N] [--function NAME]
//
// float: every N-th bit pattern (1009, a prime, unless told; --all takes every one) against the C
// library's double functions. double: N random arguments of each function (200000) and its hard
// ones against functions of a wider type. Prints the largest errors; exits with 1 when one is above
// its bound, a special value is wrong, levels differ in a bit (other than of a NaN), or the digest
// of all results at the default settings is not the recorded one, which has to be the same on every
// CPU.
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <random>
#include <vector>

#include "simd_test_util.h"

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
double mishOf(double x) {
  const double e = exp(-fabs(x));
  return x < 0 ? x * (e * (2 + e) / (2 + e * (2 + e)))
               : x * ((1 + 2 * e) / (1 + 2 * e + 2 * e * e));
}
double softplusOf(double x) { return log1p(exp(-fabs(x))) + (x < 0 ? 0 : x); }
double logSigmoidOf(double x) { return -softplusOf(-x); }
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
    {"mish",
     mishOf,
     wideMish,
     3,
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
    {"logSigmoid",
     logSigmoidOf,
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
     {0, 0.875, 0.5493, 9.01, 19.06},
     0x8bfcdeaf94b8bd46,
     0x7191920c77924b82},
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
};

// Distance of a result from the exact value in units in the last place of a T of the exact value's
// magnitude. Infinite results count as the power of two that comes after the largest T.
template <class T, class Exact>
double ulpError(T got, Exact exact, bool absolute) {
  constexpr bool is32 = sizeof(T) == 4;
  constexpr int digits = is32 ? 24 : 53;
  constexpr int maxExponent = is32 ? 128 : 1024;
  constexpr int minExponent = is32 ? -125 : -1021;
  if (exact != exact || got != got) return (exact != exact) == (got != got) ? 0 : INFINITY;
  const Exact limit = static_cast<Exact>(ldexp(1.0, maxExponent - 1)) * 2;
  Exact value = isinf(got) ? (got > 0 ? limit : -limit) : static_cast<Exact>(got);
  if (exact > limit) exact = limit;
  if (exact < -limit) exact = -limit;
  int exponent = 0;
  frexp(static_cast<double>(exact), &exponent);
  if (exact == limit || exact == -limit) exponent = maxExponent;
  if (absolute) exponent = 0;
  if (exponent < minExponent) exponent = minExponent;
  const Exact difference = value > exact ? value - exact : exact - value;
  return static_cast<double>(difference / static_cast<Exact>(ldexp(1.0, exponent - digits)));
}

// FNV-1a over the bits of results, every NaN counting as the same one.
struct Digest {
  uint64_t value = 0xcbf29ce484222325u;
  template <class T>
  void add(T x) {
    const uint64_t bits = x != x ? ~uint64_t(0) : toBits(x);
    value = (value ^ bits) * 0x100000001b3u;
  }
};

struct Worst {
  double error = 0;
  double at = 0;
};

// Runs one function on a chunk of arguments at every level. Returns false when levels differ.
template <class T>
bool runChunk(const std::vector<const SimdLevel*>& levels, int f, const std::vector<T>& x,
              std::vector<T>* y, Digest* digest) {
  std::vector<T> other(x.size());
  y->resize(x.size());
  const int64_t n = static_cast<int64_t>(x.size());
  testsOf<T>(*levels.back()).math[f](n, x.data(), y->data());
  for (T v : *y) digest->add(v);
  for (size_t l = 0; l + 1 < levels.size(); ++l) {
    testsOf<T>(*levels[l]).math[f](n, x.data(), other.data());
    for (int64_t i = 0; i < n; ++i) {
      const T a = other[i], b = (*y)[i];
      if (!same(a, b)) {
        printf("%s(%a): %s gives %a, %s gives %a\n", kFunctions[f].name, double(x[i]),
               levels[l]->name, double(a), levels.back()->name, double(b));
        return false;
      }
    }
  }
  return true;
}

bool inDomain(const Function& function, double x) {
  return !function.absolute || (x >= 0 && x < 1);
}

bool testFloat(const std::vector<const SimdLevel*>& levels, int f, uint32_t stride, Digest* digest,
               Worst* worst) {
  const Function& function = kFunctions[f];
  std::vector<float> x, y;
  for (uint64_t next = 0; next <= 0xffffffffu;) {
    x.clear();
    for (; next <= 0xffffffffu && x.size() < (1u << 16); next += stride) {
      const float value = fromBits<float>(static_cast<uint32_t>(next));
      if (inDomain(function, value)) x.push_back(value);
    }
    if (!runChunk(levels, f, x, &y, digest)) return false;
    for (size_t i = 0; i < x.size(); ++i) {
      const double exact = function.reference(x[i]);
      // Correctly rounded (with its sign, where zero): the usual case, found out fast.
      if (worst->error >= 0.5 && toBits(y[i]) == toBits(static_cast<float>(exact))) continue;
      double error = ulpError(y[i], exact, function.absolute);
      if (function.condition) error /= function.condition(x[i]);
      if (!(error <= worst->error)) *worst = {error, x[i]};
      const bool zero = exact == 0 && y[i] == 0;
      if (zero && !function.absolute && signbit(exact) != signbit(y[i])) *worst = {INFINITY, x[i]};
    }
  }
  return true;
}

std::vector<double> doubleArguments(const Function& function, int64_t points) {
  // The engine and its use are specified to the bit by the standard, unlike its distributions.
  std::mt19937_64 engine(20240229);
  std::vector<double> x;
  for (double center : function.hard) {
    for (int sign = -1; sign <= 1; sign += 2) {
      const uint64_t bits = toBits(sign * center);
      for (int64_t k = -2000; k <= 2000; ++k) {
        x.push_back(fromBits<double>(bits + static_cast<uint64_t>(k)));
      }
    }
  }
  for (int64_t i = 0; i < points; ++i) {
    const uint64_t random = engine();
    const double unit = static_cast<double>(random >> 11) * 0x1p-53;
    if (i % 2 == 0) {
      x.push_back(function.low + (function.high - function.low) * unit);
    } else {
      // Any sign and fraction, the exponents that matter most: 2^-60 to 2^10, one in eight any.
      const uint64_t exponent = i % 16 == 1 ? random >> 53 : 1023 - 60 + (random >> 52) % 71;
      x.push_back(fromBits<double>((engine() & 0x800fffffffffffffu) | (exponent & 0x7ff) << 52));
    }
  }
  std::vector<double> kept;
  for (double value : x) {
    if (inDomain(function, value)) kept.push_back(value);
  }
  return kept;
}

bool testDouble(const std::vector<const SimdLevel*>& levels, int f, int64_t points, Digest* digest,
                Worst* worst) {
  const Function& function = kFunctions[f];
  const std::vector<double> x = doubleArguments(function, points);
  std::vector<double> y;
  if (!runChunk(levels, f, x, &y, digest)) return false;
  for (size_t i = 0; kWideEnough && i < x.size(); ++i) {
    double error = ulpError(y[i], function.wide(x[i]), function.absolute);
    if (function.condition) error /= function.condition(x[i]);
    if (!(error <= worst->error)) *worst = {error, x[i]};
  }
  return true;
}

struct Special {
  int f;
  double x, y;
};

template <class T>
bool testSpecials(const SimdLevel& level) {
  const double nan = NAN, inf = INFINITY;
  const Special specials[] = {{kExp, 0, 1},
                              {kExp, -0.0, 1},
                              {kExp, inf, inf},
                              {kExp, -inf, 0},
                              {kExp, nan, nan},
                              {kExp, 1e30, inf},
                              {kExp, -1e30, 0},
                              {kExpm1, 0, 0},
                              {kExpm1, -0.0, -0.0},
                              {kExpm1, inf, inf},
                              {kExpm1, -inf, -1},
                              {kExpm1, nan, nan},
                              {kExpm1, -1e30, -1},
                              {kLog, 1, 0},
                              {kLog, 0, -inf},
                              {kLog, -0.0, -inf},
                              {kLog, -1, nan},
                              {kLog, -inf, nan},
                              {kLog, inf, inf},
                              {kLog, nan, nan},
                              {kLog, -1e-40, nan},
                              {kLog1p, 0, 0},
                              {kLog1p, -0.0, -0.0},
                              {kLog1p, -1, -inf},
                              {kLog1p, -2, nan},
                              {kLog1p, inf, inf},
                              {kLog1p, -inf, nan},
                              {kLog1p, nan, nan},
                              {kTanh, 0, 0},
                              {kTanh, -0.0, -0.0},
                              {kTanh, inf, 1},
                              {kTanh, -inf, -1},
                              {kTanh, nan, nan},
                              {kTanh, 1e30, 1},
                              {kSigmoid, 0, 0.5},
                              {kSigmoid, -0.0, 0.5},
                              {kSigmoid, inf, 1},
                              {kSigmoid, -inf, 0},
                              {kSigmoid, nan, nan},
                              {kErf, 0, 0},
                              {kErf, -0.0, -0.0},
                              {kErf, inf, 1},
                              {kErf, -inf, -1},
                              {kErf, nan, nan},
                              {kErf, -1e30, -1},
                              {kSilu, 0, 0},
                              {kSilu, -0.0, -0.0},
                              {kSilu, inf, inf},
                              {kSilu, -inf, nan},
                              {kSilu, nan, nan},
                              {kSilu, 1e30, 1e30},
                              {kSilu, -1e30, -0.0},
                              {kGeluTanh, 0, 0},
                              {kGeluTanh, -0.0, -0.0},
                              {kGeluTanh, inf, inf},
                              {kGeluTanh, -inf, nan},
                              {kGeluTanh, nan, nan},
                              {kGeluTanh, 1e30, 1e30},
                              {kGeluTanh, -1e30, -0.0},
                              {kMish, 0, 0},
                              {kMish, -0.0, -0.0},
                              {kMish, inf, inf},
                              {kMish, -inf, nan},
                              {kMish, nan, nan},
                              {kMish, 1e30, 1e30},
                              {kMish, -1e30, -0.0},
                              {kSoftplus, inf, inf},
                              {kSoftplus, -inf, 0},
                              {kSoftplus, nan, nan},
                              {kSoftplus, 1e30, 1e30},
                              {kLogSigmoid, inf, -0.0},
                              {kLogSigmoid, -inf, -inf},
                              {kLogSigmoid, nan, nan},
                              {kLogSigmoid, -1e30, -1e30},
                              {kSelu, 0, 0},
                              {kSelu, -0.0, -0.0},
                              {kSelu, inf, inf},
                              {kSelu, nan, nan},
                              {kSoftsign, inf, nan},
                              {kSoftsign, 1e30, 1},
                              {kTanhshrink, 0, 0},
                              {kTanhshrink, -0.0, -0.0},
                              {kTanhshrink, inf, inf},
                              {kTanhshrink, nan, nan},
                              {kTanhshrink, 1e30, 1e30},
                              {kSin2Pi, 0, 0},
                              {kSin2Pi, 0.25, 1},
                              {kSin2Pi, 0.75, -1},
                              {kCos2Pi, 0, 1},
                              {kCos2Pi, 0.5, -1}};
  bool good = true;
  for (const Special& s : specials) {
    const T x = static_cast<T>(s.x), expected = static_cast<T>(s.y);
    T y = 0;
    testsOf<T>(level).math[s.f](1, &x, &y);
    if (!same(y, expected)) {
      printf("%s: %s(%g) is %g, not %g\n", level.name, kFunctions[s.f].name, s.x, double(y), s.y);
      good = false;
    }
  }
  return good;
}

bool report(const char* type, const Function& function, Worst worst, double bound, Digest digest,
            uint64_t expected, bool checkDigest) {
  const bool accurate = worst.error <= bound;
  const bool same = !checkDigest || digest.value == expected;
  printf("%-8s %-8s max %.4f %s at %a  digest 0x%016llx%s%s\n", function.name, type, worst.error,
         function.absolute ? "units" : "ulp", worst.at,
         static_cast<unsigned long long>(digest.value), accurate ? "" : "  ABOVE THE BOUND",
         same ? "" : "  NOT THE RECORDED DIGEST");
  fflush(stdout);
  return accurate && same;
}

}  // namespace

int main(int argc, char** argv) {
  uint32_t stride = 1009;
  int64_t points = 200000;
  const char* only = nullptr;
  bool defaults = true;
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], "--function") == 0 && i + 1 < argc) {
      only = argv[++i];
      continue;
    }
    defaults = false;
    if (strcmp(argv[i], "--all") == 0) {
      stride = 1;
    } else if (strcmp(argv[i], "--stride") == 0 && i + 1 < argc) {
      stride = static_cast<uint32_t>(strtoul(argv[++i], nullptr, 10));
    } else if (strcmp(argv[i], "--points") == 0 && i + 1 < argc) {
      points = strtoll(argv[++i], nullptr, 10);
    } else {
      fprintf(stderr, "usage: math_test [--all] [--stride N] [--points N] [--function NAME]\n");
      return 2;
    }
  }
  if (stride == 0) stride = 1;

  const std::vector<const SimdLevel*> levels = availableLevels();
  printf("levels:");
  for (const SimdLevel* level : levels) printf(" %s", level->name);
  printf("\n");
  bool good = true;
  for (const SimdLevel* level : levels) {
    good = testSpecials<float>(*level) && good;
    good = testSpecials<double>(*level) && good;
  }
  for (int f = 0; f < kMathFunctionCount; ++f) {
    const Function& function = kFunctions[f];
    if (only != nullptr && strcmp(function.name, only) != 0) continue;
    Digest digest32, digest64;
    Worst worst32, worst64;
    good = testFloat(levels, f, stride, &digest32, &worst32) && good;
    good = report("float", function, worst32, function.bound32, digest32, function.digest32,
                  defaults) &&
           good;
    good = testDouble(levels, f, points, &digest64, &worst64) && good;
    good = report("double", function, worst64, function.bound64, digest64, function.digest64,
                  defaults) &&
           good;
  }
  printf(good ? "passed\n" : "FAILED\n");
  return good ? 0 : 1;
}
