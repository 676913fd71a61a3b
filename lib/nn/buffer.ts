import { checkTensor } from '../ops/operand.js';
import { keepStorage } from '../tensor/memory.js';
import { Tensor } from '../tensor/tensor.js';

/**
 * A tensor that belongs to a module's state without being learned, of any dtype: it is saved and loaded
 * with the parameters, and optimizers don't see it. Modules find it by its type.
 * @example
 * ```ts
 * class Scaled extends nn.Module {
 *   factor = new nn.Buffer(tensor([2, 3]));
 *   forward(x) {
 *     return x.mul(this.factor);
 *   }
 * }
 * const layer = new Scaled();
 * layer.forward(ones([2])); // => [2, 3]
 * Object.keys(layer.stateDict()); // => ['factor']
 * [...layer.parameters()].length; // => 0
 * ```
 */
export class Buffer extends Tensor {
  /**
   * @param values become the buffer's memory: they aren't copied
   * @throws TensorError ERR_ARGUMENT unless they are a tensor
   */
  constructor(values: Tensor) {
    checkTensor('Buffer', values);
    super(values.storage, values.shape, values.strides, values.offset);
    keepStorage(this.storage);
  }
}
