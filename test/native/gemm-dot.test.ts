/**
 * Products whose second operand is contiguous along k: its blocks are transposed in registers, for a
 * few rows in place, for more while it is packed. C^T = B^T A^T of few columns goes the same way.
 * Every output is one chain of FMAs, so the bits must be those of the same product in tiles, which
 * gemm.test.ts holds against a naive product.
 */

import { rows, runRow } from 'tilegrad/native/commands.js';
import { setNumThreads, setSimdLevel } from 'tilegrad/native/settings.js';
import { activations } from 'tilegrad/ops/product/gemm.js';
import { expect, test } from 'vitest';
import { generator } from '../helpers/generator.js';
import { gemmPlan } from '../helpers/plan.js';
import { restoreSettings, settings } from '../helpers/settings.js';

type Floats = Float32Array | Float64Array;

const GUARD = 12345;

restoreSettings();

const [PATH_DOT, PATH_PACKED] = [3, 6]; // their places in GemmPath

test.each(settings)('rows by columns along k: %s, %i thread(s)', (name, count) => {
  setSimdLevel(name);
  setNumThreads(count);
  const random = generator(9);
  // Around registers of 2 to 16 values, pairs of them, and their halves, which edges are made of.
  const widths = [1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 15, 16, 17, 19, 23, 24, 25, 31, 32, 33, 41, 48];
  widths.push(49, 63, 64, 65);
  const depths = [1, 3, 4, 7, 8, 9, 15, 16, 17, 24, 31, 33, 50];
  const paths = new Set<number>();
  for (const Type of [Float32Array, Float64Array] as const) {
    // The distance between columns of the last one is 2 KB for either type: they share cache sets.
    const far = 2048 / Type.BYTES_PER_ELEMENT;
    const values = new Type(20_000 + far * 66).map(() => random() * 2 - 1);
    values[777] = Number.POSITIVE_INFINITY;
    for (let m = 1; m <= 15; m++) {
      for (const [w, n] of widths.entries()) {
        const k = depths[(w + 5 * m) % depths.length]!;
        const pitch = (w + m) % 3 === 0 ? far : k + ((w + m) % 2);
        const [beta, offset] = [w % 4 === 0 ? -0.5 : 0, 1 + (w % 7)];
        const turned = new Type(k * n).map((_, i) => values[offset + (i % n) * pitch + ~~(i / n)]!);
        const product = (b: Floats, from: number, bRow: number, bCol: number): Floats => {
          const c = new Type(m * (n + 1) + 4).fill(GUARD);
          if (beta !== 0)
            for (let i = 0; i < m; i++)
              c.fill(i + 0.25, 3 + i * (n + 1)).fill(GUARD, 3 + i * (n + 1) + n);
          runRow(
            rows.gemm,
            [values, b, c],
            [700, from, 3],
            [1, m, n, k, 0, k + 1, 1, 0, bRow, bCol, 0, n + 1, 1, beta],
          );
          return c;
        };
        const want = product(turned, 0, n, 1);
        const got = product(values, offset, 1, pitch);
        const at = got.findIndex((x, i) => !Object.is(x, want[i]));
        if (at >= 0) throw new Error(`${m} x ${k} x ${n}: [${at}] is ${got[at]}, not ${want[at]}`);
        const plan = gemmPlan(Type, [m, n, k, k + 1, 1, 1, pitch, 0, 0]);
        paths.add(plan[0]!);
      }
    }
  }
  expect([...paths]).toEqual(expect.arrayContaining([PATH_DOT, PATH_PACKED]));
});

test.each(settings)(
  'the last columns have the bits of the others: %s, %i thread(s)',
  (name, count) => {
    setSimdLevel(name);
    setNumThreads(count);
    const random = generator(5);
    const wide = 128; // whole registers on every level
    for (const Type of [Float32Array, Float64Array] as const) {
      for (const n of [33, 34, 35, 36, 37, 49, 52, 65, 97, 100]) {
        for (const [m, k] of [
          [31, 20],
          [32, 16],
          [45, 21],
          [70, 37],
          [131, 150], // panels of B are packed
        ] as const) {
          if (name === 'scalar' && m > 45) continue; // it emulates FMA
          const fill = (length: number): Floats => new Type(length).map(() => random() * 2 - 1);
          const [a, b, bias, side] = [
            fill(m * k),
            fill(k * wide),
            fill(wide),
            fill(m * wide),
          ] as const;
          for (const along of [false, true]) {
            // B as it is, and contiguous along k, where nothing sums its columns.
            const right = along ? b.map((_, i) => b[(i % k) * wide + Math.floor(i / k)]!) : b;
            const [bRow, bCol] = along ? [1, k] : [wide, 1];
            const product = (cols: number) => {
              const c: Floats = new Type(m * wide + 16).fill(GUARD);
              const sums: Floats = new Type(wide).fill(GUARD);
              runRow(
                rows.gemmFused,
                [a, right, bias, side, c, along ? null : sums],
                [0, 0, 0, 0, 0, 0],
                [m, cols, k, k, 1, bRow, bCol, wide, wide, activations.indexOf('tanh'), 1, 0],
              );
              return [c, sums];
            };
            const [want, got] = [product(wide), product(n)];
            for (const [what, part] of got.entries()) {
              for (const [at, x] of part.entries()) {
                const inside = at % wide < n && at < m * wide;
                if (x !== (inside ? want[what]![at] : GUARD))
                  throw new Error(`${m} x ${k} x ${n}: ${what} [${at}] is ${x}`);
              }
            }
          }
        }
      }
    }
  },
);

