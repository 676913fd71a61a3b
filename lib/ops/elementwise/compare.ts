/** Comparisons and logic, elementwise: functions whose result is a bool tensor. None has a gradient. */

import { TensorError } from '../../errors.js';
import type { CompareRow, PredicateRow } from '../../native/interface.js';
import { zeros } from '../../tensor/creation.js';
import { dtypes, isHalf } from '../../tensor/dtype.js';
import { checkNumber, checkOptions, describe } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { checkTensor, isNumber, scalar, type TensorLike, to } from '../operand.js';
import { asType, checkComputes, checkOperand, holds, isFloating, promote } from '../promotion.js';
import { computeBinary, computeUnary, defineMethods } from './elementwise.js';

/**
 * Operands of a comparison in one dtype. An integer tensor and a number that its dtype can't hold meet
 * at int64, or at float64, which holds all but int64 exactly (PyTorch would wrap the number around, or
 * round the integers).
 */
function comparable(operation: string, a: TensorLike, b: TensorLike): [Tensor, Tensor] {
  const [x, number] = isNumber(a) ? [b, a] : [a, b];
  if (x instanceof Tensor && isNumber(number) && !isFloating(x.dtype)) {
    // A bool meets whole numbers at int64.
    const dtype = x.dtype === 'bool' ? 'int64' : x.dtype;
    if (!holds(dtype, number)) {
      const meeting = holds('int64', number) ? 'int64' : 'float64';
      return [asType(a, meeting), asType(b, meeting)];
    }
  }
  return promote(operation, a, b);
}

function compare(operation: string, row: CompareRow, a: TensorLike, b: TensorLike): Tensor {
  const [x, y] = comparable(operation, a, b);
  return computeBinary(row, x, y, operation, 'bool');
}

/** a > b is b < a. */
function compareSwapped(operation: string, row: CompareRow, a: TensorLike, b: TensorLike): Tensor {
  const [x, y] = comparable(operation, a, b);
  return computeBinary(row, y, x, operation, 'bool');
}

/**
 * Where a equals b, with broadcasting: bool. NaN equals nothing; zeros of either sign are equal.
 * @example
 * ```ts
 * eq(tensor([1, 2]), tensor([1, 3])); // => [true, false]
 * ```
 */
export function eq(a: TensorLike, b: TensorLike): Tensor {
  return compare('eq', 'eq', a, b);
}

/**
 * Where a differs from b, with broadcasting: bool. NaN differs from everything.
 * @example
 * ```ts
 * ne(tensor([1, 2]), tensor([1, 3])); // => [false, true]
 * ```
 */
export function ne(a: TensorLike, b: TensorLike): Tensor {
  return compare('ne', 'ne', a, b);
}

/**
 * Where a < b, with broadcasting: bool, false where one is NaN.
 * @example
 * ```ts
 * lt(tensor([1, 2]), 2); // => [true, false]
 * ```
 */
export function lt(a: TensorLike, b: TensorLike): Tensor {
  return compare('lt', 'lt', a, b);
}

/**
 * Where a <= b, with broadcasting: bool, false where one is NaN.
 * @example
 * ```ts
 * le(tensor([1, 2]), 1); // => [true, false]
 * ```
 */
export function le(a: TensorLike, b: TensorLike): Tensor {
  return compare('le', 'le', a, b);
}

/**
 * Where a > b, with broadcasting: bool, false where one is NaN.
 * @example
 * ```ts
 * gt(tensor([1, 2]), 1); // => [false, true]
 * ```
 */
export function gt(a: TensorLike, b: TensorLike): Tensor {
  return compareSwapped('gt', 'lt', a, b);
}

/**
 * Where a >= b, with broadcasting: bool, false where one is NaN.
 * @example
 * ```ts
 * ge(tensor([1, 2]), 2); // => [false, true]
 * ```
 */
export function ge(a: TensorLike, b: TensorLike): Tensor {
  return compareSwapped('ge', 'le', a, b);
}

/** What a tensor or a number is as truth values: anything but 0 is true, NaN too. */
function truth(operation: string, operand: TensorLike): Tensor {
  checkOperand(operation, operand);
  if (isNumber(operand)) return scalar(Number(Number(operand) !== 0), 'bool');
  return to(operand, 'bool');
}

/** The rows of bytes that combine truth values; the place is the number of the row `logical`. */
const COMBINED = ['bitwiseAnd', 'bitwiseOr', 'bitwiseXor'] as const;

function logical(
  operation: string,
  row: (typeof COMBINED)[number],
  a: TensorLike,
  b: TensorLike,
): Tensor {
  if (isNumber(a)) checkTensor(operation, b);
  // Floats of one dtype become truth values on their way.
  const areTensors = a instanceof Tensor && b instanceof Tensor;
  if (areTensors && a.dtype === b.dtype && dtypes[a.dtype].arithmetic) {
    return computeBinary('logical', a, b, operation, 'bool', [COMBINED.indexOf(row)]);
  }
  return computeBinary(row, truth(operation, a), truth(operation, b), operation);
}

