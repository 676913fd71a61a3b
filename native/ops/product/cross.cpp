// Cross products of vectors of three elements, which lie along the last dimension of the geometry:
// y = [a1 b2 - a2 b1, a2 b0 - a0 b2, a0 b1 - a1 b0], wherever the elements are.
#include "../columns.h"
#include "../rows.h"

namespace tilegrad {
namespace {

template <class T>
void crossOf(const Command& c) {
  Lines lines;
  if (!takeLines(c, 3, &lines)) return;
  const int inner = lines.loops.rank - 1;
  int64_t next[3];
  for (int k = 0; k < 3; ++k) next[k] = inner < 0 ? 0 : lines.loops.stride[k][inner];
  overColumns(lines, 3 * sizeof(T), [&](int64_t count, const Odometer& at) {
    const int64_t* const step = lines.step;
    const T* a = static_cast<const T*>(c.data[0]) + at.offset(0);
    const T* b = static_cast<const T*>(c.data[1]) + at.offset(1);
    T* y = static_cast<T*>(c.data[2]) + at.offset(2);
    for (int64_t i = 0; i < count; ++i, a += next[0], b += next[1], y += next[2]) {
      const T a0 = a[0], a1 = a[step[0]], a2 = a[2 * step[0]];
      const T b0 = b[0], b1 = b[step[1]], b2 = b[2 * step[1]];
      y[0] = a1 * b2 - a2 * b1;
      y[step[2]] = a2 * b0 - a0 * b2;
      y[2 * step[2]] = a0 * b1 - a1 * b0;
    }
  });
}

Status cross(const Command& c) {
  if (c.type[0] == DType::float64) {
    crossOf<double>(c);
  } else {
    crossOf<float>(c);
  }
  return Status::ok;
}

const char* checkThree(const Command& c) {
  const Geometry& g = c.geometry;
  return g.rank > 0 && g.shape[g.rank - 1] == 3 ? nullptr : "the last dimension is not 3";
}

const Row kRows[] = {
    {"cross", "in a T[@] in b T[@] out y T[@]", cross, checkThree},
};

}  // namespace

RowList crossRows() { return rowList(kRows); }

}  // namespace tilegrad
