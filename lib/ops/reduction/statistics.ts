/** Variance and its root, norms, and the logarithm of a sum of exponentials. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { zerosLike } from '../../tensor/creation.js';
import { describe } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { abs, greaterShare, mul, sign } from '../elementwise/arithmetic.js';
import { isnan } from '../elementwise/compare.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { exp, log } from '../elementwise/math.js';
import { where } from '../elementwise/ternary.js';
import { asFloating, checkFloating, scalar, to } from '../operand.js';
import { reshape } from '../shape/shape.js';
import { countNonzero } from './count.js';
import { shareAmongTies } from './extremum.js';
import { mean } from './reduce.js';
import {
  checkNotEmpty,
  compute,
  keptShape,
  type Plan,
  plan,
  type ReduceOptions,
  reducedCount,
  reducedDims,
} from './reduction.js';

/** A variance and the mean that it is about. */
export interface VarMean {
  /** The variance. */
  variance: Tensor;
  /** The mean. */
  mean: Tensor;
}

/** A standard deviation and the mean that it is about. */
export interface StdMean {
  /** The standard deviation. */
  std: Tensor;
  /** The mean. */
  mean: Tensor;
}

/** Options of {@link variance}, {@link std}, {@link varMean} and {@link stdMean}. */
export interface VarianceOptions extends ReduceOptions {
  /** What is subtracted from the number of values to give the divisor. Default 1. */
  correction?: number;
}

/** Options of {@link norm}. */
export interface NormOptions extends ReduceOptions {
  /** The order: any number, Infinity and -Infinity too. Default 2. */
  p?: number;
}

