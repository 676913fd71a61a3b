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

// The words of `blocks` blocks of positions, in order. One function for all distributions, which
// read the words from a buffer in the first-level cache: that costs less than ten rounds compiled
// into each of them, whose constants would compete for registers with the distribution's.
TG_NOINLINE static void philoxWords(int64_t blocks, uint64_t key, uint64_t first, uint32_t* words) {
  uint32_t key0[kPhiloxRounds], key1[kPhiloxRounds];
  for (uint32_t round = 0; round < kPhiloxRounds; ++round) {
    key0[round] = static_cast<uint32_t>(key) + round * kPhiloxWeyl0;
    key1[round] = static_cast<uint32_t>(key >> 32) + round * kPhiloxWeyl1;
  }
  for (int64_t b = 0; b < blocks; ++b, first += kBlockPositions, words += kBlockWords) {
    U32Vec low, high;
    positionsOf(first, &low, &high);
    // The first round, of a counter whose words 2 and 3 are 0.
    const WordProduct product = mulWide(toWords(low), kPhiloxMultiplier0);
    const Words zero = toWords(usplat(0));
    Words c0 = ixor(toWords(high), zero, key0[0]), c1 = zero;
    Words c2 = ixor(highWords(product), zero, key1[0]), c3 = lowWords(product);
    TG_UNROLL for (int round = 1; round < kPhiloxRounds; ++round) {
      const WordProduct product0 = mulWide(c0, kPhiloxMultiplier0);
      const WordProduct product1 = mulWide(c2, kPhiloxMultiplier1);
      c0 = ixor(highWords(product1), c1, key0[round]);
      c1 = lowWords(product1);
      c2 = ixor(highWords(product0), c3, key1[round]);
      c3 = lowWords(product0);
    }
    Vec<float> v[4] = {fromBits(fromWords(c0)), fromBits(fromWords(c1)), fromBits(fromWords(c2)),
                       fromBits(fromWords(c3))};
    interleave4(v);
    for (int w = 0; w < 4; ++w) store(words + w * kU32Lanes, toBits(v[w]));
  }
}

TG_TARGET_END
