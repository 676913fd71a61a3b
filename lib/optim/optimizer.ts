import { TensorError } from '../errors.js';
import { contiguous, copyInto } from '../ops/operand.js';
import { dtypes } from '../tensor/dtype.js';
import { allocate } from '../tensor/memory.js';
import { Tensor } from '../tensor/tensor.js';
import { makeGroups, type ParameterGroup, type Parameters, type Rule } from './group.js';
import { type Member, makeState } from './state.js';
import { loadState, type OptimizerState, saveState } from './state_dict.js';
import { type Step, StepCalls } from './step_calls.js';

/**
 * Updates parameters from their gradients. `step` after `backward`, `zeroGrad` before the next one.
 *
 * Small parameters that share their arrays are stepped by one native call, whatever their number;
 * a large one is stepped by a call of its own, in one pass over the parameter, its gradient and its
 * state.
 * @example
 * ```ts
 * const model = new nn.Linear(2, 1);
 * const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
 * optimizer.zeroGrad();
 * model.forward(ones([4, 2])).square().mean().backward();
 * optimizer.step();
 * ```
 */
export abstract class Optimizer<Options extends object> {
  /** The parameters with their hyperparameters; a learning rate can be set. */
  readonly groups: readonly ParameterGroup[];
  private readonly members: readonly Member[];
  private readonly scalars: Float64Array;
  private readonly calls: StepCalls;

  /**
   * @param params tensors that require gradients, or groups of them with options of their own
   * @param ruleOf checks a group's options and gives its update rule
   * @throws TensorError ERR_ARGUMENT for no parameters, one named twice, or options out of range,
   * ERR_DTYPE for parameters of bfloat16
   */
  constructor(params: Parameters<Options>, options: Options, ruleOf: (options: Options) => Rule) {
    this.groups = makeGroups(params, options, ruleOf);
    // Made here and not in the first step: a recorded step must not clear them whenever it is replayed.
    const { members, scalars } = makeState(this.groups);
    this.members = members;
    this.scalars = scalars;
    this.calls = new StepCalls(members, scalars);
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
    for (const { parameter } of this.members) parameter.zeroGrad();
  }

  /** Updates every parameter that has a gradient. */
  step(): void {
    try {
      for (const member of this.members) {
        const gradient = member.parameter.accumulatedGrad;
        if (gradient !== null) this.stepMember(member, gradient);
      }
    } finally {
      // Also after an error: what waits must not wait for the next step.
      this.calls.flush();
    }
  }

  private stepMember(member: Member, gradient: Tensor): void {
    const { calls } = this;
    const { parameter } = member;
    if (member.isStretch) {
      const alike = sameLayout(gradient, parameter);
      calls.add(stepOf(member, parameter, alike), parameter.gradEscaped);
      parameter.storage.version++;
      return;
    }
    // A part of another tensor: step on a copy of it and write the copy back.
    calls.flush();
    const copy = contiguous(parameter.detach());
    calls.run([stepOf(member, copy, contiguous(gradient))]);
    copyInto(parameter, copy);
  }

  /**
   * The state by name, to be saved (`saveSafetensors` takes it) and loaded again. Parameters are
   * numbered through all groups. Names are PyTorch's, with dots: `state.0.step`, `state.0.exp_avg`
   * (of the parameter's shape) for each parameter that has taken a step, and `param_groups.0.lr`
   * for the options of each group, as float64 scalars (truth values 0 and 1, pairs one by one).
   * Every optimizer has a `step`, also SGD, which needs it to know its first one.
   * Tensors of the parameters' shapes share memory with the optimizer: clone to keep them.
   */
  stateDict(): OptimizerState {
    return saveState(this.groups, this.members, this.scalars);
  }

  /**
   * Takes over a state that `stateDict` of an optimizer of the same kind gave, for parameters of the
   * same shapes and dtypes in the same groups: values are copied. Parameters without a state start
   * anew. All of it is checked first; when something doesn't fit, nothing is changed.
   * @throws TensorError ERR_ARGUMENT for missing or unknown names and for anything but tensors,
   * ERR_SHAPE and ERR_DTYPE for tensors that don't fit, ERR_DISPOSED
   */
  loadStateDict(state: Readonly<OptimizerState>): void {
    loadState(this.groups, this.members, this.scalars, state);
  }
}

function stepOf(member: Member, parameter: Tensor, gradient: Tensor): Step {
  return {
    member,
    weights: parameter.array,
    weightOffset: parameter.offset,
    gradients: gradient.array,
    gradientOffset: gradient.offset,
    gradientStorage: gradient.storage,
  };
}

/** The gradient in the parameter's order in memory. Backward makes it so; a user's may differ. */
function sameLayout(gradient: Tensor, parameter: Tensor): Tensor {
  if (gradient.dtype !== parameter.dtype || !dtypes[gradient.dtype].floating) {
    throw new TensorError(
      'ERR_DTYPE',
      `[optim] the gradient is ${gradient.dtype}, its parameter ${parameter.dtype}`,
    );
  }
  // The parameter's strides go through one stretch, so the same ones do so here.
  const { shape, strides } = parameter;
  let same = true;
  for (let d = 0; d < shape.length; d++) {
    if (gradient.strides[d] !== strides[d] && shape[d] !== 1) same = false;
  }
  if (same) return gradient;
  const copy = new Tensor(allocate(gradient.dtype, gradient.numel), shape, strides);
  copyInto(copy, gradient);
  return copy;
}
