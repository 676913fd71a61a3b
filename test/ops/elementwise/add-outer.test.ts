/** A matrix and the product of a column and a row: one call for many rows, with the bits of addcmul. */
import { addcmul, addr, randn, setNumThreads, setSimdLevel, type Tensor, tensor } from 'tilegrad';
import { describe, expect, test } from 'vitest';
import { restoreSettings, settings } from '../../helpers/settings.js';

restoreSettings();

/** Whether elements have the same bits, told apart by their text: 0 and -0 differ, NaN is NaN. */
const text = (x: Tensor) =>
  (x.to('float64').reshape([-1]).toArray() as number[]).map((v) =>
    Object.is(v, -0) ? '-0' : `${v}`,
  );

describe.each(settings)('%s, %i threads', (level, threads) => {
  test.each(['float32', 'float64'] as const)('%s', (dtype) => {
    setSimdLevel(level);
    setNumThreads(threads);
    const special = tensor([0, -0, Number.NaN, Infinity, -Infinity, 1e-42, 3e38], { dtype });
    for (const rows of [1, 2, 3, 5, 64, 300]) {
      for (const cols of [1, 2, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 130]) {
        const x = randn([rows, cols + 1], { dtype }).slice([null, '1:']);
        const a = randn([2 * rows], { dtype }).slice(['::2']);
        const b = randn([cols + 1], { dtype }).slice(['1:']);
        x.set(0, 0, special.slice([cols % 7]));
        a.set(0, special.slice([rows % 7]));
        b.set(0, special.slice([(cols + 3) % 7]));
        for (const value of [1, -0.75]) {
          const column = a.reshape([rows, 1]);
          // Operands as large as the result go another way.
          const [wideA, wideB] = [column.expand([rows, cols]), b.expand([rows, cols])];
          const wanted = addcmul(x, wideA.clone(), wideB.clone(), { value });
          expect(text(addcmul(x, column, b, { value }))).toEqual(text(wanted));
          expect(text(addr(x, a, b, { alpha: value }))).toEqual(text(wanted));
          // A result that isn't row-major, and an operand that is stretched.
          const turned = x.t().clone().t();
          expect(text(addcmul(turned, column, b, { value }))).toEqual(text(wanted));
        }
        const row = x.slice(['0:1']);
        expect(text(addr(row.expand([rows, cols]), a, b))).toEqual(
          text(addr(row.expand([rows, cols]).clone(), a, b)),
        );
      }
    }
    const [none, empty] = [randn([0, 3], { dtype }), randn([0], { dtype })];
    expect(addr(none, empty, randn([3], { dtype })).shape).toEqual([0, 3]);
  });
});
