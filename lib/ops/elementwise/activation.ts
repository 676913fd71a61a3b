/**
 * Activations: elementwise functions that stand behind layers, each with its gradient rule. Those of
 * straight pieces are in piecewise.ts. Names are PyTorch's in camelCase.
 */
import { TensorError } from '../../errors.js';
import { checkNumber, checkOptions, describe } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloating, checkTensor } from '../operand.js';
import { isFloating } from '../promotion.js';
import { abs, add, div, maximum, mul, neg, sign, square, sub } from './arithmetic.js';
import { gt, le } from './compare.js';
import { activation, applyDerivative, checkNotBool, defineMethods, unary } from './elementwise.js';
import { exp } from './math.js';
import { clamp, where } from './ternary.js';

/** The gradient of tanh from its output: g (1 - y^2). */
function tanhBackward(g: Tensor, y: Tensor): Tensor {
  return applyDerivative('tanhBackward', g, y, (from) => mul(from, -2));
}

/** The gradient of sigmoid from its output: g y (1 - y). */
function sigmoidBackward(g: Tensor, y: Tensor): Tensor {
  return applyDerivative('sigmoidBackward', g, y, (from) => sub(1, mul(from, 2)));
}

/**
 * The hyperbolic tangent. Integers and bools become float32.
 * @example
 * ```ts
 * tanh(tensor([0, 1])); // => [0, 0.761594]
 * ```
 */
export function tanh(x: Tensor): Tensor {
  return unary('tanh', x, tanhBackward, 'output');
}

/**
 * The logistic function 1 / (1 + e^-x). Integers and bools become float32.
 * @example
 * ```ts
 * sigmoid(tensor([0, 100])); // => [0.5, 1]
 * ```
 */
export function sigmoid(x: Tensor): Tensor {
  return unary('sigmoid', x, sigmoidBackward, 'output');
}

/**
 * log(sigmoid(x)) = -log(1 + e^-x), without overflow or cancellation: softplus with a beta of -1.
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for other dtypes
 * @example
 * ```ts
 * logsigmoid(tensor([0, -100])); // => [-0.693147, -100]
 * ```
 */
export function logsigmoid(x: Tensor): Tensor {
  return softplusBy('logsigmoid', x, -1, Infinity);
}

function softplusBy(operation: string, x: Tensor, beta: number, threshold: number): Tensor {
  return activation(
    operation,
    x,
    ['softplus', [beta, 1 / beta, threshold]],
    ['softplusBackward', [beta, threshold]],
    (from) => {
      const z = mul(from, beta);
      const second = mul(mul(sigmoid(z), sigmoid(neg(z))), beta);
      return threshold === Infinity ? second : where(gt(z, threshold), 0, second);
    },
  );
}

/** Options of {@link softplus}. */
export interface SoftplusOptions {
  /** How sharp the bend is. Default 1. */
  beta?: number;
  /**
   * Where beta * x exceeds it the result is x. Default none: no value overflows here, and PyTorch's
   * 20 would cost float64 half of its digits there.
   */
  threshold?: number;
}

/** @throws TensorError ERR_ARGUMENT for unknown options, values that are no finite numbers, beta 0 */
export function softplusOptionsOf(
  operation: string,
  options: SoftplusOptions,
): Required<SoftplusOptions> {
  checkOptions(operation, options, ['beta', 'threshold']);
  const { beta = 1, threshold } = options;
  return {
    beta: checkNotZero(operation, 'beta', beta),
    threshold: threshold === undefined ? Infinity : checkNumber(operation, 'threshold', threshold),
  };
}

/** @throws TensorError ERR_ARGUMENT unless it is a finite number other than 0 */
function checkNotZero(operation: string, name: string, value: unknown): number {
  const number = checkNumber(operation, name, value);
  if (number === 0) {
    throw new TensorError('ERR_ARGUMENT', `[${operation}] ${name} is divided by and can't be 0`);
  }
  return number;
}

/**
 * log(1 + e^(beta x)) / beta, without overflow (Glorot, Bordes & Bengio 2011).
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, for unknown options, numbers that are not
 * finite and a beta of 0; ERR_DTYPE for other dtypes
 * @example
 * ```ts
 * softplus(tensor([0, 100])); // => [0.693147, 100]
 * ```
 */
