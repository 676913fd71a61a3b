import { TensorError } from '../../errors.js';
import { checkTensor } from '../../ops/operand.js';
import { dtypes } from '../../tensor/dtype.js';
import { keepStorage } from '../../tensor/memory.js';
import { Tensor } from '../../tensor/tensor.js';

/**
 * A tensor that a module learns: a leaf that requires gradients. Assigned to a property of a module (or
 * standing in an array or a map that is one) it belongs to the module under that name: modules find it by
 * its type. `tidy` keeps it. Optimizers take float32 and float64; parameters of bfloat16 and float16 are for
 * inference and for products.
 * @example
 * ```ts
 * const p = new nn.Parameter(zeros([2]));
 * p.requiresGrad; // => true
 * ```
 */
export class Parameter extends Tensor {
  /**
   * @param values become the parameter's memory: they aren't copied
   * @throws TensorError ERR_ARGUMENT or ERR_DTYPE unless they are a tensor of a floating dtype
   */
  constructor(values: Tensor) {
    checkTensor('Parameter', values);
    if (!dtypes[values.dtype].floating) {
      throw new TensorError(
        'ERR_DTYPE',
        `[Parameter] is of a floating dtype, not ${values.dtype}; an nn.Buffer can have any`,
      );
    }
    super(values.storage, values.shape, values.strides, values.offset);
    this.leafRequiresGrad = true;
    keepStorage(this.storage);
  }
}
