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
  return runMap(c, {2, {sizeof(T), sizeof(T), sizeof(T)}, 2, kHeavyShare},
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
  return runMap(c, {1, {sizeof(T), sizeof(T)}, 0, kHeavyShare},
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

// a == b, or |a - b| is finite and <= |b| rtol + atol, or both are NaN if those are close.
template <class T>
Status iscloseOf(const Command& c) {
  const ElementwiseKernels<T>& kernels = floatKernels<T>().elementwise;
  const auto binary = [&](Binary op) { return kernels.binary[static_cast<int>(op)]; };
  const auto compare = [&](Compare op) { return kernels.compare[static_cast<int>(op)]; };
  const auto predicate = [&](Predicate op) { return kernels.predicate[static_cast<int>(op)]; };
  const BinaryKernel<T> add = binary(Binary::add), sub = binary(Binary::sub);
  const BinaryKernel<T> mul = binary(Binary::mul);
  const CompareKernel<T> eq = compare(Compare::eq), le = compare(Compare::le);
  const PredicateKernel<T> isfinite = predicate(Predicate::isfinite);
  const PredicateKernel<T> isnan = predicate(Predicate::isnan);
  const UnaryKernel<T> abs = kernels.unary[static_cast<int>(Unary::abs)];
  const IntegerKernels<uint8_t>& bytes = tilegrad::kernels().integer.u8;
  const BinaryKernel<uint8_t> both = bytes.binary[static_cast<int>(IntegerBinary::bitwiseAnd)];
  const BinaryKernel<uint8_t> either = bytes.binary[static_cast<int>(IntegerBinary::bitwiseOr)];
  const T rtol = static_cast<T>(c.number[0].f), atol = static_cast<T>(c.number[1].f);
  const bool equalNan = c.number[2].f != 0;
  return runMap(c, {2, {sizeof(T), sizeof(T), 1}, 2, kLightShare},
                [=](int64_t n, const void* const* in, const int64_t* step, void* y) {
                  T distance[kBlock], allowed[kBlock];
                  uint8_t some[kBlock], others[kBlock];
                  eachBlock(n, [&](int64_t count, int64_t i) {
                    const T* const a = static_cast<const T*>(in[0]) + i * step[0];
                    const T* const b = static_cast<const T*>(in[1]) + i * step[1];
                    const int64_t ofA = step[0] == 0 ? 1 : count, ofB = step[1] == 0 ? 1 : count;
                    uint8_t* const close = static_cast<uint8_t*>(y) + i;
                    sub(count, a, step[0], b, step[1], distance);
                    abs(count, distance, distance);
                    abs(ofB, b, allowed);
                    mul(ofB, allowed, 1, &rtol, 0, allowed);
                    add(ofB, allowed, 1, &atol, 0, allowed);
                    isfinite(count, distance, some);
                    le(count, distance, 1, allowed, step[1], others);
                    both(count, some, 1, others, 1, some);
                    eq(count, a, step[0], b, step[1], others);
                    either(count, some, 1, others, 1, close);
                    if (!equalNan) return;
                    isnan(ofA, a, some);
                    isnan(ofB, b, others);
                    both(count, some, step[0], others, step[1], some);
                    either(count, close, 1, some, 1, close);
                  });
                });
}

Status isclose(const Command& c) {
  return c.type[0] == DType::float64 ? iscloseOf<double>(c) : iscloseOf<float>(c);
}

// Powers of float32 in float64: as wide tensors both operands would take twice the result's memory.
Status floatPower(const Command& c) {
  const auto widen = floatKernels<float>().convert.toOtherFloat;
  const BinaryKernel<double> pow =
      floatKernels<double>().elementwise.binary[static_cast<int>(Binary::pow)];
  return runMap(c, {2, {sizeof(float), sizeof(float), sizeof(double)}, 2, kSlowShare},
                [=](int64_t n, const void* const* in, const int64_t* step, void* y) {
                  double base[kBlock], exponent[kBlock];
                  eachBlock(n, [&](int64_t count, int64_t i) {
                    const float* const a = static_cast<const float*>(in[0]) + i * step[0];
                    const float* const b = static_cast<const float*>(in[1]) + i * step[1];
                    widen(step[0] == 0 ? 1 : count, a, base);
                    widen(step[1] == 0 ? 1 : count, b, exponent);
                    pow(count, base, step[0], exponent, step[1], static_cast<double*>(y) + i);
                  });
                });
}

// Truth values of both operands, combined.
template <class T>
Status logicalBy(const Command& c, CompareKernel<T> ne) {
  constexpr IntegerBinary kOperations[] = {IntegerBinary::bitwiseAnd, IntegerBinary::bitwiseOr,
                                           IntegerBinary::bitwiseXor};
  const int operation = static_cast<int>(kOperations[c.number[0].i]);
  const BinaryKernel<uint8_t> combine = kernels().integer.u8.binary[operation];
  return runMap(c, {2, {sizeof(T), sizeof(T), 1}, 2, kLightShare},
                [=](int64_t n, const void* const* in, const int64_t* step, void* y) {
                  const T zero = 0;
                  uint8_t ofA[kBlock], ofB[kBlock];
                  eachBlock(n, [&](int64_t count, int64_t i) {
                    const T* const a = static_cast<const T*>(in[0]) + i * step[0];
                    const T* const b = static_cast<const T*>(in[1]) + i * step[1];
                    ne(step[0] == 0 ? 1 : count, a, 1, &zero, 0, ofA);
                    ne(step[1] == 0 ? 1 : count, b, 1, &zero, 0, ofB);
                    combine(count, ofA, step[0], ofB, step[1], static_cast<uint8_t*>(y) + i);
                  });
                });
}

Status logical(const Command& c) {
  constexpr int kNe = static_cast<int>(Compare::ne);
  return c.type[0] == DType::float64
             ? logicalBy<double>(c, floatKernels<double>().elementwise.compare[kNe])
             : logicalBy<float>(c, floatKernels<float>().elementwise.compare[kNe]);
}

const char* checkLogical(const Command& c) {
  return c.number[0].i < 0 || c.number[0].i > 2 ? "no such operation" : nullptr;
}

const Row kRows[] = {
    {"logaddexp", "in a T[@] in b T[@] out y T[@]; beta inverseBeta real", logaddexp, nullptr},
    {"floatPower", "in x f32[@] in exponent f32[@] out y f64[@]", floatPower, nullptr},
    {"isclose", "in a T[@] in b T[@] out y u8[@]; rtol atol equalNan real", isclose, nullptr},
    // a != 0 and (0), or (1), either ... or (2) b != 0.
    {"logical", "in a T[@] in b T[@] out y u8[@]; operation int", logical, checkLogical},
    {"logit", "in x T[@] out y T[@]; low high real", logit, nullptr},
};

}  // namespace

RowList blockRows() { return rowList(kRows); }

}  // namespace tilegrad
