import { checkOptions } from '../tensor/shape.js';
import type { Parameters, RowRule } from './group.js';
import { type CommonOptions, checkBetas, checkNotNegative } from './options.js';
import { RowOptimizer } from './row_optimizer.js';

/** Options of {@link RAdam}. */
export interface RAdamOptions extends CommonOptions {
  /** Learning rate. Default 1e-3. */
  lr?: number;
  /** How much of the running means of the gradient and of its square stays. Default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the root of the mean square. Default 1e-8. */
  eps?: number;
  /** L2 penalty, added to the gradient, or with decoupledWeightDecay the decay of the weights. Default 0. */
  weightDecay?: number;
  /** Weights shrink by lr * weightDecay, as in AdamW. Default false. */
  decoupledWeightDecay?: boolean;
}

const OPTIONS = ['lr', 'betas', 'eps', 'weightDecay', 'decoupledWeightDecay', 'maximize'];

function ruleOf(options: RAdamOptions): RowRule {
  checkOptions('RAdam', options, OPTIONS);
  const {
    lr = 1e-3,
    betas = [0.9, 0.999],
    eps = 1e-8,
    weightDecay = 0,
    decoupledWeightDecay = false,
    maximize = false,
  } = options;
  return {
    row: 'radam',
    hyper: {
      ...checkBetas('RAdam', betas),
      ...checkNotNegative('RAdam', { lr, eps, weightDecay }),
      decoupledWeightDecay: decoupledWeightDecay ? 1 : 0,
      maximize: maximize ? 1 : 0,
    },
    buffers: ['exp_avg', 'exp_avg_sq'],
  };
}

/**
 * Adam with a rectified adaptive rate (Liu et al. 2020), with PyTorch's defaults: while the length
 * rho of the average of g^2 is at most 5, w -= lr / bc1 * m; later w -= lr / bc1 * r sqrt(bc2) *
 * m / (sqrt(v) + eps), where r corrects for the variance at rho. 28 bytes a float32 parameter.
 * @example
 * ```ts
 * const w = tensor([1, 2], { requiresGrad: true });
 * const optimizer = new optim.RAdam([w], { lr: 0.1 });
 * w.square().sum().backward();
 * optimizer.step();
 * w; // => [0.8, 1.6]
 * ```
 */
export class RAdam extends RowOptimizer<RAdamOptions> {
  constructor(params: Parameters<RAdamOptions>, options: RAdamOptions = {}) {
    super(params, options, ruleOf);
  }
}
