/** Windows of pooling: the user's numbers, checked, and the places that come of them. */
import { TensorError } from '../../errors.js';
import { checkFlag, describe, formatShape, numel } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { outerStep } from '../layout.js';
import { checkFloating, contiguous } from '../operand.js';

/** A number for every spatial dimension, or one for each of them. */
export type Sizes = number | readonly number[];

/** Windows of PyTorch's pooling. */
export interface WindowOptions {
  /** Places from one window to the next. Default the kernel's size. */
  stride?: Sizes | null;
  /** Places that are added at both ends of each spatial dimension: at most half of a window. Default 0. */
  padding?: Sizes;
  /** Whether a last window counts that begins inside but doesn't end there. Default false. */
  ceilMode?: boolean;
}

/** The names of spatial dimensions, by their number. */
const SPATIAL = ['', 'L', 'H, W', 'D, H, W'];

/** The windows of one spatial dimension; a kernel of 0 stands for adaptive ones. */
export interface Axis {
  readonly size: number;
  readonly out: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
}

/** One number for each of `rank` dimensions. @throws TensorError ERR_ARGUMENT */
export function checkSizes(
  operation: string,
  name: string,
  value: unknown,
  rank: number,
  least: number,
): number[] {
  const isList = Array.isArray(value);
  const list: unknown[] = isList ? value : new Array(rank).fill(value);
  const isWhole = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= least;
  if (list.length === rank && list.every(isWhole)) return list as number[];
  const several = rank === 1 ? '' : `, or a list of ${rank}`;
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${operation}] ${name} is a whole number >= ${least}${several}, not ${describe(value)}`,
  );
}

/** What the layers and the functions check of windows before there is an input. */
export interface WindowSizes {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly ceilMode: boolean;
}

/** @throws TensorError ERR_ARGUMENT for numbers that no windows have */
export function checkWindows(
  operation: string,
  rank: number,
  kernelSize: unknown,
  options: WindowOptions & { dilation?: Sizes },
): WindowSizes {
  const kernel = checkSizes(operation, 'kernelSize', kernelSize, rank, 1);
  const stride = checkSizes(operation, 'stride', options.stride ?? kernel, rank, 1);
  const { padding: around = 0, dilation: apart = 1 } = options;
  const padding = checkSizes(operation, 'padding', around, rank, 0);
  const dilation = checkSizes(operation, 'dilation', apart, rank, 1);
  const ceilMode = checkFlag(operation, 'ceilMode', options.ceilMode, false);
  padding.forEach((places, d) => {
    const reach = ((kernel[d] as number) - 1) * (dilation[d] as number) + 1;
    if (2 * places > reach) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${operation}] padding ${places} is more than half of a window of ${reach} places`,
      );
    }
  });
  return { kernel, stride, padding, dilation, ceilMode };
}

/**
 * The sizes of the spatial dimensions, which are the last `rank` ones.
 * @throws TensorError ERR_DTYPE for integers, ERR_SHAPE for other numbers of dimensions, empty ones
 */
export function spatialSizes(operation: string, x: Tensor, rank: number): readonly number[] {
  checkFloating(operation, x);
  const sizes = x.shape.slice(x.ndim - rank);
  if ((x.ndim !== rank + 1 && x.ndim !== rank + 2) || sizes.includes(0)) {
    const names = SPATIAL[rank];
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] takes [N, C, ${names}] or [C, ${names}] with places to look at, ` +
        `not ${formatShape(x.shape)}`,
    );
  }
  return sizes;
}

/** Whether every window has a place inside; with dilation one may step over all of them. */
function meets(axis: Axis): boolean {
  const { size, out, kernel, stride, padding, dilation } = axis;
  if (dilation === 1 || padding === 0) return true;
  for (let o = 0; o < out; o++) {
    const first = o * stride - padding;
    const begin = first + Math.ceil(Math.max(0, -first) / dilation) * dilation;
    if (begin >= Math.min(size, first + (kernel - 1) * dilation + 1)) return false;
  }
  return true;
}

/**
 * The windows over sizes, as many as PyTorch has.
 * @throws TensorError ERR_SHAPE when no window fits
 */
export function axesOf(operation: string, sizes: readonly number[], windows: WindowSizes): Axis[] {
  return sizes.map((size, d): Axis => {
    const [kernel, stride] = [windows.kernel[d] as number, windows.stride[d] as number];
    const [padding, dilation] = [windows.padding[d] as number, windows.dilation[d] as number];
    const room = size + 2 * padding - dilation * (kernel - 1) - 1;
    let out = (windows.ceilMode ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
    // The last window begins inside or in the padding before it.
    if (windows.ceilMode && (out - 1) * stride >= size + padding) out--;
    const axis = { size, out, kernel, stride, padding, dilation };
    if (out < 1 || !meets(axis)) {
      throw new TensorError(
        'ERR_SHAPE',
        `[${operation}] windows of ${kernel} places, ${dilation} apart, with padding ${padding} ` +
          `do not fit a dimension of size ${size}`,
      );
    }
    return axis;
  });
}

/**
 * Windows that share sizes evenly. Where they all have one size they are ordinary ones, for which
 * there are kernels.
 */
export function adaptiveAxes(sizes: readonly number[], out: readonly number[]): Axis[] {
  const even = sizes.every((size, d) => size % (out[d] as number) === 0);
  return sizes.map((size, d): Axis => {
    const count = out[d] as number;
    const kernel = even ? size / count : 0;
    return { size, out: count, kernel, stride: kernel || 1, padding: 0, dilation: 1 };
  });
}

/** x as planes for a native row: where they are, how many and how far apart. */
export function planesOf(x: Tensor, rank: number): { from: Tensor; count: number; step: number } {
  const at = x.ndim - rank;
  const step = outerStep(x, at);
  const from = step === null ? contiguous(x.detach()) : x;
  const count = numel(x.shape.slice(0, at));
  return { from, count, step: step ?? numel(x.shape.slice(at)) };
}

/** The numbers of a native row: how many planes, their sizes, the windows; one row for one dimension. */
export function windowNumbers(planes: number, axes: readonly Axis[]): number[] {
  const last = axes[axes.length - 1] as Axis;
  const single = { size: 1, out: 1, kernel: 1, stride: 1, padding: 0, dilation: 1 };
  const first = axes.length === 1 ? { ...single, kernel: Math.min(1, last.kernel) } : axes[0];
  const pair = [first as Axis, last];
  return [
    planes,
    ...pair.map(({ size }) => size),
    ...pair.map(({ out }) => out),
    ...pair.map(({ kernel }) => kernel),
    ...pair.map(({ stride }) => stride),
    ...pair.map(({ padding }) => padding),
    ...pair.map(({ dilation }) => dilation),
  ];
}

/** x's shape with the sizes of results in the place of the spatial ones. */
export function resultShape(x: Tensor, axes: readonly Axis[]): number[] {
  return [...x.shape.slice(0, x.ndim - axes.length), ...axes.map(({ out }) => out)];
}

/** The sizes that adaptive pooling gives: null keeps one. @throws TensorError ERR_ARGUMENT */
export function checkOutputSize(
  operation: string,
  value: unknown,
  rank: number,
): (number | null)[] {
  const list: unknown[] = Array.isArray(value) ? value : new Array(rank).fill(value);
  const isSize = (n: unknown) => n === null || (Number.isSafeInteger(n) && (n as number) >= 1);
  if (list.length === rank && list.every(isSize)) return list as (number | null)[];
  const several = rank === 1 ? '' : `, or a list of ${rank}`;
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${operation}] outputSize is a whole number >= 1 or null${several}, not ${describe(value)}`,
  );
}
