// Elementwise operations of one type: y = f(x) and y = f(a, b).
#include "dispatch.h"
#include "map.h"
#include "rows.h"

namespace tilegrad {
namespace {

bool isHeavy(Unary op) {
  switch (op) {
    case Unary::exp:
    case Unary::log:
    case Unary::log1p:
    case Unary::tanh:
    case Unary::sigmoid:
    case Unary::softplus:
    case Unary::erf:
    case Unary::gelu:
    case Unary::geluTanh:
    case Unary::silu:
      return true;
    default:
      return false;
  }
}

bool isHeavy(Binary op) {
  return op == Binary::geluBackward || op == Binary::geluTanhBackward || op == Binary::siluBackward;
}

template <class T>
Status unary(const Command& c, Unary op) {
  const UnaryKernel<T> kernel = floatKernels<T>().elementwise.unary[static_cast<int>(op)];
  return runMap(c, {1, {sizeof(T), sizeof(T)}, false, isHeavy(op)},
                [=](int64_t n, const void* const* in, const int64_t*, void* y) {
                  kernel(n, static_cast<const T*>(in[0]), static_cast<T*>(y));
                });
}

template <class T>
Status binary(const Command& c, Binary op) {
  const BinaryKernel<T> kernel = floatKernels<T>().elementwise.binary[static_cast<int>(op)];
  return runMap(c, {2, {sizeof(T), sizeof(T), sizeof(T)}, true, isHeavy(op)},
                [=](int64_t n, const void* const* in, const int64_t* step, void* y) {
                  kernel(n, static_cast<const T*>(in[0]), step[0], static_cast<const T*>(in[1]),
                         step[1], static_cast<T*>(y));
                });
}

template <Unary op>
Status runUnary(const Command& c) {
  return c.type[0] == DType::float64 ? unary<double>(c, op) : unary<float>(c, op);
}

template <Binary op>
Status runBinary(const Command& c) {
  return c.type[0] == DType::float64 ? binary<double>(c, op) : binary<float>(c, op);
}

// One row for each kernel, named like it.
const Row kRows[] = {
#define TG_UNARY(name) {#name, "in x T[@] out y T[@]", runUnary<Unary::name>, nullptr},
#define TG_BINARY(name) {#name, "in a T[@] in b T[@] out y T[@]", runBinary<Binary::name>, nullptr},
#include "../kernels/elementwise.inc"
};

}  // namespace

RowList elementwiseRows() { return rowList(kRows); }

}  // namespace tilegrad
