/** Transposed convolutions as modules, with PyTorch's names and initial values. */
import { TensorError } from '../../errors.js';
import { checkFloating } from '../../ops/operand.js';
import { checkPerAxis, type PerAxis } from '../../ops/window/conv.js';
import {
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
} from '../../ops/window/conv_transpose.js';
import { checkOptions, describe } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { ConvBase, type ConvBaseOptions } from './conv.js';

/** Options of {@link ConvTranspose1d}, {@link ConvTranspose2d} and {@link ConvTranspose3d}. */
export interface ConvTransposeLayerOptions extends ConvBaseOptions {
  /** How many elements are taken away from both ends of each axis of the result. Default 0. */
  padding?: PerAxis;
  /** How many elements are added behind each axis: less than stride or dilation. Default 0. */
  outputPadding?: PerAxis;
}

/** Options of a call of a transposed convolution. */
export interface ConvTransposeCall {
  /**
   * The sizes of the result: one for each axis, or its whole shape. Of the sizes that convolution takes
   * to the input's they say which one is meant, in the place of `outputPadding`.
   */
  outputSize?: readonly number[];
}

/** Transposed convolution, whose subclasses say over how many axes. */
abstract class ConvTranspose extends ConvBase<[x: Tensor, options?: ConvTransposeCall]> {
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

  /**
   * The result, with the sizes that follow from the input's, or with those asked for.
   * @throws TensorError ERR_SHAPE for an `outputSize` that no input of this size comes from, ERR_ARGUMENT
   */
  forward(x: Tensor, options: ConvTransposeCall = {}): Tensor {
    const { weight, bias, stride, padding, groups, dilation } = this;
    checkOptions(this.constructor.name, options, ['outputSize']);
    const { outputSize } = options;
    const outputPadding =
      outputSize === undefined ? this.outputPadding : this.paddingFor(x, outputSize);
    return this.convolution(x, weight, bias, { stride, padding, outputPadding, groups, dilation });
  }

  /** What is to be added behind each axis for a result of these sizes. */
  private paddingFor(x: Tensor, outputSize: readonly number[]): number[] {
    const { name } = this.constructor;
    checkFloating(name, x);
    const rank = this.kernelSize.length;
    const isList = Array.isArray(outputSize) && outputSize.every(Number.isSafeInteger);
    if (!isList || (outputSize.length !== rank && outputSize.length !== x.ndim)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${name}] outputSize is a list of ${rank} sizes, or of all ${x.ndim}, not ${describe(outputSize)}`,
      );
    }
    return outputSize.slice(-rank).map((wanted, i) => {
      const [step, apart] = [this.stride[i] as number, this.dilation[i] as number];
      const reach = ((this.kernelSize[i] as number) - 1) * apart + 1;
      const size = x.shape.at(i - rank) as number;
      const least = (size - 1) * step - 2 * (this.padding[i] as number) + reach;
      if (wanted < least || wanted >= least + step) {
        throw new TensorError(
          'ERR_SHAPE',
          `[${name}] outputSize ${wanted}: size ${size} of the input gives sizes from ${least} to ${least + step - 1}`,
        );
      }
      return wanted - least;
    });
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
 * layer.forward(ones([1, 4, 7, 7]), { outputSize: [13, 14] }).shape; // => [1, 2, 13, 14]
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

/**
 * The same along three axes: see the function `convTranspose3d`. Inputs have shape [N, inChannels, D, H, W]
 * or [inChannels, D, H, W].
 * @example
 * ```ts
 * const layer = new nn.ConvTranspose3d(2, 1, 2, { stride: 2 });
 * layer.forward(ones([1, 2, 1, 2, 3])).shape; // => [1, 1, 2, 4, 6]
 * ```
 */
export class ConvTranspose3d extends ConvTranspose {
  protected readonly convolution = convTranspose3d;

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: PerAxis,
    options: ConvTransposeLayerOptions = {},
  ) {
    super(inChannels, outChannels, kernelSize, options, 3);
  }
}
