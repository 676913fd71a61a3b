/** Dimensions in another order, by more names than `permute` and `transpose`. */
import { TensorError } from '../../errors.js';
import { formatShape } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { checkTensor } from '../operand.js';
import { dimList, exchange, permuted } from './shape.js';

/**
 * Two dimensions exchanged, as a view: `transpose` by NumPy's name, without defaults.
 * @throws TensorError ERR_INDEX for a dimension that x doesn't have
 * @example
 * ```ts
 * swapaxes(zeros([2, 3, 4]), 0, -1).shape; // => [4, 3, 2]
 * ```
 */
export function swapaxes(x: Tensor, axis0: number, axis1: number): Tensor {
  return exchange('swapaxes', x, axis0, axis1);
}

/**
 * The transpose of a matrix, as a view; a vector or a scalar as it is.
 * @throws TensorError ERR_SHAPE for more than two dimensions: `mT` exchanges the last two
 * @example
 * ```ts
 * t(tensor([[1, 2], [3, 4]])); // => [[1, 3], [2, 4]]
 * t(tensor([1, 2])); // => [1, 2]
 * ```
 */
export function t(x: Tensor): Tensor {
  checkTensor('t', x);
  if (x.ndim > 2) {
    throw new TensorError(
      'ERR_SHAPE',
      `[t] is for matrices, not shape ${formatShape(x.shape)}; mT exchanges the last two dimensions`,
    );
  }
  return x.ndim === 2 ? exchange('t', x, 0, 1) : x;
}

/**
 * Dimensions moved to other places, the others in their order, as a view: dimension source[i] goes to
 * place destination[i].
 * @throws TensorError ERR_ARGUMENT for lists of different lengths and dimensions named twice, ERR_INDEX
 * @example
 * ```ts
 * movedim(zeros([2, 3, 4]), 0, -1).shape; // => [3, 4, 2]
 * movedim(zeros([2, 3, 4]), [0, 1], [1, 2]).shape; // => [4, 2, 3]
 * ```
 */
export function movedim(
  x: Tensor,
  source: number | readonly number[],
  destination: number | readonly number[],
): Tensor {
  checkTensor('movedim', x);
  const from = dimList('movedim', source, x.ndim);
  const to = dimList('movedim', destination, x.ndim);
  if (from.length !== to.length) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[movedim] ${from.length} dimensions do not move to ${to.length} places`,
    );
  }
  if (x.ndim === 0) return permuted('movedim', x, []);
  const order = new Array<number>(x.ndim).fill(-1);
  from.forEach((d, i) => {
    order[to[i] as number] = d;
  });
  for (let d = 0, place = 0; d < x.ndim; d++) {
    if (from.includes(d)) continue;
    while ((order[place] as number) >= 0) place++;
    order[place] = d;
  }
  return permuted('movedim', x, order);
}

defineMethods({ swapaxes, t, movedim });
Object.defineProperty(Tensor.prototype, 'T', {
  get(this: Tensor) {
    return t(this);
  },
});

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** Two dimensions exchanged, as a view. */
    swapaxes(axis0: number, axis1: number): Tensor;
    /** The transpose of a matrix, as a view. */
    t(): Tensor;
    /** The transpose of a matrix, as a view; for tensors of more dimensions there is `mT`. */
    readonly T: Tensor;
    /** Dimensions moved to other places, as a view: see the function `movedim`. */
    movedim(source: number | readonly number[], destination: number | readonly number[]): Tensor;
  }
}
