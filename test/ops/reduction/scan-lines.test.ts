/** Scans along lines that lie beside each other in memory only after they were turned into columns. */
import * as tilegrad from 'tilegrad';
import {
  cummax,
  cummin,
  logcumsumexp,
  setNumThreads,
  setSimdLevel,
  type Tensor,
  tensor,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { generator } from '../../helpers/generator.js';
import { restoreSettings, settings } from '../../helpers/settings.js';

restoreSettings();

const random = generator(23);
const below = (n: number) => Math.floor(random() * n);
const special = [0, -0, Number.NaN, Infinity, -Infinity, 1e-42, 2, 2];

/** Values with ties, and with NaN, infinities and zeros of both signs among them. */
const values = (n: number, floating: boolean): number[] =>
  Array.from({ length: n }, () =>
    floating && random() < 0.05 ? (special[below(special.length)] as number) : below(50) - 25,
  );

/** The last of the largest (smallest) values so far, NaN being both. */
function reference(line: readonly number[], most: boolean): { values: number[]; at: number[] } {
  let best = most ? -Infinity : Infinity;
  let place = 0;
  const result = { values: [] as number[], at: [] as number[] };
  line.forEach((value, i) => {
    if ((most ? value >= best : value <= best) || Number.isNaN(value)) [best, place] = [value, i];
    result.values.push(best);
    result.at.push(place);
  });
  return result;
}

/** Lines along the last dimension of a matrix as nested numbers. */
const rowsOf = (x: Tensor): number[][] =>
  (x
    .to('float64')
    .reshape([-1, x.shape.at(-1) as number])
    .toArray() as number[][]) ?? [];

function check(x: Tensor): void {
  for (const [f, most] of [
    [cummax, true],
    [cummin, false],
  ] as const) {
    const { values: found, indices } = f(x, -1);
    const wanted = rowsOf(x).map((line) => reference(line, most));
    expect(rowsOf(found)).toEqual(wanted.map((line) => line.values));
    expect(rowsOf(indices)).toEqual(wanted.map((line) => line.at));
  }
}

describe.each(settings)('%s, %i threads', (level, threads) => {
  test('extrema of so many lines, so long, of every type', () => {
    setSimdLevel(level);
    setNumThreads(threads);
    for (const dtype of ['float32', 'float64', 'int64', 'int32'] as const) {
      const draw = (lines: number, n: number) =>
        tensor(values(lines * n, dtype.startsWith('float')), { dtype }).reshape([lines, n]);
      // Around a tile of 16 lines, the fewest that one is made for, and its 64 steps.
      for (const lines of [1, 3, 11, 12, 13, 15, 16, 17, 28, 33]) {
        for (const n of [1, 5, 16, 63, 64, 65, 130]) check(draw(lines, n));
      }
      // Not contiguous along the line, or with lines at uneven distances; and for both threads.
      check(draw(40, 70).slice([null, '::2']));
      check(
        draw(3, 7 * 66)
          .reshape([3, 7, 66])
          .permute([1, 0, 2])
          .slice([null, ':2']),
      );
      check(draw(1, 33).expand([18, 33]));
      check(draw(80, 1000).slice([null, '1:']));
    }
  });

  test('logcumsumexp of a line is the same among others', () => {
    setSimdLevel(level);
    setNumThreads(threads);
    for (const dtype of ['float32', 'float64'] as const) {
      for (const [lines, n] of [
        [5, 64],
        [16, 65],
        [19, 130],
      ] as const) {
        const x = tilegrad.randn([lines, n], { dtype });
        const all = logcumsumexp(x, 1).toArray() as number[][];
        const spread = logcumsumexp(tilegrad.stack([x, x], -1).slice([null, null, 0]), 1);
        expect(spread.toArray()).toEqual(all);
        for (let i = 0; i < lines; i++) {
          expect(logcumsumexp(x.slice([i]), 0).toArray()).toEqual(all[i]);
          const sum = Math.log(
            (x.slice([i]).toArray() as number[]).reduce((s, v) => s + Math.exp(v), 0),
          );
          expect(all[i]?.at(-1)).toBeCloseTo(sum, dtype === 'float32' ? 4 : 10);
        }
      }
    }
  });
});
