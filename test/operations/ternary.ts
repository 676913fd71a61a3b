/** Functions of three operands. */

import * as tilegrad from 'tilegrad';
import { type ClampOptions, ones, type Tensor } from 'tilegrad';
import { dtypes, hostile, lengths, numbers, withGradients } from './bits.js';
import { type Case, type Fn, one } from './gradients.js';
import {
  bools,
  bytes,
  half,
  integers,
  kinds,
  type Misuse,
  notFinite,
  optionsOf,
  tensorArguments,
  wrong,
  x,
} from './misuse.js';
import type { Family, Operation } from './operation.js';

type Three = (a: Tensor, b: Tensor, c: Tensor) => Tensor;

/** Of functions of three floats, the last two of which may be numbers. */
const three = (call: Three): Misuse[] => [
  ...tensorArguments((t) => call(t, t, t)),
  ...tensorArguments((t) => call(x, t, x), { takesNumbers: true, takesIntegers: true }),
  ...tensorArguments((t) => call(x, x, t), { takesNumbers: true, takesIntegers: true }),
  [() => call(bools, bools, bools), 'ERR_DTYPE'],
  [() => call(x, ones([2, 2]), x), 'ERR_SHAPE'],
  [() => call(x, x, ones([2, 2])), 'ERR_SHAPE'],
];

const values = (name: string, call: (options: { value?: number }) => unknown): Misuse[] => [
  ...optionsOf(name, call),
  ...notFinite.map(
    (value): Misuse => [() => call({ value: wrong(value) }), 'ERR_ARGUMENT', `[${name}] value`],
  ),
];

/** Every kind of broadcasting of three. */
const broadcasts = (fn: Fn, around = 0): Case[] =>
  [
    [
      [2, 3],
      [2, 3],
      [2, 3],
    ],
    [[2, 3], [], [3]],
    [[], [2, 1], [1, 3]],
    [[3], [2, 3], []],
    [[], [], []],
    [[0, 3], [3], [1]],
  ].map((shapes) => ({ fn, shapes, around }));

/** A pattern of truth values that depends on nothing but the place. */
const pattern = (like: Tensor): Tensor =>
  tilegrad.arange(like.numel, { dtype: 'int32' }).remainder(2).eq(0).reshape(like.shape);

/** `clamp` under either name. */
function bounded(name: 'clamp' | 'clip'): Operation {
  const { [name]: call } = tilegrad;
  return {
    misuse: [
      ...tensorArguments((t) => call(t, { min: 0 }), { takesIntegers: true }),
      ...optionsOf(name, (options) => call(x, options)),
      ...kinds
        .filter((value) => typeof value !== 'number' && value !== undefined)
        .flatMap((value): Misuse[] => [
          [() => call(x, { min: wrong(value) }), 'ERR_ARGUMENT'],
          [() => call(x, { max: wrong(value) }), 'ERR_ARGUMENT'],
        ]),
      [() => call(x, {}), 'ERR_ARGUMENT', `[${name}] needs min, max or both`],
      [() => call(x, wrong(undefined)), 'ERR_ARGUMENT'],
      [() => call(half, { min: 0 }), 'ERR_DTYPE', "convert with to('float32')"],
      [() => call(bools, { max: bools }), 'ERR_DTYPE'],
      [() => call(bytes, { max: 1000 }), 'ERR_ARGUMENT', 'outside the range of int8'],
      [() => call(x, { min: ones([2, 2]) }), 'ERR_SHAPE'],
      [() => call(x, { min: 0, max: ones([2, 2]) }), 'ERR_SHAPE'],
    ],
    gradients: [
      one((a) => call(a, { min: -0.55, max: 1.05 }), [3, 5]),
      one((a) => call(a, { min: -0.55 }), [3, 5]),
      one((a) => call(a, { max: -0.55 }), [19]),
      one((a) => call(a, { min: 1.05, max: -0.55 }), [3, 5]),
      // Apart, so that no element is on a bound.
      ...broadcasts((a, b, c) => call(a.add(0.03), { min: b.sub(0.5), max: c.add(0.52) })),
      one((a, b) => call(a.add(0.03), { min: b }), [2, 3], [3]),
      one((a, b) => call(a.add(0.03), { max: b }), [3], [2, 3]),
    ],
  };
}

