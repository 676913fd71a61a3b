/** Sorting along a dimension, the largest or smallest elements, different values. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { rows, runRow } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import {
  checkFlag,
  checkOptions,
  describe,
  formatShape,
  normalizeDim,
  numel,
  type Shape,
} from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { checkTensor, contiguous } from '../operand.js';
import { movedim } from '../shape/axes.js';
import { narrow } from '../shape/parts.js';
import { reshape } from '../shape/shape.js';
import { addUp, atLeast1d, indexSelect } from './gather.js';
import { perElement } from './indexed.js';

/** Sorted elements and where along the dimension they were, as int32. */
export interface Sorted {
  /** The values in order. */
  readonly values: Tensor;
  /** Where they were along the dimension, as int32. */
  readonly indices: Tensor;
}

/** Dimensions [from, to) as one: how long it is and its step, or null when no step fits. */
function merged(x: Tensor, from: number, to: number): { size: number; step: number } | null {
  let size = 1;
  let step = 0;
  for (let d = to - 1; d >= from; d--) {
    const length = x.shape[d] as number;
    if (length === 1) continue;
    const stride = x.strides[d] as number;
    if (size === 1) step = stride;
    else if (stride !== step * size) return null;
    size *= length;
  }
  return { size, step };
}

/** x as the native rows for lines walk it: outer and inner dimensions, and the line along `dim`. */
function linesOf(x: Tensor, dim: number) {
  // What can't be walked as outer, line and inner dimension is copied first. So is a line that
  // doesn't move: all of its elements are one.
  const n = x.shape[dim] as number;
  const stretched = n > 1 && x.strides[dim] === 0;
  const asItIs = !stretched && merged(x, 0, dim) && merged(x, dim + 1, x.ndim);
  const source = asItIs ? x : contiguous(x.detach());
  const outer = merged(source, 0, dim) as NonNullable<ReturnType<typeof merged>>;
  const inner = merged(source, dim + 1, x.ndim) as NonNullable<ReturnType<typeof merged>>;
  return { source, outer, inner, n, step: source.strides[dim] as number };
}

/** The first k elements in order along a dimension, without recording. */
export function firstAlong(x: Tensor, dim: number, k: number, descending: boolean): Sorted {
  const shape = x.shape.with(dim, k);
  const values = uninitialized(shape, x.dtype);
  const indices = uninitialized(shape, 'int32');
  if (values.numel === 0) return { values, indices };
  const { source, outer, inner, n, step } = linesOf(x, dim);
  runRow(
    rows.sort,
    [source.array, values.array, indices.array],
    [source.offset, values.offset, indices.offset],
    [
      ...[outer.size, inner.size, n],
      ...[outer.step, inner.step, step],
      ...[k, k * inner.size, 1, inner.size],
      Number(descending),
    ],
  );
  return { values, indices };
}

/**
 * The most frequent element of each line, the smallest of several, and the last place where it is. The
 * dimension stays, with size 1.
 */
export function modeAlong(x: Tensor, dim: number): Sorted {
  const shape = x.shape.with(dim, 1);
  const result = { values: uninitialized(shape, x.dtype), indices: uninitialized(shape, 'int32') };
  const { values, indices } = result;
  if (values.numel > 0) {
    const { source, outer, inner, n, step } = linesOf(x, dim);
    runRow(
      rows.mode,
      [source.array, values.array, indices.array],
      [source.offset, values.offset, indices.offset],
      [outer.size, inner.size, n, outer.step, inner.step, step],
    );
  }
  return recorded('mode', x, dim, result);
}

/** The places of sorted lines that can be asked for; numbers are those of the native row. */
const kinds = { rank: 0, median: 1, nanmedian: 2 } as const;

/**
 * One element of each line at a place of its sorted order, found by selection: at `rank`, or the
 * median (the first NaN if there is one), or that of the elements that aren't NaN. The dimension
 * stays, with size 1.
 */
export function placedAlong(
  operation: string,
  x: Tensor,
  dim: number,
  kind: keyof typeof kinds,
  rank = 0,
): Sorted {
  const shape = x.shape.with(dim, 1);
  const result = { values: uninitialized(shape, x.dtype), indices: uninitialized(shape, 'int32') };
  if (result.values.numel > 0) select(x, dim, null, result, [kinds[kind], rank]);
  return recorded(operation, x, dim, result);
}

