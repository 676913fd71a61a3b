#include "integer.h"

#include "../parallel.h"
#include "../rows.h"
#include "map.h"

namespace tilegrad {
namespace {

bool isDivision(IntegerBinary op) {
  return op == IntegerBinary::floorDivide || op == IntegerBinary::remainder;
}

// gcd takes 2.4 ns an element of int32 below 16,384 and 5.3 of int64 (Zen 5).
int64_t shareOf(IntegerBinary op) {
  return op == IntegerBinary::gcd ? kSlowShare : isDivision(op) ? kHeavyShare : kLightShare;
}

template <class T>
Status unary(const Command& c, UnaryKernel<T> kernel) {
  return runMap(c, {1, {sizeof(T), sizeof(T)}, 0, kLightShare},
                [=](int64_t n, const void* const* in, const int64_t*, void* y) {
                  kernel(n, static_cast<const T*>(in[0]), static_cast<T*>(y));
                });
}

// In blocks of a fixed length without a way out of them, so that they become vectors: one by one
// it takes longer than the divisions.
template <class T>
bool hasZero(int64_t n, const T* x) {
  constexpr int64_t kBlock = 64 / sizeof(T);
  for (; n >= kBlock; n -= kBlock, x += kBlock) {
    T found = 0;
    for (int64_t i = 0; i < kBlock; ++i) found |= static_cast<T>(x[i] == 0);
    if (found != 0) return true;
  }
  for (int64_t i = 0; i < n; ++i) {
    if (x[i] == 0) return true;
  }
  return false;
}

// Divisors of 0 are found where they are read, so a result that is written before is of no use.
template <class T>
Status binary(const Command& c, IntegerBinary op) {
  const BinaryKernel<T> kernel = integerKernels<T>().binary[static_cast<int>(op)];
  const bool divides = isDivision(op);
  JointStatus status;
  runMap(c, {2, {sizeof(T), sizeof(T), sizeof(T)}, 2, shareOf(op)},
         [&](int64_t n, const void* const* in, const int64_t* step, void* y) {
           const T* const a = static_cast<const T*>(in[0]);
           const T* const b = static_cast<const T*>(in[1]);
           if (divides && hasZero(step[1] == 0 ? 1 : n, b)) status.add(Status::zeroDivisor);
           kernel(n, a, step[0], b, step[1], static_cast<T*>(y));
         });
  return status.get();
}

template <IntegerUnary op>
Status integerUnaryRow(const Command& c) {
  return runIntegerUnary(c, op);
}

template <IntegerBinary op>
Status integerBinaryRow(const Command& c) {
  return runIntegerBinary(c, op);
}

const Row kRows[] = {
#define TG_INTEGER_UNARY(name) \
  {#name, "in x I[@] out y I[@]", integerUnaryRow<IntegerUnary::name>, nullptr},
#define TG_INTEGER_BINARY(name) \
  {#name, "in a I[@] in b I[@] out y I[@]", integerBinaryRow<IntegerBinary::name>, nullptr},
#include "../../kernels/integer.inc"
};

}  // namespace

Status runIntegerUnary(const Command& c, IntegerUnary op) {
  return withInteger(c.type[0], [&](auto type) {
    using T = decltype(type);
    return unary<T>(c, integerKernels<T>().unary[static_cast<int>(op)]);
  });
}

Status runIntegerBinary(const Command& c, IntegerBinary op) {
  return withInteger(c.type[0], [&](auto type) { return binary<decltype(type)>(c, op); });
}

RowList integerRows() { return rowList(kRows); }

}  // namespace tilegrad
