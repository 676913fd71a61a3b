// The operations of native/simd's vectors at every level, against plain C++ lane by lane. Arguments
// are all pairs of special values and many random bit patterns. Exits with 1 on a difference.
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "simd_test_util.h"

namespace {

int failures = 0;

template <class T>
T maxNanOf(T a, T b) {
  return a != a || b != b ? T(NAN) : a > b ? a : b;
}

template <class T>
T minNanOf(T a, T b) {
  return a != a || b != b ? T(NAN) : a < b ? a : b;
}

template <class T>
T expectedLane(int operation, T a, T b, T c) {
  switch (operation) {
    case kAdd:
      return a + b;
    case kSub:
      return a - b;
    case kMul:
      return a * b;
    case kDiv:
      return a / b;
    case kFma:
      return std::fma(a, b, c);
    case kFnma:
      return std::fma(-a, b, c);
    case kSqrt:
      return std::sqrt(a);
    case kNeg:
      return -a;
    case kAbs:
      return std::fabs(a);
    case kCopySign:
      return std::copysign(a, b);
    case kMax:
      return a > b ? a : b;
    case kMin:
      return a < b ? a : b;
    case kMaxNan:
      return maxNanOf(a, b);
    case kMinNan:
      return minNanOf(a, b);
    case kRoundEven:
      return std::nearbyint(a);
    case kFloor:
      return std::floor(a);
    case kCeil:
      return std::ceil(a);
    case kTrunc:
      return std::trunc(a);
    case kCompare:
      return T((a < b) + 2 * (a <= b) + 4 * (a > b) + 8 * (a >= b) + 16 * (a == b) + 32 * (a != b) +
               64 * (a != a));
    case kMaskLogic: {
      const bool p = a < b, q = b < c;
      return T((p && q) + 2 * (p || q) + 4 * !p);
    }
    default: {
      using B = Bits<T>;
      const B x = toBits(a), y = toBits(b), z = toBits(c);
      const B mixed = B(B(x + y) << 3) ^ B(B(x - z) >> 5);
      return fromBits<T>(mixed & (y | z | 5));
    }
  }
}

// The tree that reduceAdd promises, and likewise for max and min.
template <class T, class Fold>
T tree(const T* lanes, int count, Fold fold) {
  std::vector<T> v(lanes, lanes + count);
  for (int half = count / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) v[i] = fold(v[i], v[i + half]);
  }
  return v[0];
}

template <class T>
void checkVector(const SimdLevel& level, const SimdTests<T>& tests, const T* a, const T* b,
                 const T* c) {
  constexpr int lanes = 64 / sizeof(T);
  T y[lanes];
  for (int operation = 0; operation < kReduce; ++operation) {
    tests.vector[operation](a, b, c, y);
    for (int i = 0; i < lanes; ++i) {
      const T expected = expectedLane(operation, a[i], b[i], c[i]);
      if (same(y[i], expected)) continue;
      if (++failures > 50) return;
      printf("%s: operation %d of %a, %a, %a (%zu bytes) gives %a, not %a\n", level.name, operation,
             double(a[i]), double(b[i]), double(c[i]), sizeof(T), double(y[i]), double(expected));
    }
  }
  tests.vector[kReduce](a, b, c, y);
  const T expected[3] = {tree(a, lanes, [](T p, T q) { return p + q; }),
                         tree(a, lanes, maxNanOf<T>), tree(a, lanes, minNanOf<T>)};
  for (int i = 0; i < 3; ++i) {
    if (same(y[i], expected[i])) continue;
    if (++failures > 50) return;
    printf("%s: reduction %d (%zu bytes) gives %a, not %a\n", level.name, i, sizeof(T),
           double(y[i]), double(expected[i]));
  }
}

template <class T>
void checkOperations(const SimdLevel& level, const SimdTests<T>& tests) {
  constexpr int lanes = 64 / sizeof(T);
  using Limits = std::numeric_limits<T>;
  const T whole = T(uint64_t(1) << (Limits::digits - 1));
  const T specials[] = {T(0.0),
                        T(-0.0),
                        T(1),
                        T(-1),
                        T(0.5),
                        T(-0.5),
                        T(1.5),
                        T(2.5),
                        T(-2.5),
                        T(0.49999997),
                        T(-3.7),
                        whole,
                        -whole,
                        whole / 2 + T(0.5),
                        whole - T(0.5),
                        2 * whole + 2,
                        Limits::infinity(),
                        -Limits::infinity(),
                        Limits::quiet_NaN(),
                        -Limits::quiet_NaN(),
                        Limits::max(),
                        Limits::lowest(),
                        Limits::min(),
                        Limits::denorm_min(),
                        -Limits::denorm_min()};
  std::vector<T> a, b, c;
  for (T x : specials) {
    for (T y : specials) {
      a.push_back(x);
      b.push_back(y);
      c.push_back(specials[a.size() % (sizeof specials / sizeof *specials)]);
    }
  }
  std::mt19937_64 engine(1);
  for (int i = 0; i < 400000; ++i) {
    // Random bits, and numbers of similar magnitude, which meet in more interesting ways.
    const bool any = i % 4 == 0;
    for (std::vector<T>* v : {&a, &b, &c}) {
      const uint64_t random = engine();
      const T near = T(int64_t(random >> 30) - (int64_t(1) << 33)) / T(int64_t(1) << 29);
      v->push_back(any ? fromBits<T>(static_cast<Bits<T>>(random)) : near);
    }
    // Products next to half a unit of c, where rounding twice would show.
    if (i % 4 == 1) b.back() = std::ldexp(c.back(), -Limits::digits) / a.back();
    if (i % 4 == 2) b.back() = std::ldexp(T(1), std::ilogb(c.back()) - Limits::digits) / a.back();
  }
  for (size_t i = 0; i + lanes <= a.size(); i += lanes) {
    checkVector(level, tests, &a[i], &b[i], &c[i]);
  }
}

