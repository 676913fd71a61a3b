// The different values of a sorted array. As in select.cpp one command counts and another fills,
// and the second one stops at its count.
#include "elements.h"
#include "rows.h"

namespace tilegrad {
namespace {

// NaN differs from everything, itself included; zeros of both signs are one value.
template <class T>
bool differ(T a, T b) {
  return a != b;
}
bool differ(BFloat16 a, BFloat16 b) { return widen(a) != widen(b); }
bool differ(Float16 a, Float16 b) { return widen(a) != widen(b); }

Status countUnique(const Command& c) {
  const int64_t n = c.number[0].i;
  int64_t groups = n > 0 ? 1 : 0;
  return withType(c.type[0], [&](auto element) {
    const auto* const x = static_cast<const decltype(element)*>(c.data[0]);
    for (int64_t i = 1; i < n; ++i) groups += differ(x[i], x[i - 1]) ? 1 : 0;
    *static_cast<double*>(c.data[1]) = static_cast<double>(groups);
    return Status::ok;
  });
}

template <class T>
Status fillUnique(const Command& c) {
  const int64_t n = c.number[0].i, count = c.number[1].i;
  const T* const x = static_cast<const T*>(c.data[0]);
  const int32_t* const places = static_cast<const int32_t*>(c.data[1]);
  T* const values = static_cast<T*>(c.data[2]);
  int32_t* const inverse = static_cast<int32_t*>(c.data[3]);
  int32_t* const counts = static_cast<int32_t*>(c.data[4]);
  for (int64_t i = 0; i < count; ++i) {
    values[i] = T{};
    if (counts) counts[i] = 0;
  }
  int64_t group = -1;
  for (int64_t i = 0; i < n; ++i) {
    if ((i == 0 || differ(x[i], x[i - 1])) && group + 1 < count) values[++group] = x[i];
    if (group < 0) break;
    if (counts) ++counts[group];
    const int64_t place = places[i];
    if (inverse && place >= 0 && place < n) inverse[place] = static_cast<int32_t>(group);
  }
  return Status::ok;
}

Status unique(const Command& c) {
  return withType(c.type[0], [&](auto element) { return fillUnique<decltype(element)>(c); });
}

const char* checkUnique(const Command& c) {
  if (c.number[0].i > INT32_MAX) return "n is beyond 32-bit indices";
  return c.type[0] != c.type[2] ? "sorted and values differ in type" : nullptr;
}

const Row kRows[] = {
    // count = how many different values there are in a sorted array.
    {"countUnique", "in sorted A[n] out count f64[]; n size", countUnique, nullptr},
    // values = the different ones, in order; counts = how often each comes; inverse[places[i]] =
    // which of them sorted[i] is. A place outside [0, n) is left out.
    {"unique",
     "in sorted A[n] in places i32[n] out values A[count] optout inverse i32[n] "
     "optout counts i32[count]; n count size",
     unique, checkUnique},
};

}  // namespace

RowList uniqueRows() { return rowList(kRows); }

}  // namespace tilegrad
