import { arange, ones, optim, type Tensor, type TypedArray, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

type Make = (params: Tensor[]) => optim.Optimizer<never>;
const optimizers: [string, Make][] = [
  ['SGD', (params) => new optim.SGD(params, { lr: 0.5 })],
  ['SGD with momentum', (params) => new optim.SGD(params, { lr: 0.5, momentum: 0.5 })],
  ['Adam', (params) => new optim.Adam(params, { lr: 0.5 })],
  ['AdamW', (params) => new optim.AdamW(params, { lr: 0.5, amsgrad: true })],
  ['Adamax', (params) => new optim.Adamax(params, { lr: 0.5 })],
  ['NAdam', (params) => new optim.NAdam(params, { lr: 0.5 })],
  ['RAdam', (params) => new optim.RAdam(params, { lr: 0.5 })],
  ['RMSprop', (params) => new optim.RMSprop(params, { centered: true, momentum: 0.5 })],
  ['Adagrad', (params) => new optim.Adagrad(params, { lr: 0.5 })],
  ['Adadelta', (params) => new optim.Adadelta(params)],
  ['Lion', (params) => new optim.Lion(params, { lr: 0.5 })],
  ['Rprop', (params) => new optim.Rprop(params)],
  ['ASGD', (params) => new optim.ASGD(params)],
];

/** 0 to 5 as [2, 3], lying in memory in different ways. */
const layouts: [string, () => Tensor][] = [
  ['row-major', () => arange(6).reshape([2, 3])],
  [
    'transposed',
    () =>
      tensor([
        [0, 3],
        [1, 4],
        [2, 5],
      ]).transpose(),
  ],
  [
    'every second of a row',
    () =>
      tensor([
        [0, 9, 1, 9, 2, 9],
        [3, 9, 4, 9, 5, 9],
      ]).slice([null, [0, null, 2]]),
  ],
  [
    'the middle of more',
    () =>
      tensor([
        [9, 9, 9],
        [0, 1, 2],
        [3, 4, 5],
        [9, 9, 9],
      ]).slice([[1, 3]]),
  ],
];
const weights = tensor([
  [1, -2, 3],
  [-4, 5, -6],
]);

/** Three steps down a loss that is different for each element. */
function trained(make: Make, parameter: Tensor): Tensor {
  parameter.requiresGrad = true;
  const optimizer = make([parameter]);
  for (let i = 0; i < 3; i++) {
    optimizer.zeroGrad();
    parameter.square().mul(weights).sum().backward();
    optimizer.step();
  }
  return parameter;
}

describe.each(optimizers)('%s', (_, make) => {
  const want = trained(make, arange(6).reshape([2, 3])).toArray();

  test.each(layouts)('steps a parameter that is %s as any other', (_, layout) => {
    const parameter = layout();
    const { storage } = parameter;
    const array = parameter.array as TypedArray;
    const before = Array.from(array.subarray(storage.offset, storage.offset + storage.length));
    expect(trained(make, parameter).toArray()).toEqual(want);
    // What else lies in its memory stays: the nines.
    const nines = [...before.entries()].filter(([, value]) => value === 9);
    for (const [i] of nines) expect(array[storage.offset + i]).toBe(9);
  });

  test('takes gradients that lie another way than their parameter', () => {
    const step = (grad: Tensor): unknown => {
      const parameter = arange(6).reshape([2, 3]);
      parameter.requiresGrad = true;
      parameter.grad = grad;
      make([parameter]).step();
      return parameter.toArray();
    };
    const plain = step(weights.clone());
    expect(step(tensor(weights.transpose().toArray() as number[][]).transpose())).toEqual(plain);
    expect(step(weights.unsqueeze(2).expand([2, 3, 2]).slice([null, null, 1]))).toEqual(plain);
    expect(step(tensor(2).expand([2, 3]))).toEqual(
      step(
        tensor([
          [2, 2, 2],
          [2, 2, 2],
        ]),
      ),
    );
  });

  test('leaves parameters without a gradient alone', () => {
    const parameter = ones([3], { requiresGrad: true });
    const other = ones([3], { requiresGrad: true });
    const optimizer = make([parameter, other]);
    other.sum().backward();
    optimizer.step();
    expect(parameter.toArray()).toEqual([1, 1, 1]);
    expect(other.toArray()).not.toEqual([1, 1, 1]);
    optimizer.zeroGrad();
    expect(other.grad).toBeNull();
  });

  test('reports a disposed parameter', () => {
    const parameter = ones([3], { requiresGrad: true });
    const optimizer = make([parameter]);
    parameter.sum().backward();
    parameter.dispose();
    expectError(() => optimizer.step(), 'ERR_DISPOSED', 'disposed');
  });
});

test('the learning rate of all groups can be read and set, and each of its own', () => {
  const [a, b] = [ones([1], { requiresGrad: true }), ones([1], { requiresGrad: true })];
  const groups = [{ params: [a] }, { params: [b], lr: 0.25 }];
  const optimizer = new optim.SGD(groups, { lr: 0.5 });
  a.add(b).sum().backward();
  optimizer.step();
  expect([a.item(), b.item()]).toEqual([0.5, 0.75]);
  expect(optimizer.groups.map(({ lr }) => lr)).toEqual([0.5, 0.25]);
  expect(optimizer.lr).toBe(0.5);
  optimizer.lr = 1;
  expect(optimizer.groups.map(({ lr }) => lr)).toEqual([1, 1]);
  optimizer.step();
  expect([a.item(), b.item()]).toEqual([-0.5, -0.25]);
});
