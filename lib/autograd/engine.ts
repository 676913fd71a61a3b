/**
 * Reverse-mode differentiation: nodes are visited from the roots in the reverse of the order in which
 * they were recorded, so each one's gradient is complete when its rules run. While gradients are
 * recorded (`createGraph`) the rules' own operations make a graph of their own, through which a second
 * pass can go.
 */
import { TensorError } from '../errors.js';
import { rows, runGeometry } from '../native/commands.js';
import { uninitialized } from '../tensor/creation.js';
import { isHalf } from '../tensor/dtype.js';
import { abandonGraph, allocate, escapeWith } from '../tensor/memory.js';
import { formatShape, sameShape } from '../tensor/shape.js';
import { readAsOf } from '../tensor/storage.js';
import {
  type GradNode,
  type GradRule,
  type GradWatchers,
  type JointRule,
  Tensor,
} from '../tensor/tensor.js';
import { checkArrived, checkGiven, isAnomalyEnabled } from './anomaly.js';
import { callAfterAccumulation, callHooks } from './hooks.js';
import { isGradEnabled } from './mode.js';
import { attach, freeNode, needsGrad, recording } from './tape.js';

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

/**
 * result = a + b, where the result may be a. Floats of 16 bits are added in float32 and
 * rounded once.
 */
export function addTo(result: Tensor, a: Tensor, b: Tensor): void {
  if (!isHalf(a.dtype)) {
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
  runGeometry(isHalf(g.dtype) ? rows.cast : rows.copy, g.shape, [g, result]);
  return result;
}

let searches = 0;
/** Whether the last search met a leaf with watchers. */
let metWatchedLeaf = false;

/** All nodes that the roots depend on, latest first; without those recorded up to `floor`. */
function reachable(roots: readonly Tensor[], floor: number): GradNode[] {
  const nodes: GradNode[] = [];
  const search = ++searches;
  let sorted = true;
  let last = Number.POSITIVE_INFINITY;
  metWatchedLeaf = false;
  const visit = ({ node, watchers }: Tensor): void => {
    if (node === null) {
      if (watchers !== null) metWatchedLeaf = true;
      return;
    }
    if (node.search === search || node.sequence <= floor) return;
    node.search = search;
    nodes.push(node);
    if (node.sequence > last) sorted = false;
    last = node.sequence;
  };
  for (const root of roots) visit(root);
  for (let i = 0; i < nodes.length; i++) {
    const { inputs } = nodes[i] as GradNode;
    for (let k = 0; k < inputs.length; k++) visit(inputs[k] as Tensor);
  }
  return sorted ? nodes : nodes.sort((a, b) => b.sequence - a.sequence);
}

/**
 * Whether a target may be behind a node whose graph was freed, so that nobody knows any more: leaves
 * may, and results of operations recorded before it.
 */
function mayLead(node: GradNode, targets: ReadonlySet<Target>): boolean {
  for (const target of targets) {
    if (target instanceof Tensor || target.sequence < node.sequence) return true;
  }
  return false;
}

/** The inputs of `nodes` (latest first) that lead to a target, or may, and the targets. */
function leading(nodes: readonly GradNode[], targets: ReadonlySet<Target>): Set<Target> {
  const found = new Set(targets);
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i] as GradNode;
    const leads = node.rules === null ? mayLead(node, targets) : leadsTo(node, found);
    if (leads) found.add(node);
  }
  return found;
}

function leadsTo({ inputs }: GradNode, found: ReadonlySet<Target>): boolean {
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i] as Tensor;
    if (found.has(input.node ?? input)) return true;
  }
  return false;
}

