/** The largest value of each window, and values put back to where they were. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { rows, runRowFor } from '../../native/commands.js';
import { uninitialized, zeros } from '../../tensor/creation.js';
import {
  checkFlag,
  checkOptions,
  formatShape,
  numel,
  type Shape,
  sameShape,
} from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { gather, read } from '../indexing/gather.js';
import { perElement, scatterAt } from '../indexing/indexed.js';
import { indexTensor } from '../indexing/indices.js';
import { contiguous } from '../operand.js';
import type { ValuesAndIndices } from '../reduction/extremum.js';
import { reshape } from '../shape/shape.js';
import {
  type Axis,
  adaptiveAxes,
  axesOf,
  checkOutputSize,
  checkSizes,
  checkWindows,
  planesOf,
  resultShape,
  type Sizes,
  spatialSizes,
  type WindowOptions,
  windowNumbers,
} from './windows.js';

/** Options of {@link maxPool1d} and {@link maxPool2d}. */
export interface MaxPoolOptions extends WindowOptions {
  /** Places from one place of a window to the next. Default 1. */
  dilation?: Sizes;
  /** Whether to say where the values were. Default false. */
  returnIndices?: boolean;
}

/** Options of {@link adaptiveMaxPool1d} and {@link adaptiveMaxPool2d}. */
export interface AdaptiveMaxPoolOptions {
  /** Whether to say where the values were. Default false. */
  returnIndices?: boolean;
}

/** Options with indices asked for. */
export interface WithIndices {
  /** Indices are asked for. */
  returnIndices: true;
}

/** [planes, places] of a tensor whose last `rank` dimensions are spatial. */
function flat(x: Tensor, rank: number): Tensor {
  const at = x.ndim - rank;
  return reshape(x, [numel(x.shape.slice(0, at)), numel(x.shape.slice(at))]);
}

/** Values added up at places of planes of zeros: a linear map, with the gradient `fromPlaces`. */
function toPlaces(
  operation: string,
  values: Tensor,
  index: Tensor,
  shape: Shape,
  rank: number,
): Tensor {
  const from = contiguous(values.detach());
  const y = uninitialized(shape, values.dtype);
  const at = shape.length - rank;
  const sizes = [numel(shape.slice(0, at)), numel(index.shape.slice(at)), numel(shape.slice(at))];
  runRowFor(
    operation,
    rows.maxPoolBackward,
    [from.array, index.array, y.array],
    [from.offset, index.offset, y.offset],
    sizes,
  );
  if (recording(values)) {
    attach(y, 'maxPoolBackward', [values], [(h) => fromPlaces(h, index, rank)]);
  }
  return y;
}

/** What stands at places of planes, recorded. */
function fromPlaces(x: Tensor, index: Tensor, rank: number): Tensor {
  return reshape(gather(flat(x, rank), 1, flat(index, rank)), index.shape);
}

/** The largest values of windows, and where they are if that is asked for. */
export function largest(
  operation: string,
  x: Tensor,
  axes: readonly Axis[],
  returnIndices: boolean,
): Tensor | ValuesAndIndices {
  const rank = axes.length;
  const { from, count, step } = planesOf(x, rank);
  const shape = resultShape(x, axes);
  const values = uninitialized(shape, x.dtype);
  const indices = recording(x) || returnIndices ? uninitialized(shape, 'int32') : null;
  runRowFor(
    operation,
    rows.maxPool,
    [from.array, values.array, indices?.array ?? null],
    [from.offset, values.offset, indices?.offset ?? 0],
    [...windowNumbers(count, axes), step],
  );
  if (indices === null) return values;
  if (recording(x)) {
    const { shape: whole } = x;
    attach(values, operation, [x], [(g) => toPlaces(operation, g, indices, whole, rank)]);
  }
  return returnIndices ? { values, indices } : values;
}

