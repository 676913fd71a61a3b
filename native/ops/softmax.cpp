// Softmax over rows of scores, and the cross-entropy loss.
#include "../base/scratch.h"
#include "dispatch.h"
#include "parallel.h"
#include "rows.h"

namespace tilegrad {
namespace {

// Calls f(begin, end) over the rows, on as many threads as their bytes are worth.
template <class T, class F>
void overRows(int64_t rows, int64_t cols, const F& f) {
  // x and y; a row of the longest array that exists can't overflow this.
  const int64_t rowBytes = 2 * cols * static_cast<int64_t>(sizeof(T));
  parallelShares(rows, 1, rowBytes, kHeavyShare, f);
}

template <class T>
using RowKernel = void (*)(int64_t n, const T* x, T* y);

template <class T>
Status forward(const Command& c, RowKernel<T> kernel) {
  const int64_t rows = c.number[0].i, cols = c.number[1].i;
  const int64_t xRow = c.number[2].i, yRow = c.number[3].i;
  if (rows == 0 || cols == 0) return Status::ok;
  const T* const x = static_cast<const T*>(c.data[0]);
  T* const y = static_cast<T*>(c.data[1]);
  overRows<T>(rows, cols, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) kernel(cols, x + i * xRow, y + i * yRow);
  });
  return Status::ok;
}

template <class T>
using BackwardKernel = void (*)(int64_t n, const T* y, const T* g, T* dx);

template <class T>
Status backward(const Command& c, BackwardKernel<T> kernel) {
  const int64_t rows = c.number[0].i, cols = c.number[1].i;
  const int64_t yRow = c.number[2].i, gRow = c.number[3].i, dxRow = c.number[4].i;
  if (rows == 0 || cols == 0) return Status::ok;
  const T* const y = static_cast<const T*>(c.data[0]);
  const T* const g = static_cast<const T*>(c.data[1]);
  T* const dx = static_cast<T*>(c.data[2]);
  overRows<T>(rows, cols, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      kernel(cols, y + i * yRow, g + i * gRow, dx + i * dxRow);
    }
  });
  return Status::ok;
}

Status softmax(const Command& c) {
  return c.type[0] == DType::float64 ? forward<double>(c, kernels().f64.softmax.softmax)
                                     : forward<float>(c, kernels().f32.softmax.softmax);
}

Status logSoftmax(const Command& c) {
  return c.type[0] == DType::float64 ? forward<double>(c, kernels().f64.softmax.logSoftmax)
                                     : forward<float>(c, kernels().f32.softmax.logSoftmax);
}

Status softmaxBackward(const Command& c) {
  return c.type[0] == DType::float64 ? backward<double>(c, kernels().f64.softmax.softmaxBackward)
                                     : backward<float>(c, kernels().f32.softmax.softmaxBackward);
}

Status logSoftmaxBackward(const Command& c) {
  return c.type[0] == DType::float64 ? backward<double>(c, kernels().f64.softmax.logSoftmaxBackward)
                                     : backward<float>(c, kernels().f32.softmax.logSoftmaxBackward);
}

template <class T>
Status crossEntropyOf(const Command& c) {
  const FloatKernels<T>& k = floatKernels<T>();
  const int64_t rows = c.number[0].i, cols = c.number[1].i, xRow = c.number[2].i;
  const T* const x = static_cast<const T*>(c.data[0]);
  const int32_t* const target = static_cast<const int32_t*>(c.data[1]);
  T* const loss = static_cast<T*>(c.data[2]);
  T* const logSum = static_cast<T*>(c.data[3]);
  T* const losses =
      static_cast<T*>(scratch(ScratchSlot::partial, static_cast<size_t>(rows) * sizeof(T)));
  if (!losses && rows > 0) return Status::outOfMemory;
  overRows<T>(rows, cols, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* const row = x + i * xRow;
      const int64_t t = target[i];
      // 0 / 0 gives NaN at run time, like a logarithm of a probability that does not exist.
      const T zero = 0;
      const T score = t >= 0 && t < cols ? row[t] : zero / zero;
      T maximum;
      logSum[i] = k.softmax.logSumExp(cols, row, &maximum);
      losses[i] = logSum[i] - (score - maximum);
    }
  });
  *loss = k.reduce.sum(rows, losses) / static_cast<T>(rows);
  return Status::ok;
}

Status crossEntropy(const Command& c) {
  return c.type[0] == DType::float64 ? crossEntropyOf<double>(c) : crossEntropyOf<float>(c);
}

template <class T>
Status crossEntropyBackwardOf(const Command& c) {
  const int64_t rows = c.number[0].i, cols = c.number[1].i;
  const int64_t xRow = c.number[2].i, dxRow = c.number[3].i;
  const T* const x = static_cast<const T*>(c.data[0]);
  const int32_t* const target = static_cast<const int32_t*>(c.data[1]);
  const T* const logSum = static_cast<const T*>(c.data[2]);
  T* const dx = static_cast<T*>(c.data[4]);
  const T scale = *static_cast<const T*>(c.data[3]) / static_cast<T>(rows);
  const auto kernel = floatKernels<T>().softmax.crossEntropyBackward;
  overRows<T>(rows, cols, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      kernel(cols, x + i * xRow, logSum[i], target[i], scale, dx + i * dxRow);
    }
  });
  return Status::ok;
}

Status crossEntropyBackward(const Command& c) {
  return c.type[0] == DType::float64 ? crossEntropyBackwardOf<double>(c)
                                     : crossEntropyBackwardOf<float>(c);
}

const char* checkClasses(const Command& c) {
  return c.number[1].i < 1 ? "cols must be at least 1" : nullptr;
}

constexpr char kForward[] =
    "in x T[rows*xRow cols] out y T[rows*yRow cols]; "
    "rows cols size xRow yRow stride";
constexpr char kBackward[] =
    "in y T[rows*yRow cols] in g T[rows*gRow cols] "
    "out dx T[rows*dxRow cols]; rows cols size yRow gRow dxRow stride";

const Row kRows[] = {
    // y = exp(x) / sum(exp(x)) and its logarithm, over each row. y may be x.
    {"softmax", kForward, softmax, nullptr},
    {"logSoftmax", kForward, logSoftmax, nullptr},
    // dx = y (g - sum(g y)), and dx = g - exp(y) sum(g). dx may be g or y.
    {"softmaxBackward", kBackward, softmaxBackward, nullptr},
    {"logSoftmaxBackward", kBackward, logSoftmaxBackward, nullptr},
    // loss = mean over rows of -log softmax(x)[target]; NaN when a target is not a class. logSum
    // keeps log(sum(exp(x - max))) of every row for the gradient.
    {"crossEntropy",
     "in x T[rows*xRow cols] in target i32[rows] out loss T[] out logSum T[rows]; "
     "rows cols size xRow stride",
     crossEntropy, checkClasses},
    // dx = g / rows (softmax(x) - onehot(target)); g is the gradient of the loss. dx may be x.
    {"crossEntropyBackward",
     "in x T[rows*xRow cols] in target i32[rows] in logSum T[rows] in g T[] "
     "out dx T[rows*dxRow cols]; rows cols size xRow dxRow stride",
     crossEntropyBackward, checkClasses},
};

}  // namespace

RowList softmaxRows() { return rowList(kRows); }

}  // namespace tilegrad
