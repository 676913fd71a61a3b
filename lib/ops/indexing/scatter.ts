/** Writing at indices: copies of a tensor in which values were put, added or otherwise reduced. */

import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { type Operand, rows, runRow } from '../../native/commands.js';
import { fillWith, ones, uninitialized, zeros } from '../../tensor/creation.js';
import { integerRanges } from '../../tensor/dtype.js';
import {
  checkFlag,
  checkNumber,
  checkOptions,
  describe,
  formatShape,
  normalizeDim,
  type Shape,
} from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { greaterShare, maximum } from '../elementwise/arithmetic.js';
import { isnan } from '../elementwise/compare.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { where } from '../elementwise/ternary.js';
import { checkTensor, copyOf, isNumber, scalar } from '../operand.js';
import { checkWhole } from '../product/matmul_integer.js';
import { reshape, slice } from '../shape/shape.js';
import { atLeast1d, checkIndexShape, elementIndex, read } from './gather.js';
import { gatherAt, type Places, perElement, perSlice, reduceAt, scatterAt } from './indexed.js';
import { checkNumeric, checkSameDType, type IndexLike, indexTensor } from './indices.js';

/** One value for all places. */
function everywhere(value: Tensor, places: Places): Operand {
  return { array: value.array, offset: value.offset, strides: places.shape.map(() => 0) };
}

/** x with zeros at the places: the gradient of what was overwritten there, and its own gradient. */
function without(operation: string, x: Tensor, places: Places): Tensor {
  const y = copyOf(x);
  scatterAt(operation, y, places, everywhere(scalar(0, x.dtype), places));
  if (recording(x)) attach(y, operation, [x], [(g) => without(operation, g, places)]);
  return y;
}

interface Arguments {
  readonly places: Places;
  /** The part of the source that the index covers. */
  readonly source: Tensor;
}

/** None of the elements of a tensor, in a shape that has none. */
function emptyPart(x: Tensor, shape: Shape): Tensor {
  return reshape(slice(reshape(x, [x.numel]), [[0, 0]]), shape);
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
  const given = elementIndex(operation, index, x.shape, at);
  checkTensor(operation, src);
  checkSameDType(operation, x, src);
  const places = perElement(at, given);
  // PyTorch doesn't look at the shapes of what goes nowhere.
  if (given.numel === 0) return { places, source: emptyPart(src, given.shape) };
  const whole = x.ndim === 1 ? atLeast1d(src) : src;
  checkIndexShape(operation, given.shape, x.shape, at);
  checkIndexShape(operation, given.shape, whole.shape, -1);
  const covered = given.shape.every((n, d) => n === whole.shape[d]);
  const source = covered
    ? whole
    : slice(
        whole,
        given.shape.map((n): [number, number] => [0, n]),
      );
  return { places, source };
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
 * x; integers (a tensor or numbers)
 * @param src a tensor of x's dtype, or one number or boolean for all places
 * @throws TensorError ERR_INDEX naming the first index outside the dimension, ERR_SHAPE, ERR_DTYPE,
 * ERR_ARGUMENT
 * @example
 * ```ts
 * scatter(zeros([3]), 0, [2, 0], tensor([7, 8])); // => [8, 0, 7]
 * ```
 */
export function scatter(
  x: Tensor,
  dim: number,
  index: IndexLike,
  src: Tensor | number | bigint | boolean,
): Tensor {
  checkTensor('scatter', x);
  if (typeof src === 'boolean') return scatterNumber(x, dim, index, Number(src));
  if (isNumber(src)) return scatterNumber(x, dim, index, src);
  if (x.ndim === 0) return onVectors(scatter, 'scatter', x, dim, index, src);
  const { places, source } = checkElements('scatter', x, dim, index, src);
  const y = copyOf(x);
  scatterAt('scatter', y, places, source);
  if (recording(x, source)) {
    attach(
      y,
      'scatter',
      [x, source],
      [(g) => without('scatter', g, places), (g) => read('scatter', g, places)],
    );
  }
  return y;
}

function scatterNumber(x: Tensor, dim: number, index: IndexLike, value: number | bigint): Tensor {
  if (x.ndim === 0) {
    const given = indexTensor('scatter', index);
    return reshape(scatterNumber(atLeast1d(x), dim, atLeast1d(given), value), []);
  }
  const at = normalizeDim('scatter', dim, x.ndim);
  const given = elementIndex('scatter', index, x.shape, at);
  if (given.numel > 0) checkIndexShape('scatter', given.shape, x.shape, at);
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
 * threads. Integers wrap around, a sum of bools is a logical or.
 * @param x any shape; float32, float64, integers or bools
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
    attach(y, operation, [x, source], [(g) => g, (g) => read(operation, g, places)]);
  }
  return y;
}

