/** Losses that ask for a margin between right and wrong classes. */
import { recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { rows, runRowFor } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import {
  checkFlag,
  checkNumber,
  checkOptions,
  describe,
  formatShape,
  sameShape,
} from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { relu, softplus } from '../elementwise/activation.js';
import { add, div, mul, neg, square, sub } from '../elementwise/arithmetic.js';
import { eq } from '../elementwise/compare.js';
import { where } from '../elementwise/ternary.js';
import { indexSelect, takeAlongDim } from '../indexing/gather.js';
import { indexTensor } from '../indexing/indices.js';
import { checkFloating, checkTensor, contiguous } from '../operand.js';
import { isFloating } from '../promotion.js';
import { mean, sum } from '../reduction/reduce.js';
import { unsqueeze } from '../shape/shape.js';
import { checkClasses, checkWeight, hot, type Targets, targetTensor } from './classes.js';
import {
  checkFactors,
  checkFactorsFit,
  checkPair,
  checkReduction,
  elementLoss,
  type LossOptions,
  type LossReduction,
  reduced,
  reductionOf,
} from './loss.js';
import { binaryCrossEntropyWithLogits } from './loss_binary.js';

/** Options of {@link hingeEmbeddingLoss}, {@link marginRankingLoss} and others with a margin. */
export interface MarginLossOptions extends LossOptions {
  /** How far apart things should be. */
  margin?: number;
}

/** @throws TensorError ERR_ARGUMENT for unknown options and values */
export function marginOptionsOf(
  operation: string,
  options: MarginLossOptions,
  otherwise: number,
): Required<MarginLossOptions> {
  checkOptions(operation, options, ['margin', 'reduction']);
  const { margin = otherwise, reduction } = options;
  return {
    margin: checkNumber(operation, 'margin', margin),
    reduction: checkReduction(operation, reduction),
  };
}

/**
 * For distances of pairs: x where the target is 1 (they are alike), max(0, margin - x) where it is -1
 * (they aren't).
 * @param input float32 or float64, any shape
 * @param target 1 or -1, the same shape
 * @param options margin: default 1
 * @returns a scalar, or with `reduction: 'none'` the input's shape
 * @throws TensorError ERR_SHAPE unless the shapes are equal, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * hingeEmbeddingLoss(tensor([0.5, 0.75]), tensor([1, -1]), { reduction: 'none' }); // => [0.5, 0.25]
 * ```
 */
export function hingeEmbeddingLoss(
  input: Tensor,
  target: Tensor,
  options: MarginLossOptions = {},
): Tensor {
  const [x, y] = checkPair('hingeEmbeddingLoss', input, target);
  const { margin, reduction } = marginOptionsOf('hingeEmbeddingLoss', options, 1);
  // As in PyTorch another target than 1 and -1 gets both parts.
  const alike = where(eq(y, -1), 0, x);
  const unlike = where(eq(y, 1), 0, relu(sub(margin, x)));
  return reduced(add(alike, unlike), reduction);
}

/** Options of {@link hingeLoss}. */
export interface HingeLossOptions extends LossOptions {
  /** Whether the losses are squared, which makes them smooth. Default false. */
  squared?: boolean;
}

/** @throws TensorError ERR_ARGUMENT for unknown options and values */
export function hingeOptionsOf(
  operation: string,
  options: HingeLossOptions,
): Required<HingeLossOptions> {
  checkOptions(operation, options, ['squared', 'reduction']);
  return {
    squared: checkFlag(operation, 'squared', options.squared, false),
    reduction: checkReduction(operation, options.reduction),
  };
}

/**
 * The loss of support vector machines (Cortes & Vapnik 1995), max(0, 1 - target * input), or its square
 * (Tang 2013).
 * @param input scores, float32 or float64, any shape
 * @param target 1 or -1, the same shape
 * @returns a scalar, or with `reduction: 'none'` the input's shape
 * @throws TensorError ERR_SHAPE unless the shapes are equal, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * hingeLoss(tensor([0.5, 3, 1]), tensor([1, 1, -1]), { reduction: 'none' }); // => [0.5, 0, 2]
 * ```
 */
export function hingeLoss(input: Tensor, target: Tensor, options: HingeLossOptions = {}): Tensor {
  const [x, y] = checkPair('hingeLoss', input, target);
  const { squared, reduction } = hingeOptionsOf('hingeLoss', options);
  const losses = relu(sub(1, mul(y, x)));
  return reduced(squared ? square(losses) : losses, reduction);
}

/**
 * The logistic loss of two classes, log(1 + e^(-target * input)), without overflow.
 * @param input scores, float32 or float64, any shape
 * @param target 1 or -1, the same shape
 * @returns a scalar, or with `reduction: 'none'` the input's shape
 * @throws TensorError ERR_SHAPE unless the shapes are equal, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * softMarginLoss(tensor([0, 2]), tensor([1, -1]), { reduction: 'none' }); // => [0.693147, 2.126928]
 * ```
 */
export function softMarginLoss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  const [x, y] = checkPair('softMarginLoss', input, target);
  const reduction = reductionOf('softMarginLoss', options);
  return reduced(softplus(neg(mul(y, x))), reduction);
}

