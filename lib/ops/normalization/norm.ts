/** Layer, RMS, group and instance normalisation: statistics of each row's own values. */
import { isGradEnabled } from '../../autograd/mode.js';
import { attach, needsGrad, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { callAt, params, rows } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import { recycle } from '../../tensor/memory.js';
import {
  checkNumber,
  checkOptions,
  checkShape,
  describe,
  formatShape,
  numel,
  type Shape,
  sameShape,
} from '../../tensor/shape.js';
import type { GradRule, Tensor } from '../../tensor/tensor.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { outerStep } from '../layout.js';
import { checkFloating, contiguous } from '../operand.js';
import { recordedGradient } from './norm_gradient.js';

/** Options of {@link layerNorm}, {@link groupNorm} and {@link instanceNorm}. */
export interface NormalizationOptions {
  /** Multiplies the normalised values; the shape is that of the statistics' values or channels. */
  weight?: Tensor | null;
  /** Added at the end; of the weight's shape. */
  bias?: Tensor | null;
  /** Added to the variance. Default 1e-5. */
  eps?: number;
}

/** Options of {@link rmsNorm}. */
export interface RmsNormOptions {
  /** Multiplies the normalised values; shape `normalizedShape`. */
  weight?: Tensor | null;
  /** Added to the mean of squares. Default the dtype's machine epsilon, as in PyTorch. */
  eps?: number | null;
}

/** Distance from 1 to the next larger number. */
const EPSILON: Readonly<Record<string, number>> = { float32: 2 ** -23, float64: 2 ** -52 };

/** The shape as the native rows see it: rows of groups of channels of values. */
interface Layout {
  readonly n: number;
  readonly groups: number;
  readonly channels: number;
  readonly span: number;
}

/** The tensor when it is one, null when none was given. */
export function checkAffine(
  operation: string,
  name: string,
  value: Tensor | null | undefined,
  shape: Shape,
  x: Tensor,
): Tensor | null {
  if (value === undefined || value === null) return null;
  checkFloating(operation, value);
  if (!sameShape(value.shape, shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] ${name} ${formatShape(value.shape)} must have shape ${formatShape(shape)}`,
    );
  }
  if (value.dtype !== x.dtype) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] input is ${x.dtype}, ${name} ${value.dtype}`,
    );
  }
  return contiguous(value);
}

/**
 * Attaches the gradient rules of an operation whose backward pass computes those of all its inputs at
 * once: the first rule that is called lets `compute` fill the gradients of every input that needs one
 * (null for the others), and the other rules take theirs. Where gradients are recorded, each comes
 * from `recorded`, which computes that of operand i with operations that record. `gradientOf` makes the
 * tensor that a gradient is written to.
 */
export function attachJoint(
  y: Tensor,
  name: string,
  operands: readonly (Tensor | null)[],
  compute: (g: Tensor, gradients: readonly (Tensor | null)[]) => void,
  recorded: (g: Tensor, i: number) => Tensor,
  gradientOf: (t: Tensor) => Tensor = (t) => uninitialized(t.shape, t.dtype),
): Tensor {
  const inputs = operands.filter((t) => t !== null);
  if (!inputs.some((t) => recording(t))) return y;
  let waiting: (Tensor | null)[] = [];
  /** What the waiting gradients were computed from. A pass that doesn't want all of them leaves some. */
  let from: Tensor | null = null;
  let version = 0;
  const ruleOf = (i: number): GradRule => {
    return (g) => {
      if (isGradEnabled()) return recorded(g, i);
      const { storage } = g;
      if (from !== g || version !== storage.version || !waiting[i] || waiting[i].storage.disposed) {
        waiting = operands.map((t) => (t !== null && needsGrad(t) ? gradientOf(t) : null));
        compute(g, waiting);
        from = g;
        version = storage.version;
      }
      const gradient = waiting[i] as Tensor;
      waiting[i] = null;
      return gradient;
    };
  };
  const rules = operands.map((_, i) => ruleOf(i)).filter((_, i) => operands[i] !== null);
  return attach(y, name, inputs, rules);
}

