// The dot product of two vectors: products a block at a time, in the first-level cache, summed as
// kernels/reduce.h says. So it has the bits of multiplying and summing, and none of the chain of
// dependent multiply-adds that an element of a matrix product is.
#include "dispatch.h"
#include "reduction.h"
#include "rows.h"

namespace tilegrad {
namespace {

// Elements `step` apart as a block; those that lie together are read where they are.
template <class T>
const T* blockOf(const T* x, int64_t step, int64_t n, T* block) {
  if (step == 1) return x;
  for (int64_t i = 0; i < n; ++i) block[i] = x[i * step];
  return block;
}

template <class T>
Status dotOf(const Command& c) {
  const int64_t n = c.number[0].i, xStep = c.number[1].i, yStep = c.number[2].i;
  const T* const x = static_cast<const T*>(c.data[0]);
  const T* const y = static_cast<const T*>(c.data[1]);
  T* const result = static_cast<T*>(c.data[2]);
  *result = 0;
  if (n == 0) return Status::ok;
  const FloatKernels<T>& k = floatKernels<T>();
  const auto& binary = k.elementwise.binary;
  const int64_t blocks = (n + kReduceBlock - 1) / kReduceBlock;
  T* partial = result;
  if (blocks > 1) {
    partial =
        static_cast<T*>(scratch(ScratchSlot::partial, static_cast<size_t>(blocks) * sizeof(T)));
    if (!partial) return Status::outOfMemory;
  }
  parallelShares(blocks, 1, 2 * kReduceBlock * static_cast<int64_t>(sizeof(T)), kLightShare,
                 [&](int64_t begin, int64_t end) {
                   T products[kReduceBlock], other[kReduceBlock];
                   for (int64_t b = begin; b < end; ++b) {
                     const int64_t from = b * kReduceBlock;
                     const int64_t count = n - from < kReduceBlock ? n - from : kReduceBlock;
                     const T* const left = blockOf(x + from * xStep, xStep, count, products);
                     const T* const right = blockOf(y + from * yStep, yStep, count, other);
                     binary[static_cast<int>(Binary::mul)](count, left, 1, right, 1, products);
                     partial[b] = k.reduce.sum(count, products);
                   }
                 });
  combinePieces(binary[static_cast<int>(Binary::add)], partial, blocks, 1);
  *result = *partial;
  return Status::ok;
}

Status dot(const Command& c) {
  return c.type[0] == DType::float64 ? dotOf<double>(c) : dotOf<float>(c);
}

const Row kRows[] = {
    {"dot", "in x T[n*xStep] in y T[n*yStep] out result T[]; n size xStep stride yStep stride", dot,
     nullptr},
};

}  // namespace

RowList dotRows() { return rowList(kRows); }

}  // namespace tilegrad
