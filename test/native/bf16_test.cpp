// bfloat16: conversions against exact arithmetic, and the kernels of the CPU's instruction for it
// (tiles and packing) against the definition that kernels/gemm_bf16.h gives of them, bit for bit.
#include "../../native/base/bfloat16.h"
#include "../../native/base/cpu.h"
#include "../../native/kernels/table_bf16.h"
#include "compare.h"

namespace tilegrad {
namespace test {
namespace {

uint32_t bitsOf(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  return bits;
}

float floatOf(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof(x));
  return x;
}

// The nearest multiple of the last place of 8 significant bits (2^-133 at least), ties to even.
double nearest(double x) {
  if (x == 0 || isinf(x)) return x;
  const int exponent = ilogb(x) < -126 ? -126 : ilogb(x);
  const double y = ldexp(nearbyint(ldexp(x, 7 - exponent)), exponent - 7);
  return fabs(y) >= 0x1p128 ? copysign(std::numeric_limits<double>::infinity(), x) : y;
}

void testConversions() {
  for (uint32_t i = 0; i < 65536; ++i) {
    const BFloat16 x{static_cast<uint16_t>(i)};
    const float wide = widen(x);
    expect(bitsOf(wide) == i << 16, "widen keeps the bits");
    const bool nan = isnan(wide);
    expect(narrow(wide).bits == (nan ? (i | 0x40u) : i), "narrow undoes widen, NaN quiet");
  }
  Values values(1);
  for (int i = 0; i < 3000000; ++i) {
    // Random numbers, and numbers at and beside ties.
    uint32_t bits = static_cast<uint32_t>(values.bits());
    if (i % 3 == 1) bits = (bits & 0xffff0000u) | 0x8000u;
    if (i % 3 == 2) bits = (bits & 0xffff0000u) | (0x7fffu + 2 * (bits & 1));
    const float x = floatOf(bits);
    const float y = widen(narrow(x));
    const bool same = isnan(x) ? isnan(y) && signbit(x) == signbit(y)
                               : bitsOf(y) == bitsOf(static_cast<float>(nearest(x)));
    expect(same, "narrow rounds to nearest even");
  }
}

#if defined(TG_HAVE_AVX512_BF16)

const Bf16Kernels& kernels() { return kAvx512Bf16Kernels; }

float flush(float x) { return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x; }

// What vdpbf16ps computes.
float dot(float acc, BFloat16 aLow, BFloat16 aHigh, BFloat16 bLow, BFloat16 bHigh) {
  const auto value = [](BFloat16 x) { return flush(widen(x)); };
  const float first = flush(fmaf(value(aHigh), value(bHigh), flush(acc)));
  return flush(fmaf(value(aLow), value(bLow), first));
}

bool same(float a, float b) { return bitsOf(a) == bitsOf(b) || (isnan(a) && isnan(b)); }

// Any bits; or bits of moderate exponents, whose sums lose digits without losing everything.
BFloat16 someNumber(Values* values, bool moderate) {
  const uint32_t bits = static_cast<uint32_t>(values->bits());
  return {static_cast<uint16_t>(moderate ? (bits & 0x80ffu) | 0x3f00u : bits)};
}

enum class Init { zero, bias, accumulate, count };

void testTile(int rows, int64_t cols, int64_t pairs, Init init, bool moderate, Values* values) {
  const int64_t aRow = 2 * pairs + 3, aPair = 2, width = kBf16TileCols, cRow = cols + 2;
  std::vector<BFloat16> a(static_cast<size_t>(rows * aRow + 1)), b;
  for (BFloat16& x : a) x = someNumber(values, moderate);
  for (int64_t i = 0; i < 2 * pairs * width; ++i) b.push_back(someNumber(values, moderate));
  std::vector<float> c, bias;
  for (int64_t i = 0; i < rows * cRow; ++i) {
    c.push_back(static_cast<float>(values->between(-1, 1)));
  }
  for (int64_t j = 0; j < cols; ++j) bias.push_back(static_cast<float>(values->between(-1, 1)));
  std::vector<float> want = c;
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) {
      float& y = want[static_cast<size_t>(i * cRow + j)];
      if (init != Init::accumulate) y = init == Init::bias ? bias[static_cast<size_t>(j)] : 0;
      for (int64_t p = 0; p < pairs; ++p) {
        const BFloat16* pa = a.data() + i * aRow + p * aPair;
        const BFloat16* pb = b.data() + 2 * (p * width + j);
        y = dot(y, pa[0], pa[1], pb[0], pb[1]);
      }
    }
  }
  const bool accumulate = init == Init::accumulate;
  const float* const start = init == Init::bias ? bias.data() : nullptr;
  const Bf16Tile tile{cols,     pairs,    a.data(), aRow,  aPair,
                      b.data(), c.data(), cRow,     start, accumulate};
  kernels().tile[rows - 1](tile);
  for (size_t i = 0; i < c.size(); ++i) {
    if (same(c[i], want[i])) continue;
    fail("tile " + std::to_string(rows) + " x " + std::to_string(cols) + ", pairs " +
         std::to_string(pairs) + ": " + std::to_string(c[i]) + " and not " +
         std::to_string(want[i]));
  }
}

