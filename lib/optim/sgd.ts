import { TensorError } from '../errors.js';
import { checkNumber, checkOptions, describe } from '../tensor/shape.js';
import type { Parameters, RowRule } from './group.js';
import { type CommonOptions, checkNotNegative, NO_BUFFER } from './options.js';
import { RowOptimizer } from './row_optimizer.js';

/** Options of {@link SGD}. */
export interface SGDOptions extends CommonOptions {
  /** Learning rate. Default 1e-3. */
  lr?: number;
  /** Weight of the momentum buffer (Polyak 1964). Default 0: no buffer. */
  momentum?: number;
  /**
   * The gradient enters the buffer with weight 1 - dampening, but for the first one, which becomes
   * the buffer. Default 0.
   */
  dampening?: number;
  /** L2 penalty: weightDecay * parameter is added to the gradient. Default 0. */
  weightDecay?: number;
  /** Looks ahead along the buffer (Sutskever et al. 2013); needs momentum and no dampening. Default false. */
  nesterov?: boolean;
  /**
   * What the momentum buffer is: 'pytorch', a sum m = momentum m + (1 - dampening) g, which starts with
   * m = g, or 'average', a running mean v = momentum v + (1 - momentum) g, which starts from v = 0 (and
   * takes no dampening). The mean is smaller by 1 - momentum, so its learning rate is larger. With
   * dampening = momentum the first form differs from the second in its first value alone: g, and not
   * (1 - momentum) g. Default 'pytorch'.
   */
  momentumForm?: 'pytorch' | 'average';
}

const OPTIONS = [
  ...['lr', 'momentum', 'dampening', 'weightDecay', 'nesterov', 'momentumForm', 'maximize'],
];

function ruleOf(options: SGDOptions): RowRule {
  checkOptions('SGD', options, OPTIONS);
  const {
    lr = 1e-3,
    momentum = 0,
    dampening = 0,
    weightDecay = 0,
    nesterov = false,
    momentumForm = 'pytorch',
    maximize = false,
  } = options;
  if (nesterov && (momentum <= 0 || dampening !== 0)) {
    throw new TensorError('ERR_ARGUMENT', '[SGD] nesterov needs a momentum and no dampening');
  }
  const averages = momentumForm === 'average';
  if (!averages && momentumForm !== 'pytorch') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[SGD] momentumForm is 'pytorch' or 'average', not ${describe(momentumForm)}`,
    );
  }
  if (averages && dampening !== 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      "[SGD] momentumForm 'average' takes no dampening: it is the momentum",
    );
  }
  return {
    row: 'sgd',
    hyper: {
      ...checkNotNegative('SGD', { lr, momentum, weightDecay }),
      dampening: checkNumber('SGD', 'dampening', dampening),
      nesterov: nesterov ? 1 : 0,
      maximize: maximize ? 1 : 0,
      averageMomentum: averages ? 1 : 0,
    },
    ...(momentum === 0 && { fixed: { momentum: NO_BUFFER } }),
    buffers: [momentum === 0 ? null : 'momentum_buffer'],
  };
}

/**
 * Stochastic gradient descent with momentum, in PyTorch's form: m = momentum m + (1 - dampening) g
 * (m = g at the first step), w -= lr m; with nesterov, w -= lr (g + momentum m). Or in the averaging
 * form (`momentumForm`): v = momentum v + (1 - momentum) g (v = 0 before the first step), w -= lr v;
 * with nesterov, w -= lr ((1 - momentum) g + momentum v). One pass of 12 bytes a float32 parameter
 * without momentum, 20 with it.
 * @example
 * ```ts
 * const w = tensor([1, 2], { requiresGrad: true });
 * const optimizer = new optim.SGD([w], { lr: 0.1 });
 * w.square().sum().backward();
 * optimizer.step();
 * w; // => [0.8, 1.6]
 * new optim.SGD([w], { lr: 0.1, momentum: 0.9, momentumForm: 'average' }).step();
 * w; // => [0.78, 1.56]
 * ```
 */
export class SGD extends RowOptimizer<SGDOptions> {
  constructor(params: Parameters<SGDOptions>, options: SGDOptions = {}) {
    super(params, options, ruleOf);
  }
}
