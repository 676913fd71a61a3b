/** Operands that are the same along or down short rows: the bits of operands as large as the result. */
import {
  add,
  floatPower,
  gt,
  lerp,
  maximum,
  mul,
  pow,
  prelu,
  randn,
  setNumThreads,
  setSimdLevel,
  sub,
  type Tensor,
  tensor,
  where,
} from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { restoreSettings, settings } from '../../helpers/settings.js';

restoreSettings();

/** The bits of all elements. */
const bits = (x: Tensor) => {
  const { buffer, byteOffset, byteLength } = x.contiguous().clone().data as Uint8Array;
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
};

const special = [0, -0, Number.NaN, Infinity, -Infinity, 1e-42, 3e38];
const lengths = [2, 3, 7, 8, 10, 15, 16, 17, 31, 33, 49, 63, 64, 65, 127, 128, 129, 300];

describe.each(settings)('%s, %i threads', (level, threads) => {
  test.each(['float32', 'float64', 'int32', 'int64', 'uint8'] as const)('%s', (dtype) => {
    setSimdLevel(level);
    setNumThreads(threads);
    const isFloat = dtype.startsWith('float');
    const random = (...shape: number[]) => {
      const x = randn(shape).mul(isFloat ? 1 : 50);
      return isFloat ? x.to(dtype) : x.abs().to(dtype);
    };
    for (const cols of lengths) {
      for (const rows of cols % 31 === 2 ? [3, 1000] : [3, 40]) {
        const x = random(rows, cols);
        const column = random(2 * rows, 1).slice(['::2']);
        const row = random(cols + 1).slice(['1:']);
        if (isFloat) {
          x.set(0, '0:2', tensor(special.slice(0, 2), { dtype }));
          column.set('0:2', 0, tensor(special.slice(2, 4), { dtype }));
          row.set('0:2', tensor(special.slice(5, 7), { dtype }));
        }
        const [wideColumn, wideRow] = [column, row].map((t) => t.expand([rows, cols]).clone());
        for (const operation of [add, sub, mul, gt]) {
          expect(bits(operation(x, column))).toEqual(bits(operation(x, wideColumn as Tensor)));
          expect(bits(operation(row, x))).toEqual(bits(operation(wideRow as Tensor, x)));
          expect(bits(operation(column, row))).toEqual(
            bits(operation(wideColumn as Tensor, wideRow as Tensor)),
          );
        }
        const chosen = where(gt(x, row), column, x);
        expect(bits(chosen)).toEqual(
          bits(where(gt(x, wideRow as Tensor), wideColumn as Tensor, x)),
        );
        const changed = x.clone();
        changed.add_(column);
        expect(bits(changed)).toEqual(bits(add(x, wideColumn as Tensor)));
        if (!isFloat) continue;
        expect(bits(lerp(x, column, row))).toEqual(
          bits(lerp(x, wideColumn as Tensor, wideRow as Tensor)),
        );
      }
    }
  });

  test.each(['bool', 'int8', 'uint8', 'bfloat16', 'float16'] as const)(
    'elements of one and two bytes: %s',
    (dtype) => {
      setSimdLevel(level);
      setNumThreads(threads);
      for (const cols of lengths) {
        for (const rows of cols % 31 === 2 ? [3, 2000] : [3, 40]) {
          const x = randn([rows, cols]).mul(50).to(dtype);
          const column = randn([2 * rows, 1])
            .mul(50)
            .slice(['::2'])
            .to(dtype);
          const row = randn([cols + 1])
            .to(dtype)
            .slice(['1:']);
          const mask = randn([2 * rows, 1])
            .gt(0)
            .slice(['1::2']);
          const rowMask = randn([cols]).gt(0);
          const wide = (t: Tensor) => t.expand([rows, cols]).clone();
          for (const condition of [mask, rowMask, wide(mask)]) {
            const numbers = randn([rows, cols]);
            expect(bits(where(condition, column, x))).toEqual(
              bits(where(wide(condition), wide(column), x)),
            );
            expect(bits(where(condition, x, row))).toEqual(
              bits(where(wide(condition), x, wide(row))),
            );
            expect(bits(where(condition, numbers, 0))).toEqual(
              bits(where(wide(condition), numbers, 0)),
            );
          }
          if (dtype.includes('float')) continue;
          expect(bits(maximum(x, column))).toEqual(bits(maximum(x, wide(column))));
          expect(bits(maximum(row, x))).toEqual(bits(maximum(wide(row), x)));
          expect(bits(maximum(column, row))).toEqual(bits(maximum(wide(column), wide(row))));
          expect(bits(gt(x, column))).toEqual(bits(gt(x, wide(column))));
        }
      }
    },
  );

  test('rows that several tiles have in common, and others in between', () => {
    setSimdLevel(level);
    setNumThreads(threads);
    for (const [m, n, k, l] of [
      [16, 16, 16, 16],
      [5, 3, 7, 9],
      [2, 300, 9, 10],
      [40, 1, 33, 7],
      [3, 2, 1700, 5],
    ] as const) {
      const shape = [m, n, k, l];
      const [a, b] = [randn([m, 1, k, 1]), randn([1, n, 1, l])];
      const [c, d] = [randn([1, n, k, 1]), randn([m, 1, 1, l])];
      for (const [x, y] of [
        [a, b],
        [c, d],
        [a, d],
        [c, b],
      ] as const) {
        expect(bits(mul(x, y).expand(shape))).toEqual(
          bits(mul(x.expand(shape).clone(), y.expand(shape).clone())),
        );
      }
    }
  });

  test('channels of images, and dimensions that rows have in between', () => {
    setSimdLevel(level);
    setNumThreads(threads);
    for (const shape of [
      [3, 4, 7, 7],
      [5, 6, 3, 5],
      [40, 16, 64],
      [2, 3, 4, 2],
    ]) {
      const x = randn(shape);
      const channels = shape[1] as number;
      const weight = randn([channels]);
      const narrow = weight.reshape([channels, ...shape.slice(2).map(() => 1)]);
      const wide = narrow.expand(shape).clone();
      expect(bits(mul(x, narrow))).toEqual(bits(mul(x, wide)));
      expect(bits(prelu(x, weight))).toEqual(bits(where(gt(x, 0), x, mul(x, wide))));
      const between = randn(shape.map((n, d) => (d === 1 ? 1 : n)));
      expect(bits(sub(x, between))).toEqual(bits(sub(x, between.expand(shape).clone())));
    }
  });

  test('powers of float32 in float64', () => {
    setSimdLevel(level);
    setNumThreads(threads);
    const ends = [...special, 1, -1, 2, -2, 0.5, -3, 1e-30];
    const [x, y] = [tensor(ends).reshape([-1, 1]), tensor([...ends, 3, 300])];
    const wide = (t: Tensor) => t.to('float64');
    expect(bits(floatPower(x, y))).toEqual(bits(pow(wide(x), wide(y))));
    for (const n of [1, 2, 7, 8, 9, 511, 512, 513, 1200]) {
      const [a, b] = [randn([n]).abs(), randn([n])];
      expect(bits(floatPower(a, b))).toEqual(bits(pow(wide(a), wide(b))));
      const turned = randn([3, n]).abs().t();
      expect(bits(floatPower(turned, b.reshape([n, 1])))).toEqual(
        bits(pow(wide(turned), wide(b).reshape([n, 1]))),
      );
      expect(bits(floatPower(a, tensor(0.3)))).toEqual(bits(pow(wide(a), wide(tensor(0.3)))));
    }
    expect(floatPower(randn([0, 2]), randn([2])).shape).toEqual([0, 2]);
  });
});
