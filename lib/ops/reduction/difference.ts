/** Differences of neighbours along a dimension, and their opposite: areas under a curve. */

import { composed } from '../../autograd/tidy.js';
import { TensorError } from '../../errors.js';
import {
  checkNumber,
  checkOptions,
  describe,
  formatShape,
  normalizeDim,
} from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { add, mul, sub } from '../elementwise/arithmetic.js';
import { ne } from '../elementwise/compare.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { checkTensor, to } from '../operand.js';
import { checkComputes, isFloating, promoteTypes } from '../promotion.js';
import { concat } from '../shape/join.js';
import { select } from '../shape/parts.js';
import { reshape, slice } from '../shape/shape.js';
import { sum } from './reduce.js';
import { cumsum } from './scan.js';

/** The elements from `start` (to `end`) along a dimension, as a view. */
function part(x: Tensor, dim: number, start: number, end?: number): Tensor {
  const range = end === undefined ? ([start] as const) : ([start, end] as const);
  return slice(
    x,
    x.shape.map((_, d) => (d === dim ? range : null)),
  );
}

/** Options of {@link diff}. */
export interface DiffOptions {
  /** How often differences are taken. Default 1. */
  n?: number;
  /** Default the last. */
  dim?: number;
  /** Put before x along the dimension: as many dimensions, and x's sizes in the others. */
  prepend?: Tensor;
  /** Put behind x along the dimension. */
  append?: Tensor;
}

/** x with what comes before and after it. */
function extended(x: Tensor, dim: number, { prepend, append }: DiffOptions): Tensor {
  const tensors = [prepend, x, append].filter((t) => t !== undefined);
  if (tensors.length === 1) return x;
  let { dtype } = x;
  for (const t of tensors) {
    checkTensor('diff', t);
    checkComputes('diff', t.dtype);
    if (t.ndim !== x.ndim || t.shape.some((size, d) => d !== dim && size !== x.shape[d])) {
      throw new TensorError(
        'ERR_SHAPE',
        `[diff] prepend and append have x's shape but along dimension ${dim}: ` +
          `${formatShape(t.shape)} does not fit ${formatShape(x.shape)}`,
      );
    }
    dtype = promoteTypes(dtype, t.dtype);
  }
  return concat(
    tensors.map((t) => to(t, dtype)),
    dim,
  );
}

/**
 * Differences of neighbours along a dimension, y[i] = x[i + 1] - x[i], taken n times. Of bools they say
 * whether neighbours differ.
 * @param x any shape but a scalar's, any dtype but bfloat16
 * @returns the dimension is shorter by n, empty when it was too short
 * @throws TensorError ERR_SHAPE for a scalar and when prepend or append don't fit, ERR_ARGUMENT for an n
 * that isn't a whole number >= 0, ERR_INDEX for a dimension that isn't there, ERR_DTYPE
 * @example
 * ```ts
 * diff(tensor([1, 4, 9])); // => [3, 5]
 * diff(tensor([1, 4, 9]), { n: 2 }); // => [2]
 * ```
 */
export function diff(x: Tensor, options: DiffOptions = {}): Tensor {
  checkTensor('diff', x);
  checkOptions('diff', options, ['n', 'dim', 'prepend', 'append']);
  checkComputes('diff', x.dtype);
  const { n = 1, dim = -1 } = options;
  if (!Number.isInteger(n) || n < 0) {
    throw new TensorError('ERR_ARGUMENT', `[diff] n is a whole number >= 0, not ${describe(n)}`);
  }
  if (x.ndim === 0) {
    throw new TensorError('ERR_SHAPE', '[diff] a scalar has no neighbours; it has no dimensions');
  }
  const at = normalizeDim('diff', dim, x.ndim);
  let y = extended(x, at, options);
  // Without differences there are no ends to continue, as in NumPy and PyTorch.
  if (n === 0) return x;
  const length = y.shape[at] as number;
  if (n >= length) return part(y, at, 0, 0);
  for (let i = 0; i < n; i++) {
    const [next, here] = [part(y, at, 1), part(y, at, 0, -1)];
    y = y.dtype === 'bool' ? ne(next, here) : sub(next, here);
  }
  return y;
}

/** Options of {@link trapezoid} and {@link cumulativeTrapezoid}. */
export interface TrapezoidOptions {
  /** Where the values of y are: along the dimension, or of a shape that broadcasts with y's. */
  x?: Tensor;
  /** The distance between all values, instead of x. Default 1. */
  dx?: number;
  /** Default the last. */
  dim?: number;
}

/** Values, the dimension that they follow each other in, and how far apart they are there. */
interface Curve {
  readonly values: Tensor;
  readonly dim: number;
  /** One number for all neighbours, or one for each two. */
  readonly steps: number | Tensor;
}

