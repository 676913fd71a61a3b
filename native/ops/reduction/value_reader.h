// The values of one result of a reduction as a list, wherever they lie.
#pragma once
#include <string.h>

#include <optional>

#include "../loops.h"

namespace tilegrad {

// Walks the values of one result, runs of the innermost dimension at a time.
template <class T>
class ValueReader {
 public:
  using Load = void (*)(int64_t n, const void* x, int64_t step, T* to);

  ValueReader(const Loops& loops, Load load, const char* x, int64_t size, int64_t begin)
      : outer_(loops), load_(load), x_(x), size_(size) {
    if (outer_.rank > 0) {
      --outer_.rank;
      length_ = loops.shape[outer_.rank];
      step_ = loops.stride[0][outer_.rank];
    }
    inner_ = begin % length_;
    at_.emplace(outer_, 1, begin / length_);
  }

  void take(int64_t n, T* to) {
    while (n > 0) {
      const int64_t count = n < length_ - inner_ ? n : length_ - inner_;
      const char* const from = x_ + (at_->offset(0) + inner_ * step_) * size_;
      if (load_) {
        load_(count, from, step_, to);
      } else {
        const T* const values = reinterpret_cast<const T*>(from);
        copyValues(count, values, to);
      }
      n -= count;
      to += count;
      inner_ += count;
      if (inner_ == length_) {
        inner_ = 0;
        at_->next();
      }
    }
  }

 private:
  void copyValues(int64_t n, const T* x, T* to) const {
    if (step_ == 1) {
      memcpy(to, x, static_cast<size_t>(n) * sizeof(T));
      return;
    }
    for (int64_t i = 0; i < n; ++i) to[i] = x[i * step_];
  }

  Loops outer_;
  Load load_;
  const char* x_;
  int64_t size_;
  int64_t length_ = 1, step_ = 0, inner_ = 0;
  std::optional<Odometer> at_;
};

}  // namespace tilegrad
