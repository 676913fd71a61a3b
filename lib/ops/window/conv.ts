/** Convolution (cross-correlation, as in PyTorch) over one, two and three axes. */
import { TensorError } from '../../errors.js';
import { checkCount, checkOptions, describe, formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloating } from '../operand.js';
import { squeeze, unsqueeze } from '../shape/shape.js';
import { type ConvGeometry, convolve, sizesOf } from './conv_product.js';

/** A number for all axes, or one for each. */
export type PerAxis = number | readonly number[];

/** Options of {@link conv1d}, {@link conv2d} and {@link conv3d}. */
export interface ConvOptions {
  /** How far the kernel moves from one output to the next. Default 1. */
  stride?: PerAxis;
  /**
   * Zeros at both ends of each axis. `valid` is none; `same` gives the result the input's size (with
   * stride 1; an odd number of zeros has one more behind). Default 0.
   */
  padding?: PerAxis | 'same' | 'valid';
  /** How far the kernel's elements are apart. Default 1. */
  dilation?: PerAxis;
  /** In how many groups channels are dealt, of which each sees only its own. Default 1. */
  groups?: number;
}

const AXIS_NAMES = ['', 'length', 'height and width', 'depth, height and width'];

/** @throws TensorError ERR_ARGUMENT unless it is a whole number >= `least`, or one for each axis */
export function checkPerAxis(
  operation: string,
  name: string,
  value: unknown,
  rank: number,
  least: number,
): number[] {
  const list: unknown[] = Array.isArray(value)
    ? value.length === 1
      ? new Array(rank).fill(value[0])
      : value
    : new Array(rank).fill(value);
  const fits = (x: unknown) => Number.isSafeInteger(x) && (x as number) >= least;
  if (list.length !== rank || !list.every(fits)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] ${name} is a whole number >= ${least}, or a list of them for ` +
        `${AXIS_NAMES[rank]}, not ${describe(value)}`,
    );
  }
  return list as number[];
}

/** The zeros before and behind each axis. */
export function checkPadding(
  operation: string,
  padding: unknown,
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): [before: number, after: number][] {
  if (padding === 'valid') return kernel.map(() => [0, 0]);
  if (padding !== 'same') {
    if (typeof padding === 'string') {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${operation}] padding is a number, a list, 'same' or 'valid', not ${describe(padding)}`,
      );
    }
    return checkPerAxis(operation, 'padding', padding, kernel.length, 0).map((p) => [p, p]);
  }
  if (stride.some((step) => step !== 1)) {
    throw new TensorError('ERR_ARGUMENT', `[${operation}] padding 'same' needs stride 1`);
  }
  return kernel.map((k, i) => {
    const all = (k - 1) * (dilation[i] as number);
    return [Math.floor(all / 2), Math.ceil(all / 2)];
  });
}

/** Input, weight and bias with an axis of images in front, checked against each other. */
export interface ConvOperands {
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  /** Whether the input was a single image. */
  readonly single: boolean;
}

/**
 * @param inputs how many channels the weight takes, and `outputs` how many it gives
 * @throws TensorError ERR_ARGUMENT, ERR_DTYPE and ERR_SHAPE
 */
