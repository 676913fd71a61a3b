/** Signs, neighbours, larger and smaller ones, degrees, common divisors: simple facts about numbers. */

import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { zerosLike } from '../../tensor/creation.js';
import { broadcastShapes } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { asFloating, checkTensor, isNumber, type TensorLike, to } from '../operand.js';
import { checkComputes, checkOperand, isFloating, promote, promoteFloating } from '../promotion.js';
import { sumTo } from '../reduction/reduce.js';
import { abs, greaterShare, mul } from './arithmetic.js';
import { eq, ge, isnan, le, logicalOr, lt } from './compare.js';
import { binary, checkNotBool, computeBinary, computeUnary, defineMethods } from './elementwise.js';
import { pow } from './math.js';
import { floorDivide } from './rounding.js';
import { where } from './ternary.js';

/**
 * |a| with the sign of b, also that of a zero or a NaN; with broadcasting. The gradient of a is 1 or -1,
 * 0 where a is 0; b gets zeros.
 * @param a any shape, or a number; integers and bools become float32
 * @param b the same; one of the two is a tensor, and the result has the stronger dtype
 * @throws TensorError ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE when the shapes don't broadcast
 * @example
 * ```ts
 * copysign(tensor([1, -2]), -0); // => [-1, -2]
 * ```
 */
export function copysign(a: TensorLike, b: TensorLike): Tensor {
  return binary(
    'copysign',
    ...promoteFloating('copysign', a, b),
    (g, x, y) => mul(g, where(eq(x, 0), 0, computeBinary('div', copied(x, y), x.detach()))),
    (_, __, y) => zerosLike(y),
  );
}

function copied(x: Tensor, y: Tensor): Tensor {
  return computeBinary('copysign', x, y);
}

/**
 * The number of the dtype next to a on the way to b, b where they are equal; with broadcasting. The
 * gradient of a is 1, 0 where they are equal; b gets zeros.
 * @param a float32 or float64, any shape, or a number
 * @param b the same; one of the two is a tensor, and the result has the stronger dtype
 * @throws TensorError ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE when the shapes don't broadcast
 * @example
 * ```ts
 * nextafter(tensor([1], { dtype: 'float64' }), 2).sub(1).div(2 ** -52); // => [1]
 * ```
 */
export function nextafter(a: TensorLike, b: TensorLike): Tensor {
  return binary(
    'nextafter',
    a,
    b,
    (g, x, y) => where(eq(x, y), 0, g),
    (_, __, y) => zerosLike(y),
  );
}

/**
 * Where the sign is set, as bool: of negative numbers, of -0 and of NaN with a sign.
 * @param x any shape and dtype but bfloat16
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE
 * @example
 * ```ts
 * signbit(tensor([-1, -0, 0, 3])); // => [true, true, false, false]
 * ```
 */
export function signbit(x: Tensor): Tensor {
  checkTensor('signbit', x);
  checkComputes('signbit', x.dtype);
  return isFloating(x.dtype) ? computeUnary('signbit', x, 'bool') : lt(x, 0);
}

/**
 * The larger of a and b, the other one where one is NaN (`maximum` gives NaN); with broadcasting. At a
 * tie each gets half of the gradient; beside NaN both get all of it, as in PyTorch.
 * @param a numbers of any dtype but bfloat16, or a number
 * @param b the same; one of the two is a tensor
 * @throws TensorError ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE when the shapes don't broadcast
 * @example
 * ```ts
 * fmax(tensor([1, NaN, 3]), tensor([2, 2, NaN])); // => [2, 2, 3]
 * ```
 */
export function fmax(a: TensorLike, b: TensorLike): Tensor {
  const [x, y] = promote('fmax', a, b);
  return preferred('fmax', x, y, ge, greaterShare);
}

/** x where it is the better one or y is NaN, otherwise y; x's share of the gradient is share(x, y). */
function preferred(
  operation: string,
  x: Tensor,
  y: Tensor,
  isBetter: (a: Tensor, b: Tensor) => Tensor,
  share: (a: Tensor, b: Tensor) => Tensor,
): Tensor {
  broadcastShapes(operation, x.shape, y.shape);
  const [a, b] = [x.detach(), y.detach()];
  const result = where(logicalOr(isBetter(a, b), isnan(b)), a, b);
  if (recording(x, y)) {
    attach(
      result,
      operation,
      [x, y],
      [(g) => sumTo(mul(g, share(a, b)), x.shape), (g) => sumTo(mul(g, share(b, a)), y.shape)],
    );
  }
  return result;
}

/**
 * The smaller of a and b, the other one where one is NaN (`minimum` gives NaN); with broadcasting. At a
 * tie each gets half of the gradient; beside NaN both get all of it, as in PyTorch.
 * @param a numbers of any dtype but bfloat16, or a number
 * @param b the same; one of the two is a tensor
 * @throws TensorError ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE when the shapes don't broadcast
 * @example
 * ```ts
 * fmin(tensor([1, NaN, 3]), tensor([2, 2, NaN])); // => [1, 2, 3]
 * ```
 */
