/**
 * Linear algebra by what defines its results: residuals within backward-error bounds, orthogonality,
 * order; and whatever is extreme in size, rank, shape, layout or value.
 */
import {
  type DType,
  eye,
  Generator,
  linalg,
  randn,
  setNumThreads,
  type Tensor,
  tensor,
  zeros,
} from 'tilegrad';
import { afterEach, describe, expect, test } from 'vitest';
import { epsilon, type FloatType } from '../golden.js';

const dtypes: FloatType[] = ['float32', 'float64'];
/** Around the blocks of 16 rows, the tiles of the product, and its paths. */
const sizes = [1, 2, 3, 4, 7, 15, 16, 17, 31, 32, 33, 48, 49, 64, 65, 100, 129];

const random = (shape: number[], dtype: DType, seed = 1) =>
  randn(shape, { dtype: dtype as FloatType, generator: new Generator(seed) });

/** The largest |x|, NaN when there is one, 0 of nothing. */
function most(x: Tensor): number {
  let result = 0;
  for (const value of x.contiguous().data as Float64Array) {
    if (!(Math.abs(value) <= result)) result = Math.abs(value);
  }
  return result;
}

/** max |a - b|, computed in float64 */
const apart = (a: Tensor, b: Tensor): number => most(a.to('float64').sub(b.to('float64')));
const wide = (a: Tensor): Tensor => a.to('float64');
const product = (...factors: Tensor[]): Tensor =>
  factors.map(wide).reduce((left, right) => left.matmul(right));
const identity = (n: number) => eye(n, { dtype: 'float64' });

/** The 2-norm, at most the root of the sum of squares. */
const size = (a: Tensor): number => Math.sqrt(wide(a).square().sum().item());

/** Columns are orthonormal to within n eps. */
function expectOrthonormal(q: Tensor, eps: number): void {
  const [m, n] = q.shape.slice(-2) as [number, number];
  expect(apart(product(q.mT, q), identity(n))).toBeLessThanOrEqual(8 * Math.max(m, 4) * eps);
}

/** Zeros above (or below) the diagonal. */
function expectTriangular(x: Tensor, upper: boolean): void {
  const rows = x.toArray() as number[][];
  rows.forEach((row, i) => {
    row.forEach((value, j) => {
      if (upper ? j < i : j > i) expect(value).toBe(0);
    });
  });
}

/** A matrix that isn't finite has no Cholesky factor, or one that isn't finite either. */
function expectNoFactor(a: Tensor): void {
  try {
    expect(Number.isFinite(most(linalg.cholesky(a)))).toBe(false);
  } catch (error) {
    expect((error as Error).message).toContain('not positive definite');
  }
}

/** Other layouts of the same values. */
function layouts(a: Tensor): Tensor[] {
  const transposed = a.mT.contiguous().mT;
  const every = zeros([...a.shape.slice(0, -1), 2 * (a.shape.at(-1) as number)], {
    dtype: a.dtype as FloatType,
  });
  const spaced = every.slice([...a.shape.slice(1).map(() => null), [1, null, 2]]);
  const { data } = every;
  const source = a.contiguous().data;
  for (let i = 0; i < source.length; i++) data[2 * i + 1] = source[i] as number;
  return [transposed, spaced];
}

const threads = 2;
afterEach(() => setNumThreads(threads));

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
    const shapes = [
      ...sizes.map((n) => [n, n]),
      [5, 2],
      [2, 5],
      [40, 17],
      [17, 40],
      [1, 9],
      [9, 1],
    ];
    for (const [m, n] of shapes as [number, number][]) {
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
    const shapes = [
      ...sizes.map((n) => [n, n]),
      [5, 2],
      [2, 5],
      [40, 17],
      [17, 40],
      [1, 9],
      [9, 1],
    ];
    for (const [m, n] of shapes as [number, number][]) {
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
    const { solution, rank, residuals, singularValues } = linalg.lstsq(a, b);
    expect(apart(solution, product(p, b))).toBeLessThanOrEqual(bound * scale * size(b));
    expect([rank.item(), residuals.shape, singularValues.shape]).toEqual([4, [0], [20]]);
    const tall = random([9, 4], dtype, 4);
    const full = linalg.lstsq(tall, random([9, 2], dtype, 5));
    expect(full.residuals.shape).toEqual([2]);
    const zero = linalg.pinv(zeros([3, 2], { dtype }));
    expect(zero.toArray()).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
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
