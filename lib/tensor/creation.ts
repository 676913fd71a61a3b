/**
 * Tensors of a given shape and value, and what all functions that make tensors share. Those from data are in
 * data.ts, ranges in ranges.ts, random ones in lib/ops/random/random.ts.
 */
import { TensorError } from '../errors.js';
import { rows, runGeometry } from '../native/commands.js';
import { checkDType, type DType, dtypes } from './dtype.js';
import { setElement, toInt64 } from './element.js';
import { allocate, allocateShared, recycle } from './memory.js';
import { checkOptions, checkShape, describe, numel, type Shape } from './shape.js';
import { Tensor } from './tensor.js';

/** Options of functions that make tensors: {@link zeros}, {@link tensor} and others. */
export interface TensorOptions {
  /**
   * Default float32, or the dtype of the typed array that the data comes in, or bool for booleans and
   * int64 for bigints.
   */
  dtype?: DType;
  /** Whether gradients are collected for it; for floating dtypes. Default false. */
  requiresGrad?: boolean;
  /**
   * Whether the elements lie in a SharedArrayBuffer, which worker threads can compute on without
   * copying: see `toMessage`. Default false.
   */
  shared?: boolean;
}

export const OPTION_NAMES = ['dtype', 'requiresGrad', 'shared'];

/** Applies the options that every creation function takes. */
export function finish(operation: string, made: Tensor, options: TensorOptions): Tensor {
  let result = made;
  if (options.shared && !made.isShared) {
    result = inSharedMemory(made);
    recycle(made.storage);
  }
  if (options.requiresGrad) {
    if (!dtypes[result.dtype].floating) {
      throw new TensorError(
        'ERR_DTYPE',
        `[${operation}] only float32, float64, bfloat16 and float16 tensors can require gradients, not ${result.dtype}`,
      );
    }
    result.leafRequiresGrad = true;
  }
  return result;
}

/** @throws TensorError ERR_ARGUMENT for options of other names than the known ones, ERR_DTYPE */
export function checkTensorOptions(
  operation: string,
  options: TensorOptions,
  known: readonly string[] = OPTION_NAMES,
): void {
  checkOptions(operation, options, known);
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
export function fillWith(target: Tensor, value: number | bigint): void {
  if (target.dtype === 'int64' && typeof value === 'bigint') {
    // A row's number is a double: all 64 bits go as an element.
    const one = uninitialized([], 'int64');
    setElement(one.array, one.offset, toInt64(value), 'int64');
    const strides = target.shape.map(() => 0);
    runGeometry(rows.cast, target.shape, [
      { array: one.array, offset: one.offset, strides },
      target,
    ]);
  } else {
    const element = target.dtype === 'bool' ? Number(Number(value) !== 0) : Number(value);
    runGeometry(rows.fill, target.shape, [target], [element]);
  }
  target.storage.version++;
}

/** @throws TensorError ERR_ARGUMENT for a whole number that may have lost digits before it came here */
export function checkSafe(operation: string, value: number): void {
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] the number ${value} is not a safe integer; write it as a bigint`,
    );
  }
}

export function isScalar(data: unknown): data is number | bigint | boolean {
  return typeof data === 'number' || typeof data === 'boolean' || typeof data === 'bigint';
}

function filled(
  operation: string,
  shape: Shape,
  value: number | bigint,
  options: TensorOptions,
): Tensor {
  checkTensorOptions(operation, options);
  if (options.dtype === 'int64' && typeof value === 'number') checkSafe(operation, value);
  const result = uninitialized(
    checkShape(operation, shape),
    options.dtype ?? 'float32',
    options.shared,
  );
  fillWith(result, value);
  return finish(operation, result, options);
}

/**
 * A tensor with every element `value`. Default dtype float32, int64 for a bigint, bool for a boolean.
 * @throws TensorError ERR_ARGUMENT unless the value is a number, bigint or boolean, and for a number
 * beyond the safe integers where int64 is made
 * @example
 * ```ts
 * full([2, 2], 7); // => [[7, 7], [7, 7]]
 * ```
 */
export function full(
  shape: Shape,
  value: number | bigint | boolean,
  options: TensorOptions = {},
): Tensor {
  const element = checkFill('full', value);
  checkTensorOptions('full', options);
  const { dtype = defaults[typeof value] ?? 'float32' } = options;
  return filled('full', shape, element, { ...options, dtype });
}

/** What a tensor of such values is unless its options say. */
const defaults: Readonly<Record<string, DType>> = { bigint: 'int64', boolean: 'bool' };

function checkFill(operation: string, value: unknown): number | bigint {
  if (!isScalar(value)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] the value must be a number, not ${describe(value)}`,
    );
  }
  return typeof value === 'boolean' ? Number(value) : value;
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

