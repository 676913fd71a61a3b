// Elementwise rows: y = f(x, ...) over a common shape, every operand with strides of its own (0
// broadcasts) and a type of its own. What is contiguous goes straight to a kernel; the rest goes
// through tiles.
#pragma once
#include <string.h>

#include "../command.h"
#include "../dispatch.h"
#include "../loops.h"
#include "../parallel.h"

namespace tilegrad {

// What the loops need to know of a row's kernel.
struct Map {
  int inputs;                       // operands 0 .. inputs - 1; the next one is the result
  int64_t bytes[kMaxLoopOperands];  // of an element of each of them
  int scalars;    // so many inputs, from the first, may have a step of 0 instead of 1
  int64_t share;  // bytes that a thread should have at least (parallel.h)
};

// Rows of one length: what operand k has for row i begins at in[k] + i * inBytes[k], and its
// elements are step[k] elements apart; those of the result are neighbours.
struct MapRows {
  int64_t rows, n;
  const void* in[kMaxLoopOperands];
  int64_t inBytes[kMaxLoopOperands];
  const int64_t* step;
  void* y;
  int64_t yBytes;
};

// Computes rows of results.
using MapKernel = void (*)(const void* kernel, const MapRows& rows);

Status runMap(const Command& c, const Map& map, MapKernel call, const void* kernel);

// runMap with a function object: f(n, in, step, y).
template <class F>
Status runMap(const Command& c, const Map& map, const F& f) {
  return runMap(
      c, map,
      [](const void* kernel, const MapRows& rows) {
        const void* in[kMaxLoopOperands - 1] = {rows.in[0], rows.in[1], rows.in[2]};
        void* y = rows.y;
        for (int64_t i = 0;;) {
          (*static_cast<const F*>(kernel))(rows.n, in, rows.step, y);
          if (++i >= rows.rows) return;
          for (int k = 0; k < kMaxLoopOperands - 1; ++k) {
            in[k] = static_cast<const char*>(in[k]) + rows.inBytes[k];
          }
          y = static_cast<char*>(y) + rows.yBytes;
        }
      },
      &f);
}

// The kernels that move elements of a size.
inline const MoveKernels<uint8_t>& movesOf(uint8_t) { return kernels().moves.size1; }
inline const MoveKernels<uint16_t>& movesOf(uint16_t) { return kernels().moves.size2; }
inline const MoveKernels<uint32_t>& movesOf(uint32_t) { return kernels().moves.size4; }
inline const MoveKernels<uint64_t>& movesOf(uint64_t) { return kernels().moves.size8; }

// y[i] = value for i < n.
template <class Bits>
void fillElements(Bits* y, int64_t n, Bits value) {
  float pattern[16];
  for (size_t at = 0; at < sizeof pattern; at += sizeof value) {
    memcpy(reinterpret_cast<char*>(pattern) + at, &value, sizeof value);
  }
  kernels().moves.repeat(n * static_cast<int64_t>(sizeof value), pattern, y);
}

// Rows of `bytes` bytes (at least 1), xRow and yRow bytes apart, from x to y.
void moveRows(int64_t rows, int64_t bytes, const void* x, int64_t xRow, void* y, int64_t yRow);

// y[i * yRow + j * yCol] = x[i * xRow + j * xCol] for i < rows, j < cols: elements of so many
// bytes, which don't overlap. Strides are in elements.
void moveTile(int64_t bytes, int64_t rows, int64_t cols, const void* x, int64_t xRow, int64_t xCol,
              void* y, int64_t yRow, int64_t yCol);

}  // namespace tilegrad
