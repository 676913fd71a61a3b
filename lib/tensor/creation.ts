/** Tensors from data and from constants. Random ones are in lib/ops/random.ts. */
import { TensorError } from '../errors.js';
import { rows, runGeometry } from '../native/commands.js';
import { toBfloat16 } from './bfloat16.js';
import {
  checkDType,
  type DType,
  dtypeOf,
  dtypes,
  integerRanges,
  type TypedArray,
} from './dtype.js';
import { adopt, allocate, allocateShared, recycle } from './memory.js';
import {
  checkOptions,
  checkShape,
  describe,
  formatShape,
  MAX_RANK,
  numel,
  type Shape,
} from './shape.js';
import { type NestedArray, Tensor } from './tensor.js';

/** Options of functions that make tensors: {@link zeros}, {@link tensor} and others. */
export interface TensorOptions {
  /** Default float32, or the dtype of the typed array that the data comes in, or bool for booleans. */
  dtype?: DType;
  /** Whether gradients are collected for it; for float32, float64 and bfloat16. Default false. */
  requiresGrad?: boolean;
  /**
   * Whether the elements lie in a SharedArrayBuffer, which worker threads can compute on without
   * copying: see `toMessage`. Default false.
   */
  shared?: boolean;
}

const OPTION_NAMES = ['dtype', 'requiresGrad', 'shared'];

