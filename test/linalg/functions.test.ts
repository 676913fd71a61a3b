/** What is made of factorisations: determinants, condition numbers, the matrix exponential, norms. */
import { linalg, tensor, zeros } from 'tilegrad';
import { expect, test } from 'vitest';
import { apart, random } from './residuals.js';

test('determinants', () => {
  expect(
    tensor([
      [2, 1],
      [4, 2],
    ])
      .det()
      .item(),
  ).toBeCloseTo(0, 15);
  expect(
    tensor([
      [0, 1],
      [1, 0],
    ])
      .det()
      .item(),
  ).toBe(-1);
  const { sign, logabsdet } = tensor([
    [2, 1],
    [4, 2],
  ]).slogdet();
  expect([sign.item(), logabsdet.item()]).toEqual([0, -Infinity]);
  expect(
    tensor([
      [0, 1],
      [1, 0],
    ])
      .logdet()
      .item(),
  ).toBeNaN();
  // Cyclic permutations of three, five and eight rows: signs 1, 1 and -1.
  for (const [n, expected] of [
    [3, 1],
    [5, 1],
    [8, -1],
  ] as const) {
    const rows = Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (_, j) => Number(j === (i + 1) % n)),
    );
    expect(tensor(rows).det().item()).toBe(expected);
    expect(tensor(rows).slogdet().sign.item()).toBe(expected);
  }
});

test('condition numbers of singular matrices are infinite, of their batch only', () => {
  const a = tensor([
    [
      [1, 2],
      [2, 4],
    ],
    [
      [1, 0],
      [0, 2],
    ],
  ]);
  expect(linalg.cond(a, { p: 1 }).toArray()).toEqual([Infinity, 2]);
  expect(linalg.cond(a, { p: 'nuc' }).toArray()).toEqual([Infinity, 4.5]);
});

test('the matrix exponential of what it is known for', () => {
  const angle = 40;
  const turn = tensor(
    [
      [0, -angle],
      [angle, 0],
    ],
    { dtype: 'float64' },
  );
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  // Squaring grows errors with the number of turns.
  expect(
    apart(
      linalg.matrixExp(turn),
      tensor(
        [
          [c, -s],
          [s, c],
        ],
        { dtype: 'float64' },
      ),
    ),
  ).toBeLessThanOrEqual(angle * 40 * 2 ** -52);
  const diagonal = tensor(
    [
      [-30, 0],
      [0, 3],
    ],
    { dtype: 'float64' },
  );
  const [[low], [, high]] = linalg.matrixExp(diagonal).toArray() as [[number], [number, number]];
  expect(Math.abs(low / Math.exp(-30) - 1)).toBeLessThanOrEqual(1e-13);
  expect(Math.abs(high / Math.exp(3) - 1)).toBeLessThanOrEqual(1e-14);
  // Each matrix is scaled by its own norm.
  const small = tensor(
    [
      [1e-8, 0],
      [0, 2e-8],
    ],
    { dtype: 'float64' },
  );
  const both = zeros([2, 2, 2], { dtype: 'float64' });
  both.data.set([...small.data, ...turn.data]);
  expect(linalg.matrixExp(both).slice([0]).toArray()).toEqual(linalg.matrixExp(small).toArray());
});

test('norms by their definitions, over any dimensions', () => {
  const a = random([3, 4, 5], 'float64');
  const b = a.permute([1, 0, 2]);
  for (const ord of ['fro', 'nuc', 1, -1, 2, -2, Infinity, -Infinity] as const) {
    const norms = linalg.matrixNorm(b, { ord, dim: [1, -1] }).toArray() as number[];
    norms.forEach((norm, i) => {
      expect(norm).toBeCloseTo(linalg.matrixNorm(a.slice([null, i]), { ord }).item(), 12);
    });
    expect(linalg.matrixNorm(b, { ord, dim: [0, 2], keepDim: true }).shape).toEqual([1, 3, 1]);
    expect(linalg.norm(a, { ord, dim: [-2, -1] }).toArray()).toEqual(
      linalg.matrixNorm(a, { ord }).toArray(),
    );
  }
  const v = tensor([3, -4, 0]);
  expect(linalg.norm(v).item()).toBe(5);
  expect(linalg.norm(v, { ord: 1 }).item()).toBe(7);
  expect(linalg.norm(v, { ord: 0 }).item()).toBe(2);
  expect(linalg.norm(v, { ord: -Infinity }).item()).toBe(0);
  expect(linalg.vectorNorm(a, { dim: [0, 2], keepDim: true }).shape).toEqual([1, 4, 1]);
  expect(linalg.norm(a).item()).toBeCloseTo(a.norm().item(), 12);
});

test('methods and functions of the top level', () => {
  const a = tensor(
    [
      [4, 0],
      [0, 2],
    ],
    { dtype: 'float64' },
  );
  expect(a.inverse().toArray()).toEqual([
    [0.25, 0],
    [0, 0.5],
  ]);
  expect(a.pinverse().toArray()).toEqual([
    [0.25, 0],
    [0, 0.5],
  ]);
  expect(a.matrixPower(2).toArray()).toEqual([
    [16, 0],
    [0, 4],
  ]);
  expect(a.cholesky().data[0]).toBe(2);
  expect(a.logdet().item()).toBeCloseTo(Math.log(8), 14);
  expect(a.matrixExp().data[3]).toBeCloseTo(Math.exp(2), 12);
  expect(a.trace().item()).toBe(6);
});
