/** Scopes for users: memory of tensors that are not results goes back at once. */
import { TensorError } from '../errors.js';
import {
  enterScope,
  inScopeAround,
  isInnermost,
  keepAllStorages,
  keepStorage,
  leaveScope,
  letEscape,
  type Scope,
} from '../tensor/memory.js';
import { forEachTensor } from '../tensor/nested.js';
import { describe } from '../tensor/shape.js';
import { currentTime, type Storage } from '../tensor/storage.js';
import type { Tensor } from '../tensor/tensor.js';
import { checkFunction, isGradEnabled } from './mode.js';

/** Whether a graph hangs on a tensor that a later backward can go through. */
function hasGraph(t: Tensor): boolean {
  return t.node !== null && t.node.rules !== null;
}

/** What of a scope a result needs itself, and whether the graph behind it may need the rest. */
interface Needs {
  readonly storages: ReadonlySet<Storage> | 'all';
  readonly graph: boolean;
}

function neededBy(result: unknown, firstNode: number): Needs {
  const storages = new Set<Storage>();
  let graph = false;
  forEachTensor(result, (t) => {
    for (let at: Tensor | null = t; at !== null; at = at.accumulatedGrad) {
      storages.add(at.storage);
      // A graph from before the scope holds nothing of it.
      if (hasGraph(at) && (at.node?.sequence ?? 0) > firstNode) graph = true;
    }
  });
  return { storages, graph };
}

const ASYNC = new Set(['AsyncFunction', 'GeneratorFunction', 'AsyncGeneratorFunction']);

function notSynchronous(): TensorError {
  return new TensorError(
    'ERR_ARGUMENT',
    '[tidy] the function must not be async or a generator: tidy ends when it returns, and what runs ' +
      'after its first await or yield would use memory that was given back. Call tidy around the ' +
      'synchronous parts inside, or use dispose()',
  );
}

/**
 * Runs fn, then gives the memory of all tensors that were made in it back at once, as TensorFlow.js's
 * `tidy`. What fn returns stays: a tensor, or all tensors in arrays, objects, maps and sets, with their
 * gradients. So do tensors given to `keep`, parameters and buffers of modules, the state of optimizers,
 * and gradients of leaves that were made outside. While a result still has its graph, everything made in this
 * scope stays with it, since gradient rules may hold any of it; it goes back when `backward` frees the
 * graph. Return `loss.item()` or `loss.detach()` where no gradient is wanted. Views of what was given back throw
 * ERR_DISPOSED; a typed array taken by `data` stays valid.
 *
 * Never needed: the garbage collector does the same later. Scopes nest: what an inner one returns
 * belongs to the outer one. When fn throws, everything made in it is given back.
 * @returns what fn returns
 * @throws TensorError ERR_ARGUMENT when fn is async, a generator or no function
 * @example
 * ```ts
 * const x = tensor([3, 4]);
 * const length = tidy(() => x.square().sum().sqrt());
 * length; // => 5
 * ```
 */
export function tidy<R>(fn: () => R): R {
  checkFunction('tidy', fn);
  if (ASYNC.has(fn.constructor.name)) throw notSynchronous();
  const firstNode = currentTime();
  const scope = enterScope(true);
  let needs: Needs = { storages: new Set(), graph: false };
  try {
    const result = fn();
    if (typeof (result as { then?: unknown } | null | undefined)?.then === 'function') {
      // What goes on in the background may use any of them, and nobody can handle its rejection.
      needs = { storages: 'all', graph: true };
      (result as PromiseLike<unknown>).then(undefined, () => {});
      throw notSynchronous();
    }
    needs = neededBy(result, firstNode);
    return result;
  } finally {
    leaveScope(scope, needs.storages, needs.graph);
  }
}

/**
 * Takes a tensor, or all tensors in arrays, objects, maps and sets, out of every `tidy` that runs now:
 * for what is stored somewhere instead of being returned. With a tensor that has a graph goes
 * everything that was made so far.
 * @returns its argument
 * @throws TensorError ERR_ARGUMENT when there is no tensor in it, ERR_DISPOSED
 * @example
 * ```ts
 * let last = zeros([1]);
 * tidy(() => {
 *   last = keep(ones([2]).mul(3));
 * });
 * last; // => [3, 3]
 * ```
 */
export function keep<T>(value: T): T {
  let found = false;
  forEachTensor(value, (t) => {
    found = true;
    t.storage.array; // throws for one that is gone already
    keepStorage(t.storage);
    if (hasGraph(t)) keepAllStorages();
  });
  if (!found) {
    throw new TensorError('ERR_ARGUMENT', `[keep] expected a tensor, not ${describe(value)}`);
  }
  return value;
}

/**
 * The result of an operation that is made of others. What it makes on the way goes back at once, or with
 * the graph when that is recorded: left to the collector, every intermediate result would take memory
 * that has been out of the cache for long, which costs several times what computing it does. Only for
 * code that lets no tensor out but its result.
 */
export function composed(fn: () => Tensor): Tensor {
  const firstNode = currentTime();
  const scope = enterScope(isGradEnabled());
  let needs: Needs = { storages: NOTHING, graph: false };
  try {
    const result = fn();
    needs = neededBy(result, firstNode);
    return result;
  } finally {
    leaveScope(scope, needs.storages, needs.graph);
  }
}

const NOTHING: ReadonlySet<Storage> = new Set();

/** The scope of the outermost layer that runs now. */
let layerScope: Scope | null = null;

/**
 * Runs the forward function of a layer that is made of others. What it makes besides its results goes
 * back as soon as the graph through it was freed, or at once if none was recorded: no `tidy` of the
 * user's is needed for that. Only for code that lets no tensor out but its result, and that calls code
 * of the user's by `outsideLayer`.
 */
export function insideLayer<R>(fn: () => R): R {
  if (layerScope !== null && isInnermost(layerScope)) return fn();
  const before = layerScope;
  // Nothing is recorded under noGrad but by the user's code, which gets no memory of this scope.
  const scope = enterScope(isGradEnabled());
  layerScope = scope;
  let graph = false;
  try {
    const result = fn();
    forEachTensor(result, (t) => {
      letEscape(t.storage);
      if (hasGraph(t)) graph = true;
    });
    return result;
  } finally {
    layerScope = before;
    leaveScope(scope, undefined, graph);
  }
}

/** Runs code of the user's in a layer: what goes in and what is made there may be kept by it. */
export function outsideLayer<R>(inputs: readonly unknown[], fn: () => R): R {
  if (layerScope === null || !isInnermost(layerScope)) return fn();
  forEachTensor(inputs, ({ storage }) => letEscape(storage));
  return inScopeAround(layerScope, fn);
}
