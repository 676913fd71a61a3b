/** Cross entropy and the negative log-likelihood: losses of classes. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { callAt, params, rows } from '../../native/commands.js';
import type { Row } from '../../native/interface.js';
import { uninitialized } from '../../tensor/creation.js';
import { infoOf } from '../../tensor/dtype.js';
import {
  checkNumber,
  checkOptions,
  describe,
  formatShape,
  sameShape,
  withoutDim,
} from '../../tensor/shape.js';
import type { GradRule, Tensor } from '../../tensor/tensor.js';
import { mul, neg, sub } from '../elementwise/arithmetic.js';
import { exp } from '../elementwise/math.js';
import { aroundDim, outerStep } from '../layout.js';
import { logSoftmax } from '../normalization/softmax.js';
import { checkFloating, contiguous } from '../operand.js';
import { sum } from '../reduction/reduce.js';
import { permute, reshape, unsqueeze } from '../shape/shape.js';
import { checkClasses, checkWeight, hot, solid, type Targets, targetTensor } from './classes.js';
import { checkFactors, checkReduction, type LossOptions, type LossReduction } from './loss.js';

/** Options of {@link nllLoss}. */
export interface NllLossOptions extends LossOptions {
  /** A factor for each class, shape [C], of the input's dtype. */
  weight?: Tensor | null;
  /** Targets of this value have no loss and no part in the mean. Default -100. */
  ignoreIndex?: number;
  /** Default `mean`: the sum of the losses by that of their targets' weights. */
  reduction?: LossReduction;
}

/** Options of {@link crossEntropy}. */
export interface CrossEntropyOptions extends NllLossOptions {
  /** The part of each target that is spread over all classes (Szegedy et al. 2016), 0 to 1. Default 0. */
  labelSmoothing?: number;
}

/** The native side's numbers. */
const REDUCTIONS: Readonly<Record<LossReduction, number>> = { none: 0, mean: 1, sum: 2 };

export interface LossSettings {
  readonly weight: Tensor | null;
  readonly ignoreIndex: number;
  readonly reduction: LossReduction;
  readonly labelSmoothing: number;
}

/** Stands for options that weren't given, which need no check. */
const NO_OPTIONS: CrossEntropyOptions = Object.freeze({});
const DEFAULTS: LossSettings = {
  weight: null,
  ignoreIndex: -100,
  reduction: 'mean',
  labelSmoothing: 0,
};

/**
 * The options with their defaults; the weight's shape is checked where the classes are known.
 * @throws TensorError ERR_ARGUMENT for unknown options and values out of range, ERR_DTYPE
 */
export function checkLossOptions(
  operation: string,
  options: CrossEntropyOptions,
  known: readonly string[],
): LossSettings {
  if (options === NO_OPTIONS) return DEFAULTS;
  checkOptions(operation, options, known);
  const { ignoreIndex = -100, labelSmoothing = 0 } = options;
  if (!Number.isSafeInteger(ignoreIndex)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] ignoreIndex is a whole number, not ${describe(ignoreIndex)}`,
    );
  }
  if (checkNumber(operation, 'labelSmoothing', labelSmoothing, 0) > 1) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] labelSmoothing is from 0 to 1, not ${labelSmoothing}`,
    );
  }
  return {
    weight: checkFactors(operation, 'weight', options.weight),
    ignoreIndex,
    reduction: checkReduction(operation, options.reduction),
    labelSmoothing,
  };
}

export const NLL_OPTIONS = ['weight', 'ignoreIndex', 'reduction'];
export const CROSS_ENTROPY_OPTIONS = [...NLL_OPTIONS, 'labelSmoothing'];

interface Problem extends LossSettings {
  readonly operation: string;
  /** Whether x are scores, or log-probabilities. */
  readonly logits: boolean;
  /** The dimension of the classes. */
  readonly at: number;
  /** Either classes or probabilities. */
  readonly target: Tensor | null;
  readonly q: Tensor | null;
}

