import { TensorError } from '../errors.js';
import {
  type DType,
  type DTypeArrays,
  float16Array,
  type StoredArray,
  type TypedArray,
} from './dtype.js';
import { getElement } from './element.js';
import { recycle, type ScopeGraph } from './memory.js';
import { keepAlive } from './reclaim.js';
import {
  contiguousStrides,
  describe,
  formatShape,
  isContiguous,
  isPermuted,
  numel,
  type Shape,
} from './shape.js';
import type { Storage } from './storage.js';

/**
 * A node of the autograd graph: which operation made a tensor, from what, and how the gradient of
 * its output gives those of its inputs. lib/autograd works with it; the tensor only carries it.
 */
export interface GradNode {
  /** The operation, for messages. */
  readonly name: string;
  /**
   * When it was recorded: an operation's inputs have smaller numbers than its output, and what its
   * rules read must not have been written to later.
   */
  readonly sequence: number;
  /** Empty once the graph was freed, so that a result that is kept doesn't keep them. */
  inputs: readonly Tensor[];
  /** For each input the gradient rule, or one rule for all; null once the graph was freed. */
  rules: readonly GradRule[] | JointRule | null;
  /** What has arrived so far during a backward pass. */
  pending: Tensor | null;
  /** For the common node of several outputs: what has arrived for each of them. */
  slots: (Tensor | null)[] | null;
  /** How many operations took the result, and one more while somebody watches its gradient. */
  uses: number;
  /** For an activation: its name, and the tensor that its derivative is computed from. */
  derivative: ActivationDerivative | undefined;
  /** Set by the rule of the only user when it has applied the derivative already. */
  folded: boolean;
  /** Who wants to see the result's gradient. */
  watchers: GradWatchers | null;
  /** The last search of the graph that came here. */
  search: number;
  /** What it was recorded in, until it is freed. */
  graph: ScopeGraph | null;
}

export interface ActivationDerivative {
  readonly activation: string;
  /** The activation's output or input, whichever its derivative is a function of. */
  readonly from: Tensor;
}

/** The gradient of one input from the gradient of the output. Must not change its argument. */
export type GradRule = (gradOutput: Tensor) => Tensor;

/**
 * All gradients from that of the output: calls `deliver` with an input's index and its gradient, for
 * an input any number of times (they add up in this order). It may run code of the user's.
 */
export type JointRule = (
  gradOutput: Tensor,
  deliver: (index: number, gradient: Tensor) => void,
) => void;

/** May return a gradient to be used instead. */
export type GradHook =
  | ((gradient: Tensor) => Tensor | null | undefined)
  | ((gradient: Tensor) => void);

/** Who wants to see the gradient of a tensor; for a result they stand in its node. */
export interface GradWatchers {
  /** In the order of registration. */
  readonly hooks: Set<{ readonly call: GradHook }>;
  /** For leaves: called when `grad` has changed. */
  readonly afterAccumulation: Set<{ readonly call: (leaf: Tensor) => void }>;
  /** The result whose `grad` is to be kept. */
  retainFor: Tensor | null;
}

/**
 * An N-dimensional array of one dtype: a view, by shape and strides, of a storage that other tensors
 * may share. Operations are methods (`a.matmul(b)`) and functions (`matmul(a, b)`) alike; tensors are
 * not changed by them.
 *
 * Make one with `tensor`, `zeros`, `randn`... rather than with the constructor.
 * @example
 * ```ts
 * const x = tensor([[1, 2], [3, 4]]);
 * x.shape; // => [2, 2]
 * x.mul(x).sum().item(); // => 30
 * x.transpose().toArray(); // => [[1, 3], [2, 4]]
 * ```
 */
export class Tensor {
  /** Sizes of the dimensions, outermost first. */
  readonly shape: Shape;
  /** Steps between neighbours along each dimension, in elements. */
  readonly strides: readonly number[];
  /** The memory that the elements lie in; views share it. */
  readonly storage: Storage;
  /** Index of the first element in `storage.array`. */
  readonly offset: number;
  /** The operation that made this tensor, if gradients flow through it. */
  node: GradNode | null = null;
  /** Set on leaves by `requiresGrad`; use that property, which covers results of operations too. */
  leafRequiresGrad = false;
  /** The accumulated gradient as the optimizers read it; use the property `grad`. */
  accumulatedGrad: Tensor | null = null;
  /** Whether somebody outside may hold the gradient, so that its memory can't be reused. */
  gradEscaped = false;
  /** Who wants to see the gradient of this leaf. */
  watchers: GradWatchers | null = null;

  constructor(storage: Storage, shape: Shape, strides?: readonly number[], offset?: number) {
    this.storage = storage;
    this.shape = shape;
    this.strides = strides ?? contiguousStrides(shape);
    this.offset = offset ?? storage.offset;
  }

  /** The type of the elements. */
  get dtype(): DType {
    return this.storage.dtype;
  }

  /** The typed array that the elements lie in, for operations. */
  get array(): StoredArray {
    return this.storage.array;
  }

  /** How many dimensions. */
  get ndim(): number {
    return this.shape.length;
  }

  /** How many elements. */
  get numel(): number {
    return numel(this.shape);
  }

