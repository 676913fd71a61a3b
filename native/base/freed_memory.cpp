#include "freed_memory.h"

#include <stdlib.h>
#include <string.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace tilegrad {
namespace {

#if defined(__GLIBC__)

// Below this size freed blocks stay with malloc: any tensor.
constexpr int kKeepBelow = 1 << 30;
// The most that older versions of glibc accept for it: DEFAULT_MMAP_THRESHOLD_MAX.
constexpr int kKeepBelowOld = 32 << 20;
// What malloc may keep at the end of its heap: as much as the free lists of lib/tensor/memory.ts.
constexpr int kKeepAtMost = 512 << 20;
// The heap grows and shrinks in steps of this: large enough to make the system calls rare, small
// beside kKeepAtMost. Untouched, it is no memory.
constexpr int kGrowBy = 16 << 20;

// Whether somebody has settled this already.
bool settled() {
  const char* const keep = getenv("TILEGRAD_KEEP_MEMORY");
  if (keep && strcmp(keep, "0") == 0) return true;
  const char* const tunables = getenv("GLIBC_TUNABLES");
  if (tunables && strstr(tunables, "glibc.malloc.")) return true;
  return getenv("MALLOC_MMAP_THRESHOLD_") || getenv("MALLOC_TRIM_THRESHOLD_") ||
         getenv("MALLOC_TOP_PAD_") || getenv("MALLOC_MMAP_MAX_");
}

bool keep() {
  if (settled()) return false;
  // Measured, relu of 2^20 float32 whose results are left to the collector: 600 us of processor
  // time without this, 240 with it, 100 when results are disposed. Of 2^24: 36 ms, 8 ms, 4 ms. The
  // threshold for trimming alone makes it worse: it switches off glibc's own growing threshold.
  if (!mallopt(M_MMAP_THRESHOLD, kKeepBelow)) mallopt(M_MMAP_THRESHOLD, kKeepBelowOld);
  mallopt(M_TRIM_THRESHOLD, kKeepAtMost);
  mallopt(M_TOP_PAD, kGrowBy);
  return true;
}

#else

bool keep() { return false; }

#endif

}  // namespace

void keepFreedMemory() {
  static const bool kept = keep();
  static_cast<void>(kept);
}

}  // namespace tilegrad
