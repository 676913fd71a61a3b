/** Gradients as values: `grad(outputs, inputs)` touches nobody's `grad`. */
import { TensorError } from '../errors.js';
import { zerosLike } from '../tensor/creation.js';
import { letEscape, ownedByScope, recycleAfter } from '../tensor/memory.js';
import { checkOptions } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { listOf, startingGradients } from './backward.js';
import { copy, propagate, type Target } from './engine.js';
import { enableGrad, noGrad } from './mode.js';
import { needsGrad } from './tape.js';

/** Options of {@link grad}. */
export interface GradOptions {
  /** The gradient that each output starts with, of its shape. Default 1 for outputs of one element. */
  gradOutputs?: Tensor | readonly (Tensor | null)[];
  /** Keeps the graph, so that it can be gone through again. Default: the value of `createGraph`. */
  retainGraph?: boolean;
  /** Records how the gradients are computed, so that they can be differentiated again. Default false. */
  createGraph?: boolean;
  /** An input that the outputs don't depend on gives null instead of an error. Default false. */
  allowUnused?: boolean;
  /** An input that the outputs don't depend on gives zeros. Default false. */
  materializeGrads?: boolean;
}

/**
 * The gradients of the sum of `outputs`, each weighted with its `gradOutputs`, by each of `inputs`
 * (leaves or results of operations): a list in the order of the inputs, or one tensor for one input.
 * @throws TensorError ERR_STATE when an output or input requires no gradient, when the graph was freed
 * already, and for an input that the outputs don't depend on unless `allowUnused` or
 * `materializeGrads`; ERR_SHAPE when a gradient doesn't fit; ERR_ARGUMENT for other values
 *
 * @example
 * ```ts
 * const x = tensor([1, 2], { requiresGrad: true });
 * const first = grad(x.square().mul(x).sum(), x, { createGraph: true });
 * first; // => [3, 12]
 * grad(first.sum(), x); // => [6, 12]
 * ```
 */
export function grad<I extends Tensor | readonly Tensor[]>(
  outputs: Tensor | readonly Tensor[],
  inputs: I,
  options: GradOptions & { allowUnused: true; materializeGrads?: false },
): I extends Tensor ? Tensor | null : (Tensor | null)[];
export function grad<I extends Tensor | readonly Tensor[]>(
  outputs: Tensor | readonly Tensor[],
  inputs: I,
  options?: GradOptions,
): I extends Tensor ? Tensor : Tensor[];
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: GradOptions = {},
): Tensor | null | (Tensor | null)[] {
  checkOptions('grad', options, [
    'gradOutputs',
    'retainGraph',
    'createGraph',
    'allowUnused',
    'materializeGrads',
  ]);
  const { createGraph = false, allowUnused = false, materializeGrads = false } = options;
  const { retainGraph = createGraph } = options;
  const roots = listOf('grad', 'outputs', outputs);
  const wanted = listOf('grad', 'inputs', inputs);
  const gradients = startingGradients('grad', roots, options.gradOutputs);
  for (const input of wanted) {
    if (!needsGrad(input)) {
      throw new TensorError('ERR_STATE', '[grad] one of the inputs does not require gradients');
    }
  }
  const targets = new Set<Target>(wanted.map((input) => input.node ?? input));
  const run = () => propagate(roots, gradients, { retainGraph, targets });
  const collect = (arrived: ReadonlyMap<Target, Tensor>): (Tensor | null)[] =>
    wanted.map((input, i) => {
      const g = arrived.get(input.node ?? input);
      if (g !== undefined) return g;
      if (materializeGrads) return zerosLike(input);
      if (allowUnused) return null;
      throw new TensorError(
        'ERR_STATE',
        `[grad] the outputs do not depend on input ${i}; allowUnused gives null for it, ` +
          'materializeGrads zeros',
      );
    });
  const results = createGraph
    ? enableGrad(() => collect(run()))
    : noGrad(() => recycleAfter(() => collect(run()).map(kept)));
  return Array.isArray(inputs) ? results : (results[0] as Tensor | null);
}

/** A gradient that stays when the pass's memory is recycled, in memory of its own. */
function kept(g: Tensor | null): Tensor | null {
  if (g === null) return null;
  const own = ownedByScope(g.storage) && g.isDense ? g : copy(g);
  letEscape(own.storage);
  return own;
}
