/**
 * The matrix product's row against a naive product in float64: every size around the tiles, the
 * vectors and the blocks, all transposes, odd strides and offsets, bias, activations, accumulation,
 * batches; at every level, with 1 and 2 threads. Memory around C must stay as it was.
 */
import { afterAll, describe, expect, test } from 'vitest';
import {
  activations,
  getNumThreads,
  rows,
  runRow,
  setNumThreads,
  setSimdLevel,
  simdLevel,
  simdLevels,
} from '../../lib/native/commands.js';

type Floats = Float32Array | Float64Array;

const EPSILON = { Float32Array: 2 ** -23, Float64Array: 2 ** -52 };

/** Around 14 and 6 rows a tile, 8, 16 and 32 columns, and blocks of 256 rows and 512 steps. */
const HEIGHTS = [1, 2, 3, 5, 6, 7, 8, 12, 13, 14, 15, 16, 27, 28, 29, 43, 255, 256, 257, 271];
const WIDTHS = [
  1, 2, 3, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 47, 48, 63, 64, 65, 127, 128, 129, 161,
];
const DEPTHS = [0, 1, 2, 3, 4, 7, 15, 16, 17, 31, 64, 100, 255, 511, 512, 513, 600];

/** A small generator with a fixed seed: the cases are the same in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Knuth's linear congruential generator
    return state / 2 ** 32;
  };
}

interface Matrix {
  data: Floats;
  offset: number;
  row: number;
  col: number;
  batch: number;
}

interface Shape {
  batch: number;
  m: number;
  n: number;
  k: number;
}

const GUARD = 12345;

/** A matrix of a batch somewhere in a larger array: by rows, by columns, or with steps in both. */
function matrix(
  random: () => number,
  Type: Float32ArrayConstructor | Float64ArrayConstructor,
  batch: number,
  height: number,
  width: number,
  layout: number,
): Matrix {
  const gap = Math.floor(random() * 3);
  const [row, col] =
    layout === 0 ? [width + gap, 1] : layout === 1 ? [1, height + gap] : [2 * width + gap, 2];
  const size = Math.max(1, (height - 1) * row + (width - 1) * col + 1);
  const step = size + gap;
  const offset = 1 + Math.floor(random() * 5); // misaligned for every vector
  const data = new Type(offset + batch * step + 40).fill(GUARD);
  const result = { data, offset, row, col, batch: step };
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++)
        data[offset + b * step + i * row + j * col] = random() * 4 - 2;
    }
  }
  return result;
}

const at = (x: Matrix, b: number, i: number, j: number) =>
  x.data[x.offset + b * x.batch + i * x.row + j * x.col] as number;

const functions = {
  none: (x: number) => x,
  relu: (x: number) => Math.max(0, x),
  sigmoid: (x: number) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
};

function checkCase(random: () => number, type: keyof typeof EPSILON, shape: Shape): void {
  const Type = type === 'Float32Array' ? Float32Array : Float64Array;
  const { batch, m, n, k } = shape;
  const pick = (count: number) => Math.floor(random() * count);
  const a = matrix(random, Type, batch, m, k, pick(3));
  const b = matrix(random, Type, batch, k, n, pick(3));
  const c = matrix(random, Type, batch, m, n, 0);
  const mode = pick(3); // from zero, from a bias, from what C holds
  const bias = mode === 1 ? matrix(random, Type, 1, 1, n, 0) : null;
  const activation = activations[pick(activations.length)] as (typeof activations)[number];
  const before = { ...c, data: c.data.slice() };
  runRow(
    rows.gemm,
    [a.data, b.data, bias?.data ?? null, c.data],
    [a.offset, b.offset, bias?.offset ?? 0, c.offset],
    [
      batch,
      m,
      n,
      k,
      a.batch,
      a.row,
      a.col,
      b.batch,
      b.row,
      b.col,
      c.batch,
      c.row,
      activations.indexOf(activation),
      mode === 2 ? 1 : 0,
    ],
  );
  // k + 1 roundings of sums whose terms are at most 2 * 2, and a few ulp of the activation.
  const bound = EPSILON[type] * ((k + 1) * 4 + 4);
  const name = JSON.stringify({
    type,
    ...shape,
    mode,
    activation,
    a: [a.row, a.col],
    b: [b.row, b.col],
  });
  for (let s = 0; s < batch; s++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = mode === 1 ? at(bias as Matrix, 0, 0, j) : mode === 2 ? at(before, s, i, j) : 0;
        for (let p = 0; p < k; p++) sum += at(a, s, i, p) * at(b, s, p, j);
        const want = functions[activation](sum);
        const got = at(c, s, i, j);
        if (!(Math.abs(got - want) <= bound))
          throw new Error(`${name}: [${s}, ${i}, ${j}] is ${got}, not ${want}`);
        c.data[c.offset + s * c.batch + i * c.row + j] = at(before, s, i, j);
      }
    }
  }
  // With its outputs put back, the array is as it was: nothing else was written.
  if (!c.data.every((value, i) => value === before.data[i]))
    throw new Error(`${name}: wrote outside C`);
}

const level = simdLevel();
const threads = getNumThreads();
afterAll(() => {
  setSimdLevel(level);
  setNumThreads(threads);
});

const settings = simdLevels().flatMap((name) => [1, 2].map((count) => [name, count] as const));

describe.each(settings)('%s, %i thread(s)', (name, count) => {
  /** The scalar level is slow: it gets fewer of the large cases, not fewer sizes. */
  const most = name === 'scalar' ? 3e5 : 3e6;
  const random = generator(count);
  const prepare = () => {
    setSimdLevel(name);
    setNumThreads(count);
  };

  test('every height and every width', () => {
    prepare();
    for (const m of HEIGHTS) {
      for (const n of WIDTHS) {
        const k = DEPTHS[Math.floor(random() * DEPTHS.length)] as number;
        const depth = m * n * k <= most ? k : 3;
        checkCase(random, random() < 0.5 ? 'Float32Array' : 'Float64Array', {
          batch: 1,
          m,
          n,
          k: depth,
        });
      }
    }
  });

  test('every depth, with packed and unpacked operands', () => {
    prepare();
    for (const k of DEPTHS) {
      for (const [m, n] of [
        [1, 33],
        [3, 10],
        [15, 17],
        [29, 65],
      ] as const) {
        checkCase(random, 'Float32Array', { batch: 1, m, n, k });
        checkCase(random, 'Float64Array', { batch: 1, m, n, k });
      }
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
        checkCase(random, 'Float32Array', { batch, m, n, k });
      }
    }
  });
});

test('infinities and NaN go through as IEEE arithmetic has it; what C held is not read', () => {
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
  const a = Float32Array.of(0, 1, inf, 1, nan, 0);
  const b = Float32Array.of(inf, 1, 2, 1);
  const c = new Float32Array(6).fill(nan);
  const strides = [0, 2, 1, 0, 2, 1, 0, 2];
  runRow(rows.gemm, [a, b, null, c], [0, 0, 0, 0], [1, 3, 2, 2, ...strides, 0, 0]);
  expect([...c]).toEqual([nan, 1, inf, inf, nan, nan]); // 0 * inf is NaN
  runRow(
    rows.gemm,
    [a.fill(1), b.fill(1), null, c.fill(nan)],
    [0, 0, 0, 0],
    [1, 3, 2, 2, ...strides, 0, 0],
  );
  expect([...c]).toEqual([2, 2, 2, 2, 2, 2]);
});
