/** Finds the operation that made the first NaN, forward or backward. */
import { TensorError } from '../errors.js';
import { describe } from '../tensor/shape.js';
import type { GradNode, Tensor } from '../tensor/tensor.js';
import { checkFunction, checkSynchronous } from './mode.js';
import { setInspector } from './tape.js';

let enabled = false;

/** Where the operation of a node was called. */
const calls = new WeakMap<GradNode, Error>();

/** Whether any element is NaN, wherever they lie. For debugging: it reads one by one. */
function hasNan(t: Tensor): boolean {
  const search = (dim: number, at: number): boolean => {
    if (dim === t.ndim) return Number.isNaN(t.elementAt(at));
    const size = t.shape[dim] as number;
    const stride = t.strides[dim] as number;
    for (let i = 0; i < size; i++) if (search(dim + 1, at + i * stride)) return true;
    return false;
  };
  return search(0, t.offset);
}

/** Checks a recorded result and notes where it was made. */
function inspect(result: Tensor, node: GradNode): void {
  const call = new Error(`the forward call of ${node.name}`);
  calls.set(node, call);
  // Its rule runs on its own: a product that applied it too would be blamed for its NaN.
  node.uses++;
  if (!hasNan(result) || node.inputs.some(hasNan)) return;
  throw new TensorError(
    'ERR_STATE',
    `[detectAnomaly] ${node.name} made the first NaN: its inputs have none, its result has`,
    { cause: call },
  );
}

/**
 * Whether anomalies are being looked for.
 *
 * @example
 * ```ts
 * detectAnomaly(() => isAnomalyEnabled()); // => true
 * ```
 */
export function isAnomalyEnabled(): boolean {
  return enabled;
}

/**
 * Turns the search for NaN on or off until the next call: see `detectAnomaly`.
 * @throws TensorError ERR_ARGUMENT for anything but a boolean
 *
 * @example
 * ```ts
 * setDetectAnomaly(true);
 * isAnomalyEnabled(); // => true
 * setDetectAnomaly(false);
 * ```
 */
export function setDetectAnomaly(value: boolean): void {
  if (typeof value !== 'boolean') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[setDetectAnomaly] expected true or false, not ${describe(value)}`,
    );
  }
  enabled = value;
  setInspector(value ? inspect : null);
}

/**
 * Runs fn and throws at the operation that makes the first NaN: in the forward pass one whose result has
 * a NaN though its inputs have none; in a backward pass the operation whose gradient rule gave a NaN. The
 * error names it, and its `cause` has the stack of the forward call. Only operations that are recorded
 * are looked at, that is, those on tensors that require gradients, outside of `noGrad`. Every element of
 * every result is read in JavaScript: this is for debugging, not for training. Returns what fn returns.
 * @throws TensorError ERR_STATE at a NaN, ERR_ARGUMENT when fn is async or no function
 *
 * @example
 * ```ts
 * const x = tensor([1, -1], { requiresGrad: true });
 * detectAnomaly(() => x.log().sum()); // throws ERR_STATE
 * ```
 */
export function detectAnomaly<R>(fn: () => R): R {
  checkFunction('detectAnomaly', fn);
  const before = enabled;
  setDetectAnomaly(true);
  try {
    return checkSynchronous('detectAnomaly', fn());
  } finally {
    setDetectAnomaly(before);
  }
}

/** The gradient that arrived at a node has to be free of NaN. */
export function checkArrived(node: GradNode, g: Tensor): void {
  if (!hasNan(g)) return;
  throw new TensorError(
    'ERR_STATE',
    `[detectAnomaly] the gradient of the result of ${node.name} has a NaN that no rule made: the ` +
      'gradient that the pass began with has it, a hook returned it, or it is a sum of infinities',
    { cause: calls.get(node) },
  );
}

/** What a rule gave for an input has to be free of NaN. */
export function checkGiven(node: GradNode, index: number, g: Tensor): void {
  if (!hasNan(g)) return;
  throw new TensorError(
    'ERR_STATE',
    `[detectAnomaly] the gradient rule of ${node.name} made the first NaN, for input ${index}`,
    { cause: calls.get(node) },
  );
}
