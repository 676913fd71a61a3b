import { TensorError } from '../errors.js';
import { checkOptions } from '../tensor/shape.js';
import type { Parameters, RowRule } from './group.js';
import { type CommonOptions, checkNotNegative } from './options.js';
import { RowOptimizer } from './row_optimizer.js';

/** Options of {@link Adadelta}. */
export interface AdadeltaOptions extends CommonOptions {
  /** Factor of the updates. Default 1. */
  lr?: number;
  /** How much of the running means stays, 0 to 1. Default 0.9. */
  rho?: number;
  /** Added under both roots. Default 1e-6. */
  eps?: number;
  /** L2 penalty, added to the gradient. Default 0. */
  weightDecay?: number;
}

const OPTIONS = ['lr', 'rho', 'eps', 'weightDecay', 'maximize'];

function ruleOf(options: AdadeltaOptions): RowRule {
  checkOptions('Adadelta', options, OPTIONS);
  const { lr = 1, rho = 0.9, eps = 1e-6, weightDecay = 0, maximize = false } = options;
  const numbers = checkNotNegative('Adadelta', { lr, rho, eps, weightDecay });
  if (rho > 1) {
    throw new TensorError('ERR_ARGUMENT', `[Adadelta] rho must be 0 to 1, not ${rho}`);
  }
  return {
    row: 'adadelta',
    hyper: { ...numbers, maximize: maximize ? 1 : 0 },
    buffers: ['square_avg', 'acc_delta'],
  };
}

/**
 * Adadelta (Zeiler 2012), with PyTorch's defaults: v and u are running means of g^2 and d^2, where
 * d = sqrt(u + eps) / sqrt(v + eps) * g; w -= lr d. 28 bytes a float32 parameter.
 * @example
 * ```ts
 * const w = tensor([1, 2], { requiresGrad: true });
 * const optimizer = new optim.Adadelta([w], { lr: 1 });
 * w.square().sum().backward();
 * optimizer.step();
 * w; // => [0.996838, 1.996838]
 * ```
 */
export class Adadelta extends RowOptimizer<AdadeltaOptions> {
  constructor(params: Parameters<AdadeltaOptions>, options: AdadeltaOptions = {}) {
    super(params, options, ruleOf);
  }
}
