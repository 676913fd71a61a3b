/** Images and signals at other sizes; places of a plane taken for channels and back. */
import { TensorError } from '../../errors.js';
import { checkFlag, checkNumber, checkOptions, describe, formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { MOST } from '../indexing/indices.js';
import { checkFloating, checkTensor, clone } from '../operand.js';
import { permute, reshape, slice, transpose } from '../shape/shape.js';
import { adaptiveMeans } from './avg_pool.js';
import { adaptiveAvgPool3d } from './pool3d.js';
import { type Resampling, resample, resampling, type Tap } from './resample.js';
import { checkSizes } from './windows.js';

/** How {@link interpolate} finds a value between places. */
export type InterpolateMode =
  | 'nearest'
  | 'nearest-exact'
  | 'linear'
  | 'bilinear'
  | 'trilinear'
  | 'bicubic'
  | 'area';

/** Options of {@link interpolate}. */
export interface InterpolateOptions {
  /** The spatial sizes of the result, or one for all. Either this or `scaleFactor`. */
  size?: number | readonly number[] | null;
  /** What the spatial sizes are multiplied by (and rounded down), or one number for all. */
  scaleFactor?: number | readonly number[] | null;
  /**
   * The nearest place; straight lines between two of them (`linear` for one spatial dimension,
   * `bilinear` for two, `trilinear` for three); cubic convolution of four; means of areas, as in
   * adaptive pooling. Default `nearest`.
   */
  mode?: InterpolateMode;
  /**
   * Whether the outermost places lie on each other, and not the outer edges of places that are squares.
   * Of the linear and cubic modes. Default false.
   */
  alignCorners?: boolean | null;
  /** Whether distances follow from the sizes, not from `scaleFactor`. Default false. */
  recomputeScaleFactor?: boolean | null;
}

/** The numbers of spatial dimensions that modes are for. */
const MODES: Readonly<Record<InterpolateMode, readonly number[]>> = {
  nearest: [1, 2, 3],
  'nearest-exact': [1, 2, 3],
  linear: [1],
  bilinear: [2],
  trilinear: [3],
  bicubic: [2],
  area: [1, 2, 3],
};

const ALIGNED: ReadonlySet<InterpolateMode> = new Set([
  'linear',
  'bilinear',
  'trilinear',
  'bicubic',
]);

/** The checks that need no input: the layer makes them when it is made. */
export function checkInterpolation(
  operation: string,
  options: InterpolateOptions,
): InterpolateOptions & { mode: InterpolateMode; alignCorners: boolean } {
  checkOptions(operation, options, [
    ...['size', 'scaleFactor', 'mode', 'alignCorners', 'recomputeScaleFactor'],
  ]);
  const { mode = 'nearest', size = null, scaleFactor = null } = options;
  if (typeof mode !== 'string' || !Object.hasOwn(MODES, mode)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] the mode is ${Object.keys(MODES).join(', ')}, not ${describe(mode)}`,
    );
  }
  if ((size === null) === (scaleFactor === null)) {
    throw new TensorError('ERR_ARGUMENT', `[${operation}] give either size or scaleFactor`);
  }
  for (const factor of scaleFactor === null ? [] : [scaleFactor].flat()) {
    if (checkNumber(operation, 'scaleFactor', factor, 0) === 0) {
      throw new TensorError('ERR_ARGUMENT', `[${operation}] scaleFactor must be above 0`);
    }
  }
  if (size !== null) checkSizes(operation, 'size', size, Array.isArray(size) ? size.length : 1, 1);
  const aligned = options.alignCorners ?? undefined;
  if (aligned !== undefined && !ALIGNED.has(mode)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] alignCorners is for ${[...ALIGNED].join(', ')}, not for ${mode}`,
    );
  }
  const alignCorners = checkFlag(operation, 'alignCorners', aligned, false);
  const again = options.recomputeScaleFactor ?? undefined;
  if (checkFlag(operation, 'recomputeScaleFactor', again, false) && scaleFactor === null) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] recomputeScaleFactor is for scaleFactor, not for size`,
    );
  }
  return { ...options, mode, alignCorners };
}

/** One spatial dimension: its sizes, and the distance between results in places of x. */
interface Scaling {
  readonly size: number;
  readonly out: number;
  readonly scale: number;
}

/** Numbers as PyTorch has them on the way to an index: of x's precision, or float32 always. */
type Round = (value: number) => number;

function scalings(operation: string, sizes: readonly number[], options: InterpolateOptions) {
  const { size, scaleFactor, recomputeScaleFactor } = options;
  const given = size ?? scaleFactor;
  const list = Array.isArray(given) ? given : sizes.map(() => given as number);
  if (list.length !== sizes.length) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] ${list.length} sizes or factors for ${sizes.length} spatial dimensions`,
    );
  }
  return sizes.map((n, d): Scaling => {
    const number = list[d] as number;
    const bySize = size !== undefined && size !== null;
    const out = bySize ? number : Math.floor(n * number);
    if (out < 1) {
      throw new TensorError(
        'ERR_SHAPE',
        `[${operation}] a dimension of size ${n} has no places left at ${number} of it`,
      );
    }
    return { size: n, out, scale: bySize || recomputeScaleFactor ? n / out : 1 / number };
  });
}

