/** Views of parts of a tensor: one place of a dimension, a range of it, sliding windows over it. */
import { addTo } from '../../autograd/engine.js';
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { fillWith, uninitialized } from '../../tensor/creation.js';
import { checkCount, describe, MAX_RANK, normalizeDim, type Shape } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { checkTensor } from '../operand.js';
import { atleast1d } from './shape.js';
import { viewGradient } from './view.js';

/**
 * One place of a dimension, which is dropped, as a view: x[.., index, ..].
 * @param index negative ones count from the end
 * @throws TensorError ERR_INDEX for a dimension or an index that x doesn't have
 * @example
 * ```ts
 * select(tensor([[1, 2], [3, 4]]), 1, -1); // => [2, 4]
 * ```
 */
export function select(x: Tensor, dim: number, index: number): Tensor {
  checkTensor('select', x);
  return selectFor('select', x, dim, index);
}

/** `select` on behalf of an operation, for its messages. */
export function selectFor(operation: string, x: Tensor, dim: number, index: number): Tensor {
  const at = normalizeDim(operation, dim, x.ndim);
  const size = x.shape[at] as number;
  if (!Number.isInteger(index) || index < -size || index >= size) {
    throw new TensorError(
      'ERR_INDEX',
      `[${operation}] index ${describe(index)} is outside dimension ${at} of size ${size}`,
    );
  }
  return placeOf(operation, x, at, index < 0 ? index + size : index);
}

/** A place of a dimension, without checks. */
export function placeOf(operation: string, x: Tensor, dim: number, index: number): Tensor {
  const rank = x.ndim;
  const shape = new Array<number>(rank - 1);
  const strides = new Array<number>(rank - 1);
  for (let d = 0, to = 0; d < rank; d++) {
    if (d === dim) continue;
    shape[to] = x.shape[d] as number;
    strides[to++] = x.strides[d] as number;
  }
  const y = x.strided(shape, strides, x.offset + index * (x.strides[dim] as number));
  if (recording(x)) {
    const view = (whole: Tensor) => placeOf(operation, whole, dim, index);
    attach(y, operation, [x], [(g) => viewGradient(operation, g, x, view)]);
  }
  return y;
}

/**
 * A range of a dimension, as a view: x[.., start .. start + length - 1, ..].
 * @param start negative ones count from the end
 * @throws TensorError ERR_INDEX for a dimension that x doesn't have and a range that isn't in it
 * @example
 * ```ts
 * narrow(arange(5), 0, 1, 3); // => [1, 2, 3]
 * narrow(arange(5), 0, -2, 2); // => [3, 4]
 * ```
 */
export function narrow(x: Tensor, dim: number, start: number, length: number): Tensor {
  checkTensor('narrow', x);
  const at = normalizeDim('narrow', dim, x.ndim);
  const size = x.shape[at] as number;
  const whole = Number.isInteger(start) && Number.isInteger(length);
  const first = whole && start < 0 ? start + size : start;
  if (!whole || first < 0 || length < 0 || first + length > size) {
    throw new TensorError(
      'ERR_INDEX',
      `[narrow] ${describe(length)} elements from ${describe(start)} on are not in dimension ${at} of size ${size}`,
    );
  }
  return rangeOf('narrow', x, at, first, length);
}

/** A range of a dimension, without checks. */
export function rangeOf(
  operation: string,
  x: Tensor,
  dim: number,
  start: number,
  length: number,
): Tensor {
  const shape = x.shape.slice();
  shape[dim] = length;
  // An empty part has no first element; it keeps x's, which is surely inside the memory.
  const step = length === 0 ? 0 : start * (x.strides[dim] as number);
  const y = x.strided(shape, x.strides, x.offset + step);
  if (recording(x)) {
    const view = (whole: Tensor) => rangeOf(operation, whole, dim, start, length);
    attach(y, operation, [x], [(g) => viewGradient(operation, g, x, view)]);
  }
  return y;
}

