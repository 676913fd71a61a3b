/**
 * Rows that kernels take several at a time: each has the bits that it has alone, whatever its
 * neighbours are, at every level.
 */
import * as tilegrad from 'tilegrad';
import {
  type DType,
  Generator,
  randn,
  setSimdLevel,
  simdLevel,
  simdLevels,
  tensor,
} from 'tilegrad';
import { afterAll, describe, expect, test } from 'vitest';

const level = simdLevel();
afterAll(() => setSimdLevel(level));

type Tensor = tilegrad.Tensor;
const generator = new Generator(5);
const lengths = [1, 2, 10, 15, 16, 17, 31, 33, 63, 64, 65, 130, 255, 257, 768, 1027, 4095, 4097];
const bytesOf = (t: Tensor): Buffer => {
  const { data } = t.contiguous();
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
};

/** Every other row of a larger matrix, so that rows lie apart and begin anywhere. */
function spacedRows(rows: number, n: number, dtype: DType): Tensor {
  const all = randn([2 * rows * (n + 1) + 1], { dtype, generator }).add(3);
  return all
    .slice([[1, null]])
    .reshape([rows, 2 * (n + 1)])
    .slice([null, [0, n]]);
}

/** What is computed of the rows together against what is computed of each alone. */
function expectAlone(x: Tensor, of: (rows: Tensor) => Tensor): void {
  const alone = x.shape[0] === 0 ? [] : Array.from({ length: x.shape[0] as number }, (_, i) => i);
  const parts = alone.map((i) => of(x.slice([[i, i + 1]])));
  expect(bytesOf(of(x)).equals(bytesOf(tilegrad.concat(parts, 0)))).toBe(true);
}

const reductions: Record<string, (x: Tensor) => Tensor> = {
  sum: (x) => x.sum({ dim: 1 }),
  mean: (x) => x.mean({ dim: 1 }),
  amax: (x) => x.amax({ dim: 1 }),
  amin: (x) => x.amin({ dim: 1 }),
  prod: (x) => x.div(3).prod({ dim: 1 }),
  norm: (x) => tilegrad.norm(x, { p: 2, dim: 1 }),
  argmax: (x) => x.argmax({ dim: 1 }),
  argmin: (x) => x.argmin({ dim: 1 }),
};

describe.each(simdLevels())('at level %s', (name) => {
  test.each(Object.keys(reductions))('%s', (reduction) => {
    setSimdLevel(name);
    const of = reductions[reduction] as (x: Tensor) => Tensor;
    for (const n of lengths) expectAlone(spacedRows(n > 1000 ? 5 : 7, n, 'float32'), of);
    for (const n of [3, 33, 300]) expectAlone(spacedRows(67, n, 'float32'), of);
    for (const n of [7, 65]) expectAlone(spacedRows(6, n, 'float64'), of);
  });

  test('var', () => {
    setSimdLevel(name);
    for (const n of lengths.slice(1)) {
      expectAlone(spacedRows(7, n, 'float32'), (x) => x.var({ dim: 1 }));
    }
  });

  test('layerNorm and rmsNorm, and their gradients by the input', () => {
    setSimdLevel(name);
    for (const n of [1, 15, 17, 64, 130, 255, 256, 300, 768, 1027, 1536, 4097]) {
      const [weight, bias] = [randn([n], { generator }), randn([n], { generator })];
      const rows = spacedRows(n > 1000 ? 5 : 7, n, 'float32');
      for (const affine of [{ weight, bias }, {}]) {
        const layer = (x: Tensor): Tensor => tilegrad.layerNorm(x, n, affine);
        const rms = (x: Tensor): Tensor =>
          tilegrad.rmsNorm(x, n, { weight: affine.weight ?? null });
        for (const of of [layer, rms]) {
          expectAlone(rows, of);
          expectAlone(rows, (x) => {
            const leaf = x.detach().requiresGrad_();
            of(leaf).backward(x.square());
            return leaf.grad as Tensor;
          });
        }
      }
    }
  });

  test('gradients of layerNorm by the weights, a block of rows after the other', () => {
    setSimdLevel(name);
    for (const n of [64, 255, 256, 300, 1536, 1537]) {
      const x = spacedRows(37, n, 'float32');
      const [weight, bias] = [randn([n], { generator }), randn([n], { generator })];
      const g = randn([37, n], { generator });
      const gradients = (wanted: readonly Tensor[]): Tensor[] => {
        for (const t of [x, weight, bias]) {
          t.requiresGrad = wanted.includes(t);
          t.zeroGrad();
        }
        tilegrad.layerNorm(x, n, { weight, bias }).backward(g);
        return wanted.map((t) => t.grad as Tensor);
      };
      // float32 by its definition in float64: dweight = sum of g x^, dbias = sum of g.
      const [dx, dweight, dbias] = gradients([x, weight, bias]) as [Tensor, Tensor, Tensor];
      const wide = x.detach().to('float64');
      const centred = wide.sub(wide.mean({ dim: 1, keepDim: true }));
      const rstd = centred.square().mean({ dim: 1, keepDim: true }).add(1e-5).rsqrt();
      const normal = centred.mul(rstd);
      const near = (actual: Tensor, want: Tensor): void => {
        const bound = 100 * 2 ** -23 * Math.max(1, want.abs().amax().item());
        expect(actual.to('float64').sub(want).abs().amax().item(), `${n}`).toBeLessThan(bound);
      };
      near(dweight, g.to('float64').mul(normal).sum({ dim: 0 }));
      near(dbias, g.to('float64').sum({ dim: 0 }));
      const weighted = g.to('float64').mul(weight.detach().to('float64'));
      const mean = weighted.mean({ dim: 1, keepDim: true });
      const along = weighted.mul(normal).mean({ dim: 1, keepDim: true });
      near(dx, weighted.sub(mean).sub(normal.mul(along)).mul(rstd));
      // Whatever else is wanted.
      const same = (a: Tensor, b: Tensor): void => expect(bytesOf(a).equals(bytesOf(b))).toBe(true);
      same(gradients([x])[0] as Tensor, dx);
      same(gradients([x, weight])[1] as Tensor, dweight);
      same(gradients([x, bias])[1] as Tensor, dbias);
    }
  });

  test('NaN, infinities and the first of equal values in short rows', () => {
    setSimdLevel(name);
    const x = tensor([
      [1, Number.NaN, 5, Number.NaN],
      [-Infinity, -Infinity, -Infinity, -Infinity],
      [2, 7, 7, 1],
      [Infinity, 0, Infinity, -Infinity],
      [3, 1, 1, 3],
    ]);
    expect(x.argmax({ dim: 1 }).toArray()).toEqual([1, 0, 1, 0, 0]);
    expect(x.argmin({ dim: 1 }).toArray()).toEqual([1, 0, 3, 3, 1]);
    expect(x.amax({ dim: 1 }).toArray()).toEqual([Number.NaN, -Infinity, 7, Infinity, 3]);
    expect(x.amin({ dim: 1 }).toArray()).toEqual([Number.NaN, -Infinity, 1, -Infinity, 1]);
    expect(x.max({ dim: 1 }).indices.toArray()).toEqual([1, 0, 1, 0, 0]);
    const sums = [Number.NaN, -Infinity, 17, Number.NaN, 8];
    expect(x.sum({ dim: 1 }).toArray()).toEqual(sums);
  });
});

