/** Scans along a dimension: each element combined with all before it. */
import { noGrad } from '../../autograd/mode.js';
import { attach, recording } from '../../autograd/tape.js';
import { rows, runGeometry } from '../../native/commands.js';
import type { ScanRow } from '../../native/interface.js';
import { fillWith, uninitialized, zeros } from '../../tensor/creation.js';
import { dtypes } from '../../tensor/dtype.js';
import { normalizeDim } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { relu } from '../elementwise/activation.js';
import { add, mul, neg } from '../elementwise/arithmetic.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { exp, log } from '../elementwise/math.js';
import { checkFloating, scalar, to } from '../operand.js';
import { placed, slice } from '../shape/shape.js';
import { addAtIndices, type ValuesAndIndices } from './extremum.js';
import { checkNumeric } from './reduction.js';

/** Calls a scan row for tensors of one shape along `dim`, from the end when `reverse` is set. */
function runScan(row: ScanRow, operands: readonly Tensor[], dim: number, reverse = false): void {
  const { shape, numel } = operands[0] as Tensor;
  if (numel === 0) return;
  const order = [...shape.map((_, d) => d).filter((d) => d !== dim), dim];
  const last = (shape[dim] as number) - 1;
  const places = operands.map((t) => {
    const step = t.strides[dim] as number;
    const strides = order.map((d) => t.strides[d] as number);
    if (!reverse) return { array: t.array, offset: t.offset, strides };
    strides[strides.length - 1] = -step;
    return { array: t.array, offset: t.offset + last * step, strides };
  });
  runGeometry(
    rows[row],
    order.map((d) => shape[d] as number),
    places,
  );
}

/** A scan of x with a result of its dtype. */
export function scanned(
  row: 'cumsum' | 'cumprod' | 'logcumsumexp',
  x: Tensor,
  dim: number,
  reverse = false,
): Tensor {
  const y = uninitialized(x.shape, x.dtype);
  runScan(row, [x, y], dim, reverse);
  return y;
}

/** A scan with its gradient rule. A zero-dimensional tensor counts as one of a single element. */
function scan(
  row: 'cumsum' | 'cumprod' | 'logcumsumexp',
  x: Tensor,
  dim: number,
  rule: (g: Tensor, x: Tensor, y: Tensor, dim: number) => Tensor,
): Tensor {
  if (x.ndim === 0) {
    normalizeDim(row, dim, 1);
    return scan(row, x.reshape([1]), 0, rule).reshape([]);
  }
  const at = normalizeDim(row, dim, x.ndim);
  const y = scanned(row, dtypes[x.dtype].floating ? x : to(x, 'int64'), at);
  if (recording(x)) attach(y, row, [x], [(g) => rule(g, x, y, at)]);
  return y;
}

/**
 * The cumulative sum along a dimension: y[i] = x[0] + ... + x[i]. float32 is added in float64 in this
 * order and rounded once at the end, as in PyTorch; integers and bools give int64 modulo 2^64,
 * as in PyTorch.
 * @example
 * ```ts
 * cumsum(tensor([1, 2, 3]), 0); // => [1, 3, 6]
 * ```
 */
export function cumsum(x: Tensor, dim: number): Tensor {
  checkNumeric('cumsum', x);
  return scan('cumsum', x, dim, (g, _, __, at) => runningSum(g, at, true));
}

/** A cumulative sum, or from the end; each is the other's gradient. */
function runningSum(x: Tensor, dim: number, reverse: boolean): Tensor {
  const y = scanned('cumsum', x, dim, reverse);
  if (recording(x)) attach(y, 'cumsum', [x], [(g) => runningSum(g, dim, !reverse)]);
  return y;
}

/** The gradient of a cumulative product y of x, exact where elements are 0. */
export function cumprodGradient(g: Tensor, x: Tensor, y: Tensor, dim: number): Tensor {
  if (recording(g, x, y)) return mul(before(y, dim, false, 1), recurrence(g, x, dim, true));
  const dx = uninitialized(x.shape, x.dtype);
  runScan('cumprodBackward', [x, y, g, dx], dim);
  return dx;
}

/** Each element's predecessor along a dimension, or successor; `first` for the one without. */
function before(x: Tensor, dim: number, reverse: boolean, first: number): Tensor {
  const n = x.shape[dim] as number;
  if (n === 0) return x;
  const along = (from: number, to: number) =>
    x.shape.map((_, d) => (d === dim ? ([from, to] as const) : null));
  const [kept, moved] = [along(0, n - 1), along(1, n)];
  const y = reverse
    ? placed(slice(x, moved), x.shape, kept)
    : placed(slice(x, kept), x.shape, moved);
  if (first === 0) return y;
  const ends = zeros(x.shape, { dtype: x.dtype });
  fillWith(slice(ends, reverse ? along(n - 1, n) : along(0, 1)), first);
  return add(y, ends);
}

/**
 * The linear recurrence r[k] = g[k] + x[k] r[k - 1] along a dimension; reversed it is
 * r[k] = g[k] + x[k + 1] r[k + 1]. Each is the other's transpose, so that gradients are made of the
 * same: with s the reversed one of the gradient, that of g is s and that of x[k] is s[k] r[k - 1]; of
 * the reversed one, r[k] s[k - 1].
 */
