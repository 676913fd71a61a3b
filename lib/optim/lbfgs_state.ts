/** What LBFGS remembers, and how it is saved and loaded. */
import { TensorError } from '../errors.js';
import { copyInto, scalar } from '../ops/operand.js';
import type { DType } from '../tensor/dtype.js';
import { describe } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { flatVector } from './flat.js';
import type { ParameterGroup } from './group.js';
import { checkShape, checkTensor, numberOf, type OptimizerState } from './state_dict.js';

/** The state behind the first iteration. */
export interface Curvature {
  /** Iterations so far. */
  iterations: number;
  /** The last direction, and how far the parameters went along it. */
  direction: Tensor;
  t: number;
  /** The gradient and the loss where that step began. */
  gradient: Tensor;
  loss: number;
  /** The last changes of the gradient, the steps that caused them, and 1 / (change . step) of each. */
  readonly changes: Tensor[];
  readonly steps: Tensor[];
  readonly inverses: number[];
  /** What the inverse Hessian begins with: this times the identity. */
  scale: number;
}

export function saveCurvature(
  group: ParameterGroup,
  curvature: Curvature | null,
  evaluations: number,
): OptimizerState {
  const number = (value: number): Tensor => scalar(value, 'float64');
  const state: OptimizerState = {};
  if (curvature !== null) {
    const { changes, steps, inverses } = curvature;
    state['state.0.func_evals'] = number(evaluations);
    state['state.0.n_iter'] = number(curvature.iterations);
    state['state.0.d'] = curvature.direction;
    state['state.0.t'] = number(curvature.t);
    for (const [i, change] of changes.entries()) {
      state[`state.0.old_dirs.${i}`] = change;
      state[`state.0.old_stps.${i}`] = steps[i] as Tensor;
      state[`state.0.ro.${i}`] = number(inverses[i] as number);
    }
    state['state.0.H_diag'] = number(curvature.scale);
    state['state.0.prev_flat_grad'] = curvature.gradient;
    state['state.0.prev_loss'] = number(curvature.loss);
  }
  state['param_groups.0.lr'] = number(group.lr);
  return state;
}

/** Names of PyTorch's that say nothing new: options, and room for numbers of the loop. */
const IGNORED =
  /^(state\.0\.al(\.\d+)?|param_groups\.0\.(initial_lr|max_iter|max_eval|tolerance_grad|tolerance_change|history_size|line_search_fn|maximize))$/;

export function loadCurvature(
  group: ParameterGroup,
  [length, dtype]: readonly [number, DType],
  state: Readonly<OptimizerState>,
): { curvature: Curvature | null; evaluations: number } {
  if (typeof state !== 'object' || state === null || state instanceof Tensor) {
    throw new TensorError(
      'ERR_ARGUMENT',
      `[loadStateDict] expected tensors by name, not ${describe(state)}`,
    );
  }
  const unknown = new Set(Object.keys(state).filter((name) => !IGNORED.test(name)));
  const take = (name: string): unknown => {
    if (!Object.hasOwn(state, name))
      throw new TensorError('ERR_ARGUMENT', `[loadStateDict] missing: ${name}`);
    unknown.delete(name);
    return state[name];
  };
  const number = (name: string): number => numberOf(name, take(name));
  const vector = (name: string): Tensor => {
    const value = take(name);
    checkTensor(name, value);
    checkShape(name, value, [length]);
    const copy = flatVector(length, dtype);
    copyInto(copy, value);
    return copy;
  };
  const lr = number('param_groups.0.lr');
  let curvature: Curvature | null = null;
  let evaluations = 0;
  if (Object.hasOwn(state, 'state.0.n_iter')) {
    const [changes, steps, inverses]: [Tensor[], Tensor[], number[]] = [[], [], []];
    while (Object.hasOwn(state, `state.0.old_dirs.${changes.length}`)) {
      const i = changes.length;
      changes.push(vector(`state.0.old_dirs.${i}`));
      steps.push(vector(`state.0.old_stps.${i}`));
      inverses.push(number(`state.0.ro.${i}`));
    }
    evaluations = number('state.0.func_evals');
    curvature = {
      iterations: number('state.0.n_iter'),
      direction: vector('state.0.d'),
      t: number('state.0.t'),
      gradient: vector('state.0.prev_flat_grad'),
      loss: number('state.0.prev_loss'),
      changes,
      steps,
      inverses,
      scale: number('state.0.H_diag'),
    };
  }
  if (unknown.size > 0) {
    throw new TensorError('ERR_ARGUMENT', `[loadStateDict] unknown: ${[...unknown].join(', ')}`);
  }
  group.lr = lr;
  return { curvature, evaluations };
}
