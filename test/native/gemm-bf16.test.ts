/**
 * The bfloat16 product's row against a naive product in float64: every size around the tiles, the
 * steps of the copies and the blocks, all transposes, odd strides and offsets, float32 and bfloat16
 * operands and results, bias, activations and their derivatives, residuals, batches. Every case runs at every level, with and without
 * the CPU's instruction, with 1 and 2 threads, and gives the same bits. Memory around C stays as it
 * was.
 */

import { loadBinding } from 'tilegrad/native/binding.js';
import { rows, runRow } from 'tilegrad/native/commands.js';
import {
  getNumThreads,
  setNumThreads,
  setSimdLevel,
  simdLevel,
  simdLevels,
} from 'tilegrad/native/settings.js';
import { activations } from 'tilegrad/ops/product/gemm.js';
import { fromBfloat16, toBfloat16 } from 'tilegrad/tensor/bfloat16.js';
import { afterAll, describe, expect, test } from 'vitest';
import { functions, SLOPE } from '../helpers/activations.js';
import { generator } from '../helpers/generator.js';

type Numbers = Float32Array | Uint16Array;
type Type = 'float32' | 'bfloat16';

const native = loadBinding();

/** Around 14 and 6 rows a tile, steps of 16, and blocks of 256 rows. */
const HEIGHTS = [1, 2, 3, 5, 6, 7, 8, 13, 14, 15, 16, 17, 28, 29, 43, 255, 256, 257, 271];
const WIDTHS = [1, 2, 7, 15, 16, 17, 31, 32, 33, 47, 48, 63, 65, 127, 128, 129, 161];
/** Around pairs, 16 and 32 steps, and blocks of 512 and 1024. */
const DEPTHS = [
  0, 1, 2, 3, 4, 7, 15, 16, 17, 31, 32, 33, 64, 101, 511, 513, 1023, 1024, 1025, 1100,
];

interface Matrix {
  type: Type;
  data: Numbers;
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

/** Around C; around the operands there is NaN, which shows in the result if it is read. */
const GUARD = 12345;
const NAN = { float32: Number.NaN, bfloat16: 0x7fc1 };

/** A matrix of a batch somewhere in a larger array: by rows, by columns, or with steps in both. */
function matrix(
  random: () => number,
  type: Type,
  batch: number,
  height: number,
  width: number,
  layout: number,
  around: number = NAN[type],
): Matrix {
  const gap = Math.floor(random() * 3);
  const [row, col] =
    layout === 0 ? [width + gap, 1] : layout === 1 ? [1, height + gap] : [2 * width + gap, 2];
  const size = Math.max(1, (height - 1) * row + (width - 1) * col + 1);
  const step = size + gap;
  const offset = 1 + Math.floor(random() * 5); // misaligned for every vector
  const Type = type === 'float32' ? Float32Array : Uint16Array;
  const data = new Type(offset + batch * step + 40).fill(around);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        const value = random() * 4 - 2;
        data[offset + b * step + i * row + j * col] =
          type === 'float32' ? value : toBfloat16(value);
      }
    }
  }
  return { type, data, offset, row, col, batch: step };
}

const at = (x: Matrix, b: number, i: number, j: number) => {
  const value = x.data[x.offset + b * x.batch + i * x.row + j * x.col] as number;
  return x.type === 'float32' ? value : fromBfloat16(value);
};

/** An operand as the products take it. */
const rounded = (x: number) => fromBfloat16(toBfloat16(x));

const sideUses = ['none', 'add', 'derivative'] as const;

const level = simdLevel();
const threads = getNumThreads();

interface Setting {
  name: string;
  apply: () => void;
}

