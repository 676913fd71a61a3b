// Softmax and log-softmax over rows or columns of scores.
#include "../rows.h"
#include "../softmax_layout.h"

namespace tilegrad {
namespace {

enum class Kind { softmax, logSoftmax };

template <class T, Kind kind>
Status forward(const Command& c) {
  const ClassLayout s{c.number[0].i, c.number[1].i, c.number[2].i, c.number[3].i, c.number[4].i};
  if (s.empty()) return Status::ok;
  const FloatKernels<T>& k = floatKernels<T>();
  const SoftmaxColumnKernels<T>& columns = k.softmaxColumns;
  const auto ofColumns = kind == Kind::softmax ? columns.softmax : columns.logSoftmax;
  const T* const x = static_cast<const T*>(c.data[0]);
  T* const y = static_cast<T*>(c.data[1]);
  const int64_t together = kind == Kind::softmax ? kSoftmaxRows : 1;
  overStrips<T>(s, 2, together, kWideStrip, [&](const Strip& strip) {
    if (s.shortRows()) {
      ShortRows<T> turned;
      columns.toColumns(strip.count, s.cols, x + strip.x, s.xOuter, turned.values);
      ofColumns(s.cols, strip.count, turned.values, kColumnStrip, turned.values, kColumnStrip);
      columns.toRows(strip.count, s.cols, turned.values, y + strip.y, s.cols);
    } else if (s.rows()) {
      if constexpr (kind == Kind::softmax) {
        k.softmax.softmax(strip.count, s.cols, x + strip.x, s.xOuter, y + strip.y);
      } else {
        k.softmax.logSoftmax(s.cols, x + strip.x, y + strip.y);
      }
    } else {
      ofColumns(s.cols, strip.count, x + strip.x, s.xCol, y + strip.y, s.inner);
    }
  });
  return Status::ok;
}

template <class T, Kind kind>
Status backward(const Command& c) {
  const int64_t cols = c.number[1].i, inner = c.number[2].i;
  if (c.number[0].i == 0 || cols == 0 || inner == 0) return Status::ok;
  const ClassLayout s{c.number[0].i, cols, inner, cols * inner, inner};
  const FloatKernels<T>& k = floatKernels<T>();
  const SoftmaxColumnKernels<T>& columns = k.softmaxColumns;
  const auto ofRow =
      kind == Kind::softmax ? k.softmax.softmaxBackward : k.softmax.logSoftmaxBackward;
  const auto ofColumns =
      kind == Kind::softmax ? columns.softmaxBackward : columns.logSoftmaxBackward;
  const T* const y = static_cast<const T*>(c.data[0]);
  const T* const g = static_cast<const T*>(c.data[1]);
  T* const dx = static_cast<T*>(c.data[2]);
  overStrips<T>(s, 3, 1, kWideStrip, [&](const Strip& strip) {
    const int64_t at = strip.y;
    if (s.shortRows()) {
      ShortRows<T> turnedY, turnedG;
      columns.toColumns(strip.count, cols, y + at, cols, turnedY.values);
      columns.toColumns(strip.count, cols, g + at, cols, turnedG.values);
      ofColumns(cols, strip.count, turnedY.values, turnedG.values, turnedG.values, kColumnStrip);
      columns.toRows(strip.count, cols, turnedG.values, dx + at, cols);
    } else if (s.rows()) {
      ofRow(cols, y + at, g + at, dx + at);
    } else {
      ofColumns(cols, strip.count, y + at, g + at, dx + at, inner);
    }
  });
  return Status::ok;
}

template <Kind kind>
Status runForward(const Command& c) {
  return c.type[0] == DType::float64 ? forward<double, kind>(c) : forward<float, kind>(c);
}

template <Kind kind>
Status runBackward(const Command& c) {
  return c.type[0] == DType::float64 ? backward<double, kind>(c) : backward<float, kind>(c);
}

constexpr char kForward[] =
    "in x T[outer*xOuter cols*xCol inner] out y T[outer cols inner]; "
    "outer cols inner size xOuter xCol stride";
constexpr char kBackward[] =
    "in y T[outer cols inner] in g T[outer cols inner] out dx T[outer cols inner]; "
    "outer cols inner size";

const Row kRows[] = {
    // y = exp(x) / sum(exp(x)) and its logarithm, over the middle dimension. y may be x when it
    // lies
    // as x does.
    {"softmax", kForward, runForward<Kind::softmax>, nullptr},
    {"logSoftmax", kForward, runForward<Kind::logSoftmax>, nullptr},
    // dx = y (g - sum(g y)), and dx = g - exp(y) sum(g). dx may be g or y.
    {"softmaxBackward", kBackward, runBackward<Kind::softmax>, nullptr},
    {"logSoftmaxBackward", kBackward, runBackward<Kind::logSoftmax>, nullptr},
};

}  // namespace

RowList softmaxRows() { return rowList(kRows); }

}  // namespace tilegrad
