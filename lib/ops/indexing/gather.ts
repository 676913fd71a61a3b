/** Reading at indices: whole slices, or single elements. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { fillWith, zeros } from '../../tensor/creation.js';
import {
  broadcastShapes,
  checkOptions,
  formatShape,
  normalizeDim,
  type Shape,
} from '../../tensor/shape.js';

import type { Tensor } from '../../tensor/tensor.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { checkTensor } from '../operand.js';
import { expand } from '../reduction/reduce.js';
import { reshape } from '../shape/shape.js';
import { addedUp, fromEitherEnd, gatherAt, type Places, perElement, perSlice } from './indexed.js';
import { type IndexLike, indexTensor } from './indices.js';
import { maskedFill } from './masked.js';

/** A scalar as a vector of one element; other tensors as they are. */
export function atLeast1d(x: Tensor): Tensor {
  return x.ndim === 0 ? reshape(x, [1]) : x;
}

/**
 * Gathers and records: gradients are added up at the places that they were read from, but for those
 * at `skip`.
 */
export function read(operation: string, x: Tensor, places: Places, skip = -1): Tensor {
  const y = gatherAt(operation, x, places);
  if (recording(x)) {
    const { shape } = x;
    attach(y, operation, [x], [(g) => addUp(operation, shape, places, g, skip)]);
  }
  return y;
}

/** The gradient of `read`: values added up at their places of a table of zeros, and recorded. */
export function addUp(
  operation: string,
  shape: Shape,
  places: Places,
  values: Tensor,
  skip = -1,
): Tensor {
  const y = addedUp(operation, shape, values.dtype, places, values.detach(), skip);
  if (recording(values)) {
    attach(y, operation, [values], [(g) => read(operation, without(g, places, skip), places)]);
  }
  return y;
}

/** A table with zeros in the place of `skip`. */
function without(table: Tensor, { dim }: Places, skip: number): Tensor {
  if (skip < 0) return table;
  const isSkipped = zeros(
    table.shape.map((size, d) => (d === dim ? size : 1)),
    { dtype: 'bool' },
  );
  fillWith(isSkipped.strided([], [], isSkipped.offset + skip), 1);
  return maskedFill(table, isSkipped, 0);
}

/**
 * The slices of x along a dimension that an index names, in its order:
 * y[.., i, ..] = x[.., index[i], ..]. Gradients of slices that were taken several times add up, in
 * the order of the index.
 * @param x any shape and dtype
 * @param index one dimension, integers (a tensor or numbers); negative ones don't count from the end
 * @throws TensorError ERR_INDEX naming the first index outside the dimension, ERR_SHAPE for an index
 * with more than one dimension, ERR_DTYPE, ERR_ARGUMENT
 * @example
 * ```ts
 * indexSelect(tensor([[1, 2], [3, 4]]), 0, [1, 1]); // => [[3, 4], [3, 4]]
 * ```
 */
export function indexSelect(x: Tensor, dim: number, index: IndexLike): Tensor {
  checkTensor('indexSelect', x);
  const given = indexTensor('indexSelect', index);
  if (x.ndim === 0 && given.numel === 1) {
    return reshape(indexSelect(atLeast1d(x), dim, given), []);
  }
  const at = normalizeDim('indexSelect', dim, x.ndim);
  if (given.ndim > 1) {
    throw new TensorError(
      'ERR_SHAPE',
      `[indexSelect] the index has one dimension, not shape ${formatShape(given.shape)}; ` +
        'gather takes an index for each element',
    );
  }
  return read('indexSelect', x, perSlice(at, atLeast1d(given), x.shape));
}

/**
 * An index for elements of a tensor with dimensions. As in PyTorch, a scalar goes to a vector, and an index
 * without elements to any tensor, whatever its shape.
 */
export function elementIndex(
  operation: string,
  index: IndexLike,
  shape: Shape,
  dim: number,
): Tensor {
  const given = indexTensor(operation, index);
  if (given.ndim === shape.length) return given;
  if (given.numel === 0) {
    return reshape(
      given,
      shape.map((_, d) => (d === dim ? 0 : 1)),
    );
  }
  return shape.length === 1 ? atLeast1d(given) : given;
}

/**
 * Checks that an index has as many dimensions as what it goes to, and none longer except `dim`.
 * @throws TensorError ERR_SHAPE
 */
