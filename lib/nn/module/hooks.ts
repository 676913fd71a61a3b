/**
 * Functions that are called when a module is. The first hook of a module gives it a `forward` of its own,
 * which calls them around the class's; the last one to go takes that away again. So a module without
 * hooks pays nothing for them.
 */
import { customFunction } from '../../autograd/custom.js';
import type { HookHandle } from '../../autograd/hooks.js';
import { checkFunction, isGradEnabled } from '../../autograd/mode.js';
import { needsGrad } from '../../autograd/tape.js';
import { TensorError } from '../../errors.js';
import { describe } from '../../tensor/shape.js';
import { Tensor } from '../../tensor/tensor.js';
import type { AnyModule } from './module.js';

/**
 * A function that returns R or nothing. Taken from a method's type, so that a module of known inputs is
 * one of any inputs, too.
 */
type Hook<Args extends readonly unknown[], R> =
  | { call(...args: Args): R | undefined }['call']
  | { call(...args: Args): void }['call'];

/** Gets a module's inputs before `forward`. May return others: a list of all, or the only one. */
export type ForwardPreHook<M, Inputs extends readonly unknown[]> = Hook<
  [module: M, inputs: Inputs],
  Inputs | Inputs[0]
>;

/** Gets a module's inputs and output after `forward`. May return another output. */
export type ForwardHook<M, Inputs extends readonly unknown[], Output> = Hook<
  [module: M, inputs: Inputs, output: Output],
  Output
>;

/** A gradient for each input or output; null for what has none. */
export type ModuleGradients = readonly (Tensor | null)[];

/**
 * Gets the gradients of a module's outputs before they go into it. May return others: one for each
 * output, or the only one.
 */
export type BackwardPreHook<M> = Hook<
  [module: M, gradOutput: ModuleGradients],
  ModuleGradients | Tensor
>;

/**
 * Gets the gradients of a module's inputs and outputs. May return others for the inputs: one for each
 * input, or the only one.
 */
export type BackwardHook<M> = Hook<
  [module: M, gradInput: ModuleGradients, gradOutput: ModuleGradients],
  ModuleGradients | Tensor
>;

const KINDS = ['forwardPre', 'forward', 'backwardPre', 'backward'] as const;

/** When a hook is called. */
export type HookKind = (typeof KINDS)[number];

type Call = (...values: unknown[]) => unknown;
type Entries = Set<{ readonly call: Call }>;

interface Hooks {
  readonly entries: Readonly<Record<HookKind, Entries>>;
  /** The module's own `forward` that was there before, if there was one. */
  readonly before: PropertyDescriptor | undefined;
}

const hooksOf = new WeakMap<AnyModule, Hooks>();

function noEntries(): Record<HookKind, Entries> {
  return { forwardPre: new Set(), forward: new Set(), backwardPre: new Set(), backward: new Set() };
}

/** Gives the module a `forward` that calls hooks. */
function install(module: AnyModule): Hooks {
  const before = Object.getOwnPropertyDescriptor(module, 'forward');
  const hooks = { entries: noEntries(), before };
  hooksOf.set(module, hooks);
  const forward = (...inputs: unknown[]): unknown => callWithHooks(module, hooks, inputs);
  // Not enumerable: it is no property of the user's.
  const value = { value: forward, writable: true, configurable: true, enumerable: false };
  Object.defineProperty(module, 'forward', value);
  return hooks;
}

function uninstall(module: AnyModule, { before }: Hooks): void {
  hooksOf.delete(module);
  if (before === undefined) Reflect.deleteProperty(module, 'forward');
  else Object.defineProperty(module, 'forward', before);
}

/** @throws TensorError ERR_ARGUMENT for anything but a function */
export function registerHook(
  operation: string,
  module: AnyModule,
  kind: HookKind,
  hook: unknown,
): HookHandle {
  checkFunction(operation, hook);
  const hooks = hooksOf.get(module) ?? install(module);
  const entry = { call: hook as Call };
  hooks.entries[kind].add(entry);
  return {
    remove: () => {
      if (!hooks.entries[kind].delete(entry)) return;
      if (KINDS.every((other) => hooks.entries[other].size === 0)) uninstall(module, hooks);
    },
  };
}

/** Gives a copy of a module the same hooks; each of the two can lose its own. */
export function copyHooks(from: AnyModule, to: AnyModule): void {
  const hooks = hooksOf.get(from);
  if (hooks === undefined) return;
  if (hooks.before !== undefined) Object.defineProperty(to, 'forward', hooks.before);
  const { entries } = install(to);
  for (const kind of KINDS) for (const { call } of hooks.entries[kind]) entries[kind].add({ call });
}

