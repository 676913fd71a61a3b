/** Functions of three operands, elementwise. Each stands with its gradient rules. */
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { fullLike, zerosLike } from '../../tensor/creation.js';
import type { DType } from '../../tensor/dtype.js';
import { broadcastShapes, checkNumber, checkOptions } from '../../tensor/shape.js';
import { type GradRule, Tensor } from '../../tensor/tensor.js';
import { nonzero } from '../indexing/masked.js';
import { checkFloating, checkTensor, isNumber, scalar, type TensorLike, to } from '../operand.js';
import {
  asType,
  checkComputes,
  checkOperand,
  holds,
  isFloating,
  resultType,
} from '../promotion.js';
import { sumTo } from '../reduction/reduce.js';
import { add, div, mul, neg, square, sub } from './arithmetic.js';
import { eq, gt, le, logicalAnd, logicalOr, lt } from './compare.js';
import {
  checkNotBool,
  computeBinary,
  computeTernary,
  computeUnary,
  defineMethods,
} from './elementwise.js';

/** Notes the rules; each gives the gradient before broadcasting is undone. */
function attachSummed(
  y: Tensor,
  name: string,
  inputs: readonly [Tensor, Tensor, Tensor],
  rules: readonly GradRule[],
): Tensor {
  if (!recording(...inputs)) return y;
  const summed = rules.map(
    (rule, i): GradRule =>
      (g) =>
        sumTo(rule(g), (inputs[i] as Tensor).shape),
  );
  return attach(y, name, inputs, summed);
}

