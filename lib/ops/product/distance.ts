/** Distances and angles between vectors; vectors of unit length. */

import { attach, recording } from '../../autograd/tape.js';
import { composed } from '../../autograd/tidy.js';
import { TensorError } from '../../errors.js';
import { rows, runRow } from '../../native/commands.js';
import { uninitialized } from '../../tensor/creation.js';
import { recycle } from '../../tensor/memory.js';
import {
  broadcastShapes,
  checkNumber,
  checkOptions,
  describe,
  formatShape,
  normalizeDim,
  numel,
  type Shape,
  sameShape,
} from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { add, div, mul, neg, sqrt, square, sub } from '../elementwise/arithmetic.js';
import { eq, gt, lt } from '../elementwise/compare.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { clamp, where } from '../elementwise/ternary.js';
import { attachJoint, run } from '../normalization/norm.js';
import { checkDims, checkFloating, checkTensor, contiguous, copyInto } from '../operand.js';
import { promote, promoteFloating } from '../promotion.js';
import { expand, sum, sumTo } from '../reduction/reduce.js';
import { norm, normGradient } from '../reduction/statistics.js';
import { reshape, transpose, unsqueeze } from '../shape/shape.js';
import { matmul } from './matmul.js';

/** What an option is when it isn't given; null is an answer, and a wrong one. */
const orDefault = <T>(value: T | undefined, fallback: T): T =>
  value === undefined ? fallback : value;

/** Both as float32 or float64 tensors of one dtype. */
function floats(operation: string, a: Tensor, b: Tensor): [Tensor, Tensor] {
  checkFloating(operation, a);
  checkFloating(operation, b);
  return promote(operation, a, b);
}

