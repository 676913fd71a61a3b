/** Largest and smallest elements and where they are. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { rows, runGeometry } from '../../native/commands.js';
import { fillWith, uninitialized } from '../../tensor/creation.js';
import { dtypes, isHalf } from '../../tensor/dtype.js';
import { normalizeDim } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { greaterShare } from '../elementwise/arithmetic.js';
import { isnan } from '../elementwise/compare.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { where } from '../elementwise/ternary.js';
import { read } from '../indexing/gather.js';
import { perElement } from '../indexing/indexed.js';
import { firstAlong } from '../indexing/sort.js';
import { checkTensor, to } from '../operand.js';
import { permute, reshape } from '../shape/shape.js';
import { sum } from './reduce.js';
import {
  checkNotEmpty,
  comparable,
  compute,
  keptShape,
  type Plan,
  plan,
  type ReduceOptions,
  reducedCount,
  reducedDims,
  search,
} from './reduction.js';

/** Options of reductions over one dimension: {@link max}, {@link argmin} and others. */
export interface DimOptions {
  /** The dimension; a negative one counts from the end. */
  dim: number;
  /** Keeps the reduced dimension with size 1. Default false. */
  keepDim?: boolean;
}

/** Values with their places along a dimension, as int32 (PyTorch has int64). */
export interface ValuesAndIndices {
  /** The values found. */
  values: Tensor;
  /** Where they are along the dimension, as int32. */
  indices: Tensor;
}

type Kind = 'max' | 'min';

/** The largest or smallest elements of any dtype; `operation` is the name that it was called by. */
function extremum(
  operation: string,
  kind: Kind,
  x: Tensor,
  options: ReduceOptions | undefined,
): Tensor {
  checkTensor(operation, x);
  const p = plan(operation, x, options);
  checkNotEmpty(operation, x, p);
  if (isHalf(x.dtype)) return to(extremum(operation, kind, to(x, 'float32'), options), x.dtype);
  if (!dtypes[x.dtype].floating) {
    return compute(kind === 'max' ? 'intMax' : 'intMin', x, p, x.dtype, 0);
  }
  const y = compute(kind, x, p, x.dtype, Number.NaN);
  if (recording(x)) {
    attach(y, operation, [x], [(g) => shareAmongTies(kind, g, x, y, p)]);
  }
  return y;
}

/** The gradient of an extremum y of x, in even shares for the elements that are equal to it; NaN of NaN. */
export function shareAmongTies(kind: Kind, g: Tensor, x: Tensor, y: Tensor, p: Plan): Tensor {
  const kept = keptShape(x, p.mask);
  const best = reshape(y.detach(), kept);
  // Half a share each for the elements that are equal to the extremum, none for the others.
  const ties = kind === 'max' ? greaterShare(x, best) : greaterShare(best, x);
  const count = sum(ties, { dim: reducedDims(x, p.mask), keepDim: true });
  // To NaN nothing is equal.
  const share = where(isnan(best), Number.NaN, reshape(g, kept).div(count));
  return ties.mul(share);
}

/**
 * The largest element over dimensions; NaN if there is one. Of any dtype. Elements that tie share the
 * gradient.
 * @throws TensorError ERR_SHAPE when a reduced dimension is empty
 * @example
 * ```ts
 * amax(tensor([[1, 5], [7, 2]]), { dim: 1 }); // => [5, 7]
 * ```
 */
export function amax(x: Tensor, options?: ReduceOptions): Tensor {
  return extremum('amax', 'max', x, options);
}

/**
 * The smallest element over dimensions; NaN if there is one. Of any dtype. Elements that tie share
 * the gradient.
 * @throws TensorError ERR_SHAPE when a reduced dimension is empty
 * @example
 * ```ts
 * amin(tensor([[1, 5], [7, 2]]), { dim: 1 }); // => [1, 2]
 * ```
 */
export function amin(x: Tensor, options?: ReduceOptions): Tensor {
  return extremum('amin', 'min', x, options);
}

