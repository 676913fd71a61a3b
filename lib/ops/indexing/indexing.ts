/**
 * Advanced indexing, as NumPy and PyTorch have it: positions, ranges, masks and lists of indices for
 * the dimensions of a tensor, all at once. What is read by `index` is written by `indexPut`
 * (index_put.ts); each is the other's gradient.
 */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { rows, runGeometry } from '../../native/commands.js';
import { uninitialized, zeros } from '../../tensor/creation.js';
import { tensor } from '../../tensor/data.js';
import type { TypedArray } from '../../tensor/dtype.js';
import { recycle } from '../../tensor/memory.js';
import {
  broadcastShapes,
  broadcastStrides,
  describe,
  formatShape,
  MAX_RANK,
  type Shape,
  sameShape,
} from '../../tensor/shape.js';
import { type NestedArray, Tensor } from '../../tensor/tensor.js';
import { checkTensor } from '../operand.js';
import { putAt } from './index_put.js';
import { gatherAt, outside, type Places } from './indexed.js';
import { indexTensor, type NestedIndices } from './indices.js';
import { maskedSelect, nonzero } from './masked.js';
import { layoutOf, type RangeText, type SliceSpec, sliceFor } from './slice.js';

/** A mask as nested arrays. */
export type NestedMask = boolean | readonly NestedMask[];

/**
 * What `index` takes for a dimension: an index (which drops the dimension), null for all of it, a
 * range as text (`'1:3'`, `'::-1'`), a list of indices (whole numbers, nested as deep as you like, a
 * typed array or a tensor), or a mask (booleans or a bool tensor) for as many dimensions as it has.
 * `'...'` stands for as many whole dimensions as are left, `'newaxis'` puts one of size 1 in.
 */
export type IndexSpec =
  | null
  | number
  | RangeText
  | '...'
  | 'newaxis'
  | Tensor
  | TypedArray
  | readonly NestedIndices[]
  | NestedMask;

/** A list of indices, and the dimensions that it goes to. */
interface Advanced {
  readonly index: Tensor;
  /** Of what is left by the slices. */
  readonly dim: number;
  /** Of the tensor itself, for messages. */
  readonly source: number;
}

/** Indices that were checked but for their values. */
export interface Resolved {
  /** Slices of the tensor; lists of indices go to what is left by them. */
  readonly slices: readonly SliceSpec[];
  readonly advanced: readonly Advanced[];
  /** What the lists of indices broadcast to. */
  readonly common: Shape;
  /** Dimensions that no list of indices goes to, of what is left by the slices. */
  readonly rest: readonly number[];
  /** The result's shape; the dimensions of `common` begin at `first`. */
  readonly shape: Shape;
  readonly first: number;
}

/** Whether the first item, however deep, is a boolean; deeper than a tensor nobody looks. */
function isMask(spec: unknown): boolean {
  let item = spec;
  for (let depth = 0; Array.isArray(item) && depth < MAX_RANK; depth++) item = item[0];
  return typeof item === 'boolean';
}

/** A spec as slice, list of indices or mask. */
function given(operation: string, spec: unknown): SliceSpec | Tensor {
  if (spec === null || typeof spec === 'number' || typeof spec === 'string') {
    return spec as SliceSpec;
  }
  if (spec instanceof Tensor && spec.dtype === 'bool') return spec;
  if (isMask(spec)) return tensor(spec as NestedArray, { dtype: 'bool' });
  return indexTensor(operation, spec);
}

