import { linear } from '../../ops/product/linear.js';
import { checkGenerator, type Generator } from '../../ops/random/random.js';
import { empty } from '../../tensor/creation.js';
import type { DType } from '../../tensor/dtype.js';
import { checkOptions } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { uniform } from '../init.js';
import { Module } from '../module/module.js';
import { Parameter } from '../module/parameter.js';
import { formatFields } from '../module/repr.js';
import { checkDType, checkSize } from './checks.js';

/** Options of {@link Linear}. */
export interface LinearLayerOptions {
  /** Whether a bias is added. Default true. */
  bias?: boolean;
  /** float32 (default) or float64. */
  dtype?: DType;
  /** Where the initial values come from; default the generator that `manualSeed` seeds. */
  generator?: Generator;
}

/**
 * y = x W^T + b, with W and b from U(-1/sqrt(inFeatures), 1/sqrt(inFeatures)) at first, as in
 * PyTorch. Inputs have shape [..., inFeatures].
 * @example
 * ```ts
 * const layer = new nn.Linear(3, 2);
 * layer.forward(ones([5, 3])).shape; // => [5, 2]
 * layer.weight.shape; // => [2, 3]
 * ```
 */
export class Linear extends Module {
  /**
   * Shape [outFeatures, inFeatures]. In memory it lies transposed, so that the forward product and
   * the weight's gradient read and write it in order.
   */
  readonly weight: Parameter;
  /** Shape [outFeatures], or null. */
  readonly bias: Parameter | null;

  /**
   * @throws TensorError ERR_ARGUMENT for sizes that aren't whole numbers >= 1 or unknown options,
   * ERR_DTYPE for another dtype
   */
  constructor(
    /** Elements of an input. */
    readonly inFeatures: number,
    /** Elements of an output. */
    readonly outFeatures: number,
    options: LinearLayerOptions = {},
  ) {
    super();
    checkOptions('Linear', options, ['bias', 'dtype', 'generator']);
    for (const size of [inFeatures, outFeatures]) checkSize('Linear', size);
    const { dtype = 'float32', generator } = options;
    checkDType('Linear', dtype);
    checkGenerator('Linear', generator);
    this.weight = new Parameter(empty([inFeatures, outFeatures], { dtype }).transpose());
    this.bias = options.bias === false ? null : new Parameter(empty([outFeatures], { dtype }));
    const bound = 1 / Math.sqrt(inFeatures);
    uniform(this.weight, -bound, bound, generator);
    if (this.bias !== null) uniform(this.bias, -bound, bound, generator);
  }

  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }

  override extraRepr(): string {
    const { inFeatures, outFeatures, bias } = this;
    return formatFields({ inFeatures, outFeatures, bias: bias !== null });
  }
}
