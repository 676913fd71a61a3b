/** Losses of numbers: how far predictions are from targets. */
import { noGrad } from '../../autograd/mode.js';
import { recording } from '../../autograd/tape.js';
import { composed } from '../../autograd/tidy.js';
import { rows, runRow } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import { checkNumber, checkOptions } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { abs, mul, sign, sub } from '../elementwise/arithmetic.js';
import { computeBinary, computeTernary } from '../elementwise/elementwise.js';
import { clamp } from '../elementwise/ternary.js';
import { constant } from '../operand.js';
import {
  checkPair,
  checkReduction,
  type LossOptions,
  type LossReduction,
  reduced,
  reductionOf,
  shared,
} from './loss.js';

/** A loss of the differences d = x - y of elements. */
interface ErrorOf {
  /** What the row `errors` calls it. */
  readonly kind: number;
  /** From where on it is a line, and what it is multiplied with: numbers of Huber's. */
  readonly end: number;
  readonly scale: number;
  /** Of each element. */
  readonly losses: (x: Tensor, y: Tensor) => Tensor;
  /** g times the derivative by x, but for `slope`. Made of operations that record where that is asked for. */
  readonly gradient: (g: Tensor, x: Tensor, y: Tensor) => Tensor;
  /** A factor of the derivative. */
  readonly slope: number;
}

/** g times d brought into [-end, end]. */
function cutGradient(g: Tensor, x: Tensor, y: Tensor, end: number): Tensor {
  if (!recording(g, x, y)) return computeTernary('huberBackward', [g, x, y], x.dtype, end);
  const d = sub(x, y);
  return mul(g, end === Infinity ? d : clamp(d, { min: -end, max: end }));
}

const ERRORS = {
  absolute: {
    kind: 0,
    end: 0,
    scale: 1,
    losses: (x, y) => abs(sub(x, y)),
    gradient: (g, x, y) => mul(g, sign(sub(x, y))),
    slope: 1,
  },
  squared: {
    kind: 1,
    end: 0,
    scale: 1,
    losses: (x, y) => computeBinary('squaredDifference', x, y),
    gradient: (g, x, y) => cutGradient(g, x, y, Infinity),
    slope: 2,
  },
} as const satisfies Record<string, ErrorOf>;

/**
 * A parabola up to `end` and lines beyond, times `scale`: with c the difference d brought into
 * [-end, end] it is c d - c^2 / 2, whose derivative is c.
 */
function parabolaWithLines(end: number, scale: number): ErrorOf {
  return {
    kind: 2,
    end,
    scale,
    losses: (x, y) => computeTernary('huber', [x, y, constant(scale, x.dtype)], x.dtype, end),
    gradient: (g, x, y) => cutGradient(g, x, y, end),
    slope: scale,
  };
}

/** The mean or sum of the losses. Where they lie one after the other none of them is written out. */
function total(error: ErrorOf, reduction: 'mean' | 'sum', x: Tensor, y: Tensor): Tensor {
  if (!(x.isContiguous && y.isContiguous)) return reduced(error.losses(x, y), reduction);
  const result = uninitialized([], x.dtype);
  const { kind, end, scale } = error;
  const divisor = reduction === 'mean' ? x.numel : 1;
  runRow(
    rows.errors,
    [x.array, y.array, result.array],
    [x.offset, y.offset, result.offset],
    [x.numel, kind, end, scale, divisor],
  );
  return result;
}

function errorLoss(
  operation: string,
  error: ErrorOf,
  reduction: LossReduction,
  x: Tensor,
  y: Tensor,
): Tensor {
  const { gradient, slope } = error;
  const loss = noGrad(() =>
    composed(() => (reduction === 'none' ? error.losses(x, y) : total(error, reduction, x, y))),
  );
  const shares = [
    [x, (g: Tensor) => gradient(g, x, y)],
    [y, (g: Tensor) => gradient(g, y, x)],
  ] as const;
  return shared(operation, loss, shares, slope / (reduction === 'mean' ? x.numel : 1));
}

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
  return errorLoss('l1Loss', ERRORS.absolute, reduction, x, y);
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
  return errorLoss('mseLoss', ERRORS.squared, reduction, x, y);
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
  const [x, y] = checkPair('huberLoss', input, target);
  const { delta, reduction } = huberOptionsOf('huberLoss', options);
  return errorLoss('huberLoss', parabolaWithLines(delta, 1), reduction, x, y);
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
  const [x, y] = checkPair('smoothL1Loss', input, target);
  const { beta, reduction } = smoothL1OptionsOf('smoothL1Loss', options);
  const error = beta === 0 ? ERRORS.absolute : parabolaWithLines(beta, 1 / beta);
  return errorLoss('smoothL1Loss', error, reduction, x, y);
}
