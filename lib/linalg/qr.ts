/** QR factorisation. */

import { attach, recording } from '../autograd/tape.js';
import { TensorError } from '../errors.js';
import { rows, runRow } from '../native/commands.js';
import { checkFloating, contiguous, copyOf } from '../ops/operand.js';
import { matmul } from '../ops/product/matmul.js';
import { reshape } from '../ops/shape/shape.js';
import { tril, triu } from '../ops/shape/triangle.js';
import { uninitialized } from '../tensor/creation.js';
import { checkOptions, describe, formatShape, numel, sameShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import {
  batchOf,
  block,
  checkMatrices,
  checkSame,
  colsOf,
  identities,
  mT,
  placed,
  rowsOf,
} from './parts.js';
import { solveWithTriangle } from './triangular.js';

/** Which parts {@link qr} computes. */
export type QrMode = 'reduced' | 'complete' | 'r';

/** Options of {@link qr}. */
export interface QrOptions {
  /**
   * `reduced`: Q has min(m, n) columns; `complete`: m of them; `r`: only R is computed, and Q is
   * empty. Default `reduced`.
   */
  mode?: QrMode;
}

/** A = Q R. */
export interface Qr {
  /** Orthonormal columns. */
  q: Tensor;
  /** Upper triangular. */
  r: Tensor;
}

/** The reflectors of A below R, and their factors. */
function reflectors(a: Tensor): { packed: Tensor; tau: Tensor } {
  const packed = copyOf(a);
  const [m, n] = [rowsOf(a), colsOf(a)];
  const k = Math.min(m, n);
  const tau = uninitialized([...batchOf(a), k], a.dtype);
  if (packed.numel > 0) {
    runRow(
      rows.linalgQr,
      [packed.array, tau.array],
      [packed.offset, tau.offset],
      [numel(batchOf(a)), m, n, k],
    );
  }
  return { packed, tau };
}

/** The first n columns of the product of reflectors, without recording. */
function columns(packed: Tensor, tau: Tensor, n: number): Tensor {
  const [m, c] = [rowsOf(packed), colsOf(packed)];
  const batch = batchOf(packed);
  const k = tau.shape.at(-1) as number;
  if (k === 0 || numel(batch) === 0 || n === 0) {
    return block(identities(batch, Math.max(m, n), packed.dtype), [0, m], [0, n]);
  }
  const q = uninitialized([...batch, m, n], packed.dtype);
  runRow(
    rows.linalgHouseholder,
    [packed.array, tau.array, q.array],
    [packed.offset, tau.offset, q.offset],
    [numel(batch), m, c, n, k],
  );
  return q;
}

/**
 * [gQ + Q copyltu(M)] inv(R)^T with M = R gR^T - gQ^T Q, for at least as many rows as columns, where
 * copyltu mirrors the lower triangle (Walter and Lehmann, "Algorithmic differentiation of linear
 * algebra functions with application in optimum experimental design", 2010).
 */
function tallGradient(q: Tensor, r: Tensor, gq: Tensor | null, gr: Tensor | null): Tensor {
  let m = gr === null ? null : matmul(r, mT(gr));
  if (gq !== null) {
    const other = matmul(mT(gq), q);
    m = m === null ? other.neg() : m.sub(other);
  }
  const product = m as Tensor;
  const mirrored = tril(product).add(mT(tril(product, -1)));
  const through = matmul(q, mirrored);
  const sum = gq === null ? through : gq.add(through);
  return mT(solveWithTriangle(r, mT(sum), true, false));
}

/**
 * A's gradient from Q's and R's, either of which may be null. The columns beyond the rows of a wide
 * A = [X Y] are Q^T Y in R = [U V].
 */
function gradient(a: Tensor, q: Tensor, r: Tensor, gq: Tensor | null, gr: Tensor | null): Tensor {
  const [m, n] = [rowsOf(a), colsOf(a)];
  if (m >= n) return tallGradient(q, r, gq, gr);
  const left = (t: Tensor) => block(t, [0, m], [0, m]);
  const right = (t: Tensor) => block(t, [0, m], [m, n]);
  if (gr === null) return placed(tallGradient(q, left(r), gq, null), m, n, 0, 0);
  const throughV = matmul(right(a), mT(right(gr)));
  const sum = gq === null ? throughV : gq.add(throughV);
  const first = tallGradient(q, left(r), sum, left(gr));
  return placed(first, m, n, 0, 0).add(placed(matmul(q, right(gr)), m, n, 0, m));
}

/**
 * A = Q R by Householder reflectors (Golub and Van Loan, "Matrix Computations", 4th edition, 5.2),
 * backward stable. R's diagonal has the signs that LAPACK gives it, some of them negative.
 * @param a shape [..., m, n]
 * @param options mode: see `QrOptions`
 * @returns with k = min(m, n): `q` [..., m, k] and `r` [..., k, n]; with `complete` [..., m, m] and
 * [..., m, n]; with `r` an empty q of shape [0]
 * @throws TensorError ERR_SHAPE without two dimensions, ERR_DTYPE for other dtypes than float32 and
 * float64, ERR_ARGUMENT for another mode; the backward pass throws ERR_STATE for `complete` with
 * more rows than columns, where Q is not determined by A
 * @example
 * ```ts
 * linalg.qr(tensor([[3], [4]])).r; // => [[-5]]
 * ```
 */
export function qr(a: Tensor, options: QrOptions = {}): Qr {
  checkMatrices('qr', a);
  checkOptions('qr', options, ['mode']);
  const { mode = 'reduced' } = options;
  if (!['reduced', 'complete', 'r'].includes(mode)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[qr] mode is reduced, complete or r, not ${describe(mode)}`,
    );
  }
  const [m, n] = [rowsOf(a), colsOf(a)];
  const k = mode === 'complete' ? m : Math.min(m, n);
  const { packed, tau } = reflectors(a);
  const r = triu(block(packed, [0, k], [0, n]));
  const records = recording(a);
  const wanted = mode !== 'r' || records;
  const q = wanted ? contiguous(columns(packed, tau, k)) : uninitialized([0], a.dtype);
  if (records) {
    const rule = (gq: Tensor | null, gr: Tensor | null) => {
      if (k > n) {
        throw new TensorError(
          'ERR_STATE',
          `[qr] with mode complete and more rows than columns (${formatShape(a.shape)}) there is no gradient; use reduced`,
        );
      }
      return gradient(a, q, r, gq, gr);
    };
    attach(q, 'qr', [a], [(g) => rule(g, null)]);
    attach(r, 'qr', [a], [(g) => rule(null, g)]);
  }
  return { q: mode === 'r' ? uninitialized([0], a.dtype) : q, r };
}

/**
 * The first columns of a product of Householder reflectors H_i = I - tau_i v_i v_i^T, where v_i is
 * column i of `vectors` from row i + 1 on, after zeros and a 1: what QR factorisations hold. Where a
 * gradient is asked for, it is computed by differentiable operations, one reflector after another.
 * @param vectors shape [..., m, n], m >= n
 * @param tau shape [..., k], k <= n
 * @returns shape [..., m, n]
 * @throws TensorError ERR_SHAPE when they don't fit, ERR_DTYPE unless both are float32 or both float64
 * @example
 * ```ts
 * linalg.householderProduct(tensor([[1], [1]]), tensor([1])); // => [[0], [-1]]
 * ```
 */
export function householderProduct(vectors: Tensor, tau: Tensor): Tensor {
  checkMatrices('householderProduct', vectors);
  checkFloating('householderProduct', tau);
  checkSame('householderProduct', vectors, tau);
  const [m, n] = [rowsOf(vectors), colsOf(vectors)];
  const k = tau.shape.at(-1) ?? -1;
  if (m < n || k > n || !sameShape(tau.shape.slice(0, -1), batchOf(vectors)) || tau.ndim === 0) {
    throw new TensorError(
      'ERR_SHAPE',
      `[householderProduct] vectors ${formatShape(vectors.shape)} and tau ${formatShape(tau.shape)} do not fit`,
    );
  }
  if (!recording(vectors, tau)) return columns(contiguous(vectors), contiguous(tau), n);
  const batch = batchOf(vectors);
  let q = block(identities(batch, m, vectors.dtype), [0, m], [0, n]);
  const whole = tril(vectors, -1).add(block(identities(batch, m, tau.dtype), [0, m], [0, n]));
  for (let i = k - 1; i >= 0; i--) {
    const v = block(whole, [0, m], [i, i + 1]);
    const factor = reshape(tau, [...batch, 1, k]);
    const scale = block(factor, [0, 1], [i, i + 1]);
    q = q.sub(matmul(v.mul(scale), matmul(mT(v), q)));
  }
  return q;
}