export function checkOperands(
  operation: string,
  rank: number,
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  channels: (weight: Tensor) => { inputs: number; outputs: number },
): ConvOperands {
  checkFloating(operation, input);
  checkFloating(operation, weight);
  if (bias !== null) checkFloating(operation, bias);
  if (input.dtype !== weight.dtype || (bias !== null && bias.dtype !== input.dtype)) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] input is ${input.dtype}, weight ${weight.dtype}${bias === null ? '' : `, bias ${bias.dtype}`}`,
    );
  }
  const single = input.ndim === rank + 1;
  if (weight.ndim !== rank + 2 || (!single && input.ndim !== rank + 2)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] input and weight have ${rank + 2} dimensions (a single input ${rank + 1}), ` +
        `not ${formatShape(input.shape)} and ${formatShape(weight.shape)}`,
    );
  }
  if (sizesOf(weight).includes(0)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] the kernel of ${formatShape(weight.shape)} is empty`,
    );
  }
  const x = single ? unsqueeze(input, 0) : input;
  const { inputs, outputs } = channels(weight);
  if (x.shape[1] !== inputs) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] weight ${formatShape(weight.shape)} takes ${inputs} channels, ` +
        `the input ${formatShape(input.shape)} has ${x.shape[1]}`,
    );
  }
  if (bias !== null && (bias.ndim !== 1 || bias.shape[0] !== outputs)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] bias ${formatShape(bias.shape)} must have shape [${outputs}]`,
    );
  }
  return { x, weight, bias, single };
}

/** @throws TensorError ERR_SHAPE unless groups divide the weight's first dimension */
export function checkGroups(operation: string, weight: Tensor, groups: number): void {
  if ((weight.shape[0] as number) % groups === 0) return;
  throw new TensorError(
    'ERR_SHAPE',
    `[${operation}] ${groups} groups do not divide the first dimension of weight ${formatShape(weight.shape)}`,
  );
}

function conv(
  operation: string,
  rank: number,
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  options: ConvOptions,
): Tensor {
  checkOptions(operation, options, ['stride', 'padding', 'dilation', 'groups']);
  const groups = checkCount(operation, 'groups', options.groups ?? 1);
  const stride = checkPerAxis(operation, 'stride', options.stride ?? 1, rank, 1);
  const dilation = checkPerAxis(operation, 'dilation', options.dilation ?? 1, rank, 1);
  const { x, single } = checkOperands(operation, rank, input, weight, bias, () => ({
    inputs: groups * (weight.shape[1] as number),
    outputs: weight.shape[0] as number,
  }));
  checkGroups(operation, weight, groups);
  const kernel = sizesOf(weight);
  const pads = checkPadding(operation, options.padding ?? 0, kernel, stride, dilation);
  const sizes = sizesOf(x).map((size, i) => {
    const [before, after] = pads[i] as [number, number];
    const reach = ((kernel[i] as number) - 1) * (dilation[i] as number) + 1;
    const room = size + before + after - reach;
    if (room < 0) {
      throw new TensorError(
        'ERR_SHAPE',
        `[${operation}] a kernel that reaches over ${reach} does not fit the padded input, ` +
          `${size} + ${before + after}`,
      );
    }
    return Math.floor(room / (stride[i] as number)) + 1;
  });
  const geometry: ConvGeometry = { groups, stride, dilation, padding: pads.map(([p]) => p) };
  const y = convolve(operation, x, weight, bias, geometry, sizes);
  return single ? squeeze(y, 0) : y;
}

/**
 * Cross-correlation along one axis: y[n, o, i] = bias[o] + the sum over channels c and taps k of
 * weight[o, c, k] x[n, c, stride i + dilation k - padding], with zeros outside of x. Every element is
 * one chain of fused multiply-adds over c and k. The matrix of patches is never in memory as a whole.
 * @param x shape [N, C, L] or [C, L], float32 or float64
 * @param weight shape [O, C / groups, K]
 * @param bias shape [O], or null
 * @returns shape [N, O, (L + 2 padding - dilation (K - 1) - 1) / stride + 1], rounded down, or without N
 * @throws TensorError ERR_SHAPE when they don't fit, ERR_DTYPE when their dtypes differ or aren't
 * float32 or float64, ERR_ARGUMENT for unknown options and wrong values
 * @example
 * ```ts
 * conv1d(tensor([[1, 2, 3, 4]]), tensor([[[1, 0, -1]]])); // => [[-2, -2]]
 * conv1d(tensor([[1, 2, 3]]), tensor([[[1, 1]]]), null, { padding: 'same' }); // => [[3, 5, 3]]
 * conv1d(ones([1, 2]), ones([1, 1, 3])); // throws ERR_SHAPE
 * ```
 */
export function conv1d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: ConvOptions = {},
): Tensor {
  return conv('conv1d', 1, x, weight, bias, options);
}

/**
 * The same along two axes (see {@link conv1d}): the layer of LeCun et al., "Gradient-based learning
 * applied to document recognition" (1998). With as many groups as channels it is depthwise.
 * @param x shape [N, C, H, W] or [C, H, W], float32 or float64
 * @param weight shape [O, C / groups, KH, KW]
 * @param bias shape [O], or null
 * @returns shape [N, O, H', W'], or without N
 * @throws TensorError as conv1d
 * @example
 * ```ts
 * const x = tensor([[[1, 2], [3, 4]]]);
 * conv2d(x, ones([1, 1, 2, 2]), tensor([100])); // => [[[110]]]
 * conv2d(x, ones([1, 1, 1, 1]), null, { stride: 2 }); // => [[[1]]]
 * ```
 */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: ConvOptions = {},
): Tensor {
  return conv('conv2d', 2, x, weight, bias, options);
}

/**
 * The same along three axes (see {@link conv1d}).
 * @param x shape [N, C, D, H, W] or [C, D, H, W], float32 or float64
 * @param weight shape [O, C / groups, KD, KH, KW]
 * @param bias shape [O], or null
 * @returns shape [N, O, D', H', W'], or without N
 * @throws TensorError as conv1d
 * @example
 * ```ts
 * conv3d(ones([2, 3, 3, 3]), ones([1, 2, 2, 2, 2])).shape; // => [1, 2, 2, 2]
 * ```
 */
export function conv3d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: ConvOptions = {},
): Tensor {
  return conv('conv3d', 3, x, weight, bias, options);
}
