/**
 * Reductions and scans against plain float64 loops: all sizes around the vectors', offsets, strides
 * and layouts; bounds of errors; integers; extreme values.
 */
import * as tilegrad from 'tilegrad';
import {
  type DType,
  Generator,
  randn,
  setNumThreads,
  setSimdLevel,
  type Tensor,
  tensor,
  zeros,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { epsilon, type FloatType, smallestNormal } from '../../golden.js';
import { restoreSettings, settings } from '../../helpers/settings.js';

const floats: FloatType[] = ['float32', 'float64'];
restoreSettings();

const generator = new Generator(11);
const numbersOf = (t: Tensor): number[] => t.contiguous().reshape([-1]).toArray() as number[];

/** A tensor of random numbers in memory that begins `offset` elements into its storage. */
function shifted(shape: number[], dtype: FloatType, offset: number): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return randn([count + offset], { dtype, generator })
    .slice([[offset, null]])
    .reshape(shape);
}

/** The values of each result as an array, for a reduction of `dim` of three. */
function groups(x: Tensor, dim: number): number[][] {
  const order = [0, 1, 2].filter((d) => d !== dim);
  const last = x.permute([...order, dim]).contiguous();
  const n = x.shape[dim] as number;
  const flat = numbersOf(last);
  return Array.from({ length: flat.length / n }, (_, i) => flat.slice(i * n, (i + 1) * n));
}

/** Added pairwise, so that the reference itself loses little. */
function total(v: number[]): number {
  if (v.length <= 8) return v.reduce((a, b) => a + b, 0);
  const half = v.length >> 1;
  return total(v.slice(0, half)) + total(v.slice(half));
}
const average = (v: number[]) => total(v) / v.length;
const squares = (v: number[]) => {
  const mean = average(v);
  return total(v.map((a) => (a - mean) ** 2));
};

interface Reference {
  of: (x: Tensor, options: { dim: number }) => Tensor;
  plain: (values: number[]) => number;
  /** What one rounding is relative to: the sizes of the terms. */
  size: (values: number[]) => number;
}

const magnitude = (v: number[]) => total(v.map(Math.abs));
const one = () => 1;
const references: Record<string, Reference> = {
  sum: { of: (x, o) => x.sum(o), plain: total, size: magnitude },
  mean: { of: (x, o) => x.mean(o), plain: average, size: (v) => magnitude(v) / v.length },
  prod: {
    of: (x, o) => x.prod(o),
    plain: (v) => v.reduce((a, b) => a * b, 1),
    size: (v) => v.length * Math.abs(v.reduce((a, b) => a * b, 1)),
  },
  var: {
    of: (x, o) => x.var({ ...o, correction: 0 }),
    plain: (v) => squares(v) / v.length,
    size: (v) => Math.max(squares(v) / v.length, Number.MIN_VALUE),
  },
  norm: {
    of: (x, o) => x.norm(o),
    plain: (v) => Math.sqrt(total(v.map((a) => a * a))),
    size: (v) => Math.sqrt(total(v.map((a) => a * a))),
  },
  norm3: {
    of: (x, o) => x.norm({ ...o, p: 3 }),
    plain: (v) => total(v.map((a) => Math.abs(a) ** 3)) ** (1 / 3),
    size: (v) => 4 * total(v.map((a) => Math.abs(a) ** 3)) ** (1 / 3),
  },
  logsumexp: {
    of: (x, o) => x.logsumexp(o),
    plain: (v) => Math.log(total(v.map(Math.exp))),
    size: (v) => 4 + Math.abs(Math.log(total(v.map(Math.exp)))),
  },
  amax: { of: (x, o) => x.amax(o), plain: (v) => Math.max(...v), size: () => 0 },
  amin: { of: (x, o) => x.amin(o), plain: (v) => Math.min(...v), size: () => 0 },
  argmax: { of: (x, o) => x.argmax(o), plain: (v) => v.indexOf(Math.max(...v)), size: () => 0 },
  argmin: { of: (x, o) => x.argmin(o), plain: (v) => v.indexOf(Math.min(...v)), size: () => 0 },
  countNonzero: { of: (x, o) => x.countNonzero(o), plain: (v) => v.length, size: one },
};

