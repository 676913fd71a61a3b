/** Writing at indices: copies of a tensor in which values were put, added or otherwise reduced. */
import { attach, recording } from '../autograd/tape.js';
import { TensorError } from '../errors.js';
import { type Operand, rows, runRow } from '../native/commands.js';
import { fillWith, ones, uninitialized, zeros } from '../tensor/creation.js';
import { dtypes } from '../tensor/dtype.js';
import { checkNumber, checkOptions, describe, formatShape, normalizeDim } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { greaterShare, maximum } from './arithmetic.js';
import { defineMethods } from './elementwise.js';
import { atLeast1d, checkIndexShape } from './gather.js';
import { gatherAt, type Places, perElement, perSlice, reduceAt, scatterAt } from './indexed.js';
import { checkNumeric, checkSameDType, type IndexLike, indexTensor } from './indices.js';
import { checkTensor, copyInto, scalar } from './operand.js';
import { reshape, slice } from './shape.js';

/** A contiguous copy without a history, to be written to. */
function copyOf(x: Tensor): Tensor {
  const y = uninitialized(x.shape, x.dtype);
  copyInto(y, x);
  return y;
}

/** One value for all places. */
function everywhere(value: Tensor, places: Places): Operand {
  return { array: value.array, offset: value.offset, strides: places.shape.map(() => 0) };
}

/** x with zeros at the places: the gradient of what was overwritten there. */
function without(operation: string, x: Tensor, places: Places): Tensor {
  const y = copyOf(x);
  scatterAt(operation, y, places, everywhere(scalar(0, x.dtype), places));
  return y;
}

interface Arguments {
  readonly places: Places;
  /** The part of the source that the index covers. */
  readonly source: Tensor;
}

/** Checks what the operations with an index for each element take. */
function checkElements(
  operation: string,
  x: Tensor,
  dim: number,
  index: IndexLike,
  src: unknown,
): Arguments {
  const at = normalizeDim(operation, dim, x.ndim);
  const given = indexTensor(operation, index);
  checkTensor(operation, src);
  checkSameDType(operation, x, src);
  checkIndexShape(operation, given.shape, x.shape, at);
  checkIndexShape(operation, given.shape, src.shape, -1);
  const covered = given.shape.every((n, d) => n === src.shape[d]);
  const source = covered
    ? src
    : slice(
        src,
        given.shape.map((n): [number, number] => [0, n]),
      );
  return { places: perElement(at, given), source };
}

/** Calls fn with scalars as vectors of one element. */
function onVectors(
  fn: (x: Tensor, dim: number, index: IndexLike, src: Tensor) => Tensor,
  operation: string,
  x: Tensor,
  dim: number,
  index: IndexLike,
  src: unknown,
): Tensor {
  checkTensor(operation, src);
  const given = indexTensor(operation, index);
  return reshape(fn(atLeast1d(x), dim, atLeast1d(given), atLeast1d(src)), []);
}

/**
 * A copy of x with values put at an index along a dimension: for dim = 0
 * y[index[i, j, ..], j, ..] = src[i, j, ..]. Where several meet, the last one in row-major order of
 * the index stays (PyTorch leaves it open); their gradients are then not told apart, as in PyTorch.
 * @param x any shape and dtype
 * @param index as many dimensions as x, along none longer than src, and only along `dim` longer than
 * x; int32 or whole numbers
 * @param src a tensor of x's dtype, or one number for all places
 * @throws TensorError ERR_INDEX naming the first index outside the dimension, ERR_SHAPE, ERR_DTYPE,
 * ERR_ARGUMENT
 * @example
 * ```ts
 * scatter(zeros([3]), 0, [2, 0], tensor([7, 8])); // => [8, 0, 7]
 * ```
 */
export function scatter(x: Tensor, dim: number, index: IndexLike, src: Tensor | number): Tensor {
  checkTensor('scatter', x);
  if (typeof src === 'number') return scatterNumber(x, dim, index, src);
  if (x.ndim === 0) return onVectors(scatter, 'scatter', x, dim, index, src);
  const { places, source } = checkElements('scatter', x, dim, index, src);
  const y = copyOf(x);
  scatterAt('scatter', y, places, source);
  if (recording(x, source)) {
    attach(
      y,
      'scatter',
      [x, source],
      [(g) => without('scatter', g, places), (g) => gatherAt('scatter', g, places)],
    );
  }
  return y;
}

