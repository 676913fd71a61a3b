/** Equations with triangular matrices. */

import { attach, recording } from '../autograd/tape.js';
import { TensorError } from '../errors.js';
import { rows, runRow } from '../native/commands.js';
import { contiguous, copyOf } from '../ops/operand.js';
import { matmul } from '../ops/product/matmul.js';
import { tril, triu } from '../ops/shape/triangle.js';
import { checkOptions, describe, formatShape, numel } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import {
  batchOf,
  checkMatrices,
  checkSame,
  checkSquare,
  colsOf,
  mT,
  rowsOf,
  sameBatch,
  walkable,
} from './parts.js';

/** Options of {@link solveTriangular}. */
export interface SolveTriangularOptions {
  /** Whether the matrices are upper triangular; otherwise lower. */
  upper: boolean;
  /** Solves A X = B; otherwise X A = B. Default true. */
  left?: boolean;
  /** Whether the diagonal counts as ones; then it is not read. Default false. */
  unitriangular?: boolean;
}

/** @throws TensorError ERR_ARGUMENT unless it is a boolean */
export function checkFlag(operation: string, name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] ${name} must be true or false, not ${describe(value)}`,
    );
  }
  return value;
}

/**
 * inv(A) B for triangular matrices A of B's batch; recorded. With G = inv(A)^T g for the gradient g
 * of X, B's gradient is G and A's is -G X^T in the triangle (Giles, "Collected matrix derivative
 * results for forward and reverse mode algorithmic differentiation", 2008, 2.3).
 */
export function solveWithTriangle(a: Tensor, b: Tensor, upper: boolean, unit: boolean): Tensor {
  const x = copyOf(b);
  if (x.numel > 0) {
    const [walk, step] = walkable(a);
    runRow(
      rows.linalgTriangular,
      [walk.array, x.array],
      [walk.offset, x.offset],
      [
        numel(batchOf(x)),
        rowsOf(x),
        colsOf(x),
        step,
        walk.strides.at(-2) as number,
        walk.strides.at(-1) as number,
        Number(upper),
        Number(unit),
      ],
    );
  }
  if (recording(a, b)) {
    const back = (g: Tensor) => solveWithTriangle(mT(a), g, !upper, unit);
    const triangle = (t: Tensor) => {
      const first = unit ? 1 : 0;
      return upper ? triu(t, first) : tril(t, -first);
    };
    attach(x, 'solveTriangular', [a, b], [(g) => triangle(matmul(back(g), mT(x)).neg()), back]);
  }
  return x;
}

/**
 * The solution X of A X = B for triangular matrices A, by substitution. The other triangle of A is
 * not read, and nothing checks that the diagonal has no zeros: they give infinities and NaN.
 * @param a shape [..., n, n]
 * @param b shape [..., n, k] ([..., k, n] with `left: false`); batch dimensions are broadcast
 * @returns B's shape
 * @throws TensorError ERR_SHAPE when they don't fit, ERR_DTYPE unless both are float32 or both
 * float64, ERR_ARGUMENT for unknown options and an `upper` that isn't given
 * @example
 * ```ts
 * const l = tensor([[2, 0], [1, 4]]);
 * linalg.solveTriangular(l, tensor([[2], [9]]), { upper: false }); // => [[1], [2]]
 * ```
 */
export function solveTriangular(a: Tensor, b: Tensor, options: SolveTriangularOptions): Tensor {
  const name = 'solveTriangular';
  checkSquare(name, a);
  checkMatrices(name, b);
  checkSame(name, a, b);
  checkOptions(name, options, ['upper', 'left', 'unitriangular']);
  const { left = true, unitriangular = false } = options;
  const upper = checkFlag(name, 'upper', options.upper);
  checkFlag(name, 'left', left);
  const unit = checkFlag(name, 'unitriangular', unitriangular);
  const inner = left ? rowsOf(b) : colsOf(b);
  if (inner !== rowsOf(a)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${name}] shapes ${formatShape(a.shape)} and ${formatShape(b.shape)} do not fit: ${rowsOf(a)} != ${inner}`,
    );
  }
  const [matrices, sides] = sameBatch(name, a, b);
  if (left) return solveWithTriangle(matrices, sides, upper, unit);
  return contiguous(mT(solveWithTriangle(mT(matrices), mT(sides), !upper, unit)));
}