/** The place between places that result o of a linear or cubic mode is at. */
function sourceOf(o: number, { size, out, scale }: Scaling, aligned: boolean, round: Round) {
  if (aligned) return out === 1 ? 0 : round(round((size - 1) / (out - 1)) * o);
  return round(round(round(scale) * round(o + 0.5)) - 0.5);
}

function nearestTaps({ size, scale }: Scaling, shift: number) {
  const step = Math.fround(scale);
  return (o: number): Tap[] => {
    const at = Math.floor(Math.fround(Math.fround(o + shift) * step));
    return [[Math.min(at, size - 1), 1]];
  };
}

function linearTaps(scaling: Scaling, aligned: boolean, round: Round) {
  const { size, out } = scaling;
  return (o: number): Tap[] => {
    if (out === size) return [[o, 1]];
    const at = Math.max(0, sourceOf(o, scaling, aligned, round));
    const first = Math.min(Math.floor(at), size - 1);
    const weight = round(Math.min(Math.max(at - first, 0), 1));
    return [
      [first, round(1 - weight)],
      [Math.min(first + 1, size - 1), weight],
    ];
  };
}

/** The parameter of cubic convolution (Keys 1981) that PyTorch and OpenCV use. */
const CUBIC = -0.75;

/** Its two pieces, at distances of up to 1 and from 1 to 2. */
const near = (t: number) => ((CUBIC + 2) * t - (CUBIC + 3)) * t * t + 1;
const far = (t: number) => ((CUBIC * t - 5 * CUBIC) * t + 8 * CUBIC) * t - 4 * CUBIC;

function cubicTaps(scaling: Scaling, aligned: boolean, round: Round) {
  const { size } = scaling;
  return (o: number): Tap[] => {
    const at = sourceOf(o, scaling, aligned, round);
    const first = Math.floor(at);
    const t = at - first;
    const weights = [far(t + 1), near(t), near(1 - t), far(2 - t)];
    return weights.map((weight, k): Tap => {
      return [Math.min(Math.max(first - 1 + k, 0), size - 1), weight];
    });
  };
}

/** Matrices that were made last, by what they depend on: a network asks for the same again in every step. */
const known = new Map<string, Resampling>();
const KNOWN = 64;

function matrixOf(
  scaling: Scaling,
  choice: { mode: InterpolateMode; alignCorners: boolean },
  dtype: Tensor['dtype'],
): Resampling {
  const { size, out, scale } = scaling;
  const key = `${choice.mode} ${choice.alignCorners} ${dtype} ${size} ${out} ${scale}`;
  let matrix = known.get(key);
  if (matrix === undefined) {
    if (known.size === KNOWN) known.clear();
    matrix = newMatrix(scaling, choice, dtype);
    known.set(key, matrix);
  }
  return matrix;
}