/** The options of a tensor like another one, whose dtype is the default. */
function likeOptions(operation: string, other: unknown, options: TensorOptions): TensorOptions {
  if (!(other instanceof Tensor)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] expected a tensor, not ${describe(other)}`,
    );
  }
  checkTensorOptions(operation, options);
  return { ...options, dtype: options.dtype ?? other.dtype };
}

/**
 * Zeros with the shape and, by default, the dtype of another tensor.
 * @throws TensorError ERR_ARGUMENT for anything but a tensor and for unknown options, ERR_DTYPE
 * @example
 * ```ts
 * zerosLike(tensor([[1, 2]])); // => [[0, 0]]
 * ```
 */
export function zerosLike(other: Tensor, options: TensorOptions = {}): Tensor {
  const own = likeOptions('zerosLike', other, options);
  return filled('zerosLike', other.shape, 0, own);
}

/**
 * Ones with the shape and, by default, the dtype of another tensor.
 * @throws TensorError ERR_ARGUMENT for anything but a tensor and for unknown options, ERR_DTYPE
 * @example
 * ```ts
 * onesLike(tensor([[5, 6]])); // => [[1, 1]]
 * ```
 */
export function onesLike(other: Tensor, options: TensorOptions = {}): Tensor {
  const own = likeOptions('onesLike', other, options);
  return filled('onesLike', other.shape, 1, own);
}

/**
 * Every element `value`, with the shape and, by default, the dtype of another tensor.
 * @throws TensorError ERR_ARGUMENT for anything but a tensor, a value that isn't a number or boolean
 * and unknown options; ERR_DTYPE
 * @example
 * ```ts
 * fullLike(tensor([[5, 6]]), 7); // => [[7, 7]]
 * ```
 */
export function fullLike(
  other: Tensor,
  value: number | bigint | boolean,
  options: TensorOptions = {},
): Tensor {
  const own = likeOptions('fullLike', other, options);
  return filled('fullLike', other.shape, checkFill('fullLike', value), own);
}

/**
 * Arbitrary content, to be overwritten, with the shape and, by default, the dtype of another tensor.
 * @throws TensorError ERR_ARGUMENT for anything but a tensor and for unknown options, ERR_DTYPE
 * @example
 * ```ts
 * emptyLike(zeros([2, 3])).shape; // => [2, 3]
 * ```
 */
export function emptyLike(other: Tensor, options: TensorOptions = {}): Tensor {
  const own = likeOptions('emptyLike', other, options);
  return finish('emptyLike', uninitialized(other.shape, own.dtype as DType), own);
}

/**
 * The n x m identity matrix, by default n x n: ones on the main diagonal. Default dtype float32.
 * @throws TensorError ERR_SHAPE unless the sizes are whole numbers >= 0, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * eye(2); // => [[1, 0], [0, 1]]
 * eye(2, 3); // => [[1, 0, 0], [0, 1, 0]]
 * ```
 */
export function eye(n: number, options?: TensorOptions): Tensor;
export function eye(n: number, m: number, options?: TensorOptions): Tensor;
export function eye(n: number, second?: number | TensorOptions, third?: TensorOptions): Tensor {
  const rectangular = typeof second === 'number';
  const m = rectangular ? second : n;
  const given = rectangular ? third : second;
  const result = filled('eye', [n, m], 0, given === undefined ? {} : (given as TensorOptions));
  const { array, offset } = result;
  runGeometry(rows.fill, [Math.min(n, m)], [{ array, offset, strides: [m + 1] }], [1]);
  return result;
}