/** Options of {@link indexAdd}. */
export interface IndexAddOptions {
  /** A factor of the source, of integers a whole number, of bools only 1. Default 1. */
  alpha?: number;
}

/**
 * A copy of x with slices added along a dimension:
 * y[.., index[i], ..] += alpha * source[.., i, ..], in the order of the index.
 * @param index one dimension, integers
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
  checkWhole('indexAdd', 'alpha', x.dtype, alpha);
  if (alpha !== 1 && x.dtype === 'bool') {
    throw new TensorError('ERR_DTYPE', `[indexAdd] of bools alpha is 1, not ${alpha}`);
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
function identity(reduce: ScatterReduction, { dtype }: Tensor): number | bigint {
  if (reduce === 'sum' || reduce === 'mean') return 0;
  if (reduce === 'prod') return 1;
  if (dtype === 'bool') return reduce === 'amax' ? 0 : 1;
  if (dtype === 'int64') return reduce === 'amax' ? -(2n ** 63n) : 2n ** 63n - 1n;
  const [low, high] = integerRanges[dtype] ?? [-Infinity, Infinity];
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
 * and their means are rounded down; of bools sums and maxima are a logical or, products and minima an
 * and. Elements that tie for a maximum or minimum share its gradient.
 * Products in which several factors are 0 have no second derivatives (ERR_STATE), as in PyTorch.
 * @param x any shape; float32, float64, integers or, but for means, bools
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
  checkFlag('scatterReduce', 'includeSelf', includeSelf);
  if (!['sum', 'mean', 'amax', 'amin', 'prod'].includes(reduce)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[scatterReduce] reduce is sum, mean, amax, amin or prod, not ${describe(reduce)}`,
    );
  }
  if (reduce === 'mean' && x.dtype === 'bool') {
    throw new TensorError('ERR_DTYPE', '[scatterReduce] a mean takes numbers, not bool');
  }
  if (x.ndim === 0) {
    const call = (...[t, d, i, s]: [Tensor, number, IndexLike, Tensor]) =>
      scatterReduce(t, d, i, s, reduce, options);
    return onVectors(call, 'scatterReduce', x, dim, index, src);
  }
  const { places, source } = checkElements('scatterReduce', x, dim, index, src);
  return reduced(reduce, x, source, places, includeSelf);
}

/** `scatterReduce` of arguments that were checked. */
function reduced(
  reduce: ScatterReduction,
  x: Tensor,
  source: Tensor,
  places: Places,
  includeSelf: boolean,
): Tensor {
  const y = startOf(x, reduce, places, includeSelf);
  reduceAt('scatterReduce', reduce === 'mean' ? 'sum' : reduce, y, places, source);
  const counts = reduce === 'mean' ? countsOf(x, places, includeSelf) : null;
  if (counts !== null) {
    runRow(rows.divideByCount, [y.array, counts.array], [y.offset, counts.offset], [y.numel]);
  }
  if (recording(x, source)) {
    const made: Reduced = { x, source, y, places, includeSelf };
    const at = (t: Tensor) => read('scatterReduce', t, places);
    const rules: Record<ScatterReduction, Rules> = {
      sum: [(g) => g, at],
      mean: [(g) => mean(g, counts), (g) => at(mean(g, counts))],
      amax: extremumRules(made, greaterShare),
      amin: extremumRules(made, (a, b) => greaterShare(b, a)),
      prod: productRules(made),
    };
    const [toX, toSource] = rules[reduce];
    const toOwn = (g: Tensor) => without('scatterReduce', toX(g), places);
    attach(y, 'scatterReduce', [x, source], [includeSelf ? toX : toOwn, toSource]);
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

/** The gradients of x, as if all of its elements took part, and of the source. */
type Rules = [(g: Tensor) => Tensor, (g: Tensor) => Tensor];

/**
 * Gradients in even shares for the elements that are equal to the extremum; NaN of NaN, to which nothing
 * is equal. `share(a, y)` is the same for all a that are equal to the extremum y, and 0 for others.
 */
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
    return where(isnan(y.detach()), Number.NaN, g.div(sum));
  };
  return [
    (g) => perShare(g).mul(ownShare()),
    (g) => read('scatterReduce', perShare(g), places).mul(sourceShare()),
  ];
}

