/**
 * Reductions over any dimensions, and `expand`, which is their opposite: each is the other's gradient.
 */
import { attach, recording } from '../autograd/tape.js';
import { TensorError } from '../errors.js';
import { rows, runGeometry } from '../native/commands.js';
import type { ReduceRow } from '../native/interface.js';
import { fillWith, uninitialized } from '../tensor/creation.js';
import type { DType } from '../tensor/dtype.js';
import {
  broadcastShapes,
  broadcastStrides,
  checkOptions,
  checkShape,
  contiguousStrides,
  formatShape,
  numel,
  type Shape,
  sameShape,
} from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { greaterShare } from './arithmetic.js';
import { checkDims, checkFloating, checkTensor, contiguous, to } from './operand.js';
import { reshape } from './shape.js';

export interface ReduceOptions {
  /** The dimension or dimensions to reduce; negative ones count from the end. Default all. */
  dim?: number | readonly number[];
  /** Keeps reduced dimensions with size 1. Default false. */
  keepDim?: boolean;
}

/** What a reduction works on: the dimensions in the order kept first, then reduced. */
interface Plan {
  readonly reduced: readonly number[];
  /** Shape of the result with reduced dimensions as 1. */
  readonly keptShape: number[];
  readonly outputShape: number[];
}

function plan(operation: string, x: Tensor, options: ReduceOptions): Plan {
  checkOptions(operation, options, ['dim', 'keepDim']);
  const reduced = checkDims(operation, options.dim, x.ndim);
  const keptShape = x.shape.map((size, d) => (reduced.includes(d) ? 1 : size));
  const outputShape = options.keepDim ? keptShape : x.shape.filter((_, d) => !reduced.includes(d));
  return { reduced, keptShape, outputShape };
}

/** Runs a reduction row; the result has reduced dimensions of size 1. `identity` is that of nothing. */
function compute(
  row: ReduceRow,
  source: Tensor,
  { reduced, keptShape }: Plan,
  dtype: DType,
  identity: number,
): Tensor {
  const y = uninitialized(keptShape, dtype);
  if (source.numel === 0) {
    fillWith(y, identity);
    return y;
  }
  if (reduced.length === source.ndim && source.isContiguous) {
    const x = { array: source.array, offset: source.offset, strides: ONE_STEP };
    const result = { array: y.array, offset: y.offset, strides: NO_STEP };
    runGeometry(rows[row], [source.numel], [x, result], NOTHING_KEPT);
    return y;
  }
  // The native side wants every dimension to move an operand: a stretched one that is reduced doesn't.
  const x = reduced.some((d) => source.strides[d] === 0) ? contiguous(source) : source;
  const kept = x.shape.map((_, d) => d).filter((d) => !reduced.includes(d));
  const order = [...kept, ...reduced];
  const pick = (list: readonly number[]) => order.map((d) => list[d] as number);
  const yStrides = y.strides.map((stride, d) => (reduced.includes(d) ? 0 : stride));
  runGeometry(
    rows[row],
    pick(x.shape),
    [
      { array: x.array, offset: x.offset, strides: pick(x.strides) },
      { array: y.array, offset: y.offset, strides: pick(yStrides) },
    ],
    [kept.length],
  );
  return y;
}

/** The geometry of reducing everything: one dimension, none kept. */
const ONE_STEP = [1];
const NO_STEP = [0];
const NOTHING_KEPT = [0];

/** The result without the reduced dimensions, unless they are kept. */
function shaped(y: Tensor, p: Plan): Tensor {
  if (p.outputShape === p.keptShape) return y;
  return y.viewAs(p.outputShape, contiguousStrides(p.outputShape), y.offset);
}

