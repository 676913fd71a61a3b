/** LU factorisation, and what is computed from it: solutions, inverses, determinants. */

import { attach, recording } from '../autograd/tape.js';
import { TensorError } from '../errors.js';
import { rows, runRow } from '../native/commands.js';
import { checkTensor, contiguous, copyOf } from '../ops/operand.js';
import { matmul } from '../ops/product/matmul.js';
import { squeeze, unsqueeze } from '../ops/shape/shape.js';
import { tril, triu } from '../ops/shape/triangle.js';
import { uninitialized } from '../tensor/creation.js';
import { checkOptions, formatShape, numel, sameShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import {
  batchOf,
  block,
  checkInfo,
  checkMatrices,
  checkSame,
  checkSquare,
  colsOf,
  identities,
  infoFor,
  mT,
  placed,
  rowsOf,
  sameBatch,
} from './parts.js';
import { checkFlag, solveWithTriangle } from './triangular.js';

/** L and U in one matrix, and the row exchanges. */
export interface LuFactors {
  /** U on and above the diagonal, L below it (its ones are left out). */
  lu: Tensor;
  /** int32, counted from 1 as in LAPACK: row i was exchanged with row pivots[i] - 1, in order. */
  pivots: Tensor;
}

/** With what tells whether there is an inverse. */
export interface Factors extends LuFactors {
  /** For each matrix the first column without a pivot, counted from 1, or 0. */
  info: Tensor;
}

/** The factors of A, without recording. */
export function factor(a: Tensor): Factors {
  const lu = copyOf(a);
  const batch = batchOf(a);
  const k = Math.min(rowsOf(a), colsOf(a));
  const pivots = uninitialized([...batch, k], 'int32');
  const info = infoFor(batch);
  if (lu.numel > 0) {
    runRow(
      rows.linalgLu,
      [lu.array, pivots.array, info.array],
      [lu.offset, pivots.offset, info.offset],
      [numel(batch), rowsOf(a), colsOf(a), k],
    );
  }
  return { lu, pivots, info };
}

/** P^T B, or P B, for the exchanges of a factorisation of matrices of B's batch; recorded. */
function permuted(b: Tensor, pivots: Tensor, back: boolean): Tensor {
  const y = copyOf(b);
  if (y.numel > 0) {
    runRow(
      rows.linalgPermute,
      [y.array, pivots.array],
      [y.offset, pivots.offset],
      [numel(batchOf(y)), rowsOf(y), colsOf(y), pivots.shape.at(-1) as number, Number(back)],
    );
  }
  if (recording(b)) attach(y, 'permuted', [b], [(g) => permuted(g, pivots, !back)]);
  return y;
}

const pivotText = (at: number) => `is singular: U[${at - 1}, ${at - 1}] is 0, so it has no inverse`;

/** inv(A) B, or inv(A)^T B, from the factors, without recording. */
function solveFactored({ lu, pivots }: LuFactors, b: Tensor, transposed: boolean): Tensor {
  const factors = lu.detach();
  const sides = b.detach();
  if (!transposed) {
    const y = solveWithTriangle(factors, permuted(sides, pivots, false), false, true);
    return solveWithTriangle(factors, y, true, false);
  }
  const y = solveWithTriangle(mT(factors), sides, false, false);
  return permuted(solveWithTriangle(mT(factors), y, true, true), pivots, true);
}

const lowerFactor = (packed: Tensor): Tensor => {
  const k = Math.min(rowsOf(packed), colsOf(packed));
  const left = block(packed, [0, rowsOf(packed)], [0, k]);
  const ones = placed(identities(batchOf(packed), k, packed.dtype), rowsOf(packed), k, 0, 0);
  return tril(left, -1).add(ones);
};

const upperFactor = (packed: Tensor): Tensor => {
  const k = Math.min(rowsOf(packed), colsOf(packed));
  return triu(block(packed, [0, k], [0, colsOf(packed)]));
};

/** X inv(U)^T for an upper triangular U. */
const divideByUpper = (x: Tensor, u: Tensor): Tensor =>
  mT(solveWithTriangle(u, mT(x), true, false));

/**
 * A's gradient from those of L and U in one matrix g, for P^T A = L U. Of square matrices it is
 * P inv(L)^T [tril(L^T gL, -1) + triu(gU U^T)] inv(U)^T (Giles 2008, extended to LU as in PyTorch).
 * More rows are L2 = A2 inv(U), more columns U2 = inv(L) A2, and what that says of U and L is added
 * to their gradients.
 */
function luGradient(packed: Tensor, pivots: Tensor, g: Tensor): Tensor {
  const m = rowsOf(packed);
  const n = colsOf(packed);
  const k = Math.min(m, n);
  const l = lowerFactor(block(packed, [0, k], [0, k]));
  const u = upperFactor(block(packed, [0, k], [0, k]));
  const square = block(g, [0, k], [0, k]);
  let gl = tril(square, -1);
  let gu = triu(square);
  let rest: Tensor | null = null;
  if (m > k) {
    const below = divideByUpper(block(g, [k, m], [0, k]), u);
    gu = gu.sub(triu(matmul(mT(block(packed, [k, m], [0, k])), below)));
    rest = placed(below, m, n, k, 0);
  } else if (n > k) {
    const beside = solveWithTriangle(mT(l), block(g, [0, k], [k, n]), true, true);
    gl = gl.sub(tril(matmul(beside, mT(block(packed, [0, k], [k, n]))), -1));
    rest = placed(beside, m, n, 0, k);
  }
  const middle = tril(matmul(mT(l), gl), -1).add(triu(matmul(gu, mT(u))));
  const first = divideByUpper(solveWithTriangle(mT(l), middle, true, true), u);
  const whole = rest === null ? first : placed(first, m, n, 0, 0).add(rest);
  return permuted(whole, pivots, true);
}

/** The factors, recorded. */
function factorRecorded(a: Tensor): Factors {
  const factors = factor(a);
  const { lu, pivots } = factors;
  if (recording(a)) attach(lu, 'luFactor', [a], [(g) => luGradient(lu, pivots, g)]);
  return factors;
}

/**
 * P^T A = L U with partial pivoting, L and U in one matrix: by recursion on halves of the columns
 * (Toledo, "Locality of reference in LU decomposition with partial pivoting", 1997). Backward stable
 * but for the growth of the pivots, which is small except for made-up matrices (Golub and Van Loan,
 * "Matrix Computations", 3.4). Singular matrices have a 0 on U's diagonal.
 * @param a shape [..., m, n]; any batch dimensions
 * @returns `lu` of A's shape, differentiable where A has full rank, and `pivots`, int32 [...,
 * min(m, n)]
 * @throws TensorError ERR_SHAPE without two dimensions, ERR_DTYPE for other dtypes than float32 and
 * float64, ERR_ARGUMENT for anything but a tensor
 * @example
 * ```ts
 * linalg.luFactor(tensor([[1, 3], [2, 4]])).pivots; // => [2, 2]
 * ```
 */
export function luFactor(a: Tensor): LuFactors {
  checkMatrices('luFactor', a);
  const { lu, pivots } = factorRecorded(a);
  return { lu, pivots };
}

/** A = P L U. */
export interface Lu {
  /** Permutation matrices, [..., m, m]. */
  p: Tensor;
  /** Lower triangular with ones on the diagonal, [..., m, min(m, n)]. */
  l: Tensor;
  /** Upper triangular, [..., min(m, n), n]. */
  u: Tensor;
}

/**
 * A = P L U: the factorisation of `luFactor` taken apart.
 * @param a shape [..., m, n]
 * @throws TensorError as luFactor
 * @example
 * ```ts
 * linalg.lu(tensor([[1, 3], [2, 4]])).u; // => [[2, 4], [0, 1]]
 * ```
 */
export function lu(a: Tensor): Lu {
  checkMatrices('lu', a);
  const { lu: packed, pivots } = factorRecorded(a);
  const p = permuted(identities(batchOf(a), rowsOf(a), a.dtype), pivots, true);
  return { p, l: lowerFactor(packed), u: upperFactor(packed) };
}

/** Whether b holds a vector for each matrix of a, in PyTorch's sense. */
function isVector(a: Tensor, b: Tensor): boolean {
  return b.ndim === 1 || (b.ndim === a.ndim - 1 && sameShape(b.shape, a.shape.slice(0, -1)));
}

/** @throws TensorError ERR_SHAPE unless B has as many rows as A */
function checkFits(operation: string, a: Tensor, b: Tensor): void {
  if (b.ndim < 2 || rowsOf(b) !== rowsOf(a)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] shapes ${formatShape(a.shape)} and ${formatShape(b.shape)} do not fit`,
    );
  }
}

/** The arguments of an equation as matrices of one batch, and whether B was a vector. */
export function equation(operation: string, a: Tensor, b: Tensor): [Tensor, Tensor, boolean] {
  checkMatrices(operation, a);
  checkTensor(operation, b);
  checkSame(operation, a, b);
  const vector = isVector(a, b);
  const sides = vector ? unsqueeze(b, -1) : b;
  checkFits(operation, a, sides);
  return [...sameBatch(operation, a, sides), vector];
}

/**
 * inv(A) B for matrices of one batch (or inv(A)^T B), recorded: B's gradient is G = inv(A)^T g, A's
 * is -G X^T (Giles 2008, 2.3). The factors serve all gradients.
 */
function solveMatrices(a: Tensor, factors: Factors, b: Tensor, transposed: boolean): Tensor {
  const x = solveFactored(factors, b, transposed);
  if (recording(a, b)) {
    const back = (g: Tensor) => solveMatrices(a, factors, g, !transposed);
    const rule = (g: Tensor) =>
      (transposed ? matmul(x, mT(back(g))) : matmul(back(g), mT(x))).neg();
    attach(x, 'solve', [a, b], [rule, back]);
  }
  return x;
}

/** Options of {@link solve}. */
export interface SolveOptions {
  /** Whether the equation is A X = B, and not X A = B. Default true. */
  left?: boolean;
}

/**
 * The solution X of A X = B, or of X A = B, by LU factorisation with partial pivoting.
 * @param a square matrices, shape [..., n, n]
 * @param b shape [..., n, k] ([..., k, n] with `left: false`); or, of A X = B, vectors of shape [n] or
 * A's without its last dimension. Batch dimensions are broadcast
 * @returns B's shape, with the batch dimensions of both
 * @throws TensorError ERR_ARGUMENT naming the first matrix of the batch that is singular (one with a
 * pivot of exactly 0), and for unknown options; ERR_SHAPE when the shapes don't fit, ERR_DTYPE unless
 * both are float32 or both float64
 * @example
 * ```ts
 * linalg.solve(tensor([[2, 1], [1, 3]]), tensor([3, 5])); // => [0.8, 1.4]
 * linalg.solve(tensor([[2, 1], [0, 4]]), tensor([[2, 9]]), { left: false }); // => [[1, 2]]
 * linalg.solve(tensor([[1, 2], [2, 4]]), tensor([1, 2])); // throws ERR_ARGUMENT
 * ```
 */
export function solve(a: Tensor, b: Tensor, options: SolveOptions = {}): Tensor {
  checkSquare('solve', a);
  checkOptions('solve', options, ['left']);
  const { left = true } = options;
  checkFlag('solve', 'left', left);
  const [matrices, sides, vector] = left ? equation('solve', a, b) : turnedEquation('solve', a, b);
  const factors = factor(matrices);
  checkInfo('solve', factors.info, batchOf(matrices), pivotText);
  const x = solveMatrices(matrices, factors, sides, !left);
  if (!left) return mT(x);
  return vector ? squeeze(x, -1) : x;
}

/** The matrices and right sides of A^T X^T = B^T, which X A = B is. */
function turnedEquation(operation: string, a: Tensor, b: Tensor): [Tensor, Tensor, false] {
  checkMatrices(operation, b);
  checkSame(operation, a, b);
  const sides = mT(b);
  checkFits(operation, a, sides);
  return [...sameBatch(operation, a, sides), false];
}

/**
 * The solution X of A X = B from A's factors (`luFactor`).
 * @param factors `lu` [..., n, n] and its `pivots`
 * @param b shape [..., n, k], batch dimensions as the factors'
 * @throws TensorError ERR_SHAPE when the shapes don't fit, ERR_DTYPE when dtypes differ, ERR_INDEX
 * for pivots that are no rows
 * @example
 * ```ts
 * const factors = linalg.luFactor(tensor([[2, 0], [0, 4]]));
 * linalg.luSolve(factors, tensor([[2], [8]])); // => [[1], [2]]
 * ```
 */
export function luSolve(factors: LuFactors, b: Tensor): Tensor {
  const { lu: packed, pivots } = Object(factors) as LuFactors;
  checkSquare('luSolve', packed);
  checkMatrices('luSolve', b);
  checkSame('luSolve', packed, b);
  checkTensor('luSolve', pivots);
  checkFits('luSolve', packed, b);
  if (pivots.dtype !== 'int32')
    throw new TensorError('ERR_DTYPE', `[luSolve] pivots are int32, not ${pivots.dtype}`);
  const fits =
    sameShape(pivots.shape, packed.shape.slice(0, -1)) && sameShape(batchOf(packed), batchOf(b));
  if (!fits) {
    throw new TensorError(
      'ERR_SHAPE',
      `[luSolve] factors ${formatShape(packed.shape)}, pivots ${formatShape(pivots.shape)} and ` +
        `right sides ${formatShape(b.shape)} do not fit`,
    );
  }
  const y = permuted(b, contiguous(pivots), false);
  return solveWithTriangle(packed, solveWithTriangle(packed, y, false, true), true, false);
}

/** The inverses from the factors, recorded. */
export function inverseFrom(a: Tensor, factors: Factors): Tensor {
  const y = solveFactored(factors, identities(batchOf(a), rowsOf(a), a.dtype), false);
  if (recording(a)) {
    attach(y, 'inv', [a], [(g) => matmul(matmul(mT(y), g), mT(y)).neg()]);
  }
  return y;
}

/** The same, where there are any. */
export function checkedInverse(operation: string, a: Tensor, factors: Factors): Tensor {
  checkInfo(operation, factors.info, batchOf(a), pivotText);
  return inverseFrom(a, factors);
}

/** The inverses and where there are none (info other than 0; there the values mean nothing). */
export function invEx(a: Tensor): { inverse: Tensor; info: Tensor } {
  const factors = factor(a);
  return { inverse: inverseFrom(a, factors), info: factors.info };
}

/**
 * The inverses of square matrices: the solutions of A X = I. Its gradient is -X^T g X^T (Giles
 * 2008, 2.2.3). To solve equations use `solve`, which is faster and more accurate.
 * @param a shape [..., n, n]
 * @throws TensorError ERR_ARGUMENT naming the first matrix of the batch that is singular; ERR_SHAPE
 * unless they are square, ERR_DTYPE for other dtypes than float32 and float64
 * @example
 * ```ts
 * linalg.inv(tensor([[2, 0], [0, 4]])); // => [[0.5, 0], [0, 0.25]]
 * ```
 */
export function inv(a: Tensor): Tensor {
  checkSquare('inv', a);
  return checkedInverse('inv', a, factor(a));
}
