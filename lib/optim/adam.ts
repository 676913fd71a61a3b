import { TensorError } from '../errors.js';
import { rows, runRow } from '../native/commands.js';
import { checkNumber, checkOptions, describe } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import {
  type HyperParameters,
  Optimizer,
  type ParameterGroup,
  type ParameterGroupOptions,
  type ParameterState,
} from './optimizer.js';

export interface AdamOptions {
  /** Learning rate. Default 1e-3. */
  lr?: number;
  /** How much of the running means of the gradient and of its square stays. Default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the root of the mean square. Default 1e-8. */
  eps?: number;
  /** Adam: L2 penalty, added to the gradient, default 0. AdamW: decay of the weights, default 1e-2. */
  weightDecay?: number;
  /** Ascends instead of descending. Default false. */
  maximize?: boolean;
}

const OPTION_NAMES = ['lr', 'betas', 'eps', 'weightDecay', 'maximize'];

function hyperOf(name: string, decoupled: boolean, options: AdamOptions): HyperParameters {
  checkOptions(name, options, OPTION_NAMES);
  const {
    lr = 1e-3,
    betas = [0.9, 0.999],
    eps = 1e-8,
    weightDecay = decoupled ? 1e-2 : 0,
    maximize = false,
  } = options;
  if (!Array.isArray(betas) || betas.length !== 2) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${name}] betas are two numbers, not ${describe(betas)}`,
    );
  }
  return {
    lr: checkNumber(name, 'lr', lr, 0),
    beta1: checkNumber(name, 'beta1', betas[0], 0, 1),
    beta2: checkNumber(name, 'beta2', betas[1], 0, 1),
    eps: checkNumber(name, 'eps', eps, 0),
    weightDecay: checkNumber(name, 'weightDecay', weightDecay, 0),
    decoupled: decoupled ? 1 : 0,
    maximize: maximize ? 1 : 0,
  };
}

abstract class AdamBase extends Optimizer<AdamOptions> {
  protected bufferCount(): number {
    return 2;
  }

  protected update(
    group: ParameterGroup,
    parameter: Tensor,
    gradient: Tensor,
    state: ParameterState,
  ): void {
    const [mean, square] = state.buffers as [Tensor, Tensor];
    runRow(
      rows.adam,
      [parameter.array, gradient.array, mean.array, square.array, group.hyper, state.step],
      [parameter.offset, gradient.offset, mean.offset, square.offset, 0, 0],
      [parameter.numel],
    );
  }
}

/** Adam (Kingma & Ba 2015), with PyTorch's defaults and order of operations. */
export class Adam extends AdamBase {
  constructor(
    params: Iterable<Tensor> | Iterable<ParameterGroupOptions<AdamOptions>>,
    options: AdamOptions = {},
  ) {
    super(params, options, (own) => hyperOf('Adam', false, own));
  }
}

/** Adam with decoupled weight decay (Loshchilov & Hutter 2019): weights shrink by lr * weightDecay. */
export class AdamW extends AdamBase {
  constructor(
    params: Iterable<Tensor> | Iterable<ParameterGroupOptions<AdamOptions>>,
    options: AdamOptions = {},
  ) {
    super(params, options, (own) => hyperOf('AdamW', true, own));
  }
}
