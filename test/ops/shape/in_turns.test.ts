/** Two tensors whose elements take turns in a result, and the way back: every second element. */
import {
  cartesianProd,
  concat,
  dstack,
  Generator,
  randint,
  stack,
  type Tensor,
  zeros,
} from 'tilegrad';
import { setNumThreads, setSimdLevel } from 'tilegrad/native/settings.js';
import { describe, expect, test } from 'vitest';
import { restoreSettings, settings } from '../../helpers/settings.js';

restoreSettings();

const generator = new Generator(8);
const numbers = (...shape: number[]) => randint(0, 100, shape, { generator });
const list = (x: Tensor) => (x.flatten().toArray() as (number | bigint | boolean)[]).map(Number);

/** Elements of both in turns, by plain code. */
function turns(a: Tensor, b: Tensor): number[] {
  const [x, y] = [list(a), list(b)];
  return x.flatMap((value, i) => [value, y[i] as number]);
}

/** The first of each of n pairs, then the second ones, row by row, by plain code. */
function planes(x: Tensor, n: number): number[] {
  const all = list(x);
  const rows = Array.from({ length: all.length / (2 * n) }, (_, r) => 2 * n * r);
  return rows.flatMap((first) =>
    [0, 1].flatMap((k) => Array.from({ length: n }, (_, i) => all[first + 2 * i + k] as number)),
  );
}

const dtypes = [
  ...(['float32', 'float64', 'int8', 'uint8', 'int32', 'int64'] as const),
  ...(['bool', 'bfloat16', 'float16'] as const),
];
const lengths = [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 130, 1001];

describe.each(dtypes)('%s', (dtype) => {
  test('in turns, at every level', () => {
    for (const [level, threads] of settings) {
      setSimdLevel(level);
      setNumThreads(threads);
      for (const n of lengths) {
        const a = numbers(n + 1)
          .to(dtype)
          .slice([[1]]);
        const b = numbers(n).to(dtype);
        const y = stack([a, b], -1);
        expect(y.shape).toEqual([n, 2]);
        expect(y.dtype).toBe(dtype);
        expect(list(y), `${level} ${threads} ${n}`).toEqual(turns(a, b));
        // And back.
        expect(list(y.slice([null, 0]).contiguous())).toEqual(list(a));
        expect(list(y.slice([null, 1]).contiguous())).toEqual(list(b));
      }
    }
  });

  test('pairs that become rows, at every level', () => {
    const widths = [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 65];
    for (const [level, threads] of settings) {
      setSimdLevel(level);
      setNumThreads(threads);
      for (const n of widths) {
        // Two, one and no dimensions before the pairs, of which one of the outer ones has a gap.
        const x = numbers(3, 6, 2 * n + 1)
          .to(dtype)
          .slice([null, null, [1]])
          .reshape([3, 6, n, 2]);
        const back = (t: Tensor) => t.transpose(-1, -2).contiguous();
        expect(list(back(x)), `${level} ${threads} ${n}`).toEqual(planes(x, n));
        const [plane, row] = [x.slice([1]), x.slice([1, 4])];
        expect(list(back(plane))).toEqual(planes(plane, n));
        expect(list(back(row))).toEqual(planes(row, n));
        // Rows of pairs that lie one after the other in the result.
        const y = x.permute([0, 3, 1, 2]).contiguous();
        expect(list(y.permute([0, 2, 3, 1]))).toEqual(list(x));
      }
    }
  });

  test('many rows of pairs', () => {
    const x = numbers(2, 300, 80).to(dtype).reshape([2, 300, 40, 2]);
    const wanted = list(x.permute([3, 0, 1, 2]));
    for (const [level, threads] of settings) {
      setSimdLevel(level);
      setNumThreads(threads);
      expect(list(x.permute([3, 0, 1, 2]).contiguous())).toEqual(wanted);
    }
  });

  test('of operands that lie in other ways', () => {
    const a = numbers(37, 21).to(dtype);
    const b = numbers(21, 37).to(dtype);
    const row = numbers(1, 21).to(dtype);
    for (const [x, y] of [
      [a, b.transpose(0, 1)],
      [b.transpose(0, 1), a],
      [a, row.expand([37, 21])],
      [row.expand([37, 21]), b.transpose(0, 1)],
      [numbers(37, 1).to(dtype).expand([37, 21]), numbers(1).to(dtype).expand([37, 21])],
      [a.flip(1), a.flip(0)],
    ] as const) {
      expect(list(stack([x, y], 2))).toEqual(turns(x, y));
      expect(list(dstack([x, y]))).toEqual(turns(x, y));
      expect(list(concat([x.unsqueeze(2), y.unsqueeze(2)], 2))).toEqual(turns(x, y));
    }
  });
});

test('parts that look alike but take no turns', () => {
  const a = numbers(5, 1);
  const wide = numbers(5, 3);
  const joined = concat([a, wide], 1);
  expect(joined.shape).toEqual([5, 4]);
  expect(list(joined.slice([null, 0]))).toEqual(list(a));
  expect(list(joined.slice([null, [1]]))).toEqual(list(wide));
  // Different dtypes are converted.
  const [bytes, floats] = [numbers(9).to('int8'), numbers(9).to('float64')];
  expect(list(stack([bytes, floats], 1))).toEqual(turns(bytes, floats));
  expect(list(concat([numbers(1), zeros([1])]))).toHaveLength(2);
  expect(list(stack([a, a], 0))).toEqual([...list(a), ...list(a)]);
});

test('large ones, between threads', () => {
  const [a, b] = [numbers(300, 401), numbers(401, 300).transpose(0, 1)];
  const expected = turns(a, b);
  for (const threads of [1, 2, 3]) {
    setNumThreads(threads);
    expect(list(stack([a, b], -1))).toEqual(expected);
    expect(list(stack([a, a], -1).slice([null, null, 1]).contiguous())).toEqual(list(a));
  }
});

test('products of vectors', () => {
  const vectors = [numbers(5), numbers(1), numbers(4)];
  const rows: number[][] = [];
  const [x, y, z] = vectors.map(list) as [number[], number[], number[]];
  for (const a of x) for (const b of y) for (const c of z) rows.push([a, b, c]);
  expect(cartesianProd(vectors).toArray()).toEqual(rows);
  expect(cartesianProd([numbers(0), numbers(3)]).shape).toEqual([0, 2]);
  const many = Array.from({ length: 8 }, () => numbers(2));
  const product = cartesianProd(many);
  expect(product.shape).toEqual([256, 8]);
  (product.toArray() as number[][]).forEach((row, i) => {
    const expected = many.map((v, k) => list(v)[(i >> (7 - k)) & 1]);
    expect(row).toEqual(expected);
  });
});

test('gradients go back to where their values came from', () => {
  const [a, b] = [numbers(33, 17), numbers(33, 17)].map((x) => x.to('float32').requiresGrad_()) as [
    Tensor,
    Tensor,
  ];
  const g = numbers(33, 17, 2).to('float32');
  stack([a, b], -1).backward(g);
  expect(list(a.grad as Tensor)).toEqual(list(g).filter((_, i) => i % 2 === 0));
  expect(list(b.grad as Tensor)).toEqual(list(g).filter((_, i) => i % 2 === 1));
});
