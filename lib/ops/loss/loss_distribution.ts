/** Losses of distributions: their divergence, and likelihoods of what was observed. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import {
  checkFlag,
  checkNumber,
  checkOptions,
  formatShape,
  type Shape,
  sameShape,
} from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { add, div, mul, square, sub } from '../elementwise/arithmetic.js';
import { gt } from '../elementwise/compare.js';
import { exp, log } from '../elementwise/math.js';
import { xlogy } from '../elementwise/special.js';
import { clamp, where } from '../elementwise/ternary.js';
import { checkFloating, scalar, to } from '../operand.js';
import { amin } from '../reduction/extremum.js';
import { sum } from '../reduction/reduce.js';
import { unsqueeze } from '../shape/shape.js';
import {
  checkPair,
  checkReduction,
  type LossOptions,
  type LossReduction,
  reduced,
} from './loss.js';

/** Options of {@link klDivLoss}. */
export interface KlDivLossOptions {
  /**
   * `mean` (default) is over all elements, as in PyTorch; `batchmean`, the sum by the size of the first
   * dimension, is what the divergence means.
   */
  reduction?: LossReduction | 'batchmean';
  /** Whether the target has log-probabilities. Default false. */
  logTarget?: boolean;
}

/** @throws TensorError ERR_ARGUMENT for unknown options and values */
export function klDivOptionsOf(
  operation: string,
  options: KlDivLossOptions,
): Required<KlDivLossOptions> {
  checkOptions(operation, options, ['reduction', 'logTarget']);
  const { reduction, logTarget } = options;
  return {
    reduction: reduction === 'batchmean' ? reduction : checkReduction(operation, reduction),
    logTarget: checkFlag(operation, 'logTarget', logTarget, false),
  };
}

/**
 * The divergence of Kullback & Leibler (1951) of the input's distribution from the target's: of each
 * element y (log(y) - x), 0 where y is 0; or with `logTarget` e^y (y - x).
 * @param input log-probabilities, float32 or float64, any shape
 * @param target probabilities, or with `logTarget` their logarithms, the same shape
 * @returns a scalar, or with `reduction: 'none'` the input's shape
 * @throws TensorError ERR_SHAPE unless the shapes are equal, and for `batchmean` of a scalar;
 * ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * const input = tensor([[0.5, 0.5]]).log();
 * klDivLoss(input, tensor([[0, 1]]), { reduction: 'batchmean' }); // => 0.693147
 * ```
 */
export function klDivLoss(input: Tensor, target: Tensor, options: KlDivLossOptions = {}): Tensor {
  const [x, y] = checkPair('klDivLoss', input, target);
  const { reduction, logTarget } = klDivOptionsOf('klDivLoss', options);
  if (reduction === 'batchmean' && x.ndim === 0) {
    throw new TensorError('ERR_SHAPE', '[klDivLoss] batchmean needs a dimension of the batch');
  }
  const losses = logTarget ? mul(exp(y), sub(y, x)) : sub(xlogy(y, y), mul(y, x));
  if (reduction !== 'batchmean') return reduced(losses, reduction);
  return div(sum(losses), x.shape[0] as number);
}

/** Options of {@link poissonNllLoss}. */
export interface PoissonNllLossOptions extends LossOptions {
  /** Whether the input is the logarithm of the rate. Default true. */
  logInput?: boolean;
  /** Adds Stirling's approximation of log(target!) for targets above 1. Default false. */
  full?: boolean;
  /** Added to a rate before its logarithm is taken, without `logInput`. Default 1e-8. */
  eps?: number;
}

/** @throws TensorError ERR_ARGUMENT for unknown options and values out of range */
export function poissonOptionsOf(
  operation: string,
  options: PoissonNllLossOptions,
): Required<PoissonNllLossOptions> {
  checkOptions(operation, options, ['logInput', 'full', 'eps', 'reduction']);
  const { logInput, full, eps = 1e-8, reduction } = options;
  return {
    logInput: checkFlag(operation, 'logInput', logInput, true),
    full: checkFlag(operation, 'full', full, false),
    eps: checkNumber(operation, 'eps', eps, 0),
    reduction: checkReduction(operation, reduction),
  };
}

/** y log(y) - y + log(2 pi y) / 2 for y > 1, where it is near to log(y!); 0 elsewhere. */
function stirling(y: Tensor): Tensor {
  const isLarge = gt(y, 1);
  // What is left out must not get a gradient of NaN.
  const safe = where(isLarge, y, 1);
  const logs = log(safe);
  const value = add(sub(mul(safe, logs), safe), mul(add(logs, Math.log(2 * Math.PI)), 0.5));
  return where(isLarge, value, 0);
}

