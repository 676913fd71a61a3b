/** Special functions, elementwise. Each stands with its gradient rule. */

import { attach, recording } from '../../autograd/tape.js';
import { composed } from '../../autograd/tidy.js';
import { TensorError } from '../../errors.js';
import { dtypes } from '../../tensor/dtype.js';
import { broadcastShapes, checkOptions, describe } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { asFloating, checkFloating, checkTensor, type TensorLike, to } from '../operand.js';
import { checkComputes, promote, promoteFloating } from '../promotion.js';
import { sumTo } from '../reduction/reduce.js';
import { sigmoid } from './activation.js';
import { div, mul, square, sub } from './arithmetic.js';
import { eq, gt, isfinite, isnan, le, logicalAnd, logicalNot, logicalOr, lt } from './compare.js';
import {
  applyDerivative,
  computeBinary,
  computeUnary,
  defineMethods,
  unary,
} from './elementwise.js';
import { exp, log } from './math.js';
import { where } from './ternary.js';
import { sin } from './trigonometry.js';

/**
 * The y with erf(y) = x; infinite at 1 and -1, NaN beyond. From the quantile of the normal distribution
 * (Wichura, algorithm AS 241, 1988), within a few roundings of the true value. Its gradient is
 * sqrt(pi) / 2 e^(y^2).
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * erfinv(tensor([0, 0.5, -0.5, 1], { dtype: 'float64' })); // => [0, 0.476936276204469873, -0.476936276204469873, Infinity]
 * ```
 */
export function erfinv(x: Tensor): Tensor {
  return unary('erfinv', x, (g, y) => mul(g, mul(exp(square(y)), Math.sqrt(Math.PI) / 2)));
}

/** Options of {@link logit}. */
export interface LogitOptions {
  /** Elements are brought into [eps, 1 - eps] first. Default: none, and elements outside [0, 1] give NaN. */
  eps?: number;
}

/**
 * The inverse of the sigmoid: log(x / (1 - x)). Its gradient is 1 / (x (1 - x)), and 0 for elements that
 * `eps` moved.
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless eps is a number from 0 to 1/2, ERR_DTYPE
 * @example
 * ```ts
 * logit(tensor([0.5, 0.75])); // => [0, 1.098612]
 * ```
 */
