/** Saving and loading what optimizers keep. */
import { TensorError } from '../errors.js';
import { copyInto, scalar } from '../ops/operand.js';
import { dtypes } from '../tensor/dtype.js';
import { describe, formatShape, sameShape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { checkArithmetic, type HyperName, type ParameterGroup } from './group.js';
import { bufferNames, bufferOf, type Member, reset, SCALARS } from './state.js';

/** Tensors by name: `state.0.exp_avg`, `param_groups.0.lr`... */
export type OptimizerState = Record<string, Tensor>;

/** PyTorch's spelling of a name. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Whether PyTorch doesn't count a rule's steps: SGD only has to know that there was one. */
function countsNoSteps({ group }: Member): boolean {
  return group.rule.row === 'sgd';
}

/** The names of a member's numbers, in their order. */
function scalarNames(member: Member): string[] {
  return ['step', ...(member.group.rule.scalars ?? []).map(([name]) => name)];
}

export function saveState(
  groups: readonly ParameterGroup[],
  members: readonly Member[],
): OptimizerState {
  const state: OptimizerState = {};
  for (const member of members) {
    const { scalars } = member;
    const first = member.slot * SCALARS;
    if (scalars[first] === 0) continue;
    const prefix = `state.${member.index}`;
    for (const [k, name] of scalarNames(member).entries())
      state[`${prefix}.${name}`] = scalar(scalars[first + k] as number, 'float64');
    for (const [position, name] of bufferNames(member.group).entries())
      state[`${prefix}.${name}`] = bufferOf(member, position);
  }
  for (const [g, group] of groups.entries()) {
    for (const [name, slot] of group.hyperSlots())
      state[`param_groups.${g}.${snakeCase(name)}`] = scalar(
        group.hyper[slot] as number,
        'float64',
      );
  }
  return state;
}

export function checkTensor(name: string, value: unknown): asserts value is Tensor {
  if (!(value instanceof Tensor)) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[loadStateDict] ${name} must be a tensor, not ${describe(value)}`,
    );
  }
  if (value.storage.disposed) {
    throw new TensorError('ERR_DISPOSED', `[loadStateDict] the tensor for ${name} was disposed`);
  }
}

export function checkShape(name: string, value: Tensor, shape: readonly number[]): void {
  if (!sameShape(value.shape, shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[loadStateDict] ${name} has shape ${formatShape(shape)}, not ${formatShape(value.shape)}`,
    );
  }
}

/** The number in a scalar tensor of the state; PyTorch's counts and truth values need not be floats. */
export function numberOf(name: string, value: unknown): number {
  checkTensor(name, value);
  checkShape(name, value, []);
  if (dtypes[value.dtype].floating && !dtypes[value.dtype].arithmetic) {
    throw new TensorError(
      'ERR_DTYPE',
      `[loadStateDict] ${name} is float64 or float32, not ${value.dtype}`,
    );
  }
  const number = Number(value.item());
  if (!Number.isFinite(number)) {
    throw new TensorError('ERR_ARGUMENT', `[loadStateDict] ${name} is not finite: ${number}`);
  }
  return number;
}

/** What PyTorch's groups say besides: how steps are computed, and what the buffers tell already. */
const IGNORED = [
  ...['amsgrad', 'capturable', 'centered', 'differentiable', 'foreach', 'fused'],
  ...['initial_accumulator_value', 'initial_lr'],
];

/** PyTorch's pairs in one tensor, and what they are here. */
const PAIRS: Readonly<Record<string, readonly [HyperName, HyperName]>> = {
  betas: ['beta1', 'beta2'],
  etas: ['etaMinus', 'etaPlus'],
  step_sizes: ['stepMin', 'stepMax'],
};

/** Splits the pairs in a state into their numbers, as `stateDict` gives them. */
function withoutPairs(state: Readonly<OptimizerState>): OptimizerState {
  const split: OptimizerState = {};
  for (const [name, value] of Object.entries(state)) {
    const [, prefix, option = ''] = /^(param_groups\.\d+\.)(\w+)$/.exec(name) ?? [];
    const pair = Object.hasOwn(PAIRS, option) ? PAIRS[option] : undefined;
    if (pair === undefined) {
      split[name] = value;
      continue;
    }
    checkTensor(name, value);
    checkShape(name, value, [2]);
    for (const [i, half] of pair.entries()) split[prefix + snakeCase(half)] = value.at(i);
  }
  return split;
}

/** @param ready gives the member of a number, with memory for a state */
export function loadState(
  groups: readonly ParameterGroup[],
  members: readonly Member[],
  given: Readonly<OptimizerState>,
  ready: (index: number) => Member,
): void {
  if (typeof given !== 'object' || given === null || given instanceof Tensor) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[loadStateDict] expected tensors by name, not ${describe(given)}`,
    );
  }
  const state = withoutPairs(given);
  const known = new Set<string>();
  const missing: string[] = [];
  const wanted = (name: string): boolean => {
    known.add(name);
    if (Object.hasOwn(state, name)) return true;
    missing.push(name);
    return false;
  };
  // What is to be done once everything was found to fit.
  const changes: (() => void)[] = [];
  for (const [g, group] of groups.entries()) {
    for (const option of IGNORED) known.add(`param_groups.${g}.${option}`);
    for (const [option, slot] of group.hyperSlots()) {
      const name = `param_groups.${g}.${snakeCase(option)}`;
      if (!Object.hasOwn(state, name) && option !== 'lr') continue;
      if (!wanted(name)) continue;
      const number = numberOf(name, state[name]);
      changes.push(() => {
        group.hyper[slot] = number;
      });
    }
  }
  for (const member of members) {
    const prefix = `state.${member.index}.`;
    const names = [...scalarNames(member), ...bufferNames(member.group)].map((n) => prefix + n);
    if (!names.some((name) => Object.hasOwn(state, name))) {
      changes.push(() => reset(member));
      continue;
    }
    checkArithmetic(member.parameter);
    changes.push(() => void ready(member.index));
    for (const [k, name] of scalarNames(member).entries()) {
      if (name === 'step' && countsNoSteps(member) && !Object.hasOwn(state, prefix + name)) {
        changes.push(() => {
          member.scalars[member.slot * SCALARS] = 1;
        });
        continue;
      }
      if (!wanted(prefix + name)) continue;
      const number = numberOf(prefix + name, state[prefix + name]);
      changes.push(() => {
        member.scalars[member.slot * SCALARS + k] = number;
      });
    }
    for (const [position, buffer] of bufferNames(member.group).entries()) {
      const name = prefix + buffer;
      if (!wanted(name)) continue;
      const value: unknown = state[name];
      checkTensor(name, value);
      checkShape(name, value, member.parameter.shape);
      changes.push(() => copyInto(bufferOf(ready(member.index), position), value));
    }
  }
  const unknown = Object.keys(state).filter((name) => !known.has(name));
  if (missing.length > 0 || unknown.length > 0) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[loadStateDict] missing: ${missing.join(', ') || 'nothing'}; unknown: ${unknown.join(', ') || 'nothing'}`,
    );
  }
  for (const change of changes) change();
}
