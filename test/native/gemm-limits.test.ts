/**
 * What every path of the matrix product has to keep: without steps C is what it starts from, beta 0 never
 * reads C, 0 * inf is NaN, leading dimensions don't matter, and large products are right whatever is
 * transposed. gemm.test.ts has the sizes around tiles and vectors.
 */

import { rows, runRow } from 'tilegrad/native/commands.js';
import { setNumThreads, setSimdLevel, simdLevels } from 'tilegrad/native/settings.js';
import { expect, test } from 'vitest';
import { generator } from '../helpers/generator.js';
import { atMost } from '../helpers/patience.js';
import { gemmPlan } from '../helpers/plan.js';
import { restoreSettings, settings } from '../helpers/settings.js';

restoreSettings();

type Floats = Float32Array | Float64Array;
const TYPES = [Float32Array, Float64Array] as const;

const GUARD = 12345;

/** Steps between rows and between columns. */
type Steps = readonly [row: number, col: number];

interface Product {
  m: number;
  n: number;
  k: number;
  a: Steps;
  b: Steps;
  cRow?: number;
  beta?: number;
}

function run(
  { m, n, k, a, b, cRow = n, beta = 0 }: Product,
  x: Floats,
  y: Floats,
  c: Floats,
): void {
  runRow(rows.gemm, [x, y, c], [0, 0, 0], [1, m, n, k, 0, ...a, 0, ...b, 0, cRow, 1, beta]);
}

function pathOf({ m, n, k, a, b }: Product, Type: (typeof TYPES)[number]): number {
  const plan = gemmPlan(Type, [m, n, k, ...a, ...b, 0, 0]);
  return plan[0] as number;
}

const byRows: Order = (_, cols) => [Math.max(1, cols), 1];
const byCols: Order = (height) => [1, Math.max(1, height)];

type Order = (height: number, width: number) => Steps;

/** A shape for every path and its variants; which one it takes depends on the level. */
const shapes: readonly (readonly [m: number, n: number, k: number, a: Order, b: Order])[] = [
  [1, 37, 19, byRows, byRows], // vector
  [1, 20, 300, byRows, byRows], // a tile of one row
  [37, 1, 19, byCols, byRows], // vector, of a column
  [5, 45, 9, byRows, byCols], // dot
  [1, 200, 64, byRows, () => [1, 1024]], // dot, columns that share cache sets
  [200, 1, 64, () => [1024, 1], byRows],
  [4, 700, 200, byRows, byRows], // stream
  [8, 700, 200, byRows, byRows],
  [40, 3, 21, byRows, byRows], // narrow, turned back in registers
  [40, 9, 300, byRows, byRows],
  [40, 9, 30, byCols, byRows], // narrow, turned back afterwards
  [17, 33, 5, byRows, byRows], // direct, few steps
  [9, 33, 2, byRows, byRows], // rows of C from end to end
  [14, 100, 300, byRows, byRows], // direct
  [45, 35, 150, byRows, byRows], // with columns beyond whole registers
  [16, 40, 70, byRows, byCols], // turned
  [70, 40, 20, byRows, byCols], // B transposed at once
  [40, 70, 150, byRows, byCols], // B packed in pieces
  [300, 65, 133, byRows, byRows], // packed
  [300, 65, 133, byCols, byCols],
  [20, 1024, 150, byRows, () => [1024, 1]], // blocks ahead
];
const products = shapes.map(([m, n, k, a, b]): Product => ({ m, n, k, a: a(m, k), b: b(k, n) }));

/** The scalar level emulates FMA. */
const bearable = (level: string): readonly Product[] =>
  products.filter(({ m, n, k }) => level !== 'scalar' || m * n * k < 1.2e6);

const extent = (height: number, width: number, [row, col]: Steps): number =>
  Math.max(0, (height - 1) * row + (width - 1) * col + 1);

const filled = (Type: (typeof TYPES)[number], length: number, seed: number): Floats => {
  const random = generator(seed);
  return new Type(length).map(() => random() * 2 - 1);
};

test.each(settings)('without steps: %s, %i thread(s)', (level, threads) => {
  setSimdLevel(level);
  setNumThreads(threads);
  const sizes = [1, 2, 5, 9, 14, 15, 33, 96, 129, 255];
  for (const Type of TYPES) {
    const nothing = new Type(600_000).fill(Number.NaN);
    for (const m of sizes) {
      for (const n of sizes) {
        for (const a of [
          [1, m],
          [5, 1],
          [2048, 1],
        ] as const) {
          for (const b of [
            [n, 1],
            [1, 5],
            [1, 1024],
          ] as const) {
            for (const beta of [0, 0.5]) {
              const c = new Type(m * n + 3).fill(beta === 0 ? Number.NaN : 6);
              c.fill(GUARD, m * n);
              run({ m, n, k: 0, a, b, beta }, nothing, nothing, c);
              const wrong = c.findIndex((x, i) => x !== (i < m * n ? 6 * beta : GUARD));
              expect(wrong, `${m} x 0 x ${n} by [${a}], [${b}]`).toBe(-1);
            }
          }
        }
      }
    }
  }
});

