/** A tensor cut into parts along a dimension: views, whose gradients come together in one sum. */
import { TensorError } from '../../errors.js';
import { describe, formatShape, normalizeDim } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { checkTensor } from '../operand.js';
import { placeOf, rangeOf } from './parts.js';

/** Ranges [start, start + length) of a dimension. */
function ranges(
  operation: string,
  x: Tensor,
  dim: number,
  parts: readonly (readonly [start: number, length: number])[],
): Tensor[] {
  return parts.map(([start, length]) => rangeOf(operation, x, dim, start, length));
}

/** Parts of the given sizes, one after the other. */
function inOrder(operation: string, x: Tensor, dim: number, sizes: readonly number[]): Tensor[] {
  let start = 0;
  const parts = sizes.map((size): [number, number] => {
    start += size;
    return [start - size, size];
  });
  return ranges(operation, x, dim, parts);
}

const isCount = (n: unknown): n is number => Number.isSafeInteger(n) && Number(n) >= 0;

/**
 * Parts of a dimension, as views: of one size each (the last may be smaller), or of the sizes in a list.
 * @throws TensorError ERR_INDEX for a dimension that x doesn't have, ERR_ARGUMENT for sizes that aren't
 * whole numbers, ERR_SHAPE for sizes that don't add up to the dimension's
 * @example
 * ```ts
 * split(arange(5), 2)[2]; // => [4]
 * split(arange(5), [1, 4])[1]; // => [1, 2, 3, 4]
 * ```
 */
export function split(x: Tensor, sizes: number | readonly number[], dim = 0): Tensor[] {
  checkTensor('split', x);
  const at = normalizeDim('split', dim, x.ndim);
  const length = x.shape[at] as number;
  if (Array.isArray(sizes)) {
    if (!sizes.every(isCount)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[split] sizes are whole numbers >= 0, not ${describe(sizes)}`,
      );
    }
    if (sizes.reduce((sum: number, n: number) => sum + n, 0) !== length) {
      throw new TensorError(
        'ERR_SHAPE',
        `[split] sizes ${formatShape(sizes)} do not add up to dimension ${at} of size ${length}`,
      );
    }
    return inOrder('split', x, at, sizes);
  }
  if (!isCount(sizes) || (sizes === 0 && length > 0)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[split] takes a size >= 1 or a list of sizes, not ${describe(sizes)}`,
    );
  }
  return inOrder('split', x, at, equalSizes(length, sizes));
}

/** As many times `size` as go into a length, and the rest; at least one part. */
function equalSizes(length: number, size: number): number[] {
  const count = Math.max(1, Math.ceil(length / Math.max(1, size)));
  return Array.from({ length: count }, (_, i) => Math.min(size, length - i * size));
}

/**
 * At most `chunks` parts of a dimension, as views: all of ceil(size / chunks) but the last, which may be
 * smaller. There may be fewer; `tensorSplit` gives exactly as many as are asked for.
 * @throws TensorError ERR_INDEX for a dimension that x doesn't have, ERR_ARGUMENT unless chunks is a
 * whole number >= 1
 * @example
 * ```ts
 * chunk(arange(7), 3).map((part) => part.numel); // => [3, 3, 1]
 * ```
 */
