/** Multi-head attention, with PyTorch's names of parameters. */
import { insideLayer } from '../../autograd/tidy.js';
import { TensorError } from '../../errors.js';
import { logicalAnd, logicalNot } from '../../ops/elementwise/compare.js';
import { where } from '../../ops/elementwise/ternary.js';
import { checkFloating } from '../../ops/operand.js';
import { linear } from '../../ops/product/linear.js';
import { checkGenerator, checkProbability, type Generator } from '../../ops/random/random.js';
import { expand, mean } from '../../ops/reduction/reduce.js';
import {
  attend,
  attendPacked,
  checkMask,
  composedAttention,
  joinedHeads,
  splitHeads,
} from '../../ops/sequence/attention.js';
import { concat } from '../../ops/shape/join.js';
import { reshape, squeeze, unsqueeze } from '../../ops/shape/shape.js';
import { tril } from '../../ops/shape/triangle.js';
import { empty, full, ones, zeros } from '../../tensor/creation.js';
import type { DType } from '../../tensor/dtype.js';
import { checkCount, checkOptions, formatShape, sameShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { zeros as fillZeros, uniform, xavierNormal } from '../init.js';
import { Module } from '../module/module.js';
import { callLayer } from '../module/ours.js';
import { Parameter } from '../module/parameter.js';
import { checkDType, checkFlags } from './checks.js';
import { Linear } from './linear.js';

/** Options of {@link MultiheadAttention}. */
export interface MultiheadAttentionOptions {
  /** The probability that a weight is dropped in training. Default 0. */
  dropout?: number;
  /** Whether projections have biases. Default true. */
  bias?: boolean;
  /** Whether a learned key and value are added at the end. Default false. */
  addBiasKv?: boolean;
  /** Whether a key and a value of zeros are added at the end. Default false. */
  addZeroAttn?: boolean;
  /** Elements of a key. Default embedDim. */
  kdim?: number;
  /** Elements of a value. Default embedDim. */
  vdim?: number;
  /** Whether inputs are [N, L, E] instead of [L, N, E]. Default false. */
  batchFirst?: boolean;
  /** float32 (default) or float64. */
  dtype?: DType;
  /** Where the initial values and dropout come from; default the generator that `manualSeed` seeds. */
  generator?: Generator;
}

/** Options of a forward call of {@link MultiheadAttention}. */
export interface MultiheadAttentionCall {
  /**
   * Keys to leave out, shape [N, S] ([S] without a batch): true where a key is left out, or numbers that
   * are added to its scores. Default none.
   */
  keyPaddingMask?: Tensor | null;
  /**
   * Shape [L, S] or [N * numHeads, L, S]: true where a query may not attend to a key, or numbers that
   * are added to the scores. Default none.
   */
  attnMask?: Tensor | null;
  /** Whether the weights are returned, which then are all in memory. Default true. */
  needWeights?: boolean;
  /** Whether the returned weights are the mean over the heads. Default true. */
  averageAttnWeights?: boolean;
  /** Whether query i may attend to keys 0 to i only; no mask is needed for that. Default false. */
  isCausal?: boolean;
}

const CALL_NAMES = ['keyPaddingMask', 'attnMask', 'needWeights', 'averageAttnWeights', 'isCausal'];

/** The names of members in PyTorch. */
export function snakeCase(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A mask of what is forbidden, or of numbers to be added, as what sdpa takes: true is allowed. */
const allowed = (mask: Tensor): Tensor => (mask.dtype === 'bool' ? logicalNot(mask) : mask);

/** Both masks at once. */
function combined(a: Tensor | null, b: Tensor | null, dtype: DType): Tensor | null {
  if (a === null || b === null) return a ?? b;
  if (a.dtype === 'bool' && b.dtype === 'bool') return logicalAnd(a, b);
  const numbers = (mask: Tensor) =>
    mask.dtype === 'bool'
      ? where(mask, zeros([], { dtype }), full([], Number.NEGATIVE_INFINITY, { dtype }))
      : mask;
  return numbers(a).add(numbers(b));
}

/**
 * Attention of several heads side by side (Vaswani et al. 2017):
 *
 *     head_i = softmax(Q_i K_i^T / sqrt(E / numHeads)) V_i,  output = [head_1, ...] W_O^T + b_O
 *
 * where Q, K and V are linear projections of query, key and value. Inputs are [L, N, E] or with
 * `batchFirst` [N, L, E], or [L, E] without a batch. Masks of bools say what is left out, as in PyTorch
 * (and contrary to `scaledDotProductAttention`). A query whose keys are all left out gets zeros from its
 * heads, with and without `needWeights` (PyTorch gives NaN with it).
 * @example
 * ```ts
 * const layer = new nn.MultiheadAttention(8, 2, { batchFirst: true });
 * const x = randn([3, 5, 8]);
 * const [y, weights] = layer.forward(x, x, x);
 * y.shape; // => [3, 5, 8]
 * weights.shape; // => [3, 5, 5]
 * ```
 */
export class MultiheadAttention extends Module<
  [query: Tensor, key: Tensor, value: Tensor, options?: MultiheadAttentionCall],
  [output: Tensor, weights: Tensor | null]
> {
  /** Elements of a key. */
  readonly kdim: number;
  /** Elements of a value. */
  readonly vdim: number;
  /** The probability that a weight is dropped in training. */
  readonly dropout: number;
  /** Whether inputs are [N, L, E]. */
  readonly batchFirst: boolean;
  /** Whether a key and a value of zeros are added at the end. */
  readonly addZeroAttn: boolean;
  /** The three projections, shape [3 embedDim, embedDim]; null where kdim or vdim differ. */
  readonly inProjWeight: Parameter | null = null;
  /** Shape [embedDim, embedDim]; null where all three are one. */
  readonly qProjWeight: Parameter | null = null;
  /** Shape [embedDim, kdim]; null where all three are one. */
  readonly kProjWeight: Parameter | null = null;
  /** Shape [embedDim, vdim]; null where all three are one. */
  readonly vProjWeight: Parameter | null = null;
  /** Shape [3 embedDim], zeros at first, or null. */
  readonly inProjBias: Parameter | null;
  /** Shape [1, 1, embedDim], with addBiasKv. */
  readonly biasK: Parameter | null = null;
  /** Shape [1, 1, embedDim], with addBiasKv. */
  readonly biasV: Parameter | null = null;
  /** The projection of the result. */
  readonly outProj: Linear;
  private readonly generator: Generator;

  /**
   * @throws TensorError ERR_ARGUMENT for sizes that aren't whole numbers >= 1, heads that don't divide
   * embedDim, unknown options and wrong values; ERR_DTYPE
   */
  constructor(
    /** Elements of a query and of a result. */
    readonly embedDim: number,
    /** How many heads share them. */
    readonly numHeads: number,
    options: MultiheadAttentionOptions = {},
  ) {
    super();
    const name = 'MultiheadAttention';
    const switches = ['bias', 'addBiasKv', 'addZeroAttn', 'batchFirst'];
    checkOptions(name, options, [
      ...switches,
      ...['dropout', 'kdim', 'vdim', 'dtype', 'generator'],
    ]);
    checkFlags(name, options as Readonly<Record<string, unknown>>, switches);
    checkCount(name, 'embedDim', embedDim);
    checkCount(name, 'numHeads', numHeads);
    if (embedDim % numHeads !== 0) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${name}] ${numHeads} heads do not divide ${embedDim} elements`,
      );
    }
    const dtype = checkDType(name, options.dtype);
    const { bias = true, dropout = 0, generator } = options;
    checkProbability(name, dropout);
    this.generator = checkGenerator(name, generator);
    this.dropout = dropout;
    this.batchFirst = options.batchFirst ?? false;
    this.addZeroAttn = options.addZeroAttn ?? false;
    this.kdim = checkCount(name, 'kdim', options.kdim ?? embedDim);
    this.vdim = checkCount(name, 'vdim', options.vdim ?? embedDim);
    const projection = (outputs: number, inputs: number): Parameter => {
      // In memory it lies transposed, as a linear layer's weight. Xavier's bound.
      const weight = new Parameter(empty([inputs, outputs], { dtype }).transpose());
      const bound = Math.sqrt(6 / (inputs + outputs));
      return uniform(weight, -bound, bound, this.generator);
    };
    if (this.kdim === embedDim && this.vdim === embedDim) {
      this.inProjWeight = projection(3 * embedDim, embedDim);
    } else {
      this.qProjWeight = projection(embedDim, embedDim);
      this.kProjWeight = projection(embedDim, this.kdim);
      this.vProjWeight = projection(embedDim, this.vdim);
    }
    this.inProjBias = bias ? new Parameter(zeros([3 * embedDim], { dtype })) : null;
    if (options.addBiasKv === true) {
      const one = () =>
        xavierNormal(new Parameter(empty([1, 1, embedDim], { dtype })), {
          generator: this.generator,
        });
      this.biasK = one();
      this.biasV = one();
    }
    this.outProj = new Linear(embedDim, embedDim, { bias, dtype, generator: this.generator });
    if (this.outProj.bias !== null) fillZeros(this.outProj.bias);
  }

  protected override memberName(property: string): string {
    return snakeCase(property);
  }

  /**
   * The result, and the weights if they are asked for.
   * @param query shape [L, N, embedDim]
   * @param key shape [S, N, kdim]
   * @param value shape [S, N, vdim]
   * @returns the result, shape [L, N, embedDim], and the weights after dropout: the mean over the heads
   * [N, L, S], with `averageAttnWeights: false` [N, numHeads, L, S], or null without `needWeights`
   * @throws TensorError ERR_SHAPE and ERR_DTYPE for what doesn't fit, ERR_ARGUMENT for unknown options
   */
  forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    options: MultiheadAttentionCall = {},
  ): [output: Tensor, weights: Tensor | null] {
    const name = 'MultiheadAttention';
    checkOptions(name, options, CALL_NAMES);
    const given = options as Readonly<Record<string, unknown>>;
    checkFlags(name, given, ['needWeights', 'averageAttnWeights', 'isCausal']);
    this.checkInputs(query, key, value);
    return insideLayer(() =>
      query.ndim === 2
        ? this.withoutBatch(query, key, value, options)
        : this.batched(query, key, value, options),
    );
  }

  private batched(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    options: MultiheadAttentionCall,
  ): [output: Tensor, weights: Tensor | null] {
    const batchDim = this.batchFirst ? 0 : 1;
    const [batch, queries] = [query.shape[batchDim], query.shape[1 - batchDim]] as [number, number];
    const extra = Number(this.biasK !== null) + Number(this.addZeroAttn);
    const keys = key.shape[1 - batchDim] as number;
    const masks = this.masks(options, [batch, queries, keys], extra, query.dtype);
    const settings = {
      ...masks,
      scale: 1 / Math.sqrt(this.embedDim / this.numHeads),
      p: this.training ? this.dropout : 0,
      generator: this.generator,
    };
    const { needWeights = true, averageAttnWeights = true } = options;
    const { inProjWeight, inProjBias, numHeads } = this;
    if (query === key && key === value && inProjWeight !== null && extra === 0 && !needWeights) {
      const projections = linear(query, inProjWeight, inProjBias);
      return [
        callLayer(this.outProj, attendPacked(projections, numHeads, batchDim, settings)),
        null,
      ];
    }
    const [q, k, v] = this.project([query, key, value], batchDim);
    if (needWeights) {
      const { output, weights } = composedAttention(q, k, v, settings);
      const shown = averageAttnWeights ? mean(weights, { dim: 1 }) : weights;
      return [callLayer(this.outProj, joinedHeads(output, batchDim)), shown];
    }
    const output = attend(q, k, v, settings);
    return [callLayer(this.outProj, joinedHeads(output, batchDim)), null];
  }

  /** The projections of the inputs, the scores of all pairs and the sums of the values that they weight. */
  override multiplyAdds([query, key]: readonly [Tensor, Tensor, Tensor, unknown?]): number {
    const { embedDim, kdim, vdim, biasK, addZeroAttn, batchFirst } = this;
    const isBatch = query.ndim === 3;
    const [batchDim, lengthDim] = batchFirst ? [0, 1] : [1, 0];
    const batch = isBatch ? (query.shape[batchDim] as number) : 1;
    const lengthOf = (t: Tensor): number => t.shape[isBatch ? lengthDim : 0] as number;
    const [queries, keys] = [lengthOf(query), lengthOf(key)];
    const projections = queries * embedDim * embedDim + keys * embedDim * (kdim + vdim);
    const pairs = queries * (keys + Number(biasK !== null) + Number(addZeroAttn));
    return batch * (projections + 2 * pairs * embedDim);
  }

  private checkInputs(query: Tensor, key: Tensor, value: Tensor): void {
    const name = 'MultiheadAttention';
    const sizes = [this.embedDim, this.kdim, this.vdim];
    [query, key, value].forEach((t, i) => {
      const what = ['query', 'key', 'value'][i];
      checkFloating(name, t);
      if (t.ndim !== query.ndim || (t.ndim !== 2 && t.ndim !== 3) || t.shape.at(-1) !== sizes[i]) {
        const shape = this.batchFirst ? '[N, length, ' : '[length, N, ';
        throw new TensorError(
          'ERR_SHAPE',
          `[${name}] the ${what} has shape ${shape}${sizes[i]}] or [length, ${sizes[i]}], not ${formatShape(t.shape)}`,
        );
      }
    });
    const batchDim = this.batchFirst ? 0 : 1;
    const batchFits =
      query.ndim === 2 ||
      (key.shape[batchDim] === query.shape[batchDim] &&
        value.shape[batchDim] === query.shape[batchDim]);
    if (!batchFits || !sameShape(key.shape.slice(0, -1), value.shape.slice(0, -1))) {
      throw new TensorError(
        'ERR_SHAPE',
        `[${name}] query ${formatShape(query.shape)}, key ${formatShape(key.shape)} and value ` +
          `${formatShape(value.shape)} do not fit`,
      );
    }
  }

  private withoutBatch(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    options: MultiheadAttentionCall,
  ): [output: Tensor, weights: Tensor | null] {
    const at = this.batchFirst ? 0 : 1;
    const q = unsqueeze(query, at);
    const k = key === query ? q : unsqueeze(key, at);
    const v = value === query ? q : value === key ? k : unsqueeze(value, at);
    const { keyPaddingMask = null } = options;
    const padding = keyPaddingMask === null ? null : unsqueeze(keyPaddingMask, 0);
    const [y, weights] = this.batched(q, k, v, { ...options, keyPaddingMask: padding });
    return [squeeze(y, at), weights === null ? null : squeeze(weights, 0)];
  }

  /** Queries, keys and values as [N, numHeads, length, size]. */
  private project(inputs: readonly Tensor[], batchDim: 0 | 1): [q: Tensor, k: Tensor, v: Tensor] {
    const { inProjWeight, inProjBias, numHeads } = this;
    const apart = [this.qProjWeight, this.kProjWeight, this.vProjWeight];
    const weights = inProjWeight?.chunk(3, 0) ?? (apart as Tensor[]);
    const biases = inProjBias?.chunk(3, 0);
    return inputs.map((x, i) => {
      let y = linear(x, weights[i] as Tensor, biases?.[i] ?? null);
      const bias = i === 0 ? null : i === 1 ? this.biasK : this.biasV;
      const length = 1 - batchDim;
      const one = [...y.shape];
      one[length] = 1;
      if (bias !== null) y = concat([y, expand(bias, one)], length);
      if (i > 0 && this.addZeroAttn) y = concat([y, zeros(one, { dtype: y.dtype })], length);
      return splitHeads(y, numHeads, batchDim);
    }) as [Tensor, Tensor, Tensor];
  }

  /** One mask for the scores [N, numHeads, L, S + extra] of what a query may attend to. */
  private masks(
    options: MultiheadAttentionCall,
    [batch, queries, keys]: readonly [number, number, number],
    extra: number,
    dtype: DType,
  ): { mask: Tensor | null; causal: boolean } {
    const name = 'MultiheadAttention';
    const { keyPaddingMask = null, attnMask = null, isCausal = false } = options;
    const heads = this.numHeads;
    let mask: Tensor | null = null;
    if (attnMask !== null) {
      const shape = attnMask.ndim === 3 ? [batch * heads, queries, keys] : [queries, keys];
      checkMaskShape(name, 'attnMask', attnMask, dtype, shape);
      const open = allowed(attnMask);
      mask = attnMask.ndim === 3 ? reshape(open, [batch, heads, queries, keys]) : open;
    }
    if (keyPaddingMask !== null) {
      checkMaskShape(name, 'keyPaddingMask', keyPaddingMask, dtype, [batch, keys]);
      mask = combined(mask, reshape(allowed(keyPaddingMask), [batch, 1, 1, keys]), dtype);
    }
    if (extra === 0) return { mask, causal: isCausal };
    // Added keys come last, and every query may attend to them.
    if (isCausal) mask = combined(mask, tril(ones([queries, keys], { dtype: 'bool' })), dtype);
    if (mask === null) return { mask, causal: false };
    const open = [...mask.shape.slice(0, -1), extra];
    const padding = mask.dtype === 'bool' ? ones(open, { dtype: 'bool' }) : zeros(open, { dtype });
    return { mask: concat([mask, padding], -1), causal: false };
  }
}

function checkMaskShape(
  operation: string,
  name: string,
  mask: Tensor,
  dtype: DType,
  shape: readonly number[],
): void {
  checkMask(operation, name, mask, dtype, shape);
  if (!sameShape(mask.shape, shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] ${name} ${formatShape(mask.shape)} must have shape ${formatShape(shape)}`,
    );
  }
}
