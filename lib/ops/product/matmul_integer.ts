/**
 * Products of integers modulo 2^bits, as PyTorch's, made of float64 products that are exact: numbers of
 * more than 8 bits are cut into limbs of 16 bits (D. E. Knuth, "The Art of Computer Programming",
 * volume 2, 4.3.1: the classical algorithm), and pairs of limbs whose place lies beyond the dtype are left
 * out. That is 1 product for 8 bits, 3 for 32 and 10 for 64.
 */
import { TensorError } from '../../errors.js';
import type { DType } from '../../tensor/dtype.js';
import type { Tensor } from '../../tensor/tensor.js';
import { add } from '../elementwise/arithmetic.js';
import { bitwiseAnd, bitwiseLeftShift, bitwiseRightShift } from '../elementwise/integer.js';
import { to } from '../operand.js';
import { isInteger } from '../promotion.js';
import { narrow } from '../shape/parts.js';

const LIMB = 16;

/** A product of limbs is at most 2^32 in size, and float64 has all integers up to 2^53. */
const MOST_TERMS = 2 ** (53 - 2 * LIMB);

const LIMBS: Partial<Record<DType, number>> = { int32: 2, int64: 4 };

/** The limbs of all elements, lowest first; the last one has the sign. */
function limbsOf(x: Tensor): Tensor[] {
  const count = LIMBS[x.dtype] ?? 1;
  return Array.from({ length: count }, (_, i) => {
    const shifted = i === 0 ? x : bitwiseRightShift(x, i * LIMB);
    return to(i === count - 1 ? shifted : bitwiseAnd(shifted, 2 ** LIMB - 1), 'float64');
  });
}

/**
 * a b for integer matrices of one dtype in the last two dimensions.
 * @param multiply the exact product of float64 matrices of the same shapes
 */
export function integerProduct(
  a: Tensor,
  b: Tensor,
  multiply: (a: Tensor, b: Tensor) => Tensor,
): Tensor {
  const inner = a.shape.at(-1) as number;
  if (inner > MOST_TERMS) {
    const half = inner >> 1;
    const part = (from: number, length: number) =>
      integerProduct(narrow(a, -1, from, length), narrow(b, -2, from, length), multiply);
    return add(part(0, half), part(half, inner - half));
  }
  const left = limbsOf(a);
  const right = limbsOf(b);
  let total: Tensor | null = null;
  for (let place = 0; place < left.length; place++) {
    for (let i = 0; i <= place; i++) {
      const exact = multiply(left[i] as Tensor, right[place - i] as Tensor);
      // Through int64, which holds the sum: a float outside of a smaller integer's range would not wrap.
      const wrapped = to(to(exact, 'int64'), a.dtype);
      const term = place === 0 ? wrapped : bitwiseLeftShift(wrapped, place * LIMB);
      total = total === null ? term : add(total, term);
    }
  }
  return total as Tensor;
}

/** @throws TensorError ERR_ARGUMENT for a factor of integers that is none */
export function checkWhole(operation: string, name: string, dtype: DType, factor: number): void {
  if (isInteger(dtype) && !Number.isSafeInteger(factor)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] ${name} is a factor of ${dtype} numbers and can't be ${factor}`,
    );
  }
}