/**
 * Sliding windows over a dimension, as a view whose elements overlap when step < size: y has a window
 * for each place in `dim` and a last dimension with the window's elements,
 * y[.., i, .., j] = x[.., i step + j, ..]. Its gradient adds up what the windows share. What is left at
 * the end is not shown.
 * @param size of a window, at most that of the dimension
 * @param step from one window to the next, at least 1, default 1
 * @throws TensorError ERR_INDEX for a dimension that x doesn't have, ERR_ARGUMENT for a size or a step
 * that isn't possible, ERR_SHAPE when there would be more than 8 dimensions
 * @example
 * ```ts
 * unfold(arange(5), 0, 3, 2); // => [[0, 1, 2], [2, 3, 4]]
 * ```
 */
export function unfold(x: Tensor, dim: number, size: number, step = 1): Tensor {
  checkTensor('unfold', x);
  const source = atleast1d(x);
  const at = normalizeDim('unfold', dim, source.ndim);
  const length = source.shape[at] as number;
  if (!Number.isInteger(size) || size < 0 || size > length) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[unfold] no windows of size ${describe(size)} in dimension ${at} of size ${length}`,
    );
  }
  checkCount('unfold', 'the step', step);
  const y = windows(source, at, size, step);
  // The window is x itself: a scalar keeps its shape but for the window.
  return x.ndim === 0 ? placeOf('unfold', y, 0, 0) : y;
}

function windows(x: Tensor, dim: number, size: number, step: number): Tensor {
  const count = Math.floor(((x.shape[dim] as number) - size) / step) + 1;
  const stride = x.strides[dim] as number;
  if (x.ndim === MAX_RANK) {
    throw new TensorError(
      'ERR_SHAPE',
      `[unfold] windows are one dimension more than the ${MAX_RANK} that there can be`,
    );
  }
  const shape = x.shape.slice();
  const strides = x.strides.slice();
  shape[dim] = count;
  strides[dim] = stride * step;
  shape.push(size);
  strides.push(stride);
  const y = x.strided(shape, strides, x.offset);
  if (recording(x)) {
    attach(y, 'unfold', [x], [(g) => addWindows(g, x.shape, dim, step)]);
  }
  return y;
}

/** Windows added up where they came from: the adjoint of `windows`. */
function addWindows(g: Tensor, shape: Shape, dim: number, step: number): Tensor {
  const x = uninitialized(shape, g.dtype);
  fillWith(x, 0);
  const count = g.shape[dim] as number;
  const size = g.shape.at(-1) as number;
  const stride = x.strides[dim] as number;
  /** Windows first, first + every... and their elements from j on, which must not overlap. */
  const add = (first: number, every: number, j: number, elements: number): void => {
    const number = Math.ceil((count - first) / every);
    const sizes = [...shape.with(dim, number), elements];
    const at = x.offset + (first * step + j) * stride;
    const to = x.strided(sizes, [...x.strides.with(dim, stride * step * every), stride], at);
    const [along, within] = [g.strides[dim] as number, g.strides.at(-1) as number];
    const from = g.strided(
      sizes,
      g.strides.with(dim, along * every),
      g.offset + first * along + j * within,
    );
    addTo(to, to, from);
  };
  if (g.numel > 0) {
    // The same place of all windows at once, or windows that are far enough from each other.
    const apart = Math.min(count, Math.ceil(size / step));
    if (size <= count) for (let j = 0; j < size; j++) add(0, 1, j, 1);
    else for (let first = 0; first < apart; first++) add(first, apart, 0, size);
  }
  if (recording(g)) attach(x, 'unfold', [g], [(gg) => windows(gg, dim, size, step)]);
  return x;
}

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** One place of a dimension, as a view: see the function `select`. */
    select(dim: number, index: number): Tensor;
    /** A range of a dimension, as a view: see the function `narrow`. */
    narrow(dim: number, start: number, length: number): Tensor;
    /** Sliding windows over a dimension, as a view: see the function `unfold`. */
    unfold(dim: number, size: number, step?: number): Tensor;
  }
}

Tensor.prototype.select = function (this: Tensor, dim, index) {
  return select(this, dim, index);
};
Tensor.prototype.narrow = function (this: Tensor, dim, start, length) {
  return narrow(this, dim, start, length);
};
Tensor.prototype.unfold = function (this: Tensor, dim, size, step) {
  return unfold(this, dim, size, step);
};
