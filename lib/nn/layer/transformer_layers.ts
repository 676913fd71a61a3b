/** The layers of a transformer, with PyTorch's names of parameters. */
import { insideLayer } from '../../autograd/tidy.js';
import { TensorError } from '../../errors.js';
import { gelu, relu } from '../../ops/elementwise/activation.js';
import { checkTensor } from '../../ops/operand.js';
import { checkGenerator, checkProbability, type Generator } from '../../ops/random/random.js';
import type { DType } from '../../tensor/dtype.js';
import { checkCount, checkOptions, describe } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { Module } from '../module/module.js';
import { callFunction, callLayer } from '../module/ours.js';
import { MultiheadAttention, snakeCase } from './attention.js';
import { checkDType, checkFlags } from './checks.js';
import { Dropout } from './dropout.js';
import { Linear } from './linear.js';
import { LayerNorm } from './norm.js';

/** The activation between the two linear layers. */
export type TransformerActivation = 'relu' | 'gelu' | ((x: Tensor) => Tensor);

/** Options of {@link TransformerEncoderLayer} and {@link TransformerDecoderLayer}. */
export interface TransformerLayerOptions {
  /** Elements between the two linear layers. Default 2048. */
  dimFeedforward?: number;
  /** The probability that an element is dropped in training. Default 0.1. */
  dropout?: number;
  /** Default relu. */
  activation?: TransformerActivation;
  /** Added to the variance in normalisations. Default 1e-5. */
  layerNormEps?: number;
  /** Whether inputs are [N, L, E] instead of [L, N, E]. Default false. */
  batchFirst?: boolean;
  /** Whether normalisation comes before attention and linear layers instead of after them. Default false. */
  normFirst?: boolean;
  /** Whether linear layers and normalisations have biases. Default true. */
  bias?: boolean;
  /** float32 (default) or float64. */
  dtype?: DType;
  /** Where initial values and dropout come from; default the generator that `manualSeed` seeds. */
  generator?: Generator;
}

/** Names of {@link TransformerLayerOptions}. */
export const LAYER_OPTIONS = [
  ...['dimFeedforward', 'dropout', 'activation', 'layerNormEps', 'batchFirst', 'normFirst'],
  ...['bias', 'dtype', 'generator'],
];

const ACTIVATIONS: Readonly<Record<'relu' | 'gelu', (x: Tensor) => Tensor>> = { relu, gelu };

