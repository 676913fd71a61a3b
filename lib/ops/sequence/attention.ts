/** Scaled dot-product attention, forward and backward without the matrix of all scores. */
import { isGradEnabled } from '../../autograd/mode.js';
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { rows, runRow } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import { allocate } from '../../tensor/memory.js';
import {
  broadcastShapes,
  broadcastStrides,
  checkFlag,
  checkNumber,
  checkOptions,
  formatShape,
  numel,
  type Shape,
  sameShape,
} from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { attachJoint } from '../normalization/norm.js';
import { checkFloating, checkTensor, contiguous } from '../operand.js';
import { matmul } from '../product/matmul.js';
import { dropout } from '../random/dropout.js';
import { checkGenerator, checkProbability, type Generator } from '../random/random.js';
import { expand } from '../reduction/reduce.js';
import { concat } from '../shape/join.js';
import { permute, reshape, unflatten } from '../shape/shape.js';
import {
  attentionWeights,
  recordedGradient,
  type Scoring,
  type WeightDropout,
} from './attention_composed.js';

/** Options of {@link scaledDotProductAttention}. */
export interface AttentionOptions {
  /**
   * Which keys each query may attend to (bool, true where it may), or numbers that are added to the
   * scores (of the query's dtype). Broadcasts to [..., L, S]. Default none.
   */
  attnMask?: Tensor | null;
  /** The probability that a weight is dropped, in evaluation too: give 0 there. Default 0. */
  dropoutP?: number;
  /** Whether query i may attend to keys 0 to i only, also beside a mask. Default false. */
  isCausal?: boolean;
  /** The factor of the scores. Default 1 / sqrt(E). */
  scale?: number | null;
  /** Whether neighbouring query heads share one head of keys and values. Default false. */
  enableGqa?: boolean;
  /** The stream that dropout draws from; default the one that `manualSeed` seeds. */
  generator?: Generator;
}

/** How weights are computed. */
export interface AttentionSettings extends Scoring {
  /** The probability that a weight is dropped. */
  readonly p: number;
  readonly generator: Generator;
}

type Three = readonly [q: Tensor, k: Tensor, v: Tensor];

const ROW_DIMS = 3;

/**
 * The numbers of both rows, for operands [batch, heads, length, size] whose last dimension is
 * contiguous.
 */
function numbersOf(
  [q, k, v]: Three,
  out: Tensor,
  mask: Tensor | null,
  { causal, scale, p }: AttentionSettings,
): number[] {
  const sizes = [...q.shape.slice(0, ROW_DIMS), k.shape[2], q.shape[3], v.shape[3]] as number[];
  const steps = [q, k, v, out].flatMap((t) => t.strides.slice(0, ROW_DIMS));
  const ofMask = mask?.strides.slice(0, ROW_DIMS) ?? [0, 0, 0];
  return [...sizes, ...steps, ...ofMask, Number(causal), scale, p];
}

/** Whether rows of values lie together, as the native side reads them. */
const hasRows = (x: Tensor): boolean => x.strides[3] === 1 || x.shape[3] === 1;

const array = (t: Tensor | null) => t?.array ?? null;
const offset = (t: Tensor | null) => t?.offset ?? 0;

/** Computes `out`; returns the generator's state before, from which the backward pass draws again. */
function computeForward(
  parts: Three,
  out: Tensor,
  mask: Tensor | null,
  settings: AttentionSettings,
): WeightDropout {
  const used = uninitialized([4], 'int32');
  const tensors = [...parts, mask, out];
  runRow(
    rows.attention,
    [...tensors.map(array), settings.generator.state, used.array],
    [...tensors.map(offset), 0, used.offset],
    numbersOf(parts, out, mask, settings),
  );
  return { p: settings.p, used: settings.p > 0 ? used : null };
}

/** Computes the gradients that there is a tensor for; each lies as its operand does. */
function computeBackward(
  parts: Three,
  g: Tensor,
  mask: Tensor | null,
  settings: AttentionSettings,
  { used }: WeightDropout,
  gradients: readonly (Tensor | null)[],
): void {
  const tensors = [...parts, mask, g, used, ...gradients];
  const numbers = numbersOf(parts, g, mask, settings);
  runRow(rows.attentionBackward, tensors.map(array), tensors.map(offset), numbers);
}

