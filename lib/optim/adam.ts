import { checkOptions } from '../tensor/shape.js';
import type { Parameters, RowRule } from './group.js';
import { type CommonOptions, checkBetas, checkNotNegative } from './options.js';
import { RowOptimizer } from './row_optimizer.js';

/** Options of {@link Adam} and {@link AdamW}. */
export interface AdamOptions extends CommonOptions {
  /** Learning rate. Default 1e-3. */
  lr?: number;
  /** How much of the running means of the gradient and of its square stays. Default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the root of the mean square. Default 1e-8. */
  eps?: number;
  /** Adam: L2 penalty, added to the gradient, default 0. AdamW: decay of the weights, default 1e-2. */
  weightDecay?: number;
  /** Divides by the largest mean square so far (Reddi et al. 2018), which takes another buffer. Default false. */
  amsgrad?: boolean;
}

const OPTIONS = ['lr', 'betas', 'eps', 'weightDecay', 'amsgrad', 'maximize'];

const ruleOf =
  (name: string, decoupled: boolean) =>
  (options: AdamOptions): RowRule => {
    checkOptions(name, options, OPTIONS);
    const {
      lr = 1e-3,
      betas = [0.9, 0.999],
      eps = 1e-8,
      weightDecay = decoupled ? 1e-2 : 0,
      amsgrad = false,
      maximize = false,
    } = options;
    return {
      row: 'adam',
      hyper: {
        ...checkBetas(name, betas),
        ...checkNotNegative(name, { lr, eps, weightDecay }),
        decoupledWeightDecay: decoupled ? 1 : 0,
        maximize: maximize ? 1 : 0,
      },
      buffers: ['exp_avg', 'exp_avg_sq', amsgrad ? 'max_exp_avg_sq' : null],
    };
  };

/**
 * Adam (Kingma & Ba 2015), with PyTorch's defaults and order of operations: m and v are running means
 * of g and g^2; w -= lr / bc1 * m / (sqrt(v) / sqrt(bc2) + eps), with bc = 1 - beta^step. One pass of
 * 28 bytes a float32 parameter, 36 with amsgrad.
 * @example
 * ```ts
 * const w = tensor([1, 2], { requiresGrad: true });
 * const optimizer = new optim.Adam([w], { lr: 0.1 });
 * w.square().sum().backward();
 * optimizer.step();
 * w; // => [0.9, 1.9]
 * ```
 */
export class Adam extends RowOptimizer<AdamOptions> {
  constructor(params: Parameters<AdamOptions>, options: AdamOptions = {}) {
    super(params, options, ruleOf('Adam', false));
  }
}

/**
 * Adam with decoupled weight decay (Loshchilov & Hutter 2019): weights shrink by lr * weightDecay.
 * @example
 * ```ts
 * const w = tensor([1, 2], { requiresGrad: true });
 * const optimizer = new optim.AdamW([w], { lr: 0.1 });
 * w.square().sum().backward();
 * optimizer.step();
 * w; // => [0.899, 1.898]
 * ```
 */
export class AdamW extends RowOptimizer<AdamOptions> {
  constructor(params: Parameters<AdamOptions>, options: AdamOptions = {}) {
    super(params, options, ruleOf('AdamW', true));
  }
}
