import * as tilegrad from 'tilegrad';
import { type DType, type Tensor, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { generator } from '../../helpers/generator.js';
import { expectSame } from '../../helpers/same.js';

const random = generator(11);

/** NaN above everything, zeros of both signs equal. */
function compare(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Places of the sorted elements; Array.prototype.sort is stable. */
function order(values: readonly number[], descending = false): number[] {
  const sign = descending ? -1 : 1;
  return values.map((_, i) => i).sort((i, j) => sign * compare(values[i]!, values[j]!));
}

const special = [0, -0, Number.NaN, Infinity, -Infinity, 1e-40, -1e-40, 3e38, 1, -1];
const kinds = {
  numbers: () => (random() - 0.5) * 200,
  'few different ones': () => Math.floor(random() * 5) - 2,
  'special ones': () => special[Math.floor(random() * special.length)]!,
  // Digits that a selection looks at first are the same for all.
  'neighbours of 1': () => 1 + Math.floor(random() * 64) * 2 ** -20,
};
const types: DType[] = [
  ...(['float32', 'float64', 'int32', 'int64', 'int8', 'uint8', 'bool'] as const),
  ...(['bfloat16', 'float16'] as const),
];
const numbersOf = (x: Tensor): number[] => (x.toArray() as (number | boolean)[]).map(Number);

/** Lengths at which another way of sorting begins, and around them. */
const lengths = [...Array(48).keys(), 63, 64, 65, 100, 1000, 4097];

/** The most frequent element, the smallest of several, and the last place where it is; NaN differs from itself. */
function modeOf(values: readonly number[]): number {
  let [best, longest, begin] = [0, 0, 0];
  const sorted = order(values);
  for (const [i, place] of sorted.entries()) {
    if (i === 0 || values[place] !== values[sorted[i - 1]!]) begin = i;
    if (i - begin + 1 <= longest) continue;
    [best, longest] = [place, i - begin + 1];
  }
  return best;
}

describe.each(types.filter((dtype) => !dtype.endsWith('float16')))('mode of %s', (dtype) => {
  test.each(Object.entries(kinds))('%s', (_, draw) => {
    for (const n of lengths.filter((length) => length > 0)) {
      const numbers = tensor(Float64Array.from({ length: 3 * n }, draw)).reshape([3, n]);
      const whole = numbers
        .nanToNum({ nan: 0, posinf: 90, neginf: -90 })
        .clamp({ min: -90, max: 90 });
      const x = (dtype.startsWith('float') ? numbers : whole).to(dtype);
      const lines = [0, 1, 2].map((line) => numbersOf(x.select(0, line)));
      const places = lines.map(modeOf);
      const found = tilegrad.mode(x);
      expect(found.indices.toArray()).toEqual(places);
      expectSame(
        numbersOf(found.values),
        lines.map((line, i) => line[places[i]!]!),
      );
      // Lines down the columns of a part of a larger tensor.
      const turned = tilegrad.mode(
        tilegrad
          .concat([x, x])
          .t()
          .slice([null, [3, 6]]),
        {
          dim: 0,
          keepDim: true,
        },
      );
      expect(turned.indices.toArray()).toEqual([places]);
    }
  });
});

test('the gradient of a mode goes to its place', () => {
  const x = tensor(
    [
      [2, 1, 2, 1],
      [Number.NaN, 3, Number.NaN, 4],
    ],
    { requiresGrad: true },
  );
  tilegrad
    .mode(x)
    .values.mul(tensor([5, 7]))
    .sum()
    .backward();
  expect(x.grad?.toArray()).toEqual([
    [0, 0, 0, 5],
    [0, 7, 0, 0],
  ]);
  expect(tilegrad.mode(x.detach()).indices.toArray()).toEqual([3, 1]);
  expect(tilegrad.mode(tensor([Number.NaN, Number.NaN])).indices.item()).toBe(0);
});

describe.each(types)('%s', (dtype) => {
  test.each(Object.entries(kinds))('sort, argsort, topk and unique of %s', (_, draw) => {
    for (const n of lengths) {
      // int64 doesn't show others than safe integers as numbers.
      const limit = dtype === 'int64' ? 2 ** 52 : Infinity;
      const x = tensor(
        Array.from({ length: n }, draw).map((v) => Math.max(-limit, Math.min(limit, v))),
        dtype === 'uint8' ? { dtype: 'int8' } : { dtype: dtype === 'bool' ? 'uint8' : dtype },
      ).to(dtype);
      const values = numbersOf(x);
      for (const descending of [false, true]) {
        const expected = order(values, descending);
        const { values: sorted, indices } = x.sort({ descending });
        expectSame(numbersOf(indices), expected);
        expectSame(
          numbersOf(sorted),
          expected.map((i) => values[i]),
        );
        expect(sorted.dtype).toBe(dtype);
        for (const k of new Set([0, Math.min(1, n), n >> 3, n >> 1, n])) {
          const top = x.topk(k, { largest: descending });
          expectSame(numbersOf(top.indices), expected.slice(0, k));
          expectSame(
            numbersOf(top.values),
            expected.slice(0, k).map((i) => values[i]),
          );
        }
      }
      const places = order(values);
      for (const k of new Set([0, 1, n >> 3, (n - 1) >> 1, n - 2, n - 1])) {
        if (k < 0 || k >= n) continue;
        const kth = x.kthvalue(k + 1);
        expectSame([Number(kth.indices.item())], [places[k]]);
        expectSame([Number(kth.values.item())], [values[places[k]!]]);
      }
      const sorted = places.map((i) => values[i]!);
      const different = sorted.filter((v, i) => i === 0 || !(v === sorted[i - 1]));
      const {
        values: found,
        inverse,
        counts,
      } = x.unique({
        returnInverse: true,
        returnCounts: true,
      });
      expectSame(numbersOf(found), different);
      expect(counts.shape).toEqual([different.length]);
      const [groups, times] = [numbersOf(inverse), numbersOf(counts)];
      expect(times.reduce((a, b) => a + b, 0)).toBe(n);
      for (const [i, v] of values.entries()) {
        expect(compare(different[groups[i]!]!, v)).toBe(0);
        times[groups[i]!]!--;
      }
      expect(times.every((left) => left === 0)).toBe(true);
    }
  });
});

test('a line that is long enough to be cut into pieces gives the same on any number of threads', () => {
  const threads = tilegrad.getNumThreads();
  const list = Array.from({ length: 70_001 }, () => Math.floor(random() * 5000) - 2500);
  list[5] = Number.NaN;
  const expected = order(list);
  try {
    for (const dtype of ['float32', 'float64', 'int32', 'int64', 'float16'] as const) {
      const x = tensor(list, { dtype });
      const stored = numbersOf(x);
      const wanted = dtype.startsWith('float') && dtype !== 'float16' ? expected : order(stored);
      for (const count of [1, 2, 3, 5, 8]) {
        tilegrad.setNumThreads(count);
        const { values, indices } = x.sort();
        expectSame(numbersOf(indices), wanted);
        expectSame(
          numbersOf(values),
          wanted.map((i) => stored[i]),
        );
        expectSame(numbersOf(x.topk(50_000, { largest: false }).indices), wanted.slice(0, 50_000));
      }
    }
  } finally {
    tilegrad.setNumThreads(threads);
  }
});

test.each(['float32', 'float64', 'int32', 'uint8'] as const)(
  'selection finds what sorting puts there, however the line looks: %s',
  (dtype) => {
    const n = 3001;
    const lines: Record<string, (i: number) => number> = {
      ascending: (i) => i,
      descending: (i) => n - i,
      // Samples at equal distances see one side only.
      waves: (i) => (i % 94 === 0 ? 1000 : i),
      'two values': (i) => i % 2,
      'one value': () => 7,
      'mostly one': (i) => (i % 50 === 0 ? i : 40),
      powers: (i) => 2 ** (i % 31) * (i % 3 === 0 ? -1 : 1),
    };
    const list = Object.values(lines).map((line) => Array.from({ length: n }, (_, i) => line(i)));
    const x = tensor(list, { dtype: 'float64' }).to(dtype === 'uint8' ? 'int32' : dtype);
    const typed = dtype === 'uint8' ? x.bitwiseAnd(255).to('uint8') : x;
    const { values, indices } = typed.sort();
    for (const k of [0, 1, 100, 1500, n - 2, n - 1]) {
      const kth = typed.kthvalue(k + 1);
      expect(kth.values.toArray()).toEqual(values.slice([null, k]).toArray());
      expect(kth.indices.toArray()).toEqual(indices.slice([null, k]).toArray());
    }
    for (const k of [3, 40, 1400]) {
      const top = typed.topk(k, { largest: false });
      expect(top.indices.toArray()).toEqual(indices.slice([null, [0, k]]).toArray());
    }
  },
);

test('views are sorted as they lie, along any dimension', () => {
  const cube = tensor(Array.from({ length: 6 * 5 * 7 }, kinds.numbers)).reshape([6, 5, 7]);
  const views = [
    cube,
    cube.transpose(0, 2),
    cube.permute([1, 2, 0]),
    cube.slice([[1, null, 2], null, [0, null, 3]]),
    cube.slice([null, [0, 1]]).expand([6, 3, 7]),
    cube.slice([[0, 1]]).expand([4, 5, 7]),
  ];
  for (const x of views) {
    for (const dim of [0, 1, 2]) {
      const last = x.transpose(dim, -1).contiguous().reshape([-1, x.shape[dim]!]);
      const { values, indices } = x.sort({ dim, descending: true });
      const top = x.topk(2, { dim });
      expect(values.shape).toEqual(x.shape);
      const lines = (t: Tensor) => t.transpose(dim, -1).contiguous().reshape([-1, t.shape[dim]!]);
      (last.toArray() as number[][]).forEach((line, row) => {
        const expected = order(line, true);
        const at = (t: Tensor) => numbersOf(lines(t).slice([row]));
        expect(at(indices)).toEqual(expected);
        expect(at(values)).toEqual(expected.map((i) => line[i]));
        expect(at(top.indices)).toEqual(expected.slice(0, 2));
      });
      expect(x.takeAlongDim(indices, { dim }).toArray()).toEqual(values.toArray());
    }
  }
});

test('empty tensors and scalars', () => {
  const empty = tilegrad.zeros([0, 3]).sort({ dim: 0 });
  expect([empty.values.shape, empty.indices.shape]).toEqual([
    [0, 3],
    [0, 3],
  ]);
  expect(tilegrad.zeros([3, 0]).topk(0).values.shape).toEqual([3, 0]);
  const scalar = tensor(5).sort();
  expect([scalar.values.item(), scalar.indices.item(), scalar.indices.shape]).toEqual([5, 0, []]);
  expect(tensor(5).argsort().shape).toEqual([]);
  expect(tensor(5).topk(1).values.shape).toEqual([]);
  expect(tensor(5).topk(0).values.shape).toEqual([0]);
  const { values, inverse } = tensor(5).unique({ returnInverse: true });
  expect([values.toArray(), inverse.shape]).toEqual([[5], []]);
  expect(tilegrad.zeros([0]).unique({ returnCounts: true }).counts.shape).toEqual([0]);
  expect(tensor([1]).unique().inverse).toBeUndefined();
});