function callWithHooks(module: AnyModule, hooks: Hooks, given: unknown[]): unknown {
  const { entries, before } = hooks;
  let inputs = given;
  // Copies: hooks may remove themselves or add others.
  for (const { call } of [...entries.forwardPre]) {
    const replaced = call(module, inputs);
    if (replaced !== undefined) inputs = Array.isArray(replaced) ? replaced : [replaced];
  }
  const watches = isGradEnabled() && entries.backward.size + entries.backwardPre.size > 0;
  const watch = watches ? new BackwardWatch(module, entries) : null;
  inputs = watch?.inputs(inputs) ?? inputs;
  const forward: Call = before?.value ?? Object.getPrototypeOf(module).forward;
  let output = forward.apply(module, inputs);
  for (const { call } of [...entries.forward]) {
    const replaced = call(module, inputs, output);
    if (replaced !== undefined) output = replaced;
  }
  return watch === null ? output : watch.output(output);
}

/**
 * One call of a module with backward hooks: its inputs and its outputs go through an identity each, whose
 * gradient rules call the hooks.
 */
class BackwardWatch {
  private count = 0;
  private throughInputs = false;
  private gradOutput: ModuleGradients = [];

  constructor(
    private readonly module: AnyModule,
    private readonly entries: Readonly<Record<HookKind, Entries>>,
  ) {}

  inputs(inputs: readonly unknown[]): unknown[] {
    this.count = inputs.length;
    this.throughInputs = inputs.some((x) => x instanceof Tensor && needsGrad(x));
    if (!this.throughInputs) return [...inputs];
    return identity('moduleInputs', inputs, (gradients) => this.callBackward(gradients));
  }

  output(output: unknown): unknown {
    const outputs: readonly unknown[] = Array.isArray(output) ? output : [output];
    if (!outputs.some((y) => y instanceof Tensor && needsGrad(y))) return output;
    const watched = identity('moduleOutputs', outputs, (gradients) => {
      let gradOutput = gradients;
      for (const { call } of [...this.entries.backwardPre]) {
        gradOutput = replacement(call(this.module, gradOutput), gradOutput);
      }
      this.gradOutput = gradOutput;
      // Inputs without gradients never tell when theirs are there.
      if (!this.throughInputs) this.callBackward(new Array(this.count).fill(null));
      return gradOutput;
    });
    return Array.isArray(output) ? watched : watched[0];
  }

  private callBackward(gradients: ModuleGradients): ModuleGradients {
    let gradInput = gradients;
    for (const { call } of [...this.entries.backward]) {
      const given = call(this.module, gradInput, this.gradOutput);
      gradInput = replacement(given, gradInput);
      if (this.throughInputs || gradInput.every((g) => g === null)) continue;
      throw new TensorError(
        'ERR_ARGUMENT',
        '[registerFullBackwardHook] a hook returned a gradient for an input that requires none',
      );
    }
    return gradInput;
  }
}

/** What a backward hook returned, as a list. */
function replacement(given: unknown, before: ModuleGradients): ModuleGradients {
  if (given === undefined) return before;
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (list.length !== before.length) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[registerFullBackwardHook] a hook returned ${describe(given)} for ${before.length} gradients`,
    );
  }
  return list as ModuleGradients;
}

/** The same values, of which tensors are new ones, with the gradients that `rule` makes of theirs. */
function identity(
  name: string,
  values: readonly unknown[],
  rule: (gradients: ModuleGradients) => ModuleGradients,
): unknown[] {
  const places = values.flatMap((value, i) => (value instanceof Tensor ? [i] : []));
  const through = customFunction<Tensor[], Tensor[]>({
    name,
    forward(ctx, ...tensors) {
      ctx.setMaterializeGrads(false);
      ctx.markNonDifferentiable(...tensors.filter((_, i) => !ctx.needsInputGrad[i]));
      return tensors;
    },
    backward(_, ...arrived) {
      const all: (Tensor | null)[] = values.map(() => null);
      places.forEach((place, i) => {
        all[place] = arrived[i] ?? null;
      });
      const given = rule(all);
      return places.map((place) => given[place] ?? null);
    },
  });
  const results = [...values];
  through(...places.map((place) => values[place] as Tensor)).forEach((tensor, i) => {
    results[places[i] as number] = tensor;
  });
  return results;
}
