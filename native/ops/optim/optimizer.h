// The block of hyperparameters that optimizer rows read from memory, so that a recorded step sees a
// schedule's changes. What belongs to a single parameter (the count of its steps, and what some
// rules derive from step to step) lies in another block: a parameter that gets its first gradient
// late takes its first step then.
#pragma once

namespace tilegrad {

// Slots of the block, all float64 (lib/optim/group.ts fills them in by the same order). A row reads
// the slots that its update rule has. Truth values are 0 or 1.
enum HyperSlot {
  kHyperLr,             // learning rate
  kHyperWeightDecay,    // lambda of the L2 penalty, or of the decoupled decay
  kHyperMaximize,       // truth value: ascend instead of descend
  kHyperDecoupled,      // Adam, NAdam, RAdam, truth value: weights shrink instead of a penalty
  kHyperMomentum,       // SGD, RMSprop
  kHyperDampening,      // SGD
  kHyperNesterov,       // SGD, truth value
  kHyperBeta1,          // Adam and its family, Lion: decay of the first moment
  kHyperBeta2,          // Adam and its family: decay of the second moment; Lion: of the mean
  kHyperEps,            // all that divide by a root
  kHyperMomentumDecay,  // NAdam
  kHyperAlpha,          // RMSprop: decay of the mean square; ASGD: power of the rate's decay
  kHyperLrDecay,        // Adagrad
  kHyperRho,            // Adadelta
  kHyperEtaMinus,       // Rprop
  kHyperEtaPlus,        // Rprop
  kHyperStepMin,        // Rprop
  kHyperStepMax,        // Rprop
  kHyperLambd,          // ASGD
  kHyperT0,             // ASGD
  kHyperAverage,        // SGD, truth value: the momentum buffer is a running mean
  kHyperCount
};

// Slots of a parameter's own block of float64.
enum ScalarSlot {
  kScalarStep,    // steps taken so far, which the rows count up
  kScalarFirst,   // NAdam: product of the momenta so far, 1 at first; ASGD: eta, lr at first
  kScalarSecond,  // ASGD: mu, 1 at first
  kScalarCount
};

// Fields of one entry of the table of segments: where a parameter's stretches of memory begin, in
// elements of their operands. Array k of its state begins at state + k * stride.
enum SegmentField {
  kSegmentWeight,
  kSegmentGradient,
  kSegmentState,
  kSegmentStride,
  kSegmentCount,  // elements
  kSegmentSlot,   // index of the parameter's block of scalars
  kSegmentFields
};

}  // namespace tilegrad