function newMatrix(
  scaling: Scaling,
  { mode, alignCorners }: { mode: InterpolateMode; alignCorners: boolean },
  dtype: Tensor['dtype'],
): Resampling {
  const round: Round = dtype === 'float32' ? Math.fround : (value) => value;
  const taps = {
    nearest: () => nearestTaps(scaling, 0),
    'nearest-exact': () => nearestTaps(scaling, 0.5),
    linear: () => linearTaps(scaling, alignCorners, round),
    cubic: () => cubicTaps(scaling, alignCorners, round),
  };
  const kind = mode === 'bicubic' ? 'cubic' : mode.endsWith('linear') ? 'linear' : mode;
  const { size, out } = scaling;
  return resampling(size, out, dtype, taps[kind as keyof typeof taps]());
}

/**
 * Signals, images or volumes at other spatial sizes. A mode other than `area` is a small matrix for
 * each dimension: PyTorch's factors of one, two or four places for each result.
 * @param x float32 or float64: [N, C, L], [N, C, H, W] or [N, C, D, H, W]
 * @throws TensorError ERR_ARGUMENT for unknown options and modes, unless either size or scaleFactor is
 * given, with as many numbers as spatial dimensions; ERR_SHAPE for a mode of other dimensions, and
 * when nothing is left; ERR_DTYPE
 * @example
 * ```ts
 * const x = tensor([[[1, 3]]]);
 * interpolate(x, { size: 4 }); // => [[[1, 1, 3, 3]]]
 * interpolate(x, { scaleFactor: 2, mode: 'linear' }); // => [[[1, 1.5, 2.5, 3]]]
 * interpolate(x, { size: 3, mode: 'linear', alignCorners: true }); // => [[[1, 2, 3]]]
 * interpolate(x, { size: 4, mode: 'bilinear' }); // throws ERR_SHAPE
 * ```
 */
export function interpolate(x: Tensor, options: InterpolateOptions): Tensor {
  checkFloating('interpolate', x);
  const checked = checkInterpolation('interpolate', options);
  const { mode } = checked;
  const sizes = x.shape.slice(2);
  if (!MODES[mode].includes(sizes.length) || sizes.includes(0)) {
    const names = { 1: '[N, C, L]', 2: '[N, C, H, W]', 3: '[N, C, D, H, W]' };
    const taken = MODES[mode].map((rank) => names[rank as 1 | 2 | 3]).join(' or ');
    throw new TensorError(
      'ERR_SHAPE',
      `[interpolate] ${mode} takes ${taken} with places in it, not ${formatShape(x.shape)}`,
    );
  }
  const along = scalings('interpolate', sizes, checked);
  if (along.some(({ out }) => out > MOST)) {
    const outs = along.map(({ out }) => out);
    throw new TensorError('ERR_SHAPE', `[interpolate] sizes ${formatShape(outs)} are too large`);
  }
  if (mode === 'area') {
    const outs = along.map(({ out }) => out);
    return outs.length === 3 ? adaptiveAvgPool3d(x, outs) : adaptiveMeans('interpolate', x, outs);
  }
  const matrices = along.map((scaling) =>
    scaling.out === scaling.size && scaling.scale === 1
      ? null
      : matrixOf(scaling, checked, x.dtype),
  );
  // Every second place, or every third: 5 times as fast as by a matrix, with the gradient 6 times.
  const sliced = matrices.some((matrix) => matrix?.slice)
    ? slice(x, [null, null, ...matrices.map((matrix) => matrix?.slice ?? null)])
    : x;
  // The last dimension first, as in PyTorch: where sizes grow, the others have fewer rows then.
  const y = matrices.reduceRight(
    (t, matrix, d) =>
      matrix === null || matrix.slice ? t : resample('interpolate', t, d + 2, matrix),
    sliced,
  );
  return y === sliced ? clone(y) : y;
}

