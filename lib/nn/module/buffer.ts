import { checkTensor } from '../../ops/operand.js';
import { keepStorage } from '../../tensor/memory.js';
import { checkOptions } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';

/** Options of {@link Buffer}. */
export interface BufferOptions {
  /** Whether it is part of the state that is saved and loaded. Default true. */
  persistent?: boolean;
}

/**
 * A tensor that belongs to a module's state without being learned, of any dtype: it is saved and loaded
 * with the parameters (unless it is not persistent, because it can be computed again), and optimizers
 * don't see it. Modules find it by its type.
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
  /** Whether it is part of the state that is saved and loaded. */
  readonly persistent: boolean;

  /**
   * @param values become the buffer's memory: they aren't copied
   * @throws TensorError ERR_ARGUMENT unless they are a tensor, and for unknown options
   */
  constructor(values: Tensor, options: BufferOptions = {}) {
    checkTensor('Buffer', values);
    checkOptions('Buffer', options, ['persistent']);
    super(values.storage, values.shape, values.strides, values.offset);
    this.persistent = options.persistent ?? true;
    keepStorage(this.storage);
  }
}
