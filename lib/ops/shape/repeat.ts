/** The same elements several times: views that are stretched, and copies. */
import { TensorError } from '../../errors.js';
import { fromTypedArray } from '../../tensor/data.js';
import {
  broadcastShapes,
  checkOptions,
  checkShape,
  describe,
  formatShape,
  MAX_RANK,
  normalizeDim,
  numel,
  type Shape,
} from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { indexSelect } from '../indexing/gather.js';
import { type IndexLike, indexTensor, MOST } from '../indexing/indices.js';
import { checkTensor, clone, contiguous } from '../operand.js';
import { expand } from '../reduction/reduce.js';
import { checkTensors } from './join.js';
import { reshape } from './shape.js';

/**
 * `expand` to the shape of another tensor.
 * @throws TensorError as `expand`
 * @example
 * ```ts
 * expandAs(tensor([[1], [2]]), zeros([2, 3])); // => [[1, 1, 1], [2, 2, 2]]
 * ```
 */
export function expandAs(x: Tensor, other: Tensor): Tensor {
  checkTensor('expandAs', x);
  checkTensor('expandAs', other);
  return expand(x, other.shape);
}

/**
 * A view in the given shape in which dimensions of size 1 are repeated without a copy: `expand`, but
 * every size is given.
 * @throws TensorError ERR_SHAPE when the tensor doesn't broadcast to it
 * @example
 * ```ts
 * broadcastTo(tensor([1, 2]), [2, 2]); // => [[1, 2], [1, 2]]
 * ```
 */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  checkTensor('broadcastTo', x);
  return expand(x, checkShape('broadcastTo', shape));
}

/**
 * Tensors stretched to the one shape that all of them broadcast to, as views.
 * @throws TensorError ERR_ARGUMENT for anything but a list of tensors, ERR_SHAPE when they don't fit
 * @example
 * ```ts
 * broadcastTensors([tensor([1, 2]), tensor([[3], [4]])])[1]; // => [[3, 3], [4, 4]]
 * ```
 */
export function broadcastTensors(tensors: readonly Tensor[]): Tensor[] {
  checkTensors('broadcastTensors', tensors);
  const shape = tensors.reduce(
    (common: Shape, t) => broadcastShapes('broadcastTensors', common, t.shape),
    [],
  );
  return tensors.map((t) => expand(t, shape));
}

/** x several times, one after the other, along a dimension. */
function repeatAlong(x: Tensor, dim: number, times: number): Tensor {
  if (times === 1) return x;
  const { shape } = x;
  const outer = numel(shape.slice(0, dim));
  const inner = numel(shape.slice(dim));
  const stretched = expand(reshape(x, [outer, 1, inner]), [outer, times, inner]);
  return reshape(stretched, shape.with(dim, times * (shape[dim] as number)));
}

/** x several times along all dimensions at once. */
function repeatAtOnce(x: Tensor, times: readonly number[]): Tensor {
  const { shape } = x;
  const split = (outer: (n: number) => number) =>
    shape.flatMap((n, d) => (times[d] === 1 ? [n] : [outer(times[d] as number), n]));
  const stretched = expand(
    reshape(
      x,
      split(() => 1),
    ),
    split((n) => n),
  );
  return reshape(
    stretched,
    shape.map((n, d) => n * (times[d] as number)),
  );
}

