/** Tensors from data: numbers, nested arrays, typed arrays. */
import { TensorError } from '../errors.js';
import { memoryGone, rows, runGeometry } from '../native/commands.js';
import { toBfloat16 } from './bfloat16.js';
import {
  checkSafe,
  checkTensorOptions,
  finish,
  isScalar,
  OPTION_NAMES,
  type TensorOptions,
  uninitialized,
} from './creation.js';
import {
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
import { adopt } from './memory.js';
import { checkShape, describe, formatShape, MAX_RANK, numel, type Shape } from './shape.js';
import { Tensor } from './tensor.js';

/** Overwrites a contiguous tensor with numbers, converted by the rules of `to`. */
function store(result: Tensor, values: TypedArray): void {
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

/** @throws TensorError ERR_ARGUMENT for memory that was transferred, which looks like none at all */
export function checkAttached(operation: string, { buffer, byteLength }: ArrayBufferView): void {
  if (byteLength > 0 || buffer.byteLength > 0) return;
  try {
    new Uint8Array(buffer);
  } catch {
    throw memoryGone(operation);
  }
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
    checkAttached('tensor', source);
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
  checkAttached(operation, array);
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
