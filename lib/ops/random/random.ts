/**
 * Random tensors from Philox4x32-10 (Salmon et al. 2011), a counter-based generator: a value depends
 * on the seed and its position in the stream only, so threads and SIMD levels can't change it. None of
 * these functions is differentiable: what they make depends on nothing that has a gradient.
 */
import { noGrad } from '../../autograd/mode.js';
import { TensorError } from '../../errors.js';
import { isRecording, type Operand, rows, runGeometry, runRow } from '../../native/commands.js';
import { type TensorOptions, uninitialized } from '../../tensor/creation.js';
import { type DType, isArithmetic } from '../../tensor/dtype.js';
import {
  broadcastShapes,
  checkNumber,
  checkOptions,
  checkShape,
  describe,
  type Shape,
} from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { defineMethods } from '../elementwise/elementwise.js';
import { exp } from '../elementwise/math.js';
import { checkFloating, scalar, type TensorLike } from '../operand.js';
import { promote } from '../promotion.js';
import { amax, amin } from '../reduction/extremum.js';

function checkSeed(operation: string, seed: unknown): asserts seed is number {
  if (!Number.isSafeInteger(seed) || (seed as number) < 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] ${describe(seed)} is not a whole number from 0 to 2^53 - 1`,
    );
  }
}

/**
 * A stream of random numbers: the seed and the position in it, kept where native code reads them.
 * @example
 * ```ts
 * const generator = new Generator(5);
 * const first = rand([2], { generator });
 * generator.seed(5);
 * rand([2], { generator }).eq(first); // => [true, true]
 * ```
 */
export class Generator {
  /** Seed low, seed high, position low, position high. */
  readonly state = new Uint32Array(4);

  /**
   * @param seed a whole number from 0 to 2^53 - 1; default taken from the clock
   * @throws TensorError ERR_ARGUMENT for anything else
   */
  constructor(seed: number = Date.now()) {
    checkSeed('Generator', seed);
    this.seed(seed);
  }

  /**
   * Starts the stream of this seed from its beginning.
   * @throws TensorError ERR_ARGUMENT unless it is a whole number from 0 to 2^53 - 1
   */
  seed(seed: number): void {
    checkSeed('seed', seed);
    this.state.set([seed % 2 ** 32, Math.floor(seed / 2 ** 32), 0, 0]);
  }
}

/** What is used where no generator is given. */
export const defaultGenerator = new Generator();

/**
 * Seeds the default generator: what follows is the same on every machine.
 * @throws TensorError ERR_ARGUMENT unless it is a whole number from 0 to 2^53 - 1
 * @example
 * ```ts
 * manualSeed(7);
 * const x = randn([3]);
 * manualSeed(7);
 * randn([3]).eq(x).all(); // => true
 * ```
 */
export function manualSeed(seed: number): void {
  checkSeed('manualSeed', seed);
  defaultGenerator.seed(seed);
}

/** Options of functions that make random floats: {@link rand}, {@link randn} and others. */
export interface RandomOptions extends TensorOptions {
  /** The stream to draw from; default the one that `manualSeed` seeds. */
  generator?: Generator;
}

/** @throws TensorError ERR_ARGUMENT unless it is a generator; none means the default one */
export function checkGenerator(operation: string, generator: Generator | undefined): Generator {
  if (generator === undefined) return defaultGenerator;
  if (generator instanceof Generator) return generator;
  throw new TensorError(
    'ERR_ARGUMENT',
    `[${operation}] generator must be a Generator, not ${describe(generator)}`,
  );
}

/** @throws TensorError ERR_ARGUMENT unless 0 <= p <= 1 */
export function checkProbability(operation: string, p: unknown): asserts p is number {
  if (typeof p !== 'number' || !(p >= 0 && p <= 1)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] a probability is from 0 to 1, not ${describe(p)}`,
    );
  }
}

/** The generator's state as an operand. */
export function stateOperand(generator: Generator): Operand {
  return { array: generator.state, offset: 0, strides: [] };
}

/** -0: added to a number it changes nothing, a zero of either sign included. */
export const UNCHANGED = -0;

type Distribution = 'uniform' | 'normal' | 'exponential' | 'truncatedNormal';

