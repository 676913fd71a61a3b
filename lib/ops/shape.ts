/** Views: other shapes and parts of a tensor, without copying. Gradients go back the same way. */
import { attach, recording } from '../autograd/tape.js';
import { TensorError } from '../errors.js';
import { zeros } from '../tensor/creation.js';
import {
  checkShape,
  contiguousStrides,
  describe,
  formatShape,
  normalizeDim,
  numel,
  type Shape,
} from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { checkDims, checkTensor, contiguous, copyInto } from './operand.js';

/**
 * The elements in row-major order under another shape, one size of which may be -1 (whatever is
 * left). A view when the tensor is contiguous, otherwise a copy.
 * @throws TensorError ERR_SHAPE when the numbers of elements differ
 * @example
 * ```ts
 * reshape(arange(6), [2, -1]); // => [[0, 1, 2], [3, 4, 5]]
 * reshape(arange(6), [4]); // throws ERR_SHAPE
 * ```
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkTensor('reshape', x);
  const target = resolveShape(x, shape);
  const source = contiguous(x);
  const y = source.viewAs(target, contiguousStrides(target), source.offset);
  if (recording(source)) attach(y, 'reshape', [source], [(g) => reshape(g, source.shape)]);
  return y;
}

function resolveShape(x: Tensor, shape: Shape): number[] {
  const unknown = Array.isArray(shape) ? shape.indexOf(-1) : -1;
  const target = checkShape(
    'reshape',
    unknown < 0 ? shape : shape.map((n, d) => (d === unknown ? 1 : n)),
  );
  if (unknown >= 0) target[unknown] = x.numel / numel(target);
  if (numel(target) !== x.numel || !target.every(Number.isInteger)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[reshape] ${x.numel} elements of shape ${formatShape(x.shape)} do not fill ${formatShape(shape)}`,
    );
  }
  return target;
}

/**
 * One dimension, or the given range of dimensions (both included), laid out in a row.
 * @example
 * ```ts
 * flatten(zeros([2, 3, 4]), 1).shape; // => [2, 12]
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
  if (order.length !== x.ndim || new Set(order).size !== x.ndim) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[permute] ${describe(dims)} is not a permutation of ${x.ndim} dimensions`,
    );
  }
  const y = x.viewAs(
    order.map((d) => x.shape[d] as number),
    order.map((d) => x.strides[d] as number),
    x.offset,
  );
  if (recording(x)) {
    const inverse = new Array<number>(order.length);
    order.forEach((d, i) => {
      inverse[d] = i;
    });
    attach(y, 'permute', [x], [(g) => permute(g, inverse)]);
  }
  return y;
}

/**
 * Two dimensions exchanged, as a view. Default: the last two.
 * @example
 * ```ts
 * transpose(tensor([[1, 2], [3, 4]])); // => [[1, 3], [2, 4]]
 * ```
 */
export function transpose(x: Tensor, dim0 = -2, dim1 = -1): Tensor {
  checkTensor('transpose', x);
  const a = normalizeDim('transpose', dim0, x.ndim);
  const b = normalizeDim('transpose', dim1, x.ndim);
  const y = x.viewAs(exchanged(x.shape, a, b), exchanged(x.strides, a, b), x.offset);
  if (recording(x)) attach(y, 'transpose', [x], [(g) => transpose(g, a, b)]);
  return y;
}

function exchanged(list: readonly number[], a: number, b: number): number[] {
  const result = list.slice();
  result[a] = list[b] as number;
  result[b] = list[a] as number;
  return result;
}

/**
 * A view with a dimension of size 1 put in at `dim`.
 * @throws TensorError ERR_INDEX for a place outside, ERR_SHAPE when there are 8 dimensions already
 * @example
 * ```ts
 * unsqueeze(tensor([1, 2]), 1); // => [[1], [2]]
 * ```
 */
export function unsqueeze(x: Tensor, dim: number): Tensor {
  checkTensor('unsqueeze', x);
  const at = normalizeDim('unsqueeze', dim, x.ndim + 1);
  const shape = checkShape('unsqueeze', x.shape.toSpliced(at, 0, 1));
  const y = x.viewAs(shape, x.strides.toSpliced(at, 0, 1), x.offset);
  if (recording(x)) attach(y, 'unsqueeze', [x], [(g) => squeeze(g, at)]);
  return y;
}

/**
 * A view without the dimensions of size 1, or without the given ones where they have size 1.
 * @example
 * ```ts
 * squeeze(zeros([1, 3, 1])).shape; // => [3]
 * ```
 */
export function squeeze(x: Tensor, dim?: number | readonly number[]): Tensor {
  checkTensor('squeeze', x);
  const dims = checkDims('squeeze', dim, x.ndim).filter((d) => x.shape[d] === 1);
  const keep = (_: unknown, d: number) => !dims.includes(d);
  const y = x.viewAs(x.shape.filter(keep), x.strides.filter(keep), x.offset);
  if (recording(x)) attach(y, 'squeeze', [x], [(g) => reshape(g, x.shape)]);
  return y;
}

