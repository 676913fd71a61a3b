/** Circular and hyperbolic functions, elementwise. Each stands with its gradient rule. */
import type { Tensor } from '../../tensor/tensor.js';
import type { TensorLike } from '../operand.js';
import { promoteFloating } from '../promotion.js';
import { add, div, mul, neg, rsqrt, square, sub } from './arithmetic.js';
import { binary, defineMethods, unary } from './elementwise.js';

/**
 * The sine of x in radians. The angle is reduced exactly, however large x is (Payne & Hanek 1983);
 * NaN for infinities.
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * sin(tensor([0, Math.PI / 2])); // => [0, 1]
 * ```
 */
export function sin(x: Tensor): Tensor {
  return unary('sin', x, (g, _, from) => mul(g, cos(from)));
}

/**
 * The cosine of x in radians, as exact for large x as `sin`; NaN for infinities.
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * cos(tensor([0, Math.PI])); // => [1, -1]
 * ```
 */
export function cos(x: Tensor): Tensor {
  return unary('cos', x, (g, _, from) => neg(mul(g, sin(from))));
}

/**
 * The tangent of x in radians, as exact for large x as `sin`; NaN for infinities.
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * tan(tensor([0, 1])); // => [0, 1.557408]
 * ```
 */
export function tan(x: Tensor): Tensor {
  return unary('tan', x, (g, y) => mul(g, add(square(y), 1)));
}

/**
 * The arc sine, in [-pi/2, pi/2]; NaN outside [-1, 1].
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * asin(tensor([0, 1])); // => [0, 1.570796]
 * ```
 */
export function asin(x: Tensor): Tensor {
  return unary('asin', x, (g, _, from) => mul(g, rsqrt(sub(1, square(from)))));
}

/**
 * The arc cosine, in [0, pi]; NaN outside [-1, 1].
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * acos(tensor([1, 0])); // => [0, 1.570796]
 * ```
 */
export function acos(x: Tensor): Tensor {
  return unary('acos', x, (g, _, from) => neg(mul(g, rsqrt(sub(1, square(from))))));
}

/**
 * The arc tangent, in [-pi/2, pi/2].
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * atan(tensor([0, 1])); // => [0, 0.785398]
 * ```
 */
export function atan(x: Tensor): Tensor {
  return unary('atan', x, (g, _, from) => div(g, add(square(from), 1)));
}

/**
 * The derivative of atan2(a, b) by a: b / (a^2 + b^2), 0 at the origin. With s for it and r for
 * atan2Slope(b, a) its own derivatives are -2 s r and r^2 - s^2.
 */
function atan2Slope(y: Tensor, x: Tensor): Tensor {
  return binary(
    'atan2Slope',
    y,
    x,
    (g, a, b) => mul(g, mul(mul(atan2Slope(a, b), atan2Slope(b, a)), -2)),
    (g, a, b) => mul(g, sub(square(atan2Slope(b, a)), square(atan2Slope(a, b)))),
  );
}

/**
 * The angle of the point (x, y) in radians, in [-pi, pi], that is atan(y / x) in the right quadrant;
 * zeros of both signs and infinities as in IEEE 754. The gradient at the origin is 0, as in PyTorch.
 * @param y any shape, or a number; integers and bools become float32
 * @param x the same; shapes broadcast, one of the two is a tensor, and the result has the stronger dtype
 * @throws TensorError ERR_ARGUMENT unless one is a tensor and the other a tensor or a number, ERR_DTYPE
 * for 16-bit floats, ERR_SHAPE when the shapes don't broadcast
 * @example
 * ```ts
 * atan2(tensor([1, 1]), tensor([1, -1])); // => [0.785398, 2.356194]
 * ```
 */
export function atan2(y: TensorLike, x: TensorLike): Tensor {
  return binary(
    'atan2',
    ...promoteFloating('atan2', y, x),
    (g, a, b) => mul(g, atan2Slope(a, b)),
    (g, a, b) => neg(mul(g, atan2Slope(b, a))),
  );
}

/**
 * The hyperbolic sine.
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * sinh(tensor([0, 1])); // => [0, 1.175201]
 * ```
 */
export function sinh(x: Tensor): Tensor {
  return unary('sinh', x, (g, _, from) => mul(g, cosh(from)));
}

/**
 * The hyperbolic cosine.
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * cosh(tensor([0, 1])); // => [1, 1.543081]
 * ```
 */
export function cosh(x: Tensor): Tensor {
  return unary('cosh', x, (g, _, from) => mul(g, sinh(from)));
}

const methods = { sin, cos, tan, asin, acos, atan, sinh, cosh };
defineMethods({ ...methods, atan2 });

type Methods = { [K in keyof typeof methods]: () => Tensor };

declare module '../../tensor/tensor.js' {
  interface Tensor extends Methods {
    /** The angle of the point (x, this): see the function `atan2`. */
    atan2(x: TensorLike): Tensor;
  }
}
