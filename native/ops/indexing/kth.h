// The kernels of selection by the type of keys (sort_keys.h).
#pragma once
#include "../dispatch.h"

namespace tilegrad {

template <class Key>
const auto& keyKernels() {
  if constexpr (sizeof(Key) == 8) {
    return kernels().integer.keys64;
  } else {
    return kernels().integer.keys32;
  }
}

}  // namespace tilegrad
