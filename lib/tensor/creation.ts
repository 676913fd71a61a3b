/** Tensors from data and from constants. Random ones are in lib/ops/random.ts. */
import { TensorError } from '../errors.js';
import { rows, runGeometry } from '../native/commands.js';
import { checkDType, type DType, dtypeOf, dtypes, type TypedArray } from './dtype.js';
import { adopt, allocate } from './memory.js';
import { checkOptions, checkShape, describe, formatShape, numel, type Shape } from './shape.js';
import { type NestedArray, Tensor } from './tensor.js';

export interface TensorOptions {
  /** Default float32, or the dtype of the typed array that the data comes in, or bool for booleans. */
  dtype?: DType;
  /** Whether gradients are collected for it; only for float32 and float64. Default false. */
  requiresGrad?: boolean;
}

const OPTION_NAMES = ['dtype', 'requiresGrad'];

/** Applies the options that every creation function takes. */
function finish(operation: string, result: Tensor, options: TensorOptions): Tensor {
  if (options.requiresGrad) {
    if (!dtypes[result.dtype].floating) {
      throw new TensorError(
        'ERR_DTYPE',
        `[${operation}] only float32 and float64 tensors can require gradients, not ${result.dtype}`,
      );
    }
    result.leafRequiresGrad = true;
  }
  return result;
}

function checkTensorOptions(operation: string, options: TensorOptions): void {
  checkOptions(operation, options, OPTION_NAMES);
  if (options.dtype !== undefined) checkDType(operation, options.dtype);
}

/** A contiguous tensor with arbitrary content, for operations that overwrite all of it. */
export function uninitialized(shape: Shape, dtype: DType): Tensor {
  return new Tensor(allocate(dtype, numel(shape)), shape);
}

/** Sets every element, through the table of operations so that a recorded program does it again. */
export function fillWith(target: Tensor, value: number): void {
  runGeometry(rows.fill, target.shape, [target], [value]);
}

/** Shape of nested arrays; every level must have one length. */
function shapeOf(data: NestedArray): number[] {
  const shape: number[] = [];
  for (let level = data; Array.isArray(level); level = level[0] as NestedArray) {
    shape.push(level.length);
    if (level.length === 0) break;
  }
  return shape;
}

/** Copies nested arrays, row-major. Returns the position after the last element. */
function flatten(
  data: NestedArray,
  shape: Shape,
  dim: number,
  into: TypedArray,
  start: number,
): number {
  if (dim === shape.length) {
    if (typeof data !== 'number' && typeof data !== 'boolean') {
      throw new TensorError(
        'ERR_SHAPE',
        `[tensor] expected a number at depth ${dim}, found ${describe(data)}`,
      );
    }
    into[start] = Number(data);
    return start + 1;
  }
  const size = shape[dim] as number;
  if (!Array.isArray(data) || data.length !== size) {
    throw new TensorError(
      'ERR_SHAPE',
      `[tensor] nested arrays differ in length: expected ${size} at depth ${dim}, found ${
        Array.isArray(data) ? data.length : describe(data)
      }`,
    );
  }
  let at = start;
  for (const item of data) at = flatten(item, shape, dim + 1, into, at);
  return at;
}

function firstLeaf(data: NestedArray): NestedArray {
  let leaf = data;
  while (Array.isArray(leaf)) leaf = leaf[0] as NestedArray;
  return leaf;
}

/**
 * A tensor with a copy of `data`: a number or boolean, nested arrays of one length per level, or a
 * typed array (which gives one dimension; reshape it).
 * @throws TensorError ERR_SHAPE for ragged arrays, ERR_DTYPE for an unknown dtype, ERR_ARGUMENT for
 * data of another kind or unknown options
 */
