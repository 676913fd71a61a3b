/** Padding as modules: the function `pad` over the last one, two or three dimensions. */
import { TensorError } from '../../errors.js';
import { checkTensor } from '../../ops/operand.js';
import { type PadMode, pad } from '../../ops/shape/pad.js';
import { checkNumber, describe, formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module/module.js';

/**
 * Places before and after each dimension, the last one's first (left, right, top, bottom), or one
 * number for all. Negative ones take places away.
 */
export type Padding = number | readonly number[];

/** Padding, whose subclasses say over how many dimensions and with what. */
abstract class Pad extends Module {
  /** Places before and after the last dimension, then before and after the one before it. */
  readonly padding: readonly number[];
  /** What the new places hold. */
  protected abstract readonly mode: PadMode;

  constructor(
    private readonly operation: string,
    private readonly rank: number,
    padding: Padding,
  ) {
    super();
    const list: unknown[] = Array.isArray(padding)
      ? [...padding]
      : new Array(2 * rank).fill(padding);
    if (list.length !== 2 * rank || !list.every(Number.isSafeInteger)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${operation}] padding is a whole number or ${2 * rank} of them, not ${describe(padding)}`,
      );
    }
    this.padding = list as number[];
  }

  forward(x: Tensor): Tensor {
    checkTensor(this.operation, x);
    if (x.ndim !== this.rank + 1 && x.ndim !== this.rank + 2) {
      const names = ['', 'L', 'H, W', 'D, H, W'][this.rank];
      throw new TensorError(
        'ERR_SHAPE',
        `[${this.operation}] takes [N, C, ${names}] or [C, ${names}], not ${formatShape(x.shape)}`,
      );
    }
    return this.mode === 'constant'
      ? pad(x, this.padding, { value: this.fill })
      : pad(x, this.padding, { mode: this.mode });
  }

  /** The value of constant padding. */
  protected get fill(): number {
    return 0;
  }
}

/** Padding with a value that the user names. */
abstract class ConstantPad extends Pad {
  protected readonly mode = 'constant';

  constructor(
    operation: string,
    rank: number,
    padding: Padding,
    /** What the new places hold. */
    readonly value: number,
  ) {
    super(operation, rank, padding);
    checkNumber(operation, 'value', value);
  }

  protected override get fill(): number {
    return this.value;
  }
}

/**
 * A value around the last dimension of [N, C, L] or [C, L]: see the function `pad`.
 * @example
 * ```ts
 * new nn.ConstantPad1d([1, 2], 9).forward(tensor([[1]])); // => [[9, 1, 9, 9]]
 * ```
 */
export class ConstantPad1d extends ConstantPad {
  /** @throws TensorError ERR_ARGUMENT for other padding and unless the value is a finite number */
  constructor(padding: Padding, value: number) {
    super('ConstantPad1d', 1, padding, value);
  }
}

/**
 * A value around the last two dimensions of [N, C, H, W] or [C, H, W]: see the function `pad`.
 * @example
 * ```ts
 * new nn.ConstantPad2d([1, 0, 0, 1], 9).forward(tensor([[[1]]])); // => [[[9, 1], [9, 9]]]
 * ```
 */
export class ConstantPad2d extends ConstantPad {
  /** @throws TensorError ERR_ARGUMENT for other padding and unless the value is a finite number */
  constructor(padding: Padding, value: number) {
    super('ConstantPad2d', 2, padding, value);
  }
}

/**
 * Zeros around the last dimension of [N, C, L] or [C, L]: see the function `pad`.
 * @example
 * ```ts
 * new nn.ZeroPad1d(1).forward(tensor([[1, 2]])); // => [[0, 1, 2, 0]]
 * ```
 */
export class ZeroPad1d extends Pad {
  protected readonly mode = 'constant';

  /** @throws TensorError ERR_ARGUMENT for other padding */
  constructor(padding: Padding) {
    super('ZeroPad1d', 1, padding);
  }
}

/**
 * Zeros around the last two dimensions of [N, C, H, W] or [C, H, W]: see the function `pad`.
 * @example
 * ```ts
 * new nn.ZeroPad2d([1, 0, 0, 0]).forward(tensor([[[1, 2]]])); // => [[[0, 1, 2]]]
 * ```
 */
export class ZeroPad2d extends Pad {
  protected readonly mode = 'constant';

  /** @throws TensorError ERR_ARGUMENT for other padding */
  constructor(padding: Padding) {
    super('ZeroPad2d', 2, padding);
  }
}

/**
 * The elements mirrored at both ends of the last dimension of [N, C, L] or [C, L]: see the function `pad`.
 * @example
 * ```ts
 * new nn.ReflectionPad1d(2).forward(tensor([[1, 2, 3]])); // => [[3, 2, 1, 2, 3, 2, 1]]
 * ```
 */
export class ReflectionPad1d extends Pad {
  protected readonly mode = 'reflect';

  /** @throws TensorError ERR_ARGUMENT for other padding */
  constructor(padding: Padding) {
    super('ReflectionPad1d', 1, padding);
  }
}

/**
 * The elements mirrored at both ends of the last two dimensions of [N, C, H, W] or [C, H, W]: see the function `pad`.
 * @example
 * ```ts
 * new nn.ReflectionPad2d([1, 1, 0, 0]).forward(tensor([[[1, 2]]])); // => [[[2, 1, 2, 1]]]
 * ```
 */
export class ReflectionPad2d extends Pad {
  protected readonly mode = 'reflect';

  /** @throws TensorError ERR_ARGUMENT for other padding */
  constructor(padding: Padding) {
    super('ReflectionPad2d', 2, padding);
  }
}

/**
 * The outermost elements repeated at both ends of the last dimension of [N, C, L] or [C, L]: see the function `pad`.
 * @example
 * ```ts
 * new nn.ReplicationPad1d(2).forward(tensor([[1, 2]])); // => [[1, 1, 1, 2, 2, 2]]
 * ```
 */
export class ReplicationPad1d extends Pad {
  protected readonly mode = 'replicate';

  /** @throws TensorError ERR_ARGUMENT for other padding */
  constructor(padding: Padding) {
    super('ReplicationPad1d', 1, padding);
  }
}

/**
 * The outermost elements repeated at both ends of the last two dimensions of [N, C, H, W] or [C, H, W]: see the function `pad`.
 * @example
 * ```ts
 * new nn.ReplicationPad2d([0, 1, 1, 0]).forward(tensor([[[1, 2]]])); // => [[[1, 2, 2], [1, 2, 2]]]
 * ```
 */
export class ReplicationPad2d extends Pad {
  protected readonly mode = 'replicate';

  /** @throws TensorError ERR_ARGUMENT for other padding */
  constructor(padding: Padding) {
    super('ReplicationPad2d', 2, padding);
  }
}

/**
 * The elements from the other end at both ends of the last dimension of [N, C, L] or [C, L]: see the function `pad`.
 * @example
 * ```ts
 * new nn.CircularPad1d([0, 2]).forward(tensor([[1, 2, 3]])); // => [[1, 2, 3, 1, 2]]
 * ```
 */
export class CircularPad1d extends Pad {
  protected readonly mode = 'circular';

  /** @throws TensorError ERR_ARGUMENT for other padding */
  constructor(padding: Padding) {
    super('CircularPad1d', 1, padding);
  }
}

/**
 * The elements from the other end at both ends of the last two dimensions of [N, C, H, W] or [C, H, W]: see the function `pad`.
 * @example
 * ```ts
 * new nn.CircularPad2d([1, 0, 0, 0]).forward(tensor([[[1, 2]]])); // => [[[2, 1, 2]]]
 * ```
 */
export class CircularPad2d extends Pad {
  protected readonly mode = 'circular';

  /** @throws TensorError ERR_ARGUMENT for other padding */
  constructor(padding: Padding) {
    super('CircularPad2d', 2, padding);
  }
}

/**
 * A value around the last three dimensions of [N, C, D, H, W] or [C, D, H, W]: see the function `pad`.
 * @example
 * ```ts
 * new nn.ConstantPad3d([1, 0, 0, 0, 0, 0], 9).forward(tensor([[[[1]]]])); // => [[[[9, 1]]]]
 * ```
 */
export class ConstantPad3d extends ConstantPad {
  /** @throws TensorError ERR_ARGUMENT for other padding and unless the value is a finite number */
  constructor(padding: Padding, value: number) {
    super('ConstantPad3d', 3, padding, value);
  }
}

/**
 * Zeros around the last three dimensions of [N, C, D, H, W] or [C, D, H, W]: see the function `pad`.
 * @example
 * ```ts
 * new nn.ZeroPad3d(1).forward(ones([1, 2, 3, 4])).shape; // => [1, 4, 5, 6]
 * ```
 */
export class ZeroPad3d extends Pad {
  protected readonly mode = 'constant';

  /** @throws TensorError ERR_ARGUMENT for other padding */
  constructor(padding: Padding) {
    super('ZeroPad3d', 3, padding);
  }
}

/**
 * The last three dimensions of [N, C, D, H, W] or [C, D, H, W], reflected at their ends: see the function
 * `pad`.
 * @example
 * ```ts
 * new nn.ReflectionPad3d([1, 0, 0, 0, 0, 0]).forward(tensor([[[[1, 2]]]])); // => [[[[2, 1, 2]]]]
 * ```
 */
export class ReflectionPad3d extends Pad {
  protected readonly mode = 'reflect';

  /** @throws TensorError ERR_ARGUMENT for other padding */
  constructor(padding: Padding) {
    super('ReflectionPad3d', 3, padding);
  }
}

/**
 * The last three dimensions of [N, C, D, H, W] or [C, D, H, W], continued with their ends: see the function
 * `pad`.
 * @example
 * ```ts
 * new nn.ReplicationPad3d([1, 0, 0, 0, 0, 0]).forward(tensor([[[[1, 2]]]])); // => [[[[1, 1, 2]]]]
 * ```
 */
export class ReplicationPad3d extends Pad {
  protected readonly mode = 'replicate';

  /** @throws TensorError ERR_ARGUMENT for other padding */
  constructor(padding: Padding) {
    super('ReplicationPad3d', 3, padding);
  }
}

/**
 * The last three dimensions of [N, C, D, H, W] or [C, D, H, W], begun again at their ends: see the function
 * `pad`.
 * @example
 * ```ts
 * new nn.CircularPad3d([1, 0, 0, 0, 0, 0]).forward(tensor([[[[1, 2]]]])); // => [[[[2, 1, 2]]]]
 * ```
 */
export class CircularPad3d extends Pad {
  protected readonly mode = 'circular';

  /** @throws TensorError ERR_ARGUMENT for other padding */
  constructor(padding: Padding) {
    super('CircularPad3d', 3, padding);
  }
}
