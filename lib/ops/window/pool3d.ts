/**
 * Pooling of volumes: windows of planes first, by the rows of pooling in two dimensions, and then those of
 * the depth. Largest values and sums are the same either way, and gradients follow.
 */
import { composed } from '../../autograd/tidy.js';
import { uninitialized } from '../../tensor/creation.js';
import { checkFlag, checkOptions, numel } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { relu } from '../elementwise/activation.js';
import { abs, add, div, mul, sign } from '../elementwise/arithmetic.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { pow } from '../elementwise/math.js';
import { floorDivide } from '../elementwise/rounding.js';
import { gather } from '../indexing/gather.js';
import type { ValuesAndIndices } from '../reduction/extremum.js';
import { reshape } from '../shape/shape.js';
import {
  type AvgPool2dOptions,
  checkDivisor,
  checkNormType,
  type LpPoolOptions,
  means,
} from './avg_pool.js';
import {
  type AdaptiveMaxPoolOptions,
  largest,
  type MaxPoolOptions,
  type MaxUnpoolOptions,
  maxUnpool,
  type OutputSize,
  type WithIndices,
} from './max_pool.js';
import {
  type Axis,
  adaptiveAxes,
  axesOf,
  checkOutputSize,
  checkWindows,
  type Sizes,
  spatialSizes,
} from './windows.js';

/** The windows of the depth and of the planes. */
type Axes = readonly [depth: Axis, height: Axis, width: Axis];

/** Windows of one place each. */
const each = (size: number): Axis => ({
  ...{ size, out: size, kernel: 1, stride: 1, padding: 0, dilation: 1 },
});

/** [..., D, H, W] as [..., D, H W]: the depth as the rows of planes. */
function asRows(x: Tensor): Tensor {
  const [height, width] = x.shape.slice(-2) as [number, number];
  return reshape(x, [...x.shape.slice(0, -2), height * width]);
}

/** The other way round, with another depth. */
function asVolume(x: Tensor, [, height, width]: Axes): Tensor {
  return reshape(x, [...x.shape.slice(0, -1), height.out, width.out]);
}

/** How many places each window of an axis has, as PyTorch counts them. */
function counts({ size, out, kernel, stride, padding }: Axis, countPadding: boolean): number[] {
  return Array.from({ length: out }, (_, o) => {
    const start = o * stride - padding;
    const end = Math.min(start + kernel, size + padding);
    return countPadding ? end - start : Math.min(end, size) - Math.max(start, 0);
  });
}

/** What the sum of each window is divided by: a number if it is the same for all. */
function divisors(axes: Axes, countPadding: boolean, like: Tensor): Tensor | number {
  const along = axes.map((axis) => counts(axis, countPadding));
  const [depth, height, width] = along as [number[], number[], number[]];
  if (along.every((list) => list.every((count) => count === list[0]))) {
    return along.reduce((product, [first = 1]) => product * first, 1);
  }
  const all = depth.flatMap((d) => height.flatMap((h) => width.map((w) => d * h * w)));
  const result = uninitialized([depth.length, height.length, width.length], like.dtype);
  const array = result.array as Float32Array | Float64Array;
  array.set(all, result.offset);
  return result;
}

/** The sum of each window over its divisor. */
function quotients(operation: string, x: Tensor, axes: Axes, divisor: Tensor | number): Tensor {
  const [depth, ...plane] = axes;
  const planes = asRows(means(operation, x, { axes: plane, countPadding: true, divisor: 1 }));
  const rows = [depth, each(planes.shape.at(-1) as number)];
  // Sums over 1 stand for those that have divisors of their own.
  const common = typeof divisor === 'number' ? divisor : 1;
  const of = { axes: rows, countPadding: true, divisor: common };
  const y = asVolume(means(operation, planes, of), axes);
  return typeof divisor === 'number' ? y : div(y, divisor);
}

/**
 * The mean of each window of volumes: see `avgPool2d`, whose sums it takes along one dimension more.
 * @param x float32 or float64, [N, C, D, H, W] or [C, D, H, W]
 * @param kernelSize a number, or one each for depth, height and width, like the options
 * @throws TensorError as `avgPool2d`
 * @example
 * ```ts
 * avgPool3d(tensor([[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]]), 2); // => [[[[4.5]]]]
 * ```
 */
export function avgPool3d(x: Tensor, kernelSize: Sizes, options: AvgPool2dOptions = {}): Tensor {
  const name = 'avgPool3d';
  const sizes = spatialSizes(name, x, 3);
  checkOptions(name, options, AVERAGE_OPTIONS);
  const windows = checkWindows(name, 3, kernelSize, options);
  const axes = axesOf(name, sizes, windows) as unknown as Axes;
  const countPadding = checkFlag(name, 'countIncludePad', options.countIncludePad, true);
  const divisor = checkDivisor(name, options.divisorOverride);
  return composed(() =>
    quotients(name, x, axes, divisor === 0 ? divisors(axes, countPadding, x) : divisor),
  );
}

