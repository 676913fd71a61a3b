/** Pooling as modules. Functions do the work; modules keep the windows. */
import {
  type AvgPool1dOptions,
  type AvgPool2dOptions,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  avgPool1d,
  avgPool2d,
  checkDivisor,
  checkNormType,
  type LpPoolOptions,
  lpPool1d,
  lpPool2d,
} from '../../ops/window/avg_pool.js';
import {
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  type MaxPoolOptions,
  type MaxUnpoolOptions,
  maxPool1d,
  maxPool2d,
  maxUnpool1d,
  maxUnpool2d,
  type OutputSize,
} from '../../ops/window/max_pool.js';
import { checkOutputSize, checkWindows, type Sizes } from '../../ops/window/windows.js';
import { checkFlag, checkOptions } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module/module.js';

/** Options of {@link MaxPool1d} and {@link MaxPool2d}: those of the functions but `returnIndices`. */
export type MaxPoolLayerOptions = Omit<MaxPoolOptions, 'returnIndices'>;

/** Max pooling, whose subclasses say over how many dimensions. */
export abstract class MaxPool extends Module {
  /** The stride, padding, dilation and mode as they were given. */
  readonly options: Readonly<MaxPoolLayerOptions>;

  constructor(
    name: string,
    rank: number,
    /** The size of the windows. */
    readonly kernelSize: Sizes,
    options: MaxPoolLayerOptions,
  ) {
    super();
    checkOptions(name, options, ['stride', 'padding', 'dilation', 'ceilMode']);
    checkWindows(name, rank, kernelSize, options);
    this.options = { ...options };
  }
}

/**
 * The largest value of each window along the last dimension of [N, C, L] or [C, L]: see the function
 * `maxPool1d`, which also tells where they are.
 * @example
 * ```ts
 * new nn.MaxPool1d(2).forward(tensor([[1, 3, 2, 5]])); // => [[3, 5]]
 * ```
 */
export class MaxPool1d extends MaxPool {
  /** @throws TensorError ERR_ARGUMENT for unknown options and wrong sizes */
  constructor(kernelSize: Sizes, options: MaxPoolLayerOptions = {}) {
    super('MaxPool1d', 1, kernelSize, options);
  }

  forward(x: Tensor): Tensor {
    return maxPool1d(x, this.kernelSize, this.options);
  }
}

/**
 * The largest value of each window of [N, C, H, W] or [C, H, W]: see the function `maxPool2d`, which
 * also tells where they are.
 * @example
 * ```ts
 * new nn.MaxPool2d(2).forward(tensor([[[1, 3], [2, 5]]])); // => [[[5]]]
 * new nn.MaxPool2d(3, { stride: 2, padding: 1 }).forward(ones([1, 8, 28, 28])).shape; // => [1, 8, 14, 14]
 * ```
 */
export class MaxPool2d extends MaxPool {
  /** @throws TensorError ERR_ARGUMENT for unknown options and wrong sizes */
  constructor(kernelSize: Sizes, options: MaxPoolLayerOptions = {}) {
    super('MaxPool2d', 2, kernelSize, options);
  }

  forward(x: Tensor): Tensor {
    return maxPool2d(x, this.kernelSize, this.options);
  }
}

/** Options of {@link MaxUnpool1d} and {@link MaxUnpool2d}. */
export type MaxUnpoolLayerOptions = Omit<MaxUnpoolOptions, 'outputSize'>;

/** The inverse of max pooling, whose subclasses say over how many dimensions. */
export abstract class MaxUnpool extends Module {
  /** The stride and the padding as they were given. */
  readonly options: Readonly<MaxUnpoolLayerOptions>;

  constructor(
    name: string,
    rank: number,
    /** The size of the windows. */
    readonly kernelSize: Sizes,
    options: MaxUnpoolLayerOptions,
  ) {
    super();
    checkOptions(name, options, ['stride', 'padding']);
    checkWindows(name, rank, kernelSize, options);
    this.options = { ...options };
  }
}

/**
 * Values put back to where `maxPool1d` found them: see the function `maxUnpool1d`. Its inputs are the
 * values and the indices.
 * @example
 * ```ts
 * const { values, indices } = maxPool1d(tensor([[1, 3]]), 2, { returnIndices: true });
 * new nn.MaxUnpool1d(2).forward(values, indices); // => [[0, 3]]
 * ```
 */
