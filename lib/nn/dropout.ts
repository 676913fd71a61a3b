import { checkGenerator, checkProbability, dropout, type Generator } from '../ops/random.js';
import { checkOptions } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { Module } from './module.js';

export interface DropoutLayerOptions {
  /** The stream to draw from; default the one that `manualSeed` seeds. */
  generator?: Generator;
}

/** In training: elements become 0 with probability p, the others are scaled by 1 / (1 - p). */
export class Dropout extends Module {
  private readonly generator: Generator | undefined;

  /** @throws TensorError ERR_ARGUMENT unless 0 <= p <= 1, and for unknown options */
  constructor(
    readonly p = 0.5,
    options: DropoutLayerOptions = {},
  ) {
    super();
    checkProbability('Dropout', p);
    checkOptions('Dropout', options, ['generator']);
    checkGenerator('Dropout', options.generator);
    this.generator = options.generator;
  }

  forward(x: Tensor): Tensor {
    const options = { training: this.training };
    return dropout(x, this.p, this.generator ? { ...options, generator: this.generator } : options);
  }
}
