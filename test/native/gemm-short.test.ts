/**
 * Products of few steps by a B that is read in place: from 15 rows on they take tiles that are wider
 * than those of fewer rows, and all have the same bits.
 */
import { rows, runRow } from 'tilegrad/native/commands.js';
import { setNumThreads, setSimdLevel } from 'tilegrad/native/settings.js';
import { activations } from 'tilegrad/ops/product/gemm.js';
import { expect, test } from 'vitest';
import { generator } from '../helpers/generator.js';
import { gemmPlan } from '../helpers/plan.js';
import { restoreSettings, settings } from '../helpers/settings.js';

type Floats = Float32Array | Float64Array;

restoreSettings();

const GUARD = -77;
const PATH_DIRECT = 5; // its place in GemmPath
const MOST = 13; // rows that no level computes in more than its tallest tile or in wide ones
const TANH = activations.indexOf('tanh');

// The sizes around whole wide tiles, and a B beyond half of the second-level cache.
const shapes = [
  [15, 64, 3],
  [16, 63, 20],
  [17, 65, 1],
  [18, 127, 128],
  [20, 128, 129],
  [29, 97, 255],
  [47, 200, 256],
  [16, 1100, 128],
  [30, 64, 0],
] as const;

test.each(settings)('rows of many have the bits of few: %s, %i thread(s)', (name, count) => {
  setSimdLevel(name);
  setNumThreads(count);
  const random = generator(31);
  for (const Type of [Float32Array, Float64Array] as const) {
    for (const [m, n, k] of shapes) {
      if (name === 'scalar' && n * k > 10000) continue; // it emulates FMA
      const fill = (length: number): Floats => new Type(length).map(() => random() * 2 - 1);
      // Places that are on no line of the cache, and rows that are longer than used.
      const [aRow, bRow, cRow] = [k + 3, n + 5, n + 2];
      const [a, b] = [fill(m * aRow + 3), fill((k + 1) * bRow + 7)] as const;
      const [bias, side, start] = [fill(n), fill(m * n), fill(m * cRow + 5)] as const;
      const plain = (c: Floats, first: number, height: number, beta: number): void => {
        runRow(
          rows.gemm,
          [a, b, c],
          [3 + first * aRow, 7, 5 + first * cRow],
          [1, height, n, k, 0, aRow, 1, 0, bRow, 1, 0, cRow, 1, beta],
        );
      };
      const fused = (c: Floats, sums: Floats | null, first: number, height: number): void => {
        runRow(
          rows.gemmFused,
          [a, b, bias, side, c, sums],
          [3 + first * aRow, 7, 0, first * n, 5 + first * cRow, 0],
          [height, n, k, aRow, 1, bRow, 1, n, cRow, TANH, 1, 0],
        );
      };
      const check = (what: string, got: Floats, run: (c: Floats, i: number, h: number) => void) => {
        const want = start.slice();
        for (let i = 0; i < m; i += MOST) run(want, i, Math.min(MOST, m - i));
        const at = got.findIndex((x, i) => !Object.is(x, want[i]));
        if (at >= 0)
          throw new Error(`${what} ${m} x ${k} x ${n}: [${at}] is ${got[at]}, not ${want[at]}`);
      };
      for (const beta of [0, 1, -0.5]) {
        const c = start.slice();
        plain(c, 0, m, beta);
        check(`beta ${beta}`, c, (want, i, height) => plain(want, i, height, beta));
      }
      const [c, sums] = [start.slice(), new Type(n + 1).fill(GUARD)];
      fused(c, sums, 0, m);
      check('fused', c, (want, i, height) => fused(want, null, i, height));
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let p = 0; p < k; p++) sum += b[7 + p * bRow + j]!;
        expect(Math.abs(sums[j]! - sum)).toBeLessThan(1e-6 * (k + 1));
      }
      expect(sums[n]).toBe(GUARD);
      const plan = gemmPlan(Type, [m, n, k, aRow, 1, bRow, 1, 0, 0]);
      if (name === 'avx512' && count === 1 && k > 1) expect(plan[0]).toBe(PATH_DIRECT);
    }
  }
});

// B contiguous along k is transposed and then read by the same tiles.
test.each(settings)('with B transposed: %s, %i thread(s)', (name, count) => {
  setSimdLevel(name);
  setNumThreads(count);
  const random = generator(32);
  for (const Type of [Float32Array, Float64Array] as const) {
    for (const [m, n, k] of [
      [128, 64, 100],
      [40, 130, 17],
      [64, 700, 64],
    ] as const) {
      if (name === 'scalar' && m > 40) continue;
      const fill = (length: number): Floats => new Type(length).map(() => random() * 2 - 1);
      const [a, b] = [fill(m * k), fill(k * n)] as const;
      const turned = new Type(k * n).map((_, i) => b[(i % k) * n + Math.floor(i / k)]!);
      const product = (right: Floats, bRow: number, bCol: number): Floats => {
        const c: Floats = new Type(m * n + 1).fill(GUARD);
        runRow(
          rows.gemm,
          [a, right, c],
          [0, 0, 0],
          [1, m, n, k, 0, k, 1, 0, bRow, bCol, 0, n, 1, 0],
        );
        return c;
      };
      const [want, got] = [product(b, n, 1), product(turned, 1, k)];
      const at = got.findIndex((x, i) => !Object.is(x, want[i]));
      if (at >= 0) throw new Error(`${m} x ${k} x ${n}: [${at}] is ${got[at]}, not ${want[at]}`);
      expect(got[m * n]).toBe(GUARD);
    }
  }
});
