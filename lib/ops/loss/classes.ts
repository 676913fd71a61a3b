/** Classes as targets, and factors for them: the arguments of losses of classes. */
import { TensorError } from '../../errors.js';
import { uninitialized } from '../../tensor/creation.js';
import { tensor } from '../../tensor/data.js';
import { dtypeOf, type TypedArray } from '../../tensor/dtype.js';
import { arange } from '../../tensor/ranges.js';
import { describe, formatShape, type Shape, sameShape } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { eq } from '../elementwise/compare.js';
import { toInt32 } from '../indexing/indices.js';
import { contiguous } from '../operand.js';
import { reshape, unsqueeze } from '../shape/shape.js';

/** Classes as a tensor or list of whole numbers (one number for logits [C]), or probabilities as a tensor. */
export type Targets = Tensor | TypedArray | BigInt64Array | readonly number[] | number;

/** Targets in any of their forms as a tensor. */
export function targetTensor(operation: string, targets: unknown, x: Tensor): Tensor {
  if (targets instanceof Tensor) return targets;
  if (dtypeOf(targets) !== null) return tensor(targets as TypedArray | BigInt64Array);
  const one = x.ndim === 1 && Number.isInteger(targets);
  if (!one && (!Array.isArray(targets) || !targets.every(Number.isInteger))) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] targets are whole numbers, one for each row, or a tensor, not ${describe(targets)}`,
    );
  }
  return tensor(targets as number[], { dtype: 'int32' });
}

/** Classes as int32 in contiguous memory, each checked against the number of classes. */
export function checkClasses(
  operation: string,
  given: Tensor,
  x: Tensor,
  shape: Shape,
  ignoreIndex?: number,
): Tensor {
  if (!sameShape(given.shape, shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] input ${formatShape(x.shape)} needs targets ${formatShape(shape)}, not ${formatShape(given.shape)}`,
    );
  }
  const classes = x.shape[x.ndim === 1 ? 0 : 1] as number;
  const targets = solid(toInt32(given));
  targets.storage.checkIntact(operation);
  const { array, offset, numel } = targets;
  for (let i = offset; i < offset + numel; i++) {
    const target = array[i] as number;
    if ((target < 0 || target >= classes) && target !== ignoreIndex) {
      throw new TensorError(
        'ERR_INDEX',
        `[${operation}] target ${target} is not one of ${classes} classes`,
      );
    }
  }
  return targets;
}

/** In contiguous memory that is there even when it is empty: null would mean no operand. */
export function solid(t: Tensor): Tensor {
  return t.numel === 0 ? uninitialized(t.shape, t.dtype) : contiguous(t);
}

/** The factors of the classes, checked against x. */
export function checkWeight(
  operation: string,
  weight: Tensor | null,
  x: Tensor,
  classes: number,
): void {
  if (weight === null) return;
  if (weight.ndim !== 1 || weight.shape[0] !== classes) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] weight ${formatShape(weight.shape)} must have shape [${classes}]`,
    );
  }
  if (weight.dtype !== x.dtype) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] input is ${x.dtype}, weight ${weight.dtype}`,
    );
  }
}

/** Whether each place along a dimension of x's shape is the position's class. */
export function hot(target: Tensor, x: Tensor, at: number): Tensor {
  const numbers = arange(0, x.shape[at] as number, 1, { dtype: 'int32' });
  const along = x.shape.map((size, d) => (d === at ? size : 1));
  return eq(reshape(numbers, along), unsqueeze(target, at));
}
