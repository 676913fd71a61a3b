import { checkOptions } from '../tensor/shape.js';
import type { Parameters, RowRule } from './group.js';
import { type CommonOptions, checkNotNegative } from './options.js';
import { RowOptimizer } from './row_optimizer.js';

/** Options of {@link Adagrad}. */
export interface AdagradOptions extends CommonOptions {
  /** Learning rate. Default 1e-2. */
  lr?: number;
  /** The rate of step t is lr / (1 + (t - 1) lrDecay). Default 0. */
  lrDecay?: number;
  /** L2 penalty, added to the gradient. Default 0. */
  weightDecay?: number;
  /** What the sums of squares start from. Default 0. */
  initialAccumulatorValue?: number;
  /** Added to the root of the sum of squares. Default 1e-10. */
  eps?: number;
}

const OPTIONS = ['lr', 'lrDecay', 'weightDecay', 'initialAccumulatorValue', 'eps', 'maximize'];

function ruleOf(options: AdagradOptions): RowRule {
  checkOptions('Adagrad', options, OPTIONS);
  const {
    lr = 1e-2,
    lrDecay = 0,
    weightDecay = 0,
    initialAccumulatorValue = 0,
    eps = 1e-10,
    maximize = false,
  } = options;
  const initial = checkNotNegative('Adagrad', { initialAccumulatorValue });
  return {
    row: 'adagrad',
    hyper: {
      ...checkNotNegative('Adagrad', { lr, lrDecay, weightDecay, eps }),
      maximize: maximize ? 1 : 0,
    },
    buffers: ['sum'],
    initial: { sum: initial.initialAccumulatorValue },
  };
}

/**
 * Adagrad (Duchi et al. 2011), with PyTorch's defaults: s += g^2; w -= lr / (1 + (step - 1) lrDecay)
 * * g / (sqrt(s) + eps). 20 bytes a float32 parameter.
 * @example
 * ```ts
 * const w = tensor([1, 2], { requiresGrad: true });
 * const optimizer = new optim.Adagrad([w], { lr: 0.1 });
 * w.square().sum().backward();
 * optimizer.step();
 * w; // => [0.9, 1.9]
 * ```
 */
export class Adagrad extends RowOptimizer<AdagradOptions> {
  constructor(params: Parameters<AdagradOptions>, options: AdagradOptions = {}) {
    super(params, options, ruleOf);
  }
}