/** One row by columns that share sets of the first-level cache: groups of them keep a distance along k. */
test.each(settings)('columns 4 KB apart: %s, %i thread(s)', (name, count) => {
  setSimdLevel(name);
  setNumThreads(count);
  const random = generator(12);
  const depths = [64, 128, 960, 1000, 1024, 1088, 2048, 3136];
  const widths = [95, 96, 97, 127, 128, 143, 161, 192];
  for (const Type of [Float32Array, Float64Array] as const) {
    const line = 4096 / Type.BYTES_PER_ELEMENT;
    for (const [i, k] of depths.entries()) {
      const pitch = Math.ceil(k / line) * line;
      const widest = widths.at(-1)!;
      const b = new Type(pitch * widest + 1).map(() => random() * 2 - 1);
      for (const [at, special] of [Number.NaN, -Infinity, -0, 1e-42].entries())
        b[1 + pitch * (3 + 31 * at) + k - 1 - at] = special;
      const a = new Type(2 * k + 1).map(() => random() * 2 - 1);
      for (const [w, n] of widths.entries()) {
        if (name === 'scalar' && (w + i) % 4 > 0) continue; // it emulates FMA
        const aCol = 1 + ((w + i) % 2);
        const beta = [0, 1, 0.5][(w + i) % 3]!;
        const turned = new Type(k * n).map((_, i) => b[1 + (i % n) * pitch + ~~(i / n)]!);
        const start = new Type(n + 6).map((_, j) => (j < 3 || j >= n + 3 ? GUARD : random()));
        const want = start.slice();
        const got = start.slice();
        const numbers = (bRow: number, bCol: number) =>
          [1, 1, n, k, 0, 2 * k, aCol, 0, bRow, bCol, 0, n, 1, beta] as const;
        runRow(rows.gemm, [a, turned, want], [1, 0, 3], numbers(n, 1));
        runRow(rows.gemm, [a, b, got], [1, 1, 3], numbers(1, pitch));
        const at = got.findIndex((x, i) => !Object.is(x, want[i]));
        if (at >= 0) throw new Error(`1 x ${k} x ${n}: [${at}] is ${got[at]}, not ${want[at]}`);
        // The same product with the matrix first: C is a column.
        got.set(start);
        runRow(
          rows.gemm,
          [b, a, got],
          [1, 1, 3],
          [1, n, 1, k, 0, pitch, 1, 0, aCol, 1, 0, 1, 1, beta],
        );
        if (got.some((x, i) => !Object.is(x, want[i])))
          throw new Error(`${n} x ${k} x 1 is not its transpose`);
      }
    }
  }
});

test.each(settings)('few columns have the bits of many: %s, %i thread(s)', (name, count) => {
  setSimdLevel(name);
  setNumThreads(count);
  const random = generator(7);
  const wide = 20; // too many columns to be turned
  for (const Type of [Float32Array, Float64Array] as const) {
    for (let n = 1; n <= 13; n++) {
      for (const [m, k] of [
        [8, 64],
        [9, 67],
        [14, 2],
        [15, 80],
        [16, 70],
        [17, 65],
        [29, 79],
        [32, 3],
        [33, 16],
        [40, 255], // rows 1 or 2 KB apart share sets of the cache
        [47, 65],
        [63, 31],
        [70, 511],
        [301, 261],
        // What is left after blocks of 16 steps comes four at a time, up to 12.
        [35, 4],
        [48, 21],
        [40, 26],
        [34, 60],
        [911, 269], // more than the second-level cache holds, rows not on its lines
      ] as const) {
        if (name === 'scalar' && m * k * n > 20_000) continue; // it emulates FMA
        const fill = (length: number): Floats => new Type(length).map(() => random() * 2 - 1);
        const a = fill(m * (k + 1));
        const all = fill(k * wide);
        const bias = fill(wide);
        const b = new Type(k * n).map((_, i) => all[Math.floor(i / n) * wide + (i % n)]!);
        const product = (right: Floats, cols: number, around: Floats | null, pitch: number) => {
          const c: Floats = new Type(m * pitch + 16).fill(GUARD);
          runRow(
            rows.gemmFused,
            [a, right, around, null, c, null],
            [0, 0, 0, 0, 0, 0],
            [m, cols, k, k + 1, 1, cols, 1, 0, pitch, activations.indexOf('tanh'), 0, 0],
          );
          return c;
        };
        for (const around of [null, bias]) {
          const want = product(all, wide, around, wide);
          // Rows of C apart, and end to end.
          for (const pitch of [n + 2, n]) {
            const got = product(b, n, around, pitch);
            for (let at = 0; at < got.length; at++) {
              const [i, j] = [Math.floor(at / pitch), at % pitch];
              const expected = i < m && j < n ? want[i * wide + j] : GUARD;
              if (got[at] !== expected)
                throw new Error(`${m} x ${k} x ${n}: [${i}, ${j}] is ${got[at]}, not ${expected}`);
            }
          }
        }
      }
    }
  }
});
