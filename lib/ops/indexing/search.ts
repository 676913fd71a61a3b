/** Finding things: places in sorted arrays, membership, the k-th value, runs of equal elements. */
import { TensorError } from '../../errors.js';
import { rows, runRow } from '../../native/commands.js';
import { fillWith, uninitialized, zeros } from '../../tensor/creation.js';
import { isHalf } from '../../tensor/dtype.js';
import {
  checkFlag,
  checkOptions,
  describe,
  formatShape,
  normalizeDim,
  sameShape,
} from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { add, minimum } from '../elementwise/arithmetic.js';
import { eq, le, logicalAnd, logicalNot, lt } from '../elementwise/compare.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { bitwiseRightShift } from '../elementwise/integer.js';
import { where } from '../elementwise/ternary.js';
import { checkTensor, contiguous, isNumber, type TensorLike, to } from '../operand.js';
import { checkOperand, promote, resultType } from '../promotion.js';
import { all } from '../reduction/count.js';
import { reshape, squeeze } from '../shape/shape.js';
import { atLeast1d, gather, indexSelect, takeAlongDim } from './gather.js';
import { type IndexLike, indexTensor } from './indices.js';
import { type Asked, placedAlong, runsOf, type Sorted, sort, type Unique } from './sort.js';

/** Options of {@link bucketize}. */
export interface BucketizeOptions {
  /**
   * false: the first place where the value can be put in (boundaries[i - 1] < v <= boundaries[i]);
   * true: the last one (boundaries[i - 1] <= v < boundaries[i]). Default false.
   */
  right?: boolean;
}

/** Options of {@link searchsorted}. */
export interface SearchsortedOptions extends BucketizeOptions {
  /** Indices that sort the sequence, from `argsort`, when it isn't sorted itself. */
  sorter?: IndexLike;
}

/** Whether float64 has the same order of int64 numbers: those that it rounds are beside none. */
const isExact = (x: Tensor): boolean => all(eq(to(to(x, 'float64'), 'int64'), x)).item() !== 0;

/** Both in a dtype that compares exactly: float32 or float64, which the row takes, or int64. */
function sortable(operation: string, a: Tensor, b: TensorLike): [Tensor, Tensor] {
  if (resultType([a, b]) === 'int64') {
    const [x, y] = promote(operation, a, b);
    if (!isExact(x) || !isExact(y)) return [x, y];
  }
  const float = (x: Tensor): Tensor =>
    x.dtype === 'float32' || x.dtype === 'float64'
      ? x.detach()
      : to(x.detach(), isHalf(x.dtype) ? 'float32' : 'float64');
  return promote(operation, float(a), isNumber(b) ? b : float(b));
}

function search(operation: string, sequence: Tensor, values: TensorLike, right: boolean): Tensor {
  const [sorted, x] = sortable(operation, sequence, values);
  const n = sorted.shape.at(-1) as number;
  const places = uninitialized(x.shape, 'int32');
  if (n === 0) fillWith(places, 0);
  if (n === 0 || places.numel === 0) return places;
  if (sorted.dtype === 'int64') return bisect(sorted, x, right);
  const shared = sorted.ndim === 1;
  const source = contiguous(sorted);
  const points = contiguous(x);
  const m = shared ? x.numel : (x.shape.at(-1) as number);
  runRow(
    rows.searchSorted,
    [source.array, points.array, places.array],
    [source.offset, points.offset, places.offset],
    [x.numel / m, m, n, shared ? 0 : n, Number(right)],
  );
  return places;
}

/** The same in any dtype: all values halve their ranges at once. */
function bisect(sorted: Tensor, x: Tensor, right: boolean): Tensor {
  const n = sorted.shape.at(-1) as number;
  const read = (places: Tensor): Tensor =>
    sorted.ndim === 1
      ? reshape(indexSelect(sorted, 0, reshape(places, [x.numel])), x.shape)
      : gather(sorted, -1, places);
  let low = zeros(x.shape, { dtype: 'int32' });
  let high = add(low, n);
  for (let width = n; width > 0; width >>= 1) {
    const middle = bitwiseRightShift(add(low, high), 1);
    const there = read(minimum(middle, n - 1));
    const isBefore = right ? le(there, x) : lt(there, x);
    const goesOn = logicalAnd(isBefore, lt(low, high));
    low = where(goesOn, add(middle, 1), low);
    high = where(goesOn, high, middle);
  }
  return low;
}