export class MaxUnpool1d extends MaxUnpool {
  /** @throws TensorError ERR_ARGUMENT for unknown options and wrong sizes */
  constructor(kernelSize: Sizes, options: MaxUnpoolLayerOptions = {}) {
    super('MaxUnpool1d', 1, kernelSize, options);
  }

  forward(x: Tensor, indices: Tensor): Tensor {
    return maxUnpool1d(x, indices, this.kernelSize, this.options);
  }
}

/**
 * Values put back to where `maxPool2d` found them: see the function `maxUnpool2d`. Its inputs are the
 * values and the indices.
 * @example
 * ```ts
 * const x = tensor([[[1, 3], [2, 0]]]);
 * const { values, indices } = maxPool2d(x, 2, { returnIndices: true });
 * new nn.MaxUnpool2d(2).forward(values, indices); // => [[[0, 3], [0, 0]]]
 * ```
 */
export class MaxUnpool2d extends MaxUnpool {
  /** @throws TensorError ERR_ARGUMENT for unknown options and wrong sizes */
  constructor(kernelSize: Sizes, options: MaxUnpoolLayerOptions = {}) {
    super('MaxUnpool2d', 2, kernelSize, options);
  }

  forward(x: Tensor, indices: Tensor): Tensor {
    return maxUnpool2d(x, indices, this.kernelSize, this.options);
  }
}

/**
 * The mean of each window along the last dimension of [N, C, L] or [C, L]: see the function
 * `avgPool1d`.
 * @example
 * ```ts
 * new nn.AvgPool1d(2).forward(tensor([[1, 3, 2, 6]])); // => [[2, 4]]
 * ```
 */
export class AvgPool1d extends Module {
  /** The stride, padding and modes as they were given. */
  readonly options: Readonly<AvgPool1dOptions>;

  /** @throws TensorError ERR_ARGUMENT for unknown options and wrong sizes */
  constructor(
    /** The size of the windows. */
    readonly kernelSize: Sizes,
    options: AvgPool1dOptions = {},
  ) {
    super();
    checkOptions('AvgPool1d', options, ['stride', 'padding', 'ceilMode', 'countIncludePad']);
    checkWindows('AvgPool1d', 1, kernelSize, options);
    checkFlag('AvgPool1d', 'countIncludePad', options.countIncludePad, true);
    this.options = { ...options };
  }

  forward(x: Tensor): Tensor {
    return avgPool1d(x, this.kernelSize, this.options);
  }
}

/**
 * The mean of each window of [N, C, H, W] or [C, H, W]: see the function `avgPool2d`.
 * @example
 * ```ts
 * new nn.AvgPool2d(2).forward(tensor([[[1, 3], [2, 6]]])); // => [[[3]]]
 * ```
 */
export class AvgPool2d extends Module {
  /** The stride, padding, modes and divisor as they were given. */
  readonly options: Readonly<AvgPool2dOptions>;

  /** @throws TensorError ERR_ARGUMENT for unknown options and wrong sizes */
  constructor(
    /** The size of the windows. */
    readonly kernelSize: Sizes,
    options: AvgPool2dOptions = {},
  ) {
    super();
    checkOptions('AvgPool2d', options, [
      ...['stride', 'padding', 'ceilMode', 'countIncludePad', 'divisorOverride'],
    ]);
    checkWindows('AvgPool2d', 2, kernelSize, options);
    checkFlag('AvgPool2d', 'countIncludePad', options.countIncludePad, true);
    checkDivisor('AvgPool2d', options.divisorOverride);
    this.options = { ...options };
  }

  forward(x: Tensor): Tensor {
    return avgPool2d(x, this.kernelSize, this.options);
  }
}

/**
 * The largest values of `outputSize` windows along the last dimension: see the function
 * `adaptiveMaxPool1d`.
 * @example
 * ```ts
 * new nn.AdaptiveMaxPool1d(2).forward(tensor([[1, 5, 2, 3, 4]])); // => [[5, 4]]
 * ```
 */
export class AdaptiveMaxPool1d extends Module {
  /** @throws TensorError ERR_ARGUMENT unless the size is a whole number >= 1 */
  constructor(
    /** How many windows. */
    readonly outputSize: number | readonly number[],
  ) {
    super();
    checkOutputSize('AdaptiveMaxPool1d', outputSize, 1);
  }

