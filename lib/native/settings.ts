/** What a process sets for all calls: the SIMD level and the number of threads. */
import { TensorError } from '../errors.js';
import { loadBinding } from './binding.js';

const native = loadBinding();

/**
 * Level names that this machine can run, lowest first: `scalar`, `avx2`, `avx512` or `neon`.
 * @example
 * ```ts
 * simdLevels()[0]; // => 'scalar'
 * ```
 */
export function simdLevels(): string[] {
  return native.simdLevels();
}

/**
 * The level in use. It starts as the best one, or as the one that TILEGRAD_SIMD names.
 * @example
 * ```ts
 * simdLevels().includes(simdLevel()); // => true
 * ```
 */
export function simdLevel(): string {
  return native.simdLevel();
}

/**
 * Forces a level for the whole process; results have the same bits at every level.
 * @throws TensorError ERR_ARGUMENT when this machine doesn't have it
 * @example
 * ```ts
 * setSimdLevel(simdLevels()[0]);
 * simdLevel(); // => 'scalar'
 * setSimdLevel(simdLevels().at(-1));
 * ```
 */
export function setSimdLevel(name: string): void {
  const levels = native.simdLevels();
  if (!levels.includes(name)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[setSimdLevel] this machine has ${levels.join(', ')}, not ${typeof name === 'string' ? name : typeof name}`,
    );
  }
  native.setSimdLevel(name);
}

/** Whether products of int8 use the level's dot product instruction (AVX-512 VNNI, Armv8.2). */
export function dotProduct(): boolean {
  return native.dotProduct();
}

/** Forbids that instruction for the whole process or allows it again: tests run the kernels of both. */
export function setDotProduct(wanted: boolean): void {
  native.setDotProduct(wanted);
}

/** As many as the native thread pool takes: kMaxThreads in native/base/thread_pool.h. */
const MAX_THREADS = 256;

/**
 * Threads that an operation may use, the calling one included. Starts as TILEGRAD_NUM_THREADS or the CPUs at hand.
 * @example
 * ```ts
 * setNumThreads(1);
 * getNumThreads(); // => 1
 * ```
 */
export function getNumThreads(): number {
  return native.numThreads();
}

/**
 * Sets how many threads an operation may use (1 to 256), for the whole process.
 * @throws TensorError ERR_ARGUMENT for anything else
 * @example
 * ```ts
 * setNumThreads(2);
 * setNumThreads(0); // throws ERR_ARGUMENT
 * ```
 */
export function setNumThreads(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > MAX_THREADS) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[setNumThreads] takes a whole number from 1 to ${MAX_THREADS}, not ${typeof count === 'number' ? count : typeof count}`,
    );
  }
  native.setNumThreads(count);
}
