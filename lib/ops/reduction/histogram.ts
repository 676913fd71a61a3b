/** How many elements lie in each of a row of bins. */
import { TensorError } from '../../errors.js';
import { rows, runRow } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import { fromTypedArray } from '../../tensor/data.js';
import type { DType } from '../../tensor/dtype.js';
import { checkFlag, checkOptions, describe, formatShape, sameShape } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { div, mul, sub } from '../elementwise/arithmetic.js';
import { le } from '../elementwise/compare.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { checkFloating, contiguous, to } from '../operand.js';
import { reshape, slice } from '../shape/shape.js';
import { all } from './count.js';
import { amax, amin } from './extremum.js';
import { sum } from './reduce.js';

/** The ends of the bins together. */
type Range = readonly [low: number, high: number];

function checkBins(operation: string, bins: unknown): number {
  // A place for each bin, and one more, in an int32 index.
  if (!Number.isInteger(bins) || (bins as number) < 1 || (bins as number) >= 2 ** 31 - 1) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] bins is a whole number >= 1, not ${describe(bins)}`,
    );
  }
  return bins as number;
}

/** The elements' own range, or [0, 0] of nothing; one of no extent reaches 1 (or 1/2) to both sides. */
function rangeOf(operation: string, x: Tensor, given: Range | null, margin: number): Range {
  let [low, high] = given ?? [0, 0];
  if (given === null && x.numel > 0) [low, high] = [amin(x).item(), amax(x).item()];
  if (!Number.isFinite(low) || !Number.isFinite(high) || low > high) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] the range from ${low} to ${high} is not finite and ascending`,
    );
  }
  return low === high ? [low - margin, high + margin] : [low, high];
}

/** What decides on an element's bin: edges, at equal distances or not, or a range to divide. */
type Bins = { edges: Tensor; even: boolean } | { range: Range };

/** The elements of a vector in each bin, or the sums of their weights. */
function counted(x: Tensor, count: number, bins: Bins, weights: Tensor | null): Tensor {
  const [values, factors] = [contiguous(x), weights === null ? null : contiguous(weights)];
  const hist = uninitialized([count], x.dtype);
  const edges = 'edges' in bins ? contiguous(bins.edges) : null;
  const [low, high] = 'range' in bins ? bins.range : [0, 0];
  const even = 'edges' in bins && bins.even;
  runRow(
    rows.histogram,
    [values.array, edges?.array ?? null, factors?.array ?? null, hist.array],
    [values.offset, edges?.offset ?? 0, factors?.offset ?? 0, hist.offset],
    [x.numel, edges?.numel ?? 0, count, Number(even), low, high],
  );
  return hist;
}

/** Options of {@link histc}. */
export interface HistcOptions {
  /** How many bins of one width. Default 100. */
  bins?: number;
  /** Where the first bin begins. Default 0. */
  min?: number;
  /** Where the last bin ends; with 0 for both it is the elements' own range. Default 0. */
  max?: number;
}

/**
 * How many elements lie in each of several bins of one width; the last bin includes its end. Elements
 * outside, and NaN, count nowhere. No gradient.
 * @param x float32 or float64, any shape
 * @returns a vector of x's dtype
 * @throws TensorError ERR_ARGUMENT for bins that aren't a whole number >= 1 and for a range that isn't
 * finite (that of the elements too) or descends, ERR_DTYPE
 * @example
 * ```ts
 * histc(tensor([1, 2, 1]), { bins: 4, min: 0, max: 3 }); // => [0, 2, 1, 0]
 * ```
 */
