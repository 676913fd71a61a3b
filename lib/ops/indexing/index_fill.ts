/** Overwriting slices of one dimension, or single elements of the flattened tensor, in a copy. */

import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { formatShape, normalizeDim } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { checkTensor, copyOf, isNumber, scalar, to } from '../operand.js';
import { holds } from '../promotion.js';
import { expand, sumTo } from '../reduction/reduce.js';
import { reshape } from '../shape/shape.js';
import { atLeast1d, indexSelect, read } from './gather.js';
import { checkAccumulate, type IndexPutOptions } from './index_put.js';
import { fromEitherEnd, type Places, perSlice, reduceAt, scatterAt } from './indexed.js';
import { checkNumeric, checkSameDType, type IndexLike, indexTensor } from './indices.js';

/** An index of one dimension, or a scalar as one. */
function vectorOf(operation: string, index: IndexLike): Tensor {
  const given = atLeast1d(indexTensor(operation, index));
  if (given.ndim === 1) return given;
  throw new TensorError(
    'ERR_SHAPE',
    `[${operation}] the index has one dimension, not shape ${formatShape(given.shape)}`,
  );
}

/** A copy of x with slices overwritten by those of a source, which was checked; recorded. */
function replaced(
  operation: string,
  x: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor,
): Tensor {
  const places = perSlice(dim, index, x.shape);
  const y = copyOf(x);
  // One value for all: loops go over the places, so the source looks as they do.
  scatterAt(operation, y, places, expand(source.detach(), places.shape));
  if (recording(x, source)) {
    attach(
      y,
      operation,
      [x, source],
      [
        (g) => replaced(operation, g, dim, index, scalar(0, g.dtype)),
        (g) => sumTo(indexSelect(g, dim, index), source.shape),
      ],
    );
  }
  return y;
}

/**
 * A copy of x with slices along a dimension overwritten: y[.., index[i], ..] = source[.., i, ..].
 * Where an index comes several times the last slice stays (PyTorch leaves it open); gradients are
 * then not told apart, as in PyTorch.
 * @param x any shape and dtype
 * @param index one dimension, int32 or whole numbers; negative ones don't count from the end
 * @param source x's shape, but along `dim` as long as the index; x's dtype
 * @throws TensorError ERR_INDEX naming the first index outside the dimension, ERR_SHAPE, ERR_DTYPE,
 * ERR_ARGUMENT
 * @example
 * ```ts
 * indexCopy(zeros([3, 2]), 0, [2, 0], tensor([[1, 2], [3, 4]])); // => [[3, 4], [0, 0], [1, 2]]
 * ```
 */
export function indexCopy(x: Tensor, dim: number, index: IndexLike, source: Tensor): Tensor {
  checkTensor('indexCopy', x);
  checkTensor('indexCopy', source);
  checkSameDType('indexCopy', x, source);
  if (x.ndim === 0) {
    return reshape(indexCopy(atLeast1d(x), dim, index, atLeast1d(source)), []);
  }
  const at = normalizeDim('indexCopy', dim, x.ndim);
  const given = vectorOf('indexCopy', index);
  const fits =
    source.ndim === x.ndim &&
    source.shape.every((n, d) => n === (d === at ? given.shape[0] : x.shape[d]));
  if (!fits) {
    throw new TensorError(
      'ERR_SHAPE',
      `[indexCopy] a source of shape ${formatShape(source.shape)} for ${given.numel} slices of ` +
        `${formatShape(x.shape)} along dimension ${at}`,
    );
  }
  return replaced('indexCopy', x, at, given, source);
}

/**
 * A copy of x with slices along a dimension overwritten by one value: y[.., index[i], ..] = value.
 * @param x any shape and dtype
 * @param index one dimension, int32 or whole numbers; negative ones don't count from the end
 * @param value a number that x's dtype can hold, or a tensor of one element and no dimension, which is
 * converted to x's dtype and through which gradients flow
 * @throws TensorError ERR_INDEX naming the first index outside the dimension, ERR_SHAPE, ERR_DTYPE,
 * ERR_ARGUMENT
 * @example
 * ```ts
 * indexFill(zeros([2, 3]), 1, [0, 2], 7); // => [[7, 0, 7], [7, 0, 7]]
 * ```
 */