/** The lists of indices that a mask over dimensions stands for: where it is true. */
function listsOf(operation: string, mask: Tensor, x: Tensor, source: number): Tensor[] {
  const covered = x.shape.slice(source, source + mask.ndim);
  if (covered.length < mask.ndim || mask.shape.some((n, d) => n !== covered[d])) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] a mask of shape ${formatShape(mask.shape)} does not fit dimensions ` +
        `${source} to ${source + mask.ndim - 1} of shape ${formatShape(x.shape)}`,
    );
  }
  return nonzero(mask, { asTuple: true });
}

/**
 * What indices mean for a tensor.
 * @throws TensorError ERR_ARGUMENT, ERR_DTYPE and ERR_SHAPE for what are no indices of it
 */
export function resolve(operation: string, x: Tensor, specs: readonly IndexSpec[]): Resolved {
  if (!Array.isArray(specs)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] takes a list of indices, not ${describe(specs)}`,
    );
  }
  const items = specs.map((spec) => given(operation, spec));
  const named = items.reduce<number>((sum, item) => {
    if (item instanceof Tensor && item.dtype === 'bool') return sum + item.ndim;
    return sum + (item === '...' || item === 'newaxis' ? 0 : 1);
  }, 0);
  if (named > x.ndim) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] ${named} indices for a tensor of shape ${formatShape(x.shape)}`,
    );
  }
  const slices: SliceSpec[] = [];
  const advanced: Advanced[] = [];
  let source = 0;
  let dim = 0;
  for (const item of items) {
    if (item === '...') {
      slices.push('...');
      source += x.ndim - named;
      dim += x.ndim - named;
    } else if (!(item instanceof Tensor)) {
      slices.push(item);
      if (item !== 'newaxis') source++;
      if (typeof item !== 'number') dim++;
    } else if (item.dtype !== 'bool') {
      slices.push(null);
      advanced.push({ index: item, dim: dim++, source: source++ });
    } else if (item.ndim === 0) {
      // One truth value: a new dimension of which the only place is taken, or none.
      slices.push('newaxis');
      const index = tensor(item.item() !== 0 ? [0] : [], { dtype: 'int32' });
      advanced.push({ index, dim: dim++, source });
    } else {
      for (const index of listsOf(operation, item, x, source)) {
        slices.push(null);
        advanced.push({ index, dim: dim++, source: source++ });
      }
    }
  }
  const left = layoutOf(operation, x, slices).shape;
  if (advanced.length === 0 && left.length <= MAX_RANK) {
    return { slices, advanced, common: [], rest: left.map((_, d) => d), shape: left, first: 0 };
  }
  let common: Shape = [];
  for (const { index } of advanced) common = broadcastShapes(operation, common, index.shape);
  const taken = advanced.map((one) => one.dim);
  const rest = left.map((_, d) => d).filter((d) => !taken.includes(d));
  // One index in a tensor without dimensions only drops a dimension, like a number.
  const lists = advanced.filter(({ index }) => index.ndim > 0);
  const before = lists.map(({ dim }) => rest.filter((d) => d < dim).length);
  const adjacent = before.every((count) => count === before[0]);
  const first = adjacent ? (before[0] ?? 0) : 0;
  const shape = rest.map((d) => left[d] as number).toSpliced(first, 0, ...common);
  if (shape.length > MAX_RANK) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] ${shape.length} dimensions; tensors have at most ${MAX_RANK}`,
    );
  }
  return { slices, advanced, common, rest, shape, first };
}

/**
 * Writes `factor` times the places that a list names, counted from the beginning of its dimension, or
 * adds them to those of the lists before.
 * @throws TensorError ERR_INDEX for an index outside the dimension
 */
export function locate(
  operation: string,
  list: Pick<Advanced, 'index' | 'source'>,
  size: number,
  factor: number,
  isFirst: boolean,
  places: Tensor,
): void {
  const { array, offset, shape, strides } = list.index;
  const operand = { array, offset, strides: broadcastStrides(shape, strides, places.shape) };
  try {
    runGeometry(rows.locate, places.shape, [operand, places], [size, factor, Number(isFirst)]);
  } catch (error) {
    const isIndex = error instanceof TensorError && error.code === 'ERR_INDEX';
    if (!isIndex) throw error;
    throw outside(operation, { dim: list.source, index: list.index, wraps: true }, size);
  }
}

/**
 * The part of a tensor that the lists of indices go to, as a table whose first dimension stands for
 * all of theirs, and the places in it: of x's own memory, whatever its layout. The caller recycles the
 * index of the places, which is new.
 * @throws TensorError ERR_INDEX for an index outside its dimension
 */
