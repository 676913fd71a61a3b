// Rows of three operands: a choice between two, and arithmetic with a number besides.
#include "../dispatch.h"
#include "../parallel.h"
#include "../rows.h"
#include "map.h"

namespace tilegrad {
namespace {

template <class T>
Status ternary(const Command& c, Ternary op, double value) {
  const TernaryKernel<T> kernel = floatKernels<T>().elementwise.ternary[static_cast<int>(op)];
  const T number = static_cast<T>(value);
  return runMap(c, {3, {sizeof(T), sizeof(T), sizeof(T), sizeof(T)}, 3, kLightShare},
                [=](int64_t n, const void* const* in, const int64_t* step, void* y) {
                  kernel(n, static_cast<const T*>(in[0]), static_cast<const T*>(in[1]),
                         static_cast<const T*>(in[2]), step, number, static_cast<T*>(y));
                });
}

// Whether a matrix gets the product of a column and a row, and there are enough rows to share.
bool isOuter(const Geometry& g) {
  if (g.rank != 2 || isEmpty(g) || g.shape[0] < numThreads()) return false;
  const auto across = [&](int k) { return g.stride[k][1]; };
  return across(0) == 1 && across(1) == 0 && across(2) == 1 && across(3) == 1 &&
         g.stride[2][0] == 0;
}

// One call for many rows, where addcmul takes one for each.
template <class T>
Status addOuter(const Command& c, double value) {
  const Geometry& g = c.geometry;
  const auto part = [&](int k, int64_t row) {
    return static_cast<T*>(c.data[k]) + row * g.stride[k][0];
  };
  const int64_t bytes = 2 * g.shape[1] * static_cast<int64_t>(sizeof(T));
  parallelShares(g.shape[0], 1, bytes, kLightShare, [&](int64_t begin, int64_t end) {
    floatKernels<T>().elementwise.addOuter(end - begin, g.shape[1], part(0, begin), g.stride[0][0],
                                           part(1, begin), g.stride[1][0], part(2, 0),
                                           static_cast<T>(value), part(3, begin), g.stride[3][0]);
  });
  return Status::ok;
}

template <Ternary op>
Status runTernary(const Command& c) {
  const double value = c.number[0].f;
  if (op == Ternary::addcmul && isOuter(c.geometry)) {
    return c.type[0] == DType::float64 ? addOuter<double>(c, value) : addOuter<float>(c, value);
  }
  return c.type[0] == DType::float64 ? ternary<double>(c, op, value) : ternary<float>(c, op, value);
}

template <class Bits>
Status select(const Command& c, SelectKernel<Bits> kernel) {
  return runMap(c, {3, {1, sizeof(Bits), sizeof(Bits), sizeof(Bits)}, 3, kLightShare},
                [=](int64_t n, const void* const* in, const int64_t* step, void* y) {
                  kernel(n, static_cast<const uint8_t*>(in[0]), step[0],
                         static_cast<const Bits*>(in[1]), step[1], static_cast<const Bits*>(in[2]),
                         step[2], static_cast<Bits*>(y));
                });
}

// Moves bits: elements of one size are one type.
Status where(const Command& c) {
  const IntegerTables& table = kernels().integer;
  switch (sizeOf(c.type[1])) {
    case 1:
      return select<uint8_t>(c, table.select8);
    case 2:
      return select<uint16_t>(c, table.select16);
    case 4:
      return select<uint32_t>(c, table.select32);
    default:
      return select<uint64_t>(c, table.select64);
  }
}

const Row kRows[] = {
    {"where", "in condition u8[@] in a E[@] in b E[@] out y E[@]", where, nullptr},
#define TG_TERNARY(name)                                                                     \
  {#name, "in a T[@] in b T[@] in c T[@] out y T[@]; value real", runTernary<Ternary::name>, \
   nullptr},
#include "../../kernels/elementwise.inc"
};

}  // namespace

RowList ternaryRows() { return rowList(kRows); }

}  // namespace tilegrad
