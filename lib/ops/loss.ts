/** Losses: means over all elements. */
import { TensorError } from '../errors.js';
import { formatShape, sameShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { softplus } from './activation.js';
import { neg, square, sub } from './arithmetic.js';
import { checkFloating, checkTensor, to } from './operand.js';
import { mean } from './reduce.js';

function checkSameShape(operation: string, a: Tensor, b: Tensor): void {
  checkFloating(operation, a);
  checkTensor(operation, b);
  if (!sameShape(a.shape, b.shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] shapes ${formatShape(a.shape)} and ${formatShape(b.shape)} differ`,
    );
  }
}

/**
 * The mean of (input - target)^2 over all elements, a scalar. Both have one shape.
 * @example
 * ```ts
 * mseLoss(tensor([1, 2]), tensor([1, 4])); // => 2
 * ```
 */
export function mseLoss(input: Tensor, target: Tensor): Tensor {
  checkSameShape('mseLoss', input, target);
  return mean(square(sub(input, target)));
}

/**
 * The mean of -(y log(sigmoid(x)) + (1 - y) log(1 - sigmoid(x))) over all elements, computed from
 * the logits as (1 - y) x + log(1 + e^-x), which neither overflows nor cancels.
 * @param logits any shape, float32 or float64
 * @param target probabilities in [0, 1], of the same shape
 * @example
 * ```ts
 * binaryCrossEntropyWithLogits(tensor([0, 2]), tensor([1, 1])); // => 0.410038
 * ```
 */
export function binaryCrossEntropyWithLogits(logits: Tensor, target: Tensor): Tensor {
  checkSameShape('binaryCrossEntropyWithLogits', logits, target);
  return mean(
    sub(1, to(target, logits.dtype))
      .mul(logits)
      .add(softplus(neg(logits))),
  );
}
