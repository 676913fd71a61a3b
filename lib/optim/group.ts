/** Parameter groups, and how an optimizer's options become what native steps read. */
import { TensorError } from '../errors.js';
import type { OptimizerRow } from '../native/interface.js';
import { dtypes } from '../tensor/dtype.js';
import { printAsText } from '../tensor/inspect.js';
import { checkNumber, describe } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { checkBetas } from './options.js';

/** Parameters with options of their own; what they don't set comes from the optimizer's options. */
export type ParameterGroupOptions<Options> = {
  /** Which parameters. */
  params: Iterable<Tensor>;
} & Options;

/** What an optimizer takes: tensors, or groups of them. */
export type Parameters<Options> = Iterable<Tensor> | Iterable<ParameterGroupOptions<Options>>;

/** The hyperparameters that native steps read, in the order of `HyperSlot` in native/ops/optim/optimizer.h. */
const HYPER_SLOTS = [
  'lr',
  'weightDecay',
  'maximize',
  'decoupledWeightDecay',
  'momentum',
  'dampening',
  'nesterov',
  'beta1',
  'beta2',
  'eps',
  'momentumDecay',
  'alpha',
  'lrDecay',
  'rho',
  'etaMinus',
  'etaPlus',
  'stepMin',
  'stepMax',
  'lambd',
  't0',
  'averageMomentum',
] as const;

export type HyperName = (typeof HYPER_SLOTS)[number];

/** Hyperparameters by name; what an optimizer doesn't have is 0, truth values are 0 and 1. */
export type HyperParameters = Partial<Record<HyperName, number>>;

/** What an optimizer does with a group. */
export interface Rule {
  readonly hyper: HyperParameters;
  /** Why a hyperparameter can't be set any more, by name. */
  readonly fixed?: Partial<Record<HyperName, string>>;
}

/** An update rule that a native row carries out, with a group's options. */
export interface RowRule extends Rule {
  /** The native row. */
  readonly row: OptimizerRow;
  /**
   * Names of the arrays that the rule keeps for each parameter, as PyTorch calls them, in the order
   * of native/kernels/optimizer.h; null for one that these options don't need.
   */
  readonly buffers: readonly (string | null)[];
  /** What a buffer is filled with at first, by name. Default 0. */
  readonly initial?: Readonly<Record<string, number>>;
  /** Numbers that the rule keeps beside the count of steps, with what they are at first. */
  readonly scalars?: readonly (readonly [name: string, initial: number])[];
}

/**
 * Parameters that share hyperparameters.
 * @example
 * ```ts
 * const model = new nn.Linear(2, 1);
 * const optimizer = new optim.SGD(
 *   [{ params: [model.weight] }, { params: [model.bias], lr: 0.5 }],
 *   { lr: 0.1 },
 * );
 * optimizer.groups.map((group) => group.lr); // => [0.1, 0.5]
 * ```
 */
export class ParameterGroup<R extends Rule = Rule> {
  /**
   * What native steps read, from memory and not from arguments: a recorded step follows when a
   * schedule changes it.
   */
  readonly hyper: Float64Array;

  /** The learning rate that schedules start from; the first one sets it. */
  initialLr: number | null = null;

  constructor(
    /** Which parameters. */
    readonly params: readonly Tensor[],
    /** What steps do with them. */
    readonly rule: R,
  ) {
    this.hyper = Float64Array.from(HYPER_SLOTS, (name) => rule.hyper[name] ?? 0);
  }

  /** Whether the group's optimizer has a hyperparameter. */
  has(name: HyperName): boolean {
    return this.rule.hyper[name] !== undefined;
  }

  /** The learning rate. Setting it is what schedules do; so with all that follows. */
  get lr(): number {
    return this.hyper[0] as number;
  }

  set lr(value: number) {
    this.hyper[0] = checkNumber('optim', 'lr', value, 0);
  }

  /** Weight of the momentum buffer, of SGD and RMSprop. */
  get momentum(): number {
    return this.hyper[this.slotOf('momentum')] as number;
  }

  set momentum(value: number) {
    const slot = this.slotOf('momentum');
    const why = this.rule.fixed?.momentum;
    if (why !== undefined) throw new TensorError('ERR_STATE', `[optim] ${why}`);
    this.hyper[slot] = checkNumber('optim', 'momentum', value, 0);
  }

  /** How much of the two running means stays, of Adam and its family. */
  get betas(): readonly [number, number] {
    return [this.hyper[this.slotOf('beta1')] as number, this.hyper[this.slotOf('beta2')] as number];
  }

  set betas(values: readonly [number, number]) {
    const slots = [this.slotOf('beta1'), this.slotOf('beta2')] as const;
    const { beta1, beta2 } = checkBetas('optim', values);
    this.hyper[slots[0]] = beta1;
    this.hyper[slots[1]] = beta2;
  }