// Partial loads and stores at both ends of a page whose neighbours are not accessible.
template <class T>
void checkPartial(const SimdLevel& level, const SimdTests<T>& tests) {
  constexpr int lanes = 64 / sizeof(T);
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* memory = mmap(nullptr, 6 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    printf("mmap failed\n");
    ++failures;
    return;
  }
  char* from = static_cast<char*>(memory) + page;
  char* to = static_cast<char*>(memory) + 4 * page;
  mprotect(from, page, PROT_READ | PROT_WRITE);
  mprotect(to, page, PROT_READ | PROT_WRITE);
  const T canary = T(-77);
  for (int64_t n = -3; n <= lanes + 3; ++n) {
    const int count = n < 0 ? 0 : n > lanes ? lanes : static_cast<int>(n);
    // Ending at the page's end, where one element too many would fault.
    T* x = reinterpret_cast<T*>(from + page) - count;
    T* y = reinterpret_cast<T*>(to + page) - count;
    y[-1] = canary;
    T sum = 0, expected = 0;
    for (int i = 0; i < count; ++i) {
      x[i] = T(i + 1);
      y[i] = canary;
      expected += T(i + 1);
    }
    tests.copyFirst(n, x, y, &sum);
    bool good = sum == expected && y[-1] == canary;
    for (int i = 0; i < count; ++i) good = good && y[i] == T(i + 1);
    // In the middle, where the following elements must stay.
    T* middle = reinterpret_cast<T*>(to);
    for (int i = 0; i < 2 * lanes; ++i) middle[i] = canary;
    tests.copyFirst(n, x, middle, &sum);
    for (int i = count; i < 2 * lanes; ++i) good = good && middle[i] == canary;
    T first[lanes];
    tests.firstLanes(n, first);
    for (int i = 0; i < lanes; ++i) good = good && first[i] == T(i < count);
    if (!good) {
      printf("%s: partial access to %lld lanes of %zu bytes is wrong\n", level.name,
             static_cast<long long>(n), sizeof(T));
      ++failures;
    }
  }
  munmap(memory, 6 * page);
}

void checkUint32(const SimdLevel& level) {
  std::mt19937_64 engine(2);
  for (int round = 0; round < 20000; ++round) {
    uint32_t a[16], b[16], high[16], low[16];
    float unit[16];
    double wide[8];
    uint32_t wideHigh[16], wideLow[16];
    float pairs[32], doubled[32];
    for (int i = 0; i < 16; ++i) {
      const uint64_t random = engine();
      a[i] = round == 0 ? (i % 2 ? 0xffffffffu : 0) : static_cast<uint32_t>(random);
      b[i] = round == 0 ? (i % 3 ? 0xffffffffu : 0) : static_cast<uint32_t>(random >> 32);
    }
    level.multiply(a, b, high, low);
    level.unitFloat(a, unit);
    level.unitDouble(a, wide);
    level.multiplyWide(a, b[0], wideHigh, wideLow);
    for (int i = 0; i < 32; ++i) pairs[i] = float(a[i / 2] >> 8) + float(i);
    level.doubleSeconds(pairs, doubled);
    for (int i = 0; i < 16; ++i) {
      const uint64_t product = uint64_t(a[i]) * b[i], product0 = uint64_t(a[i]) * b[0];
      const uint64_t bits53 = uint64_t(a[i & ~1] >> 5) << 26 | a[i | 1] >> 6;
      if (high[i] != uint32_t(product >> 32) || low[i] != uint32_t(product) ||
          wideHigh[i] != uint32_t(product0 >> 32) || wideLow[i] != uint32_t(product0) ||
          doubled[2 * i] != pairs[2 * i] || doubled[2 * i + 1] != 2 * pairs[2 * i + 1] ||
          unit[i] != float(a[i] >> 8) / 16777216.0f || wide[i / 2] != double(bits53) * 0x1p-53) {
        printf("%s: integer lane operations on %#x, %#x are wrong\n", level.name, a[i], b[i]);
        ++failures;
        return;
      }
    }
  }
}

}  // namespace

int main() {
  for (const SimdLevel* level : availableLevels()) {
    const int before = failures;
    checkOperations(*level, level->f32);
    checkOperations(*level, level->f64);
    checkPartial(*level, level->f32);
    checkPartial(*level, level->f64);
    checkUint32(*level);
    printf("%s: %s\n", level->name, failures == before ? "passed" : "FAILED");
  }
  return failures != 0;
}
