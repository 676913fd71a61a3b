// The block of hyperparameters that optimizer rows read from memory, so that a recorded step sees a
// schedule's changes. The count of steps is the parameter's own and lies elsewhere: a parameter
// that gets its first gradient late takes its first step then.
#pragma once

namespace tilegrad {

// Slots of the block, all float64 (lib/optim/optimizer.ts fills them in by the same order). A row
// reads the slots that its update rule has. Truth values are 0 or 1.
enum HyperSlot {
  kHyperLr,           // learning rate
  kHyperWeightDecay,  // lambda of the L2 penalty, or of the decoupled decay
  kHyperMaximize,     // truth value: ascend instead of descend
  kHyperMomentum,     // SGD
  kHyperDampening,    // SGD
  kHyperNesterov,     // SGD, truth value
  kHyperBeta1,        // Adam, decay of the first moment
  kHyperBeta2,        // Adam, decay of the second moment
  kHyperEps,          // Adam
  kHyperDecoupled,    // Adam, truth value: AdamW
  kHyperCount
};

}  // namespace tilegrad
