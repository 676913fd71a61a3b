/** Parts of a tensor by positions and ranges: views, through which gradients flow. */

import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { zeros } from '../../tensor/creation.js';
import { describe, formatShape, MAX_RANK, type Shape } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { checkTensor, copyInto, copyOf } from '../operand.js';
import { viewGradient } from '../shape/view.js';

type Bound = number | '';

/** A range as text, as Python writes it: `'1:3'`, `':-1'`, `'::2'`, `':'`. */
export type RangeText = `${Bound}:${Bound}` | `${Bound}:${Bound}:${Bound}`;

/**
 * What is taken of one dimension: an index (which drops the dimension), null for all of it, or a range
 * as [start, end, step] or as text. `'...'` stands for as many whole dimensions as are left,
 * `'newaxis'` puts one of size 1 in.
 */
export type SliceSpec =
  | null
  | number
  | RangeText
  | '...'
  | 'newaxis'
  | readonly [start?: number | null, end?: number | null, step?: number | null];

/** Where a part of a tensor lies. Strides are negative where a range goes backwards. */
export interface Layout {
  readonly shape: number[];
  readonly strides: number[];
  readonly offset: number;
}

/**
 * A part of a tensor as a view. `x.slice([[0, 10, 2], null, -1])`: rows 0, 2, ... 8, all columns, the
 * last of the third dimension (which is dropped). As in Python, negative positions count from the
 * end, ranges are cut to what is there, and missing dimensions are taken whole. A range with a
 * negative step goes backwards, from the last element on unless it says otherwise; views have no
 * negative strides, so the result is then a copy (PyTorch has no negative steps).
 * @param specs for each dimension an index, null, a range as [start, end, step] or text; `'...'` for
 * as many whole dimensions as are left, `'newaxis'` for a new one of size 1
 * @throws TensorError ERR_INDEX for an index outside its dimension, ERR_ARGUMENT for anything that is
 * not a slice and a step of 0, ERR_SHAPE when more than 8 dimensions result
 * @example
 * ```ts
 * const x = arange(6).reshape([2, 3]);
 * slice(x, [0, [1]]); // => [1, 2]
 * slice(x, ['...', '::-1']); // => [[2, 1, 0], [5, 4, 3]]
 * slice(x, ['...', -1]); // => [2, 5]
 * slice(x, [2]); // throws ERR_INDEX
 * ```
 */
export function slice(x: Tensor, specs: readonly SliceSpec[]): Tensor {
  return sliceFor('slice', x, specs);
}

/** `slice` on behalf of an operation, for its messages. */
export function sliceFor(operation: string, x: Tensor, specs: readonly SliceSpec[]): Tensor {
  checkTensor(operation, x);
  const { shape, strides, offset } = layoutOf(operation, x, specs);
  const part = x.strided(shape, strides, offset);
  const backwards = strides.some((stride) => stride < 0);
  const y = backwards ? copyOf(part) : part;
  if (recording(x)) {
    const view = (whole: Tensor) => sliceFor(operation, whole, specs);
    const { shape: whole } = x;
    // A slice that goes backwards is a copy, into which nothing can be placed.
    const rule = (g: Tensor) =>
      backwards ? placed(g, whole, specs) : viewGradient('sliceBackward', g, x, view);
    attach(y, operation, [x], [rule]);
  }
  return y;
}

/** Zeros of a shape with g in the place that the slice was taken from: its gradient. */
export function placed(g: Tensor, shape: Shape, specs: readonly SliceSpec[]): Tensor {
  const y = zeros(shape, { dtype: g.dtype });
  const part = layoutOf('slice', y, specs);
  copyInto(y.strided(part.shape, part.strides, part.offset), g);
  if (recording(g)) attach(y, 'sliceBackward', [g], [(gg) => slice(gg, specs)]);
  return y;
}

/**
 * Where the part of x lies that the slices name, on behalf of an operation.
 * @throws TensorError as `slice`
 */
export function layoutOf(operation: string, x: Tensor, specs: readonly SliceSpec[]): Layout {
  if (!Array.isArray(specs)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] takes a list of slices, not ${describe(specs)}`,
    );
  }
  const { shape: sizes, strides: steps } = x;
  const rank = sizes.length;
  const rest = rank - namedDims(operation, specs, rank);
  const shape: number[] = [];
  const strides: number[] = [];
  let { offset } = x;
  let d = 0;
  let openEnd = true;
  for (let i = 0; i < specs.length; i++) {
    const spec = specs[i] as SliceSpec | undefined;
    if (spec === 'newaxis') {
      shape.push(1);
      strides.push(0);
      continue;
    }
    if (spec === '...') {
      openEnd = false;
      for (const end = d + rest; d < end; d++) {
        shape.push(sizes[d] as number);
        strides.push(steps[d] as number);
      }
      continue;
    }
    const size = sizes[d] as number;
    const stride = steps[d] as number;
    if (typeof spec === 'number') {
      offset += stride * positionIn(operation, spec, size, d);
    } else if (spec === null || spec === undefined) {
      shape.push(size);
      strides.push(stride);
    } else {
      const [start, count, step] = rangeIn(operation, spec, size);
      if (count > 0) offset += stride * start;
      shape.push(count);
      // A stride that nothing uses isn't negative.
      strides.push(count > 1 ? stride * step : stride);
    }
    d++;
  }
  for (; openEnd && d < rank; d++) {
    shape.push(sizes[d] as number);
    strides.push(steps[d] as number);
  }
  if (shape.length > MAX_RANK) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] ${shape.length} dimensions; tensors have at most ${MAX_RANK}`,
    );
  }
  return { shape, strides, offset };
}