/** Calls one of the two rows: `tensors` are its operands. */
function run(
  row: Row,
  tensors: readonly (Tensor | null)[],
  [outer, classes, inner]: readonly [number, number, number],
  step: number | null,
  { logits, reduction, ignoreIndex, labelSmoothing }: Problem,
): void {
  let at = tensors.length;
  params[at++] = outer;
  params[at++] = classes;
  params[at++] = inner;
  params[at++] = reduction === 'none' ? outer * inner : 1;
  params[at++] = step ?? classes * inner;
  params[at++] = inner;
  params[at++] = logits ? 1 : 0;
  params[at++] = REDUCTIONS[reduction];
  params[at++] = ignoreIndex;
  params[at] = labelSmoothing;
  callAt(row, tensors);
}

/** Both passes. Of x everything from the classes on lies together, or it is copied. */
function loss(input: Tensor, p: Problem): Tensor {
  const step = outerStep(input, p.at);
  const x = step === null ? contiguous(input) : input;
  const sizes = aroundDim(x, p.at);
  const positions = sizes[0] * sizes[2];
  const shape = p.reduction === 'none' ? withoutDim(x.shape, p.at) : [];
  const result = uninitialized(shape, x.dtype);
  const stats = uninitialized([3, positions], x.dtype);
  const total = uninitialized([], x.dtype);
  const { target } = p;
  const q = p.q === null ? null : solid(p.q);
  const weight = p.weight === null ? null : contiguous(p.weight);
  run(rows.crossEntropy, [x, target, q, weight, result, stats, total], sizes, step, p);
  if (!recording(x, q ?? undefined)) return result;
  const inputs = [x];
  const rules: GradRule[] = [
    (g) => {
      if (recording(g, x, q ?? undefined))
        return recordedGradient(g, x, { ...p, q, weight }, total);
      const dx = uninitialized(x.shape, x.dtype);
      const operands = [x, target, q, weight, stats, total, contiguous(g), dx];
      run(rows.crossEntropyBackward, operands, sizes, step, p);
      return dx;
    },
  ];
  if (q !== null) {
    inputs.push(q);
    rules.push((g) => {
      const scale = perPosition(g, p, total).mul(p.labelSmoothing - 1);
      return ofClasses(weight, logSoftmax(x, p.at).mul(scale), p.at);
    });
  }
  return attach(result, p.operation, inputs, rules);
}

/** The loss's gradient for each position, with room for the classes. */
function perPosition(g: Tensor, { at, reduction }: Problem, total: Tensor): Tensor {
  return (reduction === 'none' ? unsqueeze(g, at) : g).div(total);
}

/** A tensor times the factors of the classes, if there are any. */
function ofClasses(weight: Tensor | null, t: Tensor, at: number): Tensor {
  if (weight === null) return t;
  const shape = t.shape.map((size, d) => (d === at ? size : 1));
  return mul(t, reshape(weight, shape));
}

/**
 * What the backward row computes, of operations that record: with t the weighted targets, the gradient
 * of log-probabilities is -t g, and that of scores the log-softmax's of it.
 */
function recordedGradient(g: Tensor, x: Tensor, p: Problem, total: Tensor): Tensor {
  const { at, labelSmoothing, q, target, weight } = p;
  const classes = x.shape[at] as number;
  const t = (q ?? hot(target as Tensor, x, at).to(x.dtype))
    .mul(1 - labelSmoothing)
    .add(labelSmoothing / classes);
  const counted = target === null ? t : t.mul(unsqueeze(target.ne(p.ignoreIndex), at).to(x.dtype));
  const weighted = ofClasses(weight, counted, at);
  const ofLogs = neg(mul(weighted, perPosition(g, p, total)));
  if (!p.logits) return ofLogs;
  const softmaxes = exp(logSoftmax(x, at));
  return sub(ofLogs, mul(softmaxes, sum(ofLogs, { dim: at, keepDim: true })));
}

