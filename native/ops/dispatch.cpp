#include "dispatch.h"

#include <stdlib.h>

#include <atomic>

namespace tilegrad {
namespace {

// The tables that this build has; null for the others. TG_HAVE_* come from the build files, which
// compile exactly those targets.
const KernelTable* const kTables[kLevelCount] = {
    &kScalarKernels,
#if defined(TG_HAVE_AVX2)
    &kAvx2Kernels,
#else
    nullptr,
#endif
#if defined(TG_HAVE_AVX512)
    &kAvx512Kernels,
#else
    nullptr,
#endif
#if defined(TG_HAVE_NEON)
    &kNeonKernels,
#else
    nullptr,
#endif
};

std::atomic<const KernelTable*> current{nullptr};

const KernelTable* tableFor(Level level) { return kTables[static_cast<int>(level)]; }

// The best level of the build and the CPU, or the one that TILEGRAD_SIMD names if both have it.
const KernelTable* firstTable() {
  const KernelTable* best = &kScalarKernels;
  for (int i = 0; i < kLevelCount; ++i) {
    if (levelAvailable(static_cast<Level>(i))) best = tableFor(static_cast<Level>(i));
  }
  const char* name = getenv("TILEGRAD_SIMD");
  Level wanted;
  if (name && parseLevel(name, &wanted) && levelAvailable(wanted)) best = tableFor(wanted);
  return best;
}

// The tables for dot product instructions that this build has, by level.
const Int8Kernels* const kDotTables[kLevelCount] = {
    nullptr,
    nullptr,
#if defined(TG_HAVE_AVX512)
    &kAvx512VnniKernels,
#else
    nullptr,
#endif
#if defined(TG_HAVE_NEON)
    &kNeonDotKernels,
#else
    nullptr,
#endif
};

std::atomic<bool> dotProductForbidden{false};

const Int8Kernels* dotTable() {
  return hasDotProduct() ? kDotTables[static_cast<int>(kernels().level)] : nullptr;
}

}  // namespace

const Int8Kernels& int8Kernels() {
  const Int8Kernels* table =
      dotProductForbidden.load(std::memory_order_acquire) ? nullptr : dotTable();
  return table ? *table : kernels().i8;
}

bool dotProduct() { return &int8Kernels() != &kernels().i8; }

bool setDotProduct(bool wanted) {
  if (wanted && !dotTable()) return false;
  dotProductForbidden.store(!wanted, std::memory_order_release);
  return true;
}

const KernelTable& kernels() {
  const KernelTable* table = current.load(std::memory_order_acquire);
  if (!table) {
    // Two threads may both come here; the first to finish decides, as setLevel could have before.
    const KernelTable* first = firstTable();
    if (current.compare_exchange_strong(table, first)) table = first;
  }
  return *table;
}

Level currentLevel() { return kernels().level; }

bool setLevel(Level level) {
  if (!levelAvailable(level)) return false;
  current.store(tableFor(level), std::memory_order_release);
  return true;
}

bool levelAvailable(Level level) { return tableFor(level) && levelSupported(level); }

}  // namespace tilegrad
