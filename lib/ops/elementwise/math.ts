/** Functions of mathematics, elementwise. Each stands with its gradient rule. */
import { TensorError } from '../../errors.js';
import { full } from '../../tensor/creation.js';
import { broadcastShapes } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkTensor, clone, isNumber, type TensorLike } from '../operand.js';
import { checkComputes, isFloating } from '../promotion.js';
import { any } from '../reduction/count.js';
import { add, div, mul, neg, reciprocal, rsqrt, sqrt, square, sub } from './arithmetic.js';
import { eq, ge, gt, logicalAnd, lt, ne } from './compare.js';
import { binary, checkNotBool, defineMethods, unary } from './elementwise.js';
import { bitwiseAnd, bitwiseRightShift } from './integer.js';
import { where } from './ternary.js';

/**
 * e^x. Integers and bools become float32.
 * @example
 * ```ts
 * exp(tensor([0, 1])); // => [1, 2.718282]
 * ```
 */
export function exp(x: Tensor): Tensor {
  return unary('exp', x, (g, y) => mul(g, y));
}

/**
 * 2^x, exact for whole numbers.
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * exp2(tensor([0, 3])); // => [1, 8]
 * ```
 */
export function exp2(x: Tensor): Tensor {
  return unary('exp2', x, (g, y) => mul(g, mul(y, Math.LN2)));
}

/**
 * e^x - 1, accurate for small x.
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * expm1(tensor([0, 1])); // => [0, 1.718282]
 * ```
 */
export function expm1(x: Tensor): Tensor {
  return unary('expm1', x, (g, y) => mul(g, add(y, 1)));
}

/**
 * The natural logarithm; -inf at 0, NaN below. Integers and bools become float32.
 * @example
 * ```ts
 * log(tensor([1, Math.E])); // => [0, 1]
 * ```
 */
export function log(x: Tensor): Tensor {
  return unary('log', x, (g, _, from) => div(g, from));
}

/**
 * log(1 + x), accurate for small x. Integers and bools become float32.
 * @example
 * ```ts
 * log1p(tensor([0, 1])); // => [0, 0.693147]
 * ```
 */
export function log1p(x: Tensor): Tensor {
  return unary('log1p', x, (g, _, from) => div(g, add(from, 1)));
}

/**
 * The logarithm to base 2, exact for powers of 2; -inf at 0, NaN below.
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * log2(tensor([1, 8])); // => [0, 3]
 * ```
 */
export function log2(x: Tensor): Tensor {
  return unary('log2', x, (g, _, from) => div(g, mul(from, Math.LN2)));
}

/**
 * The logarithm to base 10; -inf at 0, NaN below.
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * log10(tensor([1, 100])); // => [0, 2]
 * ```
 */
export function log10(x: Tensor): Tensor {
  return unary('log10', x, (g, _, from) => div(g, mul(from, Math.LN10)));
}

/** 2 / sqrt(pi), the derivative of erf at 0. */
const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/**
 * The error function. Integers and bools become float32.
 * @example
 * ```ts
 * erf(tensor([0, 1])); // => [0, 0.842701]
 * ```
 */
export function erf(x: Tensor): Tensor {
  return unary('erf', x, (g, _, from) => mul(g, mul(exp(neg(square(from))), TWO_OVER_SQRT_PI)));
}

/**
 * 1 - erf(x), accurate where that is small.
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * erfc(tensor([0, 1])); // => [1, 0.157299]
 * ```
 */
export function erfc(x: Tensor): Tensor {
  return unary('erfc', x, (g, _, from) => mul(g, mul(exp(neg(square(from))), -TWO_OVER_SQRT_PI)));
}

/** Powers that are cheaper another way; the numbers for which PyTorch does the same. */
const powers: ReadonlyMap<number, (x: Tensor) => Tensor> = new Map([
  [-1, reciprocal],
  [-0.5, rsqrt],
  [0.5, sqrt],
  [1, clone],
  [2, square],
  [3, (x: Tensor) => mul(square(x), x)],
]);

/** The derivative of a^b by a: b a^(b - 1), 0 where b is 0. */
function powBaseSlope(base: Tensor, exponent: Tensor): Tensor {
  return binary(
    'powBaseSlope',
    base,
    exponent,
    (g, a, b) => mul(mul(g, b), powBaseSlope(a, sub(b, 1))),
    (g, a, b) => mul(g, powMixedSlope(a, b)),
  );
}

/** The derivative of a^b by b: a^b log(a), 0 where a is 0 and b is not negative. */
function powExponentSlope(base: Tensor, exponent: Tensor): Tensor {
  return binary(
    'powExponentSlope',
    base,
    exponent,
    (g, a, b) => mul(g, powMixedSlope(a, b)),
    (g, a, b) => {
      const limit = logicalAnd(eq(a, 0), ge(b, 0));
      return mul(mul(g, powExponentSlope(a, b)), log(where(limit, 1, a)));
    },
  );
}

