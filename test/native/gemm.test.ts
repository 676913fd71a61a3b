/**
 * The matrix product's row against a naive product in float64: every size around the tiles, the
 * vectors and the blocks, all transposes, odd strides and offsets, alpha and beta, bias, activations
 * and their derivatives, residuals, column sums, packed operands, batches; at every level, with 1 and 2 threads. Memory around C must stay as it was.
 */

import { rows, runRow } from 'tilegrad/native/commands.js';
import { setNumThreads, setSimdLevel, simdLevels } from 'tilegrad/native/settings.js';
import { activations, type EpilogueActivation } from 'tilegrad/ops/product/gemm.js';
import { describe, expect, test } from 'vitest';
import { functions, SLOPE } from '../helpers/activations.js';
import { generator } from '../helpers/generator.js';
import { gemmPlan } from '../helpers/plan.js';
import { restoreSettings, settings } from '../helpers/settings.js';

type Floats = Float32Array | Float64Array;

const EPSILON = { Float32Array: 2 ** -23, Float64Array: 2 ** -52 };

/** Around 14 and 6 rows a tile, 8, 16 and 32 columns, and the blocks of the plan. */
const HEIGHTS = [1, 2, 3, 5, 6, 7, 8, 12, 13, 14, 15, 16, 27, 28, 29, 43, 255, 256, 257, 271];
const WIDTHS = [
  1, 2, 3, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 47, 48, 63, 64, 65, 127, 128, 129, 161,
];
const DEPTHS = [0, 1, 2, 3, 4, 7, 15, 16, 17, 31, 64, 100, 255, 511, 512, 513, 600];

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
    layout === 0
      ? [Math.max(1, width + gap), 1]
      : layout === 1
        ? [1, Math.max(1, height + gap)]
        : [2 * width + gap, 2];
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

const sides = ['none', 'add', 'derivative'] as const;

/** Paths that some case went through, so that a threshold can't leave one without a test. */
const pathsSeen = new Set<number>();

/** What the row computes: beta C + alpha A B and more. */
interface Extras {
  alpha: number;
  beta: number;
  bias: Matrix | null;
  side: Matrix | null;
  sideUse: (typeof sides)[number];
  activation: EpilogueActivation;
  sums: Floats | null;
}

const plain: Extras = {
  alpha: 1,
  beta: 0,
  bias: null,
  side: null,
  sideUse: 'none',
  activation: 'none',
  sums: null,
};

/** Calls the row that can do it: batches, alpha and beta by `gemm`, the rest by the fused ones. */
function compute(
  row: 'gemm' | 'gemmFused' | 'gemmPacked',
  { batch, m, n, k }: Shape,
  a: Matrix,
  b: Matrix,
  c: Matrix,
  x: Extras,
): void {
  if (row === 'gemm') {
    runRow(
      rows.gemm,
      [a.data, b.data, c.data],
      [a.offset, b.offset, c.offset],
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
        x.alpha,
        x.beta,
      ],
    );
    return;
  }
  const last = [
    x.side?.row ?? 0,
    c.row,
    activations.indexOf(x.activation),
    sides.indexOf(x.sideUse),
    SLOPE,
  ];
  const offsets = [x.bias?.offset ?? 0, x.side?.offset ?? 0, c.offset];
  const around = [x.bias?.data ?? null, x.side?.data ?? null, c.data];
  if (row === 'gemmFused') {
    runRow(
      rows.gemmFused,
      [a.data, b.data, ...around, x.sums],
      [a.offset, b.offset, ...offsets, 0],
      [m, n, k, a.row, a.col, b.row, b.col, ...last],
    );
    return;
  }
  // Panels of the level's own width, or of one that is nobody's.
  const width = (m + n) % 2 === 0 ? tileOf(c.data, m, n, k)[1] : 5;
  const count = Math.ceil(n / width);
  const panels = new (c.data.constructor as Float32ArrayConstructor)(count * k * width).fill(GUARD);
  runRow(rows.packPanels, [b.data, panels], [b.offset, 0], [k, n, count, width, b.row, b.col]);
  runRow(
    rows.gemmPacked,
    [a.data, panels, ...around],
    [a.offset, 0, ...offsets],
    [m, n, k, count, width, a.row, a.col, ...last],
  );
}

function planNumbers(data: Floats, numbers: readonly number[]): readonly number[] {
  return gemmPlan(data.constructor as Float32ArrayConstructor, numbers);
}

function tileOf(data: Floats, m: number, n: number, k: number): [number, number] {
  const plan = planNumbers(data, [m, n, k, k, 1, n, 1, 0, 0]);
  return [plan[1] as number, plan[2] as number];
}

