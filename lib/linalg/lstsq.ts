/** Least squares. */
import { attach, recording } from '../autograd/tape.js';
import { TensorError } from '../errors.js';
import { rows, runRow } from '../native/commands.js';
import { where } from '../ops/elementwise/ternary.js';
import { copyOf } from '../ops/operand.js';
import { matmul } from '../ops/product/matmul.js';
import { sum } from '../ops/reduction/reduce.js';
import { squeeze, unsqueeze } from '../ops/shape/shape.js';
import { uninitialized, zeros } from '../tensor/creation.js';
import { checkNumber, checkOptions, describe, numel } from '../tensor/shape.js';
import type { GradRule, Tensor } from '../tensor/tensor.js';
import { equation } from './lu.js';
import { batchOf, colsOf, epsilonOf, mT, rowsOf } from './parts.js';
import { pinvGradient, pinvOf, significant } from './pinv.js';
import { qr } from './qr.js';
import { thinSvd } from './svd.js';
import { solveWithTriangle } from './triangular.js';

/** How {@link lstsq} finds its solution; the names are LAPACK's. */
export type LstsqDriver = 'gelsy' | 'gelsd';

/** Options of {@link lstsq}. */
export interface LstsqOptions {
  /**
   * What counts as 0: with `gelsd` singular values up to this times the largest, with `gelsy` what is left
   * of columns at right angles to those before, up to this times the largest column. Default eps max(m, n).
   */
  rcond?: number;
  /**
   * `gelsy`: a QR factorisation with column pivoting, and where it shows a lower rank a complete
   * orthogonal one; `gelsd`: the singular value decomposition, which tells the rank more surely and takes
   * several times as long. Default `gelsy`.
   */
  driver?: LstsqDriver;
}

/** What {@link lstsq} found. */
export interface Lstsq {
  /** X, of least |X| among the best. */
  solution: Tensor;
  /** The sums of squares of A X - B for each column; empty unless m > n and all ranks are n. */
  residuals: Tensor;
  /** The ranks of A, int64. */
  rank: Tensor;
  /** The singular values of A with the driver `gelsd`; otherwise empty, shape [0]. */
  singularValues: Tensor;
}

/** Without recording: X, the ranks, and the singular values if there are any. */
type Found = readonly [x: Tensor, rank: Tensor, singularValues: Tensor];

/** By column pivoting. */
function byPivoting(a: Tensor, b: Tensor, rcond: number): Found {
  const batch = batchOf(a);
  const [m, n, k] = [rowsOf(a), colsOf(a), colsOf(b)];
  const x = zeros([...batch, n, k], { dtype: a.dtype });
  const rank = zeros(batch, { dtype: 'int32' });
  if (a.numel > 0) {
    // Used up; an operand without elements is a place nevertheless.
    const matrices = copyOf(a.detach());
    const sides = k > 0 ? copyOf(b.detach()) : uninitialized([0], a.dtype);
    runRow(
      rows.linalgLeastSquares,
      [matrices.array, sides.array, x.array, rank.array],
      [matrices.offset, sides.offset, x.offset, rank.offset],
      [numel(batch), m, n, k, rcond],
    );
  }
  return [x, rank.to('int64'), zeros([0], { dtype: a.dtype })];
}

/** By singular values: V inv(S) U^T B. */
function bySingularValues(a: Tensor, b: Tensor, rcond: number): Found {
  const { u, s, vh } = thinSvd('lstsq', a.detach());
  const used = significant(s, { rtol: rcond, atol: 0 });
  const inverse = unsqueeze(where(used, s.reciprocal(), 0), -1);
  const x = matmul(mT(vh), matmul(mT(u), b.detach()).mul(inverse));
  return [x, sum(used.to('int32'), { dim: -1 }), s];
}

const DRIVERS: Readonly<Record<LstsqDriver, (a: Tensor, b: Tensor, rcond: number) => Found>> = {
  gelsy: byPivoting,
  gelsd: bySingularValues,
};

/** What the gradients of X = P B are made of, for A's pseudoinverse P. */
interface Adjoint {
  /** P^T g: B's gradient. */
  toSides: Tensor;
  /** What changes of A beside its own rows and columns add to -P^T g X^T, A's gradient; null: nothing. */
  beyond: () => Tensor | null;
}

