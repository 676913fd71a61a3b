// Tensors with more places around them, in one pass over the rows of the result.
#include <string.h>

#include "../dispatch.h"
#include "../elementwise/map.h"
#include "../parallel.h"
#include "../rows.h"

namespace tilegrad {
namespace {

// What the new places hold, as lib/ops/shape/pad.ts numbers it.
enum class Mode : int64_t { constant, reflect, replicate, circular, count };

// Of the dimensions that are padded: more are rare, and TypeScript pads them one after the other.
constexpr int kPadded = 3;

struct Padding {
  explicit Padding(const Command& c)
      : outer(c.number[0].i), mode(static_cast<Mode>(c.number[10].i)) {
    for (int d = 0; d < kPadded; ++d) {
      size[d] = c.number[1 + d].i;
      padded[d] = c.number[4 + d].i;
      before[d] = c.number[7 + d].i;
    }
  }

  int64_t outer;
  int64_t size[kPadded], padded[kPadded], before[kPadded];
  Mode mode;

  // Which place of dimension d place i of the result repeats, or -1 for a constant.
  int64_t sourceOf(int d, int64_t i) const {
    const int64_t at = i - before[d], last = size[d] - 1;
    if (at >= 0 && at <= last) return at;
    switch (mode) {
      case Mode::reflect:
        return at < 0 ? -at : 2 * last - at;
      case Mode::replicate:
        return at < 0 ? 0 : last;
      case Mode::circular:
        return at < 0 ? at + size[d] : at - size[d];
      default:
        return -1;
    }
  }
};

// Columns [begin, end) of rows of the result, which lie outside of x's rows: one column after the
// other, since where it comes from takes longer to say than an element to move. A constant is its
// own source.
template <class Bits>
void padEnds(const Padding& p, int64_t begin, int64_t end, int64_t rows, const void* from,
             const void* value, void* to) {
  const Bits* const x = static_cast<const Bits*>(from);
  Bits* const y = static_cast<Bits*>(to);
  const int64_t n = p.size[kPadded - 1], width = p.padded[kPadded - 1];
  for (int64_t j = begin; j < end; ++j) {
    const int64_t at = p.sourceOf(kPadded - 1, j);
    const Bits* const source = at < 0 ? static_cast<const Bits*>(value) : x + at;
    const int64_t step = at < 0 ? 0 : n;
    for (int64_t i = 0; i < rows; ++i) y[i * width + j] = source[i * step];
  }
}

// Elements of one size: how large they are, how the ends of rows are made of them, and a cache line
// of the value.
struct Elements {
  decltype(&padEnds<uint8_t>) ends;
  int64_t bytes;
  const void* value;
  float pattern[16];
};

// Rows of the result that are padded together: their lines stay in the first-level cache.
constexpr int64_t kTogether = 64;

// Rows [begin, end) of a plane of the result from the plane x.
void padPlane(const Padding& p, const Elements& e, int64_t begin, int64_t end, const char* x,
              char* y) {
  const int64_t n = p.size[2], width = p.padded[2], left = p.before[2];
  const int64_t top = p.before[1], bottom = top + p.size[1];
  const int64_t xRow = n * e.bytes, yRow = width * e.bytes;
  for (int64_t i = begin; i < end;) {
    const int64_t source = p.sourceOf(1, i);
    char* const to = y + i * yRow;
    if (source < 0) {
      kernels().moves.repeat(yRow, e.pattern, to);
      ++i;
      continue;
    }
    const int64_t inside = bottom < end ? bottom - i : end - i;
    const int64_t rows = i < top || i >= bottom ? 1 : inside < kTogether ? inside : kTogether;
    const char* const from = x + source * xRow;
    if (n > 0) moveRows(rows, xRow, from, xRow, to + left * e.bytes, yRow);
    e.ends(p, 0, left, rows, from, e.value, to);
    e.ends(p, left + n, width, rows, from, e.value, to);
    i += rows;
  }
}

void padAll(const Command& c, const Padding& p, const Elements& e) {
  const int64_t height = p.padded[1], yRow = p.padded[2] * e.bytes;
  const int64_t rows = p.outer * p.padded[0] * height;
  parallelShares(rows, 1, 2 * yRow, kLightShare, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end;) {
      const int64_t at = row / height, i = row % height;
      const int64_t count = height - i < end - row ? height - i : end - row;
      char* const y = static_cast<char*>(c.data[2]) + at * height * yRow;
      const int64_t source = p.sourceOf(0, at % p.padded[0]);
      if (source < 0) {
        kernels().moves.repeat(count * yRow, e.pattern, y + i * yRow);
      } else {
        const int64_t from = at / p.padded[0] * p.size[0] + source;
        const int64_t size = p.size[1] * p.size[2] * e.bytes;
        padPlane(p, e, i, i + count, static_cast<const char*>(c.data[0]) + from * size, y);
      }
      row += count;
    }
  });
}

Status pad(const Command& c) {
  const Padding p(c);
  for (const int64_t size : p.padded) {
    if (size == 0) return Status::ok;
  }
  static const uint64_t zero = 0;
  Elements elements{padEnds<uint8_t>, sizeOf(c.type[0]), c.data[1] ? c.data[1] : &zero, {}};
  if (elements.bytes == 2) elements.ends = padEnds<uint16_t>;
  if (elements.bytes == 4) elements.ends = padEnds<uint32_t>;
  if (elements.bytes == 8) elements.ends = padEnds<uint64_t>;
  const size_t bytes = static_cast<size_t>(elements.bytes);
  for (size_t at = 0; at < sizeof elements.pattern; at += bytes) {
    memcpy(reinterpret_cast<char*>(elements.pattern) + at, elements.value, bytes);
  }
  padAll(c, p, elements);
  return Status::ok;
}

// The most places that a mode finds elements for, at one end of a dimension.
int64_t reach(Mode mode, int64_t size) {
  switch (mode) {
    case Mode::reflect:
      return size - 1;
    case Mode::circular:
      return size;
    case Mode::replicate:
      return size > 0 ? INT64_MAX : 0;
    default:
      return INT64_MAX;
  }
}

const char* checkPad(const Command& c) {
  const Padding p(c);
  if (c.number[10].i < 0 || p.mode >= Mode::count) return "no such mode";
  for (int d = 0; d < kPadded; ++d) {
    const int64_t before = p.before[d];
    if (before < 0 || p.size[d] > p.padded[d] || before > p.padded[d] - p.size[d]) {
      return "x does not lie within the result";
    }
    const int64_t after = p.padded[d] - p.size[d] - before;
    const int64_t most = before > after ? before : after;
    if (most > 0 && most > reach(p.mode, p.size[d])) return "no elements to repeat";
  }
  return nullptr;
}

const Row kRows[] = {
    // y has x's n0 x n1 x n2 places and others before and behind them, which hold the value (0
    // without one) or what the mode repeats.
    {"pad",
     "in x E[outer n0 n1 n2] opt value E[] out y E[outer m0 m1 m2]; "
     "outer n0 n1 n2 m0 m1 m2 size before0 before1 before2 mode int",
     pad, checkPad},
};

}  // namespace

RowList padRows() { return rowList(kRows); }

}  // namespace tilegrad
