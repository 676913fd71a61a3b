/** Distances of all pairs and cross products against plain loops and their compositions. */
import {
  cdist,
  cross,
  Generator,
  grad,
  norm,
  randn,
  renorm,
  setNumThreads,
  setSimdLevel,
  simdLevels,
  type Tensor,
  tensor,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { restoreSettings } from '../../helpers/settings.js';

restoreSettings();

const generator = new Generator(8);
const numbers = (t: Tensor) => t.detach().flatten().toArray() as number[];

function expectClose(actual: Tensor, expected: Tensor, bound: number): void {
  expect(actual.shape).toEqual(expected.shape);
  const wanted = numbers(expected);
  const worst = numbers(actual).reduce((most, value, i) => {
    const exact = wanted[i] as number;
    const error = Math.abs(value - exact) / Math.max(1, Math.abs(exact));
    return Math.max(most, error);
  }, 0);
  expect(worst).toBeLessThan(bound);
}

const sizes: [m: number, n: number, k: number][] = [
  ...([
    [1, 1, 1],
    [3, 2, 5],
    [2, 17, 3],
  ] as [number, number, number][]),
  ...([
    [5, 255, 2],
    [2, 257, 4],
    [3, 600, 7],
    [9, 11, 70],
  ] as [number, number, number][]),
];

describe.each([0.5, 1, 1.5, 2, 3, Infinity])('cdist of order %d', (p) => {
  const options = { p, computeMode: 'donotUseMmForEuclidDist' } as const;

  test.each(sizes)('%d and %d vectors of %d', (m, n, k) => {
    const [a, b] = [
      [m, k],
      [n, k],
    ].map((shape) => randn(shape, { dtype: 'float64', generator })) as [Tensor, Tensor];
    for (const t of [a, b]) t.requiresGrad = true;
    const y = cdist(a, b, options);
    const composed = norm(a.unsqueeze(1).sub(b.unsqueeze(0)), { p, dim: -1 });
    expectClose(y, composed, 1e-13 * (k + 1));
    const g = randn(y.shape, { dtype: 'float64', generator });
    const expected = grad(composed, [a, b], { gradOutputs: g }) as Tensor[];
    const actual = grad(cdist(a, b, options), [a, b], { gradOutputs: g }) as Tensor[];
    const recorded = grad(y, [a, b], { gradOutputs: g, createGraph: true }) as Tensor[];
    expected.forEach((wanted, i) => {
      expectClose(actual[i] as Tensor, wanted, 1e-12 * (m + n));
      expectClose(recorded[i] as Tensor, wanted, 1e-12 * (m + n));
    });
    const [da] = grad(cdist(a, b.detach(), options), [a], { gradOutputs: g }) as [Tensor];
    expectClose(da, expected[0] as Tensor, 1e-12 * (m + n));
    const single = cdist(a.detach().to('float32'), b.detach().to('float32'), options);
    expectClose(single.to('float64'), composed, 2e-6 * (k + 4));
  });

  test('batches that broadcast, and views', () => {
    const a = randn([3, 1, 4, 5], { dtype: 'float64', generator }).transpose(-1, -2);
    const b = randn([2, 12, 4], { dtype: 'float64', generator }).slice([null, [0, null, 2]]);
    for (const t of [a, b]) t.requiresGrad = true;
    const y = cdist(a, b, options);
    expect(y.shape).toEqual([3, 2, 5, 6]);
    const composed = norm(a.unsqueeze(-2).sub(b.unsqueeze(-3)), { p, dim: -1 });
    expectClose(y, composed, 1e-13);
    const g = randn(y.shape, { dtype: 'float64', generator });
    const expected = grad(composed, [a, b], { gradOutputs: g }) as Tensor[];
    const actual = grad(y, [a, b], { gradOutputs: g }) as Tensor[];
    for (const [i, wanted] of expected.entries()) expectClose(actual[i] as Tensor, wanted, 1e-12);
  });
});

test('distances and cross products have the same bits on all levels and threads', () => {
  const [a, b] = [
    [65, 3],
    [130, 3],
  ].map((shape) => randn(shape, { generator })) as [Tensor, Tensor];
  for (const t of [a, b]) t.requiresGrad = true;
  const wide = randn([300, 3], { generator });
  const results = simdLevels().flatMap((level) =>
    [1, 2, 3].map((threads) => {
      setSimdLevel(level);
      setNumThreads(threads);
      const tensors = [1, 2.5, Infinity].flatMap((p) => {
        const y = cdist(a, b, { p });
        return [y, ...(grad(y.square().sum(), [a, b]) as Tensor[])];
      });
      return [...tensors, cross(wide, wide.flip(0))].map(numbers);
    }),
  );
  for (const other of results) expect(other).toEqual(results[0]);
});

describe('cross', () => {
  const written = ([a0, a1, a2]: number[], [b0, b1, b2]: number[]) => [
    a1! * b2! - a2! * b1!,
    a2! * b0! - a0! * b2!,
    a0! * b1! - a1! * b0!,
  ];

  test.each([0, 1, 2, 15, 16, 17, 100, 300, 1000])('%d vectors, in rows and in columns', (n) => {
    const shape = [n, 3];
    const [a, b] = [
      randn(shape, { dtype: 'float64', generator }),
      randn(shape, { dtype: 'float64', generator }),
    ];
    const rows = (t: Tensor) => t.toArray() as number[][];
    const expected = rows(a).map((row, i) => written(row, rows(b)[i] as number[]));
    expect(rows(cross(a, b))).toEqual(expected);
    const columns = cross(a.transpose().contiguous(), b.transpose(), { dim: 0 });
    expect(columns.shape).toEqual([3, n]);
    if (n > 0) expect(rows(columns.transpose())).toEqual(expected);
  });

  test('broadcasting, and the gradient of both', () => {
    const a = randn([4, 1, 3], { dtype: 'float64', generator });
    const b = randn([1, 5, 3], { dtype: 'float64', generator });
    const g = randn([4, 5, 3], { dtype: 'float64', generator });
    for (const t of [a, b]) t.requiresGrad = true;
    const [da, db] = grad(cross(a, b), [a, b], { gradOutputs: g }) as [Tensor, Tensor];
    expectClose(da, cross(b.detach().expand([4, 5, 3]), g).sum({ dim: 1, keepDim: true }), 1e-14);
    expectClose(db, cross(g, a.detach().expand([4, 5, 3])).sum({ dim: 0, keepDim: true }), 1e-14);
  });
});

test('renorm has the same bits whether it is recorded or not', () => {
  const special = [0, -0, Number.NaN, Infinity, 1e-30, 3e38, 1, 1 - 2 ** -24];
  for (const dtype of ['float32', 'float64'] as const) {
    for (const shape of [
      [5, 9],
      [4, 3, 6],
      [300, 2],
      [3, 1],
    ]) {
      const x = randn(shape, { dtype });
      if (x.numel > 8) x.reshape([-1]).set('::5', special[shape.length] as number);
      for (const [dim, p, maxNorm] of [
        [0, 2, 1],
        [-1, 1, 0.5],
        [1, 3, 0],
        [0, Infinity, 2],
      ] as const) {
        const plain = renorm(x, { dim, p, maxNorm });
        const recorded = renorm(x.clone().requiresGrad_(), { dim, p, maxNorm });
        expect(plain.toArray()).toEqual(recorded.toArray());
      }
    }
    // Norms at the limit, and within what is added to them below it, stay.
    const rows = tensor(
      special.map((v) => [v, 0]),
      { dtype },
    );
    const recorded = renorm(rows.clone().requiresGrad_(), { dim: 0, maxNorm: 1 });
    expect(renorm(rows, { dim: 0, maxNorm: 1 }).toArray()).toEqual(recorded.toArray());
  }
});
