import { optim } from 'tilegrad';
import { describe, it } from 'vitest';
import { epsilon, expectGolden, Fixture, type FloatType, largest, toTensor } from '../golden.js';

interface Case {
  optimizer: 'SGD' | 'Adam' | 'AdamW';
  dtype: FloatType;
  options: {
    lr?: number;
    betas?: [number, number];
    eps?: number;
    weightDecay?: number;
    momentum?: number;
    dampening?: number;
    nesterov?: boolean;
    maximize?: boolean;
  };
  start: number[];
  /** For every step, the gradient of each parameter. */
  gradients: number[][];
  /** The parameters after a step, by its number from 1. */
  after: Record<string, number[]>;
}

const fixture = new Fixture<{ cases: Case[] }>('optim');

// A step rounds about ten times on either side, on numbers no larger than the parameter.
const kRoundingsPerStep = 16;

describe('golden optimizer trajectories', () => {
  for (const c of fixture.content.cases) {
    it(`${c.optimizer} ${JSON.stringify(c.options)} ${c.dtype}`, () => {
      const parameters = c.start.map((i) => toTensor(fixture.tensor(i), c.dtype, true));
      const optimizer = new optim[c.optimizer](parameters, c.options);
      for (const [index, gradients] of c.gradients.entries()) {
        for (const [i, parameter] of parameters.entries()) {
          parameter.grad = toTensor(fixture.tensor(gradients[i]!), c.dtype);
        }
        optimizer.step();
        const step = index + 1;
        for (const [i, stored] of (c.after[step] ?? []).entries()) {
          const want = fixture.tensor(stored);
          const limit = kRoundingsPerStep * step * epsilon[c.dtype] * Math.max(1, largest(want));
          expectGolden(parameters[i]!, want, () => limit, `parameter ${i} after step ${step}`);
        }
      }
    });
  }
});