void testTiles() {
  Values values(2);
  for (int rows = 1; rows <= kBf16TileRows; ++rows) {
    for (int64_t cols = 1; cols <= kBf16TileCols; ++cols) {
      for (int64_t pairs : {0, 1, 2, 9}) {
        const auto init = static_cast<Init>(values.below(static_cast<int64_t>(Init::count)));
        testTile(rows, cols, pairs, init, pairs != 2, &values);
      }
    }
  }
}

// The pair that a copy must hold, of elements that may lie beyond the operand.
template <class S>
uint16_t element(const std::vector<S>& x, int64_t at, bool inside) {
  if (!inside) return 0;
  const S value = x[static_cast<size_t>(at)];
  if constexpr (sizeof(S) == 4) {
    return narrow(value).bits;
  } else {
    return value.bits;
  }
}

template <class S>
std::vector<S> operand(int64_t n, Values* values) {
  std::vector<S> x(static_cast<size_t>(n));
  for (S& value : x) {
    if constexpr (sizeof(S) == 4) {
      value = static_cast<float>(values->between(-2, 2));
    } else {
      value = someNumber(values, true);
    }
  }
  return x;
}

template <class S>
void testPackers(const Bf16Packers<S>& packers, int64_t lines, int64_t k, Values* values) {
  const std::string name = std::to_string(lines) + " lines, k " + std::to_string(k) + ", bytes " +
                           std::to_string(sizeof(S));
  const int64_t pairs = (k + 1) / 2;
  const BFloat16 guard{0xabcd};
  // Lines side by side, along k, and with steps in both directions.
  const int64_t strides[3][2] = {{lines + 1, 1}, {1, k + 1}, {2 * lines + 1, 2}};
  for (const auto& s : strides) {
    const int64_t step = s[0], line = s[1];  // along k, from line to line
    const auto x = operand<S>((k - 1) * step + (lines - 1) * line + 1, values);
    if (lines <= kBf16TileCols) {
      const int64_t size = 2 * pairs * kBf16TileCols;
      std::vector<BFloat16> to(static_cast<size_t>(size + 1), guard);
      packers.panel(k, lines, x.data(), step, line, to.data());
      for (int64_t i = 0; i < size; ++i) {
        const int64_t p = i / (2 * kBf16TileCols) * 2 + i % 2, j = i / 2 % kBf16TileCols;
        const uint16_t want = element(x, p * step + j * line, p < k && j < lines);
        if (to[static_cast<size_t>(i)].bits != want) fail("panel: " + name);
      }
      expect(to.back().bits == guard.bits, "panel wrote past its end: " + name);
    }
    const int64_t whole = (k + 2 * kBf16Step - 1) / (2 * kBf16Step) * 2 * kBf16Step;
    std::vector<BFloat16> rows(static_cast<size_t>(lines * (whole + 5)), guard);
    packers.rows(lines, k, x.data(), line, step, rows.data(), whole + 5);
    for (int64_t i = 0; i < lines * (whole + 5); ++i) {
      const int64_t r = i / (whole + 5), p = i % (whole + 5);
      const uint16_t want = p >= whole ? guard.bits : element(x, p * step + r * line, p < k);
      if (rows[static_cast<size_t>(i)].bits != want) fail("rows: " + name);
    }
    if (line != 1) continue;
    const int64_t across = 2 * ((lines + kBf16Step - 1) / kBf16Step * kBf16Step) + 5;
    std::vector<BFloat16> columns(static_cast<size_t>(pairs * across), guard);
    packers.columns(lines, k, x.data(), step, columns.data(), across);
    for (int64_t i = 0; i < pairs * across; ++i) {
      const int64_t p = i / across * 2 + i % across % 2, r = i % across / 2;
      const uint16_t want =
          i % across >= across - 5 ? guard.bits : element(x, p * step + r, p < k && r < lines);
      if (columns[static_cast<size_t>(i)].bits != want) fail("columns: " + name);
    }
  }
}

void testPacking() {
  Values values(3);
  for (int64_t lines : {1, 2, 3, 15, 16, 17, 31, 32, 33, 100}) {
    for (int64_t k : {1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127}) {
      testPackers(kernels().fromBf16, lines, k, &values);
      testPackers(kernels().fromFloat, lines, k, &values);
    }
  }
}

void testNarrow() {
  Values values(4);
  for (int64_t n = 0; n < 70; ++n) {
    std::vector<float> x(static_cast<size_t>(n));
    for (float& value : x) {
      const uint32_t bits = static_cast<uint32_t>(values.bits());
      value = floatOf(bits % 3 == 0 ? (bits & 0xffff0000u) | 0x8000u : bits);
    }
    std::vector<BFloat16> y(static_cast<size_t>(n) + 1, BFloat16{0xabcd});
    kernels().narrow(n, x.data(), y.data());
    for (size_t i = 0; i < x.size(); ++i) {
      expect(y[i].bits == narrow(x[i]).bits, "the kernel narrows as the function does");
    }
    expect(y.back().bits == 0xabcd, "narrow wrote past its end");
  }
}

#endif

}  // namespace
}  // namespace test
}  // namespace tilegrad

int main() {
  using namespace tilegrad::test;
  testConversions();
#if defined(TG_HAVE_AVX512_BF16)
  if (tilegrad::hasAvx512Bf16()) {
    testTiles();
    testPacking();
    testNarrow();
  } else {
    printf("this CPU has no vdpbf16ps: its kernels are not tested\n");
  }
#endif
  return finish("bf16");
}