/** Checks what both functions take and turns the classes last when x lies like that. */
function classLoss(
  operation: string,
  logits: boolean,
  x: Tensor,
  targets: Targets,
  settings: LossSettings,
): Tensor {
  if (x.ndim === 0) {
    throw new TensorError('ERR_SHAPE', `[${operation}] input must have shape [N, C, ...] or [C]`);
  }
  const at = x.ndim === 1 ? 0 : 1;
  checkWeight(operation, settings.weight, x, x.shape[at] as number);
  const given = targetTensor(operation, targets, x);
  const isFloating = infoOf(given.dtype).floating;
  const takes = logits ? `, or probabilities of the input's shape and dtype` : '';
  if (isFloating && !(logits && given.dtype === x.dtype && sameShape(given.shape, x.shape))) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] targets are class indices (integers)${takes}, not ${given.dtype} ${formatShape(given.shape)}`,
    );
  }
  if (isFloating && settings.ignoreIndex >= 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] ignoreIndex ${settings.ignoreIndex} has no meaning for probabilities`,
    );
  }
  const shape = withoutDim(x.shape, at);
  const target = isFloating ? null : checkClasses(operation, given, x, shape, settings.ignoreIndex);
  // Scores that lie as [N, ..., C], seen as [N, C, ...]: each position's classes are together.
  const turn = x.ndim > 2 && outerStep(x, 1) === null;
  const order = turn ? [0, ...x.shape.slice(2).map((_, d) => d + 2), 1] : null;
  const turned = (t: Tensor) => (order === null ? t : permute(t, order));
  // Spreading the settings would take 2 us.
  const { weight, ignoreIndex, reduction, labelSmoothing } = settings;
  return loss(turned(x), {
    operation,
    logits,
    at: turn ? x.ndim - 1 : at,
    target,
    q: isFloating ? turned(given) : null,
    weight,
    ignoreIndex,
    reduction,
    labelSmoothing,
  });
}

/**
 * The cross entropy of softmax(logits) and the targets: for each position -sum over classes of weight *
 * target * log(softmax(logits)), with softmax, logarithm and reduction in one pass over the logits, and
 * the gradient in another. A class stands for probability 1. Differs from PyTorch in nothing but
 * the type of classes.
 * @param logits float32 or float64, shape [N, C, ...] or [C]
 * @param targets a class for each position, shape [N, ...] or []: an integer tensor, a list of numbers for
 * [N, C], one number for [C]; or probabilities, a tensor of the logits' shape and dtype, through which
 * gradients flow
 * @returns a scalar (NaN for a mean of nothing), or with `reduction: 'none'` shape [N, ...]
 * @throws TensorError ERR_SHAPE, ERR_DTYPE; ERR_INDEX for a target that is no class, ERR_ARGUMENT for
 * targets that aren't whole numbers, unknown options and values out of range
 * @example
 * ```ts
 * const logits = tensor([[2, 0], [0, 2]]);
 * crossEntropy(logits, [0, 0]); // => 1.126928
 * crossEntropy(logits, [0, 0], { reduction: 'none' }); // => [0.126928, 2.126928]
 * ```
 */
export function crossEntropy(
  logits: Tensor,
  targets: Targets,
  options: CrossEntropyOptions = NO_OPTIONS,
): Tensor {
  checkFloating('crossEntropy', logits);
  const settings = checkLossOptions('crossEntropy', options, CROSS_ENTROPY_OPTIONS);
  return classLoss('crossEntropy', true, logits, targets, settings);
}

/**
 * The negative log-likelihood: for each position -weight[target] * logProbabilities[target].
 * `crossEntropy` of logits is that of `logSoftmax`, in one step.
 * @param logProbabilities float32 or float64, shape [N, C, ...] or [C]
 * @param targets a class for each position, shape [N, ...] or []: an integer tensor, a list of numbers for
 * [N, C], one number for [C]
 * @returns a scalar (NaN for a mean of nothing), or with `reduction: 'none'` shape [N, ...]
 * @throws TensorError ERR_SHAPE, ERR_DTYPE; ERR_INDEX for a target that is no class, ERR_ARGUMENT for
 * targets that aren't whole numbers, unknown options and values out of range
 * @example
 * ```ts
 * nllLoss(tensor([[-0.1, -2.3], [-1.6, -0.2]]), [0, 1]); // => 0.15
 * ```
 */
export function nllLoss(
  logProbabilities: Tensor,
  targets: Targets,
  options: NllLossOptions = {},
): Tensor {
  checkFloating('nllLoss', logProbabilities);
  const settings = checkLossOptions('nllLoss', options, NLL_OPTIONS);
  return classLoss('nllLoss', false, logProbabilities, targets, settings);
}
