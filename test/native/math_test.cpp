// Accuracy of the functions of native/simd/math.h and of the activations made of them, and equality
// of all levels' bits.
//
//   math_test [--all] [--stride N] [--points N] [--function NAME] [--best] [--digests]
//
// float: every N-th bit pattern (1009, a prime, unless told; --all takes every one) against the C
// library's double functions, which are within 2^-28 units of a float. double: N random arguments
// of each function (200000) and its hard ones against functions of a wider type. Prints the largest
// errors; exits with 1 when one is above its bound, a special value is wrong, levels differ in a
// bit (other than of a NaN), or the digest of all results at the default settings is not the
// recorded one, which has to be the same on every CPU. --best runs the CPU's best level only, which
// saves most of the time. --digests leaves out the errors: results with the recorded digest are the
// ones whose errors another run has measured, and the wider types take an emulator or a sanitizer
// minutes.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <random>
#include <vector>

#include "math_functions.h"
#include "simd_test_util.h"
#include "ulp.h"

namespace {

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

bool testFloats(const std::vector<const SimdLevel*>& levels, int f, const std::vector<float>& x,
                bool errors, Digest* digest, Worst* worst) {
  const Function& function = kFunctions[f];
  std::vector<float> y;
  if (!runChunk(levels, f, x, &y, digest)) return false;
  for (size_t i = 0; errors && i < x.size(); ++i) {
    const double exact = function.reference(x[i]);
    // Correctly rounded (with its sign, where zero): the usual case, found out fast.
    if (worst->error >= 0.5 && toBits(y[i]) == toBits(static_cast<float>(exact))) continue;
    double error = ulpError(y[i], exact, function.absolute);
    if (function.condition) error /= function.condition(x[i]);
    if (!(error <= worst->error)) *worst = {error, x[i]};
    const bool zero = exact == 0 && y[i] == 0;
    if (zero && !function.absolute && signbit(exact) != signbit(y[i])) *worst = {INFINITY, x[i]};
  }
  return true;
}

bool testFloat(const std::vector<const SimdLevel*>& levels, int f, uint32_t stride, bool errors,
               Digest* digest, Worst* worst) {
  const Function& function = kFunctions[f];
  std::vector<float> x;
  // Around hard arguments every one: strides miss the ends of intervals. Not in the digest.
  for (double center : function.hard) {
    for (int sign = -1; sign <= 1; sign += 2) {
      const uint32_t bits = toBits(static_cast<float>(sign * center));
      for (uint32_t k = 0; k <= 4000; ++k) {
        const float value = fromBits<float>(bits + k - 2000);
        if (inDomain(function, value)) x.push_back(value);
      }
    }
  }
  Digest notRecorded;
  if (!testFloats(levels, f, x, errors, &notRecorded, worst)) return false;
  for (uint64_t next = 0; next <= 0xffffffffu;) {
    x.clear();
    for (; next <= 0xffffffffu && x.size() < (1u << 16); next += stride) {
      const float value = fromBits<float>(static_cast<uint32_t>(next));
      if (inDomain(function, value)) x.push_back(value);
    }
    if (!testFloats(levels, f, x, errors, digest, worst)) return false;
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

bool testDouble(const std::vector<const SimdLevel*>& levels, int f, int64_t points, bool errors,
                Digest* digest, Worst* worst) {
  const Function& function = kFunctions[f];
  const std::vector<double> x = doubleArguments(function, points);
  std::vector<double> y;
  if (!runChunk(levels, f, x, &y, digest)) return false;
  for (size_t i = 0; errors && kWideEnough && i < x.size(); ++i) {
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
  const double nan = NAN, inf = INFINITY, halfPi = 1.5707963267948966;
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
                              {kTanhshrink, -0.0, 0},
                              {kTanhshrink, inf, inf},
                              {kTanhshrink, nan, nan},
                              {kTanhshrink, 1e30, 1e30},
                              {kSin2Pi, 0, 0},
                              {kSin2Pi, 0.25, 1},
                              {kSin2Pi, 0.75, -1},
                              {kCos2Pi, 0, 1},
                              {kCos2Pi, 0.5, -1},
                              {kExp2, 0, 1},
                              {kExp2, 10, 1024},
                              {kExp2, -3, 0.125},
                              {kExp2, inf, inf},
                              {kExp2, -inf, 0},
                              {kExp2, nan, nan},
                              {kExp2, 1e30, inf},
                              {kExp2, -1e30, 0},
                              {kLog2, 1, 0},
                              {kLog2, 1024, 10},
                              {kLog2, 0.125, -3},
                              {kLog2, 0, -inf},
                              {kLog2, -0.0, -inf},
                              {kLog2, -1, nan},
                              {kLog2, inf, inf},
                              {kLog2, nan, nan},
                              {kLog10, 1, 0},
                              {kLog10, 1000, 3},
                              {kLog10, 1e10, 10},
                              {kLog10, 0, -inf},
                              {kLog10, -1, nan},
                              {kLog10, inf, inf},
                              {kLog10, nan, nan},
                              {kSinh, 0, 0},
                              {kSinh, -0.0, -0.0},
                              {kSinh, inf, inf},
                              {kSinh, -inf, -inf},
                              {kSinh, nan, nan},
                              {kSinh, -1e30, -inf},
                              {kCosh, 0, 1},
                              {kCosh, inf, inf},
                              {kCosh, -inf, inf},
                              {kCosh, nan, nan},
                              {kErfc, 0, 1},
                              {kErfc, -0.0, 1},
                              {kErfc, inf, 0},
                              {kErfc, -inf, 2},
                              {kErfc, nan, nan},
                              {kErfc, 1e30, 0},
                              {kSin, 0, 0},
                              {kSin, -0.0, -0.0},
                              {kSin, inf, nan},
                              {kSin, -inf, nan},
                              {kSin, nan, nan},
                              {kCos, 0, 1},
                              {kCos, -0.0, 1},
                              {kCos, inf, nan},
                              {kCos, nan, nan},
                              {kTan, 0, 0},
                              {kTan, -0.0, -0.0},
                              {kTan, inf, nan},
                              {kTan, nan, nan},
                              {kAsin, 0, 0},
                              {kAsin, -0.0, -0.0},
                              {kAsin, 1, halfPi},
                              {kAsin, -1, -halfPi},
                              {kAsin, 1.5, nan},
                              {kAsin, -inf, nan},
                              {kAsin, nan, nan},
                              {kAcos, 1, 0},
                              {kAcos, 0, halfPi},
                              {kAcos, -0.0, halfPi},
                              {kAcos, -1, 2 * halfPi},
                              {kAcos, -1.5, nan},
                              {kAcos, inf, nan},
                              {kAcos, nan, nan},
                              {kAtan, 0, 0},
                              {kAtan, -0.0, -0.0},
                              {kAtan, inf, halfPi},
                              {kAtan, -inf, -halfPi},
                              {kAtan, nan, nan}};
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
  bool defaults = true, best = false, errors = true;
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], "--best") == 0) {
      best = true;
      continue;
    }
    if (strcmp(argv[i], "--digests") == 0) {
      errors = false;
      continue;
    }
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
      fprintf(stderr,
              "usage: math_test [--all] [--stride N] [--points N] [--function NAME] [--best] "
              "[--digests]\n");
      return 2;
    }
  }
  if (stride == 0) stride = 1;

  std::vector<const SimdLevel*> levels = availableLevels();
  if (best) levels = {levels.back()};
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
    good = testFloat(levels, f, stride, errors, &digest32, &worst32) && good;
    good = report("float", function, worst32, function.bound32, digest32, function.digest32,
                  defaults) &&
           good;
    good = testDouble(levels, f, points, errors, &digest64, &worst64) && good;
    good = report("double", function, worst64, function.bound64, digest64, function.digest64,
                  defaults) &&
           good;
  }
  printf(good ? "passed\n" : "FAILED\n");
  return good ? 0 : 1;
}
