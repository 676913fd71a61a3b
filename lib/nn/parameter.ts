import { checkFloating } from '../ops/operand.js';
import { keepStorage } from '../tensor/memory.js';
import { Tensor } from '../tensor/tensor.js';

/**
 * A tensor that a module learns: a leaf that requires gradients. Modules find it by its type. `tidy` keeps it.
 * @example
 * ```ts
 * const p = new nn.Parameter(zeros([2]));
 * p.requiresGrad; // => true
 * ```
 */
export class Parameter extends Tensor {
  /**
   * @param values become the parameter's memory: they aren't copied
   * @throws TensorError ERR_ARGUMENT or ERR_DTYPE unless they are a float32 or float64 tensor
   */
  constructor(values: Tensor) {
    checkFloating('Parameter', values);
    super(values.storage, values.shape, values.strides, values.offset);
    this.leafRequiresGrad = true;
    keepStorage(this.storage);
  }
}
