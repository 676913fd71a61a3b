/**
 * Products that threads share: large ones by pieces, which a thread that is done takes over from others, and those
 * of a few steps or of little work by rows. However they are cut, every output is one chain of FMAs, so the bits must be those of one
 * thread, which gemm.test.ts holds against a naive product; a piece that is left out or done twice shows in them,
 * since C is added to. With more threads than cores most pieces are taken over.
 */
import { rows, runRow } from 'tilegrad/native/commands.js';
import { setNumThreads, setSimdLevel, simdLevels } from 'tilegrad/native/settings.js';
import { expect, test } from 'vitest';
import { generator } from '../helpers/generator.js';
import { gemmPlan } from '../helpers/plan.js';
import { restoreSettings } from '../helpers/settings.js';

type Floats = Float32Array | Float64Array;
type FloatsConstructor = Float32ArrayConstructor | Float64ArrayConstructor;
type Shape = readonly [m: number, n: number, k: number];

const GUARD = 12345;
const [TILE_COLS, THREADS, SPLIT_ROWS, PIECE_PANELS] = [2, 8, 9, 11]; // places in the plan

restoreSettings();

/** All of more than 80 us on one thread, so that threads are woken for them. */
const inPieces: readonly Shape[] = [
  // Columns: blocks of 140 rows, panels of 8, 16 and 32 columns, and shares that end within one.
  [139, 515, 300],
  [140, 576, 290],
  [141, 640, 260],
  [280, 513, 270],
  [281, 608, 259],
  [421, 432, 300],
  [60, 1217, 300],
  [20, 1931, 400],
  // Two blocks of steps (of 1024, or 512 of float64).
  [150, 330, 1025],
  [141, 200, 1100],
  // Two blocks of columns for some shares and one for others.
  [150, 12_289, 129],
  // Rows.
  [1000, 65, 260],
  [561, 97, 300],
  [841, 49, 513],
  [563, 40, 1027],
  [2000, 33, 260],
];

/** Rows just above what four threads need, of no whole cache lines. */
const ofFewSteps: readonly Shape[] = [
  [33, 37_003, 8],
  [34, 41_001, 7],
];

const random = generator(17);
const singles = new Float32Array(3_000_000).map(() => random() * 2 - 1);
const doubles = new Float64Array(singles);

/** The results of a product by every row that takes it, C lying off the cache's lines. */
function results(Type: FloatsConstructor, [m, n, k]: Shape, layout: number): Floats[] {
  const values = Type === Float32Array ? singles : doubles;
  const [a, b] = [values, values.subarray(1000)];
  const side = values.subarray(2000, 2000 + m * n);
  const bias = values.subarray(3000, 3000 + n);
  const [aRow, aCol] = layout === 2 ? [1, m] : [k, 1];
  const [bRow, bCol] = layout === 1 ? [1, k] : [n, 1];
  const cRow = n + 1;
  const added = new Type(m * cRow + 4).fill(GUARD);
  const added3 = added.subarray(3);
  for (let i = 0; i < m; i++) added3.set(side.subarray(i * n, (i + 1) * n), i * cRow);
  runRow(
    rows.gemm,
    [a, b, added],
    [7, 5, 3],
    [1, m, n, k, 0, aRow, aCol, 0, bRow, bCol, 0, cRow, 1, -0.5],
  );
  const finished = new Type(m * cRow + 4).fill(GUARD);
  const sums = layout === 1 ? null : new Type(n);
  runRow(
    rows.gemmFused,
    [a, b, bias, side, finished, sums],
    [7, 5, 0, 0, 3, 0],
    [m, n, k, aRow, aCol, bRow, bCol, n, cRow, 1, 1, 0],
  );
  const width = gemmPlan(Type, [m, n, k, aRow, aCol, bRow, bCol, 0, 0])[TILE_COLS]!;
  const panels = new Type(Math.ceil(n / width) * k * width);
  const count = panels.length / k / width;
  runRow(rows.packPanels, [b, panels], [5, 0], [k, n, count, width, bRow, bCol]);
  const packed = new Type(m * cRow + 4).fill(GUARD);
  runRow(
    rows.gemmPacked,
    [a, panels, null, null, packed],
    [7, 0, 0, 0, 3],
    [m, n, k, count, width, aRow, aCol, n, cRow, 0, 0, 0],
  );
  for (const c of [added, finished, packed]) {
    for (let i = 0; i <= m; i++) expect(c[2 + i * cRow]).toBe(GUARD); // before each row and after the last
  }
  return sums === null ? [added, finished, packed] : [added, finished, packed, sums];
}

const same = (x: Floats, y: Floats): boolean =>
  Buffer.compare(
    Buffer.from(x.buffer, x.byteOffset, x.byteLength),
    Buffer.from(y.buffer, y.byteOffset, y.byteLength),
  ) === 0;

function compare(shape: Shape, layout: number, Type: FloatsConstructor): void {
  setNumThreads(1);
  const alone = results(Type, shape, layout);
  for (const threads of [2, 3, 4]) {
    setNumThreads(threads);
    for (const [i, got] of results(Type, shape, layout).entries()) {
      if (!same(got, alone[i]!)) {
        throw new Error(`${shape} layout ${layout}, ${threads} threads: result ${i} differs`);
      }
    }
  }
}