/** A mask as the rows read it: steps of 0 where it is stretched, except along the keys. */
function maskOperand(mask: Tensor | null, shape: Shape): Tensor | null {
  if (mask === null) return null;
  const keys = shape.at(-1) as number;
  const last = mask.ndim === 0 ? 1 : (mask.shape.at(-1) as number);
  const whole =
    last === keys && (keys === 1 || mask.strides.at(-1) === 1)
      ? mask
      : contiguous(expand(mask, [...mask.shape.slice(0, -1), keys]));
  const stretched = broadcastStrides(whole.shape, whole.strides, shape);
  const full = whole.strided(shape, stretched, whole.offset);
  // More than one batch dimension: those are one to the rows, if need be by a copy.
  const [queries] = shape.slice(-2) as [number];
  if (shape.length === 4) return full;
  const { batch, heads } = leading(shape.slice(0, -2));
  return reshape(full, [batch, heads, queries, keys]);
}

/** Leading dimensions as a batch of heads: one dimension is the batch's, of more the last is the heads'. */
function leading(shape: Shape): { batch: number; heads: number } {
  if (shape.length <= 1) return { batch: numel(shape), heads: 1 };
  return { batch: numel(shape.slice(0, -1)), heads: shape.at(-1) as number };
}

/** An uninitialised tensor [batch, heads, length, size] with the heads of a position side by side. */
function headsTogether(shape: Shape, like: Tensor): Tensor {
  const [batch, heads, length, size] = shape as [number, number, number, number];
  const strides = [length * heads * size, size, heads * size, 1];
  return new Tensor(allocate(like.dtype, batch * heads * length * size), shape, strides);
}

/** A gradient that lies as x, which is dense. */
const gradientLike = (x: Tensor): Tensor =>
  new Tensor(allocate(x.dtype, x.numel), x.shape, x.isDense ? x.strides : undefined);

/** As the backward row reads an operand and writes its gradient. */
const denseRows = (x: Tensor): Tensor => {
  const plain = x.strided(x.shape, x.strides, x.offset);
  return x.isDense && hasRows(x) ? plain : contiguous(plain);
};

/** Attention of [batch, heads, length, size]; no dimension is empty or has to be broadcast. */
function fused(parts: Three, mask: Tensor | null, settings: AttentionSettings): Tensor {
  const [q, k, v] = parts.map((t) => (hasRows(t) ? t : contiguous(t))) as unknown as Three;
  const [batch, heads, queries] = q.shape as [number, number, number, number];
  const shape = [batch, heads, queries, v.shape[3] as number];
  const out = headsTogether(shape, q);
  const dropped = computeForward([q, k, v], out, mask, settings);
  return attachJoint(
    out,
    'scaledDotProductAttention',
    [q, k, v],
    (g, gradients) => {
      const dense = [q, k, v].map(denseRows) as unknown as Three;
      const rowsOfG = hasRows(g) ? g : contiguous(g);
      computeBackward(dense, rowsOfG, mask, settings, dropped, gradients);
    },
    (g, i) => recordedGradient(g, [q, k, v], i, { ...settings, mask }, dropped),
    gradientLike,
  );
}

/** All weights in memory, by operations that record. */
export function composedAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  settings: AttentionSettings,
): { output: Tensor; weights: Tensor } {
  const { p, generator } = settings;
  const weights = attentionWeights(q, k, settings);
  const dropped = p > 0 ? dropout(weights, p, { generator }) : weights;
  return { output: matmul(dropped, v), weights: dropped };
}

/**
 * Attention of tensors whose leading dimensions broadcast, after all checks: without the matrix of all
 * weights, unless the mask's gradient needs it.
 */
export function attend(q: Tensor, k: Tensor, v: Tensor, settings: AttentionSettings): Tensor {
  const { mask } = settings;
  const operands = [q, k, v];
  const lead = operands
    .map((t) => t.shape.slice(0, -2))
    .reduce((a, b) => broadcastShapes('scaledDotProductAttention', a, b));
  const isEmpty = numel(lead) === 0 || operands.some((t) => t.numel === 0);
  const learnsMask = mask !== null && recording(mask);
  if (isEmpty || learnsMask || settings.p === 1) return composedAttention(q, k, v, settings).output;
  const { batch, heads } = leading(lead);
  const parts = operands.map((t) => {
    const full = sameShape(t.shape.slice(0, -2), lead)
      ? t
      : expand(t, [...lead, ...t.shape.slice(-2)]);
    const [length, size] = t.shape.slice(-2) as [number, number];
    return lead.length === 2 ? full : reshape(full, [batch, heads, length, size]);
  }) as unknown as Three;
  const [queries, keys] = [q.shape.at(-2) as number, k.shape.at(-2) as number];
  const y = fused(parts, maskOperand(mask, [...lead, queries, keys]), settings);
  return lead.length === 2 ? y : reshape(y, [...lead, queries, v.shape.at(-1) as number]);
}

