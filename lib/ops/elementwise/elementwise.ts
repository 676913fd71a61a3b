/**
 * What elementwise operations are made of: computing, broadcasting, recording. The operations stand in
 * arithmetic.ts, math.ts and activation.ts.
 */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import {
  type Operand,
  rows,
  runBinaryBroadcast,
  runBinaryContiguous,
  runGeometry,
  runTernaryContiguous,
  runUnaryContiguous,
} from '../../native/commands.js';
import {
  type BinaryRow,
  type BinaryWithRow,
  type CompareRow,
  type DerivativeRow,
  type IntegerBinaryRow,
  type IntegerUnaryRow,
  type NumberUnaryRow,
  type PredicateRow,
  rowNames,
  type TernaryRow,
  type UnaryRow,
} from '../../native/interface.js';
import { uninitialized, zerosLike } from '../../tensor/creation.js';
import type { DType } from '../../tensor/dtype.js';
import { allocate } from '../../tensor/memory.js';
import { broadcastShapes, broadcastStrides, type Shape, sameShape } from '../../tensor/shape.js';
import { type GradRule, Tensor } from '../../tensor/tensor.js';
import {
  asFloating,
  checkFloating,
  isGapless,
  type TensorLike,
  uninitializedLike,
} from '../operand.js';
import { isBool, isFloating, promote } from '../promotion.js';
import { sumTo } from '../reduction/reduce.js';
import { mul } from './arithmetic.js';

/** y = f(x) with the row's parameters, without recording. */
export function computeUnary(
  row: UnaryRow | PredicateRow | IntegerUnaryRow,
  x: Tensor,
  dtype: DType = x.dtype,
  parameters?: readonly number[],
): Tensor {
  const isFlat = x.isContiguous;
  const y = isFlat ? uninitialized(x.shape, dtype) : uninitializedLike(x, dtype);
  if (isFlat || y.strides === x.strides) {
    runUnaryContiguous(rows[row], x, y, y.storage.length, parameters);
  } else {
    runGeometry(rows[row], x.shape, [x, y], parameters);
  }
  return y;
}

/**
 * The tensor whose strides a result of elementwise operands has: one that all others lie in memory as,
 * without gaps, so that they can be walked as lists (PyTorch has the same rule). Scalars fit any.
 * Null when there is none: then the result is row-major.
 */
function commonLayout(operands: readonly Tensor[]): Tensor | null {
  let model: Tensor | null = null;
  for (const t of operands) {
    if (t.ndim === 0) continue;
    if (model === null) {
      if (!isGapless(t)) return null;
      model = t;
    } else if (!sameShape(t.shape, model.shape) || !sameShape(t.strides, model.strides)) {
      return null;
    }
  }
  return model;
}

/**
 * f(a, b) with broadcasting and the row's parameters, without recording. Both have one dtype, which the
 * row takes; `operation` is the name that it was called by.
 */
export function computeBinary(
  row: BinaryRow | BinaryWithRow | IntegerBinaryRow | CompareRow | DerivativeRow,
  a: Tensor,
  b: Tensor,
  operation: string = row,
  dtype: DType = a.dtype,
  parameters?: readonly number[],
): Tensor {
  const same = sameShape(a.shape, b.shape);
  if (same || b.ndim === 0 || a.ndim === 0) {
    const areContiguous = a.isContiguous && b.isContiguous;
    const model = areContiguous ? (a.ndim > 0 ? a : b) : commonLayout([a, b]);
    if (model !== null) {
      const strides = areContiguous || model.isContiguous ? undefined : model.strides;
      const y = new Tensor(allocate(dtype, model.numel), model.shape, strides);
      const aStep = same || a.ndim > 0 ? 1 : 0;
      const bStep = same || b.ndim > 0 ? 1 : 0;
      runBinaryContiguous(rows[row], a, aStep, b, bStep, y, y.storage.length, parameters);
      return y;
    }
  }
  const shape = same ? a.shape : broadcastShapes(operation, a.shape, b.shape);
  const y = uninitialized(shape, dtype);
  runBinaryBroadcast(rows[row], a, b, y, parameters);
  return y;
}

