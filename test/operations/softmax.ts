/** Softmax over a dimension. */

import type { Tensor } from 'tilegrad';
import * as tilegrad from 'tilegrad';
import { dtypes, hostile, numbers, withGradients } from './bits.js';
import { one } from './gradients.js';
import { dims, floatUnary, type Misuse, x } from './misuse.js';
import type { Family } from './operation.js';

const misuse = (call: (x: Tensor, dim?: number) => Tensor): Misuse[] => [
  ...floatUnary(call),
  ...dims((dim) => call(x, dim)),
];

export const softmaxes: Family = {
  title: 'Softmax',
  operations: {
    softmax: {
      misuse: misuse(tilegrad.softmax),
      gradients: [
        one((x) => tilegrad.softmax(x), [3, 4]),
        one((x) => tilegrad.softmax(x, 0), [3, 4]),
        one((x) => tilegrad.softmax(x, 1), [2, 3, 2]),
        one((x) => tilegrad.softmax(x), []),
        one((x) => tilegrad.softmax(x), [0, 3]),
        one((x) => tilegrad.softmax(x), [3, 0]),
        one((x) => tilegrad.softmax(x), [2, 35]),
      ],
    },
    logSoftmax: {
      misuse: misuse(tilegrad.logSoftmax),
      gradients: [
        one((x) => tilegrad.logSoftmax(x), [3, 4]),
        one((x) => tilegrad.logSoftmax(x, 0), [3, 4]),
        one((x) => tilegrad.logSoftmax(x, 1), [2, 3, 2]),
        one((x) => tilegrad.logSoftmax(x), []),
        one((x) => tilegrad.logSoftmax(x), [0, 3]),
        one((x) => tilegrad.logSoftmax(x), [2, 35]),
      ],
    },
    softmin: {
      misuse: misuse(tilegrad.softmin),
      gradients: [
        one((x) => tilegrad.softmin(x), [3, 4]),
        one((x) => tilegrad.softmin(x, 1), [2, 3, 2]),
        one((x) => tilegrad.softmin(x), []),
      ],
    },
  },
  bits(add) {
    for (const dtype of dtypes) {
      for (const op of ['softmax', 'logSoftmax'] as const) {
        add(`${op} ${dtype}`, () => [
          ...withGradients((x) => x[op](), numbers([1003, 37], dtype)),
          ...withGradients((x) => x[op](0), numbers([37, 203], dtype)),
          ...withGradients((x) => x[op](), numbers([3, 100_003], dtype)),
          hostile(1003, dtype)[op](),
          hostile(1003, dtype).reshape([59, 17])[op](),
          hostile(1003, dtype).reshape([17, 59])[op](0),
          ...withGradients((x) => x[op](1), numbers([5, 300, 70], dtype)),
          ...withGradients((x) => x[op](), numbers([1003, 10], dtype)),
        ]);
      }
    }
  },
};
