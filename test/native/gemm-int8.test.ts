/**
 * The rows for int8 products against naive loops in JavaScript, where every comparison is exact:
 * every size around the tiles, panels and quads, all transposes, odd strides and offsets, the
 * extreme values at which narrower sums would saturate; at every level, with and without its dot
 * product instruction, with 1 and 2 threads. Memory around the results must stay as it was.
 */

import { rows, runRow } from 'tilegrad/native/commands.js';
import {
  dotProduct,
  setDotProduct,
  setNumThreads,
  setSimdLevel,
  simdLevel,
  simdLevels,
} from 'tilegrad/native/settings.js';
import { activations } from 'tilegrad/ops/product/gemm.js';
import { describe, expect, test } from 'vitest';
import { functions, SLOPE } from '../helpers/activations.js';
import { generator } from '../helpers/generator.js';
import { expectSame } from '../helpers/same.js';
import { restoreSettings } from '../helpers/settings.js';

/** Around 2, 6, 12 and 14 rows a tile, and 16 rows packed at a time. */
const HEIGHTS = [1, 2, 3, 5, 6, 7, 11, 12, 13, 14, 15, 16, 17, 27, 28, 29, 31, 33];
/** Around 4, 8, 16 and 32 columns. */
const WIDTHS = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 49, 63, 64, 65];
/** Every remainder of a quad, around 16 steps, and none. */
const DEPTHS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130];

const PANEL = 32;
const GUARD = 77;

interface Matrix {
  data: Int8Array;
  offset: number;
  row: number;
  col: number;
  batch: number;
}

type Fill = (random: () => number) => number;
const uniform: Fill = (random) => Math.floor(random() * 256) - 128;
/** Nothing but the ends of the range. */
const extreme: Fill = (random) => (random() < 0.5 ? -128 : 127);

/** A matrix of a batch somewhere in a larger array: by rows, by columns, or with steps in both. */
function matrix(
  random: () => number,
  batch: number,
  height: number,
  width: number,
  layout: number,
  fill: Fill,
): Matrix {
  const gap = Math.floor(random() * 3);
  const [row, col] =
    layout === 0
      ? [width + gap, 1]
      : layout === 1
        ? [1, Math.max(1, height) + gap]
        : [2 * width + gap, 2];
  const size = Math.max(1, (height - 1) * row + (width - 1) * col + 1);
  const offset = 1 + Math.floor(random() * 5); // misaligned for every vector
  // What lies between the elements is extreme too: reading it by mistake shows.
  const data = new Int8Array(offset + batch * (size + gap) + 8).fill(-128);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++)
        data[offset + b * (size + gap) + i * row + j * col] = fill(random);
    }
  }
  return { data, offset, row, col, batch: size + gap };
}

const at = (x: Matrix, b: number, i: number, j: number) =>
  x.data[x.offset + b * x.batch + i * x.row + j * x.col] as number;

/** Row-major sums of one product of a batch. */
function sumsOf(a: Matrix, b: Matrix, s: number, m: number, n: number, k: number): Int32Array {
  const sums = new Int32Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const left = at(a, s, i, p);
      for (let j = 0; j < n; j++) sums[i * n + j]! += left * at(b, s, p, j);
    }
  }
  return sums;
}

interface Shape {
  batch: number;
  m: number;
  n: number;
  k: number;
}

function checkGemm(random: () => number, { batch, m, n, k }: Shape, fill: Fill): void {
  const pick = () => Math.floor(random() * 3);
  const a = matrix(random, batch, m, k, pick(), fill);
  const b = matrix(random, batch, k, n, pick(), fill);
  const cRow = n + pick();
  const cBatch = m * cRow + pick();
  const c = new Int32Array(3 + batch * cBatch + 40).fill(GUARD);
  const want = c.slice();
  for (let s = 0; s < batch; s++) {
    const sums = sumsOf(a, b, s, m, n, k);
    for (let i = 0; i < m; i++) {
      want.set(sums.subarray(i * n, i * n + n), 3 + s * cBatch + i * cRow);
    }
  }
  runRow(
    rows.gemmInt8,
    [a.data, b.data, c],
    [a.offset, b.offset, 3],
    [batch, m, n, k, a.batch, a.row, a.col, b.batch, b.row, b.col, cBatch, cRow],
  );
  const wrong = c.findIndex((value, i) => value !== want[i]);
  if (wrong >= 0) {
    const name = JSON.stringify({ batch, m, n, k, a: [a.row, a.col], b: [b.row, b.col], cRow });
    throw new Error(`${name}: element ${wrong} is ${c[wrong]}, not ${want[wrong]}`);
  }
}

