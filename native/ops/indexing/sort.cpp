// Sorting along a dimension, and its first elements only. A line's elements become keys with their
// places (sort_keys.h), which are sorted by insertion when they are few and otherwise digit by
// digit, from the last to the first (LSD radix sort: Knuth, The Art of Computer Programming, vol.
// 3, 5.2.5). Both are stable, so equal elements stay in the order of their places. Lines are shared
// between threads; a line that is alone is cut into pieces, whose sorted items are merged. A mode
// is the longest run of equal items.
#include "sort_keys.h"

#include <type_traits>

#include "../../base/scratch.h"
#include "../elements.h"
#include "../parallel.h"
#include "../rows.h"
#include "kth.h"

namespace tilegrad {
namespace {

// Up to this many items insertion is faster than counting digits.
constexpr int64_t kInsertion = 40;

// Digits of 11 bits: three of them are a 32-bit key, and the places where 2048 of them go on stay
// in the second-level cache. Short lines take 8 bits, whose counters are cleared sooner.
constexpr int kLongDigit = 11;
constexpr int kShortDigit = 8;
constexpr int64_t kShortLine = 4096;

// Items from which a line that is alone is worth two threads: about 100 us of sorting.
constexpr int64_t kPiece = 16384;

// The numbers of the rows, in the order of their signatures; `mode` has those of x alone.
enum Numbers : int { kOuter, kInner, kN, kXOuter, kXInner, kXStep, kK, kYOuter, kYInner, kYStep };
constexpr int kDescending = kYStep + 1;

// Ascending by key, and by place where keys are equal, which the items come in.
template <class Item>
void sortByInsertion(Item* items, int64_t n) {
  for (int64_t i = 1; i < n; ++i) {
    const Item item = items[i];
    int64_t j = i;
    for (; j > 0 && items[j - 1].key() > item.key(); --j) items[j] = items[j - 1];
    items[j] = item;
  }
}

// One digit: from `items` to `sorted`. False, and nothing is moved, when all have the same.
template <int bits, class Item>
bool sortByDigit(const Item* items, int64_t n, int shift, const uint32_t* count, Item* sorted) {
  constexpr uint64_t kMask = (uint64_t{1} << bits) - 1;
  if (count[(items[0].key() >> shift) & kMask] == static_cast<uint64_t>(n)) return false;
  uint32_t next[kMask + 1];
  uint32_t sum = 0;
  for (uint64_t digit = 0; digit <= kMask; ++digit) {
    next[digit] = sum;
    sum += count[digit];
  }
  for (int64_t i = 0; i < n; ++i) sorted[next[(items[i].key() >> shift) & kMask]++] = items[i];
  return true;
}

// All digits of keys of `keyBits` bits; the result is in one of the two arrays, which is returned.
template <int bits, int keyBits, class Item>
Item* sortByDigits(Item* items, Item* other, int64_t n) {
  constexpr int kDigits = (keyBits + bits - 1) / bits;
  constexpr uint64_t kMask = (uint64_t{1} << bits) - 1;
  uint32_t count[kDigits][kMask + 1] = {};
  for (int64_t i = 0; i < n; ++i) {
    const uint64_t key = items[i].key();
    for (int d = 0; d < kDigits; ++d) ++count[d][(key >> (d * bits)) & kMask];
  }
  for (int d = 0; d < kDigits; ++d) {
    if (!sortByDigit<bits>(items, n, d * bits, count[d], other)) continue;
    Item* const sorted = other;
    other = items;
    items = sorted;
  }
  return items;
}

template <int keyBits, class Item>
Item* sortItems(Item* items, Item* other, int64_t n) {
  if (n <= kInsertion) {
    sortByInsertion(items, n);
    return items;
  }
  if (keyBits <= kShortDigit || n <= kShortLine) {
    return sortByDigits<kShortDigit, keyBits>(items, other, n);
  }
  return sortByDigits<kLongDigit, keyBits>(items, other, n);
}

// How many of the first `count` merged items come from a: of equal keys those of a come first,
// since they have the lower places (merge path: Odeh et al., IPDPSW 2012).
template <class Item>
int64_t fromFirst(const Item* a, int64_t aCount, const Item* b, int64_t bCount, int64_t count) {
  int64_t low = count > bCount ? count - bCount : 0, high = count < aCount ? count : aCount;
  while (low < high) {
    const int64_t i = (low + high) / 2, j = count - i;
    if (b[j - 1].key() >= a[i].key()) {
      low = i + 1;
    } else {
      high = i;
    }
  }
  return low;
}

// Places [begin, end) of the merge of two sorted runs.
template <class Item>
void mergeRange(const Item* a, int64_t aCount, const Item* b, int64_t bCount, int64_t begin,
                int64_t end, Item* to) {
  int64_t i = fromFirst(a, aCount, b, bCount, begin), j = begin - i;
  int64_t k = begin;
  for (; k < end && i < aCount && j < bCount; ++k) {
    const bool second = b[j].key() < a[i].key();
    to[k] = second ? b[j] : a[i];
    j += second ? 1 : 0;
    i += second ? 0 : 1;
  }
  for (; k < end && i < aCount; ++k) to[k] = a[i++];
  for (; k < end; ++k) to[k] = b[j++];
}

template <class T>
struct Lines {
  const Command& c;
  const T* x;
  T* values;
  int32_t* indices;
  uint64_t flip;  // descending: sorting ascending by the complement of the key

