// Elementwise rows that are made of other kernels, a block at a time, so that what goes from one
// kernel to the next stays in the first-level cache.
#include <math.h>

#include "../dispatch.h"
#include "../rows.h"
#include "map.h"

namespace tilegrad {
namespace {

// Values of a block: two of them in float64 take 8 KB.
constexpr int64_t kBlock = 512;

// f(count, i) for blocks [i, i + count) of n values.
template <class F>
void eachBlock(int64_t n, const F& f) {
  for (int64_t i = 0; i < n; i += kBlock) f(n - i < kBlock ? n - i : kBlock, i);
}

// max(a, b) + log(1 + exp(beta d)) / beta, d = min(a, b) - max(a, b): 0 of equal infinities, whose
// difference is NaN.
template <class T>
Status logaddexpOf(const Command& c) {
  const ElementwiseKernels<T>& kernels = floatKernels<T>().elementwise;
  const auto binary = [&](Binary op) { return kernels.binary[static_cast<int>(op)]; };
  const BinaryKernel<T> add = binary(Binary::add), sub = binary(Binary::sub);
  const BinaryKernel<T> maximum = binary(Binary::maximum), minimum = binary(Binary::minimum);
  const UnaryKernel<T> nanToZero = kernels.unary[static_cast<int>(Unary::nanToZero)];
  const UnaryWithKernel<T> softplus = kernels.unaryWith[static_cast<int>(UnaryWith::softplus)];
  const T beta = static_cast<T>(c.number[0].f), inverse = static_cast<T>(c.number[1].f);
  const T parameters[kMaxParameters] = {beta, inverse, static_cast<T>(INFINITY)};
  return runMap(c, {2, {sizeof(T), sizeof(T), sizeof(T)}, 2, true},
                [=](int64_t n, const void* const* in, const int64_t* step, void* y) {
                  T larger[kBlock], rest[kBlock];
                  eachBlock(n, [&](int64_t count, int64_t i) {
                    const T* const a = static_cast<const T*>(in[0]) + i * step[0];
                    const T* const b = static_cast<const T*>(in[1]) + i * step[1];
                    maximum(count, a, step[0], b, step[1], larger);
                    minimum(count, a, step[0], b, step[1], rest);
                    sub(count, rest, 1, larger, 1, rest);
                    nanToZero(count, rest, rest);
                    softplus(count, rest, parameters, rest);
                    add(count, larger, 1, rest, 1, static_cast<T*>(y) + i);
                  });
                });
}

Status logaddexp(const Command& c) {
  return c.type[0] == DType::float64 ? logaddexpOf<double>(c) : logaddexpOf<float>(c);
}

// log(p / (1 - p)), p = x brought into [low, high].
template <class T>
Status logitOf(const Command& c) {
  const ElementwiseKernels<T>& kernels = floatKernels<T>().elementwise;
  const BinaryKernel<T> sub = kernels.binary[static_cast<int>(Binary::sub)];
  const BinaryKernel<T> div = kernels.binary[static_cast<int>(Binary::div)];
  const UnaryKernel<T> log = kernels.unary[static_cast<int>(Unary::log)];
  const UnaryWithKernel<T> clamp = kernels.unaryWith[static_cast<int>(UnaryWith::hardtanh)];
  const T low = static_cast<T>(c.number[0].f), high = static_cast<T>(c.number[1].f);
  const T parameters[kMaxParameters] = {low, high};
  return runMap(c, {1, {sizeof(T), sizeof(T)}, 0, true},
                [=](int64_t n, const void* const* in, const int64_t*, void* y) {
                  const T one = 1;
                  T p[kBlock], rest[kBlock];
                  eachBlock(n, [&](int64_t count, int64_t i) {
                    clamp(count, static_cast<const T*>(in[0]) + i, parameters, p);
                    sub(count, &one, 0, p, 1, rest);
                    div(count, p, 1, rest, 1, rest);
                    log(count, rest, static_cast<T*>(y) + i);
                  });
                });
}

Status logit(const Command& c) {
  return c.type[0] == DType::float64 ? logitOf<double>(c) : logitOf<float>(c);
}

const Row kRows[] = {
    {"logaddexp", "in a T[@] in b T[@] out y T[@]; beta inverseBeta real", logaddexp, nullptr},
    {"logit", "in x T[@] out y T[@]; low high real", logit, nullptr},
};

}  // namespace

RowList blockRows() { return rowList(kRows); }

}  // namespace tilegrad