  forward(x: Tensor): Tensor {
    return adaptiveMaxPool1d(x, this.outputSize);
  }
}

/**
 * The largest values of `outputSize` windows, which share a plane evenly: see the function
 * `adaptiveMaxPool2d`.
 * @example
 * ```ts
 * new nn.AdaptiveMaxPool2d([1, 2]).forward(tensor([[[1, 2, 3], [4, 5, 6]]])); // => [[[5, 6]]]
 * ```
 */
export class AdaptiveMaxPool2d extends Module {
  /** @throws TensorError ERR_ARGUMENT unless sizes are whole numbers >= 1 or null */
  constructor(
    /** How many rows and columns of windows; null for as many as places. */
    readonly outputSize: OutputSize,
  ) {
    super();
    checkOutputSize('AdaptiveMaxPool2d', outputSize, 2);
  }

  forward(x: Tensor): Tensor {
    return adaptiveMaxPool2d(x, this.outputSize);
  }
}

/**
 * The means of `outputSize` windows along the last dimension: see the function `adaptiveAvgPool1d`.
 * @example
 * ```ts
 * new nn.AdaptiveAvgPool1d(2).forward(tensor([[1, 2, 3, 4, 5]])); // => [[2, 4]]
 * ```
 */
export class AdaptiveAvgPool1d extends Module {
  /** @throws TensorError ERR_ARGUMENT unless the size is a whole number >= 1 */
  constructor(
    /** How many windows. */
    readonly outputSize: number | readonly number[],
  ) {
    super();
    checkOutputSize('AdaptiveAvgPool1d', outputSize, 1);
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool1d(x, this.outputSize);
  }
}

/**
 * The means of `outputSize` windows, which share a plane evenly: see the function `adaptiveAvgPool2d`.
 * @example
 * ```ts
 * new nn.AdaptiveAvgPool2d(1).forward(tensor([[[1, 2, 3], [4, 5, 6]]])); // => [[[3.5]]]
 * ```
 */
export class AdaptiveAvgPool2d extends Module {
  /** @throws TensorError ERR_ARGUMENT unless sizes are whole numbers >= 1 or null */
  constructor(
    /** How many rows and columns of windows; null for as many as places. */
    readonly outputSize: OutputSize,
  ) {
    super();
    checkOutputSize('AdaptiveAvgPool2d', outputSize, 2);
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}

/** Power means, whose subclasses say over how many dimensions. */
export abstract class LPPool extends Module {
  /** The stride and the mode as they were given. */
  readonly options: Readonly<LpPoolOptions>;

  constructor(
    name: string,
    rank: number,
    /** The exponent. */
    readonly normType: number,
    /** The size of the windows. */
    readonly kernelSize: Sizes,
    options: LpPoolOptions,
  ) {
    super();
    checkNormType(name, normType);
    checkOptions(name, options, ['stride', 'ceilMode']);
    checkWindows(name, rank, kernelSize, options);
    this.options = { ...options };
  }
}

/**
 * (the sum of x^p)^(1 / p) of each window along the last dimension: see the function `lpPool1d`.
 * @example
 * ```ts
 * new nn.LPPool1d(2, 2).forward(tensor([[3, 4, 6, 8]])); // => [[5, 10]]
 * ```
 */
export class LPPool1d extends LPPool {
  /** @throws TensorError ERR_ARGUMENT for unknown options, wrong sizes and a normType of 0 */
  constructor(normType: number, kernelSize: Sizes, options: LpPoolOptions = {}) {
    super('LPPool1d', 1, normType, kernelSize, options);
  }

  forward(x: Tensor): Tensor {
    return lpPool1d(x, this.normType, this.kernelSize, this.options);
  }
}

/**
 * (the sum of x^p)^(1 / p) of each window: see the function `lpPool2d`.
 * @example
 * ```ts
 * new nn.LPPool2d(2, 2).forward(tensor([[[1, 1], [1, 1]]])); // => [[[2]]]
 * ```
 */
export class LPPool2d extends LPPool {
  /** @throws TensorError ERR_ARGUMENT for unknown options, wrong sizes and a normType of 0 */
  constructor(normType: number, kernelSize: Sizes, options: LpPoolOptions = {}) {
    super('LPPool2d', 2, normType, kernelSize, options);
  }

  forward(x: Tensor): Tensor {
    return lpPool2d(x, this.normType, this.kernelSize, this.options);
  }
}
