import { TensorError } from '../../errors.js';
import { zerosLike } from '../../tensor/creation.js';
import { broadcastShapes } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloating, checkTensor, clone, type TensorLike } from '../operand.js';
import { isFloating } from '../promotion.js';
import { any } from '../reduction/count.js';
import { div, mul, neg, sub } from './arithmetic.js';
import { eq, logicalAnd, lt, ne } from './compare.js';
import { binary, checkNotBool, defineMethods, unary } from './elementwise.js';
import { where } from './ternary.js';

/** Integers are whole already: a copy. */
function rounded(name: 'floor' | 'ceil' | 'round' | 'trunc', x: Tensor): Tensor {
  checkTensor(name, x);
  if (isFloating(x.dtype)) return unary(name, x, (g) => zerosLike(g));
  checkNotBool(name, x);
  return clone(x);
}

/**
 * The largest whole number that is not above x; its gradient is 0.
 * @param x float32, float64 or integers, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for bool and 16-bit floats
 * @example
 * ```ts
 * floor(tensor([1.7, -1.2])); // => [1, -2]
 * ```
 */
export function floor(x: Tensor): Tensor {
  return rounded('floor', x);
}

/**
 * The smallest whole number that is not below x; its gradient is 0.
 * @param x float32, float64 or integers, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for bool and 16-bit floats
 * @example
 * ```ts
 * ceil(tensor([1.2, -1.2])); // => [2, -1]
 * ```
 */
export function ceil(x: Tensor): Tensor {
  return rounded('ceil', x);
}

/**
 * The nearest whole number, the even one of two; its gradient is 0.
 * @param x float32, float64 or integers, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for bool and 16-bit floats
 * @example
 * ```ts
 * round(tensor([0.5, 1.5, -1.2])); // => [0, 2, -1]
 * ```
 */
export function round(x: Tensor): Tensor {
  return rounded('round', x);
}

/**
 * x without its fraction: rounded towards 0; its gradient is 0.
 * @param x float32, float64 or integers, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for bool and 16-bit floats
 * @example
 * ```ts
 * trunc(tensor([1.7, -1.7])); // => [1, -1]
 * ```
 */
export function trunc(x: Tensor): Tensor {
  return rounded('trunc', x);
}

/**
 * The fraction x - trunc(x), which has the sign of x; NaN for infinities.
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for other dtypes
 * @example
 * ```ts
 * frac(tensor([1.5, -1.5])); // => [0.5, -0.5]
 * ```
 */
export function frac(x: Tensor): Tensor {
  checkFloating('frac', x);
  return unary('frac', x, (g) => g);
}

/**
 * The exact remainder x - y trunc(x / y), which has the sign of x; NaN where x is infinite or y is 0.
 * Gradients: 1, and -trunc(x / y).
 * @param x float32, float64 or integers, any shape, or a number
 * @param y the same; shapes broadcast, one of the two is a tensor, and the result has the stronger dtype
 * @throws TensorError ERR_ARGUMENT unless one is a tensor and the other a tensor or a number, ERR_DTYPE
 * for bool and 16-bit floats, ERR_ARGUMENT when an integer is divided by 0, ERR_SHAPE when the shapes
 * don't broadcast
 * @example
 * ```ts
 * fmod(tensor([7, -7]), 3); // => [1, -1]
 * ```
 */
export function fmod(x: TensorLike, y: TensorLike): Tensor {
  return binary(
    'fmod',
    x,
    y,
    (g) => g,
    (g, a, b) => neg(mul(g, trunc(div(a, b)))),
    fmodOfWhole,
  );
}

/** The remainder with the sign of y; where that isn't x's, y less. */
function fmodOfWhole(x: Tensor, y: Tensor): Tensor {
  checkNotBool('fmod', x);
  broadcastShapes('fmod', x.shape, y.shape);
  if (any(eq(y, 0)).item() !== 0) {
    throw new TensorError('ERR_ARGUMENT', '[fmod] division by zero');
  }
  const rest = remainder(x, y);
  const turned = logicalAnd(ne(rest, 0), ne(lt(rest, 0), lt(x, 0)));
  return where(turned, sub(rest, y), rest);
}

/**
 * The remainder x - y floor(x / y), which has the sign of y (as % in Python; fmod has that of x); NaN
 * where x is infinite or y is 0. It is fmod(x, y), plus y where the signs differ. Gradients: 1, and
 * -floor(x / y).
 * @param x float32, float64 or integers, any shape, or a number
 * @param y the same; shapes broadcast, one of the two is a tensor, and the result has the dtype at which
 * they meet
 * @throws TensorError ERR_ARGUMENT unless one is a tensor and the other a tensor or a number, and when
 * an integer is divided by 0; ERR_DTYPE for bool and 16-bit floats, ERR_SHAPE when the shapes don't broadcast
 * @example
 * ```ts
 * remainder(tensor([7, -7]), 3); // => [1, 2]
 * ```
 */
export function remainder(x: TensorLike, y: TensorLike): Tensor {
  return binary(
    'remainder',
    x,
    y,
    (g) => g,
    (g, a, b) => neg(mul(g, floorDivide(a, b))),
  );
}

/**
 * floor(x / y) of the exact quotient (as // in Python), so that it fits `remainder`; of floats x / y
 * where y is 0. The smallest integer divided by -1 is itself.
 * Its gradients are 0.
 * @param x float32, float64 or integers, any shape, or a number
 * @param y the same; shapes broadcast, one of the two is a tensor, and the result has the dtype at which
 * they meet
 * @throws TensorError ERR_ARGUMENT unless one is a tensor and the other a tensor or a number, and when
 * an integer is divided by 0; ERR_DTYPE for bool and 16-bit floats, ERR_SHAPE when the shapes don't broadcast
 * @example
 * ```ts
 * floorDivide(tensor([7, -7]), 2); // => [3, -4]
 * ```
 */
export function floorDivide(x: TensorLike, y: TensorLike): Tensor {
  return binary(
    'floorDivide',
    x,
    y,
    (g) => zerosLike(g),
    (g) => zerosLike(g),
  );
}

const unaryMethods = { floor, ceil, round, trunc, frac };
const binaryMethods = { fmod, remainder, floorDivide };
defineMethods({ ...unaryMethods, ...binaryMethods });

type UnaryMethods = { [K in keyof typeof unaryMethods]: () => Tensor };
type BinaryMethods = { [K in keyof typeof binaryMethods]: (other: TensorLike) => Tensor };

declare module '../../tensor/tensor.js' {
  interface Tensor extends UnaryMethods, BinaryMethods {}
}