/** The derivative of a^b by both: a^(b - 1) (1 + b log(a)). */
function powMixedSlope(a: Tensor, b: Tensor): Tensor {
  const less = sub(b, 1);
  return add(pow(a, less), mul(b, powExponentSlope(a, less)));
}

/**
 * x^exponent, of floats with the special values of IEEE 754: x^0 = 1^y = 1 even for NaN; a negative x has
 * powers for whole exponents only (NaN otherwise). As in PyTorch, the numbers 0.5 and -0.5 as
 * exponents mean sqrt and rsqrt, which differ from the power at -0 and -infinity.
 *
 * Gradients: exponent x^(exponent - 1), 0 where the exponent is 0; x^exponent log(x), 0 where x is 0
 * and the exponent not negative.
 *
 * Integers have integer powers, modulo 2^bits; a negative exponent in a tensor makes 1 / x^-n without its
 * fraction, and 0 of 0.
 * @param x float32, float64 or integers, any shape, or a number
 * @param exponent the same; shapes broadcast, one of the two is a tensor, and the result has the stronger dtype
 * @throws TensorError ERR_ARGUMENT unless one is a tensor and the other a tensor or a number, ERR_DTYPE
 * for two bools and for 16-bit floats, ERR_ARGUMENT for an integer tensor and a whole number below 0,
 * ERR_SHAPE when the shapes don't broadcast
 * @example
 * ```ts
 * pow(tensor([2, 3]), 2); // => [4, 9]
 * pow(2, tensor([3, 4])); // => [8, 16]
 * ```
 */
export function pow(x: TensorLike, exponent: TensorLike): Tensor {
  if (isNumber(exponent) && !isNumber(x)) {
    checkTensor('pow', x);
    checkComputes('pow', x.dtype);
    if (isFloating(x.dtype)) {
      const shortcut = powers.get(Number(exponent));
      if (shortcut) return shortcut(x);
    } else if (exponent < 0 && Number.isInteger(Number(exponent))) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[pow] ${x.dtype} has no power ${exponent}; convert with to('float32')`,
      );
    }
  }
  if ((x === 2 || x === 2n) && !isNumber(exponent)) {
    checkTensor('pow', exponent);
    checkComputes('pow', exponent.dtype);
    if (isFloating(exponent.dtype)) return exp2(exponent);
  }
  return binary(
    'pow',
    x,
    exponent,
    (g, a, b) => mul(g, powBaseSlope(a, b)),
    (g, a, b) => mul(g, powExponentSlope(a, b)),
    powOfWhole,
  );
}

/** By squaring, modulo 2^bits. A negative power is 1 / x^-n without its fraction, and 0 of 0. */
function powOfWhole(x: Tensor, exponent: Tensor): Tensor {
  checkNotBool('pow', x);
  const odd = (n: Tensor) => ne(bitwiseAnd(n, 1), 0);
  let power = full(broadcastShapes('pow', x.shape, exponent.shape), 1, { dtype: x.dtype });
  let square = x;
  let rest = exponent;
  while (any(gt(rest, 0)).item() !== 0) {
    power = where(odd(rest), mul(power, square), power);
    square = mul(square, square);
    rest = bitwiseRightShift(rest, 1);
  }
  if (any(lt(exponent, 0)).item() === 0) return power;
  const ofMinusOne = where(odd(exponent), x, neg(x));
  const inverse = where(eq(x, 1), x, where(eq(x, -1), ofMinusOne, 0));
  return where(lt(exponent, 0), inverse, power);
}

/**
 * sqrt(x^2 + y^2), without overflow or underflow on the way; infinity where either is infinite, even
 * beside NaN. The gradient is NaN where both are 0, as in PyTorch.
 * @param x float32 or float64, any shape, or a number
 * @param y the same; shapes broadcast, one of the two is a tensor, and the result has the stronger dtype
 * @throws TensorError ERR_ARGUMENT unless one is a tensor and the other a tensor or a number, ERR_DTYPE
 * when neither is float32 or float64, ERR_SHAPE when the shapes don't broadcast
 * @example
 * ```ts
 * hypot(tensor([3]), tensor([4])); // => [5]
 * ```
 */
export function hypot(x: TensorLike, y: TensorLike): Tensor {
  return binary(
    'hypot',
    x,
    y,
    (g, a, b) => mul(g, div(a, hypot(a, b))),
    (g, a, b) => mul(g, div(b, hypot(a, b))),
  );
}

const unaryMethods = { exp, exp2, expm1, log, log1p, log2, log10, erf, erfc };
const binaryMethods = { pow, hypot };
defineMethods({ ...unaryMethods, ...binaryMethods });

type UnaryMethods = { [K in keyof typeof unaryMethods]: () => Tensor };
type BinaryMethods = { [K in keyof typeof binaryMethods]: (other: TensorLike) => Tensor };

declare module '../../tensor/tensor.js' {
  interface Tensor extends UnaryMethods, BinaryMethods {}
}
