// Keys: unsigned integers that order as the elements that they stand for, so that sorting needs no
// comparison of floating-point numbers.
#pragma once
#include <type_traits>

#include "../../base/bfloat16.h"
#include "../../base/float16.h"
#include "../../base/float_key.h"

namespace tilegrad {

inline uint64_t keyOf(double x) { return floatKey<uint64_t>(x); }
inline uint32_t keyOf(float x) { return floatKey<uint32_t>(x); }
// A bfloat16's bits are the upper half of a float32's.
inline uint16_t keyOf(BFloat16 x) {
  return static_cast<uint16_t>(floatKey<uint32_t>(widen(x)) >> 16);
}
// Steps of a float16 from zero, above or below the key of both zeros.
inline uint16_t keyOf(Float16 x) {
  const uint32_t magnitude = x.bits & 0x7fffu;
  if (magnitude > 0x7c00u) return 0xffffu;
  const uint32_t key = (x.bits & 0x8000u) != 0 ? 0x8000u - magnitude : 0x8000u + magnitude;
  return static_cast<uint16_t>(key);
}
inline uint64_t keyOf(int64_t x) { return static_cast<uint64_t>(x) ^ (uint64_t{1} << 63); }
inline uint32_t keyOf(int32_t x) { return static_cast<uint32_t>(x) ^ 0x80000000u; }
inline uint8_t keyOf(int8_t x) { return static_cast<uint8_t>(static_cast<uint8_t>(x) ^ 0x80u); }
inline uint8_t keyOf(uint8_t x) { return x; }

// Keys as wide as the items that hold them: short types have the numbers of theirs.
template <class T>
struct KeyOf {
  using type = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
};

// The key of every NaN.
template <class T>
constexpr typename KeyOf<T>::type kNanKey =
    ~typename KeyOf<T>::type{0} >> (sizeof(typename KeyOf<T>::type) - sizeof(T)) * 8;

// The keys of a line; of a fixed length compilers make vectors.
template <class T>
TG_NOINLINE void loadKeys(const T* x, int64_t n, int64_t step, typename KeyOf<T>::type* keys) {
  constexpr int kBlock = 32;
  int64_t i = 0;
  for (; step == 1 && i + kBlock <= n; i += kBlock) {
    for (int j = 0; j < kBlock; ++j) keys[i + j] = keyOf(x[i + j]);
  }
  for (; i < n; ++i) keys[i] = keyOf(x[i * step]);
}

// A key with the place that it comes from. Keys of up to 32 bits share a word with it, which makes
// items as light to move as they can be.
struct SmallItem {
  uint64_t word;

  static SmallItem of(uint64_t key, uint32_t place) { return {key << 32 | place}; }
  uint64_t key() const { return word >> 32; }
  uint32_t place() const { return static_cast<uint32_t>(word); }
};

struct LargeItem {
  uint64_t bits;
  uint32_t from;

  static LargeItem of(uint64_t key, uint32_t place) { return {key, place}; }
  uint64_t key() const { return bits; }
  uint32_t place() const { return from; }
};

template <class T>
struct ItemOf {
  using type = std::conditional_t<sizeof(T) == 8, LargeItem, SmallItem>;
};

}  // namespace tilegrad
