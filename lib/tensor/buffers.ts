/** Tensors over bytes that come from elsewhere: files, sockets, other threads. */
import { TensorError } from '../errors.js';
import { checkTensorOptions, finish, type TensorOptions } from './creation.js';
import { checkAttached, share } from './data.js';
import { type DType, dtypes, type TypedArray } from './dtype.js';
import { checkCount, checkShape, describe, numel, type Shape } from './shape.js';
import type { Tensor } from './tensor.js';

export interface FromBufferOptions extends TensorOptions {
  /** What the bytes are. */
  dtype: DType;
  /** Where the first element begins, in bytes. Default 0. */
  offset?: number;
  /** How many elements. Default those of the shape, or all that are left. */
  count?: number;
  /** Default one dimension. */
  shape?: Shape;
  /** Whether the elements get memory of their own; otherwise each sees what the other writes. Default false. */
  copy?: boolean;
}

const OPTION_NAMES = ['dtype', 'requiresGrad', 'shared', 'offset', 'count', 'shape', 'copy'];

/** The memory behind a buffer, and the part of it that the buffer shows. */
function bytesOf(buffer: unknown): Uint8Array {
  if (buffer instanceof ArrayBuffer || buffer instanceof SharedArrayBuffer) {
    return new Uint8Array(buffer);
  }
  if (ArrayBuffer.isView(buffer)) {
    checkAttached('fromBuffer', buffer);
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  }
  throw new TensorError(
    'ERR_ARGUMENT',
    `[fromBuffer] takes an ArrayBuffer, a SharedArrayBuffer, a Buffer or another view of one, not ${describe(buffer)}`,
  );
}

/**
 * A tensor over the bytes of a buffer, in the machine's byte order, without a copy unless one is asked
 * for. Buffers of Node are often parts of a larger one: where they begin then needn't be a multiple of
 * the elements' size, and only a copy is possible.
 * @throws TensorError ERR_ARGUMENT for anything but bytes, unknown options, an offset that is no whole
 * number or (without a copy) leaves elements misaligned, `shared` without a copy of ordinary memory; ERR_SHAPE when the buffer has fewer bytes than
 * asked for, a rest that is no whole element, or count and shape differ; ERR_DTYPE
 * @example
 * ```ts
 * fromBuffer(new Uint8Array([1, 2, 3, 4]).buffer, { dtype: 'uint8', offset: 1, count: 2 }); // => [2, 3]
 * fromBuffer(new Uint8Array(8), { dtype: 'float32', offset: 2, count: 1 }); // throws ERR_ARGUMENT
 * ```
 */
export function fromBuffer(
  buffer: ArrayBufferLike | ArrayBufferView,
  options: FromBufferOptions,
): Tensor {
  checkTensorOptions('fromBuffer', options, OPTION_NAMES);
  const { dtype, requiresGrad = false, shared = false, copy = false } = options;
  if (dtype === undefined) {
    throw new TensorError(
      'ERR_DTYPE',
      `[fromBuffer] bytes have no dtype of their own; name one of ${Object.keys(dtypes).join(', ')}`,
    );
  }
  const bytes = bytesOf(buffer);
  const offset = checkCount('fromBuffer', 'offset', options.offset ?? 0, 0);
  const shape = options.shape && checkShape('fromBuffer', options.shape);
  const size = dtypes[dtype].bytes;
  const left = bytes.length - offset;
  const count = countOf(options.count, shape, left, size, dtype);
  const begin = bytes.byteOffset + offset;
  if (!copy && begin % size !== 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[fromBuffer] elements of ${dtype} begin at multiples of ${size} bytes; here the first is at ${begin} ` +
        `(the buffer's own ${bytes.byteOffset} and offset ${offset}). Pass { copy: true }`,
    );
  }
  const source = copy
    ? bytes.slice(offset, offset + count * size).buffer
    : (bytes.buffer as ArrayBuffer);
  const array = new dtypes[dtype].Array(source, copy ? 0 : begin, count) as TypedArray;
  const tensor = share('fromBuffer', array, shape ?? [count], { dtype, shared: shared && !copy });
  return finish('fromBuffer', tensor, { requiresGrad, shared });
}

/** How many elements to take of the bytes that are left. */
function countOf(
  given: number | undefined,
  shape: Shape | undefined,
  left: number,
  size: number,
  dtype: DType,
): number {
  const wanted =
    given === undefined ? shape && numel(shape) : checkCount('fromBuffer', 'count', given, 0);
  if (shape !== undefined && wanted !== numel(shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[fromBuffer] count ${wanted} is not the ${numel(shape)} elements of the shape`,
    );
  }
  if (left < 0 || (wanted !== undefined && wanted * size > left)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[fromBuffer] ${wanted ?? 0} elements of ${dtype} are ${(wanted ?? 0) * size} bytes; the buffer has ${left} after the offset`,
    );
  }
  if (wanted === undefined && left % size !== 0) {
    throw new TensorError(
      'ERR_SHAPE',
      `[fromBuffer] ${left} bytes are no whole number of ${dtype} elements (${size} bytes each); pass count`,
    );
  }
  return wanted ?? left / size;
}
