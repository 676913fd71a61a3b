/** Values at a place of the order of all: quantiles, medians; and the most frequent value. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { full } from '../../tensor/creation.js';
import { tensor } from '../../tensor/data.js';
import { checkOptions, describe, formatShape, normalizeDim } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { div, mul, sub } from '../elementwise/arithmetic.js';
import { eq, isnan, logicalAnd, logicalOr, ne } from '../elementwise/compare.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { ceil, floor, round } from '../elementwise/rounding.js';
import { clamp, lerp, where } from '../elementwise/ternary.js';
import { atLeast1d, gather } from '../indexing/gather.js';
import { modeAlong, placedAlong, placedAt, sort } from '../indexing/sort.js';
import { checkFloating, checkTensor, contiguous, to } from '../operand.js';
import { checkComputes, checkNumbers, isFloating } from '../promotion.js';
import { stack } from '../shape/join.js';
import { permute, reshape, squeeze } from '../shape/shape.js';
import { unbind } from '../shape/split.js';
import type { ValuesAndIndices } from './extremum.js';
import { sum } from './reduce.js';

/** What a quantile between two elements is, as NumPy and PyTorch name it. */
export type Interpolation = 'linear' | 'lower' | 'higher' | 'nearest' | 'midpoint';

const INTERPOLATIONS: readonly unknown[] = [
  'linear',
  'lower',
  'higher',
  'nearest',
  'midpoint',
] satisfies Interpolation[];

/** Options of {@link quantile} and {@link nanquantile}. */
export interface QuantileOptions {
  /** The dimension. Default: all elements. */
  dim?: number;
  /** Keeps the dimension (all, without a `dim`) with size 1. Default false. */
  keepDim?: boolean;
  /** What a quantile between two elements is. Default linear. */
  interpolation?: Interpolation;
}

/** The quantiles as a vector of x's dtype. */
function quantilesOf(operation: string, q: unknown, x: Tensor): Tensor {
  if (q instanceof Tensor) {
    if (q.ndim > 1 || q.dtype !== x.dtype) {
      throw new TensorError(
        q.ndim > 1 ? 'ERR_SHAPE' : 'ERR_DTYPE',
        `[${operation}] q is a scalar or a vector of x's dtype ${x.dtype}, not ${q.dtype} of shape ` +
          formatShape(q.shape),
      );
    }
    checkShares(operation, Array.from(reshape(q.detach(), [q.numel]).data, Number));
    return reshape(q, [q.numel]);
  }
  const list = Array.isArray(q) ? q : [q];
  checkShares(operation, list);
  return tensor(list, { dtype: x.dtype });
}

