/** Scans along a dimension. */

import type { Tensor } from 'tilegrad';
import * as tilegrad from 'tilegrad';
import { zeros } from 'tilegrad';
import { dtypes, hostile, MANY, numbers, withGradients } from './bits.js';
import { one } from './gradients.js';
import { dims, half, type Misuse, tensorArguments, wrong, x } from './misuse.js';
import type { Family, Operation } from './operation.js';

type Scan = (x: Tensor, dim: number) => Tensor;

const operation = (name: string, scan: Scan, takesIntegers = true): Operation => ({
  misuse: [
    ...tensorArguments((t) => scan(t, 0), { takesIntegers }),
    ...dims((dim) => scan(x, dim)),
    [() => scan(x, wrong(undefined)), 'ERR_INDEX'],
    [() => scan(zeros([]), 1), 'ERR_INDEX', `[${name}]`],
    [() => scan(half, 0), 'ERR_DTYPE', "convert with to('float32')"] as Misuse,
  ],
  gradients: [
    one((t) => scan(t.mul(0.3), 0), [5]),
    one((t) => scan(t.mul(0.3), 0), [3, 4]),
    one((t) => scan(t.mul(0.3), -1), [3, 4]),
    one((t) => scan(t.mul(0.3), 1), [2, 3, 2]),
    one((t) => scan(t, 0), []),
    one((t) => scan(t, 1), [0, 3]),
    one((t) => scan(t, 1), [3, 0]),
    // Stretched where it is scanned, and elsewhere.
    one((t) => scan(t.expand([2, 3]), 0), [3]),
  ],
});

const values =
  (scan: typeof tilegrad.cummax): Scan =>
  (t, dim) =>
    scan(t, dim).values;

/** Without the stretched input: its ties have no derivative. */
const withoutTies = (full: Operation): Operation => ({
  ...full,
  gradients: full.gradients === 'none' ? 'none' : full.gradients.slice(0, -1),
});

export const scans: Family = {
  title: 'Scans',
  operations: {
    cumsum: operation('cumsum', tilegrad.cumsum),
    cumprod: operation('cumprod', tilegrad.cumprod),
    logcumsumexp: operation('logcumsumexp', tilegrad.logcumsumexp, false),
    cummax: withoutTies(operation('cummax', values(tilegrad.cummax))),
    cummin: withoutTies(operation('cummin', values(tilegrad.cummin))),
  },

  bits(add) {
    for (const dtype of dtypes) {
      for (const op of ['cumsum', 'cumprod', 'logcumsumexp', 'cummax', 'cummin'] as const) {
        const scan = (t: Tensor, dim: number): Tensor[] => {
          const result = t[op](dim);
          return 'values' in result ? [result.values, result.indices] : [result];
        };
        add(`${op} ${dtype}`, () => {
          const matrix = numbers([103, 259], dtype);
          const cube = numbers([7, 31, 23], dtype);
          return [
            ...scan(numbers([MANY], dtype), 0),
            ...scan(hostile(1003, dtype), 0),
            ...scan(hostile(1003, dtype).reshape([59, 17]), 0),
            ...[0, 1].flatMap((dim) => [
              ...scan(matrix, dim),
              ...scan(matrix.transpose(), dim),
              ...scan(matrix.slice([null, [1, null, 2]]), dim),
            ]),
            ...scan(cube, 1),
            // Enough for two threads.
            ...scan(numbers([301, 597], dtype), 0),
            ...scan(numbers([301, 597], dtype), 1),
            ...[0, 1].flatMap((dim) =>
              withGradients((t) => scan(t, dim)[0] as Tensor, numbers([33, 103], dtype)),
            ),
          ];
        });
      }
    }
    add('scans of integers', () => {
      const t = numbers([103, 259], 'float64').mul(100).to('int32');
      return [0, 1].flatMap((dim) => [
        t.cumsum(dim),
        t.cumprod(dim),
        t.to('int8').cummax(dim).values,
        t.cummin(dim).indices,
      ]);
    });
  },
};
