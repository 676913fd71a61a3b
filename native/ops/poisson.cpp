// Poisson numbers, each from one uniform number of float64.
#include <math.h>

#include <limits>

#include "dispatch.h"
#include "elementwise.h"
#include "loops.h"
#include "parallel.h"
#include "random.h"
#include "rows.h"

namespace tilegrad {
namespace {

// From this rate on numbers come from the normal distribution: see `large`. Below, a number takes
// about twice the square root of its rate steps, 2048 at most.
constexpr double kLargeRate = 1048576;

// Below this rate the search starts at 0, since Stirling's series needs a mode that isn't small.
constexpr double kSmallRate = 10;

double apply(Unary op, double x) {
  double y;
  floatKernels<double>().elementwise.unary[static_cast<int>(op)](1, &x, &y);
  return y;
}

// Where a rate's search starts, and the probability there.
struct Start {
  double rate, at, probability;
};

Start startOf(double rate) {
  if (rate < kSmallRate) return {rate, 0, apply(Unary::exp, -rate)};
  // rate^m e^-rate / m! with Stirling's series for m!, to its term of m^-7 (below 1e-10 of a
  // relative error of 1e-3 here): for the mode m, and rate = m (1 + d) with d < 1/m.
  const double m = static_cast<double>(static_cast<int64_t>(rate));
  const double d = (rate - m) / m, square = m * m;
  const double series =
      (1 - (1 / 30.0 - (1 / 105.0 - 1 / (140 * square)) / square) / square) / (12 * m);
  const double exponent = m * apply(Unary::log1p, d) - (rate - m) - series;
  constexpr double kTwoPi = 6.283185307179586;
  return {rate, m, apply(Unary::exp, exponent) / sqrt(kTwoPi * m)};
}

// Inversion: takes probabilities from u, from the mode outwards on both sides, until nothing is
// left of it (Devroye, "Non-Uniform Random Variate Generation", 1986, X.3 with III.2). What
// rounding leaves of u = 1 - 2^-53 ends when the probabilities have become 0.
double search(double u, const Start& start) {
  double left = u - start.probability;
  if (left < 0) return start.at;
  double up = start.probability, down = start.probability;
  double above = start.at, below = start.at;
  while (up > 0 || down > 0) {
    above += 1;
    up *= start.rate / above;
    left -= up;
    if (left < 0) return above;
    down *= below / start.rate;  // 0 below 0
    below -= 1;
    left -= down;
    if (left < 0) return below;
  }
  return start.at;
}

// Cornish and Fisher's expansion of the distribution function's inverse from a normal z, to the
// whole number that is nearest. Its next term is below 0.01 for |z| < 8.
double large(double rate, double z) {
  constexpr double kAllWhole = 4503599627370496;  // from 2^52 on numbers are whole
  const double x = rate + sqrt(rate) * z + (z * z - 1) / 6 + 0.5;
  return x < kAllWhole ? static_cast<double>(static_cast<int64_t>(x)) : x;
}

template <class T>
void fill(int64_t n, const T* rates, Stream stream, T* y) {
  constexpr int64_t kBuffer = 512;  // 4 KB, whole blocks of the kernels
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Truncation whole = {0, 1, 1, 0, -kInfinity, kInfinity};
  double uniform[kBuffer], normal[kBuffer];
  Start start = startOf(1);
  for (int64_t i = 0; i < n; i += kBuffer) {
    const int64_t count = n - i < kBuffer ? n - i : kBuffer;
    const uint64_t first = stream.first + static_cast<uint64_t>(i / kPhiloxValues<double>);
    kernels().f64.random.uniform(count, stream.key, first, 1, -0.0, uniform);
    bool anyLarge = false;
    for (int64_t j = 0; j < count; ++j) anyLarge = anyLarge || rates[i + j] >= kLargeRate;
    if (anyLarge) kernels().stream.truncatedNormal(count, stream.key, first, whole, normal);
    for (int64_t j = 0; j < count; ++j) {
      const double rate = static_cast<double>(rates[i + j]);
      double number = rate;  // of 0, and of NaN
      if (rate >= kLargeRate) {
        // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): drawn, as there is a large rate
        number = large(rate, normal[j]);
      } else if (rate > 0) {
        if (!(rate <= start.rate && rate >= start.rate)) start = startOf(rate);
        number = search(uniform[j], start);
      } else if (rate < 0) {
        number = std::numeric_limits<double>::quiet_NaN();
      }
      y[i + j] = static_cast<T>(number);
    }
  }
}

template <class T>
Status draw(const Command& c) {
  if (isEmpty(c.geometry)) return Status::ok;
  const int64_t n = flatCount(c.geometry);
  T* const y = static_cast<T*>(c.data[1]);
  const T* rates = static_cast<const T*>(c.data[0]);
  if (flatStep(c.geometry, 0) != 1) {
    copyElements(c);
    rates = y;
  }
  constexpr int64_t kValues = kPhiloxValues<double>;
  const Stream stream =
      takePositions(static_cast<uint32_t*>(c.data[2]), (n + kValues - 1) / kValues);
  constexpr int64_t kGrain = kCacheLine / static_cast<int64_t>(sizeof(T));
  static_assert(kGrain % kValues == 0, "ranges must start at a position");
  parallelShares(n, kGrain, sizeof(T), kHeavyShare, [&](int64_t begin, int64_t end) {
    const uint64_t skipped = static_cast<uint64_t>(begin / kValues);
    fill<T>(end - begin, rates + begin, Stream{stream.key, stream.first + skipped}, y + begin);
  });
  return Status::ok;
}

Status poisson(const Command& c) {
  return c.type[0] == DType::float64 ? draw<double>(c) : draw<float>(c);
}

const char* checkPoisson(const Command& c) {
  if (isEmpty(c.geometry) || flatStep(c.geometry, 1) == 1) return nullptr;
  return "the result is not contiguous";
}

const Row kRows[] = {
    // As bernoulli in random.cpp, with two words for a number whatever its type.
    {"poisson", "in rate T[@] out y T[@] inout state u32[4]", poisson, checkPoisson},
};

}  // namespace

RowList poissonRows() { return rowList(kRows); }

}  // namespace tilegrad
