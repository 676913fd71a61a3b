/** Inverse hyperbolic functions, elementwise. */
import type { Tensor } from '../../tensor/tensor.js';
import { add, div, mul, rsqrt, square, sub } from './arithmetic.js';
import { defineMethods, unary } from './elementwise.js';

/**
 * The inverse of sinh: log(x + sqrt(x^2 + 1)). Its gradient is 1 / sqrt(x^2 + 1).
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * asinh(tensor([0, 1])); // => [0, 0.881374]
 * ```
 */
export function asinh(x: Tensor): Tensor {
  return unary('asinh', x, (g, _, z) => mul(g, rsqrt(add(square(z), 1))));
}

/**
 * The inverse of cosh: log(x + sqrt(x^2 - 1)), NaN below 1. Its gradient is 1 / sqrt(x^2 - 1).
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * acosh(tensor([1, 2])); // => [0, 1.316958]
 * ```
 */
export function acosh(x: Tensor): Tensor {
  return unary('acosh', x, (g, _, z) => mul(g, rsqrt(sub(square(z), 1))));
}

/**
 * The inverse of tanh: log((1 + x) / (1 - x)) / 2, infinite at 1 and -1, NaN beyond. Its gradient is
 * 1 / (1 - x^2).
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * atanh(tensor([0, 0.5])); // => [0, 0.549306]
 * ```
 */
export function atanh(x: Tensor): Tensor {
  return unary('atanh', x, (g, _, z) => div(g, sub(1, square(z))));
}

const methods = { asinh, acosh, atanh };
defineMethods(methods);

type Methods = { [K in keyof typeof methods]: () => Tensor };

declare module '../../tensor/tensor.js' {
  interface Tensor extends Methods {}
}
