/** Other spatial sizes as modules. */
import {
  channelShuffle,
  checkInterpolation,
  type InterpolateOptions,
  interpolate,
  pixelShuffle,
  pixelUnshuffle,
} from '../../ops/window/interpolate.js';
import { checkSizes } from '../../ops/window/windows.js';
import { checkOptions } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module/module.js';

/**
 * Signals, images or volumes at other spatial sizes: see the function `interpolate`.
 * @example
 * ```ts
 * new nn.Upsample({ scaleFactor: 2 }).forward(tensor([[[1, 3]]])); // => [[[1, 1, 3, 3]]]
 * ```
 */
export class Upsample extends Module {
  /** Size or factor, mode and alignment as they were given. */
  readonly options: Readonly<InterpolateOptions>;

  /** @throws TensorError ERR_ARGUMENT for unknown options and unless either size or scaleFactor is given */
  constructor(options: InterpolateOptions) {
    super();
    checkInterpolation('Upsample', options);
    this.options = { ...options };
  }

  forward(x: Tensor): Tensor {
    return interpolate(x, this.options);
  }
}

/**
 * Channels taken for places, [..., C r^2, H, W] to [..., C, H r, W r]: see the function
 * `pixelShuffle`.
 * @example
 * ```ts
 * new nn.PixelShuffle(2).forward(ones([1, 8, 3, 3])).shape; // => [1, 2, 6, 6]
 * ```
 */
export class PixelShuffle extends Module {
  /** @throws TensorError ERR_ARGUMENT unless the factor is a whole number >= 1 */
  constructor(
    /** What the spatial sizes are multiplied by. */
    readonly upscaleFactor: number,
  ) {
    super();
    checkSizes('PixelShuffle', 'upscaleFactor', upscaleFactor, 1, 1);
  }

  forward(x: Tensor): Tensor {
    return pixelShuffle(x, this.upscaleFactor);
  }
}

/**
 * Places taken for channels, [..., C, H r, W r] to [..., C r^2, H, W]: see the function
 * `pixelUnshuffle`.
 * @example
 * ```ts
 * new nn.PixelUnshuffle(2).forward(ones([1, 2, 6, 6])).shape; // => [1, 8, 3, 3]
 * ```
 */
export class PixelUnshuffle extends Module {
  /** @throws TensorError ERR_ARGUMENT unless the factor is a whole number >= 1 */
  constructor(
    /** What the spatial sizes are divided by. */
    readonly downscaleFactor: number,
  ) {
    super();
    checkSizes('PixelUnshuffle', 'downscaleFactor', downscaleFactor, 1, 1);
  }

  forward(x: Tensor): Tensor {
    return pixelUnshuffle(x, this.downscaleFactor);
  }
}

/**
 * Channels of groups dealt out anew: see the function `channelShuffle`.
 * @example
 * ```ts
 * new nn.ChannelShuffle(2).forward(tensor([[1, 2, 3, 4]])); // => [[1, 3, 2, 4]]
 * ```
 */
export class ChannelShuffle extends Module {
  /** @throws TensorError ERR_ARGUMENT unless the groups are a whole number >= 1 */
  constructor(
    /** In how many groups the channels are. */
    readonly groups: number,
  ) {
    super();
    checkSizes('ChannelShuffle', 'groups', groups, 1, 1);
  }

  forward(x: Tensor): Tensor {
    return channelShuffle(x, this.groups);
  }
}

/** Options of {@link UpsamplingNearest2d} and {@link UpsamplingBilinear2d}: one of them. */
export type UpsamplingOptions = Pick<InterpolateOptions, 'size' | 'scaleFactor'>;

/** The options of an `Upsample` of images. */
function upsampling(name: string, given: UpsamplingOptions, more: InterpolateOptions) {
  checkOptions(name, given, ['size', 'scaleFactor']);
  const options = { ...given, ...more };
  checkInterpolation(name, options);
  return options;
}

/**
 * Images at other sizes, each place the nearest one: {@link Upsample} with mode `nearest`.
 * @example
 * ```ts
 * const x = tensor([[[[1, 2]]]]);
 * new nn.UpsamplingNearest2d({ scaleFactor: 2 }).forward(x); // => [[[[1, 1, 2, 2], [1, 1, 2, 2]]]]
 * ```
 */
export class UpsamplingNearest2d extends Upsample {
  /** @throws TensorError ERR_ARGUMENT for unknown options and unless either of them is given */
  constructor(options: UpsamplingOptions) {
    super(upsampling('UpsamplingNearest2d', options, { mode: 'nearest' }));
  }
}

/**
 * Images at other sizes, with corners where they were: {@link Upsample} with mode `bilinear` and
 * `alignCorners`.
 * @example
 * ```ts
 * new nn.UpsamplingBilinear2d({ size: [1, 3] }).forward(tensor([[[[1, 2]]]])); // => [[[[1, 1.5, 2]]]]
 * ```
 */
export class UpsamplingBilinear2d extends Upsample {
  /** @throws TensorError ERR_ARGUMENT for unknown options and unless either of them is given */
  constructor(options: UpsamplingOptions) {
    super(upsampling('UpsamplingBilinear2d', options, { mode: 'bilinear', alignCorners: true }));
  }
}
