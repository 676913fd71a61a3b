/** Activations of straight pieces as modules; PReLU learns its slope. */
import {
  type LeakyReluOptions,
  leakyRelu,
  negativeSlopeOf,
  relu,
} from '../../ops/elementwise/activation.js';
import {
  checkThreshold,
  type HardtanhOptions,
  hardshrink,
  hardsigmoid,
  hardswish,
  hardtanh,
  hardtanhRange,
  lambdaOf,
  prelu,
  type RreluOptions,
  relu6,
  rrelu,
  type ShrinkOptions,
  slopesOf,
  softshrink,
  threshold,
} from '../../ops/elementwise/piecewise.js';
import { checkGenerator, type Generator } from '../../ops/random/random.js';
import { full } from '../../tensor/creation.js';
import type { DType } from '../../tensor/dtype.js';
import { checkNumber, checkOptions } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module/module.js';
import { Parameter } from '../module/parameter.js';
import { formatFields } from '../module/repr.js';
import { checkDType, checkSize } from './checks.js';

/**
 * max(x, 0)
 * @example
 * ```ts
 * new nn.ReLU().forward(tensor([-1, 2])); // => [0, 2]
 * ```
 */
export class ReLU extends Module {
  forward(x: Tensor): Tensor {
    return relu(x);
  }
}

/**
 * x where x > 0, negativeSlope * x elsewhere
 * @example
 * ```ts
 * new nn.LeakyReLU({ negativeSlope: 0.1 }).forward(tensor([-1, 2])); // => [-0.1, 2]
 * ```
 */
export class LeakyReLU extends Module {
  /** Slope below 0. */
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

/** Options of {@link PReLU}. */
export interface PReLUOptions {
  /** The slopes at first. Default 0.25. */
  init?: number;
  /** float32 (default) or float64. */
  dtype?: DType;
}

/**
 * x where x > 0, weight * x elsewhere, with a learned weight: one for all or one for each channel.
 * @example
 * ```ts
 * new nn.PReLU().forward(tensor([-4, 2])); // => [-1, 2]
 * ```
 */
export class PReLU extends Module {
  /** Shape [numParameters]. */
  readonly weight: Parameter;

  /**
   * @param numParameters 1, or the number of channels, which dimension 1 of inputs counts
   * @throws TensorError ERR_ARGUMENT unless numParameters is a whole number >= 1 and init finite, and
   * for unknown options; ERR_DTYPE for another dtype
   */
  constructor(numParameters = 1, options: PReLUOptions = {}) {
    super();
    checkOptions('PReLU', options, ['init', 'dtype']);
    checkSize('PReLU', numParameters);
    const { init = 0.25, dtype = 'float32' } = options;
    checkNumber('PReLU', 'init', init);
    checkDType('PReLU', dtype);
    this.weight = new Parameter(full([numParameters], init, { dtype }));
  }

  forward(x: Tensor): Tensor {
    return prelu(x, this.weight);
  }

  override extraRepr(): string {
    return formatFields({ numParameters: this.weight.numel });
  }
}

/** Options of {@link RReLU}. */
export type RReLUOptions = Omit<RreluOptions, 'training'>;

/**
 * x where x > 0, slope * x elsewhere, with a random slope for every element in training and the mean
 * slope in evaluation: see the function `rrelu`.
 * @example
 * ```ts
 * new nn.RReLU({ lower: 0.2, upper: 0.3 }).eval().forward(tensor([-4, 2])); // => [-1, 2]
 * ```
 */
export class RReLU extends Module {
  /** The least slope. */
  readonly lower: number;
  /** The greatest slope. */
  readonly upper: number;
  private readonly generator: Generator | undefined;

  /** @throws TensorError ERR_ARGUMENT for unknown options and unless lower <= upper, both finite */
  constructor(options: RReLUOptions = {}) {
    super();
    checkOptions('RReLU', options, ['lower', 'upper', 'generator']);
    [this.lower, this.upper] = slopesOf('RReLU', options);
    checkGenerator('RReLU', options.generator);
    this.generator = options.generator;
  }