const OPTION_NAMES = ['dtype', 'requiresGrad', 'shared', 'generator'];

/** @throws TensorError for unknown options and unless the dtype (default float32) is one to compute in */
function checkRandomOptions(operation: string, options: RandomOptions): DType {
  checkOptions(operation, options, OPTION_NAMES);
  const { dtype = 'float32' } = options;
  if (isArithmetic(dtype)) return dtype;
  throw new TensorError(
    'ERR_DTYPE',
    `[${operation}] makes float32 or float64, not ${describe(dtype)}`,
  );
}

/** A tensor of values that a row draws, each from the stream alone. */
function random(
  row: Distribution,
  operation: string,
  shape: Shape,
  options: RandomOptions,
  parameters: readonly number[],
): Tensor {
  const dtype = checkRandomOptions(operation, options);
  const generator = checkGenerator(operation, options.generator);
  const result = uninitialized(checkShape(operation, shape), dtype, options.shared);
  runRow(
    rows[row],
    [generator.state, result.array],
    [0, result.offset],
    [result.numel, ...parameters],
  );
  result.leafRequiresGrad = Boolean(options.requiresGrad);
  return result;
}

/**
 * Uniform on [0, 1): multiples of 2^-24 (float32) or 2^-53 (float64). Default dtype float32.
 * @example
 * ```ts
 * manualSeed(1);
 * const x = rand([1000]);
 * x.ge(0).all(); // => true
 * x.lt(1).all(); // => true
 * ```
 */
export function rand(shape: Shape, options: RandomOptions = {}): Tensor {
  return random('uniform', 'rand', shape, options, [1, UNCHANGED]);
}

/**
 * Normal with mean 0 and standard deviation 1 (Box & Muller 1958). Default dtype float32.
 * @example
 * ```ts
 * manualSeed(1);
 * Math.abs(randn([10000]).mean().item()) < 0.05; // => true
 * ```
 */
export function randn(shape: Shape, options: RandomOptions = {}): Tensor {
  return random('normal', 'randn', shape, options, [1, UNCHANGED]);
}

/** Options for a tensor like another one, whose dtype is the default. */
function likeOptions(operation: string, other: Tensor, options: RandomOptions): RandomOptions {
  checkFloating(operation, other);
  checkOptions(operation, options, OPTION_NAMES);
  return { ...options, dtype: options.dtype === undefined ? other.dtype : options.dtype };
}

/**
 * Uniform on [0, 1) with the shape and, by default, the dtype of another tensor: see `rand`.
 * @example
 * ```ts
 * randLike(zeros([2, 3])).shape; // => [2, 3]
 * ```
 */
export function randLike(other: Tensor, options: RandomOptions = {}): Tensor {
  const own = likeOptions('randLike', other, options);
  return random('uniform', 'randLike', other.shape, own, [1, UNCHANGED]);
}

/**
 * Standard normal with the shape and, by default, the dtype of another tensor: see `randn`.
 * @example
 * ```ts
 * randnLike(zeros([2, 3])).shape; // => [2, 3]
 * ```
 */
export function randnLike(other: Tensor, options: RandomOptions = {}): Tensor {
  const own = likeOptions('randnLike', other, options);
  return random('normal', 'randnLike', other.shape, own, [1, UNCHANGED]);
}

/**
 * Uniform on [low, high): u * (high - low) + low with u as from `rand`. Where `low` is large beside
 * high - low, rounding can give `high` itself, as in PyTorch. Default dtype float32.
 * @throws TensorError ERR_ARGUMENT unless the bounds are finite numbers with low <= high
 * @example
 * ```ts
 * uniform(5, 5, [2]); // => [5, 5]
 * ```
 */
export function uniform(
  low: number,
  high: number,
  shape: Shape,
  options: RandomOptions = {},
): Tensor {
  checkNumber('uniform', 'low', low);
  checkNumber('uniform', 'high', high);
  if (low > high) {
    throw new TensorError('ERR_ARGUMENT', `[uniform] low = ${low} is above high = ${high}`);
  }
  return random('uniform', 'uniform', shape, options, [high - low, low]);
}

