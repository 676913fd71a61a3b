/** Views of the same elements: other shapes, other orders of the dimensions. Gradients go back the same way. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import {
  checkShape,
  contiguousStrides,
  describe,
  formatShape,
  MAX_RANK,
  normalizeDim,
  numel,
  type Shape,
  stridesAs,
} from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { checkTensor, clone } from '../operand.js';

// Parts are views too; they have a file of their own.
export { placed, slice } from '../indexing/slice.js';

/**
 * The elements in row-major order under another shape, one size of which may be -1 (whatever is
 * left). A view where strides can express it, otherwise a copy; `view` refuses to copy.
 * @throws TensorError ERR_SHAPE when the numbers of elements differ
 * @example
 * ```ts
 * reshape(arange(6), [2, -1]); // => [[0, 1, 2], [3, 4, 5]]
 * ```
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkTensor('reshape', x);
  const target = resolveShape('reshape', x, shape);
  return reshaped('reshape', x, target) ?? (reshaped('reshape', clone(x), target) as Tensor);
}

/**
 * The same elements under another shape, one size of which may be -1, and never a copy.
 * @throws TensorError ERR_SHAPE when the numbers of elements differ, ERR_STATE when the elements don't
 * lie in memory such that strides can express the shape: then `reshape` copies
 * @example
 * ```ts
 * view(arange(6), [3, 2]); // => [[0, 1], [2, 3], [4, 5]]
 * view(arange(6).reshape([2, 3]).transpose(), [6]); // throws ERR_STATE
 * ```
 */
export function view(x: Tensor, shape: Shape): Tensor {
  checkTensor('view', x);
  const target = resolveShape('view', x, shape);
  const y = reshaped('view', x, target);
  if (y === null) {
    throw new TensorError(
      'ERR_STATE',
      `[view] elements of shape ${formatShape(x.shape)} and strides ${formatShape(x.strides)} have no ` +
        `view of shape ${formatShape(target)}; reshape copies where it has to`,
    );
  }
  return y;
}

/**
 * `view` with the shape of another tensor.
 * @throws TensorError as `view`
 * @example
 * ```ts
 * viewAs(arange(4), zeros([2, 2])); // => [[0, 1], [2, 3]]
 * ```
 */
export function viewAs(x: Tensor, other: Tensor): Tensor {
  checkTensor('viewAs', x);
  checkTensor('viewAs', other);
  return view(x, other.shape);
}

/** x under a shape of as many elements, as a view; null where there is none. */
function reshaped(operation: string, x: Tensor, target: Shape): Tensor | null {
  const strides = stridesAs(x.shape, x.strides, target);
  if (strides === null) return null;
  const y = x.strided(target, strides, x.offset);
  // The gradient may lie in another way, so that only a copy of it has x's shape.
  if (recording(x)) attach(y, operation, [x], [(g) => reshape(g, x.shape)]);
  return y;
}

