// Selection: elements of a line at places of its sorted order, without sorting it.
//
// A sample that is spread over the line says between which two keys the wanted one very likely is;
// one pass counts what lies below and keeps what lies between, and goes on with that (the idea of
// Floyd and Rivest, "Expected time bounds for selection", Comm. ACM 18, 1975). No branch depends on
// a single key. Where a sample misleads, the range of keys is halved instead, so the time is at
// most a pass for each bit of a key.
#include "kth.h"

#include <string.h>

#include <type_traits>

#include "../base/scratch.h"
#include "elements.h"
#include "parallel.h"
#include "rows.h"
#include "sort_keys.h"

namespace tilegrad {
namespace {

// Keys of a sample; as many are also few enough to be ranked by comparing each with all.
constexpr int kSample = 32;

// Places in the sorted sample to both sides of the expected one: 1.4 standard deviations of the
// place that the median takes there, sqrt(kSample) / 2.
constexpr int kMargin = 4;

// Passes that may leave more than half of the keys before the range is halved instead.
constexpr int kPatience = 2;

template <class Key>
constexpr Key kLargest = static_cast<Key>(~Key{0});

// sorted = the keys in order. Equal keys meet at the first of their places; the others get theirs
// from the places before.
template <class Key>
void sortSample(const Key (&sample)[kSample], Key (&sorted)[kSample]) {
  for (int i = 0; i < kSample; ++i) sorted[i] = 0;
  for (int i = 0; i < kSample; ++i) {
    const Key key = sample[i];
    Key less = 0;
    for (int j = 0; j < kSample; ++j) less += sample[j] < key ? Key{1} : Key{0};
    sorted[less] = key;
  }
  for (int i = 1; i < kSample; ++i) {
    if (sorted[i] < sorted[i - 1]) sorted[i] = sorted[i - 1];
  }
}

// Of up to `room` keys, by comparing each with all: the largest of those that have at most k below.
template <int room, class Key>
Kth<Key> kthOfFew(const Key* keys, int64_t n, int64_t k) {
  Key padded[room];
  for (int i = 0; i < room; ++i) padded[i] = i < n ? keys[i] : kLargest<Key>;
  Key best = 0, below = 0;
  for (int64_t i = 0; i < n; ++i) {
    const Key key = padded[i];
    Key less = 0;
    for (int j = 0; j < room; ++j) less += padded[j] < key ? Key{1} : Key{0};
    // All ones where the key is in question. Larger keys have more below them.
    const Key fits = Key{0} - static_cast<Key>(less <= static_cast<Key>(k) ? 1 : 0);
    best = best > (key & fits) ? best : key & fits;
    below = below > (less & fits) ? below : less & fits;
  }
  return {best, k - static_cast<int64_t>(below)};
}

// By halving the range [low, high] in which the key is.
template <class Key>
Kth<Key> kthByHalves(const Key* keys, int64_t n, int64_t k, Key low, Key high) {
  while (low < high) {
    const Key middle = low + (high - low) / 2;
    if (countKeys(keys, n, [&](Key key) { return key <= middle; }) > k) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return {low, k - countKeys(keys, n, [&](Key key) { return key < low; })};
}

}  // namespace

template <class Key>
Kth<Key> kthKey(const Key* keys, int64_t n, int64_t k, Key* spare) {
  Key low = 0, high = kLargest<Key>;  // the keys that are left lie between, and no others do
  int misses = 0;
  while (n > kSample) {
    if (misses > kPatience) return kthByHalves(keys, n, k, low, high);
    Key sample[kSample], sorted[kSample];
    for (int i = 0; i < kSample; ++i) sample[i] = keys[i * n / kSample];
    sortSample(sample, sorted);
    const int64_t place = k * kSample / n;
    const Key from = place < kMargin ? low : sorted[place - kMargin];
    const Key to = place + kMargin >= kSample ? high : sorted[place + kMargin];
    const int64_t below = countKeys(keys, n, [&](Key key) { return key < from; });
    const int64_t within = countKeys(keys, n, [&](Key key) { return key <= to; });
    if (k < below) {
      high = from - 1;
    } else if (k >= within) {
      low = to + 1;
      k -= within;
    } else {
      low = from;
      high = to;
      k -= below;
    }
    if (low == high) return {low, k};
    int64_t left = 0;
    const Key width = high - low;
    for (int64_t i = 0; i < n; ++i) {
      const Key key = keys[i];
      spare[left] = key;
      left += key - low <= width ? 1 : 0;
    }
    if (2 * left > n) ++misses;
    n = left;
    keys = spare;
  }
  return n <= kSample / 2 ? kthOfFew<kSample / 2>(keys, n, k) : kthOfFew<kSample>(keys, n, k);
}

template Kth<uint32_t> kthKey(const uint32_t*, int64_t, int64_t, uint32_t*);
template Kth<uint64_t> kthKey(const uint64_t*, int64_t, int64_t, uint64_t*);

namespace {

// The numbers of the row, in the order of its signature.
enum Numbers : int {
  kOuter,
  kInner,
  kN,
  kM,
  kXOuter,
  kXInner,
  kXStep,
  kRanksOuter,
  kRanksInner,
  kKind,
  kRank
};

// Which place is wanted, when there is no list of them. NaN is the largest of all, so the first one
// stands behind all numbers.
enum class Kind : int64_t { rank, median, nanMedian, count };

// Where `tie` equals of a key come before.
template <class Key>
int64_t placeOf(const Key* keys, int64_t n, Kth<Key> wanted) {
  const auto isEqual = [&](Key key) { return key == wanted.key; };
  int64_t tie = wanted.tie, i = 0;
  for (; i + kKeyBlock <= n; i += kKeyBlock) {
    const int64_t equals = countKeys(keys + i, kKeyBlock, isEqual);
    if (equals > tie) break;
    tie -= equals;
  }
  for (; i < n - 1; ++i) {
    if (isEqual(keys[i]) && tie-- == 0) break;
  }
  return i;
}

// What is found at the place behind that of `found`, without selecting again.
template <class Key>
Kth<Key> nextKey(const Key* keys, int64_t n, Kth<Key> found) {
  const Key key = found.key;
  if (countKeys(keys, n, [&](Key other) { return other == key; }) > found.tie + 1) {
    return {key, found.tie + 1};
  }
  Key least = kLargest<Key>;
  for (int64_t i = 0; i < n; ++i) least = keys[i] > key && keys[i] < least ? keys[i] : least;
  return {least, 0};
}

// What the lines of a type need besides the type of its keys.
template <class Key>
struct Elements {
  void (*load)(const void* x, int64_t n, int64_t step, Key* keys);
  void (*store)(const void* from, void* to);  // one of them
  Key nan;                                    // its key, of types that have one
  bool floating;
  int64_t size;
};

template <class Key>
int64_t rankOf(const Command& c, const Elements<Key>& elements, const Key* keys, int64_t n) {
  const Kind kind = static_cast<Kind>(c.number[kKind].i);
  if (kind == Kind::rank) return c.number[kRank].i;
  const Key nan = elements.nan;
  const int64_t lost =
      elements.floating ? countKeys(keys, n, [&](Key key) { return key == nan; }) : 0;
  if (kind == Kind::median && lost > 0) return n - lost;
  return lost == n ? 0 : (n - lost - 1) / 2;
}

template <class Key>
TG_NOINLINE Status kthOfLines(const Command& c, const Elements<Key>& elements) {
  const int64_t n = c.number[kN].i, m = c.number[kM].i, inner = c.number[kInner].i;
  const int64_t step = c.number[kXStep].i, size = elements.size;
  const auto run = [&](int64_t begin, int64_t end) {
    Key* const keys =
        static_cast<Key*>(scratch(ScratchSlot::panel, 2 * static_cast<size_t>(n) * sizeof(Key)));
    if (!keys) return Status::outOfMemory;
    int64_t i = begin / inner, j = begin % inner;
    for (int64_t line = begin; line < end; ++line, ++j) {
      if (j == inner) {
        j = 0;
        ++i;
      }
      const char* const x = static_cast<const char*>(c.data[0]) +
                            (i * c.number[kXOuter].i + j * c.number[kXInner].i) * size;
      elements.load(x, n, step, keys);
      const int32_t* const ranks = static_cast<const int32_t*>(c.data[1]);
      const int64_t from = i * c.number[kRanksOuter].i + j * c.number[kRanksInner].i;
      Kth<Key> found{};
      int64_t before = -2;
      for (int64_t r = 0; r < m; ++r) {
        const int64_t asked = ranks ? ranks[from + r] : rankOf(c, elements, keys, n);
        const int64_t rank = asked < 0 ? 0 : asked < n ? asked : n - 1;
        if (rank == before + 1) {
          found = nextKey(keys, n, found);
        } else if (rank != before) {
          found = kthKey(keys, n, rank, keys + n);
        }
        before = rank;
        const int64_t place = placeOf(keys, n, found);
        elements.store(x + place * step * size,
                       static_cast<char*>(c.data[2]) + (line * m + r) * size);
        static_cast<int32_t*>(c.data[3])[line * m + r] = static_cast<int32_t>(place);
      }
    }
    return Status::ok;
  };
  const int64_t lines = c.number[kOuter].i * inner;
  const int64_t lineBytes = n * m * static_cast<int64_t>(sizeof(Key));
  if (lines * lineBytes < 2 * kHeavyShare) return run(0, lines);
  return parallelStatus(lines, kHeavyShare / lineBytes + 1, run);
}

Status kth(const Command& c) {
  for (int size = kOuter; size <= kM; ++size) {
    if (c.number[size].i == 0) return Status::ok;
  }
  return withType(c.type[0], [&](auto element) {
    using T = decltype(element);
    using Key = typename KeyOf<T>::type;
    const auto load = [](const void* x, int64_t n, int64_t step, Key* keys) {
      loadKeys(static_cast<const T*>(x), n, step, keys);
    };
    const auto store = [](const void* from, void* to) { memcpy(to, from, sizeof(T)); };
    return kthOfLines<Key>(c, {load, store, kNanKey<T>, !std::is_integral_v<T>, sizeof(T)});
  });
}

const char* checkKth(const Command& c) {
  if (c.type[0] != c.type[2]) return "x and values differ in type";
  if (c.number[kN].i > INT32_MAX) return "a line is beyond 32-bit indices";
  if (c.number[kKind].i < 0 || c.number[kKind].i >= static_cast<int64_t>(Kind::count)) {
    return "there is no selection of that number";
  }
  return nullptr;
}

const Row kRows[] = {
    // Of each line of n elements those at places of its sorted order, and where they are. NaN is
    // the
    // largest; equal elements are in the order of their places. Without a list of ranks one is
    // wanted: that of the number (kind 0), the median, which is the first NaN if there is any (1),
    // or the median of those that aren't NaN (2). A place outside is the nearest one in the line.
    {"kth",
     "in x A[outer*xOuter inner*xInner n*xStep] opt ranks i32[outer*ranksOuter inner*ranksInner m] "
     "out values A[outer inner m] out indices i32[outer inner m]; outer inner n m size xOuter "
     "xInner xStep ranksOuter ranksInner stride kind rank int",
     kth, checkKth},
};

}  // namespace

RowList kthRows() { return rowList(kRows); }

}  // namespace tilegrad