/** The dimensions before channels, the channels and the spatial sizes of an image. */
function imageSizes(operation: string, x: Tensor, factor: unknown) {
  checkTensor(operation, x);
  checkSizes(operation, 'the factor', factor, 1, 1);
  if (x.ndim < 3) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] takes [..., C, H, W], not ${formatShape(x.shape)}`,
    );
  }
  const leading = x.shape.slice(0, -3);
  return { leading, sizes: x.shape.slice(-3) as [number, number, number] };
}

/** Orders of the last five dimensions, behind `leading` others. */
function reordered(x: Tensor, leading: number, order: readonly number[]): Tensor {
  return permute(x, [...x.shape.slice(0, leading).keys(), ...order.map((d) => leading + d)]);
}

/**
 * Channels taken for places: [..., C r^2, H, W] becomes [..., C, H r, W r], where
 * y[c, h r + i, w r + j] = x[c r^2 + i r + j, h, w] (Shi et al. 2016).
 * @param x any dtype
 * @throws TensorError ERR_SHAPE when r^2 does not divide the channels, ERR_ARGUMENT
 * @example
 * ```ts
 * pixelShuffle(tensor([[[1]], [[2]], [[3]], [[4]]]), 2); // => [[[1, 2], [3, 4]]]
 * ```
 */
export function pixelShuffle(x: Tensor, upscaleFactor: number): Tensor {
  const { leading, sizes } = imageSizes('pixelShuffle', x, upscaleFactor);
  const [channels, h, w] = sizes;
  const r = upscaleFactor;
  if (channels % (r * r) !== 0) {
    throw new TensorError(
      'ERR_SHAPE',
      `[pixelShuffle] ${channels} channels are not a multiple of ${r}^2`,
    );
  }
  const parts = reshape(x, [...leading, channels / (r * r), r, r, h, w]);
  const ordered = reordered(parts, leading.length, [0, 3, 1, 4, 2]);
  return reshape(ordered, [...leading, channels / (r * r), h * r, w * r]);
}

/**
 * Places taken for channels, the inverse of `pixelShuffle`: [..., C, H r, W r] becomes
 * [..., C r^2, H, W].
 * @param x any dtype
 * @throws TensorError ERR_SHAPE when r does not divide the spatial sizes, ERR_ARGUMENT
 * @example
 * ```ts
 * pixelUnshuffle(tensor([[[1, 2], [3, 4]]]), 2); // => [[[1]], [[2]], [[3]], [[4]]]
 * ```
 */
export function pixelUnshuffle(x: Tensor, downscaleFactor: number): Tensor {
  const { leading, sizes } = imageSizes('pixelUnshuffle', x, downscaleFactor);
  const [channels, h, w] = sizes;
  const r = downscaleFactor;
  if (h % r !== 0 || w % r !== 0) {
    throw new TensorError('ERR_SHAPE', `[pixelUnshuffle] ${h} x ${w} places do not divide by ${r}`);
  }
  const parts = reshape(x, [...leading, channels, h / r, r, w / r, r]);
  const ordered = reordered(parts, leading.length, [0, 2, 4, 1, 3]);
  return reshape(ordered, [...leading, channels * r * r, h / r, w / r]);
}

/**
 * Channels of `groups` groups dealt out anew, so that neighbours come of different groups (Zhang et al.
 * 2018): [N, C, ...] with channel i g + j from channel j C / g + i.
 * @param x any dtype
 * @throws TensorError ERR_SHAPE when the groups don't divide the channels and for fewer than two
 * dimensions, ERR_ARGUMENT
 * @example
 * ```ts
 * channelShuffle(tensor([[1, 2, 3, 4]]), 2); // => [[1, 3, 2, 4]]
 * ```
 */
export function channelShuffle(x: Tensor, groups: number): Tensor {
  checkTensor('channelShuffle', x);
  checkSizes('channelShuffle', 'groups', groups, 1, 1);
  const [n, channels, ...rest] = x.shape;
  if (n === undefined || channels === undefined || channels % groups !== 0) {
    throw new TensorError(
      'ERR_SHAPE',
      `[channelShuffle] takes [N, C, ...] with channels in ${groups} groups, not ${formatShape(x.shape)}`,
    );
  }
  const parts = reshape(x, [n, groups, channels / groups, ...rest]);
  return reshape(transpose(parts, 1, 2), x.shape);
}

defineMethods({ interpolate, channelShuffle, pixelShuffle, pixelUnshuffle });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** At other spatial sizes: see the function `interpolate`. */
    interpolate(options: InterpolateOptions): Tensor;
    /** Channels of groups dealt out anew: see the function `channelShuffle`. */
    channelShuffle(groups: number): Tensor;
    /** Channels taken for places: see the function `pixelShuffle`. */
    pixelShuffle(upscaleFactor: number): Tensor;
    /** Places taken for channels: see the function `pixelUnshuffle`. */
    pixelUnshuffle(downscaleFactor: number): Tensor;
  }
}
