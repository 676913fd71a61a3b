import { TensorError } from '../errors.js';
import { rows, runRow } from '../native/commands.js';
import { checkNumber, checkOptions } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import {
  type HyperParameters,
  Optimizer,
  type ParameterGroup,
  type ParameterGroupOptions,
  type ParameterState,
} from './optimizer.js';

export interface SGDOptions {
  /** Learning rate. Default 1e-3. */
  lr?: number;
  /** Weight of the momentum buffer (Polyak 1964). Default 0: no buffer. */
  momentum?: number;
  /** The gradient enters the buffer with weight 1 - dampening. Default 0. */
  dampening?: number;
  /** L2 penalty: weightDecay * parameter is added to the gradient. Default 0. */
  weightDecay?: number;
  /** Looks ahead along the buffer (Sutskever et al. 2013); needs momentum and no dampening. Default false. */
  nesterov?: boolean;
  /** Ascends instead of descending. Default false. */
  maximize?: boolean;
}

function hyperOf(options: SGDOptions): HyperParameters {
  checkOptions('SGD', options, [
    'lr',
    'momentum',
    'dampening',
    'weightDecay',
    'nesterov',
    'maximize',
  ]);
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
    lr: checkNumber('SGD', 'lr', lr, 0),
    momentum: checkNumber('SGD', 'momentum', momentum, 0),
    dampening: checkNumber('SGD', 'dampening', dampening),
    weightDecay: checkNumber('SGD', 'weightDecay', weightDecay, 0),
    nesterov: nesterov ? 1 : 0,
    maximize: maximize ? 1 : 0,
  };
}

/** Stochastic gradient descent with momentum, in PyTorch's form: buffer = momentum * buffer + gradient. */
export class SGD extends Optimizer<SGDOptions> {
  constructor(
    params: Iterable<Tensor> | Iterable<ParameterGroupOptions<SGDOptions>>,
    options: SGDOptions = {},
  ) {
    super(params, options, hyperOf);
  }

  protected bufferCount(group: ParameterGroup): number {
    return group.momentum === 0 ? 0 : 1;
  }

  protected update(
    group: ParameterGroup,
    parameter: Tensor,
    gradient: Tensor,
    state: ParameterState,
  ): void {
    const [buffer] = state.buffers;
    if (buffer === undefined) {
      runRow(
        rows.sgd,
        [parameter.array, gradient.array, group.hyper, state.step],
        [parameter.offset, gradient.offset, 0, 0],
        [parameter.numel],
      );
      return;
    }
    runRow(
      rows.sgdMomentum,
      [parameter.array, gradient.array, buffer.array, group.hyper, state.step],
      [parameter.offset, gradient.offset, buffer.offset, 0, 0],
      [parameter.numel],
    );
  }
}
