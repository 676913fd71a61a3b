import { TensorError } from '../errors.js';
import { describe } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { Module } from './module.js';

/**
 * Modules one after the other; their parameters are named `0.weight`, `2.bias`...
 * @example
 * ```ts
 * const model = new nn.Sequential(new nn.Linear(4, 8), new nn.Tanh(), new nn.Linear(8, 3));
 * model.forward(ones([2, 4])).shape; // => [2, 3]
 * Object.keys(model.stateDict()); // => ['0.weight', '0.bias', '2.weight', '2.bias']
 * ```
 */
export class Sequential extends Module {
  /** In the order in which they run. */
  readonly layers: readonly Module[];

  /** @throws TensorError ERR_ARGUMENT for anything that isn't a module */
  constructor(...layers: Module[]) {
    super();
    for (const layer of layers) {
      if (!(layer instanceof Module)) {
        throw new TensorError('ERR_ARGUMENT', `[Sequential] ${describe(layer)} is not a module`);
      }
    }
    this.layers = layers;
  }

  protected override memberName(property: string): string {
    return property.replace(/^layers\./, '');
  }

  forward(x: Tensor): Tensor {
    return this.layers.reduce((value, layer) => layer.forward(value), x);
  }
}