  using Item = typename ItemOf<T>::type;
  static constexpr int kKeyBits = static_cast<int>(sizeof(T)) * 8;
  static constexpr uint64_t kAll = ~uint64_t{0} >> (64 - kKeyBits);

  Lines(const Command& command, bool descending)
      : c(command),
        x(static_cast<const T*>(command.data[0])),
        values(static_cast<T*>(command.data[1])),
        indices(static_cast<int32_t*>(command.data[2])),
        flip(descending ? kAll : 0) {}

  int64_t number(Numbers which) const { return c.number[which].i; }
  int64_t count() const { return number(kOuter) * number(kInner); }
  int64_t lineOffset(int64_t line, Numbers outer, Numbers inner) const {
    const int64_t count = number(kInner);
    return line / count * number(outer) + line % count * number(inner);
  }
  void load(const T* line, int64_t begin, int64_t end, Item* items) const {
    const int64_t step = number(kXStep);
    for (int64_t i = begin; i < end; ++i) {
      items[i] = Item::of(keyOf(line[i * step]) ^ flip, static_cast<uint32_t>(i));
    }
  }
  void store(int64_t line, const Item* sorted, int64_t begin, int64_t end) const {
    const T* const from = x + lineOffset(line, kXOuter, kXInner);
    const int64_t at = lineOffset(line, kYOuter, kYInner);
    const int64_t xStep = number(kXStep), yStep = number(kYStep);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t place = sorted[i].place();
      values[at + i * yStep] = from[place * xStep];
      indices[at + i * yStep] = static_cast<int32_t>(place);
    }
  }
};

// Scratch for two arrays of items, or null.
template <class Item>
Item* twoArrays(int64_t n) {
  return static_cast<Item*>(scratch(ScratchSlot::panel, 2 * static_cast<size_t>(n) * sizeof(Item)));
}

// Elements of a line that are looked at together: most groups have none that is wanted.
constexpr int kGroup = 32;

// Room for keys beyond twice the wanted ones: so many are collected before they are cut down again.
constexpr int64_t kRoom = 256;

// Keys that may be among the first, and where they are from.
template <class Key>
struct Candidates {
  Key* keys;
  Key* spare;
  uint32_t* places;
  int64_t count;
  Key last;  // only keys up to this one are still wanted

