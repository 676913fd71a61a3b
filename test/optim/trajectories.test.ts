import { optim, type Tensor } from 'tilegrad';
import { describe, it } from 'vitest';
import { epsilon, expectGolden, Fixture, type FloatType, largest, toTensor } from '../golden.js';

interface Case {
  optimizer: Exclude<keyof typeof optim, 'Optimizer' | 'ParameterGroup'>;
  dtype: FloatType;
  options: object;
  start: number[];
  /** For every step, the gradient of each parameter. */
  gradients: number[][];
  /** The parameters after a step, by its number from 1. */
  after: Record<string, number[]>;
  /** The state after the last step, under this library's names. */
  state: Record<string, number>;
}

const fixture = new Fixture<{ cases: Case[] }>('optim');

// A step rounds about ten times on either side, on numbers no larger than the parameter.
const kRoundingsPerStep = 16;

type Make = (params: Tensor[], options: object) => optim.Optimizer<object>;

describe('golden optimizer trajectories', () => {
  for (const c of fixture.content.cases) {
    it(`${c.optimizer} ${JSON.stringify(c.options)} ${c.dtype}`, () => {
      const parameters = c.start.map((i) => toTensor(fixture.tensor(i), c.dtype, true));
      const make: Make = (params, options) => new optim[c.optimizer](params, options);
      const optimizer = make(parameters, c.options);
      const check = (actual: Tensor, stored: number, step: number, label: string): void => {
        const want = fixture.tensor(stored);
        const limit = kRoundingsPerStep * step * epsilon[c.dtype] * Math.max(1, largest(want));
        expectGolden(actual, want, () => limit, `${label} after step ${step}`);
      };
      for (const [index, gradients] of c.gradients.entries()) {
        for (const [i, parameter] of parameters.entries()) {
          parameter.grad = toTensor(fixture.tensor(gradients[i]!), c.dtype);
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
