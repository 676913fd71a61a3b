/** Whether operations record how to compute gradients. */
import { TensorError } from '../errors.js';
import { describe } from '../tensor/shape.js';

let enabled = true;

/**
 * Whether operations are being recorded now.
 * @example
 * ```ts
 * isGradEnabled(); // => true
 * noGrad(() => isGradEnabled()); // => false
 * ```
 */
export function isGradEnabled(): boolean {
  return enabled;
}

function withGrad<R>(operation: string, value: boolean, fn: () => R): R {
  if (typeof fn !== 'function') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] expected a function, not ${describe(fn)}`,
    );
  }
  const before = enabled;
  enabled = value;
  try {
    const result = fn();
    if (result instanceof Promise) {
      // Nobody gets this promise, so nobody could handle its rejection.
      result.catch(() => {});
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${operation}] the function must not be async: what runs after its first await would ` +
          'record as before',
      );
    }
    return result;
  } finally {
    enabled = before;
  }
}

/**
 * Runs fn without recording, for evaluation and for updates of parameters. Returns what fn returns.
 * @throws TensorError ERR_ARGUMENT when fn is async or no function
 * @example
 * ```ts
 * const x = ones([2], { requiresGrad: true });
 * noGrad(() => x.mul(2)).requiresGrad; // => false
 * ```
 */
export function noGrad<R>(fn: () => R): R {
  return withGrad('noGrad', false, fn);
}

/**
 * Runs fn with recording on, inside a `noGrad`. Returns what fn returns.
 * @throws TensorError ERR_ARGUMENT when fn is async or no function
 * @example
 * ```ts
 * const x = ones([2], { requiresGrad: true });
 * noGrad(() => enableGrad(() => x.mul(2))).requiresGrad; // => true
 * ```
 */
export function enableGrad<R>(fn: () => R): R {
  return withGrad('enableGrad', true, fn);
}
