/** Losses of two classes: each element is a yes or a no, or a probability of it. */
import { TensorError } from '../../errors.js';
import { checkNumber, checkOptions, describe } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { logsigmoid, sigmoid } from '../elementwise/activation.js';
import { add, div, maximum, mul, neg, sub } from '../elementwise/arithmetic.js';
import { log, log1p, pow } from '../elementwise/math.js';
import { clamp } from '../elementwise/ternary.js';
import { amax, amin } from '../reduction/extremum.js';
import {
  checkFactors,
  checkFactorsFit,
  checkPair,
  checkReduction,
  elementLoss,
  type LossOptions,
  type LossReduction,
  reduced,
} from './loss.js';

/** Options of {@link binaryCrossEntropy}. */
export interface BinaryCrossEntropyOptions extends LossOptions {
  /** A factor for each element, of the input's dtype; its shape broadcasts to the input's. */
  weight?: Tensor | null;
}

/** Options of {@link binaryCrossEntropyWithLogits}. */
export interface BinaryCrossEntropyWithLogitsOptions extends BinaryCrossEntropyOptions {
  /**
   * A factor for the part of the positive targets, for instance the number of negative examples by that
   * of the positive ones; its shape broadcasts to the input's ([C] for classes in the last dimension).
   */
  posWeight?: Tensor | null;
}

export interface BinarySettings {
  readonly weight: Tensor | null;
  readonly posWeight: Tensor | null;
  readonly reduction: LossReduction;
}

export const BCE_OPTIONS = ['weight', 'reduction'];
export const BCE_WITH_LOGITS_OPTIONS = [...BCE_OPTIONS, 'posWeight'];

/** @throws TensorError ERR_ARGUMENT for unknown options and values, ERR_DTYPE */
export function binaryOptionsOf(
  operation: string,
  options: BinaryCrossEntropyWithLogitsOptions,
  known: readonly string[],
): BinarySettings {
  checkOptions(operation, options, known);
  return {
    weight: checkFactors(operation, 'weight', options.weight),
    posWeight: checkFactors(operation, 'posWeight', options.posWeight),
    reduction: checkReduction(operation, options.reduction),
  };
}

/** A tensor times factors, if there are any. */
const times = (t: Tensor, factors: Tensor | null): Tensor =>
  factors === null ? t : mul(t, factors);

/** The least that a logarithm counts as, so that a certain and wrong prediction has a finite loss. */
const LEAST_LOG = -100;

/** The least that x (1 - x) counts as in the gradient; PyTorch's number, a float32. */
const LEAST_VARIANCE = Math.fround(1e-12);

const boundedLog = (x: Tensor): Tensor => maximum(log(x), LEAST_LOG);
const boundedLog1m = (x: Tensor): Tensor => maximum(log1p(neg(x)), LEAST_LOG);

