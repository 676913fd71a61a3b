/** Factorisations by what defines them, at all sizes: residuals within backward-error bounds, orthogonality, order. */
import { eye, linalg, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { epsilon } from '../golden.js';
import {
  apart,
  dtypes,
  expectOrthonormal,
  expectTriangular,
  identity,
  layouts,
  most,
  product,
  random,
  size,
  sizes,
  wide,
} from './residuals.js';

const shapes = [
  ...sizes.map((n) => [n, n] as const),
  ...([
    [5, 2],
    [2, 5],
    [40, 17],
    [17, 40],
    [1, 9],
    [9, 1],
  ] as const),
];

describe.each(dtypes)('%s', (dtype) => {
  const eps = epsilon[dtype];

  // Golub and Van Loan, theorems 3.3.1 and 3.4.1, with the growth of the pivots below sqrt(n) + 4
  // for random matrices.
  test('P L U is A, and solve solves, at all sizes', () => {
    for (const n of sizes) {
      const a = random([n, n], dtype, n);
      const { p, l, u } = linalg.lu(a);
      const growth = 4 + Math.sqrt(n);
      expect(apart(product(p, l, u), a)).toBeLessThanOrEqual(growth * n * eps * most(a));
      expectTriangular(l, false);
      expectTriangular(u, true);
      expect(most(l)).toBe(1);
      for (const k of [1, 3, 17]) {
        const b = random([n, k], dtype, n + k);
        const x = linalg.solve(a, b);
        const residual = apart(product(a, x), b);
        expect(residual).toBeLessThanOrEqual(growth * n * eps * size(a) * size(x));
        for (const layout of layouts(a)) expect(apart(linalg.solve(layout, b), x)).toBe(0);
        for (const layout of layouts(b)) expect(apart(linalg.solve(a, layout), x)).toBe(0);
        const vectors = b.slice([null, 0]);
        expect(
          apart(linalg.solve(a, vectors), linalg.solve(a, vectors.unsqueeze(-1)).squeeze(-1)),
        ).toBe(0);
        expect(apart(linalg.luSolve(linalg.luFactor(a), b), x)).toBe(0);
      }
      const inverse = linalg.inv(a);
      const bound = growth * n * eps * size(a) * size(inverse);
      expect(apart(product(a, inverse), identity(n))).toBeLessThanOrEqual(bound);
    }
  });

  test('factors of matrices that are not square', () => {
    for (const [m, n] of [
      [5, 2],
      [2, 5],
      [40, 17],
      [17, 40],
      [1, 9],
      [9, 1],
      [70, 33],
      [33, 70],
    ]) {
      const a = random([m!, n!], dtype, m);
      const { p, l, u } = linalg.lu(a);
      expect(apart(product(p, l, u), a)).toBeLessThanOrEqual(10 * m! * eps * most(a));
      expect([l.shape, u.shape]).toEqual([
        [m, Math.min(m!, n!)],
        [Math.min(m!, n!), n],
      ]);
      expectTriangular(u, true);
      expect(apart(product(p, p.mT), identity(m!))).toBe(0);
    }
  });

  // Golub and Van Loan, 4.2.6.
  test('L L^T is A, at all sizes', () => {
    for (const n of sizes) {
      const half = random([n, n], dtype, n);
      const a = half.matmul(half.mT).add(eye(n, { dtype }).mul(n));
      const l = linalg.cholesky(a);
      expectTriangular(l, false);
      expect(apart(product(l, l.mT), a)).toBeLessThanOrEqual((n + 4) * eps * most(a));
      const u = linalg.cholesky(a, { upper: true });
      expectTriangular(u, true);
      expect(apart(product(u.mT, u), a)).toBeLessThanOrEqual((n + 4) * eps * most(a));
      const b = random([n, 3], dtype, 5);
      const x = linalg.choleskySolve(b, l);
      expect(apart(product(a, x), b)).toBeLessThanOrEqual(4 * n * eps * size(a) * size(x));
      expect(apart(linalg.choleskySolve(b, l.mT.contiguous(), { upper: true }), x)).toBe(0);
      const inverse = linalg.choleskyInverse(l);
      expect(apart(product(a, inverse), identity(n))).toBeLessThanOrEqual(
        4 * n * eps * size(a) * size(inverse),
      );
    }
  });

  test('only one triangle is read', () => {
    const a = tensor(
      [
        [4, 2],
        [2, 5],
      ],
      { dtype },
    );
    const spoilt = (i: number, j: number) => {
      const copy = a.clone();
      copy.data[i * 2 + j] = Number.NaN;
      return copy;
    };
    expect(linalg.cholesky(spoilt(0, 1)).toArray()).toEqual([
      [2, 0],
      [1, 2],
    ]);
    expect(linalg.cholesky(spoilt(1, 0), { upper: true }).toArray()).toEqual([
      [2, 1],
      [0, 2],
    ]);
    const w = linalg.eigvalsh(a).toArray();
    expect(linalg.eigvalsh(spoilt(0, 1)).toArray()).toEqual(w);
    expect(linalg.eigvalsh(spoilt(1, 0), { UPLO: 'U' }).toArray()).toEqual(w);
    const b = tensor([[1], [1]], { dtype });
    const lower = spoilt(0, 1);
    expect(linalg.solveTriangular(lower, b, { upper: false }).data[0]).toBe(0.25);
    lower.data[0] = lower.data[3] = Number.NaN;
    const unit = linalg.solveTriangular(lower, b, { upper: false, unitriangular: true });
    expect(unit.toArray()).toEqual([[1], [-1]]);
  });

  test('triangular systems of all sizes, sides and layouts', () => {
    for (const n of sizes) {
      const a = random([n, n], dtype, n).add(eye(n, { dtype }).mul(2 * Math.sqrt(n)));
      for (const upper of [false, true]) {
        const full = wide(a).toArray() as number[][];
        const triangle = tensor(
          full.map((row, i) => row.map((v, j) => ((upper ? j >= i : j <= i) ? v : 0))),
          { dtype: 'float64' },
        );
        const b = random([n, 5], dtype, 3);
        const x = linalg.solveTriangular(a, b, { upper });
        const bound = 2 * n * eps * size(triangle);
        expect(apart(product(triangle, x), b)).toBeLessThanOrEqual(bound * size(x));
        for (const layout of layouts(a)) {
          expect(apart(linalg.solveTriangular(layout, b, { upper }), x)).toBe(0);
        }
        const y = linalg.solveTriangular(a, b.mT, { upper, left: false });
        expect(apart(product(y, triangle), b.mT)).toBeLessThanOrEqual(bound * size(y));
      }
    }
  });

  test('Q R is A with orthonormal Q, whatever the shape', () => {
    for (const [m, n] of shapes) {
      const a = random([m, n], dtype, m);
      for (const mode of ['reduced', 'complete'] as const) {
        const { q, r } = linalg.qr(a, { mode });
        const k = mode === 'complete' ? m : Math.min(m, n);
        expect([q.shape, r.shape]).toEqual([
          [m, k],
          [k, n],
        ]);
        expect(apart(product(q, r), a)).toBeLessThanOrEqual(4 * (m + 3) * eps * most(a));
        expectOrthonormal(q, eps);
        expectTriangular(r, true);
        expect(apart(linalg.qr(a, { mode: 'r' }).r, linalg.qr(a).r)).toBe(0);
      }
      expect(linalg.qr(a, { mode: 'r' }).q.shape).toEqual([0]);
    }
  });

  test('eigenvalues and eigenvectors', () => {
    for (const n of sizes) {
      const half = random([n, n], dtype, n);
      const a = half.add(half.mT);
      const { eigenvalues: w, eigenvectors: v } = linalg.eigh(a);
      const bound = 8 * (n + 2) * eps * size(a);
      expect(apart(product(a, v), wide(v).mul(wide(w)))).toBeLessThanOrEqual(bound);
      expectOrthonormal(v, eps);
      const values = w.toArray() as number[];
      expect(values).toEqual([...values].sort((x, y) => x - y));
      expect(apart(linalg.eigvalsh(a), w)).toBe(0);
      expect(Math.abs(wide(w).sum().item() - wide(a.trace()).item())).toBeLessThanOrEqual(
        bound * n,
      );
    }
  });

  test('singular values and vectors', () => {
    for (const [m, n] of shapes) {
      const a = random([m, n], dtype, m);
      for (const fullMatrices of [true, false]) {
        const { u, s, vh } = linalg.svd(a, { fullMatrices });
        const k = Math.min(m, n);
        expect([u.shape, s.shape, vh.shape]).toEqual(
          fullMatrices ? [[m, m], [k], [n, n]] : [[m, k], [k], [k, n]],
        );
        const thin = [
          wide(u)
            .slice([null, [0, k]])
            .mul(wide(s)),
          vh.slice([[0, k]]),
        ] as const;
        expect(apart(product(...thin), a)).toBeLessThanOrEqual(8 * (m + n) * eps * size(a));
        expectOrthonormal(u, eps);
        expectOrthonormal(vh.mT, eps);
        const values = s.toArray() as number[];
        expect(values).toEqual([...values].sort((x, y) => y - x));
        expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
        expect(apart(linalg.svdvals(a), s)).toBe(0);
      }
    }
  });
});
