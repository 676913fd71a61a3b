/**
 * Random tensors from Philox4x32-10 (Salmon et al. 2011), a counter-based generator: a value depends
 * on the seed and its position in the stream only, so threads and SIMD levels can't change it.
 */
import { TensorError } from '../errors.js';
import { rows, runRow } from '../native/commands.js';
import { type TensorOptions, uninitialized } from '../tensor/creation.js';
import { dtypes } from '../tensor/dtype.js';
import { checkOptions, checkShape, describe, type Shape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { mul } from './arithmetic.js';
import { checkFloating } from './operand.js';

function checkSeed(operation: string, seed: unknown): asserts seed is number {
  if (!Number.isSafeInteger(seed) || (seed as number) < 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] ${describe(seed)} is not a whole number from 0 to 2^53 - 1`,
    );
  }
}

/** A stream of random numbers: the seed and the position in it, kept where native code reads them. */
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
 */
export function manualSeed(seed: number): void {
  checkSeed('manualSeed', seed);
  defaultGenerator.seed(seed);
}

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

/** Overwrites a contiguous floating tensor with values from the stream. */
function draw(row: 'uniform' | 'normal', into: Tensor, generator: Generator): void {
  runRow(rows[row], [generator.state, into.array], [0, into.offset], [into.numel]);
}

function random(
  row: 'uniform' | 'normal',
  operation: string,
  shape: Shape,
  options: RandomOptions,
): Tensor {
  checkOptions(operation, options, ['dtype', 'requiresGrad', 'generator']);
  const { dtype = 'float32' } = options;
  if (!Object.hasOwn(dtypes, dtype) || !dtypes[dtype].arithmetic) {
    throw new TensorError(
      'ERR_DTYPE',
      `[${operation}] makes float32 or float64, not ${describe(dtype)}`,
    );
  }
  const generator = checkGenerator(operation, options.generator);
  const result = uninitialized(checkShape(operation, shape), dtype);
  draw(row, result, generator);
  result.leafRequiresGrad = Boolean(options.requiresGrad);
  return result;
}

/** Uniform on [0, 1): multiples of 2^-24 (float32) or 2^-53 (float64). Default dtype float32. */
export function rand(shape: Shape, options: RandomOptions = {}): Tensor {
  return random('uniform', 'rand', shape, options);
}

/** Normal with mean 0 and standard deviation 1 (Box & Muller 1958). Default dtype float32. */
export function randn(shape: Shape, options: RandomOptions = {}): Tensor {
  return random('normal', 'randn', shape, options);
}

export interface DropoutOptions {
  /** Whether to drop anything; the identity otherwise. Default true. */
  training?: boolean;
  /** The stream to draw from; default the one that `manualSeed` seeds. */
  generator?: Generator;
}

/**
 * Sets elements to 0 with probability p and scales the others by 1 / (1 - p), so that the expected
 * value stays (Srivastava et al. 2014, in the form that leaves evaluation alone).
 * @throws TensorError ERR_ARGUMENT unless 0 <= p <= 1
 */
export function dropout(x: Tensor, p = 0.5, options: DropoutOptions = {}): Tensor {
  checkFloating('dropout', x);
  checkOptions('dropout', options, ['training', 'generator']);
  checkProbability('dropout', p);
  const generator = checkGenerator('dropout', options.generator);
  if (options.training === false || p === 0) return x;
  const mask = uninitialized(x.shape, x.dtype);
  runRow(rows.dropoutMask, [generator.state, mask.array], [0, mask.offset], [mask.numel, p]);
  return mul(x, mask);
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
