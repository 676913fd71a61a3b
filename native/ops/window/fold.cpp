// Columns of patches added up to images, the transpose of taking patches. What stands at one place
// of all patches of a plane is itself a plane, whose rows are added to rows of the image; the
// borders of padding are never made, rows and columns in them are left out.
#include <string.h>

#include "../dispatch.h"
#include "../parallel.h"
#include "../rows.h"

namespace tilegrad {
namespace {

// One axis of images and patches.
struct FoldAxis {
  int64_t places, patches, size, dilation, padding, stride;

  // Where the element at `place` of the first patch stands in the image, or before it.
  int64_t first(int64_t place) const { return place * dilation - padding; }
  // The first patch whose element at a place is at `from` of the image or behind it.
  int64_t patchFrom(int64_t place, int64_t from) const {
    const int64_t room = from - first(place);
    const int64_t patch = room <= 0 ? 0 : (room + stride - 1) / stride;
    return patch < patches ? patch : patches;
  }
};

struct Fold {
  FoldAxis rows, cols;

  int64_t places() const { return rows.size * cols.size; }
  int64_t columns() const { return rows.places * cols.places * rows.patches * cols.patches; }
};

// Rows of an image that all places of patches are added to before the next ones: 16 KB stay in the
// first-level cache.
constexpr int64_t kBandBytes = 16 * 1024;

template <class T>
void foldPlane(const Fold& fold, const T* x, T* y) {
  const FoldAxis &rows = fold.rows, &cols = fold.cols;
  if (fold.columns() == 0) {
    memset(y, 0, static_cast<size_t>(fold.places()) * sizeof(T));
    return;
  }
  const auto addRows = floatKernels<T>().pool.addRows;
  const int64_t rowBytes = cols.size * static_cast<int64_t>(sizeof(T));
  const int64_t band = rowBytes < kBandBytes ? kBandBytes / rowBytes : 1;
  for (int64_t top = 0; top < rows.size; top += band) {
    const int64_t bottom = top + band < rows.size ? top + band : rows.size;
    memset(y + top * cols.size, 0, static_cast<size_t>((bottom - top) * rowBytes));
    const T* from = x;
    for (int64_t i = 0; i < rows.places; ++i) {
      const int64_t row = rows.patchFrom(i, top), rowEnd = rows.patchFrom(i, bottom);
      for (int64_t j = 0; j < cols.places; ++j, from += rows.patches * cols.patches) {
        const int64_t col = cols.patchFrom(j, 0), colEnd = cols.patchFrom(j, cols.size);
        if (row >= rowEnd || col >= colEnd) continue;
        T* const to =
            y + (rows.first(i) + row * rows.stride) * cols.size + cols.first(j) + col * cols.stride;
        addRows(rowEnd - row, colEnd - col, from + row * cols.patches + col, cols.patches, to,
                rows.stride * cols.size, cols.stride);
      }
    }
  }
}

template <class T>
Status foldOf(const Command& c) {
  const auto at = [&](int i) { return c.number[i].i; };
  const Fold fold = {{at(1), at(3), at(5), at(7), at(9), at(11)},
                     {at(2), at(4), at(6), at(8), at(10), at(12)}};
  if (fold.places() == 0) return Status::ok;
  const T* const x = static_cast<const T*>(c.data[0]);
  T* const y = static_cast<T*>(c.data[1]);
  const int64_t bytes = (fold.columns() + fold.places()) * static_cast<int64_t>(sizeof(T));
  parallelShares(at(0), 1, bytes, kLightShare, [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      foldPlane(fold, x + plane * fold.columns(), y + plane * fold.places());
    }
  });
  return Status::ok;
}

Status foldRow(const Command& c) {
  return c.type[0] == DType::float64 ? foldOf<double>(c) : foldOf<float>(c);
}

// Products of two of them, and the sum of two products, are numbers of 64 bits.
const char* checkFold(const Command& c) {
  for (int k = 1; k < 13; ++k) {
    if (c.number[k].i < (k < 7 || (k >= 9 && k < 11) ? 0 : 1) || c.number[k].i > INT32_MAX) {
      return "a size, step or border of patches is out of range";
    }
  }
  return nullptr;
}

const Row kRows[] = {
    // y [planes, height, width] = the sums of x's elements [planes, place in the patch, patch]
    // where
    // patches have them, from 0 on in the order of the places.
    {"fold",
     "in x T[planes kh kw rows cols] out y T[planes height width]; "
     "planes kh kw rows cols height width size "
     "rowDilation colDilation top left rowStride colStride int",
     foldRow, checkFold},
};

}  // namespace

RowList foldRows() { return rowList(kRows); }

}  // namespace tilegrad
