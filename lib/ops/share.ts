/** Tensors for worker threads: memory that threads share, and messages that carry tensors. */
import { TensorError } from '../errors.js';
import { inSharedMemory } from '../tensor/creation.js';
import { checkDType, type DType, dtypes, type TypedArray } from '../tensor/dtype.js';
import { adopt } from '../tensor/memory.js';
import { forEachTensor, isPlainObject, mapNested } from '../tensor/nested.js';
import { checkOptions, checkShape, describe, isLostTensor } from '../tensor/shape.js';
import type { Storage } from '../tensor/storage.js';
import { Tensor } from '../tensor/tensor.js';
import { contiguous } from './operand.js';

/** A tensor as a message carries it: plain data for `fromMessage`. */
export interface TensorMessage {
  /** Says what the object is. */
  readonly tilegrad: 'tensor';
  /** Of the tensor. */
  readonly dtype: DType;
  /** Of the tensor. */
  readonly shape: readonly number[];
  /** In elements. */
  readonly strides: readonly number[];
  /** Where the first element is in `elements`. */
  readonly offset: number;
  /** Over the tensor's own memory when that is shared, otherwise a copy. */
  readonly elements: TypedArray;
  /** Whether it is a leaf that requires gradients. */
  readonly requiresGrad: boolean;
}

/** Options of {@link toMessage}. */
export interface MessageOptions {
  /**
   * Collects the buffers of the copies that were made of tensors in ordinary memory. Give the same
   * list to postMessage, which then moves them instead of copying a second time.
   */
  transfer?: ArrayBuffer[];
}

/**
 * The same tensor, or the same arrays, objects, maps and sets of tensors, in memory that worker threads
 * can use as well; what lies there already is not copied. Strides stay when the elements are dense. The
 * copy is a leaf, without history, and requires gradients when a leaf did that it was made from.
 * (PyTorch's `share_memory_` moves the tensor itself, which here can't be done behind its views.)
 * @throws TensorError ERR_ARGUMENT when there is no tensor in it, and for an object of a class that has
 * tensors, such as a module: share its `stateDict()` and load that with `{ assign: true }`; ERR_DISPOSED
 * @example
 * ```ts
 * const x = shareMemory(tensor([1, 2]));
 * x.isShared; // => true
 * x; // => [1, 2]
 * ```
 */
export function shareMemory<T>(value: T): T {
  checkSomeTensor('shareMemory', value);
  return mapNested(value, (item) => {
    if (!(item instanceof Tensor)) return checkPlain('shareMemory', item);
    if (item.isShared) return item;
    const shared = inSharedMemory(item);
    shared.leafRequiresGrad = item.leafRequiresGrad;
    return shared;
  }) as T;
}

function checkSomeTensor(operation: string, value: unknown): void {
  let found = false;
  forEachTensor(value, () => {
    found = true;
  });
  if (!found) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] expected tensors, not ${describe(value)}`,
    );
  }
}

/**
 * A value with all of its tensors (in arrays, plain objects, maps and sets, such as a `stateDict()`)
 * made ready for `postMessage` or `workerData`; `fromMessage` makes tensors of it on the other side.
 * Tensors in shared memory (the option `shared`, `shareMemory`, or a typed array over a
 * SharedArrayBuffer) are not copied: both threads then compute on the same elements, views of one
 * memory stay views of one memory, and nothing keeps one thread from reading what another is writing.
 * Others are copied, once if `transfer` is used. Shape, strides, dtype and `requiresGrad` of leaves
 * come along; history and gradients do not.
 * @throws TensorError ERR_ARGUMENT for an object of a class that has tensors, such as a module: send its
 * `stateDict()`; ERR_DISPOSED
 * @example
 * ```ts
 * const weights = ones([2], { shared: true });
 * const received = fromMessage(structuredClone(toMessage({ weights, epoch: 3 })));
 * received.weights.data[0] = 5;
 * weights; // => [5, 1]
 * ```
 */
export function toMessage(value: unknown, options: MessageOptions = {}): unknown {
  checkOptions('toMessage', options, ['transfer']);
  const { transfer } = options;
  if (transfer !== undefined && !Array.isArray(transfer)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[toMessage] transfer must be an array to add buffers to, not ${describe(transfer)}`,
    );
  }
  const wholes = new Map<Storage, TypedArray>();
  return mapNested(value, (item) => {
    if (item instanceof Tensor) return messageOf(item, wholes, transfer);
    return checkPlain('toMessage', item);
  });
}

