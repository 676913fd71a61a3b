/** States that PyTorch's optimizers saved in the middle of 20 steps. */
import { optim, type Tensor, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { epsilon, expectGolden, Fixture, largest, toTensor } from '../golden.js';
import { expectError } from '../helpers/errors.js';

interface Case {
  optimizer: 'SGD' | 'Adam' | 'RMSprop';
  centered: boolean;
  amsgrad: boolean;
  momentum: number;
  parameters: number[];
  state: Record<string, { dtype: 'float32' | 'float64' | 'int64'; value: number }>;
  gradients: number[][];
  after: number[];
}

const fixture = new Fixture<{ cases: Case[] }>('optim_states');

function stateOf(c: Case): Record<string, Tensor> {
  const entries = Object.entries(c.state).map(([name, { dtype, value }]) => {
    const { shape, data } = fixture.tensor(value);
    return [name, tensor([...data], { dtype }).reshape(shape)] as const;
  });
  return Object.fromEntries(entries);
}

/** An optimizer with another rate and no options but those that decide what it keeps. */
function make(c: Case, parameters: Tensor[]): optim.Optimizer<never> {
  const Class = optim[c.optimizer] as new (params: unknown, options: object) => optim.SGD;
  const buffers = {
    ...(c.momentum > 0 && { momentum: 0.1 }),
    ...(c.amsgrad && { amsgrad: true }),
    ...(c.centered && { centered: true }),
  };
  const groups = parameters.map((parameter) => ({ params: [parameter] }));
  return new Class(groups, { lr: 1, ...buffers });
}

const titles = fixture.content.cases.map((c, i): [string, Case] => [`${i} ${c.optimizer}`, c]);

describe('PyTorch states', () => {
  test.each(titles)('%s goes on along the same trajectory', (_, c) => {
    const parameters = c.parameters.map((i) => toTensor(fixture.tensor(i), 'float32', true));
    const optimizer = make(c, parameters);
    optimizer.loadStateDict(stateOf(c));
    for (const gradients of c.gradients) {
      for (const [i, stored] of gradients.entries())
        parameters[i]!.grad = toTensor(fixture.tensor(stored), 'float32');
      optimizer.step();
    }
    for (const [i, stored] of c.after.entries()) {
      const golden = fixture.tensor(stored);
      // Ten steps of some ten roundings each, as in trajectories.test.ts.
      const limit = 16 * 10 * epsilon.float32 * Math.max(1, largest(golden));
      expectGolden(parameters[i]!, golden, () => limit, `parameter ${i}`);
    }
  });

  test('whose buffers are others than the options say are refused', () => {
    const amsgrad = fixture.content.cases.find((c) => c.amsgrad)!;
    const parameters = amsgrad.parameters.map((i) => toTensor(fixture.tensor(i), 'float32', true));
    const optimizer = make({ ...amsgrad, amsgrad: false }, parameters);
    expectError(
      () => optimizer.loadStateDict(stateOf(amsgrad)),
      'ERR_ARGUMENT',
      'unknown: state.0.max_exp_avg_sq',
    );
    expect(optimizer.lr).toBe(1);
  });

  test('pairs are two numbers', () => {
    const c = fixture.content.cases.find(({ optimizer }) => optimizer === 'Adam')!;
    const parameters = c.parameters.map((i) => toTensor(fixture.tensor(i), 'float32', true));
    const state = { ...stateOf(c), 'param_groups.0.betas': tensor([0.9]) };
    expectError(
      () => make(c, parameters).loadStateDict(state),
      'ERR_SHAPE',
      'param_groups.0.betas',
    );
  });
});
