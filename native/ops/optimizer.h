// The block of hyperparameters that optimizer rows read from memory, so that a recorded step sees a
// schedule's changes and the step count.
#pragma once

namespace tilegrad {

// Slots of the block, all float64; JavaScript writes all but the last three. A row reads the slots
// that its update rule has; the others are ignored. Truth values are 0 or 1.
enum HyperSlot {
  kHyperLr,             // learning rate
  kHyperWeightDecay,    // lambda of the L2 penalty, or of the decoupled decay
  kHyperMaximize,       // truth value: ascend instead of descend
  kHyperMomentum,       // SGD
  kHyperDampening,      // SGD
  kHyperNesterov,       // SGD, truth value
  kHyperBeta1,          // Adam, decay of the first moment; 0 where there is none
  kHyperBeta2,          // Adam, decay of the second moment; 0 where there is none
  kHyperEps,            // Adam
  kHyperDecoupled,      // Adam, truth value: AdamW
  kHyperStep,           // steps begun, 0 before the first; optimizerTick counts
  kHyperCorrection1,    // 1 - beta1^step; optimizerTick computes
  kHyperCorrection2,    // 1 - beta2^step; optimizerTick computes
  kHyperCount
};

}  // namespace tilegrad
