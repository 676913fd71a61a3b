/** Whether operations record how to compute gradients. */

let enabled = true;

/** Whether operations are being recorded now. */
export function isGradEnabled(): boolean {
  return enabled;
}

function withGrad<R>(value: boolean, fn: () => R): R {
  const before = enabled;
  enabled = value;
  try {
    const result = fn();
    if (result instanceof Promise) {
      throw new TypeError(
        '[noGrad] the function must not be async: what runs after its first await would record again',
      );
    }
    return result;
  } finally {
    enabled = before;
  }
}

/**
 * Runs fn without recording, for evaluation and for updates of parameters. Returns what fn returns.
 * @throws TypeError when fn is async
 */
export function noGrad<R>(fn: () => R): R {
  return withGrad(false, fn);
}

/** Runs fn with recording on, inside a `noGrad`. */
export function enableGrad<R>(fn: () => R): R {
  return withGrad(true, fn);
}
