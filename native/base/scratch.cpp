#include "scratch.h"

#include <stdint.h>
#include <stdlib.h>

#include "pin_library.h"

#if defined(_WIN32)
#include <malloc.h>
#endif
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace tilegrad {
namespace {

constexpr int kSlotCount = static_cast<int>(ScratchSlot::count);

// The first block of a slot: one packed panel of the matrix product (hundreds of values deep, tens
// wide) fits, so most threads allocate once.
constexpr size_t kSmallestBlock = size_t{64} << 10;

// The huge page of x86-64 and of AArch64 with 4 KB pages: from this size on, blocks are whole ones.
constexpr size_t kHugePage = size_t{2} << 20;

struct Block {
  void* data;
  size_t capacity;
};

void* allocate(size_t bytes, size_t alignment) {
#if defined(_WIN32)
  return _aligned_malloc(bytes, alignment);
#else
  void* data = nullptr;
  return posix_memalign(&data, alignment, bytes) == 0 ? data : nullptr;
#endif
}

void release(void* data) {
#if defined(_WIN32)
  _aligned_free(data);
#else
  free(data);
#endif
}

// Trivial, so that reaching a block needs no initialisation guard.
thread_local Block blocks[kSlotCount];

// Frees the thread's blocks when the thread ends.
struct BlockOwner {
  ~BlockOwner() {
    for (Block& block : blocks) {
      release(block.data);
      block = {nullptr, 0};
    }
  }
  // Using the object is what registers its destructor.
  void engage() {}
};
thread_local BlockOwner owner;

// A block of at least `bytes`, or {null, 0}.
Block newBlock(size_t bytes) {
  const size_t unit = bytes >= kHugePage ? kHugePage : kScratchAlignment;
  if (bytes > SIZE_MAX - unit) return {nullptr, 0};
  const size_t capacity = (bytes + unit - 1) / unit * unit;
  void* data = allocate(capacity, unit);
  if (data == nullptr) return {nullptr, 0};
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  // Advice only: kernels without transparent huge pages refuse it and nothing is lost.
  if (unit == kHugePage) madvise(data, capacity, MADV_HUGEPAGE);
#endif
  return {data, capacity};
}

// The slow path of scratch(). The old contents are not kept, so the old block goes first.
void* grow(Block* block, size_t bytes) {
  pinLibrary();  // ~BlockOwner must still be there when this thread ends
  owner.engage();
  const size_t doubled = block->capacity <= SIZE_MAX / 2 ? 2 * block->capacity : bytes;
  release(block->data);
  size_t wanted = bytes < doubled ? doubled : bytes;
  if (wanted < kSmallestBlock) wanted = kSmallestBlock;
  *block = newBlock(wanted);
  if (block->data == nullptr && wanted > bytes) *block = newBlock(bytes);
  return block->data;
}

}  // namespace

void* scratch(ScratchSlot slot, size_t bytes) {
  Block* block = &blocks[static_cast<int>(slot)];
  if (block->data != nullptr && bytes <= block->capacity) return block->data;
  return grow(block, bytes);
}

}  // namespace tilegrad
