/** Powers and exponentials of matrices, and traces. */
import { attach, recording } from '../autograd/tape.js';
import { composed } from '../autograd/tidy.js';
import { TensorError } from '../errors.js';
import { where } from '../ops/elementwise/ternary.js';
import { matmul } from '../ops/product/matmul.js';
import { checkNumbers } from '../ops/promotion.js';
import { amax } from '../ops/reduction/extremum.js';
import { expand, sum } from '../ops/reduction/reduce.js';
import { stack } from '../ops/shape/join.js';
import { reshape } from '../ops/shape/shape.js';
import { unbind } from '../ops/shape/split.js';
import { zerosLike } from '../tensor/creation.js';
import { tensor } from '../tensor/data.js';
import type { DType } from '../tensor/dtype.js';
import { describe, formatShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { inv, solve } from './lu.js';
import { batchOf, checkSides, checkSquare, diagonalOf, identities, rowsOf } from './parts.js';

function checkPowerBase(a: Tensor, n: number): void {
  checkNumbers('matrixPower', a);
  if (typeof n === 'number' && n < 0) checkSquare('matrixPower', a);
  else checkSides('matrixPower', a);
}

/**
 * A^n for whole n, by repeated squaring; of negative n the power of the inverse. A^0 is the identity.
 * Integers wrap around, and have no inverse.
 * @param a shape [..., k, k]
 * @throws TensorError ERR_ARGUMENT unless n is a whole number, and for negative n and a singular
 * matrix; ERR_SHAPE unless they are square, ERR_DTYPE for bools, 16-bit floats, and integers with
 * negative n
 * @example
 * ```ts
 * linalg.matrixPower(tensor([[1, 1], [0, 1]]), 5); // => [[1, 5], [0, 1]]
 * ```
 */
export function matrixPower(a: Tensor, n: number): Tensor {
  checkPowerBase(a, n);
  if (!Number.isSafeInteger(n)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[matrixPower] the power is a whole number, not ${describe(n)}`,
    );
  }
  if (n === 1) return a;
  if (n !== 0) return composed(() => positivePower(n < 0 ? inv(a) : a, Math.abs(n)));
  const one = identities(batchOf(a), rowsOf(a), a.dtype);
  if (recording(a)) attach(one, 'matrixPower', [a], [() => zerosLike(a)]);
  return one;
}

function positivePower(a: Tensor, n: number): Tensor {
  let square = a;
  let result: Tensor | null = null;
  for (let left = n; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = result === null ? square : matmul(result, square);
    if (left > 1) square = matmul(square, square);
  }
  return result as Tensor;
}

/** Padé coefficients of degree 13, and up to which 1-norm they are exact to float64 (Higham 2005, table 2.3). */
const PADE = [
  ...[64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800],
  ...[129060195264000, 10559470521600, 670442572800, 33522128640, 1323241920, 40840800],
  ...[960960, 16380, 182, 1],
] as const;
const THETA = 5.371920351148152;

/**
 * The coefficients of 1, x^2, x^4 and x^6 in four sums: what x^7 is multiplied with, the other odd powers
 * divided by x, what x^6 is multiplied with, and the other even powers. They are divided by the first of
 * all, so that they fit float32 well.
 */
function coefficients(dtype: DType): Tensor {
  const row = (...places: number[]) =>
    places.map((i) => (i < 0 ? 0 : (PADE[i] as number) / PADE[0]));
  const list = [row(-1, 9, 11, 13), row(1, 3, 5, 7), row(-1, 8, 10, 12), row(0, 2, 4, 6)];
  return reshape(tensor(list.flat(), { dtype }), [4, 4]);
}

/**
 * The exponentials of square matrices, the sum of A^k / k!, by scaling and squaring with Padé
 * approximants of degree 13 (Higham, "The scaling and squaring method for the matrix exponential
 * revisited", 2005). Each matrix is scaled by its own norm. Gradients go through all of it.
 * @param a shape [..., n, n]
 * @throws TensorError ERR_SHAPE unless they are square, ERR_DTYPE for other dtypes than float32 and
 * float64
 * @example
 * ```ts
 * linalg.matrixExp(tensor([[0, 1], [0, 0]])); // => [[1, 1], [0, 1]]
 * ```
 */
export function matrixExp(a: Tensor): Tensor {
  checkSquare('matrixExp', a);
  return a.numel === 0 ? a.mul(1) : composed(() => exponential(a));
}

function exponential(a: Tensor): Tensor {
  const batch = batchOf(a);
  const norms = amax(sum(a.detach().abs(), { dim: -2 }), { dim: -1 }).contiguous();
  const squarings = Array.from(norms.data, (norm) =>
    norm < Infinity ? Math.max(0, Math.ceil(Math.log2(norm / THETA))) : 0,
  );
  const perMatrix = (values: readonly number[], dtype: 'bool' | Tensor['dtype']) =>
    reshape(tensor([...values], { dtype }), [...batch, 1, 1]);
  const x = a.mul(
    perMatrix(
      squarings.map((s) => 2 ** -s),
      a.dtype,
    ),
  );
  const x2 = matmul(x, x);
  const x4 = matmul(x2, x2);
  const x6 = matmul(x4, x2);
  // Four sums of the same four matrices are a product with the coefficients: one pass over them.
  const one = expand(identities([], rowsOf(a), a.dtype), a.shape);
  const powers = reshape(stack([one, x2, x4, x6]), [4, a.numel]);
  const [u, v, p, q] = unbind(reshape(matmul(coefficients(a.dtype), powers), [4, ...a.shape])) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const odd = matmul(x, matmul(x6, u).add(v));
  const even = matmul(x6, p).add(q);
  let y = solve(even.sub(odd), even.add(odd));
  for (let i = 0; i < Math.max(...squarings); i++) {
    const more = squarings.map((s) => Number(i < s));
    const squared = matmul(y, y);
    y = more.every((m) => m === 1) ? squared : where(perMatrix(more, 'bool'), squared, y);
  }
  return y;
}

/**
 * The sum of a matrix's diagonal.
 * @param a shape [m, n], float32, float64 or integers
 * @returns a scalar, of integers int64
 * @throws TensorError ERR_SHAPE unless it is a matrix, ERR_DTYPE for other dtypes
 * @example
 * ```ts
 * trace(tensor([[1, 2], [3, 4]])); // => 5
 * ```
 */
export function trace(a: Tensor): Tensor {
  checkNumbers('trace', a);
  if (a.ndim !== 2) {
    throw new TensorError('ERR_SHAPE', `[trace] takes a matrix, not ${formatShape(a.shape)}`);
  }
  return diagonalOf(a).sum();
}
