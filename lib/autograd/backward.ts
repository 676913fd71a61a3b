/** Gradients of the leaves behind a tensor, collected in their `grad`. */
import { TensorError } from '../errors.js';
import { rows, runBinaryContiguous } from '../native/commands.js';
import { onesLike } from '../tensor/creation.js';
import { escapeWith, keepAllStorages, ownedByScope, recycleAfter } from '../tensor/memory.js';
import { checkOptions, describe, formatShape, sameShape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { addTo, copy, propagate, sum } from './engine.js';
import { enableGrad, noGrad } from './mode.js';
import { needsGrad } from './tape.js';

/** Options of {@link backward}. */
export interface BackwardOptions {
  /** Keeps the graph, so that backward can run through it again. Default false. */
  retainGraph?: boolean;
  /** Records how the gradients are computed, so that they can be differentiated again. Default false. */
  createGraph?: boolean;
}

/** target += g, in target's memory. */
function addInto(target: Tensor, g: Tensor): void {
  if (target.isContiguous && g.isContiguous && target.dtype !== 'bfloat16') {
    runBinaryContiguous(rows.add, target, 1, g, 1, target, target.numel);
    return;
  }
  addTo(target, target, g);
}

function sameStrides(a: Tensor, b: Tensor): boolean {
  return a.strides.every((stride, d) => stride === b.strides[d] || a.shape[d] === 1);
}

/** Adds a gradient to a leaf. Gradients lie in memory as their leaf does: optimizers rely on it. */
function accumulate(leaf: Tensor, g: Tensor): void {
  if (leaf.accumulatedGrad !== null) {
    addInto(leaf.accumulatedGrad, g);
    return;
  }
  leaf.gradEscaped = false;
  // Memory that this pass made and that is nothing but this gradient can be kept as it is. It then
  // no longer counts as made by the pass, so that a second leaf with the same gradient gets a copy.
  if (ownedByScope(g.storage) && g.isDense && sameStrides(g, leaf)) {
    escapeWith(g.storage, leaf.storage);
    leaf.accumulatedGrad = g;
    return;
  }
  // A leaf that is a dense view (a transposed weight) keeps its strides, others become row-major.
  const kept = copy(g, leaf.isDense ? leaf.strides : undefined);
  escapeWith(kept.storage, leaf.storage);
  leaf.accumulatedGrad = kept;
}

/**
 * The gradient that a pass starts with at `root`: the given one, or 1 for a tensor of one element.
 * @throws TensorError ERR_STATE when nothing requires gradients; ERR_SHAPE, ERR_DTYPE or ERR_ARGUMENT
 * when the gradient doesn't fit
 */
export function startingGradient(operation: string, root: unknown, gradient: unknown): Tensor {
  if (!(root instanceof Tensor)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] expected a tensor, not ${describe(root)}`,
    );
  }
  if (!needsGrad(root)) {
    throw new TensorError(
      'ERR_STATE',
      `[${operation}] nothing here requires gradients: no input was made with requiresGrad, ` +
        'or it ran inside noGrad',
    );
  }
  if (gradient === undefined) {
    if (root.numel === 1) return onesLike(root);
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] a tensor of shape ${formatShape(root.shape)} needs a gradient; only one element can do without`,
    );
  }
  if (!(gradient instanceof Tensor)) {
    throw new TensorError('ERR_ARGUMENT', `[${operation}] the gradient must be a tensor`);
  }
  if (!sameShape(gradient.shape, root.shape) || gradient.dtype !== root.dtype) {
    throw new TensorError(
      'ERR_SHAPE',
      `[${operation}] the gradient has shape ${formatShape(gradient.shape)} and dtype ${gradient.dtype}, ` +
        `the tensor ${formatShape(root.shape)} and ${root.dtype}`,
    );
  }
  return gradient;
}

/** A leaf's new gradient when it has a graph of its own: nothing is written in place. */
function accumulateRecorded(leaf: Tensor, g: Tensor): void {
  leaf.accumulatedGrad = leaf.accumulatedGrad === null ? g : sum(leaf.accumulatedGrad, g);
  leaf.gradEscaped = true; // the graph of the gradients holds it
  keepAllStorages(); // and what that graph holds can't be told from the rest
}

/**
 * Adds to `grad` of every leaf that `root` depends on (and that requires gradients) the gradient of
 * `root`, and frees the graph. With `createGraph` the graph stays and `grad` has one of its own.
 * @param gradient gradient of some loss by `root`, of its shape; may be left out for one element (1)
 * @throws TensorError ERR_STATE when nothing requires gradients or the graph was freed already,
 * ERR_SHAPE when the gradient doesn't fit
 * @example
 * ```ts
 * const x = tensor([1, 2, 3], { requiresGrad: true });
 * backward(x.square().sum());
 * x.grad; // => [2, 4, 6]
 * ```
 */
export function backward(root: Tensor, gradient?: Tensor, options: BackwardOptions = {}): void {
  checkOptions('backward', options, ['retainGraph', 'createGraph']);
  const start = startingGradient('backward', root, gradient);
  const { createGraph = false } = options;
  const { retainGraph = createGraph } = options;
  if (createGraph) {
    enableGrad(() => {
      const arrived = propagate([root], [start], retainGraph, null);
      for (const [leaf, g] of arrived) accumulateRecorded(leaf as Tensor, g);
    });
    return;
  }
  noGrad(() =>
    recycleAfter(() => {
      // The user's gradient may be the `grad` of a leaf, which is written before others are read.
      const g = start === gradient ? copy(start) : start;
      const arrived = propagate([root], [g], retainGraph, null);
      for (const [leaf, g] of arrived) accumulate(leaf as Tensor, g);
    }),
  );
}

declare module '../tensor/tensor.js' {
  interface Tensor {
    /** Adds this tensor's gradient to `grad` of all leaves: see the function `backward`. */
    backward(gradient?: Tensor, options?: BackwardOptions): void;
  }
}

Tensor.prototype.backward = function (this: Tensor, gradient, options) {
  backward(this, gradient, options);
};
