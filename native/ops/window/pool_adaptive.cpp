// Adaptive windows over many planes. Their places and sizes vary from one to the next, so lanes of
// a register can't hold windows side by side; they hold planes, whose windows are all the same.
// Rows of planes are turned into columns of a tile, the kernels walk its windows, results are
// turned back.
#include <string.h>

#include "../../base/scratch.h"
#include "pool.h"

namespace tilegrad {
namespace {

// Planes side by side: a cache line of float32, whole squares of every level's transposition.
constexpr int64_t kSide = 16;
constexpr int kSideBits = 4;
// With fewer planes than this most lanes have nothing to do. Of 8 and 9 planes of 16 x 16 to 5 x 5
// largest values take two thirds of the time that they take one by one, means as long.
constexpr int64_t kFewestPlanes = 8;
// Places of each plane in a tile: 64 KB of float32.
constexpr int64_t kTilePlaces = 1024;
// Largest values of windows of more rows are better looked for down the columns first: planes of 32
// x 64 to 3 x 3 (12 rows) take 1.7 times as long side by side, 32 x 32 to 7 x 7 (6) a third.
constexpr int64_t kMostRows = 8;
// Results of each plane that are kept until they are turned back together: 16 KB of float32.
constexpr int64_t kKept = 256;

// A tile of gradients: a quarter of the second-level cache of most CPUs, planes of 64 x 64 float32.
constexpr int64_t kSpreadBytes = 256 * 1024;

void turn(int64_t rows, int64_t cols, const float* x, int64_t xCol, float* y, int64_t yRow) {
  kernels().moves.size4.transpose(rows, cols, reinterpret_cast<const uint32_t*>(x), xCol,
                                  reinterpret_cast<uint32_t*>(y), yRow);
}
void turn(int64_t rows, int64_t cols, const double* x, int64_t xCol, double* y, int64_t yRow) {
  kernels().moves.size8.transpose(rows, cols, reinterpret_cast<const uint64_t*>(x), xCol,
                                  reinterpret_cast<uint64_t*>(y), yRow);
}
void turn(int64_t rows, int64_t cols, const int32_t* x, int64_t xCol, int32_t* y, int64_t yRow) {
  kernels().moves.size4.transpose(rows, cols, reinterpret_cast<const uint32_t*>(x), xCol,
                                  reinterpret_cast<uint32_t*>(y), yRow);
}

// As many places as the largest window of an axis has, or one more.
int64_t largestWindow(const Axis& axis) {
  const int64_t whole = axis.in / axis.out;
  return axis.in % axis.out == 0 ? whole : least(axis.in, whole + 2);
}

// How many neighbouring windows surely lie within a tile of one row.
int64_t windowsOfTile(const Axis& axis) {
  return least(kKept, (kTilePlaces - 2) * axis.out / axis.in);
}

template <class T>
struct Pass {
  Pooling p;
  bool largest;  // or means
  const T* x;
  int64_t xPlane;
  T* y;
  int32_t* index;  // null if not wanted
};

// A thread's work on a group of planes: up to kSide, side by side.
template <class T>
class Group {
 public:
  explicit Group(const Pass<T>& pass) : pass_(pass), p_(pass.p) {
    const int64_t lines = pass.largest || largestWindow(p_.rows) == 1 ? 0 : kSide * p_.cols.in;
    const int64_t values = (kTilePlaces + kKept) * kSide + lines;
    const int64_t bytes = values * static_cast<int64_t>(sizeof(T)) +
                          kKept * kSide * static_cast<int64_t>(sizeof(int32_t));
    memory_ = static_cast<T*>(scratch(ScratchSlot::step, static_cast<size_t>(bytes)));
  }
  bool failed() const { return memory_ == nullptr; }

  // Rows [begin, end) of the results of planes [plane, plane + count).
  void run(int64_t plane, int64_t count, int64_t begin, int64_t end) {
    plane_ = plane;
    count_ = count;
    kept_ = 0;
    done_ = begin * p_.cols.out;
    for (int64_t i = begin; i < end; ++i) row(p_.rows.window(i));
    turnBack();
  }

 private:
  T* tile() const { return memory_; }
  T* values() const { return tile() + kTilePlaces * kSide; }
  int32_t* places() const { return reinterpret_cast<int32_t*>(values() + kKept * kSide); }
  T* lines() const { return reinterpret_cast<T*>(places() + kKept * kSide); }