  /** The L2 penalty, or the decay of the weights. */
  get weightDecay(): number {
    return this.hyper[this.slotOf('weightDecay')] as number;
  }

  set weightDecay(value: number) {
    this.hyper[this.slotOf('weightDecay')] = checkNumber('optim', 'weightDecay', value, 0);
  }

  /** @throws TensorError ERR_ARGUMENT for a hyperparameter that the optimizer doesn't have */
  private slotOf(name: HyperName): number {
    if (!this.has(name)) {
      throw new TensorError('ERR_ARGUMENT', `[optim] this optimizer has no ${name}`);
    }
    return HYPER_SLOTS.indexOf(name);
  }

  /** The hyperparameters that this group's rule has, with where they stand in `hyper`. */
  *hyperSlots(): Generator<[name: HyperName, slot: number]> {
    for (const [slot, name] of HYPER_SLOTS.entries())
      if (this.rule.hyper[name] !== undefined) yield [name, slot];
  }

  /** How many parameters, and their options: what `console.log` prints. */
  toString(): string {
    const { length } = this.params;
    const elements = this.params.reduce((sum, { numel }) => sum + numel, 0);
    const options = Array.from(this.hyperSlots(), ([name, slot]) => `${name}=${this.hyper[slot]}`);
    const count = `${length} ${length === 1 ? 'tensor' : 'tensors'} of ${elements} elements`;
    return [count, ...options].join(', ');
  }
}

printAsText(ParameterGroup);

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof (value as Iterable<unknown> | null | undefined)?.[Symbol.iterator] === 'function';
}

/** @throws TensorError ERR_DTYPE unless steps can be computed in the parameter's dtype */
export function checkArithmetic({ dtype }: Tensor): void {
  if (dtypes[dtype].arithmetic) return;
  throw new TensorError(
    'ERR_DTYPE',
    `[optim] parameters are float32 or float64, not ${dtype}; ` +
      "keep them in float32 and convert them with to('bfloat16') where they are used",
  );
}

function checkParameter(parameter: unknown, seen: Set<Tensor>): asserts parameter is Tensor {
  if (!(parameter instanceof Tensor)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[optim] parameters must be tensors, not ${describe(parameter)}`,
    );
  }
  if (!parameter.isLeaf) {
    throw new TensorError(
      'ERR_ARGUMENT',
      '[optim] parameters must be leaf tensors, not results of recorded operations: a step changes ' +
        'their elements; make a leaf of this one with detach()',
    );
  }
  // Frozen ones may be anything: a step comes to them only if they get a gradient.
  if (parameter.leafRequiresGrad) checkArithmetic(parameter);
  if (seen.has(parameter))
    throw new TensorError('ERR_ARGUMENT', '[optim] a parameter is given twice');
  seen.add(parameter);
}

/**
 * A group of an optimizer's arguments.
 * @param seen parameters of the groups so far, to which its own are added
 * @throws TensorError ERR_ARGUMENT for a parameter named twice or options out of range, ERR_DTYPE for
 * parameters of bfloat16
 */
export function makeGroup<Options extends object, R extends Rule>(
  group: unknown,
  options: Options,
  ruleOf: (options: Options) => R,
  seen: Set<Tensor>,
): ParameterGroup<R> {
  const { params, ...own } = (group ?? {}) as { params?: unknown };
  if (!isIterable(params)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[optim] a group is { params: [...tensors], ...options }, not ${describe(group)}`,
    );
  }
  const all = new Set(seen);
  const list = Array.from(params, (parameter) => {
    checkParameter(parameter, all);
    return parameter;
  });
  const made = new ParameterGroup(list, ruleOf({ ...options, ...own }));
  for (const parameter of list) seen.add(parameter);
  return made;
}

/**
 * The groups of an optimizer's arguments.
 * @param ruleOf checks a group's options and gives its rule
 * @throws TensorError ERR_ARGUMENT for no parameters, one named twice, or options out of range,
 * ERR_DTYPE for parameters of bfloat16
 */
export function makeGroups<Options extends object, R extends Rule>(
  params: Parameters<Options>,
  options: Options,
  ruleOf: (options: Options) => R,
): ParameterGroup<R>[] {
  if (!isIterable(params)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[optim] parameters must be a list of tensors or of groups, not ${describe(params)}`,
    );
  }
  if (typeof options !== 'object' || options === null) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[optim] options must be an object, not ${describe(options)}`,
    );
  }
  const entries = [...(params as Iterable<unknown>)];
  const isFlat = entries.every((entry) => entry instanceof Tensor);
  const seen = new Set<Tensor>();
  const groups = (isFlat ? [{ params: entries }] : entries).map((entry) =>
    makeGroup(entry, options, ruleOf, seen),
  );
  if (seen.size === 0)
    throw new TensorError('ERR_ARGUMENT', '[optim] there are no parameters to update');
  return groups;
}
