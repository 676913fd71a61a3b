import { checkFunction } from '../../autograd/mode.js';
import { TensorError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from './module.js';
import { callFunction } from './ours.js';

/** Longer source text than this says less than three dots. */
const MAX_SOURCE = 60;

/**
 * A function as a module, without parameters: what `Sequential` makes of functions among its layers.
 * @example
 * ```ts
 * const double = new nn.Lambda((x) => x.mul(2));
 * double.forward(tensor([1, 2])); // => [2, 4]
 * double.toString(); // => 'Lambda((x) => x.mul(2))'
 * ```
 */
export class Lambda<Inputs extends readonly unknown[] = Tensor[], Output = Tensor> extends Module<
  Inputs,
  Output
> {
  /** @throws TensorError ERR_ARGUMENT for anything but a function */
  constructor(
    /** Called with the inputs. */
    readonly fn: (...inputs: Inputs) => Output,
  ) {
    super();
    checkFunction('Lambda', fn);
  }

  /** @throws TensorError ERR_ARGUMENT when the function returns nothing */
  forward(...inputs: Inputs): Output {
    const output = callFunction(this.fn, ...inputs);
    if (output === undefined) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[Lambda] the function ${this.extraRepr()} returned nothing`,
      );
    }
    return output;
  }

  override extraRepr(): string {
    const { fn } = this;
    if (fn.name !== '') return fn.name;
    const source = String(fn).replaceAll(/\s+/g, ' ');
    return source.length <= MAX_SOURCE ? source : '...';
  }
}
