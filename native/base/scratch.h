// Per-thread working memory for packed panels and partial results. It grows to the largest request
// of its thread and is reused, so a steady state allocates nothing.
#pragma once
#include <stddef.h>

namespace tilegrad {

// Alignment of scratch memory: one cache line, which is also one AVX-512 register.
constexpr size_t kScratchAlignment = 64;

// At least `bytes` bytes, aligned to kScratchAlignment, valid until the same thread's next call for
// the same slot. Null when memory is exhausted (the caller reports it; nothing throws). Products
// use all but `weight` and `step`, which are for those who run many of them; `shared` is what the
// threads of one product have in common.
enum class ScratchSlot : unsigned char {
  panel,
  partial,
  block,
  result,
  shared,
  weight,
  step,
  count
};
void* scratch(ScratchSlot slot, size_t bytes);

}  // namespace tilegrad
