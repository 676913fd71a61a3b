/** Losses of differences: sums that write no losses out, and gradients in one pass, beside compositions. */
import {
  grad,
  huberLoss,
  l1Loss,
  mseLoss,
  smoothL1Loss,
  type Tensor,
  tensor,
  zeros,
} from 'tilegrad';
import { getNumThreads, setNumThreads } from 'tilegrad/native/settings.js';
import { afterEach, describe, expect, test } from 'vitest';
import { generator } from '../../helpers/generator.js';

const threadsBefore = getNumThreads();
afterEach(() => setNumThreads(threadsBefore));

const losses = {
  mseLoss,
  l1Loss,
  huberLoss: (x: Tensor, y: Tensor, o: object) => huberLoss(x, y, { delta: 0.7, ...o }),
  smoothL1Loss: (x: Tensor, y: Tensor, o: object) => smoothL1Loss(x, y, { beta: 0.7, ...o }),
  'smoothL1Loss beta 0': (x: Tensor, y: Tensor, o: object) => smoothL1Loss(x, y, { beta: 0, ...o }),
};

describe.each(Object.entries(losses))('%s', (name, loss) => {
  test.each(['float32', 'float64'] as const)('%s: the sum and mean of the losses', (dtype) => {
    for (const n of [0, 1, 7, 15, 16, 17, 63, 65, 4095, 4096, 4097, 70001]) {
      const random = generator(n);
      const make = () =>
        tensor(
          Array.from({ length: n + 3 }, () => 2 * random() - 1),
          { dtype },
        );
      const [a, b] = [make(), make()];
      for (const threads of [1, 2]) {
        setNumThreads(threads);
        // Not aligned to a vector, each in its own way.
        const [x, y] = [a.slice([[1, n + 1]]), b.slice([[3, n + 3]])];
        const each = loss(x, y, { reduction: 'none' });
        expect(each.shape).toEqual([n]);
        expect(loss(x, y, { reduction: 'sum' }).item()).toBe(each.sum().item());
        expect(loss(x, y, { reduction: 'mean' }).item()).toBe(each.mean().item());
      }
    }
  });

  test('of operands that lie in another order', () => {
    const random = generator(5);
    const make = () => tensor(Array.from({ length: 12 }, random)).reshape([3, 4]);
    const [x, y] = [make(), make()];
    const other = loss(x.T, y.T, { reduction: 'none' });
    expect(other.T.toArray()).toEqual(loss(x, y, { reduction: 'none' }).toArray());
    const [sum, total] = [loss(x.T, y.T, { reduction: 'sum' }), other.sum()];
    expect(sum.item()).toBe(total.item());
  });

  test('differences that are NaN, infinite, or at the ends', () => {
    const d = [Number.NaN, Infinity, -Infinity, 0, -0, 0.7, -0.7, 1e-45, 3e38];
    const x = tensor(d);
    const y = zeros([d.length]);
    const got = loss(x, y, { reduction: 'none' }).toArray() as number[];
    const expected = d.map((value) => {
      const size = Math.abs(value);
      if (name === 'mseLoss') return Math.fround(Math.fround(value) ** 2);
      if (name === 'l1Loss' || name.endsWith('0')) return Math.fround(size);
      const scale = name === 'huberLoss' ? 1 : 1 / 0.7;
      return scale * (size < 0.7 ? size ** 2 / 2 : 0.7 * (size - 0.35));
    });
    for (const [i, value] of expected.entries()) {
      if (Number.isFinite(value)) expect(got[i]).toBeCloseTo(value, value > 1e9 ? -33 : 5);
      else expect(got[i]).toBe(value);
    }
  });

  test.each(['none', 'mean', 'sum'] as const)(
    '%s: the gradients are those of operations that record',
    (reduction) => {
      for (const n of [1, 17, 100]) {
        const random = generator(n);
        const make = () =>
          tensor(
            Array.from({ length: n * 3 }, () => 4 * random() - 2),
            { requiresGrad: true },
          );
        const [a, b] = [make(), make()];
        const turns = [(t: Tensor) => t, (t: Tensor) => t.reshape([n, 3]).T];
        for (const turn of turns) {
          const y = loss(turn(a), turn(b), { reduction });
          const total = (reduction === 'none' ? y.mul(y.detach()) : y).sum();
          const quick = grad(total, [a, b], { retainGraph: true });
          const recorded = grad(total, [a, b], { createGraph: true });
          expect(quick[0]?.toArray()).toEqual(recorded[0]?.toArray());
          expect(quick[1]?.toArray()).toEqual(recorded[1]?.toArray());
        }
      }
    },
  );
});
