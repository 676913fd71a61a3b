// Selection: elements of a line at places of its sorted order, without sorting it (kernels/kth.h).
#include "kth.h"

#include <string.h>

#include <type_traits>

#include "../../base/scratch.h"
#include "../elements.h"
#include "../parallel.h"
#include "../rows.h"
#include "sort_keys.h"

namespace tilegrad {
namespace {

// The numbers of the row, in the order of its signature.
enum Numbers : int {
  kOuter,
  kInner,
  kN,
  kM,
  kXOuter,
  kXInner,
  kXStep,
  kRanksOuter,
  kRanksInner,
  kKind,
  kRank
};

// Which place is wanted, when there is no list of them. NaN is the largest of all, so the first one
// stands behind all numbers.
enum class Kind : int64_t { rank, median, nanMedian, count };

// What the lines of a type need besides the type of its keys.
template <class Key>
struct Elements {
  void (*load)(const void* x, int64_t n, int64_t step, Key* keys);
  void (*store)(const void* from, void* to);  // one of them
  Key nan;                                    // its key, of types that have one
  bool floating;
  int64_t size;
};

template <class Key>
int64_t rankOf(const Command& c, const Elements<Key>& elements, const Key* keys, int64_t n) {
  const Kind kind = static_cast<Kind>(c.number[kKind].i);
  if (kind == Kind::rank) return c.number[kRank].i;
  const int64_t lost = elements.floating ? keyKernels<Key>().equals(keys, n, elements.nan) : 0;
  if (kind == Kind::median && lost > 0) return n - lost;
  return lost == n ? 0 : (n - lost - 1) / 2;
}

// An element that a rank is looked for among: 64 lines of 256 float32 took 15 to 18 us on Zen 5.
constexpr double kNanoseconds = 0.9;

template <class Key>
TG_NOINLINE Status kthOfLines(const Command& c, const Elements<Key>& elements) {
  const int64_t n = c.number[kN].i, m = c.number[kM].i, inner = c.number[kInner].i;
  const int64_t step = c.number[kXStep].i, size = elements.size;
  const auto& select = keyKernels<Key>();
  const auto run = [&](int64_t begin, int64_t end) {
    Key* const keys =
        static_cast<Key*>(scratch(ScratchSlot::panel, 2 * static_cast<size_t>(n) * sizeof(Key)));
    if (!keys) return Status::outOfMemory;
    int64_t i = begin / inner, j = begin % inner;
    for (int64_t line = begin; line < end; ++line, ++j) {
      if (j == inner) {
        j = 0;
        ++i;
      }
      const char* const x = static_cast<const char*>(c.data[0]) +
                            (i * c.number[kXOuter].i + j * c.number[kXInner].i) * size;
      elements.load(x, n, step, keys);
      const int32_t* const ranks = static_cast<const int32_t*>(c.data[1]);
      const int64_t from = i * c.number[kRanksOuter].i + j * c.number[kRanksInner].i;
      Kth<Key> found{};
      int64_t before = -2;
      for (int64_t r = 0; r < m; ++r) {
        const int64_t asked = ranks ? ranks[from + r] : rankOf(c, elements, keys, n);
        const int64_t rank = asked < 0 ? 0 : asked < n ? asked : n - 1;
        if (rank == before + 1) {
          found = select.next(keys, n, found);
        } else if (rank != before) {
          found = select.kth(keys, n, rank, keys + n);
        }
        before = rank;
        const int64_t place = select.place(keys, n, found);
        elements.store(x + place * step * size,
                       static_cast<char*>(c.data[2]) + (line * m + r) * size);
        static_cast<int32_t*>(c.data[3])[line * m + r] = static_cast<int32_t>(place);
      }
    }
    return Status::ok;
  };
  const int64_t lines = c.number[kOuter].i * inner;
  const double lineTime = kNanoseconds * static_cast<double>(n) * static_cast<double>(m);
  return parallelTimedStatus(lines, 1, lineTime, run);
}

Status kth(const Command& c) {
  for (int size = kOuter; size <= kM; ++size) {
    if (c.number[size].i == 0) return Status::ok;
  }
  return withType(c.type[0], [&](auto element) {
    using T = decltype(element);
    using Key = typename KeyOf<T>::type;
    const auto load = [](const void* x, int64_t n, int64_t step, Key* keys) {
      if constexpr (std::is_floating_point_v<T>) {
        if (step == 1) return keyKernels<Key>().load(static_cast<const T*>(x), n, keys);
      }
      loadKeys(static_cast<const T*>(x), n, step, keys);
    };
    const auto store = [](const void* from, void* to) { memcpy(to, from, sizeof(T)); };
    return kthOfLines<Key>(c, {load, store, kNanKey<T>, !std::is_integral_v<T>, sizeof(T)});
  });
}

const char* checkKth(const Command& c) {
  if (c.type[0] != c.type[2]) return "x and values differ in type";
  if (c.number[kN].i > INT32_MAX) return "a line is beyond 32-bit indices";
  if (c.number[kKind].i < 0 || c.number[kKind].i >= static_cast<int64_t>(Kind::count)) {
    return "there is no selection of that number";
  }
  return nullptr;
}

const Row kRows[] = {
    // Of each line of n elements those at places of its sorted order, and where they are. NaN is
    // the
    // largest; equal elements are in the order of their places. Without a list of ranks one is
    // wanted: that of the number (kind 0), the median, which is the first NaN if there is any (1),
    // or the median of those that aren't NaN (2). A place outside is the nearest one in the line.
    {"kth",
     "in x A[outer*xOuter inner*xInner n*xStep] opt ranks i32[outer*ranksOuter inner*ranksInner m] "
     "out values A[outer inner m] out indices i32[outer inner m]; outer inner n m size xOuter "
     "xInner xStep ranksOuter ranksInner stride kind rank int",
     kth, checkKth},
};

}  // namespace

RowList kthRows() { return rowList(kRows); }

}  // namespace tilegrad