/** Roundings of one result: a tree of depth log2 n above chains of 64, and the function's own. */
const roundings = (n: number) => Math.ceil(Math.log2(n + 1)) + 8;

function compare(name: string, x: Tensor, dim: number, dtype: FloatType): void {
  const { of, plain, size } = references[name] as Reference;
  const results = numbersOf(of(x, { dim }));
  for (const [i, values] of groups(x, dim).entries()) {
    // A product may underflow.
    const limit = roundings(values.length) * epsilon[dtype] * size(values) + smallestNormal[dtype];
    const error = Math.abs((results[i] as number) - plain(values));
    if (!(error <= limit)) {
      throw new Error(
        `${name} of [${x.shape}] strides [${x.strides}] along ${dim}: ${results[i]}, not ${plain(values)}`,
      );
    }
  }
}

describe.each(floats)('against plain loops, %s', (dtype) => {
  test.each(Object.keys(references))(
    '%s of 1 to 100 values, contiguous, strided, misaligned',
    (name) => {
      for (let n = 1; n <= 100; n++) {
        const offset = n % 5;
        compare(name, shifted([1, 2, n], dtype, offset), 2, dtype);
        compare(name, shifted([1, n, 3], dtype, offset), 1, dtype);
        compare(
          name,
          shifted([2, 3, n], dtype, offset).slice([null, null, [0, null, 2]]),
          2,
          dtype,
        );
      }
    },
  );

  test.each(Object.keys(references))('%s around blocks, tiles and pieces', (name) => {
    for (const n of [127, 128, 129, 255, 256, 257, 513, 2047, 2049, 4095, 4097, 8193, 70_001]) {
      compare(name, shifted([1, 1, n], dtype, 1), 2, dtype);
      compare(name, shifted([1, n, 2], dtype, 1), 1, dtype);
    }
    for (const cols of [15, 16, 17, 63, 65, 255, 256, 257, 600]) {
      compare(name, shifted([2, 19, cols], dtype, 3), 1, dtype);
      compare(name, shifted([19, 2, cols], dtype, 3).transpose(1, 2), 0, dtype);
    }
  });

  test('any and all, with zeros of both signs and NaN', () => {
    const rows = [
      [0, -0, 0],
      [0, Number.NaN, 0],
      [1, -1, Number.NaN],
      [1e-45, 5e-324, 1],
    ];
    const x = tensor(rows, { dtype });
    const tiny = dtype === 'float64';
    expect(x.any({ dim: 1 }).toArray()).toEqual([false, true, true, true]);
    expect(x.all({ dim: 1 }).toArray()).toEqual([false, false, true, tiny]);
    expect(x.countNonzero({ dim: 1 }).toArray()).toEqual([0, 1, 3, tiny ? 3 : 2]);
    expect(x.transpose().countNonzero({ dim: 0 }).toArray()).toEqual([0, 1, 3, tiny ? 3 : 2]);
  });

  test('of nothing', () => {
    const x = zeros([2, 0], { dtype });
    const all = (fn: (options: { dim: number }) => Tensor) => fn({ dim: 1 }).toArray();
    expect(all((o) => x.sum(o))).toEqual([0, 0]);
    expect(all((o) => x.prod(o))).toEqual([1, 1]);
    expect(all((o) => x.mean(o))).toEqual([Number.NaN, Number.NaN]);
    expect(all((o) => x.var(o))).toEqual([Number.NaN, Number.NaN]);
    expect(all((o) => x.norm(o))).toEqual([0, 0]);
    expect(all((o) => x.logsumexp(o))).toEqual([-Infinity, -Infinity]);
    expect(all((o) => x.any(o))).toEqual([false, false]);
    expect(all((o) => x.all(o))).toEqual([true, true]);
    expect(all((o) => x.countNonzero(o))).toEqual([0, 0]);
    expect(x.nansum().item()).toBe(0);
    expect(x.cumsum(1).shape).toEqual([2, 0]);
    expect(x.max({ dim: 0 }).values.shape).toEqual([0]);
  });

  test('norms neither overflow nor underflow before their result does', () => {
    const [big, small] = dtype === 'float32' ? [1e30, 1e-30] : [1e300, 1e-300];
    for (const size of [big, small]) {
      const x = tensor([3 * size, -4 * size, 0], { dtype });
      const rows = tilegrad.tensor(
        [
          [3 * size, 3],
          [-4 * size, 4],
        ],
        { dtype },
      );
      const near = (actual: number, expected: number) =>
        expect(Math.abs(actual / expected - 1)).toBeLessThan(64 * epsilon[dtype]);
      near(x.norm().item(), 5 * size);
      near(x.norm({ p: 3 }).item(), 91 ** (1 / 3) * size);
      near(
        x
          .slice([[0, 2]])
          .norm({ p: -2 })
          .item(),
        2.4 * size,
      );
      const columns = rows.norm({ dim: 0 }).toArray() as number[];
      near(columns[0] as number, 5 * size);
      expect(columns[1]).toBe(5);
      expect((rows.transpose().norm({ dim: 1 }).toArray() as number[])[1]).toBe(5);
    }
    expect(tensor([0, 0], { dtype }).norm().item()).toBe(0);
    expect(tensor([1, Infinity], { dtype }).norm().item()).toBe(Infinity);
    expect(tensor([1, Number.NaN, Infinity], { dtype }).norm().item()).toBeNaN();
  });

  // Two passes: a mean far from 0 costs nothing, where E[x^2] - E[x]^2 would leave no digit.
  test.each([0, 1e3, 1e6])('a variance keeps its digits around a mean of %f', (mean) => {
    const n = 100_003;
    const x = randn([n], { dtype, generator }).add(mean);
    const values = numbersOf(x);
    const expected = squares(values) / (n - 1);
    // Twice log2 n roundings, and the square of the mean's error.
    const depth = roundings(n) * epsilon[dtype];
    const limit = 2 * depth * expected + (depth * mean) ** 2;
    expect(Math.abs(x.var().item() - expected)).toBeLessThan(limit);
    const columns = x.slice([[0, 100_000]]).reshape([50_000, 2]);
    const [first] = columns.var({ dim: 0 }).toArray() as number[];
    const even = values.slice(0, 100_000).filter((_, i) => i % 2 === 0);
    expect(Math.abs((first as number) - squares(even) / 49_999)).toBeLessThan(limit);
  });

  test('scans of 0 to 100 elements, along and across memory', () => {
    for (let n = 1; n <= 100; n++) {
      const x = shifted([2, n, 3], dtype, n % 4);
      for (const view of [x, x.transpose(1, 2).contiguous().transpose(1, 2)]) {
        const lines = groups(view, 1);
        const sums = groups(view.cumsum(1), 1);
        const products = groups(view.cumprod(1), 1);
        const logs = groups(view.logcumsumexp(1), 1);
        const { values, indices } = view.cummax(1);
        const most = groups(values, 1);
        const where = groups(indices, 1);
        for (const [k, line] of lines.entries()) {
          for (let i = 0; i < n; i++) {
            const head = line.slice(0, i + 1);
            const close = (actual: number | undefined, expected: number, size: number) => {
              if (!(Math.abs(actual! - expected) <= (4 + i / 8) * epsilon[dtype] * size)) {
                throw new Error(`line ${k} of ${n} at ${i}: ${actual}, not ${expected}`);
              }
            };
            const product = head.reduce((a, b) => a * b, 1);
            close(sums[k]![i], total(head), magnitude(head));
            close(products[k]![i], product, 2 * (i + 1) * Math.abs(product));
            const logarithm = Math.log(total(head.map(Math.exp)));
            close(logs[k]![i], logarithm, 4 + Math.abs(logarithm));
            expect(most[k]![i]).toBe(Math.max(...head));
            expect(where[k]![i]).toBe(head.indexOf(Math.max(...head)));
          }
        }
      }
    }
  });
});