/** The best first; then every other way to compute the same. */
const settings: Setting[] = [...simdLevels()].reverse().flatMap((name) =>
  [true, false].flatMap((instruction) => {
    setSimdLevel(name);
    native.allowBf16Instruction(instruction);
    const has = native.bf16Instruction();
    native.allowBf16Instruction(true);
    setSimdLevel(level);
    if (instruction && !has) return []; // the same as without
    return [1, 2].map((count) => ({
      name: `${name}, ${has ? 'instruction' : 'widened'}, ${count} thread(s)`,
      apply: () => {
        setSimdLevel(name);
        native.allowBf16Instruction(instruction);
        setNumThreads(count);
      },
    }));
  }),
);

afterAll(() => {
  setSimdLevel(level);
  native.allowBf16Instruction(true);
  setNumThreads(threads);
});

/** The scalar level is slow: it gets none of the largest cases. */
const MOST_FOR_SCALAR = 3e5;

function checkCase(random: () => number, shape: Shape): void {
  const { batch, m, n, k } = shape;
  const pick = (count: number) => Math.floor(random() * count);
  const type = (): Type => (random() < 0.7 ? 'bfloat16' : 'float32');
  const a = matrix(random, type(), batch, m, k, pick(3));
  const b = matrix(random, type(), batch, k, n, pick(3));
  const c = matrix(random, type(), batch, m, n, 0, GUARD);
  const bias = pick(2) === 1 ? matrix(random, 'float32', 1, 1, n, 0) : null;
  const activation = activations[pick(activations.length)] as (typeof activations)[number];
  const sideUse = sideUses[pick(activation === 'none' ? 2 : 3)] as (typeof sideUses)[number];
  const side = sideUse === 'none' ? null : matrix(random, 'float32', 1, m, n, 0);
  const what = JSON.stringify({
    ...shape,
    types: [a.type, b.type, c.type],
    a: [a.row, a.col],
    b: [b.row, b.col],
    bias: bias !== null,
    activation,
    sideUse,
  });
  const run = () => {
    const data = c.data.slice();
    runRow(
      rows.gemmBf16,
      [a.data, b.data, bias?.data ?? null, side?.data ?? null, data],
      [a.offset, b.offset, bias?.offset ?? 0, side?.offset ?? 0, c.offset],
      [
        ...[batch, m, n, k, a.batch, a.row, a.col, b.batch, b.row, b.col, c.batch, c.row],
        ...[side?.row ?? 0, activations.indexOf(activation), sideUses.indexOf(sideUse), SLOPE],
      ],
    );
    return data;
  };

  (settings[0] as Setting).apply();
  const result = { ...c, data: run() };
  for (const setting of settings.slice(1)) {
    if (setting.name.startsWith('scalar') && m * n * k > MOST_FOR_SCALAR) continue;
    setting.apply();
    const other = run();
    const wrong = other.findIndex((value, i) => value !== result.data[i]);
    if (wrong >= 0) {
      throw new Error(
        `${what}: ${setting.name} gives ${other[wrong]} at ${wrong}, ` +
          `${(settings[0] as Setting).name} ${result.data[wrong]}`,
      );
    }
  }

  const restored = result.data.slice();
  for (let s = 0; s < batch; s++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = bias === null ? 0 : at(bias, 0, 0, j);
        let magnitude = Math.abs(sum);
        for (let p = 0; p < k; p++) {
          const product = rounded(at(a, s, i, p)) * rounded(at(b, s, p, j));
          sum += product;
          magnitude += Math.abs(product);
        }
        const { value, derivative } = functions[activation];
        const beside = side === null ? 0 : at(side, 0, i, j);
        const derives = sideUse === 'derivative';
        const slope = derives ? derivative(beside) : 1;
        const want = derives ? sum * slope : value(sum + beside);
        const got = at(result, s, i, j);
        // k sums of float32 and that with the side, whose error an activation enlarges by at most
        // 1.13 (GELU's slope) and a derivative by its size; the function's own few ulp of values that
        // go with these sizes (docs/accuracy.md), and the tests' erf; one rounding at the end.
        const factor = Math.max(1.2, Math.abs(slope));
        const own = (1 + Math.abs(sum) * (derives ? 8 : 1) + Math.abs(want)) * 2 ** -22 + 1e-7;
        const sums = factor * (k + 1) * 2 ** -23 * (magnitude + Math.abs(beside)) + own;
        const bound = sums + (c.type === 'bfloat16' ? 2 ** -8 * (Math.abs(want) + sums) : 0);
        if (!(Math.abs(got - want) <= bound))
          throw new Error(`${what}: [${s}, ${i}, ${j}] is ${got}, not ${want} within ${bound}`);
        const index = c.offset + s * c.batch + i * c.row + j;
        restored[index] = c.data[index] as number;
      }
    }
  }
  // With its outputs put back, the array is as it was: nothing else was written.
  if (!restored.every((value, i) => value === c.data[i]))
    throw new Error(`${what}: wrote outside C`);
}

