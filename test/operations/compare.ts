/** Comparisons and logic, elementwise. */

import * as tilegrad from 'tilegrad';
import { ones, type Tensor } from 'tilegrad';
import { dtypes, hostile, lengths, numbers } from './bits.js';
import {
  half,
  type Misuse,
  notFinite,
  numberBinary,
  optionsOf,
  tensorArguments,
  wrong,
  x,
} from './misuse.js';
import type { Family, Operation } from './operation.js';

const comparisonNames = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const;
const logicalNames = ['logicalAnd', 'logicalOr', 'logicalXor'] as const;
const questionNames = ['isnan', 'isinf', 'isfinite'] as const;

const anyTwo = (call: (a: Tensor, b: Tensor) => Tensor): Misuse[] => [
  ...tensorArguments((a) => call(a, x), { takesNumbers: true, takesIntegers: true }),
  ...tensorArguments((b) => call(x, b), { takesNumbers: true, takesIntegers: true }),
  [() => call(wrong(1), wrong(2)), 'ERR_ARGUMENT'],
  [() => call(x, ones([2, 2])), 'ERR_SHAPE'],
];

type Two = (a: Tensor, b: Tensor) => Tensor;

const each = (
  functions: Record<string, Two | ((x: Tensor) => Tensor)>,
  misuse: (call: Two) => Misuse[],
): Record<string, Operation> =>
  Object.fromEntries(
    Object.entries(functions).map(([name, call]) => [
      name,
      { misuse: misuse(call), gradients: 'none' },
    ]),
  );

const { eq, ne, lt, le, gt, ge, logicalAnd, logicalOr, logicalXor } = tilegrad;
const { isnan, isinf, isfinite } = tilegrad;

export const comparisons: Family = {
  title: 'Comparisons',
  operations: {
    ...each({ eq, ne, lt, le, gt, ge }, numberBinary),
    ...each({ logicalAnd, logicalOr, logicalXor }, anyTwo),
    ...each({ isnan, isinf, isfinite }, (call) => [
      ...tensorArguments((t) => call(t, t), { takesIntegers: true }),
      [() => call(half, half), 'ERR_DTYPE', "convert with to('float32')"],
    ]),
    logicalNot: {
      misuse: tensorArguments(tilegrad.logicalNot, { takesIntegers: true }),
      gradients: 'none',
    },
    isclose: {
      misuse: [
        ...numberBinary(tilegrad.isclose),
        ...optionsOf('isclose', (options) => tilegrad.isclose(x, x, options)),
        ...[...notFinite, -1].flatMap((value): Misuse[] => [
          [() => tilegrad.isclose(x, x, { rtol: wrong(value) }), 'ERR_ARGUMENT', '[isclose] rtol'],
          [() => tilegrad.isclose(x, x, { atol: wrong(value) }), 'ERR_ARGUMENT', '[isclose] atol'],
        ]),
        [() => tilegrad.isclose(x, x, { equalNan: wrong(1) }), 'ERR_ARGUMENT', 'equalNan'],
      ],
      gradients: 'none',
    },
  },
  bits(add) {
    for (const dtype of dtypes) {
      add(`comparisons ${dtype}`, () =>
        lengths.flatMap((n) => {
          const [a, b] = [hostile(n, dtype), numbers([n], dtype, 3)];
          const questions = questionNames.map((name) => a[name]());
          return [...comparisonNames.map((name) => a[name](b)), ...questions];
        }),
      );
      add(`logic ${dtype}`, () => {
        const [a, b] = [numbers([31, 67], dtype).transpose(), numbers([67, 31], dtype, 3).gt(0.5)];
        return [...logicalNames.map((name) => a.gt(0)[name](b)), b.logicalNot(), a.isclose(b)];
      });
    }
  },
};
