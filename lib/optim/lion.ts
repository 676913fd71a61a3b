import { checkOptions } from '../tensor/shape.js';
import type { Parameters, RowRule } from './group.js';
import { type CommonOptions, checkBetas, checkNotNegative } from './options.js';
import { RowOptimizer } from './row_optimizer.js';

/** Options of {@link Lion}. */
export interface LionOptions extends CommonOptions {
  /** Learning rate; three to ten times smaller than Adam's. Default 1e-4. */
  lr?: number;
  /** Weight of the mean in the update, and how much of the mean stays. Default [0.9, 0.99]. */
  betas?: readonly [number, number];
  /** Decay of the weights, as in AdamW. Default 0. */
  weightDecay?: number;
}

const OPTIONS = ['lr', 'betas', 'weightDecay', 'maximize'];

function ruleOf(options: LionOptions): RowRule {
  checkOptions('Lion', options, OPTIONS);
  const { lr = 1e-4, betas = [0.9, 0.99], weightDecay = 0, maximize = false } = options;
  return {
    row: 'lion',
    hyper: {
      ...checkBetas('Lion', betas),
      ...checkNotNegative('Lion', { lr, weightDecay }),
      maximize: maximize ? 1 : 0,
    },
    buffers: ['exp_avg'],
  };
}

/**
 * Lion (Chen et al. 2023, "Symbolic discovery of optimization algorithms"), with the paper's
 * defaults: w -= lr (sign(beta1 m + (1 - beta1) g) + weightDecay w); m = beta2 m + (1 - beta2) g.
 * Every weight moves by lr; where the mean is NaN or 0 it only decays. 20 bytes a float32 parameter.
 * @example
 * ```ts
 * const w = tensor([1, 2], { requiresGrad: true });
 * const optimizer = new optim.Lion([w], { lr: 0.1 });
 * w.square().sum().backward();
 * optimizer.step();
 * w; // => [0.9, 1.9]
 * ```
 */
export class Lion extends RowOptimizer<LionOptions> {
  constructor(params: Parameters<LionOptions>, options: LionOptions = {}) {
    super(params, options, ruleOf);
  }
}
