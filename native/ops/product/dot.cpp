// Sums over two vectors: the dot product, and the errors of losses. Each has the bits of computing
// all terms and summing them as kernels/reduce.h says, and none of the chain of dependent
// multiply-adds that an element of a matrix product is.
#include "../dispatch.h"
#include "../rows.h"
#include "../reduction/reduction.h"

namespace tilegrad {
namespace {

// Elements `step` apart as a block; those that lie together are read where they are.
template <class T>
const T* blockOf(const T* x, int64_t step, int64_t n, T* block) {
  if (step == 1) return x;
  for (int64_t i = 0; i < n; ++i) block[i] = x[i * step];
  return block;
}

// The sum of n terms, of which part(begin, count) sums up to a block.
template <class T, class F>
Status sumOfParts(int64_t n, T* result, const F& part) {
  *result = 0;
  if (n == 0) return Status::ok;
  const int64_t blocks = (n + kReduceBlock - 1) / kReduceBlock;
  T* partial = result;
  if (blocks > 1) {
    partial =
        static_cast<T*>(scratch(ScratchSlot::partial, static_cast<size_t>(blocks) * sizeof(T)));
    if (!partial) return Status::outOfMemory;
  }
  parallelShares(blocks, 1, 2 * kReduceBlock * static_cast<int64_t>(sizeof(T)), kLightShare,
                 [&](int64_t begin, int64_t end) {
                   for (int64_t b = begin; b < end; ++b) {
                     const int64_t from = b * kReduceBlock;
                     partial[b] = part(from, n - from < kReduceBlock ? n - from : kReduceBlock);
                   }
                 });
  const auto& binary = floatKernels<T>().elementwise.binary;
  combinePieces(binary[static_cast<int>(Binary::add)], partial, blocks, 1);
  *result = *partial;
  return Status::ok;
}

template <class T>
Status dotOf(const Command& c) {
  const int64_t n = c.number[0].i, xStep = c.number[1].i, yStep = c.number[2].i;
  const T* const x = static_cast<const T*>(c.data[0]);
  const T* const y = static_cast<const T*>(c.data[1]);
  const auto products = floatKernels<T>().reduce.products;
  return sumOfParts(n, static_cast<T*>(c.data[2]), [=](int64_t from, int64_t count) {
    T left[kReduceBlock], right[kReduceBlock];
    return products(count, blockOf(x + from * xStep, xStep, count, left),
                    blockOf(y + from * yStep, yStep, count, right));
  });
}

Status dot(const Command& c) {
  return c.type[0] == DType::float64 ? dotOf<double>(c) : dotOf<float>(c);
}

enum ErrorKind : int64_t { kAbsolute, kSquared, kHuber, kErrorKinds };

// Errors of x and y.
template <class T>
struct Errors {
  explicit Errors(const Command& c)
      : kind(c.number[1].i),
        end(static_cast<T>(c.number[2].f)),
        scale(static_cast<T>(c.number[3].f)) {}

  int64_t kind;
  T end, scale;  // of Huber's

  void operator()(int64_t n, const T* x, const T* y, T* to) const {
    constexpr int64_t kSteps[] = {1, 1, 0};
    const ElementwiseKernels<T>& k = floatKernels<T>().elementwise;
    switch (kind) {
      case kSquared:
        return k.binary[static_cast<int>(Binary::squaredDifference)](n, x, 1, y, 1, to);
      case kHuber:
        return k.ternary[static_cast<int>(Ternary::huber)](n, x, y, &scale, kSteps, end, to);
      default:
        k.binary[static_cast<int>(Binary::sub)](n, x, 1, y, 1, to);
        k.unary[static_cast<int>(Unary::abs)](n, to, to);
    }
  }
};

template <class T>
Status errorsOf(const Command& c) {
  const T* const x = static_cast<const T*>(c.data[0]);
  const T* const y = static_cast<const T*>(c.data[1]);
  T* const result = static_cast<T*>(c.data[2]);
  const Errors<T> errors(c);
  const auto sum = floatKernels<T>().reduce.sum;
  const Status status = sumOfParts(c.number[0].i, result, [=](int64_t from, int64_t count) {
    T block[kReduceBlock];
    errors(count, x + from, y + from, block);
    return sum(count, block);
  });
  *result /= static_cast<T>(c.number[4].f);
  return status;
}

Status errors(const Command& c) {
  return c.type[0] == DType::float64 ? errorsOf<double>(c) : errorsOf<float>(c);
}

const char* checkErrors(const Command& c) {
  const int64_t kind = c.number[1].i;
  return kind >= 0 && kind < kErrorKinds ? nullptr : "kind is 0, 1 or 2";
}

const Row kRows[] = {
    {"dot", "in x T[n*xStep] in y T[n*yStep] out result T[]; n size xStep stride yStep stride", dot,
     nullptr},
    // The sum of |x - y|, of (x - y)^2 or of Huber's loss (up to `end`, times `scale`), divided by
    // `divisor`.
    {"errors",
     "in x T[n] in y T[n] out result T[]; n size kind int end real scale real divisor real", errors,
     checkErrors},
};

}  // namespace

RowList dotRows() { return rowList(kRows); }

}  // namespace tilegrad
