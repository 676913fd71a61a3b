import { TensorError } from '../errors.js';
import { contiguous, copyInto } from '../ops/operand.js';
import { fillWith } from '../tensor/creation.js';
import { dtypes } from '../tensor/dtype.js';
import { allocate } from '../tensor/memory.js';
import { checkNumber, describe } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';

/** Parameters with options of their own; what they don't set comes from the optimizer's options. */
export type ParameterGroupOptions<Options> = { params: Iterable<Tensor> } & Options;

/** The hyperparameters that native steps read, in the order of `HyperSlot` in native/ops/optimizer.h. */
const HYPER_SLOTS = [
  'lr',
  'weightDecay',
  'maximize',
  'momentum',
  'dampening',
  'nesterov',
  'beta1',
  'beta2',
  'eps',
  'decoupled',
] as const;

/** Hyperparameters by name; what an optimizer doesn't have is 0, truth values are 0 and 1. */
export type HyperParameters = Partial<Record<(typeof HYPER_SLOTS)[number], number>>;

/** Parameters that share hyperparameters. */
export class ParameterGroup {
  /**
   * What native steps read, from memory and not from arguments: a recorded step follows when a
   * schedule changes it.
   */
  readonly hyper: Float64Array;

  constructor(
    readonly params: readonly Tensor[],
    hyper: HyperParameters,
  ) {
    this.hyper = Float64Array.from(HYPER_SLOTS, (name) => hyper[name] ?? 0);
  }

  get momentum(): number {
    return this.hyper[HYPER_SLOTS.indexOf('momentum')] as number;
  }

  get lr(): number {
    return this.hyper[0] as number;
  }

  set lr(value: number) {
    this.hyper[0] = checkNumber('optim', 'lr', value, 0);
  }
}

/** A parameter's own state: buffers of its layout, and how many steps it has taken. */
export interface ParameterState {
  readonly buffers: readonly Tensor[];
  readonly step: Float64Array;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof (value as Iterable<unknown> | null | undefined)?.[Symbol.iterator] === 'function';
}

/** Whether the elements fill one stretch of memory in some order, as the fused steps need it. */
function isStretch(t: Tensor): boolean {
  return t.isContiguous || t.isDense;
}

/** Updates parameters from their gradients. `step` after `backward`, `zeroGrad` before the next one. */
export abstract class Optimizer<Options extends object> {
  readonly groups: readonly ParameterGroup[];
  private readonly states = new Map<Tensor, ParameterState>();

  /**
   * @param params tensors that require gradients, or groups of them with options of their own
   * @param hyperOf checks a group's options and gives its hyperparameters
   * @throws TensorError ERR_ARGUMENT for no parameters, one named twice, or options out of range,
   * ERR_DTYPE for parameters of bfloat16
   */
  constructor(
    params: Iterable<Tensor> | Iterable<ParameterGroupOptions<Options>>,
    options: Options,
    hyperOf: (options: Options) => HyperParameters,
  ) {
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
    this.groups = given.map((group) => {
      const { params: members, ...own } = group ?? {};
      if (!isIterable(members)) {
        throw new TensorError(
          'ERR_ARGUMENT',
          `[optim] a group is { params: [...tensors], ...options }, not ${describe(group)}`,
        );
      }
      const list = [...members];
      for (const parameter of list) {
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
      return new ParameterGroup(list, hyperOf({ ...options, ...own } as Options));
    });
    // Made here and not in the first step: a recorded step must not clear them whenever it is replayed.
    for (const group of this.groups) {
      for (const parameter of group.params)
        this.states.set(parameter, this.newState(parameter, group));
    }
    if (seen.size === 0)
      throw new TensorError('ERR_ARGUMENT', '[optim] there are no parameters to update');
  }

  /** Learning rate of the first group; setting it sets that of all groups. */
  get lr(): number {
    return (this.groups[0] as ParameterGroup).lr;
  }

  set lr(value: number) {
    for (const group of this.groups) group.lr = value;
  }

  /** Forgets all gradients. */
  zeroGrad(): void {
    for (const group of this.groups) for (const parameter of group.params) parameter.zeroGrad();
  }

  /** Updates every parameter that has a gradient. */
  step(): void {
    for (const group of this.groups) {
      for (const parameter of group.params) {
        const gradient = parameter.accumulatedGrad;
        if (gradient === null) continue;
        const state = this.states.get(parameter) as ParameterState;
        if (isStretch(parameter)) {
          this.update(group, parameter, sameLayout(gradient, parameter), state);
          parameter.storage.version++;
          continue;
        }
        // A part of another tensor: step on a copy of it and write the copy back.
        const copy = contiguous(parameter.detach());
        this.update(group, copy, contiguous(gradient), state);
        copyInto(parameter, copy);
      }
    }
  }

  /** How many buffers of the parameter's shape the optimizer keeps for parameters of a group. */
  protected abstract bufferCount(group: ParameterGroup): number;

  /** One parameter's step; all tensors are dense and lie in memory in the same order. */
  protected abstract update(
    group: ParameterGroup,
    parameter: Tensor,
    gradient: Tensor,
    state: ParameterState,
  ): void;

  private newState(parameter: Tensor, group: ParameterGroup): ParameterState {
    const buffers = Array.from({ length: this.bufferCount(group) }, () => {
      const buffer = new Tensor(allocate(parameter.dtype, parameter.numel), [parameter.numel]);
      fillWith(buffer, 0);
      return buffer;
    });
    return { buffers, step: new Float64Array(1) };
  }
}

/** The gradient in the parameter's order in memory. Backward makes it so; a user's may differ. */
function sameLayout(gradient: Tensor, parameter: Tensor): Tensor {
  if (gradient.dtype !== parameter.dtype || !dtypes[gradient.dtype].floating) {
    throw new TensorError(
      'ERR_DTYPE',
      `[optim] the gradient is ${gradient.dtype}, its parameter ${parameter.dtype}`,
    );
  }
  if (
    isStretch(gradient) &&
    gradient.strides.every(
      (stride, d) => stride === parameter.strides[d] || parameter.shape[d] === 1,
    )
  ) {
    return gradient;
  }
  const copy = new Tensor(
    allocate(gradient.dtype, gradient.numel),
    parameter.shape,
    parameter.strides,
  );
  copyInto(copy, gradient);
  return copy;
}
