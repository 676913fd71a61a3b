import {
  addcmul,
  arange,
  full,
  Generator,
  noGrad,
  normal,
  ones,
  rand,
  randn,
  slice,
  type Tensor,
  tensor,
  uniform,
  zeros,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { expectError } from '../../helpers/errors.js';

type Change = (x: Tensor, other: Tensor) => Tensor;

/** What is changed in place, and the same by an operation that makes a new tensor. */
const changes: [string, Change, Change][] = [
  ['add_', (x, o) => x.add_(o), (x, o) => x.add(o)],
  ['add_ alpha', (x, o) => x.add_(o, { alpha: -3 }), (x, o) => x.add(o.mul(-3))],
  ['sub_', (x, o) => x.sub_(o), (x, o) => x.sub(o)],
  ['sub_ alpha', (x, o) => x.sub_(o, { alpha: 2 }), (x, o) => x.sub(o.mul(2))],
  ['mul_', (x, o) => x.mul_(o), (x, o) => x.mul(o)],
  ['div_', (x, o) => x.div_(o), (x, o) => x.div(o)],
  ['copy_', (x, o) => x.copy_(o), (x, o) => o.expand(x.shape)],
  ['clamp_', (x, o) => x.clamp_({ min: o }), (x, o) => x.clamp({ min: o })],
  ['fill_', (x) => x.fill_(-2.5), (x) => full(x.shape, -2.5)],
  ['zero_', (x) => x.zero_(), (x) => zeros(x.shape)],
];

const layouts: [string, (shape: number[], dtype: 'float32' | 'float64') => Tensor][] = [
  ['contiguous', (shape, dtype) => randn(shape, { dtype })],
  ['transposed', ([m, n], dtype) => randn([n!, m!], { dtype }).transpose()],
  ['every second', ([m, n], dtype) => slice(randn([m!, 2 * n! + 1], { dtype }), [null, '1::2'])],
];

describe.each(changes)('%s', (_, change, reference) => {
  test.each(layouts)('%s: is what the operation gives', (_, make) => {
    for (const dtype of ['float32', 'float64'] as const) {
      for (const n of [0, 1, 3, 16, 33, 100]) {
        const others = [randn([2, n], { dtype }), randn([n], { dtype }), randn([2, 1], { dtype })];
        others.push(tensor(1.75, { dtype }), randn([n, 2], { dtype }).transpose());
        for (const other of others) {
          const x = make([2, n], dtype);
          const { version } = x.storage;
          const wanted = reference(x, other).to(dtype).toArray();
          expect(change(x, other)).toBe(x);
          expect(x.toArray()).toEqual(wanted);
          expect(x.storage.version).toBeGreaterThan(version);
        }
      }
    }
  });

  test('leaves the rest of the memory alone, and is not recorded', () => {
    const whole = arange(20);
    const part = slice(whole, ['5:15:3']);
    change(part, tensor([2, 3, 4, 5]));
    const untouched = [0, 1, 2, 3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 17, 18, 19];
    expect(untouched.map((i) => whole.data[i])).toEqual(untouched);
    const leaf = ones([4], { requiresGrad: true });
    noGrad(() => change(leaf, tensor([2, 3, 4, 5])));
    expect(leaf.isLeaf && leaf.requiresGrad).toBe(true);
  });

  test('reads all of its own memory before it changes', () => {
    for (const other of [(x: Tensor) => x.slice(['::-1']), (x: Tensor) => x.slice([[1, 9]])]) {
      const x = arange(10).add(1);
      const target = x.slice([[0, 8]]);
      const source = other(x).slice([[0, 8]]);
      const wanted = reference(target.clone(), source.clone()).toArray();
      expect(change(target, source).toArray()).toEqual(wanted);
    }
    // What is written first is read later, whichever way kernels go.
    for (const n of [9, 100, 3001]) {
      for (const [to, from] of [
        [0, 1],
        [1, 0],
        [5, 0],
      ] as const) {
        const x = arange(n + 5).add(1);
        const [target, source] = [to, from].map((at) => x.slice([[at, at + n]])) as [
          Tensor,
          Tensor,
        ];
        const wanted = reference(target.clone(), source.clone()).toArray();
        expect(change(target, source).toArray()).toEqual(wanted);
      }
    }
    for (const x of [randn([3, 3]), randn([40, 40])]) {
      const turned = x.transpose();
      const wanted = [x, turned].map((source) => reference(x.clone(), source.clone()).toArray());
      expect(change(x.clone(), x).toArray()).toEqual(wanted[0]);
      const other = x.clone();
      expect(change(other, other).toArray()).toEqual(wanted[0]);
      expect(change(x, turned).toArray()).toEqual(wanted[1]);
    }
  });
});

test('other dtypes keep the dtype of what is changed', () => {
  const x = tensor([1, 2], { dtype: 'int32' });
  expect(
    x
      .add_(1)
      .mul_(3)
      .sub_(tensor([1, 0], { dtype: 'int8' }))
      .toArray(),
  ).toEqual([5, 9]);
  expect(x.dtype).toBe('int32');
  expect(tensor([1, 2]).add_(tensor([1, 2], { dtype: 'float64' })).dtype).toBe('float32');
  expect(tensor([100], { dtype: 'int8' }).add_(100).toArray()).toEqual([-56]);
  expect(tensor([true, false]).fill_(3).toArray()).toEqual([true, true]);
  expect(
    tensor([0], { dtype: 'bfloat16' })
      .copy_(tensor([1.5]))
      .toArray(),
  ).toEqual([1.5]);
  expect(
    tensor([1, 2], { dtype: 'int32' })
      .copy_(tensor([2.75, -2.75]))
      .toArray(),
  ).toEqual([2, -2]);
  expect(tensor([-1, 9], { dtype: 'int32' }).clamp_({ min: 0, max: 5 }).toArray()).toEqual([0, 5]);
});

test('random numbers are those of the functions', () => {
  const wanted = {
    normal: normal(3, 2, [40], { generator: new Generator(7) }).toArray(),
    uniform: uniform(-1, 4, [40], { generator: new Generator(7) }).toArray(),
  };
  const x = zeros([10, 4]);
  expect(
    x
      .normal_(3, 2, { generator: new Generator(7) })
      .flatten()
      .toArray(),
  ).toEqual(wanted.normal);
  expect(
    x
      .uniform_(-1, 4, { generator: new Generator(7) })
      .flatten()
      .toArray(),
  ).toEqual(wanted.uniform);
  const turned = rand([4, 10]).transpose();
  expect(
    turned
      .normal_(3, 2, { generator: new Generator(7) })
      .flatten()
      .toArray(),
  ).toEqual(wanted.normal);
});

test('a weight that was packed for products is packed again', () => {
  const [a, b] = [randn([64, 64]), randn([64, 64])];
  const before = a.matmul(b).toArray();
  b.mul_(2);
  expect(a.matmul(b).toArray()).not.toEqual(before);
  expect(a.matmul(b).toArray()).toEqual(a.matmul(b.clone()).toArray());
});

test('while gradients are recorded only tensors without any are changed', () => {
  const w = ones([3], { requiresGrad: true });
  const y = w.mul(2);
  expectError(() => y.add_(1), 'ERR_STATE', 'a result of mul');
  expectError(() => zeros([3]).add_(w), 'ERR_STATE', 'lose the gradient');
  const buffer = zeros([3]);
  buffer.add_(y.detach());
  addcmul(w, buffer, buffer).sum().backward();
  expect(w.grad?.toArray()).toEqual([1, 1, 1]);
  noGrad(() => w.sub_(w.grad as Tensor, { alpha: 0.5 }));
  expect(w.toArray()).toEqual([0.5, 0.5, 0.5]);
});
