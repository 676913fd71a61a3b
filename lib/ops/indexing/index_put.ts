/** Writing at indices of several dimensions, into a copy or in place: the other side of indexing.ts. */

import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { type Operand, rows, runGeometry } from '../../native/commands.js';
import { tensor } from '../../tensor/data.js';
import { isHalf } from '../../tensor/dtype.js';
import { recycle } from '../../tensor/memory.js';
import {
  broadcastShapes,
  broadcastStrides,
  checkFlag,
  checkOptions,
  describe,
  formatShape,
  sameShape,
} from '../../tensor/shape.js';
import { type NestedArray, Tensor } from '../../tensor/tensor.js';
import { changing } from '../elementwise/inplace.js';
import {
  checkTensor,
  copyInto,
  copyOf,
  isNumber,
  scalar,
  type TensorLike,
  to,
} from '../operand.js';
import { holds } from '../promotion.js';
import { sumTo } from '../reduction/reduce.js';
import { reduceAt, scatterAt } from './indexed.js';
import {
  type IndexSpec,
  loopStrides,
  type Resolved,
  readAt,
  resolve,
  tableOf,
} from './indexing.js';
import { checkNumeric, checkSameDType } from './indices.js';
import { layoutOf } from './slice.js';

/** Options of {@link indexPut} and {@link indexPut_}. */
export interface IndexPutOptions {
  /** Adds values to what is there instead of overwriting it. Default false. */
  accumulate?: boolean;
}

/** @throws TensorError ERR_ARGUMENT for unknown options and for anything but true and false */
export function checkAccumulate(operation: string, options: IndexPutOptions): boolean {
  checkOptions(operation, options, ['accumulate']);
  return checkFlag(operation, 'accumulate', options.accumulate, false);
}

/** @throws TensorError ERR_SHAPE unless the values broadcast to what the indices name */
function checkFits(operation: string, values: Tensor, { shape }: Resolved): void {
  if (!sameShape(broadcastShapes(operation, shape, values.shape), shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] values of shape ${formatShape(values.shape)} do not broadcast to ` +
        `${formatShape(shape)}, the shape of what the indices name`,
    );
  }
}

/** Writes values (of x's dtype, not in its memory) at indices of x, without recording. */
function writeAt(
  operation: string,
  x: Tensor,
  resolved: Resolved,
  values: Tensor,
  accumulate: boolean,
): void {
  const { shape, slices, advanced } = resolved;
  const strides = broadcastStrides(values.shape, values.strides, shape);
  if (advanced.length === 0) {
    const part = layoutOf(operation, x, slices);
    const target = x.strided(part.shape, part.strides, part.offset);
    const source = values.strided(shape, strides, values.offset);
    const sum = x.dtype === 'bool' ? rows.bitwiseOr : rows.add;
    if (accumulate) runGeometry(sum, shape, [target, source, target]);
    else copyInto(target, source);
    return;
  }
  const { table, places } = tableOf(operation, x, resolved);
  const { array, offset } = values;
  const operand: Operand = { array, offset, strides: loopStrides(strides, resolved) };
  if (accumulate) reduceAt(operation, 'sum', table, places, operand);
  else scatterAt(operation, table, places, operand);
  recycle(places.index.storage);
}

/** A copy of x with values at resolved indices, recorded. */
export function putAt(
  operation: string,
  x: Tensor,
  resolved: Resolved,
  values: Tensor,
  accumulate: boolean,
): Tensor {
  if (accumulate && isHalf(x.dtype)) {
    // Added up in float32, rounded once.
    const [wide, terms] = [to(x, 'float32'), to(values, 'float32')];
    return to(putAt(operation, wide, resolved, terms, true), x.dtype);
  }
  const y = copyOf(x);
  writeAt(operation, y, resolved, values, accumulate);
  if (recording(x, values)) {
    attach(
      y,
      operation,
      [x, values],
      [
        (g) => (accumulate ? g : putAt(operation, g, resolved, scalar(0, g.dtype), false)),
        (g) => sumTo(readAt(operation, g, resolved), values.shape),
      ],
    );
  }
  return y;
}

/**
 * A number or a tensor as values of x's dtype.
 * @throws TensorError ERR_ARGUMENT for a number that the dtype can't hold, ERR_DTYPE for another dtype
 */
function valuesOf(operation: string, x: Tensor, values: TensorLike): Tensor {
  if (!isNumber(values)) {
    checkTensor(operation, values);
    checkSameDType(operation, x, values);
    return values;
  }
  if (!holds(x.dtype, values)) {
    throw new TensorError('ERR_ARGUMENT', `[${operation}] ${x.dtype} can't hold ${values}`);
  }
  return scalar(values, x.dtype);
}