function scatterNumber(x: Tensor, dim: number, index: IndexLike, value: number): Tensor {
  if (x.ndim === 0) {
    const given = indexTensor('scatter', index);
    return reshape(scatterNumber(atLeast1d(x), dim, atLeast1d(given), value), []);
  }
  const at = normalizeDim('scatter', dim, x.ndim);
  const given = indexTensor('scatter', index);
  checkIndexShape('scatter', given.shape, x.shape, at);
  const places = perElement(at, given);
  const y = copyOf(x);
  const one = uninitialized([], x.dtype);
  fillWith(one, value);
  scatterAt('scatter', y, places, everywhere(one, places));
  if (recording(x)) attach(y, 'scatter', [x], [(g) => without('scatter', g, places)]);
  return y;
}

/**
 * A copy of x with values added at an index along a dimension: for dim = 0
 * y[index[i, j, ..], j, ..] += src[i, j, ..], in row-major order of the index, whatever the number of
 * threads. Integers wrap around.
 * @param x any shape; float32, float64, int32, int8 or uint8
 * @param index and src as for `scatter`
 * @throws TensorError as scatter
 * @example
 * ```ts
 * scatterAdd(zeros([3]), 0, [2, 0, 2], tensor([1, 2, 3])); // => [2, 0, 4]
 * ```
 */
export function scatterAdd(x: Tensor, dim: number, index: IndexLike, src: Tensor): Tensor {
  checkNumeric('scatterAdd', x);
  if (x.ndim === 0) return onVectors(scatterAdd, 'scatterAdd', x, dim, index, src);
  const { places, source } = checkElements('scatterAdd', x, dim, index, src);
  return added('scatterAdd', x, places, source);
}

function added(operation: string, x: Tensor, places: Places, source: Tensor): Tensor {
  const y = copyOf(x);
  reduceAt(operation, 'sum', y, places, source);
  if (recording(x, source)) {
    attach(y, operation, [x, source], [(g) => g, (g) => gatherAt(operation, g, places)]);
  }
  return y;
}

/** Options of {@link indexAdd}. */
export interface IndexAddOptions {
  /** A factor of the source. Default 1; for integers only 1. */
  alpha?: number;
}

/**
 * A copy of x with slices added along a dimension:
 * y[.., index[i], ..] += alpha * source[.., i, ..], in the order of the index.
 * @param index one dimension, int32 or whole numbers
 * @param source x's shape, but along `dim` as long as the index; x's dtype
 * @throws TensorError ERR_INDEX naming the first index outside the dimension, ERR_SHAPE, ERR_DTYPE,
 * ERR_ARGUMENT
 * @example
 * ```ts
 * indexAdd(zeros([3]), 0, [2, 0, 2], tensor([1, 2, 3])); // => [2, 0, 4]
 * ```
 */
export function indexAdd(
  x: Tensor,
  dim: number,
  index: IndexLike,
  source: Tensor,
  options: IndexAddOptions = {},
): Tensor {
  checkNumeric('indexAdd', x);
  checkOptions('indexAdd', options, ['alpha']);
  if (x.ndim === 0) {
    return onVectors(
      (...vectors) => indexAdd(...vectors, options),
      'indexAdd',
      x,
      dim,
      index,
      source,
    );
  }
  const alpha = checkNumber('indexAdd', 'alpha', options.alpha ?? 1);
  const at = normalizeDim('indexAdd', dim, x.ndim);
  const given = atLeast1d(indexTensor('indexAdd', index));
  checkTensor('indexAdd', source);
  checkSameDType('indexAdd', x, source);
  const fits =
    source.ndim === x.ndim &&
    source.shape.every((n, d) => n === (d === at ? given.shape[0] : x.shape[d]));
  if (given.ndim !== 1 || !fits) {
    throw new TensorError(
      'ERR_SHAPE',
      `[indexAdd] an index of shape ${formatShape(given.shape)} and a source of shape ` +
        `${formatShape(source.shape)} do not fit ${formatShape(x.shape)} along dimension ${at}`,
    );
  }
  if (alpha !== 1 && !dtypes[x.dtype].floating) {
    throw new TensorError('ERR_DTYPE', `[indexAdd] for ${x.dtype} alpha is 1, not ${alpha}`);
  }
  const terms = alpha === 1 ? source : source.mul(alpha);
  return added('indexAdd', x, perSlice(at, given, x.shape), terms);
}

