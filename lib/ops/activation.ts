/**
 * Activations: elementwise functions that stand behind layers, each with its gradient rule. Those of
 * straight pieces are in piecewise.ts. Names are PyTorch's in camelCase, where "hard" and "log" are
 * words of their own before the name of a function (hardTanh, logSigmoid, as logSoftmax).
 */
import { TensorError } from '../errors.js';
import { checkNumber, checkOptions, describe } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { activation, computeBinary, defineMethods, unary } from './elementwise.js';
import { checkFloating } from './operand.js';

/**
 * The hyperbolic tangent.
 * @example
 * ```ts
 * tanh(tensor([0, 1])); // => [0, 0.761594]
 * ```
 */
export function tanh(x: Tensor): Tensor {
  return unary('tanh', x, (g, y) => computeBinary('tanhBackward', g, y), 'output');
}

/**
 * The logistic function 1 / (1 + e^-x).
 * @example
 * ```ts
 * sigmoid(tensor([0, 100])); // => [0.5, 1]
 * ```
 */
export function sigmoid(x: Tensor): Tensor {
  return unary('sigmoid', x, (g, y) => computeBinary('sigmoidBackward', g, y), 'output');
}

/**
 * log(sigmoid(x)) = -log(1 + e^-x), without overflow or cancellation: softplus with a beta of -1.
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for other dtypes
 * @example
 * ```ts
 * logSigmoid(tensor([0, -100])); // => [-0.693147, -100]
 * ```
 */
export function logSigmoid(x: Tensor): Tensor {
  return softplusBy('logSigmoid', x, -1, Infinity);
}

function softplusBy(operation: string, x: Tensor, beta: number, threshold: number): Tensor {
  return activation(
    operation,
    x,
    ['softplus', [beta, 1 / beta, threshold]],
    ['softplusBackward', [beta, threshold]],
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
 * max(x, 0); the gradient at 0 is 0.
 * @example
 * ```ts
 * relu(tensor([-1, 2])); // => [0, 2]
 * ```
 */
export function relu(x: Tensor): Tensor {
  return unary('relu', x, reluBackward, 'output');
}

/** The gradient of relu from its output. */
export function reluBackward(g: Tensor, y: Tensor): Tensor {
  return computeBinary('reluBackward', g, y);
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
  return activation('leakyRelu', x, ['leakyRelu', [slope]], ['leakyReluBackward']);
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
  return activation(operation, x, ['elu', scales], ['eluBackward']);
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
  return activation('mish', x, ['mish'], ['mishBackward']);
}

/**
 * x / (1 + |x|) (Turian, Bergstra & Bengio 2009); NaN for infinities, as in PyTorch.
 * @example
 * ```ts
 * softsign(tensor([-1, 3])); // => [-0.5, 0.75]
 * ```
 */
export function softsign(x: Tensor): Tensor {
  return activation('softsign', x, ['softsign'], ['softsignBackward']);
}

/**
 * x - tanh(x), with full accuracy for small x too, where it is nearly x^3 / 3.
 * @example
 * ```ts
 * tanhshrink(tensor([0, 1])); // => [0, 0.238406]
 * ```
 */
export function tanhshrink(x: Tensor): Tensor {
  return activation('tanhshrink', x, ['tanhshrink'], ['tanhshrinkBackward']);
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
  return unary('silu', x, (g, _, from) => computeBinary('siluBackward', g, from), 'input');
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
    ? unary('geluTanh', x, (g, _, from) => computeBinary('geluTanhBackward', g, from), 'input')
    : unary('gelu', x, (g, _, from) => computeBinary('geluBackward', g, from), 'input');
}

/** Gradients of the activations that the matrix product can apply on the way out, from the output. */
export const activationBackward = {
  relu: reluBackward,
  sigmoid: (g: Tensor, y: Tensor) => computeBinary('sigmoidBackward', g, y),
  tanh: (g: Tensor, y: Tensor) => computeBinary('tanhBackward', g, y),
} as const;

const plain = { tanh, sigmoid, logSigmoid, relu, silu, selu, mish, softsign, tanhshrink };
defineMethods({ ...plain, softplus, leakyRelu, elu, celu, gelu });

type PlainMethods = { [K in keyof typeof plain]: () => Tensor };

declare module '../tensor/tensor.js' {
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
