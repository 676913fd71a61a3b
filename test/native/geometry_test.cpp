// Rows with a geometry: elementwise operations, casts, fills and reductions over random shapes,
// permutations, broadcasts and slices, against loops over indices; at every level, with one and two
// threads.
#include "rows.h"

namespace tilegrad {
namespace test {
namespace {

using Shape = std::vector<int64_t>;

int64_t countOf(const Shape& shape) {
  int64_t n = 1;
  for (int64_t size : shape) n *= size;
  return n;
}

// A strided operand in memory of its own.
template <class T>
struct View {
  std::vector<T> memory;
  Shape stride;
  int64_t offset = 0;

  T* data() { return memory.data() + offset; }
  T& at(const Shape& index) {
    int64_t place = offset;
    for (size_t d = 0; d < index.size(); ++d) place += index[d] * stride[d];
    return memory[static_cast<size_t>(place)];
  }
};

// A view with dimensions in a random memory order, gaps after some, some reversed; and with
// `broadcasts`, stride 0 in some.
template <class T>
View<T> randomView(const Shape& shape, Values& values, bool broadcasts, bool contiguous) {
  View<T> view;
  const size_t rank = shape.size();
  std::vector<size_t> order(rank);
  for (size_t d = 0; d < rank; ++d) order[d] = d;
  for (size_t d = 1; d < rank && !contiguous; ++d) {
    std::swap(order[d], order[static_cast<size_t>(values.below(static_cast<int64_t>(d) + 1))]);
  }
  view.stride.assign(rank, 0);
  int64_t size = 1;
  for (size_t i = rank; i-- > 0;) {
    const size_t d = order[i];
    if (broadcasts && values.below(3) == 0) continue;
    const bool reversed = !contiguous && values.below(5) == 0;
    view.stride[d] = reversed ? -size : size;
    if (reversed) view.offset += (shape[d] - 1) * size;
    size *= shape[d] + (contiguous ? 0 : values.below(3));
  }
  view.memory.resize(static_cast<size_t>(size) + 1);
  for (T& x : view.memory) x = static_cast<T>(values.between(-4, 4));
  return view;
}

// Calls f with every index of a shape, row-major.
template <class F>
void forEach(const Shape& shape, const F& f) {
  if (countOf(shape) == 0) return;
  Shape index(shape.size(), 0);
  for (;;) {
    f(index);
    size_t d = shape.size();
    while (d > 0 && ++index[d - 1] == shape[d - 1]) index[--d] = 0;
    if (d == 0) return;
  }
}

Shape randomShape(Values& values, int64_t most) {
  Shape shape(static_cast<size_t>(values.below(5)));
  int64_t n = 1;
  for (int64_t& size : shape) {
    const int64_t room = most / n;
    size = values.below(12) == 0 && room > 100 ? 1 + values.below(room < 300 ? room : 300)
                                               : 1 + values.below(room < 9 ? room : 9);
    n *= size;
  }
  return shape;
}

std::string text(const Shape& shape) {
  std::string s = " [";
  for (int64_t size : shape) s += std::to_string(size) + " ";
  return s + "]";
}

// y = f(x) for the row of that name.
template <class From, class To>
void runUnary(const std::string& name, const Shape& shape, View<From>& x, View<To>& y) {
  Call(name.c_str())
      .dimensions(shape)
      .strides(x.stride)
      .array(x.data())
      .strides(y.stride)
      .array(y.data())
      .run();
}

template <class T>
void testElementwise(const Shape& shape, Values& values) {
  const bool contiguous = values.below(3) == 0;
  View<T> a = randomView<T>(shape, values, values.below(2) == 0, contiguous);
  View<T> b = randomView<T>(shape, values, values.below(2) == 0, contiguous);
  const View<T> blank = randomView<T>(shape, values, false, contiguous);
  const std::vector<T> sums = everywhere("add" + text(shape), [&] {
    View<T> y = blank;
    Call("add")
        .dimensions(shape)
        .strides(a.stride)
        .array(a.data())
        .strides(b.stride)
        .array(b.data())
        .strides(y.stride)
        .array(y.data())
        .run();
    return y.memory;
  });
  View<T> want = blank;
  forEach(shape, [&](const Shape& i) { want.at(i) = a.at(i) + b.at(i); });
  expect(sameBits(want.memory, sums), "add" + text(shape));

  const auto testUnary = [&](const std::string& name, const auto& f) {
    const std::vector<T> got = everywhere(name + text(shape), [&] {
      View<T> y = blank;
      runUnary(name, shape, a, y);
      return y.memory;
    });
    want = blank;
    forEach(shape, [&](const Shape& i) { want.at(i) = f(a.at(i)); });
    expect(sameBits(want.memory, got), name + text(shape));
  };
  testUnary("abs", [](T x) { return fabs(x); });
  // Transcendental functions have the same bits whatever way their values came.
  testUnary("tanh", [](T x) {
    T y;
    floatKernels<T>().elementwise.unary[static_cast<int>(Unary::tanh)](1, &x, &y);
    return y;
  });
}

template <class From, class To>
void testCast(const Shape& shape, Values& values) {
  View<From> x = randomView<From>(shape, values, values.below(2) == 0, values.below(3) == 0);
  const View<To> blank = randomView<To>(shape, values, false, values.below(3) == 0);
  const std::vector<To> got = everywhere("cast" + text(shape), [&] {
    View<To> y = blank;
    runUnary("cast", shape, x, y);
    return y.memory;
  });
  View<To> want = blank;
  forEach(shape, [&](const Shape& i) {
    const From v = x.at(i);
    const bool saturates = sizeof(To) == 1 && std::numeric_limits<From>::is_iec559;
    want.at(i) = saturates && v < 0 ? To{0} : static_cast<To>(v);
  });
  expect(sameBits(want.memory, got), "cast" + text(shape));

  const std::vector<To> filled = everywhere("fill" + text(shape), [&] {
    View<To> y = blank;
    Call("fill").real(3.75).dimensions(shape).strides(y.stride).array(y.data()).run();
    return y.memory;
  });
  want = blank;
  forEach(shape, [&](const Shape& i) { want.at(i) = static_cast<To>(3.75); });
  expect(sameBits(want.memory, filled), "fill" + text(shape));
}

void testCastEdges() {
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> x = {3e9, -3e9, inf, -inf, NAN, 2147483647.5, -0.9, 255.9, 256, -0.0};
  std::vector<int32_t> whole(x.size());
  std::vector<uint8_t> byte(x.size()), truth(x.size());
  const Shape shape = {static_cast<int64_t>(x.size())};
  Call("cast")
      .dimensions(shape)
      .strides({1})
      .array(x.data())
      .strides({1})
      .array(whole.data())
      .run();
  Call("cast").dimensions(shape).strides({1}).array(x.data()).strides({1}).array(byte.data()).run();
  Call("castBool")
      .dimensions(shape)
      .strides({1})
      .array(x.data())
      .strides({1})
      .array(truth.data())
      .run();
  constexpr int32_t kHigh = 2147483647, kLow = -2147483647 - 1;
  expect(whole == std::vector<int32_t>{kHigh, kLow, kHigh, kLow, 0, kHigh, 0, 255, 256, 0},
         "cast to int32 at the edges");
  expect(byte == std::vector<uint8_t>{255, 0, 255, 0, 0, 255, 0, 255, 255, 0},
         "cast to uint8 at the edges");
  expect(truth == std::vector<uint8_t>{1, 1, 1, 1, 1, 1, 1, 1, 1, 0}, "castBool");
  const std::vector<int32_t> ints = {-1, 256, 257};
  Call("cast")
      .dimensions({3})
      .strides({1})
      .array(ints.data())
      .strides({1})
      .array(byte.data())
      .run();
  expect(byte[0] == 255 && byte[1] == 0 && byte[2] == 1, "cast from int32 to uint8");
}

template <class T>
void testReductions(const Shape& shape, Values& values) {
  const size_t kept = static_cast<size_t>(values.below(static_cast<int64_t>(shape.size()) + 1));
  View<T> x = randomView<T>(shape, values, values.below(3) == 0, values.below(2) == 0);
  const Shape outer(shape.begin(), shape.begin() + static_cast<ptrdiff_t>(kept));
  const Shape inner(shape.begin() + static_cast<ptrdiff_t>(kept), shape.end());
  View<T> blank = randomView<T>(outer, values, false, values.below(2) == 0);
  const auto reduced = [&](const char* name) {
    return everywhere(name + text(shape) + " kept " + std::to_string(kept), [&] {
      View<T> y = blank;
      Shape stride = y.stride;
      stride.resize(shape.size(), 0);
      Call(name)
          .number(static_cast<int64_t>(kept))
          .dimensions(shape)
          .strides(x.stride)
          .array(x.data())
          .strides(stride)
          .array(y.data())
          .run();
      return y.memory;
    });
  };
  View<T> sum = blank, mean = blank, most = blank, least = blank;
  sum.memory = reduced("sum");
  mean.memory = reduced("mean");
  most.memory = reduced("max");
  least.memory = reduced("min");
  std::vector<int32_t> index(static_cast<size_t>(countOf(outer)) + 1);
  Shape dense(shape.size(), 0);
  int64_t size = 1;
  for (size_t d = kept; d-- > 0; size *= shape[d]) dense[d] = size;
  Call("argmax")
      .number(static_cast<int64_t>(kept))
      .dimensions(shape)
      .strides(x.stride)
      .array(x.data())
      .strides(dense)
      .array(index.data())
      .run();
  const std::string where = text(shape) + " kept " + std::to_string(kept);
  size_t result = 0;
  forEach(outer, [&](const Shape& i) {
    long double total = 0, magnitude = 0;
    T high = -INFINITY, low = INFINITY;
    int32_t count = 0, best = 0;
    forEach(inner, [&](const Shape& j) {
      Shape all = i;
      all.insert(all.end(), j.begin(), j.end());
      const T v = x.at(all);
      total += v;
      magnitude += fabsl(v);
      if (v > high) best = count;
      high = v > high ? v : high;
      low = v < low ? v : low;
      ++count;
    });
    // Broadcast values round alike, so errors come near their bound: half an epsilon for each of a
    // chain's 128 additions and for each of the tree's.
    constexpr double kBound = 75;
    expect(isClose(sum.at(i), total, kBound, static_cast<double>(magnitude)), "sum" + where);
    expect(isClose(mean.at(i), total / count, kBound, static_cast<double>(magnitude / count)),
           "mean" + where);
    expect(most.at(i) == high && least.at(i) == low, "max or min" + where);
    expect(index[result++] == best, "argmax" + where);
  });
}

void testMisuse() {
  float x[4] = {1, 2, 3, 4}, y[4] = {9, 9, 9, 9};
  Call outside("sum");
  outside.number(3).dimensions({4}).strides({1}).array(x).strides({0}).array(y);
  expect(outside.problem(), "sum took more kept dimensions than there are");
  Call moving("sum");
  moving.number(0).dimensions({4}).strides({1}).array(x).strides({1}).array(y);
  expect(moving.problem(), "sum took a result that moves along a reduced dimension");
  // Nothing of an empty geometry was checked, so nothing may be written.
  Call("sum").number(1).dimensions({4, 0}).strides({0, 1}).array(x).strides({1, 0}).array(y).run();
  Call("copy").dimensions({4, 0}).strides({0, 1}).array(x).strides({1, 1}).array(y).run();
  Call("fill").real(1).dimensions({4, 0}).strides({1, 1}).array(y).run();
  expect(y[0] == 9 && y[3] == 9, "an empty geometry was written to");
}

template <class T>
void testAll(uint64_t seed, int rounds) {
  Values values(seed);
  for (int round = 0; round < rounds; ++round) {
    const Shape shape = randomShape(values, 4000);
    testElementwise<T>(shape, values);
    testReductions<T>(shape, values);
  }
  // Large enough for threads: every path, and pieces with rests.
  for (const Shape& shape : {Shape{300007}, Shape{3, 150001}, Shape{70001, 5}, Shape{900, 700},
                             Shape{40, 70, 130}, Shape{2, 3, 90000}}) {
    for (int round = 0; round < 2; ++round) {
      testElementwise<T>(shape, values);
      testReductions<T>(shape, values);
    }
  }
}

}  // namespace
}  // namespace test
}  // namespace tilegrad

int main() {
  using namespace tilegrad::test;
  testAll<float>(1, 300);
  testAll<double>(2, 300);
  Values values(3);
  for (int round = 0; round < 100; ++round) {
    const Shape shape = round < 97 ? randomShape(values, 3000) : Shape{900, 700};
    testCast<float, double>(shape, values);
    testCast<double, float>(shape, values);
    testCast<double, int32_t>(shape, values);
    testCast<float, uint8_t>(shape, values);
    testCast<int32_t, uint8_t>(shape, values);
    testCast<uint8_t, float>(shape, values);
    testCast<int32_t, int32_t>(shape, values);
  }
  testCastEdges();
  testMisuse();
  return finish("geometry");
}