function recurrence(g: Tensor, x: Tensor, dim: number, reverse: boolean): Tensor {
  const r = uninitialized(x.shape, x.dtype);
  const one = scalar(1, x.dtype);
  const ones = one.strided(
    x.shape,
    x.shape.map(() => 0),
    one.offset,
  );
  // The row goes from the end, with the factor of the element after.
  const factor = reverse ? x : before(x.detach(), dim, true, 0);
  runScan('cumprodBackward', [factor, ones, g, r], dim, !reverse);
  if (recording(g, x)) {
    const factorGradient = (h: Tensor) => {
      const s = recurrence(h, x, dim, !reverse);
      return reverse ? mul(r, before(s, dim, false, 0)) : mul(s, before(r, dim, false, 0));
    };
    attach(r, 'cumprod', [g, x], [(h) => recurrence(h, x, dim, !reverse), factorGradient]);
  }
  return r;
}

/**
 * The cumulative product along a dimension: y[i] = x[0] * ... * x[i]. float32 is multiplied in
 * float64 in this order; integers and bools give int64 modulo 2^64. The gradient needs no division, so
 * it is right for elements that are 0.
 * @example
 * ```ts
 * cumprod(tensor([1, 2, 3]), 0); // => [1, 2, 6]
 * ```
 */
export function cumprod(x: Tensor, dim: number): Tensor {
  checkNumeric('cumprod', x);
  return scan('cumprod', x, dim, cumprodGradient);
}

/**
 * The cumulative log(sum(e^x)) along a dimension: y[i] = log(e^x[0] + ... + e^x[i]), without
 * overflow: the sum is kept relative to the largest element so far.
 * @example
 * ```ts
 * logcumsumexp(tensor([0, 0, 0]), 0); // => [0, 0.693147, 1.098612]
 * ```
 */
export function logcumsumexp(x: Tensor, dim: number): Tensor {
  checkFloating('logcumsumexp', x);
  return scan('logcumsumexp', x, dim, (g, from, y, at) => decayed(g, from, y, at, true));
}

/**
 * d[k] = sum over i >= k of g[i] e^(x[k] - y[i]) where y is logcumsumexp(x); not reversed the
 * transposed map, d[i] = sum over k <= i of g[k] e^(x[k] - y[i]). No exponent is positive. g's positive
 * and negative parts are exponentials of their own so that nothing overflows on the way. With t
 * for the other map of the gradient, that of g is t, those of x and y are d (or t g) at their places.
 */
function decayed(g: Tensor, x: Tensor, y: Tensor, dim: number, reverse: boolean): Tensor {
  const [inner, outer] = reverse ? [neg(y), x] : [x, neg(y)];
  const part = (share: Tensor) =>
    exp(scanned('logcumsumexp', log(share).add(inner), dim, reverse).add(outer));
  const d = noGrad(() => part(relu(g)).sub(part(relu(neg(g)))));
  if (recording(g, x, y)) {
    const other = (h: Tensor) => decayed(h, x, y, dim, !reverse);
    const [ofX, ofY] = reverse
      ? [(h: Tensor) => mul(h, d), (h: Tensor) => neg(mul(g, other(h)))]
      : [(h: Tensor) => mul(g, other(h)), (h: Tensor) => neg(mul(h, d))];
    attach(d, 'logcumsumexp', [g, x, y], [other, ofX, ofY]);
  }
  return d;
}

function cumExtremum(row: 'cummax' | 'cummin', x: Tensor, dim: number): ValuesAndIndices {
  const integers = checkNumeric(row, x);
  if (x.ndim === 0) {
    normalizeDim(row, dim, 1);
    const { values, indices } = cumExtremum(row, x.reshape([1]), 0);
    return { values: values.reshape([]), indices: indices.reshape([]) };
  }
  const at = normalizeDim(row, dim, x.ndim);
  const source = integers ? to(x, 'int64') : x;
  const best = uninitialized(x.shape, source.dtype);
  const indices = uninitialized(x.shape, 'int32');
  runScan(row, [source, best, indices], at);
  const values = to(best, x.dtype);
  if (!integers && recording(x)) {
    attach(values, row, [x], [(g) => addAtIndices(g, indices, x, at)]);
  }
  return { values, indices };
}

/**
 * The largest element so far along a dimension and its index, as int32: the last one of several, and
 * once there was a NaN the last NaN, as in PyTorch. The gradient goes to the elements at the indices.
 * @example
 * ```ts
 * cummax(tensor([1, 3, 2]), 0); // => { values: [1, 3, 3], indices: [0, 1, 1] }
 * ```
 */
export function cummax(x: Tensor, dim: number): ValuesAndIndices {
  return cumExtremum('cummax', x, dim);
}

/**
 * The smallest element so far along a dimension and its index: see `cummax`.
 * @example
 * ```ts
 * cummin(tensor([3, 1, 2]), 0); // => { values: [3, 1, 1], indices: [0, 1, 1] }
 * ```
 */
export function cummin(x: Tensor, dim: number): ValuesAndIndices {
  return cumExtremum('cummin', x, dim);
}

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** The cumulative sum along a dimension. */
    cumsum(dim: number): Tensor;
    /** The cumulative product along a dimension. */
    cumprod(dim: number): Tensor;
    /** The cumulative log(sum(e^x)) along a dimension. */
    logcumsumexp(dim: number): Tensor;
    /** The largest element so far along a dimension and where it is. */
    cummax(dim: number): ValuesAndIndices;
    /** The smallest element so far along a dimension and where it is. */
    cummin(dim: number): ValuesAndIndices;
  }
}

defineMethods({ cumsum, cumprod, logcumsumexp, cummax, cummin });
