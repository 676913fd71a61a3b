/**
 * Dropout in one pass. No mask is stored: the backward pass draws it again from the place in the stream
 * where the forward pass began, which the forward command leaves in memory (so a replayed program's
 * backward pass finds the place of its own forward pass). Drawing again
 * takes about twice as long as a product with a stored mask of floats (0.27 ms instead of 0.12 ms for
 * 2^20 elements on one Zen 5 thread), and saves writing that mask (0.37 ms instead of 0.27 ms forward)
 * and its memory, which would be as much as the activations take.
 */

import { noGrad } from '../../autograd/mode.js';
import { attach, recording } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { rows, runGeometry } from '../../native/commands.js';
import { ones, uninitialized } from '../../tensor/creation.js';
import { checkOptions, formatShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { mul } from '../elementwise/arithmetic.js';
import { ne } from '../elementwise/compare.js';
import { addcmul, where } from '../elementwise/ternary.js';
import { checkFloating, checkTensor, scalar } from '../operand.js';
import {
  checkGenerator,
  checkProbability,
  type Generator,
  stateOperand,
  UNCHANGED,
} from './random.js';

/** Options of {@link dropout}, {@link alphaDropout}, {@link featureDropout} and others. */
export interface DropoutOptions {
  /** Whether to drop anything; the identity otherwise, also of other dtypes than floats. Default true. */
  training?: boolean;
  /** The stream to draw from; default the one that `manualSeed` seeds. */
  generator?: Generator;
}

/** The generator to draw from, or null where dropout does nothing. */
function checkDropout(
  operation: string,
  x: Tensor,
  p: number,
  options: DropoutOptions,
): Generator | null {
  checkTensor(operation, x);
  checkOptions(operation, options, ['training', 'generator']);
  checkProbability(operation, p);
  const generator = checkGenerator(operation, options.generator);
  if (options.training === false) return null;
  checkFloating(operation, x);
  return p === 0 ? null : generator;
}

interface Dropping {
  /** The probability to be dropped. */
  readonly p: number;
  /** What is kept becomes x * scale + kept, what is dropped x * 0 + dropped. */
  readonly scale: number;
  readonly kept: number;
  readonly dropped: number;
}

function drop(operation: string, x: Tensor, generator: Generator, dropping: Dropping): Tensor {
  const { p, scale, kept, dropped } = dropping;
  const y = uninitialized(x.shape, x.dtype);
  const used = uninitialized([4], 'int32');
  const operands = [x, y, stateOperand(generator), used];
  runGeometry(rows.dropout, x.shape, operands, [p, scale, kept, dropped]);
  if (recording(x)) {
    const { shape, dtype } = x;
    /** A linear map, whose gradient is the same map. */
    const rule = (g: Tensor): Tensor => {
      const dx = uninitialized(shape, dtype);
      runGeometry(rows.dropoutBackward, shape, [g, dx, used], [p, scale]);
      return recording(g) ? attach(dx, operation, [g], [rule]) : dx;
    };
    attach(y, operation, [x], [rule]);
  }
  return y;
}

/**
 * Sets elements to 0 with probability p and scales the others by 1 / (1 - p), so that the expected
 * value stays (Srivastava et al. 2014, in the form that leaves evaluation alone). An element's random
 * number depends on its place in row-major order, not on the tensor's layout in memory.
 * @throws TensorError ERR_ARGUMENT unless 0 <= p <= 1, ERR_DTYPE
 * @example
 * ```ts
 * dropout(ones([3]), 0.5, { training: false }); // => [1, 1, 1]
 * ```
 */
export function dropout(x: Tensor, p = 0.5, options: DropoutOptions = {}): Tensor {
  const generator = checkDropout('dropout', x, p, options);
  if (generator === null) return x;
  const dropping = { p, scale: 1 / (1 - p), kept: UNCHANGED, dropped: UNCHANGED };
  return drop('dropout', x, generator, dropping);
}

/** SELU's limit for x -> -infinity is -alpha, with the paper's constants scale * alpha. */
const SELU_LIMIT = 1.7580993408473766;

/** The map of alpha dropout. For p = 1 it has no limit; PyTorch gives zeros. */
function alphaDropping(p: number): Dropping {
  if (p === 1) return { p, scale: 1, kept: UNCHANGED, dropped: UNCHANGED };
  const scale = 1 / Math.sqrt((SELU_LIMIT ** 2 * p + 1) * (1 - p));
  const kept = SELU_LIMIT * scale * p;
  return { p, scale, kept, dropped: kept - SELU_LIMIT * scale };
}

/**
 * Dropout for networks of SELUs (Klambauer et al. 2017): dropped elements become -alpha' = -1.758...,
 * the limit of SELU, and an affine map a x + b then restores mean 0 and variance 1:
 * a = ((1 - p) (1 + p alpha'^2))^(-1/2), b = a alpha' p.
 * @throws TensorError ERR_ARGUMENT unless 0 <= p <= 1, ERR_DTYPE
 * @example
 * ```ts
 * alphaDropout(ones([3]), 0.5, { training: false }); // => [1, 1, 1]
 * ```
 */
export function alphaDropout(x: Tensor, p = 0.5, options: DropoutOptions = {}): Tensor {
  const generator = checkDropout('alphaDropout', x, p, options);
  return generator === null ? x : drop('alphaDropout', x, generator, alphaDropping(p));
}

/** The shape of a value for each channel, stretched over the rest. */
function channelsOf(operation: string, x: Tensor): number[] {
  if (x.ndim < 2) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] takes [batch, channels, ...], not ${formatShape(x.shape)}`,
    );
  }
  return x.shape.map((size, d) => (d < 2 ? size : 1));
}

/**
 * Dropout of whole channels (Tompson et al. 2015): of an input [batch, channels, ...] each [...] becomes
 * 0 with probability p and is scaled by 1 / (1 - p) otherwise. PyTorch's dropout1d, 2d and 3d.
 * @throws TensorError ERR_ARGUMENT unless 0 <= p <= 1, ERR_SHAPE for fewer than 2 dimensions, ERR_DTYPE
 * @example
 * ```ts
 * featureDropout(ones([1, 2, 2]), 0.5, { training: false }); // => [[[1, 1], [1, 1]]]
 * ```
 */
export function featureDropout(x: Tensor, p = 0.5, options: DropoutOptions = {}): Tensor {
  const generator = checkDropout('featureDropout', x, p, options);
  const channels = channelsOf('featureDropout', x);
  if (generator === null) return x;
  const mask = noGrad(() => dropout(ones(channels, { dtype: x.dtype }), p, { generator }));
  return mul(x, mask);
}

/**
 * Alpha dropout of whole channels: see `alphaDropout` and `featureDropout`.
 * @throws TensorError ERR_ARGUMENT unless 0 <= p <= 1, ERR_SHAPE for fewer than 2 dimensions, ERR_DTYPE
 * @example
 * ```ts
 * featureAlphaDropout(ones([1, 2, 2]), 0.5, { training: false }); // => [[[1, 1], [1, 1]]]
 * ```
 */
export function featureAlphaDropout(x: Tensor, p = 0.5, options: DropoutOptions = {}): Tensor {
  const generator = checkDropout('featureAlphaDropout', x, p, options);
  const channels = channelsOf('featureAlphaDropout', x);
  if (generator === null) return x;
  const { scale, kept, dropped } = alphaDropping(p);
  // Factors of 1 / (1 - p) and 0 become the channel's own, and what is added to it.
  const isKept = noGrad(() => {
    return ne(dropout(ones(channels, { dtype: x.dtype }), p, { generator }), 0);
  });
  const either = (a: number, b: number) => where(isKept, scalar(a, x.dtype), scalar(b, x.dtype));
  return addcmul(either(kept, dropped), x, either(scale, 0));
}
