/**
 * Attention made of operations that record, with all scores in memory: where weights are asked for,
 * where a mask is learned, and for gradients of gradients.
 */
import { rows, runGeometry } from '../../native/commands.js';
import { ones, uninitialized } from '../../tensor/creation.js';
import type { Tensor } from '../../tensor/tensor.js';
import { add, mul, sub } from '../elementwise/arithmetic.js';
import { eq } from '../elementwise/compare.js';
import { where } from '../elementwise/ternary.js';
import { softmax } from '../normalization/softmax.js';
import { matmul } from '../product/matmul.js';
import { amax } from '../reduction/extremum.js';
import { sum, sumTo } from '../reduction/reduce.js';
import { transpose } from '../shape/shape.js';
import { tril } from '../shape/triangle.js';

/** What softmax is taken of, besides queries and keys. */
export interface Scoring {
  readonly mask: Tensor | null;
  readonly causal: boolean;
  readonly scale: number;
}

/**
 * softmax(scale q k^T + mask), shape [..., L, S]. A row that may attend to nothing is 0, in its
 * gradient too.
 */
export function attentionWeights(q: Tensor, k: Tensor, { mask, causal, scale }: Scoring): Tensor {
  const product = matmul(mul(q, scale), transpose(k));
  const [queries, keys] = product.shape.slice(-2) as [number, number];
  const masked =
    mask === null
      ? product
      : mask.dtype === 'bool'
        ? where(mask, product, Number.NEGATIVE_INFINITY)
        : add(product, mask);
  const scores = causal
    ? where(tril(ones([queries, keys], { dtype: 'bool' })), masked, Number.NEGATIVE_INFINITY)
    : masked;
  if (mask === null || keys === 0) return softmax(scores);
  const highest = amax(scores.detach(), { dim: -1, keepDim: true });
  const empty = eq(highest, Number.NEGATIVE_INFINITY);
  return where(empty, 0, softmax(where(empty, 0, scores)));
}

/** Dropout as the native rows apply it to weights. */
export interface WeightDropout {
  readonly p: number;
  /** The generator's state before, as the forward row leaves it; null without dropout. */
  readonly used: Tensor | null;
}

/** How many values one position of the random stream gives: native/kernels/table.h. */
const VALUES = { float32: 4, float64: 2 } as const;

/** The factors of dropout, 0 or 1 / (1 - p); every row of weights begins at a position of the stream. */
function dropoutFactors(weights: Tensor, { p, used }: WeightDropout): Tensor | null {
  if (used === null) return null;
  const { shape, dtype } = weights;
  const keys = shape.at(-1) as number;
  const values = VALUES[dtype as keyof typeof VALUES];
  const padded = [...shape.slice(0, -1), Math.ceil(keys / values) * values];
  const factors = uninitialized(padded, dtype);
  const operands = [ones(padded, { dtype }), factors, used];
  runGeometry(rows.dropoutBackward, padded, operands, [p, 1 / (1 - p)]);
  return factors.strided(shape, factors.strides, factors.offset);
}

/**
 * What the backward row computes of operand i (q, k, v in turn), of operations that record. Leading
 * dimensions of the three may broadcast.
 */
export function recordedGradient(
  g: Tensor,
  [q, k, v]: readonly [Tensor, Tensor, Tensor],
  i: number,
  scoring: Scoring,
  dropout: WeightDropout,
): Tensor {
  const weights = attentionWeights(q, k, scoring);
  const factors = dropoutFactors(weights, dropout);
  const dropped = (t: Tensor) => (factors === null ? t : mul(t, factors));
  if (i === 2) return sumTo(matmul(transpose(dropped(weights)), g), v.shape);
  const ofWeights = dropped(matmul(g, transpose(v)));
  const inner = sum(mul(ofWeights, weights), { dim: -1, keepDim: true });
  const ofScores = mul(mul(weights, sub(ofWeights, inner)), scoring.scale);
  if (i === 0) return sumTo(matmul(ofScores, k), q.shape);
  return sumTo(matmul(transpose(ofScores), q), k.shape);
}
