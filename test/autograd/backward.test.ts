import {
  add,
  backward,
  linear,
  matmul,
  mseLoss,
  noGrad,
  ones,
  sum,
  type Tensor,
  tensor,
  zeros,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

const leaf = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { requiresGrad: true });
const gradOf = (t: Tensor) => t.grad?.toArray() ?? null;

describe('accumulation', () => {
  test('over two passes', () => {
    const x = leaf([1, 2]);
    x.mul(3).sum().backward();
    expect(gradOf(x)).toEqual([3, 3]);
    x.square().sum().backward();
    expect(gradOf(x)).toEqual([5, 7]);
    x.zeroGrad();
    expect(x.grad).toBeNull();
    x.sum().backward();
    expect(gradOf(x)).toEqual([1, 1]);
  });

  test('of a leaf that is used twice, and of a + a', () => {
    const x = leaf([1, 2]);
    x.mul(x).sum().backward();
    expect(gradOf(x)).toEqual([2, 4]);
    const y = leaf([1, 2]);
    y.add(y).sum().backward();
    expect(gradOf(y)).toEqual([2, 2]);
    const z = leaf([
      [1, 2],
      [3, 4],
    ]);
    z.matmul(z).sum().backward();
    // d/dZ of sum(Z Z): row sums of Z on each column, plus column sums of Z on each row.
    expect(gradOf(z)).toEqual([
      [3 + 4, 7 + 4],
      [3 + 6, 7 + 6],
    ]);
  });

  test('in a diamond waits for both branches', () => {
    const x = leaf([2]);
    const a = x.mul(3);
    const b = a.add(1);
    const c = a.square();
    b.mul(c).sum().backward();
    // (3x + 1) 9x^2, derivative 81x^2 + 18x
    expect(gradOf(x)).toEqual([81 * 4 + 18 * 2]);
  });

  test('in a ladder of diamonds goes through each node once', () => {
    const x = leaf([1]);
    let y: Tensor = x;
    for (let i = 0; i < 40; i++) y = y.add(y).mul(0.5);
    // Along every path it would take 2^40 steps.
    y.backward();
    expect(gradOf(x)).toEqual([1]);
  });

  test('through a chain of 50,000 operations', () => {
    const x = leaf([1]);
    let y: Tensor = x;
    for (let i = 0; i < 50_000; i++) y = y.neg();
    y.backward();
    expect(gradOf(x)).toEqual([1]);
  });

  test('reaches only leaves that the root depends on and that require gradients', () => {
    const x = leaf([1]);
    const other = leaf([1]);
    const constant = tensor([5]);
    x.mul(constant).sum().backward();
    expect([gradOf(x), gradOf(other), gradOf(constant)]).toEqual([[5], null, null]);
  });
});

describe('broadcasting', () => {
  test('sums the gradient over what was stretched', () => {
    const a = leaf([[1], [2]]);
    const b = leaf([10, 20, 30]);
    a.mul(b).sum().backward();
    expect(gradOf(a)).toEqual([[60], [60]]);
    expect(gradOf(b)).toEqual([3, 3, 3]);
    const scalar = leaf(2);
    ones([2, 3]).mul(scalar).sum().backward();
    expect(gradOf(scalar)).toBe(6);
    const kept = leaf([[[5]]]);
    ones([2, 3]).sub(kept).sum().backward();
    expect(gradOf(kept)).toEqual([[[-6]]]);
  });

  test('of nothing gives zeros', () => {
    const x = leaf([[1, 2]]);
    x.expand([0, 2]).mul(2).sum().backward();
    expect(gradOf(x)).toEqual([[0, 0]]);
    const y = leaf([3]);
    zeros([0]).add(y).sum().backward();
    expect(gradOf(y)).toEqual([0]);
  });
});

describe('views', () => {
  test('of views put the gradient where it belongs', () => {
    const x = leaf([
      [0, 1, 2],
      [3, 4, 5],
      [6, 7, 8],
    ]);
    // Columns 0 and 2 as rows, of them the last, of that the first two.
    const y = x
      .slice([null, [0, null, 2]])
      .transpose()
      .slice([-1])
      .slice([[0, 2]]);
    expect(y.toArray()).toEqual([2, 5]);
    y.mul(tensor([10, 20]))
      .sum()
      .backward();
    expect(gradOf(x)).toEqual([
      [0, 0, 10],
      [0, 0, 20],
      [0, 0, 0],
    ]);
  });

  test('that overlap add up', () => {
    const x = leaf([1, 2, 3]);
    x.slice([[0, 2]])
      .add(x.slice([[1, 3]]))
      .sum()
      .backward();
    expect(gradOf(x)).toEqual([1, 2, 1]);
  });

  test('all kinds after another', () => {
    const x = leaf([1, 2, 3, 4, 5, 6]);
    const y = x.reshape([2, 3]).transpose().unsqueeze(1).expand([3, 4, 2]).permute([2, 0, 1]);
    y.slice([0, null, [1, 3]])
      .flatten()
      .sum()
      .backward();
    expect(gradOf(x)).toEqual([2, 2, 2, 0, 0, 0]);
  });
});

