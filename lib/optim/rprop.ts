import { TensorError } from '../errors.js';
import { checkNumber, checkOptions } from '../tensor/shape.js';
import type { Parameters, RowRule } from './group.js';
import { type CommonOptions, checkNotNegative, checkPair } from './options.js';
import { RowOptimizer } from './row_optimizer.js';

/** Options of {@link Rprop}. */
export interface RpropOptions extends CommonOptions {
  /** Step size that every weight starts with. Default 1e-2. */
  lr?: number;
  /** Factors of a step size when the gradient's sign has changed (below 1) and when not (above 1). Default [0.5, 1.2]. */
  etas?: readonly [number, number];
  /** Smallest and largest step size. Default [1e-6, 50]. */
  stepSizes?: readonly [number, number];
}

function ruleOf(options: RpropOptions): RowRule {
  checkOptions('Rprop', options, ['lr', 'etas', 'stepSizes', 'maximize']);
  const { lr = 1e-2, etas = [0.5, 1.2], stepSizes = [1e-6, 50], maximize = false } = options;
  const [etaMinus, etaPlus] = checkPair('Rprop', 'etas', etas);
  const [stepMin, stepMax] = checkPair('Rprop', 'stepSizes', stepSizes);
  const numbers = checkNotNegative('Rprop', { lr, stepMin, stepMax });
  checkNumber('Rprop', 'etaMinus', etaMinus, 0, 1);
  checkNumber('Rprop', 'etaPlus', etaPlus, 1);
  if (etaMinus === 0 || etaPlus === 1) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[Rprop] etas must be 0 < etaMinus < 1 < etaPlus, not ${etaMinus} and ${etaPlus}`,
    );
  }
  return {
    row: 'rprop',
    hyper: { ...numbers, etaMinus, etaPlus, maximize: maximize ? 1 : 0 },
    buffers: ['prev', 'step_size'],
    initial: { step_size: numbers.lr },
  };
}

/**
 * Resilient backpropagation (Riedmiller & Braun 1993), for gradients of the whole data, with
 * PyTorch's defaults: every weight has a step size, which grows by etaPlus while the gradient keeps
 * its sign and shrinks by etaMinus when the sign changes; w -= sign(g) * size, and after a change the
 * weight rests for a step. A later change of `lr` has no effect. 28 bytes a float32 parameter.
 * @example
 * ```ts
 * const w = tensor([1, 2], { requiresGrad: true });
 * const optimizer = new optim.Rprop([w], { lr: 0.1 });
 * w.square().sum().backward();
 * optimizer.step();
 * w; // => [0.9, 1.9]
 * ```
 */
export class Rprop extends RowOptimizer<RpropOptions> {
  constructor(params: Parameters<RpropOptions>, options: RpropOptions = {}) {
    super(params, options, ruleOf);
  }
}
