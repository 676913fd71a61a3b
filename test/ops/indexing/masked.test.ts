import * as tilegrad from 'tilegrad';
import { type DType, type Tensor, tensor, zeros } from 'tilegrad';
import { rows, runGeometry } from 'tilegrad/native/commands.js';
import { describe, expect, test } from 'vitest';
import { generator } from '../../helpers/generator.js';
import { expectSame } from '../../helpers/same.js';

const random = generator(13);
const types: DType[] = [
  ...(['float32', 'float64', 'int32', 'int64', 'int8', 'uint8', 'bool'] as const),
  ...(['bfloat16', 'float16'] as const),
];
const flat = (x: Tensor): number[] => (x.toArray() as unknown[]).flat(8).map(Number);

const mask = (shape: readonly number[], share = 0.5): Tensor =>
  tilegrad.rand(shape).sub(share).sign().add(1).to('bool');

/** Whole numbers, a fifth of them 0. */
function numbers(n: number, dtype: DType): Tensor {
  const list = Array.from({ length: n }, () => Math.max(0, Math.floor(random() * 120) - 24));
  return tensor(list, { dtype });
}

// One chunk that threads share has 32768 elements.
const shapes = [[0], [1], [7], [65], [3, 37], [5, 1, 9], [], [2, 0, 3], [3, 11_003]];

describe.each(types)('%s', (dtype) => {
  test('nonzero', () => {
    for (const shape of shapes) {
      const n = shape.reduce((a, b) => a * b, 1);
      const x = numbers(n, dtype).reshape(shape);
      const expected: number[][] = [];
      flat(x.ndim === 0 ? x.reshape([1]) : x).forEach((value, i) => {
        if (value === 0) return;
        const at = shape.map(() => 0);
        for (let d = shape.length - 1, rest = i; d >= 0; rest = Math.floor(rest / shape[d--]!)) {
          at[d] = rest % shape[d]!;
        }
        expected.push(at);
      });
      const result = x.nonzero();
      expect([result.dtype, ...result.shape]).toEqual(['int32', expected.length, shape.length]);
      expectSame(flat(result), expected.flat());
    }
    const view = numbers(60, dtype).reshape([6, 10]).transpose();
    expect(view.nonzero().toArray()).toEqual(view.contiguous().nonzero().toArray());
    expect(
      view
        .slice([[0, 1]])
        .expand([3, 6])
        .nonzero().shape[1],
    ).toBe(2);
  });

  test('maskedSelect, maskedFill and maskedScatter', () => {
    for (const shape of shapes) {
      const n = shape.reduce((a, b) => a * b, 1);
      // The same shape, fewer dimensions, and a column that is stretched.
      for (const other of [shape, shape.slice(1), shape.map((m, d) => (d === 0 ? m : 1))]) {
        const x = numbers(n, dtype).reshape(shape);
        const chosen = mask(other);
        const whole = flat(chosen.expand(shape).reshape([-1]));
        const values = flat(x.reshape([n]));
        expectSame(
          flat(x.maskedSelect(chosen)),
          values.filter((_, i) => whole[i]),
        );
        const filled = x.maskedFill(chosen, 1);
        expect(filled.dtype).toBe(dtype);
        expectSame(
          flat(filled.reshape([n])),
          values.map((v, i) => (whole[i] ? 1 : v)),
        );
        const source = numbers(n, dtype);
        const next = flat(source).values();
        expectSame(
          flat(x.maskedScatter(chosen, source).reshape([n])),
          values.map((v, i) => (whole[i] ? (next.next().value as number) : v)),
        );
      }
    }
    const view = numbers(60, dtype).reshape([6, 10]).transpose();
    const chosen = mask([6, 10]).transpose();
    const expected = view.contiguous();
    expect(view.maskedSelect(chosen).toArray()).toEqual(expected.maskedSelect(chosen).toArray());
    expect(view.maskedFill(chosen, 0).toArray()).toEqual(expected.maskedFill(chosen, 0).toArray());
  });
});

test('values that a mask fills in', () => {
  const all = tensor([true]);
  expect(tensor([1], { dtype: 'float64' }).maskedFill(all, 0.1).item()).toBe(0.1);
  expect(tensor([1]).maskedFill(all, -Infinity).item()).toBe(-Infinity);
  expect(tensor([1], { dtype: 'bfloat16' }).maskedFill(all, 0.1).item()).toBe(0.10009765625);
  expect(
    tensor([1], { dtype: 'int32' })
      .maskedFill(all, -(2 ** 31))
      .item(),
  ).toBe(-(2 ** 31));
  expect(tensor([1], { dtype: 'int8' }).maskedFill(all, -3.7).item()).toBe(-3);
  expect(tensor([1], { dtype: 'uint8' }).maskedFill(all, 255).item()).toBe(255);
  expect(tensor([false]).maskedFill(all, 7).toArray()).toEqual([true]);
  expect(tensor([false]).maskedFill(all, true).data).toEqual(new Uint8Array([1]));
});

test('a command that fills stops at what was allocated when memory changed after counting', () => {
  const x = tensor([1, 1, 0, 1]);
  const chosen = x.to('bool');
  const plain = ({ array, offset }: Tensor) => ({ array, offset, strides: [] });
  for (const count of [0, 1, 2, 5]) {
    const memory = tensor(new Int32Array(8).fill(9));
    const places = memory.slice([[0, count]]);
    runGeometry(rows.nonzero, x.shape, [x, plain(places)], [count, 1]);
    const wanted = [0, 1, 3, 0, 0];
    expectSame(flat(memory), [...wanted.slice(0, count), ...Array(8 - count).fill(9)]);
    const values = tensor(new Float32Array(8).fill(9));
    runGeometry(rows.maskedSelect, x.shape, [x, chosen, plain(values)], [count]);
    const found = [1, 1, 1, 0, 0];
    expectSame(flat(values), [...found.slice(0, count), ...Array(8 - count).fill(9)]);
    const source = tensor([5, 6, 7, 8, 9]);
    const y = zeros([4]);
    runGeometry(rows.maskedScatter, x.shape, [x, chosen, y, plain(source)], [count]);
    const next = [5, 6, 7].slice(0, count);
    expectSame(flat(y), [next[0] ?? 1, next[1] ?? 1, 0, next[2] ?? 1]);
  }
});

test('oneHot', () => {
  expect(tilegrad.oneHot([2, 0]).toArray()).toEqual([
    [0, 0, 1],
    [1, 0, 0],
  ]);
  expect(tilegrad.oneHot([[1], [0]], 2).toArray()).toEqual([[[0, 1]], [[1, 0]]]);
  expect(tilegrad.oneHot(1, 3).toArray()).toEqual([0, 1, 0]);
  expect(tilegrad.oneHot([], 3).shape).toEqual([0, 3]);
  expect(tilegrad.oneHot(tensor(new Uint8Array([1]))).dtype).toBe('int32');
});

test('bincount', () => {
  expect(tilegrad.bincount([1, 3, 1]).toArray()).toEqual([0, 2, 0, 1]);
  expect(tilegrad.bincount([], { minlength: 2 }).toArray()).toEqual([0, 0]);
  expect(tilegrad.bincount([]).shape).toEqual([0]);
  const weights = tensor([0.5, 1, 2]);
  const y = tilegrad.bincount([1, 3, 1], { weights, minlength: 5 });
  expect([y.dtype, y.toArray()]).toEqual(['float32', [0, 2.5, 0, 1, 0]]);
});