/** Scores and targets of {@link multiMarginLoss} and others are [N, C] or [C]. */
function checkScores(operation: string, x: Tensor): void {
  checkFloating(operation, x);
  if ((x.ndim !== 1 && x.ndim !== 2) || x.shape.at(-1) === 0) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] input must have shape [N, C] or [C], not ${formatShape(x.shape)}`,
    );
  }
}

/** Options of {@link multiMarginLoss}. */
export interface MultiMarginLossOptions extends MarginLossOptions {
  /** What the differences are raised to, 1 or 2. Default 1. */
  p?: 1 | 2;
  /** A factor for each class, shape [C], of the input's dtype. */
  weight?: Tensor | null;
}

export interface MultiMarginSettings {
  readonly p: 1 | 2;
  readonly margin: number;
  readonly weight: Tensor | null;
  readonly reduction: LossReduction;
}

/** @throws TensorError ERR_ARGUMENT for unknown options and values, ERR_DTYPE */
export function multiMarginOptionsOf(
  operation: string,
  options: MultiMarginLossOptions,
): MultiMarginSettings {
  checkOptions(operation, options, ['p', 'margin', 'weight', 'reduction']);
  const { p = 1, margin = 1, weight, reduction } = options;
  if (p !== 1 && p !== 2) {
    throw new TensorError('ERR_ARGUMENT', `[${operation}] p is 1 or 2, not ${describe(p)}`);
  }
  return {
    p,
    margin: checkNumber(operation, 'margin', margin),
    weight: checkFactors(operation, 'weight', weight),
    reduction: checkReduction(operation, reduction),
  };
}

/**
 * The hinge loss of many classes (Crammer & Singer 2001): the sum over all classes i but the target y of
 * weight[y] max(0, margin - x[y] + x[i])^p, by the number of classes.
 * @param input scores, float32 or float64, shape [N, C] or [C]
 * @param targets a class for each position, as for `crossEntropy`
 * @param options margin: default 1
 * @returns a scalar, or with `reduction: 'none'` shape [N]
 * @throws TensorError ERR_SHAPE, ERR_DTYPE; ERR_INDEX for a target that is no class; ERR_ARGUMENT
 * @example
 * ```ts
 * multiMarginLoss(tensor([[0.1, 0.2, 0.4, 0.8]]), [3]); // => 0.325
 * ```
 */
export function multiMarginLoss(
  input: Tensor,
  targets: Targets,
  options: MultiMarginLossOptions = {},
): Tensor {
  const operation = 'multiMarginLoss';
  checkScores(operation, input);
  const { p, margin, weight, reduction } = multiMarginOptionsOf(operation, options);
  const classes = input.shape.at(-1) as number;
  checkWeight(operation, weight, input, classes);
  const given = targetTensor(operation, targets, input);
  if (isFloating(given.dtype)) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] targets are class indices (integers), not ${given.dtype}`,
    );
  }
  const target = checkClasses(operation, given, input, input.shape.slice(0, -1));
  const own = takeAlongDim(input, unsqueeze(target, -1), { dim: -1 });
  const missing = relu(add(sub(input, own), margin));
  const powers = p === 2 ? square(missing) : missing;
  const counted = where(hot(target, input, input.ndim - 1), 0, powers);
  const total = div(sum(counted, { dim: -1 }), classes);
  if (weight === null) return reduced(total, reduction);
  return reduced(mul(total, indexSelect(weight, 0, target)), reduction);
}

/** The labels of {@link multilabelMarginLoss}, checked but for which classes there are. */
function labelsOf(operation: string, x: Tensor, target: Tensor): Tensor {
  checkTensor(operation, target);
  if (isFloating(target.dtype)) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] targets are class indices (integers), not ${target.dtype}`,
    );
  }
  const given = indexTensor(operation, target);
  if (!sameShape(given.shape, x.shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] input ${formatShape(x.shape)} needs targets of the same shape, not ${formatShape(given.shape)}`,
    );
  }
  return contiguous(given);
}

