// Poisson numbers, each from one uniform number of float64.
#include <math.h>

#include <limits>

#include "../dispatch.h"
#include "../loops.h"
#include "../parallel.h"
#include "../rows.h"
#include "../elementwise/elementwise.h"
#include "random.h"

namespace tilegrad {
namespace {

// From this rate on numbers come from the normal distribution: see `large`. Below, a number takes
// about twice the square root of its rate steps, 2048 at most.
constexpr double kLargeRate = 1048576;

// Below this rate the search starts at 0, since Stirling's series needs a mode that isn't small.
constexpr double kSmallRate = 10;

// Numbers that are drawn together: 4 KB of float64, whole blocks of the kernels.
constexpr int64_t kTogether = 512;

// Whether a number of this rate is searched for.
bool isSearched(double rate) { return rate > 0 && rate < kLargeRate; }

// Where the searches for `n` rates start, and the probabilities there.
struct Starts {
  double at[kTogether];
  double probability[kTogether];
};

// rate^m e^-rate / m! with Stirling's series for m!, to its term of m^-7 (the next one is below
// 1e-12): for the mode m, and rate = m (1 + d) with d < 1/m.
template <class T>
void findStarts(int64_t n, const T* rates, Starts* starts) {
  const auto& unary = floatKernels<double>().elementwise.unary;
  double* const p = starts->probability;
  for (int64_t i = 0; i < n; ++i) {
    const double rate = static_cast<double>(rates[i]);
    const bool small = !isSearched(rate) || rate < kSmallRate;
    const double m = small ? 0 : static_cast<double>(static_cast<int64_t>(rate));
    starts->at[i] = m;
    p[i] = small ? 0 : (rate - m) / m;
  }
  unary[static_cast<int>(Unary::log1p)](n, p, p);
  for (int64_t i = 0; i < n; ++i) {
    const double rate = static_cast<double>(rates[i]), m = starts->at[i], square = m * m;
    const double inner = 1 / 30.0 - (1 / 105.0 - 1 / (140 * square)) / square;
    p[i] = m > 0 ? m * p[i] - (rate - m) - (1 - inner / square) / (12 * m) : -rate;
  }
  unary[static_cast<int>(Unary::exp)](n, p, p);
  constexpr double kTwoPi = 6.283185307179586;
  for (int64_t i = 0; i < n; ++i) {
    if (starts->at[i] > 0) p[i] /= sqrt(kTwoPi * starts->at[i]);
  }
}

// Inversion: takes probabilities from u until nothing is left of it, from 0 upwards or from the
// mode outwards on both sides (Devroye, "Non-Uniform Random Variate Generation", 1986, X.3 with
// III.2). What rounding leaves of u = 1 - 2^-53 ends when the probabilities have become 0.
double search(double u, double rate, double at, double probability) {
  double left = u - probability;
  if (left < 0) return at;
  double up = probability, above = at;
  if (at <= 0) {
    while (up > 0) {
      above += 1;
      up *= rate / above;
      left -= up;
      if (left < 0) return above;
    }
    return at;
  }
  double down = probability, below = at;
  while (up > 0 || down > 0) {
    above += 1;
    up *= rate / above;
    left -= up;
    if (left < 0) return above;
    down *= below / rate;  // 0 below 0
    below -= 1;
    left -= down;
    if (left < 0) return below;
  }
  return at;
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
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Truncation whole = {0, 1, 1, 0, -kInfinity, kInfinity};
  double uniform[kTogether], normal[kTogether];
  Starts starts;
  for (int64_t i = 0; i < n; i += kTogether) {
    const int64_t count = n - i < kTogether ? n - i : kTogether;
    const uint64_t first = stream.first + static_cast<uint64_t>(i / kPhiloxValues<double>);
    kernels().f64.random.uniform(count, stream.key, first, 1, -0.0, uniform);
    bool anyLarge = false;
    for (int64_t j = 0; j < count; ++j) anyLarge = anyLarge || rates[i + j] >= kLargeRate;
    if (anyLarge) kernels().stream.truncatedNormal(count, stream.key, first, whole, normal);
    findStarts(count, rates + i, &starts);
    for (int64_t j = 0; j < count; ++j) {
      const double rate = static_cast<double>(rates[i + j]);
      double number = rate;  // of 0, and of NaN
      if (rate >= kLargeRate) {
        // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): drawn, as there is a large rate
        number = large(rate, normal[j]);
      } else if (rate > 0) {
        number = search(uniform[j], rate, starts.at[j], starts.probability[j]);
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
