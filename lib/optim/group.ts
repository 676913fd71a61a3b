/** Parameter groups, and how an optimizer's options become what native steps read. */
import { TensorError } from '../errors.js';
import type { OptimizerRow } from '../native/interface.js';
import { dtypes } from '../tensor/dtype.js';
import { checkNumber, describe } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';

/** Parameters with options of their own; what they don't set comes from the optimizer's options. */
export type ParameterGroupOptions<Options> = {
  /** Which parameters. */
  params: Iterable<Tensor>;
} & Options;

/** What an optimizer takes: tensors, or groups of them. */
export type Parameters<Options> = Iterable<Tensor> | Iterable<ParameterGroupOptions<Options>>;

/** The hyperparameters that native steps read, in the order of `HyperSlot` in native/ops/optimizer.h. */
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
] as const;

type HyperName = (typeof HYPER_SLOTS)[number];

/** Hyperparameters by name; what an optimizer doesn't have is 0, truth values are 0 and 1. */
export type HyperParameters = Partial<Record<HyperName, number>>;

/** An update rule with a group's options. */
export interface Rule {
  /** The native row. */
  readonly row: OptimizerRow;
  readonly hyper: HyperParameters;
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
export class ParameterGroup {
  /**
   * What native steps read, from memory and not from arguments: a recorded step follows when a
   * schedule changes it.
   */
  readonly hyper: Float64Array;

  constructor(
    /** Which parameters. */
    readonly params: readonly Tensor[],
    /** What native steps do with them. */
    readonly rule: Rule,
  ) {
    this.hyper = Float64Array.from(HYPER_SLOTS, (name) => rule.hyper[name] ?? 0);
  }

  /** The learning rate. */
  get lr(): number {
    return this.hyper[0] as number;
  }

  set lr(value: number) {
    this.hyper[0] = checkNumber('optim', 'lr', value, 0);
  }

  /** The hyperparameters that this group's rule has, with where they stand in `hyper`. */
  *hyperSlots(): Generator<[name: HyperName, slot: number]> {
    for (const [slot, name] of HYPER_SLOTS.entries())
      if (this.rule.hyper[name] !== undefined) yield [name, slot];
  }
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof (value as Iterable<unknown> | null | undefined)?.[Symbol.iterator] === 'function';
}

function checkParameter(parameter: unknown, seen: Set<Tensor>): asserts parameter is Tensor {
  if (!(parameter instanceof Tensor) || !parameter.leafRequiresGrad) {
    throw new TensorError(
      'ERR_ARGUMENT',
      '[optim] parameters must be leaf tensors that require gradients',
    );
  }
  if (!dtypes[parameter.dtype].arithmetic) {
    throw new TensorError(
      'ERR_DTYPE',
      `[optim] parameters are float32 or float64, not ${parameter.dtype}; ` +
        "keep them in float32 and convert them with to('bfloat16') where they are used",
    );
  }
  if (seen.has(parameter))
    throw new TensorError('ERR_ARGUMENT', '[optim] a parameter is given twice');
  seen.add(parameter);
}

/**
 * The groups of an optimizer's arguments.
 * @param ruleOf checks a group's options and gives its rule
 * @throws TensorError ERR_ARGUMENT for no parameters, one named twice, or options out of range,
 * ERR_DTYPE for parameters of bfloat16
 */
export function makeGroups<Options extends object>(
  params: Parameters<Options>,
  options: Options,
  ruleOf: (options: Options) => Rule,
): ParameterGroup[] {
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
  const given = entries.every((entry) => entry instanceof Tensor)
    ? [{ params: entries as Tensor[] }]
    : (entries as ({ params: Iterable<Tensor> } & Options)[]);
  const seen = new Set<Tensor>();
  const groups = given.map((group) => {
    const { params: members, ...own } = group ?? {};
    if (!isIterable(members)) {
      throw new TensorError(
        'ERR_ARGUMENT',
        `[optim] a group is { params: [...tensors], ...options }, not ${describe(group)}`,
      );
    }
    const list = [...members];
    for (const parameter of list) checkParameter(parameter, seen);
    return new ParameterGroup(list, ruleOf({ ...options, ...own } as Options));
  });
  if (seen.size === 0)
    throw new TensorError('ERR_ARGUMENT', '[optim] there are no parameters to update');
  return groups;
}
