// Sums over two vectors: the dot product, and the errors of losses. Each has the bits of computing
// all terms and summing them as kernels/reduce.h says, and none of the chain of dependent
// multiply-adds that an element of a matrix product is.
#include <math.h>

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

// The cosines of the angles between rows, with the bits of the operations that they are made of:
// sum(a / max(|a|, eps) * b / max(|b|, eps)). Two operands, as places 0 and 1.
template <class T>
class Cosines {
 public:
  Cosines(const Command& c, int lengths)
      : n_(c.number[1].i),
        eps_(static_cast<T>(c.number[2].f)),
        rows_{static_cast<const T*>(c.data[0]), static_cast<const T*>(c.data[1])},
        lengths_{static_cast<T*>(c.data[lengths]), static_cast<T*>(c.data[lengths + 1])} {}

  // Also computes the lengths.
  T cosine(int64_t row) const {
    T units[2][kReduceBlock];
    for (int k = 0; k < 2; ++k) {
      const T* const x = rows_[k] + row * n_;
      lengths_[k][row] = length(x, units[k]);
      const T divisor = atLeast(lengths_[k][row]);
      binary(Binary::div)(n_, x, 1, &divisor, 0, units[k]);
    }
    return floatKernels<T>().reduce.products(n_, units[0], units[1]);
  }

  // dx = g times the derivative by operand k: (other / |other| - y own / |own|) / |own|, where a
  // length below eps counts as eps and as constant.
  void gradient(int k, int64_t row, T y, T g, T* dx) const {
    const T* const own = rows_[k] + row * n_;
    const T* const other = rows_[1 - k] + row * n_;
    const T length = lengths_[k][row], divisor = atLeast(length);
    const T scale = g / divisor, share = length < eps_ ? 0 : y / divisor;
    NormalizationBackward<T> pass{};
    pass.n = n_;
    pass.x = own;
    pass.g = other;
    pass.rstd.value = 1 / atLeast(lengths_[1 - k][row]);
    pass.weight.value = scale;
    pass.slope.value = -scale * share;
    pass.dx = dx + row * n_;
    const T factors = pass.slope.value * (scale * pass.rstd.value);
    if (factors - factors == 0) return floatKernels<T>().normalization.backward(pass);
    // Lengths so small that the factors of a row are beyond T, or NaN.
    for (int64_t i = 0; i < n_; ++i) {
      pass.dx[i] = (other[i] * pass.rstd.value - own[i] * share) * scale;
    }
  }

 private:
  static BinaryKernel<T> binary(Binary op) {
    return floatKernels<T>().elementwise.binary[static_cast<int>(op)];
  }

  T atLeast(T length) const { return length < eps_ ? eps_ : length; }

  // As the row `norm` computes it: over the largest value where squares leave the range.
  T length(const T* x, T* block) const {
    const ReduceKernels<T>& reduce = floatKernels<T>().reduce;
    T scale = 1, sum = reduce.squares(n_, x, 0);
    if (!isSafeNorm(sum)) {
      floatKernels<T>().elementwise.unary[static_cast<int>(Unary::abs)](n_, x, block);
      scale = reduce.max(n_, block);
      if (scale == 0 || scale - scale != 0) return scale;
      binary(Binary::div)(n_, x, 1, &scale, 0, block);
      sum = reduce.squares(n_, block, 0);
    }
    return static_cast<T>(sqrt(static_cast<double>(sum))) * scale;
  }

  int64_t n_;
  T eps_;
  const T* rows_[2];
  T* lengths_[2];
};

// Cosines and lengths or, with `backward`, the gradients.
template <class T>
void cosinesOf(const Command& c, bool backward) {
  const Cosines<T> cosines(c, 3);
  T* const y = static_cast<T*>(c.data[2]);
  const int64_t bytes = 2 * c.number[1].i * static_cast<int64_t>(sizeof(T));
  parallelShares(c.number[0].i, kCacheLine, bytes, kHeavyShare, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (!backward) y[i] = cosines.cosine(i);
      for (int k = 0; backward && k < 2; ++k) {
        T* const dx = static_cast<T*>(c.data[6 + k]);
        if (dx) cosines.gradient(k, i, y[i], static_cast<const T*>(c.data[5])[i], dx);
      }
    }
  });
}

Status cosines(const Command& c, bool backward) {
  if (c.type[0] == DType::float64) {
    cosinesOf<double>(c, backward);
  } else {
    cosinesOf<float>(c, backward);
  }
  return Status::ok;
}

Status cosinesForward(const Command& c) { return cosines(c, false); }
Status cosinesBackward(const Command& c) { return cosines(c, true); }

const char* checkCosines(const Command& c) {
  return c.number[1].i <= kReduceBlock ? nullptr : "rows are longer than a block of a reduction";
}

const Row kRows[] = {
    {"dot", "in x T[n*xStep] in y T[n*yStep] out result T[]; n size xStep stride yStep stride", dot,
     nullptr},
    // The sum of |x - y|, of (x - y)^2 or of Huber's loss (up to `end`, times `scale`), divided by
    // `divisor`.
    {"errors",
     "in x T[n] in y T[n] out result T[]; n size kind int end real scale real divisor real", errors,
     checkErrors},
    // Cosines of the angles between rows of up to kReduceBlock values, and the rows' lengths.
    {"cosines",
     "in a T[rows n] in b T[rows n] out y T[rows] out ofA T[rows] out ofB T[rows]; rows n size "
     "eps real",
     cosinesForward, checkCosines},
    {"cosinesBackward",
     "in a T[rows n] in b T[rows n] in y T[rows] in ofA T[rows] in ofB T[rows] in g T[rows] "
     "optout da T[rows n] optout db T[rows n]; rows n size eps real",
     cosinesBackward, checkCosines},
};

}  // namespace

RowList dotRows() { return rowList(kRows); }

}  // namespace tilegrad