export function softplus(x: Tensor, options: SoftplusOptions = {}): Tensor {
  checkFloating('softplus', x);
  const { beta, threshold } = softplusOptionsOf('softplus', options);
  return softplusBy('softplus', x, beta, threshold);
}

/**
 * max(x, 0), of integers too; the gradient at 0 is 0.
 * @example
 * ```ts
 * relu(tensor([-1, 2])); // => [0, 2]
 * ```
 */
export function relu(x: Tensor): Tensor {
  checkTensor('relu', x);
  if (!isFloating(x.dtype)) {
    checkNotBool('relu', x);
    return maximum(x, 0);
  }
  return unary('relu', x, reluBackward, 'output');
}

/** The gradient of relu from its output. */
export function reluBackward(g: Tensor, y: Tensor): Tensor {
  return applyDerivative('reluBackward', g, y, null);
}

/** Options of {@link leakyRelu}. */
export interface LeakyReluOptions {
  /** The slope below 0. Default 0.01. */
  negativeSlope?: number;
}

/** @throws TensorError ERR_ARGUMENT for unknown options and unless the slope is a finite number */
export function negativeSlopeOf(operation: string, options: LeakyReluOptions): number {
  checkOptions(operation, options, ['negativeSlope']);
  return checkNumber(operation, 'negativeSlope', options.negativeSlope ?? 0.01);
}

/**
 * x where x > 0, negativeSlope * x elsewhere (Maas, Hannun & Ng 2013); the derivative at 0 is the
 * slope. The slope may be 0 or negative, but not infinite or NaN (PyTorch takes those too).
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, for unknown options and a slope that is no
 * finite number; ERR_DTYPE for other dtypes
 * @example
 * ```ts
 * leakyRelu(tensor([-1, 2]), { negativeSlope: 0.1 }); // => [-0.1, 2]
 * ```
 */
export function leakyRelu(x: Tensor, options: LeakyReluOptions = {}): Tensor {
  checkFloating('leakyRelu', x);
  const slope = negativeSlopeOf('leakyRelu', options);
  return activation('leakyRelu', x, ['leakyRelu', [slope]], ['leakyReluBackward'], null);
}

/** Options of {@link elu} and {@link celu}. */
export interface EluOptions {
  /** What the function tends to below 0, negated. Default 1. */
  alpha?: number;
}

/** @throws TensorError ERR_ARGUMENT for unknown options and unless alpha is a finite number */
export function alphaOf(operation: string, options: EluOptions): number {
  checkOptions(operation, options, ['alpha']);
  return checkNumber(operation, 'alpha', options.alpha ?? 1);
}

/** The scales of an exponential linear unit: above 0, below 0, and of the exponential's argument. */
function exponentialUnit(operation: string, x: Tensor, scales: readonly number[]): Tensor {
  const [, below, inner] = scales as readonly [number, number, number];
  const second = (from: Tensor) => {
    const decay = exp(mul(clamp(from, { max: 0 }), inner));
    return where(le(from, 0), mul(decay, below * inner * inner), 0);
  };
  return activation(operation, x, ['elu', scales], ['eluBackward'], second);
}

/**
 * x where x > 0, alpha (e^x - 1) elsewhere (Clevert, Unterthiner & Hochreiter 2016).
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, for unknown options and unless alpha is a
 * finite number; ERR_DTYPE for other dtypes
 * @example
 * ```ts
 * elu(tensor([-1, 2])); // => [-0.632121, 2]
 * ```
 */
export function elu(x: Tensor, options: EluOptions = {}): Tensor {
  checkFloating('elu', x);
  return exponentialUnit('elu', x, [1, alphaOf('elu', options), 1]);
}

/** Klambauer, Unterthiner, Mayr & Hochreiter 2017: they keep mean 0 and variance 1. */
const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;

/**
 * scale x where x > 0, scale alpha (e^x - 1) elsewhere, with the constants of "Self-normalizing
 * neural networks" (Klambauer et al. 2017): scale = 1.0507..., alpha = 1.6732...
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for other dtypes
 * @example
 * ```ts
 * selu(tensor([-1, 1])); // => [-1.111331, 1.050701]
 * ```
 */
