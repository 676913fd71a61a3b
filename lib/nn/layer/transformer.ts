/** Stacks of transformer layers, and the whole of encoder and decoder. */
import { insideLayer } from '../../autograd/tidy.js';
import { TensorError } from '../../errors.js';
import { checkFloating } from '../../ops/operand.js';
import { triu } from '../../ops/shape/triangle.js';
import { full } from '../../tensor/creation.js';
import type { DType } from '../../tensor/dtype.js';
import { checkCount, checkOptions, describe, formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { xavierUniform } from '../init.js';
import { Module } from '../module/module.js';
import { callLayer } from '../module/ours.js';
import { checkDType } from './checks.js';
import { LayerNorm } from './norm.js';
import {
  DECODER_CALL,
  type DecoderLayerCall,
  LAYER_OPTIONS,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
} from './transformer_layers.js';

function checkNorm(operation: string, norm: Module | null): Module | null {
  if (norm === null || norm instanceof Module) return norm;
  throw new TensorError('ERR_ARGUMENT', `[${operation}] ${describe(norm)} is not a module`);
}

/** Copies of a layer, all with its values, as in PyTorch. */
function copies<Layer extends { copy(): Layer }>(layer: Layer, count: number): Layer[] {
  return Array.from({ length: count }, () => layer.copy());
}

/** Options of a forward call of {@link TransformerEncoder}. */
export interface EncoderCall {
  /** As `attnMask` of {@link MultiheadAttention}. Default none. */
  mask?: Tensor | null;
  /** As `keyPaddingMask` of {@link MultiheadAttention}. Default none. */
  srcKeyPaddingMask?: Tensor | null;
  /** Whether position i may attend to positions 0 to i only. Default false. */
  isCausal?: boolean;
}

/**
 * Encoder layers one after the other, and a normalisation at the end if one is given. The layers are
 * copies of the given one; parameters are named `layers.0.self_attn.in_proj_weight`...
 * @example
 * ```ts
 * const layer = new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16 });
 * const encoder = new nn.TransformerEncoder(layer, 2, new nn.LayerNorm(8));
 * encoder.forward(randn([5, 3, 8])).shape; // => [5, 3, 8]
 * ```
 */
export class TransformerEncoder extends Module<[src: Tensor, options?: EncoderCall]> {
  /** In the order in which they run. */
  readonly layers: readonly TransformerEncoderLayer[];
  /** What comes last, or null. */
  readonly norm: Module | null;

  /** @throws TensorError ERR_ARGUMENT for anything but a layer, a number >= 1 and a module */
  constructor(
    encoderLayer: TransformerEncoderLayer,
    /** How many layers. */
    readonly numLayers: number,
    norm: Module | null = null,
  ) {
    super();
    const name = 'TransformerEncoder';
    if (!(encoderLayer instanceof TransformerEncoderLayer)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${name}] expected a TransformerEncoderLayer, not ${describe(encoderLayer)}`,
      );
    }
    this.layers = copies(encoderLayer, checkCount(name, 'numLayers', numLayers));
    this.norm = checkNorm(name, norm);
  }

  /**
   * The result of all layers.
   * @param src shape [L, N, E], of `batchFirst` layers [N, L, E], or [L, E]; the result's too
   */
  forward(src: Tensor, options: EncoderCall = {}): Tensor {
    checkOptions('TransformerEncoder', options, ['mask', 'srcKeyPaddingMask', 'isCausal']);
    const { mask: srcMask = null, srcKeyPaddingMask = null, isCausal = false } = options;
    const perLayer = { srcMask, srcKeyPaddingMask, isCausal };
    return insideLayer(() => {
      const x = this.layers.reduce((y, layer) => callLayer(layer, y, perLayer), src);
      return this.norm === null ? x : callLayer(this.norm, x);
    });
  }
}

/**
 * Decoder layers one after the other, and a normalisation at the end if one is given. The layers are
 * copies of the given one.
 * @example
 * ```ts
 * const layer = new nn.TransformerDecoderLayer(8, 2, { dimFeedforward: 16 });
 * const decoder = new nn.TransformerDecoder(layer, 2);
 * decoder.forward(randn([4, 3, 8]), randn([5, 3, 8])).shape; // => [4, 3, 8]
 * ```
 */
export class TransformerDecoder extends Module<
  [tgt: Tensor, memory: Tensor, options?: DecoderLayerCall]
> {
  /** In the order in which they run. */
  readonly layers: readonly TransformerDecoderLayer[];
  /** What comes last, or null. */
  readonly norm: Module | null;

  /** @throws TensorError ERR_ARGUMENT for anything but a layer, a number >= 1 and a module */
  constructor(
    decoderLayer: TransformerDecoderLayer,
    /** How many layers. */
    readonly numLayers: number,
    norm: Module | null = null,
  ) {
    super();
    const name = 'TransformerDecoder';
    if (!(decoderLayer instanceof TransformerDecoderLayer)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${name}] expected a TransformerDecoderLayer, not ${describe(decoderLayer)}`,
      );
    }
    this.layers = copies(decoderLayer, checkCount(name, 'numLayers', numLayers));
    this.norm = checkNorm(name, norm);
  }

  /**
   * The result of all layers.
   * @param tgt shape [L, N, E], of `batchFirst` layers [N, L, E], or [L, E]; the result's too
   * @param memory the encoder's result, [S, N, E]
   */
  forward(tgt: Tensor, memory: Tensor, options: DecoderLayerCall = {}): Tensor {
    checkOptions('TransformerDecoder', options, DECODER_CALL);
    return insideLayer(() => {
      const x = this.layers.reduce((y, layer) => callLayer(layer, y, memory, options), tgt);
      return this.norm === null ? x : callLayer(this.norm, x);
    });
  }
}