test.each(settings)('beta 0 does not read C: %s, %i thread(s)', (level, threads) => {
  setSimdLevel(level);
  setNumThreads(threads);
  for (const Type of TYPES) {
    for (const product of bearable(level)) {
      const { m, n, k } = product;
      const a = filled(Type, extent(m, k, product.a), 1);
      const b = filled(Type, extent(k, n, product.b), 2);
      const want = new Type(m * n);
      const got = new Type(m * n).fill(Number.NaN);
      const added = new Type(m * n);
      run(product, a, b, want);
      run(product, a, b, got);
      run({ ...product, beta: 1 }, a, b, added);
      const differs = got.findIndex((x, i) => x !== want[i] || x !== added[i]);
      expect(differs, `${m} x ${k} x ${n}`).toBe(-1);
    }
  }
});

test.each(settings)('0 * inf is NaN: %s, %i thread(s)', (level, threads) => {
  setSimdLevel(level);
  setNumThreads(threads);
  for (const Type of TYPES) {
    for (const product of bearable(level)) {
      const { m, n, k } = product;
      // In the last row, at the last step, and the last column; anywhere else the product is 0.
      for (const special of [Infinity, -Infinity, Number.NaN]) {
        const a = new Type(extent(m, k, product.a)).fill(1);
        const b = new Type(extent(k, n, product.b));
        a[a.length - 1] = special;
        const c = new Type(m * n).fill(7);
        run(product, a, b, c);
        const rowWise = c.findIndex((x, i) => (i < (m - 1) * n ? x !== 0 : !Number.isNaN(x)));
        expect(rowWise, `${m} x ${k} x ${n}, a row`).toBe(-1);
        a.fill(0);
        b.fill(1)[b.length - 1] = special;
        run(product, a, b, c.fill(7));
        const columnWise = c.findIndex((x, i) => (i % n < n - 1 ? x !== 0 : !Number.isNaN(x)));
        expect(columnWise, `${m} x ${k} x ${n}, a column`).toBe(-1);
      }
    }
  }
});

/** A matrix with other steps between its elements. */
function laidOut(x: Floats, height: number, width: number, from: Steps, to: Steps): Floats {
  const y = new (x.constructor as Float32ArrayConstructor)(extent(height, width, to)).fill(
    Number.NaN,
  );
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) y[i * to[0] + j * to[1]] = x[i * from[0] + j * from[1]]!;
  }
  return y;
}

// Rows that begin in the same cache set, and those whose columns do.
test.each(settings)('leading dimensions are free: %s, %i thread(s)', (level, threads) => {
  setSimdLevel(level);
  setNumThreads(threads);
  for (const Type of TYPES) {
    for (const product of bearable(level)) {
      const { m, n, k } = product;
      const a = filled(Type, extent(m, k, product.a), 3);
      const b = filled(Type, extent(k, n, product.b), 4);
      const want = new Type(m * n);
      run(product, a, b, want);
      for (const pitch of [512, 1024]) {
        const wide = (size: number): number => Math.ceil(size / pitch) * pitch;
        const alternatives: readonly [Steps, Steps][] = [
          [
            [wide(k), 1],
            [wide(n), 1],
          ],
          [
            [wide(k), 1],
            [1, wide(k)],
          ],
          [
            [1, wide(m)],
            [wide(n), 1],
          ],
          [
            [1, wide(m)],
            [1, wide(k)],
          ],
          [
            [2 * k + 1, 2],
            [3 * n, 3],
          ],
        ];
        for (const [left, right] of alternatives) {
          const cRow = wide(n);
          const c = new Type((m - 1) * cRow + n + 5).fill(GUARD);
          const x = laidOut(a, m, k, product.a, left);
          const y = laidOut(b, k, n, product.b, right);
          run({ m, n, k, a: left, b: right, cRow }, x, y, c);
          const wrong = c.findIndex((value, at) => {
            const [i, j] = [Math.floor(at / cRow), at % cRow];
            return value !== (j < n && i < m ? want[i * n + j] : GUARD);
          });
          expect(wrong, `${m} x ${k} x ${n} by [${left}], [${right}]`).toBe(-1);
        }
      }
    }
  }
});