function checkCounts(operation: string, counts: unknown): number[] {
  const valid = (n: unknown) => Number.isSafeInteger(n) && Number(n) >= 0;
  if (!Array.isArray(counts) || counts.length > MAX_RANK || !counts.every(valid)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] takes a list of whole numbers >= 0, one for a dimension, not ${describe(counts)}`,
    );
  }
  return counts;
}

/** x repeated along its dimensions, as a copy; missing ones of x or of the list count as 1. */
function repeated(operation: string, x: Tensor, counts: readonly number[]): Tensor {
  const rank = Math.max(x.ndim, counts.length);
  const shape = [...new Array<number>(rank - x.ndim).fill(1), ...x.shape];
  const times = [...new Array<number>(rank - counts.length).fill(1), ...counts];
  checkShape(
    operation,
    shape.map((n, d) => n * (times[d] as number)),
  );
  const several = times.flatMap((n, d) => (n === 1 ? [] : [d]));
  const base = reshape(x, shape);
  // In one pass where each of these dimensions can have one of its own, otherwise innermost first.
  const y =
    rank + several.length <= MAX_RANK
      ? repeatAtOnce(base, times)
      : several.reduceRight((t, d) => repeatAlong(t, d, times[d] as number), base);
  return y.storage === x.storage ? y.clone() : y;
}

/**
 * The tensor so many times along each dimension, as a copy. A list that is longer than the tensor has
 * dimensions makes new ones in front.
 * @throws TensorError ERR_ARGUMENT for anything but whole numbers, ERR_SHAPE for a list that is shorter
 * than the tensor has dimensions (`tile` takes those)
 * @example
 * ```ts
 * repeat(tensor([1, 2]), [2]); // => [1, 2, 1, 2]
 * repeat(tensor([1, 2]), [2, 1]); // => [[1, 2], [1, 2]]
 * ```
 */
export function repeat(x: Tensor, counts: readonly number[]): Tensor {
  checkTensor('repeat', x);
  const times = checkCounts('repeat', counts);
  if (times.length < x.ndim) {
    throw new TensorError(
      'ERR_SHAPE',
      `[repeat] ${formatShape(times)} has no number for each dimension of ${formatShape(x.shape)}; tile fills up with 1`,
    );
  }
  return repeated('repeat', x, times);
}

/**
 * The tensor so many times along its last dimensions, as a copy: `repeat` with a list that may be
 * shorter, as in NumPy.
 * @throws TensorError ERR_ARGUMENT for anything but whole numbers
 * @example
 * ```ts
 * tile(tensor([[1, 2], [3, 4]]), [2]); // => [[1, 2, 1, 2], [3, 4, 3, 4]]
 * ```
 */
export function tile(x: Tensor, counts: readonly number[]): Tensor {
  checkTensor('tile', x);
  return repeated('tile', x, checkCounts('tile', counts));
}

/** Options of {@link repeatInterleave}. */
export interface RepeatInterleaveOptions {
  /** The dimension to repeat along; without it the tensor is laid out in a row. */
  dim?: number;
}

/**
 * Each element so many times in a row, along a dimension.
 * @param repeats one number for all, or one for each place of the dimension
 * @throws TensorError ERR_ARGUMENT for repeats that aren't whole numbers >= 0, ERR_SHAPE for a wrong
 * number of them, ERR_INDEX for a dimension that x doesn't have, ERR_DTYPE
 * @example
 * ```ts
 * repeatInterleave(tensor([1, 2]), 2); // => [1, 1, 2, 2]
 * repeatInterleave(tensor([[1, 2], [3, 4]]), [1, 2], { dim: 0 }); // => [[1, 2], [3, 4], [3, 4]]
 * ```
 */
export function repeatInterleave(
  x: Tensor,
  repeats: IndexLike,
  options: RepeatInterleaveOptions = {},
): Tensor {
  checkTensor('repeatInterleave', x);
  checkOptions('repeatInterleave', options, ['dim']);
  const source = options.dim === undefined ? reshape(x, [x.numel]) : x;
  const at = normalizeDim('repeatInterleave', options.dim ?? 0, source.ndim);
  const size = source.shape[at] as number;
  const counts = contiguous(indexTensor('repeatInterleave', repeats));
  const numbers = Array.from(counts.data, Number);
  if (numbers.some((n) => n < 0)) {
    throw new TensorError('ERR_ARGUMENT', '[repeatInterleave] repeats are whole numbers >= 0');
  }
  if (counts.ndim > 1 || (numbers.length !== 1 && numbers.length !== size)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[repeatInterleave] repeats of shape ${formatShape(counts.shape)} for dimension ${at} of size ${size}`,
    );
  }
  const all = numbers.reduce((sum, n) => sum + n, 0);
  const total = numbers.length === 1 ? size * all : all;
  // Indices are int32, and repeats beyond it have become its largest number.
  if (total >= MOST) {
    throw new TensorError(
      'ERR_SHAPE',
      `[repeatInterleave] these repeats make dimension ${at} longer than indices can be`,
    );
  }
  if (numbers.length === 1) return stretchedInPlace(source, at, all);
  const index = new Int32Array(total);
  let from = 0;
  for (let i = 0; i < numbers.length; i++) {
    index.fill(i, from, from + (numbers[i] as number));
    from += numbers[i] as number;
  }
  return indexSelect(source, at, fromTypedArray(index));
}

/** Every element along a dimension so many times in a row, as a copy. */
function stretchedInPlace(x: Tensor, dim: number, times: number): Tensor {
  const { shape } = x;
  const outer = numel(shape.slice(0, dim + 1));
  const inner = numel(shape.slice(dim + 1));
  const stretched = expand(reshape(x, [outer, 1, inner]), [outer, times, inner]);
  return reshape(clone(stretched), shape.with(dim, times * (shape[dim] as number)));
}

defineMethods({ expandAs, broadcastTo, repeat, tile, repeatInterleave });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** `expand` to the shape of another tensor. */
    expandAs(other: Tensor): Tensor;
    /** A view in which dimensions of size 1 are repeated: see the function `broadcastTo`. */
    broadcastTo(shape: Shape): Tensor;
    /** This tensor several times along each dimension, as a copy: see the function `repeat`. */
    repeat(counts: readonly number[]): Tensor;
    /** This tensor several times along its last dimensions, as a copy: see the function `tile`. */
    tile(counts: readonly number[]): Tensor;
    /** Each element several times in a row: see the function `repeatInterleave`. */
    repeatInterleave(repeats: IndexLike, options?: RepeatInterleaveOptions): Tensor;
  }
}
