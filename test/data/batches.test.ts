import fc from 'fast-check';
import { arange, type BatchOptions, batches, type Tensor, tensor, zeros } from 'tilegrad';
import { describe, expect, test } from 'vitest';

/** Rows [10 i, 10 i + 1] with the target i. */
function numbered(count: number): { x: Tensor; y: Tensor } {
  const rows = Array.from({ length: count }, (_, i) => [10 * i, 10 * i + 1]);
  const x = count === 0 ? zeros([0, 2]) : tensor(rows);
  return { x, y: tensor(Int32Array.from(rows, (_, i) => i)) };
}

function targets(count: number, options: BatchOptions): number[][] {
  const { x, y } = numbered(count);
  return [...batches(x, y, options)].map((batch) => batch.y.toArray() as number[]);
}

test('in order, the last one smaller', () => {
  const { x, y } = numbered(5);
  const all = batches(x, y, { batchSize: 2 });
  expect(all.length).toBe(3);
  expect([...all].map((batch) => [batch.x.toArray(), batch.y.toArray()])).toEqual([
    [
      [
        [0, 1],
        [10, 11],
      ],
      [0, 1],
    ],
    [
      [
        [20, 21],
        [30, 31],
      ],
      [2, 3],
    ],
    [[[40, 41]], [4]],
  ]);
});

test('dropLast leaves out a smaller batch, not a full one', () => {
  expect(targets(5, { batchSize: 2, dropLast: true })).toEqual([
    [0, 1],
    [2, 3],
  ]);
  expect(targets(4, { batchSize: 2, dropLast: true })).toHaveLength(2);
  expect(targets(1, { batchSize: 2, dropLast: true })).toEqual([]);
});

test('a seed and an epoch give one order, on every machine', () => {
  const order = (options: BatchOptions) =>
    targets(8, { batchSize: 8, shuffle: true, ...options })[0];
  // Pinned (from a second implementation, in Python): another order would mean that old seeds no
  // longer give old results.
  expect(order({ seed: 1 })).toEqual([7, 1, 6, 2, 0, 5, 3, 4]);
  expect(order({ seed: 1 })).toEqual(order({ seed: 1, epoch: 0 }));
  expect(order({ seed: 1 })).not.toEqual(order({ seed: 2 }));
  expect(order({ seed: 1 })).not.toEqual(order({ seed: 1, epoch: 1 }));
});

test('every row comes once, with its target, whatever the options', () => {
  fc.assert(
    fc.property(
      fc.nat(40),
      fc.integer({ min: 1, max: 50 }),
      fc.boolean(),
      fc.nat(),
      (count, batchSize, shuffle, seed) => {
        const { x, y } = numbered(count);
        const all = batches(x, y, { batchSize, shuffle, seed });
        const seen: number[] = [];
        let n = 0;
        for (const batch of all) {
          n++;
          const rows = batch.x.toArray() as number[][];
          for (const [i, target] of (batch.y.toArray() as number[]).entries()) {
            expect(rows[i]).toEqual([10 * target, 10 * target + 1]);
            seen.push(target);
          }
        }
        expect(n).toBe(all.length);
        expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
      },
    ),
  );
});

describe('tensors', () => {
  test('keep dtype and the shape of a row; views are followed', () => {
    const x = tensor([
      [true, false, true],
      [false, false, true],
    ]).transpose();
    const y = arange(3, { dtype: 'float64' }).reshape([3, 1, 1]);
    const [batch] = batches(x, y, { batchSize: 2 });
    expect(batch!.x.dtype).toBe('bool');
    expect(batch!.x.toArray()).toEqual([
      [true, false],
      [false, false],
    ]);
    expect(batch!.y.dtype).toBe('float64');
    expect(batch!.y.shape).toEqual([2, 1, 1]);
  });

  test('have memory of their own', () => {
    const { x, y } = numbered(4);
    const kept = [...batches(x, y, { batchSize: 2 })];
    x.data.fill(-1);
    expect(kept.map((batch) => batch.x.toArray())).toEqual([
      [
        [0, 1],
        [10, 11],
      ],
      [
        [20, 21],
        [30, 31],
      ],
    ]);
  });

  test('the same batches can be walked through twice', () => {
    const { x, y } = numbered(6);
    const all = batches(x, y, { batchSize: 4, shuffle: true, seed: 3 });
    const walk = () => [...all].map((batch) => batch.y.toArray());
    expect(walk()).toEqual(walk());
  });
});

test.each([
  [{ batchSize: 0 }, 'ERR_ARGUMENT', 'batchSize must be a whole number >= 1, not 0'],
  [{ batchSize: 2.5 }, 'ERR_ARGUMENT', 'batchSize must be'],
  [{ seed: 0.5 }, 'ERR_ARGUMENT', 'seed must be a whole number'],
  [{ epoch: Number.NaN }, 'ERR_ARGUMENT', 'epoch must be a whole number'],
  [{ batchsize: 2 }, 'ERR_ARGUMENT', 'unknown option "batchsize"'],
])('refuses %j at once', (options, code, message) => {
  const { x, y } = numbered(3);
  const call = () => batches(x, y, options as BatchOptions);
  expect(call).toThrow(message);
  expect(call).toThrow(expect.objectContaining({ code }));
});

test('refuses tensors that do not fit each other', () => {
  const { x, y } = numbered(3);
  expect(() => batches(x, tensor([1, 2]))).toThrow('[batches] 3 rows in x, but 2 in y');
  expect(() => batches(tensor(1), y)).toThrow('x is a scalar');
  expect(() => batches(x, [1, 2, 3] as unknown as Tensor)).toThrow('y must be a tensor');
});
