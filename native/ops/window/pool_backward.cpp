// Gradients of pooling, a plane to a thread: each result's goes back to the place of the largest
// value, or in even shares to its window.
#include <string.h>

#include "pool.h"

namespace tilegrad {
namespace {

// Adds each result's gradient where its value was.
template <class T>
void maxPoolBackwardOf(const Command& c) {
  const int64_t planes = c.number[0].i, results = c.number[1].i, places = c.number[2].i;
  const T* const g = static_cast<const T*>(c.data[0]);
  const int32_t* const index = static_cast<const int32_t*>(c.data[1]);
  T* const dx = static_cast<T*>(c.data[2]);
  if (places == 0) return;
  parallelShares(planes, 1, (places + 2 * results) * static_cast<int64_t>(sizeof(T)), kHeavyShare,
                 [&](int64_t begin, int64_t end) {
                   for (int64_t plane = begin; plane < end; ++plane) {
                     const T* const from = g + plane * results;
                     const int32_t* const at = index + plane * results;
                     T* const to = dx + plane * places;
                     memset(to, 0, static_cast<size_t>(places) * sizeof(T));
                     for (int64_t i = 0; i < results; ++i) {
                       const int32_t place = at[i];
                       if (place >= 0 && place < places) to[place] += from[i];
                     }
                   }
                 });
}

// Adds the shares of the results [i, first..last) to the places of their windows in one row. Every
// place gets its shares in the order of the results.
template <class T>
void spreadRow(const Axis& axis, int64_t first, int64_t last, const T* share, T* to) {
  // Adaptive windows one by one, and such as no plane has room for.
  if (axis.kernel == 0 || axis.kernel > axis.in) {
    Windows windows(axis, first);
    for (int64_t j = first; j < last; ++j) {
      const Span window = windows.next();
      for (int64_t c = window.begin; c < window.end; ++c) to[c] += share[j - first];
    }
    return;
  }
  // Of windows that overlap, the last places first: neighbours don't wait for each other then.
  for (int64_t k = axis.kernel - 1; k >= 0; --k) {
    const int64_t shift = k - axis.padding;  // result j goes to j * stride + shift
    const int64_t lowest = shift < 0 ? (-shift + axis.stride - 1) / axis.stride : 0;
    const int64_t inside = axis.in - 1 - shift;
    const int64_t begin = most(first, lowest);
    const int64_t end = inside < 0 ? 0 : least(last, inside / axis.stride + 1);
    if (end <= begin) continue;
    if (axis.stride == 1) {
      T* const place = to + begin + shift;
      const auto add = floatKernels<T>().elementwise.binary[static_cast<int>(Binary::add)];
      add(end - begin, place, 1, share + begin - first, 1, place);
    } else {
      for (int64_t j = begin; j < end; ++j) to[j * axis.stride + shift] += share[j - first];
    }
  }
}

template <class T>
void spreadPlane(const Pooling& p, const T* g, T* dx) {
  const auto div = floatKernels<T>().elementwise.binary[static_cast<int>(Binary::div)];
  const auto add = floatKernels<T>().elementwise.binary[static_cast<int>(Binary::add)];
  const bool byRows = p.cols.in <= kMostColumns;
  T line[kMostColumns];
  memset(dx, 0, static_cast<size_t>(p.places()) * sizeof(T));
  for (int64_t first = 0; first < p.cols.out; first += kShares) {
    const int64_t last = least(first + kShares, p.cols.out);
    T divisors[kShares], share[kShares];
    int64_t rowPlaces = -1;  // that the divisors are of
    for (int64_t i = 0; i < p.rows.out; ++i) {
      const Span rows = p.rows.window(i);
      if (p.rowPlaces(i) != rowPlaces) {
        rowPlaces = p.rowPlaces(i);
        for (int64_t j = first; j < last; ++j) {
          divisors[j - first] = static_cast<T>(p.divisorOf(rowPlaces, j));
        }
      }
      div(last - first, g + i * p.cols.out + first, 1, divisors, 1, share);
      const bool once = byRows && rows.end - rows.begin > 1;
      if (once) {
        memset(line, 0, static_cast<size_t>(p.cols.in) * sizeof(T));
        spreadRow(p.cols, first, last, share, line);
      }
      for (int64_t r = rows.begin; r < rows.end; ++r) {
        T* const row = dx + r * p.cols.in;
        if (once) {
          add(p.cols.in, row, 1, line, 1, row);
        } else {
          spreadRow(p.cols, first, last, share, row);
        }
      }
    }
  }
}

template <class T>
void avgPoolBackwardOf(const Command& c, const Pooling& p) {
  const T* const g = static_cast<const T*>(c.data[0]);
  T* const dx = static_cast<T*>(c.data[1]);
  if (p.places() == 0) return;
  const int64_t bytes = (2 * p.places() + p.results()) * static_cast<int64_t>(sizeof(T));
  parallelShares(p.planes, 1, bytes, kHeavyShare, [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      spreadPlane(p, g + plane * p.results(), dx + plane * p.places());
    }
  });
}
}  // namespace

Status maxPoolBackward(const Command& c) {
  if (c.type[0] == DType::float64) {
    maxPoolBackwardOf<double>(c);
  } else {
    maxPoolBackwardOf<float>(c);
  }
  return Status::ok;
}

Status avgPoolBackward(const Command& c) {
  Pooling p(c);
  p.takeDivisor(c);
  if (spreadsSideBySide(p, sizeOf(c.type[0]))) return spreadSideBySide(c, p);
  if (c.type[0] == DType::float64) {
    avgPoolBackwardOf<double>(c, p);
  } else {
    avgPoolBackwardOf<float>(c, p);
  }
  return Status::ok;
}

}  // namespace tilegrad
