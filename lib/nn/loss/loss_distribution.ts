/** Losses of distributions and of sequences as modules, which keep their options. */

import type { IndexLike } from '../../ops/indexing/indices.js';
import { type CtcLossOptions, ctcLoss, ctcOptionsOf, type Lengths } from '../../ops/loss/ctc.js';
import type { LossReduction } from '../../ops/loss/loss.js';
import {
  type GaussianNllLossOptions,
  gaussianNllLoss,
  gaussianOptionsOf,
  type KlDivLossOptions,
  klDivLoss,
  klDivOptionsOf,
  type PoissonNllLossOptions,
  poissonNllLoss,
  poissonOptionsOf,
} from '../../ops/loss/loss_distribution.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module/module.js';
import { Loss } from './loss.js';

/**
 * `klDivLoss` with fixed options.
 * @example
 * ```ts
 * const input = tensor([[0.5, 0.5]]).log();
 * new nn.KLDivLoss({ reduction: 'batchmean' }).forward(input, tensor([[0, 1]])); // => 0.693147
 * ```
 */
export class KLDivLoss extends Module<[input: Tensor, target: Tensor]> {
  /** What becomes of the losses of the elements. */
  readonly reduction: LossReduction | 'batchmean';
  /** Whether the target has log-probabilities. */
  readonly logTarget: boolean;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values */
  constructor(options: KlDivLossOptions = {}) {
    super();
    const { reduction, logTarget } = klDivOptionsOf('KLDivLoss', options);
    this.reduction = reduction;
    this.logTarget = logTarget;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { reduction, logTarget } = this;
    return klDivLoss(input, target, { reduction, logTarget });
  }
}

/**
 * `poissonNllLoss` with fixed options.
 * @example
 * ```ts
 * new nn.PoissonNLLLoss().forward(tensor([0, 1]), tensor([2, 1])); // => 1.359141
 * ```
 */
export class PoissonNLLLoss extends Loss {
  /** Whether the input is the logarithm of the rate. */
  readonly logInput: boolean;
  /** Whether Stirling's approximation of log(target!) is added. */
  readonly full: boolean;
  /** Added to a rate before its logarithm is taken. */
  readonly eps: number;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values */
  constructor(options: PoissonNllLossOptions = {}) {
    const { logInput, full, eps, reduction } = poissonOptionsOf('PoissonNLLLoss', options);
    super(reduction);
    this.logInput = logInput;
    this.full = full;
    this.eps = eps;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { logInput, full, eps, reduction } = this;
    return poissonNllLoss(input, target, { logInput, full, eps, reduction });
  }
}

/**
 * `gaussianNllLoss` with fixed options.
 * @example
 * ```ts
 * new nn.GaussianNLLLoss().forward(tensor([1, 2]), tensor([1, 4]), tensor([1, 4])); // => 0.596574
 * ```
 */
export class GaussianNLLLoss extends Loss<
  [input: Tensor, target: Tensor, variance: Tensor | number]
> {
  /** Whether the constant log(2 pi) / 2 is added. */
  readonly full: boolean;
  /** The least that a variance counts as. */
  readonly eps: number;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values */
  constructor(options: GaussianNllLossOptions = {}) {
    const { full, eps, reduction } = gaussianOptionsOf('GaussianNLLLoss', options);
    super(reduction);
    this.full = full;
    this.eps = eps;
  }

  forward(input: Tensor, target: Tensor, variance: Tensor | number): Tensor {
    const { full, eps, reduction } = this;
    return gaussianNllLoss(input, target, variance, { full, eps, reduction });
  }
}

/**
 * `ctcLoss` with fixed options.
 * @example
 * ```ts
 * const logProbs = tensor([[[0.5, 0.5]], [[0.5, 0.5]]]).log();
 * new nn.CTCLoss().forward(logProbs, [[1]], [2], [1]).exp(); // => 1.333333
 * ```
 */
export class CTCLoss extends Loss<
  [logProbs: Tensor, targets: IndexLike, inputLengths: Lengths, targetLengths: Lengths]
> {
  /** The class that stands for no label. */
  readonly blank: number;
  /** Whether infinite losses and their gradients are 0. */
  readonly zeroInfinity: boolean;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values */
  constructor(options: CtcLossOptions = {}) {
    const { blank, zeroInfinity, reduction } = ctcOptionsOf('CTCLoss', options);
    super(reduction);
    this.blank = blank;
    this.zeroInfinity = zeroInfinity;
  }

  forward(
    logProbs: Tensor,
    targets: IndexLike,
    inputLengths: Lengths,
    targetLengths: Lengths,
  ): Tensor {
    const { blank, zeroInfinity, reduction } = this;
    return ctcLoss(logProbs, targets, inputLengths, targetLengths, {
      blank,
      zeroInfinity,
      reduction,
    });
  }
}