  /** Whether the elements lie in row-major order without gaps, as after `contiguous()`. */
  get isContiguous(): boolean {
    return isContiguous(this.shape, this.strides);
  }

  /**
   * Whether the elements are all those of the storage, each once, in whatever order: then code that
   * doesn't care about places may go through the memory as it lies.
   */
  get isDense(): boolean {
    return (
      this.numel === this.storage.length &&
      (this.isContiguous || isPermuted(this.shape, this.strides))
    );
  }

  /** Whether the elements lie in a SharedArrayBuffer, as other threads can use them: see `toMessage`. */
  get isShared(): boolean {
    return this.array.buffer instanceof SharedArrayBuffer;
  }

  /**
   * The elements as a typed array over the tensor's own memory: no copy, writing to it changes the
   * tensor (and everything that shares its storage). A bool tensor gives a Uint8Array of 0 and 1,
   * a bfloat16 tensor the numbers' bits in a Uint16Array. A float16 tensor gives a Float16Array where
   * Node has it, and otherwise the bits in a Uint16Array. An int64 tensor gives a BigInt64Array, which
   * the type leaves out, since nearly all code reads numbers: `dataAs('int64')` has the type as well.
   * @throws TensorError ERR_STATE when the tensor isn't contiguous: call `contiguous()` first;
   * ERR_ARGUMENT when it lies in an array buffer that was transferred or made smaller
   */
  get data(): TypedArray {
    const elements = this.part();
    this.storage.expose();
    if (this.dtype !== 'float16') return elements as TypedArray;
    const Half = float16Array() ?? Uint16Array;
    return new Half(elements.buffer, elements.byteOffset, elements.length);
  }

  /**
   * `data` as the typed array of a dtype that the code knows: `x.dataAs('int64')` is a BigInt64Array.
   * @throws TensorError ERR_DTYPE unless the tensor has that dtype, and as `data`
   */
  dataAs<D extends DType>(dtype: D): DTypeArrays[D] {
    if (this.dtype !== dtype) {
      throw new TensorError(
        'ERR_DTYPE',
        `[dataAs] the tensor is ${this.dtype}, not ${describe(dtype)}; convert it with to(...)`,
      );
    }
    return this.data as StoredArray as DTypeArrays[D];
  }

  /**
   * The elements of a contiguous tensor as they are stored, for operations that only move them.
   * @throws TensorError ERR_STATE when the tensor isn't contiguous
   */
  get elements(): StoredArray {
    const elements = this.part();
    keepAlive(this.array, elements);
    return elements;
  }

  private part(): StoredArray {
    if (!this.isContiguous) {
      throw new TensorError(
        'ERR_STATE',
        `[data] a tensor of shape ${formatShape(this.shape)} and strides ${formatShape(this.strides)} ` +
          'has no contiguous memory; call contiguous() first',
      );
    }
    this.storage.checkIntact('data');
    return this.array.subarray(this.offset, this.offset + this.numel);
  }

  /**
   * The only element, as a number (a bool gives 0 or 1).
   * @throws TensorError ERR_SHAPE when there isn't exactly one, ERR_STATE for an int64 that isn't a safe
   * integer: `data` has it exactly
   */
  item(): number {
    if (this.numel !== 1) {
      throw new TensorError(
        'ERR_SHAPE',
        `[item] a tensor of shape ${formatShape(this.shape)} has ${this.numel} elements, not 1`,
      );
    }
    this.storage.checkIntact('item');
    return this.elementAt(this.offset);
  }

  /**
   * The elements as nested arrays of numbers (booleans for bool); a scalar gives its value.
   * @throws TensorError ERR_STATE for an int64 that isn't a safe integer: `data` has it exactly
   */
  toArray(): NestedArray {
    this.storage.checkIntact('toArray');
    return this.nested(0, this.offset);
  }

  /** The element at an index of `array`, as a number. */
  elementAt(at: number): number {
    const value = getElement(this.array, at, this.dtype);
    if (typeof value === 'number') return value;
    const number = Number(value);
    if (!Number.isSafeInteger(number)) {
      throw new TensorError(
        'ERR_STATE',
        `[int64] no number is exactly ${value}; read .data, which has it as a bigint`,
      );
    }
    return number;
  }

  private nested(dim: number, at: number): NestedArray {
    if (dim === this.shape.length) {
      const value = this.elementAt(at);
      return this.dtype === 'bool' ? value !== 0 : value;
    }
    const items = new Array<NestedArray>(this.shape[dim] as number);
    const stride = this.strides[dim] as number;
    for (let i = 0; i < items.length; i++) items[i] = this.nested(dim + 1, at + i * stride);
    return items;
  }

  /**
   * Gives the memory back at once instead of when the garbage collector finds it. This tensor and
   * every view of its storage throw ERR_DISPOSED afterwards. Never needed for correctness.
   */
  dispose(): void {
    recycle(this.storage);
  }

  /** `using x = ...` disposes at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** A view of this tensor's storage. For operations that move no data. */
  strided(shape: Shape, strides: readonly number[], offset: number): Tensor {
    return new Tensor(this.storage, shape, strides, offset);
  }
}

/** Numbers or booleans, nested as deep as a tensor has dimensions. */
export type NestedArray = number | boolean | NestedArray[];
