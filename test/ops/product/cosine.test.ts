/** Cosines of rows, which are one pass, against the operations that they are made of: the same bits. */
import {
  clamp,
  cosineSimilarity,
  Generator,
  grad,
  gradgradcheck,
  norm,
  randn,
  setNumThreads,
  setSimdLevel,
  type Tensor,
  tensor,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { restoreSettings, settings } from '../../helpers/settings.js';

restoreSettings();

type Float = 'float32' | 'float64';

const unit = (x: Tensor, eps: number): Tensor =>
  x.div(clamp(norm(x, { dim: -1, keepDim: true }), { min: eps }));

/** By single operations. */
const composed = (a: Tensor, b: Tensor, eps = 1e-8): Tensor =>
  unit(a, eps).mul(unit(b, eps)).sum({ dim: -1 });

const list = (x: Tensor) => x.detach().flatten().toArray() as number[];

/** Rows that don't begin at the start of memory. */
function rowsOf(count: number, n: number, dtype: Float, seed: number): Tensor {
  const whole = randn([count + 1, n], { dtype, generator: new Generator(seed) });
  return whole.slice([[1]]);
}

/** Multiplies row i by the i-th of the factors, over and over. */
function scaled(x: Tensor, factors: readonly number[]): Tensor {
  const [rows] = x.shape as [number];
  const column = Array.from({ length: rows }, (_, i) => [factors[i % factors.length] as number]);
  return x.mul(tensor(column, { dtype: x.dtype as Float }));
}

const lengths = [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 1000, 4096, 4097];

describe.each(['float32', 'float64'] as const)('%s', (dtype) => {
  // Rows whose squares underflow or overflow, nothing, and what isn't finite.
  const [tiny, huge] = dtype === 'float32' ? [1e-30, 1e30] : [1e-200, 1e200];
  const factors = [1, tiny, 3, huge, 0, 1, Number.NaN, Infinity, 1e-9];

  test.each(lengths)('rows of %d', (n) => {
    const count = n > 1000 ? 9 : 70;
    const a = scaled(rowsOf(count, n, dtype, n), factors);
    const b = scaled(rowsOf(count, n, dtype, n + 1), [...factors.slice(2), 1]);
    for (const [level, threads] of settings) {
      setSimdLevel(level);
      setNumThreads(threads);
      for (const eps of [1e-8, 0]) {
        const y = cosineSimilarity(a, b, { dim: -1, eps });
        expect(y.shape).toEqual([count]);
        expect(list(y), `${level} ${threads} ${eps}`).toEqual(list(composed(a, b, eps)));
      }
    }
  });

  test.each([1, 7, 16, 33, 500])('gradients of rows of %d', (n) => {
    const eps = 1e-3;
    // Some lengths are below eps, and some rows are nothing.
    const short = [1, 1e-6, 20, 0, 1e-4];
    const a = scaled(rowsOf(41, n, dtype, n), short).requiresGrad_();
    const b = scaled(rowsOf(41, n, dtype, n + 1), [...short.slice(3), 2]).requiresGrad_();
    const g = randn([41], { dtype, generator: new Generator(9) });
    const wanted = grad(composed(a, b, eps), [a, b], { gradOutputs: g }) as Tensor[];
    const roundoff = dtype === 'float32' ? 2 ** -24 : 2 ** -53;
    for (const [level, threads] of settings) {
      setSimdLevel(level);
      setNumThreads(threads);
      const y = cosineSimilarity(a, b, { dim: -1, eps });
      const found = grad(y, [a, b], { gradOutputs: g }) as Tensor[];
      found.forEach((gradient, k) => {
        // Differences of two parts of at most |g| / eps: a few roundings of each, and of y's n terms.
        const own = list(clamp(norm(k === 0 ? a : b, { dim: -1 }), { min: eps }));
        const [exact, scales] = [list(wanted[k] as Tensor), list(g)];
        list(gradient).forEach((value, i) => {
          const row = Math.floor(i / n);
          const most = Math.abs((scales[row] as number) / (own[row] as number));
          const bound = (n + 16) * 2 * roundoff * most;
          expect(Math.abs(value - (exact[i] as number))).toBeLessThanOrEqual(bound);
        });
      });
    }
  });
});

test('lengths so small that the factors of a gradient leave the range', () => {
  const a = tensor([[3e-25, 4e-25]]).requiresGrad_();
  const b = tensor([[4e-25, 3e-25]]).requiresGrad_();
  const options = { gradOutputs: tensor([1e-20]) };
  const [da, db] = grad(cosineSimilarity(a, b, { dim: -1, eps: 0 }), [a, b], options) as Tensor[];
  // With y = 24 / 25: (4/5 - 24/25 * 3/5) / 5e-25 * 1e-20 and (3/5 - 24/25 * 4/5) / 5e-25 * 1e-20.
  for (const [found, wanted] of [
    [da, [4480, -3360]],
    [db, [-3360, 4480]],
  ] as const) {
    list(found as Tensor).forEach((value, i) => {
      expect(Math.abs(value / (wanted[i] as number) - 1)).toBeLessThan(1e-5);
    });
  }
});

test('one operand alone has a gradient, and gradients have gradients', () => {
  const generator = new Generator(4);
  const a = randn([3, 2, 5], { dtype: 'float64', generator }).requiresGrad_();
  const b = randn([3, 2, 5], { dtype: 'float64', generator });
  const of = (x: Tensor) => cosineSimilarity(x, b, { dim: -1 });
  const [found] = grad(of(a).sum(), [a]) as Tensor[];
  const [wanted] = grad(composed(a, b).sum(), [a]) as Tensor[];
  expect(
    (found as Tensor)
      .sub(wanted as Tensor)
      .abs()
      .amax()
      .item(),
  ).toBeLessThan(1e-15 * 8);
  const c = b.clone().requiresGrad_();
  const cosines = (x: Tensor, y: Tensor) => cosineSimilarity(x, y, { dim: 2 });
  gradgradcheck(cosines as never, [a, c]);
});
