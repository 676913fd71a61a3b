/** Random whole numbers, orders and choices, from the streams of random.ts. */
import { noGrad } from '../../autograd/mode.js';
import { TensorError } from '../../errors.js';
import { isRecording, rows, runGeometry, runRow } from '../../native/commands.js';
import { finish, uninitialized } from '../../tensor/creation.js';
import { checkDType, type DType } from '../../tensor/dtype.js';
import {
  checkCount,
  checkOptions,
  checkShape,
  describe,
  formatShape,
  type Shape,
} from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { sign } from '../elementwise/arithmetic.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { checkFloating, checkTensor, contiguous, to } from '../operand.js';
import { amax, amin } from '../reduction/extremum.js';
import { sum } from '../reduction/reduce.js';
import { checkGenerator, type Generator, stateOperand } from './random.js';

/** Options of {@link randint} and {@link randperm}. */
export interface RandintOptions {
  /** Default int32. The numbers must be exact in it, and of int64 within int32 too. */
  dtype?: DType;
  /** Whether gradients are collected for it; for floats. Default false. */
  requiresGrad?: boolean;
  /**
   * Whether the elements lie in a SharedArrayBuffer, which worker threads can compute on without
   * copying: see `toMessage`. Default false.
   */
  shared?: boolean;
  /** The stream to draw from; default the one that `manualSeed` seeds. */
  generator?: Generator;
}

const RANDINT_OPTIONS = ['dtype', 'requiresGrad', 'shared', 'generator'];

/** The whole numbers that a dtype has exactly, all of those between two. */
const exact: Readonly<Record<DType, readonly [number, number]>> = {
  bool: [0, 1],
  uint8: [0, 255],
  int8: [-128, 127],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  bfloat16: [-(2 ** 8), 2 ** 8],
  float16: [-(2 ** 11), 2 ** 11],
  float32: [-(2 ** 24), 2 ** 24],
  // Numbers are drawn as int32 first.
  int64: [-(2 ** 31), 2 ** 31 - 1],
  float64: [-(2 ** 31), 2 ** 31 - 1],
};

function checkRange(operation: string, low: unknown, high: unknown, dtype: DType): void {
  checkDType(operation, dtype);
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || !(Number(low) < Number(high))) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] takes whole numbers low < high, not ${describe(low)} and ${describe(high)}`,
    );
  }
  const [least, most] = exact[dtype];
  if (Number(low) < least || Number(high) - 1 > most) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] ${dtype} numbers are from ${least} to ${most}, not ${low} to ${Number(high) - 1}`,
    );
  }
}

function drawIntegers(
  operation: string,
  low: number,
  high: number,
  shape: Shape,
  options: RandintOptions,
  dtype: DType,
): Tensor {
  checkRange(operation, low, high, dtype);
  const generator = checkGenerator(operation, options.generator);
  const y = uninitialized(checkShape(operation, shape), 'int32');
  runRow(rows.randint, [generator.state, y.array], [0, y.offset], [y.numel, low, high]);
  return finish(operation, to(y, dtype), options);
}

/**
 * Whole numbers from low to high - 1: low + floor(r (high - low) / 2^64) with 64 random bits r. A number's
 * probability differs from 1 / (high - low) by less than 2^-64, which is at most 2^-32 of it.
 * @throws TensorError ERR_ARGUMENT unless low < high are whole numbers that the dtype has exactly
 * @example
 * ```ts
 * randint(5, 6, [3]); // => [5, 5, 5]
 * ```
 */
export function randint(
  low: number,
  high: number,
  shape: Shape,
  options: RandintOptions = {},
): Tensor {
  checkOptions('randint', options, RANDINT_OPTIONS);
  return drawIntegers('randint', low, high, shape, options, options.dtype ?? 'int32');
}

/**
 * `randint` with the shape and, by default, the dtype of another tensor.
 * @example
 * ```ts
 * randintLike(zeros([2]), 5, 6); // => [5, 5]
 * ```
 */
export function randintLike(
  other: Tensor,
  low: number,
  high: number,
  options: RandintOptions = {},
): Tensor {
  checkTensor('randintLike', other);
  checkOptions('randintLike', options, RANDINT_OPTIONS);
  const dtype = options.dtype ?? other.dtype;
  return drawIntegers('randintLike', low, high, other.shape, options, dtype);
}

/**
 * The numbers 0 to n - 1 in a random order: Fisher and Yates' shuffle, each choice among k places with a
 * bias of less than k 2^-64. Computed by one thread.
 * @throws TensorError ERR_ARGUMENT unless n is a whole number >= 0 and the dtype (default int32) has
 * the numbers exactly
 * @example
 * ```ts
 * randperm(4).sort().values; // => [0, 1, 2, 3]
 * ```
 */
export function randperm(n: number, options: RandintOptions = {}): Tensor {
  checkOptions('randperm', options, RANDINT_OPTIONS);
  const { dtype = 'int32' } = options;
  const generator = checkGenerator('randperm', options.generator);
  // No numbers at all are in every range.
  checkRange('randperm', 0, n === 0 ? 1 : n, dtype);
  const y = uninitialized([n], 'int32');
  runRow(rows.randperm, [generator.state, y.array], [0, y.offset], [n]);
  return finish('randperm', to(y, dtype), options);
}