/** The error of going through a node whose graph is gone. */
function freedError({ name }: GradNode): TensorError {
  return new TensorError(
    'ERR_STATE',
    `[backward] the graph behind ${name} was freed by an earlier backward; ` +
      'pass { retainGraph: true } to the earlier one to go through it twice, ' +
      'or cut it off with detach() where nothing behind it is wanted',
  );
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

export interface PassOptions {
  /** Whether nodes keep what their rules need; otherwise each is freed as soon as it was visited. */
  retainGraph: boolean;
  /** What gradients are wanted for; null for all leaves that require them. */
  targets: ReadonlySet<Target> | null;
  /** Adds a complete gradient to a leaf's `grad`, in memory that only this gradient has. */
  accumulate?: (leaf: Tensor, g: Tensor) => void;
}

/** How many passes run now, each inside a hook or a rule of the one before. */
let depth = 0;
/** The innermost of them. */
let running: Pass | null = null;

/**
 * For rules that add to what has arrived at a tensor in place: takes the sum back that `mayGrow` was
 * called for in this pass, if it is still all that has arrived; the rule gives it again. Otherwise null.
 */
export function takeGrowing(t: Tensor): Tensor | null {
  if (running === null) return null;
  const sum = t.node === null ? running.arrived.get(t) : t.node.pending;
  if (!sum || running.growing?.get(sum) !== (t.node ?? t)) return null;
  if (t.node === null) running.arrived.delete(t);
  else t.node.pending = null;
  return sum;
}

/** Says that nobody but the rule that gives it to `t` has seen a gradient, so that it may be written to. */
export function mayGrow(t: Tensor, gradient: Tensor): void {
  if (running === null) return;
  running.growing ??= new Map();
  running.growing.set(gradient, t.node ?? t);
}

/**
 * Sends the roots' gradients through the graph behind them. Returns what arrived at each target, or at
 * every leaf that requires gradients when no targets are given. What leaves receive is collected, not
 * written: until the end of the pass other nodes may still read the same memory. Only a leaf that hooks
 * wait for gets its gradient earlier, as a copy.
 */
export function propagate(
  roots: readonly Tensor[],
  gradients: readonly Tensor[],
  { retainGraph, targets, accumulate }: PassOptions,
): Map<Target, Tensor> {
  const nodes = reachable(roots, 0);
  const wanted = targets && leading(nodes, targets);
  const visited = wanted ? nodes.filter((node) => wanted.has(node)) : nodes;
  for (const node of visited) {
    if (node.rules === null && (targets === null || mayLead(node, targets))) throw freedError(node);
  }
  const pass = new Pass(retainGraph, wanted, targets, accumulate ?? null);
  pass.run(roots, gradients, nodes, visited);
  return pass.arrived;
}

/**
 * Sends gradients through a graph that was recorded after `floor`, and frees it unless `retainGraph`.
 * What goes to leaves and to results that were there before is handed to `deliver` one by one, in the
 * order in which a pass through the whole graph would have added it up.
 */
export function propagateInside(
  roots: readonly Tensor[],
  gradients: readonly Tensor[],
  floor: number,
  retainGraph: boolean,
  deliver: (to: Tensor, g: Tensor) => void,
): void {
  const nodes = reachable(roots, floor);
  const pass = new Pass(retainGraph, null, null, null, floor, deliver);
  pass.run(roots, gradients, nodes, nodes);
}

class Pass {
  readonly arrived = new Map<Target, Tensor>();
  /** Gradients that rules may still add to, and for whom they are. */
  growing: Map<Tensor, Target> | null = null;
  /** For leaves with watchers: how many visits may still bring something. */
  private awaited: Map<Tensor, number> | null = null;
  /** When the first and the last of the visited nodes were recorded. */
  private oldest = 0;
  private latest = 0;

  constructor(
    private readonly retainGraph: boolean,
    private readonly wanted: ReadonlySet<Target> | null,
    private readonly targets: ReadonlySet<Target> | null,
    private readonly accumulate: ((leaf: Tensor, g: Tensor) => void) | null,
    private readonly floor = 0,
    private readonly outside: ((to: Tensor, g: Tensor) => void) | null = null,
  ) {}

  run(
    roots: readonly Tensor[],
    gradients: readonly Tensor[],
    nodes: readonly GradNode[],
    visited: readonly GradNode[],
  ): void {
    const { targets } = this;
    const expectsWatchers = metWatchedLeaf && this.outside === null;
    this.latest = visited[0]?.sequence ?? 0;
    this.oldest = visited.at(-1)?.sequence ?? 0;
    // One more use keeps a product from folding the derivative of a target into what arrives there.
    const watched = targets === null ? [] : nodes.filter((node) => targets.has(node));
    for (const node of watched) node.uses++;
    // Hooks may write anywhere while the pass runs, also to the gradient that the user gave.
    const starts =
      this.accumulate !== null &&
      (expectsWatchers || nodes.some(({ watchers }) => watchers !== null))
        ? gradients.map(recordedCopy)
        : gradients;
    // A pass around this one may have brought something to the same nodes already.
    const outer = depth > 0 ? nodes.map(setAside) : null;
    const reader = readAsOf(null);
    const around = running;
    running = this;
    depth++;
    try {
      if (expectsWatchers) this.expectLeaves(roots, visited);
      for (let i = 0; i < roots.length; i++) {
        const root = roots[i] as Tensor;
        if (this.wanted !== null && !this.wanted.has(root.node ?? root)) continue;
        if (needsGrad(root)) this.deliver(root, this.current(starts[i] as Tensor));
      }
      if (this.awaited !== null) for (const root of roots) this.visitedUser(root);
      for (let i = 0; i < visited.length; i++) this.visit(visited[i] as GradNode);
    } finally {
      depth--;
      running = around;
      readAsOf(reader);
      for (const node of watched) node.uses--;
      for (let i = 0; i < nodes.length; i++) {
        const node = nodes[i] as GradNode;
        const before = outer?.[i];
        node.pending = before?.pending ?? null;
        node.folded = before?.folded ?? false;
        if (node.slots !== null) node.slots = before?.slots ?? node.slots.map(() => null);
      }
    }
  }

  /** Adds a gradient to what has arrived at a tensor. */
  private deliver(to: Tensor, g: Tensor): void {
    const { node } = to;
    if (node === null || node.sequence <= this.floor) {
      if (this.outside !== null) this.outside(to, g);
      else {
        const before = this.arrived.get(to);
        this.arrived.set(to, before === undefined ? g : sum(before, g));
      }
    } else if (node.pending === null) node.pending = g;
    // What arrives at a common node says only that its slots were filled.
    else if (node.slots === null) node.pending = sum(node.pending, g);
  }

  private visit(node: GradNode): void {
    let g = node.pending;
    const needed = this.wanted === null || leadsTo(node, this.wanted);
    if (g !== null) {
      node.pending = null;
      if (isAnomalyEnabled()) checkArrived(node, g);
      if (node.watchers !== null) g = this.watchedGradient(node.watchers, g);
      if (this.targets?.has(node)) this.arrived.set(node, g);
      if (needed) {
        const { rules, graph } = node;
        // The gradients' graph may hold what waits for this one.
        if (graph !== null && isGradEnabled()) abandonGraph(graph);
        // Since the check at the start a pass inside a hook may have freed it.
        if (rules === null) throw freedError(node);
        if (typeof rules === 'function') this.runJoint(node, rules, g);
        else this.runRules(node, rules, g);
        node.folded = false;
      }
    }
    const { inputs } = node;
    if (needed && !this.retainGraph) freeNode(node);
    if (this.awaited !== null) for (const input of inputs) this.visitedUser(input);
  }

  /** What the watchers make of a result's gradient. */
  private watchedGradient(watchers: GradWatchers, before: Tensor): Tensor {
    const g = this.current(callHooks(watchers, before));
    const { retainFor } = watchers;
    if (retainFor !== null) {
      const old = retainFor.accumulatedGrad;
      const kept = old === null ? recordedCopy(g) : sum(old, g);
      escapeWith(kept.storage, retainFor.storage);
      retainFor.accumulatedGrad = kept;
      retainFor.gradEscaped = true;
    }
    return g;
  }

  /**
   * A gradient that comes from outside, for rules that refuse what was written to after their
   * operations: its elements of now are meant.
   */
  private current(g: Tensor): Tensor {
    return g.storage.changedSince(this.oldest, this.latest) ? recordedCopy(g) : g;
  }

  private isWanted(input: Tensor): boolean {
    return needsGrad(input) && (this.wanted === null || this.wanted.has(input.node ?? input));
  }

  private runRules(node: GradNode, rules: readonly GradRule[], g: Tensor): void {
    const { inputs } = node;
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i] as Tensor;
      if (!this.isWanted(input)) continue;
      let gradient = g;
      if (!node.folded) {
        readAsOf(node);
        gradient = (rules[i] as GradRule)(g);
        readAsOf(null);
      }
      checkGradient(node, i, gradient);
      if (isAnomalyEnabled()) checkGiven(node, i, gradient);
      this.deliver(input, gradient);
    }
  }

  private runJoint(node: GradNode, rule: JointRule, g: Tensor): void {
    const { inputs } = node;
    rule(g, (i, gradient) => {
      const input = inputs[i] as Tensor;
      if (!this.isWanted(input)) return;
      checkGradient(node, i, gradient);
      if (isAnomalyEnabled()) checkGiven(node, i, gradient);
      this.deliver(input, this.current(gradient));
    });
  }

  /** Counts the visits that may bring a gradient to each leaf with watchers. */
  private expectLeaves(roots: readonly Tensor[], visited: readonly GradNode[]): void {
    const expect = (t: Tensor): void => {
      if (t.node !== null || t.watchers === null || !this.isWanted(t)) return;
      this.awaited ??= new Map();
      this.awaited.set(t, (this.awaited.get(t) ?? 0) + 1);
    };
    for (const { inputs } of visited) inputs.forEach(expect);
    roots.forEach(expect);
  }

  /** One visit less may bring something to this tensor; after the last one its watchers are called. */
  private visitedUser(t: Tensor): void {
    const left = this.awaited?.get(t);
    if (left === undefined) return;
    this.awaited?.set(t, left - 1);
    const before = this.arrived.get(t);
    if (left > 1 || before === undefined) return;
    const watchers = t.watchers as GradWatchers;
    const g = callHooks(watchers, before);
    this.arrived.set(t, g);
    if (watchers.afterAccumulation.size === 0 || this.accumulate === null) return;
    this.arrived.delete(t);
    // Other nodes may still read g, and the hooks may do anything with what is accumulated.
    this.accumulate(t, isGradEnabled() ? g : copy(g, t.isDense ? t.strides : undefined));
    callAfterAccumulation(t);
  }
}

/** What a pass had brought to a node when another one came through. */
type SetAside = Pick<GradNode, 'pending' | 'folded' | 'slots'>;

function setAside(node: GradNode): SetAside {
  const { pending, folded, slots } = node;
  node.pending = null;
  node.folded = false;
  if (slots !== null) node.slots = slots.map(() => null);
  return { pending, folded, slots };
}

/** A copy through which gradients flow. */
export function recordedCopy(g: Tensor): Tensor {
  const result = copy(g);
  return recording(g) ? attach(result, 'clone', [g], [identity]) : result;
}
