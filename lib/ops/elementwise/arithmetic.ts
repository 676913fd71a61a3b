/** Arithmetic, elementwise. Each function stands with its gradient rule. */
import { zerosLike } from '../../tensor/creation.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { TensorLike } from '../operand.js';
import { promoteFloating } from '../promotion.js';
import { binary, computeBinary, defineMethods, numberUnary, unary } from './elementwise.js';

// Rules that don't depend on the call, so that a call doesn't make them.
type Rule = (g: Tensor, a: Tensor, b: Tensor) => Tensor;
const unchanged: Rule = (g) => g;
const timesFirst: Rule = (g, a) => mul(g, a);
const timesSecond: Rule = (g, _, b) => mul(g, b);

/**
 * a + b, with broadcasting. Integers wrap around; of bools it is a logical or, as in PyTorch.
 * @example
 * ```ts
 * add(tensor([1, 2]), 10); // => [11, 12]
 * add(tensor([[1], [2]]), tensor([10, 20])); // => [[11, 21], [12, 22]]
 * add(zeros([2]), zeros([3])); // throws ERR_SHAPE
 * ```
 */
export function add(a: TensorLike, b: TensorLike): Tensor {
  return binary('add', a, b, unchanged, unchanged);
}

/**
 * a - b, with broadcasting. Integers wrap around.
 * @throws TensorError ERR_DTYPE for bools: use `logicalXor`
 * @example
 * ```ts
 * sub(tensor([5, 7]), tensor([1, 2])); // => [4, 5]
 * ```
 */
export function sub(a: TensorLike, b: TensorLike): Tensor {
  return binary('sub', a, b, unchanged, neg);
}

/**
 * a * b, with broadcasting. Integers wrap around; of bools it is a logical and, as in PyTorch.
 * @example
 * ```ts
 * mul(tensor([1, 2]), tensor([[3], [4]])); // => [[3, 6], [4, 8]]
 * ```
 */
export function mul(a: TensorLike, b: TensorLike): Tensor {
  return binary('mul', a, b, timesSecond, timesFirst);
}

/**
 * a / b, with broadcasting. Integers and bools are converted to float32 first, as in PyTorch.
 * @example
 * ```ts
 * div(tensor([1, 2]), tensor([4, 0])); // => [0.25, Infinity]
 * ```
 */
export function div(a: TensorLike, b: TensorLike): Tensor {
  return binary(
    'div',
    ...promoteFloating('div', a, b),
    (g, _, y) => div(g, y),
    (g, x, y) => neg(div(mul(g, div(x, y)), y)),
  );
}

/**
 * The larger of a and b; NaN if either is. At a tie each gets half of the gradient, as in PyTorch.
 * @example
 * ```ts
 * maximum(tensor([1, 5]), tensor([3, 2])); // => [3, 5]
 * ```
 */
export function maximum(a: TensorLike, b: TensorLike): Tensor {
  return binary(
    'maximum',
    a,
    b,
    (g, x, y) => mul(g, greaterShare(x, y)),
    (g, x, y) => mul(g, greaterShare(y, x)),
  );
}

/**
 * The smaller of a and b; NaN if either is. At a tie each gets half of the gradient.
 * @example
 * ```ts
 * minimum(tensor([1, 5]), tensor([3, 2])); // => [1, 2]
 * ```
 */
export function minimum(a: TensorLike, b: TensorLike): Tensor {
  return binary(
    'minimum',
    a,
    b,
    (g, x, y) => mul(g, greaterShare(y, x)),
    (g, x, y) => mul(g, greaterShare(x, y)),
  );
}

/** 1 where a > b, 1/2 where they are equal, 0 elsewhere: who gets the gradient of a maximum. */
export function greaterShare(a: Tensor, b: Tensor): Tensor {
  return computeBinary('greaterShare', a, b);
}

/**
 * -x; modulo 2^bits of integers.
 * @example
 * ```ts
 * neg(tensor([1, -2])); // => [-1, 2]
 * ```
 */
export function neg(x: Tensor): Tensor {
  return numberUnary('neg', x, neg);
}

/**
 * |x|; the gradient at 0 is 0. The smallest integer stays what it is.
 * @example
 * ```ts
 * abs(tensor([-2, 3])); // => [2, 3]
 * ```
 */
export function abs(x: Tensor): Tensor {
  return numberUnary('abs', x, (g, _, from) => mul(g, sign(from)));
}

/**
 * -1, 0 or 1 by the sign of x, 0 for NaN; its gradient is 0.
 * @example
 * ```ts
 * sign(tensor([-3, 0, 5])); // => [-1, 0, 1]
 * ```
 */
export function sign(x: Tensor): Tensor {
  return numberUnary('sign', x, (g) => zerosLike(g));
}

/**
 * x * x. Integers wrap around.
 * @example
 * ```ts
 * square(tensor([2, -3])); // => [4, 9]
 * ```
 */
export function square(x: Tensor): Tensor {
  return numberUnary('square', x, (g, _, from) => mul(g, mul(from, 2)));
}

/**
 * The square root; NaN below 0. Integers and bools become float32.
 * @example
 * ```ts
 * sqrt(tensor([4, 9])); // => [2, 3]
 * ```
 */
export function sqrt(x: Tensor): Tensor {
  return unary('sqrt', x, (g, y) => div(g, mul(y, 2)));
}

/**
 * 1 / sqrt(x), NaN below 0; infinity, with its sign, at 0 and -0.
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * rsqrt(tensor([4, 16])); // => [0.5, 0.25]
 * ```
 */
export function rsqrt(x: Tensor): Tensor {
  return unary('rsqrt', x, (g, y) => mul(g, mul(mul(square(y), y), -0.5)));
}

/**
 * 1 / x. Integers and bools become float32.
 * @example
 * ```ts
 * reciprocal(tensor([2, 4])); // => [0.5, 0.25]
 * ```
 */
export function reciprocal(x: Tensor): Tensor {
  return unary('reciprocal', x, (g, y) => neg(mul(g, square(y))));
}

const unaryMethods = { neg, abs, sign, square, sqrt, rsqrt, reciprocal };
const binaryMethods = { add, sub, mul, div, maximum, minimum };
defineMethods({ ...unaryMethods, ...binaryMethods });

type UnaryMethods = { [K in keyof typeof unaryMethods]: () => Tensor };
type BinaryMethods = { [K in keyof typeof binaryMethods]: (other: TensorLike) => Tensor };

declare module '../../tensor/tensor.js' {
  interface Tensor extends UnaryMethods, BinaryMethods {}
}
