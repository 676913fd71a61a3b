// The random state that rows read and advance: it lies in memory, so that a recorded command
// continues the stream each time it runs.
#pragma once
#include <stdint.h>

namespace tilegrad {

// Where a row begins to draw.
struct Stream {
  uint64_t key, first;
};

// The state's words.
enum StateWord { kKeyLow, kKeyHigh, kPositionLow, kPositionHigh, kStateWords };

inline Stream streamAt(const uint32_t* state) {
  const auto join = [](uint32_t low, uint32_t high) { return low | uint64_t{high} << 32; };
  return {join(state[kKeyLow], state[kKeyHigh]), join(state[kPositionLow], state[kPositionHigh])};
}

// The stream at the state, which advances past the next `positions`.
inline Stream takePositions(uint32_t* state, int64_t positions) {
  const Stream stream = streamAt(state);
  const uint64_t next = stream.first + static_cast<uint64_t>(positions);
  state[kPositionLow] = static_cast<uint32_t>(next);
  state[kPositionHigh] = static_cast<uint32_t>(next >> 32);
  return stream;
}

}  // namespace tilegrad