/** Runs the rows; `rowDims` leading dimensions of x are rows. Without `centered` no mean is subtracted. */
function normalize(
  operation: string,
  input: Tensor,
  rowDims: number,
  { n, groups, channels, span }: Layout,
  weight: Tensor | null,
  bias: Tensor | null,
  eps: number,
  centered: boolean,
): Tensor {
  const step = input.numel === 0 ? null : outerStep(input, rowDims);
  const x = step === null ? contiguous(input) : input;
  const xRow = step ?? groups * channels * span;
  const y = uninitialized(x.shape, x.dtype);
  const mean = centered ? uninitialized([n, groups], x.dtype) : null;
  const rstd = uninitialized([n, groups], x.dtype);
  const sizes = [n, groups, channels, span, xRow];
  if (y.numel > 0) run(rows.groupNorm, [x, weight, bias, y, mean, rstd], [...sizes, eps]);
  const operands = [x, weight, bias] as const;
  if (!operands.some((t) => t !== null && recording(t))) {
    // Only gradients read the statistics.
    if (mean !== null) recycle(mean.storage);
    recycle(rstd.storage);
    return y;
  }
  const fused = (g: Tensor, gradients: readonly (Tensor | null)[]) =>
    run(rows.groupNormBackward, [x, contiguous(g), weight, mean, rstd, ...gradients], sizes);
  const statistics = { shape: [n, groups, channels, span], over: [2, 3], weights: [1, 2], eps };
  return attachJoint(y, operation, operands, fused, (g, i) =>
    recordedGradient(g, operands, i, { ...statistics, centered }),
  );
}

/** Calls a row with tensors, or null, as operands. */
export function run(
  row: (typeof rows)[keyof typeof rows],
  tensors: readonly (Tensor | null)[],
  numbers: readonly number[],
): void {
  for (let i = 0; i < numbers.length; i++) params[tensors.length + i] = numbers[i] as number;
  callAt(row, tensors);
}

/** The dimensions that are normalised over, checked against those of x. */
function checkNormalizedShape(operation: string, x: Tensor, shape: number | Shape): number[] {
  const normalized = checkShape(operation, typeof shape === 'number' ? [shape] : shape);
  if (normalized.length === 0) {
    throw new TensorError('ERR_SHAPE', `[${operation}] normalizedShape has no dimensions`);
  }
  if (!sameShape(x.shape.slice(-normalized.length), normalized)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] input ${formatShape(x.shape)} does not end in normalizedShape ${formatShape(normalized)}`,
    );
  }
  return normalized;
}

/** Rows of values that are normalised together, each with its own weight. */
function rowsOf(x: Tensor, normalized: Shape): Layout {
  const leading = x.shape.slice(0, x.ndim - normalized.length);
  return { n: numel(leading), groups: 1, channels: numel(normalized), span: 1 };
}

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias, with mean and (biased) variance over the last
 * dimensions (Ba, Kiros & Hinton 2016), forward and backward in one pass over memory each. The variance
 * is the mean of squared differences from the mean, not a difference of squares.
 * @param x float32 or float64, shape [..., *normalizedShape]
 * @param normalizedShape the last dimensions, or the last one's size
 * @param options `weight` and `bias` of shape `normalizedShape`; `eps` default 1e-5
 * @throws TensorError ERR_SHAPE when shapes don't fit, ERR_DTYPE when dtypes differ or aren't floating,
 * ERR_ARGUMENT for unknown options and an eps that is no number >= 0
 * @example
 * ```ts
 * layerNorm(tensor([[1, 3]]), [2], { eps: 0 }); // => [[-1, 1]]
 * ```
 */
export function layerNorm(
  x: Tensor,
  normalizedShape: number | Shape,
  options: NormalizationOptions = {},
): Tensor {
  checkFloating('layerNorm', x);
  checkOptions('layerNorm', options, ['weight', 'bias', 'eps']);
  const normalized = checkNormalizedShape('layerNorm', x, normalizedShape);
  const eps = checkNumber('layerNorm', 'eps', options.eps ?? 1e-5, 0);
  const weight = checkAffine('layerNorm', 'weight', options.weight, normalized, x);
  const bias = checkAffine('layerNorm', 'bias', options.bias, normalized, x);
  const layout = rowsOf(x, normalized);
  return normalize('layerNorm', x, x.ndim - normalized.length, layout, weight, bias, eps, true);
}

/**
 * x / sqrt(mean(x^2) + eps) * weight, the mean over the last dimensions (Zhang & Sennrich 2019), forward
 * and backward in one pass over memory each.
 * @param x float32 or float64, shape [..., *normalizedShape]
 * @param normalizedShape the last dimensions, or the last one's size
 * @param options `weight` of shape `normalizedShape`; `eps` default the dtype's machine epsilon
 * @throws TensorError ERR_SHAPE when shapes don't fit, ERR_DTYPE when dtypes differ or aren't floating,
 * ERR_ARGUMENT for unknown options and an eps that is no number >= 0
 * @example
 * ```ts
 * rmsNorm(tensor([[3, 4]]), [2], { eps: 0 }); // => [[0.848528, 1.131371]]
 * ```
 */
export function rmsNorm(
  x: Tensor,
  normalizedShape: number | Shape,
  options: RmsNormOptions = {},
): Tensor {
  checkFloating('rmsNorm', x);
  checkOptions('rmsNorm', options, ['weight', 'eps']);
  const normalized = checkNormalizedShape('rmsNorm', x, normalizedShape);
  const eps = checkNumber('rmsNorm', 'eps', options.eps ?? EPSILON[x.dtype], 0);
  const weight = checkAffine('rmsNorm', 'weight', options.weight, normalized, x);
  const layout = rowsOf(x, normalized);
  return normalize('rmsNorm', x, x.ndim - normalized.length, layout, weight, null, eps, false);
}

/** Groups of channels, after checking that x has channels and values to normalise. */
function byChannels(
  operation: string,
  x: Tensor,
  groups: number,
  options: NormalizationOptions,
): Tensor {
  checkOptions(operation, options, ['weight', 'bias', 'eps']);
  const [n, channels] = x.shape as readonly [number, number];
  const eps = checkNumber(operation, 'eps', options.eps ?? 1e-5, 0);
  const weight = checkAffine(operation, 'weight', options.weight, [channels], x);
  const bias = checkAffine(operation, 'bias', options.bias, [channels], x);
  const span = numel(x.shape.slice(2));
  const layout = { n, groups, channels: groups === 0 ? 0 : channels / groups, span };
  return normalize(operation, x, 1, layout, weight, bias, eps, true);
}

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias, with mean and (biased) variance of each sample over
 * a group of channels and all positions (Wu & He 2018).
 * @param x float32 or float64, shape [N, C, ...]
 * @param numGroups how many groups of neighbouring channels; it divides C
 * @param options `weight` and `bias` of shape [C]; `eps` default 1e-5
 * @throws TensorError ERR_SHAPE when shapes don't fit, ERR_DTYPE when dtypes differ or aren't floating,
 * ERR_ARGUMENT for unknown options, a number of groups that doesn't divide the channels and an eps
 * that is no number >= 0
 * @example
 * ```ts
 * groupNorm(tensor([[1, 3, 10, 30]]), 2, { eps: 0 }); // => [[-1, 1, -1, 1]]
 * ```
 */
export function groupNorm(
  x: Tensor,
  numGroups: number,
  options: NormalizationOptions = {},
): Tensor {
  checkFloating('groupNorm', x);
  checkChannels('groupNorm', x, 2);
  const channels = x.shape[1] as number;
  if (!Number.isSafeInteger(numGroups) || numGroups < 1 || channels % numGroups !== 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[groupNorm] ${describe(numGroups)} groups do not divide ${channels} channels`,
    );
  }
  return byChannels('groupNorm', x, numGroups, options);
}

