/**
 * Gradient checkpointing (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"): a part of
 * the forward pass keeps nothing for the backward pass, which computes it again instead.
 */

import { propagateInside, type Target } from '../autograd/engine.js';
import { checkFunction, checkSynchronous, enableGrad, isGradEnabled } from '../autograd/mode.js';
import { attachJoint, freeNode, needsGrad, type Observer, tracing } from '../autograd/tape.js';
import { TensorError } from '../errors.js';
import { type Operand, rows, runGeometry } from '../native/commands.js';
import { uninitialized } from '../tensor/creation.js';
import { outsideScope } from '../tensor/memory.js';
import { checkOptions, describe, formatShape, sameShape } from '../tensor/shape.js';
import { currentTime } from '../tensor/storage.js';
import { Tensor } from '../tensor/tensor.js';
import { defaultGenerator } from './random/random.js';

/** Options of {@link checkpointSequential}. */
export interface CheckpointOptions {
  /**
   * Whether the second run draws the random numbers of the first one from the default generator, so that
   * dropout drops the same elements. Default true. Generators of one's own aren't looked after.
   */
  preserveRngState?: boolean;
}

/** The default generator's state as whole numbers that commands can copy, also in a recorded program. */
const stateOperand: Operand = {
  array: new Int32Array(defaultGenerator.state.buffer),
  offset: 0,
  strides: [1],
};

function savedState(): Tensor {
  const saved = uninitialized([4], 'int32');
  runGeometry(rows.cast, [4], [stateOperand, saved]);
  return saved;
}

/** Runs fn with the random numbers that came after `state` was saved; those after it are as without. */
function withState<R>(state: Tensor | null, fn: () => R): R {
  if (state === null) return fn();
  const now = savedState();
  runGeometry(rows.cast, [4], [state, stateOperand]);
  try {
    return fn();
  } finally {
    runGeometry(rows.cast, [4], [now, stateOperand]);
  }
}

type Results = Tensor | readonly Tensor[];

/** What a segment is made of, for both runs. */
interface Segment {
  readonly run: () => Results;
  /** The random state before the first run, if it is to be the second one's. */
  readonly state: Tensor | null;
  /** Leaves and results of before that the segment used and that need gradients. */
  readonly sources: ReadonlyMap<Target, number>;
  /** What must not change between the runs, with its version. */
  readonly versions: readonly { readonly tensor: Tensor; readonly version: number }[];
}

function listOfResults(results: unknown): readonly Tensor[] {
  const list: readonly unknown[] = Array.isArray(results) ? results : [results];
  for (const item of list) {
    if (item instanceof Tensor) continue;
    throw new TensorError(
      'ERR_ARGUMENT',
      `[checkpoint] the function must return a tensor or a list of tensors, not ${describe(item)}`,
    );
  }
  return list as readonly Tensor[];
}

/**
 * fn(...inputs), without keeping what its gradient needs: the backward pass runs fn again, with
 * recording on, and goes through that graph. It costs one more forward pass of fn and saves the memory
 * of everything between its inputs and results. Results and gradients have the same bits as without.
 * Gradients flow to all that fn uses: the inputs, and parameters and other tensors from outside. fn runs
 * twice, so it must do the same again; what else it changes (running statistics) it changes twice. It may
 * contain checkpoints and be differentiated twice; it can't call `backward` or `grad` on tensors it made.
 * @param inputs the arguments of fn: a tensor, or a list of tensors and other values
 * @throws TensorError ERR_ARGUMENT when fn is no function, async or returns anything but tensors; in the
 * backward pass ERR_STATE when a tensor that fn uses was changed in place or fn did something else
 *
 * @example
 * ```ts
 * const x = tensor([1, 2], { requiresGrad: true });
 * checkpoint((t) => t.square().mul(3), x).sum().backward();
 * x.grad; // => [6, 12]
 * ```
 */
