/** What only integers do: bits and shifts. Nothing here has a gradient. */
import { TensorError } from '../../errors.js';
import type { IntegerBinaryRow } from '../../native/interface.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkTensor, type TensorLike } from '../operand.js';
import { isFloating, promote } from '../promotion.js';
import { logicalNot } from './compare.js';
import { checkNotBool, computeBinary, computeUnary, defineMethods } from './elementwise.js';

function checkNotFloating(operation: string, x: Tensor): void {
  if (isFloating(x.dtype)) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] takes integers, not ${x.dtype}; convert with to('int32')`,
    );
  }
}

/** Integers and bools of one dtype. */
function ofBits(row: IntegerBinaryRow, left: TensorLike, right: TensorLike): Tensor {
  const [a, b] = promote(row, left, right);
  checkNotFloating(row, a);
  return computeBinary(row, a, b);
}

/** Integers of one dtype. */
function ofIntegers(row: IntegerBinaryRow, left: TensorLike, right: TensorLike): Tensor {
  const [a, b] = promote(row, left, right);
  checkNotFloating(row, a);
  checkNotBool(row, a);
  return computeBinary(row, a, b);
}

/**
 * The bits that both have, of integers; of bools a logical and. With broadcasting.
 * @example
 * ```ts
 * bitwiseAnd(tensor([6, 5], { dtype: 'int32' }), 3); // => [2, 1]
 * ```
 */
export function bitwiseAnd(a: TensorLike, b: TensorLike): Tensor {
  return ofBits('bitwiseAnd', a, b);
}

/**
 * The bits that one of them has, of integers; of bools a logical or. With broadcasting.
 * @example
 * ```ts
 * bitwiseOr(tensor([6, 5], { dtype: 'int32' }), 3); // => [7, 7]
 * ```
 */
export function bitwiseOr(a: TensorLike, b: TensorLike): Tensor {
  return ofBits('bitwiseOr', a, b);
}

/**
 * The bits in which they differ, of integers; of bools whether they do. With broadcasting.
 * @example
 * ```ts
 * bitwiseXor(tensor([6, 5], { dtype: 'int32' }), 3); // => [5, 6]
 * ```
 */
export function bitwiseXor(a: TensorLike, b: TensorLike): Tensor {
  return ofBits('bitwiseXor', a, b);
}

/**
 * All bits inverted, of integers (-1 - x of signed ones); of bools a logical not.
 * @example
 * ```ts
 * bitwiseNot(tensor([0, 5], { dtype: 'int32' })); // => [-1, -6]
 * ```
 */
export function bitwiseNot(x: Tensor): Tensor {
  checkTensor('bitwiseNot', x);
  checkNotFloating('bitwiseNot', x);
  return x.dtype === 'bool' ? logicalNot(x) : computeUnary('bitwiseNot', x);
}

/**
 * a * 2^b modulo the dtype's 2^bits, with broadcasting: bits move towards the high end and zeros come
 * in. A count below 0, or of all bits and more, gives 0, as in PyTorch.
 * @example
 * ```ts
 * bitwiseLeftShift(tensor([1, 3], { dtype: 'int32' }), 2); // => [4, 12]
 * ```
 */
export function bitwiseLeftShift(a: TensorLike, b: TensorLike): Tensor {
  return ofIntegers('bitwiseLeftShift', a, b);
}

/**
 * a / 2^b rounded down, with broadcasting: bits move towards the low end and copies of the sign come
 * in (zeros of uint8). A count below 0, or of all bits and more, moves everything out: it gives 0, or
 * -1 where a < 0, as in PyTorch.
 * @example
 * ```ts
 * bitwiseRightShift(tensor([8, -8], { dtype: 'int32' }), 2); // => [2, -2]
 * ```
 */
export function bitwiseRightShift(a: TensorLike, b: TensorLike): Tensor {
  return ofIntegers('bitwiseRightShift', a, b);
}

const methods = {
  bitwiseAnd,
  bitwiseOr,
  bitwiseXor,
  bitwiseLeftShift,
  bitwiseRightShift,
};
defineMethods({ ...methods, bitwiseNot });

type Methods = { [K in keyof typeof methods]: (other: TensorLike) => Tensor };

declare module '../../tensor/tensor.js' {
  interface Tensor extends Methods {
    /** All bits inverted: see the function `bitwiseNot`. */
    bitwiseNot(): Tensor;
  }
}