/** The options of averages, for the layer too. */
export const AVERAGE_OPTIONS = [
  ...['stride', 'padding', 'ceilMode', 'countIncludePad', 'divisorOverride'],
];

/** Windows that share sizes evenly. */
function adaptive(operation: string, x: Tensor, outputSize: unknown): [plane: Axis[], out: number] {
  const sizes = spatialSizes(operation, x, 3);
  const out = checkOutputSize(operation, outputSize, 3).map((n, d) => n ?? (sizes[d] as number));
  return [adaptiveAxes(sizes.slice(1), out.slice(1)), out[0] as number];
}

/**
 * The mean of each of `outputSize` windows, which share a volume evenly: see `adaptiveAvgPool2d`.
 * @param x float32 or float64, [N, C, D, H, W] or [C, D, H, W]
 * @param outputSize a number, or one each for depth, height and width; null keeps a size
 * @throws TensorError as `adaptiveAvgPool2d`
 * @example
 * ```ts
 * adaptiveAvgPool3d(tensor([[[[1, 2]], [[3, 4]]]]), [2, 1, 1]); // => [[[[1.5]], [[3.5]]]]
 * ```
 */
export function adaptiveAvgPool3d(x: Tensor, outputSize: OutputSize): Tensor {
  const name = 'adaptiveAvgPool3d';
  const [plane, out] = adaptive(name, x, outputSize);
  return composed(() => {
    // The windows of planes are the same at each depth, so the mean of their means is that of all.
    const planes = asRows(means(name, x, { axes: plane, countPadding: false, divisor: 0 }));
    const sizes = planes.shape.slice(-2) as [number, number];
    const axes = adaptiveAxes(sizes, [out, sizes[1]]);
    const y = means(name, planes, { axes, countPadding: false, divisor: 0 });
    return asVolume(y, [axes[0] as Axis, ...(plane as [Axis, Axis])]);
  });
}

/** The largest values of windows of planes, and of these the largest of windows of the depth. */
function largestOf(
  operation: string,
  x: Tensor,
  plane: readonly Axis[],
  depthOf: (sizes: readonly [number, number]) => readonly Axis[],
  returnIndices: boolean,
): Tensor | ValuesAndIndices {
  const [height, width] = x.shape.slice(-2) as [number, number];
  const first = largest(operation, x, plane, returnIndices);
  const planes = asRows('values' in first ? first.values : first);
  const sizes = planes.shape.slice(-2) as [number, number];
  const axes = depthOf(sizes);
  const whole = [axes[0], ...plane] as unknown as Axes;
  const second = largest(operation, planes, axes, returnIndices);
  if (!('values' in second) || !('values' in first)) return asVolume(second as Tensor, whole);
  // A place in [D, H' W'] says the depth, and where the first step found what stands there.
  const { shape } = second.indices;
  const lead = numel(shape.slice(0, -2));
  const at = reshape(second.indices, [lead, -1]);
  const inPlane = gather(reshape(first.indices, [lead, -1]), 1, at);
  const depths = floorDivide(at, sizes[1]);
  const indices = reshape(add(mul(depths, height * width), inPlane), shape);
  return { values: asVolume(second.values, whole), indices: asVolume(indices, whole) };
}

/**
 * The largest value of each window of volumes: see `maxPool2d`. Indices count the places of a volume.
 * @param x float32 or float64, [N, C, D, H, W] or [C, D, H, W]
 * @param kernelSize a number, or one each for depth, height and width, like the options
 * @throws TensorError as `maxPool2d`
 * @example
 * ```ts
 * const x = tensor([[[[1, 2], [9, 4]], [[5, 6], [7, 8]]]]);
 * maxPool3d(x, 2); // => [[[[9]]]]
 * maxPool3d(x, [1, 2, 2], { returnIndices: true }).indices; // => [[[[2]], [[7]]]]
 * ```
 */
export function maxPool3d(
  x: Tensor,
  kernelSize: Sizes,
  options: MaxPoolOptions & WithIndices,
): ValuesAndIndices;
export function maxPool3d(x: Tensor, kernelSize: Sizes, options?: MaxPoolOptions): Tensor;
export function maxPool3d(
  x: Tensor,
  kernelSize: Sizes,
  options: MaxPoolOptions = {},
): Tensor | ValuesAndIndices {
  const name = 'maxPool3d';
  const sizes = spatialSizes(name, x, 3);
  checkOptions(name, options, ['stride', 'padding', 'dilation', 'ceilMode', 'returnIndices']);
  const windows = checkWindows(name, 3, kernelSize, options);
  const wanted = checkFlag(name, 'returnIndices', options.returnIndices, false);
  const [depth, ...plane] = axesOf(name, sizes, windows) as unknown as Axes;
  return largestOf(name, x, plane, ([, places]) => [depth, each(places)], wanted);
}

