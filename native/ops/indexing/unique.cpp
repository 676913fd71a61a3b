// What sorted arrays are good for: their different values, and where others belong in them. As in
// select.cpp one command counts the different values and another fills, and the second one stops at
// that count.
#include <string.h>

#include <type_traits>

#include "../../base/scratch.h"
#include "../elements.h"
#include "../parallel.h"
#include "../rows.h"
#include "sort_keys.h"

namespace tilegrad {
namespace {

// NaN differs from everything, itself included; zeros of both signs are one value.
template <class T>
bool differ(T a, T b) {
  return a != b;
}
bool differ(BFloat16 a, BFloat16 b) { return widen(a) != widen(b); }
bool differ(Float16 a, Float16 b) { return widen(a) != widen(b); }

// Elements that are compared with the ones before them at a time, in a loop of a fixed length, of
// which compilers make vectors.
constexpr int kBlock = 64;

// How many of kBlock elements differ from the ones before them.
template <class T>
int countStarts(const T* x) {
  int starts = 0;
  for (int i = 0; i < kBlock; ++i) starts += differ(x[i], x[i - 1]) ? 1 : 0;
  return starts;
}

Status countUnique(const Command& c) {
  const int64_t n = c.number[0].i;
  int64_t groups = n > 0 ? 1 : 0;
  return withType(c.type[0], [&](auto element) {
    const auto* const x = static_cast<const decltype(element)*>(c.data[0]);
    int64_t i = 1;
    for (; i + kBlock <= n; i += kBlock) groups += countStarts(x + i);
    for (; i < n; ++i) groups += differ(x[i], x[i - 1]) ? 1 : 0;
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
  for (int64_t i = 0; counts && i < count; ++i) counts[i] = 0;
  int64_t groups = 0;
  for (int64_t i = 0; i < n;) {
    const int64_t size = i == 0 ? 1 : n - i < kBlock ? n - i : kBlock;
    const int starts = size < kBlock || counts || inverse ? 1 : countStarts(x + i);
    if (starts == kBlock && groups + kBlock <= count) {
      memmove(values + groups, x + i, kBlock * sizeof(T));
      groups += kBlock;
    } else if (starts > 0) {
      for (int64_t j = i; j < i + size; ++j) {
        // Written before it is known whether a group begins here, so that no branch depends on it.
        T nowhere;
        *(groups < count ? values + groups : &nowhere) = x[j];
        groups += (j == 0 || differ(x[j], x[j - 1])) & (groups < count) ? 1 : 0;
        if (groups == 0) return Status::ok;
        if (counts) ++counts[groups - 1];
        const int64_t place = places ? places[j] : j;
        if (inverse && place >= 0 && place < n) inverse[place] = static_cast<int32_t>(groups - 1);
      }
    }
    i += size;
  }
  // Memory may have changed since the groups were counted.
  for (int64_t group = groups; group < count; ++group) values[group] = T{};
  return Status::ok;
}

Status unique(const Command& c) {
  return withType(c.type[0], [&](auto element) { return fillUnique<decltype(element)>(c); });
}

const char* checkUnique(const Command& c) {
  if (c.number[0].i > INT32_MAX) return "n is beyond 32-bit indices";
  return c.type[0] != c.type[2] ? "sorted and values differ in type" : nullptr;
}

// Whether a row of keys stands before another in lexicographic order, and whether it is another
// one.
template <class Key>
bool rowBefore(const Key* a, const Key* b, int64_t m) {
  int64_t j = 0;
  while (j < m - 1 && a[j] == b[j]) ++j;
  return a[j] < b[j];
}
template <class Key>
bool rowsDiffer(const Key* a, const Key* b, int64_t m, const Key* nan) {
  for (int64_t j = 0; j < m; ++j) {
    if (a[j] != b[j] || (nan && a[j] == *nan)) return true;
  }
  return false;
}

// The order of n rows, equal ones in that of their places: runs of doubled length, merged two by
// two from one list into the other.
template <class Key>
const int32_t* sortRows(const Key* x, int64_t n, int64_t m, int32_t* from, int32_t* to) {
  for (int64_t i = 0; i < n; ++i) from[i] = static_cast<int32_t>(i);
  for (int64_t width = 1; width < n; width *= 2) {
    for (int64_t begin = 0; begin < n; begin += 2 * width) {
      const int64_t middle = begin + width < n ? begin + width : n;
      const int64_t end = middle + width < n ? middle + width : n;
      int64_t a = begin, b = middle;
      for (int64_t i = begin; i < end; ++i) {
        const bool second =
            a == middle || (b < end && rowBefore(x + from[b] * m, x + from[a] * m, m));
        to[i] = second ? from[b++] : from[a++];
      }
    }
    int32_t* const sorted = to;
    to = from;
    from = sorted;
  }
  return from;
}

// The keys of n elements.
template <class Key>
using LoadKeys = void (*)(const void* x, int64_t n, Key* keys);

template <class Key>
TG_NOINLINE Status uniqueOfKeys(const Command& c, LoadKeys<Key> load, const Key* nan) {
  const int64_t n = c.number[0].i, m = c.number[1].i;
  int32_t* const first = static_cast<int32_t*>(c.data[1]);
  int32_t* const inverse = static_cast<int32_t*>(c.data[2]);
  int32_t* const counts = static_cast<int32_t*>(c.data[3]);
  int64_t groups = 0;
  if (n > 0 && m > 0) {
    const size_t keyBytes = static_cast<size_t>(n * m) * sizeof(Key);
    const size_t bytes = keyBytes + 2 * static_cast<size_t>(n) * sizeof(int32_t);
    Key* const keys = static_cast<Key*>(scratch(ScratchSlot::panel, bytes));
    if (!keys) return Status::outOfMemory;
    load(c.data[0], n * m, keys);
    int32_t* const lists = reinterpret_cast<int32_t*>(keys + n * m);
    const int32_t* const order = sortRows(keys, n, m, lists, lists + n);
    for (int64_t i = 0; i < n; ++i) {
      const int32_t at = order[i];
      if (i == 0 || rowsDiffer(keys + at * m, keys + order[i - 1] * m, m, nan)) {
        if (counts) counts[groups] = 0;
        first[groups++] = at;
      }
      if (counts) ++counts[groups - 1];
      if (inverse) inverse[at] = static_cast<int32_t>(groups - 1);
    }
  }
  *static_cast<double*>(c.data[4]) = static_cast<double>(groups);
  // Rows without elements are as if there were none.
  for (int64_t i = groups; i < n; ++i) first[i] = 0;
  for (int64_t i = groups; counts && i < n; ++i) counts[i] = 0;
  for (int64_t i = 0; inverse && groups == 0 && i < n; ++i) inverse[i] = 0;
  return Status::ok;
}

Status uniqueRows(const Command& c) {
  return withType(c.type[0], [&](auto element) {
    using T = decltype(element);
    using Key = typename KeyOf<T>::type;
    const LoadKeys<Key> load = [](const void* x, int64_t n, Key* keys) {
      loadKeys(static_cast<const T*>(x), n, 1, keys);
    };
    const Key nan = kNanKey<T>;
    return uniqueOfKeys<Key>(c, load, std::is_integral_v<T> ? nullptr : &nan);
  });
}

const char* checkRows(const Command& c) {
  return c.number[0].i > INT32_MAX ? "n is beyond 32-bit indices" : nullptr;
}

// How many elements satisfy a condition, which is true up to some place: a bisection in which no
// branch depends on an element, so that the processor works on several of them at the same time.
template <class T, class F>
int64_t countBefore(const T* sorted, int64_t n, const F& isBefore) {
  int64_t from = 0;
  for (int64_t left = n; left > 1;) {
    const int64_t half = left / 2;
    from += isBefore(sorted[from + half - 1]) ? half : 0;
    left -= half;
  }
  return from + (n > 0 && isBefore(sorted[from]) ? 1 : 0);
}

// How many elements stand before x, or with `right` before what is larger than x, in the order of
// sort: NaN is the largest.
template <class T>
int64_t placeIn(const T* sorted, int64_t n, T x, bool right) {
  if (x != x) return right ? n : countBefore(sorted, n, [](T at) { return at == at; });
  return right ? countBefore(sorted, n, [&](T at) { return at <= x; })
               : countBefore(sorted, n, [&](T at) { return at < x; });
}

// 65,536 searches among 100 numbers took 127 us, among 1000 199 (Zen 5).
constexpr double kSearchNanoseconds = 2;

template <class T>
Status searchIn(const Command& c) {
  const int64_t rows = c.number[0].i, m = c.number[1].i, n = c.number[2].i;
  const int64_t rowStep = c.number[3].i;
  const bool right = c.number[4].i != 0;
  const T* const sorted = static_cast<const T*>(c.data[0]);
  const T* const x = static_cast<const T*>(c.data[1]);
  int32_t* const places = static_cast<int32_t*>(c.data[2]);
  // Without elements the signature holds nothing to the step between rows.
  const int64_t rowLength = n == 0 ? 0 : rowStep;
  parallelTimed(rows * m, kCacheLine, kSearchNanoseconds, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      places[i] = static_cast<int32_t>(placeIn(sorted + i / m * rowLength, n, x[i], right));
    }
  });
  return Status::ok;
}

Status searchSorted(const Command& c) {
  return c.type[0] == DType::float64 ? searchIn<double>(c) : searchIn<float>(c);
}

const char* checkSearch(const Command& c) {
  return c.number[2].i > INT32_MAX ? "n is beyond 32-bit indices" : nullptr;
}

const Row kRows[] = {
    // places[i] = how many elements of the row's sorted array stand before x[i]; with `right` also
    // those that are equal to it.
    {"searchSorted",
     "in sorted T[rows*rowStep n] in x T[rows m] out places i32[rows m]; "
     "rows m n size rowStep stride right int",
     searchSorted, checkSearch},
    // count = how many different values there are in a sorted array.
    {"countUnique", "in sorted A[n] out count f64[]; n size", countUnique, nullptr},
    // values = the different ones, in order; counts = how often each comes; inverse[places[i]] =
    // which of them sorted[i] is. A place outside [0, n) is left out; without places it is i.
    {"unique",
     "in sorted A[n] opt places i32[n] out values A[count] optout inverse i32[n] "
     "optout counts i32[count]; n count size",
     unique, checkUnique},
    // The different ones of n rows, in lexicographic order, NaN being the largest: first = where
    // each comes first, inverse = which of them a row is, counts = how often each comes, count =
    // how many there are. What is behind so many is 0.
    {"uniqueRows",
     "in x A[n m] out first i32[n] optout inverse i32[n] optout counts i32[n] out count f64[]; "
     "n m size",
     uniqueRows, checkRows},
};

}  // namespace

RowList uniqueRows() { return rowList(kRows); }

}  // namespace tilegrad