export function checkIndexShape(operation: string, index: Shape, shape: Shape, dim: number): void {
  if (index.length !== shape.length || index.some((n, d) => d !== dim && n > Number(shape[d]))) {
    const except = dim < 0 ? '' : ` (along dimension ${dim} it may be)`;
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] an index of shape ${formatShape(index)} does not fit ${formatShape(shape)}: ` +
        `it has as many dimensions, none of them longer${except}`,
    );
  }
}

/**
 * Single elements: y has the index's shape, and for dim = 0
 * y[i, j, ..] = x[index[i, j, ..], j, ..]. The index may be shorter than x along other dimensions.
 * @param x any shape and dtype
 * @param index as many dimensions as x, integers (a tensor or numbers); negative ones don't count from the
 * end
 * @throws TensorError ERR_INDEX naming the first index outside the dimension, ERR_SHAPE, ERR_DTYPE,
 * ERR_ARGUMENT
 * @example
 * ```ts
 * gather(tensor([[1, 2], [3, 4]]), 1, [[1], [0]]); // => [[2], [3]]
 * ```
 */
export function gather(x: Tensor, dim: number, index: IndexLike): Tensor {
  checkTensor('gather', x);
  const given = indexTensor('gather', index);
  const source = atLeast1d(x);
  const at = normalizeDim('gather', dim, source.ndim);
  const places = elementIndex('gather', given, source.shape, at);
  checkIndexShape('gather', places.shape, source.shape, at);
  const y = read('gather', source, perElement(at, places));
  return places === given ? y : reshape(y, given.shape);
}

/** Options of {@link takeAlongDim}. */
export interface TakeAlongDimOptions {
  /** Where the index says where; without it both are laid out in a row. */
  dim?: number;
}

/**
 * Gathering with broadcasting: x and index are stretched to each other along all dimensions but
 * `dim`. With the indices of `argsort` or `topk` it gives their values.
 * @throws TensorError as gather
 * @example
 * ```ts
 * const x = tensor([[3, 1], [2, 4]]);
 * takeAlongDim(x, argsort(x, { dim: 1 }), { dim: 1 }); // => [[1, 3], [2, 4]]
 * ```
 */
export function takeAlongDim(
  x: Tensor,
  index: IndexLike,
  options: TakeAlongDimOptions = {},
): Tensor {
  checkTensor('takeAlongDim', x);
  const given = indexTensor('takeAlongDim', index);
  checkOptions('takeAlongDim', options, ['dim']);
  if (options.dim === undefined) {
    return read('takeAlongDim', reshape(x, [-1]), perElement(0, reshape(given, [-1])));
  }
  const at = normalizeDim('takeAlongDim', options.dim, x.ndim);
  if (given.ndim !== x.ndim) {
    throw new TensorError(
      'ERR_SHAPE',
      `[takeAlongDim] an index of shape ${formatShape(given.shape)} for a tensor of shape ` +
        `${formatShape(x.shape)}: both have as many dimensions`,
    );
  }
  const common = broadcastShapes('takeAlongDim', x.shape.with(at, 1), given.shape.with(at, 1));
  const source = expand(x, common.with(at, x.shape[at] as number));
  const places = expand(given, common.with(at, given.shape[at] as number));
  return read('takeAlongDim', source, perElement(at, places));
}

/**
 * The elements at positions of x laid out in a row: y[i] = x.flatten()[index[i]], of the index's
 * shape. Negative indices count from the end.
 * @throws TensorError ERR_INDEX naming the first index outside, ERR_DTYPE, ERR_ARGUMENT
 * @example
 * ```ts
 * take(tensor([[1, 2], [3, 4]]), [3, 0]); // => [4, 1]
 * ```
 */
export function take(x: Tensor, index: IndexLike): Tensor {
  checkTensor('take', x);
  const given = indexTensor('take', index);
  const places = fromEitherEnd(reshape(given, [given.numel]));
  return reshape(read('take', reshape(x, [x.numel]), places), given.shape);
}

defineMethods({ indexSelect, gather, takeAlongDim, take });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** Slices along a dimension, in the index's order: see the function `indexSelect`. */
    indexSelect(dim: number, index: IndexLike): Tensor;
    /** An element for each index: see the function `gather`. */
    gather(dim: number, index: IndexLike): Tensor;
    /** Gathering with broadcasting: see the function `takeAlongDim`. */
    takeAlongDim(index: IndexLike, options?: TakeAlongDimOptions): Tensor;
    /** Elements at positions of the flattened tensor. */
    take(index: IndexLike): Tensor;
  }
}
