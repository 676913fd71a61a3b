// What the C library does with large blocks that are freed.
#pragma once

namespace tilegrad {

// Makes the C library keep freed memory for the next allocation instead of giving each large block
// back to the system: tensors that the garbage collector frees then come back as warm memory, and a
// large result doesn't cost a page fault and 4 KB of zeros for every page. Concerns the whole
// process, on Linux with glibc; elsewhere nothing happens. Nothing is changed either when the
// environment has settings of its own for malloc (MALLOC_*_, GLIBC_TUNABLES) or
// TILEGRAD_KEEP_MEMORY=0. Only the first call does anything. Safe from any thread.
void keepFreedMemory();

}  // namespace tilegrad