/**
 * For matrices whose rank is the smaller of m and n (Golub and Pereyra 1973, as `pinvGradient`), by a QR
 * factorisation, which is several times cheaper than singular values. With A = Q R, P is inv(R) Q^T and
 * what is added (B - A X) (inv(R) inv(R)^T g)^T; with A^T = Q R, it is Q inv(R)^T and
 * (inv(R) Q^T X) (g - Q Q^T g)^T.
 */
function adjointOfFullRank(a: Tensor, b: Tensor, x: Tensor, g: Tensor): Adjoint {
  const [m, n] = [rowsOf(a), colsOf(a)];
  const { q, r } = qr(m >= n ? a : mT(a));
  if (m >= n) {
    const z = solveWithTriangle(mT(r), g, false, false);
    const residual = () => b.sub(matmul(a, x));
    return {
      toSides: matmul(q, z),
      beyond: () => (m > n ? matmul(residual(), mT(solveWithTriangle(r, z, true, false))) : null),
    };
  }
  const inRows = matmul(mT(q), g);
  const beside = () => g.sub(matmul(q, inRows));
  return {
    toSides: solveWithTriangle(r, inRows, true, false),
    beyond: () => matmul(solveWithTriangle(r, matmul(mT(q), x), true, false), mT(beside())),
  };
}

/** A's and B's gradients for matrices of full rank. */
function rulesOfFullRank(a: Tensor, b: Tensor, x: Tensor): GradRule[] {
  return [
    (g) => {
      const { toSides, beyond } = adjointOfFullRank(a, b, x, g);
      const inside = matmul(toSides, mT(x));
      const more = beyond();
      return more === null ? inside.neg() : more.sub(inside);
    },
    (g) => adjointOfFullRank(a, b, x, g).toSides,
  ];
}

/** The same for any rank, which singular values tell: of X = P B the pseudoinverse's rule, and P^T g. */
function rulesOfAnyRank(a: Tensor, b: Tensor, rcond: number): GradRule[] {
  const inverted = () => pinvOf('lstsq', a, { rtol: rcond, atol: 0, hermitian: false });
  return [(g) => pinvGradient(a, inverted(), matmul(g, mT(b))), (g) => matmul(mT(inverted()), g)];
}

/**
 * The X of least |A X - B|, and among these of least |X|, for matrices of any shape and rank. Gradients
 * are those of the pseudoinverse times B: of matrices of full rank by a QR factorisation, where one of a
 * batch has a lower rank by singular values.
 * @param a shape [..., m, n]
 * @param b shape [..., m, k], or vectors: shape [m] or A's without its last dimension. Batch dimensions
 * are broadcast
 * @throws TensorError ERR_SHAPE when they don't fit, ERR_DTYPE unless both are float32 or both
 * float64, ERR_ARGUMENT for unknown options and drivers
 * @example
 * ```ts
 * linalg.lstsq(tensor([[1], [1]]), tensor([[1], [3]])).solution; // => [[2]]
 * ```
 */
export function lstsq(a: Tensor, b: Tensor, options: LstsqOptions = {}): Lstsq {
  const [matrices, sides, vector] = equation('lstsq', a, b);
  checkOptions('lstsq', options, ['rcond', 'driver']);
  const [m, n] = [rowsOf(a), colsOf(a)];
  const { rcond = epsilonOf(a.dtype) * Math.max(m, n), driver = 'gelsy' } = options;
  checkNumber('lstsq', 'rcond', rcond, 0);
  if (typeof driver !== 'string' || !Object.hasOwn(DRIVERS, driver)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[lstsq] the driver is gelsy or gelsd, not ${describe(driver)}`,
    );
  }
  const [x, rank, singularValues] = DRIVERS[driver](matrices, sides, rcond);
  const records = recording(matrices, sides);
  const isFull = (records || m > n) && rank.eq(Math.min(m, n)).all().item() === 1;
  if (records) {
    const rules = isFull
      ? rulesOfFullRank(matrices, sides, x)
      : rulesOfAnyRank(matrices, sides, rcond);
    attach(x, 'lstsq', [matrices, sides], rules);
  }
  const residuals =
    isFull && m > n
      ? sum(matmul(matrices, x).sub(sides).square(), { dim: -2 })
      : zeros([0], { dtype: a.dtype });
  return { solution: vector ? squeeze(x, -1) : x, residuals, rank, singularValues };
}
