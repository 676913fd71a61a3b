// Tensors with more places around them, in one pass over the rows of the result.
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

// Places [begin, end) of a row of the result, which lie outside of x's row.
template <class Bits>
void padEnd(const Padding& p, int64_t begin, int64_t end, const void* from, const void* value,
            void* to) {
  const Bits* const x = static_cast<const Bits*>(from);
  Bits* const y = static_cast<Bits*>(to);
  for (int64_t j = begin; j < end; ++j) {
    const int64_t source = p.sourceOf(kPadded - 1, j);
    y[j] = source < 0 ? *static_cast<const Bits*>(value) : x[source];
  }
}

// Elements of one size: how they are copied one by one, and how large they are.
struct Elements {
  decltype(&padEnd<uint8_t>) end;
  int64_t bytes;
  const void* value;
};

// Rows [begin, end) of a plane of the result from the plane x.
void padPlane(const Padding& p, const Elements& e, int64_t begin, int64_t end, const char* x,
              char* y) {
  const int64_t n = p.size[2], width = p.padded[2], left = p.before[2];
  const int64_t top = p.before[1], bottom = top + p.size[1];
  const int64_t xRow = n * e.bytes, yRow = width * e.bytes;
  const auto copy = [&](int64_t first, int64_t rows, int64_t source) {
    if (rows <= 0 || n == 0) return;
    moveRows(rows, xRow, x + source * xRow, xRow, y + first * yRow + left * e.bytes, yRow);
  };
  const int64_t from = begin > top ? begin : top, to = end < bottom ? end : bottom;
  copy(from, to - from, from - top);
  for (int64_t i = begin; i < end; ++i) {
    const int64_t source = p.sourceOf(1, i);
    char* const row = y + i * yRow;
    if (source < 0) {
      moveTile(e.bytes, 1, width, e.value, 0, 0, row, 0, 1);
      continue;
    }
    const char* const like = x + source * xRow;
    if (i < top || i >= bottom) copy(i, 1, source);
    if (left > 0) e.end(p, 0, left, like, e.value, row);
    if (left + n < width) e.end(p, left + n, width, like, e.value, row);
  }
}

void padAll(const Command& c, const Padding& p, const Elements& e) {
  const int64_t height = p.padded[1], plane = height * p.padded[2] * e.bytes;
  const int64_t rows = p.outer * p.padded[0] * height;
  parallelShares(rows, 1, 2 * p.padded[2] * e.bytes, kLightShare, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end;) {
      const int64_t at = row / height, i = row % height;
      const int64_t count = height - i < end - row ? height - i : end - row;
      char* const y = static_cast<char*>(c.data[2]) + at * plane;
      const int64_t source = p.sourceOf(0, at % p.padded[0]);
      if (source < 0) {
        moveTile(e.bytes, 1, count * p.padded[2], e.value, 0, 0, y + i * p.padded[2] * e.bytes, 0,
                 1);
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
  Elements elements = {padEnd<uint8_t>, sizeOf(c.type[0]), c.data[1] ? c.data[1] : &zero};
  if (elements.bytes == 2) elements.end = padEnd<uint16_t>;
  if (elements.bytes == 4) elements.end = padEnd<uint32_t>;
  if (elements.bytes == 8) elements.end = padEnd<uint64_t>;
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
