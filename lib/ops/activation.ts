/** Activations: elementwise functions that stand behind layers. Each stands with its gradient rule. */
import { Tensor } from '../tensor/tensor.js';
import { computeBinary, mul, unary } from './elementwise.js';

/** The hyperbolic tangent. */
export function tanh(x: Tensor): Tensor {
  return unary('tanh', x, (g, y) => computeBinary('tanhBackward', g, y));
}

/** The logistic function 1 / (1 + e^-x). */
export function sigmoid(x: Tensor): Tensor {
  return unary('sigmoid', x, (g, y) => computeBinary('sigmoidBackward', g, y));
}

/** log(1 + e^x), without overflow. */
export function softplus(x: Tensor): Tensor {
  return unary('softplus', x, (g, _, from) => mul(g, sigmoid(from)));
}

/** max(x, 0); the gradient at 0 is 0. */
export function relu(x: Tensor): Tensor {
  return unary('relu', x, reluBackward);
}

/** The gradient of relu from its output. */
export function reluBackward(g: Tensor, y: Tensor): Tensor {
  return computeBinary('reluBackward', g, y);
}

/** x times the normal distribution function of x (Hendrycks & Gimpel 2016), by erf. */
export function gelu(x: Tensor): Tensor {
  return unary('gelu', x, (g, _, from) => computeBinary('geluBackward', g, from));
}

/** Gradients of the activations that the matrix product can apply on the way out, from the output. */
export const activationBackward = {
  relu: reluBackward,
  sigmoid: (g: Tensor, y: Tensor) => computeBinary('sigmoidBackward', g, y),
  tanh: (g: Tensor, y: Tensor) => computeBinary('tanhBackward', g, y),
} as const;

const methods = { tanh, sigmoid, softplus, relu, gelu };

type Methods = { [K in keyof typeof methods]: () => Tensor };

declare module '../tensor/tensor.js' {
  interface Tensor extends Methods {}
}

for (const [name, fn] of Object.entries(methods)) {
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor) {
      return fn(this);
    },
    writable: true,
    configurable: true,
  });
}