/**
 * Several elements of each line at places of its sorted order.
 * @param ranks int32, contiguous: a row of them, or one for each line of x along the last dimension
 */
export function placedAt(operation: string, x: Tensor, ranks: Tensor): Sorted {
  const shape = x.shape.with(-1, ranks.shape.at(-1) as number);
  const result = { values: uninitialized(shape, x.dtype), indices: uninitialized(shape, 'int32') };
  if (result.values.numel > 0) select(x, x.ndim - 1, ranks, result, [kinds.rank, 0]);
  return recorded(operation, x, x.ndim - 1, result);
}

function select(
  x: Tensor,
  dim: number,
  ranks: Tensor | null,
  { values, indices }: Sorted,
  kindAndRank: readonly number[],
): void {
  const { source, outer, inner, n, step } = linesOf(x, dim);
  const m = values.shape[dim] as number;
  const ranksStep = ranks === null || ranks.ndim === 1 ? 0 : m;
  runRow(
    rows.kth,
    [source.array, ranks?.array ?? null, values.array, indices.array],
    [source.offset, ranks?.offset ?? 0, values.offset, indices.offset],
    [
      ...[outer.size, inner.size, n, m],
      ...[outer.step, inner.step, step, ranksStep, 0],
      ...kindAndRank,
    ],
  );
}

/** Records the values: their gradient goes back to where they came from. */
function recorded(operation: string, x: Tensor, dim: number, result: Sorted): Sorted {
  const { values, indices } = result;
  if (recording(x)) {
    const { shape } = x;
    const places = perElement(dim, indices);
    attach(values, operation, [x], [(g) => addUp(operation, shape, places, g)]);
  }
  return result;
}

/** Options of {@link sort} and {@link argsort}. */
export interface SortOptions {
  /** Default the last. */
  dim?: number;
  /** From the largest to the smallest. Default false. */
  descending?: boolean;
  /** Sorting is always stable; there for those who ask for it. */
  stable?: boolean;
}

function sorted(operation: string, x: Tensor, options: SortOptions): [Sorted, number] {
  checkTensor(operation, x);
  checkOptions(operation, options, ['dim', 'descending', 'stable']);
  const { dim = -1, descending = false, stable = true } = options;
  checkFlag(operation, 'descending', descending);
  checkFlag(operation, 'stable', stable);
  const at = normalizeDim(operation, dim, x.ndim);
  return [firstAlong(x, at, x.shape[at] as number, descending), at];
}

/** A scalar's options: its only dimension is 0 or -1. */
function scalarResult({ values, indices }: Sorted): Sorted {
  return { values: reshape(values, []), indices: reshape(indices, []) };
}

/**
 * The elements along a dimension in ascending (or descending) order, and where they were. Stable:
 * equal elements stay in the order of their places, also when descending. NaN is the largest; zeros
 * of both signs are equal. A radix sort, whose time grows with the number of elements only.
 * @param x any shape, at most 2^31 - 1 elements along the dimension; any dtype
 * @returns values, through which gradients flow, and indices (int32; PyTorch has int64)
 * @throws TensorError ERR_INDEX for a dimension that isn't there, ERR_ARGUMENT
 * @example
 * ```ts
 * sort(tensor([30, 10, 20])); // => { values: [10, 20, 30], indices: [1, 2, 0] }
 * sort(tensor([1, NaN, 2]), { descending: true }).values; // => [NaN, 2, 1]
 * ```
 */
export function sort(x: Tensor, options: SortOptions = {}): Sorted {
  checkTensor('sort', x);
  if (x.ndim === 0) return scalarResult(sort(atLeast1d(x), options));
  const [result, dim] = sorted('sort', x, options);
  return recorded('sort', x, dim, result);
}

/**
 * The indices (int32) that would sort x along a dimension: `takeAlongDim(x, argsort(x), { dim: -1 })`
 * is sorted. Stable, NaN last: see `sort`.
 * @throws TensorError as sort
 * @example
 * ```ts
 * argsort(tensor([30, 10, 20])); // => [1, 2, 0]
 * ```
 */
