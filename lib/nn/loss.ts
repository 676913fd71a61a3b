/** Losses of classes as modules, which keep their options. */
import type { Targets } from '../ops/classes.js';
import {
  CROSS_ENTROPY_OPTIONS,
  type CrossEntropyOptions,
  checkLossOptions,
  crossEntropy,
  NLL_OPTIONS,
  type NllLossOptions,
  nllLoss,
} from '../ops/cross_entropy.js';
import type { LossReduction } from '../ops/loss.js';
import type { Tensor } from '../tensor/tensor.js';
import { Buffer } from './buffer.js';
import { Module } from './module.js';

/**
 * `crossEntropy` with fixed options. The weight is part of the state, as in PyTorch.
 * @example
 * ```ts
 * new nn.CrossEntropyLoss().forward(tensor([[0, 0]]), [1]); // => 0.693147
 * ```
 */
export class CrossEntropyLoss extends Module {
  /** A factor for each class, or none. */
  readonly weight: Buffer | null;
  /** The class that does not count. */
  readonly ignoreIndex: number;
  /** What becomes of the losses of the positions. */
  readonly reduction: LossReduction;
  /** The share of the target that all classes get evenly. */
  readonly labelSmoothing: number;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values out of range, ERR_DTYPE */
  constructor(options: CrossEntropyOptions = {}) {
    super();
    const settings = checkLossOptions('CrossEntropyLoss', options, CROSS_ENTROPY_OPTIONS);
    this.weight = settings.weight === null ? null : new Buffer(settings.weight);
    this.ignoreIndex = settings.ignoreIndex;
    this.reduction = settings.reduction;
    this.labelSmoothing = settings.labelSmoothing;
  }

  forward(logits: Tensor, targets: Targets): Tensor {
    const { weight, ignoreIndex, reduction, labelSmoothing } = this;
    const options = { weight, ignoreIndex, reduction, labelSmoothing };
    return crossEntropy(logits, targets, options);
  }
}

/**
 * `nllLoss` with fixed options. The weight is part of the state, as in PyTorch.
 * @example
 * ```ts
 * new nn.NLLLoss().forward(tensor([[-0.1, -2.3]]), [0]); // => 0.1
 * ```
 */
export class NLLLoss extends Module {
  /** A factor for each class, or none. */
  readonly weight: Buffer | null;
  /** The class that does not count. */
  readonly ignoreIndex: number;
  /** What becomes of the losses of the positions. */
  readonly reduction: LossReduction;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values out of range, ERR_DTYPE */
  constructor(options: NllLossOptions = {}) {
    super();
    const settings = checkLossOptions('NLLLoss', options, NLL_OPTIONS);
    this.weight = settings.weight === null ? null : new Buffer(settings.weight);
    this.ignoreIndex = settings.ignoreIndex;
    this.reduction = settings.reduction;
  }

  forward(logProbabilities: Tensor, targets: Targets): Tensor {
    const { weight, ignoreIndex, reduction } = this;
    return nllLoss(logProbabilities, targets, { weight, ignoreIndex, reduction });
  }
}