/**
 * How many dimensions the slices name.
 * @throws TensorError ERR_ARGUMENT when there are more than the tensor has, or two ellipses
 */
function namedDims(operation: string, specs: readonly SliceSpec[], rank: number): number {
  let named = 0;
  let ellipses = 0;
  for (let i = 0; i < specs.length; i++) {
    const spec = specs[i];
    if (spec === '...') ellipses++;
    else if (spec !== 'newaxis') named++;
  }
  if (named > rank || ellipses > 1) {
    throw new TensorError(
      'ERR_ARGUMENT',
      ellipses > 1
        ? `[${operation}] takes '...' once, not ${ellipses} times`
        : `[${operation}] takes a list of at most ${rank} slices for ${rank} dimensions, not ${describe(specs)}`,
    );
  }
  return named;
}

/** @throws TensorError ERR_INDEX unless it is a place in the dimension; negative ones count from the end */
function positionIn(operation: string, index: number, size: number, dim: number): number {
  if (!Number.isInteger(index) || index < -size || index >= size) {
    throw new TensorError(
      'ERR_INDEX',
      `[${operation}] index ${index} is outside dimension ${dim} of size ${size}`,
    );
  }
  return index < 0 ? index + size : index;
}

const RANGE = /^\s*(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*)?$/;

/** Start, end and step of a range as text, or nothing when it is something else. */
function parseRange(text: string): (number | undefined)[] | undefined {
  const found = RANGE.exec(text);
  return found?.slice(1).map((part) => (part === undefined ? part : Number(part)));
}

/** The first element of a range, how many there are, and the step between them. */
function rangeIn(
  operation: string,
  spec: SliceSpec,
  size: number,
): readonly [start: number, count: number, step: number] {
  const parts = typeof spec === 'string' ? parseRange(spec) : spec;
  if (!Array.isArray(parts) || parts.length > 3) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] ${describe(spec)} is not null, an index, [start, end, step], '1:3', '...' or 'newaxis'`,
    );
  }
  const start = parts[0] ?? null;
  const end = parts[1] ?? null;
  const step = parts[2] ?? 1;
  const known = (n: unknown) => n === null || Number.isInteger(n);
  if (!known(start) || !known(end) || !Number.isInteger(step) || step === 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] ${describe(spec)}: whole numbers, and a step that isn't 0`,
    );
  }
  // Backwards, ranges begin at the last element and end before the first one.
  const low = step > 0 ? 0 : -1;
  const high = step > 0 ? size : size - 1;
  const place = (n: number) => Math.min(high, Math.max(low, n < 0 ? n + size : n));
  const from = start === null ? (step > 0 ? low : high) : place(start);
  const to = end === null ? (step > 0 ? high : low) : place(end);
  return [from, Math.max(0, Math.ceil((to - from) / step)), step];
}

/**
 * The part at an index for each of the first dimensions, as a view: one element (of no dimension) for
 * all of them, a row or a block for fewer.
 * @param indices whole numbers; negative ones count from the end
 * @throws TensorError ERR_INDEX for an index outside its dimension, ERR_ARGUMENT for more indices than
 * dimensions and for anything but numbers
 * @example
 * ```ts
 * const x = arange(6).reshape([2, 3]);
 * at(x, -1); // => [3, 4, 5]
 * at(x, 0, 2).item(); // => 2
 * ```
 */
export function at(x: Tensor, ...indices: number[]): Tensor {
  checkTensor('at', x);
  const count = indices.length;
  const rank = x.shape.length;
  if (count > rank) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[at] ${count} indices for a tensor of shape ${formatShape(x.shape)}`,
    );
  }
  let { offset } = x;
  for (let d = 0; d < count; d++) {
    const index = indices[d];
    if (typeof index !== 'number') {
      throw new TensorError('ERR_ARGUMENT', `[at] takes whole numbers, not ${describe(index)}`);
    }
    const stride = x.strides[d] as number;
    offset += stride * positionIn('at', index, x.shape[d] as number, d);
  }
  const y = x.strided(x.shape.slice(count), x.strides.slice(count), offset);
  if (recording(x)) {
    const view = (whole: Tensor) => at(whole, ...indices);
    attach(y, 'at', [x], [(g) => viewGradient('sliceBackward', g, x, view)]);
  }
  return y;
}

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** A part as a view: `t.slice([[0, 10], null, -1])`. See the function `slice`. */
    slice(specs: readonly SliceSpec[]): Tensor;
    /** The part at an index for each of the first dimensions, as a view: see the function `at`. */
    at(...indices: number[]): Tensor;
    /** The parts along the first dimension, as views; how many there are is `t.shape[0]`. */
    [Symbol.iterator](): IterableIterator<Tensor>;
  }
}

Tensor.prototype.slice = function (this: Tensor, specs) {
  return slice(this, specs);
};
Tensor.prototype.at = function (this: Tensor, ...indices) {
  return at(this, ...indices);
};
Tensor.prototype[Symbol.iterator] = function* (this: Tensor) {
  if (this.shape.length === 0) {
    throw new TensorError(
      'ERR_SHAPE',
      '[iterate] a scalar has no dimension to go along; use item()',
    );
  }
  for (let i = 0; i < (this.shape[0] as number); i++) yield at(this, i);
};
