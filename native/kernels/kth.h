// The k-th smallest of many keys, without sorting them.
//
// A sample that is spread over the line says between which two keys the wanted one very likely is;
// one pass counts what lies below and one keeps what lies between, and it goes on with that (the
// idea of Floyd and Rivest, "Expected time bounds for selection", Comm. ACM 18, 1975). No branch
// depends on a single key. Where a sample misleads, the range of keys is halved instead, so the
// time is at most a pass for each bit of a key.
#pragma once
#include "../base/float_key.h"
#include "../simd/compress.h"
#include "../simd/independent.h"
#include "table.h"

TG_TARGET_BEGIN

// Keys that are looked at together: loops of a fixed length, of which compilers make vectors.
constexpr int kKeyBlock = 64;

// How many keys are not above a limit.
template <class Key>
TG_NOINLINE int64_t countUpTo(const Key* keys, int64_t n, Key limit) {
  int64_t sum = 0, i = 0;
  for (; i + kKeyBlock <= n; i += kKeyBlock) {
    Key part = 0;  // as wide as the keys, so that vectors of both match
    TG_INDEPENDENT
    for (int j = 0; j < kKeyBlock; ++j) part += keys[i + j] <= limit ? Key{1} : Key{0};
    sum += static_cast<int64_t>(part);
  }
  for (; i < n; ++i) sum += keys[i] <= limit ? 1 : 0;
  return sum;
}

template <class Key>
TG_INLINE int64_t countBelow(const Key* keys, int64_t n, Key limit) {
  return limit == 0 ? 0 : countUpTo<Key>(keys, n, limit - 1);
}

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
TG_NOINLINE void sortSample(const Key (&sample)[kSample], Key (&sorted)[kSample]) {
  for (int i = 0; i < kSample; ++i) sorted[i] = 0;
  for (int i = 0; i < kSample; ++i) {
    const Key key = sample[i];
    Key less = 0;
    TG_INDEPENDENT
    for (int j = 0; j < kSample; j += kCompared) less += countLess(sample + j, key);
    sorted[less] = key;
  }
  for (int i = 1; i < kSample; ++i) {
    if (sorted[i] < sorted[i - 1]) sorted[i] = sorted[i - 1];
  }
}

// Of up to kSample keys, by comparing each with all: the largest of those that have at most k
// below.
template <class Key>
TG_NOINLINE Kth<Key> kthOfFew(const Key* keys, int64_t n, int64_t k) {
  const int room = n <= kCompared ? kCompared : kSample;
  Key padded[kSample];
  TG_INDEPENDENT
  for (int i = 0; i < kSample; ++i) padded[i] = kLargest<Key>;
  memcpy(padded, keys, static_cast<size_t>(n) * sizeof(Key));
  Key best = 0, below = 0;
  for (int64_t i = 0; i < n; ++i) {
    const Key key = padded[i];
    Key less = 0;
    TG_INDEPENDENT
    for (int j = 0; j < room; j += kCompared) less += countLess(padded + j, key);
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
    if (countUpTo(keys, n, middle) > k) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return {low, k - countBelow(keys, n, low)};
}

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
    const int64_t below = countBelow(keys, n, from);
    const int64_t within = countUpTo(keys, n, to);
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
    const int64_t left = keepInRange(n, keys, low, high - low, spare);
    if (2 * left > n) ++misses;
    n = left;
    keys = spare;
  }
  return kthOfFew(keys, n, k);
}

template <class Key>
TG_INLINE int64_t countEquals(const Key* keys, int64_t n, Key key) {
  return countUpTo(keys, n, key) - countBelow(keys, n, key);
}

// Where `tie` equals of a key come before.
template <class Key>
int64_t placeOfKey(const Key* keys, int64_t n, Kth<Key> wanted) {
  int64_t tie = wanted.tie, i = 0;
  for (; i + kKeyBlock <= n; i += kKeyBlock) {
    Key equals = 0;
    TG_INDEPENDENT
    for (int j = 0; j < kKeyBlock; ++j) equals += keys[i + j] == wanted.key ? Key{1} : Key{0};
    if (static_cast<int64_t>(equals) > tie) break;
    tie -= static_cast<int64_t>(equals);
  }
  for (; i < n - 1; ++i) {
    if (keys[i] == wanted.key && tie-- == 0) break;
  }
  return i;
}

// What is found at the place behind that of `found`, without selecting again.
template <class Key>
Kth<Key> nextKey(const Key* keys, int64_t n, Kth<Key> found) {
  const Key key = found.key;
  if (countEquals(keys, n, key) > found.tie + 1) {
    return {key, found.tie + 1};
  }
  Key least = kLargest<Key>;
  TG_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) least = keys[i] > key && keys[i] < least ? keys[i] : least;
  return {least, 0};
}

template <class Key, class T>
void loadFloatKeys(const T* x, int64_t n, Key* keys) {
  TG_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) keys[i] = floatKey<Key>(x[i]);
}

template <class Key, class T>
constexpr KeyKernels<Key, T> keyKernels() {
  return {kthKey<Key>, placeOfKey<Key>, nextKey<Key>, countEquals<Key>, loadFloatKeys<Key, T>};
}

TG_TARGET_END