function activationOf(operation: string, value: TransformerActivation): (x: Tensor) => Tensor {
  if (typeof value === 'function') return value;
  if (value === 'relu' || value === 'gelu') return ACTIVATIONS[value];
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${operation}] activation is relu, gelu or a function, not ${describe(value)}`,
  );
}

/** Which keys self-attention leaves out. */
interface Masks {
  mask?: Tensor | null | undefined;
  padding?: Tensor | null | undefined;
  causal?: boolean | undefined;
}

/** What both layers have: self-attention and two linear layers with an activation between them. */
abstract class TransformerLayer<Inputs extends readonly unknown[]> extends Module<Inputs> {
  /** Attention of the sequence to itself. */
  readonly selfAttn: MultiheadAttention;
  /** Whether normalisation comes first. */
  readonly normFirst: boolean;
  /** Elements of an input. */
  readonly dModel: number;
  /** How many heads attention has. */
  readonly nhead: number;
  abstract readonly linear1: Linear;
  abstract readonly linear2: Linear;
  protected abstract readonly dropout: Dropout;
  protected readonly activation: (x: Tensor) => Tensor;
  /** What the layer was made with, for copies. */
  protected readonly options: TransformerLayerOptions;

  constructor(
    protected readonly name: string,
    dModel: number,
    nhead: number,
    options: TransformerLayerOptions,
  ) {
    super();
    checkOptions(name, options, LAYER_OPTIONS);
    const switches = ['batchFirst', 'normFirst', 'bias'];
    checkFlags(name, options as Readonly<Record<string, unknown>>, switches);
    checkCount(name, 'dModel', dModel);
    checkCount(name, 'nhead', nhead);
    checkCount(name, 'dimFeedforward', options.dimFeedforward ?? 2048);
    const { dropout = 0.1 } = options;
    checkProbability(name, dropout);
    checkDType(name, options.dtype);
    checkGenerator(name, options.generator);
    this.dModel = dModel;
    this.nhead = nhead;
    this.options = { ...options };
    this.activation = activationOf(name, options.activation ?? 'relu');
    this.normFirst = options.normFirst ?? false;
    this.selfAttn = this.attention();
  }

  protected attention(): MultiheadAttention {
    const { dropout = 0.1, batchFirst = false, bias = true, dtype, generator } = this.options;
    return new MultiheadAttention(this.dModel, this.nhead, {
      ...{ dropout, batchFirst, bias },
      ...(dtype && { dtype }),
      ...(generator && { generator }),
    });
  }

  protected linear(inputs: number, outputs: number): Linear {
    const { bias = true, dtype, generator } = this.options;
    return new Linear(inputs, outputs, {
      bias,
      ...(dtype && { dtype }),
      ...(generator && { generator }),
    });
  }

  protected norm(): LayerNorm {
    const { bias = true, layerNormEps: eps = 1e-5, dtype } = this.options;
    return new LayerNorm(this.dModel, { eps, bias, ...(dtype && { dtype }) });
  }

  protected drop(): Dropout {
    const { dropout = 0.1, generator } = this.options;
    return new Dropout(dropout, generator ? { generator } : {});
  }

  protected get width(): number {
    return this.options.dimFeedforward ?? 2048;
  }

  /** x + f(norm(x)), or norm(x + f(x)). */
  protected sublayer(x: Tensor, norm: LayerNorm, f: (x: Tensor) => Tensor): Tensor {
    return this.normFirst ? x.add(f(callLayer(norm, x))) : callLayer(norm, x.add(f(x)));
  }

  protected attend(
    attention: MultiheadAttention,
    x: Tensor,
    source: Tensor,
    { mask, padding, causal }: Masks,
  ): Tensor {
    const [y] = callLayer(attention, x, source, source, {
      needWeights: false,
      attnMask: mask ?? null,
      keyPaddingMask: padding ?? null,
      isCausal: causal ?? false,
    });
    return y;
  }

  /** linear2(activation(linear1(x))) */
  protected feedForward(x: Tensor): Tensor {
    const hidden = callFunction(this.activation, callLayer(this.linear1, x));
    return callLayer(this.linear2, callLayer(this.dropout, hidden));
  }

  protected override memberName(property: string): string {
    return snakeCase(property);
  }

  /** A layer of the same kind with the same values. */
  copy(): this {
    type Kind = new (dModel: number, nhead: number, options: TransformerLayerOptions) => this;
    const made = new (this.constructor as Kind)(this.dModel, this.nhead, this.options);
    made.loadStateDict(this.stateDict());
    made.train(this.training);
    return made;
  }
}

/** Options of a forward call of {@link TransformerEncoderLayer}. */
export interface EncoderLayerCall {
  /** As `attnMask` of {@link MultiheadAttention}. Default none. */
  srcMask?: Tensor | null;
  /** As `keyPaddingMask` of {@link MultiheadAttention}. Default none. */
  srcKeyPaddingMask?: Tensor | null;
  /** Whether position i may attend to positions 0 to i only. Default false. */
  isCausal?: boolean;
}

/**
 * Self-attention and two linear layers (Vaswani et al. 2017), each with a residual and a normalisation:
 * x = norm1(x + attention(x)), then norm2(x + linear2(activation(linear1(x)))); or with `normFirst`
 * x = x + attention(norm1(x)) and x + linear2(activation(linear1(norm2(x)))) (Xiong et al. 2020).
 * @example
 * ```ts
 * const layer = new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, batchFirst: true });
 * layer.forward(randn([3, 5, 8]), { isCausal: true }).shape; // => [3, 5, 8]
 * ```
 */
export class TransformerEncoderLayer extends TransformerLayer<
  [src: Tensor, options?: EncoderLayerCall]
> {
  /** From dModel to dimFeedforward elements. */
  readonly linear1: Linear;
  /** Back to dModel elements. */
  readonly linear2: Linear;
  /** Around attention. */
  readonly norm1: LayerNorm;
  /** Around the linear layers. */
  readonly norm2: LayerNorm;
  protected readonly dropout = this.drop();
  private readonly dropout1 = this.drop();
  private readonly dropout2 = this.drop();

  /**
   * @throws TensorError ERR_ARGUMENT for sizes that aren't whole numbers >= 1, heads that don't divide
   * dModel, unknown options and wrong values; ERR_DTYPE
   */
  constructor(dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super('TransformerEncoderLayer', dModel, nhead, options);
    this.linear1 = this.linear(dModel, this.width);
    this.linear2 = this.linear(this.width, dModel);
    this.norm1 = this.norm();
    this.norm2 = this.norm();
  }

  /**
   * The layer's result.
   * @param src shape [L, N, dModel], with `batchFirst` [N, L, dModel], or [L, dModel]; the result's too
   */
  forward(src: Tensor, options: EncoderLayerCall = {}): Tensor {
    checkTensor(this.name, src);
    checkOptions(this.name, options, ['srcMask', 'srcKeyPaddingMask', 'isCausal']);
    const { srcMask: mask, srcKeyPaddingMask: padding, isCausal: causal } = options;
    return insideLayer(() => {
      const x = this.sublayer(src, this.norm1, (y) =>
        callLayer(this.dropout1, this.attend(this.selfAttn, y, y, { mask, padding, causal })),
      );
      return this.sublayer(x, this.norm2, (y) => callLayer(this.dropout2, this.feedForward(y)));
    });
  }
}

/** Options of a forward call of {@link TransformerDecoderLayer}. */
export interface DecoderLayerCall {
  /** As `attnMask` of {@link MultiheadAttention}, for self-attention. Default none. */
  tgtMask?: Tensor | null;
  /** The same for attention to the memory. Default none. */
  memoryMask?: Tensor | null;
  /** As `keyPaddingMask` of {@link MultiheadAttention}, for self-attention. Default none. */
  tgtKeyPaddingMask?: Tensor | null;
  /** The same for attention to the memory. Default none. */
  memoryKeyPaddingMask?: Tensor | null;
  /** Whether position i may attend to positions 0 to i only. Default false. */
  tgtIsCausal?: boolean;
  /** The same of the memory's positions. Default false. */
  memoryIsCausal?: boolean;
}

/** Names of {@link DecoderLayerCall}. */
export const DECODER_CALL = [
  ...['tgtMask', 'memoryMask', 'tgtKeyPaddingMask', 'memoryKeyPaddingMask'],
  ...['tgtIsCausal', 'memoryIsCausal'],
];

/**
 * Self-attention, attention to an encoder's result and two linear layers (Vaswani et al. 2017), each with
 * a residual and a normalisation: see {@link TransformerEncoderLayer}.
 * @example
 * ```ts
 * const layer = new nn.TransformerDecoderLayer(8, 2, { dimFeedforward: 16, batchFirst: true });
 * layer.forward(randn([3, 4, 8]), randn([3, 5, 8])).shape; // => [3, 4, 8]
 * ```
 */
export class TransformerDecoderLayer extends TransformerLayer<
  [tgt: Tensor, memory: Tensor, options?: DecoderLayerCall]
> {
  /** Attention of the sequence to the encoder's result. */
  readonly multiheadAttn: MultiheadAttention;
  /** From dModel to dimFeedforward elements. */
  readonly linear1: Linear;
  /** Back to dModel elements. */
  readonly linear2: Linear;
  /** Around self-attention. */
  readonly norm1: LayerNorm;
  /** Around attention to the memory. */
  readonly norm2: LayerNorm;
  /** Around the linear layers. */
  readonly norm3: LayerNorm;
  protected readonly dropout = this.drop();
  private readonly dropout1 = this.drop();
  private readonly dropout2 = this.drop();
  private readonly dropout3 = this.drop();

  /**
   * @throws TensorError ERR_ARGUMENT for sizes that aren't whole numbers >= 1, heads that don't divide
   * dModel, unknown options and wrong values; ERR_DTYPE
   */
  constructor(dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super('TransformerDecoderLayer', dModel, nhead, options);
    this.multiheadAttn = this.attention();
    this.linear1 = this.linear(dModel, this.width);
    this.linear2 = this.linear(this.width, dModel);
    this.norm1 = this.norm();
    this.norm2 = this.norm();
    this.norm3 = this.norm();
  }

  /**
   * The layer's result.
   * @param tgt shape [L, N, dModel], with `batchFirst` [N, L, dModel], or [L, dModel]; the result's too
   * @param memory the encoder's result, [S, N, dModel]
   */
  forward(tgt: Tensor, memory: Tensor, options: DecoderLayerCall = {}): Tensor {
    checkTensor(this.name, tgt);
    checkOptions(this.name, options, DECODER_CALL);
    const own = {
      mask: options.tgtMask,
      padding: options.tgtKeyPaddingMask,
      causal: options.tgtIsCausal,
    };
    const across = {
      mask: options.memoryMask,
      padding: options.memoryKeyPaddingMask,
      causal: options.memoryIsCausal,
    };
    return insideLayer(() => {
      let x = this.sublayer(tgt, this.norm1, (y) =>
        callLayer(this.dropout1, this.attend(this.selfAttn, y, y, own)),
      );
      x = this.sublayer(x, this.norm2, (y) =>
        callLayer(this.dropout2, this.attend(this.multiheadAttn, y, memory, across)),
      );
      return this.sublayer(x, this.norm3, (y) => callLayer(this.dropout3, this.feedForward(y)));
    });
  }
}
