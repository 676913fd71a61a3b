/** The singular value decomposition. */

import { attach, recording } from '../autograd/tape.js';
import { TensorError } from '../errors.js';
import { rows, runRow } from '../native/commands.js';
import { copyOf } from '../ops/operand.js';
import { matmul } from '../ops/product/matmul.js';
import { unsqueeze } from '../ops/shape/shape.js';
import { uninitialized } from '../tensor/creation.js';
import { checkOptions, formatShape, numel } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { differences, iterationText } from './eigh.js';
import {
  batchOf,
  block,
  checkInfo,
  checkMatrices,
  colsOf,
  identities,
  infoFor,
  mT,
  rowsOf,
} from './parts.js';
import { checkFlag } from './triangular.js';

/** Options of {@link svd}. */
export interface SvdOptions {
  /** Whether U and Vh are square; otherwise they have min(m, n) columns and rows. Default true. */
  fullMatrices?: boolean;
}

/** A = U diag(s) Vh. */
export interface Svd {
  /** Orthonormal columns. */
  u: Tensor;
  /** Descending, none negative. */
  s: Tensor;
  /** Orthonormal rows. */
  vh: Tensor;
}

/** The decomposition without recording. Without vectors u and vh are empty. */
export function decompose(operation: string, a: Tensor, full: boolean, vectors: boolean): Svd {
  const wide = rowsOf(a) < colsOf(a);
  const work = copyOf(wide ? mT(a) : a);
  const batch = batchOf(a);
  const [m, n] = [rowsOf(work), colsOf(work)];
  const p = full ? m : n;
  const s = uninitialized([...batch, n], a.dtype);
  let left = vectors ? uninitialized([...batch, p, m], a.dtype) : null;
  const right = vectors ? uninitialized([...batch, n, n], a.dtype) : null;
  if (work.numel > 0) {
    const info = infoFor(batch);
    const all = [work, s, left, right, info];
    runRow(
      rows.linalgSvd,
      all.map((t) => t?.array ?? null),
      all.map((t) => t?.offset ?? 0),
      [numel(batch), m, n, vectors ? p : 0],
    );
    checkInfo(operation, info, batch, iterationText);
  } else if (vectors) {
    left = block(identities(batch, m, a.dtype), [0, p], [0, m]);
  }
  if (left === null || right === null) return { u: s, s, vh: s };
  return wide ? { u: copyOf(mT(right)), s, vh: left } : { u: copyOf(mT(left)), s, vh: right };
}

const offDiagonal = (x: Tensor): Tensor => x.mul(identities([], rowsOf(x), x.dtype).neg().add(1));

/** (X - X^T) / E with E_ij = s_j^2 - s_i^2. */
const skewShare = (x: Tensor, s: Tensor): Tensor =>
  offDiagonal(x.sub(mT(x))).div(differences(s.square()));

/** x - U (U^T x), what of x lies outside the columns of U. */
const outside = (u: Tensor, x: Tensor): Tensor => x.sub(matmul(u, matmul(mT(u), x)));

/**
 * Gradients by Townsend, "Differentiating the singular value decomposition", 2016, as PyTorch has
 * them: U [(skew(U^T gU) / E) S + S (skew(V^T gV) / E) + diag(gS)] V^T and, of rectangular matrices,
 * what of gU lies outside of U, through inv(S) V^T, and the same of V.
 */
function attachRules(operation: string, a: Tensor, { u, s, vh }: Svd): void {
  const row = () => unsqueeze(s, -2);
  const column = () => unsqueeze(s, -1);
  const between = (middle: Tensor) => matmul(matmul(u, middle), vh);
  attach(s, operation, [a], [(g) => matmul(u.mul(unsqueeze(g, -2)), vh)]);
  attach(
    u,
    operation,
    [a],
    [
      (g) => {
        const inner = between(skewShare(matmul(mT(u), g), s).mul(row()));
        return rowsOf(u) === colsOf(u) ? inner : inner.add(matmul(outside(u, g).div(row()), vh));
      },
    ],
  );
  attach(
    vh,
    operation,
    [a],
    [
      (g) => {
        const v = mT(vh);
        const inner = between(skewShare(matmul(vh, mT(g)), s).mul(column()));
        if (rowsOf(v) === colsOf(v)) return inner;
        return inner.add(matmul(u, mT(outside(v, mT(g))).div(column())));
      },
    ],
  );
}

/** With gradients of s, and of the vectors too where they are determined. */
function compute(operation: string, a: Tensor, full: boolean, vectors: boolean): Svd {
  const records = recording(a);
  const result = decompose(operation, a, full, vectors || records);
  if (!records) return result;
  const k = result.s.shape.at(-1) as number;
  const thin = {
    u: block(result.u, [0, rowsOf(a)], [0, k]),
    s: result.s,
    vh: block(result.vh, [0, k], [0, colsOf(a)]),
  };
  if (rowsOf(a) === colsOf(a) || !full) {
    attachRules(operation, a, result);
    return result;
  }
  attachRules(operation, a, thin);
  const refuse = (): never => {
    throw new TensorError(
      'ERR_STATE',
      `[${operation}] the vectors that fullMatrices adds to a matrix of shape ${formatShape(a.shape)} have no gradient; use { fullMatrices: false }`,
    );
  };
  attach(result.u, operation, [a], [refuse]);
  attach(result.vh, operation, [a], [refuse]);
  return result;
}

/** The thin decomposition, recorded. */
export const thinSvd = (operation: string, a: Tensor): Svd => compute(operation, a, false, true);

/** The singular values, recorded. */
export const singularValues = (operation: string, a: Tensor): Tensor =>
  compute(operation, a, false, false).s;

/**
 * A = U diag(s) Vh: Householder's reduction to bidiagonal form and the implicit QR method of Golub
 * and Kahan (Golub and Van Loan, "Matrix Computations", 4th edition, 8.6), backward stable: the values
 * are exact to a few eps times the largest one. Vectors are determined up to their common sign, and
 * those of equal values up to a rotation. Matrices that aren't finite give NaN.
 * @param a shape [..., m, n]
 * @param options fullMatrices: default true, as in PyTorch
 * @returns with k = min(m, n): `s` [..., k], and `u` [..., m, m] and `vh` [..., n, n], or [..., m, k]
 * and [..., k, n] with `fullMatrices: false`
 * @throws TensorError ERR_SHAPE without two dimensions, ERR_DTYPE for other dtypes than float32 and
 * float64; the backward pass throws ERR_STATE for vectors that `fullMatrices` adds
 * @example
 * ```ts
 * linalg.svd(tensor([[3, 0], [0, -2]])).s; // => [3, 2]
 * ```
 */
export function svd(a: Tensor, options: SvdOptions = {}): Svd {
  checkMatrices('svd', a);
  checkOptions('svd', options, ['fullMatrices']);
  const { fullMatrices = true } = options;
  return compute('svd', a, checkFlag('svd', 'fullMatrices', fullMatrices), true);
}

/**
 * The singular values of matrices, descending: those of `svd`.
 * @param a shape [..., m, n]
 * @returns shape [..., min(m, n)]
 * @throws TensorError as svd
 * @example
 * ```ts
 * linalg.svdvals(tensor([[0, 2], [1, 0]])); // => [2, 1]
 * ```
 */
export function svdvals(a: Tensor): Tensor {
  checkMatrices('svdvals', a);
  return singularValues('svdvals', a);
}
