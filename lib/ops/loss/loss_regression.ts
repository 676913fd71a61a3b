/** Losses of numbers: how far predictions are from targets. */
import { checkNumber, checkOptions } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { abs, mul, sign, sub } from '../elementwise/arithmetic.js';
import { computeBinary } from '../elementwise/elementwise.js';
import { addcmul, clamp } from '../elementwise/ternary.js';
import {
  checkPair,
  checkReduction,
  elementLoss,
  type LossOptions,
  type LossReduction,
  reductionOf,
} from './loss.js';

/**
 * The absolute error |input - target|. The gradient at 0 is 0.
 * @param input float32 or float64, any shape
 * @param target the same shape
 * @returns a scalar, or with `reduction: 'none'` the input's shape
 * @throws TensorError ERR_SHAPE unless the shapes are equal, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * l1Loss(tensor([1, 2]), tensor([1, 4])); // => 1
 * ```
 */
export function l1Loss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  const [x, y] = checkPair('l1Loss', input, target);
  const reduction = reductionOf('l1Loss', options);
  return elementLoss('l1Loss', reduction, () => abs(sub(x, y)), [
    [x, (g) => mul(g, sign(sub(x, y)))],
    [y, (g) => mul(g, sign(sub(y, x)))],
  ]);
}

/**
 * The squared error (input - target)^2.
 * @param input float32 or float64, any shape
 * @param target the same shape
 * @returns a scalar, or with `reduction: 'none'` the input's shape
 * @throws TensorError ERR_SHAPE unless the shapes are equal, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * mseLoss(tensor([1, 2]), tensor([1, 4])); // => 2
 * mseLoss(tensor([1, 2]), tensor([1, 4]), { reduction: 'none' }); // => [0, 4]
 * mseLoss(zeros([3]), zeros([3, 1])); // throws ERR_SHAPE
 * ```
 */
export function mseLoss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  const [x, y] = checkPair('mseLoss', input, target);
  const reduction = reductionOf('mseLoss', options);
  return elementLoss(
    'mseLoss',
    reduction,
    () => computeBinary('squaredDifference', x, y),
    [
      [x, (g) => mul(g, sub(x, y))],
      [y, (g) => mul(g, sub(y, x))],
    ],
    2,
  );
}

/** Options of {@link huberLoss}. */
export interface HuberLossOptions extends LossOptions {
  /** Where the parabola becomes a line, above 0. Default 1. */
  delta?: number;
}

/** @throws TensorError ERR_ARGUMENT for unknown options and values out of range */
export function huberOptionsOf(
  operation: string,
  options: HuberLossOptions,
): Required<HuberLossOptions> {
  checkOptions(operation, options, ['delta', 'reduction']);
  const { delta = 1, reduction } = options;
  return {
    delta: checkNumber(operation, 'delta', delta, Number.MIN_VALUE),
    reduction: checkReduction(operation, reduction),
  };
}

/** Options of {@link smoothL1Loss}. */
export interface SmoothL1LossOptions extends LossOptions {
  /** Where the parabola becomes a line; 0 gives the absolute error. Default 1. */
  beta?: number;
}

/** @throws TensorError ERR_ARGUMENT for unknown options and values out of range */
export function smoothL1OptionsOf(
  operation: string,
  options: SmoothL1LossOptions,
): Required<SmoothL1LossOptions> {
  checkOptions(operation, options, ['beta', 'reduction']);
  const { beta = 1, reduction } = options;
  return {
    beta: checkNumber(operation, 'beta', beta, 0),
    reduction: checkReduction(operation, reduction),
  };
}

/**
 * A parabola up to `end` and lines beyond, times `scale`: with c the difference d brought into
 * [-end, end] it is c d - c^2 / 2, whose derivative is c.
 */
function parabolaWithLines(
  operation: string,
  [x, y]: readonly [Tensor, Tensor],
  end: number,
  scale: number,
  reduction: LossReduction,
): Tensor {
  const cut = (d: Tensor) => clamp(d, { min: -end, max: end });
  const losses = (): Tensor => {
    const d = sub(x, y);
    const c = cut(d);
    const value = addcmul(mul(c, d), c, c, { value: -0.5 });
    return scale === 1 ? value : mul(value, scale);
  };
  return elementLoss(
    operation,
    reduction,
    losses,
    [
      [x, (g) => mul(g, cut(sub(x, y)))],
      [y, (g) => mul(g, cut(sub(y, x)))],
    ],
    scale,
  );
}

/**
 * The Huber loss (Huber 1964) of the difference d = input - target: d^2 / 2 where |d| <= delta,
 * delta (|d| - delta / 2) elsewhere.
 * @param input float32 or float64, any shape
 * @param target the same shape
 * @returns a scalar, or with `reduction: 'none'` the input's shape
 * @throws TensorError ERR_SHAPE unless the shapes are equal, ERR_ARGUMENT for a delta that is not above 0,
 * ERR_DTYPE
 * @example
 * ```ts
 * huberLoss(tensor([1, 4]), tensor([0, 0]), { reduction: 'none' }); // => [0.5, 3.5]
 * ```
 */
export function huberLoss(input: Tensor, target: Tensor, options: HuberLossOptions = {}): Tensor {
  const pair = checkPair('huberLoss', input, target);
  const { delta, reduction } = huberOptionsOf('huberLoss', options);
  return parabolaWithLines('huberLoss', pair, delta, 1, reduction);
}

/**
 * The smooth absolute error (Girshick 2015) of d = input - target: d^2 / (2 beta) where |d| < beta,
 * |d| - beta / 2 elsewhere. It is the Huber loss with delta = beta, divided by beta.
 * @param input float32 or float64, any shape
 * @param target the same shape
 * @returns a scalar, or with `reduction: 'none'` the input's shape
 * @throws TensorError ERR_SHAPE unless the shapes are equal, ERR_ARGUMENT for a negative beta, ERR_DTYPE
 * @example
 * ```ts
 * smoothL1Loss(tensor([1, 4]), tensor([0, 0]), { beta: 2, reduction: 'none' }); // => [0.25, 3]
 * ```
 */
export function smoothL1Loss(
  input: Tensor,
  target: Tensor,
  options: SmoothL1LossOptions = {},
): Tensor {
  const pair = checkPair('smoothL1Loss', input, target);
  const { beta, reduction } = smoothL1OptionsOf('smoothL1Loss', options);
  if (beta === 0) return l1Loss(...pair, { reduction });
  return parabolaWithLines('smoothL1Loss', pair, beta, 1 / beta, reduction);
}
