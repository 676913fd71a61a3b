// How many elements lie in each of a row of bins, or the sums of their weights. Elements go through
// in blocks: first a block's bins, in loops of a fixed length without branches, then the counting,
// where one bin more takes what lies outside.
#include <string.h>

#include "../../base/scratch.h"
#include "../elements.h"
#include "../parallel.h"
#include "../rows.h"

namespace tilegrad {
namespace {

constexpr int kBlock = 64;

// The numbers of the row, in the order of its signature.
enum Numbers : int { kN, kEdges, kBins, kEven, kLow, kHigh };

template <class T>
struct Bins {
  const T* edges;  // bins + 1 of them, or null: bins of one width
  bool even;       // whether the edges are about as far from each other
  int64_t bins;
  T low, high, width;

  explicit Bins(const Command& c)
      : edges(static_cast<const T*>(c.data[1])),
        even(c.number[kEven].i != 0),
        bins(c.number[kBins].i),
        low(edges ? edges[0] : static_cast<T>(c.number[kLow].f)),
        high(edges ? edges[bins] : static_cast<T>(c.number[kHigh].f)),
        width(edges ? high - low : static_cast<T>(c.number[kHigh].f - c.number[kLow].f)) {}

  // The bin of each element of a block, `bins` for those that are outside and NaN.
  void find(const T* x, int32_t* places) const {
    const int32_t last = static_cast<int32_t>(bins - 1);
    const T count = static_cast<T>(bins);
    T inside[kBlock];
    for (int i = 0; i < kBlock; ++i) inside[i] = (x[i] >= low) & (x[i] <= high) ? x[i] : low;
    for (int i = 0; i < kBlock; ++i) {
      const T place = (inside[i] - low) * count / width;
      // What overflowed, too, is in the last one.
      const int32_t whole = place < count ? static_cast<int32_t>(place) : last;
      places[i] = whole < last ? whole : last;
    }
    if (edges) correct(inside, places);
    for (int i = 0; i < kBlock; ++i) {
      places[i] = (x[i] >= low) & (x[i] <= high) ? places[i] : last + 1;
    }
  }

 private:
  // The last edge that isn't above the element decides. The edges may change while this runs.
  void correct(const T* x, int32_t* places) const {
    for (int i = 0; i < kBlock; ++i) {
      int64_t place = places[i];
      if (even) {
        while (place > 0 && x[i] < edges[place]) --place;
        while (place + 1 < bins && x[i] >= edges[place + 1]) ++place;
      } else {
        place = 0;
        for (int64_t left = bins; left > 1;) {
          const int64_t half = left / 2;
          place += edges[place + half] <= x[i] ? half : 0;
          left -= half;
        }
      }
      places[i] = static_cast<int32_t>(place);
    }
  }
};

// Calls count(place, element's number) for the elements [begin, end).
template <class T, class F>
void overPlaces(const Bins<T>& bins, const T* x, int64_t begin, int64_t end, const F& count) {
  for (int64_t i = begin; i < end; i += kBlock) {
    const int64_t size = end - i < kBlock ? end - i : kBlock;
    T block[kBlock] = {};
    memcpy(block, x + i, static_cast<size_t>(size) * sizeof(T));
    int32_t places[kBlock];
    bins.find(block, places);
    for (int64_t j = 0; j < size; ++j) count(places[j], i + j);
  }
}

// Counts are whole numbers, so threads may count for themselves.
template <class T>
Status countOf(const Command& c) {
  const Bins<T> bins(c);
  const T* const x = static_cast<const T*>(c.data[0]);
  T* const y = static_cast<T*>(c.data[3]);
  const int64_t n = c.number[kN].i, room = bins.bins + 1;
  const int64_t least = kHeavyShare / static_cast<int64_t>(sizeof(T));
  // More bins than elements are cleared and added up for longer than counting takes.
  const int64_t most = n / (least > room ? least : room);
  const int64_t parts = most < 1 ? 1 : most < numThreads() ? most : numThreads();
  const size_t bytes = static_cast<size_t>(parts * room) * sizeof(int64_t);
  int64_t* const counts = static_cast<int64_t*>(scratch(ScratchSlot::partial, bytes));
  if (!counts) return Status::outOfMemory;
  memset(counts, 0, bytes);
  parallelFor(parts, 1, [&](int64_t first, int64_t last) {
    for (int64_t part = first; part < last; ++part) {
      int64_t* const own = counts + part * room;
      overPlaces(bins, x, part * n / parts, (part + 1) * n / parts,
                 [&](int32_t place, int64_t) { ++own[place]; });
    }
  });
  for (int64_t b = 0; b < bins.bins; ++b) {
    int64_t sum = 0;
    for (int64_t part = 0; part < parts; ++part) sum += counts[part * room + b];
    y[b] = static_cast<T>(sum);
  }
  return Status::ok;
}

// Weights are added in the order of the elements.
template <class T>
Status addWeights(const Command& c) {
  const Bins<T> bins(c);
  const T* const weights = static_cast<const T*>(c.data[2]);
  const size_t bytes = static_cast<size_t>(bins.bins + 1) * sizeof(T);
  T* const sums = static_cast<T*>(scratch(ScratchSlot::partial, bytes));
  if (!sums) return Status::outOfMemory;
  memset(sums, 0, bytes);
  overPlaces(bins, static_cast<const T*>(c.data[0]), 0, c.number[kN].i,
             [&](int32_t place, int64_t i) { sums[place] += weights[i]; });
  memcpy(c.data[3], sums, bytes - sizeof(T));
  return Status::ok;
}

template <class T>
Status histogramOf(const Command& c) {
  return c.data[2] ? addWeights<T>(c) : countOf<T>(c);
}

Status histogram(const Command& c) {
  return c.type[0] == DType::float64 ? histogramOf<double>(c) : histogramOf<float>(c);
}

const char* checkHistogram(const Command& c) {
  const int64_t bins = c.number[kBins].i;
  if (bins < 1 || bins >= INT32_MAX) return "bins are from 1 to what 32-bit indices hold";
  if (c.data[1] && c.number[kEdges].i != bins + 1) return "edges are one more than bins";
  return nullptr;
}

const Row kRows[] = {
    // hist = how many elements, or the sum of their weights, lie between each two neighbouring
    // edges (ascending; `even` says that they are about as far from each other, which is faster);
    // the last bin includes its upper edge. Without edges the bin is (x - low) bins / (high - low),
    // rounded down, and high is in the last one.
    {"histogram",
     "in x T[n] opt edges T[edgeCount] opt weights T[n] out hist T[bins]; "
     "n edgeCount bins size even int low high real",
     histogram, checkHistogram},
};

}  // namespace

RowList histogramRows() { return rowList(kRows); }

}  // namespace tilegrad
