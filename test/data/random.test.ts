import { Random } from 'tilegrad/data/random.js';
import { describe, expect, test } from 'vitest';

const draws = (random: Random, n: number) => Array.from({ length: n }, () => random.uint32());

describe('Random', () => {
  // From a second implementation of sfc32, in Python with whole numbers of any size.
  test.each([
    [0, 0, [1363572419, 145230303, 808754475, 4216505632]],
    [42, 7, [2414206571, 3306267311, 2536670639, 1417999003]],
    [-1, 0, [1984736529, 3747275468, 1287205723, 2021412065]],
  ])('seed %i, stream %i gives the numbers of sfc32', (seed, stream, expected) => {
    expect(draws(new Random(seed, stream), expected.length)).toEqual(expected);
  });

  test('below stays below, and every remainder is about as frequent', () => {
    const random = new Random(1);
    const counts = new Array<number>(7).fill(0);
    const n = 70_000;
    for (let i = 0; i < n; i++) counts[random.below(7)]! += 1;
    // Five standard deviations of a binomial count with p = 1/7.
    const tolerance = 5 * Math.sqrt(n * (1 / 7) * (6 / 7));
    for (const count of counts) expect(Math.abs(count - n / 7)).toBeLessThan(tolerance);
  });

  test('below takes ranges that are not a power of two up to 2^32', () => {
    const random = new Random(2);
    expect(random.below(1)).toBe(0);
    for (let i = 0; i < 100; i++) expect(random.below(2 ** 31 + 1)).toBeLessThan(2 ** 31 + 1);
    expect(random.below(2 ** 32)).toBeLessThan(2 ** 32);
  });

  test('every permutation of three is about as frequent', () => {
    const random = new Random(4);
    const counts = new Map<string, number>();
    const n = 12_000;
    for (let i = 0; i < n; i++) {
      const key = random.permutation(3).join('');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(['012', '021', '102', '120', '201', '210']);
    const tolerance = 5 * Math.sqrt(n * (1 / 6) * (5 / 6));
    for (const count of counts.values()) expect(Math.abs(count - n / 6)).toBeLessThan(tolerance);
  });

  test('a permutation has every number once', () => {
    const order = new Random(5).permutation(1000);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect([...new Random(5).permutation(0)]).toEqual([]);
  });
});