/** What becomes of values that meet at one place. */
export type ScatterReduction = 'sum' | 'mean' | 'amax' | 'amin' | 'prod';

/** Options of {@link scatterReduce}. */
export interface ScatterReduceOptions {
  /** Whether x's own elements take part where values arrive. Default true. */
  includeSelf?: boolean;
}

/** What changes no result: where x's own elements don't take part, they are this. */
function identity(reduce: ScatterReduction, { dtype }: Tensor): number {
  if (reduce === 'sum' || reduce === 'mean') return 0;
  if (reduce === 'prod') return 1;
  const ends = { int32: [-(2 ** 31), 2 ** 31 - 1], int8: [-128, 127], uint8: [0, 255] } as const;
  const [low, high] = ends[dtype as keyof typeof ends] ?? [-Infinity, Infinity];
  return reduce === 'amax' ? low : high;
}

/** How many values each element of the mean is made of; 1 where there are none. */
function countsOf(x: Tensor, places: Places, includeSelf: boolean): Tensor {
  const counts = (includeSelf ? ones : zeros)(x.shape, { dtype: 'int32' });
  reduceAt('scatterReduce', 'sum', counts, places, everywhere(scalar(1, 'int32'), places));
  return counts;
}

/**
 * A copy of x with values reduced into it at an index along a dimension: for dim = 0
 * y[index[i, j, ..], j, ..] is the sum, product, mean, maximum or minimum of x's own element there
 * (unless includeSelf is false) and all src[i, j, ..] that arrive, in row-major order of the index.
 * Elements where nothing arrives stay as they are. NaN wins maxima and minima; integers wrap around
 * and their means are rounded down. Elements that tie for a maximum or minimum share its gradient.
 * @param x any shape; float32, float64, int32, int8 or uint8
 * @param index and src as for `scatter`
 * @throws TensorError as scatter; ERR_ARGUMENT for another reduction
 * @example
 * ```ts
 * scatterReduce(zeros([2]), 0, [1, 0, 1], tensor([1, 2, 3]), 'amax'); // => [2, 3]
 * ```
 */
export function scatterReduce(
  x: Tensor,
  dim: number,
  index: IndexLike,
  src: Tensor,
  reduce: ScatterReduction,
  options: ScatterReduceOptions = {},
): Tensor {
  checkNumeric('scatterReduce', x);
  checkOptions('scatterReduce', options, ['includeSelf']);
  const { includeSelf = true } = options;
  if (typeof includeSelf !== 'boolean') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[scatterReduce] includeSelf is true or false, not ${describe(includeSelf)}`,
    );
  }
  if (!['sum', 'mean', 'amax', 'amin', 'prod'].includes(reduce)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[scatterReduce] reduce is sum, mean, amax, amin or prod, not ${describe(reduce)}`,
    );
  }
  if (x.ndim === 0) {
    const call = (...[t, d, i, s]: [Tensor, number, IndexLike, Tensor]) =>
      scatterReduce(t, d, i, s, reduce, options);
    return onVectors(call, 'scatterReduce', x, dim, index, src);
  }
  const { places, source } = checkElements('scatterReduce', x, dim, index, src);
  const y = startOf(x, reduce, places, includeSelf);
  reduceAt('scatterReduce', reduce === 'mean' ? 'sum' : reduce, y, places, source);
  const counts = reduce === 'mean' ? countsOf(x, places, includeSelf) : null;
  if (counts !== null) {
    runRow(rows.divideByCount, [y.array, counts.array], [y.offset, counts.offset], [y.numel]);
  }
  if (recording(x, source)) {
    const made: Reduced = { x, source, y, places, includeSelf };
    const toX = (g: Tensor) => (includeSelf ? g : without('scatterReduce', g, places));
    const at = (t: Tensor) => gatherAt('scatterReduce', t, places);
    const rules = {
      sum: [toX, at],
      mean: [(g: Tensor) => toX(mean(g, counts)), (g: Tensor) => at(mean(g, counts))],
      amax: extremumRules(made, greaterShare),
      amin: extremumRules(made, (a, b) => greaterShare(b, a)),
      prod: productRules(made),
    };
    attach(y, 'scatterReduce', [x, source], rules[reduce]);
  }
  return y;
}

/** A copy of x; without its own elements where values arrive, if they take no part. */
function startOf(
  x: Tensor,
  reduce: ScatterReduction,
  places: Places,
  includeSelf: boolean,
): Tensor {
  const y = copyOf(x);
  if (!includeSelf) {
    const start = scalar(identity(reduce, x), x.dtype);
    scatterAt('scatterReduce', y, places, everywhere(start, places));
  }
  return y;
}