/**
 * The hinge loss of several labels: the sum over all labels j and all classes i that are no labels of
 * max(0, 1 - x[j] + x[i]), by the number of classes.
 * @param input scores, float32 or float64, shape [N, C] or [C]
 * @param target integers of the same shape: in each row the labels, and -1 after them
 * @returns a scalar, or with `reduction: 'none'` shape [N]
 * @throws TensorError ERR_SHAPE unless the shapes are equal, ERR_INDEX for a label that is no class,
 * ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * const target = tensor([[3, 0, -1, 1]], { dtype: 'int32' });
 * multilabelMarginLoss(tensor([[0.1, 0.2, 0.4, 0.8]]), target); // => 0.85
 * ```
 */
export function multilabelMarginLoss(
  input: Tensor,
  target: Tensor,
  options: LossOptions = {},
): Tensor {
  const operation = 'multilabelMarginLoss';
  checkScores(operation, input);
  const reduction = reductionOf(operation, options);
  const labels = labelsOf(operation, input, target);
  const x = contiguous(input.detach());
  const shape = x.shape.slice(0, -1);
  // The derivatives don't depend on the gradient, nor their own on anything.
  const slopes = recording(input) ? uninitialized(x.shape, x.dtype) : null;
  const losses = () => {
    const y = uninitialized(shape, x.dtype);
    if (y.numel === 0) return y;
    const classes = x.shape.at(-1) as number;
    const arrays = [x.array, labels.array, y.array, slopes === null ? null : slopes.array];
    const offsets = [x.offset, labels.offset, y.offset, slopes === null ? 0 : slopes.offset];
    try {
      runRowFor(operation, rows.multilabelMargin, arrays, offsets, [y.numel, classes]);
    } catch (error) {
      if (!(error instanceof TensorError) || error.code !== 'ERR_INDEX') throw error;
      // One behind the last label of a row could be named here, where another is wrong as well.
      const wrong = Array.from(labels.data as Int32Array).find((label) => label >= classes);
      throw new TensorError(
        'ERR_INDEX',
        `[${operation}] target ${wrong} is not one of ${classes} classes`,
        { cause: error },
      );
    }
    return y;
  };
  const rule = (g: Tensor) => mul(g.ndim === 0 ? g : unsqueeze(g, -1), slopes as Tensor);
  return elementLoss(operation, reduction, losses, [[input, rule]]);
}

/** Options of {@link multilabelSoftMarginLoss}. */
export interface MultiLabelSoftMarginLossOptions extends LossOptions {
  /** A factor for each class, shape [C], of the input's dtype. */
  weight?: Tensor | null;
}

/** @throws TensorError ERR_ARGUMENT for unknown options and values, ERR_DTYPE */
export function multilabelSoftOptionsOf(
  operation: string,
  options: MultiLabelSoftMarginLossOptions,
): { readonly weight: Tensor | null; readonly reduction: LossReduction } {
  checkOptions(operation, options, ['weight', 'reduction']);
  return {
    weight: checkFactors(operation, 'weight', options.weight),
    reduction: checkReduction(operation, options.reduction),
  };
}

/**
 * The logistic loss of several labels: the mean over the last dimension, the classes, of
 * `binaryCrossEntropyWithLogits`.
 * @param input scores, float32 or float64, shape [..., C]
 * @param target 1 for a label, 0 for others, the same shape
 * @returns a scalar, or with `reduction: 'none'` the shape without the last dimension
 * @throws TensorError ERR_SHAPE unless the shapes are equal, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * multilabelSoftMarginLoss(tensor([[0, 2]]), tensor([[1, 1]])); // => 0.410038
 * ```
 */
export function multilabelSoftMarginLoss(
  input: Tensor,
  target: Tensor,
  options: MultiLabelSoftMarginLossOptions = {},
): Tensor {
  const [x, y] = checkPair('multilabelSoftMarginLoss', input, target);
  const { weight, reduction } = multilabelSoftOptionsOf('multilabelSoftMarginLoss', options);
  if (x.ndim === 0) {
    throw new TensorError('ERR_SHAPE', '[multilabelSoftMarginLoss] input has no classes');
  }
  checkFactorsFit('multilabelSoftMarginLoss', 'weight', weight, x);
  const losses = binaryCrossEntropyWithLogits(x, y, { weight, reduction: 'none' });
  return reduced(mean(losses, { dim: -1 }), reduction);
}
