/** Whether operations record how to compute gradients. */
import { TensorError } from '../errors.js';
import { describe } from '../tensor/shape.js';
import { markAsInference } from '../tensor/storage.js';

let enabled = true;
let inference = false;

/**
 * Whether operations are being recorded now.
 *
 * @example
 * ```ts
 * noGrad(() => isGradEnabled()); // => false
 * ```
 */
export function isGradEnabled(): boolean {
  return enabled;
}

/**
 * Whether `inferenceMode` is on.
 *
 * @example
 * ```ts
 * inferenceMode(() => isInferenceModeEnabled()); // => true
 * ```
 */
export function isInferenceModeEnabled(): boolean {
  return inference;
}

/**
 * What a function gave that ran in some mode.
 * @throws TensorError ERR_ARGUMENT for a promise, since the mode doesn't last until it is settled, and for
 * a generator, whose body hasn't run yet
 */
export function checkSynchronous<R>(operation: string, result: R): R {
  if (typeof result !== 'object' || result === null) return result;
  // Promises may be those of another realm, or of a library.
  const { then, [Symbol.toStringTag]: kind } = result as {
    then?: unknown;
    [Symbol.toStringTag]?: unknown;
  };
  if (typeof then === 'function') {
    // Nobody gets this promise, so nobody could handle its rejection.
    then.call(
      result,
      () => {},
      () => {},
    );
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] the function must not be async: what runs after its first await would ` +
        'run in the mode before',
    );
  }
  if (kind === 'Generator' || kind === 'AsyncGenerator') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] the function must not be a generator, whose body would run in another mode`,
    );
  }
  return result;
}

/** @throws TensorError ERR_ARGUMENT unless it is a function */
export function checkFunction(operation: string, fn: unknown): void {
  if (typeof fn !== 'function') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] expected a function, not ${describe(fn)}`,
    );
  }
}

function withGrad<R>(operation: string, value: boolean, fn: () => R): R {
  checkFunction(operation, fn);
  const before = enabled;
  enabled = value && !inference;
  try {
    return checkSynchronous(operation, fn());
  } finally {
    enabled = before;
  }
}

/**
 * Runs fn without recording, for evaluation and for updates of parameters. Returns what fn returns.
 * @throws TensorError ERR_ARGUMENT when fn is async or no function
 *
 * @example
 * ```ts
 * const x = tensor([1, 2], { requiresGrad: true });
 * noGrad(() => x.mul(2)).requiresGrad; // => false
 * ```
 */
export function noGrad<R>(fn: () => R): R {
  return withGrad('noGrad', false, fn);
}

/**
 * Runs fn with recording on, inside a `noGrad`. Returns what fn returns. Inside `inferenceMode` it
 * changes nothing.
 * @throws TensorError ERR_ARGUMENT when fn is async or no function
 *
 * @example
 * ```ts
 * noGrad(() => enableGrad(() => isGradEnabled())); // => true
 * ```
 */
export function enableGrad<R>(fn: () => R): R {
  return withGrad('enableGrad', true, fn);
}

/**
 * Runs fn with recording on or off: `enableGrad` or `noGrad`, for code that decides at run time.
 * @throws TensorError ERR_ARGUMENT when fn is async or no function, or the first argument no boolean
 *
 * @example
 * ```ts
 * setGradEnabled(false, () => isGradEnabled()); // => false
 * ```
 */
export function setGradEnabled<R>(value: boolean, fn: () => R): R {
  if (typeof value !== 'boolean') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[setGradEnabled] expected true or false, not ${describe(value)}`,
    );
  }
  return withGrad('setGradEnabled', value, fn);
}

/**
 * Runs fn without recording, like `noGrad`, and marks everything that it makes: such a tensor (and
 * every view of it) can be computed with, but not be recorded later, by an operation that keeps it for
 * its gradient rule. What was meant for evaluation can't slip into training unnoticed; `clone()`
 * outside of the mode makes an ordinary tensor. Returns what fn returns.
 * @throws TensorError ERR_ARGUMENT when fn is async or no function
 *
 * @example
 * ```ts
 * const y = inferenceMode(() => tensor([1, 2]).mul(3));
 * y.isInference; // => true
 * y.mul(tensor([1, 2], { requiresGrad: true })); // throws ERR_STATE
 * y.clone().mul(tensor([1, 2], { requiresGrad: true })); // => [3, 12]
 * ```
 */
export function inferenceMode<R>(fn: () => R): R {
  checkFunction('inferenceMode', fn);
  const before = inference;
  const marked = markAsInference(true);
  inference = true;
  try {
    return withGrad('inferenceMode', false, fn);
  } finally {
    inference = before;
    markAsInference(marked);
  }
}