/**
 * f(a, b, c) with broadcasting, without recording, by a row of three operands; `value` is its number if
 * it has one.
 */
export function computeTernary(
  row: TernaryRow | 'where',
  operands: readonly [Tensor, Tensor, Tensor],
  dtype: DType,
  value: number | null,
): Tensor {
  const [a, b, c] = operands;
  const same = sameShape(a.shape, b.shape) && sameShape(b.shape, c.shape);
  const shape = same
    ? a.shape
    : broadcastShapes(row, broadcastShapes(row, a.shape, b.shape), c.shape);
  const isTurned = !(a.isContiguous && b.isContiguous && c.isContiguous);
  const model = isTurned ? commonLayout(operands) : null;
  if (model !== null) {
    const y = new Tensor(allocate(dtype, model.numel), shape, model.strides);
    const steps = [Math.min(a.ndim, 1), Math.min(b.ndim, 1), Math.min(c.ndim, 1)] as const;
    runTernaryContiguous(rows[row], operands, steps, y, y.storage.length, value);
    return y;
  }
  const y = uninitialized(shape, dtype);
  const steps = [flatStep(a, shape), flatStep(b, shape), flatStep(c, shape)] as const;
  if (steps.includes(-1)) {
    const inputs = operands.map((operand) => stretched(operand, shape));
    runGeometry(rows[row], shape, [...inputs, y], value === null ? [] : [value]);
  } else {
    runTernaryContiguous(rows[row], operands, steps, y, y.numel, value);
  }
  return y;
}

/** The step of an operand that is contiguous in the result's shape, 0 of a scalar, -1 of another. */
function flatStep(t: Tensor, shape: Shape): number {
  if (t.ndim === 0) return 0;
  return sameShape(t.shape, shape) && t.isContiguous ? 1 : -1;
}

/** A tensor as an operand that looks like `shape`, which it broadcasts to. */
export function stretched(t: Tensor, shape: Shape): Operand {
  const strides = broadcastStrides(t.shape, t.strides, shape);
  return { array: t.array, offset: t.offset, strides };
}

/**
 * An elementwise function with its gradient from (g, y, x); activations say what the derivative is a
 * function of. Of integers and bools it is that of the same numbers in float32.
 */
export function unary(
  name: UnaryRow,
  operand: Tensor,
  rule: (g: Tensor, y: Tensor, x: Tensor) => Tensor,
  derivativeFrom?: 'input' | 'output',
): Tensor {
  const x = asFloating(name, operand);
  const y = computeUnary(name, x);
  if (recording(x)) {
    const derivative = derivativeFrom && {
      activation: name,
      from: derivativeFrom === 'input' ? x : y,
    };
    attach(y, name, [x], [(g) => rule(g, y, x)], derivative);
  }
  return y;
}

/**
 * The slope of a derivative, from what the derivative is a function of: for a function of x the second
 * derivative. Made of operations that record; null for 0 everywhere.
 */
export type Slope = ((from: Tensor) => Tensor) | null;

/**
 * g times a derivative at x or y, by a row: the gradient of an activation, which can be differentiated
 * again.
 */
export function applyDerivative(
  row: DerivativeRow,
  g: Tensor,
  from: Tensor,
  slope: Slope,
  parameters?: readonly number[],
): Tensor {
  const result = computeBinary(row, g, from, row, g.dtype, parameters);
  if (recording(g, from)) {
    attach(
      result,
      row,
      [g, from],
      [
        (h) => applyDerivative(row, h, from, slope, parameters),
        (h) => (slope === null ? zerosLike(h) : mul(mul(h, g), slope(from))),
      ],
    );
  }
  return result;
}

/**
 * An elementwise function, by one row, whose gradient is another row's, of the output's gradient and
 * of x, with the second derivative. Both rows take the same parameters unless the second has its own.
 */
