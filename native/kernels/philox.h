// The stream of random words: Philox4x32-10 (Salmon, Moraes, Dror & Shaw, "Parallel random numbers:
// as easy as 1, 2, 3", SC11). A position in the stream gives four words by ten rounds of
// multiplication and exclusive or, so any part of the stream can be computed alone, on any thread.
#pragma once
#include "../simd/interleave.h"
#include "../simd/u32.h"
#include "table.h"

TG_TARGET_BEGIN

// The generator's constants, from the paper (table 2 of it: multipliers; section 4.3: Weyl steps).
constexpr uint32_t kPhiloxMultiplier0 = 0xD2511F53u;
constexpr uint32_t kPhiloxMultiplier1 = 0xCD9E8D57u;
constexpr uint32_t kPhiloxWeyl0 = 0x9E3779B9u;  // golden ratio
constexpr uint32_t kPhiloxWeyl1 = 0xBB67AE85u;  // sqrt(3) - 1
constexpr int kPhiloxRounds = 10;

// Sixteen positions are computed side by side. Lane l holds position first + 4 * (l % 4) + l / 4,
// because the 4 x 4 transposes of interleave4 then leave the words in stream order.
static_assert(kBlockPositions == kU32Lanes, "one position to a lane");
constexpr uint32_t kPositionOfLane[kBlockPositions] = {0, 4, 8,  12, 1, 5, 9,  13,
                                                       2, 6, 10, 14, 3, 7, 11, 15};

// The positions first + kPositionOfLane, modulo 2^64, in two words.
TG_INLINE void positionsOf(uint64_t first, U32Vec* low, U32Vec* high) {
  const uint32_t firstLow = static_cast<uint32_t>(first);
  if (firstLow <= 0xFFFFFFFFu - (kBlockPositions - 1)) {
    *low = iadd(usplat(firstLow), uload(kPositionOfLane));
    *high = usplat(static_cast<uint32_t>(first >> 32));
    return;
  }
  uint32_t lows[kBlockPositions], highs[kBlockPositions];
  for (int l = 0; l < kBlockPositions; ++l) {
    const uint64_t position = first + kPositionOfLane[l];
    lows[l] = static_cast<uint32_t>(position);
    highs[l] = static_cast<uint32_t>(position >> 32);
  }
  *low = uload(lows);
  *high = uload(highs);
}

// The counter of a block and what the rounds make of it.
struct Counter {
  Words c0, c1, c2, c3;
};

// The first round, of the counter {position low, position high, 0, 0}.
TG_INLINE Counter firstRound(uint64_t first, uint32_t key0, uint32_t key1) {
  U32Vec low, high;
  positionsOf(first, &low, &high);
  const WordProduct product = mulWide(toWords(low), kPhiloxMultiplier0);
  const Words zero = toWords(usplat(0));
  return {ixor(toWords(high), zero, key0), zero, ixor(highWords(product), zero, key1),
          lowWords(product)};
}

TG_INLINE Counter nextRound(const Counter& c, uint32_t key0, uint32_t key1) {
  const WordProduct product0 = mulWide(c.c0, kPhiloxMultiplier0);
  const WordProduct product1 = mulWide(c.c2, kPhiloxMultiplier1);
  return {ixor(highWords(product1), c.c1, key0), lowWords(product1),
          ixor(highWords(product0), c.c3, key1), lowWords(product0)};
}

TG_INLINE void storeWords(const Counter& c, uint32_t* words) {
  Vec<float> v[4] = {fromBits(fromWords(c.c0)), fromBits(fromWords(c.c1)),
                     fromBits(fromWords(c.c2)), fromBits(fromWords(c.c3))};
  interleave4(v);
  for (int w = 0; w < 4; ++w) store(words + w * kU32Lanes, toBits(v[w]));
}

// The keys of all rounds.
struct PhiloxKeys {
  uint32_t key0[kPhiloxRounds], key1[kPhiloxRounds];
};

template <int count>
TG_INLINE void philoxBlocks(const PhiloxKeys& keys, uint64_t first, uint32_t* words) {
  Counter c[count];
  TG_UNROLL for (int b = 0; b < count; ++b) {
    c[b] =
        firstRound(first + static_cast<uint64_t>(b * kBlockPositions), keys.key0[0], keys.key1[0]);
  }
  TG_UNROLL for (int round = 1; round < kPhiloxRounds; ++round) {
    TG_UNROLL for (int b = 0; b < count; ++b) {
      c[b] = nextRound(c[b], keys.key0[round], keys.key1[round]);
    }
  }
  TG_UNROLL for (int b = 0; b < count; ++b) storeWords(c[b], words + b * kBlockWords);
}

// The words of `blocks` blocks of positions, in order. One function for all distributions, which
// read the words from a buffer in the first-level cache: that costs less than ten rounds compiled
// into each of them, whose constants would compete for registers with the distribution's.
TG_NOINLINE static void philoxWords(int64_t blocks, uint64_t key, uint64_t first, uint32_t* words) {
  PhiloxKeys keys;
  for (uint32_t round = 0; round < kPhiloxRounds; ++round) {
    keys.key0[round] = static_cast<uint32_t>(key) + round * kPhiloxWeyl0;
    keys.key1[round] = static_cast<uint32_t>(key >> 32) + round * kPhiloxWeyl1;
  }
  // Blocks in flight: a round is a chain of a product, a shift and an exclusive or, which two
  // blocks fill better than one where a register holds all lanes.
  constexpr int kFlight = kRegs<float> == 1 ? 2 : 1;
  int64_t b = 0;
  for (; b + kFlight <= blocks; b += kFlight, first += kFlight * kBlockPositions) {
    philoxBlocks<kFlight>(keys, first, words + b * kBlockWords);
  }
  for (; b < blocks; ++b, first += kBlockPositions) {
    philoxBlocks<1>(keys, first, words + b * kBlockWords);
  }
}

TG_TARGET_END
