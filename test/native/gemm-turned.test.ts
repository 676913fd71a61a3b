/**
 * Products by a second operand that is contiguous along k, of more rows than are transposed in registers: either
 * it is transposed at once (few steps), or C is (paths `packed` and `turned`). Every output is one chain of FMAs,
 * so the bits must be those of the same product with a second operand that lies in rows, which
 * gemm.test.ts holds against a naive product. Memory around C must stay as it was.
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

const [PATH_PACKED, PATH_TURNED] = [6, 7]; // their places in GemmPath

/** Around registers and panels of 8, 16 and 32 rows, and shares of them that are turned or not. */
const HEIGHTS = [7, 8, 13, 14, 15, 16, 23, 27, 28, 31, 32, 33, 42, 47, 48, 56, 63, 64, 65, 97, 128];

/** Rows, columns and steps. */
const shapes: (readonly [m: number, n: number, k: number])[] = [
  // Few rows, which are left to the dot path.
  ...[4, 5, 6, 8, 11, 12].flatMap((m) =>
    [2, 3, 7, 9, 10, 12, 17, 24, 31].map((k, i) => [m, 15 + 3 * m + i, k] as const),
  ),
  // As many steps as rows, one more and one fewer; strips of columns end within these widths.
  ...HEIGHTS.flatMap((m, i) => [
    [m, 60 + 7 * i, m] as const,
    [m, m + i, m - 1] as const,
    [m, m - 1, m + 1] as const,
  ]),
  [130, 300, 128],
  [129, 259, 127],
  [200, 70, 129],
  [14, 20_000, 2],
  [33, 1100, 30],
  // Around the widths of strips, whole and not (80 or 48 columns), and the least steps.
  ...HEIGHTS.flatMap((m, i) => [
    [m, m + (i % 5), 47 + (i % 3)] as const,
    [m, [79, 80, 81, 95, 96, 97, 160, 170][i % 8]! + (i > 15 ? 80 : 0), 64 + 3 * i] as const,
  ]),
  // Around the blocks of steps (1024 float32, 512 float64).
  [16, 37, 511],
  [16, 97, 513],
  [28, 50, 1024],
  [32, 33, 1025],
  [62, 90, 1100],
];

test.each(settings)('%s, %i thread(s)', (name, count) => {
  setSimdLevel(name);
  setNumThreads(count);
  const random = generator(11);
  const paths = new Set<number>();
  for (const Type of [Float32Array, Float64Array] as const) {
    const values = new Type(300_000).map(() => random() * 2 - 1);
    for (const [i, special] of [0, -0, Infinity, Number.NaN, 1e-42].entries())
      values[5000 + 31_111 * i] = special;
    for (const [turn, [m, n, k]] of shapes.entries()) {
      if (name === 'scalar' && m * n * k > 3e5) continue; // it emulates FMA
      const [pitch, offset] = [k + (turn % 3), 1 + (turn % 7)];
      const [aRow, aCol] = turn % 4 === 3 ? [1, m + 1] : [k + 1, 1];
      const cRow = n + (turn % 2);
      const b = new Type(k * n).map(
        (_, i) => values[offset + (i % n) * pitch + Math.floor(i / n)] as number,
      );
      const side = new Type(m * cRow).map(() => random() * 2 - 1);
      const bias = new Type(n).map((_, j) => (j === 3 ? -0 : random() - 0.5));

      const products: ((right: Floats, from: number, bRow: number, bCol: number) => Floats)[] = [];
      const beta = [0, 1, -0.5][turn % 3]!;
      products.push((right, from, bRow, bCol) => {
        const c = new Type(m * cRow + 4).fill(GUARD);
        for (let i = 0; beta !== 0 && i < m; i++)
          c.set(side.subarray(i * cRow, i * cRow + n), 3 + i * cRow);
        runRow(
          rows.gemm,
          [values, right, c],
          [700, from, 3],
          [1, m, n, k, 0, aRow, aCol, 0, bRow, bCol, 0, cRow, 1, beta],
        );
        return c;
      });
      const activation = activations.indexOf((['none', 'relu', 'tanh'] as const)[turn % 3]!);
      const use = [0, 1, activation === 0 ? 0 : 2][Math.floor(turn / 3) % 3]!;
      products.push((right, from, bRow, bCol) => {
        const c = new Type(m * cRow + 4).fill(GUARD);
        runRow(
          rows.gemmFused,
          [values, right, turn % 5 === 4 ? null : bias, use === 0 ? null : side, c, null],
          [700, from, 0, 0, 3, 0],
          [m, n, k, aRow, aCol, bRow, bCol, cRow, cRow, activation, use, 0],
        );
        return c;
      });

      for (const product of products) {
        const want = product(b, 0, n, 1);
        const got = product(values, offset, 1, pitch);
        const at = got.findIndex((x, i) => !Object.is(x, want[i]));
        if (at >= 0) throw new Error(`${m} x ${k} x ${n}: [${at}] is ${got[at]}, not ${want[at]}`);
        // Before C, after it and, where its rows have gaps, in those.
        const around = got.filter((_, i) => i < 3 || i >= 3 + m * cRow || (i - 3) % cRow === n);
        if (around.some((x) => x !== GUARD)) throw new Error(`${m} x ${k} x ${n}: wrote beside C`);
      }
      const plan = gemmPlan(Type, [m, n, k, aRow, aCol, 1, pitch, 0, 0]);
      paths.add(plan[0]!);
    }
  }
  expect([...paths]).toEqual(expect.arrayContaining([PATH_PACKED, PATH_TURNED]));
});
