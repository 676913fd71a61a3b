import { checkOptions } from '../tensor/shape.js';
import type { Parameters, RowRule } from './group.js';
import { type CommonOptions, checkBetas, checkNotNegative } from './options.js';
import { RowOptimizer } from './row_optimizer.js';

/** Options of {@link Adamax}. */
export interface AdamaxOptions extends CommonOptions {
  /** Learning rate. Default 2e-3. */
  lr?: number;
  /** How much of the running mean of the gradient and of its largest magnitude stays. Default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the magnitude of each gradient. Default 1e-8. */
  eps?: number;
  /** L2 penalty, added to the gradient. Default 0. */
  weightDecay?: number;
}

const OPTIONS = ['lr', 'betas', 'eps', 'weightDecay', 'maximize'];

function ruleOf(options: AdamaxOptions): RowRule {
  checkOptions('Adamax', options, OPTIONS);
  const { lr = 2e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0, maximize } = options;
  return {
    row: 'adamax',
    hyper: {
      ...checkBetas('Adamax', betas),
      ...checkNotNegative('Adamax', { lr, eps, weightDecay }),
      maximize: maximize ? 1 : 0,
    },
    buffers: ['exp_avg', 'exp_inf'],
  };
}

/**
 * Adamax (Kingma & Ba 2015, section 7.1), with PyTorch's defaults: m is the running mean of g,
 * u = max(beta2 u, |g| + eps); w -= lr / (1 - beta1^step) * m / u. 28 bytes a float32 parameter.
 * @example
 * ```ts
 * const w = tensor([1, 2], { requiresGrad: true });
 * const optimizer = new optim.Adamax([w], { lr: 0.1 });
 * w.square().sum().backward();
 * optimizer.step();
 * w; // => [0.9, 1.9]
 * ```
 */
export class Adamax extends RowOptimizer<AdamaxOptions> {
  constructor(params: Parameters<AdamaxOptions>, options: AdamaxOptions = {}) {
    super(params, options, ruleOf);
  }
}