function resolveShape(operation: string, x: Tensor, shape: Shape): number[] {
  const unknown = Array.isArray(shape) ? shape.indexOf(-1) : -1;
  const target = checkShape(operation, unknown < 0 ? shape : shape.with(unknown, 1));
  if (unknown >= 0) target[unknown] = x.numel / numel(target);
  if (numel(target) !== x.numel || (unknown >= 0 && !Number.isInteger(target[unknown]))) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] ${x.numel} elements of shape ${formatShape(x.shape)} do not fill ${formatShape(shape)}`,
    );
  }
  return target;
}

/**
 * One dimension, or the given range of dimensions (both included), laid out in a row. A view where
 * there is one, otherwise a copy.
 * @throws TensorError ERR_INDEX for dimensions that x doesn't have, ERR_ARGUMENT when they are in the
 * wrong order
 * @example
 * ```ts
 * flatten(tensor([[1, 2], [3, 4]])); // => [1, 2, 3, 4]
 * ```
 */
export function flatten(x: Tensor, startDim = 0, endDim = -1): Tensor {
  checkTensor('flatten', x);
  if (x.ndim === 0) return reshape(x, [1]);
  const start = normalizeDim('flatten', startDim, x.ndim);
  const end = normalizeDim('flatten', endDim, x.ndim);
  if (start > end)
    throw new TensorError('ERR_ARGUMENT', `[flatten] dimension ${start} comes after ${end}`);
  const middle = numel(x.shape.slice(start, end + 1));
  return reshape(x, [...x.shape.slice(0, start), middle, ...x.shape.slice(end + 1)]);
}

/**
 * All elements in one dimension: a view where there is one, otherwise a copy.
 * @throws TensorError ERR_ARGUMENT for anything but a tensor
 * @example
 * ```ts
 * ravel(tensor([[1, 2], [3, 4]])); // => [1, 2, 3, 4]
 * ```
 */
export function ravel(x: Tensor): Tensor {
  checkTensor('ravel', x);
  return reshape(x, [x.numel]);
}

/**
 * One dimension as several, the opposite of `flatten`. One size may be -1 (whatever is left). A view.
 * @throws TensorError ERR_SHAPE when the sizes don't multiply to the dimension's, ERR_INDEX
 * @example
 * ```ts
 * unflatten(arange(6), 0, [2, -1]); // => [[0, 1, 2], [3, 4, 5]]
 * ```
 */
export function unflatten(x: Tensor, dim: number, sizes: Shape): Tensor {
  checkTensor('unflatten', x);
  const at = normalizeDim('unflatten', dim, x.ndim);
  const size = x.shape[at] as number;
  const unknown = Array.isArray(sizes) ? sizes.indexOf(-1) : -1;
  const parts = checkShape('unflatten', unknown < 0 ? sizes : sizes.with(unknown, 1));
  if (unknown >= 0) parts[unknown] = size / numel(parts);
  if (parts.length === 0 || numel(parts) !== size || !parts.every(Number.isInteger)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[unflatten] dimension ${at} of size ${size} does not split into ${formatShape(sizes)}`,
    );
  }
  const inner = contiguousStrides(parts).map((n) => n * (x.strides[at] as number));
  const shape = checkShape('unflatten', [
    ...x.shape.slice(0, at),
    ...parts,
    ...x.shape.slice(at + 1),
  ]);
  const strides = [...x.strides.slice(0, at), ...inner, ...x.strides.slice(at + 1)];
  const y = x.strided(shape, strides, x.offset);
  if (recording(x)) attach(y, 'unflatten', [x], [(g) => reshape(g, x.shape)]);
  return y;
}

/**
 * The dimensions in another order, as a view.
 * @param dims a permutation of the dimensions: dims[i] is the one that comes at place i
 * @throws TensorError ERR_ARGUMENT when it isn't one
 * @example
 * ```ts
 * permute(zeros([2, 3, 4]), [2, 0, 1]).shape; // => [4, 2, 3]
 * ```
 */