function checkCase(random: () => number, type: keyof typeof EPSILON, shape: Shape): void {
  const Type = type === 'Float32Array' ? Float32Array : Float64Array;
  const { batch, m, n, k } = shape;
  const pick = (count: number) => Math.floor(random() * count);
  const row =
    batch !== 1 ? 'gemm' : (['gemm', 'gemmFused', 'gemmPacked'] as const)[pick(k === 0 ? 2 : 3)]!;
  const a = matrix(random, Type, batch, m, k, pick(3));
  const b = matrix(random, Type, batch, k, n, pick(3));
  const c = matrix(random, Type, batch, m, n, 0);
  const x: Extras = { ...plain };
  if (row === 'gemm') {
    x.alpha = [1, 1, -0.75][pick(3)]!;
    x.beta = [0, 1, 0.5][pick(3)]!;
  } else {
    if (pick(2) === 0) x.bias = matrix(random, Type, 1, 1, n, 0);
    x.activation = activations[pick(activations.length)]!;
    x.sideUse = x.activation === 'none' ? sides[pick(2)]! : sides[pick(3)]!;
    if (x.sideUse !== 'none') x.side = matrix(random, Type, 1, m, n, 0);
    if (row === 'gemmFused' && b.col === 1 && pick(2) === 0) x.sums = new Type(n).fill(GUARD);
  }
  const before = { ...c, data: c.data.slice() };
  if (m > 0 && n > 0)
    pathsSeen.add(planNumbers(c.data, [m, n, k, a.row, a.col, b.row, b.col, 0, 0])[0] as number);
  compute(row, shape, a, b, c, x);

  const { value, derivative, exactFor32 } = functions[x.activation];
  // k + 3 roundings (chain, alpha, beta and bias) of sums whose terms are at most 2 * 2, and then a
  // few of a finish whose slope is at most 1.13 (GELU's), or of a product with a derivative.
  const error = EPSILON[type] * ((k + 3) * 4 + 8);
  const bound = (error + (exactFor32 ? 0 : 1e-7)) * (x.sideUse === 'derivative' ? 8 : 1.2);
  const finish = (i: number, j: number, sum: number): number => {
    const side = x.side ? at(x.side, 0, i, j) : 0;
    if (x.sideUse === 'derivative') return sum * derivative(side);
    return value(sum + side);
  };
  const name = JSON.stringify({
    row,
    type,
    ...shape,
    ...{ alpha: x.alpha, beta: x.beta, activation: x.activation, sideUse: x.sideUse },
    bias: x.bias !== null,
    a: [a.row, a.col],
    b: [b.row, b.col],
  });
  for (let s = 0; s < batch; s++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = x.beta === 0 ? 0 : x.beta * at(before, s, i, j);
        if (x.bias) sum += at(x.bias, 0, 0, j);
        for (let p = 0; p < k; p++) sum += x.alpha * at(a, s, i, p) * at(b, s, p, j);
        const want = finish(i, j, sum);
        const got = at(c, s, i, j);
        if (!(Math.abs(got - want) <= bound * Math.max(1, Math.abs(want) / (k + 1))))
          throw new Error(`${name}: [${s}, ${i}, ${j}] is ${got}, not ${want}`);
        c.data[c.offset + s * c.batch + i * c.row + j] = at(before, s, i, j);
      }
    }
  }
  // With its outputs put back, the array is as it was: nothing else was written.
  if (!c.data.every((value, i) => value === before.data[i]))
    throw new Error(`${name}: wrote outside C`);
  for (let j = 0; x.sums && m > 0 && j < n; j++) {
    let sum = 0;
    for (let p = 0; p < k; p++) sum += at(b, 0, p, j);
    if (!(Math.abs((x.sums[j] as number) - sum) <= EPSILON[type] * (k + 1) * 2))
      throw new Error(`${name}: column sum ${j} is ${x.sums[j]}, not ${sum}`);
  }
}

restoreSettings();

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

/**
 * A plain product of few steps has a kernel of its own, which stores some values twice: it must have the
 * bits of the tiles, which compute it where there is a bias.
 */
test.each(settings)('few steps have the bits of tiles: %s, %i thread(s)', (name, count) => {
  setSimdLevel(name);
  setNumThreads(count);
  const random = generator(8);
  const special = [0, -0, Infinity, Number.NaN, 1e-42];
  for (const Type of [Float32Array, Float64Array] as const) {
    const values = (length: number): Floats =>
      new Type(length).map((_, i) => (i % 11 === 3 ? special[i % 5]! : random() * 2 - 1));
    for (let k = 1; k <= 6; k++) {
      for (const m of [1, 2, 3, 4, 5, 6, 7, 9, 30]) {
        for (const n of [7, 8, 9, 15, 16, 17, 31, 32, 47, 128, 1700]) {
          const [aRow, aCol] = (m + n) % 2 ? [k + 1, 1] : [1, m + 2];
          const a = values(m * (k + 2) + 2 * k);
          const b = values(k * (n + 1) + 3);
          const product = (bias: Floats | null): [Floats, Floats] => {
            const c = new Type(m * (n + 2) + 1).fill(GUARD);
            const sums = new Type(n);
            runRow(
              rows.gemmFused,
              [a, b, bias, null, c, sums],
              [1, 3, 0, 0, 1, 0],
              [m, n, k, aRow, aCol, n + 1, 1, 0, n + 2, 0, 0, 0],
            );
            return [c, sums];
          };
          const [want, wantSums] = product(new Type(n));
          const [got, gotSums] = product(null);
          const differs = got.findIndex((x, i) => !Object.is(x, want[i]));
          if (differs >= 0 || gotSums.some((x, j) => !Object.is(x, wantSums[j])))
            throw new Error(`${m} x ${k} x ${n}: value ${differs} is not that of the tiles`);
        }
      }
    }
  }
});

