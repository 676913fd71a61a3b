// Rows of three operands: a choice between two, and arithmetic with a number besides.
#include "../dispatch.h"
#include "../rows.h"
#include "map.h"

namespace tilegrad {
namespace {

template <class T>
Status ternary(const Command& c, Ternary op, double value) {
  const TernaryKernel<T> kernel = floatKernels<T>().elementwise.ternary[static_cast<int>(op)];
  const T number = static_cast<T>(value);
  return runMap(c, {3, {sizeof(T), sizeof(T), sizeof(T), sizeof(T)}, 3, false},
                [=](int64_t n, const void* const* in, const int64_t* step, void* y) {
                  kernel(n, static_cast<const T*>(in[0]), static_cast<const T*>(in[1]),
                         static_cast<const T*>(in[2]), step, number, static_cast<T*>(y));
                });
}

template <Ternary op>
Status runTernary(const Command& c) {
  const double value = c.number[0].f;
  return c.type[0] == DType::float64 ? ternary<double>(c, op, value) : ternary<float>(c, op, value);
}

template <class Bits>
Status select(const Command& c, SelectKernel<Bits> kernel) {
  return runMap(c, {3, {1, sizeof(Bits), sizeof(Bits), sizeof(Bits)}, 3, false},
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