/**
 * Self-attention of projections that lie side by side: of [N, L, 3 E] (queries, keys and values, each of
 * `heads` heads) the result [N, L, E]. What attend() computes of the parts, with one gradient for all.
 * @param batchDim 0; or 1 for [L, N, 3 E] and the result [L, N, E]
 */
export function attendPacked(
  projections: Tensor,
  heads: number,
  batchDim: 0 | 1,
  settings: AttentionSettings,
): Tensor {
  const { mask } = settings;
  const source = contiguous(projections);
  const [batch, length] = [source.shape[batchDim], source.shape[1 - batchDim]] as [number, number];
  const width = (source.shape[2] as number) / 3;
  const size = width / heads;
  /** [N, heads, L, size] of a tensor of the same memory order, E elements of each position. */
  const view = (t: Tensor, start: number) =>
    t.strided(
      [batch, heads, length, size],
      [t.strides[batchDim] as number, size, t.strides[1 - batchDim] as number, 1],
      t.offset + start,
    );
  const views = (t: Tensor) => [0, 1, 2].map((i) => view(t, i * width)) as unknown as Three;
  const learnsMask = mask !== null && recording(mask);
  if (source.numel === 0 || learnsMask || settings.p === 1) {
    const parts = recordedParts(source, heads, batchDim);
    return joinedHeads(composedAttention(...parts, settings).output, batchDim);
  }
  const operand = maskOperand(mask, [batch, heads, length, length]);
  const result = uninitialized(
    [source.shape[0] as number, source.shape[1] as number, width],
    source.dtype,
  );
  const dropped = computeForward(views(source), view(result, 0), operand, settings);
  if (!recording(source)) return result;
  const rule = (g: Tensor): Tensor => {
    if (isGradEnabled()) {
      const parts = recordedParts(source, heads, batchDim);
      const ofHeads = splitHeads(g, heads, batchDim);
      const scoring = { ...settings, mask: operand };
      const gradients = [0, 1, 2].map((i) =>
        joinedHeads(recordedGradient(ofHeads, parts, i, scoring, dropped), batchDim),
      );
      return concat(gradients, 2);
    }
    const gradient = uninitialized(source.shape, source.dtype);
    const rowsOfG = g.strides[2] === 1 ? g : contiguous(g);
    const all = views(gradient);
    computeBackward(views(source), view(rowsOfG, 0), operand, settings, dropped, all);
    return gradient;
  };
  return attach(result, 'scaledDotProductAttention', [source], [rule]);
}

/** [N, L, E] (or [L, N, E]) as [N, heads, L, E / heads], recorded. */
export function splitHeads(x: Tensor, heads: number, batchDim: 0 | 1): Tensor {
  const size = (x.shape[2] as number) / heads;
  return permute(unflatten(x, 2, [heads, size]), batchDim === 0 ? [0, 2, 1, 3] : [1, 2, 0, 3]);
}

/** The other way round. */
export function joinedHeads(x: Tensor, batchDim: 0 | 1): Tensor {
  const [batch, heads, length, size] = x.shape as [number, number, number, number];
  const moved = permute(x, batchDim === 0 ? [0, 2, 1, 3] : [2, 0, 1, 3]);
  return reshape(
    moved,
    batchDim === 0 ? [batch, length, heads * size] : [length, batch, heads * size],
  );
}

function recordedParts(source: Tensor, heads: number, batchDim: 0 | 1): Three {
  return source.chunk(3, 2).map((part) => splitHeads(part, heads, batchDim)) as unknown as Three;
}

const OPTION_NAMES = ['attnMask', 'dropoutP', 'isCausal', 'scale', 'enableGqa', 'generator'];
const NAME = 'scaledDotProductAttention';

function fail(text: string): never {
  throw new TensorError('ERR_SHAPE', `[${NAME}] ${text}`);
}

/** @throws TensorError ERR_DTYPE unless it is bool or of the operands' dtype, ERR_SHAPE unless it broadcasts */
export function checkMask(
  operation: string,
  name: string,
  mask: Tensor,
  dtype: string,
  shape: Shape,
): void {
  checkTensor(operation, mask);
  if (mask.dtype !== 'bool' && mask.dtype !== dtype) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] ${name} is bool or ${dtype}, as the operands, not ${mask.dtype}`,
    );
  }
  const fits =
    mask.ndim <= shape.length &&
    mask.shape.every((n, d) => n === 1 || n === shape[d + shape.length - mask.ndim]);
  if (!fits) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] ${name} ${formatShape(mask.shape)} does not broadcast to ${formatShape(shape)}`,
    );
  }
}

