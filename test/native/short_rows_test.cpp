// Kernels over rows that have no row of the operation table to themselves, at every level: plane
// rotations, values spread along rows, and sums of places that are near each other. The bits are
// those of a plain loop, for lengths around the vectors' and unaligned pointers.
#include <string.h>

#include <algorithm>
#include <initializer_list>

#include "kernel_levels.h"

namespace tilegrad {
namespace test {
namespace {

template <class T>
size_t index(T i) {
  return static_cast<size_t>(i);
}

// Random values with special ones among them.
template <class T>
std::vector<T> mixedValues(int64_t n, uint64_t seed) {
  std::vector<T> values = randomValues<T>(n, seed);
  const std::vector<T> special = specials<T>();
  for (size_t i = 0; i < values.size(); i += 7) values[i] = special[(i / 7) % special.size()];
  return values;
}

// Both rows change: they stand one behind the other in one result, with a gap that stays.
template <class T>
void testRotation() {
  const T gap = static_cast<T>(77);
  const std::vector<std::array<T, 2>> turns = {{static_cast<T>(0.6), static_cast<T>(0.8)},
                                               {1, 0},
                                               {0, -1},
                                               {static_cast<T>(-0.28), static_cast<T>(0.96)}};
  for (int64_t n : lengths()) {
    for (const auto& turn : turns) {
      const T c = turn[0], s = turn[1];
      const std::vector<T> x = mixedValues<T>(n, 1), y = mixedValues<T>(n + 5, 2);
      std::vector<T> want(x);
      want.push_back(gap);
      for (int64_t i = 0; i < n; ++i) {
        const T a = x[index(i)], b = y[index(i)];
        const T ca = c * a, sb = s * b;
        want[index(i)] = ca + sb;
      }
      for (int64_t i = 0; i < n; ++i) {
        const T a = x[index(i)], b = y[index(i)];
        const T cb = c * b, sa = s * a;
        want.push_back(cb - sa);
      }
      const std::vector<T> got =
          atAllLevels<T>("rotate", 2 * n + 1, [&](const FloatKernels<T>& k, T* to) {
            std::copy(x.begin(), x.end(), to);
            to[n] = gap;
            std::copy(y.begin(), y.begin() + static_cast<ptrdiff_t>(n), to + n + 1);
            k.linalg.rotate(n, to, to + n + 1, c, s);
          });
      expect(sameBits(got, want), std::string("rotate ") + typeName<T>() + " " + std::to_string(n));
    }
  }
}

// The kernels that move elements of a size.
const MoveKernels<uint8_t>& movesOf(uint8_t) { return kernels().moves.size1; }
const MoveKernels<uint16_t>& movesOf(uint16_t) { return kernels().moves.size2; }
const MoveKernels<uint32_t>& movesOf(uint32_t) { return kernels().moves.size4; }
const MoveKernels<uint64_t>& movesOf(uint64_t) { return kernels().moves.size8; }

// Bytes as floats, of which the last one may have fewer.
template <class Bits>
std::vector<float> asFloats(const std::vector<Bits>& x) {
  const size_t bytes = x.size() * sizeof(Bits);
  std::vector<float> floats((bytes + sizeof(float) - 1) / sizeof(float));
  memcpy(floats.data(), x.data(), bytes);
  return floats;
}

template <class Bits>
void testSpread() {
  constexpr int64_t kBehind = 64 / sizeof(Bits);
  constexpr Bits kUntouched = 5;
  for (int64_t rows : {1, 2, 5, 16}) {
    for (int64_t n = 1; n <= 140; ++n) {
      std::vector<Bits> x;
      Values values(3);
      for (int64_t i = 0; i <= rows * 3; ++i) {
        const uint64_t high = static_cast<uint64_t>(values.below(int64_t{1} << 32)) << 32;
        const uint64_t low = static_cast<uint64_t>(values.below(int64_t{1} << 32));
        x.push_back(static_cast<Bits>(high | low));
      }
      for (int64_t xRow : {1, 3, 0}) {
        std::vector<Bits> want;
        for (int64_t i = 0; i < rows; ++i) {
          want.insert(want.end(), index(n), x[index(1 + i * xRow)]);
        }
        const std::vector<float> floats = asFloats(want);
        const std::vector<float> got =
            atAllLevels<float>("spread", static_cast<int64_t>(floats.size()),
                               [&](const FloatKernels<float>&, float* y) {
                                 std::vector<Bits> room(index(rows * n + kBehind + 1));
                                 room.back() = kUntouched;
                                 movesOf(Bits{}).spread(rows, n, x.data() + 1, xRow, room.data());
                                 expect(room.back() == kUntouched, "spread wrote too far");
                                 room.resize(want.size());
                                 const std::vector<float> results = asFloats(room);
                                 std::copy(results.begin(), results.end(), y);
                               });
        expect(sameBits(got, floats), "spread " + std::to_string(rows) + "x" + std::to_string(n));
      }
    }
  }
}

// Of each 16 results the places are among 16 of `cols`; the last ones of a row among its last 16.
void testNear(int64_t rows, int64_t results, int taps, int64_t cols) {
  const int64_t groups = (results + kNearPlaces - 1) / kNearPlaces;
  const int64_t xRow = cols + 3, yRow = results + 2;
  const std::vector<float> x = mixedValues<float>(rows * xRow, 4);
  std::vector<int32_t> first(index(groups)), place(index(groups * taps * kNearPlaces));
  const std::vector<float> weight = randomValues<float>(static_cast<int64_t>(place.size()), 5);
  Values values(6);
  for (int32_t& f : first) f = static_cast<int32_t>(values.below(cols - kNearPlaces + 1));
  first.back() = static_cast<int32_t>(cols - kNearPlaces);
  for (int32_t& p : place) p = static_cast<int32_t>(values.below(kNearPlaces));
  const NearTaps near = {results, taps, first.data(), place.data(), weight.data()};
  const float untouched = 9;
  std::vector<float> want(index(rows * yRow), untouched);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < results; ++j) {
      const int64_t group = j / kNearPlaces, at = group * taps * kNearPlaces + j % kNearPlaces;
      float sum = 0;
      for (int tap = 0; tap < taps; ++tap) {
        const size_t k = index(at + tap * kNearPlaces);
        const float product = weight[k] * x[index(i * xRow + first[index(group)] + place[k])];
        sum = tap == 0 ? product : sum + product;
      }
      want[index(i * yRow + j)] = sum;
    }
  }
  const std::string what = "near " + std::to_string(rows) + "x" + std::to_string(results) + ", " +
                           std::to_string(taps) + " taps";
  const auto compute = [&](const FloatKernels<float>& k, float* y) {
    std::fill(y, y + rows * yRow, untouched);
    if (k.pool.sumNear) {
      k.pool.sumNear(near, rows, x.data(), xRow, y, yRow);
    } else {
      std::copy(want.begin(), want.end(), y);
    }
  };
  expect(sameBits(atAllLevels<float>(what, rows * yRow, compute), want), what);
}

}  // namespace

}  // namespace test
}  // namespace tilegrad

int main() {
  using namespace tilegrad::test;
  testRotation<float>();
  testRotation<double>();
  testSpread<uint8_t>();
  testSpread<uint16_t>();
  testSpread<uint32_t>();
  testSpread<uint64_t>();
  for (int taps : {1, 2}) {
    for (int64_t rows : {1, 3}) {
      for (int64_t results = 1; results <= 50; ++results) {
        for (int64_t cols : {16, 17, 40}) testNear(rows, results, taps, cols);
      }
    }
  }
  return finish("short_rows");
}
