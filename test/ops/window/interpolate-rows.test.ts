import {
  getNumThreads,
  interpolate,
  rand,
  setNumThreads,
  setSimdLevel,
  tensor,
  zeros,
} from 'tilegrad';
import { afterAll, describe, expect, test } from 'vitest';
import { restoreSettings, settings } from '../../helpers/settings.js';

restoreSettings();

const atFirst = getNumThreads();
afterAll(() => setNumThreads(atFirst));

/** Lines that threads cut in the middle, and results beyond a block of indices. */
test.each([1, 2, 3])('lines of two taps each, by %i threads', (threads) => {
  setNumThreads(threads);
  const [lines, n, size] = [37, 401, 1203];
  const numbers = Array.from({ length: lines * n }, (_, i) => Math.sin(i));
  const x = tensor(numbers, { dtype: 'float64' }).reshape([1, lines, n]);
  const wanted = Array.from({ length: lines }, (_, line) =>
    Array.from({ length: size }, (_, o) => {
      const at = Math.max(0, ((o + 0.5) * n) / size - 0.5);
      const first = Math.floor(at);
      const second = Math.min(first + 1, n - 1);
      const weight = at - first;
      const value = (i: number) => numbers[line * n + i] as number;
      return value(first) * (1 - weight) + value(second) * weight;
    }),
  );
  const y = interpolate(x, { size: [size], mode: 'linear' });
  const [found] = y.toArray() as number[][][];
  found?.forEach((line, i) => {
    for (const [o, value] of line.entries())
      expect(value).toBeCloseTo(wanted[i]?.[o] as number, 12);
  });
  const near = interpolate(x, { size: [size], mode: 'nearest' });
  const [copied] = near.toArray() as number[][][];
  copied?.forEach((line, i) => {
    const at = (o: number) => Math.floor((o * n) / size);
    expect(line).toEqual(line.map((_, o) => numbers[i * n + at(o)]));
  });
});

/** Places that are near each other are looked up for many lines at once, and one by one for one line. */
describe.each(settings)('%s, %i threads', (level, threads) => {
  test.each(['float32', 'float64'] as const)(
    'lines have the bits of each by itself, %s',
    (dtype) => {
      setSimdLevel(level);
      setNumThreads(threads);
      for (const [n, size] of [
        [15, 40],
        [16, 16],
        [16, 33],
        [17, 50],
        [20, 15],
        [40, 80],
        [64, 29],
        [100, 700],
        [400, 401],
        [400, 30],
      ] as const) {
        const x = rand([1, 40, n + 1], { dtype }).slice([null, null, '1:']);
        x.set(0, 3, '2:5', tensor([Number.NaN, Infinity, -0], { dtype }));
        for (const mode of ['nearest', 'linear'] as const) {
          for (const lines of [11, 12, 40]) {
            const all = interpolate(x.slice([null, `0:${lines}`]), { size: [size], mode });
            for (const line of [0, 3, 7, lines - 1]) {
              const alone = interpolate(x.slice([null, [line, line + 1]]), { size: [size], mode });
              expect(all.slice([null, [line, line + 1]]).toArray()).toEqual(alone.toArray());
            }
          }
        }
      }
    },
  );
});

/** Places at equal distances are a slice: values and gradients are those of the definition. */
describe('nearest places at equal distances', () => {
  test.each(['float32', 'float64'] as const)('%s', (dtype) => {
    for (const [h, w, sizes] of [
      [8, 8, [4, 4]],
      [9, 7, [4, 3]],
      [9, 9, [3, 3]],
      [6, 5, [2, 10]],
      [5, 6, [10, 3]],
      [4, 12, [4, 3]],
      [7, 6, [1, 1]],
      [5, 7, [3, 7]],
      [10, 10, [7, 5]],
    ] as const) {
      for (const mode of ['nearest', 'nearest-exact'] as const) {
        const shift = mode === 'nearest' ? 0 : 0.5;
        const [rows, columns] = [
          [h, sizes[0]],
          [w, sizes[1]],
        ].map(([n, out]) =>
          Array.from({ length: out as number }, (_, o) =>
            Math.floor(Math.fround(Math.fround(o + shift) * Math.fround(n! / out!))),
          ),
        ) as [number[], number[]];
        const wide = rand([2, 3, h, w + 1], { dtype });
        wide.set(0, 0, 0, '0:3', tensor([-0, Number.NaN, -Infinity], { dtype }));
        const x = wide.slice([null, null, null, '1:']).requiresGrad_();
        const y = interpolate(x, { size: [...sizes], mode });
        const wanted = x
          .detach()
          .indexSelect(2, tensor(rows, { dtype: 'int32' }))
          .indexSelect(3, tensor(columns, { dtype: 'int32' }));
        expect(y.isContiguous).toBe(true);
        expect(y.toArray()).toEqual(wanted.toArray());
        const g = rand(y.shape, { dtype });
        y.backward(g);
        const gradient = zeros(x.shape, { dtype });
        for (const [i, row] of rows.entries()) {
          for (const [j, column] of columns.entries()) {
            const place = gradient.slice([null, null, row, column]);
            place.add_(g.slice([null, null, i, j]));
          }
        }
        if (sizes[0] <= h && sizes[1] <= w) {
          expect(x.grad?.toArray()).toEqual(gradient.toArray());
        } else {
          expect(x.grad?.sub(gradient).abs().max().item()).toBeLessThan(1e-6);
        }
        // The result has elements of its own.
        const before = y.detach().clone();
        wide.fill_(0);
        expect(y.toArray()).toEqual(before.toArray());
      }
    }
  });

  test('by a factor that leaves places over', () => {
    const x = tensor([[[0, 1, 2, 3, 4, 5, 6]]]);
    const every = (scaleFactor: number) => interpolate(x, { scaleFactor }).toArray();
    expect(every(0.5)).toEqual([[[0, 2, 4]]]);
    expect(every(1 / 3)).toEqual([[[0, 3]]]);
    expect(every(0.2)).toEqual([[[0]]]);
  });
});
