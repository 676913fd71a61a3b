// What factorisations do to pairs of rows and no product does.
#pragma once
#include "../simd/vec.h"
#include "table.h"

TG_TARGET_BEGIN

// Products are rounded before they are added: eigenvectors and singular vectors have had these bits
// since they were loops of the baseline CPU.
template <class T>
void rotateKernel(int64_t n, T* x, T* y, T c, T s) {
  const Reg<T> cosine = splat(c), sine = splat(s);
  constexpr int64_t kWidth = Reg<T>::lanes;
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    const Reg<T> a = load(x + i), b = load(y + i);
    store(x + i, add(mul(cosine, a), mul(sine, b)));
    store(y + i, sub(mul(cosine, b), mul(sine, a)));
  }
  if (i == n) return;
  const Reg<T> a = loadFirst(x + i, n - i), b = loadFirst(y + i, n - i);
  storeFirst(x + i, add(mul(cosine, a), mul(sine, b)), n - i);
  storeFirst(y + i, sub(mul(cosine, b), mul(sine, a)), n - i);
}

template <class T>
constexpr LinalgKernels<T> linalgKernels() {
  return {rotateKernel<T>};
}

TG_TARGET_END