function checkNotEmpty(operation: string, x: Tensor, { reduced }: Plan): void {
  if (reduced.some((d) => x.shape[d] === 0)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] nothing to choose from in shape ${formatShape(x.shape)}`,
    );
  }
}

/**
 * The sum over dimensions. Blocks of a fixed size are added pairwise, so that the result depends on
 * neither threads nor SIMD level and its error grows with log n.
 */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkFloating('sum', x);
  const p = plan('sum', x, options);
  const result = shaped(compute('sum', x, p, x.dtype, 0), p);
  if (recording(x)) attach(result, 'sum', [x], [(g) => expand(reshape(g, p.keptShape), x.shape)]);
  return result;
}

/** The arithmetic mean over dimensions; NaN of nothing. */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkFloating('mean', x);
  const p = plan('mean', x, options);
  const result = shaped(compute('mean', x, p, x.dtype, Number.NaN), p);
  if (recording(x)) {
    const count = numel(p.reduced.map((d) => x.shape[d] as number));
    attach(result, 'mean', [x], [(g) => expand(reshape(g.div(count), p.keptShape), x.shape)]);
  }
  return result;
}

/** The largest or smallest elements; `operation` is the name that it was called by. */
function extremum(
  operation: string,
  kind: 'max' | 'min',
  x: Tensor,
  options: ReduceOptions,
): Tensor {
  checkFloating(operation, x);
  const p = plan(operation, x, options);
  checkNotEmpty(operation, x, p);
  const y = compute(kind, x, p, x.dtype, Number.NaN);
  const result = shaped(y, p);
  if (recording(x)) {
    attach(
      result,
      operation,
      [x],
      [
        (g) => {
          // Half a share each for the elements that are equal to the extremum, none for the others.
          const ties = kind === 'max' ? greaterShare(x, y) : greaterShare(y, x);
          return ties
            .div(sum(ties, { dim: p.reduced, keepDim: true }))
            .mul(reshape(g, p.keptShape));
        },
      ],
    );
  }
  return result;
}

/**
 * The largest element over dimensions; NaN if there is one. Elements that tie share the gradient.
 * @throws TensorError ERR_SHAPE when a reduced dimension is empty
 */
export function amax(x: Tensor, options: ReduceOptions = {}): Tensor {
  return extremum('amax', 'max', x, options);
}

/**
 * The smallest element over dimensions; NaN if there is one. Elements that tie share the gradient.
 * @throws TensorError ERR_SHAPE when a reduced dimension is empty
 */
export function amin(x: Tensor, options: ReduceOptions = {}): Tensor {
  return extremum('amin', 'min', x, options);
}

/** The largest of all elements: `amax` over every dimension. */
export function max(x: Tensor): Tensor {
  return extremum('max', 'max', x, {});
}

/** The smallest of all elements: `amin` over every dimension. */
export function min(x: Tensor): Tensor {
  return extremum('min', 'min', x, {});
}

/**
 * Where the largest element is (the first of several; the first NaN if there is one), as int32: its
 * index along `dim`, or in the flattened tensor without one.
 * @throws TensorError ERR_SHAPE when there is nothing to choose from
 */
export function argmax(x: Tensor, options: { dim?: number; keepDim?: boolean } = {}): Tensor {
  checkFloating('argmax', x);
  const p = plan('argmax', x, options);
  checkNotEmpty('argmax', x, p);
  return shaped(compute('argmax', x, p, 'int32', 0), p);
}

/**
 * A view in the given shape in which dimensions of size 1 are repeated without a copy.
 * @throws TensorError ERR_SHAPE when the tensor doesn't broadcast to it
 */
export function expand(x: Tensor, shape: Shape): Tensor {
  checkTensor('expand', x);
  const target = checkShape('expand', shape);
  if (!sameShape(broadcastShapes('expand', x.shape, target), target)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[expand] ${formatShape(x.shape)} does not broadcast to ${formatShape(target)}`,
    );
  }
  const y = x.viewAs(target, broadcastStrides(x.shape, x.strides, target), x.offset);
  if (recording(x)) attach(y, 'expand', [x], [(g) => sumTo(g, x.shape)]);
  return y;
}

/**
 * The gradient of broadcasting: sums over the dimensions that were stretched from `shape`. bfloat16 is
 * summed in float32.
 */
export function sumTo(g: Tensor, shape: Shape): Tensor {
  if (sameShape(g.shape, shape)) return g;
  if (g.dtype === 'bfloat16') return to(sumTo(to(g, 'float32'), shape), 'bfloat16');
  const extra = g.ndim - shape.length;
  const dims = g.shape
    .map((_, d) => d)
    .filter((d) => d < extra || (shape[d - extra] === 1 && g.shape[d] !== 1));
  return reshape(sum(g, { dim: dims, keepDim: true }), shape);
}

declare module '../tensor/tensor.js' {
  interface Tensor {
    /** The sum over all dimensions or the given ones. */
    sum(options?: ReduceOptions): Tensor;
    /** The mean over all dimensions or the given ones. */
    mean(options?: ReduceOptions): Tensor;
    /** The largest element over all dimensions or the given ones. */
    amax(options?: ReduceOptions): Tensor;
    /** The smallest element over all dimensions or the given ones. */
    amin(options?: ReduceOptions): Tensor;
    /** The largest of all elements. */
    max(): Tensor;
    /** The smallest of all elements. */
    min(): Tensor;
    /** The index of the largest element, as int32. */
    argmax(options?: { dim?: number; keepDim?: boolean }): Tensor;
    /** A view in which dimensions of size 1 are repeated. */
    expand(shape: Shape): Tensor;
  }
}

Tensor.prototype.sum = function (this: Tensor, options) {
  return sum(this, options);
};
Tensor.prototype.mean = function (this: Tensor, options) {
  return mean(this, options);
};
Tensor.prototype.amax = function (this: Tensor, options) {
  return amax(this, options);
};
Tensor.prototype.amin = function (this: Tensor, options) {
  return amin(this, options);
};
Tensor.prototype.max = function (this: Tensor) {
  return max(this);
};
Tensor.prototype.min = function (this: Tensor) {
  return min(this);
};
Tensor.prototype.argmax = function (this: Tensor, options) {
  return argmax(this, options);
};
Tensor.prototype.expand = function (this: Tensor, shape) {
  return expand(this, shape);
};
