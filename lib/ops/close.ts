/** Whether two tensors are the same, or nearly so, and where they differ most. */
import { noGrad } from '../autograd/mode.js';
import { TensorError } from '../errors.js';
import { type DType, isHalf } from '../tensor/dtype.js';
import {
  checkFlag,
  checkNumber,
  checkOptions,
  formatShape,
  type Shape,
  sameShape,
} from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { abs, div, sub } from './elementwise/arithmetic.js';
import {
  eq,
  type IscloseOptions,
  isclose,
  isnan,
  logicalAnd,
  logicalOr,
} from './elementwise/compare.js';
import { defineMethods } from './elementwise/elementwise.js';
import { where } from './elementwise/ternary.js';
import { checkTensor, contiguous, to } from './operand.js';
import { all, countNonzero } from './reduction/count.js';
import { argmax } from './reduction/extremum.js';

/** 16-bit floats as float32, in which they can be compared. */
const computing = (x: Tensor): Tensor => {
  const own = x.detach();
  return isHalf(own.dtype) ? to(own, 'float32') : own;
};

/**
 * Whether two tensors have the same shape and the same values. dtypes don't matter; NaN equals
 * nothing, zeros of both signs are equal.
 * @throws TensorError ERR_ARGUMENT for anything but tensors
 * @example
 * ```ts
 * equal(tensor([1, 2]), tensor([1, 2])); // => true
 * equal(tensor([1, 2]), tensor([[1, 2]])); // => false
 * ```
 */
export function equal(a: Tensor, b: Tensor): boolean {
  checkTensor('equal', a);
  checkTensor('equal', b);
  return sameShape(a.shape, b.shape) && all(eq(computing(a), computing(b))).item() !== 0;
}

/**
 * Whether all elements are close: |a - b| <= atol + rtol |b|, with broadcasting. See `isclose`, whose
 * defaults it has (rtol 1e-5, atol 1e-8).
 * @throws TensorError as `isclose`
 * @example
 * ```ts
 * allClose(tensor([1, 2]), tensor([1, 2.000001])); // => true
 * allClose(tensor([NaN]), tensor([NaN]), { equalNan: true }); // => true
 * ```
 */
export function allClose(a: Tensor, b: Tensor, options: IscloseOptions = {}): boolean {
  checkTensor('allClose', a);
  checkTensor('allClose', b);
  const allowed = checkTolerances('allClose', options, [1e-5, 1e-8]);
  return all(isclose(computing(a), computing(b), allowed)).item() !== 0;
}

/** Options of {@link closeness}. */
export interface ClosenessOptions {
  /** Allowed difference relative to the expected value. Default by dtype: see `closeness`. */
  rtol?: number;
  /** Allowed difference in addition. Default by dtype. */
  atol?: number;
  /** Whether NaN is close to NaN. Default false. */
  equalNan?: boolean;
}

/** An element and its difference. */
export interface Difference {
  /** Where the elements lie. */
  readonly index: Shape;
  /** The element of the first tensor. */
  readonly actual: number;
  /** The element of the second tensor. */
  readonly expected: number;
  /** |actual - expected|. */
  readonly absolute: number;
  /** |actual - expected| / |expected|; 0 where they are equal. */
  readonly relative: number;
}

/** How close two tensors are. */
export interface Closeness {
  /** Whether no element differs by more than is allowed. */
  readonly close: boolean;
  /** How many elements differ by more than is allowed. */
  readonly mismatched: number;
  /** How many elements were compared. */
  readonly count: number;
  /** The relative difference that is allowed. */
  readonly rtol: number;
  /** The absolute difference that is allowed. */
  readonly atol: number;
  /** Where the absolute difference is largest; a NaN is larger than any. null for empty tensors. */
  readonly largestAbsolute: Difference | null;
  /** Where the relative difference is largest. */
  readonly largestRelative: Difference | null;
}

/**
 * The defaults of torch.testing.assert_close for each dtype. Integers have to be the same.
 * https://docs.pytorch.org/docs/stable/testing.html
 */
const TOLERANCES: Partial<Record<DType, readonly [rtol: number, atol: number]>> = {
  bfloat16: [1.6e-2, 1e-5],
  float16: [1e-3, 1e-5],
  float32: [1.3e-6, 1e-5],
  float64: [1e-7, 1e-7],
};

/** The larger of the default tolerances of two dtypes. */
function tolerances(a: DType, b: DType): [rtol: number, atol: number] {
  const [x, y] = [TOLERANCES[a] ?? [0, 0], TOLERANCES[b] ?? [0, 0]];
  return [Math.max(x[0], y[0]), Math.max(x[1], y[1])];
}

/** Coordinates of a position in row-major order. */
function coordinates(position: number, shape: Shape): number[] {
  const result = new Array<number>(shape.length);
  let rest = position;
  for (let d = shape.length - 1; d >= 0; d--) {
    const size = shape[d] as number;
    result[d] = rest % size;
    rest = (rest - result[d]) / size;
  }
  return result;
}

const OPTION_NAMES = ['rtol', 'atol', 'equalNan'];

/** @throws TensorError ERR_ARGUMENT for unknown options and for values out of range */
function checkTolerances(
  operation: string,
  options: ClosenessOptions,
  defaults: readonly [rtol: number, atol: number],
): Required<ClosenessOptions> {
  checkOptions(operation, options, OPTION_NAMES);
  const { rtol = defaults[0], atol = defaults[1], equalNan = false } = options;
  checkNumber(operation, 'rtol', rtol, 0);
  checkNumber(operation, 'atol', atol, 0);
  checkFlag(operation, 'equalNan', equalNan);
  return { rtol, atol, equalNan };
}