/**
 * The largest of each of `outputSize` windows, which share a volume evenly: see `adaptiveMaxPool2d`.
 * @param x float32 or float64, [N, C, D, H, W] or [C, D, H, W]
 * @param outputSize a number, or one each for depth, height and width; null keeps a size
 * @throws TensorError as `adaptiveMaxPool2d`
 * @example
 * ```ts
 * adaptiveMaxPool3d(tensor([[[[1, 2]], [[3, 4]]]]), [2, 1, 1]); // => [[[[2]], [[4]]]]
 * ```
 */
export function adaptiveMaxPool3d(
  x: Tensor,
  outputSize: OutputSize,
  options: AdaptiveMaxPoolOptions & WithIndices,
): ValuesAndIndices;
export function adaptiveMaxPool3d(
  x: Tensor,
  outputSize: OutputSize,
  options?: AdaptiveMaxPoolOptions,
): Tensor;
export function adaptiveMaxPool3d(
  x: Tensor,
  outputSize: OutputSize,
  options: AdaptiveMaxPoolOptions = {},
): Tensor | ValuesAndIndices {
  const name = 'adaptiveMaxPool3d';
  const [plane, out] = adaptive(name, x, outputSize);
  checkOptions(name, options, ['returnIndices']);
  const wanted = checkFlag(name, 'returnIndices', options.returnIndices, false);
  const depthOf = (sizes: readonly [number, number]) => adaptiveAxes(sizes, [out, sizes[1]]);
  return largestOf(name, x, plane, depthOf, wanted);
}

/**
 * Values put back to where `maxPool3d` found them, with zeros elsewhere: see `maxUnpool2d`.
 * @param x float32 or float64, [N, C, D, H, W] or [C, D, H, W]
 * @param indices integers of the same shape: places of a volume of the result
 * @throws TensorError as `maxUnpool2d`
 * @example
 * ```ts
 * const places = tensor([[[[3]]]], { dtype: 'int32' });
 * maxUnpool3d(tensor([[[[7]]]]), places, [1, 2, 2]); // => [[[[0, 0], [0, 7]]]]
 * ```
 */
export function maxUnpool3d(
  x: Tensor,
  indices: Tensor,
  kernelSize: Sizes,
  options: MaxUnpoolOptions = {},
): Tensor {
  return maxUnpool('maxUnpool3d', 3, x, indices, kernelSize, options);
}

/**
 * (the sum of x^p)^(1 / p) over each window of volumes, p being `normType`: see `lpPool2d`.
 * @param x float32 or float64, [N, C, D, H, W] or [C, D, H, W]
 * @throws TensorError as `lpPool2d`
 * @example
 * ```ts
 * lpPool3d(ones([1, 2, 2, 1]), 2, [2, 2, 1]); // => [[[[2]]]]
 * ```
 */
export function lpPool3d(
  x: Tensor,
  normType: number,
  kernelSize: Sizes,
  options: LpPoolOptions = {},
): Tensor {
  const name = 'lpPool3d';
  const sizes = spatialSizes(name, x, 3);
  checkNormType(name, normType);
  checkOptions(name, options, ['stride', 'ceilMode']);
  const windows = checkWindows(name, 3, kernelSize, options);
  const axes = axesOf(name, sizes, windows) as unknown as Axes;
  return composed(() => {
    const averages = quotients(name, pow(x, normType), axes, divisors(axes, true, x));
    const positive = mul(sign(averages), relu(abs(averages)));
    return pow(mul(positive, numel(windows.kernel)), 1 / normType);
  });
}

defineMethods({ avgPool3d, maxPool3d, maxUnpool3d, adaptiveAvgPool3d, adaptiveMaxPool3d });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** The mean of each window: see the function `avgPool3d`. */
    avgPool3d(kernelSize: Sizes, options?: AvgPool2dOptions): Tensor;
    /** The largest value of each window: see the function `maxPool3d`. */
    maxPool3d(kernelSize: Sizes, options: MaxPoolOptions & WithIndices): ValuesAndIndices;
    maxPool3d(kernelSize: Sizes, options?: MaxPoolOptions): Tensor;
    /** Values put back to where `maxPool3d` found them: see the function `maxUnpool3d`. */
    maxUnpool3d(indices: Tensor, kernelSize: Sizes, options?: MaxUnpoolOptions): Tensor;
    /** The means of so many windows: see the function `adaptiveAvgPool3d`. */
    adaptiveAvgPool3d(outputSize: OutputSize): Tensor;
    /** The largest values of so many windows: see the function `adaptiveMaxPool3d`. */
    adaptiveMaxPool3d(
      outputSize: OutputSize,
      options: AdaptiveMaxPoolOptions & WithIndices,
    ): ValuesAndIndices;
    adaptiveMaxPool3d(outputSize: OutputSize, options?: AdaptiveMaxPoolOptions): Tensor;
  }
}
