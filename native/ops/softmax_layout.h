// How softmax and its relatives walk over `outer` times `cols` times `inner` values, the middle
// dimension being that of the classes.
#pragma once
#include "dispatch.h"
#include "parallel.h"

namespace tilegrad {

struct ClassLayout {
  int64_t outer, cols, inner;
  int64_t xOuter, xCol;  // strides of the input; outputs are contiguous
  bool empty() const { return outer == 0 || cols == 0 || inner == 0; }
  // Whether each position's classes lie together.
  bool rows() const { return inner == 1 && xCol == 1; }
  // Rows so short that kColumnStrip of them at a time are turned into columns.
  bool shortRows() const { return rows() && cols <= kShortRow; }
};

// Positions that are worked on together: columns, up to kColumnStrip rows as columns, or a few
// rows.
struct Strip {
  int64_t position, count;  // of the first one, and how many
  int64_t x, y;             // offsets of the first one's first class
};

// The columns of a strip: at most `most`, narrower ones where there would be fewer strips than
// threads.
inline int64_t stripColumns(const ClassLayout& s, int64_t most) {
  while (most > kColumnStrip && s.outer * ((s.inner + most - 1) / most) < numThreads()) most /= 2;
  return most;
}

// Calls f(strip) for all positions, on as many threads as their bytes are worth; `arrays` of the
// size of x are touched. A strip has up to `together` rows that aren't short, or up to `columns`
// columns.
template <class T, class F>
void overStrips(const ClassLayout& s, int64_t arrays, int64_t together, int64_t columns,
                const F& f) {
  const int64_t positions = s.rows() ? s.outer : s.inner, turns = s.rows() ? 1 : s.outer;
  const int64_t width = s.shortRows() ? kColumnStrip
                        : s.rows()    ? together
                                      : stripColumns(s, columns);
  const int64_t strips = (positions + width - 1) / width;
  const int64_t widest = positions < width ? positions : width;
  const int64_t bytes = arrays * s.cols * widest * static_cast<int64_t>(sizeof(T));
  parallelShares(turns * strips, 1, bytes, kHeavyShare,
                 [&](int64_t begin, int64_t end) TG_NOINLINE_LAMBDA {
                   for (int64_t i = begin; i < end; ++i) {
                     const int64_t turn = i / strips, at = i % strips * width;
                     const int64_t count = positions - at < width ? positions - at : width;
                     if (s.rows()) {
                       f(Strip{at, count, at * s.xOuter, at * s.cols});
                     } else {
                       f(Strip{turn * s.inner + at, count, turn * s.xOuter + at,
                               turn * s.cols * s.inner + at});
                     }
                   }
                 });
}

// Short rows as columns.
template <class T>
struct ShortRows {
  alignas(64) T values[kShortRow * kColumnStrip];
};

}  // namespace tilegrad