export function indexFill(
  x: Tensor,
  dim: number,
  index: IndexLike,
  value: Tensor | number,
): Tensor {
  checkTensor('indexFill', x);
  if (x.ndim === 0) return reshape(indexFill(atLeast1d(x), dim, index, value), []);
  const at = normalizeDim('indexFill', dim, x.ndim);
  const given = vectorOf('indexFill', index);
  if (isNumber(value)) {
    if (!holds(x.dtype, value)) {
      throw new TensorError('ERR_ARGUMENT', `[indexFill] ${x.dtype} can't hold ${value}`);
    }
    return replaced('indexFill', x, at, given, scalar(value, x.dtype));
  }
  checkTensor('indexFill', value);
  if (value.ndim !== 0) {
    throw new TensorError(
      'ERR_SHAPE',
      `[indexFill] the value has no dimension, not shape ${formatShape(value.shape)}; ` +
        'indexCopy takes slices',
    );
  }
  return replaced('indexFill', x, at, given, to(value, x.dtype));
}

/**
 * A copy of x with elements put at positions of it laid out in a row: y.flatten()[index[i]] =
 * source.flatten()[i], or += with `accumulate`. Where several meet, the last one stays or, with
 * `accumulate`, they add up in order.
 * @param x any shape and dtype; with `accumulate` none of 16-bit floats (of bools a sum is a logical or)
 * @param index any shape, int32 or whole numbers; negative ones count from the end
 * @param source as many elements as the index, x's dtype
 * @throws TensorError ERR_INDEX naming the first index outside, ERR_SHAPE, ERR_DTYPE, ERR_ARGUMENT
 * @example
 * ```ts
 * put(zeros([2, 2]), [3, 0], tensor([5, 6])); // => [[6, 0], [0, 5]]
 * ```
 */
export function put(
  x: Tensor,
  index: IndexLike,
  source: Tensor,
  options: IndexPutOptions = {},
): Tensor {
  checkTensor('put', x);
  checkTensor('put', source);
  checkSameDType('put', x, source);
  const accumulate = checkAccumulate('put', options);
  if (accumulate) checkNumeric('put', x);
  const given = indexTensor('put', index);
  if (given.numel !== source.numel) {
    throw new TensorError(
      'ERR_SHAPE',
      `[put] ${given.numel} indices for ${source.numel} elements of the source`,
    );
  }
  const places = fromEitherEnd(reshape(given, [given.numel]));
  const values = reshape(source, [given.numel]);
  return reshape(putAtPlaces(reshape(x, [x.numel]), places, values, accumulate), x.shape);
}

/** A copy of a vector with values at places of it, recorded. */
function putAtPlaces(x: Tensor, places: Places, values: Tensor, accumulate: boolean): Tensor {
  const y = copyOf(x);
  if (accumulate) reduceAt('put', 'sum', y, places, values.detach());
  else scatterAt('put', y, places, values.detach());
  if (recording(x, values)) {
    attach(
      y,
      'put',
      [x, values],
      [
        (g) => (accumulate ? g : putAtPlaces(g, places, zeroOf(g, places), false)),
        (g) => read('put', g, places),
      ],
    );
  }
  return y;
}

/** A zero for each place. */
const zeroOf = (g: Tensor, places: Places): Tensor => expand(scalar(0, g.dtype), places.shape);

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** A copy with slices overwritten: see the function `indexCopy`. */
    indexCopy(dim: number, index: IndexLike, source: Tensor): Tensor;
    /** A copy with slices overwritten by one value: see the function `indexFill`. */
    indexFill(dim: number, index: IndexLike, value: Tensor | number): Tensor;
    /** A copy with elements put at positions of the flattened tensor: see the function `put`. */
    put(index: IndexLike, source: Tensor, options?: IndexPutOptions): Tensor;
  }
}

defineMethods({ indexCopy, indexFill, put });
