/** Scans along a dimension: each element combined with all before it. */
import { attach, recording } from '../autograd/tape.js';
import { rows, runGeometry } from '../native/commands.js';
import type { ScanRow } from '../native/interface.js';
import { uninitialized } from '../tensor/creation.js';
import { dtypes } from '../tensor/dtype.js';
import { normalizeDim } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { relu } from './activation.js';
import { neg } from './arithmetic.js';
import { defineMethods } from './elementwise.js';
import { addAtIndices, type ValuesAndIndices } from './extremum.js';
import { exp, log } from './math.js';
import { checkFloating, to } from './operand.js';
import { checkNumeric } from './reduction.js';

/** Calls a scan row for tensors of one shape along `dim`, from the end when `reverse` is set. */
export function runScan(
  row: ScanRow,
  operands: readonly Tensor[],
  dim: number,
  reverse = false,
): void {
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
  const y = scanned(row, dtypes[x.dtype].floating ? x : to(x, 'int32'), at);
  if (recording(x)) attach(y, row, [x], [(g) => rule(g, x.detach(), y.detach(), at)]);
  return y;
}

/**
 * The cumulative sum along a dimension: y[i] = x[0] + ... + x[i]. float32 is added in float64 in this
 * order and rounded once at the end, as in PyTorch; integers and bools give int32 modulo 2^32
 * (PyTorch's int64 isn't there yet).
 * @example
 * ```ts
 * cumsum(tensor([1, 2, 3]), 0); // => [1, 3, 6]
 * ```
 */
export function cumsum(x: Tensor, dim: number): Tensor {
  checkNumeric('cumsum', x);
  return scan('cumsum', x, dim, (g, _, __, at) => scanned('cumsum', g, at, true));
}

/** The gradient of a cumulative product y of x, exact where elements are 0. */
export function cumprodGradient(g: Tensor, x: Tensor, y: Tensor, dim: number): Tensor {
  const dx = uninitialized(x.shape, x.dtype);
  runScan('cumprodBackward', [x, y, g, dx], dim);
  return dx;
}

/**
 * The cumulative product along a dimension: y[i] = x[0] * ... * x[i]. float32 is multiplied in
 * float64 in this order; integers and bools give int32 modulo 2^32. The gradient needs no division, so
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
  return scan('logcumsumexp', x, dim, (g, from, y, at) => {
    // dx[k] = e^x[k] * sum over i >= k of g[i] e^-y[i], with g's positive and negative parts as
    // exponentials of their own so that nothing overflows.
    const part = (share: Tensor) =>
      exp(scanned('logcumsumexp', log(share).sub(y), at, true).add(from));
    return part(relu(g)).sub(part(relu(neg(g))));
  });
}

function cumExtremum(row: 'cummax' | 'cummin', x: Tensor, dim: number): ValuesAndIndices {
  const integers = checkNumeric(row, x);
  if (x.ndim === 0) {
    normalizeDim(row, dim, 1);
    const { values, indices } = cumExtremum(row, x.reshape([1]), 0);
    return { values: values.reshape([]), indices: indices.reshape([]) };
  }
  const at = normalizeDim(row, dim, x.ndim);
  const source = integers ? to(x, 'int32') : x;
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

declare module '../tensor/tensor.js' {
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
