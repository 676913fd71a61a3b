/** What every operation does first: turn arguments into tensors that fit each other. */

import { attach, recording } from '../autograd/tape.js';
import { TensorError } from '../errors.js';
import { rows, runGeometry } from '../native/commands.js';
import { uninitialized } from '../tensor/creation.js';
import { checkDType, type DType, dtypes, infoOf } from '../tensor/dtype.js';
import { setElement } from '../tensor/element.js';
import { allocate, outsideScope } from '../tensor/memory.js';
import { checkOptions, describe, isPermuted, normalizeDim, sameShape } from '../tensor/shape.js';
import { markAsInference, type Storage } from '../tensor/storage.js';
import { Tensor } from '../tensor/tensor.js';

/**
 * What operations take for a tensor; a number or bigint (which counts as a whole number) adapts to the
 * other operand's dtype (see promotion.ts).
 */
export type TensorLike = Tensor | number | bigint;

/** Whether an operand is a number of either kind. */
export const isNumber = (value: unknown): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';

/** @throws TensorError ERR_ARGUMENT unless it is a tensor */
export function checkTensor(operation: string, value: unknown): asserts value is Tensor {
  if (!(value instanceof Tensor)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] expected a tensor, not ${describe(value)}`,
    );
  }
}

/** @throws TensorError unless it is a float32 or float64 tensor */
export function checkFloating(operation: string, value: unknown): asserts value is Tensor {
  checkTensor(operation, value);
  if (!infoOf(value.dtype).arithmetic) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] takes float32 or float64, not ${value.dtype}; convert with to('float32')`,
    );
  }
}

/**
 * A tensor for mathematics: itself, or of integers and bools a float32 copy, as in PyTorch.
 * @throws TensorError ERR_ARGUMENT unless it is a tensor, ERR_DTYPE for floats of 16 bits
 */
export function asFloating(operation: string, value: unknown): Tensor {
  checkTensor(operation, value);
  if (!dtypes[value.dtype].floating) return to(value, 'float32');
  checkFloating(operation, value);
  return value;
}

/** A scalar tensor. Integers take whole numbers, which wrap around. */
export function scalar(value: number | bigint, dtype: DType): Tensor {
  const storage = allocate(dtype, 1);
  setElement(storage.array, storage.offset, value, dtype);
  return new Tensor(storage, []);
}

/** How many numbers of a dtype are remembered: more than a model's code mentions. */
const CONSTANTS = 256;

interface Constants {
  readonly storage: Storage;
  readonly byValue: Map<number, Tensor>;
}

const constants = new Map<DType, Constants>();

function newConstants(dtype: DType): Constants {
  // They outlive every scope, and may be kept for gradients.
  const before = markAsInference(false);
  const storage = outsideScope(() => allocate(dtype, CONSTANTS));
  markAsInference(before);
  const made = { storage, byValue: new Map() };
  constants.set(dtype, made);
  return made;
}

/**
 * A number as a scalar tensor for an operand, that nobody writes to or disposes: the same number is the
 * same tensor. A scalar of its own costs three times the operation on ten elements.
 */
export function constant(value: number, dtype: DType): Tensor {
  if (Object.is(value, -0)) return scalar(value, dtype); // to a map it is 0
  let place = constants.get(dtype) ?? newConstants(dtype);
  const known = place.byValue.get(value);
  if (known !== undefined) return known;
  // Graphs and recorded programs go on reading those that are forgotten: they are not overwritten.
  if (place.byValue.size === CONSTANTS) place = newConstants(dtype);
  const { storage, byValue } = place;
  const offset = storage.offset + byValue.size;
  setElement(storage.array, offset, value, dtype);
  const made = new Tensor(storage, NO_DIMENSIONS, NO_DIMENSIONS, offset);
  byValue.set(value, made);
  return made;
}

const NO_DIMENSIONS: readonly number[] = [];

/** Copies the elements of `from` over those of `into`, which has the same shape, converting them. */
export function copyInto(into: Tensor, from: Tensor): void {
  // Bools and bytes are one type to the native side, but "is not zero" is another conversion.
  const toBool = into.dtype === 'bool' && from.dtype !== 'bool';
  runGeometry(toBool ? rows.castBool : rows.cast, into.shape, [from, into]);
  into.storage.version++;
}

/**
 * Two tensors copied over two parts of a new one. Parts that are every second element of it are written
 * together. @returns false, having done nothing, where they aren't that
 */
export function copyInTurns(into: readonly Tensor[], from: readonly Tensor[]): boolean {
  const [y, z] = into as [Tensor, Tensor];
  const [a, b] = from as [Tensor, Tensor];
  if (into.length !== 2 || z.offset !== y.offset + 1 || !sameShape(y.shape, z.shape)) return false;
  if (a.dtype !== y.dtype || b.dtype !== y.dtype) return false;
  runGeometry(rows.copyInTurns, y.shape, [a, b, y, z]);
  y.storage.version++;
  return true;
}

