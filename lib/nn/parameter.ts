import { Tensor } from '../tensor/tensor.js';

/** A tensor that a module learns: a leaf that requires gradients. Modules find it by its type. */
export class Parameter extends Tensor {
  /** @param values become the parameter's memory: they aren't copied */
  constructor(values: Tensor) {
    super(values.storage, values.shape, values.strides, values.offset);
    this.leafRequiresGrad = true;
  }
}
