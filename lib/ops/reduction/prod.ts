/** Products over dimensions. */
import { attach, recording } from '../../autograd/tape.js';
import { zerosLike } from '../../tensor/creation.js';
import type { Tensor } from '../../tensor/tensor.js';
import { defineMethods } from '../elementwise/elementwise.js';
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
 * g times the product of all other elements, for each element: the gradient of a cumulative product of
 * which only the last element is used. Nothing is divided, so zeros are elements like any other.
 */
function prodGradient(g: Tensor, x: Tensor, { mask }: Plan): Tensor {
  if (x.numel === 0) return zerosLike(x);
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