/** Applies the options that every creation function takes. */
function finish(operation: string, made: Tensor, options: TensorOptions): Tensor {
  let result = made;
  if (options.shared && !made.isShared) {
    result = inSharedMemory(made);
    recycle(made.storage);
  }
  if (options.requiresGrad) {
    if (!dtypes[result.dtype].floating) {
      throw new TensorError(
        'ERR_DTYPE',
        `[${operation}] only float32, float64 and bfloat16 tensors can require gradients, not ${result.dtype}`,
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
export function uninitialized(shape: Shape, dtype: DType, shared?: boolean): Tensor {
  const length = numel(shape);
  return new Tensor(shared ? allocateShared(dtype, length) : allocate(dtype, length), shape);
}

/** The elements of a tensor in a SharedArrayBuffer, in the same order in memory when they are dense. */
export function inSharedMemory(t: Tensor): Tensor {
  const strides = t.isDense && t.offset === t.storage.offset ? t.strides : undefined;
  const result = new Tensor(allocateShared(t.dtype, t.numel), t.shape, strides);
  runGeometry(rows.cast, t.shape, [t, result]);
  return result;
}

/** Sets every element, through the table of operations so that a recorded program does it again. */
export function fillWith(target: Tensor, value: number): void {
  const element = target.dtype === 'bool' ? Number(value !== 0) : value;
  runGeometry(rows.fill, target.shape, [target], [element]);
  target.storage.version++;
}

/** Overwrites a contiguous tensor with numbers, converted by the rules of `to`. */
function store(result: Tensor, values: TypedArray): void {
  const target = result.elements();
  if (result.dtype === 'bool') {
    for (let i = 0; i < target.length; i++) target[i] = values[i] === 0 ? 0 : 1;
    return;
  }
  if (result.dtype === 'bfloat16') {
    for (let i = 0; i < target.length; i++) target[i] = toBfloat16(values[i] as number);
    return;
  }
  const range = integerRanges[result.dtype];
  if (range !== undefined && (values instanceof Float32Array || values instanceof Float64Array)) {
    const [low, high] = range;
    for (let i = 0; i < target.length; i++) {
      target[i] = Math.min(high, Math.max(low, values[i] as number));
    }
    return;
  }
  target.set(values);
}

/** Overwrites a contiguous tensor with the numbers that `write` puts into an array of its length. */
function storeFrom(result: Tensor, write: (values: TypedArray) => void): void {
  if (dtypes[result.dtype].arithmetic) {
    write(result.elements());
    return;
  }
  const values = new Float64Array(result.numel);
  write(values);
  store(result, values);
}

/** Shape of nested arrays; every level must have one length. */
function shapeOf(data: NestedArray): number[] {
  const shape: number[] = [];
  let level = data;
  // One level too many is enough for the check of the shape, also where an array contains itself.
  for (; Array.isArray(level) && shape.length <= MAX_RANK; level = level[0] as NestedArray) {
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

/** Whether there is nothing but booleans at that depth, and at least one. */
function isBoolean(data: NestedArray, depth: number): boolean {
  if (depth === 0) return typeof data === 'boolean';
  return Array.isArray(data) && data.length > 0 && data.every((item) => isBoolean(item, depth - 1));
}

/**
 * A tensor with a copy of `data`: a number or boolean, nested arrays of one length per level, or a
 * typed array (which gives one dimension; reshape it). Numbers are converted as by `to`.
 * @throws TensorError ERR_SHAPE for ragged arrays, ERR_DTYPE for an unknown dtype, ERR_ARGUMENT for
 * data of another kind or unknown options
 * @example
 * ```ts
 * tensor([[1, 2], [3, 4]]).shape; // => [2, 2]
 * tensor([true, false]).dtype; // => 'bool'
 * tensor([1, 2], { dtype: 'int32' }).dtype; // => 'int32'
 * tensor([[1], [2, 3]]); // throws ERR_SHAPE
 * ```
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
    store(result, source);
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
  const dtype = options.dtype ?? (isBoolean(nested, shape.length) ? 'bool' : 'float32');
  const result = uninitialized(shape, dtype);
  storeFrom(result, (values) => flatten(nested, shape, 0, values, 0));
  return finish('tensor', result, options);
}

/**
 * A tensor over the memory of a typed array, without copying: each sees what the other writes.
 * A Uint8Array can hold uint8 (default) or bool; a Uint16Array holds the bits of bfloat16, and the
 * dtype has to be named.
 * @param shape default one dimension
 * @throws TensorError ERR_SHAPE when the shape doesn't have as many elements as the array,
 * ERR_DTYPE for a typed array of another kind, ERR_ARGUMENT for `shared` with ordinary memory
 * @example
 * ```ts
 * const array = new Float32Array([1, 2, 3, 4]);
 * const x = fromTypedArray(array, [2, 2]);
 * array[0] = 9;
 * x; // => [[9, 2], [3, 4]]
 * ```
 */
export function fromTypedArray(
  array: TypedArray,
  shape?: Shape,
  options: TensorOptions = {},
): Tensor {
  checkTensorOptions('fromTypedArray', options);
  const own = dtypeOf(array);
  let dtype: DType | null = own;
  if (own === 'uint8' && options.dtype === 'bool') dtype = 'bool';
  if (array instanceof Uint16Array && options.dtype === 'bfloat16') dtype = 'bfloat16';
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
  if (options.shared && !(array.buffer instanceof SharedArrayBuffer)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      '[fromTypedArray] the array is not over a SharedArrayBuffer, and without a copy it cannot be ' +
        'shared; tensor(array, { shared: true }) copies',
    );
  }
  return finish('fromTypedArray', new Tensor(adopt(dtype, array), dims), options);
}

function filled(operation: string, shape: Shape, value: number, options: TensorOptions): Tensor {
  checkTensorOptions(operation, options);
  const result = uninitialized(
    checkShape(operation, shape),
    options.dtype ?? 'float32',
    options.shared,
  );
  fillWith(result, value);
  return finish(operation, result, options);
}

/**
 * A tensor with every element `value`. Default dtype float32.
 * @throws TensorError ERR_ARGUMENT unless the value is a number or boolean
 * @example
 * ```ts
 * full([2, 2], 7); // => [[7, 7], [7, 7]]
 * ```
 */
export function full(shape: Shape, value: number | boolean, options: TensorOptions = {}): Tensor {
  if (typeof value !== 'number' && typeof value !== 'boolean') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[full] the value must be a number, not ${describe(value)}`,
    );
  }
  return filled('full', shape, Number(value), options);
}

/**
 * A tensor of zeros. Default dtype float32.
 * @example
 * ```ts
 * zeros([2]); // => [0, 0]
 * ```
 */
export function zeros(shape: Shape, options: TensorOptions = {}): Tensor {
  return filled('zeros', shape, 0, options);
}

/**
 * A tensor of ones. Default dtype float32.
 * @example
 * ```ts
 * ones([2, 2]); // => [[1, 1], [1, 1]]
 * ```
 */
export function ones(shape: Shape, options: TensorOptions = {}): Tensor {
  return filled('ones', shape, 1, options);
}

/**
 * A tensor with arbitrary content, to be overwritten. Default dtype float32.
 * @example
 * ```ts
 * empty([2, 3]).shape; // => [2, 3]
 * ```
 */
export function empty(shape: Shape, options: TensorOptions = {}): Tensor {
  checkTensorOptions('empty', options);
  return finish(
    'empty',
    uninitialized(checkShape('empty', shape), options.dtype ?? 'float32', options.shared),
    options,
  );
}

function filledLike(operation: string, other: unknown, value: number): Tensor {
  if (!(other instanceof Tensor)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] expected a tensor, not ${describe(other)}`,
    );
  }
  return filled(operation, other.shape, value, { dtype: other.dtype });
}

/**
 * Zeros with the shape and dtype of another tensor.
 * @example
 * ```ts
 * zerosLike(tensor([[1, 2]])); // => [[0, 0]]
 * ```
 */
export function zerosLike(other: Tensor): Tensor {
  return filledLike('zerosLike', other, 0);
}

/**
 * Ones with the shape and dtype of another tensor.
 * @example
 * ```ts
 * onesLike(tensor([3, 4])); // => [1, 1]
 * ```
 */
export function onesLike(other: Tensor): Tensor {
  return filledLike('onesLike', other, 1);
}

/**
 * The n x n identity matrix. Default dtype float32.
 * @example
 * ```ts
 * eye(2); // => [[1, 0], [0, 1]]
 * ```
 */
export function eye(n: number, options: TensorOptions = {}): Tensor {
  const result = filled('eye', [n, n], 0, options);
  const data = result.elements();
  const one = result.dtype === 'bfloat16' ? toBfloat16(1) : 1;
  for (let i = 0; i < n; i++) data[i * (n + 1)] = one;
  return result;
}

/**
 * The numbers start, start + step, ... below `end` (above it for a negative step), computed as
 * start + i * step. `arange(n)` counts from 0. Default dtype float32.
 * @throws TensorError ERR_ARGUMENT for anything but numbers, a step of 0 or one that leads away from
 * `end`
 * @example
 * ```ts
 * arange(3); // => [0, 1, 2]
 * arange(1, 2, 0.25); // => [1, 1.25, 1.5, 1.75]
 * arange(0, 1, -1); // throws ERR_ARGUMENT
 * ```
 */
export function arange(start: number, end?: number, step = 1, options: TensorOptions = {}): Tensor {
  checkTensorOptions('arange', options);
  const from = end === undefined ? 0 : start;
  const to = end === undefined ? start : end;
  const numbers = [from, to, step].every((n) => typeof n === 'number');
  const count = Math.ceil((to - from) / step);
  if (!numbers || !Number.isSafeInteger(count) || (to - from) / step < 0) {
    const text = `no steps of ${describe(step)} lead from ${describe(from)} to ${describe(to)}`;
    throw new TensorError('ERR_ARGUMENT', `[arange] ${text}`);
  }
  const result = uninitialized([count], options.dtype ?? 'float32');
  storeFrom(result, (values) => {
    for (let i = 0; i < count; i++) values[i] = from + i * step;
  });
  return finish('arange', result, options);
}
