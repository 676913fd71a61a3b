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
  isHalf,
  type StoredArray,
  type TypedArray,
} from './dtype.js';
import { setElement, toInt64 } from './element.js';
import { toFloat16 } from './float16.js';
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

const OPTION_NAMES = ['dtype', 'requiresGrad', 'shared'];

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

/** Overwrites a contiguous tensor with numbers, converted by the rules of `to`. */
export function store(result: Tensor, values: TypedArray): void {
  const { dtype, numel: length } = result;
  const target = result.elements as TypedArray;
  if (dtype === 'bool') {
    for (let i = 0; i < length; i++) target[i] = values[i] === 0 ? 0 : 1;
    return;
  }
  if (dtype === 'int64') {
    for (let i = 0; i < length; i++) setElement(target, i, toInt64(values[i] as number), dtype);
    return;
  }
  if (isHalf(dtype)) {
    const bitsOf = dtype === 'float16' ? toFloat16 : toBfloat16;
    for (let i = 0; i < length; i++) target[i] = bitsOf(values[i] as number);
    return;
  }
  const range = integerRanges[dtype];
  const own = dtypeOf(values);
  if (range !== undefined && own !== null && dtypes[own].floating) {
    const [low, high] = range;
    for (let i = 0; i < length; i++) {
      target[i] = Math.min(high, Math.max(low, values[i] as number));
    }
    return;
  }
  target.set(values);
}

/** Overwrites a contiguous tensor with the elements of a typed array of a known dtype. */
function storeArray(result: Tensor, source: TypedArray | BigInt64Array): void {
  if (!(source instanceof BigInt64Array)) {
    store(result, source);
  } else if (result.dtype === 'int64') {
    (result.array as BigInt64Array).set(source, result.offset);
  } else {
    const row = result.dtype === 'bool' ? rows.castBool : rows.cast;
    runGeometry(row, result.shape, [{ array: source, offset: 0, strides: [1] }, result]);
  }
}

/** Overwrites a contiguous tensor with the numbers that `write` puts into an array of its length. */
function storeFrom(result: Tensor, write: (values: TypedArray) => void): void {
  if (dtypes[result.dtype].arithmetic) {
    write(result.elements as TypedArray);
    return;
  }
  const values = new Float64Array(result.numel);
  write(values);
  store(result, values);
}

/** What a tensor is made from, as deep as it has dimensions. */
type Nested = number | bigint | boolean | readonly Nested[];

/** Shape of nested arrays; every level must have one length. */
function shapeOf(data: Nested): number[] {
  const shape: number[] = [];
  let level = data;
  // One level too many is enough for the check of the shape, also where an array contains itself.
  for (; Array.isArray(level) && shape.length <= MAX_RANK; level = level[0] as Nested) {
    shape.push(level.length);
    if (level.length === 0) break;
  }
  return shape;
}