export function permute(x: Tensor, dims: readonly number[]): Tensor {
  checkTensor('permute', x);
  const order = Array.isArray(dims) ? dims.map((d) => normalizeDim('permute', d, x.ndim)) : [];
  if (order.length !== x.ndim || hasRepeats(order)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[permute] ${describe(dims)} is not a permutation of ${x.ndim} dimensions`,
    );
  }
  return permuted('permute', x, order);
}

/** x with dimension order[i] at place i. */
export function permuted(operation: string, x: Tensor, order: readonly number[]): Tensor {
  const y = x.strided(
    order.map((d) => x.shape[d] as number),
    order.map((d) => x.strides[d] as number),
    x.offset,
  );
  if (recording(x)) {
    const inverse = new Array<number>(order.length);
    order.forEach((d, i) => {
      inverse[d] = i;
    });
    attach(y, operation, [x], [(g) => permute(g, inverse)]);
  }
  return y;
}

/**
 * Two dimensions exchanged, as a view. Default: the last two.
 * @throws TensorError ERR_INDEX for a dimension that x doesn't have
 * @example
 * ```ts
 * transpose(tensor([[1, 2, 3], [4, 5, 6]])); // => [[1, 4], [2, 5], [3, 6]]
 * ```
 */
export function transpose(x: Tensor, dim0 = -2, dim1 = -1): Tensor {
  return exchange('transpose', x, dim0, dim1);
}

/** Two dimensions exchanged, on behalf of an operation. */
export function exchange(operation: string, x: Tensor, dim0: number, dim1: number): Tensor {
  checkTensor(operation, x);
  const rank = Math.max(1, x.ndim);
  const a = normalizeDim(operation, dim0, rank);
  const b = normalizeDim(operation, dim1, rank);
  if (x.ndim === 0) return permuted(operation, x, []);
  const y = x.strided(exchanged(x.shape, a, b), exchanged(x.strides, a, b), x.offset);
  if (recording(x)) attach(y, operation, [x], [(g) => transpose(g, a, b)]);
  return y;
}

function exchanged(list: readonly number[], a: number, b: number): number[] {
  // A slice of a literal shares the literal's elements, and V8 copies them in its runtime when written to.
  const result = new Array<number>(list.length);
  for (let d = 0; d < list.length; d++) result[d] = list[d === a ? b : d === b ? a : d] as number;
  return result;
}

/** Whether a dimension is named twice; a bit for each of them costs less than a Set. */
function hasRepeats(dims: readonly number[]): boolean {
  let seen = 0;
  for (const d of dims) {
    if (((seen >> d) & 1) === 1) return true;
    seen |= 1 << d;
  }
  return false;
}

/**
 * Dimensions in the order in which they were given, without repetition. A scalar has dimension 0 to name, as
 * in PyTorch, which is nowhere in its shape.
 */
export function dimList(
  operation: string,
  dims: number | readonly number[],
  rank: number,
): number[] {
  const named = Array.isArray(dims) ? dims : [dims];
  const list = named.map((d) => normalizeDim(operation, d, Math.max(1, rank)));
  if (hasRepeats(list)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] a dimension is named twice: ${describe(dims)}`,
    );
  }
  return list;
}

/**
 * A view with a dimension of size 1 put in at `dim`; of several, at each of these places of the result.
 * @throws TensorError ERR_INDEX for a place outside, ERR_SHAPE when there would be more than 8
 * dimensions, ERR_ARGUMENT for a place named twice
 * @example
 * ```ts
 * unsqueeze(tensor([1, 2]), -1); // => [[1], [2]]
 * unsqueeze(zeros([2, 3]), [0, 2]).shape; // => [1, 2, 1, 3]
 * ```
 */
export function unsqueeze(x: Tensor, dim: number | readonly number[]): Tensor {
  checkTensor('unsqueeze', x);
  const rank = x.ndim;
  if (Array.isArray(dim)) {
    const places = dimList('unsqueeze', dim, rank + dim.length).sort((a, b) => a - b);
    return places.reduce((y: Tensor, place) => unsqueeze(y, place), x);
  }
  const at = normalizeDim('unsqueeze', dim, rank + 1);
  if (rank === MAX_RANK) {
    throw new TensorError(
      'ERR_SHAPE',
      `[unsqueeze] shape ${formatShape(x.shape)} has ${MAX_RANK} dimensions already, the most there can be`,
    );
  }
  const shape = new Array<number>(rank + 1);
  const strides = new Array<number>(rank + 1);
  shape[at] = 1;
  strides[at] = 1;
  for (let d = 0; d < rank; d++) {
    const to = d < at ? d : d + 1;
    shape[to] = x.shape[d] as number;
    strides[to] = x.strides[d] as number;
  }
  const y = x.strided(shape, strides, x.offset);
  if (recording(x)) attach(y, 'unsqueeze', [x], [(g) => squeeze(g, at)]);
  return y;
}

/**
 * A view without the dimensions of size 1, or without the given ones where they have size 1.
 * @throws TensorError ERR_INDEX for a dimension that x doesn't have, ERR_ARGUMENT for one named twice
 * @example
 * ```ts
 * squeeze(zeros([1, 2, 1, 3])).shape; // => [2, 3]
 * squeeze(zeros([1, 2, 1, 3]), [0, 1]).shape; // => [2, 1, 3]
 * ```
 */