function maxPool(
  operation: string,
  rank: number,
  x: Tensor,
  kernelSize: Sizes,
  options: MaxPoolOptions,
): Tensor | ValuesAndIndices {
  const sizes = spatialSizes(operation, x, rank);
  checkOptions(operation, options, ['stride', 'padding', 'dilation', 'ceilMode', 'returnIndices']);
  const windows = checkWindows(operation, rank, kernelSize, options);
  const wanted = checkFlag(operation, 'returnIndices', options.returnIndices, false);
  return largest(operation, x, axesOf(operation, sizes, windows), wanted);
}

/**
 * The largest value of each window along the last dimension: see `maxPool2d`.
 * @param x float32 or float64, [N, C, L] or [C, L]
 * @throws TensorError as `maxPool2d`
 * @example
 * ```ts
 * maxPool1d(tensor([[1, 3, 2, 5]]), 2); // => [[3, 5]]
 * ```
 */
export function maxPool1d(
  x: Tensor,
  kernelSize: Sizes,
  options: MaxPoolOptions & WithIndices,
): ValuesAndIndices;
export function maxPool1d(x: Tensor, kernelSize: Sizes, options?: MaxPoolOptions): Tensor;
export function maxPool1d(
  x: Tensor,
  kernelSize: Sizes,
  options: MaxPoolOptions = {},
): Tensor | ValuesAndIndices {
  return maxPool('maxPool1d', 1, x, kernelSize, options);
}

/**
 * y[.., i, j] = the largest of x[.., i s + a d - p, j s + b d - p] over a, b < kernelSize, with stride
 * s, dilation d and padding p, which counts as -infinity; NaN where a window has one. The size is
 * floor((size + 2 p - d (kernelSize - 1) - 1) / s) + 1, with `ceilMode` the ceiling. Of equal values
 * the first one gets the gradient. With `returnIndices` the result is `{ values, indices }`, where
 * indices count the places of a plane, row by row (int32; PyTorch has int64).
 * @param x float32 or float64, [N, C, H, W] or [C, H, W]
 * @param kernelSize a number, or one for the rows and one for the columns, like the options
 * @throws TensorError ERR_ARGUMENT for unknown options, sizes that aren't whole numbers, padding of
 * more than half a window; ERR_SHAPE when no window fits and for other numbers of dimensions;
 * ERR_DTYPE
 * @example
 * ```ts
 * const x = tensor([[[1, 2, 3], [4, 9, 6], [7, 8, 5]]]);
 * maxPool2d(x, 2, { stride: 1 }); // => [[[9, 9], [9, 9]]]
 * maxPool2d(x, 3, { returnIndices: true }).indices; // => [[[4]]]
 * maxPool2d(x, 4); // throws ERR_SHAPE
 * ```
 */
export function maxPool2d(
  x: Tensor,
  kernelSize: Sizes,
  options: MaxPoolOptions & WithIndices,
): ValuesAndIndices;
export function maxPool2d(x: Tensor, kernelSize: Sizes, options?: MaxPoolOptions): Tensor;
export function maxPool2d(
  x: Tensor,
  kernelSize: Sizes,
  options: MaxPoolOptions = {},
): Tensor | ValuesAndIndices {
  return maxPool('maxPool2d', 2, x, kernelSize, options);
}

function adaptiveMaxPool(
  operation: string,
  rank: number,
  x: Tensor,
  outputSize: unknown,
  options: AdaptiveMaxPoolOptions,
): Tensor | ValuesAndIndices {
  const sizes = spatialSizes(operation, x, rank);
  checkOptions(operation, options, ['returnIndices']);
  const wanted = checkFlag(operation, 'returnIndices', options.returnIndices, false);
  const out = checkOutputSize(operation, outputSize, rank).map((n, d) => n ?? (sizes[d] as number));
  return largest(operation, x, adaptiveAxes(sizes, out), wanted);
}

/**
 * The largest value of each of `outputSize` windows along the last dimension: see `adaptiveMaxPool2d`.
 * @param x float32 or float64, [N, C, L] or [C, L]
 * @throws TensorError as `adaptiveMaxPool2d`
 * @example
 * ```ts
 * adaptiveMaxPool1d(tensor([[1, 5, 2, 3, 4]]), 2); // => [[5, 4]]
 * ```
 */
