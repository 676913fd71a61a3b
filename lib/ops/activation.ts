/** Activations: elementwise functions that stand behind layers. Each stands with its gradient rule. */
import { attach, recording } from '../autograd/tape.js';
import { TensorError } from '../errors.js';
import { checkNumber, checkOptions, describe } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { mul } from './arithmetic.js';
import { computeBinary, defineMethods, unary } from './elementwise.js';
import { checkFloating, scalar } from './operand.js';

/** The hyperbolic tangent. */
export function tanh(x: Tensor): Tensor {
  return unary('tanh', x, (g, y) => computeBinary('tanhBackward', g, y), 'output');
}

/** The logistic function 1 / (1 + e^-x). */
export function sigmoid(x: Tensor): Tensor {
  return unary('sigmoid', x, (g, y) => computeBinary('sigmoidBackward', g, y), 'output');
}

/** log(1 + e^x), without overflow. */
export function softplus(x: Tensor): Tensor {
  return unary('softplus', x, (g, _, from) => mul(g, sigmoid(from)));
}

/** max(x, 0); the gradient at 0 is 0. */
export function relu(x: Tensor): Tensor {
  return unary('relu', x, reluBackward, 'output');
}

/** The gradient of relu from its output. */
export function reluBackward(g: Tensor, y: Tensor): Tensor {
  return computeBinary('reluBackward', g, y);
}

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
 */
export function leakyRelu(x: Tensor, options: LeakyReluOptions = {}): Tensor {
  checkFloating('leakyRelu', x);
  const slope = scalar(negativeSlopeOf('leakyRelu', options), x.dtype);
  const y = computeBinary('leakyRelu', x, slope);
  if (recording(x)) attach(y, 'leakyRelu', [x], [(g) => leakyReluBackward(g, x, slope)]);
  return y;
}

/**
 * The gradient of leakyRelu from its input. Its output in the place of x gives the same bits when the
 * slope is not negative: then both are above 0 at the same elements.
 */
export function leakyReluBackward(g: Tensor, x: Tensor, slope: Tensor): Tensor {
  return mul(g, computeBinary('leakySlope', x, slope));
}

/**
 * x * sigmoid(x), also called swish (Elfwing, Uchibe & Doya 2018). NaN for -infinity, and the
 * gradient at both infinities, as in PyTorch.
 * @param x float32 or float64, any shape; the result has its shape and dtype
 * @throws TensorError ERR_ARGUMENT unless x is a tensor, ERR_DTYPE for other dtypes
 */
export function silu(x: Tensor): Tensor {
  return unary('silu', x, (g, _, from) => computeBinary('siluBackward', g, from), 'input');
}

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

const methods = { tanh, sigmoid, softplus, relu, silu };
defineMethods({ ...methods, leakyRelu, gelu });

type Methods = { [K in keyof typeof methods]: () => Tensor };

declare module '../tensor/tensor.js' {
  interface Tensor extends Methods {
    /** x where x > 0, negativeSlope * x elsewhere: see the function `leakyRelu`. */
    leakyRelu(options?: LeakyReluOptions): Tensor;
    /** x times the normal distribution function of x: see the function `gelu`. */
    gelu(options?: GeluOptions): Tensor;
  }
}
