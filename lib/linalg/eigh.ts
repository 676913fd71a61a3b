/** Eigenvalues and eigenvectors of symmetric matrices. */

import { attach, recording } from '../autograd/tape.js';
import { TensorError } from '../errors.js';
import { rows, runRow } from '../native/commands.js';
import { copyOf } from '../ops/operand.js';
import { matmul } from '../ops/product/matmul.js';
import { unsqueeze } from '../ops/shape/shape.js';
import { uninitialized } from '../tensor/creation.js';
import { checkOptions, describe, numel } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { batchOf, checkInfo, checkSquare, identities, infoFor, mT, rowsOf } from './parts.js';

/** Options of {@link eigh} and {@link eigvalsh}. */
export interface EighOptions {
  /** Which triangle of A is read. Default `L`, the lower one. */
  UPLO?: 'L' | 'U';
}

/** A = V diag(L) V^T. */
export interface Eigh {
  /** Ascending, shape [..., n]. */
  eigenvalues: Tensor;
  /** Orthonormal columns, in the order of the eigenvalues, shape [..., n, n]. */
  eigenvectors: Tensor;
}

/** What is said of a matrix whose iteration didn't end. */
export const iterationText = () => 'did not converge';

/** x_j - x_i for all pairs, and 1 on the diagonal. */
export function differences(x: Tensor): Tensor {
  const apart = unsqueeze(x, -2).sub(unsqueeze(x, -1));
  return apart.add(identities([], rowsOf(apart), x.dtype));
}

/** The decomposition without recording. Without vectors their place holds nothing. */
function decompose(operation: string, a: Tensor, lower: boolean, vectors: boolean): Eigh {
  const work = copyOf(lower ? a : mT(a));
  const batch = batchOf(a);
  const n = rowsOf(a);
  const eigenvalues = uninitialized([...batch, n], a.dtype);
  if (work.numel > 0) {
    const info = infoFor(batch);
    runRow(
      rows.linalgEigh,
      [work.array, eigenvalues.array, info.array],
      [work.offset, eigenvalues.offset, info.offset],
      [numel(batch), n, Number(vectors)],
    );
    checkInfo(operation, info, batch, iterationText);
  }
  return { eigenvalues, eigenvectors: vectors ? copyOf(mT(work)) : work };
}

/**
 * With eigenvectors V: V (diag(gL) + (V^T gV) / E) V^T, where E_ij = l_j - l_i beside the diagonal
 * (Giles, "Collected matrix derivative results", 2008, 3.1). Infinite where eigenvalues are equal
 * and the vectors' gradient tells them apart.
 */
function compute(operation: string, a: Tensor, options: EighOptions, vectors: boolean): Eigh {
  checkSquare(operation, a);
  checkOptions(operation, options, ['UPLO']);
  const { UPLO = 'L' } = options;
  if (UPLO !== 'L' && UPLO !== 'U') {
    throw new TensorError('ERR_ARGUMENT', `[${operation}] UPLO is L or U, not ${describe(UPLO)}`);
  }
  const records = recording(a);
  const result = decompose(operation, a, UPLO === 'L', vectors || records);
  const { eigenvalues: w, eigenvectors: v } = result;
  if (records) {
    attach(w, operation, [a], [(g) => matmul(v.mul(unsqueeze(g, -2)), mT(v))]);
    const rule = (g: Tensor) => {
      const inner = matmul(mT(v), g);
      const beside = inner.mul(identities([], rowsOf(a), a.dtype).neg().add(1));
      return matmul(matmul(v, beside.div(differences(w))), mT(v));
    };
    attach(v, operation, [a], [rule]);
  }
  return result;
}

/**
 * Eigenvalues and eigenvectors of symmetric matrices, A = V diag(w) V^T: Householder's reduction to
 * tridiagonal form and the implicit QL method with Wilkinson's shift (Golub and Van Loan, "Matrix
 * Computations", 4th edition, 8.3), backward stable. Vectors are determined up to their sign, and
 * those of equal eigenvalues up to a rotation. Matrices that aren't finite give NaN. There is no `eig`
 * for general matrices.
 * @param a shape [..., n, n], of which one triangle is read
 * @param options UPLO: which one
 * @throws TensorError ERR_SHAPE unless they are square, ERR_DTYPE for other dtypes than float32 and
 * float64, ERR_ARGUMENT for another UPLO
 * @example
 * ```ts
 * linalg.eigh(tensor([[2, 0], [0, 1]])).eigenvalues; // => [1, 2]
 * ```
 */
export function eigh(a: Tensor, options: EighOptions = {}): Eigh {
  return compute('eigh', a, options, true);
}

/**
 * The eigenvalues of symmetric matrices, ascending: those of `eigh`.
 * @param a shape [..., n, n]
 * @returns shape [..., n]
 * @throws TensorError as eigh
 * @example
 * ```ts
 * linalg.eigvalsh(tensor([[0, 1], [1, 0]])); // => [-1, 1]
 * ```
 */
export function eigvalsh(a: Tensor, options: EighOptions = {}): Tensor {
  return compute('eigvalsh', a, options, false).eigenvalues;
}
