/** Losses with margins and losses that compare, as modules, which keep their options. */
import { type LossOptions, reductionOf } from '../../ops/loss/loss.js';
import {
  type HingeLossOptions,
  hingeEmbeddingLoss,
  hingeLoss,
  hingeOptionsOf,
  type MarginLossOptions,
  marginOptionsOf,
  softMarginLoss,
} from '../../ops/loss/loss_margin.js';
import {
  cosineEmbeddingLoss,
  marginRankingLoss,
  type TripletMarginLossOptions,
  type TripletMarginWithDistanceLossOptions,
  tripletMarginLoss,
  tripletMarginWithDistanceLoss,
  tripletOptionsOf,
  tripletWithDistanceOptionsOf,
} from '../../ops/loss/loss_ranking.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Loss } from './loss.js';

/**
 * `hingeLoss` with fixed options. PyTorch has no such module.
 * @example
 * ```ts
 * new nn.HingeLoss().forward(tensor([0.5, 3]), tensor([1, 1])); // => 0.25
 * ```
 */
export class HingeLoss extends Loss {
  /** Whether the losses are squared. */
  readonly squared: boolean;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values */
  constructor(options: HingeLossOptions = {}) {
    const { squared, reduction } = hingeOptionsOf('HingeLoss', options);
    super(reduction);
    this.squared = squared;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { squared, reduction } = this;
    return hingeLoss(input, target, { squared, reduction });
  }
}

/**
 * `softMarginLoss` with a fixed reduction.
 * @example
 * ```ts
 * new nn.SoftMarginLoss().forward(tensor([0, 2]), tensor([1, -1])); // => 1.410038
 * ```
 */
export class SoftMarginLoss extends Loss {
  /** @throws TensorError ERR_ARGUMENT for unknown options and values */
  constructor(options: LossOptions = {}) {
    super(reductionOf('SoftMarginLoss', options));
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { reduction } = this;
    return softMarginLoss(input, target, { reduction });
  }
}

/**
 * `hingeEmbeddingLoss` with fixed options.
 * @example
 * ```ts
 * new nn.HingeEmbeddingLoss().forward(tensor([0.5, 0.75]), tensor([1, -1])); // => 0.375
 * ```
 */
export class HingeEmbeddingLoss extends Loss {
  /** How far apart what is not alike should be. Default 1. */
  readonly margin: number;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values */
  constructor(options: MarginLossOptions = {}) {
    const { margin, reduction } = marginOptionsOf('HingeEmbeddingLoss', options, 1);
    super(reduction);
    this.margin = margin;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { margin, reduction } = this;
    return hingeEmbeddingLoss(input, target, { margin, reduction });
  }
}

/**
 * `marginRankingLoss` with fixed options.
 * @example
 * ```ts
 * new nn.MarginRankingLoss().forward(tensor([1]), tensor([3]), tensor([1])); // => 2
 * ```
 */
export class MarginRankingLoss extends Loss<[input1: Tensor, input2: Tensor, target: Tensor]> {
  /** How much larger the first should be. Default 0. */
  readonly margin: number;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values */
  constructor(options: MarginLossOptions = {}) {
    const { margin, reduction } = marginOptionsOf('MarginRankingLoss', options, 0);
    super(reduction);
    this.margin = margin;
  }

  forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    const { margin, reduction } = this;
    return marginRankingLoss(input1, input2, target, { margin, reduction });
  }
}

/**
 * `cosineEmbeddingLoss` with fixed options.
 * @example
 * ```ts
 * const target = tensor([1]);
 * new nn.CosineEmbeddingLoss().forward(tensor([[1, 0]]), tensor([[1, 1]]), target); // => 0.292893
 * ```
 */
export class CosineEmbeddingLoss extends Loss<[input1: Tensor, input2: Tensor, target: Tensor]> {
  /** The cosine that what is not alike may have. Default 0. */
  readonly margin: number;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values */
  constructor(options: MarginLossOptions = {}) {
    const { margin, reduction } = marginOptionsOf('CosineEmbeddingLoss', options, 0);
    super(reduction);
    this.margin = margin;
  }

  forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    const { margin, reduction } = this;
    return cosineEmbeddingLoss(input1, input2, target, { margin, reduction });
  }
}

/**
 * `tripletMarginLoss` with fixed options.
 * @example
 * ```ts
 * const [a, p, n] = [tensor([[0, 0]]), tensor([[0, 1]]), tensor([[1.5, 0]])];
 * new nn.TripletMarginLoss({ eps: 0 }).forward(a, p, n); // => 0.5
 * ```
 */
export class TripletMarginLoss extends Loss<[anchor: Tensor, positive: Tensor, negative: Tensor]> {
  /** How much further away the negative one should be. */
  readonly margin: number;
  /** The order of the norm that measures distances. */
  readonly p: number;
  /** Added to every difference. */
  readonly eps: number;
  /** Whether the distance from the positive to the negative one counts where it is smaller. */
  readonly swap: boolean;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values */
  constructor(options: TripletMarginLossOptions = {}) {
    const { margin, p, eps, swap, reduction } = tripletOptionsOf('TripletMarginLoss', options);
    super(reduction);
    this.margin = margin;
    this.p = p;
    this.eps = eps;
    this.swap = swap;
  }

  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { margin, p, eps, swap, reduction } = this;
    return tripletMarginLoss(anchor, positive, negative, { margin, p, eps, swap, reduction });
  }
}

/**
 * `tripletMarginWithDistanceLoss` with fixed options.
 * @example
 * ```ts
 * const [a, p, n] = [tensor([[1, 0]]), tensor([[0, 1]]), tensor([[1, 1]])];
 * const distanceFunction = (u, v) => cosineSimilarity(u, v).mul(-1).add(1);
 * const loss = new nn.TripletMarginWithDistanceLoss({ distanceFunction });
 * loss.forward(a, p, n); // => 1.707107
 * ```
 */
export class TripletMarginWithDistanceLoss extends Loss<
  [anchor: Tensor, positive: Tensor, negative: Tensor]
> {
  /** The distances of two batches of vectors. */
  readonly distanceFunction: (a: Tensor, b: Tensor) => Tensor;
  /** How much further away the negative one should be. */
  readonly margin: number;
  /** Whether the distance from the positive to the negative one counts where it is smaller. */
  readonly swap: boolean;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values */
  constructor(options: TripletMarginWithDistanceLossOptions = {}) {
    const { distanceFunction, margin, swap, reduction } = tripletWithDistanceOptionsOf(
      'TripletMarginWithDistanceLoss',
      options,
    );
    super(reduction);
    this.distanceFunction = distanceFunction;
    this.margin = margin;
    this.swap = swap;
  }

  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { distanceFunction, margin, swap, reduction } = this;
    return tripletMarginWithDistanceLoss(anchor, positive, negative, {
      distanceFunction,
      margin,
      swap,
      reduction,
    });
  }
}
