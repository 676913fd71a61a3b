/** Activations as modules, without parameters. */
import {
  approximationOf,
  type GeluOptions,
  gelu,
  type LeakyReluOptions,
  leakyRelu,
  negativeSlopeOf,
  relu,
  sigmoid,
  silu,
  tanh,
} from '../ops/activation.js';
import type { Tensor } from '../tensor/tensor.js';
import { Module } from './module.js';

/** max(x, 0) */
export class ReLU extends Module {
  forward(x: Tensor): Tensor {
    return relu(x);
  }
}

/** x where x > 0, negativeSlope * x elsewhere */
export class LeakyReLU extends Module {
  readonly negativeSlope: number;

  /** @throws TensorError ERR_ARGUMENT for unknown options and unless the slope is a finite number */
  constructor(options: LeakyReluOptions = {}) {
    super();
    this.negativeSlope = negativeSlopeOf('LeakyReLU', options);
  }

  forward(x: Tensor): Tensor {
    return leakyRelu(x, { negativeSlope: this.negativeSlope });
  }
}

/** x * sigmoid(x) */
export class SiLU extends Module {
  forward(x: Tensor): Tensor {
    return silu(x);
  }
}

/** x times the normal distribution function of x, by erf or approximated with tanh */
export class GELU extends Module {
  readonly approximate: 'none' | 'tanh';

  /** @throws TensorError ERR_ARGUMENT for unknown options and approximations */
  constructor(options: GeluOptions = {}) {
    super();
    this.approximate = approximationOf('GELU', options);
  }

  forward(x: Tensor): Tensor {
    return gelu(x, { approximate: this.approximate });
  }
}

/** 1 / (1 + e^-x) */
export class Sigmoid extends Module {
  forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}

/** The hyperbolic tangent. */
export class Tanh extends Module {
  forward(x: Tensor): Tensor {
    return tanh(x);
  }
}