test('every path was taken', () => {
  // Vector, dot, narrow, direct, packed, turned; 2 (stream) has a test file of its own.
  expect([...pathsSeen].filter((path) => path !== 2).sort()).toEqual([1, 3, 4, 5, 6, 7]);
});

test('infinities and NaN go through as IEEE arithmetic has it; what C held is not read', () => {
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
  const a = Float32Array.of(0, 1, inf, 1, nan, 0);
  const b = Float32Array.of(inf, 1, 2, 1);
  const c = new Float32Array(6).fill(nan);
  const numbers = [1, 3, 2, 2, 0, 2, 1, 0, 2, 1, 0, 2, 1, 0];
  runRow(rows.gemm, [a, b, c], [0, 0, 0], numbers);
  expect([...c]).toEqual([nan, 1, inf, inf, nan, nan]); // 0 * inf is NaN
  runRow(rows.gemm, [a.fill(1), b.fill(1), c.fill(nan)], [0, 0, 0], numbers);
  expect([...c]).toEqual([2, 2, 2, 2, 2, 2]);
});

test.each(settings)(
  'one NaN or infinity reaches its row and nothing else: %s, %i',
  (name, count) => {
    setSimdLevel(name);
    setNumThreads(count);
    // One shape for each path, with edges: 0 * inf must be NaN even beside lanes that are masked out.
    for (const [m, n, k] of [
      [1, 37, 19],
      [37, 1, 19],
      [40, 3, 21],
      [5, 45, 9],
      [17, 33, 5],
      [300, 65, 33],
    ] as const) {
      for (const [special, transposed] of [
        [Number.NaN, false],
        [Number.POSITIVE_INFINITY, false],
        [Number.POSITIVE_INFINITY, true],
      ] as const) {
        const a = new Float32Array(m * k).fill(1);
        const b = new Float32Array(k * n).fill(0);
        const c = new Float32Array(m * n).fill(7);
        a[(m - 1) * k + k - 1] = special; // the last element of the last row, times zeros
        runRow(
          rows.gemm,
          [a, b, c],
          [0, 0, 0],
          [1, m, n, k, 0, k, 1, 0, transposed ? 1 : n, transposed ? k : 1, 0, n, 1, 0],
        );
        const want = Array.from({ length: m * n }, (_, i) => (i < (m - 1) * n ? 0 : Number.NaN));
        expect([...c]).toEqual(want);
      }
    }
  },
);

/**
 * Large products against a random vector (Freivalds 1977): C x and A (B x) in float64. A wrong block,
 * row or column shows; the elements' own errors add up to at most the bound.
 */
test.each([
  [1030, 1500, 777],
  [2049, 40, 3000],
  [150, 2500, 1100],
] as const)('C x = A (B x) for %i x %i x %i', (m, n, k) => {
  setSimdLevel(simdLevels().at(-1)!);
  const random = generator(m);
  const fill = (length: number) => Float32Array.from({ length }, () => random() * 2 - 1);
  const a = fill(m * k);
  const b = fill(k * n);
  const x = Float64Array.from({ length: n }, () => (random() < 0.5 ? -1 : 1));
  const c = new Float32Array(m * n);
  for (const count of [1, 2]) {
    setNumThreads(count);
    runRow(
      rows.gemm,
      [a, b, c.fill(Number.NaN)],
      [0, 0, 0],
      [1, m, n, k, 0, k, 1, 0, n, 1, 0, n, 1, 0],
    );
    const times = (matrix: Float32Array, height: number, width: number, v: Float64Array) =>
      Float64Array.from({ length: height }, (_, i) => {
        let sum = 0;
        for (let j = 0; j < width; j++) sum += (matrix[i * width + j] as number) * (v[j] as number);
        return sum;
      });
    const want = times(a, m, k, times(b, k, n, x));
    const got = times(c, m, n, x);
    // An element's error is below k eps sum |a b| <= k eps k / 3 on average over the terms, and n of
    // random sign add up like sqrt(n); 8 standard deviations.
    const bound = (8 * Math.sqrt(n) * 2 ** -24 * Math.sqrt(k) * k) / 3;
    for (let i = 0; i < m; i++) {
      if (!(Math.abs((got[i] as number) - (want[i] as number)) <= bound))
        throw new Error(`row ${i}: ${got[i]} is not ${want[i]} within ${bound}`);
    }
  }
});
