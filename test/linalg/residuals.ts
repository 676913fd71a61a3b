/** What tests of linear algebra measure results with: residuals, orthogonality, triangles. */
import { type DType, eye, Generator, linalg, randn, type Tensor, zeros } from 'tilegrad';
import { expect } from 'vitest';
import type { FloatType } from '../golden.js';

export const dtypes: FloatType[] = ['float32', 'float64'];
/** Around the blocks of 16 rows, the tiles of the product, and its paths. */
export const sizes = [1, 2, 3, 4, 7, 15, 16, 17, 31, 32, 33, 48, 49, 64, 65, 100, 129];

export const random = (shape: number[], dtype: DType, seed = 1) =>
  randn(shape, { dtype: dtype as FloatType, generator: new Generator(seed) });

/** The largest |x|, NaN when there is one, 0 of nothing. */
export function most(x: Tensor): number {
  let result = 0;
  for (const value of x.contiguous().data as Float64Array) {
    if (!(Math.abs(value) <= result)) result = Math.abs(value);
  }
  return result;
}

/** max |a - b|, computed in float64 */
export const apart = (a: Tensor, b: Tensor): number => most(a.to('float64').sub(b.to('float64')));
export const wide = (a: Tensor): Tensor => a.to('float64');
export const product = (...factors: Tensor[]): Tensor =>
  factors.map(wide).reduce((left, right) => left.matmul(right));
export const identity = (n: number) => eye(n, { dtype: 'float64' });

/** The 2-norm, at most the root of the sum of squares. */
export const size = (a: Tensor): number => Math.sqrt(wide(a).square().sum().item());

/** Columns are orthonormal to within n eps. */
export function expectOrthonormal(q: Tensor, eps: number): void {
  const [m, n] = q.shape.slice(-2) as [number, number];
  expect(apart(product(q.mT, q), identity(n))).toBeLessThanOrEqual(8 * Math.max(m, 4) * eps);
}

/** Zeros above (or below) the diagonal. */
export function expectTriangular(x: Tensor, upper: boolean): void {
  const rows = x.toArray() as number[][];
  rows.forEach((row, i) => {
    row.forEach((value, j) => {
      if (upper ? j < i : j > i) expect(value).toBe(0);
    });
  });
}

/** A matrix that isn't finite has no Cholesky factor, or one that isn't finite either. */
export function expectNoFactor(a: Tensor): void {
  try {
    expect(Number.isFinite(most(linalg.cholesky(a)))).toBe(false);
  } catch (error) {
    expect((error as Error).message).toContain('not positive definite');
  }
}

/** Other layouts of the same values. */
export function layouts(a: Tensor): Tensor[] {
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
