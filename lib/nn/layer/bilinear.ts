import { bilinear } from '../../ops/product/bilinear.js';
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

/** Options of {@link Bilinear}. */
export interface BilinearLayerOptions {
  /** Whether a bias is added. Default true. */
  bias?: boolean;
  /** float32 (default) or float64. */
  dtype?: DType;
  /** Where the initial values come from; default the generator that `manualSeed` seeds. */
  generator?: Generator;
}

/**
 * y_k = x1^T A_k x2 + b_k: see the function `bilinear`. Weight and bias are from
 * U(-1/sqrt(in1Features), 1/sqrt(in1Features)) at first, as in PyTorch. Inputs have shapes
 * [..., in1Features] and [..., in2Features].
 * @example
 * ```ts
 * const layer = new nn.Bilinear(3, 4, 2);
 * layer.forward(ones([5, 3]), ones([5, 4])).shape; // => [5, 2]
 * layer.weight.shape; // => [2, 3, 4]
 * ```
 */
export class Bilinear extends Module<[x1: Tensor, x2: Tensor]> {
  /** Shape [outFeatures, in1Features, in2Features]. */
  readonly weight: Parameter;
  /** Shape [outFeatures], or null. */
  readonly bias: Parameter | null;

  /**
   * @throws TensorError ERR_ARGUMENT for sizes that aren't whole numbers >= 1 or unknown options,
   * ERR_DTYPE for another dtype
   */
  constructor(
    /** Elements of a first input. */
    readonly in1Features: number,
    /** Elements of a second input. */
    readonly in2Features: number,
    /** Elements of an output. */
    readonly outFeatures: number,
    options: BilinearLayerOptions = {},
  ) {
    super();
    checkOptions('Bilinear', options, ['bias', 'dtype', 'generator']);
    for (const size of [in1Features, in2Features, outFeatures]) checkSize('Bilinear', size);
    const { dtype = 'float32', generator } = options;
    checkDType('Bilinear', dtype);
    checkGenerator('Bilinear', generator);
    this.weight = new Parameter(empty([outFeatures, in1Features, in2Features], { dtype }));
    this.bias = options.bias === false ? null : new Parameter(empty([outFeatures], { dtype }));
    const bound = 1 / Math.sqrt(in1Features);
    uniform(this.weight, -bound, bound, generator);
    if (this.bias !== null) uniform(this.bias, -bound, bound, generator);
  }

  forward(x1: Tensor, x2: Tensor): Tensor {
    return bilinear(x1, x2, this.weight, this.bias);
  }

  override extraRepr(): string {
    const { in1Features, in2Features, outFeatures, bias } = this;
    return formatFields({ in1Features, in2Features, outFeatures, bias: bias !== null });
  }
}
