import { optim, type Tensor } from 'tilegrad';
import { describe, expect, it } from 'vitest';
import { epsilon, expectGolden, Fixture, type FloatType, largest, toTensor } from '../golden.js';

interface Case {
  optimizer: Exclude<
    keyof typeof optim,
    | 'AveragedModel'
    | 'ExponentialMovingAverage'
    | 'LBFGS'
    | 'lrScheduler'
    | 'Optimizer'
    | 'ParameterGroup'
  >;
  dtype: FloatType;
  options: object;
  /** Options of each parameter's own group, if there are any. */
  groups?: object[];
  start: number[];
  /** For every step, the gradient of each parameter, null for none. */
  gradients: (number | null)[][];
  /** The parameters after a step, by its number from 1. */
  after: Record<string, number[]>;
  /** The state after the last step, under this library's names. */
  state: Record<string, number>;
}

const fixture = new Fixture<{ cases: Case[] }>('optim');

// A step rounds about ten times on either side, on numbers no larger than the parameter.
const kRoundingsPerStep = 16;

type Make = (params: Tensor[] | { params: Tensor[] }[], options: object) => optim.Optimizer<object>;

describe('golden optimizer trajectories', () => {
  for (const c of fixture.content.cases) {
    const options = `${JSON.stringify(c.options)} ${JSON.stringify(c.groups ?? '')}`;
    it(`${c.optimizer} ${options} ${c.dtype}`, () => {
      const parameters = c.start.map((i) => toTensor(fixture.tensor(i), c.dtype, true));
      const make: Make = (params, options) => new optim[c.optimizer](params, options);
      const groups = c.groups?.map((own, i) => ({ params: [parameters[i]!], ...own }));
      const optimizer = make(groups ?? parameters, c.options);
      const check = (actual: Tensor, stored: number, step: number, label: string): void => {
        const want = fixture.tensor(stored);
        const limit = kRoundingsPerStep * step * epsilon[c.dtype] * Math.max(1, largest(want));
        expectGolden(actual, want, () => limit, `${label} after step ${step}`);
      };
      for (const [index, gradients] of c.gradients.entries()) {
        for (const [i, parameter] of parameters.entries()) {
          const stored = gradients[i]!;
          parameter.grad = stored === null ? null : toTensor(fixture.tensor(stored), c.dtype);
        }
        optimizer.step();
        const step = index + 1;
        for (const [i, stored] of (c.after[step] ?? []).entries()) {
          check(parameters[i]!, stored, step, `parameter ${i}`);
        }
      }
      const state = optimizer.stateDict();
      for (const [name, stored] of Object.entries(c.state)) {
        const actual = state[name];
        if (actual === undefined) throw new Error(`the state has no ${name}`);
        check(actual, stored, c.gradients.length, name);
      }
    });
  }
});

describe('momentum as a running mean', () => {
  // From v = 0, v = (1 - momentum) m at every step, so PyTorch's form with a rate of lr (1 - momentum)
  // takes the same steps.
  const cases = fixture.content.cases.filter(({ optimizer, groups, options }) => {
    const { momentum, dampening } = options as optim.SGDOptions;
    return optimizer === 'SGD' && groups === undefined && momentum && !dampening;
  });
  expect(cases.length).toBeGreaterThanOrEqual(8);
  for (const c of cases) {
    it(`${JSON.stringify(c.options)} ${c.dtype}`, () => {
      const { lr = 0, momentum = 0, ...rest } = c.options as optim.SGDOptions;
      const parameters = c.start.map((i) => toTensor(fixture.tensor(i), c.dtype, true));
      const options = { ...rest, momentum, lr: lr / (1 - momentum) };
      const optimizer = new optim.SGD(parameters, { ...options, momentumForm: 'average' });
      for (const gradients of c.gradients) {
        for (const [i, parameter] of parameters.entries())
          parameter.grad = toTensor(fixture.tensor(gradients[i] as number), c.dtype);
        optimizer.step();
      }
      for (const [i, stored] of c.after[c.gradients.length]!.entries()) {
        const want = fixture.tensor(stored);
        // The rate and the mean are rounded once more, of numbers 1 / (1 - momentum) as large.
        const steps = c.gradients.length / (1 - momentum);
        const limit = kRoundingsPerStep * steps * epsilon[c.dtype] * Math.max(1, largest(want));
        expectGolden(parameters[i]!, want, () => limit, `parameter ${i}`);
      }
    });
  }
});