/**
 * Where neither is 0, with broadcasting: bool. Operands of any dtypes.
 * @example
 * ```ts
 * logicalAnd(tensor([true, true]), tensor([true, false])); // => [true, false]
 * ```
 */
export function logicalAnd(a: TensorLike, b: TensorLike): Tensor {
  return logical('logicalAnd', 'bitwiseAnd', a, b);
}

/**
 * Where not both are 0, with broadcasting: bool. Operands of any dtypes.
 * @example
 * ```ts
 * logicalOr(tensor([true, false]), tensor([false, false])); // => [true, false]
 * ```
 */
export function logicalOr(a: TensorLike, b: TensorLike): Tensor {
  return logical('logicalOr', 'bitwiseOr', a, b);
}

/**
 * Where exactly one is 0, with broadcasting: bool. Operands of any dtypes.
 * @example
 * ```ts
 * logicalXor(tensor([true, true]), tensor([true, false])); // => [false, true]
 * ```
 */
export function logicalXor(a: TensorLike, b: TensorLike): Tensor {
  return logical('logicalXor', 'bitwiseXor', a, b);
}

/**
 * Where x is 0: bool. Of any dtype.
 * @example
 * ```ts
 * logicalNot(tensor([true, false])); // => [false, true]
 * ```
 */
export function logicalNot(x: Tensor): Tensor {
  checkTensor('logicalNot', x);
  const source = isHalf(x.dtype) ? to(x, 'bool') : x;
  return computeBinary('eq', source, scalar(0, source.dtype), 'logicalNot', 'bool');
}

/** A question that integers and bools answer all in one way. */
function predicate(name: PredicateRow, x: Tensor, ofIntegers: boolean): Tensor {
  checkTensor(name, x);
  checkComputes(name, x.dtype);
  if (isFloating(x.dtype)) return computeUnary(name, x, 'bool');
  const none = zeros(x.shape, { dtype: 'bool' });
  return ofIntegers ? logicalNot(none) : none;
}

/**
 * Where x is NaN: bool.
 * @example
 * ```ts
 * isnan(tensor([1, Infinity, NaN])); // => [false, false, true]
 * ```
 */
export function isnan(x: Tensor): Tensor {
  return predicate('isnan', x, false);
}

/**
 * Where x is infinite, of either sign: bool.
 * @example
 * ```ts
 * isinf(tensor([1, Infinity, NaN])); // => [false, true, false]
 * ```
 */
export function isinf(x: Tensor): Tensor {
  return predicate('isinf', x, false);
}

/**
 * Where x is neither infinite nor NaN: bool.
 * @example
 * ```ts
 * isfinite(tensor([1, Infinity, NaN])); // => [true, false, false]
 * ```
 */
export function isfinite(x: Tensor): Tensor {
  return predicate('isfinite', x, true);
}

/** Options of {@link isclose}. */
export interface IscloseOptions {
  /** Relative to b. Default 1e-5. */
  rtol?: number;
  /** Default 1e-8. */
  atol?: number;
  /** Whether NaN is close to NaN. Default false. */
  equalNan?: boolean;
}

/**
 * Where a and b are close, with broadcasting: bool. They are when they are equal (infinities of one
 * sign too) or |a - b| <= atol + rtol |b|. Integers are compared in float64, which holds all but
 * int64 exactly.
 * @throws TensorError ERR_ARGUMENT for a tolerance that isn't a finite number >= 0
 * @example
 * ```ts
 * isclose(tensor([1, 1]), tensor([1 + 1e-7, 1.1])); // => [true, false]
 * ```
 */
export function isclose(a: TensorLike, b: TensorLike, options: IscloseOptions = {}): Tensor {
  checkOptions('isclose', options, ['rtol', 'atol', 'equalNan']);
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = options;
  checkNumber('isclose', 'rtol', rtol, 0);
  checkNumber('isclose', 'atol', atol, 0);
  if (typeof equalNan !== 'boolean') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[isclose] equalNan must be true or false, not ${describe(equalNan)}`,
    );
  }
  const [left, right] = comparable('isclose', a, b).map((operand) => {
    const x = operand.detach();
    return isFloating(x.dtype) ? x : to(x, 'float64');
  }) as [Tensor, Tensor];
  return computeBinary('isclose', left, right, 'isclose', 'bool', [rtol, atol, Number(equalNan)]);
}

const comparisons = { eq, ne, lt, le, gt, ge, logicalAnd, logicalOr, logicalXor };
const questions = { logicalNot, isnan, isinf, isfinite };
defineMethods({ ...comparisons, ...questions, isclose });

type Comparisons = { [K in keyof typeof comparisons]: (other: TensorLike) => Tensor };
type Questions = { [K in keyof typeof questions]: () => Tensor };

declare module '../../tensor/tensor.js' {
  interface Tensor extends Comparisons, Questions {
    /** Where this and the other are close, as bool: see the function `isclose`. */
    isclose(other: TensorLike, options?: IscloseOptions): Tensor;
  }
}
