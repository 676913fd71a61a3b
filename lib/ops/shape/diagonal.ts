/** Diagonals of matrices, and matrices from them. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import {
  checkOptions,
  checkShape,
  describe,
  formatShape,
  normalizeDim,
} from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { checkTensor, clone } from '../operand.js';
import { ravel } from './shape.js';
import { embed, viewGradient } from './view.js';

/** Options of {@link diagonal} and {@link diagEmbed}. */
export interface DiagonalOptions {
  /** Which diagonal: 0 (default) the main one, above it > 0, below it < 0. */
  offset?: number;
  /** The dimension of the rows. */
  dim1?: number;
  /** The dimension of the columns. */
  dim2?: number;
}

interface Plane {
  readonly offset: number;
  readonly dim1: number;
  readonly dim2: number;
}

export function checkPlane(
  operation: string,
  options: DiagonalOptions,
  rank: number,
  defaults: readonly [number, number],
): Plane {
  checkOptions(operation, options, ['offset', 'dim1', 'dim2']);
  const { offset = 0 } = options;
  checkOffset(operation, offset);
  const dim1 = normalizeDim(operation, options.dim1 ?? defaults[0], rank);
  const dim2 = normalizeDim(operation, options.dim2 ?? defaults[1], rank);
  if (dim1 === dim2) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] a diagonal goes through two dimensions, not through ${dim1} twice`,
    );
  }
  return { offset, dim1, dim2 };
}

function checkOffset(operation: string, offset: unknown): void {
  if (!Number.isSafeInteger(offset)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] the offset is a whole number, not ${describe(offset)}`,
    );
  }
}

export function diagonalOf(operation: string, x: Tensor, plane: Plane): Tensor {
  const { offset, dim1, dim2 } = plane;
  const [down, right] = [Math.max(0, -offset), Math.max(0, offset)];
  const [rowStep, columnStep] = [x.strides[dim1] as number, x.strides[dim2] as number];
  const length = Math.max(
    0,
    Math.min((x.shape[dim1] as number) - down, (x.shape[dim2] as number) - right),
  );
  const shape: number[] = [];
  const strides: number[] = [];
  for (let d = 0; d < x.ndim; d++) {
    if (d === dim1 || d === dim2) continue;
    shape.push(x.shape[d] as number);
    strides.push(x.strides[d] as number);
  }
  shape.push(length);
  strides.push(rowStep + columnStep);
  const first = length === 0 ? 0 : down * rowStep + right * columnStep;
  const y = x.strided(shape, strides, x.offset + first);
  if (recording(x)) {
    const view = (whole: Tensor) => diagonalOf(operation, whole, plane);
    attach(y, operation, [x], [(g) => viewGradient(operation, g, x, view)]);
  }
  return y;
}

/**
 * A diagonal of a matrix, or of each of several, as a view: its dimension comes last, after those that
 * don't belong to the plane.
 * @param options offset; dim1 and dim2, default 0 and 1
 * @throws TensorError ERR_INDEX for dimensions that x doesn't have, ERR_ARGUMENT for twice the same one,
 * unknown options and an offset that isn't a whole number
 * @example
 * ```ts
 * diagonal(tensor([[1, 2], [3, 4]])); // => [1, 4]
 * diagonal(tensor([[1, 2], [3, 4]]), { offset: 1 }); // => [2]
 * ```
 */
export function diagonal(x: Tensor, options: DiagonalOptions = {}): Tensor {
  checkTensor('diagonal', x);
  return diagonalOf('diagonal', x, checkPlane('diagonal', options, x.ndim, [0, 1]));
}

/**
 * Matrices with the last dimension of x along a diagonal, zeros elsewhere: the opposite of `diagonal`.
 * @param options offset; dim1 and dim2 of the result, default its last two
 * @throws TensorError ERR_INDEX for dimensions that the result doesn't have, ERR_SHAPE for a scalar and
 * for 8 dimensions, ERR_ARGUMENT for twice the same dimension, unknown options and an offset that isn't a
 * whole number
 * @example
 * ```ts
 * diagEmbed(tensor([[1, 2], [3, 4]])); // => [[[1, 0], [0, 2]], [[3, 0], [0, 4]]]
 * ```
 */
export function diagEmbed(x: Tensor, options: DiagonalOptions = {}): Tensor {
  checkTensor('diagEmbed', x);
  const plane = checkPlane('diagEmbed', options, x.ndim + 1, [-2, -1]);
  return embedded('diagEmbed', x, plane);
}

function embedded(operation: string, x: Tensor, plane: Plane): Tensor {
  const size = (x.shape.at(-1) as number) + Math.abs(plane.offset);
  const shape = x.shape.slice(0, -1);
  const [low, high] = [plane.dim1, plane.dim2].sort((a, b) => a - b) as [number, number];
  shape.splice(low, 0, size);
  shape.splice(high, 0, size);
  const target = checkShape(operation, shape);
  return embed(operation, x, target, (whole) => diagonalOf(operation, whole, plane));
}

/**
 * Of a matrix its diagonal, of a vector the matrix with it on the diagonal. A copy; `diagonal` gives a
 * view.
 * @param offset which diagonal: 0 (default) the main one, above it > 0, below it < 0
 * @throws TensorError ERR_SHAPE for other numbers of dimensions, ERR_ARGUMENT
 * @example
 * ```ts
 * diag(tensor([[1, 2], [3, 4]])); // => [1, 4]
 * diag(tensor([1, 2]), 1); // => [[0, 1, 0], [0, 0, 2], [0, 0, 0]]
 * ```
 */
export function diag(x: Tensor, offset = 0): Tensor {
  checkTensor('diag', x);
  checkOffset('diag', offset);
  if (x.ndim === 1) return embedded('diag', x, { offset, dim1: 0, dim2: 1 });
  if (x.ndim === 2) return clone(diagonalOf('diag', x, { offset, dim1: 0, dim2: 1 }));
  throw new TensorError(
    'ERR_SHAPE',
    `[diag] takes a vector or a matrix, not shape ${formatShape(x.shape)}; diagonal and diagEmbed take any`,
  );
}

/**
 * A matrix with all elements of x, in row-major order, along a diagonal.
 * @param offset which diagonal: 0 (default) the main one, above it > 0, below it < 0
 * @throws TensorError ERR_ARGUMENT for anything but a tensor and a whole number
 * @example
 * ```ts
 * diagflat(tensor([[1], [2]])); // => [[1, 0], [0, 2]]
 * ```
 */
export function diagflat(x: Tensor, offset = 0): Tensor {
  checkTensor('diagflat', x);
  checkOffset('diagflat', offset);
  return embedded('diagflat', ravel(x), { offset, dim1: 0, dim2: 1 });
}

defineMethods({ diagonal, diagEmbed, diag, diagflat });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** A diagonal, as a view: see the function `diagonal`. */
    diagonal(options?: DiagonalOptions): Tensor;
    /** Matrices with the last dimension along a diagonal: see the function `diagEmbed`. */
    diagEmbed(options?: DiagonalOptions): Tensor;
    /** Of a matrix its diagonal, of a vector the matrix with it: see the function `diag`. */
    diag(offset?: number): Tensor;
    /** A matrix with all elements along a diagonal. */
    diagflat(offset?: number): Tensor;
  }
}