export function activation(
  operation: string,
  x: Tensor,
  [forward, parameters]: readonly [row: UnaryRow, parameters?: readonly number[]],
  [backward, own = parameters]: readonly [row: DerivativeRow, parameters?: readonly number[]],
  second: Slope,
): Tensor {
  checkFloating(operation, x);
  const y = computeUnary(forward, x, x.dtype, parameters);
  if (recording(x)) {
    attach(y, operation, [x], [(g) => applyDerivative(backward, g, x, second, own)]);
  }
  return y;
}

/**
 * A function of floats and integers. Integers wrap around and have no gradient.
 * @throws TensorError ERR_DTYPE for bool and floats of 16 bits
 */
export function numberUnary(
  name: NumberUnaryRow,
  x: Tensor,
  rule: (g: Tensor, y: Tensor, x: Tensor) => Tensor,
): Tensor {
  if (!(x instanceof Tensor) || isFloating(x.dtype)) return unary(name, x, rule);
  checkNotBool(name, x);
  return computeUnary(name, x);
}

/** What arithmetic of bools is, as in PyTorch: with false for 0 and true for anything else. */
const BOOL_ROWS: Partial<Record<BinaryRow, IntegerBinaryRow>> = {
  add: 'bitwiseOr',
  mul: 'bitwiseAnd',
  maximum: 'bitwiseOr',
  minimum: 'bitwiseAnd',
};

/** @throws TensorError ERR_DTYPE for a bool tensor */
export function checkNotBool(operation: string, x: Tensor): void {
  if (isBool(x.dtype)) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] does not take bool; use a logical operation, or convert with to('int32')`,
    );
  }
}

const NUMBER_ROWS: ReadonlySet<string> = new Set(rowNames.numberBinary);

/** A binary function of integers or bools; those that only floats have refuse them. */
function binaryOfIntegers(name: BinaryRow, a: Tensor, b: Tensor): Tensor {
  if (!NUMBER_ROWS.has(name)) checkFloating(name, a);
  if (!isBool(a.dtype)) return computeBinary(name, a, b);
  const row = BOOL_ROWS[name];
  if (row === undefined) checkNotBool(name, a);
  return computeBinary(row ?? name, a, b, name);
}

/**
 * A binary function with the gradients of both operands before broadcasting is undone. Of integers and
 * bools it is `ofWhole`; without it integers have a row, which wraps around, and bools a logical one, or
 * they are refused.
 */
export function binary(
  name: BinaryRow,
  left: TensorLike,
  right: TensorLike,
  ruleA: (g: Tensor, a: Tensor, b: Tensor) => Tensor,
  ruleB: (g: Tensor, a: Tensor, b: Tensor) => Tensor,
  ofWhole?: (a: Tensor, b: Tensor) => Tensor,
): Tensor {
  const [a, b] = promote(name, left, right);
  if (!isFloating(a.dtype)) return ofWhole ? ofWhole(a, b) : binaryOfIntegers(name, a, b);
  const y = computeBinary(name, a, b);
  if (recording(a, b)) {
    const rules: GradRule[] = [
      (g) => sumTo(ruleA(g, a, b), a.shape),
      (g) => sumTo(ruleB(g, a, b), b.shape),
    ];
    attach(y, name, [a, b], rules);
  }
  return y;
}

/** Gives Tensor methods that call functions whose first argument is the tensor itself, with up to three more. */
export function defineMethods(functions: Readonly<Record<string, unknown>>): void {
  for (const [name, fn] of Object.entries(functions)) {
    const call = fn as (x: Tensor, a?: unknown, b?: unknown, c?: unknown) => unknown;
    Object.defineProperty(Tensor.prototype, name, {
      value(this: Tensor, a?: unknown, b?: unknown, c?: unknown) {
        return call(this, a, b, c);
      },
      writable: true,
      configurable: true,
    });
  }
}
