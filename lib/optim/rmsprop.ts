import { checkOptions } from '../tensor/shape.js';
import type { Parameters, RowRule } from './group.js';
import { type CommonOptions, checkNotNegative, NO_BUFFER } from './options.js';
import { RowOptimizer } from './row_optimizer.js';

/** Options of {@link RMSprop}. */
export interface RMSpropOptions extends CommonOptions {
  /** Learning rate. Default 1e-2. */
  lr?: number;
  /** How much of the running mean of the squared gradient stays. Default 0.99. */
  alpha?: number;
  /** Added to the root of the mean square. Default 1e-8. */
  eps?: number;
  /** L2 penalty, added to the gradient. Default 0. */
  weightDecay?: number;
  /** Weight of the momentum buffer. Default 0: no buffer. */
  momentum?: number;
  /** Divides by the root of the variance, which takes the mean of the gradient. Default false. */
  centered?: boolean;
}

const OPTIONS = ['lr', 'alpha', 'eps', 'weightDecay', 'momentum', 'centered', 'maximize'];

function ruleOf(options: RMSpropOptions): RowRule {
  checkOptions('RMSprop', options, OPTIONS);
  const {
    lr = 1e-2,
    alpha = 0.99,
    eps = 1e-8,
    weightDecay = 0,
    momentum = 0,
    centered = false,
    maximize = false,
  } = options;
  return {
    row: 'rmsprop',
    hyper: {
      ...checkNotNegative('RMSprop', { lr, alpha, eps, weightDecay, momentum }),
      maximize: maximize ? 1 : 0,
    },
    ...(momentum === 0 && { fixed: { momentum: NO_BUFFER } }),
    buffers: ['square_avg', momentum > 0 ? 'momentum_buffer' : null, centered ? 'grad_avg' : null],
  };
}

/**
 * RMSprop (Tieleman & Hinton 2012; centered: Graves 2013), with PyTorch's defaults: v is the running
 * mean of g^2, d = g / (sqrt(v) + eps), or with the mean a of g, g / (sqrt(v - a^2) + eps); w -= lr d,
 * or with momentum b = momentum b + d and w -= lr b. 20 bytes a float32 parameter, 8 more for each
 * of momentum and centered.
 * @example
 * ```ts
 * const w = tensor([1, 2], { requiresGrad: true });
 * const optimizer = new optim.RMSprop([w], { lr: 0.1 });
 * w.square().sum().backward();
 * optimizer.step();
 * w; // => [0, 1]
 * ```
 */
export class RMSprop extends RowOptimizer<RMSpropOptions> {
  constructor(params: Parameters<RMSpropOptions>, options: RMSpropOptions = {}) {
    super(params, options, ruleOf);
  }
}
