/** Optimizers over parameters that are frozen, and over a module whose dtype changes. */
import { arange, nn, ones, optim, type Tensor, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

type Make = (params: Iterable<Tensor>) => optim.Optimizer<never>;

const optimizers: readonly [string, Make][] = [
  ['SGD', (params) => new optim.SGD(params, { lr: 0.1, momentum: 0.9 })],
  ['Adam', (params) => new optim.Adam(params, { lr: 0.1, amsgrad: true })],
  ['Adagrad', (params) => new optim.Adagrad(params, { lr: 0.1, initialAccumulatorValue: 0.5 })],
  ['Rprop', (params) => new optim.Rprop(params, { lr: 0.1 })],
  ['LBFGS', (params) => new optim.LBFGS(params, { lr: 0.1, maxIter: 2 })],
] as const;

/** Two parameters, the second one transposed in memory. */
function parameters(): [Tensor, Tensor] {
  return [tensor([1, 2]), arange(6).reshape([3, 2]).transpose().detach()];
}

/** One step down the sum of squares of what is learned. */
function descend(optimizer: optim.Optimizer<never>, list: readonly Tensor[]): void {
  optimizer.step(() => {
    optimizer.zeroGrad();
    const [first, ...rest] = list.map((t) => t.square().sum());
    const loss = rest.reduce((sum, term) => sum.add(term), first as Tensor);
    if (loss.requiresGrad) loss.backward();
    return loss;
  });
}

const values = (list: readonly Tensor[]) => list.map((t) => t.toArray());

describe.each(optimizers)('%s', (_, make) => {
  test('leaves frozen parameters as they are, and learns them when they are not', () => {
    const list = parameters();
    (list[0] as Tensor).requiresGrad = true;
    const optimizer = make(list);
    const before = values(list);
    descend(optimizer, list);
    expect(values(list)[1]).toEqual(before[1]);
    expect(values(list)[0]).not.toEqual(before[0]);
    if (optimizer instanceof optim.LBFGS) return;
    expect(Object.keys(optimizer.stateDict()).filter((k) => k.startsWith('state.1.'))).toEqual([]);
    // What is thawed is stepped as the parameters of an optimizer of its own.
    const alone = parameters();
    alone[1].requiresGrad = true;
    const reference = make([alone[1]]);
    list[1].requiresGrad = true;
    for (let step = 0; step < 3; step++) {
      descend(optimizer, list);
      descend(reference, [alone[1]]);
    }
    expect(list[1].toArray()).toEqual(alone[1].toArray());
    const state = optimizer.stateDict();
    for (const [name, value] of Object.entries(reference.stateDict())) {
      if (!name.startsWith('state.')) continue;
      expect(state[name.replace('state.0.', 'state.1.')]?.toArray()).toEqual(value.toArray());
    }
    // A state goes to parameters that are frozen as yet.
    const other = parameters();
    const heir = make(other);
    heir.loadStateDict(state);
    expect(values(Object.values(heir.stateDict()))).toEqual(values(Object.values(state)));
  });

  test("follows a module's dtype with its state", () => {
    const learn = (from: 'float32' | 'float64', to: 'float32' | 'float64'): number[] => {
      const layer = new nn.Linear(3, 2);
      layer.loadStateDict({
        weight: arange(6).reshape([2, 3]).div(8),
        bias: tensor([0.5, -1]),
      });
      layer.to(from);
      const optimizer = make(layer.parameters());
      const list = [...layer.parameters()];
      for (let step = 0; step < 3; step++) descend(optimizer, list);
      layer.to(to);
      for (let step = 0; step < 3; step++) descend(optimizer, list);
      expect(list.map(({ dtype }) => dtype)).toEqual([to, to]);
      for (const [name, { dtype, ndim }] of Object.entries(optimizer.stateDict()))
        if (ndim > 0) expect([name, dtype]).toEqual([name, to]);
      return list.flatMap((t) => t.flatten().toArray() as number[]);
    };
    const wanted = learn('float64', 'float64');
    for (const [from, to] of [
      ['float32', 'float64'],
      ['float64', 'float32'],
    ] as const) {
      // Each of 6 steps rounds values below 1 once or twice; LBFGS divides by sums of products.
      for (const [i, value] of learn(from, to).entries())
        expect(Math.abs(value - (wanted[i] as number))).toBeLessThan(64 * 2 ** -23);
    }
  });
});

test('a frozen parameter may be of any dtype until it gets a gradient', () => {
  const frozen = ones([2], { dtype: 'bfloat16' });
  const whole = ones([2], { dtype: 'int64' });
  const optimizer = new optim.Adam([frozen, whole, ones([1], { requiresGrad: true })]);
  optimizer.step();
  frozen.requiresGrad = true;
  frozen.grad = ones([2], { dtype: 'bfloat16' });
  expectError(() => optimizer.step(), 'ERR_DTYPE', '[optim] parameters are float32 or float64');
});

test('a result of an operation is refused in words that help', () => {
  const w = ones([2], { requiresGrad: true });
  expectError(() => new optim.SGD([w.mul(2)]), 'ERR_ARGUMENT', 'leaf');
  expectError(() => new optim.SGD([{ params: [5] }] as never), 'ERR_ARGUMENT', 'tensors, not 5');
});

test('a module in bfloat16 gets no steps', () => {
  const layer = new nn.Linear(2, 1);
  const optimizer = new optim.Adam(layer.parameters());
  layer.to('bfloat16');
  layer.weight.grad = ones([1, 2], { dtype: 'bfloat16' });
  expectError(() => optimizer.step(), 'ERR_DTYPE', "to('bfloat16')");
});

test('averages follow a module whose dtype changed', () => {
  const layer = new nn.Linear(2, 1, { bias: false });
  layer.loadStateDict({ weight: tensor([[1, 2]]) });
  const averaged = new optim.AveragedModel(layer);
  averaged.update();
  layer.to('float64').loadStateDict({ weight: tensor([[3, 4]]) });
  averaged.update();
  expect(averaged.stateDict()['module.weight']?.toArray()).toEqual([[2, 3]]);
  averaged.apply();
  expect(layer.weight.toArray()).toEqual([[2, 3]]);
});