/** A row-major copy without a history, to be written to. */
export function copyOf(x: Tensor): Tensor {
  const y = uninitialized(x.shape, x.dtype);
  copyInto(y, x);
  return y;
}

/**
 * A tensor of arbitrary content that lies in memory as x does when x has no gaps (a transposed weight
 * stays one, as in PyTorch), otherwise in row-major order.
 */
export function uninitializedLike(x: Tensor, dtype: DType): Tensor {
  const keeps = isGapless(x) && !x.isContiguous;
  return new Tensor(allocate(dtype, x.numel), x.shape, keeps ? x.strides : undefined);
}

/** Whether x has elements and no gaps between them, in whatever order: a result may lie as it does. */
export function isGapless(x: Tensor): boolean {
  return x.numel > 0 && isPermuted(x.shape, x.strides);
}

/**
 * The same values in another dtype (itself when it has that dtype). Floats are cut towards zero for
 * integers, those outside the range become its nearer end and NaN 0 (PyTorch leaves that to the CPU);
 * integers go to smaller ones modulo 2^bits; anything but 0 is true for bool; to bfloat16 and float16
 * numbers are rounded to float32 and from there, to nearest even. Gradients flow between floating
 * dtypes.
 * @throws TensorError ERR_DTYPE for an unknown dtype
 * @example
 * ```ts
 * tensor([1.7, -1.7, 300]).to('int64'); // => [1, -1, 300]
 * tensor([1.7, -1.7, 300]).to('uint8'); // => [1, 0, 255]
 * ```
 */
export function to(x: Tensor, dtype: DType): Tensor {
  checkTensor('to', x);
  checkDType('to', dtype);
  if (x.dtype === dtype) return x;
  const y = uninitializedLike(x, dtype);
  copyInto(y, x);
  if (dtypes[dtype].floating && recording(x)) attach(y, 'to', [x], [(g) => to(g, x.dtype)]);
  return y;
}

/**
 * The same elements in row-major order: itself when they are already, otherwise a copy.
 * @example
 * ```ts
 * const x = tensor([[1, 2], [3, 4]]).transpose();
 * x.isContiguous; // => false
 * contiguous(x).data; // => [1, 3, 2, 4]
 * ```
 */
export function contiguous(x: Tensor): Tensor {
  checkTensor('contiguous', x);
  return x.isContiguous ? x : clone(x);
}

/** Options of {@link clone}. */
export interface CloneOptions {
  /** Whether the copy lies in a SharedArrayBuffer: see `toMessage`. Default false. */
  shared?: boolean;
}

/**
 * A contiguous copy, through which gradients flow.
 * @example
 * ```ts
 * const x = tensor([1, 2]);
 * const y = clone(x);
 * y.data[0] = 9;
 * x; // => [1, 2]
 * ```
 */
export function clone(x: Tensor, options: CloneOptions = {}): Tensor {
  checkTensor('clone', x);
  checkOptions('clone', options, ['shared']);
  const y = uninitialized(x.shape, x.dtype, options.shared);
  copyInto(y, x);
  if (recording(x)) attach(y, 'clone', [x], [(g) => g]);
  return y;
}

/**
 * Dimensions given as one, several or none (which means all), without repetition, ascending. A scalar has
 * dimension 0 to name, as in PyTorch, which is nowhere in its shape.
 */
export function checkDims(
  operation: string,
  dim: number | readonly number[] | undefined,
  rank: number,
): number[] {
  if (dim === undefined) return Array.from({ length: rank }, (_, d) => d);
  const named = Array.isArray(dim) ? dim : [dim];
  const list = named.map((d) => normalizeDim(operation, d, Math.max(1, rank)));
  if (new Set(list).size !== list.length) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] a dimension is named twice: ${describe(dim)}`,
    );
  }
  return rank === 0 ? [] : list.sort((a, b) => a - b);
}

declare module '../tensor/tensor.js' {
  interface Tensor {
    /** The same values in another dtype: see the function `to`. */
    to(dtype: DType): Tensor;
    /** The same elements in row-major order, copied only if they aren't already. */
    contiguous(): Tensor;
    /** A contiguous copy, through which gradients flow. */
    clone(options?: CloneOptions): Tensor;
  }
}

Tensor.prototype.to = function (this: Tensor, dtype) {
  return to(this, dtype);
};
Tensor.prototype.contiguous = function (this: Tensor) {
  return contiguous(this);
};
Tensor.prototype.clone = function (this: Tensor, options) {
  return clone(this, options);
};
