/**
 * Reverse-mode differentiation: nodes are visited from the root in the reverse of the order in which
 * they were recorded, so each one's gradient is complete when its rules run.
 */
import { TensorError } from '../errors.js';
import { rows, runBinaryContiguous, runGeometry } from '../native/commands.js';
import { onesLike, uninitialized } from '../tensor/creation.js';
import { dtypes } from '../tensor/dtype.js';
import { allocate, letEscape, ownedByScope, recycleAfter } from '../tensor/memory.js';
import { checkOptions, describe, formatShape, sameShape } from '../tensor/shape.js';
import { type GradNode, type GradRule, Tensor } from '../tensor/tensor.js';
import { noGrad } from './mode.js';
import { needsGrad } from './tape.js';

export interface BackwardOptions {
  /** Keeps the graph, so that backward can run through it again. Default false. */
  retainGraph?: boolean;
}

/** a + b in new memory; a and b have one shape and dtype. */
function sum(a: Tensor, b: Tensor): Tensor {
  const result = uninitialized(a.shape, a.dtype);
  addTo(result, a, b);
  return result;
}

/** result = a + b, where the result may be a. bfloat16 is added in float32 and rounded once. */
function addTo(result: Tensor, a: Tensor, b: Tensor): void {
  if (a.dtype !== 'bfloat16') {
    runGeometry(rows.add, a.shape, [a, b, result]);
    return;
  }
  const [x, y] = [a, b].map((term) => {
    const wide = uninitialized(term.shape, 'float32');
    runGeometry(rows.cast, term.shape, [term, wide]);
    return wide;
  }) as [Tensor, Tensor];
  runGeometry(rows.add, x.shape, [x, y, x]);
  runGeometry(rows.cast, x.shape, [x, result]);
}

/** The same values in memory of their own, row-major unless other strides are given. */
function copy(g: Tensor, strides?: readonly number[]): Tensor {
  const result = new Tensor(allocate(g.dtype, g.numel), g.shape, strides);
  runGeometry(g.dtype === 'bfloat16' ? rows.cast : rows.copy, g.shape, [g, result]);
  return result;
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
    letEscape(g.storage);
    leaf.accumulatedGrad = g;
    return;
  }
  // A leaf that is a dense view (a transposed weight) keeps its strides, others become row-major.
  const kept = copy(g, leaf.isDense ? leaf.strides : undefined);
  letEscape(kept.storage);
  leaf.accumulatedGrad = kept;
}

/** All nodes that the root depends on, latest first. */
function reachable(root: GradNode): GradNode[] {
  const seen = new Set([root]);
  const nodes = [root];
  for (let i = 0; i < nodes.length; i++) {
    for (const input of (nodes[i] as GradNode).inputs) {
      const { node } = input;
      if (node !== null && !seen.has(node)) {
        seen.add(node);
        nodes.push(node);
      }
    }
  }
  return nodes.sort((a, b) => b.sequence - a.sequence);
}

/**
 * Hands a gradient to input `index` of a node. What leaves receive is collected first: their `grad`
 * is written in place, and until the end of the pass other nodes may still read the same memory.
 */
function deliver(node: GradNode, index: number, g: Tensor, leaves: Map<Tensor, Tensor>): void {
  const input = node.inputs[index] as Tensor;
  if (!sameShape(g.shape, input.shape) || g.dtype !== input.dtype) {
    throw new TensorError(
      'ERR_STATE',
      `[${node.name}] the gradient of input ${index} has shape ${formatShape(g.shape)} and dtype ${g.dtype}, ` +
        `the input ${formatShape(input.shape)} and ${input.dtype}`,
    );
  }
  if (input.node === null) {
    const before = leaves.get(input);
    leaves.set(input, before === undefined ? g : sum(before, g));
  } else input.node.pending = input.node.pending === null ? g : sum(input.node.pending, g);
}

function propagate(root: Tensor, gradient: Tensor, retainGraph: boolean): void {
  if (root.node === null) {
    accumulate(root, gradient);
    return;
  }
  const nodes = reachable(root.node);
  for (const { name, rules } of nodes) {
    if (rules === null) {
      throw new TensorError(
        'ERR_STATE',
        `[backward] the graph behind ${name} was freed by an earlier backward; ` +
          'pass { retainGraph: true } to the earlier one to go through it twice',
      );
    }
  }
  const leaves = new Map<Tensor, Tensor>();
  root.node.pending = gradient;
  try {
    for (const node of nodes) {
      const g = node.pending;
      if (g === null) continue;
      node.pending = null;
      const rules = node.rules as NonNullable<GradNode['rules']>;
      node.inputs.forEach((input, i) => {
        if (!needsGrad(input)) return;
        deliver(node, i, node.folded ? g : (rules[i] as GradRule)(g), leaves);
      });
      node.folded = false;
      if (!retainGraph) {
        node.rules = null;
        node.inputs = [];
      }
    }
    for (const [leaf, g] of leaves) accumulate(leaf, g);
  } finally {
    for (const node of nodes) {
      node.pending = null;
      node.folded = false;
    }
  }
}

/**
 * Adds to `grad` of every leaf that `root` depends on (and that requires gradients) the gradient of
 * `root`, and frees the graph.
 * @param gradient gradient of some loss by `root`, of its shape; may be left out for one element (1)
 * @throws TensorError ERR_STATE when nothing requires gradients or the graph was freed already,
 * ERR_SHAPE when the gradient doesn't fit
 */
export function backward(root: Tensor, gradient?: Tensor, options: BackwardOptions = {}): void {
  if (!(root instanceof Tensor)) {
    throw new TensorError('ERR_ARGUMENT', `[backward] expected a tensor, not ${describe(root)}`);
  }
  checkOptions('backward', options, ['retainGraph']);
  if (!needsGrad(root)) {
    throw new TensorError(
      'ERR_STATE',
      '[backward] nothing here requires gradients: no input was made with requiresGrad, ' +
        'or it ran inside noGrad',
    );
  }
  if (gradient === undefined && root.numel !== 1) {
    throw new TensorError(
      'ERR_SHAPE',
      `[backward] a tensor of shape ${formatShape(root.shape)} needs a gradient; only one element can do without`,
    );
  }
  if (gradient !== undefined && !(gradient instanceof Tensor)) {
    throw new TensorError('ERR_ARGUMENT', '[backward] the gradient must be a tensor');
  }
  if (
    gradient !== undefined &&
    (!sameShape(gradient.shape, root.shape) || gradient.dtype !== root.dtype)
  ) {
    throw new TensorError(
      'ERR_SHAPE',
      `[backward] the gradient has shape ${formatShape(gradient.shape)} and dtype ${gradient.dtype}, ` +
        `the tensor ${formatShape(root.shape)} and ${root.dtype}`,
    );
  }
  if (!dtypes[root.dtype].floating) {
    throw new TensorError('ERR_DTYPE', `[backward] ${root.dtype} has no gradients`);
  }
  noGrad(() =>
    recycleAfter(() =>
      // The user's gradient may be the `grad` of a leaf, which is written before others are read.
      propagate(root, gradient ? copy(gradient) : onesLike(root), options.retainGraph ?? false),
    ),
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