  // Leaves the first k, which stay in order, so that of equal keys the first ones are taken. False
  // when no other key can come before them.
  bool cut(int64_t k) {
    const Kth<Key> kth = keyKernels<Key>().kth(keys, count, k - 1, spare);
    int64_t left = 0, equals = kth.tie + 1;
    for (int64_t i = 0; i < count; ++i) {
      const Key key = keys[i];
      keys[left] = key;
      places[left] = places[i];
      const int64_t equal = key == kth.key ? 1 : 0;
      left += (key < kth.key ? 1 : 0) | (equal & (equals > 0 ? 1 : 0));
      equals -= equal;
    }
    count = left;
    last = kth.key - 1;
    return kth.key > 0;
  }
};

// The first k of n elements, as items in the order of their places.
template <class Key, class Item>
TG_NOINLINE void firstItems(void (*load)(const char* x, int64_t n, int64_t step, Key* keys),
                            const char* x, int64_t stepBytes, int64_t step, int64_t n, int64_t k,
                            Key flip, Candidates<Key> found, Item* items) {
  for (int64_t i = 0; i < n; i += kGroup) {
    const int64_t size = n - i < kGroup ? n - i : kGroup;
    Key group[kGroup];
    for (int j = 0; j < kGroup; ++j) group[j] = flip;
    load(x + i * stepBytes, size, step, group);
    for (int j = 0; j < kGroup; ++j) group[j] ^= flip;
    Key wanted = 0;
    for (int j = 0; j < kGroup; ++j) wanted |= group[j] <= found.last ? Key{1} : Key{0};
    if (wanted == 0) continue;
    for (int64_t j = 0; j < size; ++j) {
      found.keys[found.count] = group[j];
      found.places[found.count] = static_cast<uint32_t>(i + j);
      found.count += group[j] <= found.last ? 1 : 0;
    }
    if (found.count > 2 * k + kRoom - kGroup && !found.cut(k)) break;
  }
  if (found.count > k) found.cut(k);
  for (int64_t i = 0; i < k; ++i) items[i] = Item::of(found.keys[i], found.places[i]);
}

// The first k of a line, 2 k < n, without sorting all.
template <class T>
TG_NOINLINE Status sortFirst(const Lines<T>& lines, int64_t line) {
  using Item = typename Lines<T>::Item;
  using Key = typename KeyOf<T>::type;
  const int64_t n = lines.number(kN), k = lines.number(kK), step = lines.number(kXStep);
  const int64_t room = 2 * k + kRoom;
  const size_t bytes = 2 * static_cast<size_t>(k) * sizeof(Item) +
                       static_cast<size_t>(room) * (2 * sizeof(Key) + sizeof(uint32_t));
  Item* const items = static_cast<Item*>(scratch(ScratchSlot::panel, bytes));
  if (!items) return Status::outOfMemory;
  Key* const keys = reinterpret_cast<Key*>(items + 2 * k);
  const Candidates<Key> none = {keys, keys + room, reinterpret_cast<uint32_t*>(keys + 2 * room), 0,
                                static_cast<Key>(Lines<T>::kAll)};
  const auto load = [](const char* x, int64_t count, int64_t by, Key* to) {
    loadKeys(reinterpret_cast<const T*>(x), count, by, to);
  };
  const T* const x = lines.x + lines.lineOffset(line, kXOuter, kXInner);
  firstItems<Key, Item>(load, reinterpret_cast<const char*>(x), step * sizeof(T), step, n, k,
                        static_cast<Key>(lines.flip), none, items);
  lines.store(line, sortItems<Lines<T>::kKeyBits>(items, items + k, k), 0, k);
  return Status::ok;
}

// A line's items in order, or null.
template <class T>
TG_NOINLINE const typename Lines<T>::Item* sortedLine(const Lines<T>& lines, int64_t line) {
  using Item = typename Lines<T>::Item;
  const int64_t n = lines.number(kN);
  Item* const items = twoArrays<Item>(n);
  if (!items) return nullptr;
  lines.load(lines.x + lines.lineOffset(line, kXOuter, kXInner), 0, n, items);
  return sortItems<Lines<T>::kKeyBits>(items, items + n, n);
}

template <class T>
Status sortLine(const Lines<T>& lines, int64_t line) {
  const int64_t k = lines.number(kK);
  if (2 * k < lines.number(kN)) return sortFirst(lines, line);
  const auto* const items = sortedLine(lines, line);
  if (!items) return Status::outOfMemory;
  lines.store(line, items, 0, k);
  return Status::ok;
}

// Whether there are fewer lines than threads, each of which is worth several.
template <class T>
bool inPieces(const Lines<T>& lines) {
  return lines.count() < numThreads() && lines.number(kN) >= 2 * kPiece;
}

// A line in pieces, sorted at the same time and merged two by two: its items in order, or null.
template <class T>
TG_NOINLINE const typename Lines<T>::Item* sortedPieces(const Lines<T>& lines, int64_t line) {
  using Item = typename Lines<T>::Item;
  const int64_t n = lines.number(kN);
  Item* items = twoArrays<Item>(n);
  if (!items) return nullptr;
  Item* other = items + n;
  int64_t pieces = 1;
  while (pieces < numThreads() && n / (2 * pieces) >= kPiece) pieces *= 2;
  const auto start = [&](int64_t piece) { return piece * n / pieces; };
  const T* const x = lines.x + lines.lineOffset(line, kXOuter, kXInner);
  parallelFor(pieces, 1, [&](int64_t first, int64_t last) {
    for (int64_t piece = first; piece < last; ++piece) {
      const int64_t begin = start(piece), end = start(piece + 1);
      lines.load(x, begin, end, items);
      Item* const sorted = sortItems<Lines<T>::kKeyBits>(items + begin, other + begin, end - begin);
      if (sorted == items + begin) continue;
      for (int64_t i = begin; i < end; ++i) items[i] = other[i];
    }
  });
  for (int64_t width = 1; width < pieces; width *= 2) {
    // Threads share the places of the result, whatever runs they are made of.
    parallelFor(n, kCacheLine, [&](int64_t first, int64_t last) {
      for (int64_t pair = 0; pair < pieces; pair += 2 * width) {
        const int64_t begin = start(pair), middle = start(pair + width);
        const int64_t end = start(pair + 2 * width);
        if (end <= first || begin >= last) continue;
        mergeRange(items + begin, middle - begin, items + middle, end - middle,
                   (first > begin ? first : begin) - begin, (last < end ? last : end) - begin,
                   other + begin);
      }
    });
    Item* const merged = other;
    other = items;
    items = merged;
  }
  return items;
}

template <class T>
Status sortPieces(const Lines<T>& lines, int64_t line) {
  const auto* const items = sortedPieces(lines, line);
  if (!items) return Status::outOfMemory;
  parallelFor(lines.number(kK), kCacheLine,
              [&](int64_t begin, int64_t end) { lines.store(line, items, begin, end); });
  return Status::ok;
}

// An element of a line that is sorted, and of one of which the first few are: 64 lines of 256
// float32 took 122 us on Zen 5, the five first of 64 lines of 1000 77 to 130.
constexpr double kSortNanoseconds = 6;
constexpr double kFirstNanoseconds = 1.2;

// Lines that threads share, each of which may run out of memory.
template <class F>
Status shareLines(int64_t count, double lineTime, const F& f) {
  return parallelTimedStatus(count, 1, lineTime, [&](int64_t begin, int64_t end) {
    return eachUntilFailure(begin, end, f);
  });
}

template <class T>
Status sortLines(const Command& c) {
  const Lines<T> lines(c, c.number[kDescending].i != 0);
  const int64_t n = lines.number(kN), k = lines.number(kK);
  if (inPieces(lines) && 2 * k >= n) {
    return eachUntilFailure(0, lines.count(),
                            [&](int64_t line) { return sortPieces(lines, line); });
  }
  const double lineTime =
      static_cast<double>(n) * (2 * k < n ? kFirstNanoseconds : kSortNanoseconds);
  return shareLines(lines.count(), lineTime, [&](int64_t line) { return sortLine(lines, line); });
}

Status sort(const Command& c) {
  for (int size = kOuter; size <= kN; ++size) {
    if (c.number[size].i == 0) return Status::ok;
  }
  if (c.number[kK].i == 0) return Status::ok;
  return withType(c.type[0], [&](auto element) { return sortLines<decltype(element)>(c); });
}

// The last item of the first one of the longest runs of equal items; n > 0. Without branches, which
// nothing could predict.
template <class Item>
TG_NOINLINE int64_t longestRun(const Item* items, int64_t n) {
  int64_t begin = 0, longest = 0, last = 0;
  for (int64_t i = 1; i < n; ++i) {
    begin = items[i].key() == items[i - 1].key() ? begin : i;
    last = i - begin > longest ? i : last;
    longest = i - begin > longest ? i - begin : longest;
  }
  return last;
}

template <class T>
Status modeOfLines(const Command& c) {
  const Lines<T> lines(c, false);
  const int64_t count = lines.count();
  const bool cut = inPieces(lines);
  const auto run = [&](int64_t line) {
    const auto* const items = cut ? sortedPieces(lines, line) : sortedLine(lines, line);
    if (!items) return Status::outOfMemory;
    int64_t n = lines.number(kN);
    if constexpr (!std::is_integral_v<T>) {
      // NaN differs from itself, so of several, which are last, the first one is a run of its own.
      while (n > 1 && items[n - 1].key() == kNanKey<T>) --n;
    }
    const int64_t place = items[longestRun(items, n)].place();
    const T* const x = lines.x + lines.lineOffset(line, kXOuter, kXInner);
    lines.values[line] = x[place * lines.number(kXStep)];
    lines.indices[line] = static_cast<int32_t>(place);
    return Status::ok;
  };
  if (cut) return eachUntilFailure(0, count, run);
  return shareLines(count, static_cast<double>(lines.number(kN)) * kSortNanoseconds, run);
}

Status mode(const Command& c) {
  for (int size = kOuter; size <= kN; ++size) {
    if (c.number[size].i == 0) return Status::ok;
  }
  return withType(c.type[0], [&](auto element) { return modeOfLines<decltype(element)>(c); });
}

const char* checkMode(const Command& c) {
  if (c.type[0] != c.type[1]) return "x and values differ in type";
  return c.number[kN].i > INT32_MAX ? "a line is beyond 32-bit indices" : nullptr;
}

const char* checkSort(const Command& c) {
  if (const char* const wrong = checkMode(c)) return wrong;
  if (c.number[kK].i > c.number[kN].i) return "k is more than there are";
  return nullptr;
}

const Row kRows[] = {
    // For each line of n elements the first k of them in order, and their places. NaN is the
    // largest; equal elements stay in the order of their places, also when descending.
    {"sort",
     "in x A[outer*xOuter inner*xInner n*xStep] out values A[outer*yOuter inner*yInner k*yStep] "
     "out indices i32[outer*yOuter inner*yInner k*yStep]; "
     "outer inner n size xOuter xInner xStep stride k size yOuter yInner yStep stride descending "
     "int",
     sort, checkSort},
    // For each line of n elements the one that comes most often, the smallest of several, and the
    // last place where it is. NaN differs from itself.
    {"mode",
     "in x A[outer*xOuter inner*xInner n*xStep] out values A[outer inner] "
     "out indices i32[outer inner]; outer inner n size xOuter xInner xStep stride",
     mode, checkMode},
};

}  // namespace

RowList sortRows() { return rowList(kRows); }

}  // namespace tilegrad