/** Options of {@link poisson}. */
export interface PoissonOptions {
  /** The stream to draw from; default the one that `manualSeed` seeds. */
  generator?: Generator;
}

/**
 * Poisson numbers with the tensor's elements as rates, of its shape and dtype. Rates below 2^20 by
 * inversion, outwards from the mode (Devroye 1986); larger ones by Cornish and Fisher's expansion around
 * the normal distribution, whose quantiles are off by less than 0.01. No gradient flows to the rates.
 * @throws TensorError ERR_ARGUMENT for rates that are negative, infinite or NaN (while a program is being
 * recorded, elements are not looked at: such rates then give NaN or infinity); ERR_DTYPE
 * @example
 * ```ts
 * poisson(tensor([0, 0])); // => [0, 0]
 * ```
 */
export function poisson(rates: Tensor, options: PoissonOptions = {}): Tensor {
  checkFloating('poisson', rates);
  checkOptions('poisson', options, ['generator']);
  const generator = checkGenerator('poisson', options.generator);
  if (!isRecording() && rates.numel > 0) {
    const [low, high] = noGrad(() => [amin(rates).item(), amax(rates).item()]);
    if (!(low >= 0 && high < Infinity)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[poisson] rates are finite and not negative, not ${low} to ${high}`,
      );
    }
  }
  const y = uninitialized(rates.shape, rates.dtype);
  runGeometry(rows.poisson, rates.shape, [rates, y, stateOperand(generator)]);
  return y;
}

/** Options of {@link multinomial}. */
export interface MultinomialOptions {
  /** Whether a class can be chosen more than once. Default false, as in PyTorch. */
  replacement?: boolean;
  /** The stream to draw from; default the one that `manualSeed` seeds. */
  generator?: Generator;
}

/**
 * @throws TensorError ERR_ARGUMENT for weights that are no distribution, or one of fewer classes than
 * are wanted
 */
function checkWeights(weights: Tensor, different: number): void {
  const low = amin(weights).item();
  const high = amax(weights).item();
  if (!(low >= 0 && high < Infinity)) {
    throw new TensorError('ERR_ARGUMENT', '[multinomial] a weight is negative, infinite or NaN');
  }
  // A float counts exactly to 2^24 and beyond that is far above any sensible number of samples.
  const possible = amin(sum(sign(weights), { dim: -1 })).item();
  if (possible < different) {
    throw new TensorError(
      'ERR_ARGUMENT',
      possible === 0
        ? '[multinomial] all weights of a row are 0'
        : `[multinomial] ${different} samples without replacement need as many weights above 0, not ${possible}`,
    );
  }
}

/**
 * Indices of classes, chosen in proportion to the weights of each row (which need not sum to 1). With
 * replacement by the inverse of the distribution function; without by a race: each class waits for an
 * exponential time with its weight as the rate, the first come first (Efraimidis & Spirakis 2006).
 * @param weights [classes] or [rows, classes], float32 or float64, finite and >= 0
 * @param numSamples how many for each row, at least 1
 * @returns int32 of shape [numSamples] or [rows, numSamples]
 * @throws TensorError ERR_ARGUMENT for negative or infinite weights and NaN, a row of zeros, and without
 * replacement more samples than weights above 0 (while a program is being recorded, elements are not
 * looked at: weights that aren't above 0 count as 0, and those classes come last); ERR_SHAPE, ERR_DTYPE
 * @example
 * ```ts
 * multinomial(tensor([0, 0, 5]), 1); // => [2]
 * ```
 */
export function multinomial(
  weights: Tensor,
  numSamples: number,
  options: MultinomialOptions = {},
): Tensor {
  checkFloating('multinomial', weights);
  checkOptions('multinomial', options, ['replacement', 'generator']);
  const generator = checkGenerator('multinomial', options.generator);
  const classes = weights.shape.at(-1);
  if (weights.ndim > 2 || classes === undefined || classes === 0) {
    throw new TensorError(
      'ERR_SHAPE',
      `[multinomial] weights have shape [classes] or [rows, classes], not ${formatShape(weights.shape)}`,
    );
  }
  checkCount('multinomial', 'the number of samples', numSamples);
  const replacement = Boolean(options.replacement);
  if (!replacement && numSamples > classes) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[multinomial] ${numSamples} samples without replacement of ${classes} classes`,
    );
  }
  return noGrad(() => {
    const w = contiguous(weights);
    if (!isRecording() && w.numel > 0) checkWeights(w, replacement ? 1 : numSamples);
    const y = uninitialized([...w.shape.slice(0, -1), numSamples], 'int32');
    const numbers = [w.numel / classes, classes, numSamples, Number(replacement)];
    runRow(rows.multinomial, [generator.state, w.array, y.array], [0, w.offset, y.offset], numbers);
    return y;
  });
}

defineMethods({ multinomial });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** Indices chosen with this tensor's elements as weights: see the function `multinomial`. */
    multinomial(numSamples: number, options?: MultinomialOptions): Tensor;
  }
}
