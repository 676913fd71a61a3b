// Any CPU: one value at a time. The reference for the other levels, and the rescue.
#define TG_TARGET_SCALAR
#include "table.inc.h"

namespace tilegrad {

constexpr KernelTable kScalarKernels =
    scalar::kernelTable(Level::scalar, kScalarElementwise, kScalarInteger, kScalarGemm);

}  // namespace tilegrad
