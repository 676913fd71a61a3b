// Elementwise operations of one type: y = f(x) and y = f(a, b).
#include "elementwise.h"

#include "../dispatch.h"
#include "../parallel.h"
#include "../rows.h"
#include "integer.h"
#include "map.h"

namespace tilegrad {
namespace {

// Bytes of a share, by what an element takes one thread of Zen 5 (level avx512): slow functions
// of 16,384 float32 took 1.2 to 2.8 ns (erfinv, digamma, lgamma; pow 1.4, of float64 3.4), heavy
// ones 0.25 to 0.85.
int64_t shareOf(Unary op) {
  switch (op) {
    case Unary::erfinv:
    case Unary::lgamma:
    case Unary::digamma:
    case Unary::trigamma:
      return kSlowShare;
    case Unary::exp:
    case Unary::log:
    case Unary::log1p:
    case Unary::exp2:
    case Unary::expm1:
    case Unary::log2:
    case Unary::log10:
    case Unary::sin:
    case Unary::cos:
    case Unary::tan:
    case Unary::asin:
    case Unary::acos:
    case Unary::atan:
    case Unary::sinh:
    case Unary::cosh:
    case Unary::tanh:
    case Unary::sigmoid:
    case Unary::erf:
    case Unary::erfc:
    case Unary::asinh:
    case Unary::acosh:
    case Unary::atanh:
    case Unary::gelu:
    case Unary::geluTanh:
    case Unary::silu:
    case Unary::mish:
    case Unary::tanhshrink:
      return kHeavyShare;
    default:
      return kLightShare;
  }
}

int64_t shareOf(Binary op) {
  switch (op) {
    case Binary::pow:
    case Binary::powBaseSlope:
    case Binary::powExponentSlope:
      return kSlowShare;
    case Binary::fmod:
    case Binary::remainder:
    case Binary::floorDivide:
    case Binary::atan2:
    case Binary::glu:
      return kHeavyShare;
    default:
      return kLightShare;
  }
}

int64_t shareOf(UnaryWith op) {
  return op == UnaryWith::softplus || op == UnaryWith::elu ? kHeavyShare : kLightShare;
}

int64_t shareOf(Derivative op) {
  switch (op) {
    case Derivative::geluBackward:
    case Derivative::geluTanhBackward:
    case Derivative::siluBackward:
    case Derivative::mishBackward:
    case Derivative::tanhshrinkBackward:
    case Derivative::softplusBackward:
    case Derivative::eluBackward:
      return kHeavyShare;
    default:
      return kLightShare;
  }
}

template <class T>
Status unary(const Command& c, Unary op) {
  const UnaryKernel<T> kernel = floatKernels<T>().elementwise.unary[static_cast<int>(op)];
  return runMap(c, {1, {sizeof(T), sizeof(T)}, 0, shareOf(op)},
                [=](int64_t n, const void* const* in, const int64_t*, void* y) {
                  kernel(n, static_cast<const T*>(in[0]), static_cast<T*>(y));
                });
}

template <class T>
Status binary(const Command& c, Binary op) {
  const BinaryKernel<T> kernel = floatKernels<T>().elementwise.binary[static_cast<int>(op)];
  return runMap(c, {2, {sizeof(T), sizeof(T), sizeof(T)}, 2, shareOf(op)},
                [=](int64_t n, const void* const* in, const int64_t* step, void* y) {
                  kernel(n, static_cast<const T*>(in[0]), step[0], static_cast<const T*>(in[1]),
                         step[1], static_cast<T*>(y));
                });
}

// The numbers of a row as parameters of its kernel; its signature says how many.
template <class T>
struct Parameters {
  T value[kMaxParameters] = {};

