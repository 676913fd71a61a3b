/** Transposed convolutions as modules, with PyTorch's names and initial values. */
import { checkPerAxis, type PerAxis } from '../ops/conv.js';
import { convTranspose1d, convTranspose2d } from '../ops/conv_transpose.js';
import type { Tensor } from '../tensor/tensor.js';
import { ConvBase, type ConvBaseOptions } from './conv.js';

/** Options of {@link ConvTranspose1d} and {@link ConvTranspose2d}. */
export interface ConvTransposeLayerOptions extends ConvBaseOptions {
  /** How many elements are taken away from both ends of each axis of the result. Default 0. */
  padding?: PerAxis;
  /** How many elements are added behind each axis: less than stride or dilation. Default 0. */
  outputPadding?: PerAxis;
}

/** Transposed convolution, whose subclasses say over how many axes. */
abstract class ConvTranspose extends ConvBase {
  /** How many elements are taken away from both ends of each axis. */
  readonly padding: readonly number[];
  /** How many elements are added behind each axis. */
  readonly outputPadding: readonly number[];

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: PerAxis,
    options: ConvTransposeLayerOptions,
    rank: number,
  ) {
    super(inChannels, outChannels, kernelSize, options, rank, {
      options: ['outputPadding'],
      channels: (groups) => [inChannels, outChannels / groups],
    });
    const { name } = new.target;
    this.padding = checkPerAxis(name, 'padding', options.padding ?? 0, rank, 0);
    this.outputPadding = checkPerAxis(name, 'outputPadding', options.outputPadding ?? 0, rank, 0);
  }

  protected abstract readonly convolution: typeof convTranspose2d;

  forward(x: Tensor): Tensor {
    const { weight, bias, stride, padding, outputPadding, groups, dilation } = this;
    return this.convolution(x, weight, bias, { stride, padding, outputPadding, groups, dilation });
  }
}

/**
 * Transposed convolution along one axis: see the function `convTranspose1d`. The weight has shape
 * [inChannels, outChannels / groups, kernelSize]; it and the bias are from U(-1/sqrt(k), 1/sqrt(k)) at
 * first, where k is outChannels / groups times the kernel's size. Inputs have shape [N, inChannels, L]
 * or [inChannels, L].
 * @example
 * ```ts
 * new nn.ConvTranspose1d(2, 3, 4, { stride: 2, padding: 1 }).forward(ones([2, 5])).shape; // => [3, 10]
 * ```
 */
export class ConvTranspose1d extends ConvTranspose {
  protected readonly convolution = convTranspose1d;

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: PerAxis,
    options: ConvTransposeLayerOptions = {},
  ) {
    super(inChannels, outChannels, kernelSize, options, 1);
  }
}

/**
 * The same along two axes: see the function `convTranspose2d`. Inputs have shape [N, inChannels, H, W]
 * or [inChannels, H, W].
 * @example
 * ```ts
 * const layer = new nn.ConvTranspose2d(4, 2, 3, { stride: 2, padding: 1, outputPadding: 1 });
 * layer.forward(ones([1, 4, 7, 7])).shape; // => [1, 2, 14, 14]
 * ```
 */
export class ConvTranspose2d extends ConvTranspose {
  protected readonly convolution = convTranspose2d;

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: PerAxis,
    options: ConvTransposeLayerOptions = {},
  ) {
    super(inChannels, outChannels, kernelSize, options, 2);
  }
}
