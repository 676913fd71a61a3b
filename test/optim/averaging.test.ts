import { arange, nn, noGrad, ones, optim, type Tensor, tensor, tidy, zeros } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { epsilon, expectGolden, Fixture, type FloatType, largest } from '../golden.js';
import { expectError } from '../helpers/errors.js';

interface Case {
  dtype: FloatType;
  /** Null for the equal average. */
  decay: number | null;
  useBuffers: boolean;
  updates: { model: Record<string, number>; averaged: Record<string, number> }[];
}

const fixture = new Fixture<{ cases: Case[] }>('averaging');

class Model extends nn.Module {
  readonly weight: nn.Parameter;
  readonly bias: nn.Parameter;
  readonly mean: nn.Buffer;
  readonly count = new nn.Buffer(tensor(0, { dtype: 'int64' }));

  constructor(dtype: FloatType) {
    super();
    // As a linear layer's weight lies in memory.
    this.weight = new nn.Parameter(zeros([3, 5], { dtype }).transpose());
    this.bias = new nn.Parameter(zeros([5], { dtype }));
    this.mean = new nn.Buffer(zeros([4], { dtype }));
  }

  forward(x: Tensor): Tensor {
    return x;
  }
}

const load = (model: Model, stored: Record<string, number>): void => {
  for (const [name, value] of Object.entries(model.stateDict())) {
    const golden = fixture.tensor(stored[name]!);
    const values = golden.shape.length === 0 ? golden.data[0]! : [...golden.data];
    const source = tensor(values as never, { dtype: value.dtype }).reshape(golden.shape);
    noGrad(() => value.copy_(source));
  }
};

describe('averages as in PyTorch', () => {
  test.each(
    fixture.content.cases.map((c): [string, Case] => [
      `${c.dtype} decay ${c.decay} buffers ${c.useBuffers}`,
      c,
    ]),
  )('%s', (_, c) => {
    const model = new Model(c.dtype);
    const { decay, useBuffers } = c;
    const averaged =
      decay === null
        ? new optim.AveragedModel(model, { useBuffers })
        : new optim.ExponentialMovingAverage(model, { decay, useBuffers });
    for (const [i, update] of c.updates.entries()) {
      load(model, update.model);
      averaged.update();
      const state = averaged.stateDict();
      expect(Object.keys(state).sort()).toEqual(Object.keys(update.averaged).sort());
      for (const [name, stored] of Object.entries(update.averaged)) {
        const golden = fixture.tensor(stored);
        // A product and a sum, or a difference and a quotient: some roundings an update.
        const limit = 4 * (i + 1) * epsilon[c.dtype] * Math.max(1, largest(golden));
        expectGolden(state[name]!.to('float64'), golden, () => limit, `${name} after update ${i}`);
      }
    }
    expect(averaged.nAveraged).toBe(c.updates.length);
  });
});

test('weights of every layout, also parts of others, and of 16 bits', () => {
  const layouts: Tensor[] = [
    arange(6).reshape([2, 3]),
    arange(6).reshape([3, 2]).transpose(),
    arange(12)
      .reshape([2, 6])
      .slice([null, [0, null, 2]]),
    arange(6).reshape([2, 3]).to('bfloat16'),
  ];
  const averaged = new optim.ExponentialMovingAverage(layouts, { decay: 0.75 });
  averaged.update();
  const before = layouts.map((t) => t.to('float32').toArray() as number[][]);
  for (const t of layouts) t.copy_(ones([2, 3]).mul(8).to(t.dtype));
  tidy(() => averaged.update());
  const state = averaged.stateDict();
  for (const [i, rows] of before.entries()) {
    const want = rows.map((row) => row.map((value) => 0.75 * value + 0.25 * 8));
    expect(state[`module.${i}`]?.to('float32').toArray()).toEqual(want);
  }
});

test('apply and restore go there and back, to the bit, and in order only', () => {
  const model = new nn.Linear(3, 2);
  const ema = new optim.ExponentialMovingAverage(model, { decay: 0.5 });
  const values = () => Object.values(model.stateDict()).map((t) => t.toArray());
  const first = values();
  ema.update();
  noGrad(() => {
    for (const parameter of model.parameters()) parameter.mul_(3);
  });
  ema.update();
  const trained = values();
  expectError(() => ema.restore(), 'ERR_STATE', 'restore() follows apply()');
  ema.apply();
  expect(values()).not.toEqual(trained);
  expectError(() => ema.apply(), 'ERR_STATE', 'restore()');
  expectError(() => ema.update(), 'ERR_STATE', 'restore()');
  // 0.5 w + 0.5 * 3 w
  const halved = noGrad(() => Object.values(model.stateDict()).map((t) => t.mul(0.5).toArray()));
  expect(JSON.stringify(halved)).toEqual(JSON.stringify(first));
  // A forward pass sees the averages: nothing that was packed before is used.
  expect(model.forward(zeros([1, 3])).toArray()).toEqual([model.bias?.toArray()]);
  ema.restore();
  expect(values()).toEqual(trained);
});

test('a state goes on elsewhere', () => {
  const make = () => new nn.Linear(3, 2);
  const [a, b] = [make(), make()];
  const [x, y] = [new optim.AveragedModel(a), new optim.AveragedModel(b)];
  x.update();
  x.update();
  y.loadStateDict(x.stateDict());
  expect(y.nAveraged).toBe(2);
  b.loadStateDict(a.stateDict());
  noGrad(() => {
    for (const model of [a, b]) for (const parameter of model.parameters()) parameter.fill_(7);
  });
  x.update();
  y.update();
  const values = (average: optim.AveragedModel) =>
    Object.values(average.stateDict()).map((t) => t.toArray());
  expect(values(y)).toEqual(values(x));
  const good = x.stateDict();
  const { 'module.bias': _bias, ...withoutBias } = good;
  for (const [state, code, message] of [
    [null, 'ERR_ARGUMENT', '[loadStateDict]'],
    [withoutBias, 'ERR_ARGUMENT', 'missing: module.bias'],
    [{ ...good, more: tensor(1) }, 'ERR_ARGUMENT', 'unknown: more'],
    [{ ...good, 'module.bias': ones([3]) }, 'ERR_SHAPE', 'module.bias'],
  ] as const) {
    expectError(() => y.loadStateDict(state as never), code, message);
  }
  expect(values(y)).toEqual(values(x));
});
