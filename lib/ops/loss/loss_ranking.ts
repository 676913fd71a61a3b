/** Losses that compare: which of two is larger, closer or more alike. */
import { TensorError } from '../../errors.js';
import { checkFlag, checkNumber, checkOptions, describe, formatShape } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import { relu } from '../elementwise/activation.js';
import { add, div, minimum, mul, neg, sqrt, square, sub } from '../elementwise/arithmetic.js';
import { eq } from '../elementwise/compare.js';
import { where } from '../elementwise/ternary.js';
import { checkTensor, to } from '../operand.js';
import { pairwiseDistance } from '../product/distance.js';
import { sum } from '../reduction/reduce.js';
import { checkPair, checkReduction, checkSameShape, reduced } from './loss.js';
import { type MarginLossOptions, marginOptionsOf } from './loss_margin.js';

/**
 * max(0, -target (input1 - input2) + margin): where the target is 1 the first is to be larger by the
 * margin, where it is -1 the second.
 * @param input1 float32 or float64, any shape
 * @param input2 the same shape
 * @param target 1 or -1, the same shape
 * @param options margin: default 0
 * @returns a scalar, or with `reduction: 'none'` the inputs' shape
 * @throws TensorError ERR_SHAPE unless the shapes are equal, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * const target = tensor([1, -1]);
 * marginRankingLoss(tensor([1, 1]), tensor([3, 3]), target, { reduction: 'none' }); // => [2, 0]
 * ```
 */
export function marginRankingLoss(
  input1: Tensor,
  input2: Tensor,
  target: Tensor,
  options: MarginLossOptions = {},
): Tensor {
  const [a, b] = checkPair('marginRankingLoss', input1, input2);
  checkTensor('marginRankingLoss', target);
  checkSameShape('marginRankingLoss', a, target);
  const { margin, reduction } = marginOptionsOf('marginRankingLoss', options, 0);
  const wanted = mul(neg(to(target, a.dtype)), sub(a, b));
  return reduced(relu(margin === 0 ? wanted : add(wanted, margin)), reduction);
}

/** Options of {@link tripletMarginWithDistanceLoss}. */
export interface TripletMarginWithDistanceLossOptions extends MarginLossOptions {
  /**
   * The distances of two batches of vectors; of operations that record. Default `pairwiseDistance` along
   * the last dimension.
   */
  distanceFunction?: (a: Tensor, b: Tensor) => Tensor;
  /** How much further away the negative one should be, above 0. Default 1. */
  margin?: number;
  /**
   * Whether the distance from the positive to the negative one counts where it is smaller than the
   * anchor's (Balntas et al. 2016). Default false.
   */
  swap?: boolean;
}

/** Options of {@link tripletMarginLoss}. */
export interface TripletMarginLossOptions
  extends Omit<TripletMarginWithDistanceLossOptions, 'distanceFunction'> {
  /** The order of the norm that measures distances. Default 2. */
  p?: number;
  /** Added to every difference, so that no distance is 0. Default 1e-6. */
  eps?: number;
}

function checkTriplet(
  operation: string,
  options: TripletMarginWithDistanceLossOptions,
): Required<Omit<TripletMarginWithDistanceLossOptions, 'distanceFunction'>> {
  const { margin = 1, swap, reduction } = options;
  return {
    margin: checkNumber(operation, 'margin', margin, Number.MIN_VALUE),
    swap: checkFlag(operation, 'swap', swap, false),
    reduction: checkReduction(operation, reduction),
  };
}

/** @throws TensorError ERR_ARGUMENT for unknown options and values out of range */
export function tripletOptionsOf(
  operation: string,
  options: TripletMarginLossOptions,
): Required<TripletMarginLossOptions> {
  checkOptions(operation, options, ['margin', 'p', 'eps', 'swap', 'reduction']);
  const { p = 2, eps = 1e-6 } = options;
  if (typeof p !== 'number' || Number.isNaN(p)) {
    throw new TensorError('ERR_ARGUMENT', `[${operation}] p must be a number, not ${describe(p)}`);
  }
  return { ...checkTriplet(operation, options), p, eps: checkNumber(operation, 'eps', eps) };
}

/** @throws TensorError ERR_ARGUMENT for unknown options and values out of range */
export function tripletWithDistanceOptionsOf(
  operation: string,
  options: TripletMarginWithDistanceLossOptions,
): Required<TripletMarginWithDistanceLossOptions> {
  checkOptions(operation, options, ['distanceFunction', 'margin', 'swap', 'reduction']);
  const { distanceFunction = pairwiseDistance } = options;
  if (typeof distanceFunction !== 'function') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] distanceFunction is a function, not ${describe(distanceFunction)}`,
    );
  }
  return { ...checkTriplet(operation, options), distanceFunction };
}

function triplets(
  operation: string,
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  settings: Required<TripletMarginWithDistanceLossOptions>,
): Tensor {
  const { distanceFunction, margin, swap, reduction } = settings;
  const distance = (a: Tensor, b: Tensor): Tensor => {
    const d: unknown = distanceFunction(a, b);
    if (d instanceof Tensor) return d;
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] distanceFunction must return a tensor, not ${describe(d)}`,
    );
  };
  const [a, p] = checkPair(operation, anchor, positive);
  const [, n] = checkPair(operation, a, negative);
  const near = distance(a, p);
  const fromAnchor = distance(a, n);
  const far = swap ? minimum(fromAnchor, distance(p, n)) : fromAnchor;
  return reduced(relu(add(sub(near, far), margin)), reduction);
}