function checkCurve(operation: string, y: Tensor, options: TrapezoidOptions): Curve {
  checkTensor(operation, y);
  checkOptions(operation, options, ['x', 'dx', 'dim']);
  checkComputes(operation, y.dtype);
  const { x, dx, dim = -1 } = options;
  if (x !== undefined && dx !== undefined) {
    throw new TensorError('ERR_ARGUMENT', `[${operation}] takes x or dx, not both`);
  }
  const at = normalizeDim(operation, dim, y.ndim);
  const values = isFloating(y.dtype) ? y : to(y, 'float32');
  if (x === undefined) {
    return { values, dim: at, steps: checkNumber(operation, 'dx', dx ?? 1) };
  }
  if (!(x instanceof Tensor)) {
    throw new TensorError('ERR_ARGUMENT', `[${operation}] x is a tensor, not ${describe(x)}`);
  }
  checkComputes(operation, x.dtype);
  const steps = widths(operation, x, y, at);
  return { values, dim: at, steps: isFloating(steps.dtype) ? steps : to(steps, 'float32') };
}

/** The area between each two neighbours. */
function trapezoids({ values, dim, steps }: Curve): Tensor {
  const pairs = add(part(values, dim, 1), part(values, dim, 0, -1));
  return typeof steps === 'number' ? mul(pairs, steps / 2) : mul(mul(pairs, 0.5), steps);
}

/** The sum of all areas between neighbours of one distance: values at both ends count half. */
function evenArea(values: Tensor, dim: number, step: number): Tensor {
  if ((values.shape[dim] as number) < 2) return sum(part(values, dim, 0, 0), { dim });
  const ends = add(select(values, dim, 0), select(values, dim, -1));
  const total = add(mul(ends, 0.5), sum(part(values, dim, 1, -1), { dim }));
  return step === 1 ? total : mul(total, step);
}

/** How far apart neighbours are. */
function widths(operation: string, x: Tensor, y: Tensor, dim: number): Tensor {
  const length = y.shape[dim] as number;
  if (x.ndim === 1 && y.ndim > 1 && x.shape[0] === length) {
    const shape = y.shape.map((_, d) => (d === dim ? Math.max(0, length - 1) : 1));
    return reshape(diff(x), shape);
  }
  const at = dim - (y.ndim - x.ndim);
  if (at < 0 || x.shape[at] !== length) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] x of shape ${formatShape(x.shape)} does not have the ${length} places of ` +
        `dimension ${dim} of ${formatShape(y.shape)}`,
    );
  }
  return diff(x, { dim: at });
}

/**
 * The area under a curve along a dimension by the trapezoidal rule:
 * sum over i of (x[i + 1] - x[i]) (y[i] + y[i + 1]) / 2; 0 of fewer than two values.
 * @param y the values, any shape but a scalar's; integers become float32
 * @returns y's shape without the dimension
 * @throws TensorError ERR_SHAPE when x doesn't fit, ERR_INDEX for a dimension that isn't there,
 * ERR_ARGUMENT for both x and dx, ERR_DTYPE
 * @example
 * ```ts
 * trapezoid(tensor([1, 2, 3])); // => 4
 * trapezoid(tensor([1, 2, 3]), { x: tensor([0, 1, 3]) }); // => 6.5
 * ```
 */
export function trapezoid(y: Tensor, options: TrapezoidOptions = {}): Tensor {
  return composed(() => {
    const curve = checkCurve('trapezoid', y, options);
    const { values, dim, steps } = curve;
    if (typeof steps === 'number') return evenArea(values, dim, steps);
    return sum(trapezoids(curve), { dim });
  });
}

/**
 * The area under a curve up to each value but the first: see `trapezoid`.
 * @param y the values, any shape but a scalar's; integers become float32
 * @returns the dimension is shorter by 1
 * @throws TensorError as trapezoid
 * @example
 * ```ts
 * cumulativeTrapezoid(tensor([1, 2, 3])); // => [1.5, 4]
 * ```
 */
export function cumulativeTrapezoid(y: Tensor, options: TrapezoidOptions = {}): Tensor {
  return composed(() => {
    const curve = checkCurve('cumulativeTrapezoid', y, options);
    return cumsum(trapezoids(curve), curve.dim);
  });
}

defineMethods({ diff, trapezoid, cumulativeTrapezoid });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** Differences of neighbours along a dimension: see the function `diff`. */
    diff(options?: DiffOptions): Tensor;
    /** The area under the values along a dimension: see the function `trapezoid`. */
    trapezoid(options?: TrapezoidOptions): Tensor;
    /** The area up to each value but the first: see the function `cumulativeTrapezoid`. */
    cumulativeTrapezoid(options?: TrapezoidOptions): Tensor;
  }
}
