// Pooling of planes: the largest value or the mean of each window. Windows whose places are all
// inside the plane go to kernels, all rows of them at once; those at the edges are walked one by
// one, in the same order. Of adaptive ones in a row of results the columns are pooled first.
#include <math.h>

#include <initializer_list>

#include "pool.h"
#include "../rows.h"

namespace tilegrad {
namespace {

int64_t countOf(Span span, int64_t step) {
  return span.end > span.begin ? (span.end - span.begin + step - 1) / step : 0;
}

// Rows of results of one plane whose windows look at the rows `taps`, as far as one row of them
// says: `count` of them from i on.
struct Rows {
  int64_t plane, i, count;
  Span taps;
};

// A forward pass, without its type: whole() computes the columns of rows whose windows have whole
// rows of places, edge() those of one row.
struct Passes {
  const void* command;
  void (*whole)(const void* command, const Rows& rows, Span columns);
  void (*edge)(const void* command, const Rows& row, Span columns);
};

void overResults(const Pooling& p, const Passes& f, int64_t plane, int64_t begin, int64_t end) {
  const Span columns = p.cols.whole();
  const Span whole = p.rows.whole();
  for (int64_t i = begin; i < end;) {
    const bool isWhole = i >= whole.begin && i < whole.end;
    Rows rows = {plane, i, isWhole ? least(whole.end, end) - i : 1, p.rows.window(i)};
    i += rows.count;
    const bool byKernel = columns.end > columns.begin && rows.taps.end > rows.taps.begin;
    if (byKernel) f.whole(f.command, rows, columns);
    const Span before = {0, byKernel ? columns.begin : p.cols.out};
    const Span after = {byKernel ? columns.end : p.cols.out, p.cols.out};
    // Where there are no edges, asking for those of each row takes as long as the kernel.
    if (before.begin == before.end && after.begin == after.end) continue;
    for (; rows.i < i; ++rows.i) {
      rows.taps = p.rows.window(rows.i);
      f.edge(f.command, rows, before);
      f.edge(f.command, rows, after);
    }
  }
}

// Rows of results, which threads share.
void overPlanes(const Pooling& p, int64_t elementBytes, const Passes& f) {
  if (p.planes == 0 || p.results() == 0) return;
  const int64_t rowBytes = (p.places() / p.rows.out + 2 * p.cols.out) * elementBytes;
  parallelShares(p.planes * p.rows.out, 1, rowBytes, kLightShare, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t plane = begin / p.rows.out, first = begin % p.rows.out;
      const int64_t last = least(p.rows.out, first + end - begin);
      overResults(p, f, plane, first, last);
      begin += last - first;
    }
  });
}

// What both forward passes have: planes of x, those of y without gaps.
template <class T>
struct Forward {
  Pooling p;
  const T* x;
  int64_t xPlane;
  T* y;

  Forward(const Command& c, int64_t xPlaneStep)
      : p(c),
        x(static_cast<const T*>(c.data[0])),
        xPlane(xPlaneStep),
        y(static_cast<T*>(c.data[1])) {}

  // The windows of a kernel's call.
  PoolWindows<T> windows(const Rows& rows, Span columns) const {
    const int64_t width = p.cols.in;
    const int64_t first = rows.taps.begin * width + columns.begin * p.cols.stride - p.cols.padding;
    PoolWindows<T> w;
    w.rows = rows.count;
    w.cols = columns.end - columns.begin;
    w.stride = p.cols.stride;
    w.tapRows = countOf(rows.taps, p.rows.dilation);
    w.tapCols = p.cols.kernel;
    w.xRow = p.rows.stride * width;
    w.tapRow = p.rows.dilation * width;
    w.tapCol = p.cols.dilation;
    w.yRow = p.cols.out;
    w.x = x + rows.plane * xPlane + first;
    w.y = y + result(rows) + columns.begin;
    w.index = nullptr;
    w.place = first;
    w.divisor = 1;
    return w;
  }

  bool columnsFirst(const Rows& row) const {
    const bool isEmpty = p.cols.in == 0 || row.taps.begin >= row.taps.end;
    return p.cols.kernel == 0 && p.cols.in <= kMostColumns && !isEmpty;
  }

