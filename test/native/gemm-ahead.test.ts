/**
 * 9 to 140 rows by a matrix that is larger than half a second-level cache: its blocks of a few rows
 * are requested while the one before is in use. The plan depends on where B lies; the bits must not,
 * so that every result is held against the product of its rows one by one, whose path is another.
 */

import { misalignment, rows, runRow } from 'tilegrad/native/commands.js';
import { setNumThreads, setSimdLevel, simdLevel, simdLevels } from 'tilegrad/native/settings.js';
import { activations } from 'tilegrad/ops/product/gemm.js';
import { describe, expect, test } from 'vitest';
import { generator } from '../helpers/generator.js';
import { gemmPlan } from '../helpers/plan.js';
import { restoreSettings } from '../helpers/settings.js';

const GUARD = 12345;
const level = simdLevel();
const levels = simdLevels().filter((name) => name !== 'scalar'); // emulates FMA: too slow for these

restoreSettings();

type Floats = Float32Array | Float64Array;

describe.each([Float32Array, Float64Array] as const)('%o', (Type) => {
  const random = generator(7);
  const bytes = Type.BYTES_PER_ELEMENT;
  const values = new Type((10 << 20) / bytes).map(() => random() * 2 - 1);
  /** The first element of a row that begins `shift` elements after a cache line. */
  const lineStart = (shift: number) =>
    ((64 - misalignment(values)) % 64) / bytes + 64 / bytes + shift;

  /** [columns, depth] of the plan's blocks. */
  function blockOf(m: number, n: number, k: number, bRow: number, shift: number): number[] {
    const plan = gemmPlan(Type, [m, n, k, k, 1, bRow, 1, 0, shift * bytes]);
    return [plan[6] as number, plan[7] as number];
  }

  /** Each level and number of threads, against row by row on the level in use. */
  function same(
    name: string,
    size: number,
    run: (out: Floats, from: number, m: number) => void,
    m: number,
  ): void {
    setSimdLevel(level);
    setNumThreads(1);
    const want = new Type(size).fill(GUARD);
    for (let i = 0; i < m; i++) run(want, i, 1);
    for (const one of levels) {
      for (const count of [1, 2]) {
        setSimdLevel(one);
        setNumThreads(count);
        const out = new Type(size).fill(GUARD);
        run(out, 0, m);
        const at = out.findIndex((x, i) => !Object.is(x, want[i]));
        if (at >= 0) throw new Error(`${name}, ${one}, ${count}: [${at}] ${out[at]}, ${want[at]}`);
      }
    }
    setSimdLevel(level);
    setNumThreads(1);
  }

  const row = 4096 / bytes; // rows that share cache sets
  // [m, n, k, pitch, shift]: one tile of rows, several, both depths of blocks; one panel more or
  // less than a block, columns that fill no panel or no vector, steps around the blocks.
  const shapes: readonly (readonly [number, number, number, number, number])[] = [
    [15, row, 145, row, 1],
    [16, row - 1, 257, row, 3],
    [29, row / 2 + 17, 385, row, 5],
    [40, row / 4, 640, row, 1],
    [41, row - 33, 256, row, 1],
    [47, row / 4 + 1, 600, row, 2],
    [140, row - 7, 300, row, 1],
    [9, row + 40, 2085, row + 41, 1],
    [14, row, 2100, row, 4],
    [33, 2 * row + 9, 1050, 2 * row + 48, 0],
    [64, 2 * row, 1025, 2 * row, 0],
  ];

  test.each(shapes)(
    '%i rows by %i columns, %i steps, %i apart, %i beyond a line',
    (m, n, k, bRow, shift) => {
      if (level === 'avx512') {
        expect(blockOf(m, n, k, bRow, shift)).toEqual([1024 / bytes, m <= 40 ? 128 : 256]);
      }
      const cRow = n + 3;
      const from = lineStart(shift);
      for (const transposed of [false, true]) {
        const [aRow, aCol] = transposed ? [1, m] : [k + 2, 1];
        for (const [alpha, beta] of transposed
          ? ([
              [1, 0],
              [2, 1],
            ] as const)
          : ([
              [1, 0],
              [1, -0.5],
            ] as const)) {
          same(
            `transposed ${transposed}, alpha ${alpha}, beta ${beta}`,
            m * cRow + 7,
            (out, i, count) => {
              for (let r = i; beta !== 0 && r < i + count; r++) {
                out.set(values.subarray(r, r + n), 5 + r * cRow);
              }
              runRow(
                rows.gemm,
                [values, values, out],
                [11 + i * aRow, from, 5 + i * cRow],
                [1, count, n, k, 0, aRow, aCol, 0, bRow, 1, 0, cRow, alpha, beta],
              );
            },
            m,
          );
        }
      }
    },
  );

  test('bias, activations, residuals, derivatives and column sums', () => {
    const [n, k] = [row - 9, 300];
    for (const m of [15, 50]) {
      for (const activation of ['none', 'relu', 'gelu'] as const) {
        for (const use of [0, 1, 2]) {
          if (use === 2 && activation === 'none') continue;
          same(
            `${m} rows, ${activation}, ${use}`,
            m * n + n,
            (out, i, count) =>
              runRow(
                rows.gemmFused,
                [values, values, values, use === 0 ? null : values, out, out],
                [i * k, lineStart(1), 9, 1 + i * n, i * n, m * n],
                [count, n, k, k, 1, row, 1, n, n, activations.indexOf(activation), use, 0],
              ),
            m,
          );
        }
      }
    }
  });

  test('a NaN or infinity reaches its row and nothing else', () => {
    const [m, n, k] = [17, row, 260];
    for (const special of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const a = new Type(m * k).fill(1);
      a[(m - 1) * k + k - 1] = special;
      const b = new Type(k * row + 64);
      const start = ((64 - misalignment(b)) % 64) / bytes + 1;
      const out = new Type(m * n);
      runRow(rows.gemm, [a, b, out], [0, start, 0], [1, m, n, k, 0, k, 1, 0, row, 1, 0, n, 1, 0]);
      expect(out.findIndex((x, i) => (i < (m - 1) * n ? x !== 0 : !Number.isNaN(x)))).toBe(-1);
    }
  });
});
