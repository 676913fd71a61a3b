/** Products over dimensions. */
import { attach, recording } from '../../autograd/tape.js';
import { composed } from '../../autograd/tidy.js';
import { zerosLike } from '../../tensor/creation.js';
import type { Tensor } from '../../tensor/tensor.js';
import { add, div, mul } from '../elementwise/arithmetic.js';
import { eq } from '../elementwise/compare.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { addcmul, where } from '../elementwise/ternary.js';
import { to } from '../operand.js';
import { permute, placed, reshape } from '../shape/shape.js';
import {
  checkNumeric,
  compute,
  keptShape,
  type Plan,
  plan,
  type ReduceOptions,
  reducedCount,
  reducedDims,
} from './reduction.js';
import { cumprod, cumprodGradient } from './scan.js';

/**
 * g times the product of all other elements, for each element: the product of all by the element or, where
 * one element is 0, that of the others for it and 0 for them.
 */
function prodGradient(g: Tensor, x: Tensor, p: Plan): Tensor {
  if (x.numel === 0) return zerosLike(x);
  if (recording(g, x)) return exclusiveProducts(g, x, p);
  return composed(() => {
    // 1 for elements that are 0. Broadcast over rows, products are faster than choices.
    const isZero = to(eq(x, 0), x.dtype);
    const factors = add(x, isZero);
    const kept: Plan = { mask: p.mask, outputShape: keptShape(x, p.mask) };
    const product = mul(g, compute('prod', factors, kept, x.dtype, 1));
    const zeros = compute('sum', isZero, kept, x.dtype, 0);
    const alone = where(eq(zeros, 1), product, 0);
    // By multiplication, so that an element that is no number makes the others none either.
    const others = where(eq(zeros, 0), product, mul(alone, 0));
    return addcmul(div(others, factors), isZero, alone);
  });
}

/**
 * The same as a function that can be differentiated: the gradient of a cumulative product of which only
 * the last element is used. Nothing is divided, so zeros are elements like any other.
 */
function exclusiveProducts(g: Tensor, x: Tensor, { mask }: Plan): Tensor {
  const reduced = reducedDims(x, mask);
  const kept = x.shape.map((_, d) => d).filter((d) => !reduced.includes(d));
  const order = [...kept, ...reduced];
  const lines = permute(x, order);
  const keptSizes = kept.map((d) => x.shape[d] as number);
  const n = reducedCount(x, { mask, outputShape: keptSizes });
  const from = reshape(lines, [...keptSizes, n]);
  const last = kept.length;
  const ends = [...kept.map(() => null), [n - 1, n] as const];
  const gradients = placed(reshape(g, [...keptSizes, 1]), from.shape, ends);
  const dx = cumprodGradient(gradients, from, cumprod(from, last), last);
  return permute(
    reshape(dx, lines.shape),
    order.map((_, d) => order.indexOf(d)),
  );
}

/**
 * The product over dimensions, multiplied in the order of `sum`; 1 of nothing. Integers and bools
 * give int64 modulo 2^64. The gradient is right for elements that are 0.
 * @example
 * ```ts
 * prod(tensor([[1, 2], [3, 4]]), { dim: 0 }); // => [3, 8]
 * ```
 */
export function prod(x: Tensor, options?: ReduceOptions): Tensor {
  const integers = checkNumeric('prod', x);
  const p = plan('prod', x, options);
  if (integers) return compute('intProd', x, p, 'int64', 1);
  const y = compute('prod', x, p, x.dtype, 1);
  if (recording(x)) {
    attach(y, 'prod', [x], [(g) => prodGradient(reshape(g, keptShape(x, p.mask)), x, p)]);
  }
  return y;
}

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** The product over all dimensions or the given ones. */
    prod(options?: ReduceOptions): Tensor;
  }
}

defineMethods({ prod });
