/** Other spatial sizes as modules. */
import {
  checkInterpolation,
  type InterpolateOptions,
  interpolate,
  pixelShuffle,
  pixelUnshuffle,
} from '../ops/interpolate.js';
import { checkSizes } from '../ops/windows.js';
import type { Tensor } from '../tensor/tensor.js';
import { Module } from './module.js';

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
