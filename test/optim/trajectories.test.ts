import { optim, type Tensor } from 'tilegrad';
import { describe, it } from 'vitest';
import { epsilon, expectGolden, Fixture, type FloatType, largest, toTensor } from '../golden.js';

interface Case {
  optimizer: Exclude<keyof typeof optim, 'Optimizer' | 'ParameterGroup' | 'lrScheduler' | 'LBFGS'>;
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