export function checkpoint<R extends Results>(
  fn: (input: Tensor) => R,
  inputs: Tensor,
  options?: CheckpointOptions,
): R;
export function checkpoint<Inputs extends readonly unknown[], R extends Results>(
  fn: (...inputs: Inputs) => R,
  inputs: Inputs,
  options?: CheckpointOptions,
): R;
export function checkpoint(
  fn: (...inputs: never[]) => Results,
  inputs: Tensor | readonly unknown[],
  options: CheckpointOptions = {},
): Results {
  checkFunction('checkpoint', fn);
  checkOptions('checkpoint', options, ['preserveRngState']);
  if (!(inputs instanceof Tensor) && !Array.isArray(inputs)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[checkpoint] inputs must be a tensor or the list of arguments, not ${describe(inputs)}`,
    );
  }
  const list: readonly unknown[] = inputs instanceof Tensor ? [inputs] : [...inputs];
  const run = (): Results => checkSynchronous('checkpoint', fn(...(list as never[])));
  if (!isGradEnabled()) {
    const results = run();
    listOfResults(results);
    return results;
  }
  const { preserveRngState = true } = options;
  const state = preserveRngState ? savedState() : null;
  const start = currentTime();
  const sources = new Map<Target, number>();
  const tensors: Tensor[] = [];
  const versions = list
    .filter((input) => input instanceof Tensor)
    .map((tensor) => ({ tensor, version: tensor.storage.version }));
  const isOutside = ({ node }: Tensor): boolean => node === null || node.sequence <= start;
  const trace: Observer = (_, node) => {
    for (const input of node.inputs) {
      const target = input.node ?? input;
      if (!needsGrad(input) || !isOutside(input) || sources.has(target)) continue;
      sources.set(target, tensors.length);
      tensors.push(input);
      versions.push({ tensor: input, version: input.storage.version });
    }
    freeNode(node);
  };
  const returned = tracing(trace, run);
  const results = listOfResults(returned);
  const places = results.flatMap((t, i) => (needsGrad(t) && !isOutside(t) ? [i] : []));
  if (places.length === 0) return returned;
  const own = results.map((t, i) => (places.includes(i) ? t.detach() : t));
  const rule = ruleOf(
    { run, state, sources, versions },
    places,
    results.map(({ shape }) => shape),
  );
  attachJoint(
    places.map((i) => own[i] as Tensor),
    'checkpoint',
    tensors,
    rule,
  );
  return Array.isArray(returned) ? own : (own[0] as Tensor);
}

/** The rule that runs a segment again. A function of its own, so that it keeps nothing but its arguments. */
function ruleOf(
  { run, state, sources, versions }: Segment,
  places: readonly number[],
  shapes: readonly Tensor['shape'][],
): Parameters<typeof attachJoint>[3] {
  const differs = (what: string): TensorError =>
    new TensorError('ERR_STATE', `[checkpoint] the second run differs from the first: ${what}`);
  return (gradients, deliver) => {
    for (const { tensor, version } of versions) {
      if (tensor.storage.version === version) continue;
      throw new TensorError(
        'ERR_STATE',
        `[backward] one of the tensors that checkpoint needs was changed in place after checkpoint ` +
          `used it: shape ${formatShape(tensor.shape)} (version ${tensor.storage.version}, expected ` +
          `${version}); change a clone() instead, or change it after backward`,
      );
    }
    const start = currentTime();
    const again = outsideScope(() =>
      enableGrad(() => withState(state, () => tracing(null, () => listOfResults(run())))),
    );
    if (again.length !== shapes.length) throw differs(`${again.length} results`);
    const roots: Tensor[] = [];
    const starts: Tensor[] = [];
    places.forEach((place, i) => {
      const g = gradients[i] ?? null;
      if (g === null) return;
      const root = again[place] as Tensor;
      if (!sameShape(root.shape, g.shape) || root.dtype !== g.dtype || !needsGrad(root)) {
        throw differs(`result ${place} is ${root.dtype} ${formatShape(root.shape)}`);
      }
      roots.push(root);
      starts.push(g);
    });
    propagateInside(roots, starts, start, isGradEnabled(), (to, g) => {
      const index = sources.get(to.node ?? to);
      if (index === undefined) throw differs('it uses another tensor that requires gradients');
      deliver(index, g);
    });
  };
}

/** An object with a `forward`, like the layers in `nn`. */
export interface Layer {
  /** What it makes of a tensor. */
  forward(x: Tensor): Tensor;
}

/** A step of a sequence: a function or a layer. */
export type Step = ((x: Tensor) => Tensor) | Layer;

/**
 * Runs steps one after the other, in segments of about equal numbers of steps of which all but the last
 * are checkpoints: see `checkpoint`. With n steps and sqrt(n) segments memory grows with sqrt(n).
 * @param steps functions or layers
 * @throws TensorError ERR_ARGUMENT for anything else, or unless segments is a whole number from 1 to the
 * number of steps
 *
 * @example
 * ```ts
 * const x = tensor([1, 4], { requiresGrad: true });
 * const steps = [(t) => t.sqrt(), (t) => t.mul(2), (t) => t.square()];
 * checkpointSequential(steps, 2, x).sum().backward();
 * x.grad; // => [4, 4]
 * ```
 */
export function checkpointSequential(
  steps: Iterable<Step>,
  segments: number,
  input: Tensor,
  options: CheckpointOptions = {},
): Tensor {
  checkOptions('checkpointSequential', options, ['preserveRngState']);
  const isIterable = typeof (steps as { [Symbol.iterator]?: unknown })?.[Symbol.iterator];
  if (isIterable !== 'function') {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[checkpointSequential] steps must be a list of functions or layers, not ${describe(steps)}`,
    );
  }
  const calls = [...steps].map((step: unknown, i) => {
    if (typeof step === 'function') return step as (x: Tensor) => Tensor;
    const { forward } = (step ?? {}) as { forward?: unknown };
    if (typeof forward === 'function') return (x: Tensor): Tensor => forward.call(step, x);
    throw new TensorError(
      'ERR_ARGUMENT',
      `[checkpointSequential] step ${i} is ${describe(step)}, not a function or a layer`,
    );
  });
  if (!Number.isInteger(segments) || segments < 1 || segments > calls.length) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[checkpointSequential] segments must be a whole number from 1 to ${calls.length}, not ${describe(segments)}`,
    );
  }
  if (!(input instanceof Tensor)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[checkpointSequential] expected a tensor, not ${describe(input)}`,
    );
  }
  const size = Math.floor(calls.length / segments);
  const through = (from: number, to: number) => (x: Tensor) =>
    calls.slice(from, to).reduce((value, call) => call(value), x);
  let x = input;
  for (let i = 0; i < segments - 1; i++) {
    x = checkpoint(through(i * size, (i + 1) * size), x, options);
  }
  return through((segments - 1) * size, calls.length)(x);
}
