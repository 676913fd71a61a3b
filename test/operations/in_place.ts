/** Comparing, changes in place, printing. */
import * as tilegrad from 'tilegrad';
import { ones, type Tensor, tensor, zeros } from 'tilegrad';
import { every, flags, inPlace, numeric } from './indexing_parts.js';
import {
  integers,
  kinds,
  leaf,
  type Misuse,
  notFinite,
  optionsOf,
  tensorArguments,
  wrong,
  x,
} from './misuse.js';
import type { Operation } from './operation.js';

const arithmetic = (
  name: string,
  call: (x: Tensor, other: never, options?: never) => unknown,
): Misuse[] => [
  ...inPlace((t) => call(t, wrong(1))),
  ...tensorArguments((t) => call(zeros([2, 3]), t), numeric),
  [() => call(zeros([2, 3]), wrong(ones([2]))), 'ERR_SHAPE', 'does not broadcast to [2, 3]'],
  [() => call(zeros([3]), wrong(ones([1, 3]))), 'ERR_SHAPE'],
  [
    () => call(ones([2], { dtype: 'int32' }), wrong(1.5)),
    'ERR_DTYPE',
    `[${name}] the result is float32`,
  ],
  [() => call(ones([2], { dtype: 'bfloat16' }), wrong(1)), 'ERR_DTYPE', ''],
  [() => call(zeros([2]), wrong(leaf)), 'ERR_STATE', 'lose the gradient'],
];

const alphas = (call: (x: Tensor, other: Tensor, options: never) => unknown): Misuse[] => [
  ...notFinite.map(
    (alpha): Misuse => [() => call(zeros([2]), ones([2]), wrong({ alpha })), 'ERR_ARGUMENT'],
  ),
  [() => call(zeros([2]), leaf, wrong({ alpha: 2 })), 'ERR_STATE', 'lose the gradient'],
];

const pairs = (call: (a: Tensor, b: Tensor) => unknown): Misuse[] => [
  ...tensorArguments((t) => call(t, x), every),
  ...tensorArguments((t) => call(x, t), every),
];

const tolerances = (name: string, call: (options: never) => unknown): Misuse[] => [
  ...optionsOf(name, call),
  ...flags('equalNan', call),
  ...[...notFinite, -1].flatMap((value): Misuse[] => [
    [() => call(wrong({ rtol: value })), 'ERR_ARGUMENT'],
    [() => call(wrong({ atol: value })), 'ERR_ARGUMENT'],
  ]),
];

const random = (call: (x: Tensor, options: never) => unknown, name: string): Misuse[] => [
  ...inPlace((t) => call(t, wrong({}))),
  ...optionsOf(name, (options) => call(zeros([2]), options)),
  [() => call(zeros([2]), wrong({ generator: 5 })), 'ERR_ARGUMENT', ''],
  [() => call(zeros([2], { dtype: 'int32' }), wrong({})), 'ERR_DTYPE', 'draws float32 or float64'],
];

