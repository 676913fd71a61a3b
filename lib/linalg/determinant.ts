/** Determinants, from LU factors; their gradients also where there is no inverse. */
import { isGradEnabled } from '../autograd/mode.js';
import { attach, recording } from '../autograd/tape.js';
import { composed } from '../autograd/tidy.js';
import { TensorError } from '../errors.js';
import { rows, runRow } from '../native/commands.js';
import { where } from '../ops/elementwise/ternary.js';
import { contiguous } from '../ops/operand.js';
import { matmul } from '../ops/product/matmul.js';
import { all } from '../ops/reduction/count.js';
import { amax, amin } from '../ops/reduction/extremum.js';
import { prod } from '../ops/reduction/prod.js';
import { cumprod } from '../ops/reduction/scan.js';
import { concat } from '../ops/shape/join.js';
import { unsqueeze } from '../ops/shape/shape.js';
import { triu } from '../ops/shape/triangle.js';
import { eye, fillWith, ones, uninitialized } from '../tensor/creation.js';
import type { Tensor } from '../tensor/tensor.js';
import { checkedInverse, type Factors, factor, inverseFrom } from './lu.js';
import {
  batchOf,
  block,
  checkSquare,
  diagonalOf,
  epsilonOf,
  identities,
  mT,
  perMatrix,
  rowsOf,
} from './parts.js';
import { decompose, type Svd } from './svd.js';

/** 1 or -1 for each matrix: whether an even number of rows was exchanged. */
function parity(pivots: Tensor, dtype: Tensor['dtype']): Tensor {
  const sign = uninitialized(pivots.shape.slice(0, -1), dtype);
  const n = pivots.shape.at(-1) as number;
  if (n === 0) fillWith(sign, 1);
  else if (sign.numel > 0) {
    const { array, offset } = contiguous(pivots);
    runRow(rows.linalgParity, [array, sign.array], [offset, sign.offset], [sign.numel, n]);
  }
  return sign;
}

/** Without recording. */
const determinant = ({ lu: packed, pivots }: Factors): Tensor =>
  prod(diagonalOf(packed), { dim: -1 }).mul(parity(pivots, packed.dtype));

/** What `det` needs of a singular value decomposition: cofactors are made from it without a division. */
interface Spectrum extends Svd {
  /** det(U) det(V), 1 or -1, for each matrix. */
  sign: Tensor;
}

function spectrumOf(a: Tensor): Spectrum {
  const parts = decompose('det', a, false, true);
  const [left, right] = [determinant(factor(parts.u)), determinant(factor(parts.vh))];
  return { ...parts, sign: perMatrix(left.mul(right)) };
}

/** For each singular value the product of all others. */
function productsWithoutOne(s: Tensor): Tensor {
  const others = where(eye(s.shape.at(-1) as number, { dtype: 'bool' }), 1, unsqueeze(s, -2));
  return prod(others, { dim: -1 });
}

/** For each pair of singular values the product of all others; 0 on the diagonal. */
function productsWithoutTwo(s: Tensor): Tensor {
  const n = s.shape.at(-1) as number;
  const later = triu(ones([n, n], { dtype: 'bool' }), 1);
  const ahead = where(later, unsqueeze(s, -2), 1);
  const before = prod(where(mT(later), unsqueeze(s, -2), 1), { dim: -1 });
  const after = prod(ahead, { dim: -1 });
  const first = ones([...s.shape, 1], { dtype: s.dtype });
  const between = concat([first, block(cumprod(ahead, -1), [0, n], [0, n - 1])], -1);
  const products = unsqueeze(before, -1).mul(between).mul(unsqueeze(after, -2));
  const upper = where(later, products, 0);
  return upper.add(mT(upper));
}

/**
 * The cofactors of A = U S V^T, det(A) inv(A)^T where there is an inverse: det(U) det(V) U T V^T, where
 * T_ii is the product of the other singular values (Stewart, "On the adjugate matrix", 1998). Recorded.
 */
function cofactors(a: Tensor): Tensor {
  const matrices = a.detach();
  const spectrum = spectrumOf(matrices);
  const { u, s, vh, sign } = spectrum;
  const y = matmul(u.mul(unsqueeze(productsWithoutOne(s), -2)), vh).mul(sign);
  if (recording(a)) attach(y, 'det', [a], [(h) => cofactorsAlong(h, a, spectrum)]);
  return y;
}

/**
 * The derivative of the cofactors of A along H, which is symmetric, so that it is their gradient too.
 * Cofactors of products are products of cofactors; therefore it is det(U) det(V) U D V^T with the
 * derivative D of those of S along M = U^T H V. S is diagonal: with the products P_ij of all singular
 * values but two, D_ii is the sum of P_ij M_jj, and D_ij elsewhere is -P_ij M_ji.
 */