/** The gradient of a sum over a count. */
function mean(g: Tensor, counts: Tensor | null): Tensor {
  return g.div(maximum((counts as Tensor).to(g.dtype), 1));
}

/** A reduction that was computed, for its gradient rules. */
interface Reduced {
  readonly x: Tensor;
  readonly source: Tensor;
  readonly y: Tensor;
  readonly places: Places;
  readonly includeSelf: boolean;
}

type Rules = [(g: Tensor) => Tensor, (g: Tensor) => Tensor];

/** `share(a, y)` is the same for all a that are equal to the extremum y, and 0 for others. */
function extremumRules(
  { x, source, y, places, includeSelf }: Reduced,
  share: (a: Tensor, y: Tensor) => Tensor,
): Rules {
  const ownShare = () => {
    const own = share(x.detach(), y.detach());
    return includeSelf ? own : without('scatterReduce', own, places);
  };
  const sourceShare = () => share(source.detach(), gatherAt('scatterReduce', y.detach(), places));
  // Elements where nothing arrives are their own extremum, so no sum of shares is 0.
  const perShare = (g: Tensor) => {
    const sum = copyOf(ownShare());
    reduceAt('scatterReduce', 'sum', sum, places, sourceShare());
    return g.div(sum);
  };
  return [
    (g) => perShare(g).mul(ownShare()),
    (g) => gatherAt('scatterReduce', perShare(g), places).mul(sourceShare()),
  ];
}

/**
 * The derivative of a product by a factor is the product of the others, also where factors are 0:
 * the product of those that aren't 0, divided by the factor when none is 0, as it is when the factor
 * is the only 0, and otherwise 0.
 */
function productRules({ x, source, places, includeSelf }: Reduced): Rules {
  const isZero = (t: Tensor) => t.sign().abs().neg().add(1);
  const others = () => {
    const [own, values] = [x.detach(), source.detach()];
    const ownZero = isZero(own);
    const product = startOf(own.add(ownZero), 'prod', places, includeSelf);
    const zeroCount = startOf(ownZero, 'sum', places, includeSelf);
    const valueZero = isZero(values);
    reduceAt('scatterReduce', 'prod', product, places, values.add(valueZero));
    reduceAt('scatterReduce', 'sum', zeroCount, places, valueZero);
    const none = zeroCount.sign().neg().add(1);
    const single = zeroCount.sub(1).sign().abs().neg().add(1);
    return { own, values, ownZero, valueZero, product, none, single };
  };
  return [
    (g) => {
      const { own, ownZero, product, none, single } = others();
      const factor = product.div(own.add(ownZero)).mul(none.add(single.mul(ownZero)));
      return (includeSelf ? g : without('scatterReduce', g, places)).mul(factor);
    },
    (g) => {
      const { values, valueZero, product, none, single } = others();
      const at = (t: Tensor) => gatherAt('scatterReduce', t, places);
      const chosen = at(none).add(at(single).mul(valueZero));
      return at(g.mul(product)).div(values.add(valueZero)).mul(chosen);
    },
  ];
}

defineMethods({ scatter, scatterAdd });
Tensor.prototype.indexAdd = function (this: Tensor, dim, index, source, options) {
  return indexAdd(this, dim, index, source, options);
};
Tensor.prototype.scatterReduce = function (this: Tensor, dim, index, src, reduce, options) {
  return scatterReduce(this, dim, index, src, reduce, options);
};

declare module '../tensor/tensor.js' {
  interface Tensor {
    /** A copy with values put at an index: see the function `scatter`. */
    scatter(dim: number, index: IndexLike, src: Tensor | number): Tensor;
    /** A copy with values added at an index: see the function `scatterAdd`. */
    scatterAdd(dim: number, index: IndexLike, src: Tensor): Tensor;
    /** A copy with slices added along a dimension: see the function `indexAdd`. */
    indexAdd(dim: number, index: IndexLike, source: Tensor, options?: IndexAddOptions): Tensor;
    /** A copy with values reduced into it: see the function `scatterReduce`. */
    scatterReduce(
      dim: number,
      index: IndexLike,
      src: Tensor,
      reduce: ScatterReduction,
      options?: ScatterReduceOptions,
    ): Tensor;
  }
}
