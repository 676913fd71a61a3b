// Accuracy of the functions of native/simd/math.h with two arguments, and equality of all levels'
// bits.
//
//   binary_math_test [--points N]
//
// Every pair of special values, then N random pairs (100000): pow, atan2 and hypot in units in the
// last place against the C library's double functions for float, against 113 bits for double; fmod,
// remainder and floorDivide bit for bit against the C library's fmod. Exits with 1 when an error is
// above its bound or levels differ in a bit (other than of a NaN).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <random>
#include <vector>

#include "simd_test_util.h"
#include "ulp.h"

namespace {

double exactPow(double x, double y) { return pow(x, y); }
Wide widePow(double x, double y) { return WIDE(pow)(x, y); }
double exactAtan2(double y, double x) { return atan2(y, x); }
Wide wideAtan2(double y, double x) { return WIDE(atan2)(y, x); }
double exactHypot(double x, double y) { return hypot(x, y); }
Wide wideHypot(double x, double y) { return WIDE(hypot)(x, y); }

struct Function2 {
  const char* name;
  MathFunction2 index;
  double (*reference)(double, double);
  Wide (*wide)(double, double);
  double bound;
};

const Function2 kMeasured[] = {{"pow", kPow, exactPow, widePow, 1.5},
                               {"atan2", kAtan2, exactAtan2, wideAtan2, 2},
                               {"hypot", kHypot, exactHypot, wideHypot, 1.25}};

// torch.remainder and torch.floor_divide as PyTorch computes them.
template <class T>
T remainderOf(T x, T y) {
  const T rest = fmod(x, y);
  return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}

template <class T>
T floorDivideOf(T x, T y) {
  if (y == 0) return x / y;
  const T rest = fmod(x, y);
  T quotient = (x - rest) / y;
  if (rest != 0 && (rest < 0) != (y < 0)) quotient -= 1;
  if (quotient == 0) return copysign(T(0), x / y);
  const T whole = floor(quotient);
  return quotient - whole > T(0.5) ? whole + 1 : whole;
}

template <class T>
struct Exact2 {
  const char* name;
  MathFunction2 index;
  T (*reference)(T, T);
};

template <class T>
T fmodOf(T x, T y) {
  return fmod(x, y);
}

template <class T>
struct Pairs {
  std::vector<T> a, b;
  void add(T x, T y) {
    a.push_back(x);
    b.push_back(y);
  }
};

// Each special value with each other, then random pairs: of moderate numbers, of any bits, of pairs
// whose power is finite, and of quotients near whole numbers.
template <class T>
Pairs<T> pairs(int64_t points) {
  const double inf = INFINITY, nan = NAN;
  const double special[] = {0,
                            -0.0,
                            1,
                            -1,
                            0.5,
                            -0.5,
                            2,
                            -2,
                            3,
                            -3,
                            4,
                            7,
                            -7.5,
                            1e10,
                            -1e10,
                            1e-10,
                            16777215,
                            16777217,
                            9007199254740991.0,
                            9007199254740993.0,
                            inf,
                            -inf,
                            nan};
  std::vector<T> values;
  for (double value : special) values.push_back(static_cast<T>(value));
  constexpr bool is32 = sizeof(T) == 4;
  const T largest = is32 ? static_cast<T>(FLT_MAX) : static_cast<T>(DBL_MAX);
  const T smallest = is32 ? static_cast<T>(0x1p-149) : static_cast<T>(5e-324);
  const T normal = is32 ? static_cast<T>(FLT_MIN) : static_cast<T>(DBL_MIN);
  for (T value : {largest, smallest, normal, normal / 8}) {
    values.push_back(value);
    values.push_back(-value);
  }
  Pairs<T> all;
  for (T x : values) {
    for (T y : values) all.add(x, y);
  }
  std::mt19937_64 engine(7);
  const auto unit = [&engine] { return static_cast<double>(engine() >> 11) * 0x1p-53; };
  for (int64_t i = 0; i < points; ++i) {
    const double u = unit(), v = unit();
    switch (i % 5) {
      case 0:
        all.add(static_cast<T>(20 * u - 10), static_cast<T>(20 * v - 10));
        break;
      case 1:
        all.add(fromBits<T>(static_cast<Bits<T>>(engine())),
                fromBits<T>(static_cast<Bits<T>>(engine())));
        break;
      case 2: {  // log2(x^y) within the exponents of T, x of any exponent
        const double exponent = (is32 ? 250 : 2040) * (u - 0.5);
        const double power = (is32 ? 300 : 2200) * (v - 0.5);
        all.add(static_cast<T>(exp2(exponent)), static_cast<T>(power / exponent));
        break;
      }
      case 3: {  // the same for x near 1
        const double x = 1 + (u - 0.5) * exp2(-static_cast<double>(engine() % (is32 ? 20 : 45)));
        const T rounded = static_cast<T>(x);
        all.add(rounded, static_cast<T>((is32 ? 300 : 2200) * (v - 0.5) /
                                        log2(static_cast<double>(rounded))));
        break;
      }
      default: {
        const T y = static_cast<T>(v * 100 - 50);
        all.add(static_cast<T>(floor(u * 1e6 - 5e5)) * y, y);
      }
    }
  }
  return all;
}

template <class T>
bool runLevels(const std::vector<const SimdLevel*>& levels, const char* name, MathFunction2 f,
               const Pairs<T>& x, std::vector<T>* y) {
  const int64_t n = static_cast<int64_t>(x.a.size());
  std::vector<T> other(x.a.size());
  y->resize(x.a.size());
  testsOf<T>(*levels.back()).math2[f](n, x.a.data(), x.b.data(), y->data());
  for (const SimdLevel* level : levels) {
    testsOf<T>(*level).math2[f](n, x.a.data(), x.b.data(), other.data());
    for (int64_t i = 0; i < n; ++i) {
      if (same(other[i], (*y)[i])) continue;
      printf("%s(%a, %a): %s gives %a, %s gives %a\n", name, double(x.a[i]), double(x.b[i]),
             level->name, double(other[i]), levels.back()->name, double((*y)[i]));
      return false;
    }
  }
  return true;
}

double referenceError(const Function2& f, float a, float b, float got) {
  return ulpError(got, f.reference(a, b), false);
}
double referenceError(const Function2& f, double a, double b, double got) {
  return kWideEnough ? ulpError(got, f.wide(a, b), false) : 0;
}

template <class T>
bool test(const std::vector<const SimdLevel*>& levels, int64_t points) {
  const char* const type = sizeof(T) == 4 ? "float" : "double";
  const Pairs<T> x = pairs<T>(points);
  std::vector<T> y;
  bool good = true;
  for (const Function2& f : kMeasured) {
    good = runLevels(levels, f.name, f.index, x, &y) && good;
    double worst = 0;
    size_t at = 0;
    for (size_t i = 0; i < y.size(); ++i) {
      double error = referenceError(f, x.a[i], x.b[i], y[i]);
      // The sign of zeros is exact in every function.
      const double plain = f.reference(x.a[i], x.b[i]);
      if (plain == 0 && y[i] == 0 && signbit(plain) != signbit(y[i])) error = INFINITY;
      if (!(error <= worst)) worst = error, at = i;
    }
    const bool accurate = worst <= f.bound;
    printf("%-8s %-8s max %.4f ulp at (%a, %a)%s\n", f.name, type, worst, double(x.a[at]),
           double(x.b[at]), accurate ? "" : "  ABOVE THE BOUND");
    good = good && accurate;
  }
  const Exact2<T> exact[] = {{"fmod", kFmod, fmodOf<T>},
                             {"remainder", kRemainder, remainderOf<T>},
                             {"floorDivide", kFloorDivide, floorDivideOf<T>}};
  for (const Exact2<T>& f : exact) {
    good = runLevels(levels, f.name, f.index, x, &y) && good;
    int wrong = 0;
    for (size_t i = 0; i < y.size(); ++i) {
      const T expected = f.reference(x.a[i], x.b[i]);
      if (same(y[i], expected)) continue;
      good = false;
      if (++wrong > 5) continue;
      printf("%s(%a, %a) is %a and not %a\n", f.name, double(x.a[i]), double(x.b[i]), double(y[i]),
             double(expected));
    }
    printf("%-11s %-8s %s\n", f.name, type, wrong == 0 ? "exact" : "WRONG");
  }
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  int64_t points = 100000;
  if (argc == 3 && strcmp(argv[1], "--points") == 0) {
    points = strtoll(argv[2], nullptr, 10);
  } else if (argc != 1) {
    fprintf(stderr, "usage: binary_math_test [--points N]\n");
    return 2;
  }
  const std::vector<const SimdLevel*> levels = availableLevels();
  bool good = test<float>(levels, points);
  good = test<double>(levels, points) && good;
  printf(good ? "passed\n" : "FAILED\n");
  return good ? 0 : 1;
}
