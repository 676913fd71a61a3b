/** Pooling of volumes as modules. */
import {
  type AvgPool2dOptions,
  checkDivisor,
  type LpPoolOptions,
} from '../../ops/window/avg_pool.js';
import type { OutputSize } from '../../ops/window/max_pool.js';
import {
  AVERAGE_OPTIONS,
  adaptiveAvgPool3d,
  adaptiveMaxPool3d,
  avgPool3d,
  lpPool3d,
  maxPool3d,
  maxUnpool3d,
} from '../../ops/window/pool3d.js';
import { checkOutputSize, checkWindows, type Sizes } from '../../ops/window/windows.js';
import { checkFlag, checkOptions } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module/module.js';
import {
  LPPool,
  MaxPool,
  type MaxPoolLayerOptions,
  MaxUnpool,
  type MaxUnpoolLayerOptions,
} from './pool.js';

/**
 * The largest value of each window of [N, C, D, H, W] or [C, D, H, W]: see the function `maxPool3d`.
 * @example
 * ```ts
 * new nn.MaxPool3d(2).forward(tensor([[[[1, 2], [9, 4]], [[5, 6], [7, 8]]]])); // => [[[[9]]]]
 * ```
 */
export class MaxPool3d extends MaxPool {
  /** @throws TensorError ERR_ARGUMENT for unknown options and wrong sizes */
  constructor(kernelSize: Sizes, options: MaxPoolLayerOptions = {}) {
    super('MaxPool3d', 3, kernelSize, options);
  }

  forward(x: Tensor): Tensor {
    return maxPool3d(x, this.kernelSize, this.options);
  }
}

/**
 * Values put back to where `maxPool3d` found them: see the function `maxUnpool3d`.
 * @example
 * ```ts
 * const places = tensor([[[[1]]]], { dtype: 'int32' });
 * new nn.MaxUnpool3d([1, 1, 2]).forward(tensor([[[[7]]]]), places); // => [[[[0, 7]]]]
 * ```
 */
export class MaxUnpool3d extends MaxUnpool {
  /** @throws TensorError ERR_ARGUMENT for unknown options and wrong sizes */
  constructor(kernelSize: Sizes, options: MaxUnpoolLayerOptions = {}) {
    super('MaxUnpool3d', 3, kernelSize, options);
  }

  forward(x: Tensor, indices: Tensor): Tensor {
    return maxUnpool3d(x, indices, this.kernelSize, this.options);
  }
}

/**
 * The mean of each window of [N, C, D, H, W] or [C, D, H, W]: see the function `avgPool3d`.
 * @example
 * ```ts
 * new nn.AvgPool3d(2).forward(tensor([[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]])); // => [[[[4.5]]]]
 * ```
 */
export class AvgPool3d extends Module {
  /** The stride, padding, modes and divisor as they were given. */
  readonly options: Readonly<AvgPool2dOptions>;

  /** @throws TensorError ERR_ARGUMENT for unknown options and wrong sizes */
  constructor(
    /** The size of the windows. */
    readonly kernelSize: Sizes,
    options: AvgPool2dOptions = {},
  ) {
    super();
    checkOptions('AvgPool3d', options, AVERAGE_OPTIONS);
    checkWindows('AvgPool3d', 3, kernelSize, options);
    checkFlag('AvgPool3d', 'countIncludePad', options.countIncludePad, true);
    checkDivisor('AvgPool3d', options.divisorOverride);
    this.options = { ...options };
  }

  forward(x: Tensor): Tensor {
    return avgPool3d(x, this.kernelSize, this.options);
  }
}

/** What the adaptive ones share. */
abstract class AdaptivePool extends Module {
  /** @throws TensorError ERR_ARGUMENT unless sizes are whole numbers >= 1 or null */
  constructor(
    /** How many windows along depth, height and width; null for as many as places. */
    readonly outputSize: OutputSize,
  ) {
    super();
    checkOutputSize(new.target.name, outputSize, 3);
  }
}

/**
 * The largest values of `outputSize` windows, which share a volume evenly: see the function
 * `adaptiveMaxPool3d`.
 * @example
 * ```ts
 * new nn.AdaptiveMaxPool3d(1).forward(tensor([[[[1, 2]], [[3, 4]]]])); // => [[[[4]]]]
 * ```
 */
export class AdaptiveMaxPool3d extends AdaptivePool {
  forward(x: Tensor): Tensor {
    return adaptiveMaxPool3d(x, this.outputSize);
  }
}

/**
 * The means of `outputSize` windows, which share a volume evenly: see the function `adaptiveAvgPool3d`.
 * @example
 * ```ts
 * new nn.AdaptiveAvgPool3d(1).forward(tensor([[[[1, 2]], [[3, 4]]]])); // => [[[[2.5]]]]
 * ```
 */
export class AdaptiveAvgPool3d extends AdaptivePool {
  forward(x: Tensor): Tensor {
    return adaptiveAvgPool3d(x, this.outputSize);
  }
}

/**
 * (the sum of x^p)^(1 / p) of each window of volumes: see the function `lpPool3d`.
 * @example
 * ```ts
 * new nn.LPPool3d(2, [2, 2, 1]).forward(ones([1, 2, 2, 1])); // => [[[[2]]]]
 * ```
 */
export class LPPool3d extends LPPool {
  /** @throws TensorError ERR_ARGUMENT for unknown options, wrong sizes and a normType of 0 */
  constructor(normType: number, kernelSize: Sizes, options: LpPoolOptions = {}) {
    super('LPPool3d', 3, normType, kernelSize, options);
  }

  forward(x: Tensor): Tensor {
    return lpPool3d(x, this.normType, this.kernelSize, this.options);
  }
}
