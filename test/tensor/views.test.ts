import {
  arange,
  expand,
  flatten,
  type NestedArray,
  permute,
  reshape,
  type SliceSpec,
  slice,
  squeeze,
  type Tensor,
  tensor,
  transpose,
  unsqueeze,
  zeros,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { expectError } from '../helpers/errors.js';

/** 0, 1, 2... in a shape. */
const counting = (...shape: number[]): Tensor =>
  arange(shape.reduce((a, b) => a * b, 1)).reshape(shape);

function expectValues(t: Tensor, shape: number[], values: NestedArray): void {
  expect({ shape: [...t.shape], values: t.toArray() }).toEqual({ shape, values });
}

/** Elements by position, so that a view can be compared with what it has to show. */
function at(t: Tensor, position: readonly number[]): number {
  return position.reduce<NestedArray>(
    (part, i) => (part as NestedArray[])[i]!,
    t.toArray(),
  ) as number;
}

describe('reshape', () => {
  test('keeps the row-major order', () => {
    expectValues(
      counting(6).reshape([2, 3]),
      [2, 3],
      [
        [0, 1, 2],
        [3, 4, 5],
      ],
    );
    expectValues(
      reshape(counting(2, 3), [3, 2]),
      [3, 2],
      [
        [0, 1],
        [2, 3],
        [4, 5],
      ],
    );
    expectValues(counting(1).reshape([]), [], 0);
    expectValues(tensor(5).reshape([1, 1]), [1, 1], [[5]]);
  });

  test('-1 takes what is left', () => {
    expect([...counting(12).reshape([2, -1]).shape]).toEqual([2, 6]);
    expect([...counting(12).reshape([-1]).shape]).toEqual([12]);
    expect([...counting(12).reshape([3, -1, 4]).shape]).toEqual([3, 1, 4]);
    expect([...zeros([0, 3]).reshape([-1, 3]).shape]).toEqual([0, 3]);
    expect([...zeros([0, 3]).reshape([3, 0]).shape]).toEqual([3, 0]);
  });

  test('is a view of contiguous tensors and a copy of others', () => {
    const x = counting(2, 3);
    expect(x.reshape([6]).storage).toBe(x.storage);
    const turned = x.transpose();
    expect(turned.reshape([6]).storage).not.toBe(x.storage);
    expectValues(turned.reshape([6]), [6], [0, 3, 1, 4, 2, 5]);
    expectValues(x.slice([null, [0, 2]]).reshape([4]), [4], [0, 1, 3, 4]);
    expectValues(counting(2, 1).expand([2, 2]).reshape([4]), [4], [0, 0, 1, 1]);
  });

  test('rejects other numbers of elements and more than one -1', () => {
    for (const shape of [[5], [4, -1], [-1, -1], [-2, 3], [1.5, 4], [], [0, -1]]) {
      expectError(() => reshape(counting(6), shape), 'ERR_SHAPE', '[reshape]');
    }
    expectError(() => zeros([0]).reshape([0, -1]), 'ERR_SHAPE', '[reshape]');
    expectError(() => counting(1).reshape([1, 1, 1, 1, 1, 1, 1, 1, 1]), 'ERR_SHAPE', 'at most 8');
    expectError(() => counting(6).reshape(6 as unknown as number[]), 'ERR_SHAPE', '[reshape]');
  });
});

describe('flatten', () => {
  test('lays dimensions out in a row', () => {
    const x = counting(2, 3, 4);
    expect([...flatten(x).shape]).toEqual([24]);
    expect([...x.flatten(1).shape]).toEqual([2, 12]);
    expect([...x.flatten(0, 1).shape]).toEqual([6, 4]);
    expect([...x.flatten(-2, -1).shape]).toEqual([2, 12]);
    expect([...x.flatten(1, 1).shape]).toEqual([2, 3, 4]);
    expectValues(tensor(3).flatten(), [1], [3]);
    expectValues(counting(2, 2).transpose().flatten(), [4], [0, 2, 1, 3]);
    expect(x.flatten().storage).toBe(x.storage);
  });

  test('rejects dimensions that are not there or in the wrong order', () => {
    expectError(() => counting(2, 3).flatten(1, 0), 'ERR_ARGUMENT', '[flatten]');
    expectError(() => counting(2, 3).flatten(2), 'ERR_INDEX', '[flatten]');
    expectError(() => counting(2, 3).flatten(0, -3), 'ERR_INDEX', '[flatten]');
  });
});

describe('permute and transpose', () => {
  test('change the order of the dimensions', () => {
    const x = counting(2, 3, 4);
    const y = permute(x, [2, 0, 1]);
    expect([...y.shape]).toEqual([4, 2, 3]);
    for (const [i, j, k] of [
      [0, 0, 0],
      [3, 1, 2],
      [2, 0, 1],
    ] as const) {
      expect(at(y, [i, j, k])).toBe(at(x, [j, k, i]));
    }
    expectValues(
      transpose(counting(2, 3)),
      [3, 2],
      [
        [0, 3],
        [1, 4],
        [2, 5],
      ],
    );
    expectValues(
      counting(2, 3).mT,
      [3, 2],
      [
        [0, 3],
        [1, 4],
        [2, 5],
      ],
    );
    expect(x.transpose(0, -1).toArray()).toEqual(x.permute([2, 1, 0]).toArray());
    expect(x.permute([-1, -3, -2]).toArray()).toEqual(y.toArray());
    expectValues(tensor(1).permute([]), [], 1);
  });

  test('share memory', () => {
    const x = counting(2, 3);
    const y = x.transpose();
    expect(y.storage).toBe(x.storage);
    x.data[1] = 9;
    expectValues(
      y,
      [3, 2],
      [
        [0, 3],
        [9, 4],
        [2, 5],
      ],
    );
  });

  test('reject what is no permutation', () => {
    const x = counting(2, 3);
    expectError(() => x.permute([0]), 'ERR_ARGUMENT', '[permute]');
    expectError(() => x.permute([0, 0]), 'ERR_ARGUMENT', '[permute]');
    expectError(() => x.permute([0, -2]), 'ERR_ARGUMENT', '[permute]');
    expectError(() => x.permute([0, 2]), 'ERR_INDEX', '[permute]');
    expectError(() => x.permute(1 as unknown as number[]), 'ERR_ARGUMENT', '[permute]');
    expectError(() => counting(3).transpose(), 'ERR_INDEX', '[transpose]');
    expectError(() => x.transpose(0, 2), 'ERR_INDEX', '[transpose]');
    expectError(() => x.transpose(0.5, 1), 'ERR_INDEX', '[transpose]');
  });
});

describe('unsqueeze and squeeze', () => {
  test('put dimensions of size 1 in and take them out', () => {
    const x = counting(2, 3);
    expect([...unsqueeze(x, 0).shape]).toEqual([1, 2, 3]);
    expect([...x.unsqueeze(1).shape]).toEqual([2, 1, 3]);
    expect([...x.unsqueeze(-1).shape]).toEqual([2, 3, 1]);
    expectValues(x.transpose().unsqueeze(1), [3, 1, 2], [[[0, 3]], [[1, 4]], [[2, 5]]]);
    const y = counting(1, 2, 1, 3);
    expect([...squeeze(y).shape]).toEqual([2, 3]);
    expect([...y.squeeze(0).shape]).toEqual([2, 1, 3]);
    expect([...y.squeeze(-2).shape]).toEqual([1, 2, 3]);
    expect([...y.squeeze([0, 2]).shape]).toEqual([2, 3]);
    expect([...y.squeeze(1).shape]).toEqual([1, 2, 1, 3]);
    expectValues(counting(1, 1).squeeze(), [], 0);
    expect(y.squeeze().storage).toBe(y.storage);
  });

  test('reject places that are not there', () => {
    expectError(() => counting(2).unsqueeze(2), 'ERR_INDEX', '[unsqueeze]');
    expectError(() => counting(2).unsqueeze(-3), 'ERR_INDEX', '[unsqueeze]');
    expectError(() => counting(2).squeeze(1), 'ERR_INDEX', '[squeeze]');
    expectError(() => counting(1, 1).squeeze([0, 0]), 'ERR_ARGUMENT', '[squeeze]');
    expectError(() => zeros([1, 1, 1, 1, 1, 1, 1, 1]).unsqueeze(0), 'ERR_SHAPE', '[unsqueeze]');
  });
});

describe('expand', () => {
  test('repeats dimensions of size 1 without a copy', () => {
    const x = tensor([[1], [2]]);
    const y = expand(x, [3, 2, 2]);
    expectValues(
      y,
      [3, 2, 2],
      [
        [
          [1, 1],
          [2, 2],
        ],
        [
          [1, 1],
          [2, 2],
        ],
        [
          [1, 1],
          [2, 2],
        ],
      ],
    );
    expect(y.storage).toBe(x.storage);
    x.data[0] = 7;
    expect(at(y, [2, 0, 1])).toBe(7);
    expectValues(tensor(4).expand([2]), [2], [4, 4]);
    expectValues(x.expand([2, 0]), [2, 0], [[], []]);
    expectValues(
      y.add(1).slice([0]),
      [2, 2],
      [
        [8, 8],
        [3, 3],
      ],
    );
  });

  test('rejects sizes that are not 1', () => {
    expectError(() => counting(2).expand([3]), 'ERR_SHAPE', '[expand]');
    expectError(() => counting(2, 1).expand([2]), 'ERR_SHAPE', '[expand]');
    expectError(() => counting(2).expand([1]), 'ERR_SHAPE', '[expand]');
    expectError(() => counting(1).expand([-1, 1]), 'ERR_SHAPE', '[expand]');
  });
});

describe('slice', () => {
  const list = [0, 1, 2, 3, 4, 5, 6];

  /** What Python's list[start:end:step] gives, for steps >= 1. */
  function python(start: number | null, end: number | null, step: number): number[] {
    return list.slice(start ?? 0, end ?? undefined).filter((_, i) => i % step === 0);
  }

  test('takes every range as Python does', () => {
    const places = [null, 0, 1, 3, 6, 7, 8, 100, -1, -3, -7, -8, -100];
    const x = counting(7);
    for (const start of places) {
      for (const end of places) {
        for (const step of [1, 2, 3, 7, 100]) {
          expect(slice(x, [[start, end, step]]).toArray()).toEqual(python(start, end, step));
        }
      }
    }
  });

  test('indexes drop their dimension, what is missing is taken whole', () => {
    const x = counting(2, 3, 4);
    expectValues(x.slice([1, -1]), [4], [20, 21, 22, 23]);
    expectValues(
      x.slice([null, 0, [1, 3]]),
      [2, 2],
      [
        [1, 2],
        [13, 14],
      ],
    );
    expectValues(x.slice([1, 2, 3]), [], 23);
    expect([...x.slice([]).shape]).toEqual([2, 3, 4]);
    expect([...x.slice([[]]).shape]).toEqual([2, 3, 4]);
    expectValues(x.slice([[5], 0]), [0, 4], []);
  });

  test('of slices, and of other views', () => {
    const x = counting(6, 4);
    const y = x.slice([[1, 6, 2], [1]]).slice([[1], [0, null, 2]]);
    expectValues(
      y,
      [2, 2],
      [
        [13, 15],
        [21, 23],
      ],
    );
    expectValues(x.transpose().slice([1, [4]]), [2], [17, 21]);
    expectValues(
      tensor([[1], [2]])
        .expand([2, 3])
        .slice([null, [1]]),
      [2, 2],
      [
        [1, 1],
        [2, 2],
      ],
    );
  });

  test('shares memory', () => {
    const x = counting(3, 3);
    const y = x.slice([[1], 1]);
    x.data[7] = 50;
    expectValues(y, [2], [4, 50]);
    x.slice([0]).data[2] = 60;
    expect(at(x, [0, 2])).toBe(60);
  });

  test('rejects what is outside or no slice', () => {
    const x = counting(2, 3);
    expectError(() => x.slice([2]), 'ERR_INDEX', '[slice]');
    expectError(() => x.slice([-3]), 'ERR_INDEX', '[slice]');
    expectError(() => x.slice([0.5]), 'ERR_INDEX', '[slice]');
    expectError(() => x.slice([0, 0, 0]), 'ERR_ARGUMENT', '[slice]');
    expectError(() => zeros([0]).slice([0]), 'ERR_INDEX', '[slice]');
    const wrong = [[[0, 2, 0]], [[0.5]], [['0']], [[0, 1, 1, 1]], ['0'], [{}], [true]];
    for (const specs of wrong) {
      expectError(() => x.slice(specs as SliceSpec[]), 'ERR_ARGUMENT', '[slice]');
    }
    expectError(() => x.slice(0 as unknown as SliceSpec[]), 'ERR_ARGUMENT', '[slice]');
  });
});

describe('of non-contiguous tensors', () => {
  const sources: [string, () => Tensor][] = [
    ['transposed', () => counting(4, 6).transpose()],
    ['every second', () => counting(6, 8).slice([null, [0, null, 2]])],
    ['stretched', () => counting(6, 1).expand([6, 4])],
    ['offset', () => counting(8, 6).slice([[2], [1, 5]])],
  ];
  const views: [string, (t: Tensor) => Tensor][] = [
    ['reshape', (t) => t.reshape([3, -1])],
    ['flatten', (t) => t.flatten()],
    ['permute', (t) => t.permute([1, 0])],
    ['unsqueeze', (t) => t.unsqueeze(1)],
    ['squeeze', (t) => t.unsqueeze(1).squeeze()],
    ['expand', (t) => t.expand([2, 6, 4])],
    [
      'slice',
      (t) =>
        t.slice([
          [4, 0],
          [1, null, 2],
        ]),
    ],
    ['contiguous', (t) => t.contiguous()],
    ['clone', (t) => t.clone()],
    ['add', (t) => t.add(1)],
    ['sum', (t) => t.sum({ dim: 0 })],
  ];
  for (const [source, make] of sources) {
    test.each(views)(`${source}: %s is that of a copy`, (_, view) => {
      const x = make();
      const copy = tensor(x.toArray());
      expect([...view(x).shape]).toEqual([...view(copy).shape]);
      expect(view(x).toArray()).toEqual(view(copy).toArray());
    });
  }

  test('have no data of their own, but a contiguous part has', () => {
    const x = counting(3, 4);
    expectError(() => x.transpose().data, 'ERR_STATE', '[data]');
    expectError(() => x.slice([null, 1]).data, 'ERR_STATE', 'contiguous()');
    expect([...x.slice([[1]]).data]).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
    expect([...x.slice([2, [1, 3]]).data]).toEqual([9, 10]);
    // Dimensions of size 1 have no say.
    expect([...x.slice([[1, 2]]).transpose().data]).toEqual([4, 5, 6, 7]);
  });

  test('item and toArray read the right places', () => {
    const x = counting(2, 3);
    expect(x.slice([1, 2]).item()).toBe(5);
    expect(
      x
        .transpose()
        .slice([[2], [1]])
        .item(),
    ).toBe(5);
    expectError(() => x.item(), 'ERR_SHAPE', '[item]');
    expectError(() => zeros([0]).item(), 'ERR_SHAPE', '[item]');
    expect(tensor([true]).item()).toBe(1);
  });

  test('contiguous gives the tensor itself when nothing is to be done', () => {
    const x = counting(2, 3);
    expect(x.contiguous()).toBe(x);
    expect(x.clone().storage).not.toBe(x.storage);
    expect(x.transpose().contiguous().storage).not.toBe(x.storage);
  });
});