export function adaptiveMaxPool1d(
  x: Tensor,
  outputSize: number | readonly number[],
  options: AdaptiveMaxPoolOptions & WithIndices,
): ValuesAndIndices;
export function adaptiveMaxPool1d(
  x: Tensor,
  outputSize: number | readonly number[],
  options?: AdaptiveMaxPoolOptions,
): Tensor;
export function adaptiveMaxPool1d(
  x: Tensor,
  outputSize: number | readonly number[],
  options: AdaptiveMaxPoolOptions = {},
): Tensor | ValuesAndIndices {
  return adaptiveMaxPool('adaptiveMaxPool1d', 1, x, outputSize, options);
}

/**
 * The largest value of each of `outputSize` windows, which share a plane evenly: window i of n along a
 * dimension of a given size goes from floor(i size / n) to ceil((i + 1) size / n).
 * @param x float32 or float64, [N, C, H, W] or [C, H, W]
 * @param outputSize a number, or one for the rows and one for the columns; null keeps a size
 * @throws TensorError ERR_ARGUMENT for unknown options and other sizes, ERR_SHAPE for other numbers of
 * dimensions, ERR_DTYPE
 * @example
 * ```ts
 * adaptiveMaxPool2d(tensor([[[1, 2, 3], [4, 5, 6]]]), [1, 2]); // => [[[5, 6]]]
 * adaptiveMaxPool2d(tensor([[[1, 2, 3], [4, 5, 6]]]), [null, 1]); // => [[[3], [6]]]
 * ```
 */
export function adaptiveMaxPool2d(
  x: Tensor,
  outputSize: OutputSize,
  options: AdaptiveMaxPoolOptions & WithIndices,
): ValuesAndIndices;
export function adaptiveMaxPool2d(
  x: Tensor,
  outputSize: OutputSize,
  options?: AdaptiveMaxPoolOptions,
): Tensor;
export function adaptiveMaxPool2d(
  x: Tensor,
  outputSize: OutputSize,
  options: AdaptiveMaxPoolOptions = {},
): Tensor | ValuesAndIndices {
  return adaptiveMaxPool('adaptiveMaxPool2d', 2, x, outputSize, options);
}

/** Sizes of results of adaptive pooling; null keeps one. */
export type OutputSize = number | readonly (number | null)[];

/** Options of {@link maxUnpool1d}, {@link maxUnpool2d} and `maxUnpool3d`. */
export interface MaxUnpoolOptions {
  /** Places from one window to the next. Default the kernel's size. */
  stride?: Sizes | null;
  /** The padding that the values were pooled with. Default 0. */
  padding?: Sizes;
  /** The spatial sizes of the result. Default the smallest that the windows come from. */
  outputSize?: readonly number[];
}

