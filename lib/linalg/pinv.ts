/** What rests on the singular values: rank and pseudoinverse. */
import { attach, recording } from '../autograd/tape.js';
import { where } from '../ops/elementwise/ternary.js';
import { matmul } from '../ops/product/matmul.js';
import { amax } from '../ops/reduction/extremum.js';
import { sum } from '../ops/reduction/reduce.js';
import { unsqueeze } from '../ops/shape/shape.js';
import { checkNumber, checkOptions } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { eigh, eigvalsh } from './eigh.js';
import { checkMatrices, checkSquare, colsOf, epsilonOf, mT, rowsOf } from './parts.js';
import { singularValues, thinSvd } from './svd.js';
import { checkFlag } from './triangular.js';

/** Options of {@link matrixRank} and {@link pinv}. */
export interface ToleranceOptions {
  /** Values up to this times the largest count as 0. Default eps max(m, n), or 0 when atol is given. */
  rtol?: number;
  /** Values up to this count as 0. Default 0. The larger of both bounds holds. */
  atol?: number;
  /** Whether the matrices are symmetric; then eigenvalues are computed, of the lower triangle. Default false. */
  hermitian?: boolean;
}

export interface Tolerances {
  rtol: number;
  atol: number;
  hermitian: boolean;
}

function tolerances(operation: string, a: Tensor, options: ToleranceOptions): Tolerances {
  checkOptions(operation, options, ['rtol', 'atol', 'hermitian']);
  const { hermitian = false, atol = 0 } = options;
  checkFlag(operation, 'hermitian', hermitian);
  checkNumber(operation, 'atol', atol, 0);
  const usual = atol > 0 ? 0 : epsilonOf(a.dtype) * Math.max(rowsOf(a), colsOf(a));
  const { rtol = usual } = options;
  checkNumber(operation, 'rtol', rtol, 0);
  if (hermitian) checkSquare(operation, a);
  return { rtol, atol, hermitian };
}

/** Which values (none negative) are above the tolerance, as bool. */
export function significant(s: Tensor, { rtol, atol }: Omit<Tolerances, 'hermitian'>): Tensor {
  if (s.numel === 0) return s.gt(0);
  const bound = amax(s, { dim: -1, keepDim: true }).mul(rtol);
  return s.gt(where(bound.lt(atol), atol, bound));
}

/**
 * The ranks of matrices: how many singular values are above max(atol, rtol * the largest).
 * @param a shape [..., m, n]
 * @returns int32 (PyTorch has int64), shape [...]; no gradient
 * @throws TensorError ERR_SHAPE without two dimensions (or, with `hermitian`, unless they are square),
 * ERR_DTYPE for other dtypes than float32 and float64, ERR_ARGUMENT for unknown options and tolerances
 * that aren't numbers >= 0
 * @example
 * ```ts
 * linalg.matrixRank(tensor([[1, 2], [2, 4]])); // => 1
 * ```
 */
export function matrixRank(a: Tensor, options: ToleranceOptions = {}): Tensor {
  checkMatrices('matrixRank', a);
  const bounds = tolerances('matrixRank', a, options);
  const x = a.detach();
  const s = bounds.hermitian ? eigvalsh(x).abs() : singularValues('matrixRank', x);
  return sum(significant(s, bounds).to('int32'), { dim: -1 });
}

/** V inv(S) U^T of the significant values, without recording. */
function pseudoinverse(operation: string, a: Tensor, bounds: Tolerances): Tensor {
  const x = a.detach();
  if (bounds.hermitian) {
    const { eigenvalues: w, eigenvectors: v } = eigh(x);
    const inverse = where(significant(w.abs(), bounds), w.reciprocal(), 0);
    return matmul(v.mul(unsqueeze(inverse, -2)), mT(v));
  }
  const { u, s, vh } = thinSvd(operation, x);
  const inverse = where(significant(s, bounds), s.reciprocal(), 0);
  return matmul(mT(vh).mul(unsqueeze(inverse, -2)), mT(u));
}

/**
 * A's gradient from that of its pseudoinverse P, for matrices of constant rank (Golub and Pereyra,
 * "The differentiation of pseudo-inverses and nonlinear least squares problems", 1973, 4.12), where
 * dP = -P dA P + P P^T dA^T (I - A P) + (I - P A) dA^T P^T P.
 */
export function pinvGradient(a: Tensor, p: Tensor, g: Tensor): Tensor {
  const [pt, gt] = [mT(p), mT(g)];
  const first = matmul(matmul(pt, g), pt).neg();
  const aboveRows = matmul(matmul(gt.sub(matmul(a, matmul(p, gt))), p), pt);
  const besideColumns = matmul(matmul(pt, p), gt.sub(matmul(matmul(gt, p), a)));
  return first.add(aboveRows).add(besideColumns);
}

/**
 * The pseudoinverses of Moore and Penrose, by the singular value decomposition (or the eigenvalues of
 * symmetric matrices): V inv(S) U^T, where singular values up to max(atol, rtol * the largest) count as
 * 0. Differentiable where the rank doesn't change.
 * @param a shape [..., m, n]
 * @returns shape [..., n, m]
 * @throws TensorError as matrixRank
 * @example
 * ```ts
 * linalg.pinv(tensor([[2, 0], [0, 0]])); // => [[0.5, 0], [0, 0]]
 * ```
 */
export function pinv(a: Tensor, options: ToleranceOptions = {}): Tensor {
  checkMatrices('pinv', a);
  return pinvOf('pinv', a, tolerances('pinv', a, options));
}

/** The pseudoinverses within the bounds, recorded under the operation's name. */
export function pinvOf(operation: string, a: Tensor, bounds: Tolerances): Tensor {
  const y = pseudoinverse(operation, a, bounds);
  if (recording(a)) attach(y, operation, [a], [(g) => pinvGradient(a, y, g)]);
  return y;
}
