// Weighted sums of places along one dimension: y[o] = sum over k of weight[k] x[index[k]], where k
// runs from starts[o] to starts[o + 1] in ascending order. Interpolation goes along one dimension
// after the other so, and its gradient with the table of the transposed matrix.
#include <string.h>

#include "../dispatch.h"
#include "../parallel.h"
#include "../rows.h"
#include "../indexing/indexed.h"

namespace tilegrad {
namespace {

struct Table {
  int64_t in, taps;
  int64_t each;  // taps of every result, or 0 where they differ
  const int32_t* starts;
  const int32_t* index;

  // The taps of result o. They are compared with the table's length again each time that they are
  // read: another thread of JavaScript may write to it.
  void tapsOf(int64_t o, int64_t* begin, int64_t* end) const {
    *begin = starts[o] < 0 ? 0 : starts[o];
    *end = starts[o + 1] > taps ? taps : starts[o + 1];
  }

  bool isSound(int64_t out) const {
    if (starts[0] < 0 || starts[out] > taps) return false;
    for (int64_t o = 0; o < out; ++o) {
      if (starts[o] > starts[o + 1]) return false;
    }
    for (int64_t k = 0; k < taps; ++k) {
      if (!isInside(index[k], in)) return false;
    }
    return true;
  }
};

// y = w * x + added, rounded once: the kernel of normalisations with mean 0 and deviation 1.
template <class T>
void scaleAndAdd(int64_t n, T w, const T* x, PerLane<T> added, T* y) {
  floatKernels<T>().normalization.normalize(
      {n, x, {nullptr, 0}, {nullptr, 1}, {nullptr, w}, added, y});
}

// One result for each of `inner` columns that lie side by side.
template <class T>
void sumOfRows(const Table& table, int64_t o, const T* weight, int64_t inner, const T* x, T* y) {
  int64_t begin, end;
  table.tapsOf(o, &begin, &end);
  const auto rowAt = [&](int64_t k) {
    const int32_t at = table.index[k];
    return x + (isInside(at, table.in) ? at : 0) * inner;
  };
  if (begin >= end) {
    memset(y, 0, static_cast<size_t>(inner) * sizeof(T));
    return;
  }
  if (end - begin == 1 && weight[begin] == 1) {
    // Not memcpy: a hostile call may pass overlapping arrays.
    memmove(y, rowAt(begin), static_cast<size_t>(inner) * sizeof(T));
    return;
  }
  // -0 changes no product, zeros included.
  scaleAndAdd(inner, weight[begin], rowAt(begin), {nullptr, static_cast<T>(-0.0)}, y);
  for (int64_t k = begin + 1; k < end; ++k) {
    scaleAndAdd(inner, weight[k], rowAt(k), {y, 0}, y);
  }
}

// Rows of x and y that are one after the other.
template <class T>
struct Rows {
  int64_t count;
  const T* x;
  int64_t xStep;
  T* y;
  int64_t yStep;
};

// Up to kIndexBlock taps of results that are near each other, as kernels take them.
template <int n>
struct NearBlock {
  static constexpr int64_t kResults = kIndexBlock / n;

  NearTaps taps;
  int32_t first[kResults / kNearPlaces];
  int32_t place[kIndexBlock] = {};
  float weight[kIndexBlock] = {};