/**
 * The derivative of a product by a factor is the product of the others, also where factors are 0:
 * the product of those that aren't 0, divided by the factor when none is 0, as it is when the factor
 * is the only 0, and otherwise 0. Recorded, that last 0 is the only factor which is 0 itself: the
 * product is linear in it.
 */
function productRules({ x, source, places, includeSelf }: Reduced): Rules {
  const at = (t: Tensor) => read('scatterReduce', t, places);
  const zeroAsOne = (t: Tensor) => where(t.eq(0), 1, t);
  const gather = (reduce: 'sum' | 'prod', own: Tensor, values: Tensor) =>
    reduced(reduce, own, values, places, includeSelf);
  const parts = () => {
    const [ownZero, valueZero] = [x.eq(0), source.eq(0)];
    const product = gather('prod', zeroAsOne(x), zeroAsOne(source));
    const zeroCount = gather('sum', ownZero.to(x.dtype), valueZero.to(x.dtype));
    const single = zeroCount.eq(1);
    const zero = recording(x, source)
      ? gather('sum', where(ownZero, x, 0), where(valueZero, source, 0))
      : 0;
    // What the factors that are 0 contribute, to those that aren't.
    const others = where(single, zero, zeroCount.eq(0).to(x.dtype));
    return { ownZero, valueZero, product, zeroCount, single: single.to(x.dtype), others };
  };
  return [
    (g) => {
      const { ownZero, product, zeroCount, single, others } = parts();
      const factor = product.div(zeroAsOne(x)).mul(where(ownZero, single, others));
      return withoutSecond(g.mul(factor), zeroCount, x, source);
    },
    (g) => {
      const { valueZero, product, zeroCount, single, others } = parts();
      const chosen = where(valueZero, at(single), at(others));
      const ds = at(g.mul(product)).div(zeroAsOne(source)).mul(chosen);
      return withoutSecond(ds, zeroCount, x, source);
    },
  ];
}

/** A gradient that refuses to be differentiated by factors where several of them are 0, as in PyTorch. */
function withoutSecond(gradient: Tensor, zeroCount: Tensor, x: Tensor, source: Tensor): Tensor {
  if (!recording(x, source) || zeroCount.numel === 0 || zeroCount.amax().item() <= 1)
    return gradient;
  const refuse = () => {
    throw new TensorError(
      'ERR_STATE',
      '[scatterReduce] a product in which several factors are 0 has no second derivatives here',
    );
  };
  const same = (h: Tensor) => h;
  return attach(gradient.detach(), 'scatterReduce', [gradient, x, source], [same, refuse, refuse]);
}

defineMethods({ scatter, scatterAdd });
Tensor.prototype.indexAdd = function (this: Tensor, dim, index, source, options) {
  return indexAdd(this, dim, index, source, options);
};
Tensor.prototype.scatterReduce = function (this: Tensor, dim, index, src, reduce, options) {
  return scatterReduce(this, dim, index, src, reduce, options);
};

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** A copy with values put at an index: see the function `scatter`. */
    scatter(dim: number, index: IndexLike, src: Tensor | number | bigint): Tensor;
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