test('a sum of 10^7 float32 is within log2 n roundings of the exact one', () => {
  const n = 10_000_000;
  const x = randn([n], { generator }).abs();
  let exact = 0;
  for (const v of x.data) exact += v as number;
  const ulp = 2 ** (Math.floor(Math.log2(exact)) - 23);
  for (const count of [1, 2]) {
    setNumThreads(count);
    expect(Math.abs(x.sum().item() - exact)).toBeLessThanOrEqual(Math.log2(n) * ulp);
  }
});

test('the first of several NaN and the first of several extrema win, across blocks and threads', () => {
  for (const special of [Number.NaN, Infinity]) {
    const whole = randn([600_014], { generator });
    for (const at of [200_002, 200_004, 400_004]) whole.data[at] = special;
    const half = whole.slice([[0, null, 2]]);
    for (const count of [1, 2]) {
      setNumThreads(count);
      expect(whole.argmax().item()).toBe(200_002);
      expect(half.argmax().item()).toBe(100_001);
      expect(whole.reshape([300_007, 2]).argmax({ dim: 0 }).slice([0]).item()).toBe(100_001);
      expect(half.reshape([1, 300_007]).max({ dim: 1 }).values.item()).toBe(special);
      expect(half.mul(-1).argmin().item()).toBe(100_001);
    }
  }
});

