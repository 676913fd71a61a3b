/**
 * Sums and means over any dimensions, and `expand`, which is their opposite: each is the other's
 * gradient.
 */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { zerosLike } from '../../tensor/creation.js';
import { isHalf } from '../../tensor/dtype.js';
import {
  broadcastShapes,
  broadcastStrides,
  checkShape,
  formatShape,
  type Shape,
  sameShape,
} from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { mul } from '../elementwise/arithmetic.js';
import { defineMethods, unary } from '../elementwise/elementwise.js';
import { checkFloating, checkTensor, to } from '../operand.js';
import { reshape } from '../shape/shape.js';
import {
  checkNumeric,
  compute,
  keptShape,
  type Plan,
  plan,
  type ReduceOptions,
  reducedCount,
} from './reduction.js';

/** The gradient of a sum: g for every value that was added. */
function spread(g: Tensor, x: Tensor, { mask }: Plan): Tensor {
  return expand(reshape(g, keptShape(x, mask)), x.shape);
}

/**
 * The sum over dimensions. Blocks of a fixed size are added pairwise, so that the result depends on
 * neither threads nor SIMD level and its error grows with log n. Integers and bools are added modulo
 * 2^64 to int64, as in PyTorch.
 */
export function sum(x: Tensor, options?: ReduceOptions): Tensor {
  const integers = checkNumeric('sum', x);
  const p = plan('sum', x, options);
  if (integers) return compute('intSum', x, p, 'int64', 0);
  const y = compute('sum', x, p, x.dtype, 0);
  if (recording(x)) attach(y, 'sum', [x], [(g) => spread(g, x, p)]);
  return y;
}

/**
 * The arithmetic mean over dimensions; NaN of nothing.
 * @example
 * ```ts
 * mean(tensor([[1, 3], [5, 7]])); // => 4
 * mean(tensor([[1, 3], [5, 7]]), { dim: 0, keepDim: true }); // => [[3, 5]]
 * ```
 */
export function mean(x: Tensor, options?: ReduceOptions): Tensor {
  checkFloating('mean', x);
  const p = plan('mean', x, options);
  const y = compute('mean', x, p, x.dtype, Number.NaN);
  if (recording(x)) {
    attach(y, 'mean', [x], [(g) => spread(g.div(reducedCount(x, p)), x, p)]);
  }
  return y;
}

/** 1, or 0 for NaN. */
function notNan(x: Tensor): Tensor {
  return unary('notNan', x, (g) => zerosLike(g));
}

/**
 * The sum over dimensions of the elements that aren't NaN; integers as in `sum`.
 * @example
 * ```ts
 * nansum(tensor([1, NaN, 3])); // => 4
 * ```
 */
export function nansum(x: Tensor, options?: ReduceOptions): Tensor {
  const integers = checkNumeric('nansum', x);
  const p = plan('nansum', x, options);
  if (integers) return compute('intSum', x, p, 'int64', 0);
  const y = compute('nansum', x, p, x.dtype, 0);
  if (recording(x)) attach(y, 'nansum', [x], [(g) => mul(notNan(x), spread(g, x, p))]);
  return y;
}

/**
 * The mean over dimensions of the elements that aren't NaN; NaN where there are none.
 * @example
 * ```ts
 * nanmean(tensor([1, NaN, 3])); // => 2
 * ```
 */
export function nanmean(x: Tensor, options?: ReduceOptions): Tensor {
  checkFloating('nanmean', x);
  const p = plan('nanmean', x, options);
  const y = compute('nansum', x, p, x.dtype, 0);
  const here = notNan(x.detach());
  const count = compute('sum', here, p, x.dtype, 0);
  const result = y.div(count);
  if (recording(x)) {
    attach(result, 'nanmean', [x], [(g) => mul(here, spread(g.div(count), x, p))]);
  }
  return result;
}

/**
 * A view in the given shape in which dimensions of size 1 are repeated without a copy; -1 keeps a
 * dimension as it is.
 * @throws TensorError ERR_SHAPE when the tensor doesn't broadcast to it
 * @example
 * ```ts
 * expand(tensor([[1], [2]]), [-1, 3]); // => [[1, 1, 1], [2, 2, 2]]
 * ```
 */
export function expand(x: Tensor, shape: Shape): Tensor {
  checkTensor('expand', x);
  const extra = Array.isArray(shape) ? shape.length - x.ndim : 0;
  const keeps = Array.isArray(shape) && shape.includes(-1);
  const sizes = keeps
    ? shape.map((n, d) => (n === -1 && d >= extra ? x.shape[d - extra] : n))
    : shape;
  const target = checkShape('expand', sizes);
  if (!sameShape(broadcastShapes('expand', x.shape, target), target)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[expand] ${formatShape(x.shape)} does not broadcast to ${formatShape(target)}`,
    );
  }
  const y = x.strided(target, broadcastStrides(x.shape, x.strides, target), x.offset);
  if (recording(x)) attach(y, 'expand', [x], [(g) => sumTo(g, x.shape)]);
  return y;
}

/**
 * The gradient of broadcasting: sums over the dimensions that were stretched from `shape`. Floats of 16
 * bits are summed in float32.
 */
export function sumTo(g: Tensor, shape: Shape): Tensor {
  if (sameShape(g.shape, shape)) return g;
  if (isHalf(g.dtype)) return to(sumTo(to(g, 'float32'), shape), g.dtype);
  const extra = g.ndim - shape.length;
  const dims = g.shape
    .map((_, d) => d)
    .filter((d) => d < extra || (shape[d - extra] === 1 && g.shape[d] !== 1));
  return reshape(sum(g, { dim: dims, keepDim: true }), shape);
}

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** The sum over all dimensions or the given ones. */
    sum(options?: ReduceOptions): Tensor;
    /** The mean over all dimensions or the given ones. */
    mean(options?: ReduceOptions): Tensor;
    /** The sum of the elements that aren't NaN, over all dimensions or the given ones. */
    nansum(options?: ReduceOptions): Tensor;
    /** The mean of the elements that aren't NaN, over all dimensions or the given ones. */
    nanmean(options?: ReduceOptions): Tensor;
    /** A view in which dimensions of size 1 are repeated: see the function `expand`. */
    expand(shape: Shape): Tensor;
  }
}

defineMethods({ sum, mean, nansum, nanmean, expand });
