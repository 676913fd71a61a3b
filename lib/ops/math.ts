/** Functions of mathematics, elementwise. Each stands with its gradient rule. */
import type { Tensor } from '../tensor/tensor.js';
import { add, div, mul, neg, square } from './arithmetic.js';
import { defineMethods, unary } from './elementwise.js';

/** e^x */
export function exp(x: Tensor): Tensor {
  return unary('exp', x, (g, y) => mul(g, y));
}

/** The natural logarithm; -inf at 0, NaN below. */
export function log(x: Tensor): Tensor {
  return unary('log', x, (g, _, from) => div(g, from));
}

/** log(1 + x), accurate for small x. */
export function log1p(x: Tensor): Tensor {
  return unary('log1p', x, (g, _, from) => div(g, add(from, 1)));
}

/** 2 / sqrt(pi), the derivative of erf at 0. */
const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/** The error function. */
export function erf(x: Tensor): Tensor {
  return unary('erf', x, (g, _, from) => mul(g, mul(exp(neg(square(from))), TWO_OVER_SQRT_PI)));
}

const methods = { exp, log, log1p, erf };
defineMethods(methods);

type Methods = { [K in keyof typeof methods]: () => Tensor };

declare module '../tensor/tensor.js' {
  interface Tensor extends Methods {}
}
