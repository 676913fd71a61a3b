/** Cholesky factorisation of symmetric positive definite matrices. */

import { attach, recording } from '../autograd/tape.js';
import { TensorError } from '../errors.js';
import { rows, runRow } from '../native/commands.js';
import { contiguous, copyOf } from '../ops/operand.js';
import { matmul } from '../ops/product/matmul.js';
import { diagEmbed } from '../ops/shape/diagonal.js';
import { tril } from '../ops/shape/triangle.js';
import { checkOptions, formatShape, numel } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import {
  batchOf,
  checkInfo,
  checkMatrices,
  checkSame,
  checkSquare,
  diagonalOf,
  identities,
  infoFor,
  mT,
  rowsOf,
  sameBatch,
} from './parts.js';
import { checkFlag, solveWithTriangle } from './triangular.js';

export interface CholeskyOptions {
  /** Whether upper triangular factors are meant: A = U^T U instead of A = L L^T. Default false. */
  upper?: boolean;
}

function upperOf(operation: string, options: CholeskyOptions): boolean {
  checkOptions(operation, options, ['upper']);
  const { upper = false } = options;
  return checkFlag(operation, 'upper', upper);
}

/**
 * A's gradient from L's: with M = tril(L^T g), whose diagonal is halved, it is inv(L)^T M inv(L),
 * made symmetric (Murray, "Differentiation of the Cholesky decomposition", 2016, equation 10).
 */
function gradient(l: Tensor, g: Tensor): Tensor {
  const product = tril(matmul(mT(l), g));
  const middle = product.sub(diagEmbed(diagonalOf(product).mul(0.5)));
  const left = solveWithTriangle(mT(l), middle, true, false);
  const whole = mT(solveWithTriangle(mT(l), mT(left), true, false));
  return whole.add(mT(whole)).mul(0.5);
}

/**
 * The lower triangular L with a positive diagonal and A = L L^T, for symmetric positive definite
 * matrices: by recursion on halves (Gustavson, "Recursion leads to automatic variable blocking for
 * dense linear-algebra algorithms", 1997). Backward stable. Only A's lower triangle is read (its upper
 * one with `upper`); the gradient is symmetric.
 * @param a shape [..., n, n]
 * @param options upper: the upper triangular U with A = U^T U instead
 * @throws TensorError ERR_ARGUMENT naming the first matrix of the batch that is not positive definite
 * (or not finite), ERR_SHAPE unless they are square, ERR_DTYPE for other dtypes than float32 and
 * float64
 * @example
 * ```ts
 * linalg.cholesky(tensor([[4, 2], [2, 5]])); // => [[2, 0], [1, 2]]
 * linalg.cholesky(tensor([[1, 2], [2, 1]])); // throws ERR_ARGUMENT
 * ```
 */
export function cholesky(a: Tensor, options: CholeskyOptions = {}): Tensor {
  checkSquare('cholesky', a);
  const upper = upperOf('cholesky', options);
  const u = copyOf(upper ? a : mT(a));
  const info = infoFor(batchOf(a));
  if (u.numel > 0) {
    runRow(
      rows.linalgCholesky,
      [u.array, info.array],
      [u.offset, info.offset],
      [numel(batchOf(a)), rowsOf(a)],
    );
    const text = (at: number) =>
      `is not positive definite: the pivot of row ${at - 1} is not above 0`;
    checkInfo('cholesky', info, batchOf(a), text);
  }
  const y = upper ? u : copyOf(mT(u));
  if (recording(a)) {
    const rule = upper ? (g: Tensor) => gradient(mT(y), mT(g)) : (g: Tensor) => gradient(y, g);
    attach(y, 'cholesky', [a], [rule]);
  }
  return y;
}

/**
 * The solution X of A X = B from A's Cholesky factor.
 * @param b shape [..., n, k]
 * @param factor L with A = L L^T, or with `upper` U with A = U^T U; shape [..., n, n]; batch
 * dimensions are broadcast
 * @throws TensorError ERR_SHAPE when they don't fit, ERR_DTYPE unless both are float32 or both float64
 * @example
 * ```ts
 * choleskySolve(tensor([[8], [12]]), tensor([[2, 0], [1, 2]])); // => [[1], [2]]
 * ```
 */
export function choleskySolve(b: Tensor, factor: Tensor, options: CholeskyOptions = {}): Tensor {
  checkMatrices('choleskySolve', b);
  checkSquare('choleskySolve', factor);
  checkSame('choleskySolve', factor, b);
  const upper = upperOf('choleskySolve', options);
  if (rowsOf(b) !== rowsOf(factor)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[choleskySolve] shapes ${formatShape(b.shape)} and ${formatShape(factor.shape)} do not fit`,
    );
  }
  const [matrices, sides] = sameBatch('choleskySolve', factor, b);
  const l = upper ? mT(matrices) : matrices;
  return solveWithTriangle(mT(l), solveWithTriangle(l, sides, false, false), true, false);
}

/**
 * The inverses of symmetric positive definite matrices from their Cholesky factors.
 * @param factor L with A = L L^T, or with `upper` U with A = U^T U; shape [..., n, n]
 * @throws TensorError ERR_SHAPE unless they are square, ERR_DTYPE for other dtypes than float32 and
 * float64
 * @example
 * ```ts
 * choleskyInverse(tensor([[2, 0], [0, 4]])); // => [[0.25, 0], [0, 0.0625]]
 * ```
 */
export function choleskyInverse(factor: Tensor, options: CholeskyOptions = {}): Tensor {
  checkSquare('choleskyInverse', factor);
  const upper = upperOf('choleskyInverse', options);
  const l = contiguous(upper ? mT(factor) : factor);
  const half = solveWithTriangle(l, identities(batchOf(l), rowsOf(l), l.dtype), false, false);
  return matmul(mT(half), half);
}
