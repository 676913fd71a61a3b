/** Activations as modules. Those of straight pieces are in piecewise.ts. */
import { TensorError } from '../../errors.js';
import {
  alphaOf,
  approximationOf,
  celu,
  celuAlphaOf,
  type EluOptions,
  elu,
  type GeluOptions,
  gelu,
  logsigmoid,
  mish,
  type SoftplusOptions,
  selu,
  sigmoid,
  silu,
  softplus,
  softplusOptionsOf,
  softsign,
  tanh,
  tanhshrink,
} from '../../ops/elementwise/activation.js';
import { glu } from '../../ops/elementwise/glu.js';
import { logSoftmax, softmax, softmin } from '../../ops/normalization/softmax.js';
import { checkTensor } from '../../ops/operand.js';
import { formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module/module.js';
import { formatFields } from '../module/repr.js';
import { checkDim } from './checks.js';

/**
 * x * sigmoid(x)
 * @example
 * ```ts
 * new nn.SiLU().forward(tensor([0, 1])); // => [0, 0.731059]
 * ```
 */
export class SiLU extends Module {
  forward(x: Tensor): Tensor {
    return silu(x);
  }
}

/**
 * x times the normal distribution function of x, by erf or approximated with tanh
 * @example
 * ```ts
 * new nn.GELU().forward(tensor([0, 1])); // => [0, 0.841345]
 * ```
 */
export class GELU extends Module {
  /** Whether the normal distribution function is approximated with tanh. */
  readonly approximate: 'none' | 'tanh';

  /** @throws TensorError ERR_ARGUMENT for unknown options and approximations */
  constructor(options: GeluOptions = {}) {
    super();
    this.approximate = approximationOf('GELU', options);
  }

  forward(x: Tensor): Tensor {
    return gelu(x, { approximate: this.approximate });
  }
}

/**
 * 1 / (1 + e^-x)
 * @example
 * ```ts
 * new nn.Sigmoid().forward(tensor([0])); // => [0.5]
 * ```
 */
export class Sigmoid extends Module {
  forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}

/**
 * The hyperbolic tangent.
 * @example
 * ```ts
 * new nn.Tanh().forward(tensor([0, 1])); // => [0, 0.761594]
 * ```
 */
export class Tanh extends Module {
  forward(x: Tensor): Tensor {
    return tanh(x);
  }
}

/**
 * log(1 / (1 + e^-x))
 * @example
 * ```ts
 * new nn.LogSigmoid().forward(tensor([0])); // => [-0.693147]
 * ```
 */
export class LogSigmoid extends Module {
  forward(x: Tensor): Tensor {
    return logsigmoid(x);
  }
}

/**
 * x / (1 + |x|)
 * @example
 * ```ts
 * new nn.Softsign().forward(tensor([-1, 3])); // => [-0.5, 0.75]
 * ```
 */
export class Softsign extends Module {
  forward(x: Tensor): Tensor {
    return softsign(x);
  }
}

/**
 * x - tanh(x)
 * @example
 * ```ts
 * new nn.Tanhshrink().forward(tensor([0, 1])); // => [0, 0.238406]
 * ```
 */
export class Tanhshrink extends Module {
  forward(x: Tensor): Tensor {
    return tanhshrink(x);
  }
}

/**
 * x tanh(log(1 + e^x))
 * @example
 * ```ts
 * new nn.Mish().forward(tensor([0, 1])); // => [0, 0.865098]
 * ```
 */
export class Mish extends Module {
  forward(x: Tensor): Tensor {
    return mish(x);
  }
}

/**
 * The scaled exponential linear unit: see the function `selu`.
 * @example
 * ```ts
 * new nn.SELU().forward(tensor([-1, 1])); // => [-1.111331, 1.050701]
 * ```
 */
export class SELU extends Module {
  forward(x: Tensor): Tensor {
    return selu(x);
  }
}

/**
 * x where x > 0, alpha (e^x - 1) elsewhere
 * @example
 * ```ts
 * new nn.ELU().forward(tensor([-1, 2])); // => [-0.632121, 2]
 * ```
 */
export class ELU extends Module {
  /** The limit of the negative side. */
  readonly alpha: number;

  /** @throws TensorError ERR_ARGUMENT for unknown options and unless alpha is a finite number */
  constructor(options: EluOptions = {}) {
    super();
    this.alpha = alphaOf('ELU', options);
  }

  forward(x: Tensor): Tensor {
    return elu(x, { alpha: this.alpha });
  }
}

/**
 * x where x > 0, alpha (e^(x / alpha) - 1) elsewhere
 * @example
 * ```ts
 * new nn.CELU().forward(tensor([-1, 2])); // => [-0.632121, 2]
 * ```
 */
export class CELU extends Module {
  /** The limit of the negative side. */
  readonly alpha: number;

  /** @throws TensorError ERR_ARGUMENT for unknown options and unless alpha is finite and not 0 */
  constructor(options: EluOptions = {}) {
    super();
    this.alpha = celuAlphaOf('CELU', options);
  }

  forward(x: Tensor): Tensor {
    return celu(x, { alpha: this.alpha });
  }
}

/**
 * log(1 + e^(beta x)) / beta
 * @example
 * ```ts
 * new nn.Softplus().forward(tensor([0])); // => [0.693147]
 * ```
 */
export class Softplus extends Module {
  private readonly options: SoftplusOptions;

  /** @throws TensorError ERR_ARGUMENT for unknown options, numbers that are not finite and beta 0 */
  constructor(options: SoftplusOptions = {}) {
    super();
    softplusOptionsOf('Softplus', options);
    this.options = { ...options };
  }

  forward(x: Tensor): Tensor {
    return softplus(x, this.options);
  }

  override extraRepr(): string {
    return formatFields({ beta: 1, ...this.options });
  }
}

/**
 * a * sigmoid(b) for the halves a, b along a dimension
 * @example
 * ```ts
 * new nn.GLU().forward(tensor([1, 2, 0, 0])); // => [0.5, 1]
 * ```
 */
export class GLU extends Module {
  /** @throws TensorError ERR_INDEX unless the dimension is a whole number */
  constructor(
    /** The dimension that it goes along. */
    readonly dim = -1,
  ) {
    super();
    checkDim('GLU', dim);
  }

  forward(x: Tensor): Tensor {
    return glu(x, this.dim);
  }
}

/**
 * e^x / sum(e^x) along a dimension
 * @example
 * ```ts
 * new nn.Softmax(1).forward(tensor([[0, 0]])); // => [[0.5, 0.5]]
 * ```
 */
export class Softmax extends Module {
  /** @throws TensorError ERR_INDEX unless the dimension is a whole number */
  constructor(
    /** The dimension that it goes along. */
    readonly dim = -1,
  ) {
    super();
    checkDim('Softmax', dim);
  }

  forward(x: Tensor): Tensor {
    return softmax(x, this.dim);
  }
}

/**
 * log(softmax(x)) along a dimension
 * @example
 * ```ts
 * new nn.LogSoftmax(1).forward(tensor([[0, 0]])); // => [[-0.693147, -0.693147]]
 * ```
 */
export class LogSoftmax extends Module {
  /** @throws TensorError ERR_INDEX unless the dimension is a whole number */
  constructor(
    /** The dimension that it goes along. */
    readonly dim = -1,
  ) {
    super();
    checkDim('LogSoftmax', dim);
  }

  forward(x: Tensor): Tensor {
    return logSoftmax(x, this.dim);
  }
}

/**
 * softmax(-x) along a dimension
 * @example
 * ```ts
 * new nn.Softmin(1).forward(tensor([[0, 0]])); // => [[0.5, 0.5]]
 * ```
 */
export class Softmin extends Module {
  /** @throws TensorError ERR_INDEX unless the dimension is a whole number */
  constructor(
    /** The dimension that it goes along. */
    readonly dim = -1,
  ) {
    super();
    checkDim('Softmin', dim);
  }

  forward(x: Tensor): Tensor {
    return softmin(x, this.dim);
  }
}

/**
 * Softmax over the channels of every place of [N, C, H, W] or [C, H, W]
 * @example
 * ```ts
 * new nn.Softmax2d().forward(tensor([[[1, 0]], [[1, 0]]])); // => [[[0.5, 0.5]], [[0.5, 0.5]]]
 * ```
 */
export class Softmax2d extends Module {
  forward(x: Tensor): Tensor {
    checkTensor('Softmax2d', x);
    if (x.ndim !== 3 && x.ndim !== 4) {
      throw new TensorError(
        'ERR_SHAPE',
        `[Softmax2d] takes [N, C, H, W] or [C, H, W], not ${formatShape(x.shape)}`,
      );
    }
    return softmax(x, -3);
  }
}
