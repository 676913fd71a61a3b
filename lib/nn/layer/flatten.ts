/** Shapes as modules. */
import { checkTensor } from '../../ops/operand.js';
import { flatten, unflatten } from '../../ops/shape/shape.js';
import { checkShape, type Shape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module/module.js';
import { checkDim } from './checks.js';

/**
 * Dimensions `startDim` to `endDim` as one: see the function `flatten`. By default all but the first
 * one, which counts samples.
 * @example
 * ```ts
 * new nn.Flatten().forward(ones([2, 3, 4])).shape; // => [2, 12]
 * ```
 */
export class Flatten extends Module {
  /** @throws TensorError ERR_INDEX unless both are whole numbers */
  constructor(
    /** The first dimension that is joined. */
    readonly startDim = 1,
    /** The last one. */
    readonly endDim = -1,
  ) {
    super();
    checkDim('Flatten', startDim);
    checkDim('Flatten', endDim);
  }

  forward(x: Tensor): Tensor {
    return flatten(x, this.startDim, this.endDim);
  }
}

/**
 * One dimension as several: see the function `unflatten`.
 * @example
 * ```ts
 * new nn.Unflatten(1, [3, 4]).forward(ones([2, 12])).shape; // => [2, 3, 4]
 * ```
 */
export class Unflatten extends Module {
  /** Sizes of the dimensions that it becomes; one may be -1 and follows from the others. */
  readonly unflattenedSize: readonly number[];

  /** @throws TensorError ERR_INDEX unless the dimension is a whole number, ERR_SHAPE for other sizes */
  constructor(
    /** The dimension. */
    readonly dim: number,
    unflattenedSize: Shape,
  ) {
    super();
    checkDim('Unflatten', dim);
    const open = Array.isArray(unflattenedSize) ? unflattenedSize.indexOf(-1) : -1;
    checkShape('Unflatten', open < 0 ? unflattenedSize : unflattenedSize.with(open, 1));
    this.unflattenedSize = [...unflattenedSize];
  }

  forward(x: Tensor): Tensor {
    return unflatten(x, this.dim, this.unflattenedSize);
  }
}

/**
 * The input itself: a place where another layer may stand.
 * @example
 * ```ts
 * new nn.Identity().forward(tensor([1, 2])); // => [1, 2]
 * ```
 */
export class Identity extends Module {
  forward(x: Tensor): Tensor {
    checkTensor('Identity', x);
    return x;
  }
}
