/** Patches of images as columns of a matrix, and columns added back into images: PyTorch's unfold and fold. */
import { attach, recording } from '../../autograd/tape.js';
import { composed } from '../../autograd/tidy.js';
import { TensorError } from '../../errors.js';
import { rows, runRow } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import { checkOptions, formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloating, contiguous, copyInto } from '../operand.js';
import { pad } from '../shape/pad.js';
import { reshape, squeeze, unsqueeze } from '../shape/shape.js';
import { checkSizes, type Sizes, spatialSizes } from './windows.js';

/** Options of {@link im2col} and {@link col2im}. */
export interface PatchOptions {
  /** How far a patch's elements are apart. Default 1. */
  dilation?: Sizes;
  /** Zeros at both ends of rows and columns. Default 0. */
  padding?: Sizes;
  /** How far patches are apart. Default 1. */
  stride?: Sizes;
}

type Pair = readonly [number, number];

/** What patches are like. */
export interface Patches {
  readonly kernel: Pair;
  readonly dilation: Pair;
  readonly padding: Pair;
  readonly stride: Pair;
}

/** @throws TensorError ERR_ARGUMENT for sizes that aren't whole numbers and for unknown options */
export function checkPatches(operation: string, kernelSize: Sizes, options: PatchOptions): Patches {
  checkOptions(operation, options, ['dilation', 'padding', 'stride']);
  const pair = (name: string, value: unknown, least: number): Pair =>
    checkSizes(operation, name, value, 2, least) as unknown as Pair;
  const { dilation = 1, padding = 0, stride = 1 } = options;
  return {
    kernel: pair('kernelSize', kernelSize, 1),
    dilation: pair('dilation', dilation, 1),
    padding: pair('padding', padding, 0),
    stride: pair('stride', stride, 1),
  };
}

