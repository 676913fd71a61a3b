/** Linear algebra of what is extreme in size, rank, shape, layout or value, and in batches. */
import { concat, eye, linalg, setNumThreads, stack, type Tensor, tensor, zeros } from 'tilegrad';
import { afterEach, describe, expect, test } from 'vitest';
import { epsilon } from '../golden.js';
import {
  apart,
  dtypes,
  expectNoFactor,
  expectOrthonormal,
  identity,
  most,
  product,
  random,
  size,
  wide,
} from './residuals.js';

const threads = 2;
afterEach(() => setNumThreads(threads));

describe.each(dtypes)('%s', (dtype) => {
  const eps = epsilon[dtype];

  test('Hilbert matrices are solved with a small residual, and their small values found', () => {
    const n = 12;
    const rows = Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (_, j) => 1 / (i + j + 1)),
    );
    const a = tensor(rows, { dtype });
    const b = a.sum({ dim: 1 });
    const x = linalg.solve(a, b);
    const residual = apart(product(a, x.unsqueeze(-1)).squeeze(-1), b);
    expect(residual).toBeLessThanOrEqual(8 * n * eps * size(a) * size(x));
    const s = linalg.svdvals(a).toArray() as number[];
    expect(Math.abs(s[0]! - 1.7953720595619975)).toBeLessThanOrEqual(n * eps * 2);
    expect(s[11]).toBeLessThanOrEqual(n * eps * 2);
    expect(Math.abs(linalg.eigvalsh(a).toArray()[11 as never] - s[0]!)).toBeLessThanOrEqual(
      n * eps * 2,
    );
    expect(linalg.matrixRank(a).item()).toBe(dtype === 'float32' ? 6 : 11);
  });

  test('rank, pseudoinverse and least squares of matrices without full rank', () => {
    const a = random([30, 4], dtype).matmul(random([4, 20], dtype, 2));
    expect(linalg.matrixRank(a).item()).toBe(4);
    expect(linalg.matrixRank(a.matmul(a.mT), { hermitian: true }).item()).toBe(4);
    expect(linalg.matrixRank(a, { atol: 1e9 }).item()).toBe(0);
    const p = linalg.pinv(a);
    const bound =
      300 *
      eps *
      linalg
        .cond(
          linalg
            .svdvals(a)
            .slice([[0, 4]])
            .unsqueeze(0),
        )
        .item();
    const scale = size(a) * size(p);
    // The four conditions of Moore and Penrose.
    expect(apart(product(a, p, a), a)).toBeLessThanOrEqual(bound * size(a) * scale);
    expect(apart(product(p, a, p), p)).toBeLessThanOrEqual(bound * size(p) * scale);
    expect(apart(product(a, p), product(a, p).mT)).toBeLessThanOrEqual(bound * scale);
    expect(apart(product(p, a), product(p, a).mT)).toBeLessThanOrEqual(bound * scale);
    const b = random([30, 3], dtype, 3);
    for (const [driver, count] of [
      ['gelsd', 20],
      ['gelsy', 0],
    ] as const) {
      const { solution, rank, residuals, singularValues } = linalg.lstsq(a, b, { driver });
      expect(apart(solution, product(p, b))).toBeLessThanOrEqual(bound * scale * size(b));
      expect([rank.item(), residuals.shape, singularValues.shape]).toEqual([4, [0], [count]]);
    }
    const tall = random([9, 4], dtype, 4);
    const full = linalg.lstsq(tall, random([9, 2], dtype, 5));
    expect(full.residuals.shape).toEqual([2]);
    const zero = linalg.pinv(zeros([3, 2], { dtype }));
    expect(zero.toArray()).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });

  test('least squares by column pivoting: any shape and rank, one matrix of a batch like another', () => {
    const sizes = [
      ...[
        [1, 1, 1],
        [5, 1, 1],
        [1, 5, 1],
        [6, 6, 6],
        [17, 16, 16],
        [16, 17, 16],
      ],
      ...[
        [33, 20, 20],
        [20, 33, 20],
        [6, 6, 3],
        [9, 4, 2],
        [4, 9, 2],
        [40, 35, 17],
      ],
    ] as [number, number, number][];
    for (const [m, n, r] of sizes) {
      const a = random([m, r], dtype, m).matmul(random([r, n], dtype, n));
      const p = linalg.pinv(a, { rtol: 1e-4 });
      const bound = 3000 * eps * (size(a) * size(p)) ** 2;
      for (const k of [0, 1, 3, 18]) {
        const b = random([m, k], dtype, k + 9);
        const found = linalg.lstsq(a, b, { rcond: 1e-4 });
        expect([found.rank.item(), found.solution.shape]).toEqual([r, [n, k]]);
        const want = product(p, b);
        expect(apart(found.solution, want)).toBeLessThanOrEqual(bound * (1 + size(want)));
        // Operands are left alone, and may lie in any order.
        const turned = linalg.lstsq(a.mT.contiguous().mT, b.mT.contiguous().mT, { rcond: 1e-4 });
        expect(apart(turned.solution, found.solution)).toBe(0);
        const whole = m > n && r === n;
        expect(found.residuals.shape).toEqual(whole ? [k] : [0]);
      }
    }
    const [one, two] = [random([4, 3], dtype), random([4, 2], dtype).matmul(random([2, 3], dtype))];
    const b = random([4, 2], dtype, 7);
    const batch = linalg.lstsq(stack([one, two, zeros([4, 3], { dtype })]), b, { rcond: 1e-4 });
    expect([batch.rank.toArray(), batch.residuals.shape]).toEqual([[3, 2, 0], [0]]);
    for (const [i, a] of [one, two].entries()) {
      const alone = linalg.lstsq(a, b, { rcond: 1e-4 }).solution;
      expect(apart(batch.solution.slice([i]), alone)).toBe(0);
    }
    expect(batch.solution.slice([2]).toArray()).toEqual(zeros([3, 2]).toArray());
  });

  test('least squares of large, small, equal, impossible and no numbers', () => {
    const a = random([6, 4], dtype);
    const b = random([6, 2], dtype, 3);
    const x = linalg.lstsq(a, b).solution;
    // Powers of 2 scale exactly; the squares of these leave the range.
    const power = dtype === 'float32' ? 2 ** 100 : 2 ** 900;
    for (const factor of [power, 1 / power]) {
      const found = linalg.lstsq(a.mul(factor), b);
      expect(found.rank.item()).toBe(4);
      expect(apart(found.solution.mul(factor), x)).toBe(0);
    }
    // Columns that cancel to nothing but roundings.
    const near = concat([a, a.mul(3)], 1);
    expect(linalg.lstsq(near, b).rank.item()).toBe(4);
    for (const value of [Number.NaN, Infinity]) {
      const broken = a.clone();
      broken.set([1, 2], value);
      const { solution, rank } = linalg.lstsq(broken, b);
      expect([rank.item(), solution.isnan().all().item()]).toEqual([0, 1]);
    }
    for (const [m, n] of [
      [0, 3],
      [3, 0],
      [0, 0],
    ] as const) {
      const none = linalg.lstsq(zeros([2, m, n], { dtype }), zeros([2, m, 2], { dtype }));
      expect(none.solution.toArray()).toEqual(zeros([2, n, 2]).toArray());
      expect(none.rank.toArray()).toEqual([0, 0]);
    }
  });

  test('vectors of equal and of zero values are orthonormal too', () => {
    const matrices = [
      zeros([5, 5], { dtype }),
      eye(6, { dtype }),
      random([7, 2], dtype).matmul(random([2, 7], dtype, 2)),
      tensor(
        [
          [0, 1, 0],
          [0, 0, 1],
          [0, 0, 0],
        ],
        { dtype },
      ),
      tensor(
        [
          [1, 0, 0],
          [0, 0, 0],
          [0, 0, -3],
        ],
        { dtype },
      ),
    ];
    for (const a of matrices) {
      const { u, s, vh } = linalg.svd(a);
      expectOrthonormal(u, eps);
      expectOrthonormal(vh.mT, eps);
      const n = a.shape[0] as number;
      const bound = 16 * n * eps * Math.max(size(a), Number.MIN_VALUE);
      expect(apart(product(wide(u).mul(wide(s)), vh), a)).toBeLessThanOrEqual(bound);
      const symmetric = a.add(a.mT);
      const { eigenvalues: w, eigenvectors: v } = linalg.eigh(symmetric);
      expectOrthonormal(v, eps);
      expect(apart(product(wide(v).mul(wide(w)), v.mT), symmetric)).toBeLessThanOrEqual(2 * bound);
    }
  });

  test('values near the ends of the range', () => {
    const [tiny, huge] = dtype === 'float32' ? [2 ** -140, 2 ** 120] : [2 ** -1060, 2 ** 1000];
    const a = tensor(
      [
        [3, 1],
        [1, 2],
      ],
      { dtype },
    );
    const s = linalg.svdvals(a);
    const w = linalg.eigvalsh(a);
    expect(apart(linalg.svdvals(a.mul(huge)).div(huge), s)).toBeLessThanOrEqual(4 * eps * 4);
    expect(apart(linalg.eigvalsh(a.mul(huge)).div(huge), w)).toBeLessThanOrEqual(4 * eps * 4);
    // Denormal numbers have as few digits as they have.
    expect(apart(linalg.svdvals(a.mul(tiny)).div(tiny), s)).toBeLessThanOrEqual(2 ** -8);
    expect(apart(linalg.eigvalsh(a.mul(tiny)).div(tiny), w)).toBeLessThanOrEqual(2 ** -8);
    expect(apart(linalg.qr(a.mul(huge)).r.div(huge), linalg.qr(a).r)).toBeLessThanOrEqual(16 * eps);
    expectOrthonormal(linalg.qr(a.mul(tiny)).q, 2 ** -8);
    expect(apart(linalg.solve(a.mul(huge), a.mul(huge)), identity(2))).toBeLessThanOrEqual(8 * eps);
    expect(apart(linalg.solve(a.mul(tiny), a.mul(tiny)), identity(2))).toBeLessThanOrEqual(2 ** -8);
    const { sign, logabsdet } = linalg.slogdet(a.mul(huge));
    expect(sign.item()).toBe(1);
    expect(logabsdet.item()).toBeCloseTo(Math.log(5) + 2 * Math.log(huge), 2);
  });

  test('what is not finite ends, and shows', () => {
    for (const bad of [Number.NaN, Infinity, -Infinity]) {
      for (const n of [1, 2, 5, 20, 40]) {
        for (const at of [0, n * n - 1, Math.floor((n * n) / 2)]) {
          const a = random([n, n], dtype, n);
          const symmetric = a.add(a.mT);
          a.data[at] = bad;
          symmetric.data[at] = bad;
          symmetric.data[(at % n) * n + Math.floor(at / n)] = bad;
          const { eigenvalues, eigenvectors } = linalg.eigh(symmetric);
          expect(most(linalg.svdvals(a))).toBeNaN();
          expect([most(eigenvalues), most(eigenvectors)]).toEqual([Number.NaN, Number.NaN]);
          if (n > 1) {
            const { u, vh } = linalg.svd(a);
            expect([most(u), most(vh)]).toEqual([Number.NaN, Number.NaN]);
            expect(most(linalg.qr(a).r)).toBeNaN();
          }
          expect(Number.isFinite(most(linalg.luFactor(a).lu))).toBe(false);
          expectNoFactor(symmetric);
          linalg.pinv(a);
          linalg.matrixExp(a);
          linalg.lstsq(a, a);
          linalg.lstsq(a, a, { driver: 'gelsd' });
        }
      }
    }
  });

  test('batches are their matrices, with any number of threads', () => {
    const a = random([2, 3, 21, 21], dtype);
    const b = random([3, 21, 4], dtype, 2);
    const definite = a.matmul(a.mT).add(eye(21, { dtype }));
    const functions: ((a: Tensor, d: Tensor, b: Tensor) => Tensor)[] = [
      (x, _, y) => linalg.solve(x, y),
      (x) => linalg.inv(x),
      (x) => linalg.det(x),
      (_, d) => linalg.cholesky(d),
      (x) => linalg.qr(x).q,
      (_, d) => linalg.eigh(d).eigenvectors,
      (x) => linalg.svd(x).u,
      (x) => linalg.pinv(x),
      (x, _, y) => linalg.lstsq(x, y).solution,
      (x) => linalg.matrixExp(x),
      (x) => linalg.cond(x, { p: 'nuc' }),
      (x, _, y) => linalg.solveTriangular(x.mul(0.1), y, { upper: true, unitriangular: true }),
    ];
    for (const fn of functions) {
      setNumThreads(2);
      const whole = fn(a, definite, b);
      setNumThreads(1);
      for (let i = 0; i < 2; i++) {
        for (let j = 0; j < 3; j++) {
          const one = fn(a.slice([i, j]), definite.slice([i, j]), b.slice([j]));
          expect(apart(whole.slice([i, j]), one)).toBe(0);
        }
      }
    }
  });

  test('nothing: 0 x 0 matrices, batches of none, no columns', () => {
    const none = zeros([0, 0], { dtype });
    expect(linalg.det(none).item()).toBe(1);
    expect(linalg.slogdet(none).logabsdet.item()).toBe(0);
    expect(linalg.det(zeros([2, 0, 0], { dtype })).toArray()).toEqual([1, 1]);
    expect(linalg.inv(none).shape).toEqual([0, 0]);
    expect(linalg.cholesky(zeros([0, 3, 3], { dtype })).shape).toEqual([0, 3, 3]);
    expect(linalg.inv(zeros([0, 3, 3], { dtype })).shape).toEqual([0, 3, 3]);
    expect(linalg.solve(zeros([3, 0, 0], { dtype }), zeros([3, 0, 2], { dtype })).shape).toEqual([
      3, 0, 2,
    ]);
    expect(linalg.solve(eye(3, { dtype }), zeros([3, 0], { dtype })).shape).toEqual([3, 0]);
    expect(linalg.lu(zeros([3, 0], { dtype })).p.toArray()).toEqual(identity(3).toArray());
    expect(linalg.qr(zeros([3, 0], { dtype }), { mode: 'complete' }).q.toArray()).toEqual(
      identity(3).toArray(),
    );
    expect(linalg.qr(zeros([0, 3], { dtype })).r.shape).toEqual([0, 3]);
    expect(linalg.eigh(none).eigenvectors.shape).toEqual([0, 0]);
    expect(linalg.eigvalsh(zeros([2, 0, 0], { dtype })).shape).toEqual([2, 0]);
    for (const shape of [
      [0, 3],
      [3, 0],
      [2, 0, 3],
      [0, 2, 3],
    ]) {
      const a = zeros(shape, { dtype });
      const [m, n] = shape.slice(-2) as [number, number];
      const batch = shape.slice(0, -2);
      const { u, s, vh } = linalg.svd(a);
      expect([u.shape, s.shape, vh.shape]).toEqual([
        [...batch, m, m],
        [...batch, Math.min(m, n)],
        [...batch, n, n],
      ]);
      if (m === 0 || n === 0) expect(most(u.matmul(u.mT))).toBe(m === 0 ? 0 : 1);
      expect(linalg.pinv(a).shape).toEqual([...batch, n, m]);
      expect(linalg.matrixRank(a).shape).toEqual(batch);
      expect(linalg.lstsq(a, zeros([...batch, m, 2], { dtype })).solution.shape).toEqual([
        ...batch,
        n,
        2,
      ]);
    }
    expect(linalg.matrixExp(none).shape).toEqual([0, 0]);
    expect(linalg.matrixPower(none, 0).shape).toEqual([0, 0]);
    expect(none.trace().item()).toBe(0);
    expect(
      linalg.householderProduct(zeros([3, 2], { dtype }), zeros([0], { dtype })).shape,
    ).toEqual([3, 2]);
  });
});
