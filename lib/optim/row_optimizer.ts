import { enableGrad } from '../autograd/mode.js';
import { TensorError } from '../errors.js';
import { contiguous, copyInto } from '../ops/operand.js';
import { dtypes } from '../tensor/dtype.js';
import { allocate } from '../tensor/memory.js';
import { Tensor } from '../tensor/tensor.js';
import type { ParameterGroup, ParameterGroupOptions, Parameters, RowRule } from './group.js';
import { Optimizer } from './optimizer.js';
import { isPrepared, type Member, makeState, prepared } from './state.js';
import { loadState, type OptimizerState, saveState } from './state_dict.js';
import { type Step, StepCalls } from './step_calls.js';

/**
 * An optimizer whose steps are native rows. Small parameters that share their arrays are stepped by
 * one native call, whatever their number; a large one is stepped by a call of its own, in one pass
 * over the parameter, its gradient and its state.
 */
export abstract class RowOptimizer<Options extends object> extends Optimizer<Options, RowRule> {
  // Made with the groups and not in the first step: a recorded step must not clear what it keeps
  // whenever it is replayed. Only what was frozen waits for its first gradient.
  private readonly members: Member[] = [];
  private readonly calls = new StepCalls();

  constructor(
    params: Parameters<Options>,
    options: Options,
    ruleOf: (options: Options) => RowRule,
  ) {
    super(params, options, ruleOf);
    for (const group of this.groups) this.include(group);
  }

  override addParamGroup(group: ParameterGroupOptions<Options>): void {
    super.addParamGroup(group);
    this.include(this.groups.at(-1) as ParameterGroup<RowRule>);
  }

  private include(group: ParameterGroup<RowRule>): void {
    const members = makeState(group, this.members.length);
    this.members.push(...members);
    this.calls.include(members);
  }

  /** Updates every parameter that has a gradient. */
  override step(): void;
  /**
   * Updates every parameter that has a gradient after a closure has run.
   * @param closure computes the loss with its gradients first, as LBFGS needs it: then any optimizer
   * can stand in the same loop. It is called once, with recording on.
   * @returns what the closure returned
   */
  override step<L>(closure: () => L): L;
  override step(closure?: () => unknown): unknown {
    if (closure === undefined) {
      this.update();
      return undefined;
    }
    const loss = enableGrad(closure);
    this.update();
    return loss;
  }

  private update(): void {
    try {
      for (let i = 0; i < this.members.length; i++) {
        const gradient = (this.members[i] as Member).parameter.accumulatedGrad;
        if (gradient !== null) this.stepMember(this.prepared(i), gradient);
      }
    } finally {
      // Also after an error: what waits must not wait for the next step.
      this.calls.flush();
    }
  }

  /** A member with memory for the state of its parameter as it is now. */
  private prepared(i: number): Member {
    const before = this.members[i] as Member;
    if (isPrepared(before)) return before;
    const member = prepared(before);
    this.members[i] = member;
    this.calls.move(before, member);
    return member;
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

  stateDict(): OptimizerState {
    return saveState(this.groups, this.members);
  }

  loadStateDict(state: Readonly<OptimizerState>): void {
    loadState(this.groups, this.members, state, (i) => this.prepared(i));
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