function checkOperands(q: Tensor, k: Tensor, v: Tensor): void {
  for (const t of [q, k, v]) {
    checkFloating(NAME, t);
    if (t.ndim < 2) fail(`operands have shape [..., length, size], not ${formatShape(t.shape)}`);
  }
  if (k.dtype !== q.dtype || v.dtype !== q.dtype) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${NAME}] the query is ${q.dtype}, the key ${k.dtype}, the value ${v.dtype}`,
    );
  }
  if (q.shape.at(-1) !== k.shape.at(-1)) {
    fail(
      `queries ${formatShape(q.shape)} and keys ${formatShape(k.shape)} differ in their last dimension`,
    );
  }
  if (k.shape.at(-2) !== v.shape.at(-2)) {
    fail(`there are ${k.shape.at(-2)} keys and ${v.shape.at(-2)} values`);
  }
}

/** Query heads in groups, one for each head of keys and values: [..., groups, heads in each, L, E]. */
function grouped(q: Tensor, k: Tensor, v: Tensor): { q: Tensor; k: Tensor; v: Tensor } {
  const [heads, groups] = [q.shape.at(-3), k.shape.at(-3)];
  if (heads === undefined || groups === undefined || v.shape.at(-3) !== groups) {
    return fail('enableGqa needs [..., heads, length, size], keys and values with as many heads');
  }
  if (groups === 0 || heads % groups !== 0) {
    return fail(`${heads} heads of queries are not a multiple of ${groups} heads of keys`);
  }
  const one = (t: Tensor) => unflatten(t, -3, [groups, 1]);
  return { q: unflatten(q, -3, [groups, heads / groups]), k: one(k), v: one(v) };
}

/**
 * softmax(scale Q K^T + mask) V for every leading index (Vaswani et al. 2017). Scores are computed a
 * block of queries at a time, in the backward pass again (after FlashAttention, Dao et al. 2022), so
 * memory grows with L + S and not with L S. Only gradients of gradients, and masks that require
 * gradients, have all scores in memory. A query that may attend to no key has the result 0 and the
 * gradient 0, as in PyTorch.
 * @param query shape [..., L, E], float32 or float64
 * @param key shape [..., S, E]; leading dimensions broadcast
 * @param value shape [..., S, Ev]
 * @returns shape [..., L, Ev]; the heads of a position lie side by side in memory, so that their
 * transposition and joining is a view
 * @throws TensorError ERR_SHAPE when shapes don't fit, ERR_DTYPE when dtypes differ or aren't floating,
 * ERR_ARGUMENT for unknown options and wrong values
 * @example
 * ```ts
 * const x = tensor([[0, 0], [0, 0]]);
 * scaledDotProductAttention(x, x, tensor([[2], [4]])); // => [[3], [3]]
 * scaledDotProductAttention(x, x, tensor([[2], [4]]), { isCausal: true }); // => [[2], [3]]
 * ```
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions = {},
): Tensor {
  checkOperands(query, key, value);
  checkOptions(NAME, options, OPTION_NAMES);
  const { attnMask = null, dropoutP = 0, isCausal = false, enableGqa = false } = options;
  checkFlag(NAME, 'isCausal', isCausal);
  checkFlag(NAME, 'enableGqa', enableGqa);
  checkProbability(NAME, dropoutP);
  const generator = checkGenerator(NAME, options.generator);
  const scale = checkNumber(NAME, 'scale', options.scale ?? 1 / Math.sqrt(query.shape.at(-1) || 1));
  const { q, k, v } = enableGqa ? grouped(query, key, value) : { q: query, k: key, v: value };
  const lead = [q, k, v]
    .map((t) => t.shape.slice(0, -2))
    .reduce((a, b) => broadcastShapes(NAME, a, b));
  const scores = [...lead, q.shape.at(-2) as number, k.shape.at(-2) as number];
  let mask = attnMask;
  if (mask !== null) {
    const heads = enableGqa ? [...query.shape.slice(0, -1), scores.at(-1) as number] : scores;
    checkMask(NAME, 'attnMask', mask, q.dtype, heads);
    if (enableGqa && mask.ndim > 2) {
      const [groups, each] = lead.slice(-2) as [number, number];
      mask = unflatten(mask, -3, mask.shape.at(-3) === 1 ? [1, 1] : [groups, each]);
    }
  }
  const settings = { mask, causal: isCausal, scale, p: dropoutP, generator };
  const y = attend(q, k, v, settings);
  return enableGqa ? reshape(y, [...query.shape.slice(0, -1), v.shape.at(-1) as number]) : y;
}