  // Takes as many results as are near, in whole 16s or all of them; `at` has been looked at.
  void take(int64_t results, const int32_t* at, const float* w, int64_t in) {
    int64_t taken = 0;
    for (; taken < results; taken += kNearPlaces) {
      const int64_t rest = results - taken, count = (rest < kNearPlaces ? rest : kNearPlaces) * n;
      const int32_t* const places = at + taken * n;
      int32_t least = places[0], most = places[0];
      for (int64_t k = 1; k < count; ++k) {
        least = places[k] < least ? places[k] : least;
        most = places[k] > most ? places[k] : most;
      }
      const int32_t end = static_cast<int32_t>(in - kNearPlaces);
      if (least > end) least = end;
      if (most - least >= kNearPlaces) break;
      first[taken / kNearPlaces] = least;
      for (int64_t k = 0; k < count; ++k) {
        const int64_t turn = taken * n + k % n * kNearPlaces + k / n;
        place[turn] = places[k] - least;
        weight[turn] = w[taken * n + k];
      }
    }
    taps = {taken < results ? taken : results, n, first, place, weight};
  }
};

// From so many rows on looking where the places are is repaid: 12, 16, 24 and 40 rows of 256
// nearest places take 5.2, 4.9, 4.2 and 5.6 us with their call instead of 5.7, 6.9, 8.3 and 11.4.
constexpr int64_t kNearRows = 12;

// Results [first, last) of each row, of which each has n taps. Indices are looked at a block at a
// time, for all rows. Places that are near each other are looked up in a vector of x; others are
// read one by one, since products of what was put together in memory wait for it longer than they
// save.
template <int n, class T>
void sumsOfTaps(const Table& table, int64_t first, int64_t last, const T* weight, Rows<T> rows) {
  constexpr int64_t kSums = kIndexBlock / n;
  for (int64_t o = first; o < last; o += kSums) {
    const int64_t results = last - o < kSums ? last - o : kSums;
    int32_t at[kIndexBlock];
    // The table was looked at; if it isn't sound any more, what comes out doesn't matter.
    if (!copyIndices(table.index + o * n, results * n, 1, 0, table.in, -1, at)) return;
    const T* const w = weight + o * n;
    const T* x = rows.x;
    T* y = rows.y + o;
    int64_t done = 0;
    if constexpr (sizeof(T) == sizeof(float)) {
      const auto sumNear = floatKernels<T>().pool.sumNear;
      if (sumNear && rows.count >= kNearRows && table.in >= kNearPlaces) {
        NearBlock<n> near;
        near.take(results, at, w, table.in);
        sumNear(near.taps, rows.count, x, rows.xStep, y, rows.yStep);
        done = near.taps.results;
        if (done == results) continue;
      }
    }
    for (int64_t row = 0; row < rows.count; ++row, x += rows.xStep, y += rows.yStep) {
      for (int64_t j = done; j < results; ++j) {
        T sum = w[j * n] * x[at[j * n]];
        if constexpr (n == 2) sum += w[j * n + 1] * x[at[j * n + 1]];
        y[j] = sum;
      }
    }
  }
}

// Results [first, last) of each row.
template <class T>
void sumsAlongRows(const Table& table, int64_t first, int64_t last, const T* weight,
                   const Rows<T>& rows) {
  if (table.each == 1) return sumsOfTaps<1>(table, first, last, weight, rows);
  if (table.each == 2) return sumsOfTaps<2>(table, first, last, weight, rows);
  for (int64_t row = 0; row < rows.count; ++row) {
    const T* const x = rows.x + row * rows.xStep;
    for (int64_t o = first; o < last; ++o) {
      int64_t begin, end;
      table.tapsOf(o, &begin, &end);
      T sum = 0;
      for (int64_t k = begin; k < end; ++k) {
        const int32_t at = table.index[k];
        const T product = isInside(at, table.in) ? weight[k] * x[at] : 0;
        sum = k == begin ? product : sum + product;
      }
      rows.y[row * rows.yStep + o] = sum;
    }
  }
}

// As many taps as every result has, or 0.
int64_t uniformTaps(const Command& c) {
  const int64_t out = c.number[2].i, taps = c.number[5].i, each = taps / out;
  const int32_t* const starts = static_cast<const int32_t*>(c.data[1]);
  if (each * out != taps) return 0;
  for (int64_t o = 0; o < out; ++o) {
    if (starts[o] != o * each) return 0;
  }
  return each;
}

template <class T>
Status resampleOf(const Command& c) {
  const int64_t outer = c.number[0].i, in = c.number[1].i, out = c.number[2].i;
  const int64_t inner = c.number[3].i, taps = c.number[5].i, xOuter = c.number[6].i;
  if (outer == 0 || in == 0 || out == 0 || inner == 0) return Status::ok;
  const Table table = {in, taps, uniformTaps(c), static_cast<const int32_t*>(c.data[1]),
                       static_cast<const int32_t*>(c.data[2])};
  const T* const x = static_cast<const T*>(c.data[0]);
  const T* const weight = static_cast<const T*>(c.data[3]);
  T* const y = static_cast<T*>(c.data[4]);
  if (!table.isSound(out)) return Status::badIndex;
  // What a tap takes: by itself 0.4 ns, and in a row of columns 5 ns for its call and 0.1 for each
  // (8 x 8 images of 16 x 16 to 32 x 32 on Zen 5: rows of 16 11 us, then 49 for the columns).
  const double perTap = inner == 1 ? 0.4 : 5 + 0.1 * static_cast<double>(inner);
  const double perResult = perTap * static_cast<double>(taps) / static_cast<double>(out);
  parallelTimed(outer * out, 1, perResult, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t row = begin / out, first = begin % out;
      const int64_t left = first + end - begin, last = left < out ? left : out;
      const T* const from = x + row * xOuter;
      T* const to = y + row * out * inner;
      if (inner == 1) {
        const int64_t whole = first == 0 && left > out ? left / out : 1;
        sumsAlongRows(table, first, last, weight, {whole, from, xOuter, to, out});
        begin += (whole - 1) * out;
      } else {
        for (int64_t o = first; o < last; ++o) {
          sumOfRows(table, o, weight, inner, from, to + o * inner);
        }
      }
      begin += last - first;
    }
  });
  return Status::ok;
}

Status resample(const Command& c) {
  return c.type[0] == DType::float64 ? resampleOf<double>(c) : resampleOf<float>(c);
}

const char* checkResample(const Command& c) {
  return c.number[4].i == c.number[2].i + 1 ? nullptr : "starts are not one more than results";
}

const Row kRows[] = {
    {"resample",
     "in x T[outer*xOuter in inner] in starts i32[next] in index i32[taps] in weight T[taps] "
     "out y T[outer out inner]; outer in out inner next taps size xOuter stride",
     resample, checkResample},
};

}  // namespace

RowList resampleRows() { return rowList(kRows); }

}  // namespace tilegrad
