/** Weights that are computed from others. */
import { nn, noGrad, ones, optim, randn, type Tensor, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { epsilon, expectGolden, Fixture, type FloatType, largest, toTensor } from '../golden.js';
import { expectError } from '../helpers/errors.js';

const { parametrizations, parametrize } = nn.utils;

interface Case {
  fn: 'weightNorm' | 'spectralNorm';
  type: 'Linear' | 'Conv1d' | 'Conv2d' | 'ConvTranspose1d';
  dtype: FloatType;
  sizes: number[];
  options: nn.utils.parametrizations.WeightNormOptions;
  names: string[];
  before: number[];
  input: number;
  output: number;
  gradOutput: number;
  gradInput: number;
  learned: string[];
  gradients: number[];
  after: number[];
}

const fixture = new Fixture<{ cases: Case[] }>('parametrizations');

describe('goldens', () => {
  for (const [index, c] of fixture.content.cases.entries()) {
    const { fn, type, dtype, sizes, options } = c;
    test(`${index}: ${fn} of ${type} ${JSON.stringify(options)} ${dtype}`, () => {
      const Class = nn[type] as unknown as new (...args: unknown[]) => nn.Linear;
      const module = parametrizations[fn](new Class(...sizes, { dtype }), options);
      expect(Object.keys(module.stateDict())).toEqual(c.names);
      expect([...module.namedParameters()].map(([name]) => name)).toEqual(c.learned);
      const golden = (i: number) => toTensor(fixture.tensor(i), dtype);
      module.loadStateDict(Object.fromEntries(c.names.map((n, i) => [n, golden(c.before[i]!)])));
      const x = golden(c.input);
      x.requiresGrad = true;
      const y = module.forward(x);
      // Norms, quotients, sums of up to 12 products, and steps of the power method.
      const near = (i: number) => {
        const size = Math.max(1, largest(fixture.tensor(i)));
        return () => 64 * epsilon[dtype] * size;
      };
      expectGolden(y, fixture.tensor(c.output), near(c.output), 'output');
      y.backward(golden(c.gradOutput));
      expectGolden(x.grad!, fixture.tensor(c.gradInput), near(c.gradInput), 'gradient');
      for (const [i, parameter] of [...module.parameters()].entries()) {
        const at = c.gradients[i]!;
        expectGolden(parameter.grad!, fixture.tensor(at), near(at), `gradient of ${c.learned[i]}`);
      }
      for (const [i, value] of Object.values(module.stateDict()).entries())
        expectGolden(value, fixture.tensor(c.after[i]!), near(c.after[i]!), `${c.names[i]} after`);
    });
  }
});

test('a computed weight is learned, copied, saved, converted and left behind', () => {
  const layer = parametrizations.weightNorm(new nn.Linear(3, 2));
  const before = layer.weight.toArray();
  const optimizer = new optim.SGD(layer.parameters(), { lr: 0.5 });
  layer
    .forward(ones([4, 3]))
    .square()
    .sum()
    .backward();
  optimizer.step();
  expect(layer.weight.toArray()).not.toEqual(before);
  const twin = layer.clone();
  expect(twin.weight.toArray()).toEqual(layer.weight.toArray());
  noGrad(() => twin.getParameter('parametrizations.weight.original0').fill_(0));
  expect(twin.weight.abs().sum().item()).toBe(0);
  expect(layer.weight.toArray()).not.toEqual(twin.weight.toArray());
  twin.loadStateDict(layer.stateDict());
  expect(twin.weight.toArray()).toEqual(layer.weight.toArray());
  expect(twin.to('float64').weight.dtype).toBe('float64');
  const x = randn([5, 3]);
  const y = layer.forward(x).toArray();
  parametrize.removeParametrizations(layer, 'weight');
  expect(parametrize.isParametrized(layer)).toBe(false);
  expect(layer.weight).toBeInstanceOf(nn.Parameter);
  expect(layer.forward(x).toArray()).toEqual(y);
  expect(Object.keys(layer.stateDict())).toEqual(['bias', 'weight']);
  // The copy has its own.
  expect(parametrize.isParametrized(twin, 'weight')).toBe(true);
  // And it may be computed again.
  parametrizations.spectralNorm(layer);
  expect(Object.keys(layer.stateDict())[1]).toBe('parametrizations.weight.original');
});

test('several parametrizations follow each other, and an assignment goes back through them', () => {
  class Scale extends nn.Module {
    constructor(readonly factor: number) {
      super();
    }
    forward(x: Tensor): Tensor {
      return x.mul(this.factor);
    }
    rightInverse(y: Tensor): Tensor {
      return y.div(this.factor);
    }
  }
  const layer = new nn.Linear(2, 1);
  const { weight, bias } = layer;
  parametrize.registerParametrization(layer, 'weight', new Scale(2));
  expect(layer.getParameter('parametrizations.weight.original')).toBe(weight);
  parametrize.registerParametrization(layer, 'weight', new Scale(4));
  parametrize.registerParametrization(layer, 'bias', new Scale(0.5));
  (layer as { weight: Tensor }).weight = tensor([[8, 16]]);
  expect([weight.toArray(), layer.weight.toArray()]).toEqual([[[1, 2]], [[8, 16]]]);
  parametrize.removeParametrizations(layer, 'bias', { leaveParametrized: false });
  expect(layer.bias).toBe(bias);
  parametrize.removeParametrizations(layer, 'weight');
  expect(layer.weight).toBe(weight);
  expect(weight.toArray()).toEqual([[8, 16]]);
});

test('recurrent layers and evaluation', () => {
  const rnn = parametrizations.weightNorm(new nn.RNN(2, 3), { name: 'weight_hh_l0' });
  expect(rnn.forward(ones([4, 1, 2]))[0].shape).toEqual([4, 1, 3]);
  const layer = parametrizations.spectralNorm(new nn.Linear(4, 3)).eval();
  expect(layer.weight.toArray()).toEqual(layer.weight.toArray());
  const singular = layer.weight.detach();
  // After 15 steps it is near: the largest singular value is at most 1 then.
  expect(singular.matmul(singular.transpose()).trace().item()).toBeGreaterThan(0.5);
});

test('a frozen parameter stays frozen', () => {
  const layer = new nn.Linear(2, 2).requiresGrad_(false);
  parametrizations.weightNorm(layer);
  expect([...layer.parameters()].some(({ requiresGrad }) => requiresGrad)).toBe(false);
  parametrize.removeParametrizations(layer, 'weight');
  expect(layer.weight.requiresGrad).toBe(false);
});

test('what is computed must fit, and nothing is changed if it does not', () => {
  class Wrong extends nn.Module {
    forward(x: Tensor): Tensor {
      return x.sum();
    }
  }
  const layer = new nn.Linear(2, 2);
  const register = () => parametrize.registerParametrization(layer, 'weight', new Wrong());
  expectError(register, 'ERR_SHAPE', '[registerParametrization] weight');
  expect(Object.keys(layer.stateDict())).toEqual(['weight', 'bias']);
});