export function chunk(x: Tensor, chunks: number, dim = 0): Tensor[] {
  checkTensor('chunk', x);
  const at = normalizeDim('chunk', dim, x.ndim);
  if (!isCount(chunks) || chunks === 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[chunk] takes a whole number >= 1, not ${describe(chunks)}`,
    );
  }
  const length = x.shape[at] as number;
  const sizes =
    length === 0
      ? new Array<number>(chunks).fill(0)
      : equalSizes(length, Math.ceil(length / chunks));
  return inOrder('chunk', x, at, sizes);
}

/**
 * Parts of a dimension, as views: a number of parts, of which the first ones are longer by one where it
 * doesn't divide the size, or a list of the places to cut at, which work as in Python's slices.
 * @throws TensorError ERR_INDEX for a dimension that x doesn't have, ERR_ARGUMENT for other sections
 * @example
 * ```ts
 * tensorSplit(arange(7), 3).map((part) => part.numel); // => [3, 2, 2]
 * tensorSplit(arange(7), [1, -2]).map((part) => part.numel); // => [1, 4, 2]
 * ```
 */
export function tensorSplit(x: Tensor, sections: number | readonly number[], dim = 0): Tensor[] {
  checkTensor('tensorSplit', x);
  return cut('tensorSplit', x, sections, normalizeDim('tensorSplit', dim, x.ndim));
}

function cut(
  operation: string,
  x: Tensor,
  sections: number | readonly number[],
  dim: number,
): Tensor[] {
  const length = x.shape[dim] as number;
  if (Array.isArray(sections)) {
    if (!sections.every(Number.isInteger)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${operation}] the places to cut at are whole numbers, not ${describe(sections)}`,
      );
    }
    const places = sections.map((n: number) =>
      Math.min(length, Math.max(0, n < 0 ? n + length : n)),
    );
    const parts = [...places, length].map((end, i): [number, number] => {
      const start = i === 0 ? 0 : (places[i - 1] as number);
      return [start, Math.max(0, end - start)];
    });
    return ranges(operation, x, dim, parts);
  }
  if (!isCount(sections) || sections === 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] takes a number of parts >= 1 or a list of places, not ${describe(sections)}`,
    );
  }
  const size = Math.floor(length / sections);
  const longer = length % sections;
  const sizes = Array.from({ length: sections }, (_, i) => size + Number(i < longer));
  return inOrder(operation, x, dim, sizes);
}

/** Parts as by `tensorSplit`, but a number has to divide the dimension, and x has to have it. */
function cutEvenly(
  operation: string,
  x: Tensor,
  sections: number | readonly number[],
  rank: number,
  dim: number,
): Tensor[] {
  checkTensor(operation, x);
  if (x.ndim < rank) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] takes tensors of ${rank} dimensions or more, not ${formatShape(x.shape)}`,
    );
  }
  const size = x.shape[dim] as number;
  if (isCount(sections) && sections > 0 && size % sections !== 0) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] dimension ${dim} of size ${size} does not divide into ${sections} parts; tensorSplit takes any number`,
    );
  }
  return cut(operation, x, sections, dim);
}

/**
 * A tensor cut side by side, along dimension 1 (0 of a vector): equal parts or places as in `tensorSplit`.
 * @throws TensorError ERR_SHAPE for a scalar and a number that doesn't divide the size, ERR_ARGUMENT
 * @example
 * ```ts
 * hsplit(tensor([[1, 2], [3, 4]]), 2)[0]; // => [[1], [3]]
 * ```
 */
export function hsplit(x: Tensor, sections: number | readonly number[]): Tensor[] {
  return cutEvenly('hsplit', x, sections, 1, x?.ndim === 1 ? 0 : 1);
}

/**
 * A tensor cut one part below the other, along dimension 0: equal parts or places as in `tensorSplit`.
 * @throws TensorError ERR_SHAPE for less than two dimensions and a number that doesn't divide the size,
 * ERR_ARGUMENT
 * @example
 * ```ts
 * vsplit(tensor([[1, 2], [3, 4]]), 2)[0]; // => [[1, 2]]
 * ```
 */
export function vsplit(x: Tensor, sections: number | readonly number[]): Tensor[] {
  return cutEvenly('vsplit', x, sections, 2, 0);
}

/**
 * A tensor cut in depth, along dimension 2: equal parts or places as in `tensorSplit`.
 * @throws TensorError ERR_SHAPE for less than three dimensions and a number that doesn't divide the
 * size, ERR_ARGUMENT
 * @example
 * ```ts
 * dsplit(tensor([[[1, 2], [3, 4]]]), 2)[0]; // => [[[1], [3]]]
 * ```
 */
export function dsplit(x: Tensor, sections: number | readonly number[]): Tensor[] {
  return cutEvenly('dsplit', x, sections, 3, 2);
}

/**
 * All places of a dimension, which is dropped, as views.
 * @throws TensorError ERR_INDEX for a dimension that x doesn't have
 * @example
 * ```ts
 * unbind(tensor([[1, 2], [3, 4]]))[1]; // => [3, 4]
 * ```
 */
export function unbind(x: Tensor, dim = 0): Tensor[] {
  checkTensor('unbind', x);
  const at = normalizeDim('unbind', dim, x.ndim);
  return Array.from({ length: x.shape[at] as number }, (_, i) => placeOf('unbind', x, at, i));
}

defineMethods({ split, chunk, tensorSplit, hsplit, vsplit, dsplit, unbind });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** Parts of one size, or of the sizes in a list, as views: see the function `split`. */
    split(sizes: number | readonly number[], dim?: number): Tensor[];
    /** At most so many parts of one size, as views: see the function `chunk`. */
    chunk(chunks: number, dim?: number): Tensor[];
    /** So many parts, or parts between places, as views: see the function `tensorSplit`. */
    tensorSplit(sections: number | readonly number[], dim?: number): Tensor[];
    /** Parts side by side: see the function `hsplit`. */
    hsplit(sections: number | readonly number[]): Tensor[];
    /** Parts one below the other: see the function `vsplit`. */
    vsplit(sections: number | readonly number[]): Tensor[];
    /** Parts in depth: see the function `dsplit`. */
    dsplit(sections: number | readonly number[]): Tensor[];
    /** All places of a dimension, as views: see the function `unbind`. */
    unbind(dim?: number): Tensor[];
  }
}
