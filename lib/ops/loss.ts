/** Losses: means over all elements or rows. */
import { attach, recording } from '../autograd/tape.js';
import { TensorError } from '../errors.js';
import { rows, runRow } from '../native/commands.js';
import { tensor, uninitialized } from '../tensor/creation.js';
import { dtypeOf, dtypes, type TypedArray } from '../tensor/dtype.js';
import { describe, formatShape, sameShape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { softplus } from './activation.js';
import { neg, square, sub } from './arithmetic.js';
import { checkFloating, checkTensor, contiguous, to } from './operand.js';
import { mean } from './reduce.js';

/** Targets in any of their forms as a tensor. */
function targetTensor(targets: unknown): Tensor {
  if (targets instanceof Tensor) return targets;
  if (dtypeOf(targets) !== null) return tensor(targets as TypedArray);
  if (!Array.isArray(targets) || !targets.every(Number.isInteger)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[crossEntropy] targets are whole numbers, one for each row, not ${describe(targets)}`,
    );
  }
  return tensor(targets as number[], { dtype: 'int32' });
}

/** Classes as int32 in contiguous memory, each checked against the number of classes. */
function checkTargets(targets: Tensor | readonly number[] | TypedArray, logits: Tensor): Tensor {
  const given = targetTensor(targets);
  const [count, classes] = logits.shape as readonly [number, number];
  if (given.ndim !== 1 || given.shape[0] !== count) {
    throw new TensorError(
      'ERR_SHAPE',
      `[crossEntropy] logits ${formatShape(logits.shape)} need ${count} targets, not ${formatShape(given.shape)}`,
    );
  }
  if (dtypes[given.dtype].floating) {
    throw new TensorError(
      'ERR_DTYPE',
      `[crossEntropy] targets are class indices (int32), not ${given.dtype}`,
    );
  }
  const classesOf = contiguous(to(given, 'int32'));
  for (const target of classesOf.data) {
    if (target < 0 || target >= classes) {
      throw new TensorError(
        'ERR_INDEX',
        `[crossEntropy] target ${target} is not one of ${classes} classes`,
      );
    }
  }
  return classesOf;
}

/**
 * The mean over rows of -log(softmax(logits)[target]), with softmax, logarithm and mean fused, and
 * (softmax - onehot) / rows as the gradient.
 * @param logits shape [rows, classes], float32 or float64
 * @param targets a class index for each row: an int32 or uint8 tensor, or numbers
 * @returns a scalar; NaN for no rows
 * @throws TensorError ERR_SHAPE, ERR_DTYPE; ERR_INDEX for a target that isn't a class, ERR_ARGUMENT
 * for targets that aren't whole numbers
 */
export function crossEntropy(
  logits: Tensor,
  targets: Tensor | readonly number[] | TypedArray,
): Tensor {
  checkFloating('crossEntropy', logits);
  if (logits.ndim !== 2) {
    throw new TensorError(
      'ERR_SHAPE',
      `[crossEntropy] logits must have shape [rows, classes], not ${formatShape(logits.shape)}`,
    );
  }
  const target = checkTargets(targets, logits);
  const x = contiguous(logits);
  const [count, classes] = x.shape as readonly [number, number];
  const loss = uninitialized([], x.dtype);
  const logSum = uninitialized([count], x.dtype);
  runRow(
    rows.crossEntropy,
    [x.array, target.array, loss.array, logSum.array],
    [x.offset, target.offset, loss.offset, logSum.offset],
    [count, classes, classes],
  );
  if (recording(x)) {
    attach(
      loss,
      'crossEntropy',
      [x],
      [
        (g) => {
          const dx = uninitialized(x.shape, x.dtype);
          runRow(
            rows.crossEntropyBackward,
            [x.array, target.array, logSum.array, g.array, dx.array],
            [x.offset, target.offset, logSum.offset, g.offset, dx.offset],
            [count, classes, classes, classes],
          );
          return dx;
        },
      ],
    );
  }
  return loss;
}

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

/** The mean of (input - target)^2 over all elements, a scalar. Both have one shape. */
export function mseLoss(input: Tensor, target: Tensor): Tensor {
  checkSameShape('mseLoss', input, target);
  return mean(square(sub(input, target)));
}

/**
 * The mean of -(y log(sigmoid(x)) + (1 - y) log(1 - sigmoid(x))) over all elements, computed from
 * the logits as (1 - y) x + log(1 + e^-x), which neither overflows nor cancels.
 * @param logits any shape, float32 or float64
 * @param target probabilities in [0, 1], of the same shape
 */
export function binaryCrossEntropyWithLogits(logits: Tensor, target: Tensor): Tensor {
  checkSameShape('binaryCrossEntropyWithLogits', logits, target);
  return mean(
    sub(1, to(target, logits.dtype))
      .mul(logits)
      .add(softplus(neg(logits))),
  );
}
