// The bandwidth of the cheapest kernels without JavaScript and without a call into the addon,
// beside a copy loop: `npm run bench:kernels`. The copy is the kernel of the same name, four
// registers a turn, of as many bytes in all; memcpy stands beside it. One thread, arrays that lie
// in the cache that holds them.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "native/ops/dispatch.h"

namespace tilegrad {
namespace {

// First-level and second-level cache, and beyond them.
constexpr int64_t kSizes[] = {1 << 11, 1 << 12, 1 << 14, 1 << 16, 1 << 20, 1 << 24};

constexpr int kRounds = 25;
constexpr double kSecondsOfRound = 0.002;

// Elements that begin at a line of the cache and don't share one with others.
class Array {
 public:
  explicit Array(int64_t n, float step) : memory_(static_cast<size_t>(n) + 2 * kLine) {
    const auto misalignment = reinterpret_cast<uintptr_t>(memory_.data()) % kAlignment;
    data_ = memory_.data() + (kAlignment - misalignment) % kAlignment / sizeof(float);
    for (int64_t i = 0; i < n; ++i) data_[i] = step * static_cast<float>(i % 101 - 50);
  }

  float* data() { return data_; }

 private:
  static constexpr size_t kAlignment = 64;
  static constexpr size_t kLine = kAlignment / sizeof(float);
  std::vector<float> memory_;
  float* data_;
};

double secondsOf(const std::function<void()>& run, int64_t turns) {
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < turns; ++i) run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// How often a run fits into a round.
int64_t turnsOf(const std::function<void()>& run) {
  int64_t turns = 1;
  double seconds = secondsOf(run, turns);
  while (seconds < kSecondsOfRound / 4) {
    turns *= 2;
    seconds = secondsOf(run, turns);
  }
  return std::max<int64_t>(
      1, static_cast<int64_t>(static_cast<double>(turns) * kSecondsOfRound / seconds));
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Measured {
  double gigabytes;  // a second
  double ofCopy;     // median of the rounds' ratios
  double ofMemcpy;
};

// A kernel beside copies of as many bytes, in turns.
Measured measure(double bytes, const std::function<void()>& kernel, int rounds) {
  const auto n = static_cast<int64_t>(bytes / 2 / sizeof(float));
  Array from(n, 1.0f), to(n, 0.0f);
  const auto copy =
      [&, kernels = floatKernels<float>().elementwise.unary[static_cast<int>(Unary::copy)]] {
        kernels(n, from.data(), to.data());
      };
  const auto memcpyRun = [&] {
    std::memcpy(to.data(), from.data(), static_cast<size_t>(n) * sizeof(float));
  };
  const std::function<void()> runs[] = {kernel, copy, memcpyRun};
  int64_t turns[3];
  for (int i = 0; i < 3; ++i) turns[i] = turnsOf(runs[i]);
  std::vector<double> rates, ofCopy, ofMemcpy;
  for (int round = 0; round < rounds; ++round) {
    double seconds[3];
    for (int i = 0; i < 3; ++i) {
      seconds[i] = secondsOf(runs[i], turns[i]) / static_cast<double>(turns[i]);
    }
    rates.push_back(bytes / seconds[0] * 1e-9);
    ofCopy.push_back(seconds[1] / seconds[0]);
    ofMemcpy.push_back(seconds[2] / seconds[0]);
  }
  return {median(rates), median(ofCopy), median(ofMemcpy)};
}

bool check(const char* name, int64_t n, float* y, const std::function<float(int64_t)>& expected) {
  for (int64_t i = 0; i < n; ++i) {
    if (y[i] == expected(i)) continue;
    std::fprintf(stderr, "%s of %lld elements is wrong\n", name, static_cast<long long>(n));
    return false;
  }
  return true;
}

void print(const char* name, int64_t n, const Measured& result) {
  std::printf("| %s %lld | %.0f GB/s | %.0f %% | %.0f %% |\n", name, static_cast<long long>(n),
              result.gigabytes, 100 * result.ofCopy, 100 * result.ofMemcpy);
}

bool measureSize(int64_t n, int rounds) {
  const FloatKernels<float>& kernels = floatKernels<float>();
  Array a(n, 0.5f), b(n, 0.25f), y(n, 0.0f);
  const double bytes = static_cast<double>(n) * sizeof(float);
  bool right = true;
  const auto relu = kernels.elementwise.unary[static_cast<int>(Unary::relu)];
  print("relu", n, measure(2 * bytes, [&] { relu(n, a.data(), y.data()); }, rounds));
  right &= check("relu", n, y.data(), [&](int64_t i) { return std::max(a.data()[i], 0.0f); });
  const auto add = kernels.elementwise.binary[static_cast<int>(Binary::add)];
  print("add", n, measure(3 * bytes, [&] { add(n, a.data(), 1, b.data(), 1, y.data()); }, rounds));
  right &= check("add", n, y.data(), [&](int64_t i) { return a.data()[i] + b.data()[i]; });
  const auto mul = kernels.elementwise.binary[static_cast<int>(Binary::mul)];
  print("mul", n, measure(3 * bytes, [&] { mul(n, a.data(), 1, b.data(), 1, y.data()); }, rounds));
  right &= check("mul", n, y.data(), [&](int64_t i) { return a.data()[i] * b.data()[i]; });
  return right;
}

}  // namespace
}  // namespace tilegrad

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::string(argv[1]) == "--quick";
  std::printf("Level %s, one thread, medians of %d rounds\n\n",
              tilegrad::levelName(tilegrad::currentLevel()), quick ? 1 : tilegrad::kRounds);
  std::printf("| case | bandwidth | of a copy loop's | of memcpy's |\n| --- | --- | --- | --- |\n");
  bool right = true;
  for (int64_t n : tilegrad::kSizes) {
    if (quick && n > 1 << 14) break;
    right &= tilegrad::measureSize(n, quick ? 1 : tilegrad::kRounds);
  }
  return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