/** @throws TensorError ERR_ARGUMENT unless it is the order of a norm: a number >= low */
export function checkOrder(operation: string, p: unknown, low: number): number {
  if (typeof p !== 'number' || !(p >= low)) {
    const range = low === -Infinity ? '' : ` >= ${low}`;
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] p must be a number${range}, not ${describe(p)}`,
    );
  }
  return p;
}

/** When `cdist` takes the matrix product; PyTorch's names. */
export type CdistMode =
  | 'useMmForEuclidDistIfNecessary'
  | 'useMmForEuclidDist'
  | 'donotUseMmForEuclidDist';

const MODES: readonly unknown[] = [
  'useMmForEuclidDistIfNecessary',
  'useMmForEuclidDist',
  'donotUseMmForEuclidDist',
] satisfies CdistMode[];

/** Options of {@link cdist}. */
export interface CdistOptions {
  /** The order of the norm, any number >= 0, Infinity too. Default 2. */
  p?: number;
  /**
   * Whether distances of order 2 come from a matrix product, |a|^2 - 2 a b + |b|^2: always, never, or
   * where one side has more than 25 vectors (the default, as in PyTorch). It is faster and takes less
   * memory, but small distances of large vectors cancel.
   */
  computeMode?: CdistMode;
}

/** With more vectors than this on one side the product is used; PyTorch's number. */
const MANY_VECTORS = 25;

/**
 * The distances between all pairs of vectors: y[..., i, j] = |a[..., i, :] - b[..., j, :]|_p, with
 * broadcasting of the dimensions before. The gradient at a distance of 0 is 0. Gradients
 * of orders other than 1, without the matrix product, have all differences in memory at once.
 * @param a shape [..., m, k], float32 or float64
 * @param b shape [..., n, k]
 * @returns shape [..., m, n]
 * @throws TensorError ERR_SHAPE when they don't fit, ERR_ARGUMENT for a p below 0 or an unknown mode,
 * ERR_DTYPE
 * @example
 * ```ts
 * cdist(tensor([[0, 0]]), tensor([[3, 4], [0, 1]])); // => [[5, 1]]
 * ```
 */
export function cdist(a: Tensor, b: Tensor, options: CdistOptions = {}): Tensor {
  const [x, y] = floats('cdist', a, b);
  checkOptions('cdist', options, ['p', 'computeMode']);
  const p = checkOrder('cdist', orDefault(options.p, 2), 0);
  const { computeMode = 'useMmForEuclidDistIfNecessary' } = options;
  if (!MODES.includes(computeMode)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[cdist] computeMode is one of ${MODES.join(', ')}, not ${describe(computeMode)}`,
    );
  }
  if (x.ndim < 2 || y.ndim < 2 || x.shape.at(-1) !== y.shape.at(-1)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[cdist] shapes ${formatShape(x.shape)} and ${formatShape(y.shape)} are not vectors of one ` +
        'length in rows',
    );
  }
  const [m, n] = [x.shape.at(-2) as number, y.shape.at(-2) as number];
  broadcastShapes('cdist', x.shape.slice(0, -2), y.shape.slice(0, -2));
  const isLarge = m > MANY_VECTORS || n > MANY_VECTORS;
  const byProduct =
    computeMode === 'useMmForEuclidDist' ||
    (computeMode === 'useMmForEuclidDistIfNecessary' && isLarge);
  if (p === 2 && byProduct) return euclidean(x, y);
  if (p > 0 && x.shape.at(-1) !== 0) return distances(x, y, p);
  return composed(() => {
    const differences = sub(unsqueeze(x, -2), unsqueeze(y, -3));
    // Vectors without elements are all alike; not every norm of nothing is 0.
    return x.shape.at(-1) === 0 ? sum(differences, { dim: -1 }) : norm(differences, { p, dim: -1 });
  });
}

/** Both with the same dimensions before the last two, which are one. */
function asBatches(a: Tensor, b: Tensor): [a: Tensor, b: Tensor, leading: readonly number[]] {
  const leading = broadcastShapes('cdist', a.shape.slice(0, -2), b.shape.slice(0, -2));
  const batch = (t: Tensor) => {
    const sizes = t.shape.slice(-2);
    return reshape(expand(t, [...leading, ...sizes]), [numel(leading), ...sizes]);
  };
  return [batch(a), batch(b), leading];
}

/** Distances of an order above 0. The gradient takes all differences again. */
function distances(a: Tensor, b: Tensor, p: number): Tensor {
  const [x, y, leading] = asBatches(a.detach(), b.detach());
  const [batch, m, k] = x.shape as [number, number, number];
  const n = y.shape[1] as number;
  const result = uninitialized([...leading, m, n], x.dtype);
  const [from, to] = [contiguous(x), contiguous(transpose(y))];
  const sizes = [batch, m, k, n];
  runRow(
    rows.distances,
    [from.array, to.array, result.array],
    [from.offset, to.offset, result.offset],
    [...sizes, p],
  );
  /** g times the derivative by each difference, [..., m, n, k]. */
  const shares = (g: Tensor, left: Tensor, right: Tensor) => {
    const differences = sub(unsqueeze(left, -2), unsqueeze(right, -3));
    const plan = { mask: 1 << (differences.ndim - 1), outputShape: result.shape };
    return normGradient(g, differences, result, plan, p);
  };
  const ofLeft = (share: Tensor) => sumTo(sum(share, { dim: -2 }), a.shape);
  const ofRight = (share: Tensor) => sumTo(neg(sum(share, { dim: -3 })), b.shape);
  return attachJoint(
    result,
    'cdist',
    [a, b],
    (g, [da, db]) => {
      const [left, right] =
        p === 1
          ? signs(x, y, contiguous(g))
          : [shares(g, a.detach(), b.detach())].flatMap((share) => [ofLeft(share), ofRight(share)]);
      const whole = (t: Tensor, like: Tensor) =>
        p === 1 ? sumTo(reshape(t, [...leading, ...t.shape.slice(1)]), like.shape) : t;
      if (da) copyInto(da, whole(left as Tensor, a));
      if (db) copyInto(db, whole(right as Tensor, b));
    },
    (g, i) => (i === 0 ? ofLeft : ofRight)(shares(g, a, b)),
  );
}

/** The gradients of distances of order 1, by x and by y. */
function signs(x: Tensor, y: Tensor, g: Tensor): [Tensor, Tensor] {
  const operands = [x, y].map((t) => contiguous(transpose(t)));
  const results = operands.map((t) => uninitialized(t.shape, t.dtype));
  const all = [...operands, g, ...results];
  const [batch, m, k] = x.shape as [number, number, number];
  runRow(
    rows.distanceSigns,
    all.map((t) => t.array),
    all.map((t) => t.offset),
    [batch, m, k, y.shape[1] as number],
  );
  return results.map((t) => transpose(t)) as [Tensor, Tensor];
}

/** Euclidean distances by a matrix product. */
function euclidean(a: Tensor, b: Tensor): Tensor {
  const [x, y] = [a.detach(), b.detach()];
  const squares = (t: Tensor) => sum(square(t), { dim: -1, keepDim: true });
  const distances = composed(() => {
    const lengths = add(squares(x), transpose(squares(y)));
    return sqrt(clamp(sub(lengths, mul(matmul(x, transpose(y)), 2)), { min: 0 }));
  });
  if (recording(a, b)) {
    // a's gradient is the sum over j of g[i, j] (a[i] - b[j]) / distance[i, j]: two products.
    const weights = (g: Tensor) => where(eq(distances, 0), 0, div(g, distances));
    const gradient = (w: Tensor, own: Tensor, other: Tensor) =>
      sumTo(sub(mul(own, sum(w, { dim: -1, keepDim: true })), matmul(w, other)), own.shape);
    attach(
      distances,
      'cdist',
      [a, b],
      [(g) => gradient(weights(g), a, b), (g) => gradient(transpose(weights(g)), b, a)],
    );
  }
  return distances;
}

/** Options of {@link pairwiseDistance}. */
export interface PairwiseDistanceOptions {
  /** The order of the norm, any number. Default 2. */
  p?: number;
  /** Added to every difference, so that no distance is 0. Default 1e-6. */
  eps?: number;
  /** Keeps the last dimension with size 1. Default false. */
  keepDim?: boolean;
}

/**
 * The distances between pairs of vectors along the last dimension, |a - b + eps|_p, with broadcasting.
 * @param a shape [..., k]; integers and bools become float32
 * @param b shape [..., k]
 * @returns the shape without the last dimension
 * @throws TensorError ERR_SHAPE when they don't broadcast, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * pairwiseDistance(tensor([[0, 0]]), tensor([[3, 4]]), { eps: 0 }); // => [5]
 * ```
 */
export function pairwiseDistance(
  a: Tensor,
  b: Tensor,
  options: PairwiseDistanceOptions = {},
): Tensor {
  checkTensor('pairwiseDistance', a);
  checkTensor('pairwiseDistance', b);
  const [x, y] = promoteFloating('pairwiseDistance', a, b);
  checkOptions('pairwiseDistance', options, ['p', 'eps', 'keepDim']);
  const p = checkOrder('pairwiseDistance', orDefault(options.p, 2), -Infinity);
  const eps = checkNumber('pairwiseDistance', 'eps', orDefault(options.eps, 1e-6));
  broadcastShapes('pairwiseDistance', x.shape, y.shape);
  const keepDim = orDefault(options.keepDim, false);
  return composed(() => norm(add(sub(x, y), eps), { p, dim: -1, keepDim }));
}

/** Options of {@link cosineSimilarity}. */
export interface CosineSimilarityOptions {
  /** The dimension of the vectors after broadcasting. Default 1, as in PyTorch. */
  dim?: number;
  /** Vectors shorter than this count as being this long. Default 1e-8. */
  eps?: number;
}

/**
 * The cosine of the angle between vectors along a dimension, with broadcasting:
 * sum(a / max(|a|, eps) * b / max(|b|, eps)).
 * @param a float32 or float64
 * @param b the same
 * @returns the shape without the dimension
 * @throws TensorError ERR_SHAPE when they don't broadcast, ERR_INDEX for a dimension that isn't there,
 * ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * cosineSimilarity(tensor([[1, 0]]), tensor([[1, 1]])); // => [0.707107]
 * ```
 */
export function cosineSimilarity(
  a: Tensor,
  b: Tensor,
  options: CosineSimilarityOptions = {},
): Tensor {
  checkTensor('cosineSimilarity', a);
  checkTensor('cosineSimilarity', b);
  const [x, y] = promote('cosineSimilarity', a, b);
  checkFloating('cosineSimilarity', x);
  checkOptions('cosineSimilarity', options, ['dim', 'eps']);
  const eps = checkNumber('cosineSimilarity', 'eps', orDefault(options.eps, 1e-8), 0);
  const shape = broadcastShapes('cosineSimilarity', x.shape, y.shape);
  const rank = Math.max(1, shape.length);
  const dim = normalizeDim('cosineSimilarity', orDefault(options.dim, 1), rank);
  // The dimension counts after broadcasting; one that an operand lacks has size 1 there.
  const unit = (t: Tensor): Tensor => {
    let full = t;
    while (full.ndim < rank) full = unsqueeze(full, 0);
    const size = shape[dim] ?? 1;
    const wide = full.shape[dim] === size ? full : full.expand(full.shape.with(dim, size));
    return div(wide, clamp(norm(wide, { dim, keepDim: true }), { min: eps }));
  };
  if (isRows(x, y, shape, dim)) return cosines(x, y, eps);
  return composed(() => sum(mul(unit(x), unit(y)), { dim }));
}

/** The longest rows whose cosines are one pass: the kernels' blocks of a reduction. */
const LONGEST_ROW = 4096;

/** Whether the vectors are rows without gaps in both operands. */
function isRows(x: Tensor, y: Tensor, shape: Shape, dim: number): boolean {
  const n = shape[dim] ?? 0;
  if (dim !== shape.length - 1 || n === 0 || n > LONGEST_ROW || x.numel === 0) return false;
  return sameShape(x.shape, y.shape) && x.isContiguous && y.isContiguous;
}

/** Of rows: one row of the table, and one for both gradients. */
function cosines(a: Tensor, b: Tensor, eps: number): Tensor {
  const leading = a.shape.slice(0, -1);
  const sizes = [numel(leading), a.shape.at(-1) as number, eps];
  const [x, y] = [a.detach(), b.detach()];
  const [result, ofA, ofB] = [0, 1, 2].map(() => uninitialized(leading, a.dtype)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  run(rows.cosines, [x, y, result, ofA, ofB], sizes);
  if (!recording(a, b)) {
    ofA.dispose();
    ofB.dispose();
    return result;
  }
  const value = result.detach();
  return attachJoint(
    result,
    'cosineSimilarity',
    [a, b],
    (g, gradients) => {
      const all = [x, y, value, ofA, ofB, contiguous(g), ...gradients];
      run(rows.cosinesBackward, all, sizes);
    },
    (g, i) => (i === 0 ? cosineShare(g, a, b, eps) : cosineShare(g, b, a, eps)),
  );
}

/** The gradient by a, recorded: (b / |b| - y a / |a|) g / |a|, where a short a's length is constant. */
function cosineShare(g: Tensor, a: Tensor, b: Tensor, eps: number): Tensor {
  const along = { dim: -1, keepDim: true };
  const [ofA, ofB] = [norm(a, along), norm(b, along)];
  const length = clamp(ofA, { min: eps });
  const [left, right] = [div(a, length), div(b, clamp(ofB, { min: eps }))];
  const cosine = sum(mul(left, right), along);
  const share = where(lt(ofA, eps), 0, cosine);
  return mul(sub(right, mul(left, share)), div(unsqueeze(g, -1), length));
}

/** Options of {@link normalize}. */
export interface NormalizeOptions {
  /** The order of the norm, any number. Default 2. */
  p?: number;
  /** The dimension or dimensions of the vectors. Default 1, as in PyTorch. */
  dim?: number | readonly number[];
  /** Vectors shorter than this are divided by this. Default 1e-12. */
  eps?: number;
}

/**
 * Vectors along a dimension divided by their lengths: x / max(|x|_p, eps).
 * @param x float32 or float64
 * @throws TensorError ERR_INDEX for a dimension that isn't there, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * normalize(tensor([[3, 4]])); // => [[0.6, 0.8]]
 * ```
 */
export function normalize(x: Tensor, options: NormalizeOptions = {}): Tensor {
  checkFloating('normalize', x);
  checkOptions('normalize', options, ['p', 'dim', 'eps']);
  const p = checkOrder('normalize', orDefault(options.p, 2), -Infinity);
  const eps = checkNumber('normalize', 'eps', orDefault(options.eps, 1e-12), 0);
  const dim = checkDims('normalize', orDefault(options.dim, 1), x.ndim);
  return composed(() => div(x, clamp(norm(x, { p, dim, keepDim: true }), { min: eps })));
}

/** Options of {@link renorm}. */
export interface RenormOptions {
  /** Which parts are measured: those at each index of this dimension. */
  dim: number;
  /** The largest norm that a part may have. */
  maxNorm: number;
  /** The order of the norm, a number above 0. Default 2. */
  p?: number;
}

/** Added to a norm that is divided by; PyTorch's number, and that of the row `shortening`. */
const RENORM_EPS = 1e-7;

/**
 * x with every part along a dimension (x[i], for dimension 0) whose norm is above `maxNorm` shortened to
 * that.
 * @param x float32 or float64, at least 2 dimensions
 * @throws TensorError ERR_SHAPE for fewer dimensions, ERR_INDEX for a dimension that isn't there,
 * ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * renorm(tensor([[3, 4], [0, 1]]), { dim: 0, maxNorm: 1 }); // => [[0.6, 0.8], [0, 1]]
 * ```
 */
export function renorm(x: Tensor, options: RenormOptions): Tensor {
  checkFloating('renorm', x);
  checkOptions('renorm', options, ['dim', 'maxNorm', 'p']);
  const p = checkOrder('renorm', orDefault(options.p, 2), Number.MIN_VALUE);
  const maxNorm = checkNumber('renorm', 'maxNorm', options.maxNorm, 0);
  if (x.ndim < 2) {
    throw new TensorError(
      'ERR_SHAPE',
      `[renorm] takes at least two dimensions, not shape ${formatShape(x.shape)}`,
    );
  }
  const at = normalizeDim('renorm', options.dim, x.ndim);
  const others = x.shape.map((_, d) => d).filter((d) => d !== at);
  if (!recording(x)) {
    const factors = norm(x, { p, dim: others, keepDim: true });
    runRow(rows.shortening, [factors.array], [factors.offset], [factors.numel, maxNorm]);
    const y = mul(x, factors);
    recycle(factors.storage);
    return y;
  }
  return composed(() => {
    const lengths = norm(x, { p, dim: others, keepDim: true });
    return mul(x, where(gt(lengths, maxNorm), div(maxNorm, add(lengths, RENORM_EPS)), 1));
  });
}

defineMethods({ cdist, cosineSimilarity, normalize, pairwiseDistance, renorm });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** Distances between all pairs of vectors: see the function `cdist`. */
    cdist(other: Tensor, options?: CdistOptions): Tensor;
    /** Distances between pairs of vectors: see the function `pairwiseDistance`. */
    pairwiseDistance(other: Tensor, options?: PairwiseDistanceOptions): Tensor;
    /** The cosine of the angle between vectors: see the function `cosineSimilarity`. */
    cosineSimilarity(other: Tensor, options?: CosineSimilarityOptions): Tensor;
    /** Vectors divided by their lengths: see the function `normalize`. */
    normalize(options?: NormalizeOptions): Tensor;
    /** Parts shortened to a largest norm: see the function `renorm`. */
    renorm(options: RenormOptions): Tensor;
  }
}
