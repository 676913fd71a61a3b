/**
 * Whether random numbers have the distributions that they should have. Seeds are fixed, so a test
 * always gives the same answer; a bound is five standard deviations of what is measured, which a right
 * generator would miss once in two million seeds.
 */
import {
  alphaDropout,
  bernoulli,
  dropout,
  erf,
  exponential,
  featureDropout,
  Generator,
  multinomial,
  normal,
  ones,
  poisson,
  rand,
  randint,
  randn,
  randperm,
  type Tensor,
  tensor,
  truncatedNormal,
  uniform,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';

const SIGMAS = 5;
const N = 1 << 18;
const floats = ['float32', 'float64'] as const;

/** Holds a measured number against its expectation and standard deviation. */
function expectNear(measured: number, expected: number, deviation: number, what: string): void {
  const sigmas = (measured - expected) / deviation;
  expect(Math.abs(sigmas), `${what}: ${measured}, not ${expected}`).toBeLessThan(SIGMAS);
}

/** Pearson's statistic has the mean k - 1 and about the variance 2 (k - 1); too small is wrong too. */
function expectFrequencies(
  counts: readonly number[],
  probabilities: readonly number[],
  what: string,
): void {
  const n = counts.reduce((a, b) => a + b, 0);
  const chi2 = counts.reduce((sum, count, i) => {
    const expected = n * probabilities[i]!;
    return sum + (count - expected) ** 2 / expected;
  }, 0);
  const freedom = counts.length - 1;
  expectNear(chi2, freedom, Math.sqrt(2 * freedom), `${what}: chi-square`);
}

const even = (k: number): number[] => Array(k).fill(1 / k);

function histogram(values: Iterable<number>, bins: number): number[] {
  const counts = Array<number>(bins).fill(0);
  for (const v of values) counts[v] = counts[v]! + 1;
  return counts;
}

/** Numbers that should be uniform on [0, 1): in bins, and in pairs of neighbours at some distances. */
function expectUniform(u: ArrayLike<number>, what: string): void {
  const numbers = Array.from(u);
  const bins = 256;
  expectFrequencies(
    histogram(
      numbers.map((v) => Math.floor(v * bins)),
      bins,
    ),
    even(bins),
    what,
  );
  // Neighbours, values of one position, of one pair, of one vector and of one block.
  for (const lag of [1, 2, 3, 4, 16, 64]) {
    const side = 16;
    const cells: number[] = [];
    // Pairs that share no number, so that they are independent.
    for (let start = 0; start + 2 * lag <= numbers.length; start += 2 * lag) {
      for (let i = start; i < start + lag; i++) {
        const [a, b] = [numbers[i]!, numbers[i + lag]!];
        cells.push(Math.floor(a * side) * side + Math.floor(b * side));
      }
    }
    expectFrequencies(histogram(cells, side * side), even(side * side), `${what}, lag ${lag}`);
  }
}

/** Central moments up to the fourth. */
function moments(t: Tensor): [mean: number, variance: number, third: number, fourth: number] {
  const x = t.to('float64');
  const mean = x.mean().item();
  const d = x.sub(mean);
  const square = d.mul(d);
  return [
    mean,
    square.mean().item(),
    square.mul(d).mean().item(),
    square.mul(square).mean().item(),
  ];
}

/** The normal distribution function. */
const phi = (z: Tensor): Tensor => erf(z.to('float64').mul(Math.SQRT1_2)).add(1).mul(0.5);

describe.each(floats)('%s', (dtype) => {
  const options = (seed: number) => ({ dtype, generator: new Generator(seed) });
  const root = Math.sqrt(N);

  test('uniform', () => {
    const u = rand([N], options(1));
    const [mean, variance] = moments(u);
    expectNear(mean, 1 / 2, Math.sqrt(1 / 12) / root, 'mean');
    expectNear(variance, 1 / 12, Math.sqrt(1 / 80 - 1 / 144) / root, 'variance');
    expectUniform(u.data, 'uniform');
    const between = uniform(-3, 5, [N], options(2));
    expectUniform(between.add(3).div(8).data, 'uniform between bounds');
    // The lower half of what the type holds.
    const scale = dtype === 'float32' ? 2 ** 12 : 2 ** 27;
    expectUniform(
      Array.from(u.data, (v) => (v * scale) % 1),
      'lower bits',
    );
    // Streams of neighbouring seeds: their difference modulo 1 is uniform if they are independent.
    const other = rand([N], options(2)).data;
    expectUniform(
      Array.from(u.data, (v, i) => (v - other[i]! + 1) % 1),
      'against the next seed',
    );
  });

  test('normal', () => {
    const z = randn([N], options(3));
    const [mean, variance, third, fourth] = moments(z);
    expectNear(mean, 0, 1 / root, 'mean');
    expectNear(variance, 1, Math.sqrt(2) / root, 'variance');
    expectNear(third, 0, Math.sqrt(15) / root, 'third moment');
    expectNear(fourth, 3, Math.sqrt(96) / root, 'fourth moment');
    expectUniform(phi(z).data, 'normal');
    // Halves of a pair are independent in their squares too: E[a^2 b^2] = 1, with variance 8.
    const pairs = z.to('float64').reshape([-1, 2]).square();
    const product = pairs.slice([null, [0, 1]]).mul(pairs.slice([null, [1, 2]]));
    expectNear(product.mean().item(), 1, Math.sqrt(8 / (N / 2)), 'squares of a pair');
    const [moved, spread] = moments(normal(4, 0.5, [N], options(4)));
    expectNear(moved, 4, 0.5 / root, 'given mean');
    expectNear(spread, 0.25, (0.25 * Math.SQRT2) / root, 'given variance');
  });

  test('exponential', () => {
    const rate = 2.5;
    const x = exponential(rate, [N], options(5));
    const [mean, variance] = moments(x.mul(rate));
    expectNear(mean, 1, 1 / root, 'mean');
    expectNear(variance, 1, Math.sqrt(8) / root, 'variance');
    const u = x.to('float64').mul(-rate).exp().neg().add(1);
    expectUniform(u.data, 'exponential');
  });

  test.each([
    [0, 1, -2, 2],
    [1, 3, -1, 0.5],
    [0, 1, 1, 3],
  ])('truncated normal of mean %f and deviation %f between %f and %f', (mean, std, a, b) => {
    const x = truncatedNormal([N], { mean, std, a, b, ...options(6) });
    const [low, high] = phi(tensor([(a - mean) / std, (b - mean) / std])).data as Float64Array;
    const u = phi(x.to('float64').sub(mean).div(std))
      .sub(low!)
      .div(high! - low!);
    // The largest value is on the bound, where rounding may leave [0, 1).
    expectUniform(
      Array.from(u.data, (v) => Math.min(Math.max(v, 0), 1 - 2 ** -53)),
      'truncated normal',
    );
    expect(x.amin().item()).toBeGreaterThanOrEqual(a);
    expect(x.amax().item()).toBeLessThanOrEqual(b);
  });

  test('bernoulli', () => {
    for (const p of [0.001, 0.3, 0.75]) {
      const count = bernoulli(p, [N], options(7)).to('float64').sum().item();
      expectNear(count, N * p, Math.sqrt(N * p * (1 - p)), `p = ${p}`);
    }
    const p = rand([N], options(8));
    const drawn = bernoulli(p, { generator: new Generator(9) });
    // Among those of probability about k/8 about k/8 are drawn.
    const eighth = Array.from(p.data, (v) => Math.floor(v * 8));
    for (let k = 0; k < 8; k++) {
      const rows = eighth.flatMap((e, i) => (e === k ? [drawn.data[i]!] : []));
      const middle = (k + 0.5) / 8;
      const mean = rows.reduce((s, v) => s + v, 0) / rows.length;
      expectNear(mean, middle, Math.sqrt(middle * (1 - middle)) / Math.sqrt(rows.length), `${k}`);
    }
  });

  test('dropout keeps the expected value, alphaDropout mean and variance', () => {
    const generator = new Generator(10);
    for (const p of [0.1, 0.5, 0.9]) {
      const kept = dropout(ones([N], { dtype }), p, { generator })
        .to('float64')
        .mean()
        .item();
      expectNear(kept, 1, Math.sqrt(p / (1 - p)) / root, `dropout of ${p}`);
      const channels = featureDropout(ones([512, 64, 2], { dtype }), p, { generator });
      expectNear(
        channels.to('float64').mean().item(),
        1,
        Math.sqrt(p / (1 - p)) / Math.sqrt(512 * 64),
        `featureDropout of ${p}`,
      );
      const y = alphaDropout(randn([N], options(11)), p, { generator });
      const [mean, variance, , fourth] = moments(y);
      expectNear(mean, 0, 1 / root, `mean of alphaDropout of ${p}`);
      expectNear(variance, 1, Math.sqrt(fourth - 1) / root, `variance of alphaDropout of ${p}`);
    }
  });

  test.each([0.02, 0.9, 5, 9.9, 10, 10.5, 47.3])('poisson of rate %f in frequencies', (rate) => {
    const drawn = poisson(tensor(rate, { dtype }).expand([N]), { generator: new Generator(18) });
    // Single numbers where enough of each are expected, the rest at either end together.
    const probabilities: number[] = [];
    for (let k = 0, p = Math.exp(-rate); k < 200; k++, p *= rate / k) probabilities.push(p);
    const enough = probabilities.flatMap((p, k) => (N * p >= 10 ? [k] : []));
    const [first, last] = [enough[0]!, enough.at(-1)!];
    const merged = (list: readonly number[]): number[] => {
      const sum = (part: readonly number[]) => part.reduce((a, b) => a + b, 0);
      return [sum(list.slice(0, first + 1)), ...list.slice(first + 1, last), sum(list.slice(last))];
    };
    const counts = histogram(drawn.data, 200);
    expect(counts.length).toBe(200);
    expectFrequencies(merged(counts), merged(probabilities), `rate ${rate}`);
  });

  test.each([1000, 54321.6, 2 ** 20 - 1, 2 ** 20, 3e7])('poisson of rate %f in moments', (rate) => {
    const n = 1 << 14;
    const drawn = poisson(tensor(rate, { dtype }).expand([n]), { generator: new Generator(19) });
    const [mean, variance, third] = moments(drawn.to('float64').sub(rate).div(Math.sqrt(rate)));
    expectNear(mean, 0, 1 / Math.sqrt(n), 'mean');
    expectNear(variance, 1, Math.sqrt((2 + 1 / rate) / n), 'variance');
    expectNear(third, 1 / Math.sqrt(rate), Math.sqrt(15 / n), 'third moment');
    const whole = Array.from(drawn.data, (v) => Number.isInteger(v) && v >= 0);
    expect(whole.every(Boolean)).toBe(true);
  });

  test('multinomial with replacement follows the weights', () => {
    const weights = [1, 0, 2, 3.5, 0.25, 0];
    const total = weights.reduce((a, b) => a + b, 0);
    const drawn = multinomial(tensor(weights, { dtype }), N, {
      replacement: true,
      generator: new Generator(12),
    });
    const counts = histogram(drawn.data, 6);
    expect([counts[1], counts[5]]).toEqual([0, 0]);
    const possible = [0, 2, 3, 4];
    expectFrequencies(
      possible.map((i) => counts[i]!),
      possible.map((i) => weights[i]! / total),
      'classes',
    );
  });

  test('multinomial without replacement draws one after the other from what is left', () => {
    const weights = [1, 2, 3, 4];
    const rows = 50_000;
    const drawn = multinomial(tensor(weights, { dtype }).expand([rows, 4]), 2, {
      generator: new Generator(13),
    }).data;
    const pairs: number[] = [];
    for (let r = 0; r < rows; r++) pairs.push(4 * drawn[2 * r]! + drawn[2 * r + 1]!);
    const counts = histogram(pairs, 16);
    const possible = counts.map((_, i) => i).filter((i) => Math.floor(i / 4) !== i % 4);
    expectFrequencies(
      possible.map((i) => counts[i]!),
      possible.map((i) => {
        const [first, second] = [weights[Math.floor(i / 4)]!, weights[i % 4]!];
        return (first / 10) * (second / (10 - first));
      }),
      'ordered pairs',
    );
    for (let i = 0; i < 4; i++) expect(counts[5 * i]).toBe(0);
  });
});

describe('whole numbers', () => {
  test('randint is uniform over its range', () => {
    const generator = new Generator(14);
    for (const range of [2, 3, 10, 1000]) {
      const drawn = randint(-7, range - 7, [N], { generator }).data;
      const counts = histogram(
        Array.from(drawn, (v) => v + 7),
        range,
      );
      expect(counts.length).toBe(range);
      expectFrequencies(counts, even(range), `range ${range}`);
    }
    const all = randint(-(2 ** 31), 2 ** 31, [N], { generator }).data;
    expectUniform(
      Array.from(all, (v) => v / 2 ** 32 + 0.5),
      'all int32',
    );
    // A range where 32 random bits alone would favour some numbers by half: 3 * 2^30.
    const large = randint(-(2 ** 31), 2 ** 30, [N], { generator }).data;
    const thirds = histogram(
      Array.from(large, (v) => (v + 2 ** 31) % 3),
      3,
    );
    expectFrequencies(thirds, even(3), 'remainders');
  });

  test('randperm gives every order of 4 equally often', () => {
    const generator = new Generator(15);
    const orders = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const key = randperm(4, { generator }).data.join('');
      orders.set(key, (orders.get(key) ?? 0) + 1);
    }
    expect(orders.size).toBe(24);
    expectFrequencies([...orders.values()], even(24), 'orders');
  });

  test('randperm of many holds every number once, at a place that is uniform', () => {
    const n = 100_003;
    const order = randperm(n, { generator: new Generator(16) }).data;
    expect(new Set(order).size).toBe(n);
    expect(order.every((v) => v >= 0 && v < n)).toBe(true);
    // Of the first and the last 5000 (all of them together fill every bin alike).
    for (const part of [order.slice(0, 5000), order.slice(-5000)]) {
      expectUniform(
        Array.from(part, (v) => v / n),
        'order',
      );
    }
    // Numbers that stay in their place: 1 of them on average, with variance 1.
    const generator = new Generator(17);
    let fixed = 0;
    for (let i = 0; i < 2000; i++) {
      randperm(50, { generator }).data.forEach((v, at) => {
        if (v === at) fixed++;
      });
    }
    expectNear(fixed / 2000, 1, 1 / Math.sqrt(2000), 'fixed points');
  });
});