/** Values put back over `rank` dimensions. */
export function maxUnpool(
  operation: string,
  rank: number,
  x: Tensor,
  indices: Tensor,
  kernelSize: Sizes,
  options: MaxUnpoolOptions,
): Tensor {
  const sizes = spatialSizes(operation, x, rank);
  const given = indexTensor(operation, indices);
  checkOptions(operation, options, ['stride', 'padding', 'outputSize']);
  const { kernel, stride, padding } = checkWindows(operation, rank, kernelSize, {
    stride: options.stride ?? null,
    padding: options.padding ?? 0,
  });
  if (!sameShape(x.shape, given.shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] indices ${formatShape(given.shape)} for values ${formatShape(x.shape)}`,
    );
  }
  const natural = sizes.map(
    (size, d) =>
      (size - 1) * (stride[d] as number) - 2 * (padding[d] as number) + (kernel[d] as number),
  );
  const wanted = options.outputSize;
  const out = wanted === undefined ? natural : checkSizes(operation, 'outputSize', wanted, rank, 1);
  out.forEach((size, d) => {
    // As in PyTorch: less than a stride away.
    if (size < 1 || Math.abs(size - (natural[d] as number)) >= (stride[d] as number)) {
      throw new TensorError(
        'ERR_SHAPE',
        `[${operation}] an output of size ${size} does not come of ${sizes[d]} windows; ` +
          `they are of one of size ${natural[d]}`,
      );
    }
  });
  const leading = x.shape.slice(0, x.ndim - rank);
  const filled = zeros([numel(leading), numel(out)], { dtype: x.dtype });
  const values = flat(x, rank);
  const places = perElement(1, flat(given, rank));
  scatterAt(operation, filled, places, values);
  if (recording(values)) {
    attach(filled, operation, [values], [(g) => read(operation, g, places)]);
  }
  return reshape(filled, [...leading, ...out]);
}

/**
 * Values put back to where `maxPool1d` found them: see `maxUnpool2d`.
 * @param x float32 or float64, [N, C, L] or [C, L]
 * @throws TensorError as `maxUnpool2d`
 * @example
 * ```ts
 * const { values, indices } = maxPool1d(tensor([[1, 3, 2, 5]]), 2, { returnIndices: true });
 * maxUnpool1d(values, indices, 2); // => [[0, 3, 0, 5]]
 * ```
 */
export function maxUnpool1d(
  x: Tensor,
  indices: Tensor,
  kernelSize: Sizes,
  options: MaxUnpoolOptions = {},
): Tensor {
  return maxUnpool('maxUnpool1d', 1, x, indices, kernelSize, options);
}

/**
 * Values put back to where `maxPool2d` found them, with zeros elsewhere. Where windows overlap, several
 * may have one place; the last one stays.
 * @param x float32 or float64, [N, C, H, W] or [C, H, W]
 * @param indices integers of the same shape: places of a plane of the result, row by row
 * @throws TensorError ERR_INDEX for an index outside a plane; ERR_SHAPE when shapes don't fit;
 * ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * maxUnpool2d(tensor([[[7]]]), tensor([[[2]]], { dtype: 'int32' }), 2); // => [[[0, 0], [7, 0]]]
 * ```
 */
export function maxUnpool2d(
  x: Tensor,
  indices: Tensor,
  kernelSize: Sizes,
  options: MaxUnpoolOptions = {},
): Tensor {
  return maxUnpool('maxUnpool2d', 2, x, indices, kernelSize, options);
}

defineMethods({
  maxPool1d,
  maxPool2d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  maxUnpool1d,
  maxUnpool2d,
});

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** The largest value of each window along the last dimension: see the function `maxPool1d`. */
    maxPool1d: MaxPoolMethod;
    /** The largest value of each window: see the function `maxPool2d`. */
    maxPool2d: MaxPoolMethod;
    /** The largest values of so many windows along the last dimension: see `adaptiveMaxPool1d`. */
    adaptiveMaxPool1d: AdaptiveMaxPoolMethod;
    /** The largest values of so many windows: see the function `adaptiveMaxPool2d`. */
    adaptiveMaxPool2d: AdaptiveMaxPoolMethod;
    /** Values put back to where `maxPool1d` found them: see the function `maxUnpool1d`. */
    maxUnpool1d(indices: Tensor, kernelSize: Sizes, options?: MaxUnpoolOptions): Tensor;
    /** Values put back to where `maxPool2d` found them: see the function `maxUnpool2d`. */
    maxUnpool2d(indices: Tensor, kernelSize: Sizes, options?: MaxUnpoolOptions): Tensor;
  }
}

/** A method with indices when they are asked for. */
export interface MaxPoolMethod {
  (kernelSize: Sizes, options: MaxPoolOptions & WithIndices): ValuesAndIndices;
  (kernelSize: Sizes, options?: MaxPoolOptions): Tensor;
}

/** A method with indices when they are asked for. */
export interface AdaptiveMaxPoolMethod {
  (outputSize: OutputSize, options: AdaptiveMaxPoolOptions & WithIndices): ValuesAndIndices;
  (outputSize: OutputSize, options?: AdaptiveMaxPoolOptions): Tensor;
}