export function fmin(a: TensorLike, b: TensorLike): Tensor {
  const [x, y] = promote('fmin', a, b);
  return preferred('fmin', x, y, le, (p, q) => greaterShare(q, p));
}

/**
 * Degrees as radians: x pi / 180.
 * @param x any shape; integers and bools become float32
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for bfloat16
 * @example
 * ```ts
 * deg2rad(tensor([180, 90])); // => [3.141593, 1.570796]
 * ```
 */
export function deg2rad(x: Tensor): Tensor {
  return mul(asFloating('deg2rad', x), Math.PI / 180);
}

/**
 * Radians as degrees: x 180 / pi.
 * @param x any shape; integers and bools become float32
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for bfloat16
 * @example
 * ```ts
 * rad2deg(tensor([Math.PI])); // => [180]
 * ```
 */
export function rad2deg(x: Tensor): Tensor {
  return mul(asFloating('rad2deg', x), 180 / Math.PI);
}

/**
 * x itself: what + is to a number.
 * @throws TensorError ERR_DTYPE for bools, ERR_ARGUMENT unless x is a tensor
 * @example
 * ```ts
 * positive(tensor([-1])); // => [-1]
 * ```
 */
export function positive(x: Tensor): Tensor {
  checkTensor('positive', x);
  checkNotBool('positive', x);
  return x;
}

/**
 * x^exponent computed in float64, which is the result's dtype; see `pow`.
 * @param x numbers of any dtype, or a number
 * @param exponent the same; one of the two is a tensor
 * @throws TensorError ERR_ARGUMENT, ERR_SHAPE when the shapes don't broadcast
 * @example
 * ```ts
 * floatPower(tensor([2, 3], { dtype: 'int32' }), -1); // => [0.5, 0.333333]
 * ```
 */
export function floatPower(x: TensorLike, exponent: TensorLike): Tensor {
  checkOperand('floatPower', x);
  checkOperand('floatPower', exponent);
  if (isNumber(x)) checkTensor('floatPower', exponent);
  if (isFloat32(x) && isFloat32(exponent) && !recording(x, exponent)) {
    return computeBinary('floatPower', x, exponent, 'floatPower', 'float64');
  }
  const wide = (operand: TensorLike) => (isNumber(operand) ? operand : to(operand, 'float64'));
  const shapeOf = (operand: TensorLike) => (isNumber(operand) ? [] : operand.shape);
  broadcastShapes('floatPower', shapeOf(x), shapeOf(exponent));
  return pow(wide(x), wide(exponent));
}

/** Whether it is a tensor of float32. */
function isFloat32(operand: TensorLike): operand is Tensor {
  return !isNumber(operand) && operand.dtype === 'float32';
}

/** Integers of one dtype. */
function integers(operation: string, a: TensorLike, b: TensorLike): [Tensor, Tensor] {
  const [x, y] = promote(operation, a, b);
  if (isFloating(x.dtype)) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] takes integers, not ${x.dtype}; convert with to('int32')`,
    );
  }
  checkNotBool(operation, x);
  broadcastShapes(operation, x.shape, y.shape);
  return [x, y];
}

/**
 * The greatest common divisor, not negative; of 0 and 0 it is 0. With broadcasting. Stein's algorithm.
 * @param a integers, any shape, or a whole number
 * @param b the same; one of the two is a tensor
 * @throws TensorError ERR_DTYPE unless they are integers, ERR_ARGUMENT, ERR_SHAPE when the shapes don't
 * broadcast
 * @example
 * ```ts
 * gcd(tensor([12, 0], { dtype: 'int32' }), 18); // => [6, 18]
 * ```
 */
export function gcd(a: TensorLike, b: TensorLike): Tensor {
  return computeBinary('gcd', ...integers('gcd', a, b));
}

/**
 * The least common multiple, not negative; 0 where one of both is 0. With broadcasting. Wraps around
 * where it is outside the dtype's range.
 * @param a integers, any shape, or a whole number
 * @param b the same; one of the two is a tensor
 * @throws TensorError as gcd
 * @example
 * ```ts
 * lcm(tensor([4, 0], { dtype: 'int32' }), 6); // => [12, 0]
 * ```
 */
export function lcm(a: TensorLike, b: TensorLike): Tensor {
  const [x, y] = integers('lcm', a, b);
  const divisor = gcd(x, y);
  return abs(mul(floorDivide(x, where(eq(divisor, 0), 1, divisor)), y));
}

const unaryMethods = { signbit, deg2rad, rad2deg, positive };
const binaryMethods = { copysign, nextafter, fmax, fmin, floatPower, gcd, lcm };
defineMethods({ ...unaryMethods, ...binaryMethods });

type UnaryMethods = { [K in keyof typeof unaryMethods]: () => Tensor };
type BinaryMethods = { [K in keyof typeof binaryMethods]: (other: TensorLike) => Tensor };

declare module '../../tensor/tensor.js' {
  interface Tensor extends UnaryMethods, BinaryMethods {}
}
