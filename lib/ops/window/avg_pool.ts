/** Means of windows, and what is made of them. */
import { attach, recording } from '../../autograd/tape.js';
import { composed } from '../../autograd/tidy.js';
import { TensorError } from '../../errors.js';
import { rows, runRowFor } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import {
  checkCount,
  checkFlag,
  checkNumber,
  checkOptions,
  describe,
  formatShape,
  numel,
} from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { relu } from '../elementwise/activation.js';
import { abs, add, div, mul, sign, square } from '../elementwise/arithmetic.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { pow } from '../elementwise/math.js';
import { checkFloating, contiguous } from '../operand.js';
import { mean } from '../reduction/reduce.js';
import { pad } from '../shape/pad.js';
import { reshape } from '../shape/shape.js';
import type { OutputSize } from './max_pool.js';
import {
  type Axis,
  adaptiveAxes,
  axesOf,
  checkOutputSize,
  checkWindows,
  planesOf,
  resultShape,
  type Sizes,
  spatialSizes,
  type WindowOptions,
  windowNumbers,
} from './windows.js';

/** Options of {@link avgPool1d}. */
export interface AvgPool1dOptions extends WindowOptions {
  /** Whether places of the padding count. Default true. */
  countIncludePad?: boolean;
}

/** Options of {@link avgPool2d}. */
export interface AvgPool2dOptions extends AvgPool1dOptions {
  /** What sums are divided by in place of the number of places: a whole number other than 0. */
  divisorOverride?: number | null;
}

/** What means are of: the windows, and the last two numbers of the native rows. */
interface Means {
  readonly axes: readonly Axis[];
  readonly countPadding: boolean;
  readonly divisor: number;
}

/** The means of windows: a linear map, with the gradient `spread`. */
export function means(operation: string, x: Tensor, of: Means): Tensor {
  const { from, count, step } = planesOf(x, of.axes.length);
  const y = uninitialized(resultShape(x, of.axes), x.dtype);
  runRowFor(
    operation,
    rows.avgPool,
    [from.array, y.array],
    [from.offset, y.offset],
    [...windowNumbers(count, of.axes), Number(of.countPadding), of.divisor, step],
  );
  if (recording(x)) attach(y, operation, [x], [(g) => spread(operation, g, of)]);
  return y;
}

/** Each value's share added to the places of its window. */
function spread(operation: string, g: Tensor, of: Means): Tensor {
  const { axes } = of;
  const from = contiguous(g.detach());
  const leading = g.shape.slice(0, g.ndim - axes.length);
  const dx = uninitialized([...leading, ...axes.map(({ size }) => size)], g.dtype);
  runRowFor(
    operation,
    rows.avgPoolBackward,
    [from.array, dx.array],
    [from.offset, dx.offset],
    [...windowNumbers(numel(leading), axes), Number(of.countPadding), of.divisor],
  );
  if (recording(g)) attach(dx, 'avgPoolBackward', [g], [(h) => means(operation, h, of)]);
  return dx;
}

const OPTIONS_1D = ['stride', 'padding', 'ceilMode', 'countIncludePad'];

