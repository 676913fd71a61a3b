// Rows of int8 against naive loops, exactly: products of all sizes around the tiles and panels at
// every level, with and without its dot product instruction; a packed B with scales; quantisation.
#include "rows.h"

namespace tilegrad {
namespace test {
namespace {

std::vector<int8_t> randomBytes(int64_t n, uint64_t seed, bool extreme) {
  Values values(seed);
  std::vector<int8_t> v(static_cast<size_t>(n));
  for (int8_t& x : v) {
    x = static_cast<int8_t>(extreme ? 127 - 255 * values.below(2) : values.below(256) - 128);
  }
  return v;
}

// Calls compute() at every level, with one and two threads, with and without the instruction.
template <class F>
auto everywhereInt8(const std::string& name, const F& compute) {
  return everywhere(name, [&] {
    setDotProduct(false);
    auto plain = compute();
    if (setDotProduct(true)) {
      expect(dotProduct(), name + ": the instruction is not used");
      expect(sameBits(compute(), plain), name + " differs with the dot product instruction");
    }
    return plain;
  });
}

struct Layout {
  int64_t aRow, aCol, bRow, bCol;
};

void testProduct(int64_t m, int64_t n, int64_t k, bool extreme) {
  const std::string name =
      "int8 " + std::to_string(m) + " x " + std::to_string(k) + " x " + std::to_string(n);
  const auto a = randomBytes(2 * m * k + 1, 1, extreme), b = randomBytes(2 * k * n + 1, 2, extreme);
  const Layout layouts[] = {
      {k, 1, n, 1}, {1, m, 1, k}, {k, 1, 1, k}, {1, m, n, 1}, {2 * k, 2, 2 * n, 2}};
  for (const Layout& at : layouts) {
    std::vector<int32_t> want(static_cast<size_t>(m * n));
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        int32_t sum = 0;
        for (int64_t p = 0; p < k; ++p) {
          sum += a[static_cast<size_t>(i * at.aRow + p * at.aCol)] *
                 b[static_cast<size_t>(p * at.bRow + j * at.bCol)];
        }
        want[static_cast<size_t>(i * n + j)] = sum;
      }
    }
    const auto got = everywhereInt8(name, [&] {
      std::vector<int32_t> c(static_cast<size_t>(m * n));
      Call call("gemmInt8");
      call.array(a.data()).array(b.data()).array(c.data());
      for (int64_t number : {int64_t{1}, m, n, k, int64_t{0}, at.aRow, at.aCol, int64_t{0}, at.bRow,
                             at.bCol, int64_t{0}, n}) {
        call.number(number);
      }
      call.run();
      return c;
    });
    expect(sameBits(got, want), name + " is not the naive product");
  }
}

void testLinear(int64_t m, int64_t n, int64_t k) {
  const auto x = randomValues<float>(m * k, 3), w = randomValues<float>(n * k, 4);
  const auto bias = randomValues<float>(n, 5);
  const int64_t panels = (n + 31) / 32, quads = (k + 3) / 4;
  std::vector<float> xScale(static_cast<size_t>(m)), wScale(static_cast<size_t>(n));
  std::vector<int8_t> xValues(x.size()), wValues(w.size());
  const auto got = everywhereInt8("linearInt8", [&] {
    Call("quantizeInt8")
        .array(x.data())
        .array(xValues.data())
        .array(xScale.data())
        .number(m)
        .number(k)
        .number(k)
        .number(k)
        .run();
    Call("quantizeInt8")
        .array(w.data())
        .array(wValues.data())
        .array(wScale.data())
        .number(n)
        .number(k)
        .number(k)
        .number(k)
        .run();
    std::vector<int8_t> packed(static_cast<size_t>(panels * quads * 128));
    std::vector<int32_t> sums(static_cast<size_t>(panels * 32));
    Call("packInt8")
        .array(wValues.data())
        .array(packed.data())
        .array(sums.data())
        .number(panels)
        .number(quads)
        .number(n)
        .number(k)
        .number(1)
        .number(k)
        .run();
    std::vector<float> y(static_cast<size_t>(m * n));
    Call("linearInt8")
        .array(xValues.data())
        .array(xScale.data())
        .array(packed.data())
        .array(sums.data())
        .array(wScale.data())
        .array(bias.data())
        .array(y.data())
        .number(m)
        .number(n)
        .number(k)
        .number(panels)
        .number(quads)
        .number(k)
        .number(1)
        .number(n)
        .number(static_cast<int64_t>(Activation::relu))
        .real(0)
        .run();
    return y;
  });
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      int32_t sum = 0;
      for (int64_t p = 0; p < k; ++p) {
        sum += xValues[static_cast<size_t>(i * k + p)] * wValues[static_cast<size_t>(j * k + p)];
      }
      const auto s = static_cast<size_t>(j);
      const float scaled = static_cast<float>(sum) * xScale[static_cast<size_t>(i)];
      const float whole = fmaf(scaled, wScale[s], bias[s]);
      expect(sameBits(got[static_cast<size_t>(i * n + j)], whole > 0 ? whole : 0.0f),
             "linearInt8 is not what its parts give");
    }
  }
}

}  // namespace
}  // namespace test
}  // namespace tilegrad

int main() {
  using namespace tilegrad::test;
  for (int64_t m : {1, 5, 6, 7, 12, 13, 14, 15, 33}) {
    for (int64_t n : {1, 4, 15, 16, 17, 32, 33, 65}) {
      testProduct(m, n, (7 * m + 3 * n) % 37, false);
    }
  }
  for (int64_t k = 0; k < 20; ++k) testProduct(15, 33, k, true);
  testProduct(70, 130, 200, false);
  for (int64_t k : {1, 3, 4, 16, 33}) {
    testLinear(15, 33, k);
    testLinear(1, 10, k);
  }
  testLinear(131, 70, 200);
  return finish("int8");
}
