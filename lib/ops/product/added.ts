/** Products added to an operand, by name: `addmv`, `addr`, `addbmm` (`addmm` stands beside `matmul`). */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { rows, runGeometry } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import { infoOf } from '../../tensor/dtype.js';
import { checkOptions, describe } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { mul } from '../elementwise/arithmetic.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { copyInto } from '../operand.js';
import { isInteger } from '../promotion.js';
import { expand } from '../reduction/reduce.js';
import { permute, reshape, squeeze, unsqueeze } from '../shape/shape.js';
import { gemm } from './gemm.js';
import { type AddmmOptions, addmm, matmul, movable } from './matmul.js';
import { checkProduct } from './matmul_bf16.js';
import { checkWhole } from './matmul_integer.js';
import { checkInner, checkRank, outer } from './products.js';

/** Checks what addmm is about to get under another operation's name. */
function checkAddends(
  operation: string,
  tensors: readonly Tensor[],
  ranks: readonly number[],
  options: AddmmOptions,
): void {
  checkOptions(operation, options, ['beta', 'alpha']);
  for (const factor of [options.beta, options.alpha]) {
    if (factor !== undefined && !Number.isFinite(factor)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${operation}] beta and alpha are finite numbers, not ${describe(factor)}`,
      );
    }
  }
  for (const t of tensors) checkProduct(operation, t);
  const [first, ...rest] = tensors as [Tensor, ...Tensor[]];
  checkWhole(operation, 'beta', first.dtype, options.beta ?? 1);
  checkWhole(operation, 'alpha', first.dtype, options.alpha ?? 1);
  for (const { dtype } of rest) {
    if (dtype !== first.dtype) {
      throw new TensorError(
        'ERR_DTYPE',
        `[${operation}] the tensors are ${first.dtype} and ${dtype}; convert one with to(...)`,
      );
    }
  }
  rest.forEach((t, i) => {
    checkRank(operation, `operand ${i + 1} of the product`, t, ranks[i] as number);
  });
}

/**
 * beta * input + alpha * (matrix @ vector).
 * @param input broadcast to [m]
 * @param matrix shape [m, n]
 * @param vector shape [n]
 * @returns shape [m]
 * @throws TensorError as addmm
 * @example
 * ```ts
 * addmv(tensor([1, 1]), tensor([[1, 2], [3, 4]]), tensor([1, 1])); // => [4, 8]
 * ```
 */
export function addmv(
  input: Tensor,
  matrix: Tensor,
  vector: Tensor,
  options: AddmmOptions = {},
): Tensor {
  checkAddends('addmv', [input, matrix, vector], [2, 1], options);
  checkInner('addmv', matrix, vector);
  const start = expand(input, [matrix.shape[0] as number]);
  if (!infoOf(input.dtype).arithmetic || isInteger(input.dtype)) {
    return squeeze(addmm(unsqueeze(start, 1), matrix, unsqueeze(vector, 1), options), 1);
  }
  const { beta = 1, alpha = 1 } = options;
  const y = uninitialized(start.shape, start.dtype);
  if (y.numel > 0) {
    if (beta !== 0) copyInto(y, start);
    const column = (t: Tensor) => t.strided([t.numel, 1], [t.strides[0] as number, 1], t.offset);
    const right = column(vector);
    gemm(movable(matrix, right), right, column(y), null, alpha, beta);
  }
  if (recording(start, matrix, vector)) {
    const scaled = (t: Tensor, factor: number) => (factor === 1 ? t : mul(t, factor));
    attach(
      y,
      'addmv',
      [start, matrix, vector],
      [
        (g) => scaled(g, beta),
        (g) => outer(scaled(g, alpha), vector),
        (g) => scaled(matmul(g, matrix), alpha),
      ],
    );
  }
  return y;
}

/**
 * beta * input + alpha * outer(a, b).
 * @param input broadcast to [m, n]
 * @param a shape [m]
 * @param b shape [n]
 * @returns shape [m, n]
 * @throws TensorError as addmm
 * @example
 * ```ts
 * addr(tensor([[1]]), tensor([1, 2]), tensor([3, 4])); // => [[4, 5], [7, 9]]
 * ```
 */
export function addr(input: Tensor, a: Tensor, b: Tensor, options: AddmmOptions = {}): Tensor {
  checkAddends('addr', [input, a, b], [1, 1], options);
  const { beta = 1, alpha = 1 } = options;
  if (beta === 1 && infoOf(input.dtype).arithmetic && !isInteger(input.dtype)) {
    return addOuter(expand(input, [a.numel, b.numel]), a, b, alpha);
  }
  return addmm(input, unsqueeze(a, 1), unsqueeze(b, 0), options);
}

/** input + alpha * outer(a, b) of floats, in one pass. */
function addOuter(input: Tensor, a: Tensor, b: Tensor, alpha: number): Tensor {
  const y = uninitialized(input.shape, input.dtype);
  if (y.numel > 0) {
    const rowsOfA = { array: a.array, offset: a.offset, strides: [a.strides[0] as number, 0] };
    const columnsOfB = { array: b.array, offset: b.offset, strides: [0, b.strides[0] as number] };
    runGeometry(rows.addcmul, input.shape, [input, rowsOfA, columnsOfB, y], [alpha]);
  }
  if (recording(input, a, b)) {
    const scaled = (t: Tensor) => (alpha === 1 ? t : mul(t, alpha));
    attach(
      y,
      'addr',
      [input, a, b],
      [(g) => g, (g) => scaled(matmul(g, b)), (g) => scaled(matmul(a, g))],
    );
  }
  return y;
}

/**
 * beta * input + alpha * the sum of the products of all pairs of matrices, as one product whose inner
 * dimension runs over the pairs too.
 * @param input broadcast to [m, n]
 * @param left shape [b, m, k]
 * @param right shape [b, k, n]
 * @returns shape [m, n]
 * @throws TensorError as addmm
 * @example
 * ```ts
 * addbmm(tensor([[1]]), tensor([[[1, 2]], [[3, 4]]]), tensor([[[1], [1]], [[1], [1]]])); // => [[11]]
 * ```
 */
export function addbmm(
  input: Tensor,
  left: Tensor,
  right: Tensor,
  options: AddmmOptions = {},
): Tensor {
  checkAddends('addbmm', [input, left, right], [3, 3], options);
  checkInner('addbmm', left, right);
  const [batch, rows, inner] = left.shape as [number, number, number];
  const wide = reshape(permute(left, [1, 0, 2]), [rows, batch * inner]);
  return addmm(input, wide, reshape(right, [batch * inner, right.shape[2] as number]), options);
}

const sums = { addmv, addr, addbmm };
defineMethods(sums);

type Sums = {
  [K in keyof typeof sums]: (left: Tensor, right: Tensor, options?: AddmmOptions) => Tensor;
};

declare module '../../tensor/tensor.js' {
  interface Tensor extends Sums {}
}