test('the products take every path', () => {
  const paths = new Set<number>();
  for (const level of simdLevels()) {
    setSimdLevel(level);
    for (const product of products) paths.add(pathOf(product, Float32Array));
  }
  // Without AVX-512 none goes to `stream` (2).
  const all = simdLevels().includes('avx512') ? [1, 2, 3, 4, 5, 6, 7] : [1, 3, 4, 5, 6, 7];
  expect([...paths].sort()).toEqual(all);
});

/** Shares of a batch, of which one may be of one thread alone; operands that are the same for all, too. */
test.each(settings)('a batch is its products: %s, %i thread(s)', (level, threads) => {
  setSimdLevel(level);
  for (const Type of TYPES) {
    for (const [batch, m, n, k] of [
      [2, 60, 70, 40],
      [3, 33, 65, 70],
      [11, 1, 300, 70],
      [7, 40, 3, 80],
      [5, 45, 35, 50],
    ] as const) {
      const a = filled(Type, batch * m * k, 9);
      const b = filled(Type, batch * k * n, 10);
      for (const [aStep, bStep] of [
        [m * k, k * n],
        [0, k * n],
        [m * k, 0],
      ] as const) {
        for (const turned of [false, true]) {
          const right = turned ? byCols(k, n) : byRows(k, n);
          const product = { m, n, k, a: byRows(m, k), b: right };
          setNumThreads(1);
          const want = Array.from({ length: batch }, (_, i) => {
            const c = new Type(m * n);
            run(product, a.subarray(i * aStep), b.subarray(i * bStep), c);
            return [...c];
          });
          setNumThreads(threads);
          const c = new Type(batch * (m * n + 5)).fill(GUARD);
          const steps = [aStep, ...product.a, bStep, ...right, m * n + 5, n] as const;
          runRow(rows.gemm, [a, b, c], [0, 0, 0], [batch, m, n, k, ...steps, 1, 0]);
          const wanted = want.flatMap((one) => [...one, ...new Array<number>(5).fill(GUARD)]);
          const wrong = c.findIndex((x, i) => x !== wanted[i]);
          expect(wrong, `${batch} of ${m} x ${k} x ${n}, steps ${aStep} and ${bStep}`).toBe(-1);
        }
      }
    }
  }
});

/**
 * Products of more than one block in each direction, against random vectors: C x = A (B x), and x C =
 * (x A) B, in float64 (Freivalds 1977).
 */
const fast = settings.filter(([level]) => level !== 'scalar');
test.each(fast)(
  'large ones, however they lie: %s, %i thread(s)',
  (level, threads) => {
    setSimdLevel(level);
    setNumThreads(threads);
    for (const Type of TYPES) {
      const [m, n, k] = [153, 4131, 1061];
      const a = filled(Type, m * k, 5);
      const b = filled(Type, k * n, 6);
      const x = filled(Float64Array, n, 7).map(Math.sign) as Float64Array;
      const y = filled(Float64Array, m, 8).map(Math.sign) as Float64Array;
      const [normal, turned] = [byRows(k, n), byCols(k, n)];
      const epsilon = Type === Float32Array ? 2 ** -24 : 2 ** -53;
      for (const left of [byRows(m, k), byCols(m, k)]) {
        for (const right of [normal, turned]) {
          const c = new Type(m * n).fill(Number.NaN);
          run({ m, n, k, a: left, b: right }, a, b, c);
          const times = (
            z: Floats,
            height: number,
            width: number,
            [row, col]: Steps,
            v: Float64Array,
          ) =>
            Float64Array.from({ length: height }, (_, i) => {
              let sum = 0;
              for (let j = 0; j < width; j++) sum += z[i * row + j * col]! * v[j]!;
              return sum;
            });
          const back = ([row, col]: Steps): Steps => [col, row];
          // An element's error is below k eps sum |a b| <= k eps k / 3 on average over the terms, and as many
          // of random sign add up like their square root; 8 standard deviations.
          const check = (got: Float64Array, want: Float64Array, terms: number, what: string) => {
            const bound = (8 * Math.sqrt(terms) * epsilon * Math.sqrt(k) * k) / 3;
            for (let i = 0; i < got.length; i++) {
              if (!(Math.abs(got[i]! - want[i]!) <= bound))
                throw new Error(`${what} ${i} by [${left}], [${right}]: ${got[i]}, not ${want[i]}`);
            }
          };
          check(
            times(c, m, n, normal, x),
            times(a, m, k, left, times(b, k, n, right, x)),
            n,
            'row',
          );
          const fromLeft = times(b, n, k, back(right), times(a, k, m, back(left), y));
          check(times(c, n, m, back(normal), y), fromLeft, m, 'column');
        }
      }
    }
  },
  atMost(120_000),
);
