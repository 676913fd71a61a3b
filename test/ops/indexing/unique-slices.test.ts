import * as tilegrad from 'tilegrad';
import { type DType, type Tensor, tensor, unique } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { generator } from '../../helpers/generator.js';

const all = { returnInverse: true, returnCounts: true } as const;

/** As lists, of what PyTorch 2.14's torch.unique gave for the same. */
const found = (x: Tensor, dim: number) => {
  const { values, inverse, counts } = unique(x, { dim, ...all });
  return [values.toArray(), inverse.toArray(), counts.toArray()];
};

test("slices along each dimension are PyTorch's", () => {
  const x = tensor([
    ...[
      [
        [1, 2],
        [3, 4],
      ],
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ...[
      [
        [1, 2],
        [3, 0],
      ],
      [
        [-1, 2],
        [3, 4],
      ],
    ],
  ]);
  expect(found(x, 0)).toEqual([
    [
      [
        [-1, 2],
        [3, 4],
      ],
      [
        [1, 2],
        [3, 0],
      ],
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [2, 2, 1, 0],
    [1, 1, 2],
  ]);
  for (const dim of [1, 2, -1]) expect(found(x, dim)).toEqual([x.toArray(), [0, 1], [1, 1]]);
  const y = tensor(
    [
      [2, 7, 2, 7, 2],
      [1, 0, 1, 0, 3],
    ],
    { dtype: 'int32' },
  );
  expect(found(y, 0)).toEqual([y.flip(0).toArray(), [1, 0], [1, 1]]);
  expect(found(y, 1)).toEqual([
    [
      [2, 2, 7],
      [1, 3, 0],
    ],
    [0, 2, 0, 2, 1],
    [2, 1, 2],
  ]);
});

test('every NaN is a value of its own, zeros of both signs are one', () => {
  const x = tensor([
    [1, Number.NaN],
    [1, Number.NaN],
    [0, 1],
    [0, 1],
  ]);
  expect(found(x, 0)).toEqual([
    [
      [0, 1],
      [1, Number.NaN],
      [1, Number.NaN],
    ],
    [1, 2, 0, 0],
    [2, 1, 1],
  ]);
  expect(
    found(
      tensor([
        [1, 0],
        [1, -0],
      ]),
      0,
    ),
  ).toEqual([[[1, 0]], [0, 0], [2]]);
  expect(
    found(
      tensor([
        [1, -0],
        [1, 0],
      ]),
      0,
    ),
  ).toEqual([[[1, -0]], [0, 0], [2]]);
});

test('the largest integers are no NaN', () => {
  const bytes = tensor([255, 255, 3], { dtype: 'uint8' });
  expect(found(bytes, 0)).toEqual([
    [3, 255],
    [1, 1, 0],
    [1, 2],
  ]);
  const largest = { int8: 127, int32: 2 ** 31 - 1, int64: 2n ** 63n - 1n } as const;
  for (const [dtype, value] of Object.entries(largest)) {
    const x = tilegrad.full([2], value, { dtype: dtype as DType });
    expect(unique(x, { dim: 0, ...all }).counts.toArray(), dtype).toEqual([2]);
  }
});

test('nothing, one slice, and slices without elements', () => {
  const none = unique(tilegrad.zeros([0, 3]), { dim: 0, ...all });
  expect([none.values.shape, none.inverse.shape, none.counts.shape]).toEqual([[0, 3], [0], [0]]);
  expect(found(tensor([[5, 4]]), 0)).toEqual([[[5, 4]], [0], [1]]);
  const x = tensor([[1, 2]]);
  expect(unique(x, { dim: 0 }).inverse).toBeUndefined();
  expect(unique(x, { dim: 0 }).counts).toBeUndefined();
  expect(() => unique(tilegrad.zeros([0, 0]), { dim: 0 })).toThrow('have no elements');
});

const types: DType[] = [
  ...(['float32', 'float64', 'int32', 'int64', 'int8', 'uint8', 'bool'] as const),
  ...(['bfloat16', 'float16'] as const),
];

describe.each(types)('%s', (dtype) => {
  const random = generator(5);
  const least = dtype === 'uint8' || dtype === 'bool' ? 0 : -1;

  /** Rows of x by comparing them as text is: element by element. */
  function check(x: Tensor, dim: number): void {
    const slices = x.movedim(dim, 0);
    const rows = slices.reshape([slices.shape[0]!, -1]).to('float64').toArray() as number[][];
    const compare = (a: number[], b: number[]): number => {
      const at = a.findIndex((value, i) => value !== b[i]);
      return at < 0 ? 0 : a[at]! - b[at]!;
    };
    const distinct = rows
      .toSorted(compare)
      .filter((row, i, sorted) => i === 0 || compare(row, sorted[i - 1]!) !== 0);
    const { values, inverse, counts } = unique(x, { dim, ...all });
    expect(values.dtype).toBe(dtype);
    expect(values.shape).toEqual(x.shape.with(dim, distinct.length));
    const back = values.movedim(dim, 0).reshape([distinct.length, -1]).to('float64');
    expect(back.toArray()).toEqual(distinct);
    const places = rows.map((row) => distinct.findIndex((other) => compare(row, other) === 0));
    expect(inverse.toArray()).toEqual(places);
    const often = distinct.map((_, i) => places.filter((place) => place === i).length);
    expect(counts.toArray()).toEqual(often);
  }

  test.each([
    [[1, 3], 0],
    [[17, 2], 0],
    [[2, 33], 1],
    [[100, 3], 0],
    [[3, 40, 2], 1],
    [[5, 4, 3], 2],
  ] as const)('shape %j along %i', (shape, dim) => {
    const n = shape.reduce<number>((a, b) => a * b, 1);
    const numbers = Array.from({ length: n }, () => least + Math.floor(random() * 2));
    const x = tensor(numbers).reshape(shape).to(dtype);
    check(x, dim);
    check(x.transpose(0, 1).contiguous().transpose(0, 1), dim);
    check(x.slice([`::2`]), dim);
  });
});