  // One row of results.
  void row(Span rows) {
    const int64_t width = p_.cols.in, tall = rows.end - rows.begin;
    const T* from = pass_.x + plane_ * pass_.xPlane + rows.begin * width;
    int64_t fromPlane = pass_.xPlane, height = tall;
    // Means are sums of the sums of columns, as they are of few planes.
    if (!pass_.largest && tall > 1) {
      for (int64_t k = 0; k < count_; ++k) sumColumns(tall, from + k * fromPlane, k * width);
      from = lines();
      fromPlane = width;
      height = 1;
    }
    Windows windows(p_.cols, 0);
    const int64_t most = height > 1 ? p_.cols.out : windowsOfTile(p_.cols);
    for (int64_t j = 0; j < p_.cols.out; j += most) {
      const int64_t end = least(j + most, p_.cols.out);
      const int64_t left = height > 1 ? 0 : p_.cols.window(j).begin;
      const int64_t right = height > 1 ? width : p_.cols.window(end - 1).end;
      turn(height * (right - left), count_, from + left, fromPlane, tile(), kSide);
      for (int64_t o = j; o < end; ++o) {
        pool(windows.next(), left, height, tall);
        locate(rows.begin * width + left);
        if (++kept_ == kKept) turnBack();
      }
    }
  }

  void sumColumns(int64_t tall, const T* from, int64_t line) const {
    PoolWindows<T> w{};
    w.rows = w.stride = w.tapCols = 1;
    w.divisor = 1;
    w.cols = w.tapRow = p_.cols.in;
    w.tapRows = tall;
    w.x = from;
    w.y = lines() + line;
    floatKernels<T>().pool.mean(w);
  }

  // One window of all planes, from a tile that begins at column `left`.
  void pool(Span taps, int64_t left, int64_t height, int64_t tall) const {
    const int64_t first = (taps.begin - left) * kSide;
    PoolWindows<T> w{};
    w.rows = w.stride = 1;
    w.cols = count_;
    w.tapRows = height;
    w.tapCols = taps.end - taps.begin;
    w.tapRow = p_.cols.in * kSide;
    w.tapCol = kSide;
    w.x = tile() + first;
    w.y = values() + kept_ * kSide;
    if (pass_.largest) {
      w.index = pass_.index ? places() + kept_ * kSide : nullptr;
      w.place = first;
      floatKernels<T>().pool.max(w);
    } else {
      w.divisor = static_cast<T>(p_.divisor != 0 ? p_.divisor : tall * w.tapCols);
      floatKernels<T>().pool.mean(w);
    }
  }

  // Elements of the tile as places of planes.
  void locate(int64_t base) const {
    if (!pass_.index) return;
    uint32_t* const at = reinterpret_cast<uint32_t*>(places() + kept_ * kSide);
    for (int k = 0; k < kSide; ++k) at[k] = (at[k] >> kSideBits) + static_cast<uint32_t>(base);
  }

  // Results that were kept, to where they belong.
  void turnBack() {
    const int64_t first = plane_ * p_.results() + done_;
    turn(count_, kept_, values(), kSide, pass_.y + first, p_.results());
    if (pass_.index) turn(count_, kept_, places(), kSide, pass_.index + first, p_.results());
    done_ += kept_;
    kept_ = 0;
  }