/** For one dimension: null for all of it, an index (which drops the dimension), or [start, end, step]. */
export type SliceSpec =
  | null
  | number
  | readonly [start?: number | null, end?: number | null, step?: number];

/**
 * A part of a tensor as a view. `x.slice([[0, 10, 2], null, -1])`: rows 0, 2, ... 8, all columns, the
 * last of the third dimension (which is dropped). As in Python, negative positions count from the
 * end, ranges are cut to what is there, and missing dimensions are taken whole.
 * @throws TensorError ERR_INDEX for an index outside its dimension, ERR_ARGUMENT for anything that is
 * not a slice or a step that isn't a whole number >= 1
 * @example
 * ```ts
 * const x = tensor([[1, 2, 3], [4, 5, 6]]);
 * slice(x, [1]); // => [4, 5, 6]
 * slice(x, [null, [0, 3, 2]]); // => [[1, 3], [4, 6]]
 * slice(x, [null, -1]); // => [3, 6]
 * slice(x, [2]); // throws ERR_INDEX
 * ```
 */
export function slice(x: Tensor, specs: readonly SliceSpec[]): Tensor {
  checkTensor('slice', x);
  if (!Array.isArray(specs) || specs.length > x.ndim) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[slice] takes a list of at most ${x.ndim} slices, not ${describe(specs)}`,
    );
  }
  const shape: number[] = [];
  const strides: number[] = [];
  let { offset } = x;
  x.shape.forEach((size, d) => {
    const stride = x.strides[d] as number;
    const spec: SliceSpec = specs[d] ?? null;
    if (typeof spec === 'number') {
      offset += stride * indexIn(spec, size, d);
      return;
    }
    const [start, count, step] = rangeIn(spec, size);
    if (count > 0) offset += stride * start;
    shape.push(count);
    strides.push(stride * step);
  });
  const y = x.viewAs(shape, strides, offset);
  if (recording(x)) attach(y, 'slice', [x], [(g) => sliceBackward(g, x, specs)]);
  return y;
}

function sliceBackward(g: Tensor, x: Tensor, specs: readonly SliceSpec[]): Tensor {
  const result = zeros(x.shape, { dtype: x.dtype });
  copyInto(slice(result, specs), g);
  return result;
}

function indexIn(index: number, size: number, dim: number): number {
  if (!Number.isInteger(index) || index < -size || index >= size) {
    throw new TensorError(
      'ERR_INDEX',
      `[slice] index ${index} is outside dimension ${dim} of size ${size}`,
    );
  }
  return index < 0 ? index + size : index;
}

function rangeIn(spec: SliceSpec, size: number): [start: number, count: number, step: number] {
  if (spec === null) return [0, size, 1];
  if (!Array.isArray(spec) || spec.length > 3) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[slice] ${describe(spec)} is not null, an index or [start, end, step]`,
    );
  }
  const [start, end, step = 1] = spec as readonly [number?, number?, number?];
  const known = (n: unknown) => n === undefined || n === null || Number.isInteger(n);
  if (!known(start) || !known(end) || !Number.isInteger(step) || step < 1) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[slice] ${describe(spec)}: whole numbers, and a step >= 1`,
    );
  }
  const place = (n: number) => Math.min(size, Math.max(0, n < 0 ? n + size : n));
  const from = place(start ?? 0);
  const to = place(end ?? size);
  return [from, Math.max(0, Math.ceil((to - from) / step)), step];
}

declare module '../tensor/tensor.js' {
  interface Tensor {
    /** Another shape for the same elements: `t.reshape([2, -1])`. See the function `reshape`. */
    reshape(shape: Shape): Tensor;
    /** Dimensions startDim to endDim (both included; default all) laid out in a row. */
    flatten(startDim?: number, endDim?: number): Tensor;
    /** The dimensions in another order, as a view. */
    permute(dims: readonly number[]): Tensor;
    /** Two dimensions exchanged (default the last two), as a view. */
    transpose(dim0?: number, dim1?: number): Tensor;
    /** The last two dimensions exchanged, as a view. */
    readonly mT: Tensor;
    /** A view with a dimension of size 1 put in. */
    unsqueeze(dim: number): Tensor;
    /** A view without dimensions of size 1. */
    squeeze(dim?: number | readonly number[]): Tensor;
    /** A part as a view: `t.slice([[0, 10], null, -1])`. See the function `slice`. */
    slice(specs: readonly SliceSpec[]): Tensor;
  }
}

Tensor.prototype.reshape = function (this: Tensor, shape) {
  return reshape(this, shape);
};
Tensor.prototype.flatten = function (this: Tensor, startDim, endDim) {
  return flatten(this, startDim, endDim);
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
Tensor.prototype.slice = function (this: Tensor, specs) {
  return slice(this, specs);
};