describe('against float64, the same bits in every setting', () => {
  const random = generator(7);

  test('every height and every width', () => {
    for (const m of HEIGHTS) {
      for (const n of WIDTHS) {
        const k = DEPTHS[Math.floor(random() * DEPTHS.length)] as number;
        checkCase(random, { batch: 1, m, n, k: m * n * k <= 1e6 ? k : 5 });
      }
    }
  }, 120_000);

  test('every depth, with operands in all layouts', () => {
    for (const k of DEPTHS) {
      for (const [m, n] of [
        [1, 33],
        [3, 10],
        [15, 17],
        [29, 65],
        [17, 130],
      ] as const) {
        for (let i = 0; i < 4; i++) checkCase(random, { batch: 1, m, n, k });
      }
    }
  }, 120_000);

  test('several blocks in every dimension', () => {
    for (const shape of [
      { batch: 1, m: 270, n: 140, k: 1030 },
      { batch: 1, m: 300, n: 33, k: 2100 },
    ]) {
      for (let i = 0; i < 3; i++) checkCase(random, shape);
    }
  }, 120_000);

  test('batches, and nothing of nothing', () => {
    for (const batch of [0, 1, 2, 3, 9]) {
      for (const [m, n, k] of [
        [3, 5, 7],
        [15, 33, 2],
        [0, 4, 3],
        [4, 0, 3],
        [4, 4, 0],
        [65, 66, 67],
      ] as const) {
        checkCase(random, { batch, m, n, k });
      }
    }
  }, 120_000);
});

const bf16 = (...values: number[]) => Uint16Array.from(values, toBfloat16);

/** Runs one product of plain row-major matrices in every setting; they agree, NaN included. */
function product(a: Numbers, b: Numbers, c: Numbers, [m, n, k]: readonly [number, number, number]) {
  const results = settings.map(({ apply }) => {
    apply();
    const data = c.slice();
    const numbers = [1, m, n, k, 0, k, 1, 0, n, 1, 0, n, 0, 0, 0, 0];
    runRow(rows.gemmBf16, [a, b, null, null, data], [0, 0, 0, 0, 0], numbers);
    return Array.from(data, (x) => (data instanceof Uint16Array ? fromBfloat16(x) : x));
  });
  for (const result of results) expect(result).toEqual(results[0]);
  return results[0] as number[];
}