test('the first of equal extrema wins in every block of a row, and of a part of it', () => {
  // Blocks of 2048 are compared by their extrema, parts of 128 within the best one.
  const own = new Generator(12);
  for (const dtype of ['float32', 'float64'] as const) {
    for (const places of [
      [5, 2047],
      [100, 2048, 6100],
      [2049, 4097, 8999],
      [130, 131, 300],
    ]) {
      const x = randn([9000], { generator: own, dtype });
      for (const at of places) x.data[at] = 50;
      for (const [level, threads] of settings) {
        setSimdLevel(level);
        setNumThreads(threads);
        expect(x.argmax().item()).toBe(places[0]);
        expect(x.neg().argmin().item()).toBe(places[0]);
        expect(x.unsqueeze(1).expand([9000, 20]).contiguous().argmax({ dim: 0 }).toArray()).toEqual(
          Array(20).fill(places[0]),
        );
      }
    }
  }
});

test('the first NaN of a row of several blocks wins', () => {
  const x = randn([3, 9000], { generator });
  for (const at of [2500, 2501, 7000]) x.data[9000 + at] = Number.NaN;
  expect(x.argmax({ dim: 1 }).slice([1]).item()).toBe(2500);
  expect(x.argmin({ dim: 1 }).slice([1]).item()).toBe(2500);
});

test('a cumulative sum of float32 is the float64 sum, rounded', () => {
  const n = 100_003;
  const x = randn([n], { generator });
  const y = x.cumsum(0).data;
  let exact = 0;
  for (let i = 0; i < n; i++) {
    exact += x.data[i] as number;
    if (y[i] !== Math.fround(exact)) throw new Error(`${y[i]} at ${i}, not ${exact}`);
  }
});

test('scans down columns are those along rows', () => {
  const x = randn([40, 203], { generator });
  x.data[203 * 7 + 5] = Number.NaN;
  const down = x.transpose().contiguous();
  const along = (t: Tensor) => numbersOf(t.transpose());
  expect(along(down.cumsum(0))).toEqual(numbersOf(x.cumsum(1)));
  expect(along(down.cumprod(0))).toEqual(numbersOf(x.cumprod(1)));
  const [rows, columns] = [x.cummax(1), down.cummax(0)];
  expect(along(columns.values)).toEqual(numbersOf(rows.values));
  expect(along(columns.indices)).toEqual(numbersOf(rows.indices));
});