describe('backward', () => {
  test('takes a gradient of the shape and dtype of the tensor', () => {
    const x = leaf([1, 2]);
    x.mul(2).backward(tensor([1, 10]));
    expect(gradOf(x)).toEqual([2, 20]);
    x.zeroGrad();
    backward(x.mul(2), tensor(3).expand([2]));
    expect(gradOf(x)).toEqual([6, 6]);
    x.zeroGrad();
    x.mul(2).backward(
      tensor([
        [1, 2],
        [3, 4],
      ]).slice([null, 1]),
    );
    expect(gradOf(x)).toEqual([4, 8]);
    expectError(() => x.mul(2).backward(), 'ERR_SHAPE', '[backward]');
    expectError(() => x.mul(2).backward(ones([3])), 'ERR_SHAPE', '[backward]');
    expectError(() => x.mul(2).backward(ones([1, 2])), 'ERR_SHAPE', '[backward]');
    const double = ones([2], { dtype: 'float64' });
    expectError(() => x.mul(2).backward(double), 'ERR_SHAPE', 'float64');
    expectError(() => x.mul(2).backward(1 as never), 'ERR_ARGUMENT', '[backward]');
  });

  test('of a leaf itself', () => {
    const x = leaf(3);
    x.backward();
    expect(gradOf(x)).toBe(1);
    x.backward(tensor(5));
    expect(gradOf(x)).toBe(6);
  });

  test('works for every shape with one element', () => {
    const x = leaf([[3]]);
    x.square().backward();
    expect(gradOf(x)).toEqual([[6]]);
  });

  test('frees the graph: a second time is an error, from any root', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    const loss = y.sum();
    loss.backward();
    expectError(() => loss.backward(), 'ERR_STATE', 'retainGraph');
    expectError(() => y.square().sum().backward(), 'ERR_STATE', 'mul');
    expect(gradOf(x)).toEqual([2, 2]);
  });

  test('goes through a retained graph as often as wanted', () => {
    const x = leaf([1, 2]);
    const loss = x.square().sum();
    loss.backward(undefined, { retainGraph: true });
    loss.backward(undefined, { retainGraph: true });
    loss.backward();
    expect(gradOf(x)).toEqual([6, 12]);
    expectError(() => loss.backward(), 'ERR_STATE', 'retainGraph');
  });

  test.each(['none', 'relu', 'sigmoid', 'tanh'] as const)(
    'through linear with %s twice, with one gradient whose values change in between',
    (activation) => {
      const x = leaf([[1, 2]]);
      const weight = leaf([
        [0.5, -0.25],
        [0.125, 1],
      ]);
      const y = linear(x, weight, null, { activation });
      const g = tensor([[1, 1]]);
      y.backward(g, { retainGraph: true });
      const once = (x.grad as Tensor).clone();
      x.zeroGrad();
      g.data.set([2, 2]);
      y.backward(g);
      expect(gradOf(x)).toEqual(once.mul(2).toArray());
    },
  );

  test('a rule that fails leaves nothing behind', () => {
    const x = leaf([1, 2]);
    const poisoned = tensor([1, 2]);
    const y = x.mul(poisoned);
    const loss = y.sum();
    poisoned.dispose();
    expectError(() => loss.backward(undefined, { retainGraph: true }), 'ERR_DISPOSED', 'disposed');
    expect(gradOf(x)).toBeNull();
    const z = x.mul(3).sum();
    z.backward();
    expect(gradOf(x)).toEqual([3, 3]);
  });

  test('needs something that requires gradients', () => {
    expectError(() => ones([1]).backward(), 'ERR_STATE', 'nothing here requires gradients');
    const x = leaf([1]);
    expectError(() => noGrad(() => x.mul(2)).backward(), 'ERR_STATE', 'nothing here');
    expectError(() => x.argmax().backward(), 'ERR_STATE', 'nothing here');
    expectError(() => x.to('int32').backward(), 'ERR_STATE', 'nothing here');
    expectError(
      () => backward(x.sum(), undefined, { retain: true } as object),
      'ERR_ARGUMENT',
      '"retain"',
    );
  });

  test('flows between dtypes', () => {
    const x = leaf([1, 2]);
    x.to('float64')
      .mul(tensor([0.5, 0.25], { dtype: 'float64' }))
      .sum()
      .backward();
    expect([x.grad?.dtype, gradOf(x)]).toEqual(['float32', [0.5, 0.25]]);
  });

  test('gives the gradients of functions as of methods', () => {
    const a = leaf([[1, 2]]);
    const b = leaf([[3], [4]]);
    sum(add(matmul(a, b), 1)).backward();
    expect([gradOf(a), gradOf(b)]).toEqual([[[3, 4]], [[1], [2]]]);
    const target = leaf([1, 1]);
    const input = leaf([2, 4]);
    mseLoss(input, target).backward();
    expect([gradOf(input), gradOf(target)]).toEqual([
      [1, 3],
      [-1, -3],
    ]);
  });
});

describe('grad', () => {
  test('can be set to what fits, and is then added to', () => {
    const x = leaf([1, 2]);
    const g = tensor([10, 20]);
    x.grad = g;
    x.sum().backward();
    expect(x.grad).toBe(g);
    expect(gradOf(x)).toEqual([11, 21]);
    x.zeroGrad();
    expect(g.toArray()).toEqual([11, 21]);
    x.grad = null;
    expect(x.grad).toBeNull();
  });

  test('rejects anything else', () => {
    const x = leaf([1, 2]);
    const set = (value: unknown) => () => {
      x.grad = value as Tensor;
    };
    expectError(set(ones([3])), 'ERR_SHAPE', '[grad]');
    expectError(set(ones([2], { dtype: 'float64' })), 'ERR_DTYPE', '[grad]');
    expectError(set(5), 'ERR_ARGUMENT', '[grad]');
    expectError(set(undefined), 'ERR_ARGUMENT', '[grad]');
    const y = x.mul(2);
    expectError(
      () => {
        y.grad = ones([2]);
      },
      'ERR_STATE',
      '[grad]',
    );
    expect(x.grad).toBeNull();
  });
});