/**
 * The negative log-likelihood of counts y that follow a Poisson distribution, without log(y!): e^x - y x
 * where the input is the logarithm of the rate, otherwise x - y log(x + eps).
 * @param input float32 or float64, any shape
 * @param target counts, the same shape
 * @returns a scalar, or with `reduction: 'none'` the input's shape
 * @throws TensorError ERR_SHAPE unless the shapes are equal, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * poissonNllLoss(tensor([0, 1]), tensor([2, 1]), { reduction: 'none' }); // => [1, 1.718282]
 * ```
 */
export function poissonNllLoss(
  input: Tensor,
  target: Tensor,
  options: PoissonNllLossOptions = {},
): Tensor {
  const [x, y] = checkPair('poissonNllLoss', input, target);
  const { logInput, full, eps, reduction } = poissonOptionsOf('poissonNllLoss', options);
  const losses = logInput ? sub(exp(x), mul(y, x)) : sub(x, mul(y, log(add(x, eps))));
  return reduced(full ? add(losses, stirling(y)) : losses, reduction);
}

/** Options of {@link gaussianNllLoss}. */
export interface GaussianNllLossOptions extends LossOptions {
  /** Adds the constant log(2 pi) / 2. Default false. */
  full?: boolean;
  /** The least that a variance counts as; gradients flow as if it didn't. Default 1e-6. */
  eps?: number;
}

/** @throws TensorError ERR_ARGUMENT for unknown options and values out of range */
export function gaussianOptionsOf(
  operation: string,
  options: GaussianNllLossOptions,
): Required<GaussianNllLossOptions> {
  checkOptions(operation, options, ['full', 'eps', 'reduction']);
  const { full, eps = 1e-6, reduction } = options;
  return {
    full: checkFlag(operation, 'full', full, false),
    eps: checkNumber(operation, 'eps', eps, Number.MIN_VALUE),
    reduction: checkReduction(operation, reduction),
  };
}

/** The variances with as many dimensions as the means; null when their shapes don't fit. */
function aligned(v: Tensor, shape: Shape): Tensor | null {
  if (sameShape(v.shape, shape)) return v;
  if (sameShape(v.shape, shape.slice(0, -1))) return unsqueeze(v, -1);
  const others = shape.flatMap((size, d) => (v.shape[d] === size ? [] : [d]));
  const isOne =
    v.ndim === shape.length && others.length === 1 && v.shape[others[0] as number] === 1;
  return isOne ? v : null;
}

/** The variances, at least `eps`. */
function checkVariance(x: Tensor, given: Tensor | number, eps: number): Tensor {
  const operation = 'gaussianNllLoss';
  if (typeof given === 'number') {
    return scalar(Math.max(checkNumber(operation, 'var', given, 0), eps), x.dtype);
  }
  checkFloating(operation, given);
  const v = aligned(to(given, x.dtype), x.shape);
  if (v === null) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] var ${formatShape(given.shape)} has neither the input's shape ${formatShape(x.shape)} ` +
        'nor that without the last dimension, or with size 1 in one dimension',
    );
  }
  const plain = v.detach();
  if (plain.numel > 0 && amin(plain).item() < 0) {
    throw new TensorError('ERR_ARGUMENT', `[${operation}] var has negative elements`);
  }
  const least = clamp(plain, { min: eps });
  return recording(v) ? attach(least, operation, [v], [(g) => g]) : least;
}

/**
 * The negative log-likelihood of normal distributions with the input for means (Nix & Weigend 1994),
 * (log(v) + (input - target)^2 / v) / 2 with v = max(var, eps).
 * @param input float32 or float64, any shape
 * @param target the same shape
 * @param variance not negative: a number, or a tensor of the input's shape, of that without the last
 * dimension (one variance for all of it), or with size 1 in one dimension
 * @returns a scalar, or with `reduction: 'none'` the input's shape
 * @throws TensorError ERR_SHAPE unless the shapes fit, ERR_ARGUMENT for negative variances, ERR_DTYPE
 * @example
 * ```ts
 * gaussianNllLoss(tensor([1, 2]), tensor([1, 4]), tensor([1, 4])); // => 0.596574
 * ```
 */
export function gaussianNllLoss(
  input: Tensor,
  target: Tensor,
  variance: Tensor | number,
  options: GaussianNllLossOptions = {},
): Tensor {
  const [x, y] = checkPair('gaussianNllLoss', input, target);
  const { full, eps, reduction } = gaussianOptionsOf('gaussianNllLoss', options);
  const v = checkVariance(x, variance, eps);
  const losses = mul(add(log(v), div(square(sub(x, y)), v)), 0.5);
  return reduced(full ? add(losses, 0.5 * Math.log(2 * Math.PI)) : losses, reduction);
}