  // The columns of the windows of one row of results, as windows of one column each.
  PoolWindows<T> columns(const Rows& row, T* to) const {
    const int64_t width = p.cols.in, first = row.taps.begin * width;
    PoolWindows<T> w;
    w.rows = w.stride = w.tapCols = w.tapCol = 1;
    w.cols = w.tapRow = width;
    w.tapRows = row.taps.end - row.taps.begin;
    w.xRow = w.yRow = 0;
    w.x = x + row.plane * xPlane + first;
    w.y = to;
    w.index = nullptr;
    w.place = first;
    w.divisor = 1;
    return w;
  }

  // Where a row of results begins.
  int64_t result(const Rows& rows) const { return rows.plane * p.results() + rows.i * p.cols.out; }
};

template <class T>
struct Largest : Forward<T> {
  static constexpr bool kLargest = true;
  int32_t* index;

  explicit Largest(const Command& c)
      : Forward<T>(c, c.number[13].i), index(static_cast<int32_t*>(c.data[2])) {}

  void whole(const Rows& rows, Span columns) const {
    PoolWindows<T> w = this->windows(rows, columns);
    if (index) w.index = index + (w.y - this->y);
    floatKernels<T>().pool.max(w);
  }

  void edge(const Rows& row, Span columns) const {
    if (columns.begin == columns.end) return;
    if (this->columnsFirst(row)) return ofColumns(row, columns);
    const Pooling& of = this->p;
    const T* const plane = this->x + row.plane * this->xPlane;
    Windows windows(of.cols, columns.begin);
    for (int64_t j = columns.begin; j < columns.end; ++j) {
      const Span taps = windows.next();
      T best = static_cast<T>(-INFINITY);
      // Of a window without a place: nowhere.
      int64_t at = -1;
      for (int64_t r = row.taps.begin; r < row.taps.end; r += of.rows.dilation) {
        for (int64_t c = taps.begin; c < taps.end; c += of.cols.dilation) {
          const T next = plane[r * of.cols.in + c];
          if (at >= 0 && !(next > best) && next == next) continue;
          best = next;
          at = r * of.cols.in + c;
        }
      }
      const int64_t to = this->result(row) + j;
      this->y[to] = best;
      if (index) index[to] = static_cast<int32_t>(at);
    }
  }

  // Of equal values the first place of the plane counts, of NaNs the last one.
  void ofColumns(const Rows& row, Span columns) const {
    T values[kMostColumns];
    int32_t places[kMostColumns];
    PoolWindows<T> w = this->columns(row, values);
    w.index = places;
    floatKernels<T>().pool.max(w);
    Windows windows(this->p.cols, columns.begin);
    const int64_t to = this->result(row);
    for (int64_t j = columns.begin; j < columns.end; ++j) {
      const Span taps = windows.next();
      T best = values[taps.begin];
      int32_t at = places[taps.begin];
      for (int64_t c = taps.begin + 1; c < taps.end; ++c) {
        const T next = values[c];
        const bool takes = next != next   ? best == best || places[c] > at
                           : next == best ? places[c] < at
                                          : next > best;
        best = takes ? next : best;
        at = takes ? places[c] : at;
      }
      this->y[to + j] = best;
      if (index) index[to + j] = at;
    }
  }
};

template <class T>
struct Mean : Forward<T> {
  static constexpr bool kLargest = false;
  explicit Mean(const Command& c) : Forward<T>(c, c.number[15].i) { this->p.takeDivisor(c); }

  void whole(const Rows& rows, Span columns) const {
    PoolWindows<T> w = this->windows(rows, columns);
    // Whole columns of a padded window have one divisor.
    w.divisor = static_cast<T>(this->p.divisorOf(this->p.rowPlaces(rows.i), columns.begin));
    floatKernels<T>().pool.mean(w);
  }

