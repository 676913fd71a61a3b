/**
 * The logarithm of the gamma function and its derivatives, elementwise. The first three have kernels
 * (native/kernels/gamma.h); higher ones are the asymptotic series (Abramowitz & Stegun 1964, 6.4.11) from
 * 10 on, to where the recurrence 6.4.6 leads, and reflection below 0 (6.4.7). All of it in float64 and
 * rounded once.
 */

import { attach, recording } from '../../autograd/tape.js';
import { composed } from '../../autograd/tidy.js';
import { TensorError } from '../../errors.js';
import { zeros } from '../../tensor/creation.js';
import { describe } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { asFloating, to } from '../operand.js';
import { add, div, mul, neg, reciprocal, square, sub } from './arithmetic.js';
import { eq, le, logicalAnd, lt } from './compare.js';
import { checkNotBool, computeUnary, defineMethods, unary } from './elementwise.js';
import { pow } from './math.js';
import { round } from './rounding.js';
import { where } from './ternary.js';
import { tan } from './trigonometry.js';

/** From here on the series below have all digits of float64: what they leave out is under 2^-54. */
const START = 10;

/** B_2k, the Bernoulli numbers, for k = 1... (Abramowitz & Stegun, table 23.2). */
const BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6] as const;

/** Sum of coefficients[k] / z^(2k + 2). */
function series(z: Tensor, coefficients: readonly number[]): Tensor {
  const step = reciprocal(square(z));
  let total = zeros(z.shape, { dtype: z.dtype });
  for (const coefficient of coefficients.toReversed()) total = mul(add(total, coefficient), step);
  return total;
}

/** f computed in float64 of values without a history. */
function inFloat64(x: Tensor, f: (x: Tensor) => Tensor): Tensor {
  return composed(() => to(f(to(x.detach(), 'float64')), x.dtype));
}

/** The distance to the nearest whole number, which is exact: sin(pi x) is its sine up to the sign. */
const fromWhole = (x: Tensor): Tensor => mul(sub(x, round(x)), Math.PI);

/** Elements that are not below 0, and in place of the others 1 - x. */
const reflected = (x: Tensor): Tensor => where(lt(x, 0), sub(1, x), x);

/**
 * log |gamma(x)|, infinite at 0 and negative whole numbers; its gradient is `digamma`. The error is a few
 * roundings of the result and, near 1 and 2 where the result is 0, of 1.
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * lgamma(tensor([3, 5])); // => [0.693147, 3.178054]
 * ```
 */
export function lgamma(x: Tensor): Tensor {
  return unary('lgamma', x, (g, _, from) => mul(g, digamma(from)));
}

/**
 * The derivative of `lgamma`, infinite at 0 with the other sign and NaN at negative whole numbers, as in
 * PyTorch; its gradient is `polygamma(1, x)`.
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * digamma(tensor([1, 2])); // => [-0.577216, 0.422784]
 * ```
 */
export function digamma(x: Tensor): Tensor {
  return unary('digamma', x, (g, _, from) => mul(g, polygamma(1, from)));
}

/** n!, as long as it is a number. */
const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));

/** |psi^(n)(x)| for x > 0: n! times Hurwitz' zeta function of n + 1. */
function positivePolygamma(n: number, x: Tensor): Tensor {
  // As many terms as keep the series below converging for larger n, too.
  const terms = START + n;
  let total: Tensor = zeros(x.shape, { dtype: x.dtype });
  for (let k = terms - 1; k >= 0; k--) total = add(total, pow(add(x, k), -(n + 1)));
  const z = add(x, terms);
  const scale = pow(z, -n);
  const coefficients = BERNOULLI.map(
    (b, k) => (b * factorial(2 * k + 1 + n)) / factorial(2 * k + 2),
  );
  const tail = mul(add(series(z, coefficients), factorial(n - 1)), scale);
  const half = mul(div(scale, z), factorial(n) / 2);
  return add(mul(total, factorial(n)), add(tail, half));
}

/** The n-th derivative of cot, as a polynomial in cot: each one's is its own derivative times -(1 + cot^2). */
function cotangent(n: number): number[] {
  let polynomial = [0, 1];
  for (let i = 0; i < n; i++) {
    const next = new Array<number>(polynomial.length + 1).fill(0);
    polynomial.forEach((coefficient, power) => {
      if (power === 0) return;
      next[power - 1] = (next[power - 1] as number) - coefficient * power;
      next[power + 1] = (next[power + 1] as number) - coefficient * power;
    });
    polynomial = next;
  }
  return polynomial;
}

function polygammaOf(n: number, x: Tensor): Tensor {
  const positive = positivePolygamma(n, reflected(x));
  const signed = n % 2 === 1 ? positive : neg(positive);
  // Abramowitz & Stegun 6.4.7.
  const cot = reciprocal(tan(fromWhole(x)));
  let derivative: Tensor = zeros(x.shape, { dtype: x.dtype });
  for (const coefficient of cotangent(n).toReversed()) {
    derivative = add(mul(derivative, cot), coefficient);
  }
  const below = neg(add(positive, mul(derivative, Math.PI ** (n + 1))));
  const y = where(lt(x, 0), below, signed);
  const isPole = logicalAnd(le(x, 0), eq(round(x), x));
  return where(isPole, n % 2 === 1 ? Infinity : -Infinity, y);
}

/**
 * The n-th derivative of `digamma`, as torch.polygamma(n, x): `digamma` itself for n = 0, the trigamma
 * function for n = 1. Its gradient is polygamma(n + 1, x). Infinite at 0 and negative whole numbers, with
 * the sign of (-1)^(n + 1).
 * @param n a whole number from 0 to 100
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * polygamma(1, tensor([1, 2])); // => [1.644934, 0.644934]
 * ```
 */
export function polygamma(n: number, x: Tensor): Tensor {
  if (!Number.isInteger(n) || n < 0 || n > 100) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[polygamma] n is a whole number from 0 to 100, not ${describe(n)}`,
    );
  }
  if (n === 0) return digamma(x);
  const from = asFloating('polygamma', x);
  const y = n === 1 ? computeUnary('trigamma', from) : inFloat64(from, (z) => polygammaOf(n, z));
  if (recording(from)) attach(y, 'polygamma', [from], [(g) => mul(g, polygamma(n + 1, from))]);
  return y;
}

/**
 * The logarithm of the multivariate gamma function of dimension p: log(pi) p (p - 1) / 4 plus the sum of
 * lgamma(x - i / 2) for i from 0 to p - 1.
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @param p a whole number from 1
 * @throws TensorError ERR_ARGUMENT, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * mvlgamma(tensor([3]), 2); // => [1.5501950]
 * ```
 */
export function mvlgamma(x: Tensor, p: number): Tensor {
  const from = asFloating('mvlgamma', x);
  checkNotBool('mvlgamma', x);
  if (!Number.isSafeInteger(p) || p < 1) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[mvlgamma] p is a whole number from 1, not ${describe(p)}`,
    );
  }
  let y = add(lgamma(from), (Math.log(Math.PI) * p * (p - 1)) / 4);
  for (let i = 1; i < p; i++) y = add(y, lgamma(sub(from, i / 2)));
  return y;
}

const methods = { lgamma, digamma };
defineMethods({ ...methods, mvlgamma });

type Methods = { [K in keyof typeof methods]: () => Tensor };

declare module '../../tensor/tensor.js' {
  interface Tensor extends Methods {
    /** The logarithm of the multivariate gamma function: see the function `mvlgamma`. */
    mvlgamma(p: number): Tensor;
  }
}