describe('special values', () => {
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

  test.each(['bfloat16', 'float32'] as const)('infinities and NaN, to %s', (type) => {
    const c =
      type === 'float32' ? new Float32Array(6).fill(nan) : bf16(nan, nan, nan, nan, nan, nan);
    const b = bf16(inf, 1, 2, 1);
    expect(product(bf16(0, 1, inf, 1, nan, 0), b, c, [3, 2, 2])).toEqual([
      nan,
      1,
      inf,
      inf,
      nan,
      nan,
    ]);
    // Odd: what fills up the last pair is no number of the operands, so that no 0 * inf comes about.
    expect(product(bf16(inf, 1, -1), bf16(inf, -2), c, [3, 2, 1])).toEqual([
      inf,
      -inf,
      inf,
      -2,
      -inf,
      2,
    ]);
  });

  test('a sum beyond the largest bfloat16 is infinite, half a unit below it is not', () => {
    const largest = fromBfloat16(0x7f7f);
    const half = 2 ** 119;
    const c = new Uint16Array(1);
    expect(product(bf16(largest, half), bf16(1, 1), c, [1, 1, 2])).toEqual([inf]);
    const below = bf16(largest, half, -(2 ** 111));
    expect(product(below, bf16(1, 1, 1), c, [1, 1, 3])).toEqual([largest]);
  });

  test('denormal operands are zeros', () => {
    const c = new Float32Array(1);
    const tiny = 2 ** -130;
    const one = Float32Array.of(2 ** 100);
    expect(product(Float32Array.of(tiny), one, c, [1, 1, 1])).toEqual([0]);
    expect(product(bf16(tiny), bf16(2 ** 100), c, [1, 1, 1])).toEqual([0]);
    expect(product(bf16(2 ** -126), bf16(2 ** 100), c, [1, 1, 1])).toEqual([2 ** -26]);
  });

  test('a bias alone is rounded once, denormals kept', () => {
    const bias = Float32Array.of(1 + 2 ** -8, 1 + 3 * 2 ** -8, 2 ** -130, nan);
    for (const { apply } of settings) {
      apply();
      const c = new Uint16Array(4);
      const numbers = [1, 1, 4, 0, 0, 0, 1, 0, 4, 1, 0, 4, 0, 0, 0, 0];
      runRow(
        rows.gemmBf16,
        [new Uint16Array(0), new Uint16Array(0), bias, null, c],
        [0, 0, 0, 0, 0],
        numbers,
      );
      expect(Array.from(c, fromBfloat16)).toEqual([1, 1 + 2 ** -6, 2 ** -130, nan]);
    }
  });
});

test('other types and unknown activations are refused', () => {
  const half = new Uint16Array(4);
  type Arrays = (Numbers | Float64Array | null)[];
  const call = (arrays: Arrays, activation = 0, sideUse = 0) => {
    const numbers = [1, 2, 2, 2, 0, 2, 1, 0, 2, 1, 0, 2, 2, activation, sideUse, 0];
    runRow(rows.gemmBf16, arrays, [0, 0, 0, 0, 0], numbers);
  };
  const plain = [half, half, null, null, half];
  const side = new Float32Array(4);
  expect(() => call(plain)).not.toThrow();
  for (let i = 0; i < 5; i++) {
    const arrays = plain.map((x, k) => (k === i ? new Float64Array(4) : x));
    expect(() => call(arrays)).toThrow('[gemmBf16]');
  }
  expect(() => call([half, half, half, null, half])).toThrow('bias has an element type that');
  expect(() => call(plain, activations.length)).toThrow('activation is not one of the known');
  expect(() => call(plain, -1)).toThrow('activation');
  expect(() => call(plain, 1, 3)).toThrow('sideUse is not a known use');
  expect(() => call(plain, 1, 1)).toThrow('side and sideUse need each other');
  expect(() => call([half, half, null, side, half], 1)).toThrow('need each other');
  expect(() => call([half, half, null, side, half], 0, 2)).toThrow('needs an activation');
  // Reported as memory that has shrunk, with what the native side found as the cause.
  const causeOf = (fn: () => void): string => {
    try {
      fn();
    } catch (error) {
      return String((error as Error).cause);
    }
    return 'nothing thrown';
  };
  const shortSide = () => call([half, half, null, new Float32Array(3), half], 1, 1);
  expect(causeOf(shortSide)).toContain('side reaches');
  expect(causeOf(() => call([half, half, null, null, new Uint16Array(3)]))).toContain('c reaches');
});
