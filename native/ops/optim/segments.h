// Segments: stretches of arrays, named by a table in memory, that one command goes through as one
// range. So a single call and a single parallel region serve any number of tensors that lie in the
// same arrays.
#pragma once
#include "../parallel.h"

namespace tilegrad {

// Numbers beyond 2^53 are not exact in a double, and no array is that long.
constexpr double kMostElements = 9007199254740992.0;

// A table's entry as a whole number >= 0. False when it is none.
inline bool toIndex(double x, int64_t* index) {
  if (!(x >= 0 && x <= kMostElements)) return false;  // also NaN
  *index = static_cast<int64_t>(x);
  return static_cast<double>(*index) == x;
}

// Whether [begin, begin + count) lies in [0, length). All at most 2^53.
inline bool isInside(int64_t begin, int64_t count, int64_t length) {
  return begin <= length - count;
}

// Cache lines that n elements of T take: what threads share out.
template <class T>
int64_t linesOf(int64_t n) {
  constexpr int64_t kPerLine = kCacheLine / static_cast<int64_t>(sizeof(T));
  return (n + kPerLine - 1) / kPerLine;
}

// Calls f(part, begin, end) for stretches of all parts that together cover them, threads sharing
// them line by line. Each Part has `n` elements and `endLine`, the lines of all parts up to and
// with it. `arrays` arrays of T are touched at each element.
template <class T, class Part, class F>
void overParts(const Part* parts, int64_t count, int64_t arrays, const F& f) {
  constexpr int64_t kPerLine = kCacheLine / static_cast<int64_t>(sizeof(T));
  if (count == 0) return;
  const int64_t lines = parts[count - 1].endLine;
  parallelShares(lines, 1, arrays * kCacheLine, kLightShare, [&](int64_t begin, int64_t end) {
    int64_t i = 0, line = begin;
    while (parts[i].endLine <= line) ++i;
    for (; line < end; line = parts[i++].endLine) {
      const Part& part = parts[i];
      const int64_t first = part.endLine - linesOf<T>(part.n);
      const int64_t last = part.endLine < end ? part.n : (end - first) * kPerLine;
      f(part, (line - first) * kPerLine, last < part.n ? last : part.n);
    }
  });
}

}  // namespace tilegrad
