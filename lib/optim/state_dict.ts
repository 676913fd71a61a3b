/** Saving and loading what optimizers keep. */
import { TensorError } from '../errors.js';
import { copyInto, scalar } from '../ops/operand.js';
import { dtypes } from '../tensor/dtype.js';
import { describe, formatShape, sameShape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import type { ParameterGroup } from './group.js';
import { bufferNames, bufferOf, type Member, reset, SCALARS } from './state.js';

/** Tensors by name: `state.0.exp_avg`, `param_groups.0.lr`... */
export type OptimizerState = Record<string, Tensor>;

/** PyTorch's spelling of a name. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The names of a member's numbers, in their order. */
function scalarNames(member: Member): string[] {
  return ['step', ...(member.group.rule.scalars ?? []).map(([name]) => name)];
}

export function saveState(
  groups: readonly ParameterGroup[],
  members: readonly Member[],
  scalars: Float64Array,
): OptimizerState {
  const state: OptimizerState = {};
  for (const member of members) {
    const first = member.index * SCALARS;
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

function checkTensor(name: string, value: unknown): asserts value is Tensor {
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

function checkShape(name: string, value: Tensor, shape: readonly number[]): void {
  if (!sameShape(value.shape, shape)) {
    throw new TensorError(
      'ERR_SHAPE',
      `[loadStateDict] ${name} has shape ${formatShape(shape)}, not ${formatShape(value.shape)}`,
    );
  }
}

/** The number in a scalar tensor of the state. */
function numberOf(name: string, value: unknown): number {
  checkTensor(name, value);
  checkShape(name, value, []);
  if (!dtypes[value.dtype].arithmetic) {
    throw new TensorError(
      'ERR_DTYPE',
      `[loadStateDict] ${name} is float64 or float32, not ${value.dtype}`,
    );
  }
  const number = value.item();
  if (!Number.isFinite(number)) {
    throw new TensorError('ERR_ARGUMENT', `[loadStateDict] ${name} is not finite: ${number}`);
  }
  return number;
}

export function loadState(
  groups: readonly ParameterGroup[],
  members: readonly Member[],
  scalars: Float64Array,
  state: Readonly<OptimizerState>,
): void {
  if (typeof state !== 'object' || state === null || state instanceof Tensor) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[loadStateDict] expected tensors by name, not ${describe(state)}`,
    );
  }
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
    for (const [option, slot] of group.hyperSlots()) {
      const name = `param_groups.${g}.${snakeCase(option)}`;
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
      changes.push(() => reset(member, scalars));
      continue;
    }
    for (const [k, name] of scalarNames(member).entries()) {
      if (!wanted(prefix + name)) continue;
      const number = numberOf(prefix + name, state[prefix + name]);
      changes.push(() => {
        scalars[member.index * SCALARS + k] = number;
      });
    }
    for (const [position, buffer] of bufferNames(member.group).entries()) {
      const name = prefix + buffer;
      if (!wanted(name)) continue;
      const value: unknown = state[name];
      checkTensor(name, value);
      checkShape(name, value, member.parameter.shape);
      if (value.dtype !== member.parameter.dtype) {
        throw new TensorError(
          'ERR_DTYPE',
          `[loadStateDict] ${name} is ${member.parameter.dtype}, not ${value.dtype}`,
        );
      }
      changes.push(() => copyInto(bufferOf(member, position), value));
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