  Parameters(const Command& c, int count) {
    for (int i = 0; i < count; ++i) value[i] = static_cast<T>(c.number[i].f);
  }
};

template <class T>
Status unaryWith(const Command& c, UnaryWith op, int count) {
  const UnaryWithKernel<T> kernel = floatKernels<T>().elementwise.unaryWith[static_cast<int>(op)];
  const Parameters<T> parameters(c, count);
  return runMap(c, {1, {sizeof(T), sizeof(T)}, 0, shareOf(op)},
                [=](int64_t n, const void* const* in, const int64_t*, void* y) {
                  kernel(n, static_cast<const T*>(in[0]), parameters.value, static_cast<T*>(y));
                });
}

template <class T>
Status derivative(const Command& c, Derivative op, int count) {
  const DerivativeKernel<T> kernel = floatKernels<T>().elementwise.derivative[static_cast<int>(op)];
  const Parameters<T> parameters(c, count);
  return runMap(c, {2, {sizeof(T), sizeof(T), sizeof(T)}, 1, shareOf(op)},
                [=](int64_t n, const void* const* in, const int64_t* step, void* dx) {
                  kernel(n, static_cast<const T*>(in[0]), step[0], static_cast<const T*>(in[1]),
                         parameters.value, static_cast<T*>(dx));
                });
}

// The integer kernel that a row runs for integers, where there is one.
constexpr int kNone = -1;

constexpr int integerOf(Unary op) {
  switch (op) {
#define TG_NUMBER_UNARY(name) \
  case Unary::name:           \
    return static_cast<int>(IntegerUnary::name);
#include "../../kernels/integer.inc"
    default:
      return kNone;
  }
}

constexpr int integerOf(Binary op) {
  switch (op) {
#define TG_NUMBER_BINARY(name) \
  case Binary::name:           \
    return static_cast<int>(IntegerBinary::name);
#include "../../kernels/integer.inc"
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

// How many parameters "; a b real" names, or "".
constexpr int parameterCount(const char* text) {
  int spaces = 0;
  for (; *text; ++text) spaces += *text == ' ' ? 1 : 0;
  return spaces > 0 ? spaces - 1 : 0;
}

template <UnaryWith op, int count>
Status runUnaryWith(const Command& c) {
  static_assert(count <= kMaxParameters, "more parameters than kernels take");
  return c.type[0] == DType::float64 ? unaryWith<double>(c, op, count)
                                     : unaryWith<float>(c, op, count);
}

template <Derivative op, int count>
Status runDerivative(const Command& c) {
  static_assert(count <= kMaxParameters, "more parameters than kernels take");
  return c.type[0] == DType::float64 ? derivative<double>(c, op, count)
                                     : derivative<float>(c, op, count);
}

template <class T>
Status gluBackwardOf(const Command& c) {
  const int64_t rows = c.number[0].i, n = c.number[1].i, xRow = c.number[2].i;
  const int64_t gRow = c.number[3].i, dxRow = c.number[4].i;
  if (rows == 0 || n == 0) return Status::ok;
  const T* const x = static_cast<const T*>(c.data[0]);
  const T* const g = static_cast<const T*>(c.data[1]);
  T* const dx = static_cast<T*>(c.data[2]);
  const auto kernel = floatKernels<T>().elementwise.gluBackward;
  // Each row's halves and its gradient are cut alike: of few long rows threads share each.
  const int64_t itemBytes = 5 * static_cast<int64_t>(sizeof(T));
  if (rows >= 4 * numThreads() || n * itemBytes < 2 * kHeavyShare) {
    parallelShares(rows, 1, n * itemBytes, kHeavyShare, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        kernel(n, x + i * xRow, x + i * xRow + n, g + i * gRow, dx + i * dxRow, dx + i * dxRow + n);
      }
    });
    return Status::ok;
  }
  for (int64_t i = 0; i < rows; ++i) {
    const T* const a = x + i * xRow;
    T* const da = dx + i * dxRow;
    parallelShares(n, kCacheLine / static_cast<int64_t>(sizeof(T)), itemBytes, kHeavyShare,
                   [&](int64_t begin, int64_t end) {
                     kernel(end - begin, a + begin, a + n + begin, g + i * gRow + begin, da + begin,
                            da + n + begin);
                   });
  }
  return Status::ok;
}

Status gluBackward(const Command& c) {
  return c.type[0] == DType::float64 ? gluBackwardOf<double>(c) : gluBackwardOf<float>(c);
}

// One row for each kernel, named like it.
const Row kRows[] = {
#define TG_UNARY(name) {#name, signatureOf(Unary::name), runUnary<Unary::name>, nullptr},
#define TG_BINARY(name) {#name, signatureOf(Binary::name), runBinary<Binary::name>, nullptr},
#define TG_UNARY_WITH(name, parameters)      \
  {#name, "in x T[@] out y T[@]" parameters, \
   runUnaryWith<UnaryWith::name, parameterCount(parameters)>, nullptr},
#define TG_DERIVATIVE(name, parameters)                 \
  {#name, "in g T[@] in x T[@] out dx T[@]" parameters, \
   runDerivative<Derivative::name, parameterCount(parameters)>, nullptr},
#include "../../kernels/elementwise.inc"
    // x and dx are rows of two halves: with x = [a, b], dx = [g sigmoid(b), g a sigmoid'(b)].
    {"gluBackward",
     "in x T[rows*xRow 2 n] in g T[rows*gRow n] out dx T[rows*dxRow 2 n]; "
     "rows n size xRow gRow dxRow stride",
     gluBackward, nullptr},
};

}  // namespace

Status copyElements(const Command& c) { return runUnary<Unary::copy>(c); }

RowList elementwiseRows() { return rowList(kRows); }

}  // namespace tilegrad