export function argsort(x: Tensor, options: SortOptions = {}): Tensor {
  checkTensor('argsort', x);
  if (x.ndim === 0) return reshape(argsort(atLeast1d(x), options), []);
  return sorted('argsort', x, options)[0].indices;
}

/** Options of {@link topk}. */
export interface TopkOptions {
  /** Default the last. */
  dim?: number;
  /** The largest elements; false: the smallest. Default true. */
  largest?: boolean;
  /** Results are always sorted; there for those who ask for it. */
  sorted?: boolean;
}

/**
 * The k largest (or smallest) elements along a dimension in descending (ascending) order, and where
 * they were. Of equal elements those at lower places come first. NaN is the largest. A selection by
 * digits (radix select), then a sort of what is left: the time hardly depends on k.
 * @param x any shape and dtype
 * @param k 0 to the dimension's size
 * @returns values, through which gradients flow, and indices (int32)
 * @throws TensorError ERR_ARGUMENT for another k, ERR_INDEX for a dimension that isn't there
 * @example
 * ```ts
 * topk(tensor([3, 9, 1, 7]), 2); // => { values: [9, 7], indices: [1, 3] }
 * ```
 */
export function topk(x: Tensor, k: number, options: TopkOptions = {}): Sorted {
  checkTensor('topk', x);
  if (x.ndim === 0) return topkOfScalar(x, k, options);
  checkOptions('topk', options, ['dim', 'largest', 'sorted']);
  const { dim = -1, largest = true, sorted: inOrder = true } = options;
  checkFlag('topk', 'largest', largest);
  checkFlag('topk', 'sorted', inOrder);
  const at = normalizeDim('topk', dim, x.ndim);
  const n = x.shape[at] as number;
  if (!Number.isInteger(k) || k < 0 || k > n) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[topk] k is a whole number from 0 to the dimension's size ${n}, not ${describe(k)}`,
    );
  }
  return recorded('topk', x, at, firstAlong(x, at, k, largest));
}

function topkOfScalar(x: Tensor, k: number, options: TopkOptions): Sorted {
  const result = topk(atLeast1d(x), k, options);
  return k === 1 ? scalarResult(result) : result;
}

/** Options of {@link unique}. */
export interface UniqueOptions {
  /** Default none: all elements. With one the different slices along that dimension. */
  dim?: number;
  /** Values are always sorted; there for those who ask for it. */
  sorted?: boolean;
  /** Whether to say which of the values each element is. Default false. */
  returnInverse?: boolean;
  /** Whether to say how often each value comes. Default false. */
  returnCounts?: boolean;
}

/** What `unique` finds. */
export interface Unique<Inverse = Tensor | undefined, Counts = Tensor | undefined> {
  /** The different values, ascending. */
  readonly values: Tensor;
  /**
   * For each element of x, in x's shape, its value's index as int32; when asked for. For each slice along
   * `dim` where one was given.
   */
  readonly inverse: Inverse;
  /** How often each value comes, as int32; when asked for. */
  readonly counts: Counts;
}

/** What was asked for is there. */
export type Asked<O, Name> = O extends { [K in Name & string]: true } ? Tensor : Tensor | undefined;

/**
 * The different values of all elements, ascending; or with `dim` the different slices along that
 * dimension, in lexicographic order. NaN differs from every other element, itself included, and is the
 * largest; zeros of both signs are one value, represented by the first of them. No gradients.
 * @param x any shape and dtype
 * @returns values: one dimension, or x's with as many places along `dim` as there are different slices;
 * `inverse` (x's shape, or the size of `dim`) and `counts` as int32 when asked for
 * @throws TensorError ERR_INDEX for a dimension that isn't there; ERR_SHAPE when another dimension than
 * `dim` is empty; ERR_ARGUMENT
 * @example
 * ```ts
 * unique(tensor([3, 1, 3])).values; // => [1, 3]
 * unique(tensor([[2, 1], [0, 5], [2, 1]]), { dim: 0 }).values; // => [[0, 5], [2, 1]]
 * ```
 */