export function selu(x: Tensor): Tensor {
  return exponentialUnit('selu', x, [SELU_SCALE, SELU_SCALE * SELU_ALPHA, 1]);
}

/** @throws TensorError ERR_ARGUMENT for unknown options and unless alpha is a finite number, not 0 */
export function celuAlphaOf(operation: string, options: EluOptions): number {
  return checkNotZero(operation, 'alpha', alphaOf(operation, options));
}

/**
 * x where x > 0, alpha (e^(x / alpha) - 1) elsewhere: ELU with a continuous derivative (Barron 2017).
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, for unknown options and unless alpha is a
 * finite number other than 0; ERR_DTYPE for other dtypes
 * @example
 * ```ts
 * celu(tensor([-1, 2])); // => [-0.632121, 2]
 * ```
 */
export function celu(x: Tensor, options: EluOptions = {}): Tensor {
  checkFloating('celu', x);
  const alpha = celuAlphaOf('celu', options);
  return exponentialUnit('celu', x, [1, alpha, 1 / alpha]);
}

/**
 * x tanh(log(1 + e^x)) (Misra 2019). NaN for -infinity, and the gradient at both infinities, as in
 * PyTorch.
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for other dtypes
 * @example
 * ```ts
 * mish(tensor([0, 1])); // => [0, 0.865098]
 * ```
 */
export function mish(x: Tensor): Tensor {
  return activation('mish', x, ['mish'], ['mishBackward'], (from) => {
    // x t with t = tanh(softplus(x)): 2 t' + x t''.
    const t = tanh(softplus(from));
    const s = sigmoid(from);
    const tSlope = mul(sub(1, square(t)), s);
    const bend = sub(sub(1, s), mul(mul(t, s), 2));
    return mul(tSlope, add(mul(from, bend), 2));
  });
}

/**
 * x / (1 + |x|) (Turian, Bergstra & Bengio 2009); NaN for infinities, as in PyTorch.
 * @example
 * ```ts
 * softsign(tensor([-1, 3])); // => [-0.5, 0.75]
 * ```
 */
export function softsign(x: Tensor): Tensor {
  return activation('softsign', x, ['softsign'], ['softsignBackward'], (from) => {
    const size = add(abs(from), 1);
    return div(mul(sign(from), -2), mul(square(size), size));
  });
}

/**
 * x - tanh(x), with full accuracy for small x too, where it is nearly x^3 / 3.
 * @example
 * ```ts
 * tanhshrink(tensor([0, 1])); // => [0, 0.238406]
 * ```
 */
export function tanhshrink(x: Tensor): Tensor {
  return activation('tanhshrink', x, ['tanhshrink'], ['tanhshrinkBackward'], (from) => {
    const t = tanh(from);
    return mul(mul(t, sub(1, square(t))), 2);
  });
}

/** The second derivative of silu: s r (2 + x (r - s)) with s = sigmoid(x) and r = 1 - s. */
function siluSecond(x: Tensor): Tensor {
  const [s, r] = [sigmoid(x), sigmoid(neg(x))];
  return mul(mul(s, r), add(mul(x, sub(r, s)), 2));
}

/**
 * x * sigmoid(x), also called swish (Elfwing, Uchibe & Doya 2018). NaN for -infinity, and the
 * gradient at both infinities, as in PyTorch.
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for other dtypes
 * @example
 * ```ts
 * silu(tensor([0, 1])); // => [0, 0.731059]
 * ```
 */
export function silu(x: Tensor): Tensor {
  checkFloating('silu', x);
  return unary(
    'silu',
    x,
    (g, _, from) => applyDerivative('siluBackward', g, from, siluSecond),
    'input',
  );
}

/** Options of {@link gelu}. */
export interface GeluOptions {
  /** `none`, the default, is exact by erf; `tanh` is the faster approximation. */
  approximate?: 'none' | 'tanh';
}

