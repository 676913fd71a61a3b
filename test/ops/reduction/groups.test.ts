/** Reductions over dimensions that do not lie beside each other, whose results do. */
import * as tilegrad from 'tilegrad';
import {
  Generator,
  randn,
  setNumThreads,
  setSimdLevel,
  simdLevels,
  type Tensor,
  tensor,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { restoreSettings } from '../../helpers/settings.js';

restoreSettings();

const generator = new Generator(11);

type Size = [number, number, number, number];

/** Sizes of the dimensions 0 and 2, which are reduced, and of 1 and 3. */
const sizes = [
  ...[
    [2, 3, 2, 5],
    [1, 4, 3, 17],
    [3, 2, 1, 64],
    [7, 1, 5, 257],
    [2, 2, 300, 3],
  ],
  ...[
    [300, 2, 2, 9],
    [129, 1, 3, 1],
    [128, 3, 2, 130],
  ],
] as Size[];

const of = { dim: [0, 2] };
const reductions: Record<string, readonly [(x: Tensor) => Tensor, (values: number[]) => number]> = {
  sum: [(x) => x.sum(of), (v) => v.reduce((a, b) => a + b)],
  mean: [(x) => x.mean(of), (v) => v.reduce((a, b) => a + b) / v.length],
  amax: [(x) => x.amax(of), (v) => Math.max(...v)],
  amin: [(x) => x.amin(of), (v) => Math.min(...v)],
  norm: [(x) => tilegrad.norm(x, { p: 2, ...of }), (v) => Math.hypot(...v)],
  nansum: [(x) => tilegrad.nansum(x, of), (v) => v.reduce((a, b) => a + b)],
  logsumexp: [
    (x) => tilegrad.logsumexp(x, of),
    (v) => Math.log(v.reduce((a, b) => a + Math.exp(b), 0)),
  ],
  variance: [
    (x) => tilegrad.variance(x, { ...of, correction: 0 }),
    (v) => {
      const mean = v.reduce((a, b) => a + b) / v.length;
      return v.reduce((a, b) => a + (b - mean) ** 2, 0) / v.length;
    },
  ],
};

/** The values of each result, in order. */
function valuesOf(x: Tensor): number[][] {
  const [a, k, b, m] = x.shape as [number, number, number, number];
  const all = x.toArray() as number[][][][];
  return Array.from({ length: k * m }, (_, r) =>
    Array.from({ length: a * b }, (_, i) => {
      return all[Math.floor(i / b)]?.[Math.floor(r / m)]?.[i % b]?.[r % m] as number;
    }),
  );
}

describe.each(Object.entries(reductions))('%s', (_, [reduce, expected]) => {
  test.each(sizes)('of %d x (%d) x %d x (%d)', (...shape) => {
    // A part of a larger tensor, in which rows and groups lie apart.
    const wide = shape.with(1, shape[1] + 1).with(3, shape[3] + 3);
    const all = randn(wide, { dtype: 'float64', generator });
    const x = all.slice([null, [1, null], null, [2, 2 + shape[3]]]);
    const terms = shape[0] * shape[2];
    const results = reduce(x).flatten().toArray() as number[];
    const single = reduce(x.to('float32')).flatten().toArray() as number[];
    valuesOf(x).forEach((values, i) => {
      const largest = Math.max(...values.map(Math.abs));
      const scale = Math.max(1, largest ** 2);
      expect(Math.abs((results[i] as number) - expected(values))).toBeLessThan(
        (terms + 8) * 2 ** -52 * scale,
      );
      const rounded = expected(values.map(Math.fround));
      expect(Math.abs((single[i] as number) - rounded)).toBeLessThan(
        (terms + 8) * 2 ** -23 * scale,
      );
    });
  });
});

test('integers', () => {
  const x = tensor(Int32Array.from({ length: 2 * 3 * 4 * 5 }, (_, i) => (i * 7919) % 101));
  const folded = x.reshape([2, 3, 4, 5]);
  const expected = valuesOf(folded).map((values) => values.reduce((a, b) => a + b));
  expect(
    folded
      .sum({ dim: [0, 2] })
      .flatten()
      .toArray(),
  ).toEqual(expected);
});

test('the same bits on any number of threads, whose pieces are groups of rows', () => {
  const x = randn([300, 2, 40, 32], { generator }).slice([null, [0, 1]]);
  const bits = simdLevels().flatMap((level) => {
    setSimdLevel(level);
    return [1, 2, 3].map((threads) => {
      setNumThreads(threads);
      return [...new Int32Array(x.sum({ dim: [0, 2] }).data.slice().buffer)];
    });
  });
  for (const other of bits) expect(other).toEqual(bits[0]);
});