  void edge(const Rows& row, Span columns) const {
    if (columns.begin == columns.end) return;
    const Pooling& of = this->p;
    Windows windows(of.cols, columns.begin);
    if (this->columnsFirst(row)) {
      T sums[kMostColumns];
      floatKernels<T>().pool.mean(this->columns(row, sums));
      const int64_t height = row.taps.end - row.taps.begin;
      for (int64_t j = columns.begin; j < columns.end; ++j) {
        const Span taps = windows.next();
        T sum = 0;
        for (int64_t c = taps.begin; c < taps.end; ++c) sum += sums[c];
        const int64_t places = height * (taps.end - taps.begin);
        const int64_t divisor = of.divisor != 0 ? of.divisor : places;
        this->y[this->result(row) + j] = sum / static_cast<T>(divisor);
      }
      return;
    }
    const T* const plane = this->x + row.plane * this->xPlane;
    const int64_t rowPlaces = of.rowPlaces(row.i);
    for (int64_t j = columns.begin; j < columns.end; ++j) {
      const Span taps = windows.next();
      T sum = 0;
      for (int64_t r = row.taps.begin; r < row.taps.end; ++r) {
        for (int64_t c = taps.begin; c < taps.end; ++c) sum += plane[r * of.cols.in + c];
      }
      this->y[this->result(row) + j] = sum / static_cast<T>(of.divisorOf(rowPlaces, j));
    }
  }
};

template <class Pass>
Status runForward(const Command& c, int64_t elementBytes) {
  const Pass pass(c);
  if (isSideBySide(pass.p, Pass::kLargest)) {
    return poolSideBySide(c, pass.p, Pass::kLargest, pass.xPlane);
  }
  overPlanes(pass.p, elementBytes,
             {&pass,
              [](const void* self, const Rows& rows, Span columns) {
                static_cast<const Pass*>(self)->whole(rows, columns);
              },
              [](const void* self, const Rows& rows, Span columns) {
                static_cast<const Pass*>(self)->edge(rows, columns);
              }});
  return Status::ok;
}

template <template <class> class Pass>
Status forward(const Command& c) {
  return c.type[0] == DType::float64 ? runForward<Pass<double>>(c, sizeof(double))
                                     : runForward<Pass<float>>(c, sizeof(float));
}

// Sums of two products of such numbers fit 64 bits.
const char* checkWindows(const Command& c) {
  for (int i = 1; i <= 12; ++i) {
    if (c.number[i].i < 0 || c.number[i].i > INT32_MAX) return "a size is beyond 32 bits";
  }
  for (const int i : {7, 8, 11, 12}) {
    if (c.number[i].i == 0) return "a stride or a dilation is 0";
  }
  const Pooling p(c);
  if (p.places() > INT32_MAX) return "a plane has more places than an index counts";
  if ((p.rows.kernel == 0) != (p.cols.kernel == 0)) return "one dimension alone is adaptive";
  return nullptr;
}

const char* checkMeans(const Command& c) {
  if (c.number[11].i != 1 || c.number[12].i != 1) return "means have no dilation";
  return checkWindows(c);
}

#define TG_WINDOWS                                                                     \
  "planes rows cols outRows outCols size kernelRows kernelCols strideRows strideCols " \
  "paddingRows paddingCols dilationRows dilationCols"

const Row kRows[] = {
    // Windows as Axis has them. index: where in its plane each largest value is, or -1 for a window
    // without a place.
    {"maxPool",
     "in x T[planes*xPlane rows cols] out y T[planes outRows outCols] "
     "optout index i32[planes outRows outCols]; " TG_WINDOWS " int xPlane stride",
     forward<Largest>, checkWindows},
    {"avgPool",
     "in x T[planes*xPlane rows cols] out y T[planes outRows outCols]; " TG_WINDOWS
     " countPadding divisor int xPlane stride",
     forward<Mean>, checkMeans},
    // dx[index] += g, of zeros; an index outside its plane is left out.
    {"maxPoolBackward",
     "in g T[planes results] in index i32[planes results] out dx T[planes places]; "
     "planes results places size",
     maxPoolBackward, nullptr},
    {"avgPoolBackward",
     "in g T[planes outRows outCols] out dx T[planes rows cols]; " TG_WINDOWS
     " countPadding divisor int",
     avgPoolBackward, checkMeans},
};

#undef TG_WINDOWS

}  // namespace

RowList poolRows() { return rowList(kRows); }

}  // namespace tilegrad