/** @throws TensorError ERR_ARGUMENT for unknown options and values */
export function approximationOf(operation: string, options: GeluOptions): 'none' | 'tanh' {
  checkOptions(operation, options, ['approximate']);
  const { approximate = 'none' } = options;
  if (approximate !== 'none' && approximate !== 'tanh') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] approximate is none or tanh, not ${describe(approximate)}`,
    );
  }
  return approximate;
}

/** The second derivative of gelu: (2 - x^2) e^(-x^2 / 2) / sqrt(2 pi). */
function geluSecond(x: Tensor): Tensor {
  const x2 = square(x);
  return mul(mul(sub(2, x2), exp(mul(x2, -0.5))), 1 / Math.sqrt(2 * Math.PI));
}

/** gelu's tanh form is x sigmoid(LINEAR x + CUBIC x^3). */
const GELU_LINEAR = 2 * Math.sqrt(2 / Math.PI);
const GELU_CUBIC = 0.044715 * GELU_LINEAR;
/** Beyond it sigmoid(z) or sigmoid(-z) is 0 in float64 too, and powers of x stay finite. */
const GELU_TANH_END = 25;

/** The second derivative of gelu's tanh form, x sigmoid(z): s r (2 z' + x z'' + x z'^2 (r - s)). */
function geluTanhSecond(from: Tensor): Tensor {
  const x = clamp(from, { min: -GELU_TANH_END, max: GELU_TANH_END });
  const x2 = square(x);
  const z = mul(x, add(mul(x2, GELU_CUBIC), GELU_LINEAR));
  const zSlope = add(mul(x2, 3 * GELU_CUBIC), GELU_LINEAR);
  const [s, r] = [sigmoid(z), sigmoid(neg(z))];
  const ofSlope = add(mul(zSlope, 2), mul(x2, 6 * GELU_CUBIC));
  return mul(mul(s, r), add(ofSlope, mul(mul(x, square(zSlope)), sub(r, s))));
}

/**
 * x times the normal distribution function of x (Hendrycks & Gimpel 2016): x (1 + erf(x / sqrt(2))) / 2,
 * or with `approximate: 'tanh'` x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2. NaN for -infinity,
 * and the gradient at both infinities, as in PyTorch.
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor and for unknown options, ERR_DTYPE for other
 * dtypes
 * @example
 * ```ts
 * gelu(tensor([-1, 0, 1])); // => [-0.158655, 0, 0.841345]
 * ```
 */
export function gelu(x: Tensor, options: GeluOptions = {}): Tensor {
  checkFloating('gelu', x);
  return approximationOf('gelu', options) === 'tanh'
    ? unary(
        'geluTanh',
        x,
        (g, _, from) => applyDerivative('geluTanhBackward', g, from, geluTanhSecond),
        'input',
      )
    : unary(
        'gelu',
        x,
        (g, _, from) => applyDerivative('geluBackward', g, from, geluSecond),
        'input',
      );
}

/** Gradients of the activations that the matrix product can apply on the way out, from the output. */
export const activationBackward = {
  relu: reluBackward,
  sigmoid: sigmoidBackward,
  tanh: tanhBackward,
} as const;

const plain = { tanh, sigmoid, logsigmoid, relu, silu, selu, mish, softsign, tanhshrink };
defineMethods({ ...plain, softplus, leakyRelu, elu, celu, gelu });

type PlainMethods = { [K in keyof typeof plain]: () => Tensor };

declare module '../../tensor/tensor.js' {
  interface Tensor extends PlainMethods {
    /** log(1 + e^(beta x)) / beta: see the function `softplus`. */
    softplus(options?: SoftplusOptions): Tensor;
    /** x where x > 0, negativeSlope * x elsewhere: see the function `leakyRelu`. */
    leakyRelu(options?: LeakyReluOptions): Tensor;
    /** x where x > 0, alpha (e^x - 1) elsewhere: see the function `elu`. */
    elu(options?: EluOptions): Tensor;
    /** x where x > 0, alpha (e^(x / alpha) - 1) elsewhere: see the function `celu`. */
    celu(options?: EluOptions): Tensor;
    /** x times the normal distribution function of x: see the function `gelu`. */
    gelu(options?: GeluOptions): Tensor;
  }
}
