/** Distances and angles of pairs of vectors as modules. */

import { TensorError } from '../../errors.js';
import {
  type CosineSimilarityOptions,
  checkOrder,
  cosineSimilarity,
  type PairwiseDistanceOptions,
  pairwiseDistance,
} from '../../ops/product/distance.js';
import { checkFlag, checkNumber, checkOptions, describe } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module/module.js';

/**
 * The cosine of the angle between vectors along a dimension: see the function `cosineSimilarity`.
 * @example
 * ```ts
 * new nn.CosineSimilarity().forward(tensor([[1, 0]]), tensor([[1, 1]])); // => [0.707107]
 * ```
 */
export class CosineSimilarity extends Module {
  /** The dimension of the vectors after broadcasting. */
  readonly dim: number;
  /** Vectors shorter than this count as being this long. */
  readonly eps: number;

  /** @throws TensorError ERR_ARGUMENT for unknown options and a negative eps, ERR_INDEX */
  constructor(options: CosineSimilarityOptions = {}) {
    super();
    checkOptions('CosineSimilarity', options, ['dim', 'eps']);
    const { dim = 1, eps = 1e-8 } = options;
    if (!Number.isSafeInteger(dim)) {
      throw new TensorError(
        'ERR_INDEX',
        `[CosineSimilarity] a dimension is a whole number, not ${describe(dim)}`,
      );
    }
    this.dim = dim;
    this.eps = checkNumber('CosineSimilarity', 'eps', eps, 0);
  }

  forward(a: Tensor, b: Tensor): Tensor {
    return cosineSimilarity(a, b, { dim: this.dim, eps: this.eps });
  }
}

/**
 * The distances between pairs of vectors along the last dimension: see the function
 * `pairwiseDistance`.
 * @example
 * ```ts
 * new nn.PairwiseDistance({ eps: 0 }).forward(tensor([[0, 0]]), tensor([[3, 4]])); // => [5]
 * ```
 */
export class PairwiseDistance extends Module {
  /** The order of the norm. */
  readonly p: number;
  /** Added to every difference. */
  readonly eps: number;
  /** Whether the last dimension stays, with size 1. */
  readonly keepDim: boolean;

  /** @throws TensorError ERR_ARGUMENT for unknown options and values that aren't numbers */
  constructor(options: PairwiseDistanceOptions = {}) {
    super();
    checkOptions('PairwiseDistance', options, ['p', 'eps', 'keepDim']);
    const { p = 2, eps = 1e-6 } = options;
    this.p = checkOrder('PairwiseDistance', p, -Infinity);
    this.eps = checkNumber('PairwiseDistance', 'eps', eps);
    this.keepDim = checkFlag('PairwiseDistance', 'keepDim', options.keepDim, false);
  }

  forward(a: Tensor, b: Tensor): Tensor {
    return pairwiseDistance(a, b, { p: this.p, eps: this.eps, keepDim: this.keepDim });
  }
}