  forward(x: Tensor): Tensor {
    const { lower, upper, training, generator } = this;
    return rrelu(x, { lower, upper, training, ...(generator ? { generator } : {}) });
  }
}

/**
 * min(max(x, 0), 6)
 * @example
 * ```ts
 * new nn.ReLU6().forward(tensor([-1, 7])); // => [0, 6]
 * ```
 */
export class ReLU6 extends Module {
  forward(x: Tensor): Tensor {
    return relu6(x);
  }
}

/**
 * min(max(x + 3, 0), 6) / 6
 * @example
 * ```ts
 * new nn.Hardsigmoid().forward(tensor([-3, 0, 3])); // => [0, 0.5, 1]
 * ```
 */
export class Hardsigmoid extends Module {
  forward(x: Tensor): Tensor {
    return hardsigmoid(x);
  }
}

/**
 * x min(max(x + 3, 0), 6) / 6
 * @example
 * ```ts
 * new nn.Hardswish().forward(tensor([-3, 0, 3])); // => [0, 0, 3]
 * ```
 */
export class Hardswish extends Module {
  forward(x: Tensor): Tensor {
    return hardswish(x);
  }
}

/**
 * min(max(x, minVal), maxVal)
 * @example
 * ```ts
 * new nn.Hardtanh().forward(tensor([-3, 0.5, 3])); // => [-1, 0.5, 1]
 * ```
 */
export class Hardtanh extends Module {
  /** Lower limit. */
  readonly minVal: number;
  /** Upper limit. */
  readonly maxVal: number;

  /** @throws TensorError ERR_ARGUMENT for unknown options and unless minVal <= maxVal, both finite */
  constructor(options: HardtanhOptions = {}) {
    super();
    [this.minVal, this.maxVal] = hardtanhRange('Hardtanh', options);
  }

  forward(x: Tensor): Tensor {
    return hardtanh(x, { minVal: this.minVal, maxVal: this.maxVal });
  }
}

/**
 * x moved towards 0 by lambda, 0 where that would pass it
 * @example
 * ```ts
 * new nn.Softshrink().forward(tensor([-1, 0.3, 2])); // => [-0.5, 0, 1.5]
 * ```
 */
export class Softshrink extends Module {
  /** Values of at most this magnitude become 0. */
  readonly lambda: number;

  /** @throws TensorError ERR_ARGUMENT for unknown options and unless lambda is finite and >= 0 */
  constructor(options: ShrinkOptions = {}) {
    super();
    this.lambda = lambdaOf('Softshrink', options, 0);
  }

  forward(x: Tensor): Tensor {
    return softshrink(x, { lambda: this.lambda });
  }
}

/**
 * 0 where |x| <= lambda, x elsewhere
 * @example
 * ```ts
 * new nn.Hardshrink().forward(tensor([-1, 0.3])); // => [-1, 0]
 * ```
 */
export class Hardshrink extends Module {
  /** Values of at most this magnitude become 0. */
  readonly lambda: number;

  /** @throws TensorError ERR_ARGUMENT for unknown options and unless lambda is a finite number */
  constructor(options: ShrinkOptions = {}) {
    super();
    this.lambda = lambdaOf('Hardshrink', options, -Infinity);
  }

  forward(x: Tensor): Tensor {
    return hardshrink(x, { lambda: this.lambda });
  }
}

/**
 * x where x > threshold, `value` elsewhere
 * @example
 * ```ts
 * new nn.Threshold(1, 9).forward(tensor([0.5, 2])); // => [9, 2]
 * ```
 */
export class Threshold extends Module {
  /** @throws TensorError ERR_ARGUMENT unless both are finite numbers */
  constructor(
    /** Values up to it are replaced. */
    readonly threshold: number,
    /** What replaces them. */
    readonly value: number,
  ) {
    super();
    checkThreshold('Threshold', threshold, value);
  }

  forward(x: Tensor): Tensor {
    return threshold(x, this.threshold, this.value);
  }
}