test('a logarithm of cumulative sums of numbers far apart', () => {
  const x = tensor([-Infinity, -1e5, 0, -500, 1e5, 1e5, -Infinity], { dtype: 'float64' });
  const expected = [-Infinity, -1e5, 0, 0, 1e5, 1e5 + Math.log(2), 1e5 + Math.log(2)];
  expect(x.logcumsumexp(0).toArray()).toEqual(expected);
  const infinite = tensor([1, Infinity, 2, Number.NaN, 3]).logcumsumexp(0).toArray();
  expect(infinite).toEqual([1, Infinity, Infinity, Number.NaN, Number.NaN]);
});

describe.each<DType>(['int32', 'int64', 'int8', 'uint8', 'bool'])('reductions of %s', (dtype) => {
  const shape = [5, 70, 33];
  const x = randn(shape, { dtype: 'float64', generator }).mul(90).to(dtype);
  const views = [x, x.permute([2, 0, 1]), x.slice([null, [1, null, 3], [0, null, 2]])];
  const product = (v: number[]) => Number(v.reduce((a, b) => BigInt.asIntN(64, a * BigInt(b)), 1n));

  test('along every dimension', () => {
    for (const view of views) {
      for (const dim of [0, 1, 2]) {
        const lines = groups(view.to('int32'), dim);
        const check = (actual: Tensor, plain: (v: number[]) => number, type: DType) => {
          expect(actual.dtype).toBe(type);
          // Products are compared as the nearest float64: bit by bit in int64.test.ts.
          expect(numbersOf(actual.to('float64'))).toEqual(lines.map(plain));
        };
        check(view.sum({ dim }), total, 'int64');
        check(view.prod({ dim }), product, 'int64');
        check(view.amax({ dim }), (v) => Math.max(...v), dtype);
        check(view.amin({ dim }), (v) => Math.min(...v), dtype);
        check(view.max({ dim }).values, (v) => Math.max(...v), dtype);
        check(view.min({ dim }).indices, (v) => v.indexOf(Math.min(...v)), 'int32');
        check(view.argmax({ dim }), (v) => v.indexOf(Math.max(...v)), 'int32');
        check(view.any({ dim }), (v) => Number(v.some((a) => a !== 0)), 'bool');
        check(view.all({ dim }), (v) => Number(v.every((a) => a !== 0)), 'bool');
        check(view.countNonzero({ dim }), (v) => v.filter((a) => a !== 0).length, 'int32');
      }
    }
  });

  test('of everything, and with several threads', () => {
    const big = randn([300_007], { generator }).mul(50).to(dtype);
    const values = numbersOf(big.to('int32'));
    for (const count of [1, 3]) {
      setNumThreads(count);
      expect(big.sum().item()).toBe(total(values));
      expect(big.prod().to('float64').item()).toBe(product(values));
      expect(big.countNonzero().item()).toBe(values.filter((a) => a !== 0).length);
      expect(Number(big.amax().item())).toBe(values.reduce((a, b) => Math.max(a, b)));
      expect(big.argmin().item()).toBe(values.indexOf(values.reduce((a, b) => Math.min(a, b))));
    }
  });

  test('cumulative', () => {
    const y = x.cumsum(1);
    expect(y.dtype).toBe('int64');
    const running = (v: number[]) => v.map((_, i) => total(v.slice(0, i + 1)));
    expect(groups(y, 1)).toEqual(groups(x.to('int32'), 1).map(running));
    expect(x.cummin(1).values.dtype).toBe(dtype);
    const least = (v: number[]) => v.map((_, i) => Math.min(...v.slice(0, i + 1)));
    expect(groups(x.cummin(1).values.to('int32'), 1)).toEqual(groups(x.to('int32'), 1).map(least));
  });
});

