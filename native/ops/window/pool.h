// Windows over planes: what pooling and its gradients share.
#pragma once
#include "../dispatch.h"
#include "../parallel.h"

namespace tilegrad {

// Places or results: begin <= i < end.
struct Span {
  int64_t begin, end;
};

inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

// One dimension of a plane. Window o has `kernel` places, `dilation` apart from each other, from
// o * stride - padding on; those outside the plane are left out. A kernel of 0 stands for adaptive
// windows, which share the plane evenly: from floor(o * in / out) to ceil((o + 1) * in / out).
struct Axis {
  int64_t in, out, kernel, stride, padding, dilation;

  // The places of window o that are inside, `dilation` apart.
  Span window(int64_t o) const {
    if (kernel == 0) return {o * in / out, ((o + 1) * in + out - 1) / out};
    const int64_t first = o * stride - padding;
    int64_t skipped = first < 0 ? -first : 0;
    if (dilation > 1) skipped = (skipped + dilation - 1) / dilation * dilation;
    return {first + skipped, least(first + (kernel - 1) * dilation + 1, in)};
  }

  // How many places count in the mean of window o: those inside or, with `countPadding`, those of
  // the padding too, behind which nothing counts.
  int64_t counted(int64_t o, bool countPadding) const {
    if (!countPadding || kernel == 0) {
      const Span inside = window(o);
      return most(0, inside.end - inside.begin);
    }
    const int64_t first = o * stride - padding;
    return least(first + kernel, in + padding) - first;
  }

  // The windows that are inside as a whole.
  Span whole() const {
    const int64_t last = in - 1 - (kernel - 1) * dilation + padding;
    if (kernel == 0 || last < 0) return {0, 0};
    const int64_t begin = least((padding + stride - 1) / stride, out);
    return {begin, most(begin, least(last / stride + 1, out))};
  }
};

// The windows of an axis from one on, without the divisions that adaptive ones take.
class Windows {
 public:
  Windows(const Axis& axis, int64_t o) : axis_(axis), o_(o) {
    if (axis.kernel > 0) return;
    each_ = axis.in / axis.out;
    left_ = axis.in % axis.out;
    begin_ = o * axis.in / axis.out;
    part_ = o * axis.in % axis.out;
  }

  Span next() {
    if (axis_.kernel > 0) return axis_.window(o_++);
    const int64_t begin = begin_;
    begin_ += each_;
    part_ += left_;
    if (part_ >= axis_.out) {
      part_ -= axis_.out;
      ++begin_;
    }
    return {begin, begin_ + (part_ > 0 ? 1 : 0)};
  }

 private:
  const Axis& axis_;
  int64_t o_;
  int64_t each_ = 0, left_ = 0;   // places of each window, and what is left when they are shared
  int64_t begin_ = 0, part_ = 0;  // of the next window: in places, and in parts of one
};

// Adaptive windows of planes up to this width are pooled down their columns first, by a kernel, and
// gradients spread along one row for all rows of a window: 12 KB on the stack.
constexpr int64_t kMostColumns = 1024;

// Results whose shares of the gradient are computed at a time.
constexpr int64_t kShares = 256;

struct Pooling {
  int64_t planes;
  Axis rows, cols;
  bool countPadding;  // means: whether places of the padding count
  int64_t divisor;    // means: what sums are divided by; 0 for the number of places

  explicit Pooling(const Command& c) : planes(c.number[0].i), countPadding(false), divisor(0) {
    const Number* const n = c.number;
    rows = {n[1].i, n[3].i, n[5].i, n[7].i, n[9].i, n[11].i};
    cols = {n[2].i, n[4].i, n[6].i, n[8].i, n[10].i, n[12].i};
  }

  int64_t places() const { return rows.in * cols.in; }
  int64_t results() const { return rows.out * cols.out; }

  void takeDivisor(const Command& c) {
    countPadding = c.number[13].i != 0;
    divisor = c.number[14].i;
  }

  // What the sum of window j is divided by, in a row whose windows count `rowPlaces` places in one
  // column; 1 where there is nothing to add.
  int64_t divisorOf(int64_t rowPlaces, int64_t j) const {
    if (divisor != 0) return divisor;
    return most(1, rowPlaces * cols.counted(j, countPadding));
  }
  int64_t rowPlaces(int64_t i) const { return rows.counted(i, countPadding); }
};

// Whether adaptive windows are pooled planes side by side: there are many, and a row of windows
// fits the cache. The results are the same.
bool isSideBySide(const Pooling& p, bool largest);
// The largest values (or the means) of them, on a command that was checked; planes of x are xPlane
// apart.
Status poolSideBySide(const Command& c, const Pooling& p, bool largest, int64_t xPlane);

// The same for the gradient of means; planes of dx without gaps.
bool spreadsSideBySide(const Pooling& p, int64_t elementBytes);
Status spreadSideBySide(const Command& c, const Pooling& p);

// Gradients, on commands that were checked as the forward ones are.
Status maxPoolBackward(const Command& c);
Status avgPoolBackward(const Command& c);

}  // namespace tilegrad
