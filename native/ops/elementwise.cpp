// Elementwise operations of one type: y = f(x) and y = f(a, b).
#include "dispatch.h"
#include "integer.h"
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

// The integer kernel that a row runs for integers, where there is one.
constexpr int kNone = -1;

constexpr int integerOf(Unary op) {
  switch (op) {
#define TG_NUMBER_UNARY(name) \
  case Unary::name:           \
    return static_cast<int>(IntegerUnary::name);
#include "../kernels/integer.inc"
    default:
      return kNone;
  }
}

constexpr int integerOf(Binary op) {
  switch (op) {
#define TG_NUMBER_BINARY(name) \
  case Binary::name:           \
    return static_cast<int>(IntegerBinary::name);
#include "../kernels/integer.inc"
    default:
      return kNone;
  }
}

template <Unary op>
Status runUnary(const Command& c) {
  if (c.type[0] == DType::float32) return unary<float>(c, op);
  if constexpr (integerOf(op) != kNone) {
    if (c.type[0] != DType::float64) {
      return runIntegerUnary(c, static_cast<IntegerUnary>(integerOf(op)));
    }
  }
  return unary<double>(c, op);
}

template <Binary op>
Status runBinary(const Command& c) {
  if (c.type[0] == DType::float32) return binary<float>(c, op);
  if constexpr (integerOf(op) != kNone) {
    if (c.type[0] != DType::float64) {
      return runIntegerBinary(c, static_cast<IntegerBinary>(integerOf(op)));
    }
  }
  return binary<double>(c, op);
}

constexpr const char* signatureOf(Unary op) {
  return integerOf(op) == kNone ? "in x T[@] out y T[@]" : "in x N[@] out y N[@]";
}

constexpr const char* signatureOf(Binary op) {
  return integerOf(op) == kNone ? "in a T[@] in b T[@] out y T[@]"
                                : "in a N[@] in b N[@] out y N[@]";
}

// One row for each kernel, named like it.
const Row kRows[] = {
#define TG_UNARY(name) {#name, signatureOf(Unary::name), runUnary<Unary::name>, nullptr},
#define TG_BINARY(name) {#name, signatureOf(Binary::name), runBinary<Binary::name>, nullptr},
#include "../kernels/elementwise.inc"
};

}  // namespace

RowList elementwiseRows() { return rowList(kRows); }

}  // namespace tilegrad
