/** Softmax, softmin and log-softmax along a dimension. */
import { attach, recording } from '../../autograd/tape.js';
import { callAt, params, rows } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import { isContiguous, normalizeDim } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { mul, neg, sub } from '../elementwise/arithmetic.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { exp } from '../elementwise/math.js';
import { aroundDim, outerStep } from '../layout.js';
import { checkFloating, contiguous } from '../operand.js';
import { sum } from '../reduction/reduce.js';
import { permute } from '../shape/shape.js';

type Kind = 'softmax' | 'logSoftmax';

/** The order of dimensions in which x lies row-major without gaps, when there is one other than its own. */
function memoryOrder(x: Tensor): number[] | null {
  if (x.isContiguous) return null;
  const order = x.shape.map((_, d) => d);
  order.sort((a, b) => (x.strides[b] as number) - (x.strides[a] as number) || a - b);
  const pick = (list: readonly number[]) => order.map((d) => list[d] as number);
  return isContiguous(pick(x.shape), pick(x.strides)) ? order : null;
}

function writeSizes(at: number, sizes: readonly [number, number, number]): void {
  params[at] = sizes[0];
  params[at + 1] = sizes[1];
  params[at + 2] = sizes[2];
}

function compute(kind: Kind, input: Tensor, at: number): Tensor {
  const step = outerStep(input, at);
  const x = step === null ? contiguous(input) : input;
  const y = uninitialized(x.shape, x.dtype);
  const sizes = aroundDim(x, at);
  const size = sizes[1];
  const inner = sizes[2];
  if (y.numel === 0) {
    if (recording(x)) attach(y, kind, [x], [(g) => g]);
    return y;
  }
  writeSizes(2, sizes);
  params[5] = step ?? size * inner;
  params[6] = inner;
  callAt(rows[kind], [x, y]);
  if (recording(x)) {
    const rule = (gradient: Tensor) => {
      if (recording(gradient, y)) return recordedGradient[kind](gradient, y, at);
      const g = contiguous(gradient);
      const dx = uninitialized(y.shape, y.dtype);
      writeSizes(3, sizes);
      callAt(rows[`${kind}Backward`], [y, g, dx]);
      return dx;
    };
    attach(y, kind, [x], [rule]);
  }
  return y;
}

/** What the backward rows compute, of operations that record. */
const recordedGradient = {
  softmax: (g: Tensor, y: Tensor, dim: number) =>
    mul(y, sub(g, sum(mul(g, y), { dim, keepDim: true }))),
  logSoftmax: (g: Tensor, y: Tensor, dim: number) =>
    sub(g, mul(exp(y), sum(g, { dim, keepDim: true }))),
};

function along(kind: Kind, operation: string, x: Tensor, dim: number): Tensor {
  checkFloating(operation, x);
  if (x.ndim === 0) return along(kind, operation, x.reshape([1]), 0).reshape([]);
  const at = normalizeDim(operation, dim, x.ndim);
  // A transposed tensor is taken as it lies, and so does its result.
  const order = memoryOrder(x);
  if (order === null) return compute(kind, x, at);
  const y = compute(kind, permute(x, order), order.indexOf(at));
  return permute(
    y,
    order.map((_, d) => order.indexOf(d)),
  );
}

/**
 * e^x / sum(e^x) along `dim` (default the last), computed from x - max(x) so that nothing
 * overflows. A row of nothing but -inf gives NaN, as in PyTorch.
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for other dtypes, ERR_INDEX for a
 * dimension that x doesn't have
 * @example
 * ```ts
 * softmax(tensor([0, 0])); // => [0.5, 0.5]
 * softmax(tensor([[1, 1], [0, 100]]), 1); // => [[0.5, 0.5], [0, 1]]
 * ```
 */
export function softmax(x: Tensor, dim = -1): Tensor {
  return along('softmax', 'softmax', x, dim);
}

/**
 * log(softmax(x)) along `dim` (default the last), computed as (x - max) - log(sum(e^(x - max))).
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for other dtypes, ERR_INDEX for a
 * dimension that x doesn't have
 * @example
 * ```ts
 * logSoftmax(tensor([1, 2])); // => [-1.313262, -0.313262]
 * ```
 */
export function logSoftmax(x: Tensor, dim = -1): Tensor {
  return along('logSoftmax', 'logSoftmax', x, dim);
}

/**
 * softmax(-x) along `dim` (default the last).
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for other dtypes, ERR_INDEX for a
 * dimension that x doesn't have
 * @example
 * ```ts
 * softmin(tensor([0, 0])); // => [0.5, 0.5]
 * ```
 */
export function softmin(x: Tensor, dim = -1): Tensor {
  checkFloating('softmin', x);
  return along('softmax', 'softmin', neg(x), dim);
}

defineMethods({ softmax, logSoftmax, softmin });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** e^x / sum(e^x) along a dimension, default the last. */
    softmax(dim?: number): Tensor;
    /** The logarithm of softmax along a dimension, default the last. */
    logSoftmax(dim?: number): Tensor;
    /** softmax(-x) along a dimension, default the last. */
    softmin(dim?: number): Tensor;
  }
}
