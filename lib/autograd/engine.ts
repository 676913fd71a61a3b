/**
 * Reverse-mode differentiation: nodes are visited from the roots in the reverse of the order in which
 * they were recorded, so each one's gradient is complete when its rules run. While gradients are
 * recorded (`createGraph`) the rules' own operations make a graph of their own, through which a second
 * pass can go.
 */
import { TensorError } from '../errors.js';
import { rows, runGeometry } from '../native/commands.js';
import { uninitialized } from '../tensor/creation.js';
import { allocate } from '../tensor/memory.js';
import { formatShape, sameShape } from '../tensor/shape.js';
import { type GradNode, type GradRule, Tensor } from '../tensor/tensor.js';
import { attach, needsGrad, recording } from './tape.js';

/** What a pass collects gradients for: leaves, and results of operations by their nodes. */
export type Target = Tensor | GradNode;

const identity: GradRule = (g) => g;

/**
 * a + b in new memory; a and b have one shape and dtype.
 * @example
 * ```ts
 * sum(tensor([[1, 2], [3, 4]])); // => 10
 * sum(tensor([[1, 2], [3, 4]]), { dim: 0 }); // => [4, 6]
 * ```
 */
export function sum(a: Tensor, b: Tensor): Tensor {
  const result = uninitialized(a.shape, a.dtype);
  addTo(result, a, b);
  return recording(a, b) ? attach(result, 'add', [a, b], [identity, identity]) : result;
}

/** result = a + b, where the result may be a. bfloat16 is added in float32 and rounded once. */
export function addTo(result: Tensor, a: Tensor, b: Tensor): void {
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
export function copy(g: Tensor, strides?: readonly number[]): Tensor {
  const result = new Tensor(allocate(g.dtype, g.numel), g.shape, strides);
  runGeometry(g.dtype === 'bfloat16' ? rows.cast : rows.copy, g.shape, [g, result]);
  return result;
}

/** All nodes that the roots depend on, latest first. */
function reachable(roots: readonly Tensor[]): GradNode[] {
  const nodes: GradNode[] = [];
  const seen = new Set<GradNode>();
  const visit = ({ node }: Tensor): void => {
    if (node === null || seen.has(node)) return;
    seen.add(node);
    nodes.push(node);
  };
  roots.forEach(visit);
  for (let i = 0; i < nodes.length; i++) (nodes[i] as GradNode).inputs.forEach(visit);
  return nodes.sort((a, b) => b.sequence - a.sequence);
}

/** The inputs of `nodes` (latest first) that lead to a target. */
function leading(nodes: readonly GradNode[], targets: ReadonlySet<Target>): Set<Target> {
  const found = new Set(targets);
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i] as GradNode;
    if (node.inputs.some((input) => found.has(input.node ?? input))) found.add(node);
  }
  return found;
}

function checkNotFreed(nodes: readonly GradNode[]): void {
  for (const { name, rules } of nodes) {
    if (rules === null) {
      throw new TensorError(
        'ERR_STATE',
        `[backward] the graph behind ${name} was freed by an earlier backward; ` +
          'pass { retainGraph: true } to the earlier one to go through it twice',
      );
    }
  }
}

/** @throws TensorError ERR_STATE when a rule gave something else than a gradient of its input */
function checkGradient(node: GradNode, index: number, g: Tensor): void {
  const input = node.inputs[index] as Tensor;
  if (!sameShape(g.shape, input.shape) || g.dtype !== input.dtype) {
    throw new TensorError(
      'ERR_STATE',
      `[${node.name}] the gradient of input ${index} has shape ${formatShape(g.shape)} and dtype ${g.dtype}, ` +
        `the input ${formatShape(input.shape)} and ${input.dtype}`,
    );
  }
}

/**
 * Sends the roots' gradients through the graph behind them. Returns what arrived at each target, or at
 * every leaf that requires gradients when no targets are given. What leaves receive is collected, not
 * written: until the end of the pass other nodes may still read the same memory.
 */
export function propagate(
  roots: readonly Tensor[],
  gradients: readonly Tensor[],
  retainGraph: boolean,
  targets: ReadonlySet<Target> | null,
): Map<Target, Tensor> {
  const nodes = reachable(roots);
  const wanted = targets && leading(nodes, targets);
  const visited = wanted ? nodes.filter((node) => wanted.has(node)) : nodes;
  checkNotFreed(wanted ? visited.filter((node) => !targets?.has(node)) : visited);
  const arrived = new Map<Target, Tensor>();
  const deliver = (to: Tensor, g: Tensor): void => {
    if (to.node === null) {
      const before = arrived.get(to);
      arrived.set(to, before === undefined ? g : sum(before, g));
    } else to.node.pending = to.node.pending === null ? g : sum(to.node.pending, g);
  };
  // One more use keeps a product from folding the derivative of a target into what arrives there.
  const watched = nodes.filter((node) => targets?.has(node));
  for (const node of watched) node.uses++;
  try {
    roots.forEach((root, i) => {
      if (needsGrad(root)) deliver(root, gradients[i] as Tensor);
    });
    for (const node of visited) {
      const g = node.pending;
      if (g === null) continue;
      node.pending = null;
      if (targets?.has(node)) arrived.set(node, g);
      const { rules } = node;
      if (rules === null) continue; // a target whose own graph was freed, and nothing is wanted behind
      node.inputs.forEach((input, i) => {
        if (!needsGrad(input) || (wanted && !wanted.has(input.node ?? input))) return;
        const gradient = node.folded ? g : (rules[i] as GradRule)(g);
        checkGradient(node, i, gradient);
        deliver(input, gradient);
      });
      node.folded = false;
      if (!retainGraph) {
        node.rules = null;
        node.inputs = [];
      }
    }
  } finally {
    for (const node of watched) node.uses--;
    for (const node of nodes) {
      node.pending = null;
      node.folded = false;
    }
  }
  return arrived;
}