export const ternaries: Family = {
  title: 'Operations of three operands',
  operations: {
    where: {
      misuse: [
        ...tensorArguments((t) => tilegrad.where(t, x, x), { takesHalf: true }),
        ...tensorArguments((t) => tilegrad.where(bools, t, x), {
          takesNumbers: true,
          takesIntegers: true,
        }),
        ...tensorArguments((t) => tilegrad.where(bools, x, t), {
          takesNumbers: true,
          takesIntegers: true,
        }),
        ...tensorArguments((t) => tilegrad.where(t), { takesIntegers: true }),
        [() => tilegrad.where(bools, wrong(undefined), x), 'ERR_ARGUMENT'],
        [() => tilegrad.where(x, x, x), 'ERR_DTYPE', 'must be bool, not float32'],
        [() => tilegrad.where(bools, bytes, 1000), 'ERR_ARGUMENT', 'outside the range of int8'],
        [() => tilegrad.where(bools, ones([2, 2]), x), 'ERR_SHAPE'],
        [() => tilegrad.where(bools, x, ones([2, 2])), 'ERR_SHAPE'],
        [() => tilegrad.where(ones([4], { dtype: 'bool' }), 1, 2).add(x), 'ERR_SHAPE', '[add]'],
      ],
      gradients: [
        ...broadcasts((a, b, c) => tilegrad.where(pattern(a), b, c)),
        one((a) => tilegrad.where(pattern(a), a, 2), [3, 5]),
        one((a) => a.where(pattern(a).logicalNot(), 0), [3, 5]),
      ],
    },
    lerp: {
      misuse: [
        ...three(tilegrad.lerp),
        [() => tilegrad.lerp(integers, integers, wrong(1)), 'ERR_DTYPE'],
      ],
      gradients: [
        ...broadcasts(tilegrad.lerp as Fn),
        one((a, b) => tilegrad.lerp(a, b, 0.25), [2, 3], [2, 3]),
        one((a, b) => tilegrad.lerp(a, b, 0.75), [2, 3], [3]),
      ],
    },
    addcmul: {
      misuse: [
        // Integers are multiplied.
        ...three(tilegrad.addcmul).filter(([call]) => !/integers|longs/.test(`${call}`)),
        ...values('addcmul', (options) => tilegrad.addcmul(x, x, x, options)),
        [() => tilegrad.addcmul(half, half, half), 'ERR_DTYPE'],
        [() => tilegrad.addcmul(integers, integers, integers, { value: 0.5 }), 'ERR_ARGUMENT'],
      ],
      gradients: [
        ...broadcasts((a, b, c) => tilegrad.addcmul(a, b, c)),
        ...broadcasts((a, b, c) => tilegrad.addcmul(a, b, c, { value: -0.5 })),
        one((a, b) => tilegrad.addcmul(a, b, 3, { value: 2 }), [2, 3], [3]),
      ],
    },
    addcdiv: {
      misuse: [
        ...three(tilegrad.addcdiv),
        ...values('addcdiv', (options) => tilegrad.addcdiv(x, x, x, options)),
      ],
      gradients: [
        ...broadcasts((a, b, c) => tilegrad.addcdiv(a, b, c), 20),
        ...broadcasts((a, b, c) => tilegrad.addcdiv(a, b, c, { value: -0.5 }), 20),
      ],
    },
    clamp: bounded('clamp'),
    clip: bounded('clip'),
  },
  bits(add) {
    const clamps: ClampOptions[] = [{ min: -1 }, { max: 0.5 }, { min: -1, max: 0.5 }];
    for (const dtype of dtypes) {
      const operands = (n: number): [Tensor, Tensor, Tensor] => [
        hostile(n, dtype),
        numbers([n], dtype, 3),
        numbers([n], dtype, 4),
      ];
      add(`functions of three operands ${dtype}`, () =>
        lengths.flatMap((n) => {
          const [a, b, c] = operands(n);
          return [
            ...[a.lerp(b, c), a.lerp(b, 0.3), a.addcmul(b, c), a.addcmul(b, 3, { value: 0.1 })],
            ...[a.addcdiv(b, c, { value: 0.1 }), a.clamp({ min: b, max: c }), a.where(b.gt(c), b)],
            ...clamps.map((options) => a.clamp(options)),
          ];
        }),
      );
      add(`functions of three operands with gradients ${dtype}`, () => {
        const three: [Tensor, Tensor, Tensor] = [
          numbers([31, 67], dtype),
          numbers([67, 31], dtype, 3),
          numbers([31], dtype, 4),
        ];
        const run = (fn: Fn) => withGradients((a, b, c) => fn(a!.transpose(), b!, c!), ...three);
        return [
          ...run((a, b, c) => a.lerp(b, c)),
          ...run((a, b, c) => a.addcmul(b, c)),
          ...run((a, b, c) => a.addcdiv(b, c)),
          ...run((a, b, c) => a.clamp({ min: b, max: c })),
          ...clamps.flatMap((options) =>
            withGradients((a) => a.clamp(options), hostile(1003, dtype)),
          ),
          ...run((a, b, c) => a.where(a.gt(b), b.mul(c))),
        ];
      });
    }
  },
};
