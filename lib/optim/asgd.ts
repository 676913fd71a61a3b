import { checkNumber, checkOptions } from '../tensor/shape.js';
import type { Parameters, RowRule } from './group.js';
import { type CommonOptions, checkNotNegative } from './options.js';
import { RowOptimizer } from './row_optimizer.js';

/** Options of {@link ASGD}. */
export interface ASGDOptions extends CommonOptions {
  /** Learning rate. Default 1e-2. */
  lr?: number;
  /** Decay of the weights, and of the rate. Default 1e-4. */
  lambd?: number;
  /** Power of the rate's decay. Default 0.75. */
  alpha?: number;
  /** The step at which averaging begins. Default 1e6. */
  t0?: number;
  /** L2 penalty, added to the gradient. Default 0. */
  weightDecay?: number;
}

function ruleOf(options: ASGDOptions): RowRule {
  checkOptions('ASGD', options, ['lr', 'lambd', 'alpha', 't0', 'weightDecay', 'maximize']);
  const {
    lr = 1e-2,
    lambd = 1e-4,
    alpha = 0.75,
    t0 = 1e6,
    weightDecay = 0,
    maximize = false,
  } = options;
  const numbers = checkNotNegative('ASGD', { lr, lambd, weightDecay });
  return {
    row: 'asgd',
    hyper: {
      ...numbers,
      alpha: checkNumber('ASGD', 'alpha', alpha),
      t0: checkNumber('ASGD', 't0', t0),
      maximize: maximize ? 1 : 0,
    },
    buffers: ['ax'],
    scalars: [
      ['eta', numbers.lr],
      ['mu', 1],
    ],
  };
}

/**
 * Averaged stochastic gradient descent (Polyak & Juditsky 1992), with PyTorch's defaults:
 * w = (1 - lambd eta) w - eta g with eta = lr / (1 + lambd lr t)^alpha of the step before; the state
 * `ax` is w until step t0, then the average of what follows. 20 bytes a float32 parameter.
 * @example
 * ```ts
 * const w = tensor([1, 2], { requiresGrad: true });
 * const optimizer = new optim.ASGD([w], { lr: 0.01 });
 * w.square().sum().backward();
 * optimizer.step();
 * w; // => [0.979999, 1.959998]
 * ```
 */
export class ASGD extends RowOptimizer<ASGDOptions> {
  constructor(params: Parameters<ASGDOptions>, options: ASGDOptions = {}) {
    super(params, options, ruleOf);
  }
}
