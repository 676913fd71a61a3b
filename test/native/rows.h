// Rows of the operation table as the tests call them: commands filled by hand, run at every level
// and with one and two threads.
#pragma once
#include "../../native/base/thread_pool.h"
#include "../../native/ops/rows.h"
#include "compare.h"

namespace tilegrad {
namespace test {

inline const Row& rowNamed(const std::string& name) {
  const Row* found = nullptr;
  eachFamily([&](const RowList& family) {
    for (int i = 0; i < family.count; ++i) {
      if (name == family.rows[i].name) found = &family.rows[i];
    }
  });
  if (found) return *found;
  printf("no row %s\n", name.c_str());
  abort();
}

template <class T>
DType dtypeOf();
template <>
inline DType dtypeOf<float>() {
  return DType::float32;
}
template <>
inline DType dtypeOf<double>() {
  return DType::float64;
}
template <>
inline DType dtypeOf<int32_t>() {
  return DType::int32;
}
template <>
inline DType dtypeOf<uint8_t>() {
  return DType::uint8;
}
template <>
inline DType dtypeOf<int8_t>() {
  return DType::int8;
}
template <>
inline DType dtypeOf<uint32_t>() {
  return DType::uint32;
}

class Call {
 public:
  explicit Call(const std::string& name) : row_(rowNamed(name)) {
    memset(&command_, 0, sizeof command_);
  }

  template <class T>
  Call& array(const T* p) {
    command_.data[operands_] = const_cast<T*>(p);
    command_.type[operands_++] = dtypeOf<T>();
    return *this;
  }
  // In the place of an optional operand.
  Call& none() {
    ++operands_;
    return *this;
  }
  Call& number(int64_t i) {
    command_.number[numbers_++].i = i;
    return *this;
  }
  Call& real(double f) {
    command_.number[numbers_++].f = f;
    return *this;
  }
  Call& dimensions(const std::vector<int64_t>& shape) {
    command_.geometry.rank = static_cast<int32_t>(shape.size());
    for (size_t d = 0; d < shape.size(); ++d) command_.geometry.shape[d] = shape[d];
    return *this;
  }
  // Of the operand that comes next.
  Call& strides(const std::vector<int64_t>& stride) {
    for (size_t d = 0; d < stride.size(); ++d) command_.geometry.stride[operands_][d] = stride[d];
    return *this;
  }

  const char* problem() const { return row_.check ? row_.check(command_) : nullptr; }
  void run() const {
    expect(!problem(), std::string(row_.name) + ": " + (problem() ? problem() : ""));
    expect(status() == Status::ok, std::string(row_.name) + " ran out of memory");
  }
  // What the row says when it is run, with numbers that its check may refuse.
  Status status() const { return row_.run(command_); }

 private:
  const Row& row_;
  Command command_;
  int operands_ = 0, numbers_ = 0;
};

// Calls compute() at every level with one and two threads. It returns a result, which has to have
// the same bits everywhere; the first is returned.
template <class F>
auto everywhere(const std::string& name, const F& compute) {
  decltype(compute()) first;
  bool any = false;
  for (Level level : availableLevels()) {
    for (int threads = 1; threads <= 2; ++threads) {
      setLevel(level);
      setNumThreads(threads);
      auto result = compute();
      if (!any) {
        first = result;
        any = true;
      } else if (!sameBits(first, result)) {
        fail(name + " differs at level " + levelName(level) + " with " + std::to_string(threads) +
             " threads");
      }
    }
  }
  return first;
}

}  // namespace test
}  // namespace tilegrad