export const changes: Record<string, Operation> = {
  equal: { misuse: pairs(tilegrad.equal), gradients: 'none' },
  allClose: {
    misuse: [
      ...pairs(tilegrad.allClose),
      ...tolerances('allClose', (options) => tilegrad.allClose(x, x, options)),
      [() => tilegrad.allClose(x, ones([2])), 'ERR_SHAPE', '[isclose] shapes'],
    ],
    gradients: 'none',
  },
  closeness: {
    misuse: [
      ...pairs(tilegrad.closeness),
      ...tolerances('closeness', (options) => tilegrad.closeness(x, x, options)),
      [() => tilegrad.closeness(x, ones([3])), 'ERR_SHAPE', 'shapes differ: [2, 3] and [3]'],
    ],
    gradients: 'none',
  },
  assertClose: {
    misuse: [
      ...pairs(tilegrad.assertClose),
      ...tolerances('assertClose', (options) => tilegrad.assertClose(x, x, options)),
      [() => tilegrad.assertClose(x, ones([3])), 'ERR_SHAPE', 'shapes differ'],
      [() => tilegrad.assertClose(x, integers), 'ERR_DTYPE', 'checkDtype: false'],
      [() => tilegrad.assertClose(x, zeros([2, 3])), 'ERR_STATE', '6 of 6 elements (100.0%)'],
    ],
    gradients: 'none',
  },
  copy_: {
    misuse: [
      ...inPlace((t) => tilegrad.copy_(t, tensor(1))),
      ...tensorArguments((t) => tilegrad.copy_(zeros([2]), t), every).slice(0, kinds.length),
      [() => tilegrad.copy_(zeros([2]), ones([3])), 'ERR_SHAPE'],
      [() => tilegrad.copy_(zeros([2]), ones([1, 2])), 'ERR_SHAPE'],
      [() => tilegrad.copy_(zeros([2]), leaf), 'ERR_STATE', 'lose the gradient'],
    ],
    gradients: 'none',
  },
  fill_: {
    misuse: [
      ...inPlace((t) => tilegrad.fill_(t, 1)),
      ...[undefined, null, '1', [1], x].map(
        (value): Misuse => [() => tilegrad.fill_(zeros([2]), wrong(value)), 'ERR_ARGUMENT'],
      ),
      [() => tilegrad.fill_(ones([2], { dtype: 'int8' }), 128), 'ERR_ARGUMENT', 'int8 can hold'],
    ],
    gradients: 'none',
  },
  zero_: { misuse: inPlace(tilegrad.zero_), gradients: 'none' },
  add_: {
    misuse: [
      ...arithmetic('add_', tilegrad.add_),
      ...alphas(tilegrad.add_),
      ...optionsOf('add_', (options) => tilegrad.add_(zeros([2]), 1, options)),
    ],
    gradients: 'none',
  },
  sub_: {
    misuse: [
      ...arithmetic('sub_', tilegrad.sub_),
      ...alphas(tilegrad.sub_),
      ...optionsOf('sub_', (options) => tilegrad.sub_(zeros([2]), 1, options)),
    ],
    gradients: 'none',
  },
  mul_: { misuse: arithmetic('mul_', tilegrad.mul_), gradients: 'none' },
  div_: { misuse: arithmetic('div_', tilegrad.div_), gradients: 'none' },
  clamp_: {
    misuse: [
      ...inPlace((t) => tilegrad.clamp_(t, { min: 0 })),
      [() => tilegrad.clamp_(zeros([2]), wrong({ low: 0 })), 'ERR_ARGUMENT', '[clamp]'],
      [() => tilegrad.clamp_(zeros([2]), {}), 'ERR_ARGUMENT', '[clamp]'],
      [() => tilegrad.clamp_(ones([2], { dtype: 'int32' }), { min: 0.5 }), 'ERR_DTYPE'],
      [() => tilegrad.clamp_(zeros([2]), { min: leaf }), 'ERR_STATE', 'lose the gradient'],
    ],
    gradients: 'none',
  },
  normal_: {
    misuse: [
      ...random((t, options) => tilegrad.normal_(t, 0, 1, options), 'normal_'),
      ...notFinite.map(
        (mean): Misuse => [() => tilegrad.normal_(zeros([2]), wrong(mean)), 'ERR_ARGUMENT'],
      ),
      [() => tilegrad.normal_(zeros([2]), 0, -1), 'ERR_ARGUMENT'],
    ],
    gradients: 'none',
  },
  uniform_: {
    misuse: [
      ...random((t, options) => tilegrad.uniform_(t, 0, 1, options), 'uniform_'),
      ...notFinite.map(
        (low): Misuse => [() => tilegrad.uniform_(zeros([2]), wrong(low)), 'ERR_ARGUMENT'],
      ),
      [() => tilegrad.uniform_(zeros([2]), 1, 0), 'ERR_ARGUMENT', 'low = 1 is above high = 0'],
    ],
    gradients: 'none',
  },
  setPrintOptions: {
    misuse: [
      ...optionsOf('setPrintOptions', (options) => tilegrad.setPrintOptions(options)),
      ...['precision', 'threshold', 'edgeItems', 'lineWidth'].flatMap((name) =>
        [null, '1', -1, 0.5, Number.NaN].map(
          (value): Misuse => [
            () => tilegrad.setPrintOptions({ [name]: wrong(value) }),
            'ERR_ARGUMENT',
            `${name} is a whole number`,
          ],
        ),
      ),
      ...[null, 'long', 5, 'toString'].map(
        (profile): Misuse => [
          () => tilegrad.setPrintOptions({ profile: wrong(profile) }),
          'ERR_ARGUMENT',
          'the profile',
        ],
      ),
      [() => tilegrad.setPrintOptions({ precision: 101 }), 'ERR_ARGUMENT'],
      [() => tilegrad.setPrintOptions({ sciMode: wrong(1) }), 'ERR_ARGUMENT', 'sciMode'],
    ],
    gradients: 'none',
  },
};