/** @throws TensorError ERR_ARGUMENT unless all are in [0, 1]; NaN is not */
function checkProbabilities(operation: string, x: Tensor): void {
  if (x.numel === 0) return;
  const values = x.detach();
  const [low, high] = [amin(values).item(), amax(values).item()];
  if (!(low >= 0 && high <= 1)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] probabilities are from 0 to 1, but the input has values from ${low} to ${high}; ` +
        `${operation}WithLogits takes any numbers`,
    );
  }
}

/**
 * The cross entropy of probabilities x and targets y, -weight (y log(x) + (1 - y) log(1 - x)), where no
 * logarithm counts as less than -100, as in PyTorch. `binaryCrossEntropyWithLogits` of what stands before
 * the sigmoid is more accurate.
 * @param input probabilities in [0, 1], float32 or float64, any shape
 * @param target probabilities (most often 0 or 1), the same shape
 * @returns a scalar, or with `reduction: 'none'` the input's shape
 * @throws TensorError ERR_SHAPE unless the shapes are equal and the weight fits, ERR_ARGUMENT for inputs
 * outside [0, 1], ERR_DTYPE
 * @example
 * ```ts
 * binaryCrossEntropy(tensor([0.5, 1]), tensor([1, 1])); // => 0.346574
 * binaryCrossEntropy(tensor([0]), tensor([1])); // => 100
 * ```
 */
export function binaryCrossEntropy(
  input: Tensor,
  target: Tensor,
  options: BinaryCrossEntropyOptions = {},
): Tensor {
  const operation = 'binaryCrossEntropy';
  const [x, y] = checkPair(operation, input, target);
  const { weight, reduction } = binaryOptionsOf(operation, options, BCE_OPTIONS);
  checkFactorsFit(operation, 'weight', weight, x);
  checkProbabilities(operation, x);
  const losses = (): Tensor => {
    const positive = mul(y, boundedLog(x));
    return times(sub(mul(sub(y, 1), boundedLog1m(x)), positive), weight);
  };
  const ofInput = (g: Tensor): Tensor => {
    const variance = maximum(mul(sub(1, x), x), LEAST_VARIANCE);
    return mul(times(div(sub(x, y), variance), weight), g);
  };
  const ofTarget = (g: Tensor) => mul(times(sub(boundedLog1m(x), boundedLog(x)), weight), g);
  const shares = [[x, ofInput] as const, [y, ofTarget] as const];
  return elementLoss(operation, reduction, losses, shares);
}

/**
 * The cross entropy of sigmoid(x) and targets y,
 * -weight (posWeight y log(sigmoid(x)) + (1 - y) log(1 - sigmoid(x))), computed from the logits as
 * (1 - y) x - (1 + (posWeight - 1) y) log(sigmoid(x)), which neither overflows nor cancels.
 * @param logits float32 or float64, any shape
 * @param target probabilities (most often 0 or 1), the same shape
 * @returns a scalar, or with `reduction: 'none'` the logits' shape
 * @throws TensorError ERR_SHAPE unless the shapes are equal and the weights fit, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * binaryCrossEntropyWithLogits(tensor([0, 2]), tensor([1, 1])); // => 0.410038
 * const options = { posWeight: tensor([3, 3]), reduction: 'none' };
 * binaryCrossEntropyWithLogits(tensor([0, 0]), tensor([1, 0]), options); // => [2.079442, 0.693147]
 * ```
 */
export function binaryCrossEntropyWithLogits(
  logits: Tensor,
  target: Tensor,
  options: BinaryCrossEntropyWithLogitsOptions = {},
): Tensor {
  const operation = 'binaryCrossEntropyWithLogits';
  const [x, y] = checkPair(operation, logits, target);
  const settings = binaryOptionsOf(operation, options, BCE_WITH_LOGITS_OPTIONS);
  const { weight, posWeight, reduction } = settings;
  checkFactorsFit(operation, 'weight', weight, x);
  checkFactorsFit(operation, 'posWeight', posWeight, x);
  /** What the logarithm of the sigmoid is multiplied by, for the positive and the negative part. */
  const factor = (): Tensor | null =>
    posWeight === null ? null : add(mul(sub(posWeight, 1), y), 1);
  const losses = () => times(sub(mul(sub(1, y), x), times(logsigmoid(x), factor())), weight);
  const ofLogits = (g: Tensor): Tensor => {
    // Without posWeight 1 - y - sigmoid(-x) is sigmoid(x) - y, which needs one operation less.
    const f = factor();
    const slope = f === null ? sub(sigmoid(x), y) : sub(sub(1, y), mul(f, sigmoid(neg(x))));
    return mul(times(slope, weight), g);
  };
  const ofTarget = (g: Tensor): Tensor => {
    const log = posWeight === null ? null : mul(logsigmoid(x), sub(posWeight, 1));
    const slope = log === null ? x : add(log, x);
    return mul(times(neg(slope), weight), g);
  };
  const shares = [[x, ofLogits] as const, [y, ofTarget] as const];
  return elementLoss(operation, reduction, losses, shares);
}

/** Options of {@link sigmoidFocalLoss}. */
export interface SigmoidFocalLossOptions extends LossOptions {
  /** The factor of positive targets, where negative ones have 1 - alpha; -1 for none. Default 0.25. */
  alpha?: number;
  /** How much less what is classified well counts; 0 for the plain cross entropy. Default 2. */
  gamma?: number;
  /** Default `none`, as in torchvision. */
  reduction?: LossReduction;
}

/** @throws TensorError ERR_ARGUMENT for unknown options and values out of range */
export function focalOptionsOf(
  operation: string,
  options: SigmoidFocalLossOptions,
): Required<SigmoidFocalLossOptions> {
  checkOptions(operation, options, ['alpha', 'gamma', 'reduction']);
  const { alpha = 0.25, gamma = 2, reduction } = options;
  if (alpha !== -1 && !(typeof alpha === 'number' && alpha >= 0 && alpha <= 1)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] alpha is from 0 to 1, or -1 for none, not ${describe(alpha)}`,
    );
  }
  return {
    alpha,
    gamma: checkNumber(operation, 'gamma', gamma, 0),
    reduction: checkReduction(operation, reduction, 'none'),
  };
}

/**
 * Below it a power with an exponent under 1 is taken of this number: its slope stays finite, and is
 * multiplied by a probability of 0.
 */
const LEAST_BASE = 2 ** -126;

/**
 * The focal loss (Lin et al. 2017), which lets examples that are classified well count less:
 * -alpha_t (1 - p_t)^gamma log(p_t), where p_t is the probability sigmoid(x) that the target's class
 * gets and alpha_t is alpha for the positive and 1 - alpha for the negative class. torchvision's
 * definition, with its defaults.
 * @param logits float32 or float64, any shape
 * @param target 0 or 1 (or probabilities), the same shape
 * @returns the logits' shape, or with another reduction than `none` a scalar
 * @throws TensorError ERR_SHAPE unless the shapes are equal, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * sigmoidFocalLoss(tensor([0, 4]), tensor([1, 1])); // => [0.043322, 0.000001468]
 * ```
 */
export function sigmoidFocalLoss(
  logits: Tensor,
  target: Tensor,
  options: SigmoidFocalLossOptions = {},
): Tensor {
  const [x, y] = checkPair('sigmoidFocalLoss', logits, target);
  const { alpha, gamma, reduction } = focalOptionsOf('sigmoidFocalLoss', options);
  const negative = sub(1, y);
  const entropy = sub(mul(negative, x), logsigmoid(x));
  const missed = add(mul(sigmoid(x), negative), mul(sigmoid(neg(x)), y));
  const base = gamma < 1 ? clamp(missed, { min: LEAST_BASE }) : missed;
  const losses = gamma === 0 ? entropy : mul(entropy, pow(base, gamma));
  if (alpha === -1) return reduced(losses, reduction);
  return reduced(mul(losses, add(mul(y, alpha), mul(negative, 1 - alpha))), reduction);
}