/**
 * The smallest and the largest element over dimensions: `amin` and `amax`. PyTorch takes one
 * dimension or all; here any set will do.
 * @throws TensorError ERR_SHAPE when a reduced dimension is empty
 * @example
 * ```ts
 * aminmax(tensor([3, 1, 2])); // => { min: 1, max: 3 }
 * ```
 */
export function aminmax(x: Tensor, options?: ReduceOptions): { min: Tensor; max: Tensor } {
  return {
    min: extremum('aminmax', 'min', x, options),
    max: extremum('aminmax', 'max', x, options),
  };
}

function oneDim(operation: string, x: Tensor, options: DimOptions): number {
  if (options?.dim !== undefined) {
    // A zero-dimensional tensor counts as one of a single element, as in PyTorch.
    return normalizeDim(operation, options.dim, Math.max(x.ndim, 1));
  }
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${operation}] the options need a dim; without options it is over all elements`,
  );
}

/** Where the extrema are, and unless `indicesOnly` is set what they are. */
function places(
  row: 'argmax' | 'argmin',
  x: Tensor,
  p: Plan,
  indicesOnly = false,
): { indices: Tensor; values: Tensor | null } {
  if (x.dtype !== 'int64') return search(row, comparable(x), p, indicesOnly);
  // No float holds 64 bits: the first element in sorted order, which one pass selects.
  const reduced = reducedDims(x, p.mask);
  const kept = x.shape.map((_, d) => d).filter((d) => !reduced.includes(d));
  const lines = reshape(permute(x, [...kept, ...reduced]), [
    ...kept.map((d) => x.shape[d] as number),
    reducedCount(x, p),
  ]);
  const { values, indices } = firstAlong(lines, kept.length, 1, row === 'argmax');
  return { values: reshape(values, p.outputShape), indices: reshape(indices, p.outputShape) };
}

/** Values and indices of the extrema along one dimension. */
function along(operation: Kind, x: Tensor, options: DimOptions): ValuesAndIndices {
  checkTensor(operation, x);
  // The plan checks the options as a whole first.
  if (x.ndim === 0) {
    plan(operation, x.reshape([1]), options);
    oneDim(operation, x, options);
    return along(operation, x.reshape([1]), { dim: 0 });
  }
  const p = plan(operation, x, options);
  const dim = oneDim(operation, x, options);
  checkNotEmpty(operation, x, p);
  const found = places(operation === 'max' ? 'argmax' : 'argmin', x, p);
  const { indices } = found;
  const values = to(found.values as Tensor, x.dtype);
  if (dtypes[x.dtype].floating && recording(x)) {
    attach(values, operation, [x], [(g) => addAtIndices(g, indices, x, dim, p)]);
  }
  return { values, indices };
}

/**
 * Zeros of x's shape with each element of g added where its index along `dim` says. With a plan g and
 * indices are results of reducing `dim`; without one they have x's shape.
 */
export function addAtIndices(g: Tensor, indices: Tensor, x: Tensor, dim: number, p?: Plan): Tensor {
  const dx = isHalf(x.dtype)
    ? to(addedAt(to(g.detach(), 'float32'), indices, x, dim, p), x.dtype)
    : addedAt(g, indices, x, dim, p);
  if (recording(g)) {
    const places = perElement(dim, p ? reshape(indices, keptShape(x, p.mask)) : indices);
    attach(dx, 'addAtIndices', [g], [(h) => reshape(read('addAtIndices', h, places), g.shape)]);
  }
  return dx;
}

/** The same without recording; g is no bfloat16. */
function addedAt(g: Tensor, indices: Tensor, x: Tensor, dim: number, p?: Plan): Tensor {
  const dx = uninitialized(x.shape, g.dtype);
  fillWith(dx, 0);
  if (dx.numel === 0) return dx;
  const kept = p ? keptShape(x, p.mask) : x.shape;
  const order = [...x.shape.map((_, d) => d).filter((d) => d !== dim), dim];
  const operands = [reshape(g.detach(), kept), reshape(indices, kept), dx].map((t, k) => ({
    array: t.array,
    offset: t.offset,
    strides: order.map((d) => (p && k < 2 && d === dim ? 0 : (t.strides[d] as number))),
  }));
  runGeometry(
    rows.addAtIndices,
    order.map((d) => x.shape[d] as number),
    operands,
  );
  return dx;
}

/**
 * Without options the largest of all elements: `amax` over every dimension. With a `dim` the largest
 * along it and their indices, the first of several, or the first NaN if there is one; the gradient
 * goes to the elements at the indices. Of any dtype.
 * @throws TensorError ERR_SHAPE when there is nothing to choose from, ERR_ARGUMENT for options
 * without a dim
 * @example
 * ```ts
 * max(tensor([3, 9, 1])); // => 9
 * max(tensor([[1, 5], [7, 2]]), { dim: 1 }); // => { values: [5, 7], indices: [1, 0] }
 * ```
 */
export function max(x: Tensor): Tensor;
export function max(x: Tensor, options: DimOptions): ValuesAndIndices;
export function max(x: Tensor, options?: DimOptions): Tensor | ValuesAndIndices {
  return options === undefined ? extremum('max', 'max', x, options) : along('max', x, options);
}

/**
 * Without options the smallest of all elements: `amin` over every dimension. With a `dim` the
 * smallest along it and their indices, the first of several, or the first NaN if there is one; the
 * gradient goes to the elements at the indices. Of any dtype.
 * @throws TensorError ERR_SHAPE when there is nothing to choose from, ERR_ARGUMENT for options
 * without a dim
 * @example
 * ```ts
 * min(tensor([[1, 5], [7, 2]]), { dim: 1 }); // => { values: [1, 2], indices: [0, 1] }
 * ```
 */
export function min(x: Tensor): Tensor;
export function min(x: Tensor, options: DimOptions): ValuesAndIndices;
export function min(x: Tensor, options?: DimOptions): Tensor | ValuesAndIndices {
  return options === undefined ? extremum('min', 'min', x, options) : along('min', x, options);
}

function indexOf(row: 'argmax' | 'argmin', x: Tensor, options?: ReduceOptions): Tensor {
  checkTensor(row, x);
  const p = plan(row, x, options);
  checkNotEmpty(row, x, p);
  return places(row, x, p, true).indices;
}

/**
 * Where the largest element is (the first of several; the first NaN if there is one), as int32: its
 * index along `dim`, or in the flattened tensor without one. Of any dtype.
 * @throws TensorError ERR_SHAPE when there is nothing to choose from
 * @example
 * ```ts
 * argmax(tensor([3, 9, 1])); // => 1
 * argmax(tensor([[1, 5], [7, 2]]), { dim: 1 }); // => [1, 0]
 * ```
 */
export function argmax(x: Tensor, options?: Partial<DimOptions>): Tensor {
  return indexOf('argmax', x, options);
}

/**
 * Where the smallest element is (the first of several; the first NaN if there is one), as int32: its
 * index along `dim`, or in the flattened tensor without one. Of any dtype.
 * @throws TensorError ERR_SHAPE when there is nothing to choose from
 * @example
 * ```ts
 * argmin(tensor([3, 9, 1])); // => 2
 * ```
 */
export function argmin(x: Tensor, options?: Partial<DimOptions>): Tensor {
  return indexOf('argmin', x, options);
}

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** The largest element over all dimensions or the given ones. */
    amax(options?: ReduceOptions): Tensor;
    /** The smallest element over all dimensions or the given ones. */
    amin(options?: ReduceOptions): Tensor;
    /** The smallest and the largest element over all dimensions or the given ones. */
    aminmax(options?: ReduceOptions): { min: Tensor; max: Tensor };
    /** The largest of all elements. */
    max(): Tensor;
    /** The largest elements along a dimension and where they are. */
    max(options: DimOptions): ValuesAndIndices;
    /** The smallest of all elements. */
    min(): Tensor;
    /** The smallest elements along a dimension and where they are. */
    min(options: DimOptions): ValuesAndIndices;
    /** The index of the largest element, as int32. */
    argmax(options?: Partial<DimOptions>): Tensor;
    /** The index of the smallest element, as int32. */
    argmin(options?: Partial<DimOptions>): Tensor;
  }
}

defineMethods({ amax, amin, aminmax, max, min, argmax, argmin });