/**
 * Normal: z * std + mean with z as from `randn`. With numbers the shape is the third argument; with a
 * tensor of means or standard deviations both broadcast to the result's shape, and the dtype is theirs.
 * No gradient flows to them; `randn(shape).mul(std).add(mean)` has one. Default dtype float32.
 * @throws TensorError ERR_ARGUMENT for a standard deviation below 0 (while a program is being recorded,
 * elements of a tensor are not looked at) and numbers that aren't finite; ERR_SHAPE, ERR_DTYPE
 * @example
 * ```ts
 * normal(10, 0, [2]); // => [10, 10]
 * ```
 */
export function normal(mean: number, std: number, shape: Shape, options?: RandomOptions): Tensor;
export function normal(
  mean: TensorLike,
  std: TensorLike,
  options?: Pick<RandomOptions, 'generator'>,
): Tensor;
export function normal(
  mean: TensorLike,
  std: TensorLike,
  third?: Shape | RandomOptions,
  fourth: RandomOptions = {},
): Tensor {
  if (typeof std === 'number') checkNumber('normal', 'std', std, 0);
  if (typeof mean === 'number') checkNumber('normal', 'mean', mean);
  if (typeof mean === 'number' && typeof std === 'number') {
    return random('normal', 'normal', third as Shape, fourth, [std, mean]);
  }
  const [center, spread] = promote('normal', mean, std);
  checkFloating('normal', center);
  const options = (third ?? {}) as RandomOptions;
  checkOptions('normal', options, ['generator']);
  const generator = checkGenerator('normal', options.generator);
  return noGrad(() => {
    if (!isRecording() && spread.numel > 0 && !(amin(spread).item() >= 0)) {
      throw new TensorError('ERR_ARGUMENT', '[normal] a standard deviation is below 0 or NaN');
    }
    const shape = broadcastShapes('normal', center.shape, spread.shape);
    return randn(shape, { dtype: center.dtype, generator }).mul(spread).add(center);
  });
}

/**
 * Exponential with density rate * e^(-rate x): -log(1 - u) / rate. Never 0, as in PyTorch; the largest
 * value is 24 log(2) / rate in float32, 53 log(2) / rate in float64. Default dtype float32.
 * @throws TensorError ERR_ARGUMENT unless the rate is a finite number above 0
 * @example
 * ```ts
 * exponential(1, [1000]).min().item() > 0; // => true
 * ```
 */
export function exponential(rate: number, shape: Shape, options: RandomOptions = {}): Tensor {
  checkNumber('exponential', 'rate', rate, Number.MIN_VALUE);
  return random('exponential', 'exponential', shape, options, [1 / rate]);
}

/**
 * 1 with probability p, otherwise 0. With a number the shape is the second argument (default dtype
 * float32); a tensor of probabilities gives a result of its shape and dtype.
 * @throws TensorError ERR_ARGUMENT unless 0 <= p <= 1 (while a program is being recorded, elements of a
 * tensor are not looked at: below 0 and NaN then count as 0, above 1 as 1); ERR_SHAPE, ERR_DTYPE
 * @example
 * ```ts
 * bernoulli(1, [3]); // => [1, 1, 1]
 * bernoulli(tensor([0, 1])); // => [0, 1]
 * ```
 */