export function squeeze(x: Tensor, dim?: number | readonly number[]): Tensor {
  checkTensor('squeeze', x);
  const dims = dim === undefined ? null : dimList('squeeze', dim, x.ndim);
  const shape: number[] = [];
  const strides: number[] = [];
  for (let d = 0; d < x.ndim; d++) {
    const size = x.shape[d] as number;
    if (size === 1 && (dims === null || dims.includes(d))) continue;
    shape.push(size);
    strides.push(x.strides[d] as number);
  }
  const y = x.strided(shape, strides, x.offset);
  if (recording(x)) attach(y, 'squeeze', [x], [(g) => reshape(g, x.shape)]);
  return y;
}

/**
 * With at least one dimension: a scalar as a vector of one element, others as they are.
 * @throws TensorError ERR_ARGUMENT for anything but a tensor
 * @example
 * ```ts
 * atleast1d(tensor(5)); // => [5]
 * ```
 */
export function atleast1d(x: Tensor): Tensor {
  checkTensor('atleast1d', x);
  return x.ndim > 0 ? x : reshape(x, [1]);
}

/**
 * With at least two dimensions: a vector becomes one row.
 * @throws TensorError ERR_ARGUMENT for anything but a tensor
 * @example
 * ```ts
 * atleast2d(tensor([1, 2])); // => [[1, 2]]
 * ```
 */
export function atleast2d(x: Tensor): Tensor {
  checkTensor('atleast2d', x);
  return x.ndim > 1 ? x : unsqueeze(atleast1d(x), 0);
}

/**
 * With at least three dimensions: a vector [n] becomes [1, n, 1], a matrix [m, n] becomes [m, n, 1].
 * @throws TensorError ERR_ARGUMENT for anything but a tensor
 * @example
 * ```ts
 * atleast3d(tensor([1, 2])); // => [[[1], [2]]]
 * ```
 */
export function atleast3d(x: Tensor): Tensor {
  checkTensor('atleast3d', x);
  return x.ndim > 2 ? x : unsqueeze(atleast2d(x), 2);
}

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** Another shape for the same elements: `t.reshape([2, -1])`. See the function `reshape`. */
    reshape(shape: Shape): Tensor;
    /** Another shape for the same elements, never a copy: see the function `view`. */
    view(shape: Shape): Tensor;
    /** `view` with the shape of another tensor. */
    viewAs(other: Tensor): Tensor;
    /** Dimensions startDim to endDim (both included; default all) laid out in a row. */
    flatten(startDim?: number, endDim?: number): Tensor;
    /** All elements in one dimension. */
    ravel(): Tensor;
    /** One dimension as several. */
    unflatten(dim: number, sizes: Shape): Tensor;
    /** The dimensions in another order, as a view. */
    permute(dims: readonly number[]): Tensor;
    /** Two dimensions exchanged (default the last two), as a view. */
    transpose(dim0?: number, dim1?: number): Tensor;
    /** The last two dimensions exchanged, as a view. */
    readonly mT: Tensor;
    /** A view with dimensions of size 1 put in. */
    unsqueeze(dim: number | readonly number[]): Tensor;
    /** A view without dimensions of size 1. */
    squeeze(dim?: number | readonly number[]): Tensor;
  }
}

// Written out where a view costs less than the general `defineMethods` adds to it.
Tensor.prototype.reshape = function (this: Tensor, shape) {
  return reshape(this, shape);
};
Tensor.prototype.view = function (this: Tensor, shape) {
  return view(this, shape);
};
Tensor.prototype.viewAs = function (this: Tensor, other) {
  return viewAs(this, other);
};
Tensor.prototype.flatten = function (this: Tensor, startDim, endDim) {
  return flatten(this, startDim, endDim);
};
Tensor.prototype.ravel = function (this: Tensor) {
  return ravel(this);
};
Tensor.prototype.unflatten = function (this: Tensor, dim, sizes) {
  return unflatten(this, dim, sizes);
};
Tensor.prototype.permute = function (this: Tensor, dims) {
  return permute(this, dims);
};
Tensor.prototype.transpose = function (this: Tensor, dim0, dim1) {
  return transpose(this, dim0, dim1);
};
Object.defineProperty(Tensor.prototype, 'mT', {
  get(this: Tensor) {
    return transpose(this);
  },
});
Tensor.prototype.unsqueeze = function (this: Tensor, dim) {
  return unsqueeze(this, dim);
};
Tensor.prototype.squeeze = function (this: Tensor, dim) {
  return squeeze(this, dim);
};