/** Options of {@link Transformer}. */
export interface TransformerOptions extends TransformerLayerOptions {
  /** Layers of the encoder. Default 6. */
  numEncoderLayers?: number;
  /** Layers of the decoder. Default 6. */
  numDecoderLayers?: number;
}

/** Options of a forward call of {@link Transformer}. */
export interface TransformerCall extends DecoderLayerCall {
  /** As `mask` of {@link TransformerEncoder}. Default none. */
  srcMask?: Tensor | null;
  /** Source positions to leave out, shape [N, S]. Default none. */
  srcKeyPaddingMask?: Tensor | null;
  /** Whether source position i may attend to positions 0 to i only. Default false. */
  srcIsCausal?: boolean;
}

/**
 * Encoder and decoder with a normalisation at the end of each (Vaswani et al. 2017), without embeddings
 * and output layer. Weights are from Xavier's uniform distribution at first, each layer with its own.
 * @example
 * ```ts
 * const options = { numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 16 };
 * const model = new nn.Transformer(8, 2, options);
 * const mask = nn.generateSquareSubsequentMask(4);
 * model.forward(randn([5, 3, 8]), randn([4, 3, 8]), { tgtMask: mask }).shape; // => [4, 3, 8]
 * ```
 */
export class Transformer extends Module<[src: Tensor, tgt: Tensor, options?: TransformerCall]> {
  /** Of the source. */
  readonly encoder: TransformerEncoder;
  /** Of the target, with attention to the encoder's result. */
  readonly decoder: TransformerDecoder;

  /**
   * @throws TensorError ERR_ARGUMENT for sizes that aren't whole numbers >= 1, heads that don't divide
   * dModel, unknown options and wrong values; ERR_DTYPE
   */
  constructor(
    /** Elements of an input. */
    readonly dModel = 512,
    /** How many heads attention has. */
    readonly nhead = 8,
    options: TransformerOptions = {},
  ) {
    super();
    const known = [...LAYER_OPTIONS, 'numEncoderLayers', 'numDecoderLayers'];
    checkOptions('Transformer', options, known);
    const { numEncoderLayers = 6, numDecoderLayers = 6, ...ofLayers } = options;
    checkCount('Transformer', 'dModel', dModel);
    checkCount('Transformer', 'nhead', nhead);
    checkCount('Transformer', 'numEncoderLayers', numEncoderLayers);
    checkCount('Transformer', 'numDecoderLayers', numDecoderLayers);
    const { layerNormEps: eps = 1e-5, bias = true, dtype, generator } = ofLayers;
    const norm = () => new LayerNorm(dModel, { eps, bias, ...(dtype && { dtype }) });
    const encoderLayer = new TransformerEncoderLayer(dModel, nhead, ofLayers);
    const decoderLayer = new TransformerDecoderLayer(dModel, nhead, ofLayers);
    this.encoder = new TransformerEncoder(encoderLayer, numEncoderLayers, norm());
    this.decoder = new TransformerDecoder(decoderLayer, numDecoderLayers, norm());
    for (const parameter of this.parameters()) {
      if (parameter.ndim > 1) xavierUniform(parameter, generator ? { generator } : {});
    }
  }

  /**
   * The decoder's result for the target, given the source.
   * @param src shape [S, N, dModel], with `batchFirst` [N, S, dModel], or [S, dModel]
   * @param tgt shape [L, N, dModel], with `batchFirst` [N, L, dModel], or [L, dModel]; the result's too
   * @throws TensorError ERR_SHAPE for what doesn't fit, ERR_ARGUMENT for unknown options
   */
  forward(src: Tensor, tgt: Tensor, options: TransformerCall = {}): Tensor {
    const own = ['srcMask', 'srcKeyPaddingMask', 'srcIsCausal'];
    checkOptions('Transformer', options, [...own, ...DECODER_CALL]);
    for (const t of [src, tgt]) {
      checkFloating('Transformer', t);
      if (t.shape.at(-1) !== this.dModel) {
        throw new TensorError(
          'ERR_SHAPE',
          `[Transformer] inputs have shape [..., ${this.dModel}], not ${formatShape(t.shape)}`,
        );
      }
    }
    const { srcMask = null, srcKeyPaddingMask = null, srcIsCausal = false, ...rest } = options;
    const ofSource = { mask: srcMask, srcKeyPaddingMask, isCausal: srcIsCausal };
    return insideLayer(() =>
      callLayer(this.decoder, tgt, callLayer(this.encoder, src, ofSource), rest),
    );
  }
}

/** Options of {@link generateSquareSubsequentMask}. */
export interface SubsequentMaskOptions {
  /** float32 (default) or float64. */
  dtype?: DType;
}

/**
 * The mask that is added to scores so that position i attends to positions 0 to i only: -infinity above
 * the diagonal, 0 elsewhere. Layers do without it given `isCausal`.
 * @throws TensorError ERR_ARGUMENT unless it is a whole number >= 1, ERR_DTYPE
 * @example
 * ```ts
 * nn.generateSquareSubsequentMask(2); // => [[0, -Infinity], [0, 0]]
 * ```
 */
export function generateSquareSubsequentMask(
  size: number,
  options: SubsequentMaskOptions = {},
): Tensor {
  const name = 'generateSquareSubsequentMask';
  checkOptions(name, options, ['dtype']);
  const dtype = checkDType(name, options.dtype);
  const sizes = checkCount(name, 'size', size);
  return triu(full([sizes, sizes], Number.NEGATIVE_INFINITY, { dtype }), 1);
}