/** How many patches there are in rows and columns. */
function countOf(operation: string, sizes: readonly number[], patches: Patches): Pair {
  return sizes.map((size, d) => {
    const [k, apart] = [patches.kernel[d] as number, patches.dilation[d] as number];
    const reach = (k - 1) * apart + 1;
    const room = size + 2 * (patches.padding[d] as number) - reach;
    if (room >= 0) return Math.floor(room / (patches.stride[d] as number)) + 1;
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] a patch that reaches over ${reach} does not fit ${size} with padding ${patches.padding[d]}`,
    );
  }) as unknown as Pair;
}

/**
 * Calls f for each place of a patch with what stands there in all patches: as a view of padded images
 * [N, C, H, W], and of the columns [N, C, KH, KW, rows of patches, columns of patches].
 */
function overPlaces(
  images: Tensor,
  columns: Tensor,
  { dilation, stride }: Patches,
  f: (ofImages: Tensor, ofColumns: Tensor) => void,
): void {
  const [n, c, kh, kw, rows, cols] = columns.shape as readonly [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const shape = [n, c, rows, cols];
  const [n1, c1, h1, w1] = images.strides as readonly [number, number, number, number];
  const [n2, c2, i2, j2, h2, w2] = columns.strides as readonly number[] as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  for (let i = 0; i < kh; i++) {
    for (let j = 0; j < kw; j++) {
      const at = images.offset + i * dilation[0] * h1 + j * dilation[1] * w1;
      f(
        images.strided(shape, [n1, c1, h1 * stride[0], w1 * stride[1]], at),
        columns.strided(shape, [n2, c2, h2, w2], columns.offset + i * i2 + j * j2),
      );
    }
  }
}

/** Columns of images [N, C, H, W]: a linear map, with the gradient `sums`. */
function columnsOf(operation: string, x: Tensor, patches: Patches, count: Pair): Tensor {
  const [n, c, height, width] = x.shape as readonly [number, number, number, number];
  const [top, left] = patches.padding;
  const [kh, kw] = patches.kernel;
  const y = composed(() => {
    const from = x.detach();
    const padded = top + left === 0 ? from : pad(from, [left, left, top, top]);
    const all = uninitialized([n, c, kh, kw, ...count], x.dtype);
    overPlaces(padded, all, patches, (place, column) => copyInto(column, place));
    return reshape(all, [n, c * kh * kw, count[0] * count[1]]);
  });
  if (!recording(x)) return y;
  return attach(y, operation, [x], [(g) => sums(operation, g, patches, count, [height, width])]);
}

/** Columns [N, C KH KW, L] added up where they come from. */
function sums(
  operation: string,
  g: Tensor,
  patches: Patches,
  count: Pair,
  [height, width]: Pair,
): Tensor {
  const { kernel, dilation, padding, stride } = patches;
  const [n, size] = g.shape as readonly [number, number];
  const channels = size / (kernel[0] * kernel[1]);
  const from = contiguous(g);
  const y = uninitialized([n, channels, height, width], g.dtype);
  const sizes = [n * channels, ...kernel, ...count, height, width];
  const numbers = [...sizes, ...dilation, ...padding, ...stride];
  runRow(rows.fold, [from.array, y.array], [from.offset, y.offset], numbers);
  if (recording(g)) attach(y, operation, [g], [(h) => columnsOf(operation, h, patches, count)]);
  return y;
}

/**
 * The patches of images as columns: what PyTorch's `F.unfold` does ({@link unfold} is `Tensor.unfold`).
 * Row c KH KW + i KW + j holds what stands at (i, j) of the patches of channel c, column by column of the
 * result the patches row by row. A product with a weight [O, C KH KW] is a convolution.
 * @param x float32 or float64, [N, C, H, W] or [C, H, W]
 * @param kernelSize a number, or one for rows and one for columns, like the options
 * @returns shape [N, C KH KW, patches], or without N
 * @throws TensorError ERR_ARGUMENT for unknown options and sizes that aren't whole numbers, ERR_SHAPE when
 * no patch fits and for other numbers of dimensions, ERR_DTYPE
 * @example
 * ```ts
 * im2col(tensor([[[1, 2, 3], [4, 5, 6]]]), 2); // => [[1, 2], [2, 3], [4, 5], [5, 6]]
 * ```
 */
export function im2col(x: Tensor, kernelSize: Sizes, options: PatchOptions = {}): Tensor {
  const sizes = spatialSizes('im2col', x, 2);
  const patches = checkPatches('im2col', kernelSize, options);
  const count = countOf('im2col', sizes, patches);
  if (x.ndim === 4) return columnsOf('im2col', x, patches, count);
  return squeeze(columnsOf('im2col', unsqueeze(x, 0), patches, count), 0);
}

/**
 * Columns added up to images, as PyTorch's `F.fold`: the transpose of {@link im2col}. Where patches
 * overlap their elements add up.
 * @param x float32 or float64, [N, C KH KW, patches] or [C KH KW, patches]
 * @param outputSize height and width of the images
 * @returns shape [N, C, H, W], or without N
 * @throws TensorError as `im2col`, ERR_SHAPE for other numbers of rows or patches
 * @example
 * ```ts
 * col2im(ones([4, 2]), [2, 3], 2); // => [[[1, 2, 1], [1, 2, 1]]]
 * ```
 */
export function col2im(
  x: Tensor,
  outputSize: Sizes,
  kernelSize: Sizes,
  options: PatchOptions = {},
): Tensor {
  const name = 'col2im';
  checkFloating(name, x);
  const patches = checkPatches(name, kernelSize, options);
  const sizes = checkSizes(name, 'outputSize', outputSize, 2, 1) as unknown as Pair;
  const count = countOf(name, sizes, patches);
  const places = patches.kernel[0] * patches.kernel[1];
  const [rows = 0, columns = 0] = x.shape.slice(-2);
  const fits = (x.ndim === 2 || x.ndim === 3) && rows > 0 && rows % places === 0;
  if (!fits || columns !== count[0] * count[1]) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${name}] takes [N, C * ${places}, ${count[0] * count[1]}] for these patches, not ${formatShape(x.shape)}`,
    );
  }
  if (x.ndim === 3) return sums(name, x, patches, count, sizes);
  return squeeze(sums(name, unsqueeze(x, 0), patches, count, sizes), 0);
}
