/** Triangles of matrices: their elements, and where they are. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { rows, runGeometry, runRow } from '../../native/commands.js';
import { checkTensorOptions, type TensorOptions, uninitialized } from '../../tensor/creation.js';
import { checkShape, describe, formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { checkTensor, to } from '../operand.js';

function checkDiagonal(operation: string, diagonal: unknown): asserts diagonal is number {
  if (!Number.isSafeInteger(diagonal)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] the diagonal is a whole number, not ${describe(diagonal)}`,
    );
  }
}

/** The matrices of x with zeros on the other side of a diagonal. */
function triangle(operation: 'tril' | 'triu', x: Tensor, diagonal: number): Tensor {
  checkTensor(operation, x);
  checkDiagonal(operation, diagonal);
  if (x.ndim < 2) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] takes matrices, not shape ${formatShape(x.shape)}`,
    );
  }
  const y = uninitialized(x.shape, x.dtype);
  const upper = operation === 'triu';
  const [height, width] = x.shape.slice(-2) as [number, number];
  // The first column of row 0 behind the lower part, which an upper triangle begins at.
  const behind = Math.max(-height, Math.min(width, upper ? diagonal : diagonal + 1));
  runGeometry(rows.cutTriangle, x.shape, [x, y], [behind, Number(upper)]);
  if (recording(x)) attach(y, operation, [x], [(g) => triangle(operation, g, diagonal)]);
  return y;
}

/**
 * The lower triangle of a matrix or of each of several: the elements [i, j] with j - i <= diagonal, zeros
 * elsewhere.
 * @param diagonal the last one that stays, 0 (default) for the main one, above it > 0, below it < 0
 * @throws TensorError ERR_SHAPE for less than two dimensions, ERR_ARGUMENT
 * @example
 * ```ts
 * tril(tensor([[1, 2], [3, 4]])); // => [[1, 0], [3, 4]]
 * ```
 */
export function tril(x: Tensor, diagonal = 0): Tensor {
  return triangle('tril', x, diagonal);
}

/**
 * The upper triangle of a matrix or of each of several: the elements [i, j] with j - i >= diagonal, zeros
 * elsewhere.
 * @param diagonal the first one that stays, 0 (default) for the main one, above it > 0, below it < 0
 * @throws TensorError ERR_SHAPE for less than two dimensions, ERR_ARGUMENT
 * @example
 * ```ts
 * triu(tensor([[1, 2], [3, 4]])); // => [[1, 2], [0, 4]]
 * ```
 */
export function triu(x: Tensor, diagonal = 0): Tensor {
  return triangle('triu', x, diagonal);
}

/** How many elements [i, j] of a matrix have j - i <= diagonal. */
function countLower(rows: number, columns: number, diagonal: number): number {
  // Rows that have some, and the first of those that are whole.
  const first = Math.min(rows, Math.max(0, -diagonal));
  const whole = Math.min(rows, Math.max(first, columns - diagonal - 1));
  const parts = whole - first;
  return parts * (first + diagonal + 1) + (parts * (parts - 1)) / 2 + (rows - whole) * columns;
}

function coordinates(
  operation: 'trilIndices' | 'triuIndices',
  height: number,
  width: number,
  diagonal: number,
  options: Pick<TensorOptions, 'dtype'>,
): Tensor {
  checkShape(operation, [height, width]);
  checkDiagonal(operation, diagonal);
  checkTensorOptions(operation, options, ['dtype']);
  const upper = operation === 'triuIndices';
  // A diagonal outside of the matrix is one beside it.
  const cut = Math.max(-height - 1, Math.min(width + 1, diagonal));
  const count = upper
    ? height * width - countLower(height, width, cut - 1)
    : countLower(height, width, cut);
  const result = uninitialized([2, count], 'int32');
  const { array, offset } = result;
  runRow(
    rows.triangle,
    [array, array],
    [offset, offset + count],
    [count, height, width, cut, Number(upper)],
  );
  return to(result, options.dtype ?? 'int32');
}

/**
 * The coordinates of the lower triangle of a matrix, row by row: shape [2, count], first the rows, then
 * the columns, int32 (PyTorch has int64).
 * @param diagonal the last diagonal that belongs to it, as in `tril`
 * @throws TensorError ERR_SHAPE for sizes that aren't whole numbers >= 0, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * trilIndices(2, 3); // => [[0, 1, 1], [0, 0, 1]]
 * ```
 */
export function trilIndices(
  rows: number,
  columns: number,
  diagonal = 0,
  options: Pick<TensorOptions, 'dtype'> = {},
): Tensor {
  return coordinates('trilIndices', rows, columns, diagonal, options);
}

/**
 * The coordinates of the upper triangle of a matrix, row by row: shape [2, count], first the rows, then
 * the columns, int32 (PyTorch has int64).
 * @param diagonal the first diagonal that belongs to it, as in `triu`
 * @throws TensorError ERR_SHAPE for sizes that aren't whole numbers >= 0, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * triuIndices(2, 3, 1); // => [[0, 0, 1], [1, 2, 2]]
 * ```
 */
export function triuIndices(
  rows: number,
  columns: number,
  diagonal = 0,
  options: Pick<TensorOptions, 'dtype'> = {},
): Tensor {
  return coordinates('triuIndices', rows, columns, diagonal, options);
}

defineMethods({ tril, triu });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** The lower triangle of a matrix, zeros elsewhere: see the function `tril`. */
    tril(diagonal?: number): Tensor;
    /** The upper triangle of a matrix, zeros elsewhere: see the function `triu`. */
    triu(diagonal?: number): Tensor;
  }
}