/** @throws TensorError ERR_SHAPE for too few dimensions */
export function checkChannels(operation: string, x: Tensor, least: number): void {
  if (x.ndim < least) {
    const shape = least === 2 ? '[N, C, ...]' : '[N, C, L, ...]';
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] input must have shape ${shape}, not ${formatShape(x.shape)}`,
    );
  }
}

/**
 * Group normalisation with a group for each channel (Ulyanov, Vedaldi & Lempitsky 2016). Statistics are
 * always those of the input: PyTorch's running statistics of it are left out.
 * @param x float32 or float64, shape [N, C, L, ...] with more than one position
 * @param options `weight` and `bias` of shape [C]; `eps` default 1e-5
 * @throws TensorError ERR_SHAPE when shapes don't fit, ERR_DTYPE when dtypes differ or aren't floating,
 * ERR_ARGUMENT for unknown options and an eps that is no number >= 0
 * @example
 * ```ts
 * instanceNorm(tensor([[[1, 3], [10, 30]]]), { eps: 0 }); // => [[[-1, 1], [-1, 1]]]
 * ```
 */
export function instanceNorm(x: Tensor, options: NormalizationOptions = {}): Tensor {
  checkFloating('instanceNorm', x);
  checkChannels('instanceNorm', x, 3);
  if (numel(x.shape.slice(2)) === 1) {
    throw new TensorError(
      'ERR_SHAPE',
      `[instanceNorm] input ${formatShape(x.shape)} has one value for each channel: nothing to normalise over`,
    );
  }
  return byChannels('instanceNorm', x, x.shape[1] as number, options);
}

defineMethods({ layerNorm, rmsNorm, groupNorm, instanceNorm });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** Normalised over the last dimensions: see the function `layerNorm`. */
    layerNorm(normalizedShape: number | Shape, options?: NormalizationOptions): Tensor;
    /** Divided by the root of the mean of squares over the last dimensions: see `rmsNorm`. */
    rmsNorm(normalizedShape: number | Shape, options?: RmsNormOptions): Tensor;
    /** Normalised over groups of channels: see the function `groupNorm`. */
    groupNorm(numGroups: number, options?: NormalizationOptions): Tensor;
    /** Normalised over the positions of each channel: see the function `instanceNorm`. */
    instanceNorm(options?: NormalizationOptions): Tensor;
  }
}