/** @throws TensorError ERR_ARGUMENT for a whole number that may have lost digits before it came here */
function checkSafe(operation: string, value: number): void {
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] the number ${value} is not a safe integer; write it as a bigint`,
    );
  }
}

function isScalar(data: unknown): data is number | bigint | boolean {
  return typeof data === 'number' || typeof data === 'boolean' || typeof data === 'bigint';
}

/** Copies nested arrays, row-major. Returns the position after the last element. */
function flatten(
  data: Nested,
  shape: Shape,
  dim: number,
  into: TypedArray | BigInt64Array,
  start: number,
): number {
  if (dim === shape.length) {
    if (!isScalar(data)) {
      throw new TensorError(
        'ERR_SHAPE',
        `[tensor] expected a number at depth ${dim}, found ${describe(data)}`,
      );
    }
    if (into instanceof BigInt64Array) {
      if (typeof data === 'number') checkSafe('tensor', data);
      into[start] = toInt64(typeof data === 'boolean' ? Number(data) : data);
    } else into[start] = Number(data);
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
function isBoolean(data: Nested, depth: number): boolean {
  if (depth === 0) return typeof data === 'boolean';
  return Array.isArray(data) && data.length > 0 && data.every((item) => isBoolean(item, depth - 1));
}

/** The dtype of nested arrays without another: that of booleans, or that of the first number. */
function dtypeOfNested(data: Nested, depth: number): DType {
  if (isBoolean(data, depth)) return 'bool';
  let first: Nested | undefined = data;
  while (Array.isArray(first)) first = first[0];
  return typeof first === 'bigint' ? 'int64' : 'float32';
}

export interface DataOptions extends TensorOptions {
  /**
   * false takes the memory of a typed array as it is, as `fromTypedArray` does: each sees what the
   * other writes. Default true.
   */
  copy?: boolean;
}

/**
 * A tensor with a copy of `data`: a number, bigint or boolean, nested arrays of one length per level,
 * or a typed array or Buffer (which gives one dimension; reshape it). Numbers are converted as by `to`; for int64
 * whole numbers have to be safe integers, or bigints. Data that begins with a bigint is int64.
 * @throws TensorError ERR_SHAPE for ragged arrays, ERR_DTYPE for an unknown dtype, ERR_ARGUMENT for
 * data of another kind or unknown options, and for numbers beyond the safe integers where int64 is made,
 * and `copy: false` for anything but a typed array
 * @example
 * ```ts
 * tensor([[1, 2], [3, 4]]); // => [[1, 2], [3, 4]]
 * tensor([1n, 2n]).dtype; // => 'int64'
 * tensor([2 ** 60], { dtype: 'int64' }); // throws ERR_ARGUMENT
 * ```
 */
export function tensor(
  data: Nested | TypedArray | BigInt64Array,
  options: DataOptions = {},
): Tensor {
  checkTensorOptions('tensor', options, [...OPTION_NAMES, 'copy']);
  if (options.copy === false) {
    if (!ArrayBuffer.isView(data)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[tensor] only a typed array's memory can be used without a copy, not ${describe(data)}`,
      );
    }
    const { copy: _, ...others } = options;
    return share('tensor', data as TypedArray, undefined, others);
  }
  const sourceType = dtypeOf(data);
  if (sourceType !== null) {
    const source = data as TypedArray | BigInt64Array;
    const result = uninitialized([source.length], options.dtype ?? sourceType);
    storeArray(result, source);
    return finish('tensor', result, options);
  }
  if (!Array.isArray(data) && !isScalar(data)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[tensor] data must be numbers, nested arrays or a typed array of a known dtype, not ${describe(data)}`,
    );
  }
  const shape = checkShape('tensor', shapeOf(data));
  const dtype = options.dtype ?? dtypeOfNested(data, shape.length);
  const result = uninitialized(shape, dtype);
  if (dtype === 'int64') flatten(data, shape, 0, result.elements as BigInt64Array, 0);
  else storeFrom(result, (values) => flatten(data, shape, 0, values, 0));
  return finish('tensor', result, options);
}

/**
 * A tensor over the memory of a typed array, without copying: each sees what the other writes.
 * A Uint8Array can hold uint8 (default) or bool; a Uint16Array holds the bits of bfloat16 or float16
 * (an Int16Array those of float16), and the dtype has to be named. A Float16Array, where Node has it,
 * holds float16.
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
  array: StoredArray,
  shape?: Shape,
  options: TensorOptions = {},
): Tensor {
  checkTensorOptions('fromTypedArray', options);
  return share('fromTypedArray', array, shape, options);
}

/** A tensor over the memory of a typed array. */
export function share(
  operation: string,
  array: StoredArray,
  shape: Shape | undefined,
  options: TensorOptions,
): Tensor {
  const own = dtypeOf(array);
  let dtype: DType | null = own;
  if (own === 'uint8' && options.dtype === 'bool') dtype = 'bool';
  const { dtype: named } = options;
  if (array instanceof Uint16Array && named !== undefined && isHalf(named)) dtype = named;
  if (array instanceof Int16Array && named === 'float16') dtype = named;
  if (dtype === null || (options.dtype !== undefined && options.dtype !== dtype)) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] a ${describe(array)} does not hold ${options.dtype ?? 'elements of a known dtype'}`,
    );
  }
  const dims = shape === undefined ? [array.length] : checkShape(operation, shape);
  if (numel(dims) !== array.length) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] shape ${formatShape(dims)} has ${numel(dims)} elements, the array ${array.length}`,
    );
  }
  if (options.shared && !(array.buffer instanceof SharedArrayBuffer)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] the array is not over a SharedArrayBuffer, and without a copy it cannot be ` +
        'shared; tensor(array, { shared: true }) copies',
    );
  }
  let memory: StoredArray = array;
  if (dtype === 'float16') memory = new Int16Array(array.buffer, array.byteOffset, array.length);
  return finish(operation, new Tensor(adopt(dtype, memory), dims), options);
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
 * A tensor with every element `value`. Default dtype float32, int64 for a bigint.
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
  const { dtype = typeof value === 'bigint' ? 'int64' : 'float32' } = options;
  return filled('full', shape, element, { ...options, dtype });
}

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
  const { array, offset, dtype } = result;
  for (let i = 0; i < Math.min(n, m); i++) setElement(array, offset + i * (m + 1), 1, dtype);
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
