// arm64, which always has Advanced SIMD.
#define TG_TARGET_NEON
#include "table.inc.h"

namespace tilegrad {

constexpr KernelTable kNeonKernels =
    neon::kernelTable(Level::neon, kNeonElementwise, kNeonInteger, kNeonGemm);

}  // namespace tilegrad
