/** Losses of numbers as modules, which keep their options. */
import { type LossOptions, reductionOf } from '../../ops/loss/loss.js';
import {
  type HuberLossOptions,
  huberLoss,
  huberOptionsOf,
  l1Loss,
  mseLoss,
  type SmoothL1LossOptions,
  smoothL1Loss,
  smoothL1OptionsOf,
} from '../../ops/loss/loss_regression.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Loss } from './loss.js';

/**
 * The absolute error, `l1Loss`, with a fixed reduction.
 * @example
 * ```ts
 * new nn.L1Loss().forward(tensor([1, 2]), tensor([1, 4])); // => 1
 * ```
 */
export class L1Loss extends Loss {
  /** @throws TensorError ERR_ARGUMENT for unknown options and values */
  constructor(options: LossOptions = {}) {
    super(reductionOf('L1Loss', options));
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { reduction } = this;
    return l1Loss(input, target, { reduction });
  }
}

/**
 * The squared error, `mseLoss`, with a fixed reduction.
 * @example
 * ```ts
 * new nn.MSELoss().forward(tensor([1, 2]), tensor([1, 4])); // => 2
 * ```
 */
export class MSELoss extends Loss {
  /** @throws TensorError ERR_ARGUMENT for unknown options and values */
  constructor(options: LossOptions = {}) {
    super(reductionOf('MSELoss', options));
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { reduction } = this;
    return mseLoss(input, target, { reduction });
  }
}

/**
 * `huberLoss` with fixed options.
 * @example
 * ```ts
 * new nn.HuberLoss({ delta: 2 }).forward(tensor([4]), tensor([0])); // => 6
 * ```
 */
export class HuberLoss extends Loss {
  /** Where the parabola becomes a line. */
  readonly delta: number;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values */
  constructor(options: HuberLossOptions = {}) {
    const { delta, reduction } = huberOptionsOf('HuberLoss', options);
    super(reduction);
    this.delta = delta;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { delta, reduction } = this;
    return huberLoss(input, target, { delta, reduction });
  }
}

/**
 * `smoothL1Loss` with fixed options.
 * @example
 * ```ts
 * new nn.SmoothL1Loss({ beta: 2 }).forward(tensor([4]), tensor([0])); // => 3
 * ```
 */
export class SmoothL1Loss extends Loss {
  /** Where the parabola becomes a line. */
  readonly beta: number;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values */
  constructor(options: SmoothL1LossOptions = {}) {
    const { beta, reduction } = smoothL1OptionsOf('SmoothL1Loss', options);
    super(reduction);
    this.beta = beta;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { beta, reduction } = this;
    return smoothL1Loss(input, target, { beta, reduction });
  }
}
