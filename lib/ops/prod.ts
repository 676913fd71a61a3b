/** Products over dimensions. */
import { attach, recording } from '../autograd/tape.js';
import { fillWith, uninitialized } from '../tensor/creation.js';
import type { Tensor } from '../tensor/tensor.js';
import { defineMethods } from './elementwise.js';
import { copyInto } from './operand.js';
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
import { cumprodGradient, scanned } from './scan.js';
import { permute, reshape } from './shape.js';

/**
 * g times the product of all other elements, for each element: the gradient of a cumulative product of
 * which only the last element is used. Nothing is divided, so zeros are elements like any other.
 */
function prodGradient(g: Tensor, x: Tensor, { mask }: Plan): Tensor {
  const reduced = reducedDims(x, mask);
  const kept = x.shape.map((_, d) => d).filter((d) => !reduced.includes(d));
  const order = [...kept, ...reduced];
  const lines = permute(x.detach(), order);
  const keptSizes = kept.map((d) => x.shape[d] as number);
  const n = reducedCount(x, { mask, outputShape: keptSizes });
  const from = reshape(lines, [...keptSizes, n]);
  const last = kept.length;
  const gradients = uninitialized(from.shape, x.dtype);
  fillWith(gradients, 0);
  if (gradients.numel > 0) {
    const ends = gradients.viewAs(
      keptSizes,
      gradients.strides.slice(0, last),
      gradients.offset + n - 1,
    );
    copyInto(ends, reshape(g, keptSizes));
  }
  const dx = cumprodGradient(gradients, from, scanned('cumprod', from, last), last);
  return permute(
    reshape(dx, lines.shape),
    order.map((_, d) => order.indexOf(d)),
  );
}

/**
 * The product over dimensions, multiplied in the order of `sum`; 1 of nothing. Integers and bools
 * give int32 modulo 2^32. The gradient is right for elements that are 0.
 * @example
 * ```ts
 * prod(tensor([[1, 2], [3, 4]]), { dim: 0 }); // => [3, 8]
 * ```
 */
export function prod(x: Tensor, options?: ReduceOptions): Tensor {
  const integers = checkNumeric('prod', x);
  const p = plan('prod', x, options);
  if (integers) return compute('intProd', x, p, 'int32', 1);
  const y = compute('prod', x, p, x.dtype, 1);
  if (recording(x)) {
    attach(y, 'prod', [x], [(g) => prodGradient(reshape(g, keptShape(x, p.mask)), x, p)]);
  }
  return y;
}

declare module '../tensor/tensor.js' {
  interface Tensor {
    /** The product over all dimensions or the given ones. */
    prod(options?: ReduceOptions): Tensor;
  }
}

defineMethods({ prod });