export function unique<O extends UniqueOptions>(
  x: Tensor,
  options: O = {} as O,
): Unique<Asked<O, 'returnInverse'>, Asked<O, 'returnCounts'>> {
  checkTensor('unique', x);
  checkOptions('unique', options, ['dim', 'sorted', 'returnInverse', 'returnCounts']);
  const { dim, sorted: inOrder = true, returnInverse = false, returnCounts = false } = options;
  checkFlag('unique', 'sorted', inOrder);
  checkFlag('unique', 'returnInverse', returnInverse);
  checkFlag('unique', 'returnCounts', returnCounts);
  const found =
    dim === undefined
      ? uniqueElements(x, returnInverse, returnCounts)
      : uniqueSlices(x, normalizeDim('unique', dim, x.ndim), returnInverse, returnCounts);
  return found as Unique<Asked<O, 'returnInverse'>, Asked<O, 'returnCounts'>>;
}

function uniqueElements(x: Tensor, returnInverse: boolean, returnCounts: boolean): Unique {
  const n = numel(x.shape);
  const flat = reshape(x.detach(), [n]);
  const { values, indices } = firstAlong(flat, 0, n, false);
  return runsOf(values, indices, x.shape, returnInverse, returnCounts);
}

/**
 * The runs of equal elements of a list, which comes without gaps.
 * @param places where the list's elements are in a tensor of that shape; null where they come in order
 */
export function runsOf(
  list: Tensor,
  places: Tensor | null,
  shape: Shape,
  returnInverse: boolean,
  returnCounts: boolean,
): Unique {
  const n = list.numel;
  const count = uninitialized([], 'float64');
  runRow(rows.countUnique, [list.array, count.array], [list.offset, count.offset], [n]);
  const values = uninitialized([count.item()], list.dtype);
  const inverse = returnInverse ? uninitialized(shape, 'int32') : undefined;
  const counts = returnCounts ? uninitialized(values.shape, 'int32') : undefined;
  const operands = [list, places, values, inverse, counts];
  runRow(
    rows.unique,
    operands.map((t) => t?.array ?? null),
    operands.map((t) => t?.offset ?? 0),
    [n, values.numel],
  );
  return { values, inverse, counts };
}

function uniqueSlices(
  x: Tensor,
  dim: number,
  returnInverse: boolean,
  returnCounts: boolean,
): Unique {
  const n = x.shape[dim] as number;
  const rest = x.shape.toSpliced(dim, 1);
  const m = numel(rest);
  if (m === 0) {
    throw new TensorError(
      'ERR_SHAPE',
      `[unique] slices along dimension ${dim} of shape ${formatShape(x.shape)} have no elements`,
    );
  }
  const slices = contiguous(movedim(x.detach(), dim, 0));
  const first = uninitialized([n], 'int32');
  const inverse = returnInverse ? uninitialized([n], 'int32') : undefined;
  const counts = returnCounts ? uninitialized([n], 'int32') : undefined;
  const count = uninitialized([], 'float64');
  runRow(
    rows.uniqueRows,
    [slices.array, first.array, inverse?.array ?? null, counts?.array ?? null, count.array],
    [slices.offset, first.offset, inverse?.offset ?? 0, counts?.offset ?? 0, count.offset],
    [n, m],
  );
  const size = count.item();
  return {
    values: indexSelect(x.detach(), dim, narrow(first, 0, 0, size)),
    inverse,
    counts: counts && narrow(counts, 0, 0, size),
  };
}

defineMethods({ sort, argsort, topk, unique });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** The elements in order along a dimension, and where they were: see the function `sort`. */
    sort(options?: SortOptions): Sorted;
    /** The indices that would sort along a dimension. */
    argsort(options?: SortOptions): Tensor;
    /** The k largest elements along a dimension, and where they were: see the function `topk`. */
    topk(k: number, options?: TopkOptions): Sorted;
    /** The different values: see the function `unique`. */
    unique<O extends UniqueOptions>(
      options?: O,
    ): Unique<Asked<O, 'returnInverse'>, Asked<O, 'returnCounts'>>;
  }
}