  const Pass<T>& pass_;
  const Pooling& p_;
  T* memory_;
  int64_t plane_ = 0, count_ = 0;
  int64_t done_ = 0, kept_ = 0;  // results of each plane
};

template <class T>
Status run(const Pass<T>& pass) {
  const Pooling& p = pass.p;
  const int64_t groups = (p.planes + kSide - 1) / kSide;
  const int64_t bytes = kSide * (p.places() / p.rows.out + 2 * p.cols.out) * int64_t{sizeof(T)};
  return parallelStatus(groups * p.rows.out, most(1, kHeavyShare / bytes),
                        [&](int64_t begin, int64_t end) {
                          Group<T> group(pass);
                          if (group.failed()) return Status::outOfMemory;
                          while (begin < end) {
                            const int64_t plane = begin / p.rows.out * kSide;
                            const int64_t first = begin % p.rows.out;
                            const int64_t last = least(p.rows.out, first + end - begin);
                            group.run(plane, least(kSide, p.planes - plane), first, last);
                            begin += last - first;
                          }
                          return Status::ok;
                        });
}

template <class T>
Pass<T> passOf(const Command& c, const Pooling& p, bool largest, int64_t xPlane) {
  return {p,
          largest,
          static_cast<const T*>(c.data[0]),
          xPlane,
          static_cast<T*>(c.data[1]),
          largest ? static_cast<int32_t*>(c.data[2]) : nullptr};
}

// The gradients of a row of results, made shares and added to the places of their windows in one
// row of a tile. Windows have rowPlaces places in each of their columns.
template <class T>
void spreadLine(const Pooling& p, int64_t rowPlaces, T* share, T* to) {
  Windows windows(p.cols, 0);
  for (int64_t j = 0; j < p.cols.out; ++j, share += kSide) {
    const Span window = windows.next();
    const int64_t places = rowPlaces * (window.end - window.begin);
    const T divisor = static_cast<T>(p.divisor != 0 ? p.divisor : places);
    for (int k = 0; k < kSide; ++k) share[k] /= divisor;
    for (T* place = to + window.begin * kSide; place < to + window.end * kSide; place += kSide) {
      for (int k = 0; k < kSide; ++k) place[k] += share[k];
    }
  }
}

// The gradient of the means of planes [plane, plane + count), up to kSide. Every place gets its
// shares in the order in which they come to it when planes are taken one by one.
template <class T>
void spreadGroup(const Pooling& p, int64_t plane, int64_t count, const T* g, T* dx, T* tile) {
  const int64_t width = p.cols.in;
  T* const line = tile + p.places() * kSide;
  T* const shares = line + width * kSide;
  memset(tile, 0, static_cast<size_t>(p.places() * kSide) * sizeof(T));
  // Lanes without a plane are computed with as well.
  if (count < kSide) memset(shares, 0, static_cast<size_t>(p.cols.out * kSide) * sizeof(T));
  for (int64_t i = 0; i < p.rows.out; ++i) {
    const Span rows = p.rows.window(i);
    turn(p.cols.out, count, g + plane * p.results() + i * p.cols.out, p.results(), shares, kSide);
    // Once for all rows of a window, and straight to its place where there is but one.
    const bool once = rows.end - rows.begin > 1;
    if (once) memset(line, 0, static_cast<size_t>(width * kSide) * sizeof(T));
    spreadLine(p, rows.end - rows.begin, shares, once ? line : tile + rows.begin * width * kSide);
    const auto add = floatKernels<T>().elementwise.binary[static_cast<int>(Binary::add)];
    for (int64_t r = rows.begin; once && r < rows.end; ++r) {
      T* const row = tile + r * width * kSide;
      add(width * kSide, row, 1, line, 1, row);
    }
  }
  turn(count, p.places(), tile, kSide, dx + plane * p.places(), p.places());
}

template <class T>
Status spread(const Command& c, const Pooling& p) {
  const T* const g = static_cast<const T*>(c.data[0]);
  T* const dx = static_cast<T*>(c.data[1]);
  const int64_t values = (p.places() + p.cols.in + p.cols.out) * kSide;
  const int64_t bytes = (2 * p.places() + p.results()) * kSide * static_cast<int64_t>(sizeof(T));
  const int64_t groups = (p.planes + kSide - 1) / kSide;
  return parallelStatus(groups, most(1, kHeavyShare / bytes), [&](int64_t begin, int64_t end) {
    T* const tile =
        static_cast<T*>(scratch(ScratchSlot::step, static_cast<size_t>(values) * sizeof(T)));
    if (!tile) return Status::outOfMemory;
    for (int64_t group = begin; group < end; ++group) {
      const int64_t plane = group * kSide;
      spreadGroup(p, plane, least(kSide, p.planes - plane), g, dx, tile);
    }
    return Status::ok;
  });
}

}  // namespace

bool spreadsSideBySide(const Pooling& p, int64_t elementBytes) {
  if (p.cols.kernel != 0 || p.planes < kFewestPlanes) return false;
  if (p.places() == 0 || p.results() == 0) return false;
  return p.cols.in <= kMostColumns && p.cols.out <= kShares &&
         p.places() * kSide * elementBytes <= kSpreadBytes;
}

Status spreadSideBySide(const Command& c, const Pooling& p) {
  return c.type[0] == DType::float64 ? spread<double>(c, p) : spread<float>(c, p);
}

bool isSideBySide(const Pooling& p, bool largest) {
  if (p.cols.kernel != 0 || p.planes < kFewestPlanes) return false;
  if (p.places() == 0 || p.results() == 0) return false;
  const int64_t tall = largestWindow(p.rows);
  const bool oneRow = tall == 1 || (!largest && p.cols.in <= kMostColumns);
  if (oneRow) return windowsOfTile(p.cols) > 0;
  return largest && tall <= kMostRows && tall * p.cols.in <= kTilePlaces;
}

Status poolSideBySide(const Command& c, const Pooling& p, bool largest, int64_t xPlane) {
  return c.type[0] == DType::float64 ? run(passOf<double>(c, p, largest, xPlane))
                                     : run(passOf<float>(c, p, largest, xPlane));
}

}  // namespace tilegrad