export function histc(x: Tensor, options: HistcOptions = {}): Tensor {
  checkFloating('histc', x);
  checkOptions('histc', options, ['bins', 'min', 'max']);
  const { min = 0, max = 0 } = options;
  const bins = checkBins('histc', options.bins === undefined ? 100 : options.bins);
  for (const end of [min, max]) {
    if (typeof end !== 'number') {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[histc] min and max are numbers, not ${describe(end)}`,
      );
    }
  }
  const flat = reshape(x.detach(), [x.numel]);
  const given = min === max && min === 0 ? null : ([min, max] as const);
  return counted(flat, bins, { range: rangeOf('histc', flat, given, 1) }, null);
}

/** Options of {@link histogram}. */
export interface HistogramOptions {
  /** Where the first bin begins and the last one ends; for bins of one width. Default the elements' own. */
  range?: Range;
  /** How much each element counts: of x's shape and dtype. Default 1. */
  weight?: Tensor;
  /** Whether to divide by the sum of all and by the bins' widths, so that the area is 1. Default false. */
  density?: boolean;
}

/** Counts, or densities, and the edges of the bins that they belong to: one more. */
export interface Histogram {
  /** Counts, or densities, of the bins. */
  readonly hist: Tensor;
  /** The edges of the bins, ascending. */
  readonly binEdges: Tensor;
}

/** Edges at equal distances, counted from the nearer end as in torch.linspace. */
function evenEdges(bins: number, [low, high]: Range, dtype: DType): Tensor {
  const round = dtype === 'float32' ? Math.fround : (value: number) => value;
  const [from, end] = [round(low), round(high)];
  const step = round(round(end - from) / bins);
  const edges = Array.from({ length: bins + 1 }, (_, i) =>
    i < (bins + 1) / 2 ? from + round(step * i) : end - round(step * (bins - i)),
  );
  return fromTypedArray(dtype === 'float32' ? Float32Array.from(edges) : Float64Array.from(edges));
}

function checkEdges(edges: unknown, x: Tensor): Tensor {
  const isList = Array.isArray(edges) && edges.every((edge) => typeof edge === 'number');
  const given = isList ? fromTypedArray(Float64Array.from(edges)) : edges;
  if (!(given instanceof Tensor)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[histogram] bins is a whole number >= 1, or edges in ascending order, not ${describe(edges)}`,
    );
  }
  checkFloating('histogram', given);
  if (!Array.isArray(edges) && given.dtype !== x.dtype) {
    throw new TensorError(
      'ERR_DTYPE',
      `[histogram] the edges are ${given.dtype}, the elements ${x.dtype}; convert one with to(...)`,
    );
  }
  if (given.ndim !== 1 || given.numel < 2) {
    throw new TensorError(
      'ERR_SHAPE',
      `[histogram] edges of shape ${formatShape(given.shape)} are not a vector of at least two`,
    );
  }
  const n = given.numel;
  const rising = le(slice(given.detach(), [[0, n - 1]]), slice(given.detach(), [[1, n]]));
  if (all(rising).item() === 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      '[histogram] the edges are in ascending order, without NaN',
    );
  }
  return to(given.detach(), x.dtype);
}

/**
 * How many elements lie between each two neighbouring edges; a bin includes its lower edge, the last one
 * both. Elements outside, and NaN, count nowhere. No gradient.
 * @param x float32 or float64, any shape; all elements are counted
 * @param bins how many of one width, or the edges in ascending order: a vector of x's dtype or numbers
 * @throws TensorError ERR_ARGUMENT for other bins, for a range that isn't finite (that of the elements
 * too) or descends, and for a range beside edges; ERR_SHAPE when weights don't fit, ERR_DTYPE
 * @example
 * ```ts
 * histogram(tensor([1, 2, 1]), 4, { range: [0, 3] }).hist; // => [0, 2, 1, 0]
 * histogram(tensor([1, 2, 1]), [0, 2, 4]).hist; // => [2, 1]
 * ```
 */
export function histogram(
  x: Tensor,
  bins: number | readonly number[] | Tensor,
  options: HistogramOptions = {},
): Histogram {
  checkFloating('histogram', x);
  checkOptions('histogram', options, ['range', 'weight', 'density']);
  const { range, density = false } = options;
  checkFlag('histogram', 'density', density);
  const flat = reshape(x.detach(), [x.numel]);
  const weights = weightsOf(x, options.weight);
  const binEdges =
    typeof bins === 'number'
      ? evenEdges(
          checkBins('histogram', bins),
          rangeOf('histogram', flat, checkRange(range), 0.5),
          x.dtype,
        )
      : checkEdges(bins, x);
  if (typeof bins !== 'number' && range !== undefined) {
    throw new TensorError(
      'ERR_ARGUMENT',
      '[histogram] range is for a number of bins, not for edges',
    );
  }
  const count = binEdges.numel - 1;
  const even = typeof bins === 'number';
  const hist = counted(flat, count, { edges: binEdges, even }, weights);
  if (!density) return { hist, binEdges };
  const widths = sub(slice(binEdges, [[1, count + 1]]), slice(binEdges, [[0, count]]));
  return { hist: div(hist, mul(sum(hist), widths)), binEdges };
}

function checkRange(range: unknown): Range | null {
  if (range === undefined) return null;
  const isPair =
    Array.isArray(range) && range.length === 2 && range.every((end) => typeof end === 'number');
  if (!isPair) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[histogram] range is two numbers, not ${describe(range)}`,
    );
  }
  return range as unknown as Range;
}

function weightsOf(x: Tensor, weight: Tensor | undefined): Tensor | null {
  if (weight === undefined) return null;
  checkFloating('histogram', weight);
  if (weight.dtype !== x.dtype) {
    throw new TensorError(
      'ERR_DTYPE',
      `[histogram] the weights are ${weight.dtype}, the elements ${x.dtype}`,
    );
  }
  if (!sameShape(weight.shape, x.shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[histogram] weights of shape ${formatShape(weight.shape)} are not one for each element of ` +
        formatShape(x.shape),
    );
  }
  return reshape(weight.detach(), [x.numel]);
}

defineMethods({ histc, histogram });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** How many elements lie in each of several bins of one width: see the function `histc`. */
    histc(options?: HistcOptions): Tensor;
    /** How many elements lie between each two edges: see the function `histogram`. */
    histogram(bins: number | readonly number[] | Tensor, options?: HistogramOptions): Histogram;
  }
}
