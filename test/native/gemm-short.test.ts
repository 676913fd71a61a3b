/**
 * Products of few steps by a B that is read in place, or of many rows and in strips that are copied:
 * from 15 rows on they take tiles that are wider than those of fewer rows, and all have the same
 * bits. One row, whose columns stay in registers, and few columns of few steps have them too.
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
// Their places in GemmPath.
const PATH_VECTOR = 1;
const PATH_NARROW = 4;
const PATH_DIRECT = 5;
const PATH_PACKED = 6;
const MOST = 13; // rows that no level computes in more than its tallest tile or in wide ones
const TANH = activations.indexOf('tanh');

// The sizes around whole wide tiles, and a B beyond half of the second-level cache: in place, in
// strips in place, and copied. The last number is the path on AVX-512.
const shapes = [
  [15, 64, 3, PATH_DIRECT],
  [16, 63, 20, PATH_DIRECT],
  [17, 65, 1, PATH_DIRECT],
  [18, 127, 128, PATH_DIRECT],
  [20, 128, 129, PATH_DIRECT],
  [29, 97, 255, PATH_DIRECT],
  [47, 200, 256, PATH_DIRECT],
  [16, 1100, 128, PATH_DIRECT],
  [20, 4500, 40, PATH_DIRECT],
  [512, 2110, 64, PATH_DIRECT],
  [513, 2110, 63, PATH_DIRECT],
  [513, 2110, 64, PATH_PACKED],
  [256, 1050, 129, PATH_DIRECT],
  [257, 1050, 128, PATH_DIRECT],
  [257, 1050, 129, PATH_PACKED],
  [260, 719, 200, PATH_PACKED],
  [258, 176, 767, PATH_PACKED],
  [30, 64, 0, PATH_DIRECT],
] as const;

test.each(settings)('rows of many have the bits of few: %s, %i thread(s)', (name, count) => {
  setSimdLevel(name);
  setNumThreads(count);
  const random = generator(31);
  for (const Type of [Float32Array, Float64Array] as const) {
    for (const [m, n, k, path] of shapes) {
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
      if (name === 'avx512' && count === 1 && k > 1) expect(plan[0]).toBe(path);
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

// Up to as many columns as registers hold, and beyond; the same with the operands of a column.
test.each(settings)('a row has the bits of rows: %s, %i thread(s)', (name, count) => {
  setSimdLevel(name);
  setNumThreads(count);
  const random = generator(33);
  for (const Type of [Float32Array, Float64Array] as const) {
    for (let n = 1; n <= 140; n++) {
      const k = n % 7 === 0 ? 0 : 1 + (n % 21);
      const fill = (length: number): Floats => new Type(length).map(() => random() * 2 - 1);
      const [aCol, bRow] = [1 + (n % 3), n + (n % 5)] as const;
      const [a, b, start] = [fill(2 * 30 * aCol), fill(30 * bRow + 3), fill(2 * n + 3)] as const;
      const [bias, side] = [fill(n), fill(2 * n)] as const;
      const product = (rowsOfC: number, beta: number): Floats => {
        const c = start.slice();
        const [aRow, cRow] = [rowsOfC === 1 ? 0 : 30 * aCol, n];
        const numbers = [1, rowsOfC, n, k, 0, aRow, aCol, 0, bRow, 1, 0, cRow, 1, beta];
        runRow(rows.gemm, [a, b, c], [0, 3, 1], numbers);
        return c.subarray(1, 1 + n);
      };
      const fused = (rowsOfC: number): Floats => {
        const c = start.slice();
        const numbers = [rowsOfC, n, k, 30 * aCol, aCol, bRow, 1, n, n, TANH, 1, 0];
        runRow(rows.gemmFused, [a, b, bias, side, c, null], [0, 3, 0, 0, 1, 0], numbers);
        return c.subarray(1, 1 + n);
      };
      for (const beta of [0, 1, -0.5]) expect(product(1, beta)).toEqual(product(2, beta));
      expect(fused(1)).toEqual(fused(2));
      const c = start.slice();
      runRow(rows.gemm, [a, b, c], [0, 3, 1], [1, 1, n, k, 0, 0, aCol, 0, bRow, 1, 0, n, 1, 0]);
      expect([...c.subarray(1 + n)]).toEqual([...start.subarray(1 + n)]); // nothing beyond the row
      expect(c[0]).toBe(start[0]);
      // The same row as a column: B's columns times A.
      const column = start.slice();
      const turned = [1, n, 1, k, 0, 1, bRow, 0, aCol, 1, 0, 1, 1, 0];
      runRow(rows.gemm, [b, a, column], [3, 0, 1], turned);
      expect(column).toEqual(c);
      const plan = gemmPlan(Type, [1, n, k, 0, aCol, bRow, 1, 0, 0]);
      expect(plan[0]).toBe(PATH_VECTOR);
    }
  }
});

// A contiguous along its columns (a weight's gradient): turned, or with few steps in place.
test.each(settings)('few columns of few steps: %s, %i thread(s)', (name, count) => {
  setSimdLevel(name);
  setNumThreads(count);
  const random = generator(34);
  for (const Type of [Float32Array, Float64Array] as const) {
    for (const m of [33, 130]) {
      for (let n = 2; n <= 15; n++) {
        const most = n === 15 ? 0 : n <= 3 ? 2 * n : 4 * n; // the first number of steps that is turned
        for (const k of [2, most - 1, most, most + 1]) {
          if (k < 2) continue;
          const fill = (length: number): Floats => new Type(length).map(() => random() * 2 - 1);
          const [a, b] = [fill(m * k), fill(k * n)] as const;
          const turned = new Type(m * k).map((_, i) => a[(i % m) * k + Math.floor(i / m)]!);
          const product = (left: Floats, aRow: number, aCol: number): Floats => {
            const c = new Type(m * n + 1).fill(GUARD);
            const numbers = [1, m, n, k, 0, aRow, aCol, 0, n, 1, 0, n, 1, 0];
            runRow(rows.gemm, [left, b, c], [0, 0, 0], numbers);
            return c;
          };
          expect(product(turned, 1, m)).toEqual(product(a, k, 1));
          const plan = gemmPlan(Type, [m, n, k, 1, m, n, 1, 0, 0]);
          const narrow = n <= 14 && k >= most;
          expect(plan[0], `${m} x ${k} x ${n}`).toBe(narrow ? PATH_NARROW : PATH_DIRECT);
        }
      }
    }
  }
});