/** B packed, with guards behind both results. */
function pack(b: Matrix, n: number, k: number): { packed: Int8Array; sums: Int32Array } {
  const [panels, quads] = [Math.ceil(n / PANEL), Math.ceil(k / 4)];
  const packed = new Int8Array(panels * quads * 128 + 5).fill(GUARD);
  const sums = new Int32Array(panels * PANEL + 5).fill(GUARD);
  runRow(
    rows.packInt8,
    [b.data, packed, sums],
    [b.offset, 0, 0],
    [panels, quads, n, k, b.row, b.col],
  );
  return { packed, sums };
}

/** The documented layout: panels of 32 columns, quads of 4 steps, zeros where nothing is. */
function checkPacking(random: () => number, n: number, k: number): void {
  const b = matrix(random, 1, k, n, Math.floor(random() * 3), uniform);
  const { packed, sums } = pack(b, n, k);
  const [panels, quads] = [Math.ceil(n / PANEL), Math.ceil(k / 4)];
  const wantPacked = new Int8Array(packed.length).fill(GUARD).fill(0, 0, panels * quads * 128);
  const wantSums = new Int32Array(sums.length).fill(GUARD).fill(0, 0, panels * PANEL);
  for (let j = 0; j < n; j++) {
    for (let p = 0; p < k; p++) {
      const panel = Math.floor(j / PANEL);
      const quad = panel * quads + Math.floor(p / 4);
      wantPacked[quad * 128 + (j % PANEL) * 4 + (p % 4)] = at(b, 0, p, j);
      wantSums[j]! += at(b, 0, p, j);
    }
  }
  expectSame(packed, wantPacked);
  expectSame(sums, wantSums);
}

function checkLinear(random: () => number, { m, n, k }: Shape): void {
  const pick = (count: number) => Math.floor(random() * count);
  const a = matrix(random, 1, m, k, pick(3), uniform);
  const b = matrix(random, 1, k, n, pick(3), uniform);
  const floats = (count: number, scale: number) =>
    Float32Array.from({ length: count }, () => (random() - 0.5) * scale);
  const rowScale = pick(3) > 0 ? floats(m, 0.02) : null;
  const columnScale = floats(n, rowScale === null ? 1e-4 : 0.02);
  const bias = pick(3) > 0 ? floats(n, 2) : null;
  const activation = activations[pick(activations.length)] as (typeof activations)[number];
  const { packed, sums } = pack(b, n, k);
  const yRow = n + pick(3);
  const y = new Float32Array(3 + m * yRow + 40).fill(GUARD);
  const before = y.slice();
  runRow(
    rows.linearInt8,
    [a.data, rowScale, packed, sums, columnScale, bias, y],
    [a.offset, 0, 0, 0, 0, 0, 3],
    [
      ...[m, n, k, Math.ceil(n / PANEL), Math.ceil(k / 4), a.row, a.col, yRow],
      ...[activations.indexOf(activation), SLOPE],
    ],
  );
  const exact = sumsOf(a, b, 0, m, n, k);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const product = (exact[i * n + j] as number) * (rowScale?.[i] ?? 1) * columnScale[j]!;
      const { value, exactFor32 } = functions[activation];
      const before = product + (bias?.[j] ?? 0);
      const want = value(before);
      const place = 3 + i * yRow + j;
      const got = y[place] as number;
      // Roundings of the sum and of two products (enlarged by GELU's slope of 1.13 at most), of the
      // whole, and 2 ulp of the activation, of its argument where it multiplies that.
      const size = 3 * Math.abs(product) + Math.abs(want) + 4 * Math.max(1, Math.abs(before));
      const bound = 2 ** -24 * 1.2 * size + (exactFor32 ? 0 : 1e-7);
      if (!(Math.abs(got - want) <= bound)) {
        const name = JSON.stringify({ m, n, k, activation, a: [a.row, a.col], b: [b.row, b.col] });
        throw new Error(`${name}: [${i}, ${j}] is ${got}, not ${want}`);
      }
      y[place] = GUARD;
    }
  }
  expect(y.every((value, i) => value === before[i])).toBe(true);
}

restoreSettings();

/** Every level with 1 and 2 threads, and again without its dot product instruction if it has one. */
const level = simdLevel();
const settings = simdLevels().flatMap((name) => {
  setSimdLevel(name);
  const kinds = dotProduct() ? [true, false] : [false];
  return kinds.flatMap((kind) => [1, 2].map((count) => [name, kind, count] as const));
});
setSimdLevel(level);

