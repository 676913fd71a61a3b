import { TensorError } from '../../errors.js';
import { clone } from '../../ops/operand.js';
import { activations, type EpilogueActivation } from '../../ops/product/gemm.js';
import {
  type PackedWeight,
  packWeight,
  quantizedLinear,
  quantizePerChannel,
} from '../../ops/product/int8.js';
import { ones, zeros } from '../../tensor/creation.js';
import { outsideScope } from '../../tensor/memory.js';
import { checkNumber, checkOptions, describe } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Buffer } from '../module/buffer.js';
import { replaceMembers } from '../module/members.js';
import { Module } from '../module/module.js';
import { checkSize } from './checks.js';
import { Linear } from './linear.js';

/** Options of {@link QuantizedLinear}. */
export interface QuantizedLinearOptions {
  /** Whether a bias is added. Default true. */
  bias?: boolean;
  /** Applied to the result on its way out. Default none. */
  activation?: EpilogueActivation;
  /** The slope of leakyRelu below 0. Default 0.01. */
  negativeSlope?: number;
}

/**
 * y = activation(x W^T + b) for inference, multiplied in int8: the weight is stored as int8 with a scale
 * for each output, and each row of the input is quantised with a scale of its own when it comes.
 * (PyTorch's dynamic quantisation has one scale for the whole input; one per row is finer, and a row's
 * result doesn't depend on the others.) Sums are exact in 32 bits, up to 131071 inputs.
 *
 * With s_x = max |x| / 127 of the row and s_w = max |w| / 127 of the output, and before the activation,
 * y differs from the float layer's by at most sum over k of (|x_k| s_w + |w_k| s_x) / 2 + s_x s_w / 4,
 * and a few roundings of float32. A NaN or an infinity in a row makes the row NaN.
 *
 * The result has the same bits at every SIMD level and number of threads. A backward pass through it
 * throws ERR_STATE.
 * @example
 * ```ts
 * const layer = nn.QuantizedLinear.from(new nn.Linear(4, 2));
 * layer.forward(ones([3, 4])).shape; // => [3, 2]
 * ```
 */
export class QuantizedLinear extends Module {
  /** int8, shape [outFeatures, inFeatures], -127 to 127. To change it use `loadStateDict`: the layer multiplies by a packed copy. */
  readonly weight: Buffer;
  /** float32, shape [outFeatures]: what a unit of the weight is worth. */
  readonly weightScale: Buffer;
  /** float32, shape [outFeatures], or null. */
  readonly bias: Buffer | null;
  /** Applied to the result. */
  readonly activation: EpilogueActivation;
  /** Slope below 0. */
  readonly negativeSlope: number;
  private packed: PackedWeight | null = null;

  /**
   * A layer of zeros, to load a state into; `QuantizedLinear.from` makes one from a trained layer.
   * @throws TensorError ERR_ARGUMENT for sizes that aren't whole numbers >= 1, unknown options, an
   * unknown activation and a slope that is no finite number
   */
  constructor(
    /** Elements of an input. */
    readonly inFeatures: number,
    /** Elements of an output. */
    readonly outFeatures: number,
    options: QuantizedLinearOptions = {},
  ) {
    super();
    checkOptions('QuantizedLinear', options, ['bias', 'activation', 'negativeSlope']);
    for (const size of [inFeatures, outFeatures]) checkSize('QuantizedLinear', size);
    this.activation = options.activation ?? 'none';
    if (!activations.includes(this.activation)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[QuantizedLinear] unknown activation ${describe(this.activation)}; known are ${activations.join(', ')}`,
      );
    }
    const { negativeSlope = 0.01 } = options;
    this.negativeSlope = checkNumber('QuantizedLinear', 'negativeSlope', negativeSlope);
    this.weight = new Buffer(zeros([outFeatures, inFeatures], { dtype: 'int8' }));
    this.weightScale = new Buffer(ones([outFeatures]));
    this.bias = options.bias === false ? null : new Buffer(zeros([outFeatures]));
  }

  /**
   * The quantised form of a float32 layer, which stays as it is; the two share no memory.
   * @throws TensorError ERR_ARGUMENT for anything but a Linear and unknown options, ERR_DTYPE for a
   * float64 layer
   */
  static from(linear: Linear, options: Omit<QuantizedLinearOptions, 'bias'> = {}): QuantizedLinear {
    checkOptions('QuantizedLinear', options, ['activation', 'negativeSlope']);
    checkQuantizable('QuantizedLinear', linear);
    const { inFeatures, outFeatures } = linear;
    const bias = linear.bias !== null;
    const layer = new QuantizedLinear(inFeatures, outFeatures, { ...options, bias });
    const { values, scales } = quantizePerChannel(linear.weight);
    const state: Record<string, Tensor> = { weight: values, weightScale: scales };
    if (linear.bias !== null) state.bias = clone(linear.bias.detach());
    layer.loadStateDict(state);
    return layer.train(linear.training);
  }

  /** Stays int8 with float32 scales, whatever the modules around it become. */
  protected override convertState(): void {}

  protected override onStateLoaded(): void {
    this.packed = null;
  }

  forward(x: Tensor): Tensor {
    this.packed ??= outsideScope(() => packWeight(this.weight));
    return quantizedLinear('QuantizedLinear', x, {
      weight: this.packed,
      scales: this.weightScale,
      bias: this.bias,
      activation: this.activation,
      negativeSlope: this.negativeSlope,
    });
  }
}

function checkQuantizable(operation: string, layer: unknown): asserts layer is Linear {
  if (!(layer instanceof Linear)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] expected a Linear layer, not ${describe(layer)}`,
    );
  }
  if (layer.weight.dtype !== 'float32') {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] quantises float32 layers, not ${layer.weight.dtype}`,
    );
  }
}

/**
 * Replaces every Linear layer inside a module by its `QuantizedLinear`, for inference: a quarter of the
 * memory and several times the speed, with the error that stands there. As
 * `torch.ao.quantization.quantize_dynamic(model, inplace=True)`: the module is changed and returned (a
 * Linear itself can't be changed: its replacement is returned). Layers of classes derived from Linear
 * stay, since they may compute something else; one that is used twice stays one.
 * @throws TensorError ERR_ARGUMENT for anything but a module; ERR_DTYPE when a layer is float64, and then
 * nothing is changed
 * @example
 * ```ts
 * const model = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 2));
 * nn.quantizeDynamic(model).forward(ones([1, 4])).shape; // => [1, 2]
 * ```
 */
export function quantizeDynamic<M extends Module>(
  module: M,
): M extends Linear ? QuantizedLinear : M;
export function quantizeDynamic(module: Module): Module {
  if (!(module instanceof Module)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[quantizeDynamic] expected a module, not ${describe(module)}`,
    );
  }
  const replacements = new Map<unknown, QuantizedLinear>();
  const all = [...module.modules()];
  for (const layer of all) {
    if (layer.constructor !== Linear) continue;
    checkQuantizable('quantizeDynamic', layer);
    replacements.set(layer, QuantizedLinear.from(layer));
  }
  replaceMembers(all, replacements);
  return replacements.get(module) ?? module;
}