function cofactorsAlong(h: Tensor, a: Tensor, spectrum: Spectrum): Tensor {
  const { u, s, vh, sign } = spectrum;
  const products = productsWithoutTwo(s);
  const m = matmul(matmul(mT(u), h.detach()), mT(vh));
  const diagonal = matmul(products, unsqueeze(diagonalOf(m), -1));
  const d = identities(batchOf(m), rowsOf(m), m.dtype)
    .mul(diagonal)
    .sub(products.mul(mT(m)));
  const y = matmul(matmul(u, d), vh).mul(sign);
  if (recording(h, a)) {
    const refuse = (): never => {
      throw new TensorError(
        'ERR_STATE',
        '[det] has no third derivative where a matrix is singular, or close to it',
      );
    };
    attach(y, 'det', [h, a], [(g) => cofactorsAlong(g, a, spectrum), refuse]);
  }
  return y;
}

/**
 * Whether the inverse serves for derivatives of the gradient: det(A) inv(A) inv(A) divides twice by the
 * smallest pivot, and once more than the result is large. Half of the digits are left at this bound.
 */
function isRegular({ lu: packed }: Factors): boolean {
  if (packed.numel === 0) return true;
  const pivots = diagonalOf(packed).abs();
  const [least, largest] = [amin(pivots, { dim: -1 }), amax(pivots, { dim: -1 })];
  return all(least.gt(largest.mul(Math.sqrt(epsilonOf(packed.dtype))))).item() === 1;
}

/**
 * The determinants of square matrices, from their LU factors: 1 of 0 x 0 matrices. The gradient is
 * g det(A) inv(A)^T (Giles 2008, 2.2.4); where a matrix of the batch is singular, and for the second
 * derivative where one is close to it, that of the cofactors, from the singular value decomposition.
 * @param a shape [..., n, n]
 * @returns shape [...]
 * @throws TensorError ERR_SHAPE unless they are square, ERR_DTYPE for other dtypes than float32 and
 * float64; ERR_STATE for the third derivative of a singular matrix
 * @example
 * ```ts
 * linalg.det(tensor([[1, 2], [3, 4]])); // => -2
 * ```
 */
export function det(a: Tensor): Tensor {
  checkSquare('det', a);
  return composed(() => {
    const factors = factor(a);
    const y = determinant(factors);
    if (recording(a)) {
      const invertible = factors.info.data.every((at) => at === 0);
      const rule = (g: Tensor) =>
        invertible && (!isGradEnabled() || isRegular(factors))
          ? perMatrix(g.mul(y)).mul(mT(inverseFrom(a, factors)))
          : perMatrix(g).mul(cofactors(a));
      attach(y, 'det', [a], [rule]);
    }
    return y;
  });
}

/** A determinant as a sign and a logarithm. */
export interface SignAndLogarithm {
  /** 1, -1, or 0 of singular matrices. */
  sign: Tensor;
  /** log |det(A)|, -Infinity of singular matrices. */
  logabsdet: Tensor;
}

function signAndLogarithm({ lu: packed, pivots }: Factors): SignAndLogarithm {
  const diagonal = diagonalOf(packed);
  // 0 is added because -0 is no sign.
  const sign = prod(diagonal.sign(), { dim: -1 }).mul(parity(pivots, packed.dtype)).add(0);
  return { sign, logabsdet: diagonal.abs().log().sum({ dim: -1 }) };
}

/** Notes that y is log |det(A)|, whose gradient is inv(A)^T g. */
function attachLogarithm(operation: string, y: Tensor, a: Tensor, factors: Factors): void {
  if (!recording(a)) return;
  const rule = (g: Tensor) => perMatrix(g).mul(mT(checkedInverse(operation, a, factors)));
  attach(y, operation, [a], [rule]);
}

/**
 * The signs of determinants and the logarithms of their absolute values, where the determinants
 * themselves would overflow or underflow. The logarithm's gradient is g inv(A)^T (Giles 2008, 2.2.4).
 * @param a shape [..., n, n]
 * @returns `sign` and `logabsdet`, each of shape [...]; the sign has no gradient
 * @throws TensorError as det; the backward pass throws ERR_ARGUMENT for a singular matrix
 * @example
 * ```ts
 * linalg.slogdet(tensor([[1, 0], [0, -1]])).sign; // => -1
 * ```
 */
export function slogdet(a: Tensor): SignAndLogarithm {
  checkSquare('slogdet', a);
  const factors = factor(a);
  const result = signAndLogarithm(factors);
  attachLogarithm('slogdet', result.logabsdet, a, factors);
  return result;
}

/**
 * The logarithms of determinants: NaN of negative ones, -Infinity of 0.
 * @param a shape [..., n, n]
 * @returns shape [...]
 * @throws TensorError as slogdet
 * @example
 * ```ts
 * logdet(tensor([[1, 0], [0, 1]])); // => 0
 * ```
 */
export function logdet(a: Tensor): Tensor {
  checkSquare('logdet', a);
  const factors = factor(a);
  const { sign, logabsdet } = signAndLogarithm(factors);
  const y = where(sign.lt(0), Number.NaN, logabsdet);
  attachLogarithm('logdet', y, a, factors);
  return y;
}