test.each(simdLevels())('%s: pieces', (level) => {
  setSimdLevel(level);
  const shapes = level === 'scalar' ? inPieces.slice(4, 5) : inPieces; // it emulates FMA
  for (const [turn, shape] of shapes.entries()) {
    const [m, n, k] = shape;
    for (const Type of [Float32Array, Float64Array] as const) {
      for (const layout of [0, 1, 2]) {
        if (level === 'scalar' && layout !== 1) continue;
        if (n > 10_000 && layout !== turn % 3) continue;
        setNumThreads(2);
        const steps = [layout === 2 ? [1, m] : [k, 1], layout === 1 ? [1, k] : [n, 1]].flat();
        const plan = gemmPlan(Type, [m, n, k, ...steps, 0, 0]);
        expect(plan[THREADS]).toBe(2);
        // Up to 128 rows by a B that is contiguous along k have paths of their own.
        if (m > 128 || layout !== 1) expect(plan[PIECE_PANELS], `${shape}`).toBeGreaterThan(0);
        compare(shape, layout, Type);
      }
    }
  }
});

test.each(simdLevels())('%s: rows of few steps', (level) => {
  setSimdLevel(level);
  for (const shape of level === 'scalar' ? ofFewSteps.slice(0, 1) : ofFewSteps) {
    const [m, n, k] = shape;
    setNumThreads(4);
    const plan = gemmPlan(Float32Array, [m, n, k, k, 1, n, 1, 0, 0]);
    expect([plan[THREADS], plan[SPLIT_ROWS]], `${shape}`).toEqual([4, 1]);
    for (const Type of [Float32Array, Float64Array] as const) compare(shape, 0, Type);
  }
});

/**
 * Whether the rows of a product are cut for two threads, which must be awake for a small one: they are for some
 * tens of microseconds after a large one.
 */
function cutsRows(m: number, k: number, n: number): boolean {
  setNumThreads(2);
  const c = new Float32Array(300 * 300);
  for (let attempt = 0; attempt < 10_000; attempt++) {
    runRow(
      rows.gemm,
      [singles, singles, c],
      [0, 0, 0],
      [1, 300, 300, 300, 0, 300, 1, 0, 300, 1, 0, 300, 1, 0],
    );
    const plan = gemmPlan(Float32Array, [m, n, k, k, 1, n, 1, 0, 0]);
    if (plan[THREADS] === 2) return plan[SPLIT_ROWS] === 1;
  }
  throw new Error('no second thread');
}

test.each([
  ['small', 64, 64, 64, true],
  ['small, more columns', 19, 76, 129, true],
  ['12 rows', 12, 100, 192, true],
  ['11 rows', 11, 100, 176, false],
  ['columns up to 16 times the rows', 12, 60, 193, false],
  ['just not large', 100, 78, 128, true],
  ['large', 100, 79, 128, false],
] as const)('cut along the rows: %s', (_, m, k, n, expected) => {
  expect(cutsRows(m, k, n)).toBe(expected);
});

/** Sizes around those from which a share comes in two pieces, or three, on two to four threads. */
const inParts: readonly Shape[] = [
  [40, 1919, 700],
  [41, 1921, 700],
  [1920, 37, 700],
  [1921, 40, 700],
  [33, 2881, 700],
  [2880, 33, 701],
  [20, 3843, 1100],
  [3841, 19, 1100],
];

test.each(simdLevels())('%s: bfloat16 and int8 in parts', (level) => {
  setSimdLevel(level);
  const halves = new Uint16Array(5_000_000).map(() => 0x3f00 + Math.floor(random() * 256));
  const bytes = new Int8Array(5_000_000).map(() => Math.floor(random() * 256) - 128);
  for (const [m, n, k] of level === 'scalar' ? inParts.slice(1, 3) : inParts) {
    const bf16 = (): Uint16Array => {
      const c = new Uint16Array(m * n + 4).fill(GUARD);
      const numbers = [1, m, n, k, 0, k, 1, 0, n, 1, 0, n, 0, 0, 0, 0];
      runRow(rows.gemmBf16, [halves, halves, null, null, c], [3, 5, 0, 0, 1], numbers);
      return c;
    };
    const int8 = (): Int32Array => {
      const c = new Int32Array(m * n + 4).fill(GUARD);
      runRow(rows.gemmInt8, [bytes, bytes, c], [3, 5, 1], [1, m, n, k, 0, k, 1, 0, n, 1, 0, n]);
      return c;
    };
    setNumThreads(1);
    const [bf16Alone, int8Alone] = [bf16(), int8()];
    expect(bf16Alone[0]).toBe(GUARD);
    expect(bf16Alone[1 + m * n]).toBe(GUARD);
    for (const threads of [2, 3, 4]) {
      setNumThreads(threads);
      const what = `${m} x ${k} x ${n}, ${threads} threads`;
      expect(Buffer.from(bf16().buffer).equals(Buffer.from(bf16Alone.buffer)), what).toBe(true);
      expect(Buffer.from(int8().buffer).equals(Buffer.from(int8Alone.buffer)), what).toBe(true);
    }
  }
});

test.each(simdLevels().filter((level) => level !== 'scalar'))('%s: strips in parts', (level) => {
  setSimdLevel(level);
  for (const [m, n, k] of [
    [1921, 400, 200],
    [2883, 401, 200],
  ] as const) {
    for (const bSteps of [
      [n, 1],
      [1, k],
    ]) {
      const product = (): Float32Array => {
        const c = singles.slice(0, m * n + 5);
        runRow(
          rows.gemm,
          [singles, singles, c],
          [7, 5, 3],
          [1, m, n, k, 0, k, 1, 0, ...bSteps, 0, n, 1, 1],
        );
        return c;
      };
      setNumThreads(1);
      const alone = product();
      for (const threads of [2, 3, 4]) {
        setNumThreads(threads);
        expect(same(product(), alone), `${m} x ${k} x ${n}, ${threads} threads`).toBe(true);
      }
    }
  }
});