/**
 * The triplet loss (Balntas et al. 2016; Schroff et al. 2015): max(0, d(a, p) - d(a, n) + margin) with
 * d the `pairwiseDistance`.
 * @param anchor float32 or float64, shape [N, D] or [D]
 * @param positive of the anchor's class, the same shape
 * @param negative of another class, the same shape
 * @returns a scalar, or with `reduction: 'none'` shape [N]
 * @throws TensorError ERR_SHAPE unless the shapes are equal, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * const [a, p, n] = [tensor([[0, 0]]), tensor([[0, 1]]), tensor([[1.5, 0]])];
 * tripletMarginLoss(a, p, n, { eps: 0 }); // => 0.5
 * ```
 */
export function tripletMarginLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options: TripletMarginLossOptions = {},
): Tensor {
  const { p, eps, ...settings } = tripletOptionsOf('tripletMarginLoss', options);
  const distanceFunction = (a: Tensor, b: Tensor) => pairwiseDistance(a, b, { p, eps });
  const withDistance = { ...settings, distanceFunction };
  return triplets('tripletMarginLoss', anchor, positive, negative, withDistance);
}

/**
 * The triplet loss with distances of one's own: max(0, d(a, p) - d(a, n) + margin).
 * @param anchor float32 or float64, what the distance function takes
 * @param positive of the anchor's class, the same shape
 * @param negative of another class, the same shape
 * @returns a scalar, or with `reduction: 'none'` the distances' shape
 * @throws TensorError ERR_SHAPE unless the shapes are equal, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * const [a, p, n] = [tensor([[1, 0]]), tensor([[0, 1]]), tensor([[1, 1]])];
 * const distanceFunction = (u, v) => cosineSimilarity(u, v).mul(-1).add(1);
 * tripletMarginWithDistanceLoss(a, p, n, { distanceFunction }); // => 1.707107
 * ```
 */
export function tripletMarginWithDistanceLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options: TripletMarginWithDistanceLossOptions = {},
): Tensor {
  const operation = 'tripletMarginWithDistanceLoss';
  const settings = tripletWithDistanceOptionsOf(operation, options);
  return triplets(operation, anchor, positive, negative, settings);
}

/** Added to the squared lengths, so that a vector of zeros has a direction; PyTorch's number, a float32. */
const COSINE_EPS = Math.fround(1e-12);

/**
 * 1 - cos(input1, input2) where the target is 1, max(0, cos(input1, input2) - margin) where it is -1.
 * @param input1 float32 or float64, shape [N, D] or [D]
 * @param input2 the same shape
 * @param target 1 or -1, shape [N] or []
 * @param options margin: from -1 to 1, best from 0 to 0.5; default 0
 * @returns a scalar, or with `reduction: 'none'` shape [N]
 * @throws TensorError ERR_SHAPE unless the shapes fit, ERR_ARGUMENT, ERR_DTYPE
 * @example
 * ```ts
 * const [a, b] = [tensor([[1, 0], [1, 0]]), tensor([[1, 1], [1, 1]])];
 * cosineEmbeddingLoss(a, b, tensor([1, -1]), { reduction: 'none' }); // => [0.292893, 0.707107]
 * ```
 */
export function cosineEmbeddingLoss(
  input1: Tensor,
  input2: Tensor,
  target: Tensor,
  options: MarginLossOptions = {},
): Tensor {
  const operation = 'cosineEmbeddingLoss';
  const [a, b] = checkPair(operation, input1, input2);
  checkTensor(operation, target);
  const { margin, reduction } = marginOptionsOf(operation, options, 0);
  if ((a.ndim !== 1 && a.ndim !== 2) || target.ndim !== a.ndim - 1) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] takes inputs [N, D] with targets [N], or [D] with [], not ` +
        `${formatShape(a.shape)} with ${formatShape(target.shape)}`,
    );
  }
  const product = (u: Tensor, v: Tensor) => sum(mul(u, v), { dim: -1 });
  const length = (u: Tensor) => add(sum(square(u), { dim: -1 }), COSINE_EPS);
  const cosine = div(product(a, b), sqrt(mul(length(a), length(b))));
  checkSameShape(operation, cosine, target);
  const alike = where(eq(target, 1), sub(1, cosine), 0);
  const unlike = where(eq(target, -1), relu(sub(cosine, margin)), 0);
  return reduced(add(alike, unlike), reduction);
}