function checkNumber(operation: string, name: string, value: unknown): asserts value is number {
  if (typeof value !== 'number' || Number.isNaN(value)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] ${name} must be a number, not ${describe(value)}`,
    );
  }
}

/** 1 where x is 0, otherwise 0; x is not negative. */
function isZero(x: Tensor): Tensor {
  return greaterShare(x, scalar(0, x.dtype)).mul(-2).add(2);
}

/** a / b, or 0 where b is 0; b is not negative. */
function divOrZero(a: Tensor, b: Tensor): Tensor {
  const zero = isZero(b);
  return a.div(b.add(zero)).mul(zero.mul(-1).add(1));
}

function spread(
  operation: string,
  x: Tensor,
  options: VarianceOptions | undefined,
  root: boolean,
): Tensor {
  checkFloating(operation, x);
  const p = plan(operation, x, options, ['dim', 'keepDim', 'correction']);
  const correction = options?.correction ?? 1;
  checkNumber(operation, 'correction', correction);
  const divisor = Math.max(0, reducedCount(x, p) - correction);
  const variance = compute('variance', x, p, x.dtype, Number.NaN, divisor);
  const y = root ? variance.sqrt() : variance;
  if (recording(x)) {
    attach(
      y,
      operation,
      [x],
      [(g) => varianceGradient(root ? divOrZero(g.div(2), y) : g, x, p, divisor)],
    );
  }
  return y;
}

/** 2 (x - mean(x)) / divisor * g */
function varianceGradient(g: Tensor, x: Tensor, p: Plan, divisor: number): Tensor {
  const centre = mean(x, { dim: reducedDims(x, p.mask), keepDim: true });
  return x.sub(centre).mul(reshape(g, keptShape(x, p.mask)).mul(2 / divisor));
}

/**
 * The variance over dimensions: sum((x - mean(x))^2) / max(0, n - correction), for n values; NaN when
 * there is one value and correction is 1. (`var` in PyTorch, and as a method.)
 *
 * The mean comes first and then the squares of differences from it (two passes), both summed pairwise
 * in blocks (kernels/reduce.h). The mean's rounding error d adds d^2 to the result, and so the
 * relative error is about log2(n) eps whatever the mean, as long as the variance is above
 * (eps log2(n) mean)^2 (Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983).
 * @throws TensorError ERR_ARGUMENT unless correction is a number
 * @example
 * ```ts
 * variance(tensor([1, 3, 5])); // => 4
 * variance(tensor([1, 3, 5]), { correction: 0 }); // => 2.666667
 * ```
 */
export function variance(x: Tensor, options?: VarianceOptions): Tensor {
  return spread('variance', x, options, false);
}

/**
 * The standard deviation over dimensions: the square root of the variance. Its gradient is 0 where the
 * deviation is 0.
 * @throws TensorError ERR_ARGUMENT unless correction is a number
 * @example
 * ```ts
 * std(tensor([1, 3, 5])); // => 2
 * ```
 */
export function std(x: Tensor, options?: VarianceOptions): Tensor {
  return spread('std', x, options, true);
}

function dimsOf({ dim, keepDim }: VarianceOptions): ReduceOptions {
  return { ...(dim !== undefined && { dim }), ...(keepDim !== undefined && { keepDim }) };
}

/**
 * The variance and the mean over dimensions.
 * @example
 * ```ts
 * varMean(tensor([1, 3, 5])); // => { variance: 4, mean: 3 }
 * ```
 */
export function varMean(x: Tensor, options?: VarianceOptions): VarMean {
  const variance = spread('varMean', x, options, false);
  return { variance, mean: mean(x, options && dimsOf(options)) };
}

/**
 * The standard deviation and the mean over dimensions.
 * @example
 * ```ts
 * stdMean(tensor([1, 3, 5])); // => { std: 2, mean: 3 }
 * ```
 */
export function stdMean(x: Tensor, options?: VarianceOptions): StdMean {
  const std = spread('stdMean', x, options, true);
  return { std, mean: mean(x, options && dimsOf(options)) };
}

/** The gradient of a p-norm y. Where y is 0 it is 0, and so it is for elements 0 when p <= 1. */
export function normGradient(g: Tensor, x: Tensor, y: Tensor, p: Plan, order: number): Tensor {
  const kept = keptShape(x, p.mask);
  const norms = reshape(y, kept);
  const share = reshape(g, kept);
  if (order === 0) return zerosLike(x);
  if (order === 1) return sign(x).mul(share);
  if (order === 2) return divOrZero(x, norms).mul(share);
  const size = abs(x);
  if (!Number.isFinite(order)) {
    const shares = sign(x).mul(shareAmongTies(order > 0 ? 'max' : 'min', g, size, y, p));
    // Of a norm that is NaN, NaN are what made it so.
    return where(isnan(norms.detach()), where(isnan(x.detach()), Number.NaN, 0), shares);
  }
  // sign(x) (|x| / y)^(p - 1), with 1 for the elements that are 0, whose sign is 0.
  const zero = isZero(norms);
  const ratio = size.div(norms.add(zero)).add(isZero(size));
  return sign(x)
    .mul(exp(log(ratio).mul(order - 1)))
    .mul(zero.mul(-1).add(1))
    .mul(share);
}

/**
 * The p-norm over dimensions: (sum |x|^p)^(1/p); the largest |x| for p = Infinity, the smallest for
 * -Infinity, the number of elements that aren't 0 for p = 0. Elements are divided by the largest of
 * them (for negative p the smallest) where their powers could overflow or underflow, so that the norm
 * doesn't unless it is out of range itself. A complete norm of a matrix is that of its elements.
 * @throws TensorError ERR_ARGUMENT unless p is a number, ERR_SHAPE when a reduced dimension is empty
 * and p is infinite or negative
 * @example
 * ```ts
 * norm(tensor([3, 4])); // => 5
 * norm(tensor([[3, -4], [6, 8]]), { p: 1, dim: 1 }); // => [7, 14]
 * ```
 */
export function norm(x: Tensor, options?: NormOptions): Tensor {
  checkFloating('norm', x);
  const p = plan('norm', x, options, ['dim', 'keepDim', 'p']);
  const order = options?.p ?? 2;
  checkNumber('norm', 'p', order);
  if (order < 0 || order === Infinity) checkNotEmpty('norm', x, p);
  const y =
    order === 0
      ? to(countNonzero(x, options && dimsOf(options)), x.dtype)
      : compute('norm', x, p, x.dtype, 0, order);
  if (recording(x)) attach(y, 'norm', [x], [(g) => normGradient(g, x, y, p, order)]);
  return y;
}

/**
 * log(sum(e^x)) over dimensions, computed as max(x) + log(sum(e^(x - max(x)))) so that nothing
 * overflows; -Infinity of nothing. Its gradient is the softmax. Integers and bools become float32.
 * @example
 * ```ts
 * logsumexp(tensor([1000, 1000])); // => 1000.693
 * ```
 */
export function logsumexp(operand: Tensor, options?: ReduceOptions): Tensor {
  const x = asFloating('logsumexp', operand);
  const p = plan('logsumexp', x, options);
  const y = compute('logsumexp', x, p, x.dtype, -Infinity);
  if (recording(x)) {
    const kept = keptShape(x, p.mask);
    const rule = (g: Tensor) => mul(exp(x.sub(reshape(y, kept))), reshape(g, kept));
    attach(y, 'logsumexp', [x], [rule]);
  }
  return y;
}

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** The variance over all dimensions or the given ones: the function `variance`. */
    var(options?: VarianceOptions): Tensor;
    /** The standard deviation over all dimensions or the given ones. */
    std(options?: VarianceOptions): Tensor;
    /** The variance and the mean over all dimensions or the given ones. */
    varMean(options?: VarianceOptions): VarMean;
    /** The standard deviation and the mean over all dimensions or the given ones. */
    stdMean(options?: VarianceOptions): StdMean;
    /** The p-norm over all dimensions or the given ones, default p = 2. */
    norm(options?: NormOptions): Tensor;
    /** log(sum(e^x)) over all dimensions or the given ones. */
    logsumexp(options?: ReduceOptions): Tensor;
  }
}

defineMethods({ var: variance, varMean, std, stdMean, norm, logsumexp });
