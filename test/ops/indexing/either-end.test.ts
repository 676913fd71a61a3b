/** Places of a vector that count from either end: take and put, and their gradients. */
import { put, setNumThreads, setSimdLevel, type Tensor, take, tensor, zeros } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { generator } from '../../helpers/generator.js';
import { restoreSettings, settings } from '../../helpers/settings.js';

restoreSettings();

const random = generator(5);
const below = (n: number) => Math.floor(random() * n);
const indices = (n: number, size: number): number[] =>
  Array.from({ length: n }, () => below(2 * size) - size);
const numbers = (x: Tensor): number[] => x.to('float64').reshape([-1]).toArray() as number[];

describe.each(settings)('%s, %i threads', (level, threads) => {
  test.each(['float32', 'float64', 'int64', 'uint8'] as const)('of %s, around blocks', (dtype) => {
    setSimdLevel(level);
    setNumThreads(threads);
    const size = 90;
    const x = tensor(
      Array.from({ length: size }, (_, i) => i),
      { dtype },
    ).reshape([9, 10]);
    for (const n of [0, 1, 63, 64, 65, 255, 256, 257, 700, 70000]) {
      const list = indices(n, size);
      const places = list.map((i) => (i < 0 ? i + size : i));
      // Every second one of a longer list, too: an index with a step.
      const apart = tensor(
        list.flatMap((i) => [i, 0]),
        { dtype: 'int32' },
      );
      for (const index of [tensor(list, { dtype: 'int32' }), apart.slice(['::2'])]) {
        expect(numbers(take(x, index))).toEqual(places);
        const source = tensor(
          list.map((_, k) => k % 97),
          { dtype },
        );
        const wanted = Array.from({ length: size }, (_, i) => i);
        const added = [...wanted];
        places.forEach((place, k) => {
          wanted[place] = k % 97;
          added[place] = (added[place] as number) + (k % 97);
        });
        expect(numbers(put(x, index, source))).toEqual(wanted);
        const sums = put(x, index, source, { accumulate: true });
        expect(numbers(sums)).toEqual(added.map((v) => (dtype === 'uint8' ? v % 256 : v)));
      }
    }
    // One index for all of a stretched one.
    expect(numbers(take(x, tensor([-1]).to('int32').expand([40])))).toEqual(Array(40).fill(89));
  });

  test('an index outside is named, and nothing is written', () => {
    setSimdLevel(level);
    setNumThreads(threads);
    const x = zeros([4, 5]);
    for (const wrong of [20, -21, 2 ** 31 - 1, -(2 ** 31)]) {
      const index = tensor([...indices(300, 20), wrong, 500], { dtype: 'int32' });
      const message = `index ${wrong} is outside dimension 0 of size 20`;
      expect(() => take(x, index)).toThrow(`[take] ${message}`);
      expect(() => put(x, index, zeros([302]))).toThrow(`[put] ${message}`);
      expect(() => put(x, index, zeros([302]), { accumulate: true })).toThrow(`[put] ${message}`);
    }
    expect(() => take(zeros([0]), [-1])).toThrow('index -1 is outside dimension 0 of size 0');
    expect(numbers(x)).toEqual(Array(20).fill(0));
  });

  test('gradients add up at the places, from either end', () => {
    setSimdLevel(level);
    setNumThreads(threads);
    const x = tensor([1, 2, 3, 4]).requiresGrad_();
    const weights = tensor([1, 10, 100, 1000]);
    take(x, [-1, 3, 0, -4]).mul(weights).sum().backward();
    expect(x.grad?.toArray()).toEqual([1100, 0, 0, 11]);
    const [to, from] = [zeros([4]).requiresGrad_(), tensor([5, 6]).requiresGrad_()];
    put(to, [-1, 0], from).mul(weights).sum().backward();
    expect(to.grad?.toArray()).toEqual([0, 10, 100, 0]);
    expect(from.grad?.toArray()).toEqual([1000, 1]);
  });
});

test('an index that was changed in place before the gradient is an error, as of gather', () => {
  const x = tensor([1, 2, 3]).requiresGrad_();
  const index = tensor([0, -1], { dtype: 'int32' });
  const y = take(x, index).sum();
  index.set(0, 1);
  expect(() => y.backward()).toThrow(expect.objectContaining({ code: 'ERR_STATE' }));
});