function messageOf(
  t: Tensor,
  wholes: Map<Storage, TypedArray>,
  transfer: ArrayBuffer[] | undefined,
): TensorMessage {
  const { storage, dtype, shape } = t;
  storage.checkIntact('toMessage');
  const common = { tilegrad: 'tensor', dtype, shape, requiresGrad: t.leafRequiresGrad } as const;
  if (t.isShared) {
    let elements = wholes.get(storage);
    if (elements === undefined) {
      const { array, offset, length } = storage;
      elements = array.subarray(offset, offset + length) as TypedArray;
      wholes.set(storage, elements);
    }
    return { ...common, strides: t.strides, offset: t.offset - storage.offset, elements };
  }
  // A slice has a buffer of its own: a subarray would take the whole slab along.
  const own = contiguous(t);
  const elements = own.elements.slice() as TypedArray;
  transfer?.push(elements.buffer as ArrayBuffer);
  return { ...common, strides: own.strides, offset: 0, elements };
}

/** @throws TensorError ERR_ARGUMENT for an object of a class that has tensors, which nobody can copy */
function checkPlain(operation: string, item: object): undefined {
  if (Array.isArray(item) || item instanceof Map || item instanceof Set) return;
  if (isPlainObject(item) || ArrayBuffer.isView(item)) return;
  let found = false;
  forEachTensor(item, () => {
    found = true;
  });
  if (!found) return;
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${operation}] takes tensors in arrays, plain objects, maps and sets, not in an object of class ` +
      `${describe(item)}: give it the tensors, of a module its stateDict(), and those to a module by ` +
      'loadStateDict with { assign: true }',
  );
}

/**
 * The value that `toMessage` made a message of, after it came through `postMessage`: see there. Tensors
 * in shared memory are over the sender's elements, others have their own.
 * @throws TensorError ERR_ARGUMENT for a tensor that was sent without `toMessage`, and for messages that
 * `toMessage` didn't make
 * @example
 * ```ts
 * fromMessage(structuredClone(toMessage([tensor([1, 2])])))[0]; // => [1, 2]
 * ```
 */
// biome-ignore lint/suspicious/noExplicitAny: what a message has is known to its sender only
export function fromMessage<T = any>(message: unknown): T {
  const storages: Storage[] = [];
  return mapNested(message, (item) => {
    if (isLostTensor(item)) {
      throw new TensorError('ERR_ARGUMENT', `[fromMessage] this is ${describe(item)}`);
    }
    return (item as Partial<TensorMessage>).tilegrad === 'tensor'
      ? tensorOf(item as TensorMessage, storages)
      : undefined;
  }) as T;
}

function tensorOf(message: TensorMessage, storages: Storage[]): Tensor {
  const { dtype, strides, offset, elements } = message;
  checkDType('fromMessage', dtype);
  const shape = checkShape('fromMessage', message.shape);
  if (!isInside(shape, strides, offset, elements) || !(elements instanceof dtypes[dtype].Array)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      '[fromMessage] a tensor in the message does not fit its elements; messages are made by toMessage',
    );
  }
  let storage = storages.find(
    ({ array, dtype: known }) =>
      array.buffer === elements.buffer &&
      array.byteOffset === elements.byteOffset &&
      array.length === elements.length &&
      known === dtype,
  );
  if (storage === undefined) {
    storage = adopt(dtype, elements);
    storages.push(storage);
  }
  const t = new Tensor(storage, shape, [...strides], offset);
  t.leafRequiresGrad = Boolean(message.requiresGrad) && dtypes[dtype].floating;
  return t;
}

/** Whether all elements of a geometry are in the array. */
function isInside(shape: readonly number[], strides: unknown, offset: unknown, elements: unknown) {
  if (!ArrayBuffer.isView(elements) || !Array.isArray(strides)) return false;
  if (strides.length !== shape.length) return false;
  if (![offset, ...strides].every(Number.isSafeInteger)) return false;
  if (shape.includes(0)) return true;
  let low = offset as number;
  let high = low;
  shape.forEach((size, d) => {
    const reach = (size - 1) * (strides[d] as number);
    if (reach < 0) low += reach;
    else high += reach;
  });
  return low >= 0 && high < (elements as TypedArray).length;
}

declare module '../tensor/tensor.js' {
  interface Tensor {
    /** A copy in memory that threads share, or itself: see the function `shareMemory`. */
    shareMemory(): Tensor;
  }
}

Tensor.prototype.shareMemory = function (this: Tensor) {
  return shareMemory(this);
};