describe.each(settings)('%s, dot product instruction %s, %i thread(s)', (name, kind, count) => {
  const random = generator(count);
  const prepare = () => {
    setSimdLevel(name);
    setDotProduct(kind);
    setNumThreads(count);
    expect([simdLevel(), dotProduct()]).toEqual([name, kind]);
  };

  test('every height and every width, and every depth', () => {
    prepare();
    for (const m of HEIGHTS) {
      for (const n of WIDTHS) {
        const k = DEPTHS[Math.floor(random() * DEPTHS.length)] as number;
        checkGemm(random, { batch: 1, m, n, k }, uniform);
      }
    }
    for (const k of DEPTHS) {
      for (const [m, n] of [
        [1, 33],
        [3, 10],
        [15, 17],
        [29, 65],
      ] as const) {
        checkGemm(random, { batch: 1, m, n, k }, uniform);
      }
    }
  });

  test('the ends of the range do not saturate anything', () => {
    prepare();
    for (const k of DEPTHS) checkGemm(random, { batch: 1, m: 15, n: 33, k }, extreme);
    for (const a of [-128, 127]) {
      for (const b of [-128, 127]) {
        let turn = 0;
        // The left operand is filled first: 15 * 130 elements of it.
        const both: Fill = () => (turn++ < 15 * 130 ? a : b);
        checkGemm(random, { batch: 1, m: 15, n: 33, k: 130 }, both);
      }
    }
  });

  test('sums wrap around where 32 bits end', () => {
    prepare();
    // 128 * 128 * 131072 = 2^31: one step more than is exact.
    for (const [k, want] of [
      [131071, 2 ** 31 - 16384],
      [131072, -(2 ** 31)],
      [131075, -(2 ** 31) + 3 * 16384],
    ] as const) {
      const a = new Int8Array(k).fill(-128);
      const c = new Int32Array(1);
      runRow(rows.gemmInt8, [a, a, c], [0, 0, 0], [1, 1, 1, k, 0, k, 1, 0, 1, 1, 0, 1]);
      expect(c[0]).toBe(want);
    }
  });

  test('batches, and nothing of nothing', () => {
    prepare();
    for (const batch of [0, 1, 2, 3, 9]) {
      for (const [m, n, k] of [
        [3, 5, 7],
        [15, 33, 2],
        [0, 4, 3],
        [4, 0, 3],
        [4, 4, 0],
      ] as const) {
        checkGemm(random, { batch, m, n, k }, uniform);
      }
    }
  });

  test('large enough for two threads and for several blocks', () => {
    prepare();
    const shapes = [
      [1, 130, 70, 200],
      [1, 70, 130, 200],
      [9, 40, 50, 90],
      // Rows of 8200 bytes: 63 of them, or 31 widened ones, make a block; 7 panels of B are packed.
      [1, 70, 260, 8200],
    ] as const;
    for (const [batch, m, n, k] of shapes.slice(0, name === 'scalar' ? 3 : 4)) {
      checkGemm(random, { batch, m, n, k }, uniform);
    }
    checkLinear(random, { batch: 1, m: 131, n: 70, k: 200 });
    checkLinear(random, { batch: 1, m: 70, n: 131, k: 200 });
  });

  test('B is packed as documented, with the sums of its columns', () => {
    prepare();
    for (const n of WIDTHS) {
      for (const k of DEPTHS) checkPacking(random, n, k);
    }
  });

  test('with a packed B, scales, bias and activation', () => {
    prepare();
    for (const m of HEIGHTS) {
      for (const n of WIDTHS) {
        const k = DEPTHS[Math.floor(random() * DEPTHS.length)] as number;
        checkLinear(random, { batch: 1, m, n, k });
      }
    }
  });
});

test('packed sizes that do not fit the matrix are refused', () => {
  const b = new Int8Array(64);
  const call = (panels: number, quads: number) => () =>
    runRow(
      rows.packInt8,
      [b, new Int8Array(1024), new Int32Array(128)],
      [0, 0, 0],
      [panels, quads, 8, 8, 8, 1],
    );
  expect(call(1, 2)).not.toThrow();
  for (const [panels, quads] of [
    [0, 2],
    [2, 2],
    [1, 1],
    [1, 3],
  ] as const) {
    expect(call(panels, quads)).toThrow('[packInt8] packed B has ceil(n / 32) panels');
  }
});
