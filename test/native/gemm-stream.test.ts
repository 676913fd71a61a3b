/**
 * A few rows by a matrix that is larger than half a second-level cache: past 2 to 4 and 8 rows it
 * streams where the level has the registers for that (AVX-512). Every output is one chain of FMAs, so the bits
 * must be those of the other levels' tiles, which gemm.test.ts holds against a naive product.
 */

import { rows, runRow } from 'tilegrad/native/commands.js';
import { setNumThreads, setSimdLevel, simdLevel, simdLevels } from 'tilegrad/native/settings.js';
import { activations } from 'tilegrad/ops/product/gemm.js';
import { describe, expect, test } from 'vitest';
import { generator } from '../helpers/generator.js';
import { gemmPlan } from '../helpers/plan.js';
import { restoreSettings } from '../helpers/settings.js';

const [STREAM, DIRECT] = [2, 5]; // their places in GemmPath
const GUARD = 12345;
const level = simdLevel();
const levels = simdLevels().filter((name) => name !== 'scalar'); // emulates FMA: too slow for these

restoreSettings();

type Floats = Float32Array | Float64Array;

/** The start of one result that differs from the other. */
function firstDifference(got: Floats, want: Floats): number {
  return got.findIndex((x, i) => !Object.is(x, want[i]));
}

describe.each([Float32Array, Float64Array] as const)('%o', (Type) => {
  const random = generator(5);
  const values = new Type(600_000).map(() => random() * 2 - 1);
  const bytes = Type.BYTES_PER_ELEMENT;

  /** Each level and number of threads on the same product; `run` fills C and what else there is. */
  function same(name: string, size: number, run: (out: Floats) => void): void {
    let want: Floats | undefined;
    for (const one of levels) {
      for (const count of [1, 2]) {
        setSimdLevel(one);
        setNumThreads(count);
        const out = new Type(size).fill(GUARD);
        run(out);
        want ??= out;
        const at = firstDifference(out, want);
        if (at >= 0) throw new Error(`${name}, ${one}, ${count}: [${at}] ${out[at]}, ${want[at]}`);
      }
    }
  }

  function planOf(m: number, n: number, k: number, bRow: number): number {
    setSimdLevel(level);
    setNumThreads(1);
    const plan = gemmPlan(Type, [m, n, k, k, 1, bRow, 1, 0, 0]);
    return plan[0]!;
  }

  // Around one vector beyond rows of 1 KB, and around the blocks of C of 8, 4 and 2 rows.
  const widths = [256, 257, 263, 264, 271, 272, 513, 529, 1025, 2049, 2057];
  test.each([2, 3, 4, 5, 6, 7, 8])('%i rows of any width and number of steps', (m) => {
    for (const n of widths.map((width) => Math.ceil((width * 4) / bytes))) {
      // Above the threshold by 1 to 8 steps: every number that is left over from groups.
      const least = Math.floor((1 << 19) / bytes / n);
      const more = 1 + ((n + m) % 8);
      const k = least + more;
      const [bRow, cRow] = [n + (n % 3), n + 3];
      if (k * bRow + 3 > values.length) continue;
      const transposed = n % 2 === 0;
      const [aRow, aCol] = transposed ? [1, m] : [k + 2, 1];
      for (const [alpha, beta] of [
        [1, 0],
        [1, 1],
        [1, -0.5],
        [2, 0],
      ] as const) {
        same(`${m} x ${k} x ${n}, alpha ${alpha}, beta ${beta}`, m * cRow + 7, (out) => {
          for (let i = 0; beta !== 0 && i < m; i++) {
            out.set(values.subarray(i, i + n), 5 + i * cRow);
          }
          runRow(
            rows.gemm,
            [values, values, out],
            [11, 3, 5],
            [1, m, n, k, 0, aRow, aCol, 0, bRow, 1, 0, cRow, alpha, beta],
          );
          for (const i of [4, 5 + n, 5 + m * cRow]) expect(out[i]).toBe(GUARD);
        });
      }
      if (level === 'avx512') expect(planOf(m, n, k, bRow)).toBe(m > 4 && m < 8 ? DIRECT : STREAM);
    }
  });

  test('bias, activations, residuals, derivatives and column sums', () => {
    const [n, k] = [(1029 * 4) / bytes, 520].map(Math.floor) as [number, number];
    for (const m of [2, 5, 8]) {
      for (const activation of ['none', 'relu', 'gelu', 'tanh'] as const) {
        for (const use of [0, 1, 2]) {
          if (use === 2 && activation === 'none') continue;
          const side = use === 0 ? null : values;
          same(`${m} rows, ${activation}, ${use}`, m * n + n, (out) =>
            runRow(
              rows.gemmFused,
              [values, values, values, side, out, out],
              [0, 7, 9, 1, 0, m * n],
              [m, n, k, k, 1, n, 1, n, n, activations.indexOf(activation), use, 0],
            ),
          );
        }
      }
    }
  });

  test('a NaN or infinity reaches its row and nothing else', () => {
    const [m, n, k] = [8, (265 * 4) / bytes, 1100].map(Math.floor) as [number, number, number];
    for (const special of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const a = new Type(m * k).fill(1);
      a[(m - 1) * k + k - 1] = special;
      const want = Array.from({ length: m * n }, (_, i) => (i < (m - 1) * n ? 0 : Number.NaN));
      same(`${special}`, m * n, (out) => {
        const numbers = [1, m, n, k, 0, k, 1, 0, n, 1, 0, n, 1, 0];
        runRow(rows.gemm, [a, new Type(k * n), out], [0, 0, 0], numbers);
        expect([...out]).toEqual(want);
      });
    }
  });
});
