/** Watching gradients: hooks on leaves and results, and gradients that results keep. */
import { TensorError } from '../errors.js';
import { keepStorage, outsideScope } from '../tensor/memory.js';
import { describe, formatShape, sameShape } from '../tensor/shape.js';
import { type GradWatchers, Tensor } from '../tensor/tensor.js';
import { checkFunction } from './mode.js';
import { needsGrad } from './tape.js';

/** Takes a hook away again. */
export interface HookHandle {
  /** The hook isn't called any more. Calling it again does nothing. */
  remove(): void;
}

function watchersOf(operation: string, t: Tensor): GradWatchers {
  if (!needsGrad(t)) {
    throw new TensorError(
      'ERR_STATE',
      `[${operation}] this tensor requires no gradient, so none will arrive here`,
    );
  }
  const owner = t.node ?? t;
  owner.watchers ??= { hooks: new Set(), afterAccumulation: new Set(), retainFor: null };
  return owner.watchers;
}

/**
 * A watched activation counts as used once more, so that no product applies its derivative to the
 * gradient before it arrives.
 */
function watch(t: Tensor, by: number): void {
  if (t.node !== null) t.node.uses += by;
}

declare module '../tensor/tensor.js' {
  interface Tensor {
    /**
     * Calls `hook` with this tensor's gradient in every pass that computes it, once all of it has
     * arrived, before it is used or accumulated. A tensor that the hook returns takes its place. Hooks
     * run in the order of their registration, each with the gradient that the one before gave; they must
     * not change it in place. Errors thrown by a hook end the pass.
     * @throws TensorError ERR_STATE when this tensor requires no gradient, ERR_ARGUMENT for anything but
     * a function; in the pass ERR_ARGUMENT, ERR_SHAPE or ERR_DTYPE when a hook returns what is no
     * gradient of this tensor
     *
     * @example
     * ```ts
     * const x = tensor([1, 2], { requiresGrad: true });
     * const handle = x.registerHook((g) => g.mul(10));
     * x.mul(3).sum().backward();
     * x.grad; // => [30, 30]
     * handle.remove();
     * ```
     */
    registerHook(hook: GradHook): HookHandle;
    /**
     * Calls `hook` with this leaf whenever a backward pass has added to its `grad`, as soon as the
     * gradient is complete: an optimizer's step there, followed by `zeroGrad()`, keeps the gradients of
     * all parameters from being in memory at once.
     * @throws TensorError ERR_STATE for results and leaves that require no gradient, ERR_ARGUMENT for
     * anything but a function
     *
     * @example
     * ```ts
     * const x = tensor([1, 2], { requiresGrad: true });
     * const seen = [];
     * x.registerPostAccumulateGradHook((leaf) => { seen.push(leaf.grad.toArray()); });
     * x.mul(3).sum().backward();
     * seen; // => [[3, 3]]
     * ```
     */
    registerPostAccumulateGradHook(hook: (leaf: Tensor) => void): HookHandle;
    /**
     * Makes this result of an operation keep its gradient in `grad` as a leaf does: after its hooks, and
     * summed over passes. Does nothing to leaves. Returns this tensor.
     * @throws TensorError ERR_STATE when this tensor requires no gradient
     *
     * @example
     * ```ts
     * const x = tensor([1, 2], { requiresGrad: true });
     * const y = x.mul(3).retainGrad();
     * y.square().sum().backward();
     * y.grad; // => [6, 12]
     * ```
     */
    retainGrad(): this;
    /** Whether this is a result that keeps its gradient. */
    readonly retainsGrad: boolean;
  }
}

Tensor.prototype.registerHook = function (this: Tensor, hook) {
  checkFunction('registerHook', hook);
  const { hooks } = watchersOf('registerHook', this);
  const entry = { call: hook };
  hooks.add(entry);
  watch(this, 1);
  return {
    remove: () => {
      if (hooks.delete(entry)) watch(this, -1);
    },
  };
};

Tensor.prototype.registerPostAccumulateGradHook = function (this: Tensor, hook) {
  checkFunction('registerPostAccumulateGradHook', hook);
  if (this.node !== null) {
    throw new TensorError(
      'ERR_STATE',
      `[registerPostAccumulateGradHook] this tensor is a result of ${this.node.name}, ` +
        'and only leaves accumulate gradients; use registerHook',
    );
  }
  const { afterAccumulation } = watchersOf('registerPostAccumulateGradHook', this);
  const entry = { call: hook };
  afterAccumulation.add(entry);
  return { remove: () => void afterAccumulation.delete(entry) };
};

Tensor.prototype.retainGrad = function (this: Tensor) {
  const watchers = watchersOf('retainGrad', this);
  if (this.node !== null && watchers.retainFor === null) {
    watchers.retainFor = this;
    watch(this, 1);
  }
  return this;
};

Object.defineProperty(Tensor.prototype, 'retainsGrad', {
  get(this: Tensor) {
    const watchers = this.node?.watchers ?? null;
    return watchers !== null && watchers.retainFor !== null;
  },
});

function checkReplacement(value: unknown, g: Tensor): asserts value is Tensor {
  if (!(value instanceof Tensor)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[registerHook] a hook returns a tensor or nothing, not ${describe(value)}`,
    );
  }
  if (!sameShape(value.shape, g.shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[registerHook] a hook returned ${formatShape(value.shape)} for a gradient of ${formatShape(g.shape)}`,
    );
  }
  if (value.dtype !== g.dtype) {
    throw new TensorError(
      'ERR_DTYPE',
      `[registerHook] a hook returned ${value.dtype} for a gradient of ${g.dtype}`,
    );
  }
}

/** The gradient that the hooks make of g. */
export function callHooks({ hooks }: GradWatchers, g: Tensor): Tensor {
  if (hooks.size === 0) return g;
  return outsideScope(() => {
    let gradient = g;
    // A copy: hooks may remove themselves or add others.
    for (const { call } of [...hooks]) {
      // The hook may keep what it gets.
      keepStorage(gradient.storage);
      const replacement: unknown = call(gradient);
      if (replacement === undefined || replacement === null) continue;
      checkReplacement(replacement, g);
      gradient = replacement;
    }
    return gradient;
  });
}

/** Calls the hooks that wait for a leaf's `grad`. */
export function callAfterAccumulation(leaf: Tensor): void {
  const { afterAccumulation } = leaf.watchers as GradWatchers;
  outsideScope(() => {
    for (const { call } of [...afterAccumulation]) call(leaf);
  });
}