test('integers add up beyond 32 bits and wrap modulo 2^64', () => {
  const x = tensor([2 ** 31 - 1, 1, 5], { dtype: 'int32' });
  expect(x.sum().item()).toBe(2 ** 31 + 5);
  expect(x.cumsum(0).toArray()).toEqual([2 ** 31 - 1, 2 ** 31, 2 ** 31 + 5]);
  expect(x.prod().item()).toBe(5 * (2 ** 31 - 1));
  const most = tensor([2n ** 63n - 1n, 1n, 5n]);
  expect([...most.cumsum(0).to('int64').elements]).toEqual([
    2n ** 63n - 1n,
    -(2n ** 63n),
    -(2n ** 63n) + 5n,
  ]);
  expect(most.sum().elements).toEqual(new BigInt64Array([-(2n ** 63n) + 5n]));
});

test('bfloat16 is compared and counted, not added', () => {
  const x = tensor([
    [1, -3],
    [-0, 2],
  ]).to('bfloat16');
  expect(x.amax({ dim: 1 }).dtype).toBe('bfloat16');
  expect(x.amax({ dim: 1 }).toArray()).toEqual([1, 2]);
  expect(x.max({ dim: 0 }).values.toArray()).toEqual([1, 2]);
  expect(x.argmin().item()).toBe(1);
  expect(x.countNonzero().item()).toBe(3);
  expect(x.all({ dim: 1 }).toArray()).toEqual([true, false]);
});

describe('fused rules against compositions', () => {
  const gradientOf = (fn: (x: Tensor) => Tensor, x: Tensor): number[] => {
    const leaf = x.detach().clone();
    leaf.requiresGrad = true;
    fn(leaf).backward();
    return numbersOf(leaf.grad as Tensor);
  };
  const close = (a: number[], b: number[]) => {
    for (const [i, v] of a.entries()) expect(Math.abs(v - (b[i] as number))).toBeLessThan(1e-12);
  };
  const x = randn([7, 5], { dtype: 'float64', generator });

  test.each<[string, (x: Tensor) => Tensor, (x: Tensor) => Tensor]>([
    [
      'variance',
      (t) => t.var({ dim: 1 }).square().sum(),
      (t) =>
        t
          .sub(t.mean({ dim: 1, keepDim: true }))
          .square()
          .sum({ dim: 1 })
          .div(4)
          .square()
          .sum(),
    ],
    ['norm', (t) => t.norm(), (t) => t.square().sum().sqrt()],
    ['logsumexp', (t) => t.logsumexp({ dim: 0 }).sum(), (t) => t.exp().sum({ dim: 0 }).log().sum()],
    ['cumsum', (t) => t.cumsum(0).square().sum(), (t) => lowerOnes(7).matmul(t).square().sum()],
    [
      'logcumsumexp',
      (t) => t.logcumsumexp(0).square().sum(),
      (t) => lowerOnes(7).matmul(t.exp()).log().square().sum(),
    ],
  ])('%s', (_, fused, composed) => {
    expect(Math.abs(fused(x).item() - composed(x).item())).toBeLessThan(1e-10);
    close(gradientOf(fused, x), gradientOf(composed, x));
  });

  function lowerOnes(n: number): Tensor {
    const rows = Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (_, j) => +(j <= i)),
    );
    return tensor(rows, { dtype: 'float64' });
  }

  test('products with none, one and two zeros', () => {
    const others = (v: number[], k: number) => v.reduce((a, b, i) => (i === k ? a : a * b), 1);
    for (const row of [
      [1.5, -2, 3, 0.5],
      [1.5, 0, 3, 0.5],
      [0, 2, 0, 0.5],
    ]) {
      const expected = row.map((_, k) => others(row, k));
      expect(gradientOf((t) => t.prod(), tensor(row, { dtype: 'float64' }))).toEqual(expected);
    }
  });
});
