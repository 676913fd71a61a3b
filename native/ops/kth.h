// The k-th smallest of many keys (sort_keys.h), without sorting them.
#pragma once
#include <stdint.h>

namespace tilegrad {

// Keys that are looked at together: loops of a fixed length, of which compilers make vectors.
constexpr int kKeyBlock = 64;

template <class Key>
struct Kth {
  Key key;
  int64_t tie;  // how many of its equals come before it in the order of a stable sort
};

// The key at place k, counted from 0, of n sorted keys; 0 <= k < n. `spare` has room for n keys,
// which may be the keys themselves if they aren't needed any more. There are definitions for
// uint32_t and uint64_t.
template <class Key>
Kth<Key> kthKey(const Key* keys, int64_t n, int64_t k, Key* spare);

// How many keys satisfy a condition that needs no branch.
template <class Key, class Condition>
int64_t countKeys(const Key* keys, int64_t n, const Condition& condition) {
  int64_t sum = 0, i = 0;
  for (; i + kKeyBlock <= n; i += kKeyBlock) {
    Key part = 0;  // as wide as the keys, so that vectors of both match
    for (int j = 0; j < kKeyBlock; ++j) part += condition(keys[i + j]) ? Key{1} : Key{0};
    sum += static_cast<int64_t>(part);
  }
  for (; i < n; ++i) sum += condition(keys[i]) ? 1 : 0;
  return sum;
}

}  // namespace tilegrad