describe('topk', () => {
  /** The places of the first k by a stable sort. */
  function places(values: ArrayLike<number>, k: number, largest: boolean): number[] {
    const sign = largest ? -1 : 1;
    const all = Array.from(values, (_, i) => i);
    all.sort((a, b) => sign * ((values[a] as number) - (values[b] as number)) || a - b);
    return all.slice(0, k);
  }
  const n = 20000;
  const random = randn([n], { generator });
  const orders: Record<string, Tensor> = {
    random,
    ascending: tilegrad.arange(0, n, 1, { dtype: 'float32' }),
    descending: tilegrad.arange(0, n, 1, { dtype: 'float32' }).flip(0),
    'few values': random.mul(2).round(),
    'all equal': tilegrad.ones([n]),
    'rising in steps': tilegrad.arange(0, n, 1, { dtype: 'float32' }).div(700).floor(),
  };
  test.each(Object.keys(orders))('of a long line: %s', (order) => {
    const x = orders[order] as Tensor;
    for (const k of [1, 50, 1000, 5000]) {
      for (const largest of [true, false]) {
        const { values, indices } = tilegrad.topk(x, k, { largest });
        const expected = places(x.data, k, largest);
        expect(Array.from(indices.data)).toEqual(expected);
        expect(Array.from(values.data)).toEqual(expected.map((i) => x.data[i]));
      }
    }
  });
});

// Three arrays of more than 32 MB together: results go past the caches. The input lies as its rows do, so
// that its gradient begins on a cache line in every row.
test.each([
  [11_000, 256],
  [22_000, 128],
  [700, 4096],
])('the gradient of layerNorm of %i rows of %i is that of parts of them', (rows, n) => {
  setSimdLevel(level);
  const x = randn([rows, n], { generator });
  const g = randn([rows, n], { generator });
  const weight = randn([n], { generator });
  const of = (part: Tensor, along: Tensor): Tensor => {
    const leaf = part.detach().requiresGrad_();
    tilegrad.layerNorm(leaf, n, { weight }).backward(along);
    return leaf.grad as Tensor;
  };
  const half = Math.ceil(rows / 2);
  const parts = [
    [0, half],
    [half, rows],
  ] as const;
  const halves = parts.map((part) => of(x.slice([part]), g.slice([part])));
  expect(bytesOf(of(x, g)).equals(bytesOf(tilegrad.concat(halves, 0)))).toBe(true);
});