/** @throws TensorError ERR_ARGUMENT for a number that elements of the dtype can't be */
function checkHolds(operation: string, dtype: DType, operand: TensorLike): void {
  if (isNumber(operand) && !holds(dtype, operand)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] ${operand} is outside the range of ${dtype}; convert the tensors first`,
    );
  }
}

/**
 * a where the condition is true, b elsewhere, all three with broadcasting. Of any dtype; a and b
 * meet as in arithmetic, two numbers at float32. The condition alone gives the places where it isn't
 * 0, of any dtype: for each dimension their indices, as `nonzero(condition, { asTuple: true })`.
 * @throws TensorError ERR_DTYPE for a condition that isn't bool, ERR_ARGUMENT for a number that an
 * integer tensor's dtype can't hold, and for one of a and b alone
 * @example
 * ```ts
 * where(tensor([true, false]), tensor([1, 2]), 0); // => [1, 0]
 * where(tensor([[0, 5], [7, 0]])).length; // => 2
 * ```
 */
export function where(condition: Tensor): Tensor[];
export function where(condition: Tensor, a: TensorLike, b: TensorLike): Tensor;
export function where(condition: Tensor, a?: TensorLike, b?: TensorLike): Tensor | Tensor[] {
  checkTensor('where', condition);
  if (a === undefined && b === undefined) return nonzero(condition, { asTuple: true });
  if (condition.dtype !== 'bool') {
    throw new TensorError(
      'ERR_DTYPE',
      `[where] the condition must be bool, not ${condition.dtype}; compare, as in x.ne(0)`,
    );
  }
  checkOperand('where', a);
  checkOperand('where', b);
  const dtype = resultType([a, b]);
  for (const operand of [a, b]) checkHolds('where', dtype, operand);
  const inputs = [condition, asType(a, dtype), asType(b, dtype)] as const;
  const y = computeTernary('where', inputs, dtype, null);
  return attachSummed(y, 'where', inputs, [
    (g) => g, // a condition has no gradient
    (g) => where(condition, g, 0),
    (g) => where(condition, 0, g),
  ]);
}

/** Operands that meet at float32 or float64. */
function floats(
  operation: string,
  operands: readonly [TensorLike, TensorLike, TensorLike],
): [Tensor, Tensor, Tensor] {
  for (const operand of operands) checkOperand(operation, operand);
  const dtype = resultType(operands);
  const [a, b, c] = operands.map((operand) => asType(operand, dtype)) as [Tensor, Tensor, Tensor];
  checkFloating(operation, a);
  return [a, b, c];
}

/**
 * From a (weight 0) to b (weight 1) in a straight line, and beyond, with broadcasting:
 * a + weight (b - a), or b - (b - a) (1 - weight) where |weight| >= 1/2, so that both ends are exact.
 * @param weight a number, or a tensor with a share for each element
 * @throws TensorError ERR_DTYPE unless the operands meet at float32 or float64
 * @example
 * ```ts
 * lerp(tensor([0, 10]), tensor([10, 20]), 0.25); // => [2.5, 12.5]
 * ```
 */
export function lerp(a: Tensor, b: TensorLike, weight: TensorLike): Tensor {
  checkTensor('lerp', a);
  const inputs = floats('lerp', [a, b, weight]);
  const [x, y, w] = inputs;
  const result = computeTernary('lerp', inputs, x.dtype, 0);
  return attachSummed(result, 'lerp', inputs, [
    (g) => mul(g, sub(1, w)),
    (g) => mul(g, w),
    (g) => mul(g, sub(y, x)),
  ]);
}

/** Options of {@link addcmul} and {@link addcdiv}. */
export interface ValueOptions {
  /** The factor of the product or quotient. Default 1. */
  value?: number;
}

function checkValue(operation: string, options: ValueOptions): number {
  checkOptions(operation, options, ['value']);
  return checkNumber(operation, 'value', options.value ?? 1);
}

/**
 * x + value * a * b, with broadcasting. Integers wrap around; of them the value must be one too.
 * @throws TensorError ERR_DTYPE for bools and 16-bit floats, ERR_ARGUMENT for a value that isn't finite
 * @example
 * ```ts
 * addcmul(tensor([1, 2]), tensor([3, 4]), tensor([5, 6]), { value: 2 }); // => [31, 50]
 * ```
 */
export function addcmul(
  x: Tensor,
  a: TensorLike,
  b: TensorLike,
  options: ValueOptions = {},
): Tensor {
  checkTensor('addcmul', x);
  const value = checkValue('addcmul', options);
  for (const operand of [a, b]) checkOperand('addcmul', operand);
  const dtype = resultType([x, a, b]);
  checkComputes('addcmul', dtype);
  if (!isFloating(dtype)) {
    const [base, left, right] = [x, a, b].map((operand) => asType(operand, dtype)) as Tensor[];
    checkNotBool('addcmul', base as Tensor);
    checkHolds('addcmul', dtype, value);
    return add(base as Tensor, mul(mul(left as Tensor, value), right as Tensor));
  }
  const inputs = floats('addcmul', [x, a, b]);
  const [, left, right] = inputs;
  const y = computeTernary('addcmul', inputs, dtype, value);
  return attachSummed(y, 'addcmul', inputs, [
    (g) => g,
    (g) => mul(mul(g, value), right),
    (g) => mul(mul(g, value), left),
  ]);
}

/**
 * x + value * a / b, with broadcasting.
 * @throws TensorError ERR_DTYPE unless the operands meet at float32 or float64, ERR_ARGUMENT for a value
 * that isn't finite
 * @example
 * ```ts
 * addcdiv(tensor([1, 2]), tensor([3, 4]), tensor([2, 8]), { value: 2 }); // => [4, 3]
 * ```
 */
export function addcdiv(
  x: Tensor,
  a: TensorLike,
  b: TensorLike,
  options: ValueOptions = {},
): Tensor {
  checkTensor('addcdiv', x);
  const value = checkValue('addcdiv', options);
  const inputs = floats('addcdiv', [x, a, b]);
  const [base, left, right] = inputs;
  const y = computeTernary('addcdiv', inputs, base.dtype, value);
  return attachSummed(y, 'addcdiv', inputs, [
    (g) => g,
    (g) => div(mul(g, value), right),
    (g) => neg(mul(g, div(mul(left, value), square(right)))),
  ]);
}

/** Options of {@link clamp}. */
export interface ClampOptions {
  /** What smaller elements become: a number, or a tensor that broadcasts with x. */
  min?: TensorLike;
  /** What larger elements become. Where it is below min, all become max. */
  max?: TensorLike;
}

/**
 * min(max(x, min), max) with the bounds that are given, at least one. NaN if the element or a bound
 * is. The gradient goes to x strictly inside of bounds that are numbers. A bound that is a tensor gets
 * that of the elements that became it; where x is the bound, each gets half (x all of it where both
 * bounds are x). As PyTorch has it since 2.14.
 * Integer tensors take whole bounds that their dtype holds; another number makes the result float32.
 * @throws TensorError ERR_ARGUMENT without a bound, or for one that is neither number nor tensor;
 * ERR_DTYPE for bools and 16-bit floats
 * @example
 * ```ts
 * clamp(tensor([-5, 0.5, 5]), { min: -1, max: 1 }); // => [-1, 0.5, 1]
 * ```
 */
export function clamp(x: Tensor, options: ClampOptions): Tensor {
  return clampAs('clamp', x, options);
}

function clampAs(name: 'clamp' | 'clip', x: Tensor, options: ClampOptions): Tensor {
  checkTensor(name, x);
  checkOptions(name, options, ['min', 'max']);
  const { min, max } = options;
  if (min === undefined && max === undefined) {
    throw new TensorError('ERR_ARGUMENT', `[${name}] needs min, max or both`);
  }
  const bounds = [min, max].filter((bound): bound is TensorLike => bound !== undefined);
  for (const bound of bounds) {
    checkOperand(name, bound);
    if (!isNumber(bound)) broadcastShapes(name, x.shape, bound.shape);
  }
  const dtype = resultType([x, ...bounds]);
  checkComputes(name, dtype);
  for (const bound of bounds) checkHolds(name, dtype, bound);
  const source = to(x, dtype);
  checkNotBool(name, source);
  if (isFloating(dtype) && isNumberOrNone(min) && isNumberOrNone(max)) {
    return clampedToNumbers(name, source, bounds.some(Number.isNaN), min, max);
  }
  const low = min === undefined ? undefined : asType(min, dtype);
  const high = max === undefined ? undefined : asType(max, dtype);
  const y = clamped(source, low, high);
  if (recording(source, low, high)) attachBounds(y, source, low, high);
  return y;
}

/**
 * `clamp` under its other name.
 * @throws TensorError as clamp
 * @example
 * ```ts
 * clip(tensor([-1, 0.5, 3]), { min: 0, max: 1 }); // => [0, 0.5, 1]
 * ```
 */
export function clip(x: Tensor, options: ClampOptions): Tensor {
  return clampAs('clip', x, options);
}

/** x between numbers, all of it NaN where one of them is: then nothing goes back. */
function clampedToNumbers(
  name: string,
  x: Tensor,
  hasNaN: boolean,
  min: number | bigint | undefined,
  max: number | bigint | undefined,
): Tensor {
  const y = hasNaN
    ? fullLike(x, Number.NaN)
    : computeUnary('hardtanh', x, x.dtype, [Number(min ?? -Infinity), Number(max ?? Infinity)]);
  if (recording(x)) {
    // To the kernel NaN is no bound.
    const [low, high] = [Number(min ?? Number.NaN), Number(max ?? Number.NaN)];
    attach(y, name, [x], [(g) => (hasNaN ? zerosLike(x) : betweenNumbers(g, x, low, high))]);
  }
  return y;
}

const isNumberOrNone = (bound: TensorLike | undefined): bound is number | bigint | undefined =>
  bound === undefined || isNumber(bound);

/** Of zeros of either sign max and min return the second operand: x's. */
function clamped(x: Tensor, low: Tensor | undefined, high: Tensor | undefined): Tensor {
  if (low !== undefined && high !== undefined && isFloating(x.dtype)) {
    return computeTernary('clamp', [x, low, high], x.dtype, 0);
  }
  const raised = low === undefined ? x : computeBinary('maximum', low, x, 'clamp');
  return high === undefined ? raised : computeBinary('minimum', high, raised, 'clamp');
}

/** The gradient of x where the bounds are numbers. */
function betweenNumbers(g: Tensor, x: Tensor, low: number, high: number): Tensor {
  const dx = computeTernary('clampBackward', [g, x, scalar(low, x.dtype)], x.dtype, high);
  if (recording(g)) attach(dx, 'clamp', [g], [(h) => betweenNumbers(h, x, low, high)]);
  return dx;
}

/** Rules for bounds of which one is a tensor. */
function attachBounds(
  y: Tensor,
  x: Tensor,
  low: Tensor | undefined,
  high: Tensor | undefined,
): void {
  const inputs = [x];
  const rules: GradRule[] = [];
  const add = (input: Tensor, share: (g: Tensor, half: Tensor) => Tensor): void => {
    rules.push((g) => sumTo(share(g, div(g, 2)), input.shape));
  };
  if (low !== undefined && high !== undefined) {
    const tie = (bound: Tensor) => logicalAnd(eq(x, bound), lt(low, high));
    add(x, (g, half) => {
      const outside = logicalOr(lt(x, low), gt(x, high));
      return where(outside, 0, where(logicalOr(tie(low), tie(high)), half, g));
    });
    add(low, (g, half) => {
      const becameLow = logicalAnd(lt(x, low), le(low, high));
      return where(becameLow, g, where(tie(low), half, 0));
    });
    add(high, (g, half) => {
      const becameHigh = logicalOr(logicalAnd(gt(x, high), le(low, high)), gt(low, high));
      return where(becameHigh, g, where(tie(high), half, 0));
    });
    inputs.push(low, high);
  } else {
    const bound = (low ?? high) as Tensor;
    const [beyond, short] = low === undefined ? [gt, lt] : [lt, gt];
    add(x, (g, half) => where(beyond(x, bound), 0, where(eq(x, bound), half, g)));
    add(bound, (g, half) => where(short(x, bound), 0, where(eq(x, bound), half, g)));
    inputs.push(bound);
  }
  attach(y, 'clamp', inputs, rules);
}

defineMethods({ lerp, addcmul, addcdiv, clamp, clip });
Tensor.prototype.where = function (this: Tensor, condition, other) {
  return where(condition, this, other);
};

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** This where the condition is true, the other elsewhere: see the function `where`. */
    where(condition: Tensor, other: TensorLike): Tensor;
    /** From this to `other` by a share: see the function `lerp`. */
    lerp(other: TensorLike, weight: TensorLike): Tensor;
    /** this + value * a * b */
    addcmul(a: TensorLike, b: TensorLike, options?: ValueOptions): Tensor;
    /** this + value * a / b */
    addcdiv(a: TensorLike, b: TensorLike, options?: ValueOptions): Tensor;
    /** The elements between bounds: see the function `clamp`. */
    clamp(options: ClampOptions): Tensor;
    /** `clamp` under its other name. */
    clip(options: ClampOptions): Tensor;
  }
}