export function tableOf(
  operation: string,
  x: Tensor,
  { slices, advanced, common, rest }: Resolved,
): { table: Tensor; places: Places } {
  const { shape, strides, offset } = layoutOf(operation, x, slices);
  const sizes = advanced.map(({ dim }) => shape[dim] as number);
  const steps = advanced.map(({ dim }) => strides[dim] as number);
  // One list counts in places of its dimension, several in elements.
  const single = advanced.length === 1;
  const span = steps.reduce((sum, step, i) => sum + ((sizes[i] as number) - 1) * step, 1);
  if (!single && span >= 2 ** 31) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] dimensions of sizes ${formatShape(sizes)} reach beyond 2^31 elements; ` +
        'use one list of indices at a time',
    );
  }
  const index = uninitialized(common, 'int32');
  advanced.forEach((one, i) => {
    const size = sizes[i] as number;
    locate(operation, one, size, single ? 1 : (steps[i] as number), i === 0, index);
  });
  const restShape = rest.map((d) => shape[d] as number);
  const restStrides = rest.map((d) => strides[d] as number);
  const table = x.strided(
    [single ? (sizes[0] as number) : span, ...restShape],
    [single ? (steps[0] as number) : 1, ...restStrides],
    offset,
  );
  const places: Places = {
    dim: 0,
    shape: [...common, ...restShape],
    index,
    indexStrides: [...index.strides, ...rest.map(() => 0)],
    wraps: false,
    along: (t) => [...common.map(() => 0), ...t.strides.slice(1)],
  };
  return { table, places };
}

/** The order of dimensions that brings [common, rest] to the order of the result. */
function resultOrder({ common, rest, first }: Resolved): number[] {
  const n = common.length;
  const order = rest.map((_, i) => n + i);
  return order.toSpliced(first, 0, ...common.map((_, i) => i));
}

/** A tensor of shape [common, rest] in the order of the result, as a view. */
function toResult(y: Tensor, resolved: Resolved): Tensor {
  const order = resultOrder(resolved);
  const strides = order.map((d) => y.strides[d] as number);
  return y.strided(resolved.shape, strides, y.offset);
}

/** Strides of a tensor that looks like the result, for loops in the order [common, rest]. */
export function loopStrides(strides: readonly number[], resolved: Resolved): number[] {
  const loops = new Array<number>(strides.length);
  resultOrder(resolved).forEach((d, i) => {
    loops[d] = strides[i] as number;
  });
  return loops;
}

/** What stands at resolved indices, recorded. */
export function readAt(operation: string, x: Tensor, resolved: Resolved): Tensor {
  if (resolved.advanced.length === 0) return sliceFor(operation, x, resolved.slices);
  const { table, places } = tableOf(operation, x, resolved);
  const y = toResult(gatherAt(operation, table, places), resolved);
  recycle(places.index.storage);
  if (recording(x)) {
    const { shape, dtype } = x;
    attach(
      y,
      operation,
      [x],
      [(g) => putAt(operation, zeros(shape, { dtype }), resolved, g, true)],
    );
  }
  return y;
}

/**
 * Reads at indices for several dimensions at once. Lists of indices and masks (a mask stands for the
 * lists of places where it is true) are broadcast to each other: result element [b, ..] is
 * x[list1[b], list2[b], ..]. Their common dimensions come in the place of those that they go to when
 * these stand beside each other, otherwise first, as in PyTorch. Positions and ranges are taken first.
 * Without lists and masks the result is a view (see `slice`), otherwise a copy. Gradients of elements
 * that were read several times add up, in the order of the indices.
 *
 * Mind the brackets: an array here is a list of indices, in `slice` it is a range. Ranges are text
 * here, and may be there: `'0:10:2'`.
 * @param x any shape and dtype
 * @param specs for each dimension a position, null, a range, a list of indices or a mask: see
 * `IndexSpec`; negative indices count from the end
 * @throws TensorError ERR_INDEX for an index outside its dimension; ERR_SHAPE when lists don't
 * broadcast, a mask doesn't have the shape of its dimensions or more than 8 dimensions result;
 * ERR_DTYPE for lists that aren't integers, ERR_ARGUMENT for other values
 * @example
 * ```ts
 * const x = arange(12).reshape([3, 4]);
 * index(x, [[2, 0], '1:3']); // => [[9, 10], [1, 2]]
 * index(x, [[2, 0], [-1, 0]]); // => [11, 0]
 * index(x, ['...', [true, false, false, true]]); // => [[0, 3], [4, 7], [8, 11]]
 * index(x, [x.gt(9)]); // => [10, 11]
 * index(x, [[3]]); // throws ERR_INDEX
 * ```
 */
export function index(x: Tensor, specs: readonly IndexSpec[]): Tensor {
  checkTensor('index', x);
  const [mask] = Array.isArray(specs) && specs.length === 1 ? specs : [];
  // Without the coordinates of what a mask of the whole tensor chooses.
  if (mask instanceof Tensor && mask.dtype === 'bool' && sameShape(mask.shape, x.shape)) {
    return maskedSelect(x, mask);
  }
  return readAt('index', x, resolve('index', x, specs));
}

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** What stands at indices for several dimensions: see the function `index`. */
    index(specs: readonly IndexSpec[]): Tensor;
  }
}

Tensor.prototype.index = function (this: Tensor, specs) {
  return index(this, specs);
};