/** @throws TensorError ERR_ARGUMENT unless it is a whole number other than 0, or left out */
export function checkDivisor(operation: string, value: unknown): number {
  if (value === undefined || value === null) return 0;
  if (Number.isSafeInteger(value) && value !== 0) return value as number;
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${operation}] divisorOverride is a whole number other than 0, not ${describe(value)}`,
  );
}

/**
 * The mean of each window along the last dimension: see `avgPool2d`.
 * @param x float32 or float64, [N, C, L] or [C, L]
 * @throws TensorError as `avgPool2d`
 * @example
 * ```ts
 * avgPool1d(tensor([[1, 3, 2, 6]]), 2); // => [[2, 4]]
 * ```
 */
export function avgPool1d(x: Tensor, kernelSize: Sizes, options: AvgPool1dOptions = {}): Tensor {
  const sizes = spatialSizes('avgPool1d', x, 1);
  checkOptions('avgPool1d', options, OPTIONS_1D);
  const axes = axesOf('avgPool1d', sizes, checkWindows('avgPool1d', 1, kernelSize, options));
  const countPadding = checkFlag('avgPool1d', 'countIncludePad', options.countIncludePad, true);
  return means('avgPool1d', x, { axes, countPadding, divisor: 0 });
}

/**
 * y[.., i, j] = the sum of x[.., i s + a - p, j s + b - p] over a, b < kernelSize, with stride s and
 * padding p (zeros), over the number of places: those of the padding count unless `countIncludePad` is
 * false, those behind it (`ceilMode`) never do. The size is floor((size + 2 p - kernelSize) / s) + 1,
 * with `ceilMode` the ceiling.
 * @param x float32 or float64, [N, C, H, W] or [C, H, W]
 * @param kernelSize a number, or one for the rows and one for the columns, like the options
 * @throws TensorError ERR_ARGUMENT for unknown options, sizes that aren't whole numbers, padding of
 * more than half a window; ERR_SHAPE when no window fits and for other numbers of dimensions;
 * ERR_DTYPE
 * @example
 * ```ts
 * const x = tensor([[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]);
 * avgPool2d(x, 2, { stride: 1 }); // => [[[3, 4], [6, 7]]]
 * avgPool2d(x, 3, { divisorOverride: 1 }); // => [[[45]]]
 * avgPool2d(x, 4); // throws ERR_SHAPE
 * ```
 */
export function avgPool2d(x: Tensor, kernelSize: Sizes, options: AvgPool2dOptions = {}): Tensor {
  const sizes = spatialSizes('avgPool2d', x, 2);
  checkOptions('avgPool2d', options, [...OPTIONS_1D, 'divisorOverride']);
  const axes = axesOf('avgPool2d', sizes, checkWindows('avgPool2d', 2, kernelSize, options));
  const countPadding = checkFlag('avgPool2d', 'countIncludePad', options.countIncludePad, true);
  const divisor = checkDivisor('avgPool2d', options.divisorOverride);
  return means('avgPool2d', x, { axes, countPadding, divisor });
}

/** The means of so many windows, of sizes that are checked. */
export function adaptiveMeans(operation: string, x: Tensor, out: readonly number[]): Tensor {
  const rank = out.length;
  if (out.every((n) => n === 1)) {
    return mean(x, { dim: out.map((_, d) => d - rank), keepDim: true });
  }
  const axes = adaptiveAxes(x.shape.slice(x.ndim - rank), out);
  return means(operation, x, { axes, countPadding: false, divisor: 0 });
}

function adaptiveAvgPool(operation: string, rank: number, x: Tensor, size: unknown): Tensor {
  const sizes = spatialSizes(operation, x, rank);
  const out = checkOutputSize(operation, size, rank).map((n, d) => n ?? (sizes[d] as number));
  return adaptiveMeans(operation, x, out);
}

/**
 * The mean of each of `outputSize` windows along the last dimension: see `adaptiveAvgPool2d`.
 * @param x float32 or float64, [N, C, L] or [C, L]
 * @throws TensorError as `adaptiveAvgPool2d`
 * @example
 * ```ts
 * adaptiveAvgPool1d(tensor([[1, 2, 3, 4, 5]]), 2); // => [[2, 4]]
 * ```
 */
export function adaptiveAvgPool1d(x: Tensor, outputSize: number | readonly number[]): Tensor {
  return adaptiveAvgPool('adaptiveAvgPool1d', 1, x, outputSize);
}

/**
 * The mean of each of `outputSize` windows, which share a plane evenly: window i of n along a
 * dimension of a given size goes from floor(i size / n) to ceil((i + 1) size / n).
 * @param x float32 or float64, [N, C, H, W] or [C, H, W]
 * @param outputSize a number, or one for the rows and one for the columns; null keeps a size
 * @throws TensorError ERR_ARGUMENT for other sizes, ERR_SHAPE for other numbers of dimensions,
 * ERR_DTYPE
 * @example
 * ```ts
 * adaptiveAvgPool2d(tensor([[[1, 2, 3], [4, 5, 6]]]), [1, 2]); // => [[[3, 4]]]
 * adaptiveAvgPool2d(tensor([[[1, 2, 3], [4, 5, 6]]]), 1); // => [[[3.5]]]
 * ```
 */
export function adaptiveAvgPool2d(x: Tensor, outputSize: OutputSize): Tensor {
  return adaptiveAvgPool('adaptiveAvgPool2d', 2, x, outputSize);
}

/** Options of {@link lpPool1d} and {@link lpPool2d}. */
export interface LpPoolOptions {
  /** Places from one window to the next. Default the kernel's size. */
  stride?: Sizes | null;
  /** Whether a last window counts that begins inside but doesn't end there. Default false. */
  ceilMode?: boolean;
}

function lpPool(
  operation: string,
  rank: number,
  x: Tensor,
  normType: number,
  kernelSize: Sizes,
  options: LpPoolOptions,
): Tensor {
  const sizes = spatialSizes(operation, x, rank);
  checkNormType(operation, normType);
  checkOptions(operation, options, ['stride', 'ceilMode']);
  const windows = checkWindows(operation, rank, kernelSize, options);
  const axes = axesOf(operation, sizes, windows);
  const averages = means(operation, pow(x, normType), { axes, countPadding: true, divisor: 0 });
  const positive = mul(sign(averages), relu(abs(averages)));
  return pow(mul(positive, numel(windows.kernel)), 1 / normType);
}

/** @throws TensorError ERR_ARGUMENT unless it is a finite number other than 0 */
export function checkNormType(operation: string, normType: unknown): number {
  if (checkNumber(operation, 'normType', normType) === 0) {
    throw new TensorError('ERR_ARGUMENT', `[${operation}] there is no norm of type 0`);
  }
  return normType as number;
}

/**
 * The power mean of each window along the last dimension: see `lpPool2d`.
 * @param x float32 or float64, [N, C, L] or [C, L]
 * @throws TensorError as `lpPool2d`
 * @example
 * ```ts
 * lpPool1d(tensor([[3, 4, 6, 8]]), 2, 2); // => [[5, 10]]
 * ```
 */
export function lpPool1d(
  x: Tensor,
  normType: number,
  kernelSize: Sizes,
  options: LpPoolOptions = {},
): Tensor {
  return lpPool('lpPool1d', 1, x, normType, kernelSize, options);
}

/**
 * (the sum of x^p)^(1 / p) over each window, p being `normType`, as PyTorch computes it: from the mean
 * of x^p times the kernel's size, so that p = 1 gives the sum.
 * @param x float32 or float64, [N, C, H, W] or [C, H, W]
 * @throws TensorError ERR_ARGUMENT for unknown options, a normType of 0, sizes that aren't whole
 * numbers; ERR_SHAPE when no window fits and for other numbers of dimensions; ERR_DTYPE
 * @example
 * ```ts
 * lpPool2d(tensor([[[1, 1], [1, 1]]]), 2, 2); // => [[[2]]]
 * ```
 */
export function lpPool2d(
  x: Tensor,
  normType: number,
  kernelSize: Sizes,
  options: LpPoolOptions = {},
): Tensor {
  return lpPool('lpPool2d', 2, x, normType, kernelSize, options);
}

/** Options of {@link localResponseNorm}. */
export interface LocalResponseNormOptions {
  /** The factor of the mean of squares. Default 1e-4. */
  alpha?: number;
  /** The exponent. Default 0.75. */
  beta?: number;
  /** What is added to the mean of squares. Default 1. */
  k?: number;
}

/** @throws TensorError ERR_ARGUMENT for a size below 1 and numbers that aren't finite */
export function checkResponse(
  operation: string,
  size: unknown,
  options: LocalResponseNormOptions,
): Required<LocalResponseNormOptions> {
  checkOptions(operation, options, ['alpha', 'beta', 'k']);
  checkCount(operation, 'the size', size);
  const { alpha = 1e-4, beta = 0.75, k = 1 } = options;
  for (const [name, value] of Object.entries({ alpha, beta, k })) {
    checkNumber(operation, name, value);
  }
  return { alpha, beta, k };
}

/**
 * x / (k + alpha * m)^beta, where m is the mean of the squares of `size` neighbouring channels, of
 * which those that don't exist count as zeros (Krizhevsky, Sutskever & Hinton 2012).
 * @param x float32 or float64, [N, C, ...]
 * @throws TensorError ERR_ARGUMENT for unknown options and wrong numbers, ERR_SHAPE for fewer than
 * three dimensions, ERR_DTYPE
 * @example
 * ```ts
 * localResponseNorm(tensor([[[3], [4]]]), 1, { alpha: 1, beta: 0.5, k: 0 }); // => [[[1], [1]]]
 * ```
 */
export function localResponseNorm(
  x: Tensor,
  size: number,
  options: LocalResponseNormOptions = {},
): Tensor {
  checkFloating('localResponseNorm', x);
  const { alpha, beta, k } = checkResponse('localResponseNorm', size, options);
  if (x.ndim < 3) {
    throw new TensorError(
      'ERR_SHAPE',
      `[localResponseNorm] takes [N, C, ...], not ${formatShape(x.shape)}`,
    );
  }
  if (x.numel === 0) return mul(x, 1);
  const [n, channels] = x.shape as readonly [number, number];
  return composed(() => {
    const squares = reshape(square(x), [n, channels, -1]);
    const padded = pad(squares, [0, 0, Math.floor(size / 2), Math.floor((size - 1) / 2)]);
    const neighbours = reshape(avgPool2d(padded, [size, 1], { stride: 1 }), x.shape);
    return div(x, pow(add(mul(neighbours, alpha), k), beta));
  });
}

defineMethods({
  avgPool1d,
  avgPool2d,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  localResponseNorm,
});

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** The mean of each window along the last dimension: see the function `avgPool1d`. */
    avgPool1d(kernelSize: Sizes, options?: AvgPool1dOptions): Tensor;
    /** The mean of each window: see the function `avgPool2d`. */
    avgPool2d(kernelSize: Sizes, options?: AvgPool2dOptions): Tensor;
    /** The means of so many windows along the last dimension: see `adaptiveAvgPool1d`. */
    adaptiveAvgPool1d(outputSize: number | readonly number[]): Tensor;
    /** The means of so many windows: see the function `adaptiveAvgPool2d`. */
    adaptiveAvgPool2d(outputSize: OutputSize): Tensor;
    /** Divided by a power of the mean of squares of neighbouring channels: see `localResponseNorm`. */
    localResponseNorm(size: number, options?: LocalResponseNormOptions): Tensor;
  }
}
