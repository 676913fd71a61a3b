/** Gradients of the leaves behind a tensor, collected in their `grad`. */
import { TensorError } from '../errors.js';
import { rows, runBinaryContiguous } from '../native/commands.js';
import { uninitialized } from '../tensor/creation.js';
import { isHalf } from '../tensor/dtype.js';
import { setElement } from '../tensor/element.js';
import { escapeWith, keepAllStorages, ownedByScope, recycleAfter } from '../tensor/memory.js';
import { checkOptions, describe, formatShape, sameShape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { addTo, copy, propagate, recordedCopy, sum, type Target } from './engine.js';
import { enableGrad, noGrad } from './mode.js';
import './hooks.js';
import { needsGrad } from './tape.js';

/** Options of {@link backward}. */
export interface BackwardOptions {
  /** Keeps the graph, so that backward can run through it again. Default false. */
  retainGraph?: boolean;
  /** Records how the gradients are computed, so that they can be differentiated again. Default false. */
  createGraph?: boolean;
  /** Gradients are accumulated for these alone, leaves or results. Default all leaves. */
  inputs?: Tensor | readonly Tensor[];
}

/** Stands for options that weren't given, which need no check. */
const NO_OPTIONS: BackwardOptions = Object.freeze({});

/** target += g, in target's memory. */
function addInto(target: Tensor, g: Tensor): void {
  if (target.isContiguous && g.isContiguous && !isHalf(target.dtype)) {
    runBinaryContiguous(rows.add, target, 1, g, 1, target, target.numel);
    return;
  }
  addTo(target, target, g);
}

function sameStrides(a: Tensor, b: Tensor): boolean {
  return a.strides.every((stride, d) => stride === b.strides[d] || a.shape[d] === 1);
}

/** Adds a gradient to a leaf. Gradients lie in memory as their leaf does: optimizers rely on it. */
function accumulate(leaf: Tensor, gradient: Tensor): void {
  let g = gradient;
  const before = leaf.accumulatedGrad;
  if (before !== null && before.node === null) {
    addInto(before, g);
    before.storage.version++;
    return;
  }
  // A gradient with a graph keeps its elements: others may be computed from them.
  if (before !== null) g = sum(before, g);
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
 * The user's gradient may be the `grad` of a leaf, which is written before others are read: what has
 * arrived of it elsewhere, or in another order of elements, becomes a copy.
 */
function keepFromWrites(arrived: Map<Target, Tensor>): void {
  const written = new Set<Tensor['storage']>();
  for (const to of arrived.keys()) {
    if (to instanceof Tensor && to.accumulatedGrad !== null) {
      written.add(to.accumulatedGrad.storage);
    }
  }
  for (const [to, g] of arrived) if (written.has(g.storage)) arrived.set(to, copy(g));
}

/** 1 as a tensor like `root`, which has one element. Its own: code of the user's may write to it. */
function one({ shape, dtype }: Tensor): Tensor {
  const result = uninitialized(shape, dtype);
  setElement(result.array, result.offset, 1, dtype);
  return result;
}

/**
 * The gradient that a pass starts with at `root`: the given one, or 1 for a tensor of one element.
 * @throws TensorError ERR_STATE when nothing requires gradients; ERR_SHAPE, ERR_DTYPE or ERR_ARGUMENT
 * when the gradient doesn't fit
 */
function startingGradient(operation: string, root: unknown, gradient: unknown): Tensor {
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
    if (root.numel === 1) return one(root);
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

/**
 * A leaf's new gradient when it has a graph of its own: nothing is written in place, and it is a copy,
 * since later passes may add to it.
 */
function accumulateRecorded(leaf: Tensor, g: Tensor): void {
  leaf.accumulatedGrad =
    leaf.accumulatedGrad === null ? recordedCopy(g) : sum(leaf.accumulatedGrad, g);
  leaf.gradEscaped = true; // the graph of the gradients holds it
  keepAllStorages(); // and what that graph holds can't be told from the rest
}

/** One tensor or a list of them, as a list. */
export function listOf(operation: string, what: string, value: unknown): readonly Tensor[] {
  const list = Array.isArray(value) ? value : [value];
  for (const item of list) {
    if (!(item instanceof Tensor)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[${operation}] ${what} must be tensors, not ${describe(item)}`,
      );
    }
  }
  return list;
}

/**
 * The gradients that a pass starts with at each of the roots: see `startingGradient`.
 * @throws TensorError ERR_ARGUMENT when their numbers differ
 */
export function startingGradients(
  operation: string,
  roots: readonly Tensor[],
  given: unknown,
): Tensor[] {
  const one = given === undefined || given === null || given instanceof Tensor;
  const list: readonly unknown[] = one || !Array.isArray(given) ? [given] : given;
  if (given !== undefined && given !== null && list.length !== roots.length) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[${operation}] ${list.length} gradients for ${roots.length} tensors`,
    );
  }
  return roots.map((root, i) => startingGradient(operation, root, list[i] ?? undefined));
}

/** What gradients are to be accumulated for. Results among them keep theirs, as after `retainGrad`. */
function inputTargets(inputs: BackwardOptions['inputs']): ReadonlySet<Target> | null {
  if (inputs === undefined) return null;
  const list = listOf('backward', 'inputs', inputs);
  if (list.length === 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      '[backward] inputs is an empty list; leave it out for all',
    );
  }
  for (const input of list) {
    if (!needsGrad(input)) {
      throw new TensorError('ERR_STATE', '[backward] one of the inputs requires no gradient');
    }
  }
  for (const input of list) input.retainGrad();
  return new Set(list.map((input) => input.node ?? input));
}

/**
 * Adds to `grad` of every leaf that the roots depend on (and that requires gradients) the gradient of
 * the sum of the roots, each weighted with its `gradient`, and frees the graph. With `createGraph` the
 * graph stays and `grad` has one of its own.
 * @param root a tensor, or a list of them
 * @param gradient gradient of some loss by `root`, of its shape, or a list of them for a list of roots;
 * may be left out (or null in the list) for one element (1)
 * @throws TensorError ERR_STATE when nothing requires gradients, the graph was freed already, or a
 * tensor that a gradient rule needs was changed in place since; ERR_SHAPE when a gradient doesn't fit;
 * ERR_ARGUMENT
 *
 * @example
 * ```ts
 * const x = tensor([1, 2], { requiresGrad: true });
 * backward([x.square().sum(), x.mul(3)], [null, ones([2])]);
 * x.grad; // => [5, 7]
 * ```
 */
export function backward(
  root: Tensor | readonly Tensor[],
  gradient?: Tensor | null | readonly (Tensor | null)[],
  options: BackwardOptions = NO_OPTIONS,
): void {
  if (options !== NO_OPTIONS) {
    checkOptions('backward', options, ['retainGraph', 'createGraph', 'inputs']);
  }
  const roots = Array.isArray(root) ? (root as readonly Tensor[]) : [root as Tensor];
  const starts = startingGradients('backward', roots, gradient);
  const { createGraph = false } = options;
  const { retainGraph = createGraph } = options;
  const targets = inputTargets(options.inputs);
  if (createGraph) {
    enableGrad(() => {
      const pass = { retainGraph, targets, accumulate: accumulateRecorded };
      for (const [to, g] of propagate(roots, starts, pass)) {
        if (to instanceof Tensor) accumulateRecorded(to, g);
      }
    });
    return;
  }
  noGrad(() =>
    recycleAfter(() => {
      const pass = { retainGraph, targets, accumulate };
      const arrived = propagate(roots, starts, pass);
      if (gradient !== undefined && gradient !== null) keepFromWrites(arrived);
      for (const [to, g] of arrived) {
        if (to instanceof Tensor) accumulate(to, g);
      }
    }),
  );
}

declare module '../tensor/tensor.js' {
  interface Tensor {
    /** Adds this tensor's gradient to `grad` of all leaves: see the function `backward`. */
    backward(gradient?: Tensor | null, options?: BackwardOptions): void;
  }
}

Tensor.prototype.backward = function (this: Tensor, gradient, options) {
  backward(this, gradient, options);
};
