import fc from 'fast-check';
import {
  arange,
  kFold,
  ones,
  randomSplit,
  StandardScaler,
  stack,
  type Tensor,
  tensor,
  trainTestSplit,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';

const numbers = (t: Tensor): number[] => t.toArray() as number[];
const inOrder = (values: number[]): number[] => [...values].sort((a, b) => a - b);
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('randomSplit', () => {
  test('has each row in one part, matching rows together, and the form of the data', () => {
    const x = stack([arange(10), arange(10).mul(2)], 1);
    const parts = randomSplit([x, arange(10)], [5, 3, 2], { seed: 4 });
    expect(parts.map(([a, b]) => [a.shape, b.shape])).toEqual([
      [[5, 2], [5]],
      [[3, 2], [3]],
      [[2, 2], [2]],
    ]);
    expect(inOrder(parts.flatMap(([, b]) => numbers(b)))).toEqual(range(10));
    for (const [a, b] of parts) expect(a.toArray()).toEqual(numbers(b).map((i) => [i, 2 * i]));
    const alone = randomSplit(arange(10), [10], { seed: 4 });
    expect(inOrder(numbers(alone[0]!))).toEqual(range(10));
    expect(numbers(alone[0]!)).not.toEqual(range(10));
  });

  test('rounds fractions down and gives what is left to the first parts, as PyTorch', () => {
    const sizes = (count: number, fractions: number[]) =>
      randomSplit(arange(count), fractions).map(({ numel }) => numel);
    // len of each part of torch.utils.data.random_split(range(count), fractions)
    expect(sizes(10, [0.25, 0.25, 0.5])).toEqual([3, 2, 5]);
    expect(sizes(11, [0.3, 0.3, 0.4])).toEqual([4, 3, 4]);
    expect(sizes(5, [0.1, 0.9])).toEqual([1, 4]);
    expect(sizes(3, [1])).toEqual([3]);
    expect(sizes(4, [0.5, 0, 0.5])).toEqual([2, 0, 2]);
  });

  test('depends on the seed alone', () => {
    const split = (seed: number) => randomSplit(arange(50), [25, 25], { seed }).map(numbers);
    expect(split(1)).toEqual(split(1));
    expect(split(1)).not.toEqual(split(2));
  });

  test('copies', () => {
    const x = arange(4);
    const [part] = randomSplit(x, [4]);
    x.fill_(9);
    expect(inOrder(numbers(part!))).toEqual([0, 1, 2, 3]);
  });
});

describe('trainTestSplit', () => {
  test('has each row in one set', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 60 }),
        fc.integer(),
        fc.boolean(),
        (count, seed, shuffle) => {
          const testSize = Math.max(1, Math.floor(count / 3));
          const { train, test } = trainTestSplit(arange(count), { testSize, seed, shuffle });
          expect(test.numel).toBe(testSize);
          const all = [...numbers(train), ...numbers(test)];
          expect(shuffle ? inOrder(all) : all).toEqual(range(count));
        },
      ),
      { numRuns: 30 },
    );
  });

  test('takes a quarter by default, rounded up', () => {
    const { train, test } = trainTestSplit([ones([9, 2]), arange(9)]);
    expect([...train, ...test].map(({ shape }) => shape)).toEqual([[6, 2], [6], [3, 2], [3]]);
  });
});

describe('kFold', () => {
  test('leaves each row out once, and trains with all others', () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 2, max: 40 })
          .chain((count) => fc.tuple(fc.constant(count), fc.integer({ min: 2, max: count }))),
        fc.integer(),
        fc.boolean(),
        ([count, folds], seed, shuffle) => {
          const all = kFold(count, { folds, seed, shuffle });
          expect(all).toHaveLength(folds);
          const validation = all.flatMap((fold) => numbers(fold.validation));
          expect(shuffle ? inOrder(validation) : validation).toEqual(range(count));
          const sizes = all.map((fold) => fold.validation.numel);
          expect(inOrder(sizes).reverse()).toEqual(sizes);
          expect(sizes[0]! - sizes.at(-1)!).toBeLessThanOrEqual(1);
          for (const fold of all) {
            const both = [...numbers(fold.train), ...numbers(fold.validation)];
            expect(inOrder(both)).toEqual(range(count));
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test('gives indices that select rows', () => {
    const [fold] = kFold(4, { folds: 4, shuffle: false });
    expect(arange(4).mul(10).indexSelect(0, fold!.train).toArray()).toEqual([10, 20, 30]);
  });
});

describe('StandardScaler', () => {
  test.each(['float32', 'float64'] as const)('brings features to scale and back, %s', (dtype) => {
    const x = tensor(
      [
        [1, -5, 7],
        [2, 0, 7],
        [6, 20, 7],
      ],
      { dtype },
    );
    const scaler = new StandardScaler(x);
    expect(numbers(scaler.mean)).toEqual([3, 5, 7]);
    const y = scaler.transform(x);
    expect(y.dtype).toBe(dtype);
    const eps = dtype === 'float32' ? 2 ** -23 : 2 ** -52;
    for (const m of numbers(y.mean({ dim: 0 }))) expect(Math.abs(m)).toBeLessThan(4 * eps);
    const stds = numbers(y.std({ dim: 0, correction: 0 }));
    expect(Math.abs(stds[0]! - 1)).toBeLessThan(4 * eps);
    expect(Math.abs(stds[1]! - 1)).toBeLessThan(4 * eps);
    expect(stds[2]).toBe(0); // a feature that never changes
    const back = scaler.inverseTransform(y).sub(x).abs().max().item();
    expect(back).toBeLessThan(32 * eps);
  });

  test('takes statistics from its own data, whatever is transformed', () => {
    const scaler = new StandardScaler(tensor([[0], [2]]));
    expect(scaler.transform(tensor([[4]])).toArray()).toEqual([[3]]);
  });

  test('lets gradients through', () => {
    const scaler = new StandardScaler(tensor([[0], [4]]));
    const x = tensor([[1]], { requiresGrad: true });
    scaler.transform(x).sum().backward();
    expect(x.grad!.item()).toBe(0.5);
  });
});
