/** What the functions of linear algebra share: checks, copies for the native side, parts of matrices. */
import { TensorError } from '../errors.js';
import { checkFloating, contiguous, copyInto, scalar } from '../ops/operand.js';
import { expand } from '../ops/reduction/reduce.js';
import { diagonal } from '../ops/shape/diagonal.js';
import { slice, transpose, unsqueeze } from '../ops/shape/shape.js';
import { embed } from '../ops/shape/view.js';
import { zeros } from '../tensor/creation.js';
import type { DType } from '../tensor/dtype.js';
import { broadcastShapes, formatShape, numel, type Shape, sameShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';

/** @throws TensorError unless it is a float32 or float64 tensor of matrices in the last two dimensions */
export function checkMatrices(operation: string, x: unknown): asserts x is Tensor {
  checkFloating(operation, x);
  checkRank(operation, x);
}

function checkRank(operation: string, x: Tensor): void {
  if (x.ndim < 2) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] takes matrices in the last two dimensions; shape ${formatShape(x.shape)} has ${x.ndim}`,
    );
  }
}

/** @throws TensorError unless it is a float32 or float64 tensor of square matrices */
export function checkSquare(operation: string, x: unknown): asserts x is Tensor {
  checkFloating(operation, x);
  checkSides(operation, x);
}

/** @throws TensorError ERR_SHAPE unless it has as many rows as columns */
export function checkSides(operation: string, x: Tensor): void {
  checkRank(operation, x);
  if (rowsOf(x) !== colsOf(x)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] takes square matrices, not ${formatShape(x.shape)}: ${rowsOf(x)} != ${colsOf(x)}`,
    );
  }
}

/** @throws TensorError ERR_DTYPE unless both have one dtype */
export function checkSame(operation: string, a: Tensor, b: Tensor): void {
  if (a.dtype !== b.dtype) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] the operands are ${a.dtype} and ${b.dtype}; convert one with to(...)`,
    );
  }
}

export const rowsOf = (x: Tensor): number => x.shape.at(-2) as number;
export const colsOf = (x: Tensor): number => x.shape.at(-1) as number;
export const batchOf = (x: Tensor): Shape => x.shape.slice(0, -2);

/** A relative rounding error of the dtype: the distance from 1 to the next number. */
export const epsilonOf = (dtype: DType): number => (dtype === 'float64' ? 2 ** -52 : 2 ** -23);

/** Both with the batch dimensions that they broadcast to. */
export function sameBatch(operation: string, a: Tensor, b: Tensor): [Tensor, Tensor] {
  const batch = broadcastShapes(operation, batchOf(a), batchOf(b));
  const stretch = (x: Tensor) =>
    sameShape(batchOf(x), batch) ? x : expand(x, [...batch, ...x.shape.slice(-2)]);
  return [stretch(a), stretch(b)];
}

/** Matrices that the native side can walk through with one step, and that step. */
export function walkable(x: Tensor): [x: Tensor, step: number] {
  let step = 0;
  let next: number | null = null;
  for (let d = x.ndim - 3; d >= 0; d--) {
    const size = x.shape[d] as number;
    const stride = x.strides[d] as number;
    if (size === 1) continue;
    if (next === null) step = stride;
    else if (stride !== next) {
      const copied = contiguous(x.detach());
      return [copied, rowsOf(x) * colsOf(x)];
    }
    next = stride * size;
  }
  return [x, step];
}

/**
 * @param info a number for each matrix, other than 0 where a factorisation failed
 * @throws TensorError ERR_ARGUMENT naming the first such matrix of the batch
 */
export function checkInfo(
  operation: string,
  info: Tensor,
  batch: Shape,
  text: (info: number) => string,
): void {
  const { data } = info;
  for (let i = 0; i < data.length; i++) {
    const failed = data[i] as number;
    if (failed === 0) continue;
    const index: number[] = [];
    for (let d = batch.length - 1, left = i; d >= 0; d--) {
      index.unshift(left % (batch[d] as number));
      left = Math.floor(left / (batch[d] as number));
    }
    const which = batch.length === 0 ? 'the matrix' : `matrix ${formatShape(index)} of the batch`;
    throw new TensorError('ERR_ARGUMENT', `[${operation}] ${which} ${text(failed)}`);
  }
}

/** A place for a number for each matrix of a batch. */
export const infoFor = (batch: Shape): Tensor => zeros([numel(batch)], { dtype: 'int32' });

/** The diagonals, as a view: shape [..., min(m, n)]. */
export const diagonalOf = (x: Tensor): Tensor => diagonal(x, { dim1: -2, dim2: -1 });

/** Identity matrices of a batch. */
export function identities(batch: Shape, n: number, dtype: DType): Tensor {
  const y = zeros([...batch, n, n], { dtype });
  if (y.numel > 0) copyInto(diagonalOf(y), expand(scalar(1, dtype), [...batch, n]));
  return y;
}

/** Zeros of rows x cols with x in the place that begins at (i, j). */
export function placed(x: Tensor, rows: number, cols: number, i: number, j: number): Tensor {
  const [height, width] = [rowsOf(x), colsOf(x)];
  const view = (whole: Tensor) => block(whole, [i, i + height], [j, j + width]);
  return embed('placed', x, [...batchOf(x), rows, cols], view);
}

/** Rows [i0, i1) and columns [j0, j1) of matrices, as a view. */
export function block(
  x: Tensor,
  [i0, i1]: readonly [number, number],
  [j0, j1]: readonly [number, number],
): Tensor {
  return slice(x, [...batchOf(x).map(() => null), [i0, i1], [j0, j1]]);
}

/** The last two dimensions exchanged. */
export const mT = (x: Tensor): Tensor => transpose(x);

/** A number for each matrix as a matrix of one element, to be broadcast. */
export const perMatrix = (x: Tensor): Tensor => unsqueeze(unsqueeze(x, -1), -1);
