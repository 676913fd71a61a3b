// Comparisons, and questions about one float: rows whose results are truth values.
#include "../dispatch.h"
#include "../rows.h"
#include "integer.h"
#include "map.h"

namespace tilegrad {
namespace {

template <class T>
Status compareBy(const Command& c, CompareKernel<T> kernel) {
  return runMap(c, {2, {sizeof(T), sizeof(T), 1}, 2, kLightShare},
                [=](int64_t n, const void* const* in, const int64_t* step, void* y) {
                  kernel(n, static_cast<const T*>(in[0]), step[0], static_cast<const T*>(in[1]),
                         step[1], static_cast<uint8_t*>(y));
                });
}

Status compare(const Command& c, Compare op) {
  const int i = static_cast<int>(op);
  switch (c.type[0]) {
    case DType::float64:
      return compareBy<double>(c, floatKernels<double>().elementwise.compare[i]);
    case DType::float32:
      return compareBy<float>(c, floatKernels<float>().elementwise.compare[i]);
    default:
      return withInteger(c.type[0], [&](auto type) {
        using T = decltype(type);
        return compareBy<T>(c, integerKernels<T>().compare[i]);
      });
  }
}

template <class T>
Status predicate(const Command& c, Predicate op) {
  const PredicateKernel<T> kernel = floatKernels<T>().elementwise.predicate[static_cast<int>(op)];
  return runMap(c, {1, {sizeof(T), 1}, 0, kLightShare},
                [=](int64_t n, const void* const* in, const int64_t*, void* y) {
                  kernel(n, static_cast<const T*>(in[0]), static_cast<uint8_t*>(y));
                });
}

template <Compare op>
Status runCompare(const Command& c) {
  return compare(c, op);
}

template <Predicate op>
Status runPredicate(const Command& c) {
  return c.type[0] == DType::float64 ? predicate<double>(c, op) : predicate<float>(c, op);
}

const Row kRows[] = {
#define TG_COMPARE(name) \
  {#name, "in a N[@] in b N[@] out y u8[@]", runCompare<Compare::name>, nullptr},
#define TG_PREDICATE(name) {#name, "in x T[@] out y u8[@]", runPredicate<Predicate::name>, nullptr},
#include "../../kernels/elementwise.inc"
};

}  // namespace

RowList compareRows() { return rowList(kRows); }

}  // namespace tilegrad