/** @throws TensorError ERR_ARGUMENT unless all are numbers from 0 to 1 */
function checkShares(operation: string, shares: readonly unknown[]): void {
  for (const share of shares) {
    if (typeof share !== 'number' || !(share >= 0 && share <= 1)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${operation}] q is one number from 0 to 1 or several, not ${describe(share)}`,
      );
    }
  }
}

/** x with the dimension last; a scalar, or all elements, as a vector. */
function lineUp(operation: string, x: Tensor, dim: number | undefined): [Tensor, number | null] {
  if (dim === undefined) return [reshape(x, [x.numel]), null];
  const at = normalizeDim(operation, dim, Math.max(1, x.ndim));
  if (x.ndim === 0) return [reshape(x, [1]), 0];
  const order = [...x.shape.map((_, d) => d).filter((d) => d !== at), at];
  return [permute(x, order), at];
}

function quantiles(
  operation: string,
  x: Tensor,
  q: unknown,
  options: QuantileOptions,
  skipNan: boolean,
): Tensor {
  checkFloating(operation, x);
  checkOptions(operation, options, ['dim', 'keepDim', 'interpolation']);
  const { dim, keepDim = false, interpolation = 'linear' } = options;
  if (!INTERPOLATIONS.includes(interpolation)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] interpolation is one of ${INTERPOLATIONS.join(', ')}, not ` +
        describe(interpolation),
    );
  }
  const shares = quantilesOf(operation, q, x);
  const [lines, at] = lineUp(operation, x, dim);
  const n = lines.shape.at(-1) as number;
  if (n === 0) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] nothing to choose from in shape ${formatShape(x.shape)}`,
    );
  }
  const values = atRanks(lines, ranksOf(lines, shares, skipNan), interpolation);
  // The quantiles come first, or go when there is one.
  const rank = values.ndim;
  const first = permute(values, [rank - 1, ...values.shape.map((_, d) => d).slice(0, -1)]);
  const isSingle = typeof q === 'number' || (q instanceof Tensor && q.ndim === 0);
  const result = isSingle ? squeeze(first, 0) : first;
  if (!keepDim || x.ndim === 0) return result;
  const kept = at === null ? x.shape.map(() => 1) : x.shape.with(at, 1);
  return reshape(result, isSingle ? kept : [shares.numel, ...kept]);
}

/** Places in each sorted line, counted from 0: share (n - 1), and the last place where there is NaN. */
function ranksOf(lines: Tensor, shares: Tensor, skipNan: boolean): Tensor {
  const n = lines.shape.at(-1) as number;
  const lost = sum(isnan(lines.detach()), { dim: -1, keepDim: true });
  if (skipNan) {
    const last = clamp(sub(n - 1, lost), { min: 0 });
    return mul(to(last, lines.dtype), shares);
  }
  return where(ne(lost, 0), n - 1, mul(shares, n - 1));
}

/** Quantiles up to which selecting each of them takes less time than sorting. */
const FEW = 4;

/** Reads lines at places of their sorted order, [...lines, places]. */
function reader(lines: Tensor, count: number): (places: Tensor) => Tensor {
  if (count <= FEW) return (places) => placedAt('quantile', lines, places).values;
  const sorted = sort(lines).values;
  return (places) => gather(sorted, -1, places);
}

/** The values at places between those of the sorted lines. */
function atRanks(lines: Tensor, ranks: Tensor, interpolation: Interpolation): Tensor {
  const count = ranks.shape.at(-1) as number;
  const read = reader(lines, count);
  const at = (places: Tensor) => read(contiguous(to(places.detach(), 'int32')));
  if (interpolation === 'lower') return at(floor(ranks));
  if (interpolation === 'higher') return at(ceil(ranks));
  if (interpolation === 'nearest') return at(round(ranks));
  const below = floor(ranks.detach());
  const weight = interpolation === 'midpoint' ? 0.5 : sub(ranks, below);
  // Each pair side by side: the second of two neighbours is found without selecting again.
  const pairs = stack([below, ceil(ranks.detach())], -1);
  const ends = at(reshape(pairs, [...ranks.shape.slice(0, -1), 2 * count]));
  const [low, high] = unbind(reshape(ends, [...ends.shape.slice(0, -1), count, 2]), -1);
  return lerp(low as Tensor, high as Tensor, weight);
}

/**
 * The q-quantiles along a dimension, or of all elements: what lies at the place q (n - 1) of the sorted
 * elements, between two of them by `interpolation`. NaN where there is one. Gradients go to the
 * elements that a quantile was made of.
 * @param x float32 or float64, any shape, not empty along the dimension
 * @param q a number from 0 to 1, several, or a scalar or vector of x's dtype
 * @returns x's shape without the dimension, behind a dimension for several q
 * @throws TensorError ERR_ARGUMENT for another q or interpolation, ERR_SHAPE when there is nothing to
 * choose from, ERR_INDEX for a dimension that isn't there, ERR_DTYPE
 * @example
 * ```ts
 * quantile(tensor([4, 1, 3, 2]), 0.5); // => 2.5
 * quantile(tensor([4, 1, 3, 2]), [0, 1]); // => [1, 4]
 * ```
 */
export function quantile(
  x: Tensor,
  q: number | readonly number[] | Tensor,
  options: QuantileOptions = {},
): Tensor {
  return quantiles('quantile', x, q, options, false);
}

/**
 * The q-quantiles of the elements that aren't NaN; NaN where there are none. See `quantile`.
 * @param x float32 or float64, any shape, not empty along the dimension
 * @param q a number from 0 to 1, several, or a scalar or vector of x's dtype
 * @throws TensorError as quantile
 * @example
 * ```ts
 * nanquantile(tensor([NaN, 1, 3]), 0.5); // => 2
 * ```
 */
export function nanquantile(
  x: Tensor,
  q: number | readonly number[] | Tensor,
  options: QuantileOptions = {},
): Tensor {
  return quantiles('nanquantile', x, q, options, true);
}

/** Options of {@link median} and {@link nanmedian}. */
export interface MedianOptions {
  /** The dimension; a negative one counts from the end. */
  dim: number;
  /** Keeps the dimension with size 1. Default false. */
  keepDim?: boolean;
}

/** x with a dimension to choose along, and which it is. */
function alongOne(operation: string, x: Tensor, options: MedianOptions): [Tensor, number] {
  checkOptions(operation, options, ['dim', 'keepDim']);
  if (options.dim === undefined) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] the options need a dim; without options it is over all elements`,
    );
  }
  const at = normalizeDim(operation, options.dim, Math.max(1, x.ndim));
  const source = atLeast1d(x);
  if (source.shape[at] === 0) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] nothing to choose from in shape ${formatShape(x.shape)}`,
    );
  }
  return [source, at];
}

/** A result that has the dimension with size 1, with it or without; of a scalar a scalar. */
function shaped(x: Tensor, at: number, keepDim: boolean, result: ValuesAndIndices) {
  if (keepDim && x.ndim > 0) return result;
  return { values: squeeze(result.values, at), indices: squeeze(result.indices, at) };
}

function medianAlong(
  operation: 'median' | 'nanmedian',
  x: Tensor,
  options: MedianOptions,
): ValuesAndIndices {
  const [source, at] = alongOne(operation, x, options);
  return shaped(x, at, options.keepDim ?? false, placedAlong(operation, source, at, operation));
}

/** The median of all elements; those that are equal to it share the gradient. */
function medianOfAll(operation: 'median' | 'nanmedian', x: Tensor): Tensor {
  if (x.numel === 0) {
    if (isFloating(x.dtype)) return full([], Number.NaN, { dtype: x.dtype });
    throw new TensorError('ERR_SHAPE', `[${operation}] nothing to choose from`);
  }
  const flat = reshape(x.detach(), [x.numel]);
  const y = medianAlong(operation, flat, { dim: 0 }).values;
  if (recording(x)) {
    attach(
      y,
      operation,
      [x],
      [
        (g) => {
          const [from, found] = [x.detach(), y.detach()];
          const same = logicalOr(eq(from, found), logicalAnd(isnan(from), isnan(found)));
          return where(same, div(g, to(sum(same), x.dtype)), 0);
        },
      ],
    );
  }
  return y;
}

/**
 * Without options the median of all elements (the lower of two in the middle), as a scalar; NaN if
 * there is one, and of nothing. Elements equal to it share the gradient. With a `dim` the medians along
 * it and where they are (of equal elements the one that a stable sort puts in the middle; the first
 * NaN); the gradient goes there.
 * @param x numbers of any dtype but bfloat16, any shape
 * @throws TensorError ERR_SHAPE when there is nothing to choose from, ERR_ARGUMENT for options without a
 * dim, ERR_INDEX for a dimension that isn't there, ERR_DTYPE
 * @example
 * ```ts
 * median(tensor([3, 1, 2, 4])); // => 2
 * median(tensor([[3, 1, 2]]), { dim: 1 }).indices; // => [2]
 * ```
 */
export function median(x: Tensor): Tensor;
export function median(x: Tensor, options: MedianOptions): ValuesAndIndices;
export function median(x: Tensor, options?: MedianOptions): Tensor | ValuesAndIndices {
  checkNumbers('median', x);
  if (options === undefined) return medianOfAll('median', x);
  return medianAlong('median', x, options);
}

/**
 * The median of the elements that aren't NaN; NaN where there are none. See `median`.
 * @param x numbers of any dtype but bfloat16, any shape
 * @throws TensorError as median
 * @example
 * ```ts
 * nanmedian(tensor([NaN, 1, 2])); // => 1
 * ```
 */
export function nanmedian(x: Tensor): Tensor;
export function nanmedian(x: Tensor, options: MedianOptions): ValuesAndIndices;
export function nanmedian(x: Tensor, options?: MedianOptions): Tensor | ValuesAndIndices {
  checkNumbers('nanmedian', x);
  if (options === undefined) return medianOfAll('nanmedian', x);
  return medianAlong('nanmedian', x, options);
}

/** Options of {@link mode}. */
export interface ModeOptions {
  /** Default the last. */
  dim?: number;
  /** Keeps the dimension with size 1. Default false. */
  keepDim?: boolean;
}

/**
 * The most frequent element along a dimension (the smallest of several) and where it is: its last place.
 * NaN differs from itself. The gradient goes to that place.
 * @param x any dtype but 16-bit floats, any shape
 * @throws TensorError ERR_SHAPE when there is nothing to choose from, ERR_INDEX for a dimension that
 * isn't there, ERR_DTYPE, ERR_ARGUMENT
 * @example
 * ```ts
 * mode(tensor([3, 1, 3, 2])).values; // => 3
 * ```
 */
export function mode(x: Tensor, options: ModeOptions = {}): ValuesAndIndices {
  checkTensor('mode', x);
  checkComputes('mode', x.dtype);
  checkOptions('mode', options, ['dim', 'keepDim']);
  const { dim = -1, keepDim = false } = options;
  const [source, at] = alongOne('mode', x, { dim });
  return shaped(x, at, keepDim, modeAlong(source, at));
}

defineMethods({ quantile, nanquantile, median, nanmedian, mode });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** The q-quantiles along a dimension or of all elements: see the function `quantile`. */
    quantile(q: number | readonly number[] | Tensor, options?: QuantileOptions): Tensor;
    /** The q-quantiles of the elements that aren't NaN. */
    nanquantile(q: number | readonly number[] | Tensor, options?: QuantileOptions): Tensor;
    /** The median of all elements. */
    median(): Tensor;
    /** The medians along a dimension and where they are. */
    median(options: MedianOptions): ValuesAndIndices;
    /** The median of all elements that aren't NaN. */
    nanmedian(): Tensor;
    /** The medians along a dimension of the elements that aren't NaN, and where they are. */
    nanmedian(options: MedianOptions): ValuesAndIndices;
    /** The most frequent elements along a dimension and where they are. */
    mode(options?: ModeOptions): ValuesAndIndices;
  }
}
