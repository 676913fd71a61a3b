import { TensorError } from '../errors.js';
import { checkNumber, checkOptions } from '../tensor/shape.js';
import type { Parameters, Rule } from './group.js';
import { Optimizer } from './optimizer.js';
import { type CommonOptions, checkNotNegative } from './options.js';

/** Options of {@link SGD}. */
export interface SGDOptions extends CommonOptions {
  /** Learning rate. Default 1e-3. */
  lr?: number;
  /** Weight of the momentum buffer (Polyak 1964). Default 0: no buffer. */
  momentum?: number;
  /**
   * The gradient enters the buffer with weight 1 - dampening. Default 0. With dampening = momentum
   * the buffer is a running mean: m = momentum m + (1 - momentum) g (from m = g at the first step).
   */
  dampening?: number;
  /** L2 penalty: weightDecay * parameter is added to the gradient. Default 0. */
  weightDecay?: number;
  /** Looks ahead along the buffer (Sutskever et al. 2013); needs momentum and no dampening. Default false. */
  nesterov?: boolean;
}

const OPTIONS = ['lr', 'momentum', 'dampening', 'weightDecay', 'nesterov', 'maximize'];

function ruleOf(options: SGDOptions): Rule {
  checkOptions('SGD', options, OPTIONS);
  const {
    lr = 1e-3,
    momentum = 0,
    dampening = 0,
    weightDecay = 0,
    nesterov = false,
    maximize = false,
  } = options;
  if (nesterov && (momentum <= 0 || dampening !== 0)) {
    throw new TensorError('ERR_ARGUMENT', '[SGD] nesterov needs a momentum and no dampening');
  }
  return {
    row: 'sgd',
    hyper: {
      ...checkNotNegative('SGD', { lr, momentum, weightDecay }),
      dampening: checkNumber('SGD', 'dampening', dampening),
      nesterov: nesterov ? 1 : 0,
      maximize: maximize ? 1 : 0,
    },
    buffers: [momentum === 0 ? null : 'momentum_buffer'],
  };
}

/**
 * Stochastic gradient descent with momentum, in PyTorch's form: m = momentum m + (1 - dampening) g
 * (m = g at the first step), w -= lr m; with nesterov, w -= lr (g + momentum m). One pass of 12 bytes
 * a float32 parameter without momentum, 20 with it.
 * @example
 * ```ts
 * const w = tensor([1, 2], { requiresGrad: true });
 * const optimizer = new optim.SGD([w], { lr: 0.1 });
 * w.square().sum().backward();
 * optimizer.step();
 * w; // => [0.8, 1.6]
 * ```
 */
export class SGD extends Optimizer<SGDOptions> {
  constructor(params: Parameters<SGDOptions>, options: SGDOptions = {}) {
    super(params, options, ruleOf);
  }
}