function report(
  operation: string,
  actual: Tensor,
  expected: Tensor,
  options: ClosenessOptions,
): Closeness {
  checkTensor(operation, actual);
  checkTensor(operation, expected);
  const defaults = tolerances(actual.dtype, expected.dtype);
  const { rtol, atol, equalNan } = checkTolerances(operation, options, defaults);
  if (!sameShape(actual.shape, expected.shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] shapes differ: ${formatShape(actual.shape)} and ${formatShape(expected.shape)}`,
    );
  }
  const count = actual.numel;
  const base = { count, rtol, atol };
  if (count === 0) {
    return { ...base, close: true, mismatched: 0, largestAbsolute: null, largestRelative: null };
  }
  return noGrad(() => {
    // float64 holds every dtype exactly.
    const a = contiguous(to(actual.detach(), 'float64'));
    const b = contiguous(to(expected.detach(), 'float64'));
    const mismatched = count - countNonzero(isclose(a, b, { rtol, atol, equalNan })).item();
    const bothNan = logicalAnd(isnan(a), isnan(b));
    const same = equalNan ? logicalOr(eq(a, b), bothNan) : eq(a, b);
    const absolute = where(same, 0, abs(sub(a, b)));
    const relative = where(same, 0, div(absolute, abs(b)));
    const at = (differences: Tensor): Difference => {
      const position = argmax(differences).item();
      return {
        index: coordinates(position, actual.shape),
        actual: a.data[position] as number,
        expected: b.data[position] as number,
        absolute: absolute.data[position] as number,
        relative: relative.data[position] as number,
      };
    };
    return {
      ...base,
      close: mismatched === 0,
      mismatched,
      largestAbsolute: at(absolute),
      largestRelative: at(relative),
    };
  });
}

/**
 * How close two tensors of one shape are: how many elements differ by more than atol + rtol |expected|,
 * and where the largest absolute and relative differences are. Computed in float64. The default
 * tolerances are those of torch.testing.assert_close: float32 rtol 1.3e-6 and atol 1e-5, float64 1e-7
 * and 1e-7, bfloat16 1.6e-2 and 1e-5, float16 1e-3 and 1e-5, integers and bools 0; the larger of both tensors'.
 * @throws TensorError ERR_SHAPE for different shapes, ERR_ARGUMENT
 * @example
 * ```ts
 * const report = closeness(tensor([1, 2, 3]), tensor([1, 2, 3.5]));
 * report.mismatched; // => 1
 * report.largestAbsolute.index; // => [2]
 * report.largestAbsolute.absolute; // => 0.5
 * ```
 */
export function closeness(
  actual: Tensor,
  expected: Tensor,
  options: ClosenessOptions = {},
): Closeness {
  return report('closeness', actual, expected, options);
}

/** A difference as a line of a message. */
function line(kind: string, { index, actual, expected, absolute, relative }: Difference): string {
  const value = kind === 'absolute' ? absolute : relative;
  return (
    `  largest ${kind} difference ${value} at ${formatShape(index)}: ` +
    `${actual} instead of ${expected}`
  );
}

/** Options of {@link assertClose}. */
export interface AssertCloseOptions extends ClosenessOptions {
  /** Whether the dtypes have to be the same. Default true. */
  checkDtype?: boolean;
}

/**
 * Throws unless two tensors have one shape and dtype and are close: see `closeness`. The message says
 * how many elements differ, and where the largest differences are.
 * @throws TensorError ERR_SHAPE for different shapes, ERR_DTYPE for different dtypes, ERR_STATE when
 * elements differ by more than is allowed, ERR_ARGUMENT
 * @example
 * ```ts
 * assertClose(tensor([1, 2]), tensor([1, 2.000001]));
 * assertClose(tensor([1, 2]), tensor([1, 3])); // throws ERR_STATE
 * ```
 */
export function assertClose(
  actual: Tensor,
  expected: Tensor,
  options: AssertCloseOptions = {},
): void {
  checkTensor('assertClose', actual);
  checkTensor('assertClose', expected);
  checkOptions('assertClose', options, [...OPTION_NAMES, 'checkDtype']);
  const { checkDtype = true, ...others } = options;
  if (checkDtype && actual.dtype !== expected.dtype) {
    throw new TensorError(
      'ERR_DTYPE',
      `[assertClose] dtypes differ: ${actual.dtype} and ${expected.dtype}; ` +
        '{ checkDtype: false } compares values only',
    );
  }
  const found = report('assertClose', actual, expected, others);
  if (found.close) return;
  const { mismatched, count, rtol, atol, largestAbsolute, largestRelative } = found;
  const percent = ((100 * mismatched) / count).toFixed(1);
  throw new TensorError(
    'ERR_STATE',
    [
      `[assertClose] ${mismatched} of ${count} elements (${percent}%) differ by more than ` +
        `atol ${atol} + rtol ${rtol} |expected|`,
      line('absolute', largestAbsolute as Difference),
      line('relative', largestRelative as Difference),
    ].join('\n'),
  );
}

declare module '../tensor/tensor.js' {
  interface Tensor {
    /** Whether the other has the same shape and values. */
    equal(other: Tensor): boolean;
    /** Whether all elements are close to the other's: see the function `allClose`. */
    allClose(other: Tensor, options?: IscloseOptions): boolean;
  }
}

defineMethods({ equal, allClose });
