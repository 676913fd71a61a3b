import {
  alphaDropout,
  type DropoutOptions,
  dropout,
  featureAlphaDropout,
  featureDropout,
} from '../../ops/random/dropout.js';
import { checkGenerator, checkProbability, type Generator } from '../../ops/random/random.js';
import { checkOptions } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module/module.js';

/** Options of {@link Dropout} and the other dropout layers. */
export interface DropoutLayerOptions {
  /** The stream to draw from; default the one that `manualSeed` seeds. */
  generator?: Generator;
}

/** What the layers share: a probability and a generator. */
abstract class RandomLayer extends Module {
  private readonly generator: Generator | undefined;

  constructor(
    name: string,
    /** The probability of a zero. */
    readonly p: number,
    options: DropoutLayerOptions,
  ) {
    super();
    checkProbability(name, p);
    checkOptions(name, options, ['generator']);
    checkGenerator(name, options.generator);
    this.generator = options.generator;
  }

  protected options(): DropoutOptions {
    const options = { training: this.training };
    return this.generator ? { ...options, generator: this.generator } : options;
  }
}

/**
 * In training: elements become 0 with probability p, the others are scaled by 1 / (1 - p).
 * @example
 * ```ts
 * new nn.Dropout(0.5).eval().forward(ones([2])); // => [1, 1]
 * ```
 */
export class Dropout extends RandomLayer {
  /** @throws TensorError ERR_ARGUMENT unless 0 <= p <= 1, and for unknown options */
  constructor(p = 0.5, options: DropoutLayerOptions = {}) {
    super('Dropout', p, options);
  }

  forward(x: Tensor): Tensor {
    return dropout(x, this.p, this.options());
  }
}

/**
 * In training: whole channels of [batch, channels, length] are dropped, see `featureDropout`.
 * @example
 * ```ts
 * new nn.Dropout1d(0.5).eval().forward(ones([1, 1, 2])); // => [[[1, 1]]]
 * ```
 */
export class Dropout1d extends RandomLayer {
  /** @throws TensorError ERR_ARGUMENT unless 0 <= p <= 1, and for unknown options */
  constructor(p = 0.5, options: DropoutLayerOptions = {}) {
    super('Dropout1d', p, options);
  }

  forward(x: Tensor): Tensor {
    return featureDropout(x, this.p, this.options());
  }
}

/**
 * In training: whole channels of [batch, channels, ...] are dropped, see `featureDropout`.
 * @example
 * ```ts
 * new nn.Dropout2d(0.5).eval().forward(ones([1, 1, 2, 2])); // => [[[[1, 1], [1, 1]]]]
 * ```
 */
export class Dropout2d extends RandomLayer {
  /** @throws TensorError ERR_ARGUMENT unless 0 <= p <= 1, and for unknown options */
  constructor(p = 0.5, options: DropoutLayerOptions = {}) {
    super('Dropout2d', p, options);
  }

  forward(x: Tensor): Tensor {
    return featureDropout(x, this.p, this.options());
  }
}

/**
 * In training: whole channels of [batch, channels, depth, height, width] are dropped, see `featureDropout`.
 * @example
 * ```ts
 * new nn.Dropout3d(0.5).eval().forward(ones([1, 1, 1, 1, 2])); // => [[[[[1, 1]]]]]
 * ```
 */
export class Dropout3d extends RandomLayer {
  /** @throws TensorError ERR_ARGUMENT unless 0 <= p <= 1, and for unknown options */
  constructor(p = 0.5, options: DropoutLayerOptions = {}) {
    super('Dropout3d', p, options);
  }

  forward(x: Tensor): Tensor {
    return featureDropout(x, this.p, this.options());
  }
}

/**
 * In training: dropout that keeps mean 0 and variance 1, for networks of SELUs: see `alphaDropout`.
 * @example
 * ```ts
 * new nn.AlphaDropout(0.5).eval().forward(ones([2])); // => [1, 1]
 * ```
 */
export class AlphaDropout extends RandomLayer {
  /** @throws TensorError ERR_ARGUMENT unless 0 <= p <= 1, and for unknown options */
  constructor(p = 0.5, options: DropoutLayerOptions = {}) {
    super('AlphaDropout', p, options);
  }

  forward(x: Tensor): Tensor {
    return alphaDropout(x, this.p, this.options());
  }
}

/**
 * In training: alpha dropout of whole channels: see `featureAlphaDropout`.
 * @example
 * ```ts
 * new nn.FeatureAlphaDropout(0.5).eval().forward(ones([1, 1, 2])); // => [[[1, 1]]]
 * ```
 */
export class FeatureAlphaDropout extends RandomLayer {
  /** @throws TensorError ERR_ARGUMENT unless 0 <= p <= 1, and for unknown options */
  constructor(p = 0.5, options: DropoutLayerOptions = {}) {
    super('FeatureAlphaDropout', p, options);
  }

  forward(x: Tensor): Tensor {
    return featureAlphaDropout(x, this.p, this.options());
  }
}
