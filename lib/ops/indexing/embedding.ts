/** Rows of a table by their numbers; numbers as rows; how often numbers come. */
import { TensorError } from '../../errors.js';
import { fillWith, uninitialized, zeros } from '../../tensor/creation.js';
import { checkOptions, describe, formatShape, MAX_RANK, sameShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkTensor, scalar, to } from '../operand.js';
import { checkComputes, isFloating } from '../promotion.js';
import { amax } from '../reduction/extremum.js';
import { expand } from '../reduction/reduce.js';
import { unsqueeze } from '../shape/shape.js';
import { read } from './gather.js';
import { addedUp, perElement, perRow, scatterAt } from './indexed.js';
import { type IndexLike, indexTensor } from './indices.js';

/** @throws TensorError ERR_SHAPE unless indices have room for one more dimension */
function checkRoom(operation: string, indices: Tensor): void {
  if (indices.ndim >= MAX_RANK) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] indices have at most ${MAX_RANK - 1} dimensions, not ${indices.ndim}`,
    );
  }
}

/** Options of {@link embedding}. */
export interface EmbeddingOptions {
  /**
   * A row that is not learned: its gradient stays 0. Negative ones count from the end. Default none.
   */
  paddingIdx?: number;
}

/** @throws TensorError unless it is a row; negative ones count from the end */
export function checkPadding(operation: string, paddingIdx: number, rows: number): number {
  if (!Number.isInteger(paddingIdx) || paddingIdx < -rows || paddingIdx >= rows) {
    throw new TensorError(
      'ERR_INDEX',
      `[${operation}] paddingIdx ${describe(paddingIdx)} is not one of ${rows} rows`,
    );
  }
  return paddingIdx < 0 ? paddingIdx + rows : paddingIdx;
}

/**
 * Rows of a table: y[..] = weight[indices[..]]. In the backward pass the gradients of a row that was
 * read several times add up in the order of the indices, with the same bits on any number of
 * threads.
 * @param weight shape [rows, columns], any dtype
 * @param indices any shape up to 7 dimensions, integers (a tensor or numbers)
 * @returns shape [...indices.shape, columns]
 * @throws TensorError ERR_INDEX naming the first index that isn't a row, ERR_SHAPE, ERR_DTYPE,
 * ERR_ARGUMENT
 * @example
 * ```ts
 * embedding(tensor([[1, 2], [3, 4], [5, 6]]), [2, 0]); // => [[5, 6], [1, 2]]
 * embedding(tensor([[1, 2]]), [1]); // throws ERR_INDEX
 * ```
 */
export function embedding(
  weight: Tensor,
  indices: IndexLike,
  options: EmbeddingOptions = {},
): Tensor {
  checkTensor('embedding', weight);
  const given = indexTensor('embedding', indices);
  checkOptions('embedding', options, ['paddingIdx']);
  if (weight.ndim !== 2) {
    throw new TensorError(
      'ERR_SHAPE',
      `[embedding] the weight has shape [rows, columns], not ${formatShape(weight.shape)}`,
    );
  }
  checkRoom('embedding', given);
  const [count, columns] = weight.shape as readonly [number, number];
  const { paddingIdx } = options;
  const skip = paddingIdx === undefined ? -1 : checkPadding('embedding', paddingIdx, count);
  return read('embedding', weight, perRow(given, columns), skip);
}

/** The largest of the indices; -1 of none. */
function largest(indices: Tensor): number {
  return indices.numel === 0 ? -1 : amax(indices.detach()).item();
}

/** Options of {@link bincount}. */
export interface BincountOptions {
  /** What each number counts for: as many elements of any dtype but 16-bit floats. Default 1 each. */
  weights?: Tensor;
  /** At least so many bins. Default 0. */
  minlength?: number;
}

function weightsOf(weights: Tensor): Tensor {
  checkTensor('bincount', weights);
  checkComputes('bincount', weights.dtype);
  return isFloating(weights.dtype) ? weights.detach() : to(weights, 'float64');
}

/**
 * How often each number comes: y[n] = how many elements are n, or the sum of their weights, added in
 * their order. As many bins as the largest number needs, at least `minlength`; int32 (PyTorch has
 * int64), or the dtype of the weights, float64 unless they are floats. No gradients, as in PyTorch.
 * @param x one dimension, integers (a tensor or numbers) >= 0
 * @throws TensorError ERR_INDEX for a number below 0, ERR_SHAPE, ERR_DTYPE, ERR_ARGUMENT
 * @example
 * ```ts
 * bincount(tensor([1, 3, 1], { dtype: 'int32' })); // => [0, 2, 0, 1]
 * ```
 */
export function bincount(x: IndexLike, options: BincountOptions = {}): Tensor {
  const given = indexTensor('bincount', x);
  checkOptions('bincount', options, ['weights', 'minlength']);
  const { minlength = 0 } = options;
  // One 1 for all of them.
  const weights =
    options.weights === undefined
      ? expand(scalar(1, 'int32'), given.shape)
      : weightsOf(options.weights);
  if (!Number.isInteger(minlength) || minlength < 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[bincount] minlength is a whole number >= 0, not ${describe(minlength)}`,
    );
  }
  if (given.ndim !== 1 || !sameShape(given.shape, weights.shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[bincount] takes one dimension and as many weights, not ${formatShape(given.shape)} and ` +
        formatShape(weights.shape),
    );
  }
  const bins = Math.max(minlength, largest(given) + 1);
  return addedUp('bincount', [bins], weights.dtype, perElement(0, given), weights);
}

/**
 * Numbers of classes as rows that are 1 at the class and 0 elsewhere: shape [...indices.shape,
 * numClasses], int32 (PyTorch has int64); convert with `to('float32')` to compute with it.
 * @param indices up to 7 dimensions, integers (a tensor or numbers)
 * @param numClasses default (or -1) one more than the largest index
 * @throws TensorError ERR_INDEX naming the first index that isn't a class, ERR_SHAPE, ERR_DTYPE,
 * ERR_ARGUMENT
 * @example
 * ```ts
 * oneHot([2, 0], 3); // => [[0, 0, 1], [1, 0, 0]]
 * ```
 */
export function oneHot(indices: IndexLike, numClasses = -1): Tensor {
  const given = indexTensor('oneHot', indices);
  if (!Number.isInteger(numClasses) || numClasses < -1 || numClasses > 2 ** 31 - 1) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[oneHot] numClasses is a whole number, not ${describe(numClasses)}`,
    );
  }
  checkRoom('oneHot', given);
  if (given.numel === 0 && numClasses === -1) {
    throw new TensorError('ERR_ARGUMENT', '[oneHot] of no indices: say how many classes there are');
  }
  const classes = numClasses === -1 ? largest(given) + 1 : numClasses;
  const y = zeros([...given.shape, classes], { dtype: 'int32' });
  const one = uninitialized([], 'int32');
  fillWith(one, 1);
  const places = perElement(given.ndim, unsqueeze(given, -1));
  const strides = places.shape.map(() => 0);
  scatterAt('oneHot', y, places, { array: one.array, offset: one.offset, strides });
  return y;
}