export function bernoulli(p: number, shape: Shape, options?: RandomOptions): Tensor;
export function bernoulli(p: Tensor, options?: Pick<RandomOptions, 'generator'>): Tensor;
export function bernoulli(
  p: TensorLike,
  second?: Shape | RandomOptions,
  third: RandomOptions = {},
): Tensor {
  if (typeof p === 'number') {
    checkProbability('bernoulli', p);
    const dtype = checkRandomOptions('bernoulli', third);
    const shape = checkShape('bernoulli', second);
    const strides = shape.map(() => 0);
    const { array, offset } = scalar(p, dtype);
    const result = drawBernoulli({ array, offset, strides }, shape, dtype, third);
    result.leafRequiresGrad = Boolean(third.requiresGrad);
    return result;
  }
  checkFloating('bernoulli', p);
  const options = (second ?? {}) as RandomOptions;
  checkOptions('bernoulli', options, ['generator']);
  if (!isRecording() && p.numel > 0) {
    const [low, high] = noGrad(() => [amin(p).item(), amax(p).item()]);
    if (!(low >= 0 && high <= 1)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[bernoulli] probabilities are from 0 to 1, not ${low} to ${high}`,
      );
    }
  }
  return drawBernoulli(p, p.shape, p.dtype, options);
}

function drawBernoulli(p: Operand, shape: Shape, dtype: DType, options: RandomOptions): Tensor {
  const state = stateOperand(checkGenerator('bernoulli', options.generator));
  const y = uninitialized(shape, dtype, options.shared);
  runGeometry(rows.bernoulli, shape, [p, y, state]);
  return y;
}

/** Options of {@link truncatedNormal}. */
export interface TruncatedNormalOptions extends RandomOptions {
  /** Of the distribution before it is cut. Default 0. */
  mean?: number;
  /** Of the distribution before it is cut. Default 1. */
  std?: number;
  /** Lower bound. Default -2. */
  a?: number;
  /** Upper bound. Default 2. */
  b?: number;
}

/** Beyond it terms of the continued fraction serve; below, the series loses less than 3 digits. */
const TAIL = 3;

/** P(Z < z) of a standard normal Z for z <= 0, with nearly all digits in the tail too. */
function lowerTail(z: number): number {
  // The library's own exponential, so that every machine gets the same bits.
  const density = exp(scalar((-z * z) / 2, 'float64')).item() / Math.sqrt(2 * Math.PI);
  if (density === 0) return 0;
  if (z > -TAIL) {
    // Abramowitz & Stegun 26.2.11; 60 terms are exact to the last digit for |z| < 3.
    let term = z;
    let sum = z;
    for (let n = 1; n <= 60; n++) {
      term *= (z * z) / (2 * n + 1);
      sum += term;
    }
    return 0.5 + density * sum;
  }
  // Abramowitz & Stegun 26.2.14, from the inside; 100 levels are exact to the last digits from 3 on.
  let fraction = -z;
  for (let n = 100; n >= 1; n--) fraction = -z + n / fraction;
  return density / fraction;
}

/**
 * Normal with the given mean and standard deviation, cut to [a, b] (PyTorch's `trunc_normal_`): the
 * inverse of the distribution function (Wichura 1988, AS 241), computed in float64, at uniform numbers.
 * Default dtype float32. The bounds may be infinite, and lie far out on one side of the mean; beyond 37
 * standard deviations all values are the nearer bound.
 * @throws TensorError ERR_ARGUMENT unless mean and std are finite numbers, std > 0, a < b
 * @example
 * ```ts
 * truncatedNormal([1000], { a: -1, b: 1 }).abs().le(1).all(); // => true
 * ```
 */
export function truncatedNormal(shape: Shape, options: TruncatedNormalOptions = {}): Tensor {
  return drawTruncated('truncatedNormal', shape, options);
}

/** `truncatedNormal` on behalf of an operation, for its messages. */
export function drawTruncated(
  operation: string,
  shape: Shape,
  options: TruncatedNormalOptions,
): Tensor {
  checkOptions(operation, options, ['mean', 'std', 'a', 'b', ...OPTION_NAMES]);
  const { mean = 0, std = 1, a = -2, b = 2, ...others } = options;
  checkNumber(operation, 'mean', mean);
  checkNumber(operation, 'std', std, Number.MIN_VALUE);
  if (typeof a !== 'number' || typeof b !== 'number' || !(a < b)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] the bounds must be numbers with a < b, not ${describe(a)} and ${describe(b)}`,
    );
  }
  // Mirrored when both bounds are above the mean: probabilities are exact in the lower tail.
  const mirrored = a > mean;
  const low = mirrored ? (mean - b) / std : (a - mean) / std;
  const high = mirrored ? (mean - a) / std : (b - mean) / std;
  const below = (z: number): number => (z <= 0 ? lowerTail(z) : 1 - lowerTail(-z));
  const scale = mirrored ? -std : std;
  const parameters = [below(low), below(high), scale, mean, a, b];
  return random('truncatedNormal', operation, shape, others, parameters);
}

defineMethods({ bernoulli });

declare module '../../tensor/tensor.js' {
  interface Tensor {
    /** 1 with this tensor's elements as probabilities, otherwise 0: see the function `bernoulli`. */
    bernoulli(options?: Pick<RandomOptions, 'generator'>): Tensor;
  }
}
