/** Patches of images as columns and back, as modules. */
import { checkPatches, col2im, im2col, type PatchOptions } from '../../ops/window/patches.js';
import { checkSizes, type Sizes } from '../../ops/window/windows.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module/module.js';

/**
 * The patches of images as columns: see the function `im2col`.
 * @example
 * ```ts
 * new nn.Unfold(2).forward(ones([1, 3, 4, 5])).shape; // => [1, 12, 12]
 * ```
 */
export class Unfold extends Module {
  /** Dilation, padding and stride as they were given. */
  readonly options: Readonly<PatchOptions>;

  /** @throws TensorError ERR_ARGUMENT for unknown options and wrong sizes */
  constructor(
    /** The size of the patches. */
    readonly kernelSize: Sizes,
    options: PatchOptions = {},
  ) {
    super();
    checkPatches('Unfold', kernelSize, options);
    this.options = { ...options };
  }

  forward(x: Tensor): Tensor {
    return im2col(x, this.kernelSize, this.options);
  }
}

/**
 * Columns added up to images: see the function `col2im`.
 * @example
 * ```ts
 * new nn.Fold([4, 5], 2).forward(ones([1, 12, 12])).shape; // => [1, 3, 4, 5]
 * ```
 */
export class Fold extends Module {
  /** Dilation, padding and stride as they were given. */
  readonly options: Readonly<PatchOptions>;

  /** @throws TensorError ERR_ARGUMENT for unknown options and wrong sizes */
  constructor(
    /** Height and width of the images. */
    readonly outputSize: Sizes,
    /** The size of the patches. */
    readonly kernelSize: Sizes,
    options: PatchOptions = {},
  ) {
    super();
    checkSizes('Fold', 'outputSize', outputSize, 2, 1);
    checkPatches('Fold', kernelSize, options);
    this.options = { ...options };
  }

  forward(x: Tensor): Tensor {
    return col2im(x, this.outputSize, this.kernelSize, this.options);
  }
}