/**
 * Where values belong in a sorted sequence: for each value the number of elements before the place
 * where it can be put in, as int32 (PyTorch: int64). Of a sequence of several dimensions each row has
 * values of its own. By bisection; NaN is the largest, as in `sort`. No gradients.
 * @param sequence ascending along the last dimension, any dtype
 * @param values a number or a tensor: any shape for a sequence of one dimension, otherwise the
 * sequence's shape but for the last dimension
 * @throws TensorError ERR_SHAPE when shapes don't fit, ERR_ARGUMENT, ERR_INDEX for a sorter's index
 * that is outside
 * @example
 * ```ts
 * searchsorted(tensor([1, 3, 5]), tensor([3, 4])); // => [1, 2]
 * searchsorted(tensor([1, 3, 5]), 3, { right: true }); // => 2
 * ```
 */
export function searchsorted(
  sequence: Tensor,
  values: TensorLike,
  options: SearchsortedOptions = {},
): Tensor {
  checkTensor('searchsorted', sequence);
  checkOperand('searchsorted', values);
  checkOptions('searchsorted', options, ['right', 'sorter']);
  const { right = false } = options;
  checkFlag('searchsorted', 'right', right);
  const fits =
    sequence.ndim === 1 ||
    (values instanceof Tensor &&
      sequence.ndim > 1 &&
      sameShape(sequence.shape.slice(0, -1), values.shape.slice(0, -1)) &&
      values.ndim === sequence.ndim);
  if (!fits) {
    const shape = values instanceof Tensor ? formatShape(values.shape) : 'a number';
    throw new TensorError(
      'ERR_SHAPE',
      `[searchsorted] a sequence of shape ${formatShape(sequence.shape)} and values of shape ${shape}: ` +
        'the sequence has one dimension, or all dimensions but the last are the same',
    );
  }
  if (options.sorter === undefined) return search('searchsorted', sequence, values, right);
  const sorter = indexTensor('searchsorted', options.sorter);
  if (!sameShape(sorter.shape, sequence.shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[searchsorted] a sorter of shape ${formatShape(sorter.shape)} for a sequence of shape ` +
        formatShape(sequence.shape),
    );
  }
  const sorted = takeAlongDim(sequence.detach(), sorter, { dim: -1 });
  return search('searchsorted', sorted, values, right);
}

/**
 * The bucket of each value between ascending boundaries, as int32: 0 below the first one, their number
 * above the last one. `searchsorted` with its arguments exchanged.
 * @param values a number or a tensor of any shape and dtype
 * @param boundaries one dimension, ascending
 * @throws TensorError ERR_SHAPE unless the boundaries have one dimension, ERR_ARGUMENT
 * @example
 * ```ts
 * bucketize(tensor([0, 1, 2]), tensor([1, 2])); // => [0, 0, 1]
 * ```
 */
export function bucketize(
  values: TensorLike,
  boundaries: Tensor,
  options: BucketizeOptions = {},
): Tensor {
  checkOperand('bucketize', values);
  checkTensor('bucketize', boundaries);
  checkOptions('bucketize', options, ['right']);
  const { right = false } = options;
  checkFlag('bucketize', 'right', right);
  if (boundaries.ndim !== 1) {
    throw new TensorError(
      'ERR_SHAPE',
      `[bucketize] boundaries have one dimension, not shape ${formatShape(boundaries.shape)}`,
    );
  }
  return search('bucketize', boundaries, values, right);
}

/** Options of {@link isin}. */
export interface IsinOptions {
  /** Whether to ask which elements are not among the others. Default false. */
  invert?: boolean;
}

/**
 * Which elements are equal to any of the test elements, as bool. NaN is equal to nothing. By sorting
 * the test elements.
 * @param elements any shape and dtype, or a number
 * @param testElements any shape and dtype, or a number
 * @throws TensorError ERR_ARGUMENT for other values and for two numbers
 * @example
 * ```ts
 * isin(tensor([1, 2, 3]), tensor([3, 1])); // => [true, false, true]
 * ```
 */
export function isin(
  elements: TensorLike,
  testElements: TensorLike,
  options: IsinOptions = {},
): Tensor {
  checkOperand('isin', elements);
  checkOperand('isin', testElements);
  checkOptions('isin', options, ['invert']);
  const { invert = false } = options;
  checkFlag('isin', 'invert', invert);
  let x: Tensor;
  let tests: Tensor;
  if (elements instanceof Tensor) [x, tests] = sortable('isin', elements, testElements);
  else {
    checkTensor('isin', testElements);
    [tests, x] = sortable('isin', testElements, elements);
  }
  const n = tests.numel;
  let found = zeros(x.shape, { dtype: 'bool' });
  if (n > 0) {
    const sorted = sort(reshape(tests, [n])).values;
    const places = search('isin', sorted, x, false);
    const inside = lt(places, n);
    const nearest = indexSelect(sorted, 0, reshape(places.mul(inside), [x.numel]));
    found = logicalAnd(inside, eq(reshape(nearest, x.shape), x));
  }
  return invert ? logicalNot(found) : found;
}

/**
 * x sorted along its first dimension: `sort(x, { dim: 0 }).values`.
 * @throws TensorError ERR_ARGUMENT for anything but a tensor
 * @example
 * ```ts
 * msort(tensor([[3, 1], [2, 5]])); // => [[2, 1], [3, 5]]
 * ```
 */
export function msort(x: Tensor): Tensor {
  checkTensor('msort', x);
  return sort(x, { dim: 0 }).values;
}

/** Options of {@link kthvalue}. */
export interface KthvalueOptions {
  /** Default the last. */
  dim?: number;
  /** Keeps the dimension with size 1. Default false. */
  keepDim?: boolean;
}

/**
 * The k-th smallest element along a dimension and its index (int32), k counted from 1. NaN is the
 * largest; of equal elements the one at the lowest place comes first. Gradients go to that element.
 * @param x any shape and dtype
 * @param k 1 to the dimension's size
 * @throws TensorError ERR_ARGUMENT for another k, ERR_INDEX for a dimension that isn't there
 * @example
 * ```ts
 * kthvalue(tensor([5, 1, 3]), 2).values.item(); // => 3
 * ```
 */
export function kthvalue(x: Tensor, k: number, options: KthvalueOptions = {}): Sorted {
  checkTensor('kthvalue', x);
  checkOptions('kthvalue', options, ['dim', 'keepDim']);
  const { dim = -1, keepDim = false } = options;
  checkFlag('kthvalue', 'keepDim', keepDim);
  const at = normalizeDim('kthvalue', dim, Math.max(1, x.ndim));
  const source = atLeast1d(x);
  const n = source.shape[at] as number;
  if (!Number.isInteger(k) || k < 1 || k > n) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[kthvalue] k is a whole number from 1 to the dimension's size ${n}, not ${describe(k)}`,
    );
  }
  const { values, indices } = placedAlong('kthvalue', source, at, 'rank', k - 1);
  if (keepDim && x.ndim > 0) return { values, indices };
  return { values: squeeze(values, at), indices: squeeze(indices, at) };
}

