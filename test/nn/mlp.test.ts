import { crossEntropy, nn, optim } from 'tilegrad';
import { describe, expect, it } from 'vitest';
import { epsilon, expectGolden, Fixture, type FloatType, largest, toTensor } from '../golden.js';

interface Case {
  activation: 'Tanh' | 'ReLU';
  optimizer: 'SGD' | 'Adam';
  options: { lr: number; momentum?: number };
  dtype: FloatType;
  input: number;
  target: number;
  initial: Record<string, number>;
  losses: number[];
  final: Record<string, number>;
}

const fixture = new Fixture<{ cases: Case[] }>('mlp');

// Every step rounds some tens of times and hands its errors on to the next, which may enlarge them.
const kRoundingsPerStep = 64;

describe('golden training of a 4-5-3 network', () => {
  for (const c of fixture.content.cases) {
    it(`${c.activation} ${c.optimizer} ${c.dtype}`, () => {
      const { dtype } = c;
      const activation = c.activation === 'Tanh' ? new nn.Tanh() : new nn.ReLU();
      const first = new nn.Linear(4, 5, { dtype });
      const model = new nn.Sequential(first, activation, new nn.Linear(5, 3, { dtype }));
      const initial = Object.entries(c.initial).map(
        ([name, index]) => [name, toTensor(fixture.tensor(index), dtype)] as const,
      );
      model.loadStateDict(Object.fromEntries(initial));
      const x = toTensor(fixture.tensor(c.input), dtype);
      const y = fixture.tensor(c.target).data;
      const optimizer = new optim[c.optimizer](model.parameters(), c.options);

      for (const [step, want] of c.losses.entries()) {
        optimizer.zeroGrad();
        const loss = crossEntropy(model.forward(x), y);
        loss.backward();
        optimizer.step();
        const limit = kRoundingsPerStep * (step + 1) * epsilon[dtype] * Math.max(1, want);
        expect(Math.abs(loss.item() - want), `loss of step ${step}`).toBeLessThanOrEqual(limit);
      }

      const state = model.stateDict();
      expect(Object.keys(state)).toEqual(Object.keys(c.final));
      for (const [name, index] of Object.entries(c.final)) {
        const want = fixture.tensor(index);
        const limit =
          kRoundingsPerStep * c.losses.length * epsilon[dtype] * Math.max(1, largest(want));
        expectGolden(state[name]!, want, () => limit, name);
      }
    });
  }
});
