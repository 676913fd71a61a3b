/** Inverse hyperbolic functions, elementwise: asinh and acosh by logarithms, in float64 and rounded once. */

import { attach, recording } from '../../autograd/tape.js';
import { composed } from '../../autograd/tidy.js';
import type { Tensor } from '../../tensor/tensor.js';
import { asFloating, to } from '../operand.js';
import { abs, add, div, mul, rsqrt, sqrt, square, sub } from './arithmetic.js';
import { gt, lt } from './compare.js';
import { defineMethods, unary } from './elementwise.js';
import { log, log1p } from './math.js';
import { copysign } from './numbers.js';
import { where } from './ternary.js';

/** From here on a^2 + 1 and a^2 - 1 are a^2 in float64. */
const LARGE = 2 ** 28;

function inverse(
  name: string,
  operand: Tensor,
  forward: (x: Tensor) => Tensor,
  slope: (x: Tensor) => Tensor,
): Tensor {
  const x = asFloating(name, operand);
  const y = composed(() => to(forward(to(x.detach(), 'float64')), x.dtype));
  if (recording(x)) attach(y, name, [x], [(g) => mul(g, slope(x))]);
  return y;
}

/** log(2a) for large a, where squares may be infinite, otherwise log(1 + rest). */
const logOf = (a: Tensor, rest: Tensor): Tensor =>
  where(gt(a, LARGE), add(log(a), Math.LN2), log1p(rest));

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
  const forward = (z: Tensor) => {
    const a = abs(z);
    const squared = square(a);
    const rest = add(a, div(squared, add(sqrt(add(squared, 1)), 1)));
    return copysign(logOf(a, rest), z);
  };
  return inverse('asinh', x, forward, (z) => rsqrt(add(square(z), 1)));
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
  const forward = (z: Tensor) => {
    const beyond = sub(z, 1);
    const y = logOf(z, add(beyond, sqrt(mul(beyond, add(beyond, 2)))));
    return where(lt(z, 1), Number.NaN, y);
  };
  return inverse('acosh', x, forward, (z) => rsqrt(sub(square(z), 1)));
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
