/** Losses of two classes as modules, which keep their options. */
import {
  BCE_OPTIONS,
  BCE_WITH_LOGITS_OPTIONS,
  type BinaryCrossEntropyOptions,
  type BinaryCrossEntropyWithLogitsOptions,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  binaryOptionsOf,
  focalOptionsOf,
  type SigmoidFocalLossOptions,
  sigmoidFocalLoss,
} from '../../ops/loss/loss_binary.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Buffer } from '../module/buffer.js';
import { Loss } from './loss.js';

/**
 * `binaryCrossEntropy` of probabilities with fixed options. The weight is part of the state, as in PyTorch.
 * @example
 * ```ts
 * new nn.BCELoss().forward(tensor([0.5, 1]), tensor([1, 1])); // => 0.346574
 * ```
 */
export class BCELoss extends Loss {
  /** A factor for each element, or none. */
  readonly weight: Buffer | null;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values */
  constructor(options: BinaryCrossEntropyOptions = {}) {
    const { weight, reduction } = binaryOptionsOf('BCELoss', options, BCE_OPTIONS);
    super(reduction);
    this.weight = weight === null ? null : new Buffer(weight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, reduction } = this;
    return binaryCrossEntropy(input, target, { weight, reduction });
  }
}

/**
 * `binaryCrossEntropyWithLogits` with fixed options. The weights are part of the state, as in PyTorch.
 * @example
 * ```ts
 * new nn.BCEWithLogitsLoss().forward(tensor([0, 2]), tensor([1, 1])); // => 0.410038
 * Object.keys(new nn.BCEWithLogitsLoss({ posWeight: tensor([3]) }).stateDict()); // => ['pos_weight']
 * ```
 */
export class BCEWithLogitsLoss extends Loss {
  /** A factor for each element, or none. */
  readonly weight: Buffer | null;
  /** A factor for the part of the positive targets, or none; `pos_weight` in a state. */
  readonly posWeight: Buffer | null;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values, ERR_DTYPE */
  constructor(options: BinaryCrossEntropyWithLogitsOptions = {}) {
    const { weight, posWeight, reduction } = binaryOptionsOf(
      'BCEWithLogitsLoss',
      options,
      BCE_WITH_LOGITS_OPTIONS,
    );
    super(reduction);
    this.weight = weight === null ? null : new Buffer(weight);
    this.posWeight = posWeight === null ? null : new Buffer(posWeight);
  }

  protected override memberName(property: string): string {
    return property === 'posWeight' ? 'pos_weight' : property;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, posWeight, reduction } = this;
    return binaryCrossEntropyWithLogits(input, target, { weight, posWeight, reduction });
  }
}

/**
 * `sigmoidFocalLoss` with fixed options. PyTorch has no such module; the defaults, also `none` for the
 * reduction, are those of torchvision's function.
 * @example
 * ```ts
 * new nn.FocalLoss({ reduction: 'mean' }).forward(tensor([0, 4]), tensor([1, 1])); // => 0.021662
 * ```
 */
export class FocalLoss extends Loss {
  /** The factor of positive targets, or -1 for none. */
  readonly alpha: number;
  /** How much less what is classified well counts. */
  readonly gamma: number;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values */
  constructor(options: SigmoidFocalLossOptions = {}) {
    const { alpha, gamma, reduction } = focalOptionsOf('FocalLoss', options);
    super(reduction);
    this.alpha = alpha;
    this.gamma = gamma;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { alpha, gamma, reduction } = this;
    return sigmoidFocalLoss(input, target, { alpha, gamma, reduction });
  }
}
