// Reductions with integer results: sums and products modulo 2^64, extrema, and reductions of any
// type's zeros. Values of other types are widened, a block or a row at a time.
#include "../dispatch.h"
#include "../rows.h"
#include "reduction.h"

namespace tilegrad {
namespace {

template <class X, class T>
void widen(int64_t n, const void* x, int64_t step, T* to) {
  const X* const from = static_cast<const X*>(x);
  if (step == 1) {  // a loop of its own, which compilers turn into vectors
    for (int64_t i = 0; i < n; ++i) to[i] = from[i];
  } else {
    for (int64_t i = 0; i < n; ++i) to[i] = from[i * step];
  }
}

// The same with the level's conversion where values are neighbours.
template <class X>
void widenFast(int64_t n, const void* x, int64_t step, int64_t* to) {
  if (step != 1) return widen<X>(n, x, step, to);
  integerKernels<X>().casts.toInt64(n, static_cast<const X*>(x), to);
}

// 1 where a value isn't 0. NaN isn't. Of the bits of a 16-bit float all but the sign count.
template <class X, bool half = false>
void truth(int64_t n, const void* x, int64_t step, int32_t* to) {
  const X* const from = static_cast<const X*>(x);
  const auto isTrue = [](X value) {
    return half ? (static_cast<int>(value) & 0x7fff) != 0 : value != 0;
  };
  if (step == 1) {
    for (int64_t i = 0; i < n; ++i) to[i] = isTrue(from[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) to[i] = isTrue(from[i * step]);
  }
}

template <class Y>
void narrow(int64_t n, const int32_t* results, void* y, int64_t step) {
  for (int64_t i = 0; i < n; ++i) static_cast<Y*>(y)[i * step] = static_cast<Y>(results[i]);
}

// Kernels are read from the table when they run: a level may be chosen in between.
template <class T>
const IntegerReduceKernels<T>& table();
template <>
const IntegerReduceKernels<int32_t>& table<int32_t>() {
  return kernels().integerReduce.i32;
}
template <>
const IntegerReduceKernels<int64_t>& table<int64_t>() {
  return kernels().integerReduce.i64;
}

template <IntegerReduction kind, class T>
void combine(int64_t n, const T* a, int64_t, const T* b, int64_t, T* y) {
  if (y != a) {
    for (int64_t i = 0; i < n; ++i) y[i] = a[i];
  }
  table<T>().accumulate[static_cast<int>(kind)](n, b, y);
}

template <IntegerReduction kind, class T>
Reduction<T> reductionOf(T identity) {
  Reduction<T> r{};
  r.solve = [](const Reduction<T>& self, const Runner<T>& runner, int64_t, T* results) {
    return runner.run(self.pass, nullptr, results);
  };
  r.pass = {identity, table<T>().range[static_cast<int>(kind)],
            nullptr,  combine<kind, T>,
            nullptr,  nullptr,
            0};
  r.share = kLightShare;
  r.unordered = true;
  return r;
}

// Sums and products have 64 bits.
template <IntegerReduction kind>
Status runWide(const Command& c) {
  Reduction<int64_t> r = reductionOf<kind, int64_t>(kind == IntegerReduction::sum ? 0 : 1);
  if (c.type[0] == DType::int32) r.load = widenFast<int32_t>;
  if (c.type[0] == DType::int8) r.load = widenFast<int8_t>;
  if (c.type[0] == DType::uint8) r.load = widenFast<uint8_t>;
  return runReduction(c, &r);
}

template <IntegerReduction kind>
Status runExtremum(const Command& c) {
  constexpr bool kMost = kind == IntegerReduction::max;
  if (c.type[0] == DType::int64) {
    Reduction<int64_t> r = reductionOf<kind, int64_t>(kMost ? INT64_MIN : INT64_MAX);
    return runReduction(c, &r);
  }
  Reduction<int32_t> r = reductionOf<kind, int32_t>(kMost ? INT32_MIN : INT32_MAX);
  if (c.type[0] == DType::int8) r.load = widen<int8_t>;
  if (c.type[0] == DType::uint8) r.load = widen<uint8_t>;
  if (c.type[1] == DType::int8) r.store = narrow<int8_t>;
  if (c.type[1] == DType::uint8) r.store = narrow<uint8_t>;
  return runReduction(c, &r);
}

// How many values aren't 0, or what that says: `all` is the smallest of 0s and 1s, `any` the
// largest.
template <IntegerReduction kind>
Status runTruth(const Command& c) {
  Reduction<int32_t> r = reductionOf<kind, int32_t>(kind == IntegerReduction::min ? 1 : 0);
  switch (c.type[0]) {
    case DType::float32:
      r.load = truth<float>;
      break;
    case DType::float64:
      r.load = truth<double>;
      break;
    case DType::bfloat16:
    case DType::float16:
      r.load = truth<uint16_t, true>;
      break;
    case DType::int8:
    case DType::uint8:
      r.load = truth<uint8_t>;
      break;
    case DType::int64:
      r.load = truth<int64_t>;
      break;
    default:
      r.load = truth<int32_t>;
  }
  if (c.type[1] == DType::uint8) r.store = narrow<uint8_t>;
  return runReduction(c, &r);
}

bool isInteger(DType type) {
  return type == DType::int32 || type == DType::int64 || type == DType::int8 ||
         type == DType::uint8;
}

const char* checkCount(const Command& c) { return checkReduced(c, 2); }

const char* checkInteger(const Command& c) {
  if (c.data[0] && !isInteger(c.type[0])) return "x is not of integers";
  return checkReduced(c, 2);
}

const char* checkExtremum(const Command& c) {
  if (c.data[0] && c.type[1] != c.type[0]) return "x and y differ in type";
  return checkInteger(c);
}

// The geometry is that of "sum" (reduce.cpp).
const Row kRows[] = {
    {"intSum", "in x A[@] out y i64[@]; kept int", runWide<IntegerReduction::sum>, checkInteger},
    {"intProd", "in x A[@] out y i64[@]; kept int", runWide<IntegerReduction::prod>, checkInteger},
    {"intMax", "in x A[@] out y A[@]; kept int", runExtremum<IntegerReduction::max>, checkExtremum},
    {"intMin", "in x A[@] out y A[@]; kept int", runExtremum<IntegerReduction::min>, checkExtremum},
    {"countNonzero", "in x A[@] out y i32[@]; kept int", runTruth<IntegerReduction::sum>,
     checkCount},
    {"any", "in x A[@] out y u8[@]; kept int", runTruth<IntegerReduction::max>, checkCount},
    {"all", "in x A[@] out y u8[@]; kept int", runTruth<IntegerReduction::min>, checkCount},
};

}  // namespace

RowList integerReduceRows() { return rowList(kRows); }

}  // namespace tilegrad