/** Options of {@link uniqueConsecutive}. */
export interface UniqueConsecutiveOptions {
  /** Whether to say in which run each element is. Default false. */
  returnInverse?: boolean;
  /** Whether to say how long each run is. Default false. */
  returnCounts?: boolean;
}

/**
 * The first element of each run of equal ones, of all elements in row-major order. NaN differs from
 * every element, itself included. No gradients.
 * @param x any shape and dtype
 * @returns values; `inverse` (x's shape) and `counts` as int32 when asked for
 * @throws TensorError ERR_ARGUMENT
 * @example
 * ```ts
 * uniqueConsecutive(tensor([1, 1, 2, 1])).values; // => [1, 2, 1]
 * uniqueConsecutive(tensor([1, 1, 2]), { returnCounts: true }).counts; // => [2, 1]
 * ```
 */
export function uniqueConsecutive<O extends UniqueConsecutiveOptions>(
  x: Tensor,
  options: O = {} as O,
): Unique<Asked<O, 'returnInverse'>, Asked<O, 'returnCounts'>> {
  checkTensor('uniqueConsecutive', x);
  checkOptions('uniqueConsecutive', options, ['returnInverse', 'returnCounts']);
  const { returnInverse = false, returnCounts = false } = options;
  checkFlag('uniqueConsecutive', 'returnInverse', returnInverse);
  checkFlag('uniqueConsecutive', 'returnCounts', returnCounts);
  const found = runsOf(contiguous(x.detach()), null, x.shape, returnInverse, returnCounts);
  return found as Unique<Asked<O, 'returnInverse'>, Asked<O, 'returnCounts'>>;
}

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** Which elements are among the others, as bool: see the function `isin`. */
    isin(testElements: TensorLike, options?: IsinOptions): Tensor;
    /** The bucket of each element: see the function `bucketize`. */
    bucketize(boundaries: Tensor, options?: BucketizeOptions): Tensor;
    /** Sorted along the first dimension. */
    msort(): Tensor;
    /** The k-th smallest element along a dimension, and its index: see the function `kthvalue`. */
    kthvalue(k: number, options?: KthvalueOptions): Sorted;
    /** The first element of each run of equal ones: see the function `uniqueConsecutive`. */
    uniqueConsecutive<O extends UniqueConsecutiveOptions>(
      options?: O,
    ): Unique<Asked<O, 'returnInverse'>, Asked<O, 'returnCounts'>>;
  }
}

defineMethods({ isin, bucketize, msort, kthvalue, uniqueConsecutive });
