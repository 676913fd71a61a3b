/** Losses of classes as modules, which keep their options. */
import type { Targets } from '../../ops/loss/classes.js';
import {
  CROSS_ENTROPY_OPTIONS,
  type CrossEntropyOptions,
  checkLossOptions,
  crossEntropy,
  NLL_OPTIONS,
  type NllLossOptions,
  nllLoss,
} from '../../ops/loss/cross_entropy.js';
import { type LossOptions, reductionOf } from '../../ops/loss/loss.js';
import {
  type MultiLabelSoftMarginLossOptions,
  type MultiMarginLossOptions,
  multilabelMarginLoss,
  multilabelSoftMarginLoss,
  multilabelSoftOptionsOf,
  multiMarginLoss,
  multiMarginOptionsOf,
} from '../../ops/loss/loss_margin.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Buffer } from '../module/buffer.js';
import { Loss } from './loss.js';

/**
 * `crossEntropy` with fixed options. The weight is part of the state, as in PyTorch.
 * @example
 * ```ts
 * new nn.CrossEntropyLoss().forward(tensor([[0, 0]]), [1]); // => 0.693147
 * ```
 */
export class CrossEntropyLoss extends Loss<[logits: Tensor, targets: Targets]> {
  /** A factor for each class, or none. */
  readonly weight: Buffer | null;
  /** The class that does not count. */
  readonly ignoreIndex: number;
  /** The share of the target that all classes get evenly. */
  readonly labelSmoothing: number;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values out of range, ERR_DTYPE */
  constructor(options: CrossEntropyOptions = {}) {
    const settings = checkLossOptions('CrossEntropyLoss', options, CROSS_ENTROPY_OPTIONS);
    super(settings.reduction);
    this.weight = settings.weight === null ? null : new Buffer(settings.weight);
    this.ignoreIndex = settings.ignoreIndex;
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
export class NLLLoss extends Loss<[logProbabilities: Tensor, targets: Targets]> {
  /** A factor for each class, or none. */
  readonly weight: Buffer | null;
  /** The class that does not count. */
  readonly ignoreIndex: number;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values out of range, ERR_DTYPE */
  constructor(options: NllLossOptions = {}) {
    const settings = checkLossOptions('NLLLoss', options, NLL_OPTIONS);
    super(settings.reduction);
    this.weight = settings.weight === null ? null : new Buffer(settings.weight);
    this.ignoreIndex = settings.ignoreIndex;
  }

  forward(logProbabilities: Tensor, targets: Targets): Tensor {
    const { weight, ignoreIndex, reduction } = this;
    return nllLoss(logProbabilities, targets, { weight, ignoreIndex, reduction });
  }
}

/**
 * `multiMarginLoss` with fixed options. The weight is part of the state.
 * @example
 * ```ts
 * new nn.MultiMarginLoss().forward(tensor([[0.1, 0.2, 0.4, 0.8]]), [3]); // => 0.325
 * ```
 */
export class MultiMarginLoss extends Loss<[input: Tensor, targets: Targets]> {
  /** What the differences are raised to. */
  readonly p: 1 | 2;
  /** How much higher the score of the right class should be. */
  readonly margin: number;
  /** A factor for each class, or none. */
  readonly weight: Buffer | null;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values, ERR_DTYPE */
  constructor(options: MultiMarginLossOptions = {}) {
    const { p, margin, weight, reduction } = multiMarginOptionsOf('MultiMarginLoss', options);
    super(reduction);
    this.p = p;
    this.margin = margin;
    this.weight = weight === null ? null : new Buffer(weight);
  }

  forward(input: Tensor, targets: Targets): Tensor {
    const { p, margin, weight, reduction } = this;
    return multiMarginLoss(input, targets, { p, margin, weight, reduction });
  }
}

/**
 * `multilabelMarginLoss` with a fixed reduction.
 * @example
 * ```ts
 * const target = tensor([[1, -1]], { dtype: 'int32' });
 * new nn.MultiLabelMarginLoss().forward(tensor([[1, 0.5]]), target); // => 0.75
 * ```
 */
export class MultiLabelMarginLoss extends Loss {
  /** @throws TensorError ERR_ARGUMENT for unknown options and values */
  constructor(options: LossOptions = {}) {
    super(reductionOf('MultiLabelMarginLoss', options));
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { reduction } = this;
    return multilabelMarginLoss(input, target, { reduction });
  }
}

/**
 * `multilabelSoftMarginLoss` with fixed options. The weight is part of the state.
 * @example
 * ```ts
 * new nn.MultiLabelSoftMarginLoss().forward(tensor([[0, 2]]), tensor([[1, 1]])); // => 0.410038
 * ```
 */
export class MultiLabelSoftMarginLoss extends Loss {
  /** A factor for each class, or none. */
  readonly weight: Buffer | null;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values, ERR_DTYPE */
  constructor(options: MultiLabelSoftMarginLossOptions = {}) {
    const { weight, reduction } = multilabelSoftOptionsOf('MultiLabelSoftMarginLoss', options);
    super(reduction);
    this.weight = weight === null ? null : new Buffer(weight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, reduction } = this;
    return multilabelSoftMarginLoss(input, target, { weight, reduction });
  }
}