export function logit(x: Tensor, options: LogitOptions = {}): Tensor {
  const p = asFloating('logit', x);
  checkOptions('logit', options, ['eps']);
  const { eps } = options;
  if (eps !== undefined && !(typeof eps === 'number' && eps >= 0 && eps <= 0.5)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[logit] eps is a number from 0 to 1/2, not ${describe(eps)}`,
    );
  }
  const ends = eps === undefined ? [-Infinity, Infinity] : [eps, 1 - eps];
  const y = computeUnary('logit', p, p.dtype, ends);
  if (recording(p)) {
    const low = eps ?? 0;
    const beyond = eps === undefined ? Number.NaN : 0;
    const curvature = (x: Tensor) => {
      const outside = logicalOr(lt(x, low), gt(x, 1 - low));
      return where(outside, beyond, div(sub(mul(x, 2), 1), square(mul(x, sub(1, x)))));
    };
    attach(
      y,
      'logit',
      [p],
      [(g) => applyDerivative('logitBackward', g, p, curvature, [low, 1 - low, beyond])],
    );
  }
  return y;
}

/**
 * x log(y), and 0 where x is 0 unless y is NaN, with broadcasting. Gradients: log(y) (0 where x is 0 and
 * y not positive), and x / y.
 * @param x any shape, or a number; integers and bools become float32
 * @param y the same; one of the two is a tensor, and the result has the stronger dtype
 * @throws TensorError ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE when the shapes don't broadcast
 * @example
 * ```ts
 * xlogy(tensor([0, 2]), tensor([0, 1])); // => [0, 0]
 * ```
 */
export function xlogy(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = promoteFloating('xlogy', x, y);
  broadcastShapes('xlogy', a.shape, b.shape);
  const [from, to] = [a.detach(), b.detach()];
  const result = composed(() =>
    where(logicalAnd(eq(from, 0), logicalNot(isnan(to))), 0, mul(from, log(to))),
  );
  if (recording(a, b)) {
    attach(
      result,
      'xlogy',
      [a, b],
      [
        (g) => {
          const none = logicalAnd(eq(a, 0), le(b, 0));
          return sumTo(where(none, 0, xlogy(g, b)), a.shape);
        },
        (g) => sumTo(div(mul(g, a), b), b.shape),
      ],
    );
  }
  return result;
}

/** Both operands as float32 or float64 tensors of one dtype. */
function floats(operation: string, x: TensorLike, y: TensorLike): [Tensor, Tensor] {
  const [a, b] = promote(operation, x, y);
  checkFloating(operation, a);
  broadcastShapes(operation, a.shape, b.shape);
  return [a, b];
}

/**
 * sin(pi x) / (pi x), and 1 at 0, where its gradient is 0.
 * @param x any shape; integers and bools become float32; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for 16-bit floats
 * @example
 * ```ts
 * sinc(tensor([0, 0.5])); // => [1, 0.63662]
 * ```
 */
export function sinc(x: Tensor): Tensor {
  return composed(() => {
    const angle = mul(asFloating('sinc', x), Math.PI);
    const zero = eq(angle, 0);
    const safe = where(zero, 1, angle);
    return where(zero, 1, div(sin(safe), safe));
  });
}

/**
 * log(e^a + e^b) without overflow, with broadcasting: the larger of both, plus log1p(e^-|a - b|). Each
 * gets its share of the gradient, sigmoid(a - b) and sigmoid(b - a).
 * @param a float32 or float64, any shape, or a number
 * @param b the same; one of the two is a tensor, and the result has the stronger dtype
 * @throws TensorError ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE when the shapes don't broadcast
 * @example
 * ```ts
 * logaddexp(tensor([0, 1000]), 0); // => [0.693147, 1000]
 * ```
 */
export function logaddexp(a: TensorLike, b: TensorLike): Tensor {
  return logOfSum('logaddexp', a, b, 1);
}

/** log(c^a + c^b) to the base c, whose logarithm is `scale`. */
function logOfSum(operation: string, a: TensorLike, b: TensorLike, scale: number): Tensor {
  const [x, y] = floats(operation, a, b);
  const result = computeBinary('logaddexp', x, y, operation, x.dtype, [scale, 1 / scale]);
  if (recording(x, y)) {
    const share = (own: Tensor, other: Tensor) => sigmoid(mul(sub(own, other), scale));
    attach(
      result,
      operation,
      [x, y],
      [(g) => sumTo(mul(g, share(x, y)), x.shape), (g) => sumTo(mul(g, share(y, x)), y.shape)],
    );
  }
  return result;
}

/**
 * log2(2^a + 2^b) without overflow, with broadcasting; see `logaddexp`.
 * @param a float32 or float64, any shape, or a number
 * @param b the same; one of the two is a tensor, and the result has the stronger dtype
 * @throws TensorError ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE when the shapes don't broadcast
 * @example
 * ```ts
 * logaddexp2(tensor([0, 3]), tensor([0, 3])); // => [1, 4]
 * ```
 */
export function logaddexp2(a: TensorLike, b: TensorLike): Tensor {
  return logOfSum('logaddexp2', a, b, Math.LN2);
}

/** Options of {@link nanToNum}. */
export interface NanToNumOptions {
  /** What NaN becomes. Default 0. */
  nan?: number;
  /** What infinity becomes. Default the dtype's largest number. */
  posinf?: number;
  /** What -infinity becomes. Default the dtype's smallest number. */
  neginf?: number;
}

/** The largest numbers, (2 - 2^-23) 2^127 and (2 - 2^-52) 2^1023. */
const LARGEST = { float32: (2 - 2 ** -23) * 2 ** 127, float64: Number.MAX_VALUE };

/**
 * x with numbers in place of NaN and infinities; integers and bools stay as they are. Elements that were
 * replaced get no gradient.
 * @param x any shape and dtype but bfloat16; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless the replacements are numbers, ERR_DTYPE
 * @example
 * ```ts
 * nanToNum(tensor([NaN, Infinity, 1]), { posinf: 9 }); // => [0, 9, 1]
 * ```
 */
export function nanToNum(x: Tensor, options: NanToNumOptions = {}): Tensor {
  checkTensor('nanToNum', x);
  checkOptions('nanToNum', options, ['nan', 'posinf', 'neginf']);
  checkComputes('nanToNum', x.dtype);
  for (const value of Object.values(options)) {
    if (value !== undefined && typeof value !== 'number') {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[nanToNum] nan, posinf and neginf are numbers, not ${describe(value)}`,
      );
    }
  }
  if (!dtypes[x.dtype].floating) return x;
  const largest = LARGEST[x.dtype as keyof typeof LARGEST];
  const { nan = 0, posinf = largest, neginf = -largest } = options;
  const y = computeUnary('nanToNum', x, x.dtype, [nan, posinf, neginf]);
  if (recording(x)) attach(y, 'nanToNum', [x], [(g) => where(isfinite(x), g, 0)]);
  return y;
}

/**
 * The unit step: 0 where x is below 0 (or NaN), 1 above, `values` where it is 0, with broadcasting. No
 * gradient.
 * @param x numbers of any dtype but bfloat16
 * @param values the same, or a number; they meet as in arithmetic
 * @throws TensorError ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE when the shapes don't broadcast
 * @example
 * ```ts
 * heaviside(tensor([-1, 0, 2]), 0.5); // => [0, 0.5, 1]
 * ```
 */
export function heaviside(x: TensorLike, values: TensorLike): Tensor {
  const [a, b] = promote('heaviside', x, values);
  broadcastShapes('heaviside', a.shape, b.shape);
  return composed(() => where(eq(a.detach(), 0), b.detach(), to(lt(0, a), a.dtype)));
}

const unaryMethods = { erfinv, sinc };
const binaryMethods = { xlogy, logaddexp, logaddexp2, heaviside };
defineMethods({ ...unaryMethods, ...binaryMethods, logit, nanToNum });

type UnaryMethods = { [K in keyof typeof unaryMethods]: () => Tensor };
type BinaryMethods = { [K in keyof typeof binaryMethods]: (other: TensorLike) => Tensor };

declare module '../../tensor/tensor.js' {
  interface Tensor extends UnaryMethods, BinaryMethods {
    /** log(x / (1 - x)): see the function `logit`. */
    logit(options?: LogitOptions): Tensor;
    /** Numbers in place of NaN and infinities: see the function `nanToNum`. */
    nanToNum(options?: NanToNumOptions): Tensor;
  }
}