/**
 * A copy of x with values at indices: y.index(indices) = values. Where several meet, the last one in
 * row-major order of the indices stays (PyTorch leaves it open), or with `accumulate` they are added
 * to what is there, in that order, whatever the number of threads. Differentiable by x and values.
 * @param x any shape; with `accumulate` any dtype but floats of 16 bits (of bools a sum is a logical or)
 * @param indices as of `index`
 * @param values a number or a tensor of x's dtype that broadcasts to the shape of x.index(indices)
 * @throws TensorError ERR_INDEX for an index outside its dimension, ERR_SHAPE when values don't
 * broadcast, ERR_DTYPE, ERR_ARGUMENT
 * @example
 * ```ts
 * indexPut(zeros([4]), [[1, 3]], tensor([5, 6])); // => [0, 5, 0, 6]
 * indexPut(zeros([3]), [[1, 1]], 2, { accumulate: true }); // => [0, 4, 0]
 * indexPut(ones([2, 3]), [null, '1:'], 0); // => [[1, 0, 0], [1, 0, 0]]
 * ```
 */
export function indexPut(
  x: Tensor,
  indices: readonly IndexSpec[],
  values: Tensor | number,
  options: IndexPutOptions = {},
): Tensor {
  checkTensor('indexPut', x);
  const accumulate = checkAccumulate('indexPut', options);
  if (accumulate) checkNumeric('indexPut', x);
  const source = valuesOf('indexPut', x, values);
  const resolved = resolve('indexPut', x, indices);
  checkFits('indexPut', source, resolved);
  return putAt('indexPut', x, resolved, source, accumulate);
}

/** Values in memory of their own, so that writing x doesn't change them meanwhile. */
function apartFrom(x: Tensor, values: Tensor): Tensor {
  if (values.storage !== x.storage) return values;
  const y = copyOf(values);
  return y;
}

/**
 * `indexPut` into x itself, which it returns.
 * @throws TensorError as `indexPut`; ERR_STATE while gradients of x or the values are recorded, and
 * for a stretched tensor: see `copy_`
 * @example
 * ```ts
 * const x = zeros([4]);
 * indexPut_(x, [[0, 2]], 7);
 * x; // => [7, 0, 7, 0]
 * ```
 */
export function indexPut_<T extends Tensor>(
  x: T,
  indices: readonly IndexSpec[],
  values: Tensor | number,
  options: IndexPutOptions = {},
): T {
  checkTensor('indexPut_', x);
  const accumulate = checkAccumulate('indexPut_', options);
  if (accumulate) checkNumeric('indexPut_', x);
  const source = valuesOf('indexPut_', x, values);
  return written('indexPut_', x, indices, source, accumulate);
}

function written<T extends Tensor>(
  operation: string,
  x: T,
  indices: readonly IndexSpec[],
  values: Tensor,
  accumulate: boolean,
): T {
  const resolved = resolve(operation, x, indices);
  checkFits(operation, values, resolved);
  return changing(operation, x, [values], () => {
    writeAt(operation, x, resolved, apartFrom(x, values), accumulate);
  });
}

/** What can be assigned: a tensor of any dtype, numbers or booleans, nested as a tensor's are. */
export type Assignable = Tensor | NestedArray;

/**
 * Writes a value at indices of x, in place: `x.set(i, j, value)` is Python's x[i, j] = value. Returns
 * x.
 * @param args indices as of `index`, one argument each, and last the value: a number, nested arrays,
 * or a tensor, which is converted to x's dtype; it broadcasts to the shape of x.index(indices)
 * @throws TensorError as `indexPut_`
 * @example
 * ```ts
 * const x = zeros([2, 3]);
 * x.set(0, -1, 5); // => [[0, 0, 5], [0, 0, 0]]
 * x.set('...', '::2', [1, 2]); // => [[1, 0, 2], [1, 0, 2]]
 * x.set(x.eq(0), 9); // => [[1, 9, 2], [1, 9, 2]]
 * ```
 */
export function set<T extends Tensor>(
  x: T,
  ...args: readonly [...indices: IndexSpec[], value: Assignable]
): T {
  checkTensor('set', x);
  const value = args.at(-1) as Assignable | undefined;
  const indices = args.slice(0, -1) as IndexSpec[];
  let values: Tensor;
  if (value instanceof Tensor) values = to(value, x.dtype);
  else if (isNumber(value)) values = valuesOf('set', x, value);
  else if (typeof value === 'boolean' || Array.isArray(value)) {
    values = tensor(value, { dtype: x.dtype });
  } else {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[set] the last argument is the value, a tensor or numbers, not ${describe(value)}`,
    );
  }
  return written('set', x, indices, values, false);
}

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** A copy with values at indices: see the function `indexPut`. */
    indexPut(
      indices: readonly IndexSpec[],
      values: Tensor | number,
      options?: IndexPutOptions,
    ): Tensor;
    /** Writes values at indices, in place: see the function `indexPut_`. */
    indexPut_(
      indices: readonly IndexSpec[],
      values: Tensor | number,
      options?: IndexPutOptions,
    ): this;
    /** Writes a value at indices, in place: `t.set(i, j, value)`. See the function `set`. */
    set(...args: readonly [...indices: IndexSpec[], value: Assignable]): this;
  }
}

Tensor.prototype.indexPut = function (this: Tensor, indices, values, options) {
  return indexPut(this, indices, values, options);
};
Tensor.prototype.indexPut_ = function (this: Tensor, indices, values, options) {
  return indexPut_(this, indices, values, options);
};
Tensor.prototype.set = function (this: Tensor, ...args) {
  return set(this, ...args);
};