export function tensor(
  data: NestedArray | readonly number[] | readonly (readonly number[])[] | TypedArray,
  options: TensorOptions = {},
): Tensor {
  checkTensorOptions('tensor', options);
  const sourceType = dtypeOf(data);
  if (sourceType !== null) {
    const source = data as TypedArray;
    const result = uninitialized([source.length], options.dtype ?? sourceType);
    const target = result.data;
    if (result.dtype === 'bool') for (let i = 0; i < source.length; i++) target[i] = source[i] ? 1 : 0;
    else target.set(source);
    return finish('tensor', result, options);
  }
  if (!Array.isArray(data) && typeof data !== 'number' && typeof data !== 'boolean') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[tensor] data must be numbers, nested arrays or a typed array of a known dtype, not ${describe(data)}`,
    );
  }
  const nested = data as NestedArray;
  const shape = checkShape('tensor', shapeOf(nested));
  const dtype = options.dtype ?? (typeof firstLeaf(nested) === 'boolean' ? 'bool' : 'float32');
  const result = uninitialized(shape, dtype);
  const target = result.data;
  flatten(nested, shape, 0, target, 0);
  if (dtype === 'bool') for (let i = 0; i < target.length; i++) target[i] = target[i] ? 1 : 0;
  return finish('tensor', result, options);
}

/**
 * A tensor over the memory of a typed array, without copying: each sees what the other writes.
 * @param shape default one dimension
 * @throws TensorError ERR_SHAPE when the shape doesn't have as many elements as the array,
 * ERR_DTYPE for a typed array of another kind
 */
export function fromTypedArray(
  array: TypedArray,
  shape?: Shape,
  options: TensorOptions = {},
): Tensor {
  checkTensorOptions('fromTypedArray', options);
  const own = dtypeOf(array);
  const dtype = own === 'uint8' && options.dtype === 'bool' ? 'bool' : own;
  if (dtype === null || (options.dtype !== undefined && options.dtype !== dtype)) {
    throw new TensorError(
      'ERR_DTYPE',
      `[fromTypedArray] a ${describe(array)} does not hold ${options.dtype ?? 'elements of a known dtype'}`,
    );
  }
  const dims = shape === undefined ? [array.length] : checkShape('fromTypedArray', shape);
  if (numel(dims) !== array.length) {
    throw new TensorError(
      'ERR_SHAPE',
      `[fromTypedArray] shape ${formatShape(dims)} has ${numel(dims)} elements, the array ${array.length}`,
    );
  }
  return finish('fromTypedArray', new Tensor(adopt(dtype, array), dims), options);
}

/** A tensor with every element `value`. Default dtype float32. */
export function full(shape: Shape, value: number, options: TensorOptions = {}): Tensor {
  checkTensorOptions('full', options);
  const result = uninitialized(checkShape('full', shape), options.dtype ?? 'float32');
  fillWith(result, Number(value));
  return finish('full', result, options);
}

/** A tensor of zeros. Default dtype float32. */
export function zeros(shape: Shape, options: TensorOptions = {}): Tensor {
  return full(shape, 0, options);
}

/** A tensor of ones. Default dtype float32. */
export function ones(shape: Shape, options: TensorOptions = {}): Tensor {
  return full(shape, 1, options);
}

/** A tensor with arbitrary content, to be overwritten. Default dtype float32. */
export function empty(shape: Shape, options: TensorOptions = {}): Tensor {
  checkTensorOptions('empty', options);
  return finish(
    'empty',
    uninitialized(checkShape('empty', shape), options.dtype ?? 'float32'),
    options,
  );
}

/** Zeros with the shape and dtype of another tensor. */
export function zerosLike(other: Tensor): Tensor {
  return full(other.shape, 0, { dtype: other.dtype });
}

/** Ones with the shape and dtype of another tensor. */
export function onesLike(other: Tensor): Tensor {
  return full(other.shape, 1, { dtype: other.dtype });
}

/** The n x n identity matrix. Default dtype float32. */
export function eye(n: number, options: TensorOptions = {}): Tensor {
  const result = zeros([n, n], options);
  const { data } = result;
  for (let i = 0; i < n; i++) data[i * (n + 1)] = 1;
  return result;
}

/**
 * The numbers start, start + step, ... below `end` (above it for a negative step), computed as
 * start + i * step. `arange(n)` counts from 0. Default dtype float32.
 * @throws TensorError ERR_ARGUMENT for a step of 0 or one that never reaches `end`
 */
export function arange(
  start: number,
  end?: number,
  step = 1,
  options: TensorOptions = {},
): Tensor {
  checkTensorOptions('arange', options);
  const from = end === undefined ? 0 : start;
  const to = end === undefined ? start : end;
  const count = Math.ceil((to - from) / step);
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new TensorError('ERR_ARGUMENT', `[arange] no steps of ${step} lead from ${from} to ${to}`);
  }
  const result = uninitialized([count], options.dtype ?? 'float32');
  const { data } = result;
  for (let i = 0; i < count; i++) data[i] = from + i * step;
  return finish('arange', result, options);
}
