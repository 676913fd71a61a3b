import { checkOptions } from '../tensor/shape.js';
import type { Parameters, RowRule } from './group.js';
import { type CommonOptions, checkBetas, checkNotNegative } from './options.js';
import { RowOptimizer } from './row_optimizer.js';

/** Options of {@link NAdam}. */
export interface NAdamOptions extends CommonOptions {
  /** Learning rate. Default 2e-3. */
  lr?: number;
  /** How much of the running means of the gradient and of its square stays. Default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the root of the mean square. Default 1e-8. */
  eps?: number;
  /** L2 penalty, added to the gradient, or with decoupledWeightDecay the decay of the weights. Default 0. */
  weightDecay?: number;
  /** How fast the momentum warms up. Default 4e-3. */
  momentumDecay?: number;
  /** Weights shrink by lr * weightDecay, as in AdamW. Default false. */
  decoupledWeightDecay?: boolean;
}

const OPTIONS = [
  ...['lr', 'betas', 'eps', 'weightDecay', 'momentumDecay', 'decoupledWeightDecay', 'maximize'],
];

function ruleOf(options: NAdamOptions): RowRule {
  checkOptions('NAdam', options, OPTIONS);
  const {
    lr = 2e-3,
    betas = [0.9, 0.999],
    eps = 1e-8,
    weightDecay = 0,
    momentumDecay = 4e-3,
    decoupledWeightDecay = false,
    maximize = false,
  } = options;
  return {
    row: 'nadam',
    hyper: {
      ...checkBetas('NAdam', betas),
      ...checkNotNegative('NAdam', { lr, eps, weightDecay, momentumDecay }),
      decoupledWeightDecay: decoupledWeightDecay ? 1 : 0,
      maximize: maximize ? 1 : 0,
    },
    buffers: ['exp_avg', 'exp_avg_sq'],
    scalars: [['mu_product', 1]],
  };
}

/**
 * Adam with Nesterov momentum (Dozat 2016), with PyTorch's defaults: the momentum of step t is
 * mu = beta1 (1 - 0.96^(t momentumDecay) / 2), mu' that of the next step, and P the product of all
 * up to t; w -= lr ((1 - mu) / (1 - P) g + mu' / (1 - P mu') m) / (sqrt(v / bc2) + eps). 28 bytes a
 * float32 parameter.
 * @example
 * ```ts
 * const w = tensor([1, 2], { requiresGrad: true });
 * const optimizer = new optim.NAdam([w], { lr: 0.1 });
 * w.square().sum().backward();
 * optimizer.step();
 * w; // => [0.894355, 1.894355]
 * ```
 */
export class NAdam extends RowOptimizer<NAdamOptions> {
  constructor(params: Parameters<NAdamOptions>, options: NAdamOptions = {}) {
    super(params, options, ruleOf);
  }
}
